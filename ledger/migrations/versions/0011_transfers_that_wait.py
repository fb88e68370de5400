"""Transfers that wait until an invited enterprise is admitted.

Nothing that was there is changed. On the way back all of it is lost.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "waiting_transfers",
        sa.Column("number", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("organisation", sa.BigInteger(), nullable=False),
        sa.Column("who", sa.String(length=100), nullable=False),
        sa.Column("voucher", sa.String(length=66), nullable=False),
        sa.Column("invitation", sa.String(length=66), nullable=False),
        sa.Column("invoices", sa.JSON(), nullable=False),
        sa.Column("sign_then", sa.Boolean(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("ended", sa.Boolean(), nullable=False),
        sa.Column("offer", sa.BigInteger(), nullable=True),
        sa.Column("problem", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["invitation"], ["invitations.token"]),
        sa.ForeignKeyConstraint(["offer"], ["offers.number"]),
        sa.ForeignKeyConstraint(["organisation"], ["organisations.number"]),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("id", name="waiting_transfers_by_id"),
    )
    op.create_index("waiting_transfers_by_organisation", "waiting_transfers", ["organisation", "number"])
    op.create_index("waiting_transfers_by_invitation", "waiting_transfers", ["invitation"])


def downgrade() -> None:
    op.drop_table("waiting_transfers")
