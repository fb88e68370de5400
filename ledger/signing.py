"""Agreements as bytes: EIP-712 typed data, digests, the ids that follow from them, signatures, call data.

The digest is worked out here member by member, just as the contracts do it. A signature is bound to one chain
and one contract by its `Domain`; an agreement of the registry is never hashed for the ledger. This module holds
no key (see `keys.py`), does not know whose address a signer is, and does not judge whether an agreement may
happen: that is for the contracts and `voucher.py`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Final

from eth_abi.abi import encode as abi_encode
from eth_keys.datatypes import PrivateKey, Signature
from eth_keys.exceptions import BadSignature
from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from eth_utils.exceptions import ValidationError

from ledger.agreements import (
    Admit,
    Agreement,
    CancelWhole,
    Issue,
    PromiseId,
    ProposeRekey,
    Rekey,
    RevokeIssue,
    VoucherId,
)
from ledger.errors import HighS, InputError, MalformedSignature
from ledger.members import Contract, Form, Member, Struct, members_of
from ledger.money import shown

VERSION: Final = "1"
NAMES: Final = {
    Contract.REGISTRY: "Tallystick Party Registry",
    Contract.LEDGER: "Tallystick Voucher Ledger CNY",
}
DOMAIN_MEMBERS: Final = (
    ("name", "string"),
    ("version", "string"),
    ("chainId", "uint256"),
    ("verifyingContract", "address"),
)
CURVE_ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
SAFE_INTEGER: Final = 2**53 - 1
"""The highest number that a wallet's JSON reader takes exactly."""


@dataclass(frozen=True, slots=True)
class Domain:
    """The one contract on the one chain that a signature is for. InputError for an impossible one."""

    contract: Contract
    chain_id: int
    verifying_contract: str

    def __post_init__(self) -> None:
        if not 0 < self.chain_id < 2**256:
            raise InputError(f"chain id {self.chain_id} is not a number from 1 to 2^256 - 1")
        if re.fullmatch(r"0x[0-9a-fA-F]{40}", self.verifying_contract) is None:
            raise InputError(
                f"contract address {shown(self.verifying_contract)}: expected 0x and 40 hex digits"
            )

    @property
    def name(self) -> str:
        """The contract's name in EIP-712."""
        return NAMES[self.contract]

    @property
    def address(self) -> ChecksumAddress:
        """The contract, with the check that EIP-55 writes into capital letters."""
        return to_checksum_address(self.verifying_contract)


# Typed data


def type_string(cls: type[Struct]) -> str:
    """The EIP-712 type with the types that it holds, these in alphabetical order."""
    items = sorted({m.item for m in members_of(cls) if m.item is not None}, key=lambda item: item.__name__)
    return "".join(
        f"{kind.__name__}({','.join(f'{m.solidity} {m.camel}' for m in members_of(kind))})"
        for kind in (cls, *items)
    )


def typed_data(agreement: Agreement, domain: Domain) -> dict[str, Any]:
    """The message for a wallet (eth_signTypedData_v4); numbers too high for its JSON reader are decimal text."""
    _require_same_contract(agreement, domain)
    kinds = [type(agreement), *(m.item for m in members_of(type(agreement)) if m.item is not None)]
    types = {
        kind.__name__: [{"name": m.camel, "type": m.solidity} for m in members_of(kind)] for kind in kinds
    }
    return {
        "types": {"EIP712Domain": [{"name": name, "type": kind} for name, kind in DOMAIN_MEMBERS], **types},
        "primaryType": type(agreement).__name__,
        "domain": {
            "name": domain.name,
            "version": VERSION,
            "chainId": _json_safe(domain.chain_id),
            "verifyingContract": domain.address,
        },
        "message": _message(agreement),
    }


def digest(agreement: Agreement, domain: Domain) -> bytes:
    """The 32 bytes that are signed. InputError where the domain is the other contract's."""
    _require_same_contract(agreement, domain)
    return keccak(b"\x19\x01" + _separator(domain) + _struct_hash(agreement))


def promise_id(issue: Issue, domain: Domain) -> PromiseId:
    """The id of the promise that an issue makes: the last 160 bits of its digest."""
    return PromiseId(int.from_bytes(digest(issue, domain)[-20:], "big"))


def root_id(issue: Issue, domain: Domain) -> VoucherId:
    """The id of the promise's first voucher: the promise, child 0."""
    return VoucherId(promise_id(issue, domain) << 96)


