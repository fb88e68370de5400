"""Who may act: the rules of the registry, and what every agreement of both contracts has to pass first.

A verb is judged in two steps. Its plan checks what comes before consents and names the duties: which party
signs, in which capacity. Then deadline, number of consents and each duty are checked, in that order, and what
is left happens. Whether a signature is good is judged by the chain; the model is told, one bool per duty.

This module never touches a key: a signer is a number that was used or was not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Final

from ledger.agreements import (
    Admit,
    FinishRekey,
    Issue,
    PartyNumber,
    ProposeRekey,
    Reinstate,
    Rekey,
    Suspend,
    VetoRekey,
    VoucherId,
    WithdrawRekey,
)
from ledger.calendar import Day, Timestamp, day_of
from ledger.errors import Refusal
from ledger.events import (
    Event,
    PartyAdmitted,
    PartyRekeyed,
    PartySuspension,
    RekeyProposed,
    RekeyVetoed,
    RekeyWithdrawn,
)
from ledger.world import REGISTRAR, Party, Recovery, Role, SignerKind, Status, World

HIGHEST_SIGNATURE_GAS: Final = 500_000
RECOVERY_DAYS: Final = 7
VETOED_RECOVERY_DAYS: Final = 30
SIGNER_BYTES: Final = 20


class Need(Enum):
    """In which capacity a party signs."""

    SIGN = auto()
    """Admitted, not suspended, no recovery under way."""
    DEFEND = auto()
    """Payment verbs and rescinding: status does not matter."""
    SELL = auto()
    """As SIGN, but a suspended party may still sell to its sponsor bank."""
    ISSUE = auto()
    BANK = auto()
    FUND = auto()
    ARBITRATE = auto()
    REGISTRAR = auto()
    """As SIGN; the party is whoever the registrar is."""


_ROLES: Final = {
    Need.ISSUE: Role.ISSUER,
    Need.BANK: Role.BANK,
    Need.FUND: Role.FUNDER,
    Need.ARBITRATE: Role.ARBITER,
}


@dataclass(frozen=True, slots=True)
class Duty:
    """One consent that a verb wants. `to`: the funder that a SELL is to."""

    party: PartyNumber
    need: Need
    to: PartyNumber = PartyNumber(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A signer that is to serve a party from now on; its own consent is the last one."""

    party: PartyNumber
    signer: bytes
    signature_gas: int

    @property
    def number(self) -> int:
        """The signer as the registry keeps it."""
        return int.from_bytes(self.signer)

    @property
    def kind(self) -> SignerKind:
        """Without a gas cap it is a wallet key."""
        return SignerKind.CONTRACT if self.signature_gas else SignerKind.WALLET


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What comes with an agreement: the block's timestamp, whether each consent is good (None: all that are
    asked for, as few as possible), the root id of the issue that is made or resupplied, and that issue."""

    timestamp: Timestamp
    consents: tuple[bool, ...] | None = None
    root: VoucherId | None = None
    issued: Issue | None = None

    @property
    def today(self) -> Day:
        """The day in China time."""
        return day_of(self.timestamp)


@dataclass(frozen=True, slots=True)
class Plan:
    """A verb that has passed its first checks: who has to sign, and what happens then."""

    duties: tuple[Duty, ...]
    act: Callable[[], tuple[Event, ...]]
    claim: Claim | None = None


REGISTRAR_SIGNS: Final = Duty(REGISTRAR, Need.REGISTRAR)


def signers_of(plan: Plan) -> tuple[PartyNumber, ...]:
    """Who signs, in the order of the consents; the last one of a claim is the new signer."""
    last = () if plan.claim is None else (plan.claim.party,)
    return (*(duty.party for duty in plan.duties), *last)


def agree(world: World, plan: Plan, *, deadline: int, call: Call) -> None:
    """Deadline, then each duty and its consent in turn; a Refusal names the first unmet.

    Too few consents show at the first duty without one, too many behind the last. A new signer's proof is
    the last of the consents and not counted among them.
    """
    if call.timestamp > deadline:
        raise Refusal("AgreementExpired", {"deadline": deadline, "timestamp": call.timestamp})
    consents = (True,) * len(signers_of(plan)) if call.consents is None else call.consents
    given = consents if plan.claim is None else consents[:-1]
    for place, duty in enumerate(plan.duties):
        _require_need(world, duty)
        if place >= len(given):
            raise Refusal("ConsentCount", {"expected": len(plan.duties), "given": len(given)})
        if not given[place]:
            raise Refusal("BadSignature", {"party": duty.party})
    if len(given) > len(plan.duties):
        raise Refusal("ConsentCount", {"expected": len(plan.duties), "given": len(given)})
    if plan.claim is not None:
        _require_claimable(world, plan.claim)
        if not all(consents[-1:]):
            raise Refusal("BadSignature", {"party": plan.claim.party})


def is_suspended(world: World, number: PartyNumber) -> bool:
    """An unknown party is not."""
    party = world.parties.get(number)
    return party is not None and bool(party.status & Status.SUSPENDED)


def silent_since(world: World, number: PartyNumber) -> Day | None:
    """The day from which a party's silence counts: 0 without a recovery, None while one is under way."""
    party = world.parties.get(number)
    if party is None:
        return Day(0)
    return None if party.status & Status.RECOVERING else party.recovered_on


