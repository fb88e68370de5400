"""What both contracts hold at one moment, as plain values.

    World
    ├── parties, recoveries, signers           the registry's part
    └── lines, promises, vouchers, payments,   the ledger's part
        freezes, spent_orders, invoice_uses

A World is never changed: `fold` makes the next one from an event, and that is the only writer. Records carry
what the contracts store, so that `word()` can be compared with storage, and a little that only the events say
(a promise's issue day, cancelled face, headroom). No rule is decided here. Pledges and overdue sums come with
their verbs.

A court freeze ends after its last day without an event. The contract drops the lapsed freeze in the voucher's
next verb; so does `fold`, and a World therefore equals storage at every block. `as_of` shows it as of a day.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum, IntFlag
from types import MappingProxyType
from typing import Final

from ledger.agreements import LineId, PartyNumber, PromiseId, Purpose, VoucherId
from ledger.calendar import Day

REGISTRAR: Final = PartyNumber(1)
TENOR_CAP: Final = 184
"""Days; above it an issue gives a reason."""


class SignerKind(IntEnum):
    """How a signer's word is checked: wallet key, ERC-1271 contract, ERC-7913 verifier."""

    WALLET = 0
    CONTRACT = 1
    VERIFIER = 2


class Status(IntFlag):
    """What stands in a party's way; nothing set means admitted."""

    SUSPENDED = 1
    RECOVERING = 2


class Role(IntFlag):
    """What a party was admitted as, besides holding vouchers."""

    ISSUER = 1
    BANK = 2
    FUNDER = 4
    ARBITER = 8


class Lock(IntFlag):
    """What keeps a voucher from moving. OVERDUE is a state, not a lock."""

    DISCOUNT = 1
    PAYMENT = 2
    CONTESTED = 4
    CONFIRMED = 8
    PLEDGE = 16
    FREEZE = 32
    OVERDUE = 64


