"""Quotes that are accepted: the sale is made, signed and sent; of a part, the part is cut off before it.

    accept         the holder takes a quote; holder's and funder's consent make it complete
    cancel         the holder sells nothing on a request
    ask_issuer     the holder asks the issuer to bear interest that it has not signed for yet
    answer_issuer  the issuer agrees, or does not

A quote is accepted once: while a sale of the request is under way or done, no other quote of it is. One that came to
nothing (refused by the chain, declined, expired, recalled) leaves the request as it was. The price stands in the
openings under the hash that the agreement names, and is shown to holder and funder alone.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from ledger import discount
from ledger.agreements import PartyNumber
from ledger.columns import bytes_of, hex_of
from ledger.errors import Refusal
from ledger.money import Fen
from ledger.negotiation import audit
from ledger.negotiation.access import Caller, Right, not_found, require
from ledger.negotiation.consents import is_good_still
from ledger.negotiation.offer_order import known, put_in_order
from ledger.negotiation.offer_views import ON_CHAIN, views
from ledger.negotiation.offers import COMPLETE, OPEN, RECALLING, Proposal, make, sign
from ledger.negotiation.openings import keep_quote
from ledger.negotiation.quoting import Sale, is_open, own_request, sale_of
from ledger.negotiation.setting import Setting
from ledger.offer_tables import OfferRow
from ledger.pin import Pin
from ledger.quote_tables import QuoteRequestRow, QuoteRow
from ledger.rows_about import world_about

ASKED: Final = "asked"
AGREED: Final = "agreed"
REFUSED: Final = "declined"
UNDER_WAY: Final = (OPEN, RECALLING, COMPLETE, ON_CHAIN)


def accept(
    session: Session, setting: Setting, caller: Caller, quote_id: str, *, signs: bool
) -> tuple[QuoteRequestRow, QuoteRow]:
    """The holder takes a quote. `signs`: with the key that is kept here; else its wallet signs the offers that this
    makes. With the last consent the sale is on its way to the chain.

    Refusal NotFound until the quotes are open; RequestClosed, QuoteClosed; IssuerMustAgree; what the contract would
    say to the sale now.
    """
    require(caller, Right.SIGN if signs else Right.PROPOSE)
    request, row = open_quote(session, setting, caller, quote_id, lock=True)
    _require_unsold(session, setting, request)
    if row.expires_at < setting.chain_clock():
        raise Refusal("QuoteClosed", {"quote": row.id, "status": "expired"})
    if row.issuer is not None and row.interest != AGREED:
        raise Refusal("IssuerMustAgree", {"quote": row.id, "issuer": row.issuer})
    pin, sale = setting.pin_of(request.contract), sale_of(request, row)
    _open_price(session, caller, request, row)
    offers = _offers(session, setting, caller, pin, sale)
    row.offer = offers[-1].number
    _take_consent(session, setting, pin, sale, row, offers[-1])
    at = setting.machine_clock()
    if signs:
        for offer in offers:
            sign(session, setting, caller, offer)
    session.flush()
    facts = {"offers": [offer.id for offer in offers]}
    audit.note(session, caller, "accept quote", subject=f"quote {row.id}", at=at, facts=facts)
    return request, row


def cancel(session: Session, setting: Setting, caller: Caller, request_id: str) -> QuoteRequestRow:
    """The holder sells nothing on this request. Refusal NotFound; RequestClosed where it has sold already."""
    require(caller, Right.PROPOSE)
    request = own_request(session, caller, request_id, lock=True)
    _require_unsold(session, setting, request)
    request.cancelled_at = setting.machine_clock()
    audit.note(session, caller, "cancel request", subject=f"request {request.id}", at=request.cancelled_at)
    return request


def _require_unsold(session: Session, setting: Setting, request: QuoteRequestRow) -> None:
    if request.cancelled_at is not None:
        raise Refusal("RequestClosed", {"request": request.id, "status": "cancelled"})
    query = (
        select(OfferRow)
        .join(QuoteRow, QuoteRow.offer == OfferRow.number)
        .where(QuoteRow.request == request.number)
    )
    accepted = views(session, list(session.scalars(query)), now=setting.chain_clock())
    if any(each.status in UNDER_WAY for each in accepted):
        raise Refusal("RequestClosed", {"request": request.id, "status": "accepted"})


def _open_price(session: Session, caller: Caller, request: QuoteRequestRow, row: QuoteRow) -> None:
    """What the hash in the agreement stands for, as the dossier has it."""
    quote = discount.from_json(row.quote)
    priced = discount.price(Fen(request.amount), quote)
    content = {
        "quote": row.quote,
        "proceeds_fen": int(priced.proceeds),
        "interest_fen": int(priced.interest),
        "issuer_interest_fen": int(priced.issuer_interest),
    }
    keep_quote(session, caller, row.hash, salt=bytes.fromhex(row.salt), content=content)


def _offers(session: Session, setting: Setting, caller: Caller, pin: Pin, sale: Sale) -> list[OfferRow]:
    """The offers that the sale takes, in their order. A part that an earlier try has cut off already stays cut off."""
    if sale.split is None or known(session, pin, sale.discount.voucher):
        return [make(session, setting, caller, Proposal(agreement=sale.discount, pin=pin))]
    first = make(session, setting, caller, Proposal(agreement=sale.split, pin=pin))
    sold = Proposal(agreement=sale.discount, pin=pin, after=sale.split)
    second = make(session, setting, caller, sold)
    put_in_order(session, first, second)
    return [first, second]


def _take_consent(
    session: Session, setting: Setting, pin: Pin, sale: Sale, row: QuoteRow, offer: OfferRow
) -> None:
    """The funder's consent, which came with its quote. One of a key that was replaced since is asked for anew."""
    if row.consent is None or row.made is None:
        return
    funder, consent = PartyNumber(row.funder), bytes_of(row.consent)
    world = world_about(session, pin, sale.discount)
    if not is_good_still(setting, world, sale.discount, funder, pin=pin, consent=consent):
        return
    for signature in offer.signatures:
        if signature.party == funder:
            signature.consent, signature.made = hex_of(consent), row.made
            signature.who, signature.signed_at = row.who, row.given_at
    session.flush()


