"""Promises that an issuer offers by a file.

Nothing that was there is changed. On the way back all of it is lost.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "bulk_runs",
        sa.Column("number", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("organisation", sa.BigInteger(), nullable=False),
        sa.Column("who", sa.String(length=100), nullable=False),
        sa.Column("file", sa.String(length=66), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["organisation"], ["organisations.number"]),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("id", name="bulk_runs_by_id"),
    )
    op.create_index("bulk_runs_by_organisation", "bulk_runs", ["organisation", "number"])
    op.create_table(
        "bulk_promises",
        sa.Column("run", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("place", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("organisation", sa.BigInteger(), nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("reference", sa.String(length=100), nullable=False),
        sa.Column("terms", sa.JSON(), nullable=False),
        sa.Column("offer", sa.BigInteger(), nullable=True),
        sa.Column("problem", sa.JSON(none_as_null=True), nullable=True),
        sa.ForeignKeyConstraint(["offer"], ["offers.number"]),
        sa.ForeignKeyConstraint(["organisation"], ["organisations.number"]),
        sa.ForeignKeyConstraint(["run"], ["bulk_runs.number"]),
        sa.PrimaryKeyConstraint("run", "place"),
    )
    op.create_index(
        "bulk_promises_once",
        "bulk_promises",
        ["organisation", "reference"],
        unique=True,
        sqlite_where=sa.text("offer is not null"),
        postgresql_where=sa.text("offer is not null"),
    )


def downgrade() -> None:
    for table in ("bulk_promises", "bulk_runs"):
        op.drop_table(table)
