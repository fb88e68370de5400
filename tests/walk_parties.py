"""What is proposed to the registry on a walk: parties, keys, verifiers, the registrar's office.

As in `walk_verbs.py`: mostly something that fits the World, and often something that just misses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ledger.agreements import (
    AcceptHandOver,
    Admit,
    FinishRekey,
    HandOver,
    ListVerifier,
    ProposeRekey,
    Reinstate,
    Rekey,
    Suspend,
    VetoRekey,
    WithdrawRekey,
)
from ledger.world import Role, Status
from tests.walk_draws import Draws, Proposal

HIGHEST_COUNT = 30
"""Parties; then numbers are drawn that are taken."""


@dataclass(slots=True)
class PartyVerbs(Draws):
    """The registry's verbs."""

    def _of(self, number: Any) -> int:
        party = self.world.parties.get(number)
        return self.sequence(party.sequence if party else 1)

    def _sponsor(self, number: Any) -> int:
        party = self.world.parties.get(number)
        return party.sponsor if party and party.sponsor else 2

    def _admit(self) -> Proposal:
        parties = self.world.parties
        full = self.rarely(0.1) or len(parties) > HIGHEST_COUNT
        number = self.party() if full else len(parties) + 9
        claim, cap, signer = self.new_signer()
        roles = self.rng.choice([0, 0, 1, 4, 8, 5, 6, 10, 12, 15])
        sponsor = self.party(Role.BANK)
        agreement = Admit(number, roles, sponsor, cap, self.word(), self.deadline(), signer)  # type: ignore[arg-type]
        return Proposal(agreement, (self.registrar, sponsor), claim=claim)

    def _standing(self, kind: type[Suspend] | type[Reinstate], suspended: bool) -> Proposal:
        fit = [n for n, p in self.world.parties.items() if bool(p.status & Status.SUSPENDED) == suspended]
        shown = self.world.vouchers.get(self.focus)  # type: ignore[call-overload]
        sold_to = [v.funder for v in self.world.vouchers.values() if v.funder in fit]
        sold_to = [shown.funder or shown.holder] if shown else sold_to
        number = self.one_of(sold_to if sold_to and self.rarely(0.4) else fit)
        return Proposal(kind(number, self._of(number), self.word(), self.deadline()), (self.registrar,))

    def _suspend(self) -> Proposal:
        return self._standing(Suspend, False)

    def _reinstate(self) -> Proposal:
        return self._standing(Reinstate, True)

    # ------------------------------------------------------------ keys

    def _rekey(self) -> Proposal:
        number, (claim, cap, signer) = self.party(), self.new_signer()
        return Proposal(Rekey(number, self._of(number), cap, self.deadline(), signer), (number,), claim=claim)

    def _propose_rekey(self) -> Proposal:
        claim, cap, signer = self.new_signer()
        shown = self.world.payments.get(self.focus)  # type: ignore[call-overload]
        payees = [shown.payee] if shown else [payment.payee for payment in self.world.payments.values()]
        number = self.rng.choice(payees) if payees and self.rarely(0.6) else self.party()
        new = ProposeRekey(number, self._of(number), cap, self.deadline(), signer)
        return Proposal(new, (self.registrar, self._sponsor(number)), claim=claim)

    def _recovering(self) -> Any:
        return self.one_of(list(self.world.recoveries))

    def _veto_rekey(self) -> Proposal:
        number = self._recovering()
        return Proposal(VetoRekey(number, self._of(number), self.deadline()), (number,))

    def _withdraw_rekey(self) -> Proposal:
        number = self._recovering()
        new = WithdrawRekey(number, self._of(number), self.deadline())
        return Proposal(new, (self.registrar, self._sponsor(number)))

    def _finish_rekey(self) -> Proposal:
        number = self._recovering()
        recovery = self.world.recoveries.get(number)
        vetoed = bool(recovery and recovery.vetoed) != self.rarely()
        arbiter: Any = (self.party() if self.rarely(0.3) else self.party(Role.ARBITER)) if vetoed else 0
        new = FinishRekey(number, self._of(number), arbiter, self.deadline())
        return Proposal(new, (arbiter,) if vetoed else ())

    # ------------------------------------------------------------ settings

    def _settled(self) -> int:
        return self.sequence(self.world.registry_settings.sequence)

    def _list_verifier(self) -> Proposal:
        address, cap = self.verifier()
        code_hash = self.ring.lineage.code_hash(address.to_bytes(20))
        code_hash = self.word() if self.rarely(0.1) else code_hash
        cap = self.rng.choice([0, 500_001]) if self.rarely(0.1) else cap
        new = ListVerifier(self._settled(), address.to_bytes(20), cap, code_hash, self.deadline())
        return Proposal(new, (self.registrar,))

    def _hand_over(self) -> Proposal:
        office = self.world.registry_settings
        fit = [n for n, p in self.world.parties.items() if not p.roles and n != office.registrar]
        to = office.registrar if self.rarely(0.2) else self.party() if self.rarely(0.2) else self.one_of(fit)
        return Proposal(HandOver(self._settled(), to, self.deadline()), (office.registrar,))

    def _accept_hand_over(self) -> Proposal:
        to = self.world.registry_settings.next_registrar or self.party()
        return Proposal(AcceptHandOver(self._settled(), self.deadline()), (to,))
