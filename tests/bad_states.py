"""Vouchers in every state of a bad life, and the verbs of that life tried on them. As `states.py`.

Default, pledge, contest and award; parties that are suspended or recover a key, lines and issuers that are stopped,
court freezes that end. The attempts are those of `tests/ledger/defaulting.py`, each made faultless for the state.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from ledger.agreements import FreezeLine, Invoice, PartyNumber, ProposeRekey, ResizeLine
from ledger.calendar import Day
from ledger.money import Fen
from tests import states
from tests.ledger import defaulting
from tests.ledger.defaulting import END_DAY, LAST_OF_GRACE, OVERDUE_FROM, SECURED, declaring, paying, stopping
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
    LIMIT,
    LINE,
    NOTHING,
    REGISTRAR,
    WINDOW,
    Attempt,
    Situation,
    Stage,
    suspend,
)

State = Callable[[Stage], Situation]

PART: Final = Fen(250_000_00)

# Attempts


def issuing_another(s: Situation) -> Attempt:
    """Another promise of the same issuer under the same line, due in 90 days."""
    invoice = Invoice(b"\x04" * 32, FACE, FACE)
    due_day = Day(s.stage.today + 90)
    issue = states.an_issue(issuer_reference=b"\x04" * 32, due_day=due_day, invoices=(invoice,))
    return Attempt(issue, (ISSUER, HOLDER))


def splitting_as_recourse(s: Situation) -> Attempt:
    return defaulting.giving_back_part(s, BUYER, s.owed // 4, by=HOLDER)


def transferring_as_recourse(s: Situation) -> Attempt:
    return defaulting.giving_back(s, BUYER, by=HOLDER)


def selling_to_sponsor(s: Situation) -> Attempt:
    """To the bank that vouches for the holder."""
    return Attempt(states.discounting(s).changed(funder=BANK).agreement, (HOLDER, BANK))


def settling_in_part(s: Situation) -> Attempt:
    return paying(s, PART, BANK)


def settling_to_pledgee(s: Situation, *signers: PartyNumber) -> Attempt:
    """All that the pledge secures."""
    return paying(s, s.secured or SECURED, *signers, payee=FUNDER)


def pledging(s: Situation) -> Attempt:
    return defaulting.pledging(s, end_day=s.stage.today)


# States: pledge


def pledged(stage: Stage) -> Situation:
    return replace(defaulting.pledged(stage), secured=SECURED)


def pledge_past(stage: Stage) -> Situation:
    return pledged(stage).on(END_DAY + 1)


def pledgee_asserted(stage: Stage) -> Situation:
    s = replace(pledged(stage).on(DUE_DAY), payee=FUNDER)
    return s.play(settling_to_pledgee(s, BANK))


def pledgee_silent(stage: Stage) -> Situation:
    return pledgee_asserted(stage).on(DUE_DAY + WINDOW + 1)


def pledgee_contested(stage: Stage) -> Situation:
    s = pledgee_asserted(stage)
    return s.play(states.contesting(s))


def pledgee_paid_in_part(stage: Stage) -> Situation:
    s = pledged(stage).on(DUE_DAY)
    s.play(paying(s, PART, BANK, FUNDER, HOLDER, payee=FUNDER))
    return replace(s, owed=Fen(FACE - PART), secured=Fen(SECURED - PART))


def pledgee_paid(stage: Stage) -> Situation:
    s = pledged(stage).on(DUE_DAY)
    s.play(settling_to_pledgee(s, BANK, FUNDER, HOLDER))
    return replace(s, owed=Fen(FACE - SECURED), secured=Fen(0))


# States: parts paid, contests that last


def paid_in_part(stage: Stage) -> Situation:
    s = states.live(stage).on(DUE_DAY)
    s.play(paying(s, PART, BANK, HOLDER))
    return replace(s, owed=Fen(FACE - PART))


def part_asserted(stage: Stage) -> Situation:
    s = states.live(stage).on(DUE_DAY)
    return s.play(settling_in_part(s))


def on(state: State, day: int) -> State:
    """That state on a later day."""
    return lambda stage: state(stage).on(day)


def with_freeze(state: State, *, days: int = 300) -> State:
    """That state under a court order, whose last day is so many days on."""

    def frozen(stage: Stage) -> Situation:
        s = state(stage)
        return s.play(states.freezing(s, days=days))

    return frozen


# States: default


def overdue(state: State = states.live) -> State:
    """Declared overdue on the first day on which that is possible."""

    def declared(stage: Stage) -> Situation:
        s = state(stage).on(OVERDUE_FROM)
        return s.play(declaring(s))

    return declared


def settling(state: State) -> State:
    """The bank says that it paid all that is owed to the holder."""

    def asserted(stage: Stage) -> Situation:
        s = state(stage)
        return s.play(states.settling(s, BANK))

    return asserted


def settling_secured(state: State) -> State:
    """The bank says that it paid all that is secured to the pledgee."""

    def asserted(stage: Stage) -> Situation:
        s = replace(state(stage), payee=FUNDER)
        return s.play(settling_to_pledgee(s, BANK))

    return asserted


def contesting(state: State) -> State:
    def contested(stage: Stage) -> Situation:
        s = state(stage)
        return s.play(states.contesting(s))

    return contested


def confirming(state: State) -> State:
    def confirmed(stage: Stage) -> Situation:
        s = state(stage)
        return s.play(states.confirming(s))

    return confirmed


# States: parties, lines and issuers that are stopped


def suspended(party: PartyNumber, state: State) -> State:
    """That state, and one party suspended in it."""

    def stopped(stage: Stage) -> Situation:
        return state(stage).play(suspend(party))

    return stopped


def recovering(state: State) -> State:
    """That state, and the holder's key being recovered."""

    def proposed(stage: Stage) -> Situation:
        new = ProposeRekey(HOLDER, 1, 0, FOREVER, stage.signer(HOLDER, 1))
        return state(stage).play(Attempt(new, (REGISTRAR, BANK, HOLDER)))

    return proposed


