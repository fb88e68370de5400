"""A business as plain CSV files: parties, ledgers, lines, promises, invoices, quotes and the steps of their lives.

    read_business   all seven files of a folder, or one FileError that names every bad cell of a file

Columns are documented in `sample_business/README.md`; each file may use the Chinese or the English headings.
What is checked here is that the files can be read and that they know each other's names and numbers. Whether a
step may happen is for the contract to say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final, TypeVar, cast

from ledger.calendar import DayCount, Tenor, day_of_date, tenor_class
from ledger.codes import CreditCode
from ledger.discount import Bearer, Fee, Quote
from ledger.errors import FileError, InputError, RowProblem
from ledger.members import LineId, PartyNumber, line_text
from ledger.money import Fen, Percent
from ledger.statement import read_table
from scripts.business_columns import COLUMNS, NEEDS, RoleWord, Verb

SAMPLE: Final = Path(__file__).resolve().parent / "sample_business"


@dataclass(frozen=True, slots=True, kw_only=True)
class PartyFile:
    """One party; `short` is the name by which the other files call it."""

    party: PartyNumber
    short: str
    name: str
    code: CreditCode
    account: str
    role: RoleWord
    sponsor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerFile:
    """One ledger contract, numbered from 1 in order of succession; from `stopped_on` it issues nothing more."""

    ledger: int
    opened_on: date
    stopped_on: date | None
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LineFile:
    """One credit line in one ledger; amounts in fen, window and grace in days."""

    line: LineId
    ledger: int
    granted_on: date
    issuer: str
    parent: LineId | None
    limit: Fen
    expires_on: date
    smallest_part: Fen
    window: int
    grace: int
    countersign: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseFile:
    """One promise; `refused_as` names the error that its issue must meet, None where it is made."""

    number: str
    ledger: int
    issued_on: date
    line: LineId
    issuer: str
    supplier: str
    face: Fen
    due_on: date
    highest_tier: int
    smallest_part: Fen
    contract_no: str
    refused_as: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceFile:
    """`amount` of an invoice used when `voucher` is issued, parted or passed on by the buyer.

    `opened`: whether the banks' dossier says which invoice it is.
    """

    number: str
    dated: date
    buyer: str
    seller: str
    total: Fen
    voucher: str
    amount: Fen
    opened: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteFile:
    """A funder's quote for one voucher."""

    number: str
    voucher: str
    funder: str
    recourse: bool
    rate: Percent
    basis: DayCount
    value_on: date
    due_on: date
    fee_basis_points: int
    fee_minimum: Fen
    bearer: Bearer
    issuer_share: int | None
    issuer_ceiling: Fen | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One row of the steps; rows of one split stand together. `row` counts as a spreadsheet does."""

    row: int
    on: date
    verb: Verb
    voucher: str
    by: str
    to: str | None = None
    amount: Fen | None = None
    part: str | None = None
    quote: str | None = None
    reference: str | None = None
    value_on: date | None = None
    until: date | None = None
    refused_as: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Business:
    """The seven files, each keyed by its own names and numbers; lines by their ledger and number."""

    parties: Mapping[str, PartyFile]
    ledgers: Mapping[int, LedgerFile]
    lines: Mapping[tuple[int, LineId], LineFile]
    promises: Mapping[str, PromiseFile]
    invoices: tuple[InvoiceFile, ...]
    quotes: Mapping[str, QuoteFile]
    steps: tuple[Step, ...]

    def number_of(self, short: str) -> PartyNumber:
        """The party number behind a short name."""
        return self.parties[short].party

    def banks(self) -> tuple[PartyFile, ...]:
        """The banks by number."""
        found = (party for party in self.parties.values() if party.role is RoleWord.BANK)
        return tuple(sorted(found, key=lambda party: party.party))

    def ledger_of(self, voucher: str) -> int:
        """The ledger that a voucher is in, by its number."""
        return self.promises[voucher.split("/")[0]].ledger

    def line_of(self, voucher: str) -> LineFile:
        """The line that a voucher was issued under."""
        promise = self.promises[voucher.split("/")[0]]
        return self.lines[promise.ledger, promise.line]

    def quote(self, number: str) -> Quote:
        """A quote as it is priced and hashed; InputError for one that cannot be."""
        row = self.quotes[number]
        return Quote(
            recourse=row.recourse,
            funder=self.number_of(row.funder),
            rate=row.rate,
            basis=row.basis,
            value_day=day_of_date(row.value_on),
            due_day=day_of_date(row.due_on),
            fee=Fee(row.fee_basis_points, row.fee_minimum),
            bearer=row.bearer,
            issuer_share=row.issuer_share or 0,
            issuer_ceiling=row.issuer_ceiling,
        )

    def acts(self) -> tuple[tuple[Step, ...], ...]:
        """What is agreed at once, in order of days: issues first, the parts of one split together."""
        issues = [
            Step(
                row=0,
                on=promise.issued_on,
                verb=Verb.ISSUE,
                voucher=promise.number,
                by=promise.issuer,
                to=promise.supplier,
                amount=promise.face,
                until=promise.due_on,
                refused_as=promise.refused_as,
            )
            for promise in self.promises.values()
        ]
        grouped: list[list[Step]] = []
        for step in sorted((*issues, *self.steps), key=lambda step: step.on):
            last = grouped[-1][-1] if grouped else None
            if last and step.verb is Verb.SPLIT and _same_split(last, step):
                grouped[-1].append(step)
            else:
                grouped.append([step])
        return tuple(tuple(steps) for steps in grouped)


def _same_split(one: Step, other: Step) -> bool:
    return (one.verb, one.on, one.voucher, one.by) == (other.verb, other.on, other.voucher, other.by)


# Reading

R = TypeVar("R")


def read_business(folder: Path) -> Business:
    """The business in `folder`; FileError with every bad cell of the first file that cannot be used."""
    rows = {name: read_table(folder / name, columns) for name, columns in COLUMNS.items()}
    made: dict[str, list[Any]] = {
        "parties.csv": _made(PartyFile, rows["parties.csv"]),
        "ledgers.csv": _made(LedgerFile, rows["ledgers.csv"]),
        "lines.csv": _made(LineFile, rows["lines.csv"]),
        "promises.csv": _made(PromiseFile, rows["promises.csv"]),
        "invoices.csv": _made(InvoiceFile, rows["invoices.csv"]),
        "quotes.csv": _made(QuoteFile, rows["quotes.csv"]),
        "steps.csv": [
            Step(**cast(dict[str, Any], {"row": row} | cells))
            for row, cells in enumerate(rows["steps.csv"], start=2)
        ],
    }
    business = Business(
        parties={row.short: row for row in made["parties.csv"]},
        ledgers={row.ledger: row for row in made["ledgers.csv"]},
        lines={(row.ledger, row.line): row for row in made["lines.csv"]},
        promises={row.number: row for row in made["promises.csv"]},
        invoices=tuple(made["invoices.csv"]),
        quotes={row.number: row for row in made["quotes.csv"]},
        steps=tuple(made["steps.csv"]),
    )
    for name, items in made.items():
        problems = [
            problem for at, row in enumerate(items, start=2) for problem in _problems(business, row, at)
        ]
        if problems:
            raise FileError(str(folder / name), problems)
    return business


def _made(kind: Callable[..., R], rows: Iterable[Mapping[str, object]]) -> list[R]:
    return [kind(**cast(dict[str, Any], dict(row))) for row in rows]


_NAMES: Final = {
    **dict.fromkeys(("sponsor", "issuer", "supplier", "buyer", "seller", "funder", "by", "to"), "parties"),
    "ledger": "ledgers",
    "quote": "quotes",
}


def _problems(business: Business, row: Any, at: int) -> Iterator[RowProblem]:
    """What the row names that no other file has, and what it lacks."""
    for field, table in _NAMES.items():
        value = getattr(row, field, None)
        if value is not None and value not in getattr(business, table):
            yield RowProblem(at, field, f"{value} is in no row of {table}.csv")
    yield from _line_problems(business, row, at)
    if isinstance(row, InvoiceFile | QuoteFile | Step) and row.voucher.split("/")[0] not in business.promises:
        yield RowProblem(at, "voucher", f"{row.voucher} belongs to no promise of promises.csv")
    if isinstance(row, PromiseFile) and tenor_class(row.issued_on, row.due_on) is not Tenor.NORMAL:
        yield RowProblem(
            at, "due_on", f"{row.due_on} is not within six months of the issue on {row.issued_on}"
        )
    if isinstance(row, QuoteFile):
        try:
            business.quote(row.number)
        except (InputError, KeyError) as error:
            yield RowProblem(at, "", str(error))
    if isinstance(row, Step):
        for field in NEEDS.get(row.verb, ()):
            if getattr(row, field) is None:
                yield RowProblem(at, field, f"a step of the kind “{row.verb.value}” needs it")


def _line_problems(business: Business, row: Any, at: int) -> Iterator[RowProblem]:
    """Lines that the row's ledger does not have, and a line that it has twice."""
    for field in ("parent", "line"):
        value = getattr(row, field, None)
        if value is not None and (row.ledger, value) not in business.lines:
            yield RowProblem(
                at, field, f"{line_text(value)} is in no row of lines.csv for ledger {row.ledger}"
            )
    if isinstance(row, LineFile) and business.lines[row.ledger, row.line] is not row:
        yield RowProblem(at, "line", f"{line_text(row.line)} comes twice in ledger {row.ledger}")
    if isinstance(row, LedgerFile):
        before = business.ledgers.get(row.ledger - 1)
        if row.ledger != 1 and (
            before is None or before.stopped_on is None or before.stopped_on > row.opened_on
        ):
            yield RowProblem(
                at,
                "ledger",
                f"ledger {row.ledger} takes over from one before it that is stopped by its first day",
            )
