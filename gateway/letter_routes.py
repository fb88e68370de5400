"""Letters of authorisation, and what is looked at by them; notices to the debtor."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Response
from pydantic import Field
from sqlalchemy.orm import Session

from gateway.answers import PROBLEMS, Cursor, Limit, number_of, page_of
from gateway.bodies import DeskRoute
from gateway.callers import CallerHere, GatewayHere
from gateway.forms import (
    Form,
    NamedParty,
    OnDay,
    PartyText,
    Text,
    View,
    VoucherText,
    date_text,
    examples,
    hex_text,
    utc,
)
from gateway.holding_routes import (
    VoucherPage,
    VoucherPath,
    VoucherWithWay,
    voucher_page,
    voucher_with_way,
)
from gateway.moving import MovingHere, Reply
from ledger.document_tables import LetterRow, NoticeProofRow, NoticeRow
from ledger.members import voucher_text
from ledger.negotiation import letters, notices
from ledger.negotiation.access import Caller
from ledger.negotiation.organisations import parties_of
from ledger.negotiation.setting import Setting

router = APIRouter(tags=["Letters and notices"], route_class=DeskRoute, responses=PROBLEMS)
HexId = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$", examples=["0b6ff2c2d1e54b0c9a3f5d7e8c1b2a30"])]


class LetterForm(Form):
    """Who may look at the caller's vouchers, until when, and for what."""

    model_config = examples(reader=2, until="2026-12-31", purpose="credit assessment")
    reader: PartyText
    until: OnDay
    purpose: Annotated[Text, Field(min_length=1)]


class LetterView(View):
    """A letter of authorisation: whose vouchers may be looked at, and by whom."""

    id: str
    granted_by: NamedParty
    reader: NamedParty
    own: bool
    until: str
    purpose: str
    in_force: bool
    granted_at: str
    revoked_at: str | None


class LetterPage(View):
    """Some letters, the newest first."""

    items: list[LetterView]
    next: str | None


class NoticeForm(Form):
    """What the holder tells the issuer of a voucher."""

    model_config = examples(
        voucher="0x" + "ab" * 32, text="This claim was transferred to us; pay to us alone."
    )
    voucher: VoucherText
    text: Annotated[Text, Field(min_length=1)]


class ProofView(View):
    """A statement about a notice, and a time-stamping authority's word on it: `stamp` is its response (RFC 3161, DER in
    base64) over the statement's bytes in UTF-8, `stamped_at` the second that it says; null while there is none."""

    act: Literal["sent", "acknowledged"]
    statement: str
    stamp: str | None
    stamped_at: str | None


class NoticeView(View):
    """A notice. `hash` is SHA-256 over salt, voucher, a blank and text; block and journal head show that the notice is
    not older than they are, the trails of both sides and `proofs` that it is not younger."""

    id: str
    own: bool
    sender: NamedParty
    debtor: NamedParty
    voucher: str
    text: str
    salt: str
    hash: str
    ledger: str
    block: int
    block_hash: str
    journal_head: str
    sent_at: str
    received_at: str | None
    proofs: list[ProofView]


class NoticePage(View):
    """Some notices, the newest first."""

    items: list[NoticeView]
    next: str | None


@router.post("/letters", response_model=LetterView, status_code=201)
def grant(form: LetterForm, moving: MovingHere) -> Response:
    """Lets another party look at the caller's vouchers, up to a day."""

    def work(session: Session) -> Reply:
        setting = moving.gateway.setting
        row = letters.grant(
            session, setting, moving.caller, reader=form.reader, last_day=form.until, purpose=form.purpose
        )
        return Reply(201, _letters(session, setting, moving.caller, [row])[0])

    return moving.do(work)


@router.get("/letters")
def list_letters(
    caller: CallerHere,
    gateway: GatewayHere,
    limit: Limit = 50,
    cursor_: Cursor = None,
) -> LetterPage:
    """The letters that the caller's organisation granted or was granted."""
    with gateway.store.reading() as session:
        found = letters.letters(session, caller, limit=limit + 1, before=number_of(cursor_))
        page, more = page_of(found, limit, lambda row: row.number)
        return LetterPage(items=_letters(session, gateway.setting, caller, page), next=more)


@router.post("/letters/{letter}/revoke", response_model=LetterView)
def revoke(letter: HexId, moving: MovingHere) -> Response:
    """Ends a letter at once."""

    def work(session: Session) -> Reply:
        setting = moving.gateway.setting
        row = letters.revoke(session, setting, moving.caller, letter)
        return Reply(200, _letters(session, setting, moving.caller, [row])[0])

    return moving.do(work)


