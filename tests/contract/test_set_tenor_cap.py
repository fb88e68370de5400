"""`setTenorCap`: above how many days an issue gives a reason. Announced with notice; what was issued keeps its rule."""

from __future__ import annotations

from typing import Any

import pytest
from eth_utils.crypto import keccak

from ledger.events import TenorCapSet
from tests.contract.failing import cap_of, set_cap, stop
from tests.contract.handing_over import NEXT, handed_over
from tests.contract.paying import freeze, happened, refuses, settlement_of
from tests.contract.recovering import to_first_second, to_last_second
from tests.contract.words import LedgerSettings, ledger_settings
from tests.rig import ARBITER, BANK, ISSUER, REGISTRAR, A, B, Rig

FIRST_CAP = 184
REASON = keccak(b"why so long")


def issue(rig: Rig, tenor: int, **terms: Any) -> int:
    return rig.issued(due_day=rig.today + tenor, **terms)


# Refused


@pytest.mark.parametrize("given", [1, 2**32 - 1])
def test_a_cap_names_the_present_sequence_of_the_settings(rig: Rig, given: int) -> None:
    with refuses("WrongSequence", id=0, given=given, present=0):
        set_cap(rig, 90, sequence=given)


def test_a_cap_that_landed_cannot_land_again_nor_one_signed_before_a_stop(rig: Rig) -> None:
    data = rig.call(cap_of(rig, 90), REGISTRAR)
    rig.send(rig.ledger, data)
    with refuses("WrongSequence", id=0, given=0, present=1):
        rig.send(rig.ledger, data)
    late = rig.call(cap_of(rig, 100), REGISTRAR)
    stop(rig, ISSUER)
    with refuses("WrongSequence", id=0, given=1, present=2):
        rig.send(rig.ledger, late)


@pytest.mark.parametrize("cap", [0, 367, 2**16 - 1])
def test_a_cap_is_of_one_day_to_a_leap_year(rig: Rig, cap: int) -> None:
    with refuses("TenorCapOutOfRange", given=cap, lowest=1, highest=366):
        set_cap(rig, cap)


@pytest.mark.parametrize("days", [0, -1, -100])
def test_a_cap_is_in_force_tomorrow_at_the_earliest(rig: Rig, days: int) -> None:
    with refuses("NoticeTooShort", given=rig.today + days, earliest=rig.today + 1):
        set_cap(rig, 90, in_force_from=rig.today + days)


def test_at_midnight_a_cap_for_today_comes_too_late(rig: Rig) -> None:
    tomorrow = rig.today + 1
    data = rig.call(cap_of(rig, 90, in_force_from=tomorrow), REGISTRAR)
    to_first_second(rig, tomorrow)
    with refuses("NoticeTooShort", given=tomorrow, earliest=tomorrow + 1):
        rig.send(rig.ledger, data)


def test_only_the_registrar_sets_a_cap(rig: Rig) -> None:
    for signer in (BANK, ISSUER, ARBITER, A):
        with refuses("BadSignature", party=REGISTRAR):
            rig.do(cap_of(rig, 90), signer)
    for count in (0, 2):
        with refuses("ConsentCount", expected=1, given=count):
            rig.do(cap_of(rig, 90), *(REGISTRAR, BANK)[:count])


def test_what_was_signed_is_what_is_set(rig: Rig) -> None:
    signed = rig.consents(cap_of(rig, 90), [REGISTRAR])
    for changed in (cap_of(rig, 91), cap_of(rig, 90, in_force_from=rig.today + 2)):
        with refuses("BadSignature", party=REGISTRAR):
            rig.do(changed, *signed)


def test_a_cap_has_a_deadline(rig: Rig) -> None:
    now = rig.engine.now()
    with refuses("AgreementExpired", deadline=now - 1, timestamp=now):
        set_cap(rig, 90, deadline=now - 1)
    set_cap(rig, 90, deadline=now)


# Done


