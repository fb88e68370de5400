"""A voucher's money: sold to a funder subject to disbursement, and the one payment rule.

Who paid asserts it; the payee confirms or contests; silence through the line's window completes it. Nobody's
word alone moves the claim, and nothing here knows a price: a disbursement carries no amount. Plans as in
`life.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

from ledger.agreements import (
    AssertPayment,
    ConfirmPayment,
    ContestPayment,
    Discount,
    PartyNumber,
    Purpose,
    Rescind,
    VoucherId,
    WithdrawPayment,
)
from ledger.calendar import Day
from ledger.errors import Refusal
from ledger.events import (
    Discounted,
    Event,
    PaymentAsserted,
    PaymentCompleted,
    PaymentConfirmed,
    PaymentContested,
    PaymentWithdrawn,
    Rescinded,
)
from ledger.life import advanced, locked, movable
from ledger.party import Call, Duty, Need, Plan, is_suspended, silent_since
from ledger.world import Lock, Payment, Promise, Voucher, World, bank_of, promise_of


@dataclass(frozen=True, slots=True)
class CompletePayment:
    """The verb that nobody signs: anyone may say that a payee's silence has lasted long enough."""

    voucher: VoucherId


def silence_from(world: World, number: VoucherId, payment: Payment) -> Day | None:
    """First day on which silence completes the payment; None while the payee's key is being recovered."""
    since = silent_since(world, payment.payee)
    if since is None:
        return None
    window = world.lines[world.promises[promise_of(number)].line].window
    return Day(max(since, payment.asserted_on) + window + 1)


# Discount


def discount(world: World, a: Discount, call: Call) -> Plan:
    """Holder and funder agree on a sale under a quote; the voucher is locked until paid or rescinded."""
    v, promise = movable(world, a.voucher, a.sequence, overdue=False, today=call.today)
    funder = a.funder
    if funder == v.holder:
        raise Refusal("SameParty", {"party": funder})
    if a.pay_by < call.today:
        raise Refusal("PayByPassed", {"payBy": a.pay_by, "today": call.today})
    window = world.lines[promise.line].window
    latest = promise.due_day - window - 2
    if a.pay_by > latest:
        raise Refusal("PayByTooLate", {"payBy": a.pay_by, "latest": latest})
    return Plan(
        (Duty(v.holder, Need.SELL, to=funder), Duty(funder, Need.FUND)),
        lambda: (Discounted(a.voucher, funder, a.quote, a.pay_by),),
    )


def rescind(world: World, a: Rescind, call: Call) -> Plan:
    """Funder, or holder once the price is late or the funder suspended, ends a sale with nothing asserted."""
    v = advanced(world, a.voucher, a.sequence, today=call.today)
    by = a.by
    if not v.locks & Lock.DISCOUNT:
        raise Refusal("NotDiscounted", {"voucher": a.voucher})
    if v.locks & Lock.PAYMENT:
        raise Refusal("PaymentPending", {"voucher": a.voucher})
    if by == v.holder:
        late_from = v.pay_by + 2
        if call.today < late_from and not is_suspended(world, v.funder):
            raise Refusal("RescindTooEarly", {"from": late_from, "today": call.today})
    elif by != v.funder:
        raise Refusal("NotConcerned", {"voucher": a.voucher, "party": by})
    return Plan((Duty(by, Need.DEFEND),), lambda: (Rescinded(a.voucher, by),))


# Assert


def assert_payment(world: World, a: AssertPayment, call: Call) -> Plan:
    """Who paid says so. With more than one consent, or to itself, it is agreed and takes effect at once."""
    v = advanced(world, a.voucher, a.sequence, today=call.today)
    promise = world.promises[promise_of(a.voucher)]
    if a.value_day > call.today:
        raise Refusal("ValueDayAhead", {"valueDay": a.value_day, "today": call.today})
    if a.purpose == Purpose.DISBURSEMENT:
        duties = _disbursement_duties(world, a, v, call=call)
    else:
        duties = _settlement_duties(world, a, v, promise=promise, call=call)
    agreed = len(duties) > 1 or duties[0].party == a.payee

    def act() -> tuple[Event, ...]:
        return (
            PaymentAsserted(
                a.voucher,
                a.purpose,
                a.payee,
                a.amount,
                a.value_day,
                a.payment_reference,
                agreed,
                call.today,
            ),
        )

    return Plan(duties, act)


def _disbursement_duties(world: World, a: AssertPayment, v: Voucher, *, call: Call) -> tuple[Duty, ...]:
    if not v.locks & Lock.DISCOUNT:
        raise Refusal("NotDiscounted", {"voucher": a.voucher})
    if v.locks & Lock.PAYMENT:
        _require_reassertable(world, a, v)
    elif call.today > v.pay_by + 1:
        raise Refusal("AssertTooLate", {"lastDay": v.pay_by + 1, "today": call.today})
    _require_sum(a.amount, 0)
    return _payment_duties(a, v, asserter=v.funder, call=call)


