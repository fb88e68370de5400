"""The bank's desk, what it does: payments asserted and taken back, lines changed and frozen, court freezes asked for,
vouchers declared overdue."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Path, Response
from pydantic import Field
from sqlalchemy.orm import Session

from gateway.answers import PREFIX, PROBLEMS, offered
from gateway.bodies import DeskRoute
from gateway.callers import CallerHere, GatewayHere
from gateway.forms import Flag, Form, LineText, OnDay, PartyText, View, VoucherText, Yuan, examples, hex_text
from gateway.moving import Moving, MovingHere, Reply
from gateway.offer_forms import OfferAnswer, OfferForm
from gateway.problems import Problem, problem_of
from ledger.errors import InputError
from ledger.members import parse_voucher, voucher_text
from ledger.negotiation import bank_acts, settling
from ledger.negotiation.access import Right, require
from ledger.negotiation.bank_acts import Declaration, Paid
from ledger.negotiation.offers import Proposal

router = APIRouter(prefix="/bank", tags=["Bank's desk"], route_class=DeskRoute, responses=PROBLEMS)
Reference = Annotated[str, Field(strict=True, min_length=1, max_length=100, examples=["2026093000118"])]
Reason = Annotated[str, Field(strict=True, min_length=1, max_length=500)]
VoucherPath = Annotated[str, Path(pattern=r"^0x[0-9a-f]{64}$", examples=["0x" + "ab" * 32])]
MADE: Final[dict[int | str, dict[str, Any]]] = {
    202: {"model": OfferAnswer, "description": "All have signed: it goes on chain."}
}


class PaymentOfferForm(OfferForm):
    """The bank has paid. Of a settlement payee and amount may be left away: then all that is due to the pledgee, or
    without a pledge to the holder."""

    model_config = examples(
        voucher="0x" + "ab" * 32,
        purpose="settlement",
        amount="1000000.00",
        value_day="2026-09-30",
        reference="2026093000118",
        sign=True,
    )
    voucher: VoucherText
    purpose: Literal["settlement", "disbursement"]
    payee: PartyText | None = None
    amount: Yuan | None = None
    value_day: OnDay
    reference: Reference
    with_payee: Annotated[
        Flag, Field(description="The payee signs it too: then it takes effect at once.")
    ] = False


class SettlementRowForm(Form):
    """One payment of a list. Payee and amount may be left away: then all that is due."""

    voucher: VoucherText
    payee: PartyText | None = None
    amount: Yuan | None = None
    reference: Reference


class SettlementsForm(OfferForm):
    """What the bank has paid on one day, each to be asserted."""

    model_config = examples(
        value_day="2026-09-30",
        rows=[{"voucher": "0x" + "ab" * 32, "amount": "1000000.00", "reference": "2026093000118"}],
        sign=True,
    )
    value_day: OnDay
    rows: Annotated[list[SettlementRowForm], Field(min_length=1, max_length=settling.MOST)]


class SettledView(View):
    """What became of a row: the assertion, or why there is none."""

    voucher: str
    offer: str | None
    problem: Problem | None


class SettlementsView(View):
    """The rows, in their order."""

    asserted: int
    refused: int
    items: list[SettledView]


class WithdrawalOfferForm(OfferForm):
    """The asserted payment came back, or never left."""

    model_config = examples(voucher="0x" + "ab" * 32, sign=True)
    voucher: VoucherText


class LineChangeForm(OfferForm):
    """Another limit or last day."""

    model_config = examples(line="2-1", limit="30000000.00", sign=True)
    line: LineText
    limit: Yuan | None = None
    expiry: OnDay | None = None


class LineFreezeForm(OfferForm):
    """Stops issue under a line, or with `frozen` false allows it again."""

    model_config = examples(line="2-1", frozen=True, reason="covenant broken", sign=True)
    line: LineText
    frozen: Flag
    reason: Reason


class CourtFreezeForm(OfferForm):
    """A court's order to stop a voucher. The registrar alone signs it."""

    model_config = examples(voucher="0x" + "ab" * 32, order="(2026)闽01执保118号", until="2027-03-31")
    voucher: VoucherText
    order: Annotated[str, Field(strict=True, min_length=1, max_length=200)]
    until: OnDay


class OverdueForm(Form):
    """Which voucher."""

    model_config = examples(voucher="0x" + "ab" * 32)
    voucher: VoucherText


class DeclarationView(View):
    """A declaration on its way. `problem`: why the chain did not take it."""

    voucher: str
    status: Literal["queued", "landed", "refused"]
    tx_hash: str | None
    problem: Problem | None


@router.post("/payment-offers", response_model=OfferAnswer, status_code=201, responses=MADE)
def offer_payment(form: PaymentOfferForm, moving: MovingHere) -> Response:
    """The bank says that it paid a holder of record, or the price of a voucher that it buys."""
    if form.purpose == "disbursement" and (form.payee is not None or form.amount is not None):
        raise InputError("a disbursement goes to the seller and carries no amount: leave both away")
    paid = Paid(value_day=form.value_day, reference=form.reference, with_payee=form.with_payee)

    def propose(session: Session) -> Proposal:
        setting, caller = moving.gateway.setting, moving.caller
        if form.purpose == "disbursement":
            return bank_acts.disbursement(
                session, setting, caller, form.voucher, paid, valid_until=form.valid_until
            )
        return bank_acts.settlement(
            session,
            setting,
            caller,
            form.voucher,
            paid,
            payee=form.payee,
            amount=form.amount,
            valid_until=form.valid_until,
        )

    return _offered(moving, propose, form)