PAYMENT_LOCKS: Final = Lock.PAYMENT | Lock.CONTESTED | Lock.CONFIRMED
NO_LOCK: Final = Lock(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """An admitted enterprise or bank. `signer` is the number of its 160-bit key."""

    signer: int
    kind: SignerKind
    signature_gas: int
    roles: Role
    sponsor: PartyNumber
    profile: bytes
    status: Status = Status(0)
    recovered_on: Day = Day(0)
    sequence: int = 1

    def word(self) -> int:
        """The contract's `partyOf`."""
        low = self.signer | self.kind << 160 | self.status << 168 | self.roles << 176
        return low | self.sponsor << 192 | self.sequence << 224


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """A lost-key recovery under way."""

    signer: int
    kind: SignerKind
    signature_gas: int
    ready_on: Day
    vetoed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A credit line: amounts in fen, `drawn` includes sub-lines, `expiry` is the last day to draw."""

    issuer: PartyNumber
    parent: LineId
    limit: int
    expiry: Day
    smallest_part: int
    window: int
    grace: int
    countersign: bool
    drawn: int = 0
    frozen: bool = False
    sequence: int = 1

    def word(self) -> int:
        """The contract's `lineOf`."""
        flags = self.frozen | self.countersign << 1
        low = self.limit | self.drawn << 64 | self.issuer << 128 | self.expiry << 160
        return low | (self.parent & 0xFFFFFFFF) << 184 | self.smallest_part << 216 | flags << 248

    def terms_word(self) -> int:
        """The contract's `lineTermsOf`."""
        return self.sequence | self.window << 32 | self.grace << 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """An issue with its terms; live + settled + cancelled = face, in fen.

    `headroom` is what was left of the tighter of line and parent line right after the issue.
    """

    line: LineId
    issuer: PartyNumber
    face: int
    due_day: Day
    smallest_part: int
    highest_tier: int
    terms: bytes
    tenor_reason: bytes
    issued_on: Day
    headroom: int
    live: int
    settled: int = 0
    cancelled: int = 0

    def word(self) -> int:
        """The contract's `promiseOf`."""
        low = self.line | self.due_day << 64 | self.smallest_part << 88 | self.highest_tier << 120
        return low | self.live << 128 | self.settled << 192


@dataclass(frozen=True, slots=True, kw_only=True)
class Voucher:
    """One claim. Face 0: ended for good. `funder` and `pay_by` only while discounted."""

    face: int
    holder: PartyNumber
    tier: int
    sequence: int = 1
    locks: Lock = NO_LOCK
    funder: PartyNumber = PartyNumber(0)
    pay_by: Day = Day(0)

    def word(self) -> int:
        """The contract's `voucherOf`."""
        low = self.face | self.holder << 64 | self.funder << 96 | self.sequence << 128 | self.pay_by << 160
        return low | self.tier << 184 | self.locks << 192

    def undiscounted(self) -> Voucher:
        """Without sale, funder and pay-by day."""
        return replace(self, locks=self.locks & ~Lock.DISCOUNT, funder=PartyNumber(0), pay_by=Day(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """A payment under way. Amount in fen: the face extinguished, 0 for a disbursement."""

    purpose: Purpose
    payee: PartyNumber
    amount: int
    asserted_on: Day
    contested_on: Day = Day(0)

    def word(self) -> int:
        """The contract's `paymentOf`."""
        low = self.amount | self.payee << 64 | self.asserted_on << 96 | self.contested_on << 120
        return low | int(self.purpose) << 144


@dataclass(frozen=True, slots=True)
class InvoiceUse:
    """What has been issued or passed on against one invoice of one paying party, in fen."""

    total: int
    used: int


@dataclass(slots=True)
class Draft:
    """A World being written by `fold`; nobody else holds it."""

    parties: dict[PartyNumber, Party]
    recoveries: dict[PartyNumber, Recovery]
    signers: dict[int, PartyNumber]
    lines: dict[LineId, Line]
    promises: dict[PromiseId, Promise]
    vouchers: dict[VoucherId, Voucher]
    payments: dict[VoucherId, Payment]
    freezes: dict[VoucherId, Day]
    spent_orders: set[tuple[bytes, VoucherId]]
    invoice_uses: dict[tuple[PartyNumber, bytes], InvoiceUse]

    def world(self) -> World:
        """The finished World; the draft must not be used any more."""
        return World(
            parties=MappingProxyType(self.parties),
            recoveries=MappingProxyType(self.recoveries),
            signers=MappingProxyType(self.signers),
            lines=MappingProxyType(self.lines),
            promises=MappingProxyType(self.promises),
            vouchers=MappingProxyType(self.vouchers),
            payments=MappingProxyType(self.payments),
            freezes=MappingProxyType(self.freezes),
            spent_orders=frozenset(self.spent_orders),
            invoice_uses=MappingProxyType(self.invoice_uses),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Registry and ledger at one moment. `signers` keeps the replaced ones too."""

    parties: Mapping[PartyNumber, Party] = field(default_factory=dict)
    recoveries: Mapping[PartyNumber, Recovery] = field(default_factory=dict)
    signers: Mapping[int, PartyNumber] = field(default_factory=dict)
    lines: Mapping[LineId, Line] = field(default_factory=dict)
    promises: Mapping[PromiseId, Promise] = field(default_factory=dict)
    vouchers: Mapping[VoucherId, Voucher] = field(default_factory=dict)
    payments: Mapping[VoucherId, Payment] = field(default_factory=dict)
    freezes: Mapping[VoucherId, Day] = field(default_factory=dict)
    spent_orders: frozenset[tuple[bytes, VoucherId]] = frozenset()
    invoice_uses: Mapping[tuple[PartyNumber, bytes], InvoiceUse] = field(default_factory=dict)

    def draft(self) -> Draft:
        """A copy to write in."""
        return Draft(
            parties=dict(self.parties),
            recoveries=dict(self.recoveries),
            signers=dict(self.signers),
            lines=dict(self.lines),
            promises=dict(self.promises),
            vouchers=dict(self.vouchers),
            payments=dict(self.payments),
            freezes=dict(self.freezes),
            spent_orders=set(self.spent_orders),
            invoice_uses=dict(self.invoice_uses),
        )


def as_of(world: World, day: Day) -> World:
    """The World as a reader sees it on that day: court freezes whose last day has passed are gone."""
    lapsed = [voucher for voucher, until in world.freezes.items() if until < day]
    if not lapsed:
        return world
    draft = world.draft()
    for voucher in lapsed:
        lift_freeze(draft, voucher)
    return draft.world()


def lift_freeze(draft: Draft, voucher: VoucherId) -> None:
    """Takes a freeze and its lock away; the sequence stays."""
    del draft.freezes[voucher]
    frozen = draft.vouchers[voucher]
    draft.vouchers[voucher] = replace(frozen, locks=frozen.locks & ~Lock.FREEZE)


def promise_of(voucher: VoucherId) -> PromiseId:
    """The promise that a voucher is a claim under."""
    return PromiseId(voucher >> 96)


def bank_of(line: LineId) -> PartyNumber:
    """The bank that granted a line."""
    return PartyNumber(line >> 32)
