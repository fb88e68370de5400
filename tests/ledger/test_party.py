"""Who may act: admission, suspension, keys and their recovery, days at their exact edges."""

from __future__ import annotations

import pytest

from ledger.agreements import (
    FinishRekey,
    PartyNumber,
    Reinstate,
    Rekey,
    Suspend,
    VetoRekey,
    WithdrawRekey,
)
from ledger.calendar import Day
from ledger.world import Role, Status
from tests import states
from tests.stage import (
    BANK,
    BUYER,
    FIRST_DAY,
    FOREVER,
    HOLDER,
    ISSUER,
    NOTHING,
    REGISTRAR,
    Attempt,
    ModelStage,
    propose,
    refused,
    suspend,
)


@pytest.fixture
def stage() -> ModelStage:
    return ModelStage()


# Parties


def test_a_party_number_is_given_once_and_never_zero(stage: ModelStage) -> None:
    states.live(stage)
    refused(stage, states.admission(stage, ISSUER), "PartyNumberTaken", party=ISSUER)
    refused(stage, states.admission(stage, PartyNumber(0)), "PartyNumberTaken", party=0)


def test_a_signer_serves_one_party_for_good(stage: ModelStage) -> None:
    states.live(stage)
    new = PartyNumber(7)
    attempt = states.admission(stage, new)
    taken = attempt.changed(signer=stage.signer(HOLDER))
    refused(stage, taken, "SignerInUse", party=HOLDER)
    stage.play(Attempt(Rekey(HOLDER, 1, 0, FOREVER, b"\x77" * 20), (HOLDER, HOLDER)))
    refused(stage, taken, "SignerInUse", party=HOLDER)
    odd = attempt.changed(signer=b"\x01" * 19)
    refused(stage, odd, "SignerNotAllowed", length=19)
    dear = attempt.changed(signature_gas=500_001)
    refused(stage, dear, "SignatureGasTooHigh", given=500_001, highest=500_000)


def test_a_sponsor_is_a_bank(stage: ModelStage) -> None:
    states.live(stage)
    attempt = states.admission(stage, PartyNumber(7))
    attempt = attempt.changed(sponsor=HOLDER)
    refused(stage, attempt, "MissingRole", party=HOLDER, role=int(Role.BANK))


def test_a_suspended_party_cannot_receive_but_may_sell_to_its_sponsor(stage: ModelStage) -> None:
    s = states.live(stage)
    stage.play(suspend(BUYER))
    refused(stage, states.transferring(s), "PartySuspended", party=BUYER)
    stage.play(suspend(HOLDER))
    refused(stage, states.discounting(s), "PartySuspended", party=HOLDER)
    refused(stage, suspend(HOLDER, 2), "AlreadySuspended", party=HOLDER)
    to_sponsor = states.discounting(s)
    to_sponsor = to_sponsor.changed(funder=BANK)
    stage.play(to_sponsor)
    stage.play(Attempt(Reinstate(HOLDER, 2, NOTHING, FOREVER), (REGISTRAR,)))
    refused(
        stage, Attempt(Reinstate(HOLDER, 3, NOTHING, FOREVER), (REGISTRAR,)), "NotSuspended", party=HOLDER
    )


def test_a_suspended_party_cannot_change_its_key(stage: ModelStage) -> None:
    states.live(stage)
    stage.play(suspend(HOLDER))
    rekey = Attempt(Rekey(HOLDER, 2, 0, FOREVER, b"\x77" * 20), (HOLDER, HOLDER))
    refused(stage, rekey, "PartySuspended", party=HOLDER)


def test_a_recovery_is_ready_on_the_seventh_day_and_not_before(stage: ModelStage) -> None:
    s = states.live(stage)
    stage.play(propose(stage, HOLDER))
    refused(stage, states.transferring(s), "PartyRecovering", party=HOLDER)
    refused(stage, propose(stage, HOLDER, sequence=2), "PartyRecovering", party=HOLDER)
    finish = Attempt(FinishRekey(HOLDER, 2, PartyNumber(0), FOREVER))
    stage.travel(Day(FIRST_DAY + 6))
    refused(stage, finish, "RecoveryNotReady", readyOn=FIRST_DAY + 7, today=FIRST_DAY + 6)
    stage.travel(Day(FIRST_DAY + 7))
    stage.play(finish)
    party = stage.world.parties[HOLDER]
    assert (party.signer, party.status, party.recovered_on) == (0xABC, Status(0), FIRST_DAY + 7)
    assert HOLDER not in stage.world.recoveries


def test_a_vetoed_recovery_takes_thirty_days_and_an_arbiter_who_is_not_concerned(stage: ModelStage) -> None:
    states.live(stage)
    arbiter = PartyNumber(8)
    stage.play(states.admission(stage, arbiter, roles=Role.ARBITER))
    stage.play(propose(stage, HOLDER))
    stage.play(Attempt(VetoRekey(HOLDER, 2, FOREVER), (HOLDER,)))
    refused(stage, Attempt(VetoRekey(HOLDER, 3, FOREVER), (HOLDER,)), "AlreadyVetoed", party=HOLDER)
    stage.travel(Day(FIRST_DAY + 30))

    def finish(by: int) -> Attempt:
        return Attempt(FinishRekey(HOLDER, 3, PartyNumber(by), FOREVER), (PartyNumber(by),) if by else ())

    refused(stage, finish(0), "ArbiterExpected", vetoed=True, arbiter=0)
    refused(stage, finish(BANK), "ArbiterConcerned", party=BANK)
    refused(stage, finish(HOLDER), "ArbiterConcerned", party=HOLDER)
    refused(stage, finish(REGISTRAR), "ArbiterConcerned", party=REGISTRAR)
    refused(stage, finish(BUYER), "MissingRole", party=BUYER, role=int(Role.ARBITER))
    stage.play(finish(arbiter))


def test_the_registrar_cannot_suspend_itself(stage: ModelStage) -> None:
    states.live(stage)
    refused(
        stage,
        Attempt(Suspend(REGISTRAR, 1, NOTHING, FOREVER), (REGISTRAR,)),
        "RegistrarStays",
        party=REGISTRAR,
    )


def test_a_recovery_taken_back_ends_today(stage: ModelStage) -> None:
    states.live(stage)
    refused(stage, Attempt(WithdrawRekey(HOLDER, 1, FOREVER), (REGISTRAR, BANK)), "NoRecovery", party=HOLDER)
    refused(stage, propose(stage, REGISTRAR), "NoSponsor", party=REGISTRAR)
    stage.play(propose(stage, HOLDER))
    stage.travel(Day(FIRST_DAY + 3))
    stage.play(Attempt(WithdrawRekey(HOLDER, 2, FOREVER), (REGISTRAR, BANK)))
    assert stage.world.parties[HOLDER].recovered_on == FIRST_DAY + 3
    refused(stage, propose(stage, HOLDER, sequence=3), "SignerInUse", party=HOLDER)
