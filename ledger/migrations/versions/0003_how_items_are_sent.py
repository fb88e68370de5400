"""Batches, transactions, accounts, operators' acts, wallets' gas; the outbox knows them. Events and histories lose the
foreign keys to block and voucher, which cost more than writing the rows does.

What was queued or on its way is signed and goes out again (the contract lets nothing happen twice), what was done is
final. On the way back what is on its way is queued again, an item that was given up or withdrawn is refused, and which
item was in which batch is lost.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_LIVE = "status not in ('refused', 'withdrawn')"
_NAMES = {"fk": "%(table_name)s_%(column_0_N_name)s_fkey"}  # PostgreSQL's own; SQLite keeps none


def _once(where: str) -> None:
    op.create_index(
        "outbox_once",
        "outbox",
        ["contract", "digest"],
        unique=True,
        sqlite_where=sa.text(where),
        postgresql_where=sa.text(where),
    )


def upgrade() -> None:
    op.create_table(
        "batches",
        sa.Column("number", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("account", sa.String(length=42), nullable=False),
        sa.Column("nonce", sa.BigInteger(), nullable=False),
        sa.Column("contract", sa.String(length=42), nullable=True),
        sa.Column("gas", sa.BigInteger(), nullable=False),
        sa.Column("items", sa.JSON(), nullable=False),
        sa.Column("status", sa.String(length=8), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("why", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index(
        "batches_once",
        "batches",
        ["account", "nonce"],
        unique=True,
        sqlite_where=sa.text("status <> 'void'"),
        postgresql_where=sa.text("status <> 'void'"),
    )
    op.create_index("batches_by_status", "batches", ["status", "account"])
    op.create_table(
        "transactions",
        sa.Column("tx_hash", sa.String(66), nullable=False),
        sa.Column("batch", sa.BigInteger(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("fee", sa.String(39), nullable=False),
        sa.Column("tip", sa.String(39), nullable=True),
        sa.Column("height", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(length=8), nullable=False),
        sa.Column("sends", sa.Integer(), nullable=False),
        sa.Column("first_sent_at", sa.BigInteger(), nullable=True),
        sa.Column("last_sent_at", sa.BigInteger(), nullable=True),
        sa.Column("block", sa.BigInteger(), nullable=True),
        sa.Column("block_hash", sa.String(66), nullable=True),
        sa.ForeignKeyConstraint(["batch"], ["batches.number"]),
        sa.PrimaryKeyConstraint("tx_hash"),
    )
    if op.get_bind().dialect.name == "postgresql":
        # Packing a full batch takes PostgreSQL a millisecond and more, while the relay waits for it.
        op.execute("alter table transactions alter column raw set storage external")
    op.create_index("transactions_by_batch", "transactions", ["batch"])
    op.create_index("transactions_by_block", "transactions", ["block"])
    op.create_table(
        "relay_accounts",
        sa.Column("account", sa.String(length=42), nullable=False),
        sa.Column("next_nonce", sa.BigInteger(), nullable=False),
        sa.Column("owner", sa.String(length=64), nullable=False),
        sa.Column("leased_until", sa.BigInteger(), nullable=False),
        sa.Column("foreign", sa.BigInteger(), nullable=False),
        sa.Column("alarm", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("account"),
    )
    op.create_table(
        "wallet_gas",
        sa.Column("party", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("gas", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("party", "day"),
    )
    op.drop_index("outbox_once", table_name="outbox")
    with op.batch_alter_table("outbox") as outbox:
        outbox.alter_column("status", existing_type=sa.String(length=8), type_=sa.String(length=12))
        outbox.add_column(sa.Column("keys", sa.JSON(none_as_null=True), nullable=True))
        outbox.add_column(sa.Column("floor", sa.BigInteger(), nullable=True))
        outbox.add_column(sa.Column("event", sa.String(length=32), nullable=True))
        outbox.add_column(sa.Column("subject", sa.String(66), nullable=True))
        outbox.add_column(sa.Column("sequence", sa.BigInteger(), nullable=True))
        outbox.add_column(sa.Column("deadline", sa.BigInteger(), nullable=True))
        outbox.add_column(sa.Column("queued_at", sa.BigInteger(), nullable=False, server_default="0"))
        outbox.add_column(sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"))
        outbox.add_column(sa.Column("batch", sa.BigInteger(), nullable=True))
        outbox.create_foreign_key("outbox_of_batch", "batches", ["batch"], ["number"])
        outbox.drop_column("place")
    op.execute("update outbox set status = 'final' where status = 'done'")
    op.execute("update outbox set status = 'signed', tx_hash = null where status in ('queued', 'sent')")
    with op.batch_alter_table("outbox") as outbox:
        outbox.alter_column("queued_at", existing_type=sa.BigInteger(), server_default=None)
        outbox.alter_column("attempts", existing_type=sa.Integer(), server_default=None)
    _once(_LIVE)
    op.create_index("outbox_by_batch", "outbox", ["batch"])
    op.create_index(
        "outbox_elsewhere",
        "outbox",
        ["block"],
        sqlite_where=sa.text("batch is null and block is not null"),
        postgresql_where=sa.text("batch is null and block is not null"),
    )
    op.create_table(
        "operator_acts",
        sa.Column("number", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("who", sa.String(length=64), nullable=False),
        sa.Column("item", sa.BigInteger(), nullable=True),
        sa.Column("account", sa.String(length=42), nullable=True),
        sa.Column("act", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["item"], ["outbox.number"]),
        sa.PrimaryKeyConstraint("number"),
    )
    with op.batch_alter_table("events", naming_convention=_NAMES) as events:
        events.drop_constraint("events_block_fkey", type_="foreignkey")
    with op.batch_alter_table("voucher_history", naming_convention=_NAMES) as history:
        history.drop_constraint("voucher_history_contract_voucher_fkey", type_="foreignkey")


def downgrade() -> None:
    with op.batch_alter_table("events") as events:
        events.create_foreign_key("events_block_fkey", "blocks", ["block"], ["number"])
    with op.batch_alter_table("voucher_history") as history:
        key = ["contract", "voucher"]
        history.create_foreign_key("voucher_history_contract_voucher_fkey", "vouchers", key, key)
    op.drop_table("operator_acts")
    op.drop_index("outbox_once", table_name="outbox")
    op.drop_index("outbox_by_batch", table_name="outbox")
    op.drop_index("outbox_elsewhere", table_name="outbox")
    op.execute(
        "update outbox set status = 'queued', tx_hash = null, block = null, block_hash = null, log_index = null, "
        "refusal = null, facts = null where status in ('signed', 'sent')"
    )
    op.execute("update outbox set status = 'done' where status in ('mined', 'final')")
    op.execute(
        "update outbox set refusal = case status when 'unknown' then 'GivenUp' else 'Withdrawn' end, "
        "facts = '{}', block = coalesce(block, 0), status = 'refused' where status in ('unknown', 'withdrawn')"
    )
    with op.batch_alter_table("outbox") as outbox:
        outbox.drop_constraint("outbox_of_batch", type_="foreignkey")
        for column in ("batch", "attempts", "queued_at", "deadline", "sequence", "subject", "event"):
            outbox.drop_column(column)
        outbox.drop_column("floor")
        outbox.drop_column("keys")
        outbox.add_column(sa.Column("place", sa.Integer(), nullable=True))
        outbox.alter_column("status", existing_type=sa.String(length=12), type_=sa.String(length=8))
    _once("status <> 'refused'")
    for table in ("wallet_gas", "relay_accounts", "transactions", "batches"):
        op.drop_table(table)
