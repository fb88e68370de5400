"""Two banks' books as the steps of a business imply them: the clean world that reconciliation is measured against.

    implied_books   loan book, statement and line book of each bank at a cut-off
    write_books     the same as CSV files, books/<bank number>/, under the headings that banks use

    python -m scripts.business_books scripts/sample_business

It reckons with the steps and quotes alone: it knows no chain, no database, no reconciliation. Loans and repayments are
booked on the value day of their payment, as banks do, not on the day on which a payee's silence completes it.
"""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Final

from ledger.calendar import DayCount, roll_following
from ledger.discount import Price, price
from ledger.errors import InputError, TallystickError
from ledger.members import LineId, line_text
from ledger.money import Fen, rate_text
from ledger.statement import (
    LINE_COLUMNS,
    LOAN_COLUMNS,
    STATEMENT_COLUMNS,
    BookedLine,
    BookedLoan,
    Column,
    Direction,
    LoanStatus,
    StatementEntry,
)
from scripts.business_columns import Verb
from scripts.business_files import Business, QuoteFile, Step, read_business

CUT_OFF: Final = date(2026, 9, 30)
"""The sample world's quarter end: its books are closed on this day, and nothing happens later."""


@dataclass
class BankBooks:
    """One bank's three tables."""

    loans: list[BookedLoan] = field(default_factory=list)
    entries: list[StatementEntry] = field(default_factory=list)
    lines: list[BookedLine] = field(default_factory=list)
    numbered: int = 0

    def loan_number(self, bank: int) -> str:
        """The next one; that of a loan struck out is not used again."""
        self.numbered += 1
        return f"JJ-{bank}-{self.numbered:04d}"


@dataclass
class _Claim:
    """A voucher as the steps have left it; `paid` is a payment that nobody has contested or taken back."""

    line: LineId
    issuer: str
    holder: str
    face: Fen
    quote: QuoteFile | None = None
    paid: Step | None = None
    settled: bool = False


def implied_books(business: Business, *, cut_off: date = CUT_OFF) -> dict[int, BankBooks]:
    """Every bank's books, by party number. InputError for steps after the cut-off."""
    writer = _Writer(business, {bank.party: BankBooks() for bank in business.banks()})
    for steps in business.acts():
        if steps[0].on > cut_off:
            raise InputError(f"steps.csv, row {steps[0].row}: {steps[0].on} is after the cut-off {cut_off}")
        if steps[0].refused_as is None:
            for step in steps:
                writer.take(step)
    writer.close_lines()
    return writer.books


