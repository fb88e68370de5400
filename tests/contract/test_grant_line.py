"""`grantLine`: a bank lets an issuer issue, alone or below another line, on terms that stay."""

from __future__ import annotations

from typing import Any

import pytest
from eth_utils.crypto import keccak

from ledger.agreements import GrantLine
from ledger.members import line_id
from tests.contract.paying import refuses, suspend
from tests.contract.words import COUNTERSIGN, LineWords, line
from tests.rig import (
    BANK,
    FACTOR,
    ISSUER,
    LATER,
    LINE,
    OTHER_BANK,
    OTHER_ISSUER,
    REGISTRAR,
    ROLE_BANK,
    ROLE_ISSUER,
    YUAN,
    A,
    Revm,
    Rig,
)

NEW = line_id(BANK, 2)
SUB = line_id(BANK, 3)


def granting(rig: Rig, **terms: Any) -> GrantLine:
    values: dict[str, Any] = {
        "line": NEW,
        "issuer": ISSUER,
        "parent": 0,
        "limit": 5_000_000 * YUAN,
        "expiry": rig.today + 365,
        "smallest_part": 100 * YUAN,
        "window": 5,
        "grace": 10,
        "countersign": False,
        "deadline": LATER,
    } | terms
    return GrantLine(**values)


# Refused


def test_a_bank_alone_grants_no_line() -> None:
    rig = Rig(Revm())
    agreement = GrantLine(LINE, ISSUER, 0, 10_000_00, rig.today, 100_00, 5, 10, False, LATER)  # type: ignore[arg-type]
    with refuses("ConsentCount", expected=2, given=1):
        rig.do(agreement, BANK)
    rig.do(agreement, BANK, ISSUER)


def test_a_line_is_granted_once(rig: Rig) -> None:
    with refuses("LineTaken", line=LINE):
        rig.do(granting(rig, line=LINE), BANK, ISSUER)
    data = rig.call(granting(rig), BANK, ISSUER)
    rig.send(rig.ledger, data)
    with refuses("LineTaken", line=NEW):
        rig.send(rig.ledger, data)


def test_reference_zero_is_no_line(rig: Rig) -> None:
    with refuses("LineTaken", line=line_id(BANK, 0)):
        rig.do(granting(rig, line=line_id(BANK, 0)), BANK, ISSUER)


@pytest.mark.parametrize("window", [0, 16, 255])
def test_a_contest_window_is_one_to_fifteen_days(rig: Rig, window: int) -> None:
    with refuses("WindowOutOfRange", given=window, lowest=1, highest=15):
        rig.do(granting(rig, window=window, grace=30), BANK, ISSUER)


@pytest.mark.parametrize(
    ("window", "grace", "lowest"),
    [(1, 9, 10), (5, 0, 10), (9, 9, 10), (10, 10, 11), (15, 15, 16), (5, 31, 10), (15, 255, 16)],
)
def test_a_grace_is_ten_to_thirty_days_and_longer_than_the_window(
    rig: Rig, window: int, grace: int, lowest: int
) -> None:
    with refuses("GraceOutOfRange", given=grace, lowest=lowest, highest=30):
        rig.do(granting(rig, window=window, grace=grace), BANK, ISSUER)


@pytest.mark.parametrize("smallest_part", [0, 1, 99])
def test_a_smallest_part_is_at_least_one_yuan(rig: Rig, smallest_part: int) -> None:
    with refuses("SmallestPartTooSmall", given=smallest_part, lowest=100):
        rig.do(granting(rig, smallest_part=smallest_part), BANK, ISSUER)


def test_bank_and_issuer_both_sign(rig: Rig) -> None:
    for signers, missing in (
        ((OTHER_BANK, ISSUER), BANK),
        ((REGISTRAR, ISSUER), BANK),
        ((BANK, BANK), ISSUER),
    ):
        with refuses("BadSignature", party=missing):
            rig.do(granting(rig), *signers)
    with refuses("ConsentCount", expected=2, given=1):
        rig.do(granting(rig), BANK)


@pytest.mark.parametrize("bank", [FACTOR, ISSUER, REGISTRAR])
def test_only_a_bank_grants(rig: Rig, bank: int) -> None:
    with refuses("MissingRole", party=bank, role=ROLE_BANK):
        rig.do(granting(rig, line=line_id(bank, 1)), bank, ISSUER)


@pytest.mark.parametrize("issuer", [A, BANK, REGISTRAR])
def test_only_an_issuer_is_granted_a_line(rig: Rig, issuer: int) -> None:
    with refuses("MissingRole", party=issuer, role=ROLE_ISSUER):
        rig.do(granting(rig, issuer=issuer), BANK, issuer)


def test_neither_bank_nor_issuer_is_unknown(rig: Rig) -> None:
    with refuses("UnknownParty", party=99):
        rig.do(granting(rig, line=line_id(99, 1)), BANK, ISSUER)
    for issuer in (0, 99):
        with refuses("UnknownParty", party=issuer):
            rig.do(granting(rig, issuer=issuer), BANK, ISSUER)


