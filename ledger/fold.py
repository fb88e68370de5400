"""The next World from an event: the one place where a World changes.

The chain's events alone rebuild what the contracts store. What an event leaves unsaid is derived by rule,
here:
- the asserter of a payment: the voucher's funder for a disbursement, the line's bank for a settlement;
- an asserted payment that was agreed takes effect at once, unless the voucher is frozen: then it is confirmed
  and waits; every other payment completes with its own event;
- asserting a settlement ends a sale that the due day has overtaken;
- a first contest's day stays when a contested payment is asserted anew;
- a replaced signer ends a recovery: while one is under way no other way of replacing it is open;
- each event on a voucher moves its sequence by one, but for those of invoices, which come with another, and
  `Parted`, one per part, which names the sequence that the whole split led to;
- a transfer makes the tier one more;
- a court freeze whose last day has passed is gone with the voucher's next event.
`fold` judges no rule, but an event that cannot follow on what is known (an unknown subject, a sequence that
jumps, more paid than owed) is a VerificationError.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TypeVar

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
    LedgerEvent,
    LineFreezing,
    LineGranted,
    LineResized,
    Parted,
    PartyAdmitted,
    PartyRekeyed,
    PartySuspension,
    PaymentAsserted,
    PaymentCompleted,
    PaymentConfirmed,
    PaymentContested,
    PaymentWithdrawn,
    RegistryEvent,
    RekeyProposed,
    RekeyVetoed,
    RekeyWithdrawn,
    Rescinded,
    Revoked,
    Transferred,
    VoucherEvent,
    VoucherFrozen,
    VoucherUnfrozen,
)
from ledger.world import (
    NO_LOCK,
    PAYMENT_LOCKS,
    Draft,
    InvoiceUse,
    Line,
    Lock,
    Party,
    Payment,
    Promise,
    Recovery,
    Status,
    Voucher,
    World,
    lift_freeze,
    promise_of,
)

K = TypeVar("K")
V = TypeVar("V")


def fold(world: World, event: Event, *, timestamp: Timestamp) -> World:
    """The World after the event, whose block has that timestamp. VerificationError where it cannot follow."""
    return fold_all(world, [(event, timestamp)])


def fold_all(world: World, events: Iterable[tuple[Event, Timestamp]]) -> World:
    """As `fold`, over many events with the timestamps of their blocks, in their order on the chain."""
    draft = world.draft()
    for event, timestamp in events:
        if isinstance(event, RegistryEvent):
            _fold_party(draft, event)
        else:
            _fold_ledger(draft, event, day_of(timestamp))
    return draft.world()


# Registry


def _fold_party(draft: Draft, event: RegistryEvent) -> None:
    if isinstance(event, PartyAdmitted):
        if event.party in draft.parties:
            raise VerificationError(f"party {event.party} was admitted twice")
        draft.parties[event.party] = Party(
            signer=event.signer,
            kind=event.kind,
            signature_gas=event.signature_gas,
            roles=event.roles,
            sponsor=event.sponsor,
            profile=event.profile,
        )
        draft.signers[event.signer] = event.party
        return
    party = _known(draft.parties, event.party, "party")
    party = replace(party, sequence=_next(party.sequence, event.sequence, f"party {event.party}"))
    match event:
        case PartySuspension():
            flag = Status.SUSPENDED
            party = replace(party, status=party.status | flag if event.suspended else party.status & ~flag)
        case RekeyProposed():
            party = replace(party, status=party.status | Status.RECOVERING)
            draft.recoveries[event.party] = Recovery(
                signer=event.signer,
                kind=event.kind,
                signature_gas=event.signature_gas,
                ready_on=event.ready_on,
            )
            draft.signers[event.signer] = event.party
        case RekeyVetoed():
            recovery = _known(draft.recoveries, event.party, "recovery of party")
            draft.recoveries[event.party] = replace(recovery, vetoed=True, ready_on=event.ready_on)
        case RekeyWithdrawn():
            party = _recovered(draft, event.party, party, event.recovered_on)
        case PartyRekeyed():
            party = _recovered(draft, event.party, party, event.recovered_on)
            party = replace(party, signer=event.signer, kind=event.kind, signature_gas=event.signature_gas)
            draft.signers[event.signer] = event.party
    draft.parties[event.party] = party


def _recovered(draft: Draft, number: PartyNumber, party: Party, recovered_on: Day) -> Party:
    draft.recoveries.pop(number, None)
    return replace(party, status=party.status & ~Status.RECOVERING, recovered_on=recovered_on)


# Lines, promises, invoices


def _fold_ledger(draft: Draft, event: LedgerEvent, day: Day) -> None:
    match event:
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
            use = _known(draft.invoice_uses, key, "invoice")
            draft.invoice_uses[key] = replace(
                use, used=_less(use.used, event.amount, f"invoice {key[1].hex()}")
            )
        case _:
            voucher = _touched(draft, event.voucher, day)
            # one Parted per part, each with the sequence that the whole split led to; a court order moves none
            same_split = isinstance(event, Parted) and event.sequence == voucher.sequence
            if not same_split and not isinstance(event, VoucherFrozen | VoucherUnfrozen):
                voucher = replace(voucher, sequence=voucher.sequence + 1)
            _fold_voucher(draft, event, voucher)


def _change_line(draft: Draft, line: LineId, sequence: int, **changes: object) -> None:
    present = _known(draft.lines, line, "line")
    sequence = _next(present.sequence, sequence, f"line {line}")
    draft.lines[line] = replace(present, sequence=sequence, **changes)  # type: ignore[arg-type]


def _issue(draft: Draft, event: Issued) -> None:
    line = _known(draft.lines, event.line, "line")
    headroom = []
    for number in (event.line, line.parent) if line.parent else (event.line,):
        present = _known(draft.lines, number, "line")
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


def _release(draft: Draft, voucher: VoucherId, *, paid: int = 0, cancelled: int = 0) -> None:
    number = promise_of(voucher)
    promise = _known(draft.promises, number, "promise")
    face = paid + cancelled
    draft.promises[number] = replace(
        promise,
        live=_less(promise.live, face, f"live face of promise {number:#042x}"),
        settled=promise.settled + paid,
        cancelled=promise.cancelled + cancelled,
    )
    line = _known(draft.lines, promise.line, "line")
    for each in (promise.line, line.parent) if line.parent else (promise.line,):
        present = _known(draft.lines, each, "line")
        draft.lines[each] = replace(present, drawn=_less(present.drawn, face, f"drawn of line {each}"))


# Vouchers


def _fold_voucher(draft: Draft, event: VoucherEvent, v: Voucher) -> None:
    """`v` is the event's voucher, with its sequence as the event leaves it."""
    number = event.voucher
    match event:
        case Parted():
            _next(v.sequence - 1, event.sequence, f"voucher {number:#066x}")
            child = Voucher(
                face=event.face, holder=event.recipient, tier=event.tier, locks=v.locks & Lock.OVERDUE
            )
            _new_voucher(draft, event.child, child)
            v = replace(v, face=_less(v.face, event.face, f"face of voucher {number:#066x}"))
        case Transferred():
            v = replace(v, holder=event.recipient, tier=v.tier + 1)
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
            payment = _known(draft.payments, number, "payment of voucher")
            draft.payments[number] = replace(payment, contested_on=event.day)
        case PaymentWithdrawn():
            v = replace(v, locks=v.locks & ~PAYMENT_LOCKS)
            draft.payments.pop(number, None)
        case PaymentCompleted():
            v = _pay(draft, number, v, purpose=event.purpose, amount=event.amount)
        case VoucherFrozen():
            v = replace(v, locks=v.locks | Lock.FREEZE)
            draft.freezes[number] = event.until
            draft.spent_orders.add((event.order, number))
        case VoucherUnfrozen():
            v = replace(v, locks=v.locks & ~Lock.FREEZE)
            draft.freezes.pop(number, None)
            draft.spent_orders.add((event.order, number))
        case Cancelled():
            v = replace(v, face=_less(v.face, event.face, f"face of voucher {number:#066x}"))
            _release(draft, number, cancelled=event.face)
        case Revoked():
            pass  # the sequence is all that moves
    draft.vouchers[number] = v


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
    draft.payments.pop(number, None)
    v = replace(v, locks=v.locks & ~PAYMENT_LOCKS)
    if purpose == Purpose.DISBURSEMENT:
        return replace(v.undiscounted(), holder=v.funder)
    _release(draft, number, paid=amount)
    return replace(v, face=_less(v.face, amount, f"face of voucher {number:#066x}"))


def _new_voucher(draft: Draft, number: VoucherId, voucher: Voucher) -> None:
    if number in draft.vouchers:
        raise VerificationError(f"voucher {number:#066x} was made twice")
    draft.vouchers[number] = voucher


def _touched(draft: Draft, number: VoucherId, day: Day) -> Voucher:
    _known(draft.vouchers, number, "voucher")
    if draft.freezes.get(number, day) < day:
        lift_freeze(draft, number)
    return draft.vouchers[number]


# What cannot be


def _known(records: dict[K, V], key: K, what: str) -> V:
    if key not in records:
        raise VerificationError(f"an event names an unknown {what}: {key}")
    return records[key]


def _next(present: int, given: int, what: str) -> int:
    if given != present + 1:
        raise VerificationError(f"{what} is at sequence {present}: an event with {given} cannot follow")
    return given


def _less(present: int, taken: int, what: str) -> int:
    if taken > present:
        raise VerificationError(f"{what} is {present}: {taken} cannot be taken from it")
    return present - taken
