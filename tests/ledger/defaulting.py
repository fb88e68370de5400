"""Attempts and states of what goes wrong: default and recourse, pledge, award, the registrar's settings.

As `tests/states.py`, whose parties and amounts these are too; an arbiter, party 7, comes in where one is wanted.
Due day and grace end on LAST_OF_GRACE: the day after is the first on which a voucher can be declared overdue.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from ledger.agreements import (
    AssertPayment,
    Award,
    Cancel,
    ConfirmPayment,
    ContestPayment,
    Part,
    PartyNumber,
    Pledge,
    Purpose,
    Release,
    SetTenorCap,
    Split,
    StopIssue,
    Transfer,
)
from ledger.calendar import Day
from ledger.money import Fen
from ledger.payment import DeclareOverdue
from ledger.world import Role
from tests import states
from tests.stage import (
    BANK,
    DUE_DAY,
    FOREVER,
    FUNDER,
    HOLDER,
    ISSUER,
    NOTHING,
    REGISTRAR,
    Attempt,
    Situation,
    Stage,
)

ARBITER: Final = PartyNumber(7)
LAST_OF_GRACE: Final = Day(DUE_DAY + 10)
OVERDUE_FROM: Final = Day(LAST_OF_GRACE + 1)
SECURED: Final = Fen(600_000_00)
END_DAY: Final = Day(DUE_DAY - 10)


# Attempts


def paying(s: Situation, amount: int, *signers: PartyNumber, payee: PartyNumber = HOLDER) -> Attempt:
    """A settlement of so many fen, asserted by the bank unless signers say otherwise."""
    day = s.stage.today
    agreement = AssertPayment(
        s.voucher, s.sequence, Purpose.SETTLEMENT, payee, Fen(amount), day, NOTHING, FOREVER
    )
    return Attempt(agreement, signers or (BANK,))


def confirming(s: Situation, *signers: PartyNumber) -> Attempt:
    return Attempt(ConfirmPayment(s.voucher, s.sequence, FOREVER), signers)


def contesting(s: Situation, by: PartyNumber) -> Attempt:
    return Attempt(ContestPayment(s.voucher, s.sequence, by, NOTHING, FOREVER), (by,))


def declaring(s: Situation) -> Attempt:
    return Attempt(DeclareOverdue(s.voucher))


def giving_back(s: Situation, recipient: PartyNumber, *, by: PartyNumber, overdue: bool = True) -> Attempt:
    """The whole voucher, as recourse."""
    return Attempt(Transfer(s.voucher, s.sequence, recipient, overdue, FOREVER, ()), (by, recipient))


def giving_back_part(s: Situation, recipient: PartyNumber, face: int, *, by: PartyNumber) -> Attempt:
    parts = (Part(recipient, Fen(face)),)
    return Attempt(Split(s.voucher, s.sequence, True, FOREVER, parts, ()), (by, recipient))


def cancelling(s: Situation) -> Attempt:
    return Attempt(Cancel(s.voucher, s.sequence, FOREVER), (ISSUER, HOLDER))


def pledging(s: Situation, **changes: object) -> Attempt:
    agreement = Pledge(s.voucher, s.sequence, FUNDER, SECURED, b"\x0a" * 32, END_DAY, FOREVER)
    return Attempt(replace(agreement, **changes), (HOLDER, FUNDER))  # type: ignore[arg-type]


def releasing(s: Situation, by: PartyNumber) -> Attempt:
    return Attempt(Release(s.voucher, s.sequence, by, FOREVER), (by,))


def awarding(s: Situation, *, paid: bool, arbiter: PartyNumber = ARBITER) -> Attempt:
    agreement = Award(s.voucher, s.sequence, arbiter, paid, b"\x0b" * 32, FOREVER)
    return Attempt(agreement, (REGISTRAR, arbiter))


def capping(cap: int, in_force_from: int, *, sequence: int = 0) -> Attempt:
    return Attempt(SetTenorCap(sequence, cap, Day(in_force_from), FOREVER), (REGISTRAR,))


def stopping(issuer: int, *, stopped: bool = True, sequence: int = 0) -> Attempt:
    agreement = StopIssue(sequence, PartyNumber(issuer), stopped, b"\x0c" * 32, FOREVER)
    return Attempt(agreement, (REGISTRAR,))


# States


def overdue(stage: Stage, state: Callable[[Stage], Situation] = states.live) -> Situation:
    """Declared overdue on the first day on which that is possible."""
    s = state(stage).on(OVERDUE_FROM)
    return s.play(declaring(s))


def passed_on_and_overdue(stage: Stage) -> Situation:
    """Held by the buyer at tier 2."""
    s = states.live(stage)
    s.play(states.transferring(s)).on(OVERDUE_FROM)
    return s.play(declaring(s))


def pledged(stage: Stage) -> Situation:
    """To the funding bank, which secures 600,000.00 of 1,000,000.00."""
    s = states.live(stage)
    return s.play(pledging(s))


def pledged_and_due(stage: Stage) -> Situation:
    return pledged(stage).on(DUE_DAY)


def contested(stage: Stage) -> Situation:
    """A settlement contested on the due day; the arbiter is admitted."""
    stage.play(states.admission(stage, ARBITER, roles=Role.ARBITER))
    return states.settlement_contested(stage)
