"""`freezeLine`: a bank stops issue under a line, and allows it again; what was issued goes on."""

from __future__ import annotations

from typing import Any

import pytest
from eth_utils.crypto import keccak

from ledger.agreements import FreezeLine
from ledger.members import line_id
from tests.contract.paying import refuses, settlement_of, suspend
from tests.contract.words import COUNTERSIGN, FROZEN, line
from tests.rig import BANK, ISSUER, LATER, LINE, OTHER_BANK, REGISTRAR, YUAN, A, B, Rig

SUB = line_id(BANK, 3)
REASON = keccak(b"why, salted")


def freezing(rig: Rig, number: int = LINE, *, frozen: bool = True, **terms: Any) -> FreezeLine:
    values = {"sequence": line(rig, number).sequence, "reason": REASON, "deadline": LATER} | terms
    return FreezeLine(line=number, frozen=frozen, **values)  # type: ignore[arg-type]


# Refused


def test_a_line_that_was_never_granted_is_not_frozen(rig: Rig) -> None:
    unknown = line_id(BANK, 9)
    with refuses("UnknownLine", line=unknown):
        rig.do(freezing(rig, unknown), BANK)


@pytest.mark.parametrize("sequence", [0, 2])
def test_a_freeze_names_the_present_sequence(rig: Rig, sequence: int) -> None:
    with refuses("WrongSequence", id=LINE, given=sequence, present=1):
        rig.do(freezing(rig, sequence=sequence), BANK)


@pytest.mark.parametrize("signer", [OTHER_BANK, ISSUER, REGISTRAR])
def test_only_the_lines_bank_freezes(rig: Rig, signer: int) -> None:
    with refuses("BadSignature", party=BANK):
        rig.do(freezing(rig), signer)


def test_a_suspended_bank_freezes_nothing(rig: Rig) -> None:
    suspend(rig, BANK)
    with refuses("PartySuspended", party=BANK):
        rig.do(freezing(rig), BANK)


def test_one_second_after_its_deadline_a_freeze_is_expired(rig: Rig) -> None:
    now = rig.engine.now()
    with refuses("AgreementExpired", deadline=now - 1, timestamp=now):
        rig.do(freezing(rig, deadline=now - 1), BANK)


def test_a_freeze_is_not_turned_into_its_end(rig: Rig) -> None:
    consents = rig.consents(freezing(rig), [BANK])
    with refuses("BadSignature", party=BANK):
        rig.do(freezing(rig, frozen=False), *consents)


def test_under_a_frozen_line_nothing_is_issued(rig: Rig) -> None:
    rig.do(freezing(rig), BANK)
    with refuses("LineIsFrozen", line=LINE):
        rig.issued()


def test_a_frozen_parent_stops_its_sub_lines_and_is_named(rig: Rig) -> None:
    rig.grant(SUB, parent=LINE)
    rig.do(freezing(rig), BANK)
    with refuses("LineIsFrozen", line=LINE):
        rig.issued(line=SUB)


def test_a_frozen_sub_line_is_named_and_leaves_its_parent_alone(rig: Rig) -> None:
    rig.grant(SUB, parent=LINE)
    rig.do(freezing(rig, SUB), BANK)
    with refuses("LineIsFrozen", line=SUB):
        rig.issued(line=SUB)
    rig.issued()
    assert rig.drawn() == 1_000_000 * YUAN


# Done


def test_a_freeze_and_its_end_are_marked_counted_and_logged(rig: Rig) -> None:
    topic = keccak(b"LineFreezing(uint64,uint32,bool,bytes32)")
    for frozen, flags, sequence in ((True, FROZEN, 2), (False, 0, 3)):
        sent = rig.do(freezing(rig, frozen=frozen), BANK)
        assert (line(rig).flags, line(rig).sequence) == (flags, sequence)
        data = sequence.to_bytes(32, "big") + int(frozen).to_bytes(32, "big") + REASON
        assert sent.logs == ((rig.ledger, (topic, int(LINE).to_bytes(32, "big")), data),)
    rig.issued()


def test_freezing_keeps_countersign_limit_and_what_is_drawn(rig: Rig) -> None:
    rig.grant(SUB, countersign=True)
    rig.do(rig.issue_of(line=SUB), ISSUER, A, BANK)
    before = line(rig, SUB)
    rig.do(freezing(rig, SUB), BANK)
    assert line(rig, SUB).flags == FROZEN | COUNTERSIGN
    rig.do(freezing(rig, SUB, frozen=False), BANK)
    after = line(rig, SUB)
    assert (after.flags, after.limit, after.drawn) == (COUNTERSIGN, before.limit, before.drawn)


def test_freezing_a_frozen_line_again_changes_nothing_but_the_sequence(rig: Rig) -> None:
    for sequence in (2, 3):
        rig.do(freezing(rig), BANK)
        assert (line(rig).flags, line(rig).sequence) == (FROZEN, sequence)


def test_under_a_frozen_line_vouchers_move_and_are_paid(rig: Rig) -> None:
    root = rig.issued()
    rig.do(freezing(rig), BANK)
    rig.transfer(root, B)
    rig.pass_days(120)
    rig.do(settlement_of(rig, root), BANK, B)
    assert (rig.voucher(root).face, rig.drawn()) == (0, 0)
