"""From what day a voucher is overdue, and the verb by which anyone says so.

Nothing becomes overdue by itself: a voucher whose due day and grace have passed unpaid is on its record day until
somebody declares it. No clock is read here, and what an overdue voucher may still do stands with each verb.
"""

from __future__ import annotations

from ledger.agreements import VoucherId
from ledger.calendar import Day
from ledger.consent import Call, Plan
from ledger.errors import Refusal
from ledger.events import VoucherOverdue
from ledger.life import live, require_unfrozen
from ledger.payment import DeclareOverdue
from ledger.world import Lock, World, promise_of


def overdue_from(world: World, number: VoucherId) -> Day:
    """First day on which a voucher can be declared overdue: the one after due day and grace, China time."""
    promise = world.promises[promise_of(number)]
    return Day(promise.due_day + world.lines[promise.line].grace + 1)


def declare_overdue(world: World, a: DeclareOverdue, call: Call) -> Plan:
    """Due day and grace have passed, and nobody says that it was paid. Nobody signs.

    A sale with nothing asserted ends; a pledge stays.
    """
    v = live(world, a.voucher, call.today)
    require_unfrozen(world, a.voucher, v)
    if v.locks & Lock.OVERDUE:
        raise Refusal("AlreadyOverdue", {"voucher": a.voucher})
    if v.locks & Lock.PAYMENT:
        raise Refusal("PaymentPending", {"voucher": a.voucher})
    first = overdue_from(world, a.voucher)
    if call.today < first:
        raise Refusal("NotYetOverdue", {"from": first, "today": call.today})
    return Plan((), lambda: (VoucherOverdue(a.voucher, v.face, call.today),))
