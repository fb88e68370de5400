"""What walks have met: how often each verb succeeded, under which locks, how often it was refused and with which error.

    missing   what a run of this length ought to have met and has not

Nothing is walked here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from ledger.world import Lock
from tests.walk import Walk
from tests.walk_reading import errors
from tests.walk_verbs import VERBS

BY_OPENZEPPELIN: Final = frozenset({"InvalidShortString", "StringTooLong"})
"""Of its EIP-712 code, for names of more than 31 bytes; ours are shorter."""
ENOUGH_FOR_VERBS: Final = 20_000
ENOUGH_FOR_ERRORS: Final = 200_000
"""Steps from which on a verb that never succeeded, or an error that never came, fails a run."""


@dataclass(slots=True)
class Coverage:
    """Counted over any number of walks. `signed`: consents that were made, by kind of signer; `ledgers`: walks by
    the number of ledgers that they ended with."""

    steps: int = 0
    done: Counter[str] = field(default_factory=Counter)
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)
    under: Counter[tuple[str, Lock]] = field(default_factory=Counter)
    signed: Counter[str] = field(default_factory=Counter)
    ledgers: Counter[int] = field(default_factory=Counter)

    def add(self, walk: Walk, steps: int) -> None:
        """One more walk of so many steps."""
        one = Coverage(steps, walk.done, walk.refused, walk.under, walk.ring.made)
        self.join(one)
        self.ledgers[walk.lineage.newest] += 1

    def join(self, other: Coverage) -> None:
        """What another run has met."""
        self.steps += other.steps
        self.done.update(other.done)
        self.refused.update(other.refused)
        self.under.update(other.under)
        self.signed.update(other.signed)
        self.ledgers.update(other.ledgers)

    @property
    def errors(self) -> Counter[str]:
        """Refusals by error."""
        found: Counter[str] = Counter()
        for (_, error), count in self.refused.items():
            found[error] += count
        return found

    def missing(self) -> list[str]:
        """Empty where the run was too short to tell."""
        wrong = []
        if self.steps >= ENOUGH_FOR_VERBS:
            wrong += [f"{verb} never succeeded" for verb in sorted(VERBS - set(self.done))]
        if self.steps >= ENOUGH_FOR_ERRORS:
            wrong += [f"{error} never came" for error in sorted(self.unseen())]
        return wrong

    def unseen(self) -> set[str]:
        """The contracts' errors that never came."""
        return {str(entry["name"]) for entry in errors().values()} - BY_OPENZEPPELIN - set(self.errors)

    def table(self) -> str:
        """One line per verb: successes, the number of lock states in which it succeeded, refusals by error."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield f"{'verb':<17}{'done':>9}{'states':>8}{'refused':>9}  by error"
        for verb in sorted({verb for verb, _ in self.refused} | set(self.done)):
            why = Counter({error: count for (of, error), count in self.refused.items() if of == verb})
            states = sum(1 for of, _ in self.under if of == verb)
            said = ", ".join(f"{error} {count:,}" for error, count in why.most_common())
            yield f"{verb:<17}{self.done[verb]:>9,}{states or '':>8}{why.total():>9,}  {said}"
        consents = self.signed.total() or 1
        kinds = ", ".join(f"{kind} {count / consents:.1%}" for kind, count in self.signed.most_common())
        yield f"consents made: {consents:,}: {kinds}"
        walks = ", ".join(f"{count:,} with {ledgers}" for ledgers, count in sorted(self.ledgers.items()))
        yield f"walks by ledgers in succession: {walks}"
        unseen = ", ".join(sorted(self.unseen()))
        yield f"errors met: {len(self.errors)}; of the contracts' not met: {unseen or 'none'}"
