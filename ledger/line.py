"""Credit lines and invoices: how much may be issued, under what, and against which invoice.

Nothing here knows a voucher's life. A limit binds when something is issued and never when it is paid; the
first line or parent line that binds is named. Amounts in fen.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ledger.agreements import FreezeLine, GrantLine, Invoice, LineId, PartyNumber, ResizeLine, VoucherId
from ledger.calendar import Day
from ledger.consent import Call, Duty, Need, Plan
from ledger.errors import Refusal
from ledger.events import Event, InvoiceUsed, LineFreezing, LineGranted, LineResized
from ledger.succession import joined_use, prior_use
from ledger.world import InvoiceUse, Line, World, bank_of

LOWEST_WINDOW: Final = 1
HIGHEST_WINDOW: Final = 15
LOWEST_GRACE: Final = 10
HIGHEST_GRACE: Final = 30
LOWEST_SMALLEST_PART: Final = 100
HIGHEST_INVOICE_COUNT: Final = 10


def grant_line(world: World, a: GrantLine, call: Call) -> Plan:
    """Bank and issuer make a line, or a sub-line of a line of theirs that is none itself."""
    bank = bank_of(a.line)
    if a.line in world.lines or a.line & 0xFFFFFFFF == 0:
        raise Refusal("LineTaken", {"line": a.line})
    if a.parent:
        parent = world.lines.get(a.parent)
        issuer, grandparent = (parent.issuer, parent.parent) if parent else (0, 0)
        if bank_of(a.parent) != bank or issuer != a.issuer or grandparent:
            raise Refusal("ParentLineUnfit", {"parent": a.parent})
    if not LOWEST_WINDOW <= a.window <= HIGHEST_WINDOW:
        raise Refusal(
            "WindowOutOfRange", {"given": a.window, "lowest": LOWEST_WINDOW, "highest": HIGHEST_WINDOW}
        )
    lowest_grace = max(LOWEST_GRACE, a.window + 1)
    if not lowest_grace <= a.grace <= HIGHEST_GRACE:
        raise Refusal("GraceOutOfRange", {"given": a.grace, "lowest": lowest_grace, "highest": HIGHEST_GRACE})
    if a.smallest_part < LOWEST_SMALLEST_PART:
        raise Refusal("SmallestPartTooSmall", {"given": a.smallest_part, "lowest": LOWEST_SMALLEST_PART})

    def act() -> tuple[Event, ...]:
        return (
            LineGranted(
                a.line,
                a.issuer,
                a.parent,
                a.limit,
                a.expiry,
                a.smallest_part,
                a.window,
                a.grace,
                a.countersign,
            ),
        )

    return Plan((Duty(bank, Need.BANK), Duty(a.issuer, Need.ISSUE)), act)


def resize_line(world: World, a: ResizeLine, call: Call) -> Plan:
    """The bank changes limit and expiry, also to less than is drawn."""
    sequence = _advanced(world, a.line, a.sequence)
    return Plan(
        (Duty(bank_of(a.line), Need.BANK),),
        lambda: (LineResized(a.line, sequence, a.limit, a.expiry),),
    )


def freeze_line(world: World, a: FreezeLine, call: Call) -> Plan:
    """The bank stops issue under a line, or allows it again."""
    sequence = _advanced(world, a.line, a.sequence)
    return Plan(
        (Duty(bank_of(a.line), Need.BANK),),
        lambda: (LineFreezing(a.line, sequence, a.frozen, a.reason),),
    )


def require_drawable(world: World, number: LineId, *, face: int, today: Day) -> None:
    """Refusal where the line, or then its parent, is frozen, expired or short of the face."""
    line = world.lines[number]
    _require_room(number, line, face=face, today=today)
    if line.parent:
        _require_room(line.parent, world.lines[line.parent], face=face, today=today)


def invoices_used(
    world: World, voucher: VoucherId, *, payer: PartyNumber, invoices: Sequence[Invoice]
) -> tuple[InvoiceUsed, ...]:
    """Each invoice's use; Refusal where one goes beyond its total. One may stand in the list twice.

    What the predecessors recorded counts, so in run-off nothing is recorded any more that a successor would miss.
    """
    if invoices and world.settings.run_off:
        raise Refusal("InRunOff")
    if len(invoices) > HIGHEST_INVOICE_COUNT:
        raise Refusal("InvoiceCount", {"given": len(invoices), "highest": HIGHEST_INVOICE_COUNT})
    events = []
    uses: dict[bytes, InvoiceUse] = {}
    for invoice in invoices:
        fingerprint = invoice.fingerprint
        if invoice.amount == 0:
            raise Refusal("ZeroAmount")
        own = uses.get(fingerprint) or world.invoice_uses.get((payer, fingerprint)) or InvoiceUse(0, 0)
        use = joined_use(own, prior_use(world, payer, fingerprint))
        total = use.total if use.used else invoice.total
        if total != invoice.total:
            raise Refusal(
                "InvoiceTotalDiffers",
                {"fingerprint": "0x" + fingerprint.hex(), "recorded": total, "given": invoice.total},
            )
        if use.used + invoice.amount > total:
            available = total - use.used
            raise Refusal(
                "InvoiceExceeded",
                {"fingerprint": "0x" + fingerprint.hex(), "asked": invoice.amount, "available": available},
            )
        uses[fingerprint] = InvoiceUse(total, own.used + invoice.amount)
        events.append(InvoiceUsed(voucher, payer, fingerprint, invoice.amount, total))
    return tuple(events)


def _require_room(number: LineId, line: Line, *, face: int, today: Day) -> None:
    if line.frozen:
        raise Refusal("LineIsFrozen", {"line": number})
    if today > line.expiry:
        raise Refusal("LineExpired", {"line": number, "expiry": line.expiry, "today": today})
    available = max(line.limit - line.drawn, 0)
    if face > available:
        raise Refusal("LimitExceeded", {"line": number, "asked": face, "available": available})


def _advanced(world: World, number: LineId, sequence: int) -> int:
    line = world.lines.get(number)
    if line is None:
        raise Refusal("UnknownLine", {"line": number})
    if line.sequence != sequence:
        raise Refusal("WrongSequence", {"id": number, "given": sequence, "present": line.sequence})
    return sequence + 1
