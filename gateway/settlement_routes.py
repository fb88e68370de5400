"""The bank's desk, what it has to pay and what it has at stake: settlement lists, exposure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Response

from gateway.answers import PROBLEMS, Cursor, Limit, number_of, page_of, place_of
from gateway.bodies import DeskRoute
from gateway.callers import CallerHere, GatewayHere
from gateway.forms import View, date_text, money, recorded
from ledger.agreements import PartyNumber
from ledger.calendar import Day, day_of_date, parse_date
from ledger.members import line_text, parse_voucher, voucher_text
from ledger.money import Fen, parse_yuan
from ledger.negotiation import settlement_list
from ledger.negotiation.access import Right, require
from ledger.negotiation.exposure import By, exposures, lines_by_issuer
from ledger.negotiation.organisations import Account, accounts_of, names_of
from ledger.negotiation.settlement_list import DueDay, Listed
from ledger.sheets import csv_text
from ledger.world import Lock

router = APIRouter(prefix="/bank", tags=["Bank's desk"], route_class=DeskRoute, responses=PROBLEMS)
DayPath = Annotated[str, Path(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$", examples=["2026-09-30"])]
Pay = Literal["none", "asserted", "contested", "confirmed"]
COLUMNS = (
    "凭证编号 voucher",
    "额度 line",
    "付款人 issuer",
    "收款人 payee",
    "收款人名称 payee_name",
    "收款账号 account",
    "金额 amount",
    "质权人 pledgee",
    "冻结至 frozen_until",
    "付款状态 payment",
)
Accounts = Mapping[PartyNumber, Account]


class IssuerSum(View):
    """What one issuer's vouchers come to."""

    issuer: int
    issuer_name: str | None
    vouchers: int
    face: str


class DueDayView(View):
    """One due day. `final`: from its beginning on only payment verbs work on its vouchers."""

    due_day: str
    final: bool
    issuers: list[IssuerSum]
    vouchers: int
    face: str


class DueDayPage(View):
    """Some due days, the earliest first."""

    items: list[DueDayView]
    next: str | None


class PayeeView(View):
    """Who is to get how much, on which account."""

    party: int
    name: str | None
    account: str | None
    amount: str
    pledgee: bool


class ListedView(View):
    """A voucher on the settlement list, with whom to pay in this order. A frozen one is paid after the freeze."""

    voucher: str
    ledger: str
    line: str
    issuer: int
    holder: int
    face: str
    frozen_until: str | None
    payment: Pay
    payees: list[PayeeView]


class SettlementList(View):
    """A page of a due day's list, by voucher; the totals are those of the whole day."""

    total: DueDayView
    items: list[ListedView]
    next: str | None


class ShareView(View):
    """What is to be asserted: so much of this voucher to this party."""

    voucher: str
    payee: int
    payee_name: str | None
    account: str | None
    amount: str
    frozen: bool


class SharesView(View):
    """A payment shared out over what is owed. `left_out`: vouchers on which a payment is under way already."""

    issuer: int
    due_day: str
    owed: str
    paid: str
    items: list[ShareView]
    left_out: list[str]


class ExposureView(View):
    """One sum. `key`: a party, or a tier. `held`: what the bank holds itself. `limit` and `drawn`: by issuer only."""

    key: int
    name: str | None
    vouchers: int
    live: str
    held: str
    overdue: str
    limit: str | None
    drawn: str | None


class ExposurePage(View):
    """Some sums, by key."""

    by: By
    items: list[ExposureView]
    next: str | None


@router.get("/settlement-lists")
def due_days(
    caller: CallerHere,
    gateway: GatewayHere,
    limit: Limit = 50,
    cursor_: Cursor = None,
) -> DueDayPage:
    """The due days on which something is owed under the caller's lines."""
    require(caller, Right.READ)
    after = number_of(cursor_)
    with gateway.store.reading() as session:
        found = settlement_list.days(
            session,
            gateway.setting,
            caller,
            limit=limit + 1,
            after=None if after is None else Day(after),
        )
        names = names_of(session, [each.issuer for each in found])
    by_day: dict[Day, list[DueDay]] = {}
    for each in found:
        by_day.setdefault(each.due_day, []).append(each)
    page, more = page_of(list(by_day.values()), limit, lambda sums: int(sums[0].due_day))
    today = gateway.setting.today
    return DueDayPage(items=[_due_day(sums, names, today) for sums in page], next=more)


@router.get("/settlement-lists/{due_day}")
def one_list(
    due_day: DayPath,
    caller: CallerHere,
    gateway: GatewayHere,
    limit: Limit = 50,
    cursor_: Cursor = None,
) -> SettlementList:
    """The holders of record of one due day, by voucher: whom to pay how much on which account."""
    require(caller, Right.READ)
    day, after = _day(due_day), place_of(cursor_, parse_voucher)
    with gateway.store.reading() as session:
        sums = settlement_list.totals(session, gateway.setting, caller, day)
        found = settlement_list.claims(
            session,
            gateway.setting,
            caller,
            day,
            limit=limit + 1,
            after=after,
        )
        page, more = page_of(found, limit, lambda each: voucher_text(each.voucher))
        accounts = accounts_of(session, _payees(page))
        names = names_of(session, [each.issuer for each in sums])
    return SettlementList(
        total=_due_day(sums, names, gateway.setting.today),
        items=[_listed(each, accounts) for each in page],
        next=more,
    )


