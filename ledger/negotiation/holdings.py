"""Vouchers and lines as their parties read them.

    vouchers_of   the vouchers that a caller may see, page by page
    voucher_of    one of them
    provenance    the way from the promise to the voucher, as far as the caller took part in it
    lines_of      the credit lines that a caller may see, with what is free

Who passed a voucher on sees what it was until then, and not where it went: `Standing.FORMER` is shown no present
holder, face or lock. Of the hops before its own a holder sees tier, day and transaction, so that the way to the issuer
is whole and can be checked on the chain, but nobody's name or amount. Issuer and bank see all that stands under their
promise or line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sqlalchemy import Select, and_, bindparam, literal, select
from sqlalchemy.orm import Session

from ledger.agreements import LineId, PartyNumber, VoucherId
from ledger.negotiation.access import SEES_VOUCHER, Caller, asking, not_found, sees_line
from ledger.negotiation.reservations import Headroom, headrooms
from ledger.negotiation.setting import Setting
from ledger.pin import Pin
from ledger.tables import HistoryRow, LineRow, PledgeRow, PromiseRow, VoucherRow
from ledger.world import bank_of

DEEPEST: Final = 256
"""Hops that a voucher can have at most: its tier has eight bits, and parts to oneself are followed as far."""


class Standing(StrEnum):
    """What the caller is to a voucher."""

    HOLDER = "holder"
    ISSUER = "issuer"
    BANK = "bank"
    CONCERNED = "concerned"
    FORMER = "former"


@dataclass(frozen=True, slots=True, kw_only=True)
class VoucherView:
    """A voucher and its promise as the caller may see them."""

    ledger: str
    row: VoucherRow
    promise: PromiseRow
    standing: Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One step of a voucher's way. From whom, to whom and how much: None where that is a neighbour's affair."""

    voucher: VoucherId | None
    event: str
    day: int
    tx_hash: bytes
    tier: int | None
    holder: PartyNumber | None
    party: PartyNumber | None
    amount: int | None


def vouchers_of(
    session: Session,
    setting: Setting,
    caller: Caller,
    *,
    limit: int,
    after: VoucherId | None = None,
    held: bool = False,
    pin: Pin | None = None,
) -> list[VoucherView]:
    """A page of the caller's vouchers of one ledger (the newest), by id. `held`: only those that it holds now and that
    have not ended."""
    pin = pin or setting.pin
    page = {"limit": limit, "after": after or VoucherId(0), **asking(caller, pin)}
    return [_view(caller, pin, *found) for found in session.execute(_HELD if held else _SEEN, page)]


def voucher_of(session: Session, setting: Setting, caller: Caller, number: VoucherId) -> VoucherView:
    """One voucher, of whichever ledger has it; Refusal NotFound."""
    for pin in reversed(setting.pins):
        found = session.execute(_ONE, {"number": number, **asking(caller, pin)}).one_or_none()
        if found is not None:
            return _view(caller, pin, *found)
    raise not_found("voucher")


def _with_promise() -> Select[VoucherRow, PromiseRow, int]:
    """The vouchers of a ledger, each with its promise and its pledgee (NULL: none)."""
    same = (PromiseRow.contract == VoucherRow.contract, PromiseRow.promise == VoucherRow.promise)
    pledged = (PledgeRow.contract == VoucherRow.contract, PledgeRow.voucher == VoucherRow.voucher)
    return (
        select(VoucherRow, PromiseRow, PledgeRow.pledgee)
        .join(PromiseRow, and_(*same))
        .outerjoin(PledgeRow, and_(*pledged))
        .where(VoucherRow.contract == bindparam("caller_ledger"))
    )


_ONE: Final = _with_promise().where(VoucherRow.voucher == bindparam("number"), SEES_VOUCHER)
_PAGE: Final = (
    _with_promise()
    .where(VoucherRow.voucher > bindparam("after"))
    .order_by(VoucherRow.voucher)
    .limit(bindparam("limit"))
)
_SEEN: Final = _PAGE.where(SEES_VOUCHER)
_HELD: Final = _PAGE.where(VoucherRow.holder == bindparam("caller_party"), VoucherRow.ended_as.is_(None))


def _view(
    caller: Caller, pin: Pin, voucher: VoucherRow, promise: PromiseRow, pledgee: int | None
) -> VoucherView:
    party = caller.party
    if voucher.holder == party:
        standing = Standing.HOLDER
    elif promise.issuer == party:
        standing = Standing.ISSUER
    elif bank_of(promise.line) == party:
        standing = Standing.BANK
    elif party in (voucher.funder, pledgee):
        standing = Standing.CONCERNED
    else:
        standing = Standing.FORMER
    return VoucherView(ledger=pin.ledger, row=voucher, promise=promise, standing=standing)


