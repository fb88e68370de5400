"""Parties whose signer is a contract (ERC-1271), and what the hostile test wallet and verifier can be told to do."""

from __future__ import annotations

from typing import Any

from ledger.abi import creation_data
from ledger.agreements import Admit
from tests.rig import BANK, LATER, REGISTRAR, ZERO, Rig, compiled

YES = b"y"
BURN = b"b"
FICKLE = b"f"
"""Says yes the first time in a transaction, no from then on."""


def loud(size: int) -> bytes:
    """Says yes with an answer of so many bytes."""
    return b"l" + size.to_bytes(4)


def reverting(size: int) -> bytes:
    """Reverts with an answer of so many bytes."""
    return b"r" + size.to_bytes(4)


def calling(target: str, data: bytes) -> bytes:
    """Says yes unless the call that it makes first succeeds."""
    return b"c" + bytes.fromhex(target[2:]) + data


def deploy(rig: Rig, name: str, *args: Any) -> str:
    """Puts the test wallet of this name on the chain; gives its address."""
    return rig.engine.deploy(creation_data(compiled()[name], list(args)))


def admit_wallet(rig: Rig, party: int, name: str, *args: Any, cap: int, roles: int = 0) -> str:
    """Deploys the test wallet of this name and admits it as a party's signer; gives its address."""
    address = deploy(rig, name, *args)
    signer = bytes.fromhex(address[2:])
    rig.do(Admit(party, roles, BANK, cap, ZERO, LATER, signer), REGISTRAR, BANK, YES)  # type: ignore[arg-type]
    return address
