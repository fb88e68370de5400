"""Documents: uploaded, shown to other parties, read, destroyed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, File, Path, Query, Response, UploadFile
from sqlalchemy.orm import Session

from gateway.answers import PROBLEMS, Cursor, Limit, number_of, page_of
from gateway.bodies import DeskRoute
from gateway.callers import CallerHere, GatewayHere
from gateway.forms import Form, PartyText, View, examples, utc
from gateway.moving import MovingHere, Reply
from ledger.agreements import PartyNumber
from ledger.columns import hex_of
from ledger.document_tables import DocumentRow
from ledger.documents import EXTENSIONS
from ledger.negotiation import sharing

router = APIRouter(prefix="/documents", tags=["Documents"], route_class=DeskRoute, responses=PROBLEMS)
DocumentId = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$", examples=["0b6ff2c2d1e54b0c9a3f5d7e8c1b2a30"])]
ReaderHere = Annotated[int, Path(ge=1, lt=2**32, description="The reading party's number.")]


class DocumentView(View):
    """A document. `hash` is SHA-256 over `salt` and content, for an agreement to name. `readers`: the parties that can
    open it beside the owner, shown to the owner; the salt is shown to whoever can open it."""

    id: str
    name: str
    media_type: str
    length: int
    hash: str
    salt: str
    own: bool
    readers: list[int] | None
    at: str
    destroyed_at: str | None


class DocumentPage(View):
    """Some documents, the newest first."""

    items: list[DocumentView]
    next: str | None


class ReaderForm(Form):
    """Who is to be able to open it."""

    model_config = examples(party=2)
    party: PartyText


@router.post("", response_model=DocumentView, status_code=201)
def upload(
    moving: MovingHere,
    file: Annotated[UploadFile, File(description="PDF, OFD, PNG, JPEG or TIFF, at most 5 MiB.")],
    name: Annotated[str, Query(min_length=1, max_length=100, description="What people call it.")],
) -> Response:
    """Uploads a document. It is kept encrypted under a key of its own; what kind it is its content says."""
    content = file.file.read()

    def work(session: Session) -> Reply:
        setting, caller = moving.gateway.setting, moving.caller
        row = sharing.upload(session, setting, caller, name=name, content=content)
        return Reply(201, _views(session, moving.caller.organisation, [row])[0])

    return moving.about(name.encode() + b"\n" + content).do(work)


@router.get("")
def list_documents(
    caller: CallerHere,
    gateway: GatewayHere,
    limit: Limit = 50,
    cursor_: Cursor = None,
) -> DocumentPage:
    """The caller's documents and those that others share with it."""
    with gateway.store.reading() as session:
        found = sharing.documents(session, caller, limit=limit + 1, before=number_of(cursor_))
        page, more = page_of(found, limit, lambda row: row.number)
        return DocumentPage(items=_views(session, caller.organisation, page), next=more)


@router.get("/{document}")
def one_document(document: DocumentId, caller: CallerHere, gateway: GatewayHere) -> DocumentView:
    """What a document is."""
    with gateway.store.reading() as session:
        row = sharing.document(session, caller, document)
        return _views(session, caller.organisation, [row])[0]


@router.get(
    "/{document}/content",
    response_class=Response,
    responses={200: {"content": {"application/octet-stream": {}}, "description": "The document."}},
)
def content(document: DocumentId, caller: CallerHere, gateway: GatewayHere) -> Response:
    """What is in it. The reading is recorded in the trails of reader and owner."""
    with gateway.store.writing() as session:
        row = sharing.document(session, caller, document)
        found = sharing.content(session, gateway.setting, caller, row)
    headers = {
        "Content-Disposition": f'attachment; filename="{row.id}.{EXTENSIONS[row.media_type]}"',
        "Cache-Control": "no-store",
    }
    return Response(found, media_type=row.media_type, headers=headers)


@router.post("/{document}/readers", response_model=DocumentView)
def share(document: DocumentId, form: ReaderForm, moving: MovingHere) -> Response:
    """Another party can open it from now on."""

    def work(session: Session) -> Reply:
        row = sharing.share(session, moving.gateway.setting, moving.caller, document, form.party)
        return Reply(200, _views(session, moving.caller.organisation, [row])[0])

    return moving.do(work)


@router.delete("/{document}/readers/{reader}", status_code=204)
def unshare(document: DocumentId, reader: ReaderHere, caller: CallerHere, gateway: GatewayHere) -> None:
    """A party can open it no more; what it read before it may have kept."""
    with gateway.store.writing() as session:
        sharing.unshare(session, gateway.setting, caller, document, PartyNumber(reader))


@router.delete("/{document}", status_code=204)
def destroy(document: DocumentId, caller: CallerHere, gateway: GatewayHere) -> None:
    """Destroys its keys and its content for good. That it was there, its name and its hash stay."""
    with gateway.store.writing() as session:
        sharing.destroy(session, gateway.setting, caller, document)


def _views(session: Session, organisation: int, rows: Sequence[DocumentRow]) -> list[DocumentView]:
    readers = sharing.readers(session, rows)
    return [
        DocumentView(
            id=row.id,
            name=row.name,
            media_type=row.media_type,
            length=row.length,
            hash=hex_of(row.hash),
            salt="0x" + row.salt,
            own=row.organisation == organisation,
            readers=list(readers[row.number]) if row.organisation == organisation else None,
            at=utc(row.created_at),
            destroyed_at=None if row.destroyed_at is None else utc(row.destroyed_at),
        )
        for row in rows
    ]