def provenance(session: Session, caller: Caller, view: VoucherView) -> list[Hop]:
    """The voucher's way from its issue on, the oldest first: of its ancestors what led to it, then its own history."""
    ways = _ancestors(session, view)
    whole = view.standing in (Standing.ISSUER, Standing.BANK)
    asked = {"ledger": view.ledger, "numbers": [each for each, _ in ways]}
    rows: dict[VoucherId, list[HistoryRow]] = {number: [] for number, _ in ways}
    for row in session.scalars(_HISTORY, asked):
        rows[row.voucher].append(row)
    hops: list[Hop] = []
    concerned = False  # funder or pledgee: from its own first step on it sees what becomes of the voucher
    for number, child in ways:
        holder: int | None = None
        for row in rows[number]:
            parting = child is not None and row.name == "Parted" and row.other == child
            before, holder = holder, row.holder if row.holder is not None else holder
            own = number == view.row.voucher
            moved = row.name in ("Issued", "Transferred") or parting
            took_part = caller.party in (before, row.holder, row.party) and caller.party is not None
            concerned = concerned or (own and took_part and view.standing is Standing.CONCERNED)
            shown = whole or took_part or concerned
            if not moved and not (own and shown):
                continue  # what earlier holders did with it
            if own and view.standing is Standing.FORMER and not took_part:
                continue
            hops.append(_hop(row, shown=shown))
            if parting:
                break
    return hops


_HISTORY: Final = (
    select(HistoryRow)
    .where(
        HistoryRow.contract == bindparam("ledger"),
        HistoryRow.voucher.in_(bindparam("numbers", expanding=True)),
    )
    .order_by(HistoryRow.block, HistoryRow.log_index)
)


def _ancestors(session: Session, view: VoucherView) -> list[tuple[VoucherId, VoucherId | None]]:
    """The voucher and those that it came from, the root first, each with the next of them."""
    numbers = [view.row.voucher]
    if view.row.parent is not None:
        numbers = list(session.scalars(_WAY, {"ledger": view.ledger, "number": view.row.voucher}))
    return list(zip(numbers, [*numbers[1:], None], strict=True))


def _way() -> Select[VoucherId]:
    ledger = VoucherRow.contract == bindparam("ledger")
    own = select(VoucherRow.voucher, VoucherRow.parent, literal(0).label("hops")).where(
        ledger, VoucherRow.voucher == bindparam("number")
    )
    way = own.cte("way", recursive=True)
    further = select(VoucherRow.voucher, VoucherRow.parent, way.c.hops + 1).where(
        ledger, VoucherRow.voucher == way.c.parent, way.c.hops < DEEPEST
    )
    way = way.union_all(further)
    return select(way.c.voucher).order_by(way.c.hops.desc())


_WAY: Final = _way()


def _hop(row: HistoryRow, *, shown: bool) -> Hop:
    return Hop(
        voucher=row.voucher if shown else None,
        event=row.name,
        day=row.day,
        tx_hash=row.tx_hash,
        tier=row.tier,
        holder=PartyNumber(row.holder) if shown and row.holder else None,
        party=PartyNumber(row.party) if shown and row.party else None,
        amount=row.amount if shown else None,
    )


# Lines


@dataclass(frozen=True, slots=True, kw_only=True)
class LineView:
    """A line with its sums, and which of the two, line or parent line, leaves less. `blocked`: why nothing can be
    promised under it, whatever is available."""

    ledger: str
    row: LineRow
    headroom: Headroom
    parent: Headroom | None
    blocked: Sequence[str]

    @property
    def available(self) -> int:
        """Fen that can be promised under the line now, its parent line counted."""
        return min(each.available for each in self._both)

    @property
    def binding(self) -> LineId:
        """The line whose limit is the nearer one."""
        return min(self._both, key=lambda each: each.available).line

    @property
    def _both(self) -> Sequence[Headroom]:
        return [self.headroom] if self.parent is None else [self.headroom, self.parent]


def lines_of(
    session: Session,
    setting: Setting,
    caller: Caller,
    *,
    limit: int,
    after: LineId | None = None,
    only: LineId | None = None,
    parent: LineId | None = None,
) -> list[LineView]:
    """A page of the lines of the newest ledger that the caller may see, by id; with `parent` its sub-lines."""
    ledger, now = setting.pin.ledger, setting.chain_clock()
    query = select(LineRow).where(LineRow.contract == ledger, sees_line(caller)).order_by(LineRow.line)
    if only is not None:
        query = query.where(LineRow.line == only)
    if parent is not None:
        query = query.where(LineRow.parent == parent)
    if after is not None:
        query = query.where(LineRow.line > after)
    rows = list(session.scalars(query.limit(limit)))
    known = {row.line: row for row in rows}
    missing = {row.parent for row in rows if row.parent is not None} - known.keys()
    if missing:
        query = select(LineRow).where(LineRow.contract == ledger, LineRow.line.in_(missing))
        known |= {row.line: row for row in session.scalars(query)}
    sums = headrooms(session, ledger, list(known.values()), now=now)
    return [
        LineView(
            ledger=ledger,
            row=row,
            headroom=sums[row.line],
            parent=None if row.parent is None else sums[row.parent],
            blocked=_blocked(row, known.get(row.parent or LineId(0)), today=setting.today),
        )
        for row in rows
    ]


def _blocked(row: LineRow, parent: LineRow | None, *, today: int) -> list[str]:
    both = [("", row)] if parent is None else [("", row), ("parent ", parent)]
    return [
        whose + why
        for whose, each in both
        for why, holds in (("frozen", each.frozen), ("expired", each.expiry < today))
        if holds
    ]


def line_of(session: Session, setting: Setting, caller: Caller, line: LineId) -> LineView:
    """One line; Refusal NotFound."""
    found = lines_of(session, setting, caller, limit=1, only=line)
    if not found:
        raise not_found("line")
    return found[0]
