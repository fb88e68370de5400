"""What cannot follow on what is known: an unknown subject, a sequence that jumps, more taken than there is.

Nothing is judged against a rule here: an event that no run of the contracts can have given is a VerificationError
that names what is known and what the event says.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from ledger.errors import VerificationError

K = TypeVar("K")
V = TypeVar("V")


def known(records: Mapping[K, V], key: K, what: str) -> V:
    """The record, which has to be there."""
    if key not in records:
        raise VerificationError(f"an event names an unknown {what}: {key}")
    return records[key]


def next_sequence(present: int, given: int, what: str) -> int:
    """The sequence that an event says, which has to be one more than the present one."""
    if given != present + 1:
        raise VerificationError(f"{what} is at sequence {present}: an event with {given} cannot follow")
    return given


def less(present: int, taken: int, what: str) -> int:
    """What is left; fen or a count."""
    if taken > present:
        raise VerificationError(f"{what} is {present}: {taken} cannot be taken from it")
    return present - taken