def line_frozen(state: State) -> State:
    freezing = Attempt(FreezeLine(LINE, 1, True, NOTHING, FOREVER), (BANK,))
    return lambda stage: state(stage).play(freezing)


def line_expired(state: State) -> State:
    """The bank has moved the line's last day to yesterday."""

    def resized(stage: Stage) -> Situation:
        s = state(stage)
        return s.play(Attempt(ResizeLine(LINE, 1, LIMIT, Day(stage.today - 1), FOREVER), (BANK,)))

    return resized


def stopped_issue(issuer: int, state: State) -> State:
    """One issuer is stopped; 0: the whole ledger, for good."""
    return lambda stage: state(stage).play(stopping(issuer))


_DUE: Final = states.on_record_day(states.live)
_PLEDGED_DUE: Final = states.on_record_day(pledged)
_FREEZE_ENDS: Final = with_freeze(states.live, days=3)
_MONTH: Final = 30

PLEDGES: Final[dict[str, State]] = {
    "pledged": pledged,
    "pledged, end day past": pledge_past,
    "frozen, pledged": with_freeze(pledged),
    "due, pledged": _PLEDGED_DUE,
    "due, frozen, pledged": with_freeze(_PLEDGED_DUE),
    "due, pledged, settlement asserted": pledgee_asserted,
    "due, pledged, settlement asserted, window ended": pledgee_silent,
    "due, pledged, settlement contested": pledgee_contested,
    "due, frozen, pledged, settlement asserted": with_freeze(pledgee_asserted),
    "due, pledgee paid in part": pledgee_paid_in_part,
    "due, pledgee paid": pledgee_paid,
}