@router.post("/settlement-offers", response_model=SettlementsView)
def offer_settlements(form: SettlementsForm, moving: MovingHere) -> Response:
    """The bank says what it paid, voucher by voucher. A row that is refused keeps no other from being asserted; sent
    again, what is under way already is not asserted a second time."""
    rows = [
        settling.Row(voucher=each.voucher, payee=each.payee, amount=each.amount, reference=each.reference)
        for each in form.rows
    ]

    def work(session: Session) -> Reply:
        found = settling.settle(
            session,
            moving.gateway.setting,
            moving.caller,
            rows,
            value_day=form.value_day,
            signed=form.sign,
            valid_until=form.valid_until,
        )
        views = [
            SettledView(
                voucher=voucher_text(each.row.voucher),
                offer=each.offer,
                problem=None if each.refusal is None else problem_of(each.refusal),
            )
            for each in found
        ]
        refused = sum(each.refusal is not None for each in found)
        content = SettlementsView(asserted=len(found) - refused, refused=refused, items=views)
        return Reply(200, content, {"Cache-Control": "no-store"})

    return moving.do(work)


@router.post("/withdrawal-offers", response_model=OfferAnswer, status_code=201, responses=MADE)
def offer_withdrawal(form: WithdrawalOfferForm, moving: MovingHere) -> Response:
    """The bank takes an asserted payment of its own back."""

    def propose(session: Session) -> Proposal:
        return bank_acts.withdrawal(
            session, moving.gateway.setting, moving.caller, form.voucher, valid_until=form.valid_until
        )

    return _offered(moving, propose, form)


@router.post("/line-change-offers", response_model=OfferAnswer, status_code=201, responses=MADE)
def offer_line_change(form: LineChangeForm, moving: MovingHere) -> Response:
    """The bank changes limit or last day of a line of its own; what is drawn stays drawn."""

    def propose(session: Session) -> Proposal:
        return bank_acts.resize(
            session,
            moving.gateway.setting,
            moving.caller,
            form.line,
            limit=form.limit,
            expiry=form.expiry,
            valid_until=form.valid_until,
        )

    return _offered(moving, propose, form)


@router.post("/line-freeze-offers", response_model=OfferAnswer, status_code=201, responses=MADE)
def offer_line_freeze(form: LineFreezeForm, moving: MovingHere) -> Response:
    """The bank stops issue under a line of its own, or allows it again; vouchers and payments are untouched."""

    def propose(session: Session) -> Proposal:
        return bank_acts.freeze(
            session,
            moving.gateway.setting,
            moving.caller,
            form.line,
            frozen=form.frozen,
            reason=form.reason,
            valid_until=form.valid_until,
        )

    return _offered(moving, propose, form)


@router.post("/court-freeze-requests", response_model=OfferAnswer, status_code=201)
def request_court_freeze(form: CourtFreezeForm, moving: MovingHere) -> Response:
    """The bank asks the registrar to carry out a court's order on a voucher, which is an offer to the registrar."""
    if form.sign:
        raise InputError("sign: the registrar alone signs a court freeze")

    def propose(session: Session) -> Proposal:
        return bank_acts.court_freeze(
            session,
            moving.gateway.setting,
            moving.caller,
            form.voucher,
            order=form.order,
            until=form.until,
            valid_until=form.valid_until,
        )

    return _offered(moving, propose, form)


@router.post("/overdue-declarations", response_model=DeclarationView, status_code=202)
def declare_overdue(form: OverdueForm, moving: MovingHere) -> Response:
    """Declares a voucher under the bank's line overdue, once due day and grace have passed; nobody signs it."""

    def work(session: Session) -> Reply:
        made = bank_acts.declare_overdue(session, moving.gateway.setting, moving.caller, form.voucher)
        place = f"{PREFIX}/bank/overdue-declarations/{voucher_text(form.voucher)}"
        return Reply(202, _declaration(made), {"Location": place})

    return moving.do(work)


@router.get("/overdue-declarations/{voucher}")
def one_declaration(voucher: VoucherPath, caller: CallerHere, gateway: GatewayHere) -> DeclarationView:
    """What became of the declaration."""
    require(caller, Right.READ)
    number = parse_voucher(voucher)
    with gateway.store.reading() as session:
        return _declaration(bank_acts.declaration(session, gateway.setting, caller, number))


def _offered(moving: Moving, propose: Callable[[Session], Proposal], form: OfferForm) -> Response:
    def work(session: Session) -> Reply:
        return offered(session, moving.gateway, moving.caller, propose(session), sign_now=form.sign)

    return moving.do(work)


def _declaration(made: Declaration) -> DeclarationView:
    status: Literal["queued", "landed", "refused"] = "queued"
    if made.refusal is not None:
        status = "refused"
    elif made.tx_hash is not None:
        status = "landed"
    return DeclarationView(
        voucher=voucher_text(made.voucher),
        status=status,
        tx_hash=hex_text(made.tx_hash),
        problem=None if made.refusal is None else problem_of(made.refusal),
    )
