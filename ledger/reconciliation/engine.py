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

from ledger.reconciliation.breaks import Break, Kind, Reconciliation
from ledger.reconciliation.causes import CAUSES
from ledger.reconciliation.inputs import Inputs
from ledger.reconciliation.table_rows import Row, rows_of

_TABLES: Final = "0_tables"
_MATCHING: Final = ("1_loans", "2_statement", "3_lines", "4_groups")


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
        breaks=tuple(breaks),
    )


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
