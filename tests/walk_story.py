"""What happened on a walk, as lines to be read: steps, agreements by their members, vouchers by short names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from ledger.calendar import date_of_day, day_of
from ledger.members import Struct, struct_to_json
from ledger.payment import Unsigned
from tests.walk_attacks import NOBODY_KNOWN, Item

PLENTY: Final = 28_000_000
"""Gas."""


class Step(NamedTuple):
    """One step: when (Unix seconds), how, the calls, what came of it; and what it takes to do it again."""

    when: int
    how: str
    items: Sequence[Item]
    outcome: str
    kind: str
    """call, batch, go (to `when`), succeed"""
    whole: bool = False
    gas: int = PLENTY
    sender: int = NOBODY_KNOWN


def story(steps: Sequence[Step], last: int = 10_000) -> str:
    """The steps as lines; vouchers are named v1, v2, … in the order in which they come up."""
    names: dict[str, str] = {}
    lines = []
    for number, (when, how, items, outcome, *_) in enumerate(steps, start=1):
        day = date_of_day(day_of(when)).isoformat()
        what = "; ".join(_sentence(item, names) for item in items)
        lines.append(f"{number:>5} {day} {how}: {what} → {_short(outcome, names)}")
    return "\n".join(lines[-last:])


def _sentence(item: Item, names: dict[str, str]) -> str:
    agreement, where = item.agreement, f" at {item.door}" if item.door > 1 else ""
    if agreement is None:
        return item.how + where
    if isinstance(agreement, Unsigned):
        return f"{type(agreement).__name__}({_short(f'0x{agreement.voucher:064x}', names)}){where}"
    assert isinstance(agreement, Struct)
    members = ", ".join(f"{key} {value}" for key, value in struct_to_json(agreement).items())
    consents = f"{item.how}, {len(item.consents)} consents"
    return f"{type(agreement).__name__}({_short(members, names)}) [{consents}]{where}"


def _short(text: str, names: dict[str, str]) -> str:
    """Long hex numbers and ids of vouchers by a short name, the same each time."""

    def name(found: re.Match[str]) -> str:
        return names.setdefault(found[0].lower(), f"v{len(names) + 1}")

    text = re.sub(r"0x[0-9a-fA-F]{64}(?![0-9a-fA-F])", name, text)
    return re.sub(r"(0x[0-9a-fA-F]{8})[0-9a-fA-F]{9,}", r"\1…", text)