@router.get(
    "/settlement-lists/{due_day}/csv",
    response_class=Response,
    responses=recorded("/bank/settlement-lists/{due_day}/csv", "text/csv", "A row for each payee."),
)
def list_as_csv(due_day: DayPath, caller: CallerHere, gateway: GatewayHere) -> Response:
    """The whole list as a table."""
    require(caller, Right.READ)
    day = _day(due_day)
    with gateway.store.reading() as session:
        settlement_list.totals(session, gateway.setting, caller, day)
        found = settlement_list.claims(session, gateway.setting, caller, day)
        accounts = accounts_of(session, [*_payees(found), *(each.issuer for each in found)])
    text = csv_text(COLUMNS, [row for each in found for row in _rows(each, accounts)])
    name = f'attachment; filename="settlement-{date_text(day)}.csv"'
    headers = {"Content-Disposition": name, "Cache-Control": "no-store"}
    return Response(text, media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/settlement-lists/{due_day}/shares")
def shares(
    due_day: DayPath,
    caller: CallerHere,
    gateway: GatewayHere,
    issuer: Annotated[int, Query(ge=1, lt=2**32)],
    paid: Annotated[str, Query(pattern=r"^[0-9]{1,15}\.[0-9]{2}$", examples=["1234.50"])],
) -> SharesView:
    """What each voucher gets where the issuer has paid so much: in proportion to what is owed, exact to the fen."""
    require(caller, Right.READ)
    day, sum_ = _day(due_day), parse_yuan(paid)
    with gateway.store.reading() as session:
        found = settlement_list.shares(
            session, gateway.setting, caller, day, issuer=PartyNumber(issuer), paid=sum_
        )
        accounts = accounts_of(session, [each.payee for each in found.settlements])
    return SharesView(
        issuer=issuer,
        due_day=date_text(day),
        owed=money(found.owed),
        paid=money(sum_),
        items=[
            ShareView(
                voucher=voucher_text(each.voucher),
                payee=each.payee,
                payee_name=accounts[each.payee].name if each.payee in accounts else None,
                account=accounts[each.payee].number if each.payee in accounts else None,
                amount=money(each.amount),
                frozen=each.voucher in found.frozen,
            )
            for each in found.settlements
        ],
        left_out=[voucher_text(each) for each in found.left_out],
    )


@router.get("/exposure")
def exposure(
    caller: CallerHere,
    gateway: GatewayHere,
    by: By = By.ISSUER,
    limit: Limit = 50,
    cursor_: Cursor = None,
) -> ExposurePage:
    """What is at stake under the caller's lines, by issuer, tier or first supplier."""
    require(caller, Right.READ)
    with gateway.store.reading() as session:
        found = exposures(session, gateway.setting, caller, by, limit=limit + 1, after=number_of(cursor_))
        page, more = page_of(found, limit, lambda each: each.key)
        keys = [each.key for each in page]
        names = {} if by is By.TIER else names_of(session, keys)
        lines = lines_by_issuer(session, gateway.setting, caller, keys) if by is By.ISSUER else {}
    return ExposurePage(
        by=by,
        items=[
            ExposureView(
                key=each.key,
                name=names.get(PartyNumber(each.key)),
                vouchers=each.vouchers,
                live=money(each.live),
                held=money(each.held),
                overdue=money(each.overdue),
                limit=money(lines[each.key].limit) if each.key in lines else None,
                drawn=money(lines[each.key].drawn) if each.key in lines else None,
            )
            for each in page
        ],
        next=more,
    )


def _day(text: str) -> Day:
    return day_of_date(parse_date(text))


def _due_day(sums: Sequence[DueDay], names: Mapping[PartyNumber, str], today: Day) -> DueDayView:
    day = sums[0].due_day
    return DueDayView(
        due_day=date_text(day),
        final=today >= day,
        issuers=[
            IssuerSum(
                issuer=each.issuer,
                issuer_name=names.get(each.issuer),
                vouchers=each.vouchers,
                face=money(each.face),
            )
            for each in sums
        ],
        vouchers=sum(each.vouchers for each in sums),
        face=money(sum(each.face for each in sums)),
    )


def _payees(found: Sequence[Listed]) -> list[int]:
    return [party for each in found for party, _ in each.payees]


def _listed(each: Listed, accounts: Accounts) -> ListedView:
    return ListedView(
        voucher=voucher_text(each.voucher),
        ledger=each.ledger,
        line=line_text(each.line),
        issuer=each.issuer,
        holder=each.holder,
        face=money(each.face),
        frozen_until=None if each.frozen_until is None else date_text(each.frozen_until),
        payment=_payment(each.locks),
        payees=[_payee(each, party, amount, accounts) for party, amount in each.payees],
    )


def _payee(each: Listed, party: PartyNumber, amount: Fen, accounts: Accounts) -> PayeeView:
    known = accounts.get(party)
    return PayeeView(
        party=party,
        name=None if known is None else known.name,
        account=None if known is None else known.number,
        amount=money(amount),
        pledgee=party != each.holder,
    )


def _payment(locks: Lock) -> Pay:
    if not locks & Lock.PAYMENT:
        return "none"
    if locks & Lock.CONFIRMED:
        return "confirmed"
    return "contested" if locks & Lock.CONTESTED else "asserted"


def _rows(each: Listed, accounts: Accounts) -> list[tuple[object, ...]]:
    issuer = accounts.get(each.issuer)
    return [
        (
            voucher_text(each.voucher),
            line_text(each.line),
            str(each.issuer) if issuer is None else issuer.name,
            party,
            accounts[party].name if party in accounts else "",
            accounts[party].number if party in accounts else "",
            money(amount),
            "是 yes" if party != each.holder else "",
            "" if each.frozen_until is None else date_text(each.frozen_until),
            _payment(each.locks),
        )
        for party, amount in each.payees
    ]
