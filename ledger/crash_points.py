"""The places at which relay, indexer and gateway may be killed, by name, so that tests can walk all of them.

The flows call `reach` where a step has just been taken or is about to be. In production that does nothing. A test
puts a hook in that raises, or kills the process. Nothing here decides, records or logs anything.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

RELAY_POINTS: Final = (
    "relay: batch claimed",  # batch, transaction and items are committed, nothing was handed over
    "relay: sending marked",
    "relay: node took it",  # and its answer is not recorded
    "relay: sight marked",
    "relay: replacement signed",  # a dearer transaction of the same nonce is committed, not handed over
    "relay: gap claimed",  # a filler for a hole in the nonces is committed
    "relay: receipt read",
    "relay: batch judged",  # and no verdict is recorded
    "relay: verdicts recorded",
    "relay: batch reopened",  # its block had gone
    "relay: about to end",
    "relay: ended",  # final is final
)
INDEX_POINTS: Final = (
    "index: blocks read",
    "index: about to commit",
    "index: committed",
    "index: rewound",
)
REQUEST_POINTS: Final = (
    "request: begun",  # the name is ours, nothing was done
    "request: done",  # and neither the change nor its answer is committed
    "request: committed",  # and nobody has the answer
)

hook: Callable[[str], None] | None = None
"""What a test wants to happen at a crash point."""


def reach(name: str) -> None:
    """Says that the flow is at this crash point."""
    if hook is not None:
        hook(name)
