"""Runs the rules: puts the inputs into an in-memory DuckDB, matches, then asks one query per kind of break.

The SQL in `matching/` and `rules/` is what decides, so that an auditor can read it; here rows are only
carried in and out. Nothing is written to disk and nothing is fetched.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from importlib.resources import files
from typing import Any, Final

import duckdb

from ledger.calendar import next_working_day
from ledger.reconciliation.breaks import CAUSES, Break, Kind, Reconciliation
from ledger.reconciliation.dossier import open_dossier, voucher_labels
from ledger.reconciliation.inputs import Inputs, line_text, voucher_text
from ledger.statement import Direction

_TABLES: Final = "0_tables"
_MATCHING: Final = ("1_loans", "2_statement", "3_lines")

Row = tuple[object, ...]


def reconcile(inputs: Inputs) -> Reconciliation:
    """Compare one bank's books with the chain; the breaks come in the same order on every run.

    Each disagreement gives one break: what follows from another (the amount of a loan that should not exist)
    is not reported beside it.
    """
    settings = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
    database = duckdb.connect(":memory:", config={**settings, "threads": "2"})
    try:
        database.execute(_sql("matching", _TABLES))
        for table, rows in _rows(inputs).items():
            _load(database, table, rows)
        for name in _MATCHING:
            database.execute(_sql("matching", name))
        breaks = [row for kind in Kind for row in _breaks(database, kind, inputs.cut_off)]
    finally:
        database.close()
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
        compared=(
            ("vouchers", len(inputs.vouchers)),
            ("payments", len(inputs.payments)),
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


def _rows(inputs: Inputs) -> dict[str, list[Row]]:
    return _chain_rows(inputs) | _dossier_rows(inputs) | _book_rows(inputs)


def _chain_rows(inputs: Inputs) -> dict[str, list[Row]]:
    labels = voucher_labels(inputs)
    post_by = {day: next_working_day(day) for day in {payment.value_on for payment in inputs.payments}}
    return {
        "stated": [(inputs.bank, inputs.cut_off, inputs.statement_from, inputs.tolerance_fen)],
        "chain_voucher": [
            (
                v.contract,
                voucher_text(v.voucher),
                labels[v.contract, v.voucher],
                v.line,
                v.bank,
                v.issuer,
                v.holder,
                v.face,
                v.due_on,
                v.state,
                v.ended_as,
            )
            for v in inputs.vouchers
        ],
        "chain_payment": [
            (
                place,
                p.contract,
                voucher_text(p.voucher),
                p.purpose,
                p.asserter,
                p.payee,
                p.amount,
                p.value_on,
                post_by[p.value_on],
                p.asserted_on,
                p.state,
                p.completed_on,
                p.face_at_assertion,
                p.quote_hash.hex(),
            )
            for place, p in enumerate(inputs.payments)
        ],
        "chain_line": [
            (
                place,
                x.contract,
                x.line,
                line_text(x.line),
                x.bank,
                x.issuer,
                x.parent,
                x.limit,
                x.drawn,
                x.expires_on,
            )
            for place, x in enumerate(inputs.lines)
        ],
    }


def _dossier_rows(inputs: Inputs) -> dict[str, list[Row]]:
    opened = open_dossier(inputs)
    parties = inputs.dossier.parties
    names = {
        (p.party, _key(text))
        for p in parties
        for text in (p.name, p.code, p.account_name, str(p.party))
        if text
    }
    return {
        "party": [(p.party, p.name, p.account_name) for p in parties],
        "party_name": sorted(names),
        "voucher_number": [(x.number, x.contract, voucher_text(x.voucher)) for x in inputs.dossier.vouchers],
        "opened_quote": [
            (
                q.contract,
                voucher_text(q.voucher),
                q.quote_hash.hex(),
                q.due_on,
                q.proceeds,
                q.interest,
                q.issuer_interest,
            )
            for q in opened.quotes
        ],
        "opened_reference": [(r.payment, r.reference) for r in opened.references],
        "dossier_problem": [
            (
                x.entry,
                *x.subject,
                x.expected,
                x.found,
                x.since,
                x.contract,
                voucher_text(x.voucher) if x.contract else "",
            )
            for x in opened.problems
        ],
    }


def _book_rows(inputs: Inputs) -> dict[str, list[Row]]:
    return {
        "loan": [
            (
                place,
                x.loan_no,
                x.bank,
                _key(x.bank),
                x.voucher,
                x.borrower,
                _key(x.borrower),
                x.obligor,
                _key(x.obligor),
                x.principal,
                x.proceeds,
                x.interest,
                x.booked_on,
                x.due_on,
                x.status.value,
                x.repaid_on,
            )
            for place, x in enumerate(inputs.loan_book)
        ],
        "entry": [
            (
                place,
                x.entry_id,
                x.booked_on,
                x.value_on,
                x.direction.value,
                x.amount,
                x.amount if x.direction is Direction.DEBIT else -x.amount,
                x.counterparty,
                _key(x.counterparty),
                x.reference,
            )
            for place, x in enumerate(inputs.statement)
        ],
        "booked_line": [
            (
                x.line,
                _line_number(x.line, inputs.bank),
                x.issuer,
                _key(x.issuer),
                x.limit,
                x.used,
                x.expires_on,
            )
            for x in inputs.line_book
        ],
    }


def _key(name: str) -> str:
    """A name without what does not tell parties apart: width of characters, blanks, case."""
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())


def _line_number(text: str, bank: int) -> int | None:
    """`2-17`, or the bank's own reference `17`; None for what can be no line of a ledger."""
    before, _, reference = text.rpartition("-")
    if not (reference.isascii() and reference.isdigit()) or before not in ("", str(bank)):
        return None
    return bank << 32 | int(reference) if 0 < int(reference) < 2**32 else None
