"""`resizeLine`: a bank changes limit and expiry; too small blocks issue, never payment."""

from __future__ import annotations

from typing import Any

import pytest
from eth_utils.crypto import keccak

from ledger.agreements import ResizeLine
from ledger.calendar import Day, start_of_day
from ledger.members import line_id
from tests.contract.paying import cancel_of, refuses, settlement_of, suspend
from tests.contract.words import line
from tests.rig import BANK, ISSUER, LATER, LINE, OTHER_BANK, REGISTRAR, YUAN, A, B, Rig

LOT = 100_000 * YUAN


def resizing(rig: Rig, number: int = LINE, *, limit: int = 5 * LOT, **terms: Any) -> ResizeLine:
    now = line(rig, number)
    values = {"sequence": now.sequence, "expiry": now.expiry, "deadline": LATER} | terms
    return ResizeLine(line=number, limit=limit, **values)  # type: ignore[arg-type]


def resize(rig: Rig, number: int = LINE, *, limit: int, **terms: Any) -> None:
    rig.do(resizing(rig, number, limit=limit, **terms), BANK)


# Refused


def test_a_line_that_was_never_granted_has_no_size(rig: Rig) -> None:
    unknown = line_id(BANK, 9)
    with refuses("UnknownLine", line=unknown):
        rig.do(resizing(rig, unknown), BANK)


@pytest.mark.parametrize("sequence", [0, 2, 4_294_967_295])
def test_a_resizing_names_the_present_sequence(rig: Rig, sequence: int) -> None:
    with refuses("WrongSequence", id=LINE, given=sequence, present=1):
        rig.do(resizing(rig, sequence=sequence), BANK)


@pytest.mark.parametrize("signer", [OTHER_BANK, ISSUER, REGISTRAR])
def test_only_the_lines_bank_resizes(rig: Rig, signer: int) -> None:
    with refuses("BadSignature", party=BANK):
        rig.do(resizing(rig), signer)


def test_the_issuers_consent_is_not_asked(rig: Rig) -> None:
    with refuses("ConsentCount", expected=1, given=2):
        rig.do(resizing(rig), BANK, ISSUER)


def test_a_suspended_bank_resizes_nothing(rig: Rig) -> None:
    suspend(rig, BANK)
    with refuses("PartySuspended", party=BANK):
        resize(rig, limit=5 * LOT)


def test_one_second_after_its_deadline_a_resizing_is_expired(rig: Rig) -> None:
    now = rig.engine.now()
    with refuses("AgreementExpired", deadline=now - 1, timestamp=now):
        rig.do(resizing(rig, deadline=now - 1), BANK)


def test_what_was_signed_is_what_lands(rig: Rig) -> None:
    consents = rig.consents(resizing(rig), [BANK])
    for change in ({"limit": 6 * LOT}, {"expiry": rig.today + 900}, {"deadline": LATER - 1}):
        with refuses("BadSignature", party=BANK):
            rig.do(resizing(rig, **change), *consents)


def test_below_what_is_drawn_nothing_is_available(rig: Rig) -> None:
    rig.issued(3 * LOT)
    for limit in (3 * LOT, 2 * LOT, 0):
        resize(rig, limit=limit)
        with refuses("LimitExceeded", line=LINE, asked=LOT, available=0):
            rig.issued(LOT)


def test_the_new_limit_binds_to_the_fen(rig: Rig) -> None:
    rig.issued(3 * LOT)
    resize(rig, limit=4 * LOT - 1)
    with refuses("LimitExceeded", line=LINE, asked=LOT, available=LOT - 1):
        rig.issued(LOT)
    resize(rig, limit=4 * LOT)
    rig.issued(LOT)
    assert rig.drawn() == 4 * LOT


def test_the_new_expiry_is_the_last_day_to_issue(rig: Rig) -> None:
    last = rig.today + 3
    resize(rig, limit=10 * LOT, expiry=last)
    rig.engine.travel(start_of_day(Day(last + 1)) - 1)
    rig.issued(LOT)
    rig.engine.travel(start_of_day(Day(last + 1)))
    with refuses("LineExpired", line=LINE, expiry=last, today=last + 1):
        rig.issued(LOT)


# Done


def test_limit_and_expiry_change_and_nothing_else(rig: Rig) -> None:
    rig.issued(LOT)
    before, expiry = line(rig), rig.today + 500
    resize(rig, limit=5 * LOT, expiry=expiry)
    after = line(rig)
    assert (after.limit, after.expiry, after.sequence) == (5 * LOT, expiry, 2)
    assert (after.drawn, after.issuer, after.smallest_part) == (LOT, ISSUER, before.smallest_part)
    assert (after.flags, after.window, after.grace) == (before.flags, before.window, before.grace)


def test_a_resizing_is_in_the_journal(rig: Rig) -> None:
    expiry = rig.today + 500
    sent = rig.do(resizing(rig, expiry=expiry), BANK)
    topic = keccak(b"LineResized(uint64,uint32,uint64,uint24)")
    data = b"".join(int(word).to_bytes(32, "big") for word in (2, 5 * LOT, expiry))
    assert sent.logs == ((rig.ledger, (topic, int(LINE).to_bytes(32, "big")), data),)


def test_a_line_shrunken_to_nothing_still_lets_vouchers_move_and_be_paid(rig: Rig) -> None:
    root, other = rig.issued(LOT), rig.issued(LOT)
    resize(rig, limit=0, expiry=0)
    (part,) = rig.split(root, (B, 1_000 * YUAN))
    rig.transfer(part, A)
    rig.do(cancel_of(rig, other), ISSUER, A)
    rig.pass_days(120)
    rig.do(settlement_of(rig, root), BANK, A)
    assert rig.drawn() == 1_000 * YUAN


def test_what_is_settled_can_be_drawn_again(rig: Rig) -> None:
    root = rig.issued(3 * LOT)
    resize(rig, limit=3 * LOT)
    rig.do(settlement_of(rig, root), BANK, A)
    rig.issued(3 * LOT)
    assert rig.drawn() == 3 * LOT


def test_the_highest_limit_can_be_set(rig: Rig) -> None:
    rig.issued(LOT)
    resize(rig, limit=2**64 - 1)
    assert (line(rig).limit, line(rig).drawn) == (2**64 - 1, LOT)


def test_an_expired_line_comes_back_with_a_later_expiry(rig: Rig) -> None:
    resize(rig, limit=10 * LOT, expiry=rig.today - 1)
    with refuses("LineExpired", line=LINE, expiry=rig.today - 1, today=rig.today):
        rig.issued(LOT)
    resize(rig, limit=10 * LOT, expiry=rig.today)
    rig.issued(LOT)
    assert rig.drawn() == LOT
