"""How often a program or a partner may ask: a bucket of tokens for each, kept in this process.

Several processes each allow as much; a limit across them belongs into what stands before them.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from typing import Final

from ledger.errors import Refusal

MOST_KNOWN: Final = 10_000


class Limits:
    """`per_second` requests in the long run, `burst` at once."""

    def __init__(
        self, *, per_second: float = 50.0, burst: int = 200, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._per_second, self._burst, self._clock = per_second, float(burst), clock
        self._left: dict[str, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def take(self, who: str) -> None:
        """Refusal TooManyRequests, with the seconds after which there is one more."""
        now = self._clock()
        with self._lock:
            left, since = self._left.get(who, (self._burst, now))
            left = min(left + (now - since) * self._per_second, self._burst)
            if left < 1:
                raise Refusal("TooManyRequests", {"seconds": math.ceil((1 - left) / self._per_second)})
            if len(self._left) >= MOST_KNOWN:
                self._left.clear()
            self._left[who] = (left - 1, now)
