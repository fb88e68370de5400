"""The registrar's settings of a ledger: the tenor cap, and who may issue at all.

Both only ever stop what is new. A voucher keeps the tenor rule of the day on which it was issued, and whoever is
stopped, overdue or in run-off still pays, answers and passes on. Plans as in `life.py`.
"""

from __future__ import annotations

from typing import Final

from ledger.agreements import PartyNumber, SetTenorCap, StopIssue
from ledger.consent import Call, Plan, registrar_signs
from ledger.errors import Refusal
from ledger.events import IssueStopped, TenorCapSet
from ledger.succession import standing_of
from ledger.world import World, issuer_of

LOWEST_TENOR_CAP: Final = 1
HIGHEST_TENOR: Final = 366
"""Days from issue to due day, and so the highest cap."""
NOTICE_DAYS: Final = 1
"""From a cap's agreement to the first day on which it can be in force."""


def set_tenor_cap(world: World, a: SetTenorCap, call: Call) -> Plan:
    """The registrar announces a cap; one announced before and not yet in force is replaced."""
    sequence = _advanced(world, a.sequence)
    if not LOWEST_TENOR_CAP <= a.cap <= HIGHEST_TENOR:
        raise Refusal(
            "TenorCapOutOfRange", {"given": a.cap, "lowest": LOWEST_TENOR_CAP, "highest": HIGHEST_TENOR}
        )
    earliest = call.today + NOTICE_DAYS
    if a.in_force_from < earliest:
        raise Refusal("NoticeTooShort", {"given": a.in_force_from, "earliest": earliest})
    return Plan((registrar_signs(world),), lambda: (TenorCapSet(sequence, a.cap, a.in_force_from),))


def stop_issue(world: World, a: StopIssue, call: Call) -> Plan:
    """The registrar stops one issuer or lets it issue again; or, for good, stops all issue here."""
    sequence = _advanced(world, a.sequence)
    if a.issuer == 0:
        if not a.stopped:
            raise Refusal("StopIsFinal")
        if world.settings.run_off:
            raise Refusal("InRunOff")
    elif issuer_of(world, a.issuer).stopped == a.stopped:
        raise Refusal("IssueUnchanged", {"issuer": a.issuer, "stopped": a.stopped})
    return Plan((registrar_signs(world),), lambda: (IssueStopped(a.issuer, sequence, a.stopped, a.reason),))


def require_issuing(world: World, issuer: PartyNumber) -> None:
    """Refusal where this ledger is in run-off or the one before is not, or the issuer is stopped or overdue."""
    if world.settings.run_off:
        raise Refusal("InRunOff")
    if world.inherited is not None and not world.inherited.run_off:
        raise Refusal("PredecessorIssues", {"predecessor": world.inherited.predecessor})
    record = standing_of(world, issuer)
    if record.stopped:
        raise Refusal("IssuerStopped", {"issuer": issuer})
    if record.overdue:
        raise Refusal("IssuerOverdue", {"issuer": issuer, "overdue": record.overdue})


def _advanced(world: World, given: int) -> int:
    """The settings' sequence consumed; they have no id, so the refusal says 0."""
    present = world.settings.sequence
    if given != present:
        raise Refusal("WrongSequence", {"id": 0, "given": given, "present": present})
    return present + 1
