"""What must hold in every World, wherever it came from: the model, the chain's events, a database.

    invariants           of one World
    invariants_of_step   between a World and a later one: what has ended stays ended, sequences only grow
                         (both as `fold` made them, not `as_of` a day)

Each violation is one line that names the rule, the numbers and the ids. What concerns one voucher stands in
`invariants_of_vouchers.py`; here are the parties, the settings and the sums. That the
journal head equals the hash of the events is checked where the events are (`events.py`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

from ledger.agreements import LineId, PartyNumber, PromiseId, VoucherId
from ledger.calendar import Day
from ledger.consent import HIGHEST_SIGNATURE_GAS
from ledger.invariants_of_vouchers import invariants_of_vouchers, voucher_name
from ledger.life import HIGHEST_PART_NUMBER
from ledger.line import HIGHEST_GRACE, HIGHEST_WINDOW, LOWEST_GRACE, LOWEST_SMALLEST_PART, LOWEST_WINDOW
from ledger.settings import HIGHEST_TENOR, LOWEST_TENOR_CAP
from ledger.succession import prior_use
from ledger.world import Line, Lock, Promise, Settings, Status, Voucher, World, bank_of, issuer_of, promise_of

_NO_REASON = bytes(32)
_SHOWN = 5
"""Vouchers that one line names; of more it says how many."""


def invariants(world: World, *, today: Day | None = None) -> list[str]:
    """Every rule that this World breaks, in a stable order.

    today: the day of its last block. Without it one rule is not looked at: that no voucher was declared overdue
    before the day after its grace.
    """
    return [
        *_parties(world),
        *_registry_settings(world),
        *_settings(world.settings),
        *_lines(world),
        *_promises(world),
        *_issuers(world),
        *_overdue(world),
        *invariants_of_vouchers(world, today=today),
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
                f"voucher {voucher_name(voucher_id)} vanished, went back, or grew from {voucher.face} fen"
            )
        elif voucher.face == 0 and next_ != voucher:
            found.append(f"voucher {voucher_name(voucher_id)} had ended and changed")
        elif next_.sequence == voucher.sequence and _but_frozen(next_) != _but_frozen(voucher):
            found.append(f"voucher {voucher_name(voucher_id)} changed without consuming its sequence")
        elif voucher.locks & Lock.OVERDUE and not next_.locks & Lock.OVERDUE:
            found.append(f"voucher {voucher_name(voucher_id)} was overdue and is not any more")
        elif next_.sequence == voucher.sequence and not _same_pledge(before, after, voucher_id):
            found.append(
                f"pledge of voucher {voucher_name(voucher_id)} changed without consuming its sequence"
            )
    for order, voucher_id in before.spent_orders - after.spent_orders:
        found.append(f"order 0x{order.hex()} on voucher {voucher_name(voucher_id)} is no longer spent")
    return [*found, *_settings_of_step(before, after)]


def _settings_of_step(before: World, after: World) -> Iterator[str]:
    for old, new in ((before.registry_settings, after.registry_settings), (before.settings, after.settings)):
        if new.sequence < old.sequence or (new.sequence == old.sequence and new != old):
            yield f"settings went back or changed without consuming their sequence: {old}, then {new}"
    if before.settings.run_off and not after.settings.run_off:
        yield "the ledger was in run-off and is not any more"
    for verifier, record in before.verifiers.items():
        if after.verifiers.get(verifier) != record:
            yield f"verifier {verifier:#042x} was listed and vanished or changed"
    if before.settings.sequence != after.settings.sequence:
        return
    for issuer in before.issuers.keys() | after.issuers.keys():
        if issuer_of(before, issuer).stopped != issuer_of(after, issuer).stopped:
            yield f"issuer {issuer} was stopped or let go without consuming the settings' sequence"
    for number in after.promises.keys() - before.promises.keys():
        promise = after.promises[number]
        cap = before.settings.tenor_cap_on(promise.issued_on)
        yield from _tenor(f"promise {number:#042x}", promise, cap)


# Parties, settings


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


def _registry_settings(world: World) -> Iterator[str]:
    settings = world.registry_settings
    registrar, offered = settings.registrar, settings.next_registrar
    for number in (registrar, offered) if offered else (registrar,):
        party = world.parties.get(number)
        what = "registrar" if number == registrar else "next registrar"
        if party is None:
            if world.parties:
                yield f"{what} {number} is no party"
        elif party.roles:
            yield f"{what} {number} has roles, {party.roles!r}: two halves in one hand"
        elif number == registrar and party.status & Status.SUSPENDED:
            yield f"registrar {number} is suspended"
    if bool(offered) != bool(settings.next_registrar_from) or offered == registrar:
        yield f"registrar {registrar}: {offered} is next, from day {settings.next_registrar_from}"
    for verifier, record in sorted(world.verifiers.items()):
        if not 1 <= record.signature_gas <= HIGHEST_SIGNATURE_GAS or not any(record.code_hash):
            yield (
                f"verifier {verifier:#042x}: gas cap {record.signature_gas}, "
                f"code hash 0x{record.code_hash.hex()}"
            )


def _settings(settings: Settings) -> Iterator[str]:
    announced = bool(settings.next_tenor_cap_from)
    caps = (settings.tenor_cap, settings.next_tenor_cap) if announced else (settings.tenor_cap,)
    for cap in caps:
        if not LOWEST_TENOR_CAP <= cap <= HIGHEST_TENOR:
            yield f"tenor cap of {cap} days, {LOWEST_TENOR_CAP} to {HIGHEST_TENOR} are possible"
    if announced != bool(settings.next_tenor_cap):
        yield f"tenor cap {settings.next_tenor_cap} is next, from day {settings.next_tenor_cap_from}"


# Lines, promises, issuers, invoices


def _lines(world: World) -> Iterator[str]:
    live: defaultdict[LineId, dict[VoucherId, int]] = defaultdict(dict)
    for voucher_id, voucher in world.vouchers.items():
        promise = world.promises.get(promise_of(voucher_id))
        if promise is not None:
            live[promise.line][voucher_id] = voucher.face
            parent = world.lines[promise.line].parent if promise.line in world.lines else LineId(0)
            if parent:
                live[parent][voucher_id] = voucher.face
    for number, line in sorted(world.lines.items()):
        name = _line(number)
        if line.drawn != sum(live[number].values()):
            yield f"line {name}: drawn is {line.drawn} fen, its live vouchers add up to {_sum(live[number])}"
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
    live: defaultdict[PromiseId, dict[VoucherId, int]] = defaultdict(dict)
    for voucher_id, voucher in world.vouchers.items():
        live[promise_of(voucher_id)][voucher_id] = voucher.face
    for number, promise in sorted(world.promises.items()):
        name = f"promise {number:#042x}"
        if promise.line not in world.lines or world.lines[promise.line].issuer != promise.issuer:
            yield f"{name}: line {_line(promise.line)} is not one of issuer {promise.issuer}"
        if promise.live != sum(live[number].values()):
            yield f"{name}: live is {promise.live} fen, its vouchers add up to {_sum(live[number])}"
        if promise.face != promise.live + promise.settled + promise.cancelled:
            yield (
                f"{name}: issued {promise.face} fen, live {promise.live} + settled {promise.settled} "
                f"+ cancelled {promise.cancelled}"
            )
        if promise.headroom < 0:
            yield f"{name}: was issued {-promise.headroom} fen above the limit of its line or parent line"
        yield from _tenor(name, promise, _known_cap(world.settings, promise.issued_on))
        if not promise.smallest_part or promise.face // promise.smallest_part > HIGHEST_PART_NUMBER:
            yield f"{name}: {promise.face} fen with a smallest part of {promise.smallest_part}"
    for number in sorted(live.keys() - world.promises.keys()):
        if any(live[number].values()):
            yield f"promise {number:#042x} was never issued and has live vouchers of {_sum(live[number])}"


def _known_cap(settings: Settings, issued_on: Day) -> int | None:
    """The cap of an issue day, where the present settings still tell: not before the last change of it."""
    if settings.next_tenor_cap_from and issued_on < settings.next_tenor_cap_from:
        return None
    return settings.tenor_cap_on(issued_on)


def _tenor(name: str, promise: Promise, cap: int | None) -> Iterator[str]:
    tenor = promise.due_day - promise.issued_on
    reason = promise.tenor_reason != _NO_REASON
    if not 1 <= tenor <= HIGHEST_TENOR or (cap is not None and tenor > cap and not reason):
        words = "with" if reason else "without"
        yield f"{name}: tenor of {tenor} days, {words} a reason; the cap in force was {cap or 'another'}"


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


def _overdue(world: World) -> Iterator[str]:
    owed: defaultdict[PartyNumber, dict[VoucherId, int]] = defaultdict(dict)
    for number, voucher in world.vouchers.items():
        promise = world.promises.get(promise_of(number))
        if promise is not None and voucher.locks & Lock.OVERDUE:
            owed[promise.issuer][number] = voucher.face
    for issuer in sorted(world.issuers.keys() | owed.keys()):
        recorded = issuer_of(world, issuer).overdue
        if recorded != sum(owed[issuer].values()):
            yield (
                f"issuer {issuer}: overdue is {recorded} fen, its overdue vouchers add up to "
                f"{_sum(owed[issuer])}"
            )


def _invoices(world: World) -> Iterator[str]:
    for (payer, fingerprint), use in sorted(world.invoice_uses.items()):
        name = f"invoice 0x{fingerprint.hex()} of payer {payer}"
        prior = prior_use(world, payer, fingerprint)
        inherited = prior.used if prior else 0
        if use.used < 0 or (use.used and use.used + inherited > use.total):
            before = f", and {inherited} in predecessors," if inherited else ""
            yield f"{name}: {use.used}{before} of {use.total} fen used"
        if prior and prior.used and use.used and prior.total != use.total:
            yield f"{name}: its total is {use.total} fen, with predecessors {prior.total}"


# Inside


def _sum(faces: dict[VoucherId, int]) -> str:
    """What the faces add up to in fen, and whose they are."""
    live = [number for number in sorted(faces) if faces[number]]
    more = f" and {len(live) - _SHOWN} more" if len(live) > _SHOWN else ""
    names = ", ".join(voucher_name(number) for number in live[:_SHOWN])
    return f"{sum(faces.values())} ({names or 'none'}{more})"


def _but_frozen(voucher: Voucher) -> Voucher:
    """The voucher but for the one bit that a court order moves without consuming a sequence."""
    return replace(voucher, locks=voucher.locks & ~Lock.FREEZE)


def _same_pledge(before: World, after: World, number: VoucherId) -> bool:
    return before.pledges.get(number) == after.pledges.get(number)


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
