"""The first tables: the followed chain, the projection, the outbox."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "blocks",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.String(66), nullable=False),
        sa.Column("timestamp", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_table(
        "cursors",
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("block", sa.BigInteger(), nullable=False),
        sa.Column("block_hash", sa.String(66), nullable=False),
        sa.Column("journal", sa.String(66), nullable=False),
        sa.PrimaryKeyConstraint("contract"),
    )
    op.create_table(
        "invoice_uses",
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("payer", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("fingerprint", sa.String(66), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("contract", "payer", "fingerprint"),
    )
    op.create_table(
        "lines",
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("line", sa.String(21), nullable=False),
        sa.Column("bank", sa.BigInteger(), nullable=False),
        sa.Column("issuer", sa.BigInteger(), nullable=False),
        sa.Column("parent", sa.String(21), nullable=True),
        sa.Column("limit", sa.BigInteger(), nullable=False),
        sa.Column("drawn", sa.BigInteger(), nullable=False),
        sa.Column("expiry", sa.Integer(), nullable=False),
        sa.Column("smallest_part", sa.BigInteger(), nullable=False),
        sa.Column("window", sa.Integer(), nullable=False),
        sa.Column("grace", sa.Integer(), nullable=False),
        sa.Column("countersign", sa.Boolean(), nullable=False),
        sa.Column("frozen", sa.Boolean(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["contract", "parent"], ["lines.contract", "lines.line"]),
        sa.PrimaryKeyConstraint("contract", "line"),
    )
    op.create_table(
        "outbox",
        sa.Column(
            "number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("digest", sa.String(66), nullable=False),
        sa.Column("verb", sa.String(length=32), nullable=False),
        sa.Column("agreement", sa.JSON(), nullable=False),
        sa.Column("issued", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("consents", sa.JSON(), nullable=False),
        sa.Column("signers", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("calldata", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=8), nullable=False),
        sa.Column("place", sa.Integer(), nullable=True),
        sa.Column("tx_hash", sa.String(66), nullable=True),
        sa.Column("block", sa.BigInteger(), nullable=True),
        sa.Column("block_hash", sa.String(66), nullable=True),
        sa.Column("log_index", sa.BigInteger(), nullable=True),
        sa.Column("refusal", sa.String(length=64), nullable=True),
        sa.Column("facts", sa.JSON(none_as_null=True), nullable=True),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index("outbox_by_status", "outbox", ["status", "number"], unique=False)
    op.create_index(
        "outbox_once",
        "outbox",
        ["contract", "digest"],
        unique=True,
        sqlite_where=sa.text("status <> 'refused'"),
        postgresql_where=sa.text("status <> 'refused'"),
    )
    op.create_table(
        "parties",
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("party", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("signer", sa.String(42), nullable=False),
        sa.Column("kind", sa.Integer(), nullable=False),
        sa.Column("signature_gas", sa.BigInteger(), nullable=False),
        sa.Column("roles", sa.Integer(), nullable=False),
        sa.Column("sponsor", sa.BigInteger(), nullable=False),
        sa.Column("profile", sa.String(66), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("recovered_on", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("recovery_signer", sa.String(42), nullable=True),
        sa.Column("recovery_kind", sa.Integer(), nullable=True),
        sa.Column("recovery_signature_gas", sa.BigInteger(), nullable=True),
        sa.Column("recovery_ready_on", sa.Integer(), nullable=True),
        sa.Column("recovery_vetoed", sa.Boolean(), nullable=True),
        sa.PrimaryKeyConstraint("contract", "party"),
    )
    op.create_table(
        "pins",
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("registry", sa.String(length=42), nullable=False),
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("genesis_hash", sa.String(66), nullable=False),
        sa.Column("registry_code", sa.String(66), nullable=False),
        sa.Column("ledger_code", sa.String(66), nullable=False),
        sa.Column("first_block", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("contract"),
    )
    op.create_table(
        "signers",
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("signer", sa.String(42), autoincrement=False, nullable=False),
        sa.Column("party", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("contract", "signer"),
    )
    op.create_table(
        "events",
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("block", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("log_index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("tx_hash", sa.String(66), nullable=False),
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.String(66), nullable=False),
        sa.Column("topics", sa.JSON(), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["block"], ["blocks.number"]),
        sa.PrimaryKeyConstraint("contract", "block", "log_index"),
    )
    op.create_index("events_by_subject", "events", ["contract", "subject"], unique=False)
    op.create_table(
        "promises",
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("promise", sa.String(42), nullable=False),
        sa.Column("line", sa.String(21), nullable=False),
        sa.Column("issuer", sa.BigInteger(), nullable=False),
        sa.Column("supplier", sa.BigInteger(), nullable=False),
        sa.Column("face", sa.BigInteger(), nullable=False),
        sa.Column("due_day", sa.Integer(), nullable=False),
        sa.Column("smallest_part", sa.BigInteger(), nullable=False),
        sa.Column("highest_tier", sa.Integer(), nullable=False),
        sa.Column("terms", sa.String(66), nullable=False),
        sa.Column("tenor_reason", sa.String(66), nullable=False),
        sa.Column("issued_on", sa.Integer(), nullable=False),
        sa.Column("headroom", sa.BigInteger(), nullable=False),
        sa.Column("live", sa.BigInteger(), nullable=False),
        sa.Column("settled", sa.BigInteger(), nullable=False),
        sa.Column("cancelled", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["contract", "line"], ["lines.contract", "lines.line"]),
        sa.PrimaryKeyConstraint("contract", "promise"),
    )
    op.create_table(
        "vouchers",
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("voucher", sa.String(66), nullable=False),
        sa.Column("promise", sa.String(42), nullable=True),
        sa.Column("parent", sa.String(66), nullable=True),
        sa.Column("face", sa.BigInteger(), nullable=False),
        sa.Column("holder", sa.BigInteger(), nullable=False),
        sa.Column("tier", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("locks", sa.Integer(), nullable=False),
        sa.Column("funder", sa.BigInteger(), nullable=False),
        sa.Column("pay_by", sa.Integer(), nullable=False),
        sa.Column("quote", sa.String(66), nullable=True),
        sa.Column("ended_as", sa.String(length=16), nullable=True),
        sa.ForeignKeyConstraint(["contract", "promise"], ["promises.contract", "promises.promise"]),
        sa.PrimaryKeyConstraint("contract", "voucher"),
    )
    op.create_index("vouchers_by_holder", "vouchers", ["contract", "holder"], unique=False)
    op.create_index("vouchers_by_promise", "vouchers", ["contract", "promise"], unique=False)
    op.create_table(
        "freeze_orders",
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("order", sa.String(66), nullable=False),
        sa.Column("voucher", sa.String(66), nullable=False),
        sa.ForeignKeyConstraint(["contract", "voucher"], ["vouchers.contract", "vouchers.voucher"]),
        sa.PrimaryKeyConstraint("contract", "order", "voucher"),
    )
    op.create_table(
        "freezes",
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("voucher", sa.String(66), nullable=False),
        sa.Column("until", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["contract", "voucher"], ["vouchers.contract", "vouchers.voucher"]),
        sa.PrimaryKeyConstraint("contract", "voucher"),
    )
    op.create_table(
        "payments",
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("voucher", sa.String(66), nullable=False),
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("purpose", sa.Integer(), nullable=False),
        sa.Column("asserter", sa.BigInteger(), nullable=False),
        sa.Column("payee", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("face", sa.BigInteger(), nullable=False),
        sa.Column("value_day", sa.Integer(), nullable=False),
        sa.Column("payment_reference", sa.String(66), nullable=False),
        sa.Column("agreed", sa.Boolean(), nullable=False),
        sa.Column("asserted_on", sa.Integer(), nullable=False),
        sa.Column("contested_on", sa.Integer(), nullable=False),
        sa.Column("contest_reason", sa.String(66), nullable=True),
        sa.Column("confirmed_on", sa.Integer(), nullable=True),
        sa.Column("fate", sa.String(length=16), nullable=False),
        sa.Column("ended_on", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["contract", "voucher"], ["vouchers.contract", "vouchers.voucher"]),
        sa.PrimaryKeyConstraint("contract", "voucher", "sequence"),
    )
    op.create_table(
        "voucher_history",
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("voucher", sa.String(66), nullable=False),
        sa.Column("block", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("log_index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("tx_hash", sa.String(66), nullable=False),
        sa.Column("party", sa.BigInteger(), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("reference", sa.String(66), nullable=True),
        sa.Column("other", sa.String(66), nullable=True),
        sa.Column("face", sa.BigInteger(), nullable=True),
        sa.Column("holder", sa.BigInteger(), nullable=True),
        sa.Column("tier", sa.Integer(), nullable=True),
        sa.Column("locks", sa.Integer(), nullable=True),
        sa.Column("sequence", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["contract", "voucher"], ["vouchers.contract", "vouchers.voucher"]),
        sa.PrimaryKeyConstraint("contract", "voucher", "block", "log_index"),
    )


def downgrade() -> None:
    op.drop_table("voucher_history")
    op.drop_table("payments")
    op.drop_table("freezes")
    op.drop_table("freeze_orders")
    op.drop_index("vouchers_by_promise", table_name="vouchers")
    op.drop_index("vouchers_by_holder", table_name="vouchers")
    op.drop_table("vouchers")
    op.drop_table("promises")
    op.drop_index("events_by_subject", table_name="events")
    op.drop_table("events")
    op.drop_table("signers")
    op.drop_table("pins")
    op.drop_table("parties")
    op.drop_index(
        "outbox_once",
        table_name="outbox",
        sqlite_where=sa.text("status <> 'refused'"),
        postgresql_where=sa.text("status <> 'refused'"),
    )
    op.drop_index("outbox_by_status", table_name="outbox")
    op.drop_table("outbox")
    op.drop_table("lines")
    op.drop_table("invoice_uses")
    op.drop_table("cursors")
    op.drop_table("blocks")
