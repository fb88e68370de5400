"""Who has to agree: what every agreement of both contracts has to pass, and what a new signer has to be.

A verb is judged in two steps. Its plan (in `party.py`, `line.py`, `life.py`, `payment.py`) checks what comes
before consents and names the duties: which party signs, in which capacity. Then deadline, number of consents and
each duty are checked, in that order, and what is left happens. Whether a signature is good is judged by the
chain; the model is told, one bool per duty.

This module never touches a key: a signer is a number that was used or was not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from ledger.agreements import Issue, PartyNumber, VoucherId
from ledger.calendar import Day, Timestamp, day_of
from ledger.errors import Refusal
from ledger.events import Event
from ledger.world import Role, SignerKind, Status, World

HIGHEST_SIGNATURE_GAS: Final = 500_000
ADDRESS_BYTES: Final = 20
HIGHEST_SIGNER_BYTES: Final = 1024


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
    """One consent that a verb wants. `to`: the funder that a SELL is to; whom a REGISTRAR must not be."""

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
        """The signer as the registry keeps it: its address, or the end of the hash of what is longer than one."""
        return int.from_bytes(keccak(self.signer)[-20:] if self.kind is SignerKind.VERIFIER else self.signer)

    @property
    def kind(self) -> SignerKind:
        """Key bytes behind an address make it a verifier's; else, without a gas cap, it is a wallet key."""
        if len(self.signer) > ADDRESS_BYTES:
            return SignerKind.VERIFIER
        return SignerKind.CONTRACT if self.signature_gas else SignerKind.WALLET

    @property
    def verifier(self) -> int:
        """The address that the signer begins with, as a number."""
        return int.from_bytes(self.signer[:ADDRESS_BYTES])


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What comes with an agreement: the block's timestamp, whether each consent is good (None: all that are
    asked for, as few as possible), the root id of the issue that is made or resupplied, that issue, and the hash
    of the code at a verifier's address (EXTCODEHASH; None: the one that the agreement names)."""

    timestamp: Timestamp
    consents: tuple[bool, ...] | None = None
    root: VoucherId | None = None
    issued: Issue | None = None
    code_hash: bytes | None = None

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


def registrar_signs(world: World, *, unless: PartyNumber = PartyNumber(0)) -> Duty:
    """The duty of whoever the registrar is, which is refused where that is `unless`."""
    return Duty(world.registry_settings.registrar, Need.REGISTRAR, to=unless)


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
        _require_claimable(world, plan.claim, today=call.today)
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
    if duty.need is Need.REGISTRAR and duty.party == duty.to:
        raise Refusal("ArbiterConcerned", {"party": duty.party})
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


def _require_claimable(world: World, claim: Claim, *, today: Day) -> None:
    length = len(claim.signer)
    if not ADDRESS_BYTES <= length <= HIGHEST_SIGNER_BYTES or claim.verifier == 0:
        raise Refusal("SignerNotAllowed", {"length": length})
    highest = HIGHEST_SIGNATURE_GAS
    if claim.kind is SignerKind.VERIFIER:
        listed = world.verifiers.get(claim.verifier)
        if listed is None or today < listed.active_on:
            raise Refusal("VerifierNotAllowed", {"verifier": address_text(claim.verifier)})
        highest = 0
    if claim.signature_gas > highest:
        raise Refusal("SignatureGasTooHigh", {"given": claim.signature_gas, "highest": highest})
    if claim.number in world.signers:
        raise Refusal("SignerInUse", {"party": world.signers[claim.number]})


def address_text(address: int) -> str:
    """An address as a refusal of the chain writes it."""
    return to_checksum_address(address.to_bytes(20))
