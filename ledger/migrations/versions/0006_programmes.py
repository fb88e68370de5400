"""Programmes of issuers, their versions, and promises that want a second pair of eyes; an index for what an
issuer has to pay by day.

Nothing that was there is changed. On the way back all of it is lost.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "programmes",
        sa.Column("number", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("organisation", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("closed", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["organisation"], ["organisations.number"]),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("id", name="programmes_by_id"),
        sa.UniqueConstraint("organisation", "name", name="programmes_by_name"),
    )
    op.create_table(
        "programme_versions",
        sa.Column("programme", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("terms", sa.JSON(), nullable=False),
        sa.Column("who", sa.String(length=100), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["programme"], ["programmes.number"]),
        sa.PrimaryKeyConstraint("programme", "version"),
    )
    op.create_table(
        "reviews",
        sa.Column("offer", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("organisation", sa.BigInteger(), nullable=False),
        sa.Column("maker", sa.String(length=100), nullable=False),
        sa.Column("reviewer", sa.String(length=100), nullable=True),
        sa.Column("reviewed_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["offer"], ["offers.number"]),
        sa.ForeignKeyConstraint(["organisation"], ["organisations.number"]),
        sa.PrimaryKeyConstraint("offer"),
    )
    op.create_index("reviews_by_organisation", "reviews", ["organisation", "reviewer"])
    op.create_index("promises_by_issuer", "promises", ["contract", "issuer", "due_day"])


def downgrade() -> None:
    op.drop_index("promises_by_issuer", "promises")
    for table in ("reviews", "programme_versions", "programmes"):
        op.drop_table(table)