# Interest at the issuer's cost


def ask_issuer(
    session: Session, setting: Setting, caller: Caller, quote_id: str
) -> tuple[QuoteRequestRow, QuoteRow]:
    """The holder shows a quote to the issuer, who is to bear interest. Refusal NotFound, RequestClosed, QuoteClosed."""
    require(caller, Right.PROPOSE)
    request, row = open_quote(session, setting, caller, quote_id, lock=True)
    _require_unsold(session, setting, request)
    if row.issuer is None:
        raise Refusal("QuoteClosed", {"quote": row.id, "status": "at the supplier's cost"})
    if row.interest is None:
        row.interest = ASKED
        at = setting.machine_clock()
        audit.note(session, caller, "ask issuer", subject=f"quote {row.id}", at=at)
    return request, row


def answer_issuer(
    session: Session, setting: Setting, caller: Caller, quote_id: str, *, agrees: bool
) -> tuple[QuoteRequestRow, QuoteRow]:
    """The issuer takes interest up to the quote's ceiling upon itself, or does not. Refusal NotFound, QuoteClosed."""
    require(caller, Right.SIGN)
    query = (
        select(QuoteRequestRow, QuoteRow)
        .join(QuoteRow, QuoteRow.request == QuoteRequestRow.number)
        .where(
            QuoteRow.id == quote_id, QuoteRow.issuer == int(caller.acting()), QuoteRow.interest.is_not(None)
        )
    )
    locked = query.with_for_update(of=QuoteRow).execution_options(populate_existing=True)
    found = session.execute(locked).one_or_none()
    if found is None:
        raise not_found("quote")
    request, row = found[0], found[1]
    if row.interest != ASKED:
        raise Refusal("QuoteClosed", {"quote": row.id, "status": row.interest})
    if row.expires_at < setting.chain_clock():
        raise Refusal("QuoteClosed", {"quote": row.id, "status": "expired"})
    at = setting.machine_clock()
    row.interest, row.interest_who, row.interest_at = AGREED if agrees else REFUSED, caller.who, at
    facts = {"agrees": agrees, "hash": hex_of(row.hash)}
    audit.note(session, caller, "answer on interest", subject=f"quote {row.id}", at=at, facts=facts)
    return request, row


def open_quote(
    session: Session, setting: Setting, caller: Caller, quote_id: str, *, lock: bool = False
) -> tuple[QuoteRequestRow, QuoteRow]:
    """A quote on the caller's request, which can be seen since the deadline; Refusal NotFound, as before it.

    `lock`: nobody accepts on the request meanwhile.
    """
    query = (
        select(QuoteRequestRow, QuoteRow)
        .join(QuoteRow, QuoteRow.request == QuoteRequestRow.number)
        .where(
            QuoteRow.id == quote_id,
            QuoteRequestRow.organisation == caller.organisation,
            ~QuoteRow.withdrawn,
        )
    )
    if lock:
        query = query.with_for_update(of=QuoteRequestRow).execution_options(populate_existing=True)
    found = session.execute(query).one_or_none()
    if found is None or not is_open(found[0], now=setting.chain_clock()):
        raise not_found("quote")
    return found[0], found[1]
