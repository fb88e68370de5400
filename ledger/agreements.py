"""What parties sign: one frozen dataclass per agreement, its members in the order in which they are signed.

Names and order are those of the contracts' EIP-712 types, in snake_case; the verb of an agreement is its name
with a small first letter. An instance always holds values that fit: anything
else is refused with an InputError that names the member. Whether an agreement may happen now is not judged here
(see `voucher.py`), and nothing is hashed or signed here (see `signing.py`).

Units: amounts in fen, days as China-time day numbers, deadlines in Unix seconds, parties as numbers. `bytes32`
members are salted hashes, except the issuer's reference, which is the issuer's own choice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final

from ledger.agreements_registry import (
    AcceptHandOver,
    Admit,
    FinishRekey,
    HandOver,
    ListVerifier,
    ProposeRekey,
    Reinstate,
    Rekey,
    Suspend,
    VetoRekey,
    WithdrawRekey,
)
from ledger.errors import InputError
from ledger.members import (
    Agreement,
    Amount,
    Deadline,
    Flag,
    Form,
    Hash32,
    Line,
    LineId,
    Number8,
    Number16,
    Number32,
    OnDay,
    Party,
    PartyNumber,
    PromiseId,
    Purpose,
    SmallAmount,
    Struct,
    Voucher,
    VoucherId,
    Word,
    struct_from_json,
    struct_to_json,
)
from ledger.money import shown

__all__ = ["AcceptHandOver", "Admit", "FinishRekey", "HandOver", "ListVerifier", "ProposeRekey"]
__all__ += ["Reinstate", "Rekey", "Suspend", "VetoRekey", "WithdrawRekey"]
__all__ += ["FreezeLine", "GrantLine", "ResizeLine", "SetTenorCap", "StopIssue"]
__all__ += ["Agreement", "Discount", "Invoice", "Issue", "Part", "Purpose", "Rescind", "Split", "Transfer"]
__all__ += ["AssertPayment", "Award", "ConfirmPayment", "ContestPayment", "WithdrawPayment"]
__all__ += ["Cancel", "CancelWhole", "Freeze", "Pledge", "Release", "Revoke", "RevokeIssue", "Unfreeze"]
__all__ += ["AGREEMENTS", "LineId", "PartyNumber", "PromiseId", "VoucherId", "from_json", "to_json"]


# Lines


@dataclass(frozen=True, slots=True)
class GrantLine(Agreement):
    """A bank lets an issuer issue up to `limit`. `parent` 0: none; `window` and `grace` in days."""

    line: Line
    issuer: Party
    parent: Line
    limit: Amount
    expiry: OnDay
    smallest_part: SmallAmount
    window: Number8
    grace: Number8
    countersign: Flag
    deadline: Deadline


@dataclass(frozen=True, slots=True)
class ResizeLine(Agreement):
    """A bank changes a line's limit and expiry."""

    line: Line
    sequence: Number32
    limit: Amount
    expiry: OnDay
    deadline: Deadline


@dataclass(frozen=True, slots=True)
class FreezeLine(Agreement):
    """A bank stops (or again allows) issue under a line."""

    line: Line
    sequence: Number32
    frozen: Flag
    reason: Hash32
    deadline: Deadline


# Settings


@dataclass(frozen=True, slots=True)
class SetTenorCap(Agreement):
    """The registrar sets above how many days an issue gives a reason, from a day of notice on."""

    sequence: Number32
    cap: Number16
    in_force_from: OnDay
    deadline: Deadline


@dataclass(frozen=True, slots=True)
class StopIssue(Agreement):
    """The registrar stops an issuer (or lets it issue again). `issuer` 0: the whole contract, for good."""

    sequence: Number32
    issuer: Party
    stopped: Flag
    reason: Hash32
    deadline: Deadline


# Life


@dataclass(frozen=True, slots=True)
class Invoice(Struct):
    """Use of an invoice: `amount` of it now, of the `total` that is the same each time it is used."""

    fingerprint: Hash32
    amount: Amount
    total: Amount


@dataclass(frozen=True, slots=True)
class Part(Struct):
    """One part of a split."""

    recipient: Party
    face: Amount


Invoices = Annotated[tuple[Invoice, ...], Word("Invoice[]", Form.LIST)]
Parts = Annotated[tuple[Part, ...], Word("Part[]", Form.LIST)]


@dataclass(frozen=True, slots=True)
class Issue(Agreement):
    """The issuer promises to pay. `tenor_reason` zero: the tenor is within the soft cap."""

    issuer: Party
    line: Line
    supplier: Party
    face: Amount
    due_day: OnDay
    smallest_part: SmallAmount
    highest_tier: Number8
    terms: Hash32
    tenor_reason: Hash32
    issuer_reference: Hash32
    deadline: Deadline
    invoices: Invoices


@dataclass(frozen=True, slots=True)
class Split(Agreement):
    """The holder passes on parts. Invoices are those of this hop: the holder pays them."""

    voucher: Voucher
    sequence: Number32
    overdue: Flag
    deadline: Deadline
    parts: Parts
    invoices: Invoices


@dataclass(frozen=True, slots=True)
class Transfer(Agreement):
    """The holder passes on the whole voucher. Invoices are those of this hop."""

    voucher: Voucher
    sequence: Number32
    recipient: Party
    overdue: Flag
    deadline: Deadline
    invoices: Invoices


