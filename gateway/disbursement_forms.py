"""The forms and views of disbursements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from gateway.forms import Form, OnDay, View, VoucherText, Yuan, date_text, examples, money, utc
from gateway.problems import Problem, problem_of
from ledger.calendar import Day
from ledger.disbursement_tables import DisbursementItemRow, DisbursementRunRow
from ledger.members import voucher_text
from ledger.negotiation import disbursements
from ledger.negotiation.confirming import Became, Outcome
from ledger.negotiation.disbursement_queue import WAITING, Due
from ledger.negotiation.disbursements import EXPORTED

RunState = Literal["prepared", "released", "exported", "settled", "cancelled"]


class DueView(View):
    """A price to be paid. `amount` follows from the opened quote. `hindrance`: why it cannot be paid today."""

    voucher: str
    ledger: str
    seller: int
    seller_name: str | None
    account: str | None
    face: str
    amount: str | None
    pay_by: str
    due_day: str
    run: str | None
    hindrance: Problem | None


class QueuePage(View):
    """Some of the queue, by voucher."""

    items: list[DueView]
    next: str | None


class ItemForm(Form):
    """One payment of a run."""

    voucher: VoucherText
    account_name: Annotated[
        str,
        Field(
            strict=True, min_length=1, max_length=100, description="What the bank's books call the account."
        ),
    ]
    filing: Annotated[
        str,
        Field(
            strict=True,
            pattern=r"^[0-9A-Za-z-]{8,40}$",
            description="The number under which the sale is filed in the register of receivables.",
        ),
    ]


class RunForm(Form):
    """A run, with the totals that the maker has counted before."""

    model_config = examples(
        items=[{"voucher": "0x" + "ab" * 32, "account_name": "甲零件厂", "filing": "08123456001234567890"}],
        value_day="2026-06-30",
        count=1,
        total="985000.00",
    )
    items: Annotated[list[ItemForm], Field(min_length=1, max_length=disbursements.MOST_ITEMS)]
    value_day: OnDay
    count: Annotated[int, Field(strict=True, ge=1, le=disbursements.MOST_ITEMS)]
    total: Yuan


class ItemView(View):
    """One payment. `end_to_end` names it to the bank's systems; `offer` is its assertion."""

    voucher: str
    payee: int
    payee_name: str
    account: str
    amount: str
    pay_by: str
    filing: str
    end_to_end: str
    state: Literal["waiting", "paid", "rejected", "cancelled"]
    paid_on: str | None
    bank_reference: str | None
    reason: str | None
    offer: str | None


class RunHead(View):
    """A run without its payments. `settled`: exported, and the bank has answered for each payment."""

    id: str
    state: RunState
    version: int
    value_day: str
    count: int
    total: str
    prepared_by: str
    prepared_at: str
    released_by: str | None
    released_at: str | None
    exported_by: str | None
    exported_at: str | None
    reason: str | None


class RunView(RunHead):
    """A run with its payments."""

    items: list[ItemView]


class RunPage(View):
    """Some runs, the newest first."""

    items: list[RunHead]
    next: str | None


class OutcomeView(View):
    """One entry of the file, by its place there, and what became of it."""

    place: int
    end_to_end: str
    amount: str | None
    became: Became
    voucher: str | None
    offer: str | None
    problem: Problem | None


class ImportView(View):
    """What became of a file's entries. `counts` has how many of each."""

    counts: dict[Became, int]
    items: list[OutcomeView]


def due_view(due: Due, today: Day) -> DueView:
    """A price to be paid, as it stands today."""
    hindered = due.hindrance(value_day=today)
    return DueView(
        voucher=voucher_text(due.voucher),
        ledger=due.ledger,
        seller=due.seller,
        seller_name=None if due.account is None else due.account.name,
        account=None if due.account is None else due.account.number,
        face=money(due.face),
        amount=None if due.amount is None else money(due.amount),
        pay_by=date_text(due.pay_by),
        due_day=date_text(due.due_day),
        run=due.run,
        hindrance=None if hindered is None else problem_of(hindered),
    )


def run_view(
    run: DisbursementRunRow, items: Sequence[DisbursementItemRow], offers: Mapping[int, str]
) -> RunView:
    """A run with its payments; `offers`: the ids of their assertions."""
    waiting = any(each.state == WAITING for each in items)
    return RunView(**head_of(run, waiting=waiting), items=[_item(each, offers) for each in items])


def head_of(run: DisbursementRunRow, *, waiting: bool) -> dict[str, Any]:
    """A run's own members. `waiting`: whether the bank has not answered for one of its payments."""
    settled = run.state == EXPORTED and not waiting
    return {
        "id": run.id,
        "state": "settled" if settled else run.state,
        "version": run.version,
        "value_day": date_text(run.value_day),
        "count": run.count,
        "total": money(run.total),
        "prepared_by": run.prepared_by,
        "prepared_at": utc(run.prepared_at),
        "released_by": run.released_by,
        "released_at": None if run.released_at is None else utc(run.released_at),
        "exported_by": run.exported_by,
        "exported_at": None if run.exported_at is None else utc(run.exported_at),
        "reason": run.reason,
    }


def _item(row: DisbursementItemRow, offers: Mapping[int, str]) -> ItemView:
    return ItemView(
        voucher=voucher_text(row.voucher),
        payee=row.payee,
        payee_name=row.payee_name,
        account=row.account,
        amount=money(row.amount),
        pay_by=date_text(row.pay_by),
        filing=row.filing,
        end_to_end=row.end_to_end,
        state=row.state,  # type: ignore[arg-type]
        paid_on=None if row.paid_on is None else date_text(row.paid_on),
        bank_reference=row.bank_reference,
        reason=row.reason,
        offer=None if row.offer is None else offers[row.offer],
    )


def import_view(outcomes: Sequence[Outcome]) -> ImportView:
    """What became of a file's entries."""
    counts = {each: sum(one.became is each for one in outcomes) for each in Became}
    return ImportView(
        counts={each: count for each, count in counts.items() if count},
        items=[
            OutcomeView(
                place=each.entry.place,
                end_to_end=each.entry.end_to_end,
                amount=None if each.entry.amount is None else money(each.entry.amount),
                became=each.became,
                voucher=None if each.voucher is None else voucher_text(each.voucher),
                offer=each.offer,
                problem=None if each.refusal is None else problem_of(each.refusal),
            )
            for each in outcomes
        ],
    )
