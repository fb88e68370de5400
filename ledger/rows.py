"""The projection's rows and the World's records, turned into each other.

`world_around` reads just what a few events can touch, `world_of` everything. A row says no more and no less
than its record, apart from the columns that only events fill (see `projection.py`). Nothing is written here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, Final, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute, Session

from ledger.agreements import LineId, PartyNumber, PromiseId, Purpose, VoucherId
from ledger.calendar import Day
from ledger.events import Event
from ledger.store import pin_for
from ledger.tables import (
    OPEN_FATES,
    Base,
    FreezeOrderRow,
    FreezeRow,
    InvoiceUseRow,
    LineRow,
    PartyRow,
    PaymentRow,
    PromiseRow,
    SignerRow,
    VoucherRow,
)
from ledger.world import (
    InvoiceUse,
    Line,
    Lock,
    Party,
    Payment,
    Promise,
    Recovery,
    Role,
    SignerKind,
    Status,
    Voucher,
    World,
    bank_of,
    promise_of,
)

R = TypeVar("R", bound=Base)
AT_ONCE: Final = 500
"""Keys in one query; databases set limits to them."""


def world_of(session: Session, ledger: str) -> World:
    """Everything that the rows of a pinned ledger and its registry say; InputError for an unknown ledger."""
    registry = pin_for(session, ledger).registry
    parties = list(_rows(session, PartyRow, registry))
    orders = _rows(session, FreezeOrderRow, ledger)
    return World(
        parties={PartyNumber(row.party): _party(row) for row in parties},
        recoveries=_recoveries(parties),
        signers={row.signer: PartyNumber(row.party) for row in _rows(session, SignerRow, registry)},
        lines={row.line: _line(row) for row in _rows(session, LineRow, ledger)},
        promises={row.promise: _promise(row) for row in _rows(session, PromiseRow, ledger)},
        vouchers={row.voucher: _voucher(row) for row in _rows(session, VoucherRow, ledger)},
        payments={row.voucher: _payment(row) for row in open_payments(session, ledger)},
        freezes={row.voucher: Day(row.until) for row in _rows(session, FreezeRow, ledger)},
        spent_orders=frozenset((row.order, row.voucher) for row in orders),
        invoice_uses={
            (PartyNumber(row.payer), row.fingerprint): InvoiceUse(row.total, row.used)
            for row in _rows(session, InvoiceUseRow, ledger)
        },
    )


def world_around(session: Session, contract: str, events: Collection[Event]) -> World:
    """What the rows say of everything that these events of one contract can touch; of the rest nothing."""
    numbers = _named(events, "party")
    parties = list(_rows(session, PartyRow, contract, PartyRow.party, numbers))
    claimed = _rows(session, SignerRow, contract, SignerRow.signer, _named(events, "signer"))
    vouchers = _named(events, "voucher", "child")
    promises = {
        row.promise: _promise(row)
        for row in _rows(session, PromiseRow, contract, PromiseRow.promise, {promise_of(v) for v in vouchers})
    }
    lines = _named(events, "line") | {promise.line for promise in promises.values()}
    known = {row.line: _line(row) for row in _rows(session, LineRow, contract, LineRow.line, lines)}
    parents = {line.parent for line in known.values() if line.parent} - known.keys()
    known |= {row.line: _line(row) for row in _rows(session, LineRow, contract, LineRow.line, parents)}
    fingerprints = _named(events, "fingerprint")
    uses = _rows(session, InvoiceUseRow, contract, InvoiceUseRow.fingerprint, fingerprints)
    held = _rows(session, VoucherRow, contract, VoucherRow.voucher, vouchers)
    frozen = _rows(session, FreezeRow, contract, FreezeRow.voucher, vouchers)
    return World(
        parties={PartyNumber(row.party): _party(row) for row in parties},
        recoveries=_recoveries(parties),
        signers={row.signer: PartyNumber(row.party) for row in claimed},
        lines=known,
        promises=promises,
        vouchers={row.voucher: _voucher(row) for row in held},
        payments={row.voucher: _payment(row) for row in open_payments(session, contract, vouchers)},
        freezes={row.voucher: Day(row.until) for row in frozen},
        invoice_uses={
            (PartyNumber(row.payer), row.fingerprint): InvoiceUse(row.total, row.used) for row in uses
        },
    )


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


# Records from rows


def _party(row: PartyRow) -> Party:
    return Party(
        signer=row.signer,
        kind=SignerKind(row.kind),
        signature_gas=row.signature_gas,
        roles=Role(row.roles),
        sponsor=PartyNumber(row.sponsor),
        profile=row.profile,
        status=Status(row.status),
        recovered_on=Day(row.recovered_on),
        sequence=row.sequence,
    )


def _recoveries(rows: Collection[PartyRow]) -> dict[PartyNumber, Recovery]:
    return {
        PartyNumber(row.party): Recovery(
            signer=row.recovery_signer,
            kind=SignerKind(row.recovery_kind or 0),
            signature_gas=row.recovery_signature_gas or 0,
            ready_on=Day(row.recovery_ready_on or 0),
            vetoed=bool(row.recovery_vetoed),
        )
        for row in rows
        if row.recovery_signer is not None
    }


def _line(row: LineRow) -> Line:
    return Line(
        issuer=PartyNumber(row.issuer),
        parent=row.parent or LineId(0),
        limit=row.limit,
        expiry=Day(row.expiry),
        smallest_part=row.smallest_part,
        window=row.window,
        grace=row.grace,
        countersign=row.countersign,
        drawn=row.drawn,
        frozen=row.frozen,
        sequence=row.sequence,
    )


def _promise(row: PromiseRow) -> Promise:
    return Promise(
        line=row.line,
        issuer=PartyNumber(row.issuer),
        face=row.face,
        due_day=Day(row.due_day),
        smallest_part=row.smallest_part,
        highest_tier=row.highest_tier,
        terms=row.terms,
        tenor_reason=row.tenor_reason,
        issued_on=Day(row.issued_on),
        headroom=row.headroom,
        live=row.live,
        settled=row.settled,
        cancelled=row.cancelled,
    )


def _voucher(row: VoucherRow) -> Voucher:
    return Voucher(
        face=row.face,
        holder=PartyNumber(row.holder),
        tier=row.tier,
        sequence=row.sequence,
        locks=Lock(row.locks),
        funder=PartyNumber(row.funder),
        pay_by=Day(row.pay_by),
    )


def _payment(row: PaymentRow) -> Payment:
    return Payment(
        purpose=Purpose(row.purpose),
        payee=PartyNumber(row.payee),
        amount=row.amount,
        asserted_on=Day(row.asserted_on),
        contested_on=Day(row.contested_on),
    )


# Rows from records, without their keys


def party_row(party: Party, recovery: Recovery | None) -> dict[str, Any]:
    """The columns of a party."""
    return {
        "signer": party.signer,
        "kind": int(party.kind),
        "signature_gas": party.signature_gas,
        "roles": int(party.roles),
        "sponsor": party.sponsor,
        "profile": party.profile,
        "status": int(party.status),
        "recovered_on": party.recovered_on,
        "sequence": party.sequence,
        "recovery_signer": recovery.signer if recovery else None,
        "recovery_kind": int(recovery.kind) if recovery else None,
        "recovery_signature_gas": recovery.signature_gas if recovery else None,
        "recovery_ready_on": recovery.ready_on if recovery else None,
        "recovery_vetoed": recovery.vetoed if recovery else None,
    }


def line_row(number: LineId, line: Line) -> dict[str, Any]:
    """The columns of a line."""
    return {
        "bank": bank_of(number),
        "issuer": line.issuer,
        "parent": line.parent or None,
        "limit": line.limit,
        "drawn": line.drawn,
        "expiry": line.expiry,
        "smallest_part": line.smallest_part,
        "window": line.window,
        "grace": line.grace,
        "countersign": line.countersign,
        "frozen": line.frozen,
        "sequence": line.sequence,
    }


def promise_row(promise: Promise) -> dict[str, Any]:
    """The columns of a promise that its record has."""
    return {
        "line": promise.line,
        "issuer": promise.issuer,
        "face": promise.face,
        "due_day": promise.due_day,
        "smallest_part": promise.smallest_part,
        "highest_tier": promise.highest_tier,
        "terms": promise.terms,
        "tenor_reason": promise.tenor_reason,
        "issued_on": promise.issued_on,
        "headroom": promise.headroom,
        "live": promise.live,
        "settled": promise.settled,
        "cancelled": promise.cancelled,
    }


def voucher_row(voucher: Voucher, promise: PromiseId | None) -> dict[str, Any]:
    """The columns of a voucher that its record has."""
    return {
        "promise": promise,
        "face": voucher.face,
        "holder": voucher.holder,
        "tier": voucher.tier,
        "sequence": voucher.sequence,
        "locks": int(voucher.locks),
        "funder": voucher.funder,
        "pay_by": voucher.pay_by,
    }
