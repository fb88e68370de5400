"""The bank's desk, what it pays for vouchers that it buys: queue, runs with maker and checker, instructions to the
bank's own payment system, what that answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, File, Path, Query, Response, UploadFile
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
from gateway.disbursement_forms import (
    ImportView,
    QueuePage,
    RunForm,
    RunHead,
    RunPage,
    RunView,
    due_view,
    head_of,
    import_view,
    run_view,
)
from gateway.forms import recorded
from gateway.moving import Moving, MovingHere, Reply
from gateway.offer_forms import ReasonForm
from ledger.confirmations import read_confirmations
from ledger.disbursement_tables import DisbursementRunRow
from ledger.errors import Refusal
from ledger.members import parse_voucher, voucher_text
from ledger.negotiation import disbursements
from ledger.negotiation.access import Right, require
from ledger.negotiation.confirming import confirm
from ledger.negotiation.disbursement_queue import queued
from ledger.negotiation.disbursements import EXPORTED, Control, Wanted

router = APIRouter(prefix="/bank", tags=["Bank's desk"], route_class=DeskRoute, responses=PROBLEMS)
RunId = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$", examples=["0b6ff2c2d1e54b0c9a3f5d7e8c1b2a30"])]


@router.get("/disbursement-queue")
def queue(
    caller: CallerHere,
    gateway: GatewayHere,
    limit: Limit = 50,
    cursor_: Cursor = None,
) -> QueuePage:
    """What the caller has bought and not yet paid."""
    require(caller, Right.READ)
    after = place_of(cursor_, parse_voucher)
    with gateway.store.reading() as session:
        found = queued(
            session,
            gateway.setting,
            caller,
            limit=limit + 1,
            after=after,
        )
    page, more = page_of(found, limit, lambda each: voucher_text(each.voucher))
    today = gateway.setting.today
    return QueuePage(items=[due_view(each, today) for each in page], next=more)


@router.post("/disbursement-runs", response_model=RunView, status_code=201)
def prepare(form: RunForm, moving: MovingHere) -> Response:
    """A maker prepares a run. Amounts are not given: they follow from the quotes, and must come to the stated total."""

    def work(session: Session) -> Reply:
        run = disbursements.prepare(
            session,
            moving.gateway.setting,
            moving.caller,
            [Wanted(each.voucher, each.account_name, each.filing) for each in form.items],
            control=Control(count=form.count, total=form.total),
            value_day=form.value_day,
            hours=moving.gateway.hours,
        )
        return _reply(session, run, 201)

    return moving.do(work)


@router.get("/disbursement-runs")
def list_runs(
    caller: CallerHere,
    gateway: GatewayHere,
    limit: Limit = 50,
    cursor_: Cursor = None,
) -> RunPage:
    """The organisation's runs, the newest first."""
    require(caller, Right.READ)
    with gateway.store.reading() as session:
        found = disbursements.runs_of(session, caller, limit=limit + 1, before=number_of(cursor_))
        page, more = page_of(found, limit, lambda row: row.number)
        open_ = disbursements.waiting_in(session, page)
    return RunPage(items=[RunHead(**head_of(row, waiting=row.number in open_)) for row in page], next=more)


@router.get("/disbursement-runs/{run}")
def one_run(run: RunId, caller: CallerHere, gateway: GatewayHere, response: Response) -> RunView:
    """A run with its payments."""
    require(caller, Right.READ)
    with gateway.store.reading() as session:
        row = disbursements.run_of(session, caller, run)
        view = _run(session, row)
    response.headers["ETag"] = tag(row.version)
    return view


@router.post("/disbursement-runs/{run}/release", response_model=RunView, responses=CHANGED)
def release(run: RunId, moving: MovingHere, if_match: IfMatch = None) -> Response:
    """A checker, who is a person and not the maker, lets the run go."""
    gateway, caller = moving.gateway, moving.caller

    def act(session: Session, row: DisbursementRunRow) -> None:
        disbursements.release(session, gateway.setting, caller, row, hours=gateway.hours)

    return _changed(moving, run, if_match, act)


@router.post("/disbursement-runs/{run}/cancel", response_model=RunView, responses=CHANGED)
def cancel(run: RunId, form: ReasonForm, moving: MovingHere, if_match: IfMatch = None) -> Response:
    """Nothing of the run is paid; its vouchers are in the queue again."""

    def act(session: Session, row: DisbursementRunRow) -> None:
        disbursements.cancel(session, moving.gateway.setting, moving.caller, row, reason=form.reason)

    return _changed(moving, run, if_match, act)


@router.post("/disbursement-runs/{run}/export", response_model=RunView, responses=CHANGED)
def export(run: RunId, moving: MovingHere, if_match: IfMatch = None) -> Response:
    """From now on the instructions can be fetched, and the run cannot be cancelled."""
    gateway, caller = moving.gateway, moving.caller

    def act(session: Session, row: DisbursementRunRow) -> None:
        disbursements.export(session, gateway.setting, caller, row, hours=gateway.hours)

    return _changed(moving, run, if_match, act)


@router.get(
    "/disbursement-runs/{run}/instructions",
    response_class=Response,
    responses=recorded(
        "/bank/disbursement-runs/{run}/instructions", "application/xml", "ISO 20022 pain.001.001.09."
    ),
)
def instructions(run: RunId, caller: CallerHere, gateway: GatewayHere) -> Response:
    """An exported run as the bank's payment system takes it in; each time the same bytes."""
    require(caller, Right.READ)
    with gateway.store.reading() as session:
        row = disbursements.run_of(session, caller, run)
        if row.state != EXPORTED or row.released_at is None:
            raise Refusal("RunClosed", {"run": row.id, "status": row.state})
        items = disbursements.items_of(session, row)
    content = disbursements.instructions(row, items, made_at=row.released_at)
    headers = {
        "Content-Disposition": f'attachment; filename="{row.id}.xml"',
        "Cache-Control": "no-store",
    }
    return Response(content, media_type="application/xml", headers=headers)


@router.post("/disbursement-confirmations", response_model=ImportView)
def import_confirmations(
    moving: MovingHere,
    file: Annotated[UploadFile, File(description="camt.053, pain.002, or a statement as a CSV table.")],
    sign: Annotated[bool, Query(description="Sign the assertions at once, with the key kept here.")] = False,
) -> Response:
    """What the bank's own system says of exported payments: each that was paid becomes an asserted disbursement. Given
    again it changes nothing; entries that name no payment of the caller's are named and left alone."""
    content = file.file.read()
    entries = read_confirmations(content)

    def work(session: Session) -> Reply:
        outcomes = confirm(session, moving.gateway.setting, moving.caller, entries, signed=sign)
        return Reply(200, import_view(outcomes), {"Cache-Control": "no-store"})

    return moving.about(b"sign " * sign + content).do(work)


def _changed(
    moving: Moving,
    run: str,
    if_match: str | None,
    act: Callable[[Session, DisbursementRunRow], None],
) -> Response:
    seen = version_of(if_match)

    def work(session: Session) -> Reply:
        row = disbursements.run_of(session, moving.caller, run, lock=True)
        disbursements.require_run_version(row, seen)
        act(session, row)
        return _reply(session, row, 200)

    return moving.do(work)


def _reply(session: Session, run: DisbursementRunRow, status: int) -> Reply:
    place = f"{PREFIX}/bank/disbursement-runs/{run.id}"
    return Reply(status, _run(session, run), {"Location": place, "ETag": tag(run.version)})


def _run(session: Session, run: DisbursementRunRow) -> RunView:
    items = disbursements.items_of(session, run)
    return run_view(run, items, disbursements.offers_of(session, items))
