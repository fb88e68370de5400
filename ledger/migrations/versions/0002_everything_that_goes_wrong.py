"""Successors, settings, issuers, verifiers, pledges, awards.

The pins of a database of revision 0001 take the order of their first blocks; none of them succeeds another, for
no contract of that time could.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("pins") as pins:
        pins.add_column(sa.Column("predecessor", sa.String(length=42), nullable=True))
        pins.add_column(sa.Column("succession", sa.Integer(), nullable=False, server_default="0"))
    op.execute(
        "update pins set succession = (select count(*) from pins as older where older.first_block < "
        "pins.first_block or (older.first_block = pins.first_block and older.contract < pins.contract))"
    )
    with op.batch_alter_table("pins") as pins:
        pins.alter_column("succession", existing_type=sa.Integer(), server_default=None)
    with op.batch_alter_table("payments") as payments:
        payments.add_column(sa.Column("arbiter", sa.BigInteger(), nullable=True))
        payments.add_column(sa.Column("ruling", sa.String(66), nullable=True))
    op.create_table(
        "verifiers",
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("verifier", sa.String(42), autoincrement=False, nullable=False),
        sa.Column("signature_gas", sa.BigInteger(), nullable=False),
        sa.Column("active_on", sa.Integer(), nullable=False),
        sa.Column("code_hash", sa.String(66), nullable=False),
        sa.PrimaryKeyConstraint("contract", "verifier"),
    )
    op.create_table(
        "registry_settings",
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("registrar", sa.BigInteger(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("next_registrar", sa.BigInteger(), nullable=True),
        sa.Column("next_registrar_from", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("contract"),
    )
    op.create_table(
        "ledger_settings",
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("tenor_cap", sa.Integer(), nullable=False),
        sa.Column("next_tenor_cap", sa.Integer(), nullable=True),
        sa.Column("next_tenor_cap_from", sa.Integer(), nullable=True),
        sa.Column("run_off", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("contract"),
    )
    op.create_table(
        "issuers",
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("issuer", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("overdue", sa.String(39), nullable=False),
        sa.Column("stopped", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("contract", "issuer"),
    )
    op.create_table(
        "pledges",
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("voucher", sa.String(66), nullable=False),
        sa.Column("pledgee", sa.BigInteger(), nullable=False),
        sa.Column("secured", sa.BigInteger(), nullable=False),
        sa.Column("filing", sa.String(66), nullable=False),
        sa.Column("end_day", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["contract", "voucher"], ["vouchers.contract", "vouchers.voucher"]),
        sa.PrimaryKeyConstraint("contract", "voucher"),
    )


def downgrade() -> None:
    for table in ("pledges", "issuers", "ledger_settings", "registry_settings", "verifiers"):
        op.drop_table(table)
    with op.batch_alter_table("payments") as payments:
        payments.drop_column("ruling")
        payments.drop_column("arbiter")
    with op.batch_alter_table("pins") as pins:
        pins.drop_column("succession")
        pins.drop_column("predecessor")
