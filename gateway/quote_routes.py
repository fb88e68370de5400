"""Asking for prices and giving them: the holder's requests, funders' sealed quotes, the issuer's answer on interest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Path, Response
from sqlalchemy.orm import Session

from gateway.answers import (
    CHANGED,
    PREFIX,
    PROBLEMS,
    Cursor,
    IfMatch,
    Limit,
    number_of,
    page_of,
    place_of,
    tag,
    version_of,
)
from gateway.bodies import DeskRoute
from gateway.callers import CallerHere, GatewayHere
from gateway.forms import recorded
from gateway.moving import UNSEEN, Moving, MovingHere, Reply
from gateway.offer_forms import SignatureForm
from gateway.quote_forms import (
    AnswerForm,
    OwnRequest,
    OwnRequestPage,
    OwnRequestWithQuotes,
    QuoteAnswer,
    QuoteForm,
    QuotePage,
    RequestForm,
    RequestPage,
    RequestWithTerms,
    own_request,
    parties_of_requests,
    quote_answer,
    request_answer,
    with_quotes,
    with_terms,
)
from ledger.errors import InputError, Refusal
from ledger.negotiation import quoting, sales
from ledger.negotiation.access import Right, require
from ledger.negotiation.organisations import names_of
from ledger.negotiation.quote_views import (
    asked_by,
    asking,
    quote_view,
    quotes_by,
    quotes_for_issuer,
    request_view,
)
from ledger.negotiation.setting import domain_of
from ledger.quote_tables import QuoteRequestRow, QuoteRow
from ledger.signing import typed_data

supplier = APIRouter(prefix="/supplier", tags=["Supplier's desk"], route_class=DeskRoute, responses=PROBLEMS)
bank = APIRouter(prefix="/bank", tags=["Bank's desk"], route_class=DeskRoute, responses=PROBLEMS)
issuer = APIRouter(prefix="/issuer", tags=["Issuer's desk"], route_class=DeskRoute, responses=PROBLEMS)
_ID = "0b6ff2c2d1e54b0c9a3f5d7e8c1b2a30"
RequestId = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$", examples=[_ID])]
QuoteId = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$", examples=[_ID])]


# ---- the holder --------------------------------------------------------------------------------------------


@supplier.post("/quote-requests", response_model=OwnRequest, status_code=201)
def ask_for_quotes(form: RequestForm, moving: MovingHere) -> Response:
    """Asks funders for a price on a voucher, or on an amount of it, until a deadline. Nobody sees a quote before it."""

    def work(session: Session) -> Reply:
        setting = moving.gateway.setting
        request = quoting.ask(session, setting, moving.caller, form.question())
        view = request_view(session, setting, request, asker=True)
        answer = own_request(view, names_of(session, list(parties_of_requests([view]))))
        return Reply(201, answer, {"Location": f"{PREFIX}/supplier/quote-requests/{request.id}", **UNSEEN})

    return moving.do(work)


@supplier.get("/quote-requests")
def list_own_requests(
    caller: CallerHere, gateway: GatewayHere, limit: Limit = 50, cursor_: Cursor = None
) -> OwnRequestPage:
    """What the caller's organisation has asked for, the newest first."""
    require(caller, Right.READ)
    with gateway.store.reading() as session:
        found = asked_by(session, gateway.setting, caller, limit=limit + 1, before=number_of(cursor_))
        page, more = page_of(found, limit, lambda view: view.row.number)
        names = names_of(session, list(parties_of_requests(list(page))))
    return OwnRequestPage(items=[own_request(view, names) for view in page], next=more)


@supplier.get("/quote-requests/{request_id}")
def one_own_request(request_id: RequestId, caller: CallerHere, gateway: GatewayHere) -> OwnRequestWithQuotes:
    """One request; from its deadline on with the quotes, each beside what holding to the due day brings."""
    require(caller, Right.READ)
    with gateway.store.reading() as session:
        request = quoting.own_request(session, caller, request_id)
        view = request_view(session, gateway.setting, request, asker=True)
        return with_quotes(view, names_of(session, list(parties_of_requests([view]))))


