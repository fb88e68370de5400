"""How the process and its pipeline are doing, looked at once a second at most.

These three questions may be asked by anybody who reaches the port, so that asking them often must cost nothing: an
answer is kept for the second in which it was found, and while one caller looks the others get the one before.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar

from prometheus_client import generate_latest

from ledger import monitoring
from ledger.chain import Chain
from ledger.monitoring import Pipeline, Reason
from ledger.store import Store

LOG: Final = logging.getLogger("gateway.watch")
T = TypeVar("T")


class Watch:
    """Of one open installation. `troubles` gives what has stopped in this process; `depth`: blocks that the index
    leaves unread on purpose; `clock` Unix seconds."""

    def __init__(
        self,
        store: Store,
        chain: Chain,
        *,
        clock: Callable[[], int],
        depth: int = 0,
        numbers: Pipeline | None = None,
        troubles: Callable[[], Sequence[Reason]] = tuple,
    ) -> None:
        self._store, self._chain, self._clock, self._depth = store, chain, clock, depth
        self._troubles = troubles
        registry = (numbers or Pipeline(store, chain)).registry()
        self._health = _Look(self._find_health, clock)
        self._readiness = _Look(self._find_readiness, clock)
        self._numbers = _Look(lambda: generate_latest(registry), clock)

    def health(self) -> tuple[Reason, ...]:
        """Why a restart or a person is needed; empty: nothing is wrong with the process."""
        return self._health()

    def readiness(self) -> tuple[Reason, ...]:
        """Why work that is given now does not get through; empty: it does."""
        return self._readiness()

    def numbers(self) -> bytes:
        """The numbers in Prometheus' text form."""
        return self._numbers()

    def _find_health(self) -> tuple[Reason, ...]:
        return _told("not healthy", monitoring.health(self._store, self._chain).reasons)

    def _find_readiness(self) -> tuple[Reason, ...]:
        found = monitoring.readiness(self._store, self._chain, clock=self._clock, depth=self._depth)
        return _told("not ready", (*self._troubles(), *found.reasons))


class _Look(Generic[T]):
    """Finds something out, and keeps it for a second."""

    def __init__(self, find: Callable[[], T], clock: Callable[[], int]) -> None:
        self._find, self._clock = find, clock
        self._lock = threading.Lock()
        self._known: tuple[int, T] | None = None

    def __call__(self) -> T:
        known = self._known
        if known is not None and known[0] == self._clock():
            return known[1]
        if not self._lock.acquire(blocking=known is None):
            assert known is not None
            return known[1]
        try:
            if self._known is None or self._known[0] != self._clock():
                found = self._find()
                self._known = (self._clock(), found)
            return self._known[1]
        finally:
            self._lock.release()


def _told(what: str, reasons: Sequence[Reason]) -> tuple[Reason, ...]:
    """Answers name the reasons alone, for an error's words may have an address in them: the log has the words."""
    for each in reasons:
        LOG.warning("%s: %s: %s", what, each.name, each.what)
    return tuple(reasons)
