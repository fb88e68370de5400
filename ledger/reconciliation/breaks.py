"""A break is one disagreement between the chain and a bank's books, as a value.

Breaks are found by the queries in `rules/`; here is what each kind is called, in Chinese and English, and in
`causes.py` what each likely cause is. Nothing here decides whether something is a break.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from ledger.money import Fen
from ledger.overdue_ladder import Rung


class Kind(StrEnum):
    """What disagrees; each has its query in `rules/` under its own name. In the order of the report."""

    MISSING_IN_BOOK = "missing_in_book"
    MISSING_ON_CHAIN = "missing_on_chain"
    TWO_LOANS_ONE_VOUCHER = "two_loans_one_voucher"
    ONE_INVOICE_TWO_FINANCINGS = "one_invoice_two_financings"
    AMOUNT = "amount"
    PROCEEDS_OR_INTEREST = "proceeds_or_interest"
    DUE_DAY = "due_day"
    PARTY = "party"
    STATUS_BOOK_AHEAD = "status_book_ahead"
    STATUS_CHAIN_AHEAD = "status_chain_ahead"
    LINE_USAGE = "line_usage"
    ENTRY_WITHOUT_PAYMENT = "entry_without_payment"
    PAYMENT_WITHOUT_ENTRY = "payment_without_entry"
    ASSERTED_NOT_IN_STATEMENT = "asserted_not_in_statement"
    GROUP_BALANCED = "group_balanced"
    GROUP_UNBALANCED = "group_unbalanced"
    TIMING = "timing"
    DOSSIER_DIFFERS = "dossier_differs"


@dataclass(frozen=True, slots=True)
class Words:
    """The same in Chinese and English."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """One disagreement. `expected` is what chain and dossier say, `found` what the book has; "" is nothing
    there.

    Amounts in both are yuan, days ISO dates. `difference` is found minus expected in `unit` (fen, days, or ""
    where there is none), `age` the days from the event to the cut-off. `ids` say which row it is and are the
    same on every run; `context` says more of it.
    """

    kind: Kind
    ids: tuple[tuple[str, str], ...]
    expected: str
    found: str
    difference: int | None
    unit: str
    age: int
    likely_cause: Words
    suggested_repair: Words
    context: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class KindTotal:
    """How many breaks of a kind, and the sum of their differences in fen without signs."""

    kind: Kind
    count: int
    sum_fen: Fen


@dataclass(frozen=True, slots=True, kw_only=True)
class OverdueLoan:
    """A loan that is owed at the cut-off and past its due day.

    `principal` (fen) and `status` (open, written_off) are as booked.
    `days` are those after the due day up to the cut-off, `rung` is the stage and class that they alone stand for.
    """

    loan_no: str
    voucher: str
    obligor: str
    principal: Fen
    due_on: date
    status: str
    days: int
    rung: Rung


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """The breaks of one bank at a block and a cut-off, and how much was compared.

    `contracts` are the ledgers that the report is over, each with the number of its vouchers. `after_cut_off` says how
    many rows of the books are of later days, `provisional_years` in which years a working day was counted though their
    holidays are not announced.
    """

    bank: int
    bank_name: str
    block_number: int
    block_hash: str
    as_of: date
    cut_off: date
    statement_from: date | None
    tolerance_fen: Fen
    contracts: tuple[tuple[str, int], ...]
    compared: tuple[tuple[str, int], ...]
    after_cut_off: tuple[tuple[str, int], ...]
    provisional_years: tuple[int, ...]
    breaks: tuple[Break, ...]
    overdue: tuple[OverdueLoan, ...]

    @property
    def clean(self) -> bool:
        """Whether books and chain agree."""
        return not self.breaks

    @property
    def totals(self) -> tuple[KindTotal, ...]:
        """One row per kind, kinds without a break included."""
        return tuple(_total(kind, [row for row in self.breaks if row.kind is kind]) for kind in Kind)


def _total(kind: Kind, breaks: list[Break]) -> KindTotal:
    amounts = [abs(row.difference) for row in breaks if row.unit == "fen" and row.difference is not None]
    return KindTotal(kind, len(breaks), Fen(sum(amounts)))


KIND_WORDS: Final = {
    Kind.MISSING_IN_BOOK: Words("账上缺失", "Missing in the loan book"),
    Kind.MISSING_ON_CHAIN: Words("链上缺失", "Missing on chain"),
    Kind.TWO_LOANS_ONE_VOUCHER: Words("一证多贷", "Two loans on one voucher"),
    Kind.ONE_INVOICE_TWO_FINANCINGS: Words("一票两融", "One invoice in two financings"),
    Kind.AMOUNT: Words("金额不符", "Amount differs"),
    Kind.PROCEEDS_OR_INTEREST: Words("净额或利息与报价不符", "Proceeds or interest differ from the quote"),
    Kind.DUE_DAY: Words("到期日不符", "Due day differs"),
    Kind.PARTY: Words("当事人不符", "Party differs"),
    Kind.STATUS_BOOK_AHEAD: Words("账上已结清、链上未了结", "Repaid in the book, live on chain"),
    Kind.STATUS_CHAIN_AHEAD: Words("链上已了结、账上未结清", "Ended on chain, open in the book"),
    Kind.LINE_USAGE: Words("额度占用不符", "Line usage differs"),
    Kind.ENTRY_WITHOUT_PAYMENT: Words("流水无对应付款", "Statement entry without payment"),
    Kind.PAYMENT_WITHOUT_ENTRY: Words("付款无对应流水", "Payment without statement entry"),
    Kind.ASSERTED_NOT_IN_STATEMENT: Words("已申报、流水未见", "Asserted, but not in the statement"),
    Kind.GROUP_BALANCED: Words("多对多：合计相符", "N rows for M: the sums agree"),
    Kind.GROUP_UNBALANCED: Words("多对多：合计不符", "N rows for M: the sums differ"),
    Kind.TIMING: Words("入账日期不符", "Booked on another day"),
    Kind.DOSSIER_DIFFERS: Words("档案与链上哈希不符", "Dossier differs from the hash on chain"),
}
