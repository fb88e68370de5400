"""Invoices that money was lent on, and the marks by which like ones are found.

Nothing that was there is changed. On the way back all of it is lost.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "invoices",
        sa.Column("number", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("bank", sa.BigInteger(), nullable=False),
        sa.Column("payer", sa.String(length=24), nullable=False),
        sa.Column("invoice", sa.String(length=100), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("issued_on", sa.Integer(), nullable=True),
        sa.Column("fingerprint", sa.String(length=66), nullable=True),
        sa.Column("lent", sa.Boolean(), nullable=False),
        sa.Column("organisation", sa.BigInteger(), nullable=False),
        sa.Column("noted_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["organisation"], ["organisations.number"]),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("bank", "payer", "invoice", name="invoices_once"),
    )
    op.create_index("invoices_by_fingerprint", "invoices", ["fingerprint"])
    op.create_table(
        "invoice_marks",
        sa.Column("mark", sa.String(length=66), nullable=False),
        sa.Column("invoice", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(["invoice"], ["invoices.number"]),
        sa.PrimaryKeyConstraint("mark", "invoice"),
    )
    op.create_index("invoice_uses_by_fingerprint", "invoice_uses", ["contract", "fingerprint"])


def downgrade() -> None:
    op.drop_index("invoice_uses_by_fingerprint", "invoice_uses")
    op.drop_table("invoice_marks")
    op.drop_table("invoices")
