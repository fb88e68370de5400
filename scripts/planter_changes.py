"""The errors that can be planted, and the changes that are none: what each does to a bank's books, and what a
reconciliation must say of it.

    changes_in   one of every kind, as far as there is material, then a few more by the seed

No row is touched twice. What each error is called is the reconciliation's word; nothing else of it is known here.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from ledger.calendar import next_working_day
from scripts.plantable_books import (
    Books,
    Row,
    cell,
    entry_ids,
    fen_of,
    line_text,
    loan_ids,
    yuan_text,
)

STRANGER: Final = "无名商贸有限公司"


@dataclass(frozen=True, slots=True)
class Planted:
    """One error: what a reconciliation must report of it. `ids` as `loan L-1; voucher V-1`."""

    bank: int
    kind: str
    ids: str
    expected: str
    found: str


@dataclass(frozen=True, slots=True)
class NearMiss:
    """One change that is no disagreement."""

    bank: int
    what: str
    ids: str


# One function per change: what it does to a row that fits, and what must be reported of it


def missing_in_book(books: Books, row: Row) -> Planted:
    books.loans.remove(row)
    ids = f"voucher {row['凭证编号']}"
    return Planted(books.bank, "missing_in_book", ids, yuan_text(fen_of(row["本金"])), "")


def missing_on_chain(books: Books, model: Row) -> Planted:
    books.taken.discard(id(model))  # it is only read
    principal = books.unseen_amount()
    row = model | {"借据号": books.name("L"), "凭证编号": books.name("V"), "本金": cell(principal)}
    books.add(books.loans, row | {"状态": "未结清", "结清日": ""})
    return Planted(books.bank, "missing_on_chain", loan_ids(row), "", yuan_text(principal))


def mistyped_voucher(books: Books, row: Row) -> Planted:
    row["凭证编号"] = books.name("V")
    return Planted(books.bank, "missing_on_chain", loan_ids(row), "", yuan_text(fen_of(row["本金"])))


def two_loans(books: Books, row: Row) -> Planted:
    twin = row | {"借据号": books.name("L")}
    books.add(books.loans, twin)
    loans = "; ".join(f"loan {number}" for number in sorted((row["借据号"], twin["借据号"])))
    return Planted(books.bank, "two_loans_one_voucher", f"voucher {row['凭证编号']}; {loans}", "1", "2")


def loan_amount(books: Books, row: Row) -> Planted:
    before, row["本金"] = fen_of(row["本金"]), cell(fen_of(row["本金"]) + _off(books.rng))
    ids = f"{loan_ids(row)}; field principal"
    return Planted(books.bank, "amount", ids, yuan_text(before), yuan_text(fen_of(row["本金"])))


def entry_amount(books: Books, row: Row) -> Planted:
    before, row["金额"] = fen_of(row["金额"]), cell(fen_of(row["金额"]) + _off(books.rng))
    return Planted(books.bank, "amount", entry_ids(row), yuan_text(before), yuan_text(fen_of(row["金额"])))


def due_day(books: Books, row: Row) -> Planted:
    before = row["到期日"]
    # Earlier, for a later day might be the one that a quote was rolled to.
    row["到期日"] = str(date.fromisoformat(before) - timedelta(days=books.rng.randint(1, 20)))
    return Planted(books.bank, "due_day", loan_ids(row), before, row["到期日"])


def loan_party(books: Books, row: Row) -> Planted:
    column, name = books.rng.choice((("借款人", "borrower"), ("付款人", "obligor")))
    before, row[column] = row[column], STRANGER
    return Planted(books.bank, "party", f"{loan_ids(row)}; field {name}", before, STRANGER)


def entry_party(books: Books, row: Row) -> Planted:
    before, row["对方户名"] = row["对方户名"], STRANGER
    return Planted(books.bank, "party", f"{entry_ids(row)}; field counterparty", before, STRANGER)


def book_ahead(books: Books, row: Row) -> Planted:
    row["状态"], row["结清日"] = "已结清", str(books.settled_by)
    return Planted(books.bank, "status_book_ahead", loan_ids(row), "live", "repaid")


def chain_ahead(books: Books, row: Row) -> Planted:
    row["状态"], row["结清日"] = "未结清", ""
    return Planted(books.bank, "status_chain_ahead", loan_ids(row), "settled", "open")


def line_usage(books: Books, row: Row) -> Planted:
    # Upwards: what settlements under way will release makes a smaller figure possible.
    before, row["已用额度"] = fen_of(row["已用额度"]), cell(fen_of(row["已用额度"]) + abs(_off(books.rng)))
    ids = f"line {line_text(books.bank, row['额度编号'])}; field used"
    return Planted(books.bank, "line_usage", ids, yuan_text(before), yuan_text(fen_of(row["已用额度"])))


def unknown_entry(books: Books, model: Row) -> Planted:
    books.taken.discard(id(model))  # it is only a place to stand beside
    booked_on = str(books.settled_by)
    row = {"流水号": books.name("E"), "记账日": booked_on, "起息日": booked_on, "对方户名": STRANGER}
    row |= {"借贷": books.rng.choice("借贷"), "附言": books.name("R"), "金额": cell(books.unseen_amount())}
    books.add(books.entries, row)
    return Planted(books.bank, "entry_without_payment", entry_ids(row), "", yuan_text(fen_of(row["金额"])))


def posted_twice(books: Books, row: Row) -> Planted:
    twin = row | {"流水号": books.name("Z"), "记账日": str(books.cut_off)}
    books.add(books.entries, twin)
    return Planted(books.bank, "entry_without_payment", entry_ids(twin), "", yuan_text(fen_of(row["金额"])))


def no_entry(books: Books, row: Row) -> Planted:
    books.entries.remove(row)
    ids = f"reference {row['附言']}"
    return Planted(books.bank, "payment_without_entry", ids, yuan_text(fen_of(row["金额"])), "")


def asserted_no_entry(books: Books, row: Row) -> Planted:
    books.entries.remove(row)
    amount = yuan_text(fen_of(row["金额"]))
    return Planted(books.bank, "asserted_not_in_statement", f"reference {row['附言']}", amount, "")


def proceeds_or_interest(books: Books, row: Row) -> Planted:
    column, name = books.rng.choice((("放款净额", "proceeds"), ("利息", "interest")))
    before = fen_of(row[column])
    row[column] = cell(before + abs(_off(books.rng)))
    ids = f"{loan_ids(row)}; field {name}"
    return Planted(books.bank, "proceeds_or_interest", ids, yuan_text(before), yuan_text(fen_of(row[column])))


def entry_late(books: Books, row: Row) -> Planted:
    last = next_working_day(date.fromisoformat(row["起息日"]))
    row["记账日"] = str(last + timedelta(days=books.rng.randint(1, 6)))
    return Planted(books.bank, "timing", f"reference {row['附言']}", str(last), row["记账日"])


def loan_early(books: Books, row: Row) -> Planted:
    return _earlier(books, row, "放款日", "booked_on", days=books.rng.randint(20, 40))


def repaid_early(books: Books, row: Row) -> Planted:
    return _earlier(books, row, "结清日", "repaid_on", days=books.rng.randint(1, 9))


def _earlier(books: Books, row: Row, column: str, name: str, *, days: int) -> Planted:
    before = row[column]
    row[column] = str(date.fromisoformat(before) - timedelta(days=days))
    return Planted(books.bank, "timing", f"{loan_ids(row)}; field {name}", before, row[column])


def dossier_quote(books: Books, row: Row) -> Planted:
    quote = books.dossier.only_quote(row["凭证编号"]) if books.dossier else None
    assert books.dossier is not None and quote is not None  # such a row does not fit
    books.taken |= {
        id(entry) for entry in books.proceeds_of(row)
    }  # without the quote nobody knows its amount
    expected, found = books.dossier.change_quote(quote)
    ids = f"voucher {row['凭证编号']}; dossier quote"
    return Planted(books.bank, "dossier_differs", ids, expected, found)


def one_entry_for_all(books: Books, rows: list[Row], difference: int) -> Planted:
    """The bank posts one total where each payment should have its entry."""
    found = sum(fen_of(row["金额"]) for row in rows)
    total = rows[0] | {"流水号": books.name("E"), "附言": books.name("R"), "金额": cell(found + difference)}
    for row in rows:
        books.entries.remove(row)
    books.add(books.entries, total)
    ids = [f"day {total['起息日']}", f"entry {total['流水号']}"]
    return _group(books, [*ids, *sorted(f"reference {row['附言']}" for row in rows)], found, difference)


def one_loan_for_all(books: Books, rows: list[Row], difference: int) -> Planted:
    """The bank books one loan for several vouchers of one due day."""
    sums = {name: sum(fen_of(row[name]) for row in rows) for name in ("本金", "放款净额", "利息")}
    total = rows[0] | {"借据号": books.name("L"), "凭证编号": books.name("V")}
    total |= {name: cell(fen) for name, fen in sums.items()} | {"本金": cell(sums["本金"] + difference)}
    for row in rows:
        books.loans.remove(row)
    books.add(books.loans, total)
    ids = [f"day {total['到期日']}", f"loan {total['借据号']}"]
    ids += sorted(f"voucher {row['凭证编号']}" for row in rows)
    return _group(books, ids, sums["本金"], difference)


def _group(books: Books, ids: list[str], expected: int, difference: int) -> Planted:
    kind = "group_unbalanced" if difference else "group_balanced"
    return Planted(books.bank, kind, "; ".join(ids), yuan_text(expected), yuan_text(expected + difference))


def loan_one_fen(books: Books, row: Row) -> NearMiss:
    row["本金"] = cell(fen_of(row["本金"]) + books.rng.choice((-1, 1)))
    return NearMiss(books.bank, "one fen of tolerance", loan_ids(row))


def entry_one_fen(books: Books, row: Row) -> NearMiss:
    row["金额"] = cell(fen_of(row["金额"]) + books.rng.choice((-1, 1)))
    return NearMiss(books.bank, "one fen of tolerance", entry_ids(row))


def posted_next_working_day(books: Books, row: Row) -> NearMiss:
    row["记账日"] = str(next_working_day(date.fromisoformat(row["起息日"])))
    return NearMiss(books.bank, "posted on the next working day", entry_ids(row))


def interest_one_fen(books: Books, row: Row) -> NearMiss:
    row["利息"] = cell(fen_of(row["利息"]) + books.rng.choice((-1, 1)))
    return NearMiss(books.bank, "one fen of tolerance", loan_ids(row))


def in_instalments(books: Books, row: Row) -> NearMiss:
    whole = fen_of(row["金额"])
    first = books.rng.randint(whole // 10, whole - whole // 10)
    row["金额"] = cell(first)
    books.add(books.entries, row | {"流水号": books.name("I"), "金额": cell(whole - first)})
    return NearMiss(books.bank, "paid in two instalments", entry_ids(row))


def blank_in_a_name(books: Books, row: Row) -> NearMiss:
    name = row["借款人"]
    row["借款人"] = f"{name[:2]}　{name[2:]}"
    return NearMiss(books.bank, "a blank in a name", loan_ids(row))


def without_reference(books: Books, row: Row) -> NearMiss:
    told = entry_ids(row)
    row["附言"] = ""
    return NearMiss(books.bank, "an entry without its reference", told)


def own_charges(books: Books, model: Row) -> NearMiss:
    books.taken.discard(id(model))  # it is only a place to stand beside
    day = str(books.settled_by)
    row = {"流水号": books.name("F"), "记账日": day, "起息日": day, "借贷": "借", "对方户名": "", "附言": ""}
    books.add(books.entries, row | {"金额": cell(books.rng.randint(1, 99) * 100)})
    return NearMiss(books.bank, "the bank's own charges", f"entry {row['流水号']}")


@dataclass(frozen=True, slots=True)
class Change:
    """Which rows of which table a change fits, and the change.

    `alone`: it leaves a row without its other half, so that of one corner only one such change may be.
    """

    table: str
    fits: Callable[[Books, Row], bool]
    make: Callable[[Books, Row], Planted | NearMiss]
    alone: bool = False

    def to(self, books: Books) -> Planted | NearMiss | None:
        """Made on one free row; None where there is no material."""
        rows: list[Row] = getattr(books, self.table)
        row = books.pick(rows, lambda row: self.fits(books, row), alone=self.alone)
        return None if row is None else self.make(books, row)


@dataclass(frozen=True, slots=True)
class Total:
    """Several rows become one, whose amount is their sum or, where they do not agree, a little off it."""

    agrees: bool

    def to(self, books: Books) -> Planted | None:
        """Made in the statement or in the loan book, wherever there is material."""
        # a total may be a fen off for each of its rows
        difference = 0 if self.agrees else books.rng.choice((-1, 1)) * books.rng.randint(100, 9000)
        tables = (
            (books.entries, Books.entry, one_entry_for_all),
            (books.loans, Books.open_loan, one_loan_for_all),
        )
        for rows, fits, make in books.rng.sample(tables, 2):
            together = books.pick_together(rows, lambda row, fits=fits: fits(books, row))  # type: ignore[misc]
            if together:
                return make(books, together, difference)
        return None


# One of every kind comes before a second of any; what has least material comes first.
GROUPS: Final = (Total(agrees=True), Total(agrees=False))
KINDS: Final = (
    Change("entries", Books.asserted_entry, asserted_no_entry, alone=True),
    Change("loans", Books.repaid_loan, chain_ahead),
    Change("loans", Books.distinct_open_loan, missing_in_book, alone=True),
    Change("loans", Books.distinct_open_loan, two_loans),
    Change("loans", Books.open_loan, book_ahead),
    Change("loans", Books.quoted_loan, dossier_quote),
    Change("entries", Books.entry, no_entry, alone=True),
    Change("lines", Books.line, line_usage),
    Change("loans", Books.unrolled_loan, due_day),
    Change("loans", Books.loan, proceeds_or_interest),
    Change("loans", Books.loan, missing_on_chain, alone=True),
    Change("entries", Books.any_row, unknown_entry),
)
AMOUNTS: Final = (
    Change("loans", Books.loan, loan_amount, alone=True),
    Change("entries", Books.entry, entry_amount, alone=True),
)
PARTIES: Final = (Change("loans", Books.loan, loan_party), Change("entries", Books.entry, entry_party))
TIMINGS: Final = (
    Change("loans", Books.repaid_loan, repaid_early),
    Change("loans", Books.loan, loan_early),
    Change("entries", Books.entry, entry_late),
)
NEAR: Final = (
    Change("entries", Books.prompt_entry, posted_next_working_day),
    Change("loans", Books.loan, loan_one_fen),
    Change("entries", Books.entry, entry_one_fen),
    Change("loans", Books.loan, interest_one_fen),
    Change("entries", Books.entry, in_instalments),
    Change("loans", Books.loan, blank_in_a_name),
    Change("entries", Books.entry, without_reference, alone=True),
    Change("entries", Books.any_row, own_charges),
)
MORE: Final = (
    *KINDS,
    *AMOUNTS,
    *PARTIES,
    *TIMINGS,
    Change("loans", Books.distinct_open_loan, mistyped_voucher, alone=True),
    Change("entries", Books.entry, posted_twice),
)


def changes_in(books: Books) -> list[Planted | NearMiss]:
    """Everything that is done to one bank's books."""
    made: list[Planted | NearMiss | None] = [total.to(books) for total in books.rng.sample(GROUPS, 2)]
    made += [change.to(books) for change in KINDS]
    for several in (AMOUNTS, PARTIES, TIMINGS):  # one of them, or another where there is no material
        tried = (change.to(books) for change in books.rng.sample(several, len(several)))
        made.append(next((change for change in tried if change is not None), None))
    made += [change.to(books) for change in (*NEAR, *books.rng.sample(MORE, books.rng.randint(0, 4)))]
    return [change for change in made if change is not None]


def _off(rng: random.Random) -> int:
    """A difference above any tolerance of a fen, up to 90.00 yuan either way."""
    return rng.choice((-1, 1)) * rng.choice((2, 10, 900, rng.randint(3, 9000)))
