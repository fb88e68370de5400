"""The registrar's settings of a ledger: the tenor cap with its notice, the stop of an issuer, the run-off."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ledger.agreements import Invoice, Part, Split, Transfer
from ledger.calendar import Day
from ledger.errors import Refusal
from ledger.invariants import invariants, invariants_of_step
from ledger.money import Fen
from ledger.world import RegistrySettings, Settings
from tests import states
from tests.ledger import defaulting
from tests.ledger.defaulting import capping, stopping
from tests.stage import (
    BANK,
    BUYER,
    FACE,
    FIRST_DAY,
    FOREVER,
    HOLDER,
    ISSUER,
    REGISTRAR,
    Attempt,
    ModelStage,
    judged,
    of,
    refused,
)
from tests.states import an_issue

NEW_INVOICE = (Invoice(b"\x07" * 32, FACE, FACE),)


@pytest.fixture
def stage() -> ModelStage:
    return ModelStage()


def issuing(**changes: object) -> Attempt:
    return Attempt(an_issue(issuer_reference=b"\x09" * 32, invoices=NEW_INVOICE, **changes), (ISSUER, HOLDER))


def due_in(days: int, stage: ModelStage) -> Attempt:
    return issuing(due_day=stage.today + days)


# The tenor cap


def test_a_cap_is_between_a_day_and_the_highest_tenor(stage: ModelStage) -> None:
    states.unknown(stage)
    for cap in (0, 367):
        refused(stage, capping(cap, FIRST_DAY + 1), "TenorCapOutOfRange", given=cap, lowest=1, highest=366)
    assert judged(stage, capping(1, FIRST_DAY + 1), True) is None
    assert judged(stage, capping(366, FIRST_DAY + 1), True) is None


def test_a_cap_is_in_force_tomorrow_at_the_earliest(stage: ModelStage) -> None:
    states.unknown(stage)
    for day in (FIRST_DAY - 1, FIRST_DAY):
        refused(stage, capping(90, day), "NoticeTooShort", given=day, earliest=FIRST_DAY + 1)
    stage.play(capping(90, FIRST_DAY + 1))
    expected = Settings(sequence=1, next_tenor_cap=90, next_tenor_cap_from=Day(FIRST_DAY + 1))
    assert stage.world.settings == expected
    assert expected.word() == 1 | 184 << 32 | 90 << 48 | (FIRST_DAY + 1) << 64


def test_only_the_registrar_sets_a_cap_and_the_sequence_is_looked_at_first(stage: ModelStage) -> None:
    states.unknown(stage)
    refused(stage, capping(0, FIRST_DAY, sequence=1), "WrongSequence", id=0, given=1, present=0)
    assert judged(stage, capping(90, FIRST_DAY + 1), False) == Refusal("BadSignature", {"party": REGISTRAR})
    stage.world = replace(stage.world, registry_settings=RegistrySettings(registrar=BUYER))
    assert judged(stage, capping(90, FIRST_DAY + 1), False) == Refusal("BadSignature", {"party": BUYER})
    stage.play(capping(90, FIRST_DAY + 1))
    refused(stage, capping(80, FIRST_DAY + 1), "WrongSequence", id=0, given=0, present=1)


def test_the_old_cap_holds_through_the_day_before_and_the_new_one_from_its_day_on(stage: ModelStage) -> None:
    s = states.unknown(stage)
    stage.play(capping(90, FIRST_DAY + 5))
    s.on(FIRST_DAY + 4)
    assert judged(stage, due_in(184, stage), True, True) is None
    refused(stage, due_in(185, stage), "TenorNeedsReason", tenor=185, cap=184)
    s.on(FIRST_DAY + 5)
    refused(stage, due_in(91, stage), "TenorNeedsReason", tenor=91, cap=90)
    assert judged(stage, due_in(90, stage), True, True) is None
    stage.play(issuing(due_day=stage.today + 91, tenor_reason=b"\x05" * 32))


def test_a_cap_that_is_not_in_force_yet_is_replaced_and_one_in_force_becomes_the_present_one(
    stage: ModelStage,
) -> None:
    s = states.unknown(stage)
    stage.play(capping(90, FIRST_DAY + 5))
    stage.play(capping(60, FIRST_DAY + 9, sequence=1))
    assert (stage.world.settings.tenor_cap, stage.world.settings.next_tenor_cap) == (184, 60)
    s.on(FIRST_DAY + 9).play(capping(200, FIRST_DAY + 20, sequence=2))
    assert (stage.world.settings.tenor_cap, stage.world.settings.next_tenor_cap) == (60, 200)
    refused(stage, due_in(61, stage), "TenorNeedsReason", tenor=61, cap=60)
    s.on(FIRST_DAY + 20)
    assert judged(stage, due_in(200, stage), True, True) is None


def test_a_voucher_keeps_the_rule_of_its_issue_day(stage: ModelStage) -> None:
    s = states.live(stage)
    before = stage.world
    stage.play(capping(30, FIRST_DAY + 1))
    assert invariants_of_step(before, stage.world) == []
    s.on(FIRST_DAY + 2)
    stage.play(states.transferring(s))
    assert of(stage, s).holder == BUYER and invariants(stage.world) == []


# The stop of an issuer


def test_a_stopped_issuer_cannot_issue_until_it_is_let_go(stage: ModelStage) -> None:
    s = states.live(stage)
    stage.play(stopping(ISSUER))
    assert stage.world.issuers[ISSUER].word() == 1 << 128
    refused(stage, issuing(), "IssuerStopped", issuer=ISSUER)
    # its vouchers go on
    stage.play(states.transferring(s))
    refused(stage, stopping(ISSUER, sequence=1), "IssueUnchanged", issuer=ISSUER, stopped=True)
    stage.play(stopping(ISSUER, stopped=False, sequence=1))
    stage.play(issuing())
    assert invariants(stage.world) == []


def test_letting_go_whom_nobody_stopped_changes_nothing(stage: ModelStage) -> None:
    states.unknown(stage)
    refused(stage, stopping(ISSUER, stopped=False), "IssueUnchanged", issuer=ISSUER, stopped=False)
    refused(stage, stopping(ISSUER, sequence=3), "WrongSequence", id=0, given=3, present=0)


def test_the_stop_is_named_before_what_is_overdue_and_both_before_the_terms(stage: ModelStage) -> None:
    defaulting.overdue(stage)
    hopeless = issuing(due_day=FIRST_DAY)
    refused(stage, hopeless, "IssuerOverdue", issuer=ISSUER, overdue=FACE)
    stage.play(stopping(ISSUER))
    assert stage.world.issuers[ISSUER].word() == FACE | 1 << 128
    refused(stage, hopeless, "IssuerStopped", issuer=ISSUER)
    same = issuing(supplier=ISSUER)
    refused(stage, same, "SameParty", party=ISSUER)


# Run-off


def test_the_stop_of_the_whole_ledger_is_final(stage: ModelStage) -> None:
    states.live(stage)
    refused(stage, stopping(0, stopped=False), "StopIsFinal")
    stage.play(stopping(0))
    assert stage.world.settings.word() == 1 | 184 << 32 | 1 << 88
    refused(stage, stopping(0, sequence=1), "InRunOff")
    refused(stage, stopping(0, stopped=False, sequence=1), "StopIsFinal")
    refused(stage, issuing(), "InRunOff")
    # and it is named before the stop of one issuer
    stage.play(stopping(ISSUER, sequence=1))
    refused(stage, issuing(), "InRunOff")


def test_in_run_off_vouchers_live_on_but_record_no_invoice_any_more(stage: ModelStage) -> None:
    s = states.live(stage)
    before = stage.world
    stage.play(stopping(0))
    assert invariants_of_step(before, stage.world) == []
    hop = Transfer(s.voucher, 1, BUYER, False, FOREVER, NEW_INVOICE)
    refused(stage, Attempt(hop, (HOLDER, BUYER)), "InRunOff")
    parts = (Part(BUYER, Fen(FACE // 4)),)
    split = Split(s.voucher, 1, False, FOREVER, parts, NEW_INVOICE)
    refused(stage, Attempt(split, (HOLDER, BUYER)), "InRunOff")
    # before anything is asked of the invoices themselves
    refused(stage, Attempt(replace(hop, invoices=NEW_INVOICE * 11), (HOLDER, BUYER)), "InRunOff")
    stage.play(Attempt(replace(split, invoices=()), (HOLDER, BUYER)))
    stage.play(states.settling(s, BANK, HOLDER).changed(amount=FACE - FACE // 4))
    assert of(stage, s).face == 0 and invariants(stage.world) == []
