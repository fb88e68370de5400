"""Gas of every verb by every kind of signer, alone and in batches of 10, 100 and 500, kept in contracts/gas.csv.

    python -m tests.gas_report            measure and write contracts/gas.csv
    python -m tests.gas_report --check    measure, compare, write nothing; exit 1 where a figure differs
    python -m tests.gas_report --table    print, in Markdown, where each thousand goes in four verbs
    python -m tests.gas_report --signers  print, in Markdown, what each kind of signer costs in a transfer

Measured on anvil with cancun rules, where there is a precompile for P-256 with osaka rules. The scenario is that of
tests/gas_scenes.py. Nothing in it is left to chance: keys, days and addresses are the same in every run, and a
signature is worked out from key and digest without a random number, so that the number of its zero bytes, which are
cheaper, is the same too. Every scene begins with the same state of the node. So a figure changes only when the
contracts, the compiler settings or the scenario do, and is compared without any tolerance.
"""

from __future__ import annotations

import argparse
import csv
import io
import os
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import astuple, fields
from typing import Any, Final

from tests.engines import ROOT
from tests.gas_measure import BATCHES, SCENES, Row, everything, measured
from tests.gas_signers import KINDS

FILE: Final = ROOT / "contracts" / "gas.csv"


def as_csv(rows: Sequence[Row]) -> str:
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow([each.name for each in fields(Row)])
    table.writerows(astuple(row) for row in rows)
    return out.getvalue()


def read() -> list[Row]:
    """The committed figures."""
    with FILE.open(encoding="utf-8", newline="") as file:
        return [
            Row(**{name: _value(name, text) for name, text in row.items()}) for row in csv.DictReader(file)
        ]


def _value(name: str, text: str) -> Any:
    if name in ("verb", "case", "signer"):
        return text
    return int(text) if text else None


# ------------------------------------------------------------ where each thousand goes

SHOWN: Final = (
    ("transfer", "whole"),
    ("issue", "one new invoice"),
    ("split", "one part, remainder kept"),
    ("assertPayment", "settlement, bank and payee"),
)
LINES: Final = (
    ("the transaction itself", ("transaction",)),
    ("calldata: agreement and consents", ("calldata",)),
    ("signatures: ecrecover, 3,000 each", ("signature",)),
    ("registry: first call of it in the transaction, 2,600", ("call",)),
    ("registry: parties read, 2,100 each", ("check: cold read", "check: warm read")),
    ("registry: duties, roles, unpacking", ("check: computing", "check: hashing", "check: call")),
    ("ledger: words read first, 2,100 each", ("cold read", "warm read")),
    ("ledger: new words", ("new word",)),
    ("ledger: changed words", ("changed word",)),
    ("journal head: read and stored once", ("journal head",)),
    ("events", ("event",)),
    ("hashing: digest, keys, ids, journal", ("hashing",)),
    ("guards, computing, memory", ("computing",)),
    ("given back", ("refund",)),
)


def as_table(found: Sequence[tuple[Row, Counter[str]]]) -> str:
    """Markdown; each column adds up to its total."""
    columns = [parts for _, parts in found]
    named = {kind for _, kinds in LINES for kind in kinds}
    assert all(set(parts) <= named for parts in columns), "a kind of step without a line"
    heads = [f"`{row.verb}`, {row.case}" for row, _ in found]
    lines = [f"| gas | {' | '.join(heads)} |", "|---" * (len(heads) + 1) + "|"]
    for text, kinds in LINES:
        sums = [sum(parts[kind] for kind in kinds) for parts in columns]
        if any(sums):
            lines.append(f"| {text} | {' | '.join(f'{value:,}' for value in sums)} |")
    lines.append(f"| **together** | {' | '.join(f'**{row.gas:,}**' for row, _ in found)} |")
    return "\n".join(lines) + "\n"


def signers_table(rows: Sequence[Row]) -> str:
    """Markdown: a whole transfer by each kind of signer, gas per agreement and transactions."""
    lines = [
        f"| holder and recipient sign with | {' | '.join(f'{batch} at once' for batch in BATCHES)} |",
        "|---" * (len(BATCHES) + 1) + "|",
    ]
    for kind in KINDS:
        cells = [
            f"{row.gas:,}" + (f" in {row.transactions}" if row.transactions > 1 else "")
            for row in rows
            if row.name[:3] == ("transfer", "whole", kind.name)
        ]
        lines.append(f"| {kind.name} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """0 done or equal, 1 a figure differs from the committed one or is above its bound."""
    parser = argparse.ArgumentParser(description="Measure the gas of every verb.")
    parser.add_argument("--check", action="store_true", help="compare with contracts/gas.csv, write nothing")
    parser.add_argument("--table", action="store_true", help="print where the gas of four verbs goes")
    parser.add_argument("--signers", action="store_true", help="print what each kind of signer costs")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="nodes at once")
    options = parser.parse_args(arguments)
    if options.table:
        shown = [scene for scene in SCENES if (scene.verb, scene.case) in SHOWN]
        found = {(row.verb, row.case): (row, parts) for row, parts in measured(shown, batches=(1,))}
        print(as_table([found[name] for name in SHOWN]), end="")
        return 0
    if options.signers:
        print(signers_table(read()), end="")
        return 0
    rows = [row for row, _ in everything(options.workers)]
    text = as_csv(rows)
    above = [row for row in rows if row.bound is not None and row.gas > row.bound]
    for row in above:
        print(f"{', '.join(map(str, row.name))}: {row.gas:,} is above {row.bound:,}", file=sys.stderr)
    if not options.check:
        FILE.write_text(text, encoding="utf-8")
    elif not FILE.is_file() or FILE.read_text(encoding="utf-8") != text:
        print(f"{FILE.name} differs from what is measured: run this without --check", file=sys.stderr)
        return 1
    return 1 if above else 0


if __name__ == "__main__":
    sys.exit(main())
