"""The comparison with others' gas is what a run gives now; its floor is counted from the prices that it names."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import pytest

from ledger.agreements import Transfer
from tests.bench_floor import WORDS, floor_of, tight
from tests.bench_gas import DUTIES, FILE, Line, as_csv, as_text, measured
from tests.bench_peers import FIRST_ONE, ONE_MORE
from tests.gas_yard import Item

TRANSFER = Transfer(2**256 - 1, 2**32 - 1, 2**32 - 1, True, 2**40 - 1, ())  # type: ignore[arg-type]
"""No byte of it is zero."""


@pytest.fixture(scope="module")
def lines() -> Sequence[Line]:
    return measured()


def of_batch(count: int) -> list[Item]:
    """So many transfers between the same two parties."""
    return [Item(TRANSFER, (1, 2))] * count


def test_an_agreement_is_counted_without_padding() -> None:
    assert tight(TRANSFER) == b"\xff" * (32 + 4 + 4) + b"\x01" + b"\xff" * 5


def test_the_floor_of_a_transfer_is_the_sum_of_what_it_cannot_do_without() -> None:
    calldata = 16 * (32 + 4 + 4 + 1 + 5 + 2 * 65)
    log = 375 + 375 + 8 * (32 + 4)
    parties, voucher = 2 * 2_100, 2_100 + 2_900
    assert floor_of("transfer", of_batch(1)) == 21_000 + calldata + 2 * 3_000 + parties + voucher + log


def test_in_a_batch_parties_are_read_warm_and_the_transaction_is_paid_once() -> None:
    alone, two = (floor_of("transfer", of_batch(count)) for count in (1, 2))
    assert two == 2 * alone - 21_000 - 2 * (2_100 - 100)


def test_every_duty_has_its_words() -> None:
    assert set(WORDS) == set(DUTIES)


def test_nothing_of_ours_is_below_the_floor_nor_twice_above_it(lines: Sequence[Line]) -> None:
    for line in lines:
        assert line.floor < line.ours < 2 * line.floor, line


def test_ours_costs_less_than_the_reference_that_does_less(lines: Sequence[Line]) -> None:
    for line in lines:
        assert line.erc3525 is not None and line.ours < 0.75 * line.erc3525, line


def test_the_reference_costs_what_is_known_of_it(lines: Sequence[Line]) -> None:
    known = {"issue": 207_000, "split": 230_000, "transfer": 120_000}
    for line in lines:
        if line.batch == 1:
            assert line.erc3525 == pytest.approx(known[line.duty], rel=0.05), line


def test_only_the_peers_feel_whether_the_recipient_held_one_before(lines: Sequence[Line]) -> None:
    for _, pair in groupby(lines, key=lambda line: (line.duty, line.batch)):
        first, more = pair
        assert (first.recipients_token, more.recipients_token) == (FIRST_ONE, ONE_MORE)
        assert first.ours == more.ours and first.erc3525 != more.erc3525


def test_a_split_has_nothing_to_be_compared_with_in_erc721(lines: Sequence[Line]) -> None:
    assert {line.duty for line in lines if line.erc721 is None} == {"split"}


def test_the_committed_comparison_is_what_is_measured(lines: Sequence[Line]) -> None:
    assert FILE.read_text(encoding="utf-8") == as_csv(list(lines))


def test_the_printed_table_has_a_row_for_each_line(lines: Sequence[Line]) -> None:
    text = as_text(list(lines)).splitlines()
    assert len(text) == 1 + len(lines)
    assert len({len(row) for row in text}) == 1
