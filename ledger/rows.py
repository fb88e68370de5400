"""Worlds out of the database: what its rows say, read in one session.

    world_of       everything that a ledger and its registry hold, and what the ledger inherits
    worlds_of      the same of every pinned ledger, in order of succession
    world_around   just what a few events can touch

How a row turns into a record is in `record_rows.py`. Nothing is written here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Any, Final, TypeVar

from eth_utils.address import to_checksum_address
from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute, Session

from ledger.agreements import PartyNumber, VoucherId
from ledger.calendar import Day
from ledger.chain import Address
from ledger.events import Event
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
from ledger.world import InvoiceUse, RegistrySettings, Settings, World, promise_of

R = TypeVar("R", bound=Base)
AT_ONCE: Final = 500
"""Keys in one query; databases set limits to them."""


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
    parties = list(_rows(session, PartyRow, registry))
    orders = _rows(session, FreezeOrderRow, ledger)
    return World(
        parties={PartyNumber(row.party): party_of(row) for row in parties},
        recoveries=recoveries_of(parties),
        signers={row.signer: PartyNumber(row.party) for row in _rows(session, SignerRow, registry)},
        verifiers={row.verifier: verifier_of(row) for row in _rows(session, VerifierRow, registry)},
        registry_settings=_registry_settings(session, registry),
        lines={row.line: line_of(row) for row in _rows(session, LineRow, ledger)},
        promises={row.promise: promise_record_of(row) for row in _rows(session, PromiseRow, ledger)},
        vouchers={row.voucher: voucher_of(row) for row in _rows(session, VoucherRow, ledger)},
        payments={row.voucher: payment_of(row) for row in open_payments(session, ledger)},
        pledges={row.voucher: pledge_of(row) for row in _rows(session, PledgeRow, ledger)},
        freezes={row.voucher: Day(row.until) for row in _rows(session, FreezeRow, ledger)},
        spent_orders=frozenset((row.order, row.voucher) for row in orders),
        invoice_uses={
            (PartyNumber(row.payer), row.fingerprint): InvoiceUse(row.total, row.used)
            for row in _rows(session, InvoiceUseRow, ledger)
        },
        issuers={PartyNumber(row.issuer): issuer_record_of(row) for row in _rows(session, IssuerRow, ledger)},
        settings=_settings(session, ledger),
    )


def world_around(session: Session, contract: str, events: Collection[Event]) -> World:
    """What the rows say of everything that these events of one contract can touch; of the rest nothing."""
    numbers = _named(events, "party")
    parties = list(_rows(session, PartyRow, contract, PartyRow.party, numbers))
    claimed = _rows(session, SignerRow, contract, SignerRow.signer, _named(events, "signer"))
    listed = _rows(session, VerifierRow, contract, VerifierRow.verifier, _named(events, "verifier"))
    vouchers = _named(events, "voucher", "child")
    promises = {
        row.promise: promise_record_of(row)
        for row in _rows(session, PromiseRow, contract, PromiseRow.promise, {promise_of(v) for v in vouchers})
    }
    lines = _named(events, "line") | {promise.line for promise in promises.values()}
    known = {row.line: line_of(row) for row in _rows(session, LineRow, contract, LineRow.line, lines)}
    parents = {line.parent for line in known.values() if line.parent} - known.keys()
    known |= {row.line: line_of(row) for row in _rows(session, LineRow, contract, LineRow.line, parents)}
    issuers = _named(events, "issuer") | {line.issuer for line in known.values()}
    standing = _rows(session, IssuerRow, contract, IssuerRow.issuer, issuers)
    fingerprints = _named(events, "fingerprint")
    uses = _rows(session, InvoiceUseRow, contract, InvoiceUseRow.fingerprint, fingerprints)
    held = _rows(session, VoucherRow, contract, VoucherRow.voucher, vouchers)
    pledged = _rows(session, PledgeRow, contract, PledgeRow.voucher, vouchers)
    frozen = _rows(session, FreezeRow, contract, FreezeRow.voucher, vouchers)
    return World(
        parties={PartyNumber(row.party): party_of(row) for row in parties},
        recoveries=recoveries_of(parties),
        signers={row.signer: PartyNumber(row.party) for row in claimed},
        verifiers={row.verifier: verifier_of(row) for row in listed},
        registry_settings=_registry_settings(session, contract),
        lines=known,
        promises=promises,
        vouchers={row.voucher: voucher_of(row) for row in held},
        payments={row.voucher: payment_of(row) for row in open_payments(session, contract, vouchers)},
        pledges={row.voucher: pledge_of(row) for row in pledged},
        freezes={row.voucher: Day(row.until) for row in frozen},
        invoice_uses={
            (PartyNumber(row.payer), row.fingerprint): InvoiceUse(row.total, row.used) for row in uses
        },
        issuers={PartyNumber(row.issuer): issuer_record_of(row) for row in standing},
        settings=_settings(session, contract),
    )


def _settings(session: Session, ledger: str) -> Settings:
    rows = _rows(session, LedgerSettingsRow, ledger)
    return next((settings_of(row) for row in rows), Settings())


def _registry_settings(session: Session, registry: str) -> RegistrySettings:
    rows = _rows(session, RegistrySettingsRow, registry)
    return next((registry_settings_of(row) for row in rows), RegistrySettings())


def open_payments(
    session: Session, contract: str, vouchers: Collection[VoucherId] | None = None
) -> Iterator[PaymentRow]:
    """The payments under way, at most one on a voucher; of these vouchers, or of all."""
    rows = _rows(session, PaymentRow, contract, PaymentRow.voucher, vouchers)
    return (row for row in rows if row.fate in OPEN_FATES)


def _named(events: Collection[Event], *fields: str) -> set[Any]:
    values = (getattr(event, name, None) for event in events for name in fields)
    return {value for value in values if value is not None}


def _rows(
    session: Session,
    table: type[R],
    contract: str,
    column: InstrumentedAttribute[Any] | None = None,
    keys: Collection[Any] | None = None,
) -> Iterator[R]:
    # The rows may have been changed by statements that the session's objects know nothing of.
    query = select(table).where(table.__table__.c.contract == contract)
    query = query.execution_options(populate_existing=True)
    if column is None or keys is None:
        yield from session.scalars(query)
        return
    asked = sorted(keys)
    for at in range(0, len(asked), AT_ONCE):
        yield from session.scalars(query.where(column.in_(asked[at : at + AT_ONCE])))
