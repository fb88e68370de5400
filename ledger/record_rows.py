"""A record as the columns of its row, and the record that a row says. No query here, and nothing is written.

A row says no more and no less than its record, apart from its key and from the columns that only events fill (see
`projection.py`).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from ledger.agreements import LineId, PartyNumber, PromiseId, Purpose
from ledger.calendar import Day
from ledger.tables import (
    IssuerRow,
    LedgerSettingsRow,
    LineRow,
    PartyRow,
    PaymentRow,
    PledgeRow,
    PromiseRow,
    RegistrySettingsRow,
    VerifierRow,
    VoucherRow,
)
from ledger.world import (
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
    bank_of,
)

# Records from rows


def party_of(row: PartyRow) -> Party:
    """The record of a party."""
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


def recoveries_of(rows: Collection[PartyRow]) -> dict[PartyNumber, Recovery]:
    """The lost-key recoveries under way, by party."""
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


def line_of(row: LineRow) -> Line:
    """The record of a line."""
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


def promise_record_of(row: PromiseRow) -> Promise:
    """The record of a promise."""
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


def voucher_of(row: VoucherRow) -> Voucher:
    """The record of a voucher."""
    return Voucher(
        face=row.face,
        holder=PartyNumber(row.holder),
        tier=row.tier,
        sequence=row.sequence,
        locks=Lock(row.locks),
        funder=PartyNumber(row.funder),
        pay_by=Day(row.pay_by),
    )


def payment_of(row: PaymentRow) -> Payment:
    """The record of a payment under way."""
    return Payment(
        purpose=Purpose(row.purpose),
        payee=PartyNumber(row.payee),
        amount=row.amount,
        asserted_on=Day(row.asserted_on),
        contested_on=Day(row.contested_on),
    )


def pledge_of(row: PledgeRow) -> PledgeRecord:
    """The record of a pledge in force."""
    return PledgeRecord(pledgee=PartyNumber(row.pledgee), secured=row.secured, end_day=Day(row.end_day))


def issuer_record_of(row: IssuerRow) -> IssuerRecord:
    """The record of an issuer."""
    return IssuerRecord(overdue=row.overdue, stopped=row.stopped)


def settings_of(row: LedgerSettingsRow) -> Settings:
    """A ledger's settings."""
    return Settings(
        sequence=row.sequence,
        tenor_cap=row.tenor_cap,
        next_tenor_cap=row.next_tenor_cap or 0,
        next_tenor_cap_from=Day(row.next_tenor_cap_from or 0),
        run_off=row.run_off,
    )


def registry_settings_of(row: RegistrySettingsRow) -> RegistrySettings:
    """The registry's settings."""
    return RegistrySettings(
        registrar=PartyNumber(row.registrar),
        sequence=row.sequence,
        next_registrar=PartyNumber(row.next_registrar or 0),
        next_registrar_from=Day(row.next_registrar_from or 0),
    )


def verifier_of(row: VerifierRow) -> VerifierRecord:
    """An entry of the allow-list."""
    return VerifierRecord(
        signature_gas=row.signature_gas, active_on=Day(row.active_on), code_hash=row.code_hash
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


def pledge_row(pledge: PledgeRecord) -> dict[str, Any]:
    """The columns of a pledge that its record has."""
    return {"pledgee": pledge.pledgee, "secured": pledge.secured, "end_day": pledge.end_day}


def issuer_row(issuer: IssuerRecord) -> dict[str, Any]:
    """The columns of an issuer."""
    return {"overdue": issuer.overdue, "stopped": issuer.stopped}


def settings_row(settings: Settings) -> dict[str, Any]:
    """The columns of a ledger's settings."""
    return {
        "sequence": settings.sequence,
        "tenor_cap": settings.tenor_cap,
        "next_tenor_cap": settings.next_tenor_cap or None,
        "next_tenor_cap_from": settings.next_tenor_cap_from or None,
        "run_off": settings.run_off,
    }


def registry_settings_row(settings: RegistrySettings) -> dict[str, Any]:
    """The columns of the registry's settings."""
    return {
        "registrar": settings.registrar,
        "sequence": settings.sequence,
        "next_registrar": settings.next_registrar or None,
        "next_registrar_from": settings.next_registrar_from or None,
    }


def verifier_row(verifier: VerifierRecord) -> dict[str, Any]:
    """The columns of an entry of the allow-list."""
    return {
        "signature_gas": verifier.signature_gas,
        "active_on": verifier.active_on,
        "code_hash": verifier.code_hash,
    }
