"""The rules as sentences: what every agreement has to pass, issue, passing on, the court's stop."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ledger.agreements import (
    Invoice,
    Part,
    PartyNumber,
    ResizeLine,
    Split,
    Transfer,
)
from ledger.calendar import Day, Timestamp, start_of_day
from ledger.errors import InputError, Refusal
from ledger.invariants import invariants, invariants_of_step
from ledger.money import Fen
from ledger.voucher import apply, signers
from ledger.world import as_of
from tests import states
from tests.stage import (
    BANK,
    BUYER,
    DUE_DAY,
    FACE,
    FIRST_DAY,
    FOREVER,
    HOLDER,
    ISSUER,
    LIMIT,
    LINE,
    REGISTRAR,
    SMALLEST_PART,
    Attempt,
    ModelStage,
    judged,
    of,
    refused,
    suspend,
)
from tests.states import an_issue, grant

ELEVEN = tuple(Invoice(bytes([n]) * 32, Fen(FACE if n == 0 else 0), FACE) for n in range(11))
NOTHING_USED = (Invoice(b"\x01" * 32, FACE, FACE), Invoice(b"\x02" * 32, Fen(0), FACE))


@pytest.fixture
def stage() -> ModelStage:
    return ModelStage()


# What every agreement has to pass


def test_one_second_after_its_deadline_an_agreement_is_expired(stage: ModelStage) -> None:
    s = states.live(stage)
    attempt = states.revoking(s)
    on_time = attempt.changed(deadline=stage.timestamp)
    late = attempt.changed(deadline=stage.timestamp - 1)
    refused(stage, late, "AgreementExpired", deadline=stage.timestamp - 1, timestamp=stage.timestamp)
    stage.play(on_time)


def test_one_consent_per_duty_is_wanted(stage: ModelStage) -> None:
    s = states.live(stage)
    few = replace(states.transferring(s), signers=(HOLDER,))
    refused(stage, few, "ConsentCount", expected=2, given=1)


def test_a_missing_consent_is_named_after_what_the_party_lacks_and_one_too_many_last(
    stage: ModelStage,
) -> None:
    s = states.live(stage)
    attempt = states.transferring(s)
    three = Refusal("ConsentCount", {"expected": 2, "given": 3})
    assert judged(stage, attempt, True, True, True) == three
    assert judged(stage, attempt, True, False, True) == Refusal("BadSignature", {"party": BUYER})
    stage.play(suspend(BUYER))
    assert judged(stage, attempt, True) == Refusal("PartySuspended", {"party": BUYER})
    assert judged(stage, attempt) == Refusal("ConsentCount", {"expected": 2, "given": 0})


def test_the_first_bad_consent_is_named_before_a_later_party_is_looked_at(stage: ModelStage) -> None:
    s = states.live(stage)
    nobody = PartyNumber(99)
    attempt = Attempt(Transfer(s.voucher, 1, nobody, False, FOREVER, ()), (HOLDER, nobody))
    assert judged(stage, attempt, False, True) == Refusal("BadSignature", {"party": HOLDER})
    assert judged(stage, attempt, True, False) == Refusal("UnknownParty", {"party": nobody})


def test_the_rule_of_the_verb_is_named_before_the_consents(stage: ModelStage) -> None:
    s = states.live(stage)
    stale = states.revoking(s).changed(sequence=7)
    assert judged(stage, stale, False) == Refusal(
        "WrongSequence", {"id": s.voucher, "given": 7, "present": 1}
    )


def test_an_issue_without_its_root_id_cannot_be_judged(stage: ModelStage) -> None:
    s = states.unknown(stage)
    with pytest.raises(InputError):
        apply(stage.world, s.issue, timestamp=stage.timestamp)


def test_signers_names_who_signs_in_the_order_of_the_consents(stage: ModelStage) -> None:
    s = states.live(stage)
    parts = (Part(BUYER, Fen(100_00)), Part(HOLDER, Fen(100_00)))
    split = Split(s.voucher, 1, False, FOREVER, parts, ())
    assert signers(stage.world, split, timestamp=stage.timestamp) == (HOLDER, BUYER, HOLDER)
    assert signers(stage.world, states.admission(stage, PartyNumber(7)).agreement, timestamp=FOREVER) == (
        REGISTRAR,
        BANK,
        7,
    )
    with pytest.raises(Refusal):
        signers(stage.world, replace(split, sequence=2), timestamp=stage.timestamp)


# Issue


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"line": LINE + 5}, Refusal("UnknownLine", {"line": LINE + 5})),
        ({"issuer": BUYER}, Refusal("WrongIssuer", {"line": LINE, "issuer": ISSUER, "given": BUYER})),
        ({"supplier": ISSUER}, Refusal("SameParty", {"party": ISSUER})),
        ({"face": 0, "invoices": ()}, Refusal("PartTooSmall", {"given": 0, "lowest": SMALLEST_PART})),
        ({"invoices": ()}, Refusal("InvoicesDoNotMatch", {"invoices": 0, "face": FACE})),
        ({"invoices": ELEVEN}, Refusal("InvoiceCount", {"given": 11, "highest": 10})),
        ({"invoices": NOTHING_USED}, Refusal("ZeroAmount")),
        ({"face": FACE + 1}, Refusal("InvoicesDoNotMatch", {"invoices": FACE, "face": FACE + 1})),
        ({"due_day": FIRST_DAY}, Refusal("DueDayPassed", {"dueDay": FIRST_DAY, "today": FIRST_DAY})),
        ({"due_day": FIRST_DAY + 367}, Refusal("TenorTooLong", {"tenor": 367, "highest": 366})),
        ({"due_day": FIRST_DAY + 185}, Refusal("TenorNeedsReason", {"tenor": 185, "cap": 184})),
        ({"smallest_part": 99_99}, Refusal("SmallestPartTooSmall", {"given": 99_99, "lowest": 100_00})),
        ({"smallest_part": FACE + 1}, Refusal("PartTooSmall", {"given": FACE, "lowest": FACE + 1})),
        ({"highest_tier": 0}, Refusal("TierTooHigh", {"tier": 1, "highest": 0})),
    ],
)
def test_an_unfit_issue_is_refused(stage: ModelStage, changes: dict[str, object], expected: Refusal) -> None:
    states.unknown(stage)
    with pytest.raises(Refusal) as said:
        stage.play(Attempt(an_issue(**changes), (ISSUER, HOLDER)))
    assert said.value == expected


def test_a_face_is_at_most_ten_thousand_smallest_parts(stage: ModelStage) -> None:
    states.unknown(stage)
    stage.play(grant(line=LINE + 1, smallest_part=Fen(100)))

    def issue(face: int) -> Attempt:
        invoice = Invoice(b"\x01" * 32, Fen(face), Fen(face))
        terms = an_issue(line=LINE + 1, face=face, smallest_part=Fen(100), invoices=(invoice,))
        return Attempt(terms, (ISSUER, HOLDER))

    refused(stage, issue(10_001 * 100), "TooManyParts", face=10_001 * 100, smallestPart=100)
    stage.play(issue(10_001 * 100 - 1))


def test_a_tenor_above_the_soft_cap_passes_with_a_reason(stage: ModelStage) -> None:
    states.unknown(stage)
    at_the_cap = Attempt(an_issue(due_day=FIRST_DAY + 184), (ISSUER, HOLDER))
    assert judged(stage, at_the_cap, True, True) is None
    longest = an_issue(due_day=FIRST_DAY + 366, tenor_reason=b"\x05" * 32)
    stage.play(Attempt(longest, (ISSUER, HOLDER)))


def test_an_invoice_is_never_used_beyond_its_total(stage: ModelStage) -> None:
    states.live(stage)
    fingerprint = "0x" + "01" * 32
    again = an_issue(issuer_reference=b"\x09" * 32)
    signers = (ISSUER, HOLDER)
    refused(
        stage, Attempt(again, signers), "InvoiceExceeded", fingerprint=fingerprint, asked=FACE, available=0
    )
    other_total = replace(again, invoices=(Invoice(b"\x01" * 32, FACE, Fen(2 * FACE)),))
    refused(
        stage,
        Attempt(other_total, signers),
        "InvoiceTotalDiffers",
        fingerprint=fingerprint,
        recorded=FACE,
        given=2 * FACE,
    )
    half, whole = Fen(FACE // 2), Fen(FACE // 2 + 1)
    twice = replace(again, invoices=(Invoice(b"\x04" * 32, half, whole), Invoice(b"\x04" * 32, half, whole)))
    refused(
        stage,
        Attempt(twice, signers),
        "InvoiceExceeded",
        fingerprint="0x" + "04" * 32,
        asked=half,
        available=1,
    )


def test_the_line_s_last_day_is_its_expiry(stage: ModelStage) -> None:
    states.unknown(stage)
    stage.play(Attempt(ResizeLine(LINE, 1, LIMIT, Day(FIRST_DAY + 2), FOREVER), (BANK,)))
    stage.travel(Day(FIRST_DAY + 2))
    assert judged(stage, Attempt(an_issue(), (ISSUER, HOLDER)), True, True) is None
    stage.travel(Day(FIRST_DAY + 3))
    refused(
        stage,
        Attempt(an_issue(), (ISSUER, HOLDER)),
        "LineExpired",
        line=LINE,
        expiry=FIRST_DAY + 2,
        today=FIRST_DAY + 3,
    )


def test_a_revoked_issue_never_lands_and_only_its_signers_revoke_it(stage: ModelStage) -> None:
    s = states.unknown(stage)
    attempt = states.revoking_issue(s)
    stranger = replace(attempt.changed(by=BUYER), signers=(BUYER,))
    refused(stage, stranger, "NotConcerned", voucher=s.voucher, party=BUYER)
    # the bank of a line that does not countersign has no say
    bank = replace(attempt.changed(by=BANK), signers=(BANK,))
    refused(stage, bank, "NotConcerned", voucher=s.voucher, party=BANK)
    stage.play(attempt)
    refused(stage, states.issuing(s), "VoucherTaken", voucher=s.voucher)
    refused(stage, states.transferring(s), "VoucherEnded", voucher=s.voucher)


# Passing on


def test_a_voucher_moves_on_the_day_before_its_due_day_and_not_on_it(stage: ModelStage) -> None:
    s = states.live(stage).on(DUE_DAY - 1)
    stage.timestamp = Timestamp(start_of_day(DUE_DAY) - 1)
    assert judged(stage, states.transferring(s), True, True) is None
    s.on(DUE_DAY)
    refused(stage, states.transferring(s), "RecordDay", voucher=s.voucher, dueDay=DUE_DAY, today=DUE_DAY)


def test_parts_and_remainder_are_never_below_the_smallest(stage: ModelStage) -> None:
    s = states.live(stage)

    def split(*faces: int) -> Attempt:
        parts = tuple(Part(BUYER, Fen(face)) for face in faces)
        return Attempt(Split(s.voucher, 1, False, FOREVER, parts, ()), (HOLDER, *(BUYER for _ in faces)))

    refused(stage, split(), "PartCount", given=0, highest=20)
    refused(stage, split(*(SMALLEST_PART for _ in range(21))), "PartCount", given=21, highest=20)
    refused(stage, split(SMALLEST_PART - 1), "PartTooSmall", given=SMALLEST_PART - 1, lowest=SMALLEST_PART)
    refused(stage, split(FACE - 1), "PartTooSmall", given=1, lowest=SMALLEST_PART)
    refused(stage, split(SMALLEST_PART, FACE), "PartsExceedFace", asked=FACE, face=FACE - SMALLEST_PART)


def test_a_part_to_the_holder_keeps_its_tier_and_a_whole_split_closes_the_parent(stage: ModelStage) -> None:
    s = states.live(stage)
    parts = (Part(BUYER, Fen(FACE // 4)), Part(HOLDER, Fen(FACE - FACE // 4)))
    before = stage.world
    stage.play(Attempt(Split(s.voucher, 1, False, FOREVER, parts, ()), (HOLDER, BUYER, HOLDER)))
    children = [v for number, v in stage.world.vouchers.items() if number != s.voucher]
    assert [(v.holder, v.tier, v.face) for v in children] == [
        (BUYER, 2, FACE // 4),
        (HOLDER, 1, FACE - FACE // 4),
    ]
    assert of(stage, s).face == 0
    refused(stage, states.transferring(s), "VoucherEnded", voucher=s.voucher)
    assert invariants(stage.world) == invariants_of_step(before, stage.world) == []


def test_the_highest_tier_is_the_last(stage: ModelStage) -> None:
    s = states.unknown(stage)
    issue = an_issue(highest_tier=1)
    s = replace(s, issue=issue, voucher=stage.root(Attempt(issue)) or s.voucher)
    stage.play(states.issuing(s))
    refused(stage, states.transferring(s), "TierTooHigh", tier=2, highest=1)
    refused(stage, states.splitting(s), "TierTooHigh", tier=2, highest=1)


def test_a_round_trip_back_to_the_holder_does_not_revive_an_old_agreement(stage: ModelStage) -> None:
    s = states.live(stage)
    first = states.transferring(s)
    stage.play(first)
    stage.play(Attempt(Transfer(s.voucher, 2, HOLDER, False, FOREVER, ()), (BUYER, HOLDER)))
    refused(stage, first, "WrongSequence", id=s.voucher, given=1, present=3)


def test_a_cancelled_whole_promise_gives_its_invoices_back_and_a_split_one_does_not(
    stage: ModelStage,
) -> None:
    s = states.live(stage)
    stage.play(states.cancelling_whole(s))
    assert [use.used for use in stage.world.invoice_uses.values()] == [0]
    again = replace(s.issue, issuer_reference=b"\x09" * 32)
    s = replace(s, issue=again, voucher=stage.root(Attempt(again)) or s.voucher)
    stage.play(states.issuing(s))
    stage.play(states.splitting(s))
    refused(stage, states.cancelling_whole(s), "NotUndivided", voucher=s.voucher)
    stage.play(states.cancelling(s))
    assert [use.used for use in stage.world.invoice_uses.values()] == [FACE]
    assert invariants(stage.world) == []


# The court's stop


def test_a_freeze_lasts_through_its_last_day(stage: ModelStage) -> None:
    s = states.live(stage)
    stage.play(states.freezing(s, days=3))
    s.on(FIRST_DAY + 3)
    refused(stage, states.transferring(s), "InFreeze", voucher=s.voucher, until=FIRST_DAY + 3)
    s.on(FIRST_DAY + 4)
    assert as_of(stage.world, Day(FIRST_DAY + 3)) is stage.world
    seen = as_of(stage.world, stage.today)
    assert seen.vouchers[s.voucher].locks == 0 and not seen.freezes
    # the record goes with the next verb, as in the contract's storage
    assert stage.world.freezes
    stage.play(states.transferring(s))
    assert not stage.world.freezes and of(stage, s).locks == 0


def test_an_order_is_spent_once_and_a_further_one_only_lengthens(stage: ModelStage) -> None:
    s = states.live(stage)
    stage.play(states.freezing(s, days=100))
    refused(stage, states.freezing(s, days=100), "OrderSpent", order="0x" + "0f" * 32)
    stage.play(states.freezing(s, days=50, order=b"\x10" * 32))
    assert stage.world.freezes[s.voucher] == FIRST_DAY + 100
    for days in (-1, 367):
        refused(
            stage,
            states.freezing(s, days=days, order=b"\x11" * 32),
            "FreezeOutOfRange",
            until=FIRST_DAY + days,
            earliest=FIRST_DAY,
            latest=FIRST_DAY + 366,
        )


def test_what_was_agreed_in_a_freeze_takes_effect_after_it(stage: ModelStage) -> None:
    s = states.frozen_settlement_confirmed(stage)
    refused(stage, states.completing(s), "InFreeze", voucher=s.voucher, until=FIRST_DAY + 300)
    stage.play(states.unfreezing(s))
    stage.play(states.completing(s))
    assert of(stage, s).face == 0
