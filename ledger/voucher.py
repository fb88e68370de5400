"""May this verb happen now, and if not, why not: the contracts' rules once more, as a pure state machine.

    apply     the World after a verb and the events that it emits, or a Refusal
    may       the Refusal, or None
    signers   whose consents a verb wants now, in their order

Written from the rules and not from the contracts' text: the same error name, facts and order of checks as
theirs, which the random walk compares. It reads no clock, asks no chain and verifies no signature: the
timestamp is that of the block, and for each consent the caller says whether it is good. A World changes only
through the events that a verb emits (`fold.py`).

The front of `consent.py`, `party.py`, `settings.py`, `line.py`, `life.py`, `payment.py`, `pledge.py` and
`overdue.py`, which hold the rules by subject.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import MappingProxyType
from typing import Any, Final

from ledger import consent, life, line, overdue, party, payment, pledge, settings
from ledger.agreements import (
    AcceptHandOver,
    Admit,
    Agreement,
    AssertPayment,
    Award,
    Cancel,
    CancelWhole,
    ConfirmPayment,
    ContestPayment,
    Discount,
    FinishRekey,
    Freeze,
    FreezeLine,
    GrantLine,
    HandOver,
    Issue,
    ListVerifier,
    PartyNumber,
    Pledge,
    ProposeRekey,
    Reinstate,
    Rekey,
    Release,
    Rescind,
    ResizeLine,
    Revoke,
    RevokeIssue,
    SetTenorCap,
    Split,
    StopIssue,
    Suspend,
    Transfer,
    Unfreeze,
    VetoRekey,
    VoucherId,
    WithdrawPayment,
    WithdrawRekey,
)
from ledger.calendar import Timestamp
from ledger.consent import Call, Plan
from ledger.errors import Refusal
from ledger.events import Event
from ledger.fold import fold_all
from ledger.payment import CompletePayment, DeclareOverdue, Unsigned
from ledger.world import World

_PLANS: Final[MappingProxyType[type, Callable[[World, Any, Call], Plan]]] = MappingProxyType(
    {
        Admit: party.admit,
        Suspend: party.stand,
        Reinstate: party.stand,
        Rekey: party.rekey,
        ProposeRekey: party.propose_rekey,
        VetoRekey: party.veto_rekey,
        WithdrawRekey: party.withdraw_rekey,
        FinishRekey: party.finish_rekey,
        ListVerifier: party.list_verifier,
        HandOver: party.hand_over,
        AcceptHandOver: party.accept_hand_over,
        GrantLine: line.grant_line,
        ResizeLine: line.resize_line,
        FreezeLine: line.freeze_line,
        SetTenorCap: settings.set_tenor_cap,
        StopIssue: settings.stop_issue,
        Issue: life.issue,
        Split: life.split,
        Transfer: life.transfer,
        Cancel: life.cancel,
        CancelWhole: life.cancel,
        Revoke: life.revoke,
        RevokeIssue: life.revoke_issue,
        Freeze: life.freeze,
        Unfreeze: life.unfreeze,
        Discount: payment.discount,
        Rescind: payment.rescind,
        AssertPayment: payment.assert_payment,
        ConfirmPayment: payment.confirm_payment,
        ContestPayment: payment.contest_payment,
        WithdrawPayment: payment.withdraw_payment,
        Award: payment.award,
        CompletePayment: payment.complete_payment,
        DeclareOverdue: overdue.declare_overdue,
        Pledge: pledge.pledge,
        Release: pledge.release,
    }
)


def apply(
    world: World,
    agreement: Agreement | Unsigned,
    *,
    timestamp: Timestamp,
    consents: Sequence[bool] | None = None,
    root: VoucherId | None = None,
    issued: Issue | None = None,
    code_hash: bytes | None = None,
) -> tuple[World, tuple[Event, ...]]:
    """The World after the verb, and its events in their order; a Refusal as the contract gives it.

    timestamp: the block's, in seconds. consents: one per duty, whether it is good, then that of a new signer;
    None: all that the verb wants, as few as possible (a payment asserted without its payee's). root: the root
    id of the issue that is made, or of `issued`, the issue that `CancelWhole` and `RevokeIssue` resupply;
    InputError where one is missing. code_hash: of the code at the verifier that is listed; None: the one named.
    A successor's World has to carry what it inherits (`succession.py`) as of this block.
    """
    call = _call(timestamp, consents, root, issued=issued, code_hash=code_hash)
    plan = _PLANS[type(agreement)](world, agreement, call)
    if not isinstance(agreement, Unsigned):
        consent.agree(world, plan, deadline=agreement.deadline, call=call)
    events = plan.act()
    return fold_all(world, ((event, timestamp) for event in events)), events


def may(
    world: World,
    agreement: Agreement | Unsigned,
    *,
    timestamp: Timestamp,
    consents: Sequence[bool] | None = None,
    root: VoucherId | None = None,
    issued: Issue | None = None,
    code_hash: bytes | None = None,
) -> Refusal | None:
    """Why the verb cannot happen now, or None. Arguments as for `apply`."""
    try:
        apply(
            world,
            agreement,
            timestamp=timestamp,
            consents=consents,
            root=root,
            issued=issued,
            code_hash=code_hash,
        )
    except Refusal as refusal:
        return refusal
    return None


def signers(
    world: World,
    agreement: Agreement | Unsigned,
    *,
    timestamp: Timestamp,
    consents: Sequence[bool] | None = None,
    root: VoucherId | None = None,
    issued: Issue | None = None,
    code_hash: bytes | None = None,
) -> tuple[PartyNumber, ...]:
    """Whose consents the verb wants, in order; of an admission or rekey the last is the new signer.

    Refusal where the verb is refused before consents are looked at. Arguments as for `apply`; of `consents`
    only the number counts, and only for `AssertPayment`: two or more say that the payee signs too.
    """
    call = _call(timestamp, consents, root, issued=issued, code_hash=code_hash)
    return consent.signers_of(_PLANS[type(agreement)](world, agreement, call))


def _call(
    timestamp: Timestamp,
    consents: Sequence[bool] | None,
    root: VoucherId | None,
    *,
    issued: Issue | None,
    code_hash: bytes | None,
) -> Call:
    return Call(
        timestamp=timestamp,
        consents=None if consents is None else tuple(consents),
        root=root,
        issued=issued,
        code_hash=code_hash,
    )