@dataclass(frozen=True, slots=True)
class Discount(Agreement):
    """The holder sells to a funder under a quote (salted hash), to be paid by `pay_by`."""

    voucher: Voucher
    sequence: Number32
    funder: Party
    quote: Hash32
    pay_by: OnDay
    deadline: Deadline


@dataclass(frozen=True, slots=True)
class Rescind(Agreement):
    """A discount that was not disbursed ends."""

    voucher: Voucher
    sequence: Number32
    by: Party
    deadline: Deadline


# Payment


@dataclass(frozen=True, slots=True)
class AssertPayment(Agreement):
    """Who paid says so. `amount` is the face extinguished by a settlement, 0 for a disbursement."""

    voucher: Voucher
    sequence: Number32
    purpose: Annotated[Purpose, Word("uint8", Form.PURPOSE)]
    payee: Party
    amount: Amount
    value_day: OnDay
    payment_reference: Hash32
    deadline: Deadline


@dataclass(frozen=True, slots=True)
class _VoucherAnswer(Agreement):
    voucher: Voucher
    sequence: Number32
    deadline: Deadline


@dataclass(frozen=True, slots=True)
class ConfirmPayment(_VoucherAnswer):
    """The payee has the money."""


@dataclass(frozen=True, slots=True)
class ContestPayment(Agreement):
    """The payee does not have the money."""

    voucher: Voucher
    sequence: Number32
    by: Party
    reason: Hash32
    deadline: Deadline


@dataclass(frozen=True, slots=True)
class WithdrawPayment(_VoucherAnswer):
    """The asserter takes its word back."""


@dataclass(frozen=True, slots=True)
class Award(Agreement):
    """Registrar and arbiter decide a contested payment: it was `paid`, or it was not. `ruling` is a hash."""

    voucher: Voucher
    sequence: Number32
    arbiter: Party
    paid: Flag
    ruling: Hash32
    deadline: Deadline


# Pledge


@dataclass(frozen=True, slots=True)
class Pledge(Agreement):
    """The holder pledges a voucher: until released, `secured` fen of it are the pledgee's to be paid.

    `filing`: hash of the filing number of the pledge. After `end_day` the holder alone can end it.
    """

    voucher: Voucher
    sequence: Number32
    pledgee: Party
    secured: Amount
    filing: Hash32
    end_day: OnDay
    deadline: Deadline


@dataclass(frozen=True, slots=True)
class Release(Agreement):
    """Pledgee, or holder after the pledge's last day, ends a pledge."""

    voucher: Voucher
    sequence: Number32
    by: Party
    deadline: Deadline


# Stops


@dataclass(frozen=True, slots=True)
class Freeze(Agreement):
    """A court order (hash) stops a voucher through the day `until`."""

    voucher: Voucher
    order: Hash32
    until: OnDay
    deadline: Deadline


@dataclass(frozen=True, slots=True)
class Unfreeze(Agreement):
    """A freeze ends before its day, by an order of its own."""

    voucher: Voucher
    order: Hash32
    deadline: Deadline


@dataclass(frozen=True, slots=True)
class Cancel(_VoucherAnswer):
    """Issuer and holder end the claim; the invoice use is not given back."""


@dataclass(frozen=True, slots=True)
class CancelWhole(_VoucherAnswer):
    """Issuer and holder end an undivided promise; with the issue resupplied the invoice use is given back."""


@dataclass(frozen=True, slots=True)
class Revoke(_VoucherAnswer):
    """The holder voids whatever was signed for the voucher's present sequence."""


@dataclass(frozen=True, slots=True)
class RevokeIssue(Agreement):
    """A signer of an issue spends its promise id before it lands."""

    promise_id: Annotated[PromiseId, Word("uint160", Form.PROMISE)]
    by: Party
    deadline: Deadline


AGREEMENTS: Final[tuple[type[Agreement], ...]] = (
    *(Admit, Suspend, Reinstate, Rekey, ProposeRekey, VetoRekey, WithdrawRekey, FinishRekey),
    *(ListVerifier, HandOver, AcceptHandOver),
    *(GrantLine, ResizeLine, FreezeLine, SetTenorCap, StopIssue),
    *(Issue, Split, Transfer, Discount, Rescind),
    *(AssertPayment, ConfirmPayment, ContestPayment, WithdrawPayment, Award),
    *(Pledge, Release),
    *(Freeze, Unfreeze, Cancel, CancelWhole, Revoke, RevokeIssue),
)
"""Every kind of agreement, in the order of the contracts' types."""

_BY_NAME: Final = {kind.__name__: kind for kind in AGREEMENTS}


def to_json(agreement: Agreement) -> dict[str, object]:
    """The agreement for the outbox and for files: its type under `agreement`, then its members.

    Amounts are whole fen, days ISO dates, deadlines Unix seconds, ids and bytes 0x text.
    """
    return {"agreement": type(agreement).__name__, **struct_to_json(agreement)}


def from_json(given: Mapping[str, object]) -> Agreement:
    """The reverse of `to_json`; InputError naming what is missing, unknown or does not fit."""
    if not isinstance(given, Mapping):
        raise InputError(f"an agreement is an object with its members, given {shown(str(given))}")
    name = given.get("agreement")
    kind = _BY_NAME.get(name) if isinstance(name, str) else None
    if kind is None:
        raise InputError(f"agreement {shown(str(name))} is none of {', '.join(_BY_NAME)}")
    return struct_from_json(kind, {key: given[key] for key in given if key != "agreement"}, kind.__name__)