def _require_need(world: World, duty: Duty) -> None:
    party = world.parties.get(duty.party)
    if party is None:
        raise Refusal("UnknownParty", {"party": duty.party})
    if duty.need is Need.DEFEND:
        return
    if party.status & Status.RECOVERING:
        raise Refusal("PartyRecovering", {"party": duty.party})
    sells_to_sponsor = duty.need is Need.SELL and duty.to == party.sponsor
    if party.status & Status.SUSPENDED and not sells_to_sponsor:
        raise Refusal("PartySuspended", {"party": duty.party})
    role = _ROLES.get(duty.need)
    if role is not None and not party.roles & role:
        raise Refusal("MissingRole", {"party": duty.party, "role": int(role)})


def _require_claimable(world: World, claim: Claim) -> None:
    if len(claim.signer) != SIGNER_BYTES or claim.number == 0:
        raise Refusal("SignerNotAllowed", {"length": len(claim.signer)})
    if claim.signature_gas > HIGHEST_SIGNATURE_GAS:
        raise Refusal("SignatureGasTooHigh", {"given": claim.signature_gas, "highest": HIGHEST_SIGNATURE_GAS})
    if claim.number in world.signers:
        raise Refusal("SignerInUse", {"party": world.signers[claim.number]})


# Verbs


def admit(world: World, a: Admit, call: Call) -> Plan:
    """Registrar, sponsor bank and the new signer make a party."""
    number = a.party
    if number == 0 or number in world.parties:
        raise Refusal("PartyNumberTaken", {"party": number})
    claim = Claim(party=number, signer=a.signer, signature_gas=a.signature_gas)

    def act() -> tuple[Event, ...]:
        return (
            PartyAdmitted(
                number,
                Role(a.roles),
                a.sponsor,
                claim.number,
                claim.kind,
                a.signature_gas,
                a.profile,
            ),
        )

    return Plan((REGISTRAR_SIGNS, Duty(a.sponsor, Need.BANK)), act, claim)


def stand(world: World, a: Suspend | Reinstate, call: Call) -> Plan:
    """The registrar suspends or reinstates a party."""
    number, suspended = a.party, isinstance(a, Suspend)

    def act() -> tuple[Event, ...]:
        if suspended and number == REGISTRAR:
            raise Refusal("RegistrarStays", {"party": number})
        party = _steady(world, number, a.sequence)
        if bool(party.status & Status.SUSPENDED) == suspended:
            raise Refusal("AlreadySuspended" if suspended else "NotSuspended", {"party": number})
        return (PartySuspension(number, party.sequence, suspended, a.reason),)

    return Plan((REGISTRAR_SIGNS,), act)


