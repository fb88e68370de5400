"""A voucher's life apart from money: issue, split, transfer, cancel, revoke, and the court's stop.

Each function plans one verb (see `consent.py`): what must hold before consents, who signs, what follows. The
order of the checks is the contract's, so that both name the same reason. Payments and discounts are in
`payment.py`, pledges in `pledge.py`, default in `overdue.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from ledger.agreements import (
    Cancel,
    CancelWhole,
    Freeze,
    Issue,
    Revoke,
    RevokeIssue,
    Split,
    Transfer,
    Unfreeze,
    VoucherId,
)
from ledger.calendar import Day
from ledger.consent import Call, Duty, Need, Plan, registrar_signs
from ledger.errors import InputError, Refusal
from ledger.events import (
    Cancelled,
    Event,
    InvoiceReturned,
    Issued,
    IssueRevoked,
    Parted,
    Revoked,
    Transferred,
    VoucherFrozen,
    VoucherUnfrozen,
)
from ledger.line import invoices_used, require_drawable
from ledger.settings import HIGHEST_TENOR, require_issuing
from ledger.signing import child_id
from ledger.world import Lock, Promise, Voucher, World, bank_of, promise_of

HIGHEST_PART_NUMBER: Final = 10_000
"""Smallest parts in one face."""
HIGHEST_PART_COUNT: Final = 20
"""Parts in one split."""
HIGHEST_FREEZE: Final = 366
"""Days from the order's landing to the last day of the freeze."""
_NO_REASON: Final = bytes(32)


# What every verb on a voucher asks


def live(world: World, number: VoucherId, today: Day) -> Voucher:
    """The voucher as it stands today, without a freeze whose last day has passed. Refusal: unknown, ended."""
    voucher = world.vouchers.get(number)
    if voucher is None:
        raise Refusal("UnknownVoucher", {"voucher": number})
    if voucher.face == 0:
        raise Refusal("VoucherEnded", {"voucher": number})
    if world.freezes.get(number, today) < today:
        return replace(voucher, locks=voucher.locks & ~Lock.FREEZE)
    return voucher


def advanced(world: World, number: VoucherId, sequence: int, *, today: Day) -> Voucher:
    """As `live`, with the sequence that the agreement names consumed."""
    voucher = live(world, number, today)
    if voucher.sequence != sequence:
        raise Refusal("WrongSequence", {"id": number, "given": sequence, "present": voucher.sequence})
    return replace(voucher, sequence=sequence + 1)


def movable(
    world: World, number: VoucherId, sequence: int, *, overdue: bool, today: Day
) -> tuple[Voucher, Promise]:
    """As `advanced`, for verbs that want a voucher under no lock, before its due day or overdue."""
    v = advanced(world, number, sequence, today=today)
    promise = world.promises[promise_of(number)]
    require_unfrozen(world, number, v)
    if v.locks & ~Lock.OVERDUE:
        raise locked(number, v)
    if bool(v.locks & Lock.OVERDUE) != overdue:
        raise Refusal("OverdueDiffers", {"voucher": number, "overdue": not overdue})
    if not overdue and today >= promise.due_day:
        raise Refusal("RecordDay", {"voucher": number, "dueDay": promise.due_day, "today": today})
    return v, promise


def require_unfrozen(world: World, number: VoucherId, v: Voucher) -> None:
    """Refusal while a court order stops the voucher; `v` is as of today."""
    if v.locks & Lock.FREEZE:
        raise Refusal("InFreeze", {"voucher": number, "until": world.freezes[number]})


def locked(number: VoucherId, v: Voucher) -> Refusal:
    """The locks that stand in the way."""
    return Refusal("Locked", {"voucher": number, "locks": int(v.locks)})


# Issue


