"""What a reconciliation is told of the chain at a block, as plain values.

Each row names its ledger contract: one reconciliation is over all ledgers of a registry, such as an old one that is
emptying and the one that issues now, and what has the same number in both does not collide. Nothing is read or
decided here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from ledger.money import Fen


class VoucherState(StrEnum):
    """Whether a voucher can still be paid; `discounted` is live and sold subject to disbursement."""

    LIVE = "live"
    DISCOUNTED = "discounted"
    ENDED = "ended"


class Ended(StrEnum):
    """How a voucher ended; `NOT` while it has not, `SPLIT` where nothing was left in it."""

    NOT = ""
    SETTLED = "settled"
    CANCELLED = "cancelled"
    SPLIT = "split"


class PaymentPurpose(StrEnum):
    """What the money was for: a purchase by a funder, or the promise itself."""

    DISBURSEMENT = "disbursement"
    SETTLEMENT = "settlement"


class PaymentState(StrEnum):
    """Where an assertion stands. `REPLACED`: another assertion took its place; `CONFIRMED` waits for a
    freeze.
    """

    ASSERTED = "asserted"
    CONTESTED = "contested"
    CONFIRMED = "confirmed"
    COMPLETED = "completed"
    WITHDRAWN = "withdrawn"
    REPLACED = "replaced"


class PledgeState(StrEnum):
    """`SATISFIED`: the secured sum was paid to the pledgee."""

    IN_FORCE = "in force"
    RELEASED = "released"
    SATISFIED = "satisfied"


@dataclass(frozen=True, slots=True)
class StatedBlock:
    """The block at which the chain was read, and the last day on which nothing more can come before it.

    `begins_on` is the day of the first block that was followed; None where it is not known.
    """

    number: int
    hash: bytes
    as_of: date
    begins_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainVoucher:
    """A voucher at the block. `face` in fen is what is still owed, `bank` the line's, `funder` 0 or who is
    buying.

    `overdue` is what was declared on chain, not what the calendar says. `quote_hashes` are those of all its
    discounts, rescinded ones included, in chain order.
    """

    contract: str
    voucher: int
    promise: int
    line: int
    bank: int
    issuer: int
    holder: int
    face: Fen
    due_on: date
    tier: int
    state: VoucherState
    ended_as: Ended = Ended.NOT
    funder: int = 0
    quote_hashes: tuple[bytes, ...] = ()
    overdue: bool = False
    ended_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainPayment:
    """One assertion of a payment; give them in chain order.

    `amount` in fen is the face extinguished, 0 for a disbursement, whose price lies behind `quote_hash` (b""
    for a settlement). `face_at_assertion` in fen.
    """

    contract: str
    voucher: int
    purpose: PaymentPurpose
    asserter: int
    payee: int
    amount: Fen
    value_on: date
    reference_hash: bytes
    asserted_on: date
    state: PaymentState
    face_at_assertion: Fen
    completed_on: date | None = None
    quote_hash: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainMove:
    """A voucher that went from its holder to another one, by whatever verb; give them in chain order.

    `overdue`: it had been declared overdue by then, so that this was recourse.
    """

    contract: str
    voucher: int
    giver: int
    receiver: int
    moved_on: date
    overdue: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainDraw:
    """What changed the drawn amount of a line (fen): above 0 an issue, below 0 what was settled or cancelled.

    `line` is the promise's own; a parent is drawn with it.
    """

    contract: str
    line: int
    drawn_on: date
    amount: Fen


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainLine:
    """A credit line at the block; `parent` 0 for none; amounts in fen, `drawn` with its sub-lines."""

    contract: str
    line: int
    bank: int
    issuer: int
    limit: Fen
    drawn: Fen
    expires_on: date
    parent: int = 0
    frozen: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainPledge:
    """A voucher pledged by its holder; give them in chain order, ended ones too.

    `secured` in fen is the sum as it was pledged, whatever was paid of it since.
    """

    contract: str
    voucher: int
    pledgee: int
    pledgor: int
    secured: Fen
    pledged_on: date
    state: PledgeState = PledgeState.IN_FORCE
    ended_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainInvoiceUse:
    """What a promise, and whoever passed it on, has used of an invoice, less what was given back (fen).

    `payer` is who pays the invoice, `total` the invoice's total as it was stated with its use.
    """

    contract: str
    promise: int
    payer: int
    fingerprint: bytes
    amount: Fen
    total: Fen


def voucher_text(voucher: int) -> str:
    """A voucher id as 0x and 64 hex digits."""
    return f"0x{voucher:064x}"


def line_text(line: int) -> str:
    """A line id as the bank's number and its own reference: 2-17."""
    return f"{line >> 32}-{line & 0xFFFFFFFF}"