@dataclass
class _Writer:
    business: Business
    books: dict[int, BankBooks]
    claims: dict[str, _Claim] = field(default_factory=dict)

    def take(self, step: Step) -> None:
        """Books one step."""
        if step.verb is Verb.ISSUE:
            row = self.business.promises[step.voucher]
            self.claims[step.voucher] = _Claim(row.line, row.issuer, row.supplier, row.face)
            return
        claim = self.claims[step.voucher]
        if claim.settled and step.verb in (Verb.CONTEST, Verb.WITHDRAW):
            raise InputError(
                f"steps.csv, row {step.row}: books of a settlement that fails are not reckoned here"
            )
        match step.verb:
            case Verb.SPLIT:
                amount = step.amount or Fen(0)
                claim.face = Fen(claim.face - amount)
                self.claims[step.part or ""] = _Claim(claim.line, claim.issuer, step.to or "", amount)
            case Verb.TRANSFER:
                claim.holder = step.to or ""
            case Verb.DISCOUNT:
                claim.quote = self.business.quotes[step.quote or ""]
            case Verb.RESCIND:
                claim.quote = None
            case Verb.ASSERT_DISBURSEMENT:
                self._returned(claim, step)  # a contested payment that is asserted anew had come back
                claim.paid = step
                self._disbursed(claim, step)
            case Verb.ASSERT_SETTLEMENT | Verb.SETTLE:
                claim.paid = step
                self._settled(claim, step)
                if step.verb is Verb.SETTLE or step.by == step.to:
                    claim.paid = None
            case Verb.WITHDRAW:
                self._returned(claim, step)
            case Verb.CONFIRM | Verb.COMPLETE:
                if claim.quote is not None and not claim.settled:
                    claim.holder, claim.quote = claim.quote.funder, None
                claim.paid = None
            case Verb.CANCEL | Verb.CANCEL_WHOLE:
                claim.face = Fen(0)

    def close_lines(self) -> None:
        """The line book: what is used is the face that nobody has paid yet."""
        for line, row in sorted(self.business.lines.items()):
            drawn = sum(
                claim.face
                for claim in self.claims.values()
                if not claim.settled
                and (claim.line == line or self.business.lines[claim.line].parent == line)
            )
            issuer = self.business.parties[row.issuer].name
            booked = BookedLine(line_text(line), issuer, row.limit, Fen(drawn), row.expires_on)
            self.books[line >> 32].lines.append(booked)

    def _disbursed(self, claim: _Claim, step: Step) -> None:
        quote, bank = claim.quote, self._bank(step.by)
        if quote is None or bank is None:  # a factor keeps books, but hands none over
            return
        priced, value_on = self._priced(claim, quote), step.value_on or step.on
        parties = self.business.parties
        self._post(step, bank, Direction.DEBIT, priced.proceeds, other=step.to or "")
        if priced.issuer_interest:
            self._post(step, bank, Direction.CREDIT, priced.issuer_interest, other=claim.issuer)
        bank.loans.append(
            BookedLoan(
                loan_no=bank.loan_number(self.business.number_of(step.by)),
                bank=parties[step.by].name,
                voucher=step.voucher,
                borrower=parties[step.to or ""].name,
                obligor=parties[claim.issuer].name,
                principal=claim.face,
                proceeds=priced.proceeds,
                interest=priced.interest,
                rate=quote.rate,
                basis=quote.basis,
                booked_on=value_on,
                due_on=quote.due_on,
                status=LoanStatus.OPEN,
                repaid_on=None,
            )
        )

    def _returned(self, claim: _Claim, step: Step) -> None:
        """A payment came back to the bank: its loan is struck out, its money credited under the same reference."""
        paid, claim.paid = claim.paid, None
        if paid is None or claim.quote is None:
            return
        bank = self._bank(paid.by)
        if bank is None:
            return
        bank.loans = [loan for loan in bank.loans if loan.voucher != paid.voucher]
        priced = self._priced(claim, claim.quote)
        back = replace(paid, on=step.on, value_on=step.on)
        self._post(back, bank, Direction.CREDIT, priced.proceeds, other=paid.to or "")
        if priced.issuer_interest:
            self._post(back, bank, Direction.DEBIT, priced.issuer_interest, other=claim.issuer)

    def _settled(self, claim: _Claim, step: Step) -> None:
        payer, payee, amount = self._bank(step.by), self._bank(step.to or ""), step.amount or Fen(0)
        claim.settled = True
        if step.by != step.to:  # who pays itself moves nothing over an account
            if payer is not None:
                self._post(step, payer, Direction.DEBIT, amount, other=step.to or "")
            if payee is not None:
                self._post(step, payee, Direction.CREDIT, amount, other=step.by)
        if payee is not None:
            repaid = {"status": LoanStatus.REPAID, "repaid_on": step.value_on or step.on}
            payee.loans = [
                replace(loan, **repaid) if loan.voucher == step.voucher else loan  # type: ignore[arg-type]
                for loan in payee.loans
            ]

    def _priced(self, claim: _Claim, quote: QuoteFile) -> Price:
        return price(claim.face, self.business.quote(quote.number))

    def _post(self, step: Step, bank: BankBooks, direction: Direction, amount: Fen, *, other: str) -> None:
        number = next(number for number, books in self.books.items() if books is bank)
        value_on = step.value_on or step.on
        bank.entries.append(
            StatementEntry(
                entry_id=f"LS-{number}-{len(bank.entries) + 1:04d}",
                booked_on=roll_following(value_on),
                value_on=value_on,
                direction=direction,
                amount=amount,
                counterparty=self.business.parties[other].account,
                reference=step.reference or "",
            )
        )

    def _bank(self, short: str) -> BankBooks | None:
        return self.books.get(self.business.number_of(short))


# Files

_WORDS: Final = {
    LoanStatus.OPEN: "未结清",
    LoanStatus.REPAID: "已结清",
    Direction.DEBIT: "借",
    Direction.CREDIT: "贷",
}
_AMOUNTS: Final = frozenset({"amount", "principal", "proceeds", "interest", "limit", "used"})


def write_books(books: dict[int, BankBooks], folder: Path) -> None:
    """Writes books/<bank number>/ with the three tables; UTF-8 with a byte order mark, as spreadsheets want it."""
    for bank, each in books.items():
        place = folder / "books" / str(bank)
        place.mkdir(parents=True, exist_ok=True)
        tables: tuple[tuple[str, tuple[Column, ...], Sequence[object]], ...] = (
            ("loan_book.csv", LOAN_COLUMNS, each.loans),
            ("statement.csv", STATEMENT_COLUMNS, each.entries),
            ("line_book.csv", LINE_COLUMNS, each.lines),
        )
        for name, columns, rows in tables:
            text = io.StringIO(newline="")
            writer = csv.writer(text, lineterminator="\n")
            writer.writerow([column.zh for column in columns])
            writer.writerows(
                [_cell(column.name, getattr(row, column.name)) for column in columns] for row in rows
            )
            (place / name).write_text(text.getvalue(), encoding="utf-8-sig", newline="")


def _cell(name: str, value: object) -> str:
    if value is None:
        return ""
    if name in _AMOUNTS and isinstance(value, int):
        return f"{value // 100}.{value % 100:02d}"
    if name == "rate":
        return rate_text(value)  # type: ignore[arg-type]
    if isinstance(value, LoanStatus | Direction):
        return _WORDS[value]
    return value.value if isinstance(value, DayCount) else str(value)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command: writes the books of the business in the folder named beside it; 2 for unusable files."""
    given = sys.argv[1:] if arguments is None else arguments
    if len(given) != 1:
        sys.stderr.write("name the folder of the business: python -m scripts.business_books FOLDER\n")
        return 2
    try:
        write_books(implied_books(read_business(Path(given[0]))), Path(given[0]))
    except TallystickError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