def issue(world: World, a: Issue, call: Call) -> Plan:
    """Issuer and supplier (and a countersigning bank) make a promise and its root voucher."""
    line = world.lines.get(a.line)
    if line is None:
        raise Refusal("UnknownLine", {"line": a.line})
    if line.issuer != a.issuer:
        raise Refusal("WrongIssuer", {"line": a.line, "issuer": line.issuer, "given": a.issuer})
    if a.supplier == a.issuer:
        raise Refusal("SameParty", {"party": a.issuer})
    require_issuing(world, a.issuer)
    _require_terms(a, line.smallest_part, tenor_cap=world.settings.tenor_cap_on(call.today), today=call.today)
    root = _root(call)

    def act() -> tuple[Event, ...]:
        _require_new(world, root)
        require_drawable(world, a.line, face=a.face, today=call.today)
        used = invoices_used(world, root, payer=a.issuer, invoices=a.invoices)
        invoiced = sum(invoice.amount for invoice in a.invoices)
        if invoiced != a.face:
            raise Refusal("InvoicesDoNotMatch", {"invoices": invoiced, "face": a.face})
        issued = Issued(
            root,
            a.line,
            a.supplier,
            a.face,
            a.due_day,
            a.smallest_part,
            a.highest_tier,
            a.terms,
            a.tenor_reason,
            call.today,
        )
        return (*used, issued)

    duties = (Duty(a.issuer, Need.ISSUE), Duty(a.supplier, Need.SIGN))
    return Plan((*duties, Duty(bank_of(a.line), Need.BANK)) if line.countersign else duties, act)


def _require_terms(a: Issue, lowest_part: int, *, tenor_cap: int, today: Day) -> None:
    tenor = a.due_day - today
    if tenor <= 0:
        raise Refusal("DueDayPassed", {"dueDay": a.due_day, "today": today})
    if tenor > HIGHEST_TENOR:
        raise Refusal("TenorTooLong", {"tenor": tenor, "highest": HIGHEST_TENOR})
    if tenor > tenor_cap and a.tenor_reason == _NO_REASON:
        raise Refusal("TenorNeedsReason", {"tenor": tenor, "cap": tenor_cap})
    if a.smallest_part < lowest_part:
        raise Refusal("SmallestPartTooSmall", {"given": a.smallest_part, "lowest": lowest_part})
    _require_part(a.face, a.smallest_part)
    if a.face // a.smallest_part > HIGHEST_PART_NUMBER:
        raise Refusal("TooManyParts", {"face": a.face, "smallestPart": a.smallest_part})
    _require_tier(1, a.highest_tier)


def revoke_issue(world: World, a: RevokeIssue, call: Call) -> Plan:
    """One of those who have to sign an issue spends its id before it lands."""
    root, issued, by = _root(call), _issued(call), a.by
    if a.promise_id != promise_of(root):
        raise Refusal("UnknownVoucher", {"voucher": a.promise_id << 96})
    _require_new(world, root)
    line = world.lines.get(issued.line)
    countersigns = line is not None and line.countersign and by == bank_of(issued.line)
    if by not in (issued.issuer, issued.supplier) and not countersigns:
        raise Refusal("NotConcerned", {"voucher": root, "party": by})
    return Plan((Duty(by, Need.DEFEND),), lambda: (IssueRevoked(root, by),))


# Passing on


def split(world: World, a: Split, call: Call) -> Plan:
    """The holder passes on parts; what is left stays in the voucher. Recourse keeps every part's tier."""
    v, promise = movable(world, a.voucher, a.sequence, overdue=a.overdue, today=call.today)
    if not 1 <= len(a.parts) <= HIGHEST_PART_COUNT:
        raise Refusal("PartCount", {"given": len(a.parts), "highest": HIGHEST_PART_COUNT})
    rest = v.face
    for part in a.parts:
        if part.face > rest:
            raise Refusal("PartsExceedFace", {"asked": part.face, "face": rest})
        rest -= part.face
        _require_part(part.face, promise.smallest_part)
    if rest:
        _require_part(rest, promise.smallest_part)

    def parted() -> Iterator[Parted]:
        for place, part in enumerate(a.parts):
            child = child_id(a.voucher, a.sequence, place)
            _require_new(world, child)
            recipient = part.recipient
            tier = v.tier if recipient == v.holder else _next_tier(v, promise)
            yield Parted(a.voucher, child, recipient, part.face, tier, v.sequence)

    def act() -> tuple[Event, ...]:
        used = invoices_used(world, a.voucher, payer=v.holder, invoices=a.invoices)
        return (*used, *parted())

    recipients = (Duty(part.recipient, Need.SIGN) for part in a.parts)
    return Plan((Duty(v.holder, Need.SIGN), *recipients), act)


