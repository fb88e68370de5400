"""The supplier's desk: a transfer to an enterprise that is not admitted yet, and what the invited sees of it."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Request, Response
from pydantic import Field
from sqlalchemy.orm import Session

from gateway.answers import PROBLEMS, Cursor, Limit, number_of, page_of
from gateway.bodies import DeskRoute
from gateway.callers import CallerHere, GatewayHere, address_of
from gateway.forms import Flag, Form, OnDay, View, VoucherText, examples, utc
from gateway.moving import UNSEEN, MovingHere, Reply
from gateway.offer_forms import Invoices
from gateway.problems import Problem, problem_of
from ledger.members import voucher_text
from ledger.negotiation import waiting_transfers
from ledger.negotiation.access import Right, require
from ledger.negotiation.waiting_transfers import Waiting

router = APIRouter(route_class=DeskRoute, responses=PROBLEMS)
TransferId = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$", examples=["0b6ff2c2d1e54b0c9a3f5d7e8c1b2a30"])]
SUPPLIER = "Supplier's desk"


class InvitedTransferForm(Form):
    """A whole voucher, to an enterprise that is not admitted yet."""

    model_config = examples(voucher="0x" + "ab" * 32, name="青禾示例齿轮有限公司", sign=True)
    voucher: VoucherText
    name: Annotated[
        str, Field(strict=True, min_length=1, max_length=100, description="What the enterprise is called.")
    ]
    invoices: Invoices = ()
    sign: Annotated[
        Flag, Field(description="Sign with the key that is kept here, once the offer can be made.")
    ] = False
    valid_until: Annotated[
        OnDay | None, Field(description="The last day on which it waits; else 30 days.")
    ] = None


class WaitingView(View):
    """A transfer that waits for its enterprise. `applied`: it has applied; `offered`: it is admitted, and `offer` is
    what it now has to sign; `refused`: it was admitted, and `problem` says why no offer could be made."""

    id: str
    name: str
    voucher: str
    status: Literal["waiting", "applied", "offered", "refused", "withdrawn", "expired"]
    expires_at: str
    created_at: str
    offer: str | None
    problem: Problem | None


class InvitedView(WaitingView):
    """The same, with what goes into the link: shown this once."""

    token: str


class WaitingPage(View):
    """Some of these transfers, the newest first."""

    items: list[WaitingView]
    next: str | None


class LinkForm(Form):
    """The word in a link."""

    model_config = examples(invitation="c2FtcGxlLXRva2VuLW9mLWFuLWludml0YXRpb24")
    invitation: Annotated[str, Field(strict=True, min_length=20, max_length=100)]


class LinkView(View):
    """Who invites, and whether a voucher waits for the enterprise. What it is reads only who is admitted."""

    inviter: str
    voucher_waits: bool


@router.post("/supplier/invited-transfers", status_code=201, response_model=InvitedView, tags=[SUPPLIER])
def invite_to_transfer(form: InvitedTransferForm, moving: MovingHere) -> Response:
    """Invites an enterprise, for which a voucher waits until it is admitted. Nothing goes on chain, and the voucher
    stays the holder's to use."""

    def work(session: Session) -> Reply:
        setting = moving.gateway.setting
        token, row = waiting_transfers.wait_for(
            session,
            setting,
            moving.caller,
            form.voucher,
            name=form.name,
            invoices=[invoice.use() for invoice in form.invoices],
            sign_then=form.sign,
            valid_until=form.valid_until,
        )
        seen = waiting_transfers.one(session, setting, moving.caller, row.id)
        return Reply(201, InvitedView(**_view(seen).model_dump(), token=token), UNSEEN, secret=True)

    return moving.do(work)


@router.get("/supplier/invited-transfers", tags=[SUPPLIER])
def list_invited_transfers(
    caller: CallerHere,
    gateway: GatewayHere,
    limit: Limit = 50,
    cursor_: Cursor = None,
) -> WaitingPage:
    """The organisation's transfers to enterprises that were not admitted."""
    require(caller, Right.READ)
    with gateway.store.reading() as session:
        found = waiting_transfers.seen(
            session, gateway.setting, caller, limit=limit + 1, before=number_of(cursor_)
        )
    page, more = page_of(found, limit, lambda each: each.row.number)
    return WaitingPage(items=[_view(each) for each in page], next=more)


@router.get("/supplier/invited-transfers/{transfer}", tags=[SUPPLIER])
def one_invited_transfer(transfer: TransferId, caller: CallerHere, gateway: GatewayHere) -> WaitingView:
    """One of them."""
    require(caller, Right.READ)
    with gateway.store.reading() as session:
        return _view(waiting_transfers.one(session, gateway.setting, caller, transfer))


@router.post("/supplier/invited-transfers/{transfer}/withdraw", response_model=WaitingView, tags=[SUPPLIER])
def withdraw_invited_transfer(transfer: TransferId, moving: MovingHere) -> Response:
    """The holder takes it back. The invitation stays good: the enterprise may still apply."""

    def work(session: Session) -> Reply:
        setting, caller = moving.gateway.setting, moving.caller
        waiting_transfers.withdraw(session, setting, caller, transfer)
        return Reply(200, _view(waiting_transfers.one(session, setting, caller, transfer)))

    return moving.do(work)


@router.post("/invitations/look", tags=["Onboarding"])
def look_behind_link(form: LinkForm, request: Request, gateway: GatewayHere) -> LinkView:
    """What an invited enterprise sees by its link alone."""
    gateway.limits.take(f"application {address_of(request)}")
    with gateway.store.reading() as session:
        inviter, waits = waiting_transfers.look(session, gateway.setting, form.invitation)
    return LinkView(inviter=inviter, voucher_waits=waits)


def _view(each: Waiting) -> WaitingView:
    return WaitingView(
        id=each.row.id,
        name=each.name,
        voucher=voucher_text(each.row.voucher),
        status=each.status,  # type: ignore[arg-type]
        expires_at=utc(each.row.expires_at),
        created_at=utc(each.row.created_at),
        offer=each.offer,
        problem=None if each.refused is None else problem_of(each.refused),
    )
