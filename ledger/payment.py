"""A voucher's money: sold to a funder subject to disbursement, and the one payment rule.

Who paid asserts it; the payee confirms or contests; silence through the line's window completes it. Nobody's
word alone moves the claim, and nothing here knows a price: a disbursement carries no amount. A contest that its
parties do not end is ended by registrar and arbiter. A pledged voucher is paid in two assertions: first to the
pledgee up to the secured sum, then the rest to the holder. Plans as in `life.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ledger.agreements import (
    AssertPayment,
    Award,
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
from ledger.consent import Call, Duty, Need, Plan, is_suspended, registrar_signs, silent_since
from ledger.errors import Refusal
from ledger.events import (
    Discounted,
    Event,
    PaymentAsserted,
    PaymentAwarded,
    PaymentCompleted,
    PaymentConfirmed,
    PaymentContested,
    PaymentWithdrawn,
    Rescinded,
)
from ledger.life import advanced, locked, movable, require_unfrozen
from ledger.world import Lock, Payment, Promise, Voucher, World, bank_of, promise_of

AWARD_DAYS: Final = 30
"""From the first contest to the first day of an award."""


@dataclass(frozen=True, slots=True)
class CompletePayment:
    """A verb that nobody signs: anyone may say that a payee's silence has lasted long enough."""

    voucher: VoucherId


@dataclass(frozen=True, slots=True)
class DeclareOverdue:
    """A verb that nobody signs: anyone may say that due day and grace have passed (see `overdue.py`)."""

    voucher: VoucherId


Unsigned = CompletePayment | DeclareOverdue
"""The verbs that no agreement stands for: state alone consumes them."""


def silence_from(world: World, number: VoucherId, payment: Payment) -> Day | None:
    """First day on which silence completes the payment; None while the key of a party to be silent is being
    recovered: the payee, and of a pledged voucher the holder too."""
    since = [silent_since(world, party) for party in _answering(world.vouchers[number], payment)]
    window = world.lines[world.promises[promise_of(number)].line].window
    latest = payment.asserted_on
    for day in since:
        if day is None:
            return None
        latest = max(latest, day)
    return Day(latest + window + 1)


def award_from(payment: Payment) -> Day | None:
    """First day of an award on a payment; None where it was never contested."""
    return Day(payment.contested_on + AWARD_DAYS) if payment.contested_on else None


def _answering(v: Voucher, payment: Payment) -> tuple[PartyNumber, ...]:
    """Who confirms, contests or is silent: the payee, and the holder too where that is the pledgee."""
    return (payment.payee,) if payment.payee == v.holder else (payment.payee, v.holder)


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
    """Who paid says so. With more than one consent, or to itself, it is agreed and takes effect at once.

    Not so where the bank is pledgee and asserter in one: it cannot answer for the holder.
    """
    v = advanced(world, a.voucher, a.sequence, today=call.today)
    promise = world.promises[promise_of(a.voucher)]
    if a.value_day > call.today:
        raise Refusal("ValueDayAhead", {"valueDay": a.value_day, "today": call.today})
    if a.purpose == Purpose.DISBURSEMENT:
        duties = _disbursement_duties(world, a, v, call=call)
    elif call.today >= promise.due_day and v.locks & Lock.PAYMENT and v.locks & Lock.DISCOUNT:
        duties = _overtaken_duties(world, a, v, bank=bank_of(promise.line))
    else:
        duties = _settlement_duties(world, a, v, promise=promise, call=call)
    agreed = len(duties) > 1 or (duties[0].party == a.payee and not v.locks & Lock.PLEDGE)

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
        _require_reassertable(world, a, v, today=call.today)
    elif call.today > v.pay_by + 1:
        raise Refusal("AssertTooLate", {"lastDay": v.pay_by + 1, "today": call.today})
    _require_sum(a.amount, 0)
    _require_payee(a.payee, v.holder)
    return _defending(v.funder, v.holder) if _others_sign(call) else _defending(v.funder)


