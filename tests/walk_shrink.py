"""A lost walk, done again with fewer and fewer of its steps, as long as it is lost in the same way.

    shrunk    the fewest steps that were found, as a story; None where doing it again does not lose it

Every step is judged anew by the model, so that steps that make no sense any more are refused on both sides and do no
harm. Contracts are deployed in the same order, and so lie where the signatures say. Nothing is drawn here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from random import Random
from typing import Final

from ledger.calendar import start_of_day
from tests.rig import Revm
from tests.stage import FIRST_DAY
from tests.walk_cast import Keyring
from tests.walk_compared import Compared, Lost
from tests.walk_lineage import Lineage
from tests.walk_story import Step

TRIES: Final = 400
"""Times that the walk is done again, at most."""


class _Again(Compared):
    """The steps of another walk, some of them left out."""

    def __init__(self, walk: Compared, steps: Sequence[Step]) -> None:
        super().__init__(walk.seed)
        self.rng = Random(walk.seed)
        lineage = Lineage(Revm(start=start_of_day(FIRST_DAY)))
        for code in walk.lineage.deployed[len(lineage.deployed) :]:
            try:
                lineage.engine.deploy(code)
            except RuntimeError:  # one that was refused then too
                continue
        lineage.planned = walk.lineage.doors[2:]
        lineage.signer_bytes = walk.lineage.signer_bytes
        ring = walk.ring
        self.ring = Keyring(lineage, ring.keys, ring.wallets, ring.verified, ring.sites)
        for step in steps:
            self._do(step)
        self.finish()

    def _do(self, step: Step) -> None:
        if step.kind == "go":
            self._travel(step.when)
        elif step.kind == "succeed":
            self._succeed()
        elif step.kind == "batch":
            self._batch(step.items, whole=step.whole, gas=step.gas, sender=step.sender)
        else:
            self._single(step.items[0], step.how, gas=step.gas)


def shrunk(walk: Compared, lost: Lost) -> str | None:
    """Halves of the steps are left out, then quarters, and so on to single steps and items of batches; what still
    loses the walk is kept."""
    told = _lost_again(walk, walk.steps, lost)
    if told is None:
        return None
    steps, tries = list(walk.steps), 1
    size = len(steps) // 2
    while size:
        smaller = False
        for fewer in _fewer(steps, size):
            again = _lost_again(walk, fewer, lost) if tries < TRIES else None
            tries += 1
            if again is not None:
                steps, told, smaller = fewer, again, True
                break
        if not smaller:
            size //= 2
    return told


def _fewer(steps: list[Step], size: int) -> Iterator[list[Step]]:
    """The steps without so many of them on end, from the last to the first; then without one item of a batch."""
    for at in range(len(steps) - size, -size, -size):
        yield steps[: max(at, 0)] + steps[at + size :]
    for at, step in enumerate(steps if size == 1 else ()):
        for place in range(len(step.items) if len(step.items) > 1 else 0):
            items = (*step.items[:place], *step.items[place + 1 :])
            yield [*steps[:at], step._replace(items=items), *steps[at + 1 :]]


def _lost_again(walk: Compared, steps: Sequence[Step], lost: Lost) -> str | None:
    """What the Lost says, where these steps lose the walk in the same way."""
    try:
        _Again(walk, steps)
    except Lost as again:
        return str(again) if _kind(again) == _kind(lost) else None
    except (LookupError, ValueError):  # a ledger or party that is not there this time
        return None
    return None


def _kind(lost: Lost) -> str:
    """What differs, apart from numbers."""
    return re.sub(r"0x[0-9a-fA-F]+|[0-9]+|\\x[0-9a-f]{2}", "#", "\n".join(lost.why.splitlines()[:2]))
