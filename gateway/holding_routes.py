"""Everyone's desk: vouchers with their way from the issuer, credit lines with what is free, the audit trail."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from pydantic import Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.answers import PROBLEMS, Cursor, Limit, number_of, page_of, place_of
from gateway.bodies import DeskRoute
from gateway.callers import CallerHere, GatewayHere
from gateway.forms import NamedParty, Names, View, date_text, hex_text, money, named, utc
from gateway.gateway import Gateway
from ledger.members import line_text, parse_line, parse_voucher, promise_text, voucher_text
from ledger.negotiation.access import Caller, Right, require
from ledger.negotiation.audit import verified
from ledger.negotiation.holdings import (
    Hop,
    LineView,
    Standing,
    VoucherView,
    line_of,
    lines_of,
    provenance,
    voucher_of,
    vouchers_of,
)
from ledger.negotiation.organisations import names_of
from ledger.organisation_tables import AuditRow
from ledger.world import Lock, bank_of

router = APIRouter(tags=["Vouchers and lines"], route_class=DeskRoute, responses=PROBLEMS)
VoucherPath = Annotated[str, Path(pattern=r"^0x[0-9a-f]{64}$", examples=["0x" + "ab" * 32])]
LinePath = Annotated[str, Path(pattern=r"^(0|[1-9][0-9]{0,9})-(0|[1-9][0-9]{0,9})$", examples=["2-1"])]
LockName = Literal["discount", "payment", "contested", "confirmed", "pledge", "freeze", "overdue"]


class HopView(View):
    """One step of a voucher's way. What is a neighbour's affair is left out; the transaction can be looked up."""

    event: str
    day: str
    tier: int | None
    tx_hash: str | None
    voucher: str | None
    holder: NamedParty | None
    party: NamedParty | None
    amount: str | None


class VoucherAnswer(View):
    """A voucher. `standing`: what the caller is to it; who only held it once sees no present state."""

    id: str
    ledger: str
    promise: str
    line: str
    issuer: NamedParty
    bank: NamedParty
    due_day: str
    tier: int
    standing: Literal["holder", "issuer", "bank", "concerned", "former"]
    face: str | None
    holder: NamedParty | None
    sequence: int | None
    locks: list[LockName] | None
    ended_as: str | None
    smallest_part: str
    highest_tier: int


class VoucherWithWay(VoucherAnswer):
    """A voucher with its way from the issue on."""

    provenance: list[HopView]


class VoucherPage(View):
    """Some vouchers, by id."""

    items: list[VoucherAnswer]
    next: str | None


class SumsView(View):
    """A line's sums, its own alone."""

    line: str
    limit: str
    drawn: str
    reserved: str
    available: str


class LineAnswer(View):
    """A line. `available` counts the parent line too, and `binding` is the one of the two that leaves less."""

    line: str
    ledger: str
    bank: NamedParty
    issuer: NamedParty
    expiry: str
    frozen: bool
    blocked: Annotated[
        list[Literal["frozen", "expired", "parent frozen", "parent expired"]],
        Field(description="Why nothing can be promised under it now, whatever is available."),
    ]
    countersign: bool
    smallest_part: str
    window: int
    grace: int
    own: SumsView
    parent: SumsView | None
    available: str
    binding: str


class LinePage(View):
    """Some lines, by number."""

    items: list[LineAnswer]
    next: str | None


class AuditEntry(View):
    """One act. `hash`: SHA-256 over `[organisation, place, at, who, act, subject, facts, previous]` as JSON in UTF-8
    without blanks, the keys of facts sorted; the organisation is its number (`GET /session`), `at` Unix seconds,
    `previous` the hash of the entry before without 0x, 64 zeros before the first."""

    place: int
    at: str
    who: str
    act: str
    subject: str
    facts: dict[str, Any]
    hash: str


class AuditPage(View):
    """Some of the organisation's trail, the oldest first."""

    items: list[AuditEntry]
    next: str | None


