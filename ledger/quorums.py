"""k of n: the wallet of a registrar or a bank that wants the signatures of several people.

The wallet is a contract (ERC-1271) over OpenZeppelin's MultiSignerERC7913: its members are signers of any kind, its
signature is abi.encode(bytes[] signers, bytes[] signatures) in the order of the signers' hashes. Signatures are
gathered and checked here before the chain is asked. Members and threshold are the caller's to state, as the
contract has them; a member that is itself a contract cannot be checked off chain.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from eth_abi.abi import decode as abi_decode
from eth_abi.abi import encode as abi_encode
from eth_abi.exceptions import DecodingError
from eth_utils.crypto import keccak

from ledger.credentials import Verifiers, read_signer, require_signature
from ledger.errors import InputError, MalformedSignature, NotAMember, QuorumNotMet
from ledger.members import Agreement
from ledger.passkeys import RelyingParty
from ledger.signing import Domain

_ABI = ("bytes[]", "bytes[]")


@dataclass(frozen=True, slots=True)
class Quorum:
    """A wallet's members, as signer bytes, and how many of them must sign.

    InputError for a threshold that cannot be met, or a member named twice.
    """

    members: tuple[bytes, ...]
    threshold: int

    def __post_init__(self) -> None:
        if len(set(self.members)) != len(self.members):
            raise InputError("a member of a k-of-n wallet is named twice: name each signer once")
        if not 1 <= self.threshold <= len(self.members):
            raise InputError(
                f"{self.threshold} of {len(self.members)} signatures: expected a number from 1 to that of the members"
            )


def combined(signatures: Mapping[bytes, bytes], quorum: Quorum) -> bytes:
    """The wallet's signature out of its members', by signer. NotAMember, QuorumNotMet.

    Who signed what is not looked at: see `require_quorum`.
    """
    _require_members(tuple(signatures), quorum)
    ordered = sorted(signatures, key=keccak)
    return abi_encode(_ABI, [ordered, [signatures[signer] for signer in ordered]])


def require_quorum(
    signature: bytes,
    agreement: Agreement,
    quorum: Quorum,
    *,
    domain: Domain,
    verifiers: Verifiers,
    site: RelyingParty | None = None,
) -> None:
    """Nothing where enough members signed this agreement; else the first member's error, or MalformedSignature
    for another encoding or order, NotAMember, QuorumNotMet."""
    try:
        signers, signatures = abi_decode(_ABI, signature)
    except (DecodingError, OverflowError):
        signers, signatures = (), ()
    parts = dict(zip(signers, signatures, strict=False))
    if not parts or len(parts) != len(signers):
        raise MalformedSignature(f"{len(signature)} bytes that are no k-of-n signature: gather it anew")
    if combined(parts, quorum) != signature:
        raise MalformedSignature("a k-of-n signature in another order or encoding: gather it anew")
    for signer, part in parts.items():
        require_signature(read_signer(signer, verifiers), part, agreement, domain=domain, site=site)


def _require_members(signers: tuple[bytes, ...], quorum: Quorum) -> None:
    for signer in signers:
        if signer not in quorum.members:
            raise NotAMember(
                f"0x{signer.hex()} is not one of the {len(quorum.members)} members: leave it out"
            )
    if len(signers) < quorum.threshold:
        raise QuorumNotMet(f"{len(signers)} of {quorum.threshold} signatures: gather the others")
