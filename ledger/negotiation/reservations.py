"""What of a line is still free: limit − drawn − reserved, in fen.

Reserved is a sum and no counter: the faces of those issues that are offered under the line, or under a sub-line of it,
and have neither landed nor come to nothing. So what is reserved comes back exactly once, by whatever way the offer
ends, and there is nothing to give back. An issue has landed (or was revoked) when its root voucher is in the rows; the
index writes that row and the line's drawn sum in one commit, so that no face is ever counted twice or not at all.

Who offers holds the rows of line and parent line while he looks, so that two offers cannot promise the same headroom.
Whoever goes to the chain directly asks nobody here: then the contract's LimitExceeded comes back on the offer.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import BigInteger, and_, cast, exists, func, or_, select
from sqlalchemy.orm import Session

from ledger.agreements import LineId
from ledger.errors import Refusal
from ledger.offer_tables import OfferRow
from ledger.outbox import GONE
from ledger.outbox_tables import OutboxRow
from ledger.tables import LineRow, VoucherRow


@dataclass(frozen=True, slots=True)
class Headroom:
    """One line, its own sums alone. Amounts in fen; `available` is never negative."""

    line: LineId
    limit: int
    drawn: int
    reserved: int

    @property
    def available(self) -> int:
        """What can still be offered under this line, its parent apart."""
        return max(self.limit - self.drawn - self.reserved, 0)


def reserve(session: Session, ledger: str, line: LineId, *, face: int, now: int) -> LineRow:
    """Holds the line and its parent until the transaction ends, and looks whether the face fits both; gives the line.

    Refusal LimitExceeded, naming the first of the two that is short, with what is available once what others were
    offered is taken off; UnknownLine.
    """
    held = _held(session, ledger, line)
    for row in held:
        free = headroom_of(session, ledger, row, now=now).available
        if face > free:
            raise Refusal("LimitExceeded", {"line": int(row.line), "asked": face, "available": free})
    return held[0]


def hold_lines(session: Session, ledger: str, lines: Collection[LineId]) -> None:
    """Holds these lines, then their parents, until the transaction ends: an order that all who hold several keep."""
    found = [_hold(session, ledger, line) for line in sorted(lines)]
    for parent in sorted({row.parent for row in found if row is not None and row.parent is not None}):
        _hold(session, ledger, parent)


def headroom_of(session: Session, ledger: str, row: LineRow, *, now: int) -> Headroom:
    """The sums of one line. `now`: the chain's time, at which open offers may have expired."""
    return headrooms(session, ledger, [row], now=now)[row.line]


def headrooms(
    session: Session, ledger: str, rows: Collection[LineRow], *, now: int
) -> Mapping[LineId, Headroom]:
    """The sums of several lines of one ledger, in two queries."""
    sums = _reserved(session, ledger, [row.line for row in rows], now)
    return {row.line: Headroom(row.line, row.limit, row.drawn, sums.get(row.line, 0)) for row in rows}


def _held(session: Session, ledger: str, line: LineId) -> list[LineRow]:
    found = _hold(session, ledger, line)
    if found is None:
        raise Refusal("UnknownLine", {"line": int(line)})
    parent = None if found.parent is None else _hold(session, ledger, found.parent)
    return [found] if parent is None else [found, parent]


def _hold(session: Session, ledger: str, line: LineId) -> LineRow | None:
    key = (ledger, line)
    return session.get(LineRow, key, with_for_update=True, populate_existing=True)


def _reserved(session: Session, ledger: str, lines: Collection[LineId], now: int) -> dict[LineId, int]:
    sums: dict[LineId, int] = {}
    for column in (OfferRow.line, OfferRow.parent):
        query = (
            select(column, func.sum(cast(OfferRow.face, BigInteger)))
            .outerjoin(OutboxRow, OutboxRow.number == OfferRow.item)
            .where(
                OfferRow.contract == ledger,
                column.in_(lines),
                ~OfferRow.closed,
                or_(
                    and_(OfferRow.status.in_(("open", "recalling")), OfferRow.expires_at >= now),
                    and_(OfferRow.status == "complete", OutboxRow.status.not_in(GONE)),
                ),
                ~exists().where(VoucherRow.contract == ledger, VoucherRow.voucher == OfferRow.root),
            )
            .group_by(column)
        )
        for line, total in session.execute(query):
            if line is not None:
                sums[line] = sums.get(line, 0) + int(total)
    return sums
