"""A World from events alone: the verbs of what goes wrong leave nothing unsaid, and what cannot be is refused."""

from __future__ import annotations

import pytest

from ledger.agreements import AcceptHandOver, HandOver, ListVerifier, VoucherId
from ledger.calendar import Day, Timestamp
from ledger.errors import VerificationError
from ledger.events import (
    Event,
    HandOverAccepted,
    IssueStopped,
    PaymentAwarded,
    PledgeReleased,
    TenorCapSet,
    VerifierListed,
    VoucherOverdue,
    VoucherPledged,
)
from ledger.fold import fold, fold_all
from ledger.invariants import invariants
from ledger.world import RegistrySettings, Role, VerifierRecord, World
from tests import states
from tests.ledger import defaulting
from tests.stage import (
    BANK,
    BUYER,
    DUE_DAY,
    FACE,
    FIRST_DAY,
    FOREVER,
    FUNDER,
    HOLDER,
    ISSUER,
    REGISTRAR,
    Attempt,
    ModelStage,
    founding_events,
)

CODE = b"\x0d" * 32


@pytest.fixture
def stage() -> ModelStage:
    return ModelStage()


def cannot_follow(stage: ModelStage, event: Event, said: str) -> None:
    with pytest.raises(VerificationError, match=said):
        fold(stage.world, event, timestamp=stage.timestamp)


# What cannot be


def test_a_voucher_is_overdue_with_the_face_that_it_has(stage: ModelStage) -> None:
    s = states.live(stage)
    event = VoucherOverdue(s.voucher, FACE - 1, defaulting.OVERDUE_FROM)
    cannot_follow(stage, event, "was declared overdue with")


def test_nothing_happens_to_what_is_not_there(stage: ModelStage) -> None:
    s = states.live(stage)
    unknown = VoucherId(5 << 96)
    cannot_follow(stage, PledgeReleased(unknown, HOLDER), "unknown voucher")
    cannot_follow(stage, VoucherPledged(unknown, FUNDER, 1, CODE, FIRST_DAY), "unknown voucher")
    cannot_follow(stage, PaymentAwarded(s.voucher, BUYER, True, CODE), "unknown payment")


def test_settings_go_on_one_by_one(stage: ModelStage) -> None:
    states.live(stage)
    cannot_follow(stage, TenorCapSet(2, 90, FIRST_DAY), "sequence 0")
    cannot_follow(stage, IssueStopped(ISSUER, 0, True, CODE), "sequence 0")
    cannot_follow(stage, VerifierListed(5, 2, 1, CODE, FIRST_DAY), "sequence 0")


def test_the_office_goes_to_whom_it_was_offered_and_a_verifier_is_listed_once(stage: ModelStage) -> None:
    states.live(stage)
    cannot_follow(stage, HandOverAccepted(HOLDER, 1), "which was offered to party 0")
    stage.world = fold(stage.world, VerifierListed(5, 1, 1, CODE, FIRST_DAY), timestamp=stage.timestamp)
    cannot_follow(stage, VerifierListed(5, 2, 1, CODE, FIRST_DAY), "listed twice")


# What events alone say


def from_nothing(stage: ModelStage) -> World:
    founding = ((event, Timestamp(0)) for event in founding_events())
    return fold_all(World(), [*founding, *stage.events])


def test_a_life_in_which_everything_goes_wrong_is_folded_from_its_events(stage: ModelStage) -> None:
    stage.play(states.admission(stage, defaulting.ARBITER, roles=Role.ARBITER))
    s = states.live(stage)
    stage.play(defaulting.capping(90, FIRST_DAY + 1))
    stage.play(defaulting.pledging(s))
    stage.play(defaulting.releasing(s, FUNDER))
    stage.play(defaulting.pledging(s, secured=FACE // 2))
    s.on(DUE_DAY).play(defaulting.paying(s, FACE // 4, payee=FUNDER))
    stage.play(defaulting.contesting(s, HOLDER))
    s.on(DUE_DAY + 30).play(defaulting.awarding(s, paid=True))
    stage.play(defaulting.declaring(s))
    stage.play(defaulting.paying(s, FACE // 4, BANK, FUNDER, HOLDER, payee=FUNDER))
    stage.play(defaulting.giving_back_part(s, BUYER, FACE // 4, by=HOLDER))
    stage.play(defaulting.giving_back(s, BUYER, by=HOLDER))
    stage.play(defaulting.capping(60, stage.today + 1, sequence=1))
    stage.play(defaulting.stopping(ISSUER, sequence=2))
    stage.play(defaulting.stopping(0, sequence=3))
    world = stage.world
    assert from_nothing(stage) == world
    assert (world.settings.sequence, world.settings.tenor_cap, world.settings.run_off) == (4, 90, True)
    assert world.issuers[ISSUER].overdue == FACE // 2 and world.issuers[ISSUER].stopped
    assert [(v.holder, v.face) for v in world.vouchers.values()] == [(BUYER, FACE // 4)] * 2
    assert not world.pledges and not world.payments
    assert invariants(world, today=stage.today) == []


def test_the_registry_s_settings_are_folded_from_their_events(stage: ModelStage) -> None:
    s = states.live(stage)
    verifier = b"\x0e" * 20
    stage.play(Attempt(ListVerifier(0, verifier, 300_000, CODE, FOREVER), (REGISTRAR,)))
    stage.play(Attempt(HandOver(1, BUYER, FOREVER), (REGISTRAR,)))
    offered = stage.world.registry_settings
    assert offered == RegistrySettings(
        sequence=2, next_registrar=BUYER, next_registrar_from=Day(FIRST_DAY + 7)
    )
    assert offered.word() == REGISTRAR | 2 << 32 | BUYER << 64 | (FIRST_DAY + 7) << 96
    stage.play(Attempt(HandOver(2, REGISTRAR, FOREVER), (REGISTRAR,)))
    assert stage.world.registry_settings == RegistrySettings(sequence=3)
    stage.play(Attempt(HandOver(3, BUYER, FOREVER), (REGISTRAR,)))
    s.on(FIRST_DAY + 7).play(Attempt(AcceptHandOver(4, FOREVER), (BUYER,)))
    assert stage.world.registry_settings == RegistrySettings(registrar=BUYER, sequence=5)
    listed = VerifierRecord(signature_gas=300_000, active_on=Day(FIRST_DAY + 7), code_hash=CODE)
    assert stage.world.verifiers == {int.from_bytes(verifier): listed}
    assert from_nothing(stage) == stage.world
    assert invariants(stage.world) == []
    # the office has gone over: only its new holder stops an issuer
    stage.play(Attempt(defaulting.stopping(ISSUER).agreement, (BUYER,)))
