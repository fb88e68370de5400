"""The next World from an event: the one place where a World changes.

The chain's events alone rebuild what the contracts store. What an event leaves unsaid is derived by rule,
here:
- the asserter of a payment: the voucher's funder for a disbursement, the line's bank for a settlement;
- an asserted payment that was agreed takes effect at once, unless the voucher is frozen: then it is confirmed
  and waits; every other payment completes with its own event;
- asserting a settlement ends a sale that the due day has overtaken, and so does declaring the voucher overdue;
- a first contest's day stays when a contested payment is asserted anew;
- a settlement of a pledged voucher lowers the secured sum; at 0 the pledge has ended;
- a settlement or cancellation of an overdue voucher lowers what its issuer has overdue;
- a tenor cap announced earlier and in force by then is the present one when the next is announced;
- each event on a voucher moves its sequence by one, but for those of invoices, which come with another, and
  `Parted`, one per part, which names the sequence that the whole split led to;
- a transfer makes the tier one more, but for an overdue voucher, which goes back up the chain;
- a court freeze whose last day has passed is gone with the voucher's next event.
`fold` judges no rule, but an event that cannot follow on what is known (an unknown subject, a sequence that
jumps, more paid than owed) is a VerificationError (`impossible.py`). The registry's part is in
`fold_registry.py`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, replace
from typing import Final

from ledger.agreements import LineId, PartyNumber, Purpose, VoucherId
from ledger.calendar import Day, Timestamp, day_of
from ledger.errors import VerificationError
from ledger.events import (
    Cancelled,
    Discounted,
    Event,
    InvoiceReturned,
    InvoiceUsed,
    Issued,
    IssueRevoked,
    IssueStopped,
    LedgerEvent,
    LineFreezing,
    LineGranted,
    LineResized,
    Parted,
    PaymentAsserted,
    PaymentAwarded,
    PaymentCompleted,
    PaymentConfirmed,
    PaymentContested,
    PaymentWithdrawn,
    PledgeReleased,
    RegistryEvent,
    Rescinded,
    Revoked,
    TenorCapSet,
    Transferred,
    VoucherEvent,
    VoucherFrozen,
    VoucherOverdue,
    VoucherPledged,
    VoucherUnfrozen,
)
from ledger.fold_registry import fold_registry
from ledger.impossible import known, less, next_sequence
from ledger.world import (
    NO_LOCK,
    PAYMENT_LOCKS,
    Draft,
    InvoiceUse,
    Line,
    Lock,
    Payment,
    PledgeRecord,
    Promise,
    Voucher,
    World,
    issuer_of,
    lift_freeze,
    promise_of,
)


def fold(world: World, event: Event, *, timestamp: Timestamp) -> World:
    """The World after the event, whose block has that timestamp. VerificationError where it cannot follow."""
    return fold_all(world, [(event, timestamp)])


def fold_all(world: World, events: Iterable[tuple[Event, Timestamp]]) -> World:
    """As `fold`, over many events with the timestamps of their blocks, in their order on the chain."""
    draft = world.draft()
    for event, timestamp in events:
        fold_into(draft, event, day=day_of(timestamp))
    return draft.world()


def fold_into(draft: Draft, event: Event, *, day: Day) -> None:
    """As `fold`, in place, for an event whose block is of that day (China time). After a VerificationError the draft is
    of no use any more."""
    kind = type(event)
    if kind in _OF_VOUCHERS:
        _fold_voucher(draft, event, day)  # type: ignore[arg-type]
    elif kind in _OF_REGISTRY:
        fold_registry(draft, event)  # type: ignore[arg-type]
    else:
        _fold_ledger(draft, event, day)  # type: ignore[arg-type]


_OF_VOUCHERS: Final = frozenset(VoucherEvent.__args__)
_OF_REGISTRY: Final = frozenset(RegistryEvent.__args__)


# Settings, lines, promises, invoices


def _fold_ledger(draft: Draft, event: LedgerEvent, day: Day) -> None:
    match event:
        case TenorCapSet() | IssueStopped():
            _fold_settings(draft, event, day)
        case LineGranted():
            if event.line in draft.lines:
                raise VerificationError(f"line {event.line} was granted twice")
            draft.lines[event.line] = Line(
                issuer=event.issuer,
                parent=event.parent,
                limit=event.limit,
                expiry=event.expiry,
                smallest_part=event.smallest_part,
                window=event.window,
                grace=event.grace,
                countersign=event.countersign,
            )
        case LineResized():
            _change_line(draft, event.line, event.sequence, limit=event.limit, expiry=event.expiry)
        case LineFreezing():
            _change_line(draft, event.line, event.sequence, frozen=event.frozen)
        case Issued():
            _issue(draft, event)
        case IssueRevoked():
            _new_voucher(draft, event.voucher, Voucher(face=0, holder=PartyNumber(0), tier=0))
        case InvoiceUsed():
            key = (event.payer, event.fingerprint)
            used = draft.invoice_uses[key].used if key in draft.invoice_uses else 0
            draft.invoice_uses[key] = InvoiceUse(event.total, used + event.amount)
        case InvoiceReturned():
            key = (event.payer, event.fingerprint)
            use = known(draft.invoice_uses, key, "invoice")
            draft.invoice_uses[key] = replace(
                use, used=less(use.used, event.amount, f"invoice {key[1].hex()}")
            )


def _fold_settings(draft: Draft, event: TenorCapSet | IssueStopped, day: Day) -> None:
    settings = draft.settings
    sequence = next_sequence(settings.sequence, event.sequence, "the ledger's settings")
    settings = replace(settings, sequence=sequence)
    if isinstance(event, TenorCapSet):
        settings = replace(
            settings,
            tenor_cap=settings.tenor_cap_on(day),
            next_tenor_cap=event.cap,
            next_tenor_cap_from=event.in_force_from,
        )
    elif event.issuer:
        draft.issuers[event.issuer] = replace(issuer_of(draft, event.issuer), stopped=event.stopped)
    else:
        settings = replace(settings, run_off=True)
    draft.settings = settings


def _change_line(draft: Draft, line: LineId, sequence: int, **changes: object) -> None:
    present = known(draft.lines, line, "line")
    sequence = next_sequence(present.sequence, sequence, f"line {line}")
    draft.lines[line] = replace(present, sequence=sequence, **changes)  # type: ignore[arg-type]


def _issue(draft: Draft, event: Issued) -> None:
    line = known(draft.lines, event.line, "line")
    headroom = []
    for number in (event.line, line.parent) if line.parent else (event.line,):
        present = known(draft.lines, number, "line")
        draft.lines[number] = drawn = replace(present, drawn=present.drawn + event.face)
        headroom.append(drawn.limit - drawn.drawn)
    draft.promises[promise_of(event.voucher)] = Promise(
        line=event.line,
        issuer=line.issuer,
        face=event.face,
        due_day=event.due_day,
        smallest_part=event.smallest_part,
        highest_tier=event.highest_tier,
        terms=event.terms,
        tenor_reason=event.tenor_reason,
        issued_on=event.day,
        headroom=min(headroom),
        live=event.face,
    )
    _new_voucher(draft, event.voucher, Voucher(face=event.face, holder=event.supplier, tier=1))


def _release(draft: Draft, voucher: VoucherId, v: Voucher, *, paid: int = 0, cancelled: int = 0) -> Voucher:
    """The voucher without face that is no longer owed, which leaves promise, line, parent and issuer too."""
    number = promise_of(voucher)
    promise = known(draft.promises, number, "promise")
    face = paid + cancelled
    draft.promises[number] = replace(
        promise,
        live=less(promise.live, face, f"live face of promise {number:#042x}"),
        settled=promise.settled + paid,
        cancelled=promise.cancelled + cancelled,
    )
    line = known(draft.lines, promise.line, "line")
    for each in (promise.line, line.parent) if line.parent else (promise.line,):
        present = known(draft.lines, each, "line")
        draft.lines[each] = replace(present, drawn=less(present.drawn, face, f"drawn of line {each}"))
    if v.locks & Lock.OVERDUE:
        record = issuer_of(draft, promise.issuer)
        what = f"overdue face of issuer {promise.issuer}"
        draft.issuers[promise.issuer] = replace(record, overdue=less(record.overdue, face, what))
    return replace(v, face=less(v.face, face, f"face of voucher {voucher:#066x}"))


# Vouchers


def _fold_voucher(draft: Draft, event: VoucherEvent, day: Day) -> None:
    number = event.voucher
    v = _touched(draft, number, day)
    if type(event) is Transferred:  # by far the commonest: one copy, not two
        recourse = bool(v.locks and v.locks & Lock.OVERDUE)
        tier = v.tier if recourse else v.tier + 1
        draft.vouchers[number] = _stepped(v, sequence=v.sequence + 1, holder=event.recipient, tier=tier)
        return
    # one Parted per part, each with the sequence that the whole split led to; a court order moves none
    same_split = isinstance(event, Parted) and event.sequence == v.sequence
    stays = same_split or isinstance(event, (VoucherFrozen, VoucherUnfrozen))
    v = _stepped(v, sequence=v.sequence if stays else v.sequence + 1)
    match event:
        case Parted():
            next_sequence(v.sequence - 1, event.sequence, f"voucher {number:#066x}")
            child = Voucher(
                face=event.face, holder=event.recipient, tier=event.tier, locks=v.locks & Lock.OVERDUE
            )
            _new_voucher(draft, event.child, child)
            v = _stepped(v, face=less(v.face, event.face, f"face of voucher {number:#066x}"))
        case Discounted():
            v = replace(v, locks=v.locks | Lock.DISCOUNT, funder=event.funder, pay_by=event.pay_by)
        case Rescinded():
            v = v.undiscounted()
        case PaymentAsserted():
            v = _assert_payment(draft, event, v)
        case PaymentConfirmed():
            v = replace(v, locks=v.locks | Lock.CONFIRMED)
        case PaymentContested():
            v = replace(v, locks=v.locks | Lock.CONTESTED)
            payment = known(draft.payments, number, "payment of voucher")
            draft.payments[number] = replace(payment, contested_on=event.day)
        case PaymentWithdrawn():
            v = _unasserted(draft, number, v)
        case PaymentCompleted():
            v = _pay(draft, number, v, purpose=event.purpose, amount=event.amount)
        case PaymentAwarded():
            payment = known(draft.payments, number, "payment of voucher")
            if event.paid:
                v = _pay(draft, number, v, purpose=payment.purpose, amount=payment.amount)
            else:
                v = _unasserted(draft, number, v)
        case VoucherPledged():
            v = replace(v, locks=v.locks | Lock.PLEDGE)
            draft.pledges[number] = PledgeRecord(
                pledgee=event.pledgee, secured=event.secured, end_day=event.end_day
            )
        case PledgeReleased():
            v = _unpledged(draft, number, v)
        case VoucherOverdue():
            v = _overdue(draft, event, v)
        case VoucherFrozen():
            v = replace(v, locks=v.locks | Lock.FREEZE)
            draft.freezes[number] = event.until
            draft.spent_orders.add((event.order, number))
        case VoucherUnfrozen():
            v = replace(v, locks=v.locks & ~Lock.FREEZE)
            draft.freezes.pop(number, None)
            draft.spent_orders.add((event.order, number))
        case Cancelled():
            v = _release(draft, number, v, cancelled=event.face)
        case Revoked():
            pass  # the sequence is all that moves
    draft.vouchers[number] = v


# A frozen record is filled by its class's slots: its own way of doing that looks each of them up by name.
_BLANK: Final = object.__new__
_FACE, _HOLDER, _TIER, _SEQUENCE, _LOCKS, _FUNDER, _PAY_BY = (
    getattr(Voucher, each.name).__set__ for each in fields(Voucher)
)


def _stepped(
    v: Voucher,
    *,
    face: int | None = None,
    holder: PartyNumber | None = None,
    tier: int | None = None,
    sequence: int | None = None,
) -> Voucher:
    """As `replace`, in a tenth of the time: every event on a voucher passes here."""
    stepped = _BLANK(Voucher)
    _FACE(stepped, v.face if face is None else face)
    _HOLDER(stepped, v.holder if holder is None else holder)
    _TIER(stepped, v.tier if tier is None else tier)
    _SEQUENCE(stepped, v.sequence if sequence is None else sequence)
    _LOCKS(stepped, v.locks)
    _FUNDER(stepped, v.funder)
    _PAY_BY(stepped, v.pay_by)
    return stepped


def _assert_payment(draft: Draft, event: PaymentAsserted, v: Voucher) -> Voucher:
    if event.purpose == Purpose.SETTLEMENT:
        v = v.undiscounted()
    if event.agreed and not v.locks & Lock.FREEZE:
        return _pay(draft, event.voucher, v, purpose=event.purpose, amount=event.amount)
    before = draft.payments.get(event.voucher) if v.locks & Lock.CONTESTED else None
    draft.payments[event.voucher] = Payment(
        purpose=event.purpose,
        payee=event.payee,
        amount=event.amount,
        asserted_on=event.day,
        contested_on=before.contested_on if before else Day(0),
    )
    confirmed = Lock.CONFIRMED if event.agreed else NO_LOCK
    return replace(v, locks=v.locks | Lock.PAYMENT | confirmed)


def _pay(draft: Draft, number: VoucherId, v: Voucher, *, purpose: Purpose, amount: int) -> Voucher:
    v = _unasserted(draft, number, v)
    if purpose == Purpose.DISBURSEMENT:
        return replace(v.undiscounted(), holder=v.funder)
    v = _release(draft, number, v, paid=amount)
    if not v.locks & Lock.PLEDGE:
        return v
    pledge = known(draft.pledges, number, "pledge of voucher")
    secured = less(pledge.secured, amount, f"secured sum of voucher {number:#066x}")
    if not secured:
        return _unpledged(draft, number, v)
    draft.pledges[number] = replace(pledge, secured=secured)
    return v


def _unasserted(draft: Draft, number: VoucherId, v: Voucher) -> Voucher:
    draft.payments.pop(number, None)
    return replace(v, locks=v.locks & ~PAYMENT_LOCKS)


def _unpledged(draft: Draft, number: VoucherId, v: Voucher) -> Voucher:
    draft.pledges.pop(number, None)
    return replace(v, locks=v.locks & ~Lock.PLEDGE)


def _overdue(draft: Draft, event: VoucherOverdue, v: Voucher) -> Voucher:
    if event.face != v.face:
        raise VerificationError(
            f"voucher {event.voucher:#066x} of {v.face} fen was declared overdue with {event.face}"
        )
    issuer = known(draft.promises, promise_of(event.voucher), "promise").issuer
    record = issuer_of(draft, issuer)
    draft.issuers[issuer] = replace(record, overdue=record.overdue + event.face)
    v = v.undiscounted()
    return replace(v, locks=v.locks | Lock.OVERDUE)


def _new_voucher(draft: Draft, number: VoucherId, voucher: Voucher) -> None:
    if number in draft.vouchers:
        raise VerificationError(f"voucher {number:#066x} was made twice")
    draft.vouchers[number] = voucher


def _touched(draft: Draft, number: VoucherId, day: Day) -> Voucher:
    voucher = draft.vouchers.get(number)
    if voucher is None:
        voucher = known(draft.vouchers, number, "voucher")
    if draft.freezes and number in draft.freezes and draft.freezes[number] < day:
        lift_freeze(draft, number)
        return draft.vouchers[number]
    return voucher
