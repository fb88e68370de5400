"""Webhooks, what is to be sent to them, and the marks up to which everybody was told.

Nothing that was there is changed; offers that are there already are told of to nobody. On the way back all of it is
lost.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("offers", sa.Column("told", sa.Integer(), server_default="0", nullable=False))
    op.execute("update offers set told = version")
    op.create_index(
        "offers_to_tell",
        "offers",
        ["number"],
        sqlite_where=sa.text("told < version"),
        postgresql_where=sa.text("told < version"),
    )
    op.create_table(
        "webhooks",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("organisation", sa.BigInteger(), nullable=False),
        sa.Column("url", sa.String(length=500), nullable=False),
        sa.Column("events", sa.JSON(), nullable=False),
        sa.Column("secret", sa.String(length=255), nullable=False),
        sa.Column("former", sa.String(length=255), nullable=True),
        sa.Column("former_until", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["organisation"], ["organisations.number"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("webhooks_by_organisation", "webhooks", ["organisation"])
    op.create_table(
        "webhook_deliveries",
        sa.Column("number", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("webhook", sa.String(length=24), nullable=False),
        sa.Column("event", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("answered", sa.Integer(), nullable=True),
        sa.Column("trouble", sa.String(length=100), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["webhook"], ["webhooks.id"]),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("webhook", "event", name="webhook_deliveries_once"),
    )
    op.create_index("webhook_deliveries_by_webhook", "webhook_deliveries", ["webhook", "number"])
    op.create_index("webhook_deliveries_due", "webhook_deliveries", ["status", "due_at"])
    op.create_table(
        "webhook_cursors",
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("block", sa.BigInteger(), nullable=False),
        sa.Column("log_index", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("contract"),
    )


def downgrade() -> None:
    for table in ("webhook_cursors", "webhook_deliveries", "webhooks"):
        op.drop_table(table)
    op.drop_index("offers_to_tell", "offers")
    op.drop_column("offers", "told")
