"""What both contracts hold at one moment, as plain values.

    World
    ├── parties, recoveries, signers, verifiers,    the registry's part
    │   registry_settings
    ├── lines, promises, vouchers, payments,        the ledger's part
    │   pledges, freezes, spent_orders,
    │   invoice_uses, issuers, settings
    └── inherited                                   of a successor: what its predecessors hold

A World is never changed: `fold` makes the next one from an event, and that is the only writer. The records are
those of `records.py`, whose names are given on here. No rule is decided here.

A court freeze ends after its last day without an event. The contract drops the lapsed freeze in the voucher's
next verb; so does `fold`, and a World therefore equals storage at every block. `as_of` shows it as of a day.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from ledger.agreements import LineId, PartyNumber, PromiseId, VoucherId
from ledger.calendar import Day
from ledger.records import (
    FIRST_TENOR_CAP,
    NO_LOCK,
    PAYMENT_LOCKS,
    REGISTRAR,
    InvoiceUse,
    IssuerRecord,
    Line,
    Lock,
    Party,
    Payment,
    PledgeRecord,
    Promise,
    Recovery,
    RegistrySettings,
    Role,
    Settings,
    SignerKind,
    Status,
    VerifierRecord,
    Voucher,
)

__all__ = ["FIRST_TENOR_CAP", "NO_LOCK", "PAYMENT_LOCKS", "REGISTRAR"]
__all__ += ["InvoiceUse", "IssuerRecord", "Line", "Lock", "Party", "Payment", "PledgeRecord", "Promise"]
__all__ += ["Recovery", "RegistrySettings", "Role", "Settings", "SignerKind", "Status"]
__all__ += ["VerifierRecord", "Voucher"]
__all__ += ["Draft", "Inherited", "World", "as_of", "bank_of", "issuer_of", "lift_freeze", "promise_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inherited:
    """What a ledger takes over from its predecessor and the predecessors of that, as of now.

    predecessor: its address, as errors name it. run_off: of the predecessor itself. issuers: stopped by any of
    them, overdue face of all. invoice_uses: of all.
    """

    predecessor: str
    run_off: bool
    issuers: Mapping[PartyNumber, IssuerRecord] = field(default_factory=dict)
    invoice_uses: Mapping[tuple[PartyNumber, bytes], InvoiceUse] = field(default_factory=dict)


@dataclass(slots=True)
class Draft:
    """A World being written by `fold`; nobody else holds it."""

    parties: dict[PartyNumber, Party]
    recoveries: dict[PartyNumber, Recovery]
    signers: dict[int, PartyNumber]
    verifiers: dict[int, VerifierRecord]
    registry_settings: RegistrySettings
    lines: dict[LineId, Line]
    promises: dict[PromiseId, Promise]
    vouchers: dict[VoucherId, Voucher]
    payments: dict[VoucherId, Payment]
    pledges: dict[VoucherId, PledgeRecord]
    freezes: dict[VoucherId, Day]
    spent_orders: set[tuple[bytes, VoucherId]]
    invoice_uses: dict[tuple[PartyNumber, bytes], InvoiceUse]
    issuers: dict[PartyNumber, IssuerRecord]
    settings: Settings
    inherited: Inherited | None

    def world(self) -> World:
        """The finished World; the draft must not be used any more."""
        return World(
            parties=MappingProxyType(self.parties),
            recoveries=MappingProxyType(self.recoveries),
            signers=MappingProxyType(self.signers),
            verifiers=MappingProxyType(self.verifiers),
            registry_settings=self.registry_settings,
            lines=MappingProxyType(self.lines),
            promises=MappingProxyType(self.promises),
            vouchers=MappingProxyType(self.vouchers),
            payments=MappingProxyType(self.payments),
            pledges=MappingProxyType(self.pledges),
            freezes=MappingProxyType(self.freezes),
            spent_orders=frozenset(self.spent_orders),
            invoice_uses=MappingProxyType(self.invoice_uses),
            issuers=MappingProxyType(self.issuers),
            settings=self.settings,
            inherited=self.inherited,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Registry and ledger at one moment.

    `signers` keeps the replaced ones too; `verifiers` goes by the number of their address. An issuer without a
    record owes nothing and is not stopped. `inherited` is no part of what this ledger holds: it is put in by
    whoever asks the model, from the predecessor's World (see `succession.py`), and two Worlds are equal
    whatever they inherit.
    """

    parties: Mapping[PartyNumber, Party] = field(default_factory=dict)
    recoveries: Mapping[PartyNumber, Recovery] = field(default_factory=dict)
    signers: Mapping[int, PartyNumber] = field(default_factory=dict)
    verifiers: Mapping[int, VerifierRecord] = field(default_factory=dict)
    registry_settings: RegistrySettings = field(default_factory=RegistrySettings)
    lines: Mapping[LineId, Line] = field(default_factory=dict)
    promises: Mapping[PromiseId, Promise] = field(default_factory=dict)
    vouchers: Mapping[VoucherId, Voucher] = field(default_factory=dict)
    payments: Mapping[VoucherId, Payment] = field(default_factory=dict)
    pledges: Mapping[VoucherId, PledgeRecord] = field(default_factory=dict)
    freezes: Mapping[VoucherId, Day] = field(default_factory=dict)
    spent_orders: frozenset[tuple[bytes, VoucherId]] = frozenset()
    invoice_uses: Mapping[tuple[PartyNumber, bytes], InvoiceUse] = field(default_factory=dict)
    issuers: Mapping[PartyNumber, IssuerRecord] = field(default_factory=dict)
    settings: Settings = field(default_factory=Settings)
    inherited: Inherited | None = field(default=None, compare=False)

    def draft(self) -> Draft:
        """A copy to write in."""
        return Draft(
            parties=dict(self.parties),
            recoveries=dict(self.recoveries),
            signers=dict(self.signers),
            verifiers=dict(self.verifiers),
            registry_settings=self.registry_settings,
            lines=dict(self.lines),
            promises=dict(self.promises),
            vouchers=dict(self.vouchers),
            payments=dict(self.payments),
            pledges=dict(self.pledges),
            freezes=dict(self.freezes),
            spent_orders=set(self.spent_orders),
            invoice_uses=dict(self.invoice_uses),
            issuers=dict(self.issuers),
            settings=self.settings,
            inherited=self.inherited,
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


def issuer_of(world: World | Draft, issuer: PartyNumber) -> IssuerRecord:
    """What keeps an issuer from issuing; without a record nothing does."""
    return world.issuers.get(issuer) or IssuerRecord()
