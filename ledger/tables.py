"""The database's tables, as SQLAlchemy 2 classes.

    pins · cursors · blocks · events                      the chain, as it was followed
    parties signers verifiers registry_settings           the projection: a pure function of the events
    ledger_settings issuers lines promises vouchers
    payments pledges freezes freeze_orders invoice_uses
    voucher_history

What is to be sent, what is being negotiated and who works here stand on no chain: their tables are in modules of
their own, imported below. Amounts are fen, days China-time day numbers, party numbers plain; ids and hashes are 0x
text, a line is `bank-reference`. Every row but a block's names its contract and has it in its key, because one database
follows several on one chain. No rule stands here; the migrations make the tables, and a test compares the two.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import ForeignKeyConstraint, Index, Integer, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from ledger import (
    bulk_tables,
    disbursement_tables,
    document_tables,
    invoice_tables,
    offer_tables,
    organisation_tables,
    outbox_tables,
    programme_tables,
    quote_tables,
    webhook_tables,
)
from ledger.agreements import LineId, PromiseId, VoucherId
from ledger.columns import ADDRESS, SIGNER, SUM, Base, Fens, bytes_of, hex_of

__all__ = ["Base", "bytes_of", "hex_of"]
__all__ += ["offer_tables", "organisation_tables", "outbox_tables"]  # so that `Base` knows every table
__all__ += ["bulk_tables", "disbursement_tables", "invoice_tables", "programme_tables", "quote_tables"]
__all__ += ["document_tables", "webhook_tables"]

OPEN_FATES: Final = ("asserted", "contested", "confirmed")
"""Of payments that are still under way."""
_OTHERS: Final = (
    "name in ('PartyAdmitted', 'PartySuspension', 'PartyRekeyed', 'RekeyProposed', 'RekeyVetoed', 'RekeyWithdrawn', "
    "'VerifierListed', 'HandOverProposed', 'HandOverAccepted', 'LineGranted', 'LineResized', 'LineFreezing', "
    "'TenorCapSet', 'IssueStopped')"
)
NOT_OF_VOUCHERS: Final = text(f"events.{_OTHERS}")
"""Of events that are in no voucher's history. Who wants the index by subject says so in these words."""
_SOLD: Final = text("quote is not null")


def _contract() -> Mapped[str]:
    return mapped_column(ADDRESS, primary_key=True)


# The chain as it was followed


class PinRow(Base):
    """A ledger that this database belongs to, its registry, and the chain that both are on.

    `succession`: 0 for the first ledger, 1 for its successor, …; `predecessor` NULL for the first.
    """

    __tablename__ = "pins"
    contract: Mapped[str] = _contract()
    party_registry: Mapped[str] = mapped_column("registry", ADDRESS)
    predecessor: Mapped[str | None] = mapped_column(ADDRESS)
    succession: Mapped[int] = mapped_column(Integer)
    chain_id: Mapped[int]
    genesis_hash: Mapped[bytes]
    registry_code: Mapped[bytes]
    ledger_code: Mapped[bytes]
    first_block: Mapped[int]


class CursorRow(Base):
    """How far a contract was followed: the last block, its hash (zeros: none yet), the journal head there."""

    __tablename__ = "cursors"
    contract: Mapped[str] = _contract()
    block: Mapped[int]
    block_hash: Mapped[bytes]
    journal: Mapped[bytes]


class BlockRow(Base):
    """A block that has events of ours, or at which following once stopped."""

    __tablename__ = "blocks"
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    hash: Mapped[bytes]
    timestamp: Mapped[int]


