"""The invariant list on what goes wrong: default, pledge, partial payment, settings, succession.

Each rule is broken once, by hand, in a World that keeps all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from ledger.agreements import PartyNumber
from ledger.calendar import Day
from ledger.invariants import invariants, invariants_of_step
from ledger.world import (
    Inherited,
    InvoiceUse,
    IssuerRecord,
    Lock,
    PledgeRecord,
    RegistrySettings,
    Role,
    Settings,
    VerifierRecord,
    World,
)
from tests import states
from tests.ledger import defaulting
from tests.ledger.defaulting import LAST_OF_GRACE, OVERDUE_FROM, SECURED, paying
from tests.stage import BANK, BUYER, DUE_DAY, FACE, FIRST_DAY, FUNDER, HOLDER, ISSUER, ModelStage, Situation

Break = Callable[[World, Situation], World]
KEY = (ISSUER, b"\x01" * 32)


@pytest.fixture
def stage() -> ModelStage:
    return ModelStage()


def with_voucher(world: World, s: Situation, **changes: object) -> World:
    voucher = replace(world.vouchers[s.voucher], **changes)  # type: ignore[arg-type]
    return replace(world, vouchers={**world.vouchers, s.voucher: voucher})


def with_payment(world: World, s: Situation, **changes: object) -> World:
    payment = replace(world.payments[s.voucher], **changes)  # type: ignore[arg-type]
    return replace(world, payments={s.voucher: payment})


def with_pledge(world: World, s: Situation, **changes: object) -> World:
    pledge = replace(world.pledges[s.voucher], **changes)  # type: ignore[arg-type]
    return replace(world, pledges={s.voucher: pledge})


def with_settings(world: World, **changes: object) -> World:
    return replace(world, settings=replace(world.settings, **changes))  # type: ignore[arg-type]


def with_registrar(world: World, **changes: object) -> World:
    return replace(world, registry_settings=RegistrySettings(**changes))  # type: ignore[arg-type]


def with_predecessor(world: World, total: int, used: int) -> World:
    taken = Inherited(predecessor="0x11", run_off=True, invoice_uses={KEY: InvoiceUse(total, used)})
    return replace(world, inherited=taken)


def pledged_and_asserted(stage: ModelStage) -> Situation:
    s = defaulting.pledged_and_due(stage)
    return s.play(paying(s, SECURED, payee=FUNDER))


def test_no_situation_of_these_tests_breaks_a_rule() -> None:
    for situation in (
        states.live,
        defaulting.overdue,
        defaulting.passed_on_and_overdue,
        defaulting.pledged,
        defaulting.contested,
        pledged_and_asserted,
    ):
        stage = ModelStage()
        situation(stage)
        assert invariants(stage.world, today=stage.today) == []


@pytest.mark.parametrize(
    ("situation", "broken", "said"),
    [
        (
            defaulting.overdue,
            lambda w, s: replace(w, issuers={ISSUER: IssuerRecord(overdue=FACE - 1)}),
            f"issuer {ISSUER}: overdue is {FACE - 1} fen, its overdue vouchers add up to {FACE} (0x",
        ),
        (
            defaulting.overdue,
            lambda w, s: replace(w, issuers={}),
            f"issuer {ISSUER}: overdue is 0 fen, its overdue vouchers add up to {FACE}",
        ),
        (
            states.live,
            lambda w, s: replace(w, issuers={ISSUER: IssuerRecord(overdue=1)}),
            "its overdue vouchers add up to 0 (none)",
        ),
        (
            defaulting.overdue,
            lambda w, s: with_voucher(w, s, locks=Lock.OVERDUE | Lock.DISCOUNT, funder=FUNDER, pay_by=Day(1)),
            "is for sale and",
        ),
        (defaulting.pledged, lambda w, s: replace(w, pledges={}), "pledge is True, its record says"),
        (defaulting.pledged, lambda w, s: with_voucher(w, s, locks=Lock(0)), "pledge is False, its record"),
        (
            states.ended,
            lambda w, s: replace(
                w, pledges={s.voucher: PledgeRecord(pledgee=FUNDER, secured=1, end_day=FIRST_DAY)}
            ),
            "a pledge is recorded, the voucher is not live",
        ),
        (
            defaulting.pledged,
            lambda w, s: with_pledge(w, s, secured=0),
            f"secured are 0 fen of a face of {FACE}",
        ),
        (
            defaulting.pledged,
            lambda w, s: with_pledge(w, s, secured=FACE + 1),
            f"secured are {FACE + 1} fen of a face of {FACE}",
        ),
        (defaulting.pledged, lambda w, s: with_pledge(w, s, pledgee=HOLDER), f"pledgee {HOLDER}, holder"),
        (
            pledged_and_asserted,
            lambda w, s: with_payment(w, s, amount=SECURED + 1),
            f"amount {SECURED + 1} fen, owed {SECURED}",
        ),
        (pledged_and_asserted, lambda w, s: with_payment(w, s, payee=HOLDER), f"payee {HOLDER}, expected"),
        (
            states.settlement_asserted,
            lambda w, s: with_payment(w, s, amount=0),
            f"amount 0 fen, owed {FACE}",
        ),
        (
            states.settlement_asserted,
            lambda w, s: with_payment(w, s, payee=BUYER),
            f"payee {BUYER}, expected",
        ),
        (states.live, lambda w, s: with_settings(w, tenor_cap=0), "tenor cap of 0 days"),
        (
            states.live,
            lambda w, s: with_settings(w, next_tenor_cap=367, next_tenor_cap_from=FIRST_DAY),
            "tenor cap of 367 days",
        ),
        (states.live, lambda w, s: with_settings(w, next_tenor_cap=90), "tenor cap 90 is next, from day 0"),
        (
            states.live,
            lambda w, s: with_settings(w, tenor_cap=100),
            "tenor of 135 days, without a reason; the cap in force was 100",
        ),
        (
            states.live,
            lambda w, s: with_settings(w, next_tenor_cap=100, next_tenor_cap_from=FIRST_DAY),
            "tenor of 135 days, without a reason; the cap in force was 100",
        ),
        (states.live, lambda w, s: with_registrar(w, registrar=BANK), f"registrar {BANK} has roles"),
        (states.live, lambda w, s: with_registrar(w, registrar=PartyNumber(99)), "registrar 99 is no party"),
        (
            states.live,
            lambda w, s: with_registrar(w, next_registrar=BANK, next_registrar_from=FIRST_DAY),
            f"next registrar {BANK} has roles",
        ),
        (states.live, lambda w, s: with_registrar(w, next_registrar=HOLDER), f"{HOLDER} is next, from day 0"),
        (
            states.live,
            lambda w, s: replace(
                w, verifiers={5: VerifierRecord(signature_gas=0, active_on=FIRST_DAY, code_hash=b"\x01" * 32)}
            ),
            "gas cap 0",
        ),
        (
            states.live,
            lambda w, s: with_predecessor(w, FACE, 1),
            f"{FACE}, and 1 in predecessors, of {FACE} fen used",
        ),
        (
            states.live,
            lambda w, s: replace(
                with_predecessor(w, 2 * FACE, 1), invoice_uses={KEY: InvoiceUse(3 * FACE, FACE)}
            ),
            f"its total is {3 * FACE} fen, with predecessors {2 * FACE}",
        ),
    ],
)
def test_each_broken_rule_is_found_with_its_numbers(
    stage: ModelStage, situation: Callable[[ModelStage], Situation], broken: Break, said: str
) -> None:
    s = situation(stage)
    assert invariants(stage.world, today=stage.today) == []
    found = invariants(broken(stage.world, s))
    assert any(said in line for line in found), found


def test_an_overdue_voucher_is_one_after_its_grace(stage: ModelStage) -> None:
    s = defaulting.overdue(stage)
    for day in (DUE_DAY, LAST_OF_GRACE):
        (found,) = invariants(stage.world, today=Day(day))
        assert f"{s.voucher:#066x}" in found and f"possible from {OVERDUE_FROM}" in found
    assert invariants(stage.world, today=OVERDUE_FROM) == []
    assert invariants(stage.world) == [], "without a day that rule is not looked at"


def test_a_sum_that_differs_names_the_vouchers_that_it_is_of(stage: ModelStage) -> None:
    s = states.live(stage)
    stage.play(states.splitting(s))
    lines = {number: replace(line, drawn=1) for number, line in stage.world.lines.items()}
    found = invariants(replace(stage.world, lines=lines))
    assert all(f"{number:#066x}" in found[0] for number in stage.world.vouchers), found


def test_the_cap_of_an_issue_day_before_the_last_change_is_not_guessed(stage: ModelStage) -> None:
    states.live(stage)
    later = with_settings(stage.world, next_tenor_cap=100, next_tenor_cap_from=Day(FIRST_DAY + 1))
    assert invariants(later) == []


# From one World to a later one


@pytest.mark.parametrize(
    ("situation", "later", "said"),
    [
        (
            defaulting.overdue,
            lambda w, s: with_voucher(w, s, locks=Lock(0), sequence=9),
            "was overdue and is not any more",
        ),
        (
            defaulting.pledged,
            lambda w, s: with_pledge(w, s, secured=SECURED - 1),
            "changed without consuming its sequence",
        ),
        (states.live, lambda w, s: with_settings(w, tenor_cap=90), "without consuming their sequence"),
        (
            states.live,
            lambda w, s: with_registrar(w, registrar=HOLDER),
            "without consuming their sequence",
        ),
        (
            states.live,
            lambda w, s: replace(w, issuers={ISSUER: IssuerRecord(stopped=True)}),
            f"issuer {ISSUER} was stopped or let go",
        ),
    ],
)
def test_what_changes_without_its_sequence_is_found(
    stage: ModelStage, situation: Callable[[ModelStage], Situation], later: Break, said: str
) -> None:
    s = situation(stage)
    found = invariants_of_step(stage.world, later(stage.world, s))
    assert any(said in line for line in found), found


def test_a_run_off_is_final_and_a_verifier_is_listed_for_good(stage: ModelStage) -> None:
    states.live(stage)
    record = VerifierRecord(signature_gas=1, active_on=FIRST_DAY, code_hash=b"\x01" * 32)
    assert record.word() == 1 | FIRST_DAY << 32 | int.from_bytes(b"\x01" * 25) << 56
    before = with_settings(replace(stage.world, verifiers={5: record}), run_off=True, sequence=1)
    after = with_settings(replace(before, verifiers={}), run_off=False, sequence=2)
    found = invariants_of_step(before, after)
    assert any("was in run-off" in line for line in found)
    assert any("vanished or changed" in line for line in found)
    back = replace(before, settings=Settings())
    assert any("settings went back" in line for line in invariants_of_step(before, back))


def test_what_was_issued_in_a_step_kept_to_the_cap_of_its_day(stage: ModelStage) -> None:
    states.unknown(stage)
    before = stage.world
    s = states.live(ModelStage())
    assert isinstance(s.stage, ModelStage)
    issued = replace(before, promises=s.stage.world.promises)
    assert invariants_of_step(before, issued) == []
    strict = with_settings(before, tenor_cap=90)
    found = invariants_of_step(strict, replace(issued, settings=strict.settings))
    assert any("the cap in force was 90" in line for line in found)


def test_a_role_on_the_registrar_is_found_too(stage: ModelStage) -> None:
    states.live(stage)
    registrar = replace(stage.world.parties[PartyNumber(1)], roles=Role.ARBITER)
    world = replace(stage.world, parties={**stage.world.parties, PartyNumber(1): registrar})
    assert any("two halves in one hand" in line for line in invariants(world))
