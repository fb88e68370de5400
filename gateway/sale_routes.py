"""Sales: a quote is accepted, the sale followed, ended, and its payment answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from fastapi import APIRouter, Response
from sqlalchemy.orm import Session

from gateway.answers import PREFIX, PROBLEMS, Cursor, Limit, number_of, offered, page_of
from gateway.bodies import DeskRoute
from gateway.callers import CallerHere, GatewayHere
from gateway.holding_routes import VoucherPath
from gateway.moving import UNSEEN, Moving, MovingHere, Reply
from gateway.offer_forms import OfferAnswer, parties_of
from gateway.quote_routes import QuoteId
from gateway.sale_forms import AcceptanceForm, CompletionView, ContestForm, SaleAnswer, SalePage, sale_answer
from ledger.agreements import PartyNumber
from ledger.members import VoucherId, parse_voucher
from ledger.negotiation import proposals, sales
from ledger.negotiation.access import Caller, Right, require
from ledger.negotiation.offers import COMPLETE, Proposal
from ledger.negotiation.organisations import names_of
from ledger.negotiation.sale_views import SaleView, sale_view, sales_of
from ledger.negotiation.setting import Setting

router = APIRouter(tags=["Sales"], route_class=DeskRoute, responses=PROBLEMS)
GOES: dict[int | str, dict[str, object]] = {
    202: {"model": OfferAnswer, "description": "All have signed: it goes on chain."}
}


@router.post(
    "/supplier/quotes/{quote_id}/accept",
    response_model=SaleAnswer,
    status_code=201,
    responses={202: {"model": SaleAnswer, "description": "All have signed: it goes on chain."}},
)
def accept_quote(quote_id: QuoteId, form: AcceptanceForm, moving: MovingHere) -> Response:
    """The holder takes a quote. A part of a voucher is cut off and sold together. With a firm quote and `sign` the sale
    is on its way to the chain: 202; else its offers wait for those who have not signed."""

    def work(session: Session) -> Reply:
        setting, caller = moving.gateway.setting, moving.caller
        sales.accept(session, setting, caller, quote_id, signs=form.sign)
        view = sale_view(session, setting, caller, quote_id)
        done = all(each.row.status == COMPLETE for each in view.offers)
        answer = sale_answer(view, _names(session, [view]))
        return Reply(202 if done else 201, answer, {"Location": f"{PREFIX}/sales/{quote_id}", **UNSEEN})

    return moving.do(work)


@router.get("/sales")
def list_sales(
    caller: CallerHere,
    gateway: GatewayHere,
    limit: Limit = 50,
    cursor_: Cursor = None,
) -> SalePage:
    """The sales in which the caller sells or buys, the newest first."""
    require(caller, Right.READ)
    with gateway.store.reading() as session:
        found = sales_of(session, gateway.setting, caller, limit=limit + 1, before=number_of(cursor_))
        page, more = page_of(found, limit, lambda view: view.quote.row.offer)
        names = _names(session, page)
    return SalePage(items=[sale_answer(view, names) for view in page], next=more)


@router.get("/sales/{quote_id}")
def one_sale(quote_id: QuoteId, caller: CallerHere, gateway: GatewayHere) -> SaleAnswer:
    """Where a sale is: signed, on chain, cash asserted, confirmed or contested, complete, rescinded."""
    require(caller, Right.READ)
    with gateway.store.reading() as session:
        view = sale_view(session, gateway.setting, caller, quote_id)
        return sale_answer(view, _names(session, [view]))


@router.post("/vouchers/{voucher}/rescind", response_model=OfferAnswer, status_code=201, responses=GOES)
def rescind_sale(voucher: VoucherPath, form: AcceptanceForm, moving: MovingHere) -> Response:
    """Ends the sale of a voucher that was not paid: the funder at any time, the holder once payment is late."""
    return _proposed(moving, voucher, form.sign, proposals.rescind)


@router.post(
    "/vouchers/{voucher}/confirm-payment", response_model=OfferAnswer, status_code=201, responses=GOES
)
def confirm_payment(voucher: VoucherPath, form: AcceptanceForm, moving: MovingHere) -> Response:
    """The payee says that the asserted payment has arrived."""
    return _proposed(moving, voucher, form.sign, proposals.confirm_payment)


@router.post(
    "/vouchers/{voucher}/contest-payment", response_model=OfferAnswer, status_code=201, responses=GOES
)
def contest_payment(voucher: VoucherPath, form: ContestForm, moving: MovingHere) -> Response:
    """The payee says that the asserted payment has not arrived, and why. Only a salted hash of the reason goes on
    chain."""

    def contested(session: Session, setting: Setting, caller: Caller, number: VoucherId) -> Proposal:
        return proposals.contest_payment(session, setting, caller, number, reason=form.reason)

    return _proposed(moving, voucher, form.sign, contested)


@router.post("/vouchers/{voucher}/complete-payment", response_model=CompletionView, status_code=202)
def complete_payment(voucher: VoucherPath, moving: MovingHere) -> Response:
    """The payee has been silent for as long as the line's window: the payment counts now. Nobody signs this."""

    def work(session: Session) -> Reply:
        number = parse_voucher(voucher)
        proposals.complete_payment(session, moving.gateway.setting, moving.caller, number)
        return Reply(202, CompletionView(voucher=voucher), {"Location": f"{PREFIX}/vouchers/{voucher}"})

    return moving.do(work)


def _proposed(
    moving: Moving,
    voucher: str,
    sign_now: bool,
    propose: Callable[[Session, Setting, Caller, VoucherId], Proposal],
) -> Response:
    def work(session: Session) -> Reply:
        gateway, caller = moving.gateway, moving.caller
        proposal = propose(session, gateway.setting, caller, parse_voucher(voucher))
        return offered(session, gateway, caller, proposal, sign_now=sign_now)

    return moving.do(work)


def _names(session: Session, views: Sequence[SaleView]) -> Mapping[PartyNumber, str]:
    found = {number for view in views for number in parties_of(view.offers)}
    for view in views:
        found.update((view.quote.request.party, view.quote.row.funder))
    return names_of(session, sorted(found))