class EventRow(Base):
    """One journal event as it was logged. `name` stands for its first topic, `subject`, its first field, is the
    second.

    Those of one voucher are found by its history.

    No foreign key to its block, nor from a history row to its voucher: they would be most of what the database does for
    an event, and what the index writes is checked against the contract's journal head before it is committed.
    """

    __tablename__ = "events"
    __table_args__ = (
        Index(
            "events_by_subject",
            "contract",
            "subject",
            sqlite_where=text(_OTHERS),
            postgresql_where=text(_OTHERS),
        ),
    )
    contract: Mapped[str] = _contract()
    block: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    log_index: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    tx_hash: Mapped[bytes]
    name: Mapped[str] = mapped_column(String(32))
    subject: Mapped[bytes]
    data: Mapped[str] = mapped_column(Text)


# Projection: registry


class PartyRow(Base):
    """A party. `recovery_*`: the lost-key recovery under way, NULL where there is none."""

    __tablename__ = "parties"
    contract: Mapped[str] = _contract()
    party: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    signer: Mapped[int] = mapped_column(SIGNER)
    kind: Mapped[int] = mapped_column(Integer)
    signature_gas: Mapped[int]
    roles: Mapped[int] = mapped_column(Integer)
    sponsor: Mapped[int]
    profile: Mapped[bytes]
    status: Mapped[int] = mapped_column(Integer)
    recovered_on: Mapped[int] = mapped_column(Integer)
    sequence: Mapped[int]
    recovery_signer: Mapped[int | None] = mapped_column(SIGNER)
    recovery_kind: Mapped[int | None] = mapped_column(Integer)
    recovery_signature_gas: Mapped[int | None]
    recovery_ready_on: Mapped[int | None] = mapped_column(Integer)
    recovery_vetoed: Mapped[bool | None]


class SignerRow(Base):
    """Whom a signer serves, or once served."""

    __tablename__ = "signers"
    contract: Mapped[str] = _contract()
    signer: Mapped[int] = mapped_column(SIGNER, primary_key=True, autoincrement=False)
    party: Mapped[int]


class VerifierRow(Base):
    """A verifier on the allow-list: the gas cap of one check, its first day of use, the hash of its code."""

    __tablename__ = "verifiers"
    contract: Mapped[str] = _contract()
    verifier: Mapped[int] = mapped_column(SIGNER, primary_key=True, autoincrement=False)
    signature_gas: Mapped[int]
    active_on: Mapped[int] = mapped_column(Integer)
    code_hash: Mapped[bytes]


class RegistrySettingsRow(Base):
    """Who is registrar; no row before the first change (party 1). `next_*`: who was offered the office, from
    which day on; NULL where nobody was."""

    __tablename__ = "registry_settings"
    contract: Mapped[str] = _contract()
    registrar: Mapped[int]
    sequence: Mapped[int]
    next_registrar: Mapped[int | None]
    next_registrar_from: Mapped[int | None] = mapped_column(Integer)


# Projection: ledger


class LedgerSettingsRow(Base):
    """The registrar's settings of one ledger; no row before the first change. Caps in days, `next_*` as
    announced, else NULL. `run_off`: nothing is issued here any more."""

    __tablename__ = "ledger_settings"
    contract: Mapped[str] = _contract()
    sequence: Mapped[int]
    tenor_cap: Mapped[int] = mapped_column(Integer)
    next_tenor_cap: Mapped[int | None] = mapped_column(Integer)
    next_tenor_cap_from: Mapped[int | None] = mapped_column(Integer)
    run_off: Mapped[bool]


class IssuerRow(Base):
    """What keeps an issuer from issuing: its overdue face, the registrar's stop; no row where nothing did."""

    __tablename__ = "issuers"
    contract: Mapped[str] = _contract()
    issuer: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    overdue: Mapped[int] = mapped_column(SUM)
    stopped: Mapped[bool]