PARTS_AND_CONTESTS: Final[dict[str, State]] = {
    "due, paid in part": paid_in_part,
    "due, settlement of a part asserted": part_asserted,
    "disbursement contested 30 days": on(states.disbursement_contested, FIRST_DAY + _MONTH),
    "due, settlement contested 29 days": on(states.settlement_contested, DUE_DAY + _MONTH - 1),
    "due, settlement contested 30 days": on(states.settlement_contested, DUE_DAY + _MONTH),
    "due, frozen, settlement contested 30 days": on(states.frozen_settlement_contested, DUE_DAY + _MONTH),
}

STOPS: Final[dict[str, State]] = {
    "holder suspended": suspended(HOLDER, states.live),
    "due, holder suspended": suspended(HOLDER, _DUE),
    "discounted, holder suspended": suspended(HOLDER, states.discounted),
    "discounted, funder suspended": suspended(FUNDER, states.discounted),
    "disbursement asserted, holder suspended": suspended(HOLDER, states.disbursement_asserted),
    "disbursement asserted, funder suspended": suspended(FUNDER, states.disbursement_asserted),
    "disbursement asserted, holder recovering": recovering(states.disbursement_asserted),
    "due, settlement asserted, holder suspended": suspended(HOLDER, states.settlement_asserted),
    "due, settlement asserted, window ended, holder suspended": suspended(HOLDER, states.settlement_silent),
    "due, settlement asserted, window ended, holder recovering": on(
        recovering(states.settlement_asserted), DUE_DAY + WINDOW + 1
    ),
    "pledged, pledgee suspended": suspended(FUNDER, pledged),
    "due, pledged, pledgee suspended": suspended(FUNDER, _PLEDGED_DUE),
    "due, bank suspended": suspended(BANK, _DUE),
    "issuer suspended": suspended(ISSUER, states.live),
    "due, issuer suspended": suspended(ISSUER, _DUE),
    "issuer stopped": stopped_issue(ISSUER, states.live),
    "due, issuer stopped": stopped_issue(ISSUER, _DUE),
    "run-off": stopped_issue(0, states.live),
    "due, run-off": stopped_issue(0, _DUE),
    "line frozen": line_frozen(states.live),
    "due, line frozen": line_frozen(_DUE),
    "line expired": line_expired(states.live),
    "due, line expired": line_expired(_DUE),
    "frozen, last day of the freeze": on(_FREEZE_ENDS, FIRST_DAY + 3),
    "due, freeze lapsed": on(_FREEZE_ENDS, DUE_DAY),
    "due, settlement asserted, freeze lapsed": on(
        with_freeze(states.settlement_asserted, days=3), DUE_DAY + 4
    ),
}

DEFAULT: Final[dict[str, State]] = {
    "due, last day of grace": on(states.live, LAST_OF_GRACE),
    "due, grace over": on(states.live, OVERDUE_FROM),
    "due, grace over, frozen": on(states.frozen, OVERDUE_FROM),
    "due, grace over, discounted": on(states.discounted, OVERDUE_FROM),
    "due, grace over, pledged": on(pledged, OVERDUE_FROM),
    "due, grace over, settlement contested": on(states.settlement_contested, OVERDUE_FROM),
    "overdue": overdue(),
    "overdue, frozen": with_freeze(overdue()),
    "overdue, settlement asserted": settling(overdue()),
    "overdue, settlement asserted, window ended": on(settling(overdue()), OVERDUE_FROM + WINDOW + 1),
    "overdue, settlement contested": contesting(settling(overdue())),
    "overdue, frozen, settlement confirmed": confirming(with_freeze(settling(overdue()))),
    "overdue, paid in part": overdue(paid_in_part),
    "overdue, pledged": overdue(pledged),
    "overdue, pledged, settlement asserted": settling_secured(overdue(pledged)),
    "overdue, pledgee paid": overdue(pledgee_paid),
    "overdue, holder suspended": suspended(HOLDER, overdue()),
}