def _overtaken_duties(world: World, a: AssertPayment, v: Voucher, *, bank: PartyNumber) -> tuple[Duty, ...]:
    """An unfinished disbursement on the due day: holder and funder say together who is to be paid.

    Not while frozen: the bank alone could withdraw what waits for the end of the freeze, and the funder's word
    would be gone.
    """
    _require_sum(a.amount, v.face)
    require_unfrozen(world, a.voucher, v)
    if a.payee != v.funder:
        _require_payee(a.payee, v.holder)
    return _defending(bank, v.holder, v.funder)


def _settlement_duties(
    world: World, a: AssertPayment, v: Voucher, *, promise: Promise, call: Call
) -> tuple[Duty, ...]:
    bank = bank_of(promise.line)
    if v.locks & Lock.PAYMENT:
        _require_reassertable(world, a, v, today=call.today)
    pledge = world.pledges[a.voucher] if v.locks & Lock.PLEDGE else None
    payable = pledge.secured if pledge else v.face
    payee = pledge.pledgee if pledge else v.holder
    if call.today < promise.due_day:
        if v.locks & (Lock.PLEDGE | Lock.DISCOUNT):
            raise locked(a.voucher, v)
        _require_sum(a.amount, v.face)
        if not _others_sign(call) and bank != v.holder:
            raise Refusal("HolderMustSign", {"dueDay": promise.due_day, "today": call.today})
    elif a.amount == 0:
        raise Refusal("ZeroAmount")
    elif a.amount > payable:
        raise Refusal("WrongAmount", {"given": a.amount, "expected": payable})
    _require_payee(a.payee, payee)
    if not _others_sign(call):
        return _defending(bank)
    return _defending(bank, payee, v.holder) if pledge else _defending(bank, payee)


def _defending(*parties: PartyNumber) -> tuple[Duty, ...]:
    return tuple(Duty(party, Need.DEFEND) for party in parties)


def _others_sign(call: Call) -> bool:
    """Whether more than the asserter signs: the one place where the number of consents says what is agreed."""
    return call.consents is not None and len(call.consents) > 1


def _require_sum(given: int, expected: int) -> None:
    if given != expected:
        raise Refusal("WrongAmount", {"given": given, "expected": expected})


def _require_payee(given: PartyNumber, expected: PartyNumber) -> None:
    if given != expected:
        raise Refusal("WrongPayee", {"given": given, "expected": expected})


def _require_reassertable(world: World, a: AssertPayment, v: Voucher, *, today: Day) -> None:
    """A payment under way gives way only to one for the same purpose, where it was contested, not since confirmed, and
    only until it can be awarded: nobody outruns the award with assertion after assertion."""
    answered = v.locks & Lock.CONTESTED and not v.locks & Lock.CONFIRMED
    payment = world.payments[a.voucher]
    late = today >= payment.contested_on + AWARD_DAYS
    if not answered or payment.purpose != a.purpose or late:
        raise Refusal("PaymentPending", {"voucher": a.voucher})


# Answers


def confirm_payment(world: World, a: ConfirmPayment, call: Call) -> Plan:
    """The payee has the money, and the holder says so too where it is the pledgee's; while the voucher is frozen
    that waits for `complete_payment`."""
    v, payment = _unanswered(world, a.voucher, a.sequence, today=call.today)

    def act() -> tuple[Event, ...]:
        if v.locks & Lock.FREEZE:
            return (PaymentConfirmed(a.voucher, payment.payee),)
        return (_completed(a.voucher, payment),)

    return Plan(_defending(*_answering(v, payment)), act)