def child_id(voucher: VoucherId, sequence: int, part: int) -> VoucherId:
    """The id of part number `part` (from 0) of a split of `voucher` that names `sequence`."""
    words = b"".join(number.to_bytes(32, "big") for number in (voucher, sequence, part))
    return VoucherId(voucher >> 96 << 96 | int.from_bytes(keccak(words)[-12:], "big"))


def _require_same_contract(agreement: Agreement, domain: Domain) -> None:
    if agreement.contract is not domain.contract:
        raise InputError(
            f"{type(agreement).__name__} is for the {agreement.contract.value}, "
            f"the domain given is the {domain.contract.value}'s"
        )


@lru_cache(maxsize=64)
def _separator(domain: Domain) -> bytes:
    kind = f"EIP712Domain({','.join(f'{kind} {name}' for name, kind in DOMAIN_MEMBERS)})"
    hashes = b"".join(keccak(text=text) for text in (kind, domain.name, VERSION))
    contract = bytes.fromhex(domain.verifying_contract[2:])
    return keccak(hashes + domain.chain_id.to_bytes(32, "big") + contract.rjust(32, b"\0"))


@lru_cache(maxsize=64)
def _type_hash(cls: type[Struct]) -> bytes:
    return keccak(text=type_string(cls))


def _struct_hash(struct: Struct) -> bytes:
    kind: Any = type(struct)  # hashable, which its type does not say
    words = (_word(member, getattr(struct, member.name)) for member in members_of(kind))
    return keccak(_type_hash(kind) + b"".join(words))


def _word(member: Member, value: Any) -> bytes:
    match member.form:
        case Form.LIST:
            return keccak(b"".join(_struct_hash(item) for item in value))
        case Form.BYTES:
            return keccak(value)
        case Form.HASH | Form.ADDRESS:
            return bytes(value).rjust(32, b"\0")
    return int(value).to_bytes(32, "big")


def _message(struct: Struct) -> dict[str, object]:
    message: dict[str, object] = {}
    for member in members_of(type(struct)):
        value = getattr(struct, member.name)
        match member.form:
            case Form.LIST:
                message[member.camel] = [_message(item) for item in value]
            case Form.ADDRESS:
                message[member.camel] = to_checksum_address(value)
            case Form.HASH | Form.BYTES:
                message[member.camel] = "0x" + value.hex()
            case Form.FLAG:
                message[member.camel] = value
            case _:
                message[member.camel] = _json_safe(int(value))
    return message


def _json_safe(number: int) -> int | str:
    return number if number <= SAFE_INTEGER else str(number)


# Signatures


def sign(agreement: Agreement, domain: Domain, private_key: bytes) -> bytes:
    """The consent of a wallet key: r, s (low), v (27 or 28), 65 bytes. InputError for an unusable key."""
    try:
        signature = PrivateKey(private_key).sign_msg_hash(digest(agreement, domain))
    except (ValidationError, ValueError):
        raise InputError("this is no private key: 32 bytes between 1 and the curve's order") from None
    compact: bytes = signature.to_bytes()  # r, s, and a v that counts from 0
    return compact[:64] + bytes([27 + compact[64]])


def recover(agreement: Agreement, domain: Domain, signature: bytes) -> ChecksumAddress:
    """The address whose key signed. Refused is what the contracts would not take. MalformedSignature: another
    length than 65 bytes, a v other than 27 or 28, no point on the curve; HighS: the same signature written twice."""
    if len(signature) != 65:
        raise MalformedSignature(f"signature of {len(signature)} bytes: a wallet's has 65")
    r, s, v = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big"), signature[64]
    if v not in (27, 28):
        raise MalformedSignature(f"signature with v = {v}: expected 27 or 28")
    if s > CURVE_ORDER // 2:
        raise HighS("signature with a high s: sign again with a wallet that gives the low one (EIP-2)")
    try:
        key = Signature(vrs=(v - 27, r, s)).recover_public_key_from_msg_hash(digest(agreement, domain))
    except (BadSignature, ValidationError, ValueError):
        raise MalformedSignature("signature that no key can have made") from None
    return key.to_checksum_address()


# Call data


RESUPPLIED: Final = (CancelWhole, RevokeIssue)
"""The agreements whose verb wants the issue agreement besides, resupplied whole."""

