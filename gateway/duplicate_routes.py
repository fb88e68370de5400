"""The bank's desk, whether money was lent on an invoice before."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import Field
from sqlalchemy.orm import Session

from gateway.answers import PROBLEMS
from gateway.bodies import DeskRoute
from gateway.forms import Flag, Form, OnDay, PartyText, View, Yuan, date_text, examples, money
from gateway.moving import MovingHere, Reply
from ledger.invoice_marks import Likeness, Mark, likeness
from ledger.negotiation import duplicates
from ledger.negotiation.duplicates import Asked, Found

router = APIRouter(prefix="/bank", tags=["Bank's desk"], route_class=DeskRoute, responses=PROBLEMS)


class AskedForm(Form):
    """An invoice. Who is to pay it: a party here, or any enterprise by its credit code."""

    payer: PartyText | None = None
    payer_code: Annotated[str, Field(strict=True, max_length=18, pattern=r"^([0-9A-Z]{18})?$")] = ""
    number: Annotated[str, Field(strict=True, min_length=1, max_length=100, examples=["F-881"])]
    total: Yuan
    issued_on: OnDay | None = None


class CheckForm(Form):
    """Invoices that the bank thinks of lending on. `keep`: it does, so that others who ask are warned."""

    model_config = examples(
        invoices=[{"payer": 10, "number": "F-881", "total": "1000000.00", "issued_on": "2026-04-15"}],
        keep=True,
    )
    invoices: Annotated[list[AskedForm], Field(min_length=1, max_length=duplicates.MOST)]
    keep: Flag = False


class OwnView(View):
    """An invoice of the bank's own. `on_chain`: offered under one of its lines. `shared`: in what they are the same."""

    number: str
    total: str
    issued_on: str | None
    on_chain: bool
    likeness: Likeness
    score: int
    shared: list[Mark]


class FoundView(View):
    """What an invoice is like. `elsewhere`: the likeness of whatever others have; nothing else is told of it."""

    number: str
    own: list[OwnView]
    elsewhere: Likeness
    kept: bool


class CheckView(View):
    """The invoices, in the order in which they were asked about."""

    items: list[FoundView]


@router.post("/invoice-checks", response_model=CheckView)
def check_invoices(form: CheckForm, moving: MovingHere) -> Response:
    """Whether invoices are like such that the bank, or another one, has lent on."""
    asked = [
        Asked(
            party=each.payer,
            code=each.payer_code,
            number=each.number,
            total=each.total,
            issued_on=each.issued_on,
        )
        for each in form.invoices
    ]

    def work(session: Session) -> Reply:
        found = duplicates.check(session, moving.gateway.setting, moving.caller, asked, keep=form.keep)
        views = [_view(one.number, each) for one, each in zip(asked, found, strict=True)]
        return Reply(200, CheckView(items=views), {"Cache-Control": "no-store"})

    return moving.do(work)


def _view(number: str, found: Found) -> FoundView:
    return FoundView(
        number=number,
        own=[
            OwnView(
                number=each.number,
                total=money(each.total),
                issued_on=None if each.issued_on is None else date_text(each.issued_on),
                on_chain=each.on_chain,
                likeness=likeness(each.points),
                score=each.points,
                shared=sorted(each.shared),
            )
            for each in found.own
        ],
        elsewhere=found.elsewhere,
        kept=found.kept,
    )