class LineRow(Base):
    """A credit line; `drawn` includes sub-lines."""

    __tablename__ = "lines"
    __table_args__ = (ForeignKeyConstraint(["contract", "parent"], ["lines.contract", "lines.line"]),)
    contract: Mapped[str] = _contract()
    line: Mapped[LineId] = mapped_column(primary_key=True)
    bank: Mapped[int]
    issuer: Mapped[int]
    parent: Mapped[LineId | None]
    limit: Mapped[int] = mapped_column(Fens)
    drawn: Mapped[int] = mapped_column(Fens)
    expiry: Mapped[int] = mapped_column(Integer)
    smallest_part: Mapped[int]
    window: Mapped[int] = mapped_column(Integer)
    grace: Mapped[int] = mapped_column(Integer)
    countersign: Mapped[bool]
    frozen: Mapped[bool]
    sequence: Mapped[int]


class PromiseRow(Base):
    """An issue with its terms; live + settled + cancelled = face."""

    __tablename__ = "promises"
    __table_args__ = (
        ForeignKeyConstraint(["contract", "line"], ["lines.contract", "lines.line"]),
        Index("promises_by_line", "contract", "line", "due_day"),
        Index("promises_by_issuer", "contract", "issuer", "due_day"),
    )
    contract: Mapped[str] = _contract()
    promise: Mapped[PromiseId] = mapped_column(primary_key=True)
    line: Mapped[LineId]
    issuer: Mapped[int]
    supplier: Mapped[int]
    face: Mapped[int] = mapped_column(Fens)
    due_day: Mapped[int] = mapped_column(Integer)
    smallest_part: Mapped[int]
    highest_tier: Mapped[int] = mapped_column(Integer)
    terms: Mapped[bytes]
    tenor_reason: Mapped[bytes]
    issued_on: Mapped[int] = mapped_column(Integer)
    headroom: Mapped[int] = mapped_column(Fens)
    live: Mapped[int] = mapped_column(Fens)
    settled: Mapped[int] = mapped_column(Fens)
    cancelled: Mapped[int] = mapped_column(Fens)


class VoucherRow(Base):
    """One claim. `promise` is NULL where the issue was revoked before it landed; `quote` is the sale's, while
    discounted; `ended_as` is settled, cancelled, split or revoked, NULL while face is left."""

    __tablename__ = "vouchers"
    __table_args__ = (
        ForeignKeyConstraint(["contract", "promise"], ["promises.contract", "promises.promise"]),
        Index("vouchers_by_holder", "contract", "holder"),
        Index("vouchers_by_promise", "contract", "promise"),
        Index("vouchers_by_funder", "contract", "funder", sqlite_where=_SOLD, postgresql_where=_SOLD),
    )
    contract: Mapped[str] = _contract()
    voucher: Mapped[VoucherId] = mapped_column(primary_key=True)
    promise: Mapped[PromiseId | None]
    parent: Mapped[VoucherId | None]
    face: Mapped[int] = mapped_column(Fens)
    holder: Mapped[int]
    tier: Mapped[int] = mapped_column(Integer)
    sequence: Mapped[int]
    locks: Mapped[int] = mapped_column(Integer)
    funder: Mapped[int]
    pay_by: Mapped[int] = mapped_column(Integer)
    quote: Mapped[bytes | None]
    ended_as: Mapped[str | None] = mapped_column(String(16))


def _voucher_key() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["contract", "voucher"], ["vouchers.contract", "vouchers.voucher"])


class PaymentRow(Base):
    """One assertion of a payment, under the sequence that it gave the voucher, with its later fate.

    `face` is the voucher's when asserted, `contested_on` the first contest's day (0: never). `fate` is
    asserted, contested, confirmed (while frozen), completed, withdrawn or replaced (by another assertion).
    `arbiter` and `ruling` where an award completed or withdrew it.
    """

    __tablename__ = "payments"
    __table_args__ = (_voucher_key(),)
    contract: Mapped[str] = _contract()
    voucher: Mapped[VoucherId] = mapped_column(primary_key=True)
    sequence: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    purpose: Mapped[int] = mapped_column(Integer)
    asserter: Mapped[int]
    payee: Mapped[int]
    amount: Mapped[int] = mapped_column(Fens)
    face: Mapped[int] = mapped_column(Fens)
    value_day: Mapped[int] = mapped_column(Integer)
    payment_reference: Mapped[bytes]
    agreed: Mapped[bool]
    asserted_on: Mapped[int] = mapped_column(Integer)
    contested_on: Mapped[int] = mapped_column(Integer)
    contest_reason: Mapped[bytes | None]
    confirmed_on: Mapped[int | None] = mapped_column(Integer)
    arbiter: Mapped[int | None]
    ruling: Mapped[bytes | None]
    fate: Mapped[str] = mapped_column(String(16))
    ended_on: Mapped[int | None] = mapped_column(Integer)