def transfer(world: World, a: Transfer, call: Call) -> Plan:
    """The holder passes on the whole voucher, or gives an overdue one back up the chain."""
    v, promise = movable(world, a.voucher, a.sequence, overdue=a.overdue, today=call.today)
    recipient = a.recipient
    if recipient == v.holder:
        raise Refusal("SameParty", {"party": recipient})
    _next_tier(v, promise)

    def act() -> tuple[Event, ...]:
        used = invoices_used(world, a.voucher, payer=v.holder, invoices=a.invoices)
        return (*used, Transferred(a.voucher, recipient))

    return Plan((Duty(v.holder, Need.SIGN), Duty(recipient, Need.SIGN)), act)


# Endings


def cancel(world: World, a: Cancel | CancelWhole, call: Call) -> Plan:
    """Issuer and holder end the claim; as a whole, with the issue resupplied, they get invoice use back."""
    present = world.vouchers.get(a.voucher)
    returned: tuple[Event, ...] = ()
    if isinstance(a, CancelWhole):
        issued = _issued(call)
        if a.voucher != _root(call) or (present.face if present else 0) != issued.face:
            raise Refusal("NotUndivided", {"voucher": a.voucher})
        returned = tuple(
            InvoiceReturned(a.voucher, issued.issuer, invoice.fingerprint, invoice.amount)
            for invoice in issued.invoices
        )
    overdue = present is not None and bool(present.locks & Lock.OVERDUE)
    v, promise = movable(world, a.voucher, a.sequence, overdue=overdue, today=call.today)
    return Plan(
        (Duty(promise.issuer, Need.SIGN), Duty(v.holder, Need.SIGN)),
        lambda: (Cancelled(a.voucher, v.face), *returned),
    )


def revoke(world: World, a: Revoke, call: Call) -> Plan:
    """The holder voids what was signed for the present sequence, recourse of an overdue voucher too."""
    overdue = bool(live(world, a.voucher, call.today).locks & Lock.OVERDUE)
    v, _ = movable(world, a.voucher, a.sequence, overdue=overdue, today=call.today)
    return Plan((Duty(v.holder, Need.DEFEND),), lambda: (Revoked(a.voucher),))


# The court's stop


def freeze(world: World, a: Freeze, call: Call) -> Plan:
    """The registrar carries out a court order; a further order only lengthens a freeze."""
    v = live(world, a.voucher, call.today)
    latest = call.today + HIGHEST_FREEZE
    if not call.today <= a.until <= latest:
        raise Refusal("FreezeOutOfRange", {"until": a.until, "earliest": call.today, "latest": latest})
    if (a.order, a.voucher) in world.spent_orders:
        raise Refusal("OrderSpent", {"order": "0x" + a.order.hex()})
    until = max(a.until, world.freezes[a.voucher]) if v.locks & Lock.FREEZE else a.until
    return Plan((registrar_signs(world),), lambda: (VoucherFrozen(a.voucher, a.order, until),))


def unfreeze(world: World, a: Unfreeze, call: Call) -> Plan:
    """The registrar ends a freeze before its day."""
    v = live(world, a.voucher, call.today)
    if not v.locks & Lock.FREEZE:
        raise Refusal("NotFrozen", {"voucher": a.voucher})
    if (a.order, a.voucher) in world.spent_orders:
        raise Refusal("OrderSpent", {"order": "0x" + a.order.hex()})
    return Plan((registrar_signs(world),), lambda: (VoucherUnfrozen(a.voucher, a.order),))


# Inside


def _root(call: Call) -> VoucherId:
    if call.root is None:
        raise InputError("an issue is judged by the root id that its digest gives: pass `root`")
    return call.root


def _issued(call: Call) -> Issue:
    if call.issued is None:
        raise InputError("CancelWhole and RevokeIssue are judged with the issue agreement: pass `issued`")
    return call.issued


def _require_new(world: World, number: VoucherId) -> None:
    if number in world.vouchers:
        raise Refusal("VoucherTaken", {"voucher": number})


def _require_part(face: int, smallest: int) -> None:
    if face < smallest:
        raise Refusal("PartTooSmall", {"given": face, "lowest": smallest})


def _next_tier(v: Voucher, promise: Promise) -> int:
    """The tier with another party: one more, or in recourse the same."""
    tier = v.tier if v.locks & Lock.OVERDUE else v.tier + 1
    _require_tier(tier, promise.highest_tier)
    return tier


def _require_tier(tier: int, highest: int) -> None:
    if tier > highest:
        raise Refusal("TierTooHigh", {"tier": tier, "highest": highest})
