"""A member with bits beyond its type is refused, although everybody has signed exactly that.

A peer accepted amounts that were none. Here a verb reads members one by one, and so checks each where it reads it: this
is the test that none is forgotten. The deadline is the exception: higher bits only make it later. Wallets cannot even
make such an agreement, so it is built here by hand.
"""

from __future__ import annotations

from typing import Any

import pytest
from eth_keys.datatypes import PrivateKey
from eth_utils.crypto import keccak

from ledger.agreements import AGREEMENTS, Agreement
from ledger.errors import Refusal
from ledger.events import journal_start
from ledger.members import Contract, Form, Member, members_of
from ledger.signing import RESUPPLIED, call_signature, packed, type_string
from tests.contract.ready import READY, Ready
from tests.rig import Rig

UNBOUNDED = {"uint256", "bytes32"}
BY_NAME = {kind.__name__: kind for kind in AGREEMENTS}


def bits(member: Member) -> int:
    """How many bits a member has at most."""
    if member.form in (Form.FLAG, Form.PURPOSE):
        return 1
    return 160 if member.form is Form.ADDRESS else int(member.solidity.removeprefix("uint"))


FLAT = [
    name
    for name in READY
    if BY_NAME[name] not in RESUPPLIED
    and not any(member.form in (Form.LIST, Form.BYTES) for member in members_of(BY_NAME[name]))
]
"""The agreements that have neither lists nor bytes, and that come alone."""
MEMBERS = [
    pytest.param(name, place, id=f"{name}.{member.name}")
    for name in FLAT
    for place, member in enumerate(members_of(BY_NAME[name])[:-1])
    if member.solidity not in UNBOUNDED
]


def words_of(agreement: Agreement) -> list[int]:
    def word(value: Any) -> int:
        return int.from_bytes(value) if isinstance(value, bytes) else int(value)

    return [word(getattr(agreement, member.name)) for member in members_of(type(agreement))]


def send(rig: Rig, ready: Ready, words: list[int]) -> None:
    """Sends these words in the place of the agreement's, signed as they are by all who have to."""
    kind = type(ready.agreement)
    encoded = b"".join(word.to_bytes(32) for word in words)
    struct = keccak(keccak(text=type_string(kind)) + encoded)
    digest = keccak(b"\x19\x01" + journal_start(rig.domain(kind.contract)) + struct)
    consents = packed([signature(rig, each, digest) for each in ready.signers])
    start = len(encoded) + 32
    tail = len(consents).to_bytes(32) + consents + bytes(-len(consents) % 32)
    data = keccak(text=call_signature(kind))[:4] + encoded + start.to_bytes(32) + tail
    rig.send(rig.address(kind.contract), data)


def signature(rig: Rig, signer: int | PrivateKey, digest: bytes) -> bytes:
    key = rig.keys[signer] if isinstance(signer, int) else signer
    compact = key.sign_msg_hash(digest).to_bytes()
    return bytes(compact[:64]) + bytes([27 + compact[64]])


@pytest.mark.parametrize("name", FLAT)
def test_built_by_hand_and_fitting_it_lands(rig: Rig, name: str) -> None:
    ready = READY[name](rig)
    head = rig.head(ready.agreement.contract)
    send(rig, ready, words_of(ready.agreement))
    assert rig.head(ready.agreement.contract) != head


@pytest.mark.parametrize(("name", "place"), MEMBERS)
def test_a_member_that_does_not_fit_its_type_lands_never(rig: Rig, name: str, place: int) -> None:
    ready = READY[name](rig)
    member = members_of(type(ready.agreement))[place]
    heads = [rig.head(contract) for contract in Contract]
    for bit in (bits(member), 255):
        words = words_of(ready.agreement)
        words[place] |= 1 << bit
        with pytest.raises(Refusal):
            send(rig, ready, words)
    assert [rig.head(contract) for contract in Contract] == heads