class PledgeRow(Base):
    """A pledge in force. `secured` shrinks with each payment to the pledgee, `filing` is a hash, after
    `end_day` the holder can release it."""

    __tablename__ = "pledges"
    __table_args__ = (_voucher_key(),)
    contract: Mapped[str] = _contract()
    voucher: Mapped[VoucherId] = mapped_column(primary_key=True)
    pledgee: Mapped[int]
    secured: Mapped[int] = mapped_column(Fens)
    filing: Mapped[bytes]
    end_day: Mapped[int] = mapped_column(Integer)


class FreezeRow(Base):
    """A court freeze in force, with its last day."""

    __tablename__ = "freezes"
    __table_args__ = (_voucher_key(),)
    contract: Mapped[str] = _contract()
    voucher: Mapped[VoucherId] = mapped_column(primary_key=True)
    until: Mapped[int] = mapped_column(Integer)


class FreezeOrderRow(Base):
    """A court order that was carried out on a voucher, and is spent for it."""

    __tablename__ = "freeze_orders"
    __table_args__ = (_voucher_key(),)
    contract: Mapped[str] = _contract()
    order: Mapped[bytes] = mapped_column(primary_key=True)
    voucher: Mapped[VoucherId] = mapped_column(primary_key=True)


class InvoiceUseRow(Base):
    """What was issued or passed on against one invoice of one paying party."""

    __tablename__ = "invoice_uses"
    __table_args__ = (Index("invoice_uses_by_fingerprint", "contract", "fingerprint"),)
    contract: Mapped[str] = _contract()
    payer: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    fingerprint: Mapped[bytes] = mapped_column(primary_key=True)
    total: Mapped[int] = mapped_column(Fens)
    used: Mapped[int] = mapped_column(Fens)


class HistoryRow(Base):
    """What an event did to a voucher; a part that was split off has a row for it too.

    `party`, `amount` and `reference` are the event's (recipient, funder, payee…; fen; quote, filing, payment
    reference…), `other` is the part or, in a part's own first row, the voucher that it came from. From `face`
    on: the voucher afterwards, NULL where an invoice was used for a voucher that does not exist yet.
    """

    __tablename__ = "voucher_history"
    contract: Mapped[str] = _contract()
    voucher: Mapped[VoucherId] = mapped_column(primary_key=True)
    block: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    log_index: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(String(32))
    day: Mapped[int] = mapped_column(Integer)
    tx_hash: Mapped[bytes]
    party: Mapped[int | None]
    amount: Mapped[int | None] = mapped_column(Fens)
    reference: Mapped[bytes | None]
    other: Mapped[VoucherId | None]
    face: Mapped[int | None] = mapped_column(Fens)
    holder: Mapped[int | None]
    tier: Mapped[int | None] = mapped_column(Integer)
    locks: Mapped[int | None] = mapped_column(Integer)
    sequence: Mapped[int | None]


PROJECTION: Final[tuple[type[Base], ...]] = (
    *(PartyRow, SignerRow, VerifierRow, RegistrySettingsRow, LedgerSettingsRow, IssuerRow, LineRow),
    *(PromiseRow, VoucherRow, PaymentRow, PledgeRow, FreezeRow, FreezeOrderRow, InvoiceUseRow, HistoryRow),
)
"""The tables that can be deleted and made again, each after those that it refers to."""
