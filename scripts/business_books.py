"""Two banks' books as the steps of a business imply them: the clean world that reconciliation is measured against.

    implied_books   loan book, statement and line book of each bank at a cut-off
    unanswered      which payments are only asserted then

It reckons with the steps and quotes alone: it knows no chain, no database, no reconciliation. Loans and repayments are
booked on the value day of their payment, as banks do, not on the day on which a payee's silence completes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final

from ledger.calendar import roll_following
from ledger.discount import Price, price
from ledger.errors import InputError
from ledger.members import line_text
from ledger.money import Fen
from ledger.recourse import Hop
from ledger.statement import (
    BookedLine,
    BookedLoan,
    Direction,
    LoanStatus,
    StatementEntry,
)
from scripts.business_columns import Verb
from scripts.business_default import given_back
from scripts.business_files import Business, LineFile, QuoteFile, Step

NOTHING: Final = Fen(0)
_DISBURSES: Final = (Verb.ASSERT_DISBURSEMENT, Verb.DISBURSE)
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
    """A voucher as the steps have left it: `face` is what is still owed, `paid` a payment that nobody has contested
    or taken back, `secured` what of the face is a pledgee's."""

    line: LineFile
    issuer: str
    holder: str
    face: Fen
    quote: QuoteFile | None = None
    paid: Step | None = None
    settled: bool = False
    pledge: QuoteFile | None = None
    secured: Fen = NOTHING


def implied_books(business: Business, *, cut_off: date = CUT_OFF) -> dict[int, BankBooks]:
    """Every bank's books, by party number. InputError for steps after the cut-off."""
    return _written(business, cut_off).books


def unanswered(business: Business, *, cut_off: date = CUT_OFF) -> frozenset[str]:
    """The references of payments that are only asserted at the cut-off."""
    claims = _written(business, cut_off).claims.values()
    return frozenset(claim.paid.reference or "" for claim in claims if claim.paid is not None)


def _written(business: Business, cut_off: date) -> _Writer:
    books = {int(bank.party): BankBooks() for bank in business.banks()}
    writer = _Writer(business, books, given_back(business))
    for steps in business.acts():
        if steps[0].on > cut_off:
            raise InputError(f"steps.csv, row {steps[0].row}: {steps[0].on} is after the cut-off {cut_off}")
        if steps[0].refused_as is None:
            for step in steps:
                writer.take(step)
    writer.close_lines()
    return writer


