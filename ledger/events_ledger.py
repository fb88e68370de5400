"""What the ledger says has happened. How this is logged and summed up: `events.py`; import from there."""

from __future__ import annotations

from dataclasses import dataclass

from ledger.agreements import LineId, PartyNumber, Purpose, VoucherId
from ledger.calendar import Day


@dataclass(frozen=True, slots=True)
class LineGranted:
    line: LineId
    issuer: PartyNumber
    parent: LineId
    limit: int
    expiry: Day
    smallest_part: int
    window: int
    grace: int
    countersign: bool


@dataclass(frozen=True, slots=True)
class LineResized:
    line: LineId
    sequence: int
    limit: int
    expiry: Day


@dataclass(frozen=True, slots=True)
class LineFreezing:
    line: LineId
    sequence: int
    frozen: bool
    reason: bytes


@dataclass(frozen=True, slots=True)
class TenorCapSet:
    sequence: int
    cap: int
    in_force_from: Day


@dataclass(frozen=True, slots=True)
class IssueStopped:
    issuer: PartyNumber
    sequence: int
    stopped: bool
    reason: bytes


@dataclass(frozen=True, slots=True)
class Issued:
    voucher: VoucherId
    line: LineId
    supplier: PartyNumber
    face: int
    due_day: Day
    smallest_part: int
    highest_tier: int
    terms: bytes
    tenor_reason: bytes
    day: Day


@dataclass(frozen=True, slots=True)
class InvoiceUsed:
    voucher: VoucherId
    payer: PartyNumber
    fingerprint: bytes
    amount: int
    total: int


@dataclass(frozen=True, slots=True)
class InvoiceReturned:
    voucher: VoucherId
    payer: PartyNumber
    fingerprint: bytes
    amount: int


@dataclass(frozen=True, slots=True)
class Parted:
    voucher: VoucherId
    child: VoucherId
    recipient: PartyNumber
    face: int
    tier: int
    sequence: int


@dataclass(frozen=True, slots=True)
class Transferred:
    voucher: VoucherId
    recipient: PartyNumber


@dataclass(frozen=True, slots=True)
class Discounted:
    voucher: VoucherId
    funder: PartyNumber
    quote: bytes
    pay_by: Day


@dataclass(frozen=True, slots=True)
class Rescinded:
    voucher: VoucherId
    by: PartyNumber


@dataclass(frozen=True, slots=True)
class PaymentAsserted:
    voucher: VoucherId
    purpose: Purpose
    payee: PartyNumber
    amount: int
    value_day: Day
    payment_reference: bytes
    agreed: bool
    day: Day


@dataclass(frozen=True, slots=True)
class PaymentConfirmed:
    voucher: VoucherId
    payee: PartyNumber


@dataclass(frozen=True, slots=True)
class PaymentContested:
    voucher: VoucherId
    by: PartyNumber
    reason: bytes
    day: Day


@dataclass(frozen=True, slots=True)
class PaymentWithdrawn:
    voucher: VoucherId


@dataclass(frozen=True, slots=True)
class PaymentCompleted:
    voucher: VoucherId
    payee: PartyNumber
    purpose: Purpose
    amount: int


@dataclass(frozen=True, slots=True)
class PaymentAwarded:
    voucher: VoucherId
    arbiter: PartyNumber
    paid: bool
    ruling: bytes


@dataclass(frozen=True, slots=True)
class VoucherPledged:
    voucher: VoucherId
    pledgee: PartyNumber
    secured: int
    filing: bytes
    end_day: Day


@dataclass(frozen=True, slots=True)
class PledgeReleased:
    voucher: VoucherId
    by: PartyNumber


@dataclass(frozen=True, slots=True)
class VoucherOverdue:
    voucher: VoucherId
    face: int
    day: Day


@dataclass(frozen=True, slots=True)
class VoucherFrozen:
    voucher: VoucherId
    order: bytes
    until: Day


@dataclass(frozen=True, slots=True)
class VoucherUnfrozen:
    voucher: VoucherId
    order: bytes


@dataclass(frozen=True, slots=True)
class Cancelled:
    voucher: VoucherId
    face: int


@dataclass(frozen=True, slots=True)
class Revoked:
    voucher: VoucherId


@dataclass(frozen=True, slots=True)
class IssueRevoked:
    voucher: VoucherId
    by: PartyNumber


VoucherEvent = (
    Parted | Transferred | Discounted | Rescinded | PaymentAsserted | PaymentConfirmed | PaymentContested
    | PaymentWithdrawn | PaymentCompleted | PaymentAwarded | VoucherPledged | PledgeReleased | VoucherOverdue
    | VoucherFrozen | VoucherUnfrozen | Cancelled | Revoked
)  # fmt: skip
"""Those that move a voucher's sequence, by one; of the parts of one split the first does."""
LineEvent = LineGranted | LineResized | LineFreezing
SettingsEvent = TenorCapSet | IssueStopped
LedgerEvent = LineEvent | SettingsEvent | Issued | IssueRevoked | InvoiceUsed | InvoiceReturned | VoucherEvent
