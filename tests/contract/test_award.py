"""`award`: from the 30th day after the first contest registrar and arbiter decide; neither alone, nobody concerned."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ledger.world import Lock
from tests.contract import words
from tests.contract.failing import (
    FACE,
    MONTH,
    TERM,
    award,
    award_of,
    contested,
    contested_a_month,
    issued,
    pledge,
    secured_settlement_of,
)
from tests.contract.handing_over import NEXT, handed_over
from tests.contract.paying import (
    NOTHING_ASSERTED,
    PaymentWord,
    cancel_of,
    confirm_of,
    contest_of,
    disbursement_of,
    disbursing,
    freeze,
    locks,
    refuses,
    sell,
    settlement_of,
    settling,
    start_recovery,
    suspend,
)
from tests.contract.recovering import to_first_second, to_last_second
from tests.rig import (
    ARBITER,
    BANK,
    FACTOR,
    ISSUER,
    REGISTRAR,
    ROLE_ARBITER,
    ROLE_BANK,
    ROLE_FUNDER,
    A,
    B,
    Rig,
)

JUDGE = 77
"""Admitted as an arbiter, and as something else besides."""


def sold_to(rig: Rig, voucher: int, funder: int) -> int:
    """The voucher, sold to this funder, whose disbursement was contested 30 days ago."""
    sell(rig, voucher, funder=funder)
    rig.do(disbursement_of(rig, voucher), funder)
    holder = rig.voucher(voucher).holder
    rig.do(contest_of(rig, voucher, holder), holder)
    rig.pass_days(MONTH)
    return voucher


def pledged_to(rig: Rig, pledgee: int, *, holder: int) -> int:
    """A voucher whose settlement to the pledgee was contested 30 days ago."""
    voucher = issued(rig, supplier=holder)
    pledge(rig, voucher, pledgee=pledgee)
    rig.pass_days(TERM)
    rig.do(secured_settlement_of(rig, voucher), BANK)
    rig.do(contest_of(rig, voucher, pledgee), pledgee)
    rig.pass_days(MONTH)
    return voucher


# What is awarded


def test_there_is_no_award_on_a_voucher_that_never_was_or_has_ended(rig: Rig) -> None:
    with refuses("UnknownVoucher", voucher=77):
        rig.do(award_of(rig, 77, sequence=1), REGISTRAR, ARBITER)
    voucher = rig.issued()
    rig.do(cancel_of(rig, voucher), ISSUER, A)
    with refuses("VoucherEnded", voucher=voucher):
        award(rig, voucher)


def test_an_award_names_the_present_sequence(rig: Rig) -> None:
    voucher = contested_a_month(rig)
    with refuses("WrongSequence", id=voucher, given=2, present=3):
        rig.do(award_of(rig, voucher, sequence=2), REGISTRAR, ARBITER)


@pytest.mark.parametrize("paid", [True, False])
def test_without_a_payment_there_is_nothing_to_award(rig: Rig, paid: bool) -> None:
    voucher = rig.issued()
    with refuses("NoPayment", voucher=voucher):
        award(rig, voucher, paid=paid)


@pytest.mark.parametrize("start", [disbursing, settling])
def test_what_nobody_contested_is_not_awarded_however_long_it_takes(
    rig: Rig, start: Callable[[Rig], int]
) -> None:
    voucher = start(rig)
    for days in (0, MONTH, 300):
        rig.pass_days(days)
        with refuses("NotContested", voucher=voucher):
            award(rig, voucher, paid=False)


def test_what_the_payee_has_confirmed_since_is_not_awarded(rig: Rig) -> None:
    voucher = contested(rig)
    freeze(rig, voucher, days=100)
    rig.do(confirm_of(rig, voucher), A)
    rig.pass_days(MONTH)
    with refuses("PaymentIsConfirmed", voucher=voucher):
        award(rig, voucher, paid=False)


# When


@pytest.mark.parametrize("paid", [True, False])
def test_the_thirtieth_day_after_the_contest_is_the_first(rig: Rig, paid: bool) -> None:
    voucher = contested(rig)
    first = rig.today + MONTH
    with refuses("AwardTooEarly", from_=first, today=first - MONTH):
        award(rig, voucher, paid=paid)
    to_last_second(rig, first - 1)
    with refuses("AwardTooEarly", from_=first, today=first - 1):
        award(rig, voucher, paid=paid)
    to_first_second(rig, first)
    award(rig, voucher, paid=paid)


def test_the_days_count_from_the_first_contest_whatever_is_asserted_since(rig: Rig) -> None:
    voucher = contested(rig)
    rig.pass_days(MONTH - 1)
    rig.do(settlement_of(rig, voucher, amount=FACE // 4), BANK)
    with refuses("AwardTooEarly", from_=rig.today + 1, today=rig.today):
        award(rig, voucher)
    rig.pass_days(1)
    award(rig, voucher)
    assert rig.voucher(voucher).face == FACE - FACE // 4  # decided is what was asserted last


@pytest.mark.parametrize("signers", [(BANK,), (BANK, A)])
def test_once_it_can_be_awarded_no_further_assertion_outruns_the_award(
    rig: Rig, signers: tuple[int, ...]
) -> None:
    voucher = contested(rig)
    to_last_second(rig, rig.today + MONTH - 1)
    rig.do(settlement_of(rig, voucher, amount=FACE // 4), BANK)
    to_first_second(rig, rig.today + 1)
    for days in (0, MONTH):
        rig.pass_days(days)
        with refuses("PaymentPending", voucher=voucher):
            rig.do(settlement_of(rig, voucher), *signers)
    award(rig, voucher, paid=False)
    rig.do(settlement_of(rig, voucher), BANK, A)
    assert rig.voucher(voucher).face == 0


def test_after_a_withdrawal_a_new_contest_begins_the_days_anew(rig: Rig) -> None:
    voucher = contested_a_month(rig)
    award(rig, voucher, paid=False)
    rig.do(settlement_of(rig, voucher), BANK)
    with refuses("NotContested", voucher=voucher):
        award(rig, voucher)
    rig.do(contest_of(rig, voucher, A), A)
    with refuses("AwardTooEarly", from_=rig.today + MONTH, today=rig.today):
        award(rig, voucher)


def test_while_frozen_a_payment_is_not_awarded_and_can_still_be_taken_away(rig: Rig) -> None:
    voucher = contested(rig)
    freeze(rig, voucher, days=MONTH + 5)
    rig.pass_days(MONTH)
    with refuses("InFreeze", voucher=voucher, until=rig.today + 5):
        award(rig, voucher)
    award(rig, voucher, paid=False)
    assert locks(rig, voucher) == Lock.FREEZE
    assert PaymentWord.read(rig, voucher) == NOTHING_ASSERTED


def test_from_the_day_after_the_freeze_it_is_awarded(rig: Rig) -> None:
    voucher = contested(rig)
    freeze(rig, voucher, days=MONTH)
    to_last_second(rig, rig.today + MONTH)
    with refuses("InFreeze", voucher=voucher, until=rig.today):
        award(rig, voucher)
    rig.pass_days(1)
    award(rig, voucher)
    assert rig.word("freezeOf", voucher) == 0


# By whom


def test_the_line_s_bank_does_not_judge_its_own_payment(rig: Rig) -> None:
    rig.admit(JUDGE, ROLE_BANK | ROLE_ARBITER)
    line = JUDGE << 32 | 1
    rig.grant(line)
    voucher = rig.issued(line=line)
    rig.pass_days(120)
    rig.do(settlement_of(rig, voucher), JUDGE)
    rig.do(contest_of(rig, voucher, A), A)
    rig.pass_days(MONTH)
    with refuses("ArbiterConcerned", party=JUDGE):
        award(rig, voucher, arbiter=JUDGE)


def test_neither_funder_nor_holder_of_a_sale_judges_its_payment(rig: Rig) -> None:
    rig.admit(JUDGE, ROLE_FUNDER | ROLE_ARBITER)
    rig.admit(JUDGE + 1, ROLE_ARBITER)
    voucher = rig.issued(supplier=JUDGE + 1)
    sold = sold_to(rig, voucher, JUDGE)
    for concerned in (JUDGE, JUDGE + 1):
        with refuses("ArbiterConcerned", party=concerned):
            award(rig, sold, arbiter=concerned)
    award(rig, sold)


def test_neither_pledgee_nor_holder_judges_what_was_paid_to_the_pledgee(rig: Rig) -> None:
    rig.admit(JUDGE, ROLE_FUNDER | ROLE_ARBITER)
    rig.admit(JUDGE + 1, ROLE_ARBITER)
    voucher = pledged_to(rig, JUDGE, holder=JUDGE + 1)
    for concerned in (JUDGE, JUDGE + 1):
        with refuses("ArbiterConcerned", party=concerned):
            award(rig, voucher, arbiter=concerned)
    award(rig, voucher)
    assert words.pledge(rig, voucher) == words.NO_PLEDGE


def test_a_registrar_that_holds_the_voucher_does_not_award_itself(rig: Rig) -> None:
    voucher = rig.issued(due_day=rig.today + 60)
    rig.transfer(voucher, REGISTRAR)
    rig.pass_days(60)
    rig.do(settlement_of(rig, voucher), BANK)
    rig.do(contest_of(rig, voucher, REGISTRAR), REGISTRAR)
    rig.pass_days(MONTH)
    for paid in (True, False):
        with refuses("ArbiterConcerned", party=REGISTRAR):
            award(rig, voucher, paid=paid)
    suspend(rig, ARBITER)
    with refuses("ArbiterConcerned", party=REGISTRAR):
        award(rig, voucher)  # looked at before whatever is wrong with the arbiter


def test_who_was_not_admitted_as_an_arbiter_decides_nothing(rig: Rig) -> None:
    voucher = contested_a_month(rig)
    for stranger in (B, FACTOR, ISSUER):
        with refuses("MissingRole", party=stranger, role=ROLE_ARBITER):
            award(rig, voucher, arbiter=stranger)
    with refuses("UnknownParty", party=99):
        rig.do(award_of(rig, voucher, arbiter=99), REGISTRAR, ARBITER)


def test_it_takes_registrar_and_arbiter_in_this_order(rig: Rig) -> None:
    voucher = contested_a_month(rig)
    agreement = award_of(rig, voucher)
    for signers in ((ARBITER, REGISTRAR), (ARBITER, ARBITER), (BANK, ARBITER), (A, ARBITER)):
        with refuses("BadSignature", party=REGISTRAR):
            rig.do(agreement, *signers)
    for second in (REGISTRAR, BANK, A):
        with refuses("BadSignature", party=ARBITER):
            rig.do(agreement, REGISTRAR, second)
    for count in (0, 1, 3):
        with refuses("ConsentCount", expected=2, given=count):
            rig.do(agreement, *(REGISTRAR, ARBITER, A)[:count])


@pytest.mark.parametrize(
    ("trouble", "error"), [(suspend, "PartySuspended"), (start_recovery, "PartyRecovering")]
)
def test_an_arbiter_that_is_suspended_or_recovers_its_key_decides_nothing(
    rig: Rig, trouble: Callable[[Rig, int], None], error: str
) -> None:
    voucher = contested_a_month(rig)
    trouble(rig, ARBITER)
    with refuses(error, party=ARBITER):
        award(rig, voucher)


def test_what_was_decided_is_what_lands(rig: Rig) -> None:
    voucher = contested_a_month(rig)
    signed = rig.consents(award_of(rig, voucher, paid=False), [REGISTRAR, ARBITER])
    for changed in (
        award_of(rig, voucher, paid=True),
        award_of(rig, voucher, paid=False, ruling=bytes(32)),
    ):
        with refuses("BadSignature", party=REGISTRAR):
            rig.do(changed, *signed)


def test_an_award_has_a_deadline(rig: Rig) -> None:
    voucher, now = contested_a_month(rig), rig.engine.now()
    with refuses("AgreementExpired", deadline=now - 1, timestamp=now):
        rig.do(award_of(rig, voucher, deadline=now - 1), REGISTRAR, ARBITER)
    rig.do(award_of(rig, voucher, deadline=now), REGISTRAR, ARBITER)


def test_after_a_hand_over_the_new_registrar_decides(rig: Rig) -> None:
    voucher = contested_a_month(rig)
    handed_over(rig)
    with refuses("BadSignature", party=NEXT):
        award(rig, voucher)
    rig.do(award_of(rig, voucher), NEXT, ARBITER)
    assert rig.voucher(voucher).face == 0
