"""What a call on a walk answered: reverts as the refusals that users get, as `Rig` has them, but found by selector."""

from __future__ import annotations

from functools import cache
from typing import Final

from eth_abi.abi import decode as abi_decode
from eth_utils.abi import collapse_if_tuple
from eth_utils.crypto import keccak

from ledger.abi import decode_revert
from ledger.artifacts import CONTRACTS
from ledger.errors import Refusal
from tests.rig import Sent, compiled

_REFUSED: Final = keccak(text="Refused(uint256,bytes)")


@cache
def errors() -> dict[bytes, dict[str, object]]:
    """Every custom error of both contracts, by selector, as its ABI has it."""
    entries = [
        entry for name in reversed(CONTRACTS) for entry in compiled()[name].abi if entry["type"] == "error"
    ]
    found: dict[bytes, dict[str, object]] = {}
    for entry in entries:
        types = ",".join(collapse_if_tuple(part) for part in entry["inputs"])
        found.setdefault(keccak(text=f"{entry['name']}({types})")[:4], dict(entry))
    return found


def refusal_of(output: bytes) -> Refusal:
    """The refusal in revert data."""
    entry = errors().get(output[:4])
    return decode_revert(output, [[entry]] if entry else [])


def refused_items(sent: Sent) -> dict[int, Refusal]:
    """The items of a batch that were refused, by index."""
    found = {}
    for _, topics, data in sent.logs:
        if topics[0] == _REFUSED:
            index, reason = abi_decode(["uint256", "bytes"], data)
            found[index] = refusal_of(reason)
    return found
