"""Events with their place on the chain, and what each leaves in the history of its voucher.

    Happening      a decoded event, where it stands, and when
    journal_logs   of some logs those that are entries of the journal
    history_row    the row of `voucher_history` that an event leaves

What an event says beside its own fields (the voucher as it is afterwards) is handed in; nothing is folded here, and
nothing is read or written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from ledger.agreements import VoucherId
from ledger.calendar import Day, Timestamp, day_of
from ledger.chain import Log
from ledger.columns import BIGGEST
from ledger.events import EVENTS, OUTSIDE_JOURNAL, Event
from ledger.tables import HistoryRow
from ledger.world import Voucher

# Where the different events say who else, how much, and which hash: the first that an event has.
_WHO: Final = ("recipient", "supplier", "funder", "pledgee", "payee", "arbiter", "by", "payer")
_HOW_MUCH: Final = ("amount", "secured", "face")
_WHICH: Final = ("fingerprint", "quote", "filing", "payment_reference", "reason", "ruling", "order", "terms")
HISTORY: Final = tuple(column.name for column in HistoryRow.__table__.columns)
"""The columns of a history row, in the order of `history_row`."""


class Happening(NamedTuple):
    """A decoded event and where it stands on the chain. A tuple, for the reason that a `Log` is one."""

    event: Event
    block: int
    log_index: int
    tx_hash: bytes
    timestamp: Timestamp

    @property
    def day(self) -> Day:
        """The block's day in China time."""
        return day_of(self.timestamp)


def journal_logs(logs: Iterable[Log]) -> list[Log]:
    """The logs that are entries of the journal: all but `Refused` and ERC-721's `Transfer`."""
    return [log for log in logs if not log.topics or log.topics[0] not in OUTSIDE_JOURNAL]


@dataclass(frozen=True, slots=True)
class _Said:
    """How an event type says who else, how much, and which hash; None where it does not."""

    who: Callable[[Any], int] | None
    how_much: Callable[[Any], int] | None
    which: Callable[[Any], bytes] | None


def _said(event: type) -> _Said:
    def first(names: tuple[str, ...]) -> Callable[[Any], Any] | None:
        there = [name for name in names if name in event.__match_args__]  # type: ignore[attr-defined]
        return attrgetter(there[0]) if there else None

    return _Said(first(_WHO), first(_HOW_MUCH), first(_WHICH))


OF_VOUCHERS: Final = MappingProxyType(
    {
        form.event: _said(form.event)
        for form in EVENTS.values()
        if "voucher" in form.event.__match_args__  # type: ignore[attr-defined]
    }
)
"""Every event that leaves a row in a voucher's history."""


def history_row(
    contract: str,
    happening: Happening,
    number: VoucherId,
    after: Voucher | None,
    *,
    day: Day,
    other: VoucherId | None,
) -> tuple[Any, ...]:
    """The row that an event leaves in a voucher's history, just as the database keeps it.

    `after`: the voucher then. `day`: the block's. `other`: the part that came of it, or of which it came.
    """
    event, kind = happening.event, type(happening.event)
    said = OF_VOUCHERS[kind]
    state = (
        (None,) * 5
        if after is None
        else (_fens(after.face), after.holder, after.tier, int(after.locks), after.sequence)
    )
    return (
        contract,
        f"0x{number:064x}",
        happening.block,
        happening.log_index,
        kind.__name__,
        day,
        hash_text(happening.tx_hash),
        said.who(event) if said.who else None,
        _fens(said.how_much(event)) if said.how_much else None,
        f"0x{said.which(event).hex()}" if said.which else None,
        None if other is None else f"0x{other:064x}",
        *state,
    )


@lru_cache(maxsize=16)
def hash_text(value: bytes) -> str:
    """As `hex_of`; of a transaction, for all the rows that it leaves."""
    return "0x" + value.hex()


def _fens(amount: int) -> int:
    """An amount as `columns.Fens` keeps it."""
    return amount if amount < BIGGEST else amount - 2 * BIGGEST