@router.get("/letters/{letter}/vouchers")
def vouchers_by_letter(
    letter: HexId,
    caller: CallerHere,
    gateway: GatewayHere,
    limit: Limit = 50,
    cursor_: Cursor = None,
    held: Annotated[bool, Query(description="Only what is held now.")] = False,
) -> VoucherPage:
    """The vouchers of whoever granted the letter, as they are to that organisation. The look is recorded."""
    with gateway.store.writing() as session:
        seen_as = letters.look(session, gateway.setting, caller, letter, at_what="vouchers")
        return voucher_page(session, gateway, seen_as, limit=limit, cursor=cursor_, held=held)


@router.get("/letters/{letter}/vouchers/{voucher}")
def voucher_by_letter(
    letter: HexId, voucher: VoucherPath, caller: CallerHere, gateway: GatewayHere
) -> VoucherWithWay:
    """One of them. The look is recorded."""
    with gateway.store.writing() as session:
        seen_as = letters.look(session, gateway.setting, caller, letter, at_what=voucher)
        return voucher_with_way(session, gateway, seen_as, voucher)


@router.post("/notices", response_model=NoticeView, status_code=201)
def send(form: NoticeForm, moving: MovingHere) -> Response:
    """The holder of a voucher tells its issuer something, and can show later that it did, and when."""

    def work(session: Session) -> Reply:
        setting, caller = moving.gateway.setting, moving.caller
        row = notices.send(session, setting, caller, form.voucher, text=form.text)
        return Reply(201, _notices(session, caller, [row])[0])

    return moving.do(work)


@router.get("/notices")
def list_notices(
    caller: CallerHere,
    gateway: GatewayHere,
    limit: Limit = 50,
    cursor_: Cursor = None,
) -> NoticePage:
    """The notices that the caller's organisation sent or was sent."""
    with gateway.store.reading() as session:
        found = notices.notices(session, caller, limit=limit + 1, before=number_of(cursor_))
        page, more = page_of(found, limit, lambda row: row.number)
        return NoticePage(items=_notices(session, caller, page), next=more)


@router.get("/notices/{notice}")
def one_notice(notice: HexId, caller: CallerHere, gateway: GatewayHere) -> NoticeView:
    """One notice, with all that its hash is made of."""
    with gateway.store.reading() as session:
        return _notices(session, caller, [notices.notice(session, caller, notice)])[0]


@router.post("/notices/{notice}/acknowledgement", response_model=NoticeView)
def acknowledge(notice: HexId, moving: MovingHere) -> Response:
    """Somebody who may sign for the issuer says that it was read."""

    def work(session: Session) -> Reply:
        row = notices.acknowledge(session, moving.gateway.setting, moving.caller, notice)
        return Reply(200, _notices(session, moving.caller, [row])[0])

    return moving.do(work)


def _letters(
    session: Session, setting: Setting, caller: Caller, rows: Sequence[LetterRow]
) -> list[LetterView]:
    known = _known(session, [number for row in rows for number in (row.organisation, row.reader)])
    return [
        LetterView(
            id=row.id,
            granted_by=known[row.organisation],
            reader=known[row.reader],
            own=row.organisation == caller.organisation,
            until=date_text(row.last_day),
            purpose=row.purpose,
            in_force=letters.is_in_force(setting, row),
            granted_at=utc(row.granted_at),
            revoked_at=None if row.revoked_at is None else utc(row.revoked_at),
        )
        for row in rows
    ]


def _notices(session: Session, caller: Caller, rows: Sequence[NoticeRow]) -> list[NoticeView]:
    known = _known(session, [number for row in rows for number in (row.sender, row.debtor)])
    proofs = notices.proofs(session, rows)
    return [
        NoticeView(
            id=row.id,
            own=row.sender == caller.organisation,
            sender=known[row.sender],
            debtor=known[row.debtor],
            voucher=voucher_text(row.voucher),
            text=row.text,
            salt="0x" + row.salt,
            hash=str(hex_text(row.hash)),
            ledger=row.contract,
            block=row.block,
            block_hash=str(hex_text(row.block_hash)),
            journal_head=str(hex_text(row.journal)),
            sent_at=utc(row.sent_at),
            received_at=None if row.received_at is None else utc(row.received_at),
            proofs=[_proof(each) for each in proofs[row.number]],
        )
        for row in rows
    ]


def _proof(row: NoticeProofRow) -> ProofView:
    return ProofView(
        act=row.act,  # type: ignore[arg-type]
        statement=row.statement,
        stamp=None if row.stamp is None else b64encode(row.stamp).decode(),
        stamped_at=None if row.stamped_at is None else utc(row.stamped_at),
    )


def _known(session: Session, organisations: list[int]) -> dict[int, NamedParty]:
    found = parties_of(session, organisations)
    return {number: NamedParty(party=party, name=name) for number, (party, name) in found.items()}
