"""A reconciliation as JSON, as CSV and as a printable page in Chinese and English.

The page stands alone: no script, no font or picture from elsewhere. Files are written whole or not at all; a
target that cannot be written raises an InputError.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Final

from jinja2 import Environment, StrictUndefined

from ledger.errors import InputError
from ledger.money import Fen, yuan
from ledger.reconciliation.breaks import KIND_WORDS, Break, OverdueLoan, Reconciliation, Words
from ledger.sheets import csv_text

COLUMNS: Final = (
    "kind",
    "ids",
    "expected",
    "found",
    "difference",
    "unit",
    "age_days",
    "likely_cause_zh",
    "likely_cause",
    "suggested_repair_zh",
    "suggested_repair",
    "context",
)
OVERDUE_COLUMNS: Final = (
    "借据号 loan_no",
    "凭证编号 voucher",
    "付款人 obligor",
    "本金 principal",
    "到期日 due_on",
    "状态 status",
    "逾期天数 days_overdue",
    "档次 stage",
    "五级分类 class",
)


def to_json(result: Reconciliation) -> str:
    """All of it, amounts in fen where named so and in yuan as text else; keys in a stable order."""
    return json.dumps(
        {
            "bank": result.bank,
            "bank_name": result.bank_name,
            "block": {"number": result.block_number, "hash": result.block_hash, "as_of": str(result.as_of)},
            "cut_off": str(result.cut_off),
            "statement_from": None if result.statement_from is None else str(result.statement_from),
            "tolerance_fen": result.tolerance_fen,
            "contracts": dict(result.contracts),
            "compared": dict(result.compared),
            "after_cut_off": dict(result.after_cut_off),
            "provisional_years": list(result.provisional_years),
            "clean": result.clean,
            "totals": {
                total.kind.value: {"count": total.count, "sum_fen": total.sum_fen} for total in result.totals
            },
            "breaks": [_as_json(row) for row in result.breaks],
            "overdue": [_overdue_as_json(row) for row in result.overdue],
        },
        ensure_ascii=False,
        indent=2,
    )


def _as_json(row: Break) -> dict[str, object]:
    return {
        "kind": row.kind.value,
        "ids": [list(pair) for pair in row.ids],
        "expected": row.expected,
        "found": row.found,
        "difference": row.difference,
        "unit": row.unit,
        "age_days": row.age,
        "likely_cause": _both(row.likely_cause),
        "suggested_repair": _both(row.suggested_repair),
        "context": [list(pair) for pair in row.context],
    }


def _overdue_as_json(row: OverdueLoan) -> dict[str, object]:
    return {
        "loan": row.loan_no,
        "voucher": row.voucher,
        "obligor": row.obligor,
        "principal": yuan(row.principal),
        "due_on": str(row.due_on),
        "status": row.status,
        "days_overdue": row.days,
        "stage": row.rung.stage,
        "class": {"zh": row.rung.asset_class, "en": row.rung.class_en},
    }


def _both(words: Words) -> dict[str, str]:
    return {"zh": words.zh, "en": words.en}


def write_csv(result: Reconciliation, path: Path) -> None:
    """One row per break, UTF-8 with a byte order mark, which spreadsheets need for Chinese.

    Text that a spreadsheet would run as a formula gets an apostrophe before it; amounts with a sign do not.
    """
    rows = [
        (
            row.kind.value,
            pairs_text(row.ids),
            row.expected,
            row.found,
            "" if row.difference is None else row.difference,
            row.unit,
            row.age,
            row.likely_cause.zh,
            row.likely_cause.en,
            row.suggested_repair.zh,
            row.suggested_repair.en,
            pairs_text(row.context),
        )
        for row in result.breaks
    ]
    _write_rows(path, COLUMNS, rows)


def write_overdue_csv(result: Reconciliation, path: Path) -> None:
    """One row per overdue loan, the longest overdue first, in the same form as the breaks."""
    rows = [
        (
            row.loan_no,
            row.voucher,
            row.obligor,
            yuan(row.principal),
            str(row.due_on),
            row.status,
            row.days,
            row.rung.stage,
            f"{row.rung.asset_class} {row.rung.class_en}",
        )
        for row in result.overdue
    ]
    _write_rows(path, OVERDUE_COLUMNS, rows)


def _write_rows(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    _write(path, csv_text(columns, rows))


def write_html(result: Reconciliation, path: Path) -> None:
    """The page that a manager reads and files: the stated block and cut-off, totals, every break."""
    template = files("ledger.reconciliation").joinpath("report.html.j2").read_text(encoding="utf-8")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    page = environment.from_string(template).render(
        result=result,
        later=[pair for pair in result.after_cut_off if pair[1]],
        kind_words=KIND_WORDS,
        yuan=yuan,
        difference=difference_text,
        pairs=pairs_text,
    )
    _write(path, page)


def pairs_text(pairs: tuple[tuple[str, str], ...]) -> str:
    """Ids as one line: loan L-1; voucher V-1."""
    return "; ".join(f"{name} {value}" for name, value in pairs)


def difference_text(row: Break) -> str:
    """The difference with its unit: yuan for amounts, days for days, nothing where there is none."""
    if row.difference is None:
        return ""
    return yuan(Fen(row.difference)) if row.unit == "fen" else f"{row.difference:+d} 天 d"


def _write(path: Path, text: str) -> None:
    beside = path.with_name(f"{path.name}.part")
    try:
        beside.write_text(text, encoding="utf-8", newline="")
        os.replace(beside, path)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}") from None