def rekey(world: World, a: Rekey, call: Call) -> Plan:
    """The old signer puts a new one in its place."""
    number = a.party
    claim = Claim(party=number, signer=a.signer, signature_gas=a.signature_gas)

    def act() -> tuple[Event, ...]:
        party = _advanced(world, number, a.sequence)
        return (
            PartyRekeyed(
                number, party.sequence, claim.number, claim.kind, a.signature_gas, party.recovered_on
            ),
        )

    return Plan((Duty(number, Need.SIGN),), act, claim)


def propose_rekey(world: World, a: ProposeRekey, call: Call) -> Plan:
    """Registrar and sponsor bank start a recovery."""
    number = a.party
    party = _steady(world, number, a.sequence)
    if party.sponsor == 0:
        raise Refusal("NoSponsor", {"party": number})
    claim = Claim(party=number, signer=a.signer, signature_gas=a.signature_gas)
    ready_on = Day(call.today + RECOVERY_DAYS)

    def act() -> tuple[Event, ...]:
        return (RekeyProposed(number, party.sequence, claim.number, claim.kind, a.signature_gas, ready_on),)

    return Plan((REGISTRAR_SIGNS, Duty(party.sponsor, Need.BANK)), act, claim)


def veto_rekey(world: World, a: VetoRekey, call: Call) -> Plan:
    """The old signer objects."""
    number = a.party

    def act() -> tuple[Event, ...]:
        party = _advanced(world, number, a.sequence)
        if _recovery(world, number).vetoed:
            raise Refusal("AlreadyVetoed", {"party": number})
        return (RekeyVetoed(number, party.sequence, Day(call.today + VETOED_RECOVERY_DAYS)),)

    return Plan((Duty(number, Need.DEFEND),), act)


def withdraw_rekey(world: World, a: WithdrawRekey, call: Call) -> Plan:
    """The proposers take a recovery back."""
    number = a.party
    party = _advanced(world, number, a.sequence)
    _recovery(world, number)
    return Plan(
        (REGISTRAR_SIGNS, Duty(party.sponsor, Need.BANK)),
        lambda: (RekeyWithdrawn(number, party.sequence, call.today),),
    )


def finish_rekey(world: World, a: FinishRekey, call: Call) -> Plan:
    """The recovered signer is put in place; after a veto with an arbiter, not the party or its sponsor."""
    number, arbiter = a.party, a.arbiter
    party = _advanced(world, number, a.sequence)
    recovery = _recovery(world, number)
    if call.today < recovery.ready_on:
        raise Refusal("RecoveryNotReady", {"readyOn": recovery.ready_on, "today": call.today})
    if recovery.vetoed != (arbiter != 0):
        raise Refusal("ArbiterExpected", {"vetoed": recovery.vetoed, "arbiter": arbiter})
    if recovery.vetoed and arbiter in (number, party.sponsor, REGISTRAR):
        raise Refusal("ArbiterConcerned", {"arbiter": arbiter})

    def act() -> tuple[Event, ...]:
        return (
            PartyRekeyed(
                number,
                party.sequence,
                recovery.signer,
                recovery.kind,
                recovery.signature_gas,
                call.today,
            ),
        )

    return Plan((Duty(arbiter, Need.ARBITRATE),) if recovery.vetoed else (), act)


def _steady(world: World, number: PartyNumber, sequence: int) -> Party:
    """Not while a recovery is under way: whoever moves the sequence then would outrun the old signer's veto."""
    party = _advanced(world, number, sequence)
    if party.status & Status.RECOVERING:
        raise Refusal("PartyRecovering", {"party": number})
    return party


def _advanced(world: World, number: PartyNumber, sequence: int) -> Party:
    """The party with its sequence consumed."""
    party = world.parties.get(number)
    if party is None:
        raise Refusal("UnknownParty", {"party": number})
    if party.sequence != sequence:
        raise Refusal("WrongSequence", {"id": number, "given": sequence, "present": party.sequence})
    return replace(party, sequence=sequence + 1)


def _recovery(world: World, number: PartyNumber) -> Recovery:
    if number not in world.recoveries:
        raise Refusal("NoRecovery", {"party": number})
    return world.recoveries[number]
