"""What must hold of each voucher and of what is recorded with it: sale, payment, pledge, freeze, default.

Part of `invariants.py`, which says what is meant and adds the rules on parties and sums.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ledger.agreements import Purpose, VoucherId
from ledger.calendar import Day
from ledger.world import PAYMENT_LOCKS, Lock, Promise, Voucher, World, promise_of


def voucher_name(number: VoucherId) -> str:
    """The id as a violation writes it."""
    return f"{number:#066x}"


def invariants_of_vouchers(world: World, *, today: Day | None) -> Iterator[str]:
    """Every rule that a voucher, its payment or its pledge breaks; `today` as for `invariants`."""
    yield from _vouchers(world)
    yield from _overdue(world, today)
    yield from _pledges(world)
    yield from _payments(world)


def _vouchers(world: World) -> Iterator[str]:
    kinds: tuple[tuple[str, Lock, Mapping[VoucherId, object]], ...] = (
        ("payment", Lock.PAYMENT, world.payments),
        ("pledge", Lock.PLEDGE, world.pledges),
        ("freeze", Lock.FREEZE, world.freezes),
    )
    for number, voucher in sorted(world.vouchers.items()):
        name = f"voucher {voucher_name(number)}"
        if voucher.sequence < 1:
            yield f"{name}: sequence {voucher.sequence}"
        if voucher.face == 0:
            if voucher.locks & ~Lock.OVERDUE or voucher.funder or voucher.pay_by:
                yield f"{name}: has ended under {voucher.locks!r}, funder {voucher.funder}"
            continue
        if voucher.holder not in world.parties:
            yield f"{name}: holder {voucher.holder} is no party"
        promise = world.promises.get(promise_of(number))
        if promise is not None:
            yield from _under_promise(name, voucher, promise)
        sold = bool(voucher.locks & Lock.DISCOUNT)
        if sold != bool(voucher.funder) or sold != bool(voucher.pay_by):
            yield f"{name}: discount is {sold}, funder {voucher.funder}, pay-by day {voucher.pay_by}"
        if sold and voucher.funder == voucher.holder:
            yield f"{name}: is sold by party {voucher.holder} to itself"
        if sold and voucher.locks & (Lock.PLEDGE | Lock.OVERDUE):
            yield f"{name}: is for sale and {voucher.locks!r}"
        for kind, lock, records in kinds:
            if bool(voucher.locks & lock) != (number in records):
                there = bool(voucher.locks & lock)
                yield f"{name}: {kind} is {there}, its record says the opposite"
        if voucher.locks & PAYMENT_LOCKS and not voucher.locks & Lock.PAYMENT:
            yield f"{name}: {voucher.locks!r} without a payment"
    for kind, _, records in kinds:
        for number in sorted(records):
            if number not in world.vouchers or world.vouchers[number].face == 0:
                yield f"voucher {voucher_name(number)}: a {kind} is recorded, the voucher is not live"


def _under_promise(name: str, voucher: Voucher, promise: Promise) -> Iterator[str]:
    if not 1 <= voucher.tier <= promise.highest_tier:
        yield f"{name}: tier {voucher.tier}, the highest is {promise.highest_tier}"
    # only a payment in part can leave less
    if voucher.face < promise.smallest_part and not promise.settled:
        yield f"{name}: face {voucher.face} fen is below the smallest part, {promise.smallest_part}"
    if voucher.locks & Lock.DISCOUNT and voucher.pay_by >= promise.due_day:
        yield f"{name}: pay-by day {voucher.pay_by} is not before the due day, {promise.due_day}"


def _overdue(world: World, today: Day | None) -> Iterator[str]:
    for number, voucher in sorted(world.vouchers.items()):
        promise = world.promises.get(promise_of(number))
        line = world.lines.get(promise.line) if promise else None
        if promise is None or line is None or today is None or not voucher.locks & Lock.OVERDUE:
            continue
        first = promise.due_day + line.grace + 1
        if today < first:
            yield (
                f"voucher {voucher_name(number)}: is overdue on day {today}, due on {promise.due_day} with "
                f"{line.grace} days of grace: possible from {first}"
            )


def _pledges(world: World) -> Iterator[str]:
    for number, pledge in sorted(world.pledges.items()):
        voucher = world.vouchers.get(number)
        if voucher is None:
            continue
        name = f"pledge of voucher {voucher_name(number)}"
        if not 1 <= pledge.secured <= voucher.face:
            yield f"{name}: secured are {pledge.secured} fen of a face of {voucher.face}"
        if pledge.pledgee == voucher.holder or pledge.pledgee not in world.parties:
            yield f"{name}: pledgee {pledge.pledgee}, holder {voucher.holder}"


def _payments(world: World) -> Iterator[str]:
    for number, payment in sorted(world.payments.items()):
        voucher = world.vouchers.get(number)
        if voucher is None:
            continue
        name = f"payment on voucher {voucher_name(number)}"
        disburses = payment.purpose == Purpose.DISBURSEMENT
        if disburses != bool(voucher.locks & Lock.DISCOUNT):
            yield f"{name}: {payment.purpose.name} under {voucher.locks!r}"
        pledge = world.pledges.get(number)
        owed = pledge.secured if pledge else voucher.face
        if payment.amount != 0 if disburses else not 1 <= payment.amount <= owed:
            yield f"{name}: amount {payment.amount} fen, {'a price is not told' if disburses else f'owed {owed}'}"
        payee = pledge.pledgee if pledge else voucher.holder
        if payment.payee != payee:
            yield f"{name}: payee {payment.payee}, expected {payee}, holder {voucher.holder}"
        if bool(voucher.locks & Lock.CONTESTED) != bool(payment.contested_on):
            yield f"{name}: {voucher.locks!r}, first contested on day {payment.contested_on}"
