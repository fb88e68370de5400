"""Marks of invoices: what is written a little differently is found, what is another invoice is not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.calendar import Day
from ledger.errors import InputError
from ledger.invoice_marks import (
    WEIGHTS,
    Likeness,
    Mark,
    MarkedInvoice,
    likeness,
    marks_of,
    plain_number,
    score,
)
from ledger.money import Fen

KEY = b"k" * 32
INVOICE = MarkedInvoice(
    payer="91350100M000100Y43", number="INV-2026/00118", total=Fen(118_000_00), issued_on=Day(20_500)
)


def like(other: MarkedInvoice) -> Likeness:
    mine, theirs = marks_of(INVOICE, key=KEY), marks_of(other, key=KEY)
    return likeness(score([mark for mark in mine if mine[mark] == theirs.get(mark)]))


@pytest.mark.parametrize(
    "changed",
    [{"number": ""}, {"number": " 1"}, {"number": "1\n2"}, {"number": "x" * 101}, {"total": Fen(0)}],
    ids=str,
)
def test_what_is_no_invoice_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        replace(INVOICE, **changed)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, Likeness.EXACT),
        ({"total": Fen(1), "issued_on": None}, Likeness.EXACT),
        ({"number": "inv 2026 00118"}, Likeness.STRONG),
        ({"number": "ＩＮＶ—２０２６—００１１８"}, Likeness.STRONG),
        ({"number": "INV-2026/OO118", "issued_on": None}, Likeness.STRONG),
        ({"number": "1NV.2026.00l18"}, Likeness.STRONG),
        ({"number": "X-00118"}, Likeness.WEAK),
        ({"number": "2026/00118", "issued_on": None}, Likeness.WEAK),
        ({"number": "2026/00118"}, Likeness.STRONG),
        ({"payer": "party 10", "number": "INV 2026 00118"}, Likeness.WEAK),
        ({"number": "Z-9"}, Likeness.WEAK),
        ({"number": "Z-9", "issued_on": Day(20_501)}, Likeness.NONE),
        ({"number": "Z-9", "total": Fen(1)}, Likeness.NONE),
        ({"payer": "party 10", "total": Fen(1)}, Likeness.NONE),
    ],
    ids=str,
)
def test_how_like_two_invoices_are(changed: dict[str, Any], expected: Likeness) -> None:
    assert like(replace(INVOICE, **changed)) is expected


def test_marks_say_nothing_without_the_key_and_are_never_the_same_for_two_kinds() -> None:
    mine, others = marks_of(INVOICE, key=KEY), marks_of(INVOICE, key=b"o" * 32)
    assert set(mine.values()).isdisjoint(others.values())
    assert len(set(mine.values())) == len(WEIGHTS)
    assert {len(each) for each in mine.values()} == {32}
    one = replace(INVOICE, payer="a", number="bc")
    assert (
        marks_of(one, key=KEY)[Mark.EXACT]
        != marks_of(replace(one, payer="ab", number="c"), key=KEY)[Mark.EXACT]
    )


@given(st.text(st.characters(categories=("L", "N", "P")), min_size=1, max_size=20))
def test_a_plain_number_is_never_empty_and_plain_already(text: str) -> None:
    plain = plain_number(text)
    assert plain
    assert plain_number(plain) == plain or not plain.isalnum()
