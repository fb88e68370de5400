"""A break is one disagreement between the chain and a bank's books, as a value.

Breaks are found by the queries in `rules/`; here is what each kind and each cause is called, in Chinese and
English. Nothing here decides whether something is a break.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from ledger.money import Fen


class Kind(StrEnum):
    """What disagrees; each has its query in `rules/` under its own name. In the order of the report."""

    MISSING_IN_BOOK = "missing_in_book"
    MISSING_ON_CHAIN = "missing_on_chain"
    TWO_LOANS_ONE_VOUCHER = "two_loans_one_voucher"
    AMOUNT = "amount"
    DUE_DAY = "due_day"
    PARTY = "party"
    STATUS_BOOK_AHEAD = "status_book_ahead"
    STATUS_CHAIN_AHEAD = "status_chain_ahead"
    LINE_USAGE = "line_usage"
    ENTRY_WITHOUT_PAYMENT = "entry_without_payment"
    PAYMENT_WITHOUT_ENTRY = "payment_without_entry"
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
class Reconciliation:
    """The breaks of one bank at a block and a cut-off, and how much was compared."""

    bank: int
    bank_name: str
    block_number: int
    block_hash: str
    as_of: date
    cut_off: date
    statement_from: date | None
    tolerance_fen: Fen
    compared: tuple[tuple[str, int], ...]
    breaks: tuple[Break, ...]

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
    Kind.AMOUNT: Words("金额不符", "Amount differs"),
    Kind.DUE_DAY: Words("到期日不符", "Due day differs"),
    Kind.PARTY: Words("当事人不符", "Party differs"),
    Kind.STATUS_BOOK_AHEAD: Words("账上已结清、链上未了结", "Repaid in the book, live on chain"),
    Kind.STATUS_CHAIN_AHEAD: Words("链上已了结、账上未结清", "Ended on chain, open in the book"),
    Kind.LINE_USAGE: Words("额度占用不符", "Line usage differs"),
    Kind.ENTRY_WITHOUT_PAYMENT: Words("流水无对应付款", "Statement entry without payment"),
    Kind.PAYMENT_WITHOUT_ENTRY: Words("付款无对应流水", "Payment without statement entry"),
    Kind.DOSSIER_DIFFERS: Words("档案与链上哈希不符", "Dossier differs from the hash on chain"),
}

_BOOK_LOAN = Words("补记该笔贷款并复核放款凭证", "book the loan from the disbursement papers")
_CORRECT_LOAN = Words("按合同与链上记录更正台账", "correct the loan book from the contract and the chain")
_CHECK_LOAN = Words(
    "核对放款凭证；查无付款则冲销该笔", "check the disbursement papers; without a payment reverse the loan"
)
_CHECK_ENTRY = Words(
    "查明款项用途；补报付款或追回", "find out what was paid; assert the payment or recall the money"
)
_CORRECT_LINE = Words("按链上占用更正额度台账", "correct the line book from the chain")
_DOSSIER = Words("向出具方重新索取并替换档案条目", "ask whoever opened the entry for it again and replace it")

CAUSES: Final = {
    "loan_not_booked": (Words("放款已完成，但未记账", "disbursed, but not booked"), _BOOK_LOAN),
    "voucher_unknown": (
        Words("凭证编号录错，或为虚构凭证", "a mistyped number, or no such voucher"),
        _CHECK_LOAN,
    ),
    "loan_under_wrong_number": (
        Words(
            "凭证编号录错：金额、到期日、借款人与另一凭证一致",
            "a mistyped number: all else is that of another voucher",
        ),
        Words("更正台账中的凭证编号", "correct the voucher number in the loan book"),
    ),
    "not_disbursed": (
        Words("本行从未就该凭证付款", "this bank has asserted no disbursement for it"),
        _CHECK_LOAN,
    ),
    "disbursement_contested": (
        Words("收款人否认收到放款", "the payee denies having the money"),
        Words("与收款人核对；确认前不得记账", "settle it with the payee; no loan before it is confirmed"),
    ),
    "disbursement_withdrawn": (
        Words("放款退回或撤销", "the disbursement came back and was withdrawn"),
        _CHECK_LOAN,
    ),
    "loan_before_value_day": (
        Words("记账早于起息日", "booked before the value day of its payment"),
        _CORRECT_LOAN,
    ),
    "loan_twice": (
        Words("同一笔放款重复记账，或凭证编号录错", "one disbursement booked twice, or a mistyped number"),
        Words("核对借据，冲销多记的一笔", "compare the loan papers and reverse the surplus loan"),
    ),
    "loan_principal": (
        Words("本金录错", "principal mistyped, or net proceeds booked as principal"),
        _CORRECT_LOAN,
    ),
    "loan_proceeds": (Words("放款净额与报价不符", "proceeds are not those of the quote"), _CORRECT_LOAN),
    "loan_interest": (Words("利息与报价不符", "interest is not that of the quote"), _CORRECT_LOAN),
    "loan_due_day": (Words("到期日录错或擅自展期", "mistyped, or extended in the book alone"), _CORRECT_LOAN),
    "loan_party": (
        Words("当事人名称录错或更名", "a mistyped or changed name, or the wrong customer"),
        _CORRECT_LOAN,
    ),
    "repaid_without_settlement": (
        Words(
            "已销账，但开证行未在链上申报兑付", "closed in the book, but no settlement is asserted on chain"
        ),
        Words(
            "核对到账；催请开证行申报兑付，或恢复台账",
            "check the receipt; have the settlement asserted, or reopen the loan",
        ),
    ),
    "repaid_before_value_day": (
        Words("销账早于兑付起息日", "closed before the settlement's value day"),
        _CORRECT_LOAN,
    ),
    "open_after_settled": (
        Words("链上已兑付，台账未销账", "settled on chain, repayment not booked"),
        Words("核对到账后销账", "check the receipt and close the loan"),
    ),
    "open_after_cancelled": (
        Words("凭证已注销", "the voucher was cancelled by issuer and holder"),
        Words("核对注销依据后处理该笔贷款", "check why it was cancelled and close the loan"),
    ),
    "open_after_passing_on": (
        Words("凭证已转出本行", "the voucher was sold or passed back"),
        Words("核对转让对价后销账", "check what was received for it and close the loan"),
    ),
    "line_used": (Words("占用或释放漏记", "an issue or a release is not booked"), _CORRECT_LINE),
    "line_terms": (Words("额度变更未同步", "a change of the line reached one side alone"), _CORRECT_LINE),
    "line_not_booked": (Words("额度未入台账", "the line is not in the line book"), _CORRECT_LINE),
    "line_unknown": (Words("链上无此额度", "no such line on chain"), _CORRECT_LINE),
    "entry_unknown": (Words("付款未在链上申报", "paid without being asserted on chain"), _CHECK_ENTRY),
    "entry_twice": (Words("同一付款重复入账", "one payment posted twice"), _CHECK_ENTRY),
    "entry_of_withdrawn": (
        Words("付款已撤销，但款项未退回", "the payment was withdrawn, the money is not back"),
        _CHECK_ENTRY,
    ),
    "entry_under_wrong_reference": (
        Words(
            "附言录错：金额与对方户名与另一付款一致",
            "a mistyped reference: all else is that of another payment",
        ),
        Words("更正流水附言的对应关系", "note the right reference with the entry"),
    ),
    "entry_amount": (
        Words("付款金额与链上申报或报价不符", "paid more or less than asserted or quoted"),
        Words(
            "补付或追回差额，或撤回后重新申报", "pay or recall the difference, or withdraw and assert again"
        ),
    ),
    "entry_party": (
        Words("款项付给了他人，或户名变更", "paid to or by somebody else, or a changed account name"),
        Words("核对收款账户", "check the account"),
    ),
    "money_not_sent": (
        Words("已申报付款，但未从账户划出", "asserted, but the money did not leave the account"),
        Words("立即付款，或撤回申报", "pay now, or withdraw the assertion"),
    ),
    "money_not_received": (
        Words("对方申报已付，但未到账", "asserted by the other bank, but not received"),
        Words("在异议期内提出异议", "contest the payment within its window"),
    ),
    "posted_outside_window": (
        Words(
            "入账日不在起息日至下一工作日之间", "posted before the value day or after the next working day"
        ),
        Words("核对起息日", "check the value day with the bank"),
    ),
    "dossier_changed": (
        Words("档案条目被改动或取自他处", "the entry was changed, or belongs elsewhere"),
        _DOSSIER,
    ),
    "dossier_lacks": (Words("档案缺少该条目", "the dossier has no such entry"), _DOSSIER),
    "dossier_not_on_chain": (Words("链上无此哈希", "no payment on chain has this hash"), _DOSSIER),
}
"""What each rule's cause means, and what to do about it."""
