"""Signers of several members (`Signatories`), and the members: wallet keys, contract wallets, keys of other kinds.

As in `verifying.py` everything is encoded here a second time on purpose. Nothing is judged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from eth_abi.abi import encode as abi_encode
from eth_keys.datatypes import PrivateKey
from eth_utils.crypto import keccak

from ledger.agreements import Admit, Agreement
from ledger.signing import Domain, digest
from tests.contract.verifying import Held
from tests.contract.wallets import deploy
from tests.rig import BANK, LATER, REGISTRAR, ZERO, Rig

SEVERAL_CAP = 500_000


@dataclass(frozen=True)
class Owned:
    """A contract wallet (`OwnedWallet`) as a member: its address, and its owner's key."""

    address: str
    owner: PrivateKey


Member = PrivateKey | Held | Owned


def member_signer(member: Member) -> bytes:
    """The member as the wallet knows it."""
    match member:
        case Held():
            return member.signer
        case Owned():
            return bytes.fromhex(member.address[2:])
    return bytes(member.public_key.to_canonical_address())


def member_signature(member: Member, hash_: bytes) -> bytes:
    """What the member gives for these 32 bytes."""
    if isinstance(member, Held):
        return member.key.sign(hash_)
    key = member.owner if isinstance(member, Owned) else member
    signature = key.sign_msg_hash(hash_)
    return signature.to_bytes()[:64] + bytes([signature.v + 27])


@dataclass(frozen=True)
class Several:
    """Those members who sign now; `together` puts their signatures in the order that costs least."""

    members: tuple[Member, ...]

    def consent(self, agreement: Agreement, domain: Domain) -> bytes:
        return together(self.members, digest(agreement, domain))


def together(members: Sequence[Member], hash_: bytes) -> bytes:
    """The signature of the wallet: who signs, and what each gives."""
    in_order = sorted(members, key=lambda member: keccak(member_signer(member)))
    return packed([(member_signer(each), member_signature(each, hash_)) for each in in_order])


def packed(pairs: Sequence[tuple[bytes, bytes]]) -> bytes:
    """Members and signatures side by side, as they stand."""
    return abi_encode(["bytes[]", "bytes[]"], [[who for who, _ in pairs], [given for _, given in pairs]])


def deploy_several(rig: Rig, members: Sequence[Member], threshold: int) -> str:
    """Puts a wallet of these members on the chain; gives its address."""
    return deploy(rig, "Signatories", [member_signer(member) for member in members], threshold)


def admission_of(wallet: str, number: int, **terms: Any) -> Admit:
    values: dict[str, Any] = {"roles": 0, "signature_gas": SEVERAL_CAP} | terms
    signer = bytes.fromhex(wallet[2:])
    return Admit(number, sponsor=BANK, profile=ZERO, deadline=LATER, signer=signer, **values)  # type: ignore[arg-type]


def admit_several(
    rig: Rig,
    number: int,
    members: Sequence[Member],
    threshold: int,
    *,
    signing: Sequence[Member],
    **terms: Any,
) -> str:
    """Admits a party of these members, for which from now on those sign that are signing; gives the wallet."""
    wallet = deploy_several(rig, members, threshold)
    signers = Several(tuple(signing))
    rig.do(admission_of(wallet, number, **terms), REGISTRAR, BANK, signers)
    rig.signers[number] = signers
    return wallet