@supplier.post("/quote-requests/{request_id}/cancel", response_model=OwnRequest)
def cancel_request(request_id: RequestId, moving: MovingHere) -> Response:
    """The holder sells nothing on this request; no quote of it can be accepted any more."""

    def work(session: Session) -> Reply:
        setting = moving.gateway.setting
        request = sales.cancel(session, setting, moving.caller, request_id)
        view = request_view(session, setting, request, asker=True)
        return Reply(200, own_request(view, names_of(session, list(parties_of_requests([view])))), UNSEEN)

    return moving.do(work)


@supplier.post("/quotes/{quote_id}/ask-issuer", response_model=QuoteAnswer)
def ask_the_issuer(quote_id: QuoteId, moving: MovingHere) -> Response:
    """Shows a quote to the issuer, who is to bear interest that it has not signed for yet."""

    def work(session: Session) -> Reply:
        found = sales.ask_issuer(session, moving.gateway.setting, moving.caller, quote_id)
        return _quote_reply(session, moving, found)

    return moving.do(work)


# ---- the issuer --------------------------------------------------------------------------------------------


@issuer.get("/interest-requests")
def list_interest_requests(
    caller: CallerHere, gateway: GatewayHere, limit: Limit = 50, cursor_: Cursor = None
) -> QuotePage:
    """Quotes whose interest the caller's party is asked to bear, and what it has answered."""
    require(caller, Right.READ)
    with gateway.store.reading() as session:
        found = quotes_for_issuer(
            session, gateway.setting, caller, limit=limit + 1, after=place_of(cursor_, _pair)
        )
        page, more = page_of(found, limit, lambda view: f"{view.row.request}-{view.row.funder}")
        names = names_of(session, [view.row.funder for view in page])
    return QuotePage(items=[quote_answer(view, names) for view in page], next=more)


@issuer.post("/interest-requests/{quote_id}/answer", response_model=QuoteAnswer)
def answer_on_interest(quote_id: QuoteId, form: AnswerForm, moving: MovingHere) -> Response:
    """The issuer takes interest up to the quote's ceiling upon itself, or does not."""

    def work(session: Session) -> Reply:
        setting = moving.gateway.setting
        found = sales.answer_issuer(session, setting, moving.caller, quote_id, agrees=form.agrees)
        return _quote_reply(session, moving, found)

    return moving.do(work)


# ---- the funder --------------------------------------------------------------------------------------------


@bank.get("/quote-requests")
def list_requests(
    caller: CallerHere, gateway: GatewayHere, limit: Limit = 50, cursor_: Cursor = None
) -> RequestPage:
    """The requests that ask the caller for a price, the newest first."""
    require(caller, Right.READ)
    with gateway.store.reading() as session:
        found = asking(session, gateway.setting, caller, limit=limit + 1, before=number_of(cursor_))
        page, more = page_of(found, limit, lambda view: view.row.number)
        names = names_of(session, list(parties_of_requests(list(page))))
    return RequestPage(items=[request_answer(view, names) for view in page], next=more)


@bank.get("/quote-requests/{request_id}")
def one_request(request_id: RequestId, caller: CallerHere, gateway: GatewayHere) -> RequestWithTerms:
    """One request that asks the caller for a price, with what the issuer's programme says of recourse and interest."""
    require(caller, Right.READ)
    with gateway.store.reading() as session:
        request = quoting.asked_request(session, caller, request_id)
        view = request_view(session, gateway.setting, request, asker=False)
        return with_terms(view, names_of(session, list(parties_of_requests([view]))))


@bank.post(
    "/quote-requests/{request_id}/quote", response_model=QuoteAnswer, status_code=201, responses=CHANGED
)
def give_quote(
    request_id: RequestId, form: QuoteForm, moving: MovingHere, if_match: IfMatch = None
) -> Response:
    """The caller's price, in place of the one that it gave before; until the deadline nobody else learns of it."""
    seen = version_of(if_match)

    def work(session: Session) -> Reply:
        request = quoting.asked_request(session, moving.caller, request_id, lock=True)
        present = session.get(QuoteRow, (request.number, moving.caller.acting()))
        _require_seen(present, seen)
        setting, offered = moving.gateway.setting, form.offered()
        row = quoting.quote(session, setting, moving.caller, request, offered=offered, sign=form.sign)
        return _quote_reply(session, moving, (request, row), status=201)

    return moving.do(work)


