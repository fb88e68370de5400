"""The issuer's desk: promises by a file, CSV or XLSX, judged first, then offered some at a time; the outcome as a file.

The body of a request is the file itself (`text/csv`, or the type of an XLSX workbook), not a form around it: sent again
it is the same bytes, which a request that names itself wants.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import Field
from sqlalchemy.orm import Session

from gateway.answers import PREFIX, PROBLEMS, Cursor, Limit, number_of, page_of
from gateway.bodies import CSV, RAW, XLSX, SheetRoute
from gateway.callers import CallerHere, GatewayHere
from gateway.forms import RECORDED, Flag, Form, OnDay, View, examples, money, utc
from gateway.moving import MovingHere, Reply
from gateway.problems import Problem, problem_of
from ledger.bulk_tables import BulkRunRow
from ledger.errors import InputError
from ledger.members import voucher_text
from ledger.negotiation import bulk
from ledger.negotiation.access import Right, require
from ledger.negotiation.bulk import MOST_AT_ONCE, OFFERED, REFUSED, WAITING, Shown, column_of
from ledger.negotiation.bulk_file import BulkPromise, from_json, read
from ledger.sheets import csv_text
from ledger.workbooks import workbook

router = APIRouter(prefix="/issuer", tags=["Issuer's desk"], route_class=SheetRoute, responses=PROBLEMS)
FileId = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$", examples=["0b6ff2c2d1e54b0c9a3f5d7e8c1b2a30"])]
State = Literal["waiting", "offered", "refused"]
COLUMNS = (
    "行 row",
    "编号 reference",
    "供应商 supplier",
    "面额 face",
    "状态 state",
    "要约 offer",
    "凭证 voucher",
    "列 column",
    "原因 why",
    "下一步 next",
)
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_ROWS = """reference,line,supplier,face,due,invoice_number,invoice_amount,invoice_total
PO-2026-118,2-17,11,1234.50,2026-12-31,24312000000012345678,1234.50,1234.50
"""
_FILE: dict[str, Any] = {
    "requestBody": {"required": True, "content": {CSV: {**_BINARY, "example": _ROWS}, XLSX: _BINARY}}
}
"""How a body that is a file is described."""
_RESULT: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {CSV: {"example": RECORDED.get("/issuer/bulk-runs/{file}/result")}, XLSX: _BINARY},
        "description": "The file.",
    }
}


class JudgedView(View):
    """A promise of a file that would be refused, from its row on; `column` where one alone is at fault."""

    row: int
    reference: str
    column: str | None
    problem: Problem


class CheckView(View):
    """What offering a file would come to now. Nothing was written."""

    promises: int
    good: int
    face: str
    problems: list[JudgedView]


class RunView(View):
    """A file that was taken, and how far its promises are."""

    id: str
    who: str
    sent_at: str
    waiting: int
    offered: int
    refused: int


class RunPage(View):
    """Some files, the newest first."""

    items: list[RunView]
    next: str | None


class BulkPromiseView(View):
    """One promise of a file, with the offer that came of it, or with what stood in its way."""

    row: int
    reference: str
    supplier: int
    face: str
    state: State
    offer: str | None
    voucher: str | None
    column: str | None
    problem: Problem | None


class BulkPromisePage(View):
    """Some promises of a file, in its order."""

    items: list[BulkPromiseView]
    next: str | None


class OfferNextForm(Form):
    """How to go on."""

    model_config = examples(sign=True, most=50)
    sign: Annotated[
        Flag, Field(description="Sign with the key that is kept here, where no reviewer has to look.")
    ] = False
    again: Annotated[Flag, Field(description="Those that were refused wait once more.")] = False
    valid_until: Annotated[OnDay | None, Field(description="The last day of these offers; else a week.")] = (
        None
    )
    most: Annotated[int, Field(strict=True, ge=1, le=MOST_AT_ONCE)] = 50


@router.post("/bulk-checks", openapi_extra=_FILE)
def check_file(request: Request, caller: CallerHere, gateway: GatewayHere) -> CheckView:
    """Judges every promise of a file, in its order and with its line's headroom as a whole, and writes nothing. A file
    with cells that cannot be read is answered with all of them (422)."""
    require(caller, Right.PROPOSE)
    promises = read(_file(request), "the file")
    with gateway.store.reading() as session:
        judged = bulk.check(session, gateway.setting, caller, promises, valid_until=None)
    bad = [each for each in judged if each.refused is not None]
    good = [each for each in judged if each.refused is None]
    return CheckView(
        promises=len(judged),
        good=len(good),
        face=money(sum(each.promise.terms.face for each in good)),
        problems=[
            JudgedView(
                row=each.promise.row,
                reference=each.promise.terms.reference,
                column=column_of(each.refused) or None,
                problem=problem_of(each.refused),
            )
            for each in bad
            if each.refused is not None
        ],
    )


@router.post("/bulk-runs", response_model=RunView, status_code=201, openapi_extra=_FILE)
def send_file(request: Request, moving: MovingHere) -> Response:
    """Takes a file of promises. None is offered yet: that is `POST …/next`, until none waits."""

    def work(session: Session) -> Reply:
        content = _file(request)
        promises: Sequence[BulkPromise] = read(content, "the file")
        run = bulk.take(session, moving.gateway.setting, moving.caller, promises, content=content)
        return _answer(session, run, status=201)

    return moving.do(work)


@router.post("/bulk-runs/{file}/next", response_model=RunView)
def offer_next(file: FileId, form: OfferNextForm, moving: MovingHere) -> Response:
    """Offers the next promises of a file in one transaction. Killed meanwhile, none of these is offered; sent again
    under the same name, they are offered once."""

    def work(session: Session) -> Reply:
        row = bulk.run_of(session, moving.caller, file, lock=True)
        bulk.offer(
            session,
            moving.gateway.setting,
            moving.caller,
            row,
            sign_now=form.sign,
            again=form.again,
            valid_until=form.valid_until,
            most=form.most,
        )
        return _answer(session, row, status=200)

    return moving.do(work)


@router.get("/bulk-runs")
def list_files(
    caller: CallerHere,
    gateway: GatewayHere,
    limit: Limit = 50,
    cursor_: Cursor = None,
) -> RunPage:
    """The files that the organisation sent."""
    require(caller, Right.READ)
    with gateway.store.reading() as session:
        found = bulk.runs(session, caller, limit=limit + 1, before=number_of(cursor_))
        page, more = page_of(found, limit, lambda row: row.number)
        counts = bulk.progress(session, page)
    return RunPage(items=[_run(row, counts[row.number]) for row in page], next=more)


@router.get("/bulk-runs/{file}")
def one_file(file: FileId, caller: CallerHere, gateway: GatewayHere) -> RunView:
    """One file, and how far its promises are."""
    require(caller, Right.READ)
    with gateway.store.reading() as session:
        row = bulk.run_of(session, caller, file)
        return _run(row, bulk.progress(session, [row])[row.number])


@router.get("/bulk-runs/{file}/promises")
def promises_of_file(
    file: FileId,
    caller: CallerHere,
    gateway: GatewayHere,
    limit: Limit = 50,
    cursor_: Cursor = None,
) -> BulkPromisePage:
    """A file's promises in its order."""
    require(caller, Right.READ)
    after = number_of(cursor_)
    with gateway.store.reading() as session:
        row = bulk.run_of(session, caller, file)
        found = bulk.promises(session, row, limit=limit + 1, after=-1 if after is None else after)
    page, more = page_of(found, limit, lambda each: each.row.place)
    return BulkPromisePage(items=[_promise(each) for each in page], next=more)


