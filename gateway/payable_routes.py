"""The issuer's desk: what is to be paid when, at which bank and to whom, and the notices of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query

from gateway.answers import PROBLEMS, Cursor, Limit, number_of, page_of, place_of
from gateway.bodies import DeskRoute
from gateway.callers import CallerHere, GatewayHere
from gateway.forms import View, date_text, money
from ledger.agreements import PartyNumber
from ledger.calendar import LAST_YEAR, Day, day_of_date, parse_date
from ledger.members import parse_voucher, promise_text, voucher_text
from ledger.negotiation import payables
from ledger.negotiation.access import Right, require
from ledger.negotiation.organisations import names_of
from ledger.negotiation.payables import PayDay
from ledger.tables import VoucherRow
from ledger.world import Lock

router = APIRouter(prefix="/issuer", tags=["Issuer's desk"], route_class=DeskRoute, responses=PROBLEMS)
_DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
DayPath = Annotated[str, Path(pattern=_DATE, examples=["2026-09-30"])]
Since = Annotated[str | None, Query(pattern=_DATE, description="The first day; else today.")]
Until = Annotated[str | None, Query(pattern=_DATE, description="The last day.")]
LockName = Literal["discount", "payment", "contested", "confirmed", "pledge", "freeze", "overdue"]


class AtBankView(View):
    """What is owed under the lines of one bank."""

    bank: int
    name: str | None
    promises: int
    face: str


class PayDayView(View):
    """One due day. `pay_day`: the working day on which the money has to be there; `provisional`: the holidays of its
    year are not announced."""

    due_day: str
    pay_day: str
    provisional: bool
    past: bool
    promises: int
    face: str
    banks: list[AtBankView]


class PayDayPage(View):
    """Some due days, the earliest first."""

    items: list[PayDayView]
    next: str | None


class ClaimView(View):
    """A voucher that is to be paid, and to whom."""

    voucher: str
    promise: str
    holder: int
    name: str | None
    face: str
    tier: int
    locks: list[LockName]


class ClaimPage(View):
    """Some vouchers of a due day, by id."""

    items: list[ClaimView]
    next: str | None


class NoticeView(View):
    """A notice that money has to be ready. `id` is the same whenever it is asked for."""

    id: str
    falls_on: str
    days_before: Literal[30, 7, 1]
    day: PayDayView


class NoticeList(View):
    """The notices of a range of days."""

    items: list[NoticeView]


@router.get("/payables")
def list_payables(
    caller: CallerHere,
    gateway: GatewayHere,
    limit: Limit = 50,
    cursor_: Cursor = None,
) -> PayDayPage:
    """The due days on which the organisation owes something, also those that are past."""
    require(caller, Right.READ)
    after = number_of(cursor_) or 0
    last = day_of_date(parse_date(f"{LAST_YEAR}-12-31"))
    with gateway.store.reading() as session:
        found = payables.days(
            session, gateway.setting, caller, since=Day(after + 1), until=last, limit=limit + 1
        )
        page, more = page_of(found, limit, lambda each: each.due_day)
        names = names_of(session, [at.bank for each in page for at in each.banks])
    today = gateway.setting.today
    return PayDayPage(items=[_day(each, names, today=today) for each in page], next=more)


@router.get("/payables/{due_day}")
def one_payable_day(
    due_day: DayPath,
    caller: CallerHere,
    gateway: GatewayHere,
    limit: Limit = 50,
    cursor_: Cursor = None,
) -> ClaimPage:
    """To whom the organisation owes what on a due day."""
    require(caller, Right.READ)
    after = place_of(cursor_, parse_voucher)
    day = day_of_date(parse_date(due_day))
    with gateway.store.reading() as session:
        found = payables.claims(
            session,
            gateway.setting,
            caller,
            day,
            limit=limit + 1,
            after=after,
        )
        page, more = page_of(found, limit, lambda row: voucher_text(row.voucher))
        names = names_of(session, [row.holder for row in page])
    return ClaimPage(items=[_claim(row, names.get(PartyNumber(row.holder))) for row in page], next=more)


@router.get("/funding-notices")
def funding_notices(
    caller: CallerHere, gateway: GatewayHere, since: Since = None, until: Until = None
) -> NoticeList:
    """The notices that fall into a range of days (at most 92; else today's), 30, 7 and 1 days before each due day. Ask
    for the days since the last time: then none is missed, and each comes once."""
    require(caller, Right.READ)
    today = gateway.setting.today
    first = today if since is None else day_of_date(parse_date(since))
    last = max(first, today) if until is None else day_of_date(parse_date(until))
    with gateway.store.reading() as session:
        found = payables.notices(session, gateway.setting, caller, since=first, until=last)
        names = names_of(session, [at.bank for each in found for at in each.of.banks])
    return NoticeList(
        items=[
            NoticeView(
                id=f"{date_text(each.of.due_day)}-{each.days_before}",
                falls_on=date_text(each.falls_on),
                days_before=each.days_before,  # type: ignore[arg-type]
                day=_day(each.of, names, today=today),
            )
            for each in found
        ]
    )


def _day(each: PayDay, names: Mapping[PartyNumber, str], *, today: Day) -> PayDayView:
    return PayDayView(
        due_day=date_text(each.due_day),
        pay_day=date_text(each.pay_day),
        provisional=each.provisional,
        past=each.due_day < today,
        promises=each.promises,
        face=money(each.live),
        banks=[
            AtBankView(bank=at.bank, name=names.get(at.bank), promises=at.promises, face=money(at.live))
            for at in each.banks
        ],
    )


def _claim(row: VoucherRow, name: str | None) -> ClaimView:
    assert row.promise is not None  # what is owed has a promise
    return ClaimView(
        voucher=voucher_text(row.voucher),
        promise=promise_text(row.promise),
        holder=row.holder,
        name=name,
        face=money(row.face),
        tier=row.tier,
        locks=[str(lock.name).lower() for lock in Lock if row.locks & lock],  # type: ignore[misc]
    )
