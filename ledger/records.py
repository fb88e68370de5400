"""What the contracts store, one frozen record per word, each with the `word()` that storage holds.

A record says what its word says, and a little that only the events say (a promise's issue day, cancelled face,
headroom). Nothing is decided here, and nothing is looked up: `world.py` puts the records together and gives their
names on; import from there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum, IntFlag
from typing import Final

from ledger.agreements import LineId, PartyNumber, Purpose
from ledger.calendar import Day

REGISTRAR: Final = PartyNumber(1)
"""The founding registrar; who holds the office now stands in `World.registry_settings`."""
FIRST_TENOR_CAP: Final = 184
"""Days; above the cap in force an issue gives a reason."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class PledgeRecord:
    """A pledge of a whole voucher. `secured`, in fen, shrinks with each payment to the pledgee.

    After `end_day` the holder can release it alone.
    """

    pledgee: PartyNumber
    secured: int
    end_day: Day

    def word(self) -> int:
        """The contract's `pledgeOf`."""
        return self.pledgee | self.secured << 32 | self.end_day << 96


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerRecord:
    """What keeps an issuer from issuing: the face of its overdue vouchers in fen, and the registrar's stop."""

    overdue: int = 0
    stopped: bool = False

    def word(self) -> int:
        """The contract's `issuerOf`."""
        return self.overdue | self.stopped << 128


# Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The registrar's settings of one ledger. Caps in days; the next one counts from its day on, 0: none announced.

    `run_off`: nothing is issued here any more, for good.
    """

    sequence: int = 0
    tenor_cap: int = FIRST_TENOR_CAP
    next_tenor_cap: int = 0
    next_tenor_cap_from: Day = Day(0)
    run_off: bool = False

    def word(self) -> int:
        """The ledger's `settingsOf`."""
        low = self.sequence | self.tenor_cap << 32 | self.next_tenor_cap << 48
        return low | self.next_tenor_cap_from << 64 | self.run_off << 88

    def tenor_cap_on(self, day: Day) -> int:
        """The cap in force on a day, as of what is announced now."""
        followed = self.next_tenor_cap_from and day >= self.next_tenor_cap_from
        return self.next_tenor_cap if followed else self.tenor_cap


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrySettings:
    """Who is registrar, and who was offered the office from which day on; 0: nobody."""

    registrar: PartyNumber = REGISTRAR
    sequence: int = 0
    next_registrar: PartyNumber = PartyNumber(0)
    next_registrar_from: Day = Day(0)

    def word(self) -> int:
        """The registry's `settingsOf`."""
        low = self.registrar | self.sequence << 32
        return low | self.next_registrar << 64 | self.next_registrar_from << 96


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifierRecord:
    """An ERC-7913 verifier on the allow-list: the gas cap of one check, first day of use, hash of its code."""

    signature_gas: int
    active_on: Day
    code_hash: bytes

    def word(self) -> int:
        """The registry's `verifierOf`, which keeps the leading 25 bytes of the hash."""
        return self.signature_gas | self.active_on << 32 | int.from_bytes(self.code_hash[:25]) << 56