class TrailView(View):
    """The organisation's trail, hashed again. `head`: the hash of its last entry, to be kept elsewhere; `broken_at`:
    the first entry that does not follow from the one before it."""

    entries: int
    head: str
    whole: bool
    broken_at: int | None


@router.get("/vouchers")
def list_vouchers(
    caller: CallerHere,
    gateway: GatewayHere,
    limit: Limit = 50,
    cursor_: Cursor = None,
    held: Annotated[bool, Query(description="Only those that the caller holds now.")] = False,
) -> VoucherPage:
    """The vouchers that the caller holds, held, promised, or has under its lines."""
    require(caller, Right.READ)
    with gateway.store.reading() as session:
        return voucher_page(session, gateway, caller, limit=limit, cursor=cursor_, held=held)


@router.get("/vouchers/{voucher}")
def one_voucher(voucher: VoucherPath, caller: CallerHere, gateway: GatewayHere) -> VoucherWithWay:
    """One voucher, with its way from the issue on as far as the caller may see it."""
    require(caller, Right.READ)
    with gateway.store.reading() as session:
        return voucher_with_way(session, gateway, caller, voucher)


@router.get("/lines")
def list_lines(
    caller: CallerHere,
    gateway: GatewayHere,
    limit: Limit = 50,
    cursor_: Cursor = None,
    parent: Annotated[
        str | None,
        Query(
            pattern=r"^(0|[1-9][0-9]{0,9})-(0|[1-9][0-9]{0,9})$", description="Only sub-lines of this one."
        ),
    ] = None,
) -> LinePage:
    """The lines that the caller granted or was granted: limit, drawn, reserved by open offers, available."""
    require(caller, Right.READ)
    after = place_of(cursor_, parse_line)
    with gateway.store.reading() as session:
        found = lines_of(
            session,
            gateway.setting,
            caller,
            limit=limit + 1,
            after=after,
            parent=None if parent is None else parse_line(parent),
        )
        page, more = page_of(found, limit, lambda view: line_text(view.row.line))
        names = names_of(session, [number for view in page for number in (view.row.bank, view.row.issuer)])
    return LinePage(items=[_line(view, names) for view in page], next=more)


@router.get("/lines/{line}")
def one_line(line: LinePath, caller: CallerHere, gateway: GatewayHere) -> LineAnswer:
    """One line."""
    require(caller, Right.READ)
    with gateway.store.reading() as session:
        view = line_of(session, gateway.setting, caller, parse_line(line))
        return _line(view, names_of(session, [view.row.bank, view.row.issuer]))


@router.get("/audit", tags=["Audit"])
def audit_trail(
    caller: CallerHere,
    gateway: GatewayHere,
    limit: Limit = 50,
    cursor_: Cursor = None,
) -> AuditPage:
    """What people and programs of the organisation did."""
    require(caller, Right.AUDIT)
    query = select(AuditRow).where(
        AuditRow.organisation == caller.organisation, AuditRow.place > (number_of(cursor_) or 0)
    )
    with gateway.store.reading() as session:
        found = list(session.scalars(query.order_by(AuditRow.place).limit(limit + 1)))
    page, more = page_of(found, limit, lambda row: row.place)
    return AuditPage(
        items=[
            AuditEntry(
                place=row.place,
                at=utc(row.at),
                who=row.who,
                act=row.act,
                subject=row.subject,
                facts=row.facts,
                hash=str(hex_text(row.hash)),
            )
            for row in page
        ],
        next=more,
    )


@router.get("/audit/verification", tags=["Audit"])
def verify_trail(caller: CallerHere, gateway: GatewayHere) -> TrailView:
    """Whether the organisation's trail is whole: every entry is hashed again, so ask for it now and then."""
    require(caller, Right.AUDIT)
    with gateway.store.reading() as session:
        found = verified(session, caller.organisation)
    return TrailView(
        entries=found.entries,
        head=str(hex_text(found.head)),
        whole=found.broken_at is None,
        broken_at=found.broken_at,
    )


