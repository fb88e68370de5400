"""Runs the rules: puts the inputs into an in-memory DuckDB, matches, then asks one query per kind of break.

The SQL in `matching/` and `rules/` is what decides, so that an auditor can read it; here rows are only
carried in and out. Nothing is written to disk and nothing is fetched.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from importlib.resources import files
from typing import Any, Final

import duckdb

from ledger.calendar import day_of_date, is_provisional, next_working_day
from ledger.money import Fen
from ledger.overdue_ladder import days_overdue, stage_of
from ledger.reconciliation.breaks import Break, Kind, OverdueLoan, Reconciliation
from ledger.reconciliation.causes import CAUSES
from ledger.reconciliation.inputs import Inputs
from ledger.reconciliation.table_rows import Row, rows_of

_TABLES: Final = "0_tables"
_MATCHING: Final = ("1_loans", "2_statement", "3_lines", "4_groups", "5_overdue")


def reconcile(inputs: Inputs) -> Reconciliation:
    """Compare one bank's books with the chain; the breaks come in the same order on every run.

    All ledgers of the inputs are compared as one: a bank keeps one book over an old ledger that empties and
    the one that issues now. Each disagreement gives one break: what follows from another (the amount of a
    loan that should not exist) is not reported beside it.
    """
    settings = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
    database = duckdb.connect(":memory:", config={**settings, "threads": "2"})
    try:
        database.execute(_sql("matching", _TABLES))
        for table, rows in rows_of(inputs).items():
            _load(database, table, rows)
        for name in _MATCHING:
            database.execute(_sql("matching", name))
        breaks = [row for kind in Kind for row in _breaks(database, kind, inputs.cut_off)]
        overdue = tuple(_overdue(database, inputs.cut_off))
    finally:
        database.close()
    vouchers = Counter(row.contract for row in inputs.vouchers)
    names = {party.party: party.name for party in inputs.dossier.parties}
    return Reconciliation(
        bank=inputs.bank,
        bank_name=names.get(inputs.bank, ""),
        block_number=inputs.block.number,
        block_hash=f"0x{inputs.block.hash.hex()}",
        as_of=inputs.block.as_of,
        cut_off=inputs.cut_off,
        statement_from=inputs.statement_from,
        tolerance_fen=inputs.tolerance_fen,
        contracts=tuple((contract, vouchers[contract]) for contract in inputs.contracts),
        compared=(
            ("vouchers", len(inputs.vouchers)),
            ("payments", len(inputs.payments)),
            ("pledges", len(inputs.pledges)),
            ("loans", len(inputs.loan_book)),
            ("entries", len(inputs.statement)),
            ("lines", len(inputs.line_book)),
        ),
        after_cut_off=_after_cut_off(inputs),
        provisional_years=_provisional_years(inputs),
        breaks=tuple(breaks),
        overdue=overdue,
    )


def _after_cut_off(inputs: Inputs) -> tuple[tuple[str, int], ...]:
    last = inputs.cut_off
    loans = sum(last < max(loan.booked_on, loan.repaid_on or loan.booked_on) for loan in inputs.loan_book)
    entries = sum(last < entry.booked_on for entry in inputs.statement)
    return ("loans", loans), ("entries", entries)


def _provisional_years(inputs: Inputs) -> tuple[int, ...]:
    """Where the last posting day of one of the bank's payments was counted in such a year."""
    value_days = {row.value_on for row in inputs.payments if inputs.bank in (row.asserter, row.payee)}
    years = {each.year for day in value_days for each in (day, next_working_day(day))}
    return tuple(sorted(year for year in years if is_provisional(year)))


def rule_text(kind: Kind) -> str:
    """The query that finds a kind of break, for whoever audits it."""
    return _sql("rules", kind.value)


def _sql(folder: str, name: str) -> str:
    return files("ledger.reconciliation").joinpath(folder, f"{name}.sql").read_text(encoding="utf-8")


def _breaks(database: duckdb.DuckDBPyConnection, kind: Kind, cut_off: date) -> Iterator[Break]:
    rule = rule_text(kind).rstrip().removesuffix(";")
    found = database.execute(f"SELECT * FROM ({rule}) ORDER BY ids::VARCHAR, expected, found")
    for ids, expected, text, difference, unit, since, cause, context in found.fetchall():
        likely, repair = CAUSES[cause]
        yield Break(
            kind=kind,
            ids=_pairs(ids),
            expected=expected,
            found=text,
            difference=None if difference is None else int(difference),
            unit="" if difference is None else unit,
            age=max((cut_off - since).days, 0),
            likely_cause=likely,
            suggested_repair=repair,
            context=_pairs(context),
        )


def _overdue(database: duckdb.DuckDBPyConnection, cut_off: date) -> Iterator[OverdueLoan]:
    """The longest overdue first."""
    columns = "loan_no, voucher, obligor, principal, due_on, status"
    found = database.execute(
        f"SELECT {columns} FROM overdue_loan ORDER BY due_on, loan_no, voucher, principal"
    )
    for loan_no, voucher, obligor, principal, due_on, status in found.fetchall():
        days = days_overdue(day_of_date(due_on), day_of_date(cut_off))
        yield OverdueLoan(
            loan_no=loan_no,
            voucher=voucher,
            obligor=obligor,
            principal=Fen(int(principal)),
            due_on=due_on,
            status=status,
            days=days,
            rung=stage_of(days, cut_off),
        )


def _pairs(structs: Sequence[Mapping[str, Any]]) -> tuple[tuple[str, str], ...]:
    return tuple((pair["name"], pair["value"]) for pair in structs)


def _load(database: duckdb.DuckDBPyConnection, table: str, rows: Sequence[Row]) -> None:
    """As one JSON text: inserting row by row takes a hundred times as long."""
    columns = {row[0]: row[1] for row in database.execute(f"DESCRIBE {table}").fetchall()}
    text = json.dumps([dict(zip(columns, row, strict=True)) for row in rows], default=str)
    database.execute(
        f"INSERT INTO {table} SELECT unnest(from_json(?::JSON, ?), recursive := true)",
        [text, json.dumps([columns])],
    )
