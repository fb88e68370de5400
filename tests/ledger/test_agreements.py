"""Agreements as values: what does not fit is refused by name, and JSON gives the same agreement back."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.agreements import (
    AGREEMENTS,
    Admit,
    Agreement,
    AssertPayment,
    Invoice,
    Issue,
    ListVerifier,
    Part,
    PartyNumber,
    PromiseId,
    Purpose,
    RevokeIssue,
    from_json,
    to_json,
)
from ledger.errors import InputError
from ledger.members import (
    LAST_DAY,
    line_id,
    line_text,
    members_of,
    parse_line,
    parse_promise,
    parse_voucher,
    promise_text,
    voucher_text,
)
from ledger.money import Fen
from tests.ledger.samples import DEADLINE, DUE, H1, ISSUE, TRANSFER, VOUCHER, few, instances

kinds = pytest.mark.parametrize("kind", AGREEMENTS, ids=lambda kind: kind.__name__)


# What is refused


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("voucher", -1),
        ("voucher", 2**256),
        ("voucher", "0x01"),
        ("sequence", 2**32),
        ("sequence", True),
        ("sequence", 1.0),
        ("recipient", None),
        ("recipient", 2**32),
        ("overdue", 0),
        ("overdue", "false"),
        ("deadline", 2**40),
        ("invoices", [Invoice(H1, Fen(1), Fen(1))]),
        ("invoices", (Part(PartyNumber(7), Fen(1)),)),
        ("invoices", None),
    ],
)
def test_a_value_that_does_not_fit_its_member_is_refused_by_name(member: str, value: Any) -> None:
    with pytest.raises(InputError, match=rf"^Transfer\.{member}: "):
        dataclasses.replace(TRANSFER, **{member: value})


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("line", 2**64),
        ("face", 2**64),
        ("due_day", LAST_DAY + 1),
        ("smallest_part", 2**32),
        ("highest_tier", 256),
        ("terms", b"\1" * 31),
        ("terms", "0x" + "11" * 32),
        ("issuer_reference", bytearray(32)),
    ],
)
def test_an_issue_with_a_value_that_does_not_fit_is_refused_by_name(member: str, value: Any) -> None:
    with pytest.raises(InputError, match=rf"^Issue\.{member}: "):
        dataclasses.replace(ISSUE, **{member: value})


def test_an_invoice_a_part_and_a_payment_are_refused_by_the_name_of_their_own_member() -> None:
    with pytest.raises(
        InputError, match=r"^Invoice\.total: '-1' does not fit: expected a whole number from 0"
    ):
        Invoice(H1, Fen(1), Fen(-1))
    with pytest.raises(InputError, match=r"^Part\.face: "):
        Part(PartyNumber(7), Fen(2**64))
    with pytest.raises(InputError, match=r"^AssertPayment\.purpose: '1' does not fit: expected a Purpose"):
        AssertPayment(VOUCHER, 1, 1, PartyNumber(6), Fen(0), DUE, H1, DEADLINE)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"^RevokeIssue\.promise_id: "):
        RevokeIssue(PromiseId(2**160), PartyNumber(4), DEADLINE)
    with pytest.raises(InputError, match=r"^Admit\.roles: "):
        Admit(PartyNumber(9), 2**16, PartyNumber(2), 0, H1, DEADLINE, b"\1" * 20)


@pytest.mark.parametrize(
    "verifier", [b"", b"\1" * 19, b"\1" * 21, bytearray(20), "0x" + "01" * 20, int.from_bytes(b"\1" * 20)]
)
def test_an_address_is_twenty_bytes(verifier: Any) -> None:
    with pytest.raises(InputError, match=r"^ListVerifier\.verifier: .* expected an address of 20 bytes"):
        ListVerifier(0, verifier, 400_000, H1, DEADLINE)


def test_json_whose_address_is_of_another_length_is_refused() -> None:
    listing = to_json(ListVerifier(0, b"\1" * 20, 400_000, H1, DEADLINE))
    for text in ("0x", "0x" + "01" * 19, "0x" + "01" * 21, "01" * 20):
        with pytest.raises(InputError, match=r"ListVerifier\.verifier .* expected 0x and 40 hex digits"):
            from_json({**listing, "verifier": text})
    with pytest.raises(InputError, match=r"ListVerifier\.verifier: expected a text"):
        from_json({**listing, "verifier": 1})


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"agreement": "Teleport"}, "agreement 'Teleport' is none of Admit, "),
        ({"agreement": None}, "agreement 'None' is none of"),
        ({"agreement": ["Issue"]}, "is none of"),
        ({"face": "100"}, r"Issue\.face: '100' does not fit"),
        ({"face": 1.0}, r"Issue\.face: '1\.0' does not fit"),
        ({"face": True}, r"Issue\.face: 'True' does not fit"),
        ({"issuer": None}, r"Issue\.issuer: "),
        ({"line": "2"}, r"Issue\.line: line '2' cannot be read: give bank and reference such as 2-17"),
        ({"line": "02-17"}, r"Issue\.line: "),
        ({"line": "4294967296-1"}, r"Issue\.line: "),
        ({"line": 8_589_934_609}, r"Issue\.line: expected a text"),
        ({"due_day": "2026-02-30"}, r"Issue\.due_day: date '2026-02-30' cannot be read"),
        ({"due_day": 20_693}, r"Issue\.due_day: expected a text"),
        ({"terms": "0x1111"}, r"Issue\.terms '0x1111' cannot be read: expected 0x and 64 hex digits"),
        ({"terms": "11" * 32}, r"Issue\.terms "),
        ({"surprise": 1}, r"Issue\.surprise is not a member of Issue"),
        ({"invoices": {}}, r"Issue\.invoices: expected a list"),
        ({"invoices": [7]}, r"Issue\.invoices\[0\]: expected an object"),
        ({"invoices": [{"amount": 1, "total": 1}]}, r"Issue\.invoices\[0\]\.fingerprint is missing"),
    ],
)
def test_json_that_is_no_agreement_is_refused_and_says_where(change: dict[str, object], why: str) -> None:
    with pytest.raises(InputError, match=why):
        from_json({**to_json(ISSUE), **change})


def test_json_without_one_of_its_members_or_without_any_is_refused() -> None:
    for member in members_of(Issue):
        given_json = to_json(ISSUE)
        del given_json[member.name]
        with pytest.raises(InputError, match=rf"Issue\.{member.name} is missing"):
            from_json(given_json)
    with pytest.raises(InputError, match="is an object"):
        from_json([])  # type: ignore[arg-type]
    payment = to_json(
        AssertPayment(VOUCHER, 1, Purpose.SETTLEMENT, PartyNumber(6), Fen(1), DUE, H1, DEADLINE)
    )
    with pytest.raises(InputError, match=r"AssertPayment\.purpose: purpose 'SETTLEMENT' is neither"):
        from_json({**payment, "purpose": "SETTLEMENT"})


@pytest.mark.parametrize("text", ["", "2-", "2-17 ", "2-17\n", "+2-17", "２-17", "2-017", "2-99999999999"])
def test_a_line_written_otherwise_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="line "):
        parse_line(text)


@pytest.mark.parametrize(
    "text", ["", "0x", "0x1", "ab" * 32, "0x" + "ab" * 31, "0X" + "ab" * 32, "0x" + "ab" * 33]
)
def test_a_voucher_or_promise_written_otherwise_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"voucher .* 64 hex digits"):
        parse_voucher(text)
    with pytest.raises(InputError, match=r"promise .* 40 hex digits"):
        parse_promise(text)


# JSON


@kinds
@few
@given(data=st.data())
def test_json_gives_the_same_agreement_back(kind: type[Agreement], data: st.DataObject) -> None:
    agreement = data.draw(instances(kind))
    assert from_json(json.loads(json.dumps(to_json(agreement)))) == agreement


def test_json_shows_ids_as_text_days_as_dates_and_amounts_in_fen() -> None:
    shown = to_json(ISSUE)
    assert list(shown) == ["agreement", *(member.name for member in members_of(Issue))]
    assert (shown["agreement"], shown["line"], shown["due_day"]) == ("Issue", "2-17", "2026-08-28")
    assert (shown["face"], shown["deadline"], shown["terms"]) == (100_000_000, DEADLINE, "0x" + "11" * 32)
    assert to_json(TRANSFER)["voucher"] == "0x" + "0" * 36 + "abcd" + "0" * 24


# Ids as text


def test_ids_are_read_as_they_are_written() -> None:
    assert (line_text(line_id(2, 17)), parse_line("2-17")) == ("2-17", (2 << 32) + 17)
    assert parse_line("4294967295-4294967295") == 2**64 - 1
    assert parse_voucher(voucher_text(VOUCHER).upper().replace("0X", "0x")) == VOUCHER
    assert parse_promise(promise_text(PromiseId(2**160 - 1))) == 2**160 - 1
