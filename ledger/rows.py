"""Worlds out of the database: what its rows say, read in one session.

    world_of       everything that a ledger and its registry hold, and what the ledger inherits
    worlds_of      the same of every pinned ledger, in order of succession
    world_around   just what a few events can touch
    Surroundings   the same of events that go on and on, each row read once
    Kept           the same from one commit to the next

How a row turns into a record is in `record_rows.py`. Rows are read as plain ones, which have the attributes of their
table's class: the index reads too many for objects that a session keeps. Nothing is written here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from operator import attrgetter
from typing import Any, Final, TypeVar

from eth_utils.address import to_checksum_address
from sqlalchemy import Select, bindparam, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from ledger.agreements import LineId, PartyNumber, PromiseId, VoucherId
from ledger.calendar import Day
from ledger.chain import Address
from ledger.events import Event, InvoiceReturned, InvoiceUsed
from ledger.pin import Pin
from ledger.record_rows import (
    issuer_record_of,
    line_of,
    party_of,
    payment_of,
    pledge_of,
    promise_record_of,
    recoveries_of,
    registry_settings_of,
    settings_of,
    verifier_of,
    voucher_of,
)
from ledger.row_writing import among
from ledger.store import pin_for, pins
from ledger.succession import inherited
from ledger.tables import (
    OPEN_FATES,
    Base,
    FreezeOrderRow,
    FreezeRow,
    InvoiceUseRow,
    IssuerRow,
    LedgerSettingsRow,
    LineRow,
    PartyRow,
    PaymentRow,
    PledgeRow,
    PromiseRow,
    RegistrySettingsRow,
    SignerRow,
    VerifierRow,
    VoucherRow,
)
from ledger.world import Draft, InvoiceUse, RegistrySettings, Settings, World, promise_of

K = TypeVar("K")
V = TypeVar("V")
R = TypeVar("R", bound=Base)
AT_ONCE: Final = 2_000
"""Keys in one query; databases set limits to them."""
REMEMBERED: Final = 200_000
"""Vouchers of one contract that are kept in memory between two commits."""


def world_of(session: Session, ledger: str) -> World:
    """Everything that the rows of a pinned ledger and its registry say, with what the ledger inherits from those
    before it. InputError for an unknown ledger."""
    return worlds_of(session, until=pin_for(session, ledger).ledger)[to_checksum_address(ledger)]


def worlds_of(session: Session, *, until: Address | None = None) -> dict[Address, World]:
    """The Worlds of all pinned ledgers in order of succession, or of those up to and with one of them."""
    found: dict[Address, World] = {}
    before: World | None = None
    for pin in pins(session):
        world = _world(session, pin)
        if before is not None:
            world = replace(world, inherited=inherited(before, predecessor=pin.predecessor))
        found[pin.ledger] = before = world
        if pin.ledger == until:
            break
    return found


def _world(session: Session, pin: Pin) -> World:
    registry, ledger = pin.registry, pin.ledger
    parties = list(rows_of(session, PartyRow, registry))
    orders = rows_of(session, FreezeOrderRow, ledger)
    return World(
        parties={PartyNumber(row.party): party_of(row) for row in parties},
        recoveries=recoveries_of(parties),
        signers={row.signer: PartyNumber(row.party) for row in rows_of(session, SignerRow, registry)},
        verifiers={row.verifier: verifier_of(row) for row in rows_of(session, VerifierRow, registry)},
        registry_settings=registry_settings(session, registry),
        lines={row.line: line_of(row) for row in rows_of(session, LineRow, ledger)},
        promises={row.promise: promise_record_of(row) for row in rows_of(session, PromiseRow, ledger)},
        vouchers={row.voucher: voucher_of(row) for row in rows_of(session, VoucherRow, ledger)},
        payments={
            row.voucher: payment_of(row)
            for row in rows_of(session, PaymentRow, ledger)
            if row.fate in OPEN_FATES
        },
        pledges={row.voucher: pledge_of(row) for row in rows_of(session, PledgeRow, ledger)},
        freezes={row.voucher: Day(row.until) for row in rows_of(session, FreezeRow, ledger)},
        spent_orders=frozenset((row.order, row.voucher) for row in orders),
        invoice_uses={
            (PartyNumber(row.payer), row.fingerprint): InvoiceUse(row.total, row.used)
            for row in rows_of(session, InvoiceUseRow, ledger)
        },
        issuers={
            PartyNumber(row.issuer): issuer_record_of(row) for row in rows_of(session, IssuerRow, ledger)
        },
        settings=ledger_settings(session, ledger),
    )


def world_around(session: Session, contract: str, events: Collection[Event]) -> World:
    """What the rows say of everything that these events of one contract can touch; of the rest nothing."""
    return Surroundings(contract).meet(session, events).world


@dataclass(frozen=True, slots=True)
class Touched:
    """What some events can touch, by its keys, and what is known of it so far."""

    world: World
    parties: Collection[PartyNumber]
    signers: Collection[int]
    verifiers: Collection[int]
    lines: Collection[LineId]
    promises: Collection[PromiseId]
    vouchers: Collection[VoucherId]
    invoices: Collection[tuple[PartyNumber, bytes]]
    issuers: Collection[PartyNumber]


class Surroundings:
    """What a contract's rows say of everything that events have touched so far, each read once.

    Whoever folds events into `draft` and writes what has changed finds the rows here as they are by then, as long as
    nobody else writes. `payments`: the sequence of the payment under way on a voucher.
    """

    def __init__(self, contract: str) -> None:
        self.contract = contract
        self.draft: Draft = World().draft()
        self.payments: dict[VoucherId, int] = {}
        self._asked: dict[type[Base], set[Any]] = {}

    def meet(self, session: Session, events: Collection[Event]) -> Touched:
        """Reads what these events can touch and was not read before."""
        draft, kinds = self.draft, _by_kind(events)
        parties, vouchers = _named(kinds, "party"), _named(kinds, "voucher", "child")
        signers, verifiers = _named(kinds, "signer"), _named(kinds, "verifier")
        promises = {promise_of(voucher) for voucher in vouchers}
        self._read_registry(session, parties, signers, verifiers)
        for promise in self._new(session, PromiseRow, PromiseRow.promise, promises):
            draft.promises[promise.promise] = promise_record_of(promise)
        lines = _named(kinds, "line", "parent")
        lines |= {draft.promises[promise].line for promise in promises if promise in draft.promises}
        for _ in range(2):  # the parents of those that are known now
            for line in self._new(session, LineRow, LineRow.line, lines):
                draft.lines[line.line] = line_of(line)
            lines |= {draft.lines[line].parent for line in lines if line in draft.lines}
        issuers = _named(kinds, "issuer") | {
            draft.lines[line].issuer for line in lines if line in draft.lines
        }
        for issuer in self._new(session, IssuerRow, IssuerRow.issuer, issuers):
            draft.issuers[PartyNumber(issuer.issuer)] = issuer_record_of(issuer)
        fingerprints = _named(kinds, "fingerprint")
        for use in self._new(session, InvoiceUseRow, InvoiceUseRow.fingerprint, fingerprints):
            draft.invoice_uses[PartyNumber(use.payer), use.fingerprint] = InvoiceUse(use.total, use.used)
        self._read_vouchers(session, vouchers)
        used = (*kinds.get(InvoiceUsed, ()), *kinds.get(InvoiceReturned, ()))
        invoices = {(event.payer, event.fingerprint) for event in used}
        return Touched(
            world=World(
                parties=_of(draft.parties, parties),
                recoveries=_of(draft.recoveries, parties),
                signers=_of(draft.signers, signers),
                verifiers=_of(draft.verifiers, verifiers),
                registry_settings=draft.registry_settings,
                lines=_of(draft.lines, lines),
                promises=_of(draft.promises, promises),
                vouchers=_of(draft.vouchers, vouchers),
                payments=_of(draft.payments, vouchers),
                pledges=_of(draft.pledges, vouchers),
                freezes=_of(draft.freezes, vouchers),
                invoice_uses=_of(draft.invoice_uses, invoices),
                issuers=_of(draft.issuers, issuers),
                settings=draft.settings,
            ),
            parties=parties,
            signers=signers,
            verifiers=verifiers,
            lines=lines,
            promises=promises,
            vouchers=vouchers,
            invoices=invoices,
            issuers=issuers,
        )

    def _read_registry(
        self, session: Session, parties: set[Any], signers: set[Any], verifiers: set[Any]
    ) -> None:
        draft = self.draft
        if not self._asked:  # the first time
            draft.registry_settings = registry_settings(session, self.contract)
            draft.settings = ledger_settings(session, self.contract)
        admitted = list(self._new(session, PartyRow, PartyRow.party, parties))
        draft.parties.update((PartyNumber(row.party), party_of(row)) for row in admitted)
        draft.recoveries.update(recoveries_of(admitted))
        for signer in self._new(session, SignerRow, SignerRow.signer, signers):
            draft.signers[signer.signer] = PartyNumber(signer.party)
        for verifier in self._new(session, VerifierRow, VerifierRow.verifier, verifiers):
            draft.verifiers[verifier.verifier] = verifier_of(verifier)

    def _read_vouchers(self, session: Session, vouchers: set[VoucherId]) -> None:
        draft = self.draft
        for voucher in self._new(session, VoucherRow, VoucherRow.voucher, vouchers):
            draft.vouchers[voucher.voucher] = voucher_of(voucher)
        for payment in self._new(session, PaymentRow, PaymentRow.voucher, vouchers):
            if payment.fate in OPEN_FATES:
                draft.payments[payment.voucher] = payment_of(payment)
                self.payments[payment.voucher] = payment.sequence
        for pledge in self._new(session, PledgeRow, PledgeRow.voucher, vouchers):
            draft.pledges[pledge.voucher] = pledge_of(pledge)
        for freeze in self._new(session, FreezeRow, FreezeRow.voucher, vouchers):
            draft.freezes[freeze.voucher] = Day(freeze.until)

    def _new(
        self, session: Session, table: type[R], column: InstrumentedAttribute[Any], keys: set[Any]
    ) -> Iterator[R]:
        asked = self._asked.setdefault(table, set())
        new = keys - asked
        asked |= new
        return rows_of(session, table, self.contract, column, new)


@dataclass(slots=True)
class Kept:
    """What one process knows of contracts' rows since it last wrote them, and the cursors that it wrote with them.

    Rows are a function of the events up to the cursor: who finds his cursor again knows what the rows say, whatever
    others have done meanwhile.
    """

    cursors: dict[str, object] = field(default_factory=dict)
    around: dict[str, Surroundings] = field(default_factory=dict)

    def take(self, contract: str, cursor: object) -> Surroundings:
        """What is known at this cursor, for one commit: if that fails, it is of no use any more."""
        present = self.cursors.pop(contract, None)
        around = self.around.get(contract)
        if around is None or present != cursor or len(around.draft.vouchers) > REMEMBERED:
            around = self.around[contract] = Surroundings(contract)
        return around


def _of(records: Mapping[K, V], keys: Iterable[K]) -> dict[K, V]:
    return {key: records[key] for key in keys if key in records}


def ledger_settings(session: Session, ledger: str) -> Settings:
    """Tenor cap and stops of a ledger, as its rows say."""
    return settings_in(rows_of(session, LedgerSettingsRow, ledger))


def settings_in(rows: Iterable[LedgerSettingsRow]) -> Settings:
    """The same, of rows that were read."""
    return next((settings_of(row) for row in rows), Settings())


def registry_settings(session: Session, registry: str) -> RegistrySettings:
    """Who is registrar, as the rows say."""
    return registry_settings_in(rows_of(session, RegistrySettingsRow, registry))


def registry_settings_in(rows: Iterable[RegistrySettingsRow]) -> RegistrySettings:
    """The same, of rows that were read."""
    return next((registry_settings_of(row) for row in rows), RegistrySettings())


def _by_kind(events: Iterable[Event]) -> dict[type, list[Event]]:
    kinds: dict[type, list[Event]] = {}
    for event in events:
        kinds.setdefault(type(event), []).append(event)
    return kinds


def _named(kinds: Mapping[type, Sequence[Event]], *fields: str) -> set[Any]:
    """What these fields say, in those events that have them."""
    found: set[Any] = set()
    for kind, events in kinds.items():
        for name in fields:
            if name in kind.__match_args__:  # type: ignore[attr-defined]
                found.update(map(attrgetter(name), events))
    return found


def rows_of(
    session: Session,
    table: type[R],
    contract: str,
    column: InstrumentedAttribute[Any] | None = None,
    keys: Collection[Any] | None = None,
) -> Iterator[R]:
    """A contract's rows of a table: all, or those with these keys in this column (without keys none)."""
    if column is None or keys is None:
        yield from session.execute(_all_of(table), {"contract": contract})  # type: ignore[misc]
        return
    asked, on_postgres = sorted(keys), session.get_bind().dialect.name == "postgresql"
    for at in range(0, len(asked), AT_ONCE):
        these = {"contract": contract, "asked": asked[at : at + AT_ONCE]}
        yield from session.execute(_those_of(table, column.key, on_postgres), these)  # type: ignore[misc]


@cache
def _all_of(table: type[Base]) -> Select[Any]:
    columns = table.__table__.c
    return select(*columns).where(columns.contract == bindparam("contract"))


@cache
def _those_of(table: type[Base], name: str, on_postgres: bool) -> Select[Any]:
    """Built once: to build it takes as long as to ask."""
    return _all_of(table).where(among(table.__table__.c[name], "asked", on_postgres=on_postgres))
