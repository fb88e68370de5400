"""Life stories as CSV, played row by row on the real contract, with the balances that each row leaves.

One file of tests/scenarios is one story. Columns: `day` (ISO), `verb`, `line` ("2-2 under 2-1": a sub-line),
`voucher` (a name that its issue gives it), `by` (who signs, in order, joined by +), `to`, `amount` (yuan), `until`
(due day of an issue, last day of a line or freeze, pay-by day of a discount), and where wanted `tiers` and `new`
(names of the parts). `disburse` and `settle` assert a payment. `outcome` is done, or the refusal, "of" a line where
it names one. Every column behind it is a balance after the row: `drawn 2-1`, `live`, `settled`, or what somebody
`holds`; empty: not there yet.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ledger.agreements import FreezeLine, Reinstate, ResizeLine, Suspend
from ledger.calendar import day_of_date, parse_date, start_of_day
from ledger.errors import Refusal
from ledger.members import Contract, parse_line
from ledger.money import parse_yuan, yuan
from ledger.signing import child_id, root_id
from tests.contract import paying, words
from tests.engines import ROOT
from tests.rig import (
    ARBITER,
    BANK,
    FACTOR,
    ISSUER,
    LATER,
    OTHER_BANK,
    OTHER_ISSUER,
    REGISTRAR,
    ZERO,
    A,
    B,
    C,
    D,
    E,
    F,
    Revm,
    Rig,
)

STORIES = sorted((ROOT / "tests/scenarios").glob("*.csv"))
CAST = {"Registrar": REGISTRAR, "Bank": BANK, "Second bank": OTHER_BANK, "Factor": FACTOR, "Arbiter": ARBITER}
CAST |= {"Core": ISSUER, "Second core": OTHER_ISSUER, "A": A, "B": B, "C": C, "D": D, "E": E, "F": F}
Row = dict[str, str]


def read(path: Path) -> list[Row]:
    """The rows of a story; a row with more or fewer cells than the header is a mistake in the file."""
    header, *rows = csv.reader(path.read_text(encoding="utf-8").splitlines())
    assert all(len(row) == len(header) for row in rows), (
        f"{path.name}: a row is longer or shorter than the header"
    )
    return [dict(zip(header, row, strict=True)) for row in rows]


@dataclass
class Story:
    """A story being played. Vouchers by the names that the file gives them."""

    rig: Rig = field(default_factory=lambda: Rig(Revm()))
    vouchers: dict[str, int] = field(default_factory=dict)
    lines: set[str] = field(default_factory=set)

    def play(self, path: Path) -> None:
        for number, row in enumerate(read(path), start=2):
            self.rig.engine.travel(max(self.rig.engine.now(), start_of_day(_day(row["day"]))))
            try:
                getattr(self, "_" + row["verb"])(row)
                found = "done"
            except Refusal as refusal:
                found = refusal.name
                if " of " in row["outcome"]:
                    line = int(str(refusal.facts["line"]))
                    found += f" of {line >> 32}-{line & 0xFFFFFFFF}"
            assert found == row["outcome"], f"{path.name}, row {number}: {found}, expected {row['outcome']}"
            self._compare(row, f"{path.name}, row {number}")

    def _compare(self, row: Row, where: str) -> None:
        columns = list(row)
        for column in columns[columns.index("outcome") + 1 :]:
            found = self._balance(column)
            assert found == row[column], f"{where}, {column}: {found}, expected {row[column]}"

    def _balance(self, column: str) -> str:
        """A balance in yuan, read from the chain; empty for a line that is not there."""
        faces = {name: self.rig.voucher(number) for name, number in self.vouchers.items()}
        promises = {number >> 96: number for number in self.vouchers.values()}
        if drawn := re.fullmatch(r"drawn (\d+-\d+)", column):
            return yuan(self.rig.drawn(parse_line(drawn[1]))) if drawn[1] in self.lines else ""  # type: ignore[arg-type]
        if holder := re.fullmatch(r"(.+) holds", column):
            mine = (v.face for v in faces.values() if v.holder == CAST[holder[1]])
            return yuan(sum(mine))  # type: ignore[arg-type]
        kept = [words.promise(self.rig, number) for number in promises.values()]
        sums = {"live": sum(p.live for p in kept), "settled": sum(p.settled for p in kept)}
        return yuan(sums[column])  # type: ignore[arg-type]

    # ------------------------------------------------------------ verbs, as the column `verb` names them

    def _do(self, row: Row, agreement: Any) -> None:
        self.rig.do(agreement, *(CAST[name] for name in row["by"].split(" + ")))

    def _on(self, row: Row, build: Callable[..., Any], *args: Any, **terms: Any) -> None:
        self._do(row, build(self.rig, self.vouchers[row["voucher"]], *args, **terms))

    def _grantLine(self, row: Row) -> None:  # noqa: N802 - the contract's name
        line, _, parent = row["line"].partition(" under ")
        upper = parse_line(parent) if parent else 0
        limit, expiry = parse_yuan(row["amount"]), _day(row["until"])
        self.rig.grant(parse_line(line), limit=limit, expiry=expiry, parent=upper)
        self.lines.add(line)

    def _resizeLine(self, row: Row) -> None:  # noqa: N802
        line = parse_line(row["line"])
        sequence = words.line(self.rig, line).sequence
        self._do(row, ResizeLine(line, sequence, parse_yuan(row["amount"]), _day(row["until"]), LATER))  # type: ignore[arg-type]

    def _freezeLine(self, row: Row) -> None:  # noqa: N802
        line = parse_line(row["line"])
        self._do(row, FreezeLine(line, words.line(self.rig, line).sequence, True, ZERO, LATER))  # type: ignore[arg-type]

    def _issue(self, row: Row) -> None:
        tiers = int(row.get("tiers") or 6)
        terms = {"supplier": CAST[row["to"]], "due_day": _day(row["until"]), "highest_tier": tiers}
        issue = self.rig.issue_of(parse_yuan(row["amount"]), line=parse_line(row["line"]), **terms)
        self._do(row, issue)
        self.vouchers[row["voucher"]] = root_id(issue, self.rig.domain(Contract.LEDGER))

    def _split(self, row: Row) -> None:
        voucher = self.vouchers[row["voucher"]]
        faces = [parse_yuan(amount) for amount in row["amount"].split("; ")]
        split = self.rig.split_of(voucher, *zip((CAST[n] for n in row["to"].split("; ")), faces, strict=True))
        self._do(row, split)
        for part, name in enumerate(row["new"].split("; ")):
            self.vouchers[name] = child_id(split.voucher, split.sequence, part)

    def _transfer(self, row: Row) -> None:
        self._do(row, self.rig.transfer_of(self.vouchers[row["voucher"]], CAST[row["to"]]))

    def _discount(self, row: Row) -> None:
        self._on(row, paying.discount_of, funder=CAST[row["to"]], pay_by=_day(row["until"]))

    def _rescind(self, row: Row) -> None:
        self._on(row, paying.rescind_of, CAST[row["by"]])

    def _disburse(self, row: Row) -> None:
        self._on(row, paying.disbursement_of, payee=CAST[row["to"]], amount=parse_yuan(row["amount"]))

    def _settle(self, row: Row) -> None:
        self._on(row, paying.settlement_of, payee=CAST[row["to"]], amount=parse_yuan(row["amount"]))

    def _confirmPayment(self, row: Row) -> None:  # noqa: N802
        self._on(row, paying.confirm_of)

    def _contestPayment(self, row: Row) -> None:  # noqa: N802
        self._on(row, paying.contest_of, CAST[row["by"]])

    def _withdrawPayment(self, row: Row) -> None:  # noqa: N802
        self._on(row, paying.withdraw_of)

    def _completePayment(self, row: Row) -> None:  # noqa: N802
        self.rig.complete(self.vouchers[row["voucher"]])

    def _freeze(self, row: Row) -> None:
        order = len(self.vouchers).to_bytes(16) + start_of_day(_day(row["day"])).to_bytes(16)
        self._on(row, paying.freeze_of, days=_day(row["until"]) - self.rig.today, order=order)

    def _unfreeze(self, row: Row) -> None:
        self._on(row, paying.unfreeze_of)

    def _cancel(self, row: Row) -> None:
        self._on(row, paying.cancel_of)

    def _revoke(self, row: Row) -> None:
        self._on(row, paying.revoke_of)

    def _suspend(self, row: Row) -> None:
        party = CAST[row["to"]]
        self._do(row, Suspend(party, words.party(self.rig, party).sequence, ZERO, LATER))  # type: ignore[arg-type]

    def _reinstate(self, row: Row) -> None:
        party = CAST[row["to"]]
        self._do(row, Reinstate(party, words.party(self.rig, party).sequence, ZERO, LATER))  # type: ignore[arg-type]


def _day(text: str) -> Any:
    return day_of_date(parse_date(text))


# Tests


@pytest.mark.parametrize(
    ("column", "wrong"), [("outcome", "NoPayment"), ("live", "0.01"), ("drawn 2-1", "0.01"), ("A holds", "")]
)
def test_a_row_that_expects_something_else_is_named(tmp_path: Path, column: str, wrong: str) -> None:
    rows = read(ROOT / "tests/scenarios/straight_life.csv")
    rows[1][column] = wrong
    story = tmp_path / "story.csv"
    with story.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    with pytest.raises(AssertionError, match=r"story\.csv, row 3"):
        Story().play(story)


def test_a_row_of_another_length_is_refused(tmp_path: Path) -> None:
    story = tmp_path / "story.csv"
    story.write_text("day,verb,outcome\n2026-04-01,issue\n", encoding="utf-8")
    with pytest.raises(AssertionError, match="longer or shorter"):
        Story().play(story)


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_the_story_ends_as_it_is_written(path: Path) -> None:
    Story().play(path)


def test_six_lives_are_told() -> None:
    told = {path.stem for path in STORIES}
    assert told >= {"straight_life", "four_tiers", "discount_with_silence", "contest_then_agreement"}
    assert told >= {"cancel_and_freeze", "sub_line_exhaustion"}


def test_every_verb_of_the_stories_is_done_and_refused_somewhere() -> None:
    outcomes: dict[str, set[bool]] = {}
    for path in STORIES:
        for row in read(path):
            outcomes.setdefault(row["verb"], set()).add(row["outcome"] == "done")
    always_done = {"grantLine", "resizeLine", "freezeLine", "freeze", "suspend", "reinstate"}
    assert {verb for verb, seen in outcomes.items() if seen != {True, False}} == always_done