@dataclass
class _Writer:
    business: Business
    books: dict[int, BankBooks]
    hops: Mapping[Step, Hop]
    claims: dict[str, _Claim] = field(default_factory=dict)

    def take(self, step: Step) -> None:
        """Books one step."""
        if step.verb is Verb.ISSUE:
            row = self.business.promises[step.voucher]
            line = self.business.line_of(step.voucher)
            self.claims[step.voucher] = _Claim(line, row.issuer, row.supplier, row.face)
            return
        claim = self.claims[step.voucher]
        if claim.settled and step.verb in (Verb.CONTEST, Verb.WITHDRAW, Verb.AWARD_UNPAID):
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
            case Verb.ASSERT_DISBURSEMENT | Verb.DISBURSE:
                self._returned(claim, step)  # a contested payment that is asserted anew had come back
                claim.paid = step
                self._disbursed(claim, step)
                if step.verb is Verb.DISBURSE:
                    _complete(claim)
            case Verb.ASSERT_SETTLEMENT | Verb.SETTLE | Verb.SHARE:
                claim.paid = step
                self._settled(claim, step)
                if step.verb is not Verb.ASSERT_SETTLEMENT or step.by == step.to:
                    _complete(claim)
            case Verb.WITHDRAW | Verb.AWARD_UNPAID:
                self._returned(claim, step)
            case Verb.CONFIRM | Verb.COMPLETE | Verb.AWARD_PAID:
                _complete(claim)
            case Verb.PLEDGE:
                self._lent(claim, step)
            case Verb.RELEASE:
                self._paid_back(claim, step, step.on)
                claim.pledge, claim.secured = None, NOTHING
            case Verb.GIVE_BACK:
                self._given_back(claim, step)
            case Verb.WRITE_OFF:
                self._rebook(step.by, step.voucher, status=LoanStatus.WRITTEN_OFF, repaid_on=step.on)
            case Verb.CANCEL | Verb.CANCEL_WHOLE:
                claim.face = Fen(0)

    def close_lines(self) -> None:
        """The line book: what is used is the face that nobody has paid yet, in all ledgers that have the line; its
        terms are those of the latest."""
        rows = {row.line: row for _, row in sorted(self.business.lines.items())}
        for line, row in sorted(rows.items()):
            drawn = sum(
                claim.face for claim in self.claims.values() if line in (claim.line.line, claim.line.parent)
            )
            issuer = self.business.parties[row.issuer].name
            booked = BookedLine(line_text(line), issuer, row.limit, Fen(drawn), row.expires_on)
            self.books[line >> 32].lines.append(booked)

    def _disbursed(self, claim: _Claim, step: Step) -> None:
        quote, bank = claim.quote, self._bank(step.by)
        if quote is None or bank is None:  # a factor keeps books, but hands none over
            return
        priced, value_on = self._priced(claim, quote), step.value_on or step.on
        self._post(step, bank, Direction.DEBIT, priced.proceeds, other=step.to or "")
        if priced.issuer_interest:
            self._post(step, bank, Direction.CREDIT, priced.issuer_interest, other=claim.issuer)
        bank.loans.append(
            self._loan(
                claim,
                quote,
                step.voucher,
                borrower=step.to or "",
                principal=claim.face,
                value_on=value_on,
            )
        )

    def _loan(
        self,
        claim: _Claim,
        quote: QuoteFile,
        voucher: str,
        *,
        borrower: str,
        principal: Fen,
        value_on: date,
    ) -> BookedLoan:
        priced, parties = price(principal, self.business.quote(quote.number)), self.business.parties
        number = self.business.number_of(quote.funder)
        return BookedLoan(
            loan_no=self.books[number].loan_number(number),
            bank=parties[quote.funder].name,
            voucher=voucher,
            borrower=parties[borrower].name,
            obligor=parties[claim.issuer].name,
            principal=principal,
            proceeds=priced.proceeds,
            interest=priced.interest,
            rate=quote.rate,
            basis=quote.basis,
            booked_on=value_on,
            due_on=quote.due_on,
            status=LoanStatus.OPEN,
            repaid_on=None,
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
        payer, payee, amount = self._bank(step.by), self._bank(step.to or ""), step.amount or NOTHING
        claim.face = Fen(claim.face - amount)
        claim.settled = claim.face == 0
        if step.by != step.to:  # who pays itself moves nothing over an account
            if payer is not None:
                self._post(step, payer, Direction.DEBIT, amount, other=step.to or "")
            if payee is not None:
                self._post(step, payee, Direction.CREDIT, amount, other=step.by)
        value_on = step.value_on or step.on
        if claim.pledge is not None:
            self._secured(claim, step, amount)
        elif payee is not None and claim.settled:
            self._rebook(step.to or "", step.voucher, status=LoanStatus.REPAID, repaid_on=value_on)
        elif payee is not None:
            self._rebook(step.to or "", step.voucher, principal=claim.face)

    def _lent(self, claim: _Claim, step: Step) -> None:
        """A bank lends the secured sum on a pledge; money of such a loan goes under the loan's number."""
        claim.pledge, claim.secured = self.business.quotes[step.quote or ""], step.amount or NOTHING
        bank = self._bank(step.to or "")
        if bank is None:
            return
        priced = price(claim.secured, self.business.quote(claim.pledge.number))
        loan = self._loan(
            claim, claim.pledge, step.voucher, borrower=step.by, principal=claim.secured, value_on=step.on
        )
        bank.loans.append(replace(loan, proceeds=claim.secured, interest=priced.interest))
        self._move(loan.loan_no, bank, Direction.DEBIT, claim.secured, on=step.on, other=step.by)

    def _secured(self, claim: _Claim, step: Step, amount: Fen) -> None:
        """The pledgee is paid first; with the last of its sum the loan is repaid, and its interest by the borrower."""
        claim.secured = Fen(claim.secured - amount)
        if claim.secured <= 0 and claim.pledge is not None:
            self._paid_back(claim, step, step.value_on or step.on, principal=False)
            claim.pledge, claim.secured = None, NOTHING

    def _paid_back(self, claim: _Claim, step: Step, on: date, *, principal: bool = True) -> None:
        bank = None if claim.pledge is None else self._bank(claim.pledge.funder)
        if bank is None or claim.pledge is None:
            return
        loan = next(loan for loan in bank.loans if loan.voucher == step.voucher)
        amount = Fen(loan.interest + (loan.principal if principal else 0))
        self._move(loan.loan_no, bank, Direction.CREDIT, amount, on=on, other=claim.holder)
        self._rebook(claim.pledge.funder, step.voucher, status=LoanStatus.REPAID, repaid_on=on)

    def _given_back(self, claim: _Claim, step: Step) -> None:
        """Recourse: who takes the voucher pays for it, a bank's loan is closed with it."""
        bank, claim.holder = self._bank(step.by), step.to or ""
        if bank is None:
            return
        loan = next(loan for loan in bank.loans if loan.voucher == step.voucher)
        self._move(
            loan.loan_no, bank, Direction.CREDIT, self.hops[step].amount, on=step.on, other=step.to or ""
        )
        self._rebook(step.by, step.voucher, status=LoanStatus.REPAID, repaid_on=step.on)

    def _rebook(self, bank: str, voucher: str, **changed: object) -> None:
        """Changes the open loan on a voucher; there may be none."""
        books = self._bank(bank)
        if books is not None:
            books.loans = [
                replace(loan, **changed)  # type: ignore[arg-type]
                if loan.voucher == voucher and loan.status is LoanStatus.OPEN
                else loan
                for loan in books.loans
            ]

    def _priced(self, claim: _Claim, quote: QuoteFile) -> Price:
        return price(claim.face, self.business.quote(quote.number))

    def _post(self, step: Step, bank: BankBooks, direction: Direction, amount: Fen, *, other: str) -> None:
        on = step.value_on or step.on
        self._move(step.reference or "", bank, direction, amount, on=on, other=other)

    def _move(
        self, reference: str, bank: BankBooks, direction: Direction, amount: Fen, *, on: date, other: str
    ) -> None:
        number = next(number for number, books in self.books.items() if books is bank)
        bank.entries.append(
            StatementEntry(
                entry_id=f"LS-{number}-{len(bank.entries) + 1:04d}",
                booked_on=roll_following(on),
                value_on=on,
                direction=direction,
                amount=amount,
                counterparty=self.business.parties[other].account,
                reference=reference,
            )
        )

    def _bank(self, short: str) -> BankBooks | None:
        return self.books.get(self.business.number_of(short))


def _complete(claim: _Claim) -> None:
    """A payment counts: the funder of a disbursement holds the voucher."""
    if claim.quote is not None and claim.paid is not None and claim.paid.verb in _DISBURSES:
        claim.holder, claim.quote = claim.quote.funder, None
    claim.paid = None
