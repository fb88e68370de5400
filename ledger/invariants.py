"""What must hold in every World, wherever it came from: the model, the chain's events, a database.

    invariants           of one World
    invariants_of_step   between a World and a later one: what has ended stays ended, sequences only grow
                         (both as `fold` made them, not `as_of` a day)

Each violation is one line that names the rule, the numbers and the ids. That the
journal head equals the hash of the events is checked where the events are (`events.py`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

from ledger.agreements import LineId, PromiseId, Purpose, VoucherId
from ledger.life import HIGHEST_PART_NUMBER, HIGHEST_TENOR
from ledger.line import HIGHEST_GRACE, HIGHEST_WINDOW, LOWEST_GRACE, LOWEST_SMALLEST_PART, LOWEST_WINDOW
from ledger.world import (
    PAYMENT_LOCKS,
    TENOR_CAP,
    Line,
    Lock,
    Promise,
    Status,
    Voucher,
    World,
    bank_of,
    promise_of,
)

_NO_REASON = bytes(32)


def invariants(world: World) -> list[str]:
    """Every rule that this World breaks, in a stable order."""
    return [
        *_parties(world),
        *_lines(world),
        *_promises(world),
        *_issuers(world),
        *_vouchers(world),
        *_payments(world),
        *_invoices(world),
    ]


def invariants_of_step(before: World, after: World) -> list[str]:
    """Every rule that the way from one World to a later one breaks."""
    found = []
    for number, party in before.parties.items():
        later = after.parties.get(number)
        if later is None or later.sequence < party.sequence:
            found.append(f"party {number} vanished or went back from sequence {party.sequence}")
    for signer, number in before.signers.items():
        if after.signers.get(signer) != number:
            found.append(f"signer {signer:#042x} no longer belongs to party {number}")
    for line_id, line in before.lines.items():
        now = after.lines.get(line_id)
        if now is None or now.sequence < line.sequence or _granted(now) != _granted(line):
            found.append(f"line {_line(line_id)} vanished, went back, or changed what its grant fixed")
    for promise_id, promise in before.promises.items():
        same = after.promises.get(promise_id)
        if same is None or _terms(same) != _terms(promise) or same.settled < promise.settled:
            found.append(f"promise {promise_id:#042x} vanished, changed its terms, or took a payment back")
    for voucher_id, voucher in before.vouchers.items():
        next_ = after.vouchers.get(voucher_id)
        if next_ is None or next_.sequence < voucher.sequence or next_.face > voucher.face:
            found.append(
                f"voucher {_voucher(voucher_id)} vanished, went back, or grew from {voucher.face} fen"
            )
        elif voucher.face == 0 and next_ != voucher:
            found.append(f"voucher {_voucher(voucher_id)} had ended and changed")
        elif next_.sequence == voucher.sequence and _but_frozen(next_) != _but_frozen(voucher):
            found.append(f"voucher {_voucher(voucher_id)} changed without consuming its sequence")
    for order, voucher_id in before.spent_orders - after.spent_orders:
        found.append(f"order 0x{order.hex()} on voucher {_voucher(voucher_id)} is no longer spent")
    return found


# Registry


def _parties(world: World) -> Iterator[str]:
    for number, party in sorted(world.parties.items()):
        if number == 0:
            yield "party 0 is nobody and was admitted"
        if world.signers.get(party.signer) != number:
            yield f"party {number}: its signer is recorded for party {world.signers.get(party.signer)}"
        recovering = bool(party.status & Status.RECOVERING)
        if recovering != (number in world.recoveries):
            yield f"party {number}: recovering is {recovering}, its record says the opposite"
    for signer, number in world.signers.items():
        if number not in world.parties:
            yield f"signer {signer:#042x} serves party {number}, which does not exist"
    for number in world.recoveries.keys() - world.parties.keys():
        yield f"recovery of party {number}, which does not exist"


# Lines, promises, issuers


def _lines(world: World) -> Iterator[str]:
    live: defaultdict[LineId, int] = defaultdict(int)
    for voucher_id, voucher in world.vouchers.items():
        promise = world.promises.get(promise_of(voucher_id))
        if promise is not None:
            live[promise.line] += voucher.face
            parent = world.lines[promise.line].parent if promise.line in world.lines else LineId(0)
            if parent:
                live[parent] += voucher.face
    for number, line in sorted(world.lines.items()):
        name = _line(number)
        if line.drawn != live[number]:
            yield f"line {name}: drawn is {line.drawn} fen, its live vouchers add up to {live[number]}"
        if not LOWEST_WINDOW <= line.window <= HIGHEST_WINDOW:
            yield f"line {name}: window of {line.window} days"
        if not max(LOWEST_GRACE, line.window + 1) <= line.grace <= HIGHEST_GRACE:
            yield f"line {name}: grace of {line.grace} days with a window of {line.window}"
        if line.smallest_part < LOWEST_SMALLEST_PART:
            yield f"line {name}: smallest part of {line.smallest_part} fen"
        if line.parent:
            parent_line = world.lines.get(line.parent)
            same = parent_line is not None and parent_line.issuer == line.issuer and not parent_line.parent
            if not same or bank_of(line.parent) != bank_of(number):
                yield f"line {name}: parent {_line(line.parent)} is no line of this bank and issuer by itself"


def _promises(world: World) -> Iterator[str]:
    live: defaultdict[PromiseId, int] = defaultdict(int)
    for voucher_id, voucher in world.vouchers.items():
        live[promise_of(voucher_id)] += voucher.face
    for number, promise in sorted(world.promises.items()):
        name = f"promise {number:#042x}"
        if promise.line not in world.lines or world.lines[promise.line].issuer != promise.issuer:
            yield f"{name}: line {_line(promise.line)} is not one of issuer {promise.issuer}"
        if promise.live != live[number]:
            yield f"{name}: live is {promise.live} fen, its vouchers add up to {live[number]}"
        if promise.face != promise.live + promise.settled + promise.cancelled:
            yield (
                f"{name}: issued {promise.face} fen, live {promise.live} + settled {promise.settled} "
                f"+ cancelled {promise.cancelled}"
            )
        if promise.headroom < 0:
            yield f"{name}: was issued {-promise.headroom} fen above the limit of its line or parent line"
        tenor = promise.due_day - promise.issued_on
        reason = promise.tenor_reason != _NO_REASON
        if not 1 <= tenor <= HIGHEST_TENOR or (tenor > TENOR_CAP and not reason):
            yield f"{name}: tenor of {tenor} days, {'with' if reason else 'without'} a reason"
        if not promise.smallest_part or promise.face // promise.smallest_part > HIGHEST_PART_NUMBER:
            yield f"{name}: {promise.face} fen with a smallest part of {promise.smallest_part}"
    for number in sorted(live.keys() - world.promises.keys()):
        if live[number]:
            yield f"promise {number:#042x} was never issued and has {live[number]} fen of live vouchers"


def _issuers(world: World) -> Iterator[str]:
    owed: defaultdict[int, int] = defaultdict(int)
    drawn: defaultdict[int, int] = defaultdict(int)
    for promise in world.promises.values():
        owed[promise.issuer] += promise.face - promise.settled - promise.cancelled
    for line in world.lines.values():
        if not line.parent:
            drawn[line.issuer] += line.drawn
    for issuer in sorted(owed.keys() | drawn.keys()):
        if owed[issuer] != drawn[issuer]:
            yield (
                f"issuer {issuer}: issued less settled and cancelled is {owed[issuer]} fen, "
                f"drawn on its lines is {drawn[issuer]}"
            )


# Vouchers, payments, invoices


def _vouchers(world: World) -> Iterator[str]:
    for number, voucher in sorted(world.vouchers.items()):
        name = f"voucher {_voucher(number)}"
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
        frozen = bool(voucher.locks & Lock.FREEZE)
        if frozen != (number in world.freezes):
            yield f"{name}: freeze is {frozen}, its record says the opposite"
        paying = bool(voucher.locks & Lock.PAYMENT)
        if paying != (number in world.payments):
            yield f"{name}: payment is {paying}, its record says the opposite"
        if voucher.locks & PAYMENT_LOCKS and not paying:
            yield f"{name}: {voucher.locks!r} without a payment"
    for kind, ids in (("payment", world.payments.keys()), ("freeze", world.freezes.keys())):
        for number in sorted(ids):
            if number not in world.vouchers or world.vouchers[number].face == 0:
                yield f"voucher {_voucher(number)}: a {kind} is recorded, the voucher is not live"


def _under_promise(name: str, voucher: Voucher, promise: Promise) -> Iterator[str]:
    if not 1 <= voucher.tier <= promise.highest_tier:
        yield f"{name}: tier {voucher.tier}, the highest is {promise.highest_tier}"
    # only a payment in part can leave less
    if voucher.face < promise.smallest_part and not promise.settled:
        yield f"{name}: face {voucher.face} fen is below the smallest part, {promise.smallest_part}"
    if voucher.locks & Lock.DISCOUNT and voucher.pay_by >= promise.due_day:
        yield f"{name}: pay-by day {voucher.pay_by} is not before the due day, {promise.due_day}"


def _payments(world: World) -> Iterator[str]:
    for number, payment in sorted(world.payments.items()):
        voucher = world.vouchers.get(number)
        if voucher is None:
            continue
        name = f"payment on voucher {_voucher(number)}"
        disburses = payment.purpose == Purpose.DISBURSEMENT
        if disburses != bool(voucher.locks & Lock.DISCOUNT):
            yield f"{name}: {payment.purpose.name} under {voucher.locks!r}"
        expected = 0 if disburses else voucher.face
        if payment.amount != expected:
            yield f"{name}: amount {payment.amount} fen, expected {expected}"
        # with three consents, and then confirmed, the funder may be paid instead of the holder
        if payment.payee != voucher.holder and (disburses or not voucher.locks & Lock.CONFIRMED):
            yield f"{name}: payee {payment.payee}, holder {voucher.holder}"
        if bool(voucher.locks & Lock.CONTESTED) != bool(payment.contested_on):
            yield f"{name}: {voucher.locks!r}, first contested on day {payment.contested_on}"


def _invoices(world: World) -> Iterator[str]:
    for (payer, fingerprint), use in sorted(world.invoice_uses.items()):
        if not 0 <= use.used <= use.total:
            yield f"invoice 0x{fingerprint.hex()} of payer {payer}: {use.used} of {use.total} fen used"


# Inside


def _but_frozen(voucher: Voucher) -> Voucher:
    """The voucher but for the one bit that a court order moves without consuming a sequence."""
    return replace(voucher, locks=voucher.locks & ~Lock.FREEZE)


def _granted(line: Line) -> tuple[object, ...]:
    return (line.issuer, line.parent, line.smallest_part, line.window, line.grace, line.countersign)


def _terms(promise: Promise) -> tuple[object, ...]:
    return (
        promise.line,
        promise.issuer,
        promise.face,
        promise.due_day,
        promise.smallest_part,
        promise.highest_tier,
        promise.terms,
    )


def _line(number: LineId) -> str:
    return f"{number >> 32}-{number & 0xFFFFFFFF}"


def _voucher(number: VoucherId) -> str:
    return f"{number:#066x}"
