"""What the registry says has happened. How this is logged and summed up: `events.py`; import from there."""

from __future__ import annotations

from dataclasses import dataclass

from ledger.agreements import PartyNumber
from ledger.calendar import Day
from ledger.world import Role, SignerKind


@dataclass(frozen=True, slots=True)
class PartyAdmitted:
    party: PartyNumber
    roles: Role
    sponsor: PartyNumber
    signer: int
    kind: SignerKind
    signature_gas: int
    profile: bytes


@dataclass(frozen=True, slots=True)
class PartySuspension:
    party: PartyNumber
    sequence: int
    suspended: bool
    reason: bytes


@dataclass(frozen=True, slots=True)
class PartyRekeyed:
    party: PartyNumber
    sequence: int
    signer: int
    kind: SignerKind
    signature_gas: int
    recovered_on: Day


@dataclass(frozen=True, slots=True)
class RekeyProposed:
    party: PartyNumber
    sequence: int
    signer: int
    kind: SignerKind
    signature_gas: int
    ready_on: Day


@dataclass(frozen=True, slots=True)
class RekeyVetoed:
    party: PartyNumber
    sequence: int
    ready_on: Day


@dataclass(frozen=True, slots=True)
class RekeyWithdrawn:
    party: PartyNumber
    sequence: int
    recovered_on: Day


@dataclass(frozen=True, slots=True)
class VerifierListed:
    verifier: int
    sequence: int
    signature_gas: int
    code_hash: bytes
    active_on: Day


@dataclass(frozen=True, slots=True)
class HandOverProposed:
    to: PartyNumber
    sequence: int
    ready_on: Day


@dataclass(frozen=True, slots=True)
class HandOverAccepted:
    registrar: PartyNumber
    sequence: int


RegistryEvent = (
    PartyAdmitted | PartySuspension | PartyRekeyed | RekeyProposed | RekeyVetoed | RekeyWithdrawn
    | VerifierListed | HandOverProposed | HandOverAccepted
)  # fmt: skip