@bank.get("/quotes")
def list_quotes(
    caller: CallerHere, gateway: GatewayHere, limit: Limit = 50, cursor_: Cursor = None
) -> QuotePage:
    """The quotes that the caller's organisation gave."""
    require(caller, Right.READ)
    with gateway.store.reading() as session:
        found = quotes_by(session, gateway.setting, caller, limit=limit + 1, before=number_of(cursor_))
        page, more = page_of(found, limit, lambda view: view.row.request)
        names = names_of(session, [view.row.funder for view in page])
    return QuotePage(items=[quote_answer(view, names) for view in page], next=more)


@bank.get("/quotes/{quote_id}")
def one_quote(quote_id: QuoteId, caller: CallerHere, gateway: GatewayHere, response: Response) -> QuoteAnswer:
    """One quote of the caller's organisation."""
    require(caller, Right.READ)
    with gateway.store.reading() as session:
        request, row = quoting.own_quote(session, caller, quote_id)
        answer = quote_answer(quote_view(gateway.setting, request, row), names_of(session, [row.funder]))
    response.headers["ETag"] = tag(row.version)
    return answer


@bank.get(
    "/quotes/{quote_id}/typed-data",
    responses=recorded("/bank/quotes/{quote_id}/typed-data", "application/json", "EIP-712 typed data."),
)
def quote_typed_data(quote_id: QuoteId, caller: CallerHere, gateway: GatewayHere) -> dict[str, Any]:
    """What the funder's wallet signs, so that acceptance completes the sale (EIP-712)."""
    require(caller, Right.READ)
    with gateway.store.reading() as session:
        request, row = quoting.own_quote(session, caller, quote_id)
    agreement = quoting.sale_of(request, row).discount
    return typed_data(agreement, domain_of(agreement, gateway.setting.pin_of(request.contract)))


@bank.post("/quotes/{quote_id}/signatures", response_model=QuoteAnswer, responses=CHANGED)
def sign_quote(
    quote_id: QuoteId, form: SignatureForm, moving: MovingHere, if_match: IfMatch = None
) -> Response:
    """The funder signs what its quote would be accepted as."""
    if form.custodial == (form.signature is not None):
        raise InputError("give either custodial: true or a signature")
    seen = version_of(if_match)

    def work(session: Session) -> Reply:
        found = quoting.own_quote(session, moving.caller, quote_id, lock=True)
        _require_seen(found[1], seen)
        quoting.consent(
            session,
            moving.gateway.setting,
            moving.caller,
            found,
            signature=form.signature,
            signer=form.signer,
        )
        return _quote_reply(session, moving, found)

    return moving.do(work)


@bank.post("/quotes/{quote_id}/withdraw", response_model=QuoteAnswer, responses=CHANGED)
def withdraw_quote(quote_id: QuoteId, moving: MovingHere, if_match: IfMatch = None) -> Response:
    """The caller's quote is as if it had not been given; until the deadline."""
    seen = version_of(if_match)

    def work(session: Session) -> Reply:
        found = quoting.own_quote(session, moving.caller, quote_id, lock=True)
        _require_seen(found[1], seen)
        quoting.withdraw(session, moving.gateway.setting, moving.caller, found)
        return _quote_reply(session, moving, found)

    return moving.do(work)


def _require_seen(present: QuoteRow | None, seen: int | None) -> None:
    version = 0 if present is None else present.version
    if seen is not None and seen != version:
        raise Refusal("VersionDiffers", {"given": seen, "present": version})


def _quote_reply(session: Session, moving: Moving, found: Sequence[Any], *, status: int = 200) -> Reply:
    request, row = found
    assert isinstance(request, QuoteRequestRow)
    assert isinstance(row, QuoteRow)
    answer = quote_answer(quote_view(moving.gateway.setting, request, row), names_of(session, [row.funder]))
    return Reply(status, answer, {"ETag": tag(row.version), **UNSEEN})


def _pair(text: str) -> tuple[int, int]:
    """A request and a funder."""
    request, _, funder = text.partition("-")
    if not (request.isdecimal() and funder.isdecimal() and len(text) < 40):
        raise ValueError
    return int(request), int(funder)