WITH_NEW_SIGNER: Final = (Admit, Rekey, ProposeRekey)
"""The agreements whose last consent is the new signer's proof."""


def call_signature(cls: type[Agreement]) -> str:
    """The agreement's verb as a Solidity signature."""
    structs = [_tuple_type(cls), *([_tuple_type(Issue)] if cls in RESUPPLIED else [])]
    proof = ["bytes"] if cls in WITH_NEW_SIGNER else []
    return f"{cls.verb()}({','.join([*structs, 'bytes', *proof])})"


def calldata(agreement: Agreement, consents: Sequence[bytes], *, issued: Issue | None = None) -> bytes:
    """The call of the agreement's verb: selector, agreement, consents in the order of the verb's duties.

    The last consent of Admit, Rekey and ProposeRekey is the new signer's. `issued` is the issue agreement, which
    CancelWhole and RevokeIssue need; InputError where it is missing or not wanted.
    """
    cls = type(agreement)
    if (issued is None) == isinstance(agreement, RESUPPLIED):
        wants = (
            "needs the issue agreement, resupplied whole" if issued is None else "takes no issue agreement"
        )
        raise InputError(f"{cls.__name__} {wants}")
    structs: list[Struct] = [agreement] if issued is None else [agreement, issued]
    kinds = [*(_tuple_type(type(struct)) for struct in structs), "bytes"]
    values: list[object] = [_tuple(struct) for struct in structs]
    if isinstance(agreement, WITH_NEW_SIGNER):
        if not consents:
            raise InputError(f"{cls.__name__} needs the new signer's consent")
        kinds.append("bytes")
        values += [packed(consents[:-1]), consents[-1]]
    else:
        values.append(packed(consents))
    return _selector(call_signature(cls)) + abi_encode(kinds, values)


def packed(consents: Sequence[bytes]) -> bytes:
    """Consents as the contracts read them: two bytes of length, then the consent, one after another.

    InputError for one of more than 65,535 bytes.
    """
    for consent in consents:
        if len(consent) > 0xFFFF:
            raise InputError(f"a consent of {len(consent)} bytes: at most 65,535 fit")
    return b"".join(len(consent).to_bytes(2, "big") + consent for consent in consents)


def verifier_consent(signer: bytes, signature: bytes) -> bytes:
    """The consent of a party whose signer names a verifier: two bytes of length, signer bytes, signature.

    InputError for signer bytes that the registry takes for no verifier's: it takes 21 to 1,024.
    """
    if not 20 < len(signer) <= 1024:
        raise InputError(
            f"a signer of {len(signer):,} bytes: a verifier's address and its key have 21 to 1,024 together"
        )
    return len(signer).to_bytes(2, "big") + signer + signature


def batch_calldata(items: Sequence[bytes], all_or_nothing: bool) -> bytes:
    """The call of `batch` with these calls of verbs."""
    # As eth_abi encodes them, which takes eight times as long: the relay does this for all that it sends.
    places, encoded, place = list[bytes](), list[bytes](), 32 * len(items)
    for item in items:
        places.append(place.to_bytes(32))
        encoded.append(len(item).to_bytes(32) + item + bytes(-len(item) % 32))
        place += len(encoded[-1])
    head = (64).to_bytes(32) + all_or_nothing.to_bytes(32) + len(items).to_bytes(32)
    return b"".join([_selector("batch(bytes[],bool)"), head, *places, *encoded])


def complete_payment_calldata(voucher: VoucherId) -> bytes:
    """The call that completes a payment by silence; it has no agreement."""
    return _selector("completePayment(uint256)") + abi_encode(["uint256"], [voucher])


def declare_overdue_calldata(voucher: VoucherId) -> bytes:
    """The call that declares a voucher overdue; it has no agreement."""
    return _selector("declareOverdue(uint256)") + abi_encode(["uint256"], [voucher])


@cache
def _selector(signature: str) -> bytes:
    return keccak(text=signature)[:4]


def _tuple_type(cls: type[Struct]) -> str:
    members = (m.solidity if m.item is None else _tuple_type(m.item) + "[]" for m in members_of(cls))
    return f"({','.join(members)})"


def _tuple(struct: Struct) -> tuple[object, ...]:
    values = ((m, getattr(struct, m.name)) for m in members_of(type(struct)))
    return tuple([_tuple(item) for item in value] if m.item else value for m, value in values)
