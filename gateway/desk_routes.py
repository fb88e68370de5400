"""The desks' ways to offer something: a bank grants a line, an issuer promises, a supplier passes on."""

from __future__ import annotations

from fastapi import APIRouter, Response
from sqlalchemy.orm import Session

from gateway.answers import PROBLEMS, offered
from gateway.bodies import DeskRoute
from gateway.moving import MovingHere, Reply
from gateway.offer_forms import (
    LineOfferForm,
    OfferAnswer,
    PromiseOfferForm,
    SplitOfferForm,
    TransferOfferForm,
)
from ledger.agreements import LineId
from ledger.money import Fen
from ledger.negotiation import proposals
from ledger.negotiation.proposals import LineTerms, PromiseTerms

bank = APIRouter(prefix="/bank", tags=["Bank's desk"], route_class=DeskRoute, responses=PROBLEMS)
issuer = APIRouter(prefix="/issuer", tags=["Issuer's desk"], route_class=DeskRoute, responses=PROBLEMS)
supplier = APIRouter(prefix="/supplier", tags=["Supplier's desk"], route_class=DeskRoute, responses=PROBLEMS)
SMALLEST_PART = Fen(10_000)
"""The smallest part of a line whose bank says nothing of it: 100.00 yuan."""


@bank.post("/line-offers", response_model=OfferAnswer, status_code=201)
def offer_line(form: LineOfferForm, moving: MovingHere) -> Response:
    """A bank offers a credit line or a sub-line to an issuer; it is granted when both have signed."""

    def work(session: Session) -> Reply:
        terms = LineTerms(
            reference=form.reference,
            issuer=form.issuer,
            parent=form.parent or LineId(0),
            limit=form.limit,
            expiry=form.expiry,
            smallest_part=form.smallest_part or SMALLEST_PART,
            window=form.window,
            grace=form.grace,
            countersign=form.countersign,
        )
        setting = moving.gateway.setting
        proposal = proposals.grant_line(setting, moving.caller, terms, valid_until=form.valid_until)
        return offered(session, moving.gateway, moving.caller, proposal, sign_now=form.sign)

    return moving.do(work)


@issuer.post("/promise-offers", response_model=OfferAnswer, status_code=201)
def offer_promise(form: PromiseOfferForm, moving: MovingHere) -> Response:
    """An issuer offers a promise to a supplier. Its face is reserved under the line until the offer has ended."""

    def work(session: Session) -> Reply:
        terms = PromiseTerms(
            line=form.line,
            supplier=form.supplier,
            face=form.face,
            due_day=form.due,
            smallest_part=form.smallest_part,
            highest_tier=form.highest_tier,
            terms=form.terms,
            tenor_reason=form.tenor_reason,
            reference=form.reference,
            invoices=[invoice.use() for invoice in form.invoices],
            programme=form.programme,
            documents=[each.named() for each in form.documents],
        )
        setting = moving.gateway.setting
        proposal = proposals.issue(session, setting, moving.caller, terms, valid_until=form.valid_until)
        return offered(session, moving.gateway, moving.caller, proposal, sign_now=form.sign)

    return moving.do(work)


@supplier.post("/transfer-offers", response_model=OfferAnswer, status_code=201)
def offer_transfer(form: TransferOfferForm, moving: MovingHere) -> Response:
    """A holder offers a whole voucher to another party."""

    def work(session: Session) -> Reply:
        proposal = proposals.transfer(
            session,
            moving.gateway.setting,
            moving.caller,
            form.voucher,
            recipient=form.recipient,
            invoices=[invoice.use() for invoice in form.invoices],
            overdue=form.overdue,
            valid_until=form.valid_until,
        )
        return offered(session, moving.gateway, moving.caller, proposal, sign_now=form.sign)

    return moving.do(work)


@supplier.post("/split-offers", response_model=OfferAnswer, status_code=201)
def offer_split(form: SplitOfferForm, moving: MovingHere) -> Response:
    """A holder offers parts of a voucher; the rest stays. All recipients read the whole agreement, because all sign it:
    who is not to see the others' amounts gets an offer of his own."""

    def work(session: Session) -> Reply:
        proposal = proposals.split(
            session,
            moving.gateway.setting,
            moving.caller,
            form.voucher,
            parts=[(part.recipient, part.face) for part in form.parts],
            invoices=[invoice.use() for invoice in form.invoices],
            overdue=form.overdue,
            valid_until=form.valid_until,
        )
        return offered(session, moving.gateway, moving.caller, proposal, sign_now=form.sign)

    return moving.do(work)
