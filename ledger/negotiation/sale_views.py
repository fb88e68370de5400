"""Where a sale is: from the offers that were signed for it, and from what happened to the voucher since.

    open → signed → on chain → cash asserted → contested | confirmed → complete
    refused | declined | expired | recalled          it came to nothing
    rescinded                                        it was on the chain, and has ended without cash
    ended                                            the voucher was settled or cancelled before the sale was paid

Nothing of this is stored: an offer says whether it is signed and what the relay made of it, the voucher's history
says the rest. Holder and funder read the same, for as long as the sale lasts; what the funder does with the voucher
later is shown to nobody here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from ledger.members import Purpose, VoucherId
from ledger.negotiation.access import Caller, not_found
from ledger.negotiation.offer_views import ON_CHAIN, OfferView, views
from ledger.negotiation.offers import COMPLETE
from ledger.negotiation.openings import contents
from ledger.negotiation.quote_views import QuoteView, quote_view
from ledger.negotiation.setting import Setting
from ledger.offer_tables import OfferRow
from ledger.quote_tables import OfferInOrderRow, QuoteRequestRow, QuoteRow
from ledger.tables import HistoryRow, PaymentRow
from ledger.world import Lock

SIGNED = "signed"


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleView:
    """A sale. `offers`: what is signed, in its order; `payment`: the last that was asserted; `contest_reason` as it was
    given, where it was given here."""

    quote: QuoteView
    offers: Sequence[OfferView]
    stage: str
    payment: PaymentRow | None
    contest_reason: str | None


def sales_of(
    session: Session, setting: Setting, caller: Caller, *, limit: int, before: int | None = None
) -> list[SaleView]:
    """A page of the sales in which the caller sells or buys, the newest first, in eight queries at most."""
    query = _concerning(caller)
    if before is not None:
        query = query.where(QuoteRow.offer < before)
    found = session.execute(query.order_by(QuoteRow.offer.desc()).limit(limit))
    return _views(session, setting, caller, [(request, row) for request, row in found])


def sale_view(session: Session, setting: Setting, caller: Caller, quote_id: str) -> SaleView:
    """One sale, by the id of its quote; Refusal NotFound."""
    found = session.execute(_concerning(caller).where(QuoteRow.id == quote_id)).one_or_none()
    if found is None:
        raise not_found("sale")
    return _views(session, setting, caller, [(found[0], found[1])])[0]


def _concerning(caller: Caller) -> Any:
    return (
        select(QuoteRequestRow, QuoteRow)
        .join(QuoteRow, QuoteRow.request == QuoteRequestRow.number)
        .where(
            QuoteRow.offer.is_not(None),
            or_(
                QuoteRequestRow.organisation == caller.organisation,
                QuoteRow.organisation == caller.organisation,
            ),
        )
    )


def _views(
    session: Session, setting: Setting, caller: Caller, found: Sequence[tuple[QuoteRequestRow, QuoteRow]]
) -> list[SaleView]:
    sold = [int(row.offer or 0) for _, row in found]
    before = {
        each.second: each.first
        for each in session.scalars(select(OfferInOrderRow).where(OfferInOrderRow.second.in_(sold)))
    }
    rows = session.scalars(select(OfferRow).where(OfferRow.number.in_({*sold, *before.values()})))
    offers = {each.row.number: each for each in views(session, list(rows), now=setting.chain_clock())}
    quotes = [quote_view(setting, request, row) for request, row in found]
    since = _since_sold(session, quotes)
    payments = _payments(session, quotes, since)
    reasons = contents(session, {each.contest_reason for each in payments.values() if each.contest_reason})
    told = []
    for quote, number in zip(quotes, sold, strict=True):
        whole = [offers[each] for each in (before.get(number), number) if each is not None]
        payment = payments.get(quote.row.id)
        hashed = payment.contest_reason if payment is not None else None
        told.append(
            SaleView(
                quote=quote,
                offers=[each for each in whole if _may_see(caller, each)],
                stage=_stage(whole, quote.row.funder, since[quote.row.id]),
                payment=payment,
                contest_reason=None if hashed is None else reasons.get(hashed, {}).get("text"),
            )
        )
    return told


def _since_sold(session: Session, quotes: Sequence[QuoteView]) -> Mapping[str, list[HistoryRow]]:
    """Of each sale what happened to the voucher from the sale on until the discount's lock was gone."""
    query = (
        select(HistoryRow)
        .where(
            HistoryRow.contract.in_({each.request.contract for each in quotes}),
            HistoryRow.voucher.in_({each.voucher for each in quotes}),
            HistoryRow.locks.is_not(None),
        )
        .order_by(HistoryRow.block, HistoryRow.log_index)
    )
    by_voucher: dict[tuple[str, VoucherId], list[HistoryRow]] = {}
    for row in session.scalars(query):
        by_voucher.setdefault((row.contract, row.voucher), []).append(row)
    found: dict[str, list[HistoryRow]] = {}
    for quote in quotes:
        mine: list[HistoryRow] = []
        for row in by_voucher.get((quote.request.contract, quote.voucher), []):
            if not mine and not (row.name == "Discounted" and row.reference == quote.row.hash):
                continue
            mine.append(row)
            if not int(row.locks or 0) & Lock.DISCOUNT:
                break
        found[quote.row.id] = mine
    return found


def _payments(
    session: Session, quotes: Sequence[QuoteView], since: Mapping[str, list[HistoryRow]]
) -> Mapping[str, PaymentRow]:
    """The last disbursement that was asserted for each sale."""
    query = (
        select(PaymentRow)
        .where(
            PaymentRow.contract.in_({each.request.contract for each in quotes}),
            PaymentRow.voucher.in_({each.voucher for each in quotes}),
            PaymentRow.purpose == int(Purpose.DISBURSEMENT),
        )
        .order_by(PaymentRow.sequence)
    )
    found: dict[str, PaymentRow] = {}
    rows = list(session.scalars(query))
    for quote in quotes:
        mine = since[quote.row.id]
        for row in rows:
            same = (row.contract, row.voucher) == (quote.request.contract, quote.voucher)
            if same and mine and int(mine[0].sequence or 0) < row.sequence <= int(mine[-1].sequence or 0):
                found[quote.row.id] = row
    return found


def _may_see(caller: Caller, offer: OfferView) -> bool:
    """What the part is cut off from is the holder's affair."""
    made_it = offer.row.organisation == caller.organisation
    return made_it or caller.party in [each.party for each in offer.row.signatures]


def _stage(offers: Sequence[OfferView], funder: int, since: Sequence[HistoryRow]) -> str:
    if since:
        last = since[-1]
        locks = Lock(int(last.locks or 0))
        if locks & Lock.DISCOUNT:
            return _under_discount(locks)
        if last.holder == funder:
            return "complete"
        return "rescinded" if last.name == "Rescinded" else "ended"
    status = next((each.status for each in offers if each.status not in (COMPLETE, ON_CHAIN)), None)
    return SIGNED if status is None else status


def _under_discount(locks: Lock) -> str:
    if locks & Lock.CONFIRMED:
        return "confirmed"
    if locks & Lock.CONTESTED:
        return "contested"
    return "cash_asserted" if locks & Lock.PAYMENT else "on_chain"