@router.get("/bulk-runs/{file}/result", response_class=Response, responses=_RESULT)
def result_of_file(
    file: FileId,
    caller: CallerHere,
    gateway: GatewayHere,
    form: Annotated[Literal["csv", "xlsx"], Query(description="Which kind of file.")] = "csv",
) -> Response:
    """What became of each promise, as a file in which nothing is a formula."""
    require(caller, Right.READ)
    with gateway.store.reading() as session:
        row = bulk.run_of(session, caller, file)
        found = [_promise(each) for each in bulk.promises(session, row, limit=None, after=-1)]
    rows = [_cells(each) for each in found]
    told = {"Content-Disposition": f'attachment; filename="{file}.{form}"', "Cache-Control": "no-store"}
    if form == "csv":
        return Response(csv_text(COLUMNS, rows).encode(), media_type=CSV, headers=told)
    return Response(workbook(COLUMNS, rows), media_type=XLSX, headers=told)


def _file(request: Request) -> bytes:
    content = request.scope.get(RAW, b"")
    if not content:
        raise InputError("send the file itself as the request's body")
    return bytes(content)


def _answer(session: Session, run: BulkRunRow, *, status: int) -> Reply:
    headers = {"Location": f"{PREFIX}/issuer/bulk-runs/{run.id}"}
    return Reply(status, _run(run, bulk.progress(session, [run])[run.number]), headers)


def _run(row: BulkRunRow, counts: Any) -> RunView:
    return RunView(
        id=row.id,
        who=row.who,
        sent_at=utc(row.created_at),
        waiting=counts[WAITING],
        offered=counts[OFFERED],
        refused=counts[REFUSED],
    )


def _promise(each: Shown) -> BulkPromiseView:
    terms = from_json(each.row.terms)
    made = each.offer
    return BulkPromiseView(
        row=each.row.row,
        reference=each.row.reference,
        supplier=int(terms.supplier),
        face=money(terms.face),
        state=each.state,  # type: ignore[arg-type]
        offer=None if made is None else made.id,
        voucher=None if made is None or made.root is None else voucher_text(made.root),
        column=None if each.refused is None else column_of(each.refused) or None,
        problem=None if each.refused is None else problem_of(each.refused),
    )


def _cells(each: BulkPromiseView) -> tuple[object, ...]:
    why = each.problem
    return (
        each.row,
        each.reference,
        each.supplier,
        each.face,
        each.state,
        each.offer or "",
        each.voucher or "",
        each.column or "",
        "" if why is None else f"{why.detail_zh or ''} {why.detail}".strip(),
        "" if why is None else f"{why.next_zh or ''} {why.next or ''}".strip(),
    )
