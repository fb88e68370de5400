"""Life stories as CSV, played row by row on the real contract, with the balances that each row leaves.

One file of tests/scenarios is one story. Columns: `day` (ISO), `verb`, `line` ("2-2 under 2-1": a sub-line), `voucher`
(a name that its issue gives it), `by` (who signs, in order, joined by +), `to`, `amount` (yuan; days of a tenor cap),
`until` (due day of an issue, last day of a line, freeze or pledge, pay-by day of a discount, first day of a tenor cap),
and where wanted `tiers` and `new` (names of the parts).

`disburse` and `settle` assert a payment, `giveBack` is a transfer of what is overdue, `awardPaid` and `awardUnpaid`
end a contest, `stopIssue` without `to` begins a run-off, and `succeed` puts a new ledger on the chain, where lines and
promises are made from then on. `outcome` is done, or the refusal, "of" a line where it names one. Every column behind
it is a balance after the row: `drawn 2-1`, `live` and `settled` of all ledgers, what somebody `holds`, what an issuer
`owes late`, what is `secured V`; empty: not there yet.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ledger.agreements import FreezeLine, Reinstate, ResizeLine, Suspend
from ledger.calendar import day_of_date, parse_date, start_of_day
from ledger.errors import Refusal
from ledger.members import Contract, parse_line
from ledger.money import parse_yuan, yuan
from ledger.signing import child_id, root_id
from tests.contract import failing, paying, words
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
    """A story being played. Vouchers by the names that the file gives them; lines by theirs."""

    rig: Rig = field(default_factory=lambda: Rig(Revm()))
    vouchers: dict[str, int] = field(default_factory=dict)
    homes: dict[str, str] = field(default_factory=dict)
    """The ledger of each line and voucher."""

    def play(self, path: Path) -> None:
        for number, row in enumerate(read(path), start=2):
            self.rig.engine.travel(max(self.rig.engine.now(), start_of_day(_day(row["day"]))))
            try:
                with self._at(row["voucher"]):
                    getattr(self, "_" + row["verb"])(row)
                found = "done"
            except Refusal as refusal:
                found = refusal.name
                if " of " in row["outcome"]:
                    line = int(str(refusal.facts["line"]))
                    found += f" of {line >> 32}-{line & 0xFFFFFFFF}"
            assert found == row["outcome"], f"{path.name}, row {number}: {found}, expected {row['outcome']}"
            self._compare(row, f"{path.name}, row {number}")

    @contextmanager
    def _at(self, name: str) -> Iterator[None]:
        """At the ledger of this line or voucher; at the newest one where there is none yet."""
        newest = self.rig.ledger
        self.rig.ledger = self.homes.get(name, newest)
        try:
            yield
        finally:
            if name in self.homes:
                self.rig.ledger = newest

    def _compare(self, row: Row, where: str) -> None:
        columns = list(row)
        for column in columns[columns.index("outcome") + 1 :]:
            found = self._balance(column)
            assert found == row[column], f"{where}, {column}: {found}, expected {row[column]}"

    def _balance(self, column: str) -> str:
        """A balance in yuan, read from the chain; empty for a line or voucher that is not there."""
        if drawn := re.fullmatch(r"drawn (\d+-\d+)", column):
            with self._at(drawn[1]):
                return yuan(self.rig.drawn(parse_line(drawn[1]))) if drawn[1] in self.homes else ""  # type: ignore[arg-type]
        if secured := re.fullmatch(r"secured (\w+)", column):
            if secured[1] not in self.vouchers:
                return ""
            with self._at(secured[1]):
                return yuan(words.pledge(self.rig, self.vouchers[secured[1]]).secured)  # type: ignore[arg-type]
        if late := re.fullmatch(r"(.+) owes late", column):
            return yuan(words.inherited_standing(self.rig, CAST[late[1]]).overdue)  # type: ignore[arg-type]
        if holder := re.fullmatch(r"(.+) holds", column):
            return yuan(sum(self._each(lambda v: _held(self.rig, v, CAST[holder[1]]))))  # type: ignore[arg-type]
        assert column in ("live", "settled"), f"no balance is called {column}"
        promises = {number >> 96: name for name, number in self.vouchers.items()}
        kept = self._each(lambda v: getattr(words.promise(self.rig, v), column), only=promises.values())
        return yuan(sum(kept))  # type: ignore[arg-type]

    def _each(self, ask: Callable[[int], int], *, only: Any = None) -> Iterator[int]:
        for name, number in self.vouchers.items():
            if only is None or name in only:
                with self._at(name):
                    yield ask(number)

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
        self.homes[line] = self.rig.ledger

    def _resizeLine(self, row: Row) -> None:  # noqa: N802
        line = parse_line(row["line"])
        sequence = words.line(self.rig, line).sequence
        self._do(row, ResizeLine(line, sequence, parse_yuan(row["amount"]), _day(row["until"]), LATER))  # type: ignore[arg-type]

    def _freezeLine(self, row: Row) -> None:  # noqa: N802
        line = parse_line(row["line"])
        self._do(row, FreezeLine(line, words.line(self.rig, line).sequence, True, ZERO, LATER))  # type: ignore[arg-type]

    def _stopIssue(self, row: Row) -> None:  # noqa: N802
        self._do(row, failing.stop_of(self.rig, CAST[row["to"]] if row["to"] else 0))

    def _setTenorCap(self, row: Row) -> None:  # noqa: N802
        self._do(row, failing.cap_of(self.rig, int(row["amount"]), in_force_from=_day(row["until"])))

    def _succeed(self, row: Row) -> None:
        failing.succeed(self.rig)

    def _issue(self, row: Row) -> None:
        tiers = int(row.get("tiers") or 6)
        terms = {"supplier": CAST[row["to"]], "due_day": _day(row["until"]), "highest_tier": tiers}
        issue = self.rig.issue_of(parse_yuan(row["amount"]), line=parse_line(row["line"]), **terms)
        self._do(row, issue)
        self.vouchers[row["voucher"]] = root_id(issue, self.rig.domain(Contract.LEDGER))
        self.homes[row["voucher"]] = self.rig.ledger

    def _split(self, row: Row) -> None:
        voucher = self.vouchers[row["voucher"]]
        faces = [parse_yuan(amount) for amount in row["amount"].split("; ")]
        split = self.rig.split_of(voucher, *zip((CAST[n] for n in row["to"].split("; ")), faces, strict=True))
        self._do(row, split)
        for part, name in enumerate(row["new"].split("; ")):
            self.vouchers[name] = child_id(split.voucher, split.sequence, part)
            self.homes[name] = self.rig.ledger

    def _transfer(self, row: Row) -> None:
        self._do(row, self.rig.transfer_of(self.vouchers[row["voucher"]], CAST[row["to"]]))

    def _giveBack(self, row: Row) -> None:  # noqa: N802
        self._do(row, self.rig.transfer_of(self.vouchers[row["voucher"]], CAST[row["to"]], overdue=True))

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

    def _awardPaid(self, row: Row) -> None:  # noqa: N802
        self._on(row, failing.award_of, paid=True)

    def _awardUnpaid(self, row: Row) -> None:  # noqa: N802
        self._on(row, failing.award_of, paid=False)

    def _declareOverdue(self, row: Row) -> None:  # noqa: N802
        failing.declare(self.rig, self.vouchers[row["voucher"]])

    def _pledge(self, row: Row) -> None:
        terms = {"secured": parse_yuan(row["amount"]), "end_day": _day(row["until"])}
        self._on(row, failing.pledge_of, pledgee=CAST[row["to"]], **terms)

    def _release(self, row: Row) -> None:
        self._on(row, failing.release_of, CAST[row["by"]])

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


def _held(rig: Rig, voucher: int, party: int) -> int:
    now = rig.voucher(voucher)
    return now.face if now.holder == party else 0


def _day(text: str) -> Any:
    return day_of_date(parse_date(text))
