"""Vouchers in every state of a good life, and the verbs of that life tried on them.

A state is a little life, played on a stage: `ModelStage` plays it on the pure model, another stage on the
real contract. Whatever is tried is faultless but for the state: right sequence, right parties, good consents.
What goes wrong is in `bad_states.py`; the whole table is in `verb_states.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ledger.agreements import (
    Admit,
    AssertPayment,
    Cancel,
    CancelWhole,
    ConfirmPayment,
    ContestPayment,
    Discount,
    Freeze,
    GrantLine,
    Invoice,
    Issue,
    LineId,
    Part,
    PartyNumber,
    Purpose,
    Rescind,
    Revoke,
    RevokeIssue,
    Split,
    Transfer,
    Unfreeze,
    WithdrawPayment,
)
from ledger.calendar import Day
from ledger.money import Fen
from ledger.payment import CompletePayment
from ledger.signing import promise_id, root_id
from ledger.world import Role
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
    PAY_BY,
    REGISTRAR,
    SMALLEST_PART,
    WINDOW,
    Attempt,
    Situation,
    Stage,
)

# Attempts


def admission(stage: Stage, party: PartyNumber, *, roles: int = 0) -> Attempt:
    agreement = Admit(party, roles, BANK, 0, NOTHING, FOREVER, stage.signer(party))
    return Attempt(agreement, (REGISTRAR, BANK, party))


def grant(**changes: object) -> Attempt:
    agreement = GrantLine(LINE, ISSUER, LineId(0), LIMIT, DUE_DAY, SMALLEST_PART, WINDOW, 10, False, FOREVER)
    agreement = replace(agreement, **changes)  # type: ignore[arg-type]
    return Attempt(agreement, (PartyNumber(agreement.line >> 32), ISSUER))


def an_issue(**changes: object) -> Issue:
    invoice = Invoice(b"\x01" * 32, FACE, FACE)
    issue = Issue(
        ISSUER,
        LINE,
        HOLDER,
        FACE,
        DUE_DAY,
        SMALLEST_PART,
        4,
        b"\x02" * 32,
        NOTHING,
        b"\x03" * 32,
        FOREVER,
        (invoice,),
    )
    return replace(issue, **changes)  # type: ignore[arg-type]


def issuing(s: Situation) -> Attempt:
    return Attempt(s.issue, (ISSUER, HOLDER))


def splitting(s: Situation) -> Attempt:
    parts = (Part(BUYER, Fen(FACE // 4)),)
    return Attempt(Split(s.voucher, s.sequence, False, FOREVER, parts, ()), (HOLDER, BUYER))


def transferring(s: Situation) -> Attempt:
    return Attempt(Transfer(s.voucher, s.sequence, BUYER, False, FOREVER, ()), (HOLDER, BUYER))


def discounting(s: Situation, *, pay_by: Day | None = None) -> Attempt:
    agreement = Discount(s.voucher, s.sequence, FUNDER, NOTHING, pay_by or s.stage.today, FOREVER)
    return Attempt(agreement, (HOLDER, FUNDER))


def rescinding(s: Situation, by: PartyNumber) -> Attempt:
    return Attempt(Rescind(s.voucher, s.sequence, by, FOREVER), (by,))


def disbursing(s: Situation, *signers: PartyNumber) -> Attempt:
    return _asserting(s, Purpose.DISBURSEMENT, Fen(0), signers)


def settling(s: Situation, *signers: PartyNumber) -> Attempt:
    return _asserting(s, Purpose.SETTLEMENT, s.owed, signers)


def _asserting(s: Situation, purpose: Purpose, amount: Fen, signers: tuple[PartyNumber, ...]) -> Attempt:
    agreement = AssertPayment(s.voucher, s.sequence, purpose, HOLDER, amount, s.stage.today, NOTHING, FOREVER)
    return Attempt(agreement, signers)


def confirming(s: Situation) -> Attempt:
    signers = (HOLDER,) if s.payee == HOLDER else (s.payee, HOLDER)
    return Attempt(ConfirmPayment(s.voucher, s.sequence, FOREVER), signers)


def contesting(s: Situation) -> Attempt:
    return Attempt(ContestPayment(s.voucher, s.sequence, HOLDER, NOTHING, FOREVER), (HOLDER,))


def withdrawing(s: Situation) -> Attempt:
    return Attempt(WithdrawPayment(s.voucher, s.sequence, FOREVER), (s.asserter,))


def completing(s: Situation) -> Attempt:
    return Attempt(CompletePayment(s.voucher))


def freezing(s: Situation, days: int = 300, order: bytes = b"\x0f" * 32) -> Attempt:
    return Attempt(Freeze(s.voucher, order, Day(s.stage.today + days), FOREVER), (REGISTRAR,))


def unfreezing(s: Situation) -> Attempt:
    return Attempt(Unfreeze(s.voucher, NOTHING, FOREVER), (REGISTRAR,))


def cancelling(s: Situation) -> Attempt:
    return Attempt(Cancel(s.voucher, s.sequence, FOREVER), (ISSUER, HOLDER))


def cancelling_whole(s: Situation) -> Attempt:
    return Attempt(CancelWhole(s.voucher, s.sequence, FOREVER), (ISSUER, HOLDER), issued=s.issue)


def revoking(s: Situation) -> Attempt:
    return Attempt(Revoke(s.voucher, s.sequence, FOREVER), (HOLDER,))


def revoking_issue(s: Situation) -> Attempt:
    promise = promise_id(s.issue, s.stage.ledger)
    return Attempt(RevokeIssue(promise, ISSUER, FOREVER), (ISSUER,), issued=s.issue)


# States


def unknown(stage: Stage) -> Situation:
    """Parties and line are there, the issue is signed and has not landed."""
    stage.play(admission(stage, ISSUER, roles=Role.ISSUER))
    stage.play(admission(stage, HOLDER))
    stage.play(admission(stage, BUYER))
    stage.play(grant(expiry=Day(DUE_DAY + 366)))
    issue = an_issue()
    return Situation(stage, issue, root_id(issue, stage.ledger))


def live(stage: Stage) -> Situation:
    s = unknown(stage)
    return s.play(issuing(s))


def ended(stage: Stage) -> Situation:
    s = live(stage)
    return s.play(cancelling(s))


def frozen(stage: Stage) -> Situation:
    s = live(stage)
    return s.play(freezing(s))


def freeze_lapsed(stage: Stage) -> Situation:
    s = live(stage)
    return s.play(freezing(s, days=3)).on(FIRST_DAY + 4)


def frozen_settlement_confirmed(stage: Stage) -> Situation:
    s = frozen(stage)
    return s.play(settling(s, BANK, HOLDER))


def settlement_confirmed(stage: Stage) -> Situation:
    s = live(stage)
    s.play(freezing(s, days=3))
    return s.play(settling(s, BANK, HOLDER)).on(FIRST_DAY + 4)


def discounted(stage: Stage) -> Situation:
    s = live(stage)
    return s.play(discounting(s, pay_by=PAY_BY))


def discount_late(stage: Stage) -> Situation:
    return discounted(stage).on(PAY_BY + 2)


def frozen_discounted(stage: Stage) -> Situation:
    s = discounted(stage)
    return s.play(freezing(s))


def disbursement_asserted(stage: Stage) -> Situation:
    s = discounted(stage)
    return replace(s.play(disbursing(s, FUNDER)), asserter=FUNDER)


def disbursement_silent(stage: Stage) -> Situation:
    return disbursement_asserted(stage).on(FIRST_DAY + WINDOW + 1)


def disbursement_contested(stage: Stage) -> Situation:
    s = disbursement_asserted(stage)
    return s.play(contesting(s))


def frozen_disbursement_asserted(stage: Stage) -> Situation:
    s = disbursement_asserted(stage)
    return s.play(freezing(s))


def frozen_disbursement_contested(stage: Stage) -> Situation:
    s = disbursement_contested(stage)
    return s.play(freezing(s))


def frozen_disbursement_confirmed(stage: Stage) -> Situation:
    s = frozen_disbursement_asserted(stage)
    return s.play(confirming(s))


def frozen_disbursement_contested_and_confirmed(stage: Stage) -> Situation:
    s = frozen_disbursement_contested(stage)
    return s.play(confirming(s))


def disbursement_confirmed(stage: Stage) -> Situation:
    s = disbursement_asserted(stage)
    s.play(freezing(s, days=3))
    return s.play(confirming(s)).on(FIRST_DAY + 4)


def on_record_day(state: Callable[[Stage], Situation]) -> Callable[[Stage], Situation]:
    """That state on the due day."""
    return lambda stage: state(stage).on(DUE_DAY)


def settlement_asserted(stage: Stage) -> Situation:
    s = live(stage).on(DUE_DAY)
    return s.play(settling(s, BANK))


def settlement_silent(stage: Stage) -> Situation:
    return settlement_asserted(stage).on(DUE_DAY + WINDOW + 1)


def settlement_contested(stage: Stage) -> Situation:
    s = settlement_asserted(stage)
    return s.play(contesting(s))


def frozen_settlement_asserted(stage: Stage) -> Situation:
    s = settlement_asserted(stage)
    return s.play(freezing(s))


def frozen_settlement_contested(stage: Stage) -> Situation:
    s = settlement_contested(stage)
    return s.play(freezing(s))


def frozen_settlement_contested_and_confirmed(stage: Stage) -> Situation:
    s = frozen_settlement_contested(stage)
    return s.play(confirming(s))
