"""Requests and quotes as those read them who may: the holder once they are open, a funder its own alone, the issuer
those that it is asked about.

A page is read in a fixed number of queries. Prices are worked out from the quote each time, and stored nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from ledger import discount
from ledger.agreements import VoucherId
from ledger.discount import Price, Quote
from ledger.money import Fen
from ledger.negotiation.access import Caller
from ledger.negotiation.quoting import is_open, sale_of
from ledger.negotiation.setting import Setting
from ledger.quote_tables import QuoteAskedRow, QuoteRequestRow, QuoteRow
from ledger.signing import child_id
from ledger.tables import PromiseRow, VoucherRow
from ledger.world import promise_of

Found = tuple[QuoteRequestRow, QuoteRow]


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteView:
    """A quote with what it comes to. `annual_cost`: percent a year, interest and fee together; `voucher` the one that
    is sold; `status`: open, withdrawn, expired or accepted."""

    request: QuoteRequestRow
    row: QuoteRow
    quote: Quote
    price: Price
    annual_cost: Decimal
    voucher: VoucherId
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestView:
    """A request with the promise that it is about. `quotes` None while they are sealed, and for whom they are not;
    `funders`: whom the holder asked, empty for a funder."""

    row: QuoteRequestRow
    promise: PromiseRow
    tier: int
    sold: VoucherId
    status: str
    funders: Sequence[int]
    quotes: Sequence[QuoteView] | None


def asked_by(
    session: Session, setting: Setting, caller: Caller, *, limit: int, before: int | None = None
) -> list[RequestView]:
    """A page of the requests that the caller's organisation made, the newest first; their quotes are not read."""
    query = select(QuoteRequestRow).where(QuoteRequestRow.organisation == caller.organisation)
    if before is not None:
        query = query.where(QuoteRequestRow.number < before)
    rows = list(session.scalars(query.order_by(QuoteRequestRow.number.desc()).limit(limit)))
    return _requests(session, setting, rows, asker=True)


def asking(
    session: Session, setting: Setting, caller: Caller, *, limit: int, before: int | None = None
) -> list[RequestView]:
    """A page of the requests that ask the caller's party, the newest first."""
    query = (
        select(QuoteRequestRow)
        .join(QuoteAskedRow, QuoteAskedRow.request == QuoteRequestRow.number)
        .where(QuoteAskedRow.funder == (caller.party or 0))
    )
    if before is not None:
        query = query.where(QuoteRequestRow.number < before)
    rows = list(session.scalars(query.order_by(QuoteRequestRow.number.desc()).limit(limit)))
    return _requests(session, setting, rows, asker=False)


def request_view(session: Session, setting: Setting, request: QuoteRequestRow, *, asker: bool) -> RequestView:
    """One request; for its asker with the quotes, once they are open, the most cash first."""
    (view,) = _requests(session, setting, [request], asker=asker)
    if not asker or not is_open(request, now=setting.chain_clock()):
        return view
    query = select(QuoteRow).where(QuoteRow.request == request.number, ~QuoteRow.withdrawn)
    found = [quote_view(setting, request, row) for row in session.scalars(query)]
    found.sort(key=lambda each: (-each.price.proceeds, each.row.funder))
    return RequestView(
        row=view.row,
        promise=view.promise,
        tier=view.tier,
        sold=view.sold,
        status=view.status,
        funders=view.funders,
        quotes=found,
    )


def quotes_by(
    session: Session, setting: Setting, caller: Caller, *, limit: int, before: int | None = None
) -> list[QuoteView]:
    """A page of the quotes that the caller's organisation gave, those on the newest requests first."""
    query = (
        select(QuoteRequestRow, QuoteRow)
        .join(QuoteRow, QuoteRow.request == QuoteRequestRow.number)
        .where(QuoteRow.organisation == caller.organisation)
    )
    if before is not None:
        query = query.where(QuoteRow.request < before)
    found = session.execute(query.order_by(QuoteRow.request.desc()).limit(limit))
    return [quote_view(setting, request, row) for request, row in found]


def quotes_for_issuer(
    session: Session, setting: Setting, caller: Caller, *, limit: int, after: tuple[int, int] | None = None
) -> list[QuoteView]:
    """A page of the quotes whose interest the caller's party is, or was, asked to bear, the newest requests first.

    `after`: request and funder of the last one of the page before.
    """
    query = (
        select(QuoteRequestRow, QuoteRow)
        .join(QuoteRow, QuoteRow.request == QuoteRequestRow.number)
        .where(QuoteRow.issuer == (caller.party or 0), QuoteRow.interest.is_not(None))
    )
    if after is not None:
        request, funder = after
        query = query.where(
            or_(QuoteRow.request < request, and_(QuoteRow.request == request, QuoteRow.funder > funder))
        )
    found = session.execute(query.order_by(QuoteRow.request.desc(), QuoteRow.funder).limit(limit))
    return [quote_view(setting, request, row) for request, row in found]


def quote_view(setting: Setting, request: QuoteRequestRow, row: QuoteRow) -> QuoteView:
    """One quote."""
    quote = discount.from_json(row.quote)
    price = discount.price(Fen(request.amount), quote)
    status = "open"
    if row.withdrawn:
        status = "withdrawn"
    elif row.offer is not None:
        status = "accepted"
    elif row.expires_at < setting.chain_clock():
        status = "expired"
    return QuoteView(
        request=request,
        row=row,
        quote=quote,
        price=price,
        annual_cost=discount.annual_cost(price, quote),
        voucher=sale_of(request, row).discount.voucher,
        status=status,
    )


def _requests(
    session: Session, setting: Setting, rows: Sequence[QuoteRequestRow], *, asker: bool
) -> list[RequestView]:
    now = setting.chain_clock()
    promises = {(row.contract, promise_of(row.voucher)) for row in rows}
    found = session.scalars(
        select(PromiseRow).where(PromiseRow.promise.in_([promise for _, promise in promises]))
    )
    by_key = {(each.contract, each.promise): each for each in found}
    tiers = _tiers(session, rows)
    funders: dict[int, list[int]] = {row.number: [] for row in rows}
    if asker:
        query = select(QuoteAskedRow).where(QuoteAskedRow.request.in_(funders))
        for asked in session.scalars(query.order_by(QuoteAskedRow.request, QuoteAskedRow.funder)):
            funders[asked.request].append(asked.funder)
    views = []
    for row in rows:
        status = "opened" if is_open(row, now=now) else "sealed"
        part = row.amount != row.face
        views.append(
            RequestView(
                row=row,
                promise=by_key[row.contract, promise_of(row.voucher)],
                tier=tiers[row.contract, row.voucher],
                sold=child_id(row.voucher, row.sequence, 0) if part else row.voucher,
                status="cancelled" if row.cancelled_at is not None else status,
                funders=funders[row.number],
                quotes=None,
            )
        )
    return views


def _tiers(session: Session, rows: Sequence[QuoteRequestRow]) -> Mapping[tuple[str, VoucherId], int]:
    """Hops from the issuer: a voucher's never changes while it is held, and a part that is sold keeps it."""
    query = select(VoucherRow.contract, VoucherRow.voucher, VoucherRow.tier)
    found = session.execute(query.where(VoucherRow.voucher.in_({row.voucher for row in rows})))
    return {(row.contract, row.voucher): row.tier for row in found}
