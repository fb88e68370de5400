"""Runs of disbursements and their payments; ways to find vouchers by line, due day and funder.

Nothing that was there is changed. On the way back all of it is lost.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "disbursement_runs",
        sa.Column("number", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("organisation", sa.BigInteger(), nullable=False),
        sa.Column("party", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("value_day", sa.Integer(), nullable=False),
        sa.Column("debtor", sa.String(length=200), nullable=False),
        sa.Column("debtor_account", sa.String(length=64), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("prepared_by", sa.String(length=100), nullable=False),
        sa.Column("prepared_at", sa.BigInteger(), nullable=False),
        sa.Column("released_by", sa.String(length=100), nullable=True),
        sa.Column("released_at", sa.BigInteger(), nullable=True),
        sa.Column("exported_by", sa.String(length=100), nullable=True),
        sa.Column("exported_at", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["organisation"], ["organisations.number"]),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index("disbursement_runs_by_id", "disbursement_runs", ["id"], unique=True)
    op.create_index("disbursement_runs_by_organisation", "disbursement_runs", ["organisation", "number"])
    op.create_table(
        "disbursement_items",
        sa.Column("run", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("place", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("voucher", sa.String(length=66), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("quote", sa.String(length=66), nullable=False),
        sa.Column("payee", sa.BigInteger(), nullable=False),
        sa.Column("payee_name", sa.String(length=200), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("pay_by", sa.Integer(), nullable=False),
        sa.Column("filing", sa.String(length=40), nullable=False),
        sa.Column("end_to_end", sa.String(length=35), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("paid_on", sa.Integer(), nullable=True),
        sa.Column("bank_reference", sa.String(length=100), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("offer", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["run"], ["disbursement_runs.number"]),
        sa.ForeignKeyConstraint(["offer"], ["offers.number"]),
        sa.PrimaryKeyConstraint("run", "place"),
    )
    op.create_index("disbursement_items_by_name", "disbursement_items", ["end_to_end"], unique=True)
    op.create_index(
        "disbursement_items_once",
        "disbursement_items",
        ["contract", "voucher", "sequence"],
        unique=True,
        sqlite_where=sa.text("state in ('waiting', 'paid')"),
        postgresql_where=sa.text("state in ('waiting', 'paid')"),
    )
    op.create_index("promises_by_line", "promises", ["contract", "line", "due_day"])
    op.create_index(
        "vouchers_by_funder",
        "vouchers",
        ["contract", "funder"],
        sqlite_where=sa.text("quote is not null"),
        postgresql_where=sa.text("quote is not null"),
    )


def downgrade() -> None:
    op.drop_index("vouchers_by_funder", "vouchers")
    op.drop_index("promises_by_line", "promises")
    op.drop_table("disbursement_items")
    op.drop_table("disbursement_runs")