def voucher_page(
    session: Session, gateway: Gateway, caller: Caller, *, limit: int, cursor: str | None, held: bool
) -> VoucherPage:
    """A page of the vouchers that somebody sees."""
    after = place_of(cursor, parse_voucher)
    found = vouchers_of(
        session,
        gateway.setting,
        caller,
        limit=limit + 1,
        after=after,
        held=held,
    )
    page, more = page_of(found, limit, lambda view: voucher_text(view.row.voucher))
    names = names_of(session, [number for view in page for number in _concerned(view)])
    return VoucherPage(items=[VoucherAnswer(**_voucher(view, names)) for view in page], next=more)


def voucher_with_way(session: Session, gateway: Gateway, caller: Caller, voucher: str) -> VoucherWithWay:
    """One voucher as somebody sees it, with its way."""
    view = voucher_of(session, gateway.setting, caller, parse_voucher(voucher))
    hops = provenance(session, caller, view)
    parties = {number for hop in hops for number in (hop.holder, hop.party) if number}
    names = names_of(session, [*parties, *_concerned(view)])
    return VoucherWithWay(**_voucher(view, names), provenance=[_hop(hop, names) for hop in hops])


def _concerned(view: VoucherView) -> tuple[int, int, int]:
    return view.row.holder, view.promise.issuer, bank_of(view.promise.line)


@cache
def _lock_names(locks: int) -> list[str]:
    return [str(lock.name).lower() for lock in Lock if locks & lock]


def _voucher(view: VoucherView, names: Names) -> dict[str, Any]:
    row, promise = view.row, view.promise
    shown = view.standing is not Standing.FORMER
    locks = _lock_names(int(row.locks))
    return {
        "id": voucher_text(row.voucher),
        "ledger": view.ledger,
        "promise": promise_text(promise.promise),
        "line": line_text(promise.line),
        "issuer": named(promise.issuer, names),
        "bank": named(bank_of(promise.line), names),
        "due_day": date_text(promise.due_day),
        "tier": row.tier,
        "standing": str(view.standing),
        "face": money(row.face) if shown else None,
        "holder": named(row.holder, names) if shown else None,
        "sequence": row.sequence if shown else None,
        "locks": locks if shown else None,
        "ended_as": row.ended_as if shown else None,
        "smallest_part": money(promise.smallest_part),
        "highest_tier": promise.highest_tier,
    }


def _hop(hop: Hop, names: Names) -> HopView:
    return HopView(
        event=hop.event,
        day=date_text(hop.day),
        tier=hop.tier,
        tx_hash=hex_text(hop.tx_hash),
        voucher=None if hop.voucher is None else voucher_text(hop.voucher),
        holder=None if hop.holder is None else named(hop.holder, names),
        party=None if hop.party is None else named(hop.party, names),
        amount=None if hop.amount is None else money(hop.amount),
    )


def _line(view: LineView, names: Names) -> LineAnswer:
    row = view.row

    def sums(each: Any) -> SumsView:
        return SumsView(
            line=line_text(each.line),
            limit=money(each.limit),
            drawn=money(each.drawn),
            reserved=money(each.reserved),
            available=money(each.available),
        )

    return LineAnswer(
        line=line_text(row.line),
        ledger=view.ledger,
        bank=named(row.bank, names),
        issuer=named(row.issuer, names),
        expiry=date_text(row.expiry),
        frozen=row.frozen,
        blocked=list(view.blocked),  # type: ignore[arg-type]
        countersign=row.countersign,
        smallest_part=money(row.smallest_part),
        window=row.window,
        grace=row.grace,
        own=sums(view.headroom),
        parent=None if view.parent is None else sums(view.parent),
        available=money(view.available),
        binding=line_text(view.binding),
    )
