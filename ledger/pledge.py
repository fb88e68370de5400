"""Pledge and release: a voucher stands for the pledgee's claim, and stays the holder's.

While pledged it cannot move, and the pledgee is paid first, up to the secured sum (see `payment.py`). There is no
foreclosure here: nothing makes a pledgee the holder. Plans as in `life.py`.
"""

from __future__ import annotations

from typing import Final

from ledger.agreements import Pledge, Release
from ledger.consent import Call, Duty, Need, Plan
from ledger.errors import Refusal
from ledger.events import PledgeReleased, VoucherPledged
from ledger.life import advanced, movable, require_unfrozen
from ledger.world import Lock, World, promise_of

LOWEST_SECURED: Final = 1
"""Fen."""


def pledge(world: World, a: Pledge, call: Call) -> Plan:
    """Holder and pledgee agree on the secured sum, at most the face, and on the last day of the pledge."""
    v, _ = movable(world, a.voucher, a.sequence, overdue=False, today=call.today)
    pledgee = a.pledgee
    if pledgee == v.holder:
        raise Refusal("SameParty", {"party": pledgee})
    if not LOWEST_SECURED <= a.secured <= v.face:
        raise Refusal("SecuredOutOfRange", {"given": a.secured, "lowest": LOWEST_SECURED, "highest": v.face})
    if a.end_day < call.today:
        raise Refusal("EndDayPassed", {"endDay": a.end_day, "today": call.today})
    return Plan(
        (Duty(v.holder, Need.SIGN), Duty(pledgee, Need.FUND)),
        lambda: (VoucherPledged(a.voucher, pledgee, a.secured, a.filing, a.end_day),),
    )


def release(world: World, a: Release, call: Call) -> Plan:
    """The pledgee, or the holder once the pledge's last day has passed, ends it; not on the record day."""
    v = advanced(world, a.voucher, a.sequence, today=call.today)
    by, due_day = a.by, world.promises[promise_of(a.voucher)].due_day
    overdue = bool(v.locks & Lock.OVERDUE)
    if not v.locks & Lock.PLEDGE:
        raise Refusal("NotPledged", {"voucher": a.voucher})
    require_unfrozen(world, a.voucher, v)
    if v.locks & Lock.PAYMENT:
        raise Refusal("PaymentPending", {"voucher": a.voucher})
    if due_day <= call.today and not overdue:
        raise Refusal("RecordDay", {"voucher": a.voucher, "dueDay": due_day, "today": call.today})
    present = world.pledges[a.voucher]
    if by == v.holder:
        if overdue:
            # who is to be paid first does not lose that to the holder alone once the issuer has failed
            raise Refusal("OverdueDiffers", {"voucher": a.voucher, "overdue": True})
        if call.today <= present.end_day:
            raise Refusal("ReleaseTooEarly", {"from": present.end_day + 1, "today": call.today})
    elif by != present.pledgee:
        raise Refusal("NotConcerned", {"voucher": a.voucher, "party": by})
    return Plan((Duty(by, Need.SIGN),), lambda: (PledgeReleased(a.voucher, by),))