def _settlement_duties(
    world: World, a: AssertPayment, v: Voucher, *, promise: Promise, call: Call
) -> tuple[Duty, ...]:
    bank = bank_of(promise.line)
    due = call.today >= promise.due_day
    _require_sum(a.amount, v.face)
    if due and v.locks & Lock.PAYMENT and v.locks & Lock.DISCOUNT:
        # an unfinished disbursement: holder and funder say together who is to be paid. Not while frozen: the bank alone
        # could withdraw what waits for the end of the freeze, and the funder's word would be gone.
        if v.locks & Lock.FREEZE:
            raise Refusal("InFreeze", {"voucher": a.voucher, "until": world.freezes[a.voucher]})
        if a.payee not in (v.holder, v.funder):
            raise Refusal("WrongPayee", {"given": a.payee, "expected": v.holder})
        return tuple(Duty(party, Need.DEFEND) for party in (bank, v.holder, v.funder))
    if v.locks & Lock.PAYMENT:
        _require_reassertable(world, a, v)
    if not due:
        if v.locks & Lock.DISCOUNT:
            raise locked(a.voucher, v)
        if not _payee_signs(call) and bank != v.holder:
            raise Refusal("HolderMustSign", {"dueDay": promise.due_day, "today": call.today})
    return _payment_duties(a, v, asserter=bank, call=call)


def _payment_duties(a: AssertPayment, v: Voucher, *, asserter: PartyNumber, call: Call) -> tuple[Duty, ...]:
    """The asserter, and the payee, who is the holder, where it signs too."""
    if a.payee != v.holder:
        raise Refusal("WrongPayee", {"given": a.payee, "expected": v.holder})
    parties = (asserter, v.holder) if _payee_signs(call) else (asserter,)
    return tuple(Duty(party, Need.DEFEND) for party in parties)


def _payee_signs(call: Call) -> bool:
    """The one place where the number of consents says what is agreed."""
    return call.consents is not None and len(call.consents) > 1


def _require_sum(given: int, expected: int) -> None:
    if given != expected:
        raise Refusal("WrongAmount", {"given": given, "expected": expected})


def _require_reassertable(world: World, a: AssertPayment, v: Voucher) -> None:
    """A payment under way gives way only to one for the same purpose, where it was contested, not since confirmed."""
    answered = v.locks & Lock.CONTESTED and not v.locks & Lock.CONFIRMED
    if not answered or world.payments[a.voucher].purpose != a.purpose:
        raise Refusal("PaymentPending", {"voucher": a.voucher})


# Answers


def confirm_payment(world: World, a: ConfirmPayment, call: Call) -> Plan:
    """The payee has the money; while the voucher is frozen that waits for `complete_payment`."""
    v, payment = _under_payment(world, a.voucher, a.sequence, today=call.today)
    _require_unconfirmed(a.voucher, v)

    def act() -> tuple[Event, ...]:
        if v.locks & Lock.FREEZE:
            return (PaymentConfirmed(a.voucher, payment.payee),)
        return (_completed(a.voucher, payment),)

    return Plan((Duty(payment.payee, Need.DEFEND),), act)


def contest_payment(world: World, a: ContestPayment, call: Call) -> Plan:
    """The payee does not have the money; from now on silence completes nothing."""
    v, payment = _under_payment(world, a.voucher, a.sequence, today=call.today)
    _require_unconfirmed(a.voucher, v)
    if v.locks & Lock.CONTESTED:
        raise Refusal("PaymentIsContested", {"voucher": a.voucher})
    by = a.by
    if by != payment.payee:
        raise Refusal("NotConcerned", {"voucher": a.voucher, "party": by})
    completable = silence_from(world, a.voucher, payment)
    if completable is not None and call.today >= completable:
        raise Refusal("WindowEnded", {"lastDay": completable - 1, "today": call.today})
    return Plan(
        (Duty(by, Need.DEFEND),),
        lambda: (PaymentContested(a.voucher, by, a.reason, call.today),),
    )


def withdraw_payment(world: World, a: WithdrawPayment, call: Call) -> Plan:
    """The asserter takes its word back: the funder, or the line's bank."""
    v, payment = _under_payment(world, a.voucher, a.sequence, today=call.today)
    bank = bank_of(world.promises[promise_of(a.voucher)].line)
    asserter = v.funder if payment.purpose == Purpose.DISBURSEMENT else bank
    return Plan((Duty(asserter, Need.DEFEND),), lambda: (PaymentWithdrawn(a.voucher),))


def complete_payment(world: World, a: CompletePayment, call: Call) -> Plan:
    """Silence has lasted, or a confirmed payment's freeze has ended. Nobody signs."""
    present = world.vouchers.get(a.voucher)
    sequence = present.sequence if present else 0
    v, payment = _under_payment(world, a.voucher, sequence, today=call.today)
    if v.locks & Lock.FREEZE:
        raise Refusal("InFreeze", {"voucher": a.voucher, "until": world.freezes[a.voucher]})
    if not v.locks & Lock.CONFIRMED:
        if v.locks & Lock.CONTESTED:
            raise Refusal("PaymentIsContested", {"voucher": a.voucher})
        completable = silence_from(world, a.voucher, payment)
        if completable is None:
            raise Refusal("PayeeRecovering", {"payee": payment.payee})
        if call.today < completable:
            raise Refusal("WindowOpen", {"from": completable, "today": call.today})
    return Plan((), lambda: (_completed(a.voucher, payment),))


def _under_payment(world: World, number: VoucherId, sequence: int, *, today: Day) -> tuple[Voucher, Payment]:
    v = advanced(world, number, sequence, today=today)
    if not v.locks & Lock.PAYMENT:
        raise Refusal("NoPayment", {"voucher": number})
    return v, world.payments[number]


def _require_unconfirmed(number: VoucherId, v: Voucher) -> None:
    if v.locks & Lock.CONFIRMED:
        raise Refusal("PaymentIsConfirmed", {"voucher": number})


def _completed(number: VoucherId, payment: Payment) -> PaymentCompleted:
    return PaymentCompleted(number, payment.payee, payment.purpose, payment.amount)