def test_a_new_ledger_has_a_cap_of_half_a_year_and_none_announced(rig: Rig) -> None:
    assert ledger_settings(rig) == LedgerSettings(0, FIRST_CAP, 0, 0, False)
    issue(rig, FIRST_CAP)
    with refuses("TenorNeedsReason", tenor=FIRST_CAP + 1, cap=FIRST_CAP):
        issue(rig, FIRST_CAP + 1)
    issue(rig, FIRST_CAP + 1, tenor_reason=REASON)


@pytest.mark.parametrize("cap", [1, 90, 366])
def test_an_announced_cap_is_recorded_beside_the_present_one(rig: Rig, cap: int) -> None:
    start = rig.today + 10
    sent = set_cap(rig, cap, in_force_from=start)
    assert happened(sent) == [TenorCapSet(1, cap, start)]  # type: ignore[arg-type]
    assert ledger_settings(rig) == LedgerSettings(1, FIRST_CAP, cap, start, False)


def test_until_the_last_second_before_its_day_the_old_cap_counts(rig: Rig) -> None:
    start = rig.today + 10
    set_cap(rig, 90, in_force_from=start)
    to_last_second(rig, start - 1)
    issue(rig, FIRST_CAP)
    to_first_second(rig, start)
    with refuses("TenorNeedsReason", tenor=91, cap=90):
        issue(rig, 91)
    issue(rig, 90)
    issue(rig, 91, tenor_reason=REASON)


def test_a_higher_cap_takes_reasons_away_and_never_moves_the_highest_tenor(rig: Rig) -> None:
    set_cap(rig, 366)
    rig.pass_days(1)
    issue(rig, 366)
    with refuses("TenorTooLong", tenor=367, highest=366):
        issue(rig, 367, tenor_reason=REASON)


def test_a_signed_issue_that_lands_after_the_day_is_judged_by_the_new_cap(rig: Rig) -> None:
    long = rig.issue_of(due_day=rig.today + FIRST_CAP)
    signed = rig.call(long, ISSUER, A)
    set_cap(rig, 100)
    rig.pass_days(1)
    with refuses("TenorNeedsReason", tenor=FIRST_CAP - 1, cap=100):
        rig.send(rig.ledger, signed)


def test_a_voucher_keeps_the_rule_of_its_issue_day(rig: Rig) -> None:
    voucher = issue(rig, FIRST_CAP)
    set_cap(rig, 1)
    rig.pass_days(2)
    rig.transfer(voucher, B)
    freeze(rig, voucher, days=1)
    rig.pass_days(2)
    rig.do(settlement_of(rig, voucher), BANK, B)
    assert rig.voucher(voucher).face == 0


def test_a_cap_that_is_not_in_force_yet_is_replaced(rig: Rig) -> None:
    set_cap(rig, 30, in_force_from=rig.today + 10)
    set_cap(rig, 60, in_force_from=rig.today + 20)
    assert ledger_settings(rig) == LedgerSettings(2, FIRST_CAP, 60, rig.today + 20, False)
    rig.pass_days(15)
    issue(rig, FIRST_CAP)  # the 30 days never came
    rig.pass_days(5)
    with refuses("TenorNeedsReason", tenor=61, cap=60):
        issue(rig, 61)


def test_a_cap_in_force_stays_while_the_next_is_announced(rig: Rig) -> None:
    set_cap(rig, 30)
    rig.pass_days(1)  # its first day
    set_cap(rig, 60, in_force_from=rig.today + 5)
    assert ledger_settings(rig) == LedgerSettings(2, 30, 60, rig.today + 5, False)
    with refuses("TenorNeedsReason", tenor=31, cap=30):
        issue(rig, 31)
    rig.pass_days(5)
    issue(rig, 60)


def test_after_a_hand_over_the_new_registrar_sets_the_cap(rig: Rig) -> None:
    handed_over(rig)
    with refuses("BadSignature", party=NEXT):
        set_cap(rig, 90)
    rig.do(cap_of(rig, 90), NEXT)
    assert ledger_settings(rig).next_tenor_cap == 90


def test_in_run_off_a_cap_can_still_be_set(rig: Rig) -> None:
    stop(rig, 0)
    set_cap(rig, 90)
    assert ledger_settings(rig) == LedgerSettings(2, FIRST_CAP, 90, rig.today + 1, True)