def contest_payment(world: World, a: ContestPayment, call: Call) -> Plan:
    """Payee, or holder of a pledged voucher, says that the money is not there; silence completes nothing now."""
    v, payment = _unanswered(world, a.voucher, a.sequence, today=call.today)
    if v.locks & Lock.CONTESTED:
        raise Refusal("PaymentIsContested", {"voucher": a.voucher})
    by = a.by
    if by not in _answering(v, payment):
        raise Refusal("NotConcerned", {"voucher": a.voucher, "party": by})
    completable = silence_from(world, a.voucher, payment)
    if completable is not None and call.today >= completable:
        raise Refusal("WindowEnded", {"lastDay": completable - 1, "today": call.today})
    return Plan(_defending(by), lambda: (PaymentContested(a.voucher, by, a.reason, call.today),))


def withdraw_payment(world: World, a: WithdrawPayment, call: Call) -> Plan:
    """The asserter takes its word back: the funder, or the line's bank."""
    v, payment = _under_payment(world, a.voucher, a.sequence, today=call.today)
    asserter = _asserter(world, a.voucher, v, payment=payment)
    return Plan(_defending(asserter), lambda: (PaymentWithdrawn(a.voucher),))


def award(world: World, a: Award, call: Call) -> Plan:
    """Registrar and arbiter, neither of them concerned, decide a contest: paid, and it counts; or it is undone."""
    v, payment = _unanswered(world, a.voucher, a.sequence, today=call.today)
    first = award_from(payment)
    if not v.locks & Lock.CONTESTED or first is None:
        raise Refusal("NotContested", {"voucher": a.voucher})
    if call.today < first:
        raise Refusal("AwardTooEarly", {"from": first, "today": call.today})
    if a.paid:
        require_unfrozen(world, a.voucher, v)
    asserter = _asserter(world, a.voucher, v, payment=payment)
    if a.arbiter in (asserter, payment.payee, v.holder):
        raise Refusal("ArbiterConcerned", {"party": a.arbiter})
    return Plan(
        (registrar_signs(world, unless=v.holder), Duty(a.arbiter, Need.ARBITRATE)),
        lambda: (PaymentAwarded(a.voucher, a.arbiter, a.paid, a.ruling),),
    )


def complete_payment(world: World, a: CompletePayment, call: Call) -> Plan:
    """Silence has lasted, or a confirmed payment's freeze has ended. Nobody signs."""
    present = world.vouchers.get(a.voucher)
    sequence = present.sequence if present else 0
    v, payment = _under_payment(world, a.voucher, sequence, today=call.today)
    require_unfrozen(world, a.voucher, v)
    if not v.locks & Lock.CONFIRMED:
        if v.locks & Lock.CONTESTED:
            raise Refusal("PaymentIsContested", {"voucher": a.voucher})
        completable = silence_from(world, a.voucher, payment)
        if completable is None:
            recovering = [party for party in _answering(v, payment) if silent_since(world, party) is None]
            raise Refusal("PayeeRecovering", {"payee": recovering[0]})
        if call.today < completable:
            raise Refusal("WindowOpen", {"from": completable, "today": call.today})
    return Plan((), lambda: (_completed(a.voucher, payment),))


def _under_payment(world: World, number: VoucherId, sequence: int, *, today: Day) -> tuple[Voucher, Payment]:
    v = advanced(world, number, sequence, today=today)
    if not v.locks & Lock.PAYMENT:
        raise Refusal("NoPayment", {"voucher": number})
    return v, world.payments[number]


def _unanswered(world: World, number: VoucherId, sequence: int, *, today: Day) -> tuple[Voucher, Payment]:
    v, payment = _under_payment(world, number, sequence, today=today)
    if v.locks & Lock.CONFIRMED:
        raise Refusal("PaymentIsConfirmed", {"voucher": number})
    return v, payment


def _asserter(world: World, number: VoucherId, v: Voucher, *, payment: Payment) -> PartyNumber:
    if payment.purpose == Purpose.DISBURSEMENT:
        return v.funder
    return bank_of(world.promises[promise_of(number)].line)


def _completed(number: VoucherId, payment: Payment) -> PaymentCompleted:
    return PaymentCompleted(number, payment.payee, payment.purpose, payment.amount)
