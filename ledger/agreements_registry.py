"""What parties sign for the registry: admission, standing, keys, the verifiers' allow-list, the registrar's office.

The other half of `agreements.py`, which gives these names on: what is said there holds here. Import from there.
"""

from __future__ import annotations

from dataclasses import dataclass

from ledger.members import (
    ContractAddress,
    Deadline,
    Hash32,
    Number32,
    Party,
    RegistryAgreement,
    Roles,
    Signer,
)

__all__ = ["AcceptHandOver", "Admit", "FinishRekey", "HandOver", "ListVerifier", "ProposeRekey"]
__all__ += ["Reinstate", "Rekey", "Suspend", "VetoRekey", "WithdrawRekey"]


# Parties and keys


@dataclass(frozen=True, slots=True)
class Admit(RegistryAgreement):
    """A party is admitted.

    `signer`: 20 bytes, an address, of a wallet key (`signature_gas` 0) or of a contract (then the gas cap of its
    ERC-1271 check); or 21 to 1,024 bytes, an ERC-7913 verifier's address and key bytes (`signature_gas` 0: the
    cap stands in the allow-list).
    """

    party: Party
    roles: Roles
    sponsor: Party
    signature_gas: Number32
    profile: Hash32
    deadline: Deadline
    signer: Signer


@dataclass(frozen=True, slots=True)
class _Standing(RegistryAgreement):
    party: Party
    sequence: Number32
    reason: Hash32
    deadline: Deadline


@dataclass(frozen=True, slots=True)
class Suspend(_Standing):
    """A party loses its right to issue, receive and move."""


@dataclass(frozen=True, slots=True)
class Reinstate(_Standing):
    """A suspension ends."""


@dataclass(frozen=True, slots=True)
class _NewSigner(RegistryAgreement):
    party: Party
    sequence: Number32
    signature_gas: Number32
    deadline: Deadline
    signer: Signer


@dataclass(frozen=True, slots=True)
class Rekey(_NewSigner):
    """The old signer hands over to a new one, at once."""


@dataclass(frozen=True, slots=True)
class ProposeRekey(_NewSigner):
    """Registrar and sponsor bank start the recovery of a lost key."""


@dataclass(frozen=True, slots=True)
class _RekeyAnswer(RegistryAgreement):
    party: Party
    sequence: Number32
    deadline: Deadline


@dataclass(frozen=True, slots=True)
class VetoRekey(_RekeyAnswer):
    """The old signer objects to a recovery."""


@dataclass(frozen=True, slots=True)
class WithdrawRekey(_RekeyAnswer):
    """Registrar and sponsor bank take a recovery back."""


@dataclass(frozen=True, slots=True)
class FinishRekey(RegistryAgreement):
    """The recovered signer is put in place. `arbiter` 0 where there was no veto."""

    party: Party
    sequence: Number32
    arbiter: Party
    deadline: Deadline


# Settings


@dataclass(frozen=True, slots=True)
class ListVerifier(RegistryAgreement):
    """The registrar puts an ERC-7913 verifier on the allow-list for good, with the gas cap of one check.

    `code_hash`: of the verifier's code, keccak-256. From the seventh day on it may be named by new signers.
    """

    sequence: Number32
    verifier: ContractAddress
    signature_gas: Number32
    code_hash: Hash32
    deadline: Deadline


@dataclass(frozen=True, slots=True)
class HandOver(RegistryAgreement):
    """The registrar offers its office to `to`; to itself: an offer is taken back."""

    sequence: Number32
    to: Party
    deadline: Deadline


@dataclass(frozen=True, slots=True)
class AcceptHandOver(RegistryAgreement):
    """Who was offered the registrar's office takes it, from the seventh day on."""

    sequence: Number32
    deadline: Deadline