def test_neither_bank_nor_issuer_is_suspended(rig: Rig) -> None:
    suspend(rig, ISSUER)
    with refuses("PartySuspended", party=ISSUER):
        rig.do(granting(rig), BANK, ISSUER)
    suspend(rig, BANK)
    with refuses("PartySuspended", party=BANK):
        rig.do(granting(rig), BANK, ISSUER)


def test_one_second_after_its_deadline_a_grant_is_expired(rig: Rig) -> None:
    now = rig.engine.now()
    with refuses("AgreementExpired", deadline=now - 1, timestamp=now):
        rig.do(granting(rig, deadline=now - 1), BANK, ISSUER)


def test_what_was_signed_is_what_lands(rig: Rig) -> None:
    consents = rig.consents(granting(rig), [BANK, ISSUER])
    for change in (
        {"line": SUB},
        {"parent": LINE},
        {"limit": 5_000_001 * YUAN},
        {"expiry": rig.today + 364},
        {"smallest_part": 101 * YUAN},
        {"window": 6},
        {"grace": 11},
        {"countersign": True},
        {"deadline": LATER - 1},
    ):
        with refuses("BadSignature", party=BANK):
            rig.do(granting(rig, **change), *consents)


def test_a_sub_line_has_a_parent_that_is_there(rig: Rig) -> None:
    for missing in (line_id(BANK, 9), line_id(BANK, 0), NEW):
        with refuses("ParentLineUnfit", parent=missing):
            rig.do(granting(rig, parent=missing), BANK, ISSUER)


def test_a_parent_is_the_same_banks(rig: Rig) -> None:
    foreign = line_id(OTHER_BANK, 1)
    rig.grant(foreign)
    with refuses("ParentLineUnfit", parent=foreign):
        rig.do(granting(rig, parent=foreign), BANK, ISSUER)


def test_a_parent_is_the_same_issuers(rig: Rig) -> None:
    with refuses("ParentLineUnfit", parent=LINE):
        rig.do(granting(rig, parent=LINE, issuer=OTHER_ISSUER), BANK, OTHER_ISSUER)


def test_a_sub_line_has_no_sub_lines(rig: Rig) -> None:
    rig.grant(SUB, parent=LINE)
    with refuses("ParentLineUnfit", parent=SUB):
        rig.do(granting(rig, parent=SUB), BANK, ISSUER)


# Done


def test_a_line_is_granted_as_agreed(rig: Rig) -> None:
    rig.do(granting(rig, countersign=True, window=7, grace=20), BANK, ISSUER)
    assert line(rig, NEW) == LineWords(
        limit=5_000_000 * YUAN,
        drawn=0,
        issuer=ISSUER,
        expiry=rig.today + 365,
        parent=0,
        smallest_part=100 * YUAN,
        flags=COUNTERSIGN,
        sequence=1,
        window=7,
        grace=20,
    )


def test_a_sub_line_remembers_its_parent(rig: Rig) -> None:
    rig.do(granting(rig, line=SUB, parent=LINE), BANK, ISSUER)
    assert (line(rig, SUB).parent, line(rig, SUB).flags) == (1, 0)
    assert line(rig, LINE).drawn == 0


def test_a_grant_is_in_the_journal(rig: Rig) -> None:
    sent = rig.do(granting(rig, line=SUB, parent=LINE, countersign=True), BANK, ISSUER)
    topic = keccak(b"LineGranted(uint64,uint32,uint64,uint64,uint24,uint32,uint8,uint8,bool)")
    words = [ISSUER, LINE, 5_000_000 * YUAN, rig.today + 365, 100 * YUAN, 5, 10, 1]
    data = b"".join(int(word).to_bytes(32, "big") for word in words)
    assert sent.logs == ((rig.ledger, (topic, int(SUB).to_bytes(32, "big")), data),)


@pytest.mark.parametrize(("window", "grace"), [(1, 10), (9, 10), (10, 11), (15, 16), (1, 30), (15, 30)])
def test_windows_and_graces_at_their_edges_are_granted(rig: Rig, window: int, grace: int) -> None:
    rig.do(granting(rig, window=window, grace=grace), BANK, ISSUER)
    assert (line(rig, NEW).window, line(rig, NEW).grace) == (window, grace)


def test_the_least_smallest_part_and_the_highest_limit_are_granted(rig: Rig) -> None:
    rig.do(granting(rig, smallest_part=100, limit=2**64 - 1), BANK, ISSUER)
    assert (line(rig, NEW).smallest_part, line(rig, NEW).limit) == (100, 2**64 - 1)


def test_two_banks_use_the_same_reference_side_by_side(rig: Rig) -> None:
    rig.grant(line_id(OTHER_BANK, 1), limit=1_000 * YUAN)
    assert line(rig, LINE).limit == 10_000_000 * YUAN
    assert line(rig, line_id(OTHER_BANK, 1)).limit == 1_000 * YUAN
