"""Prices that holders ask for and funders give, and offers that go out in an order.

Nothing that was there is changed. On the way back all of it is lost.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "quote_requests",
        sa.Column("number", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("voucher", sa.String(length=66), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("face", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("organisation", sa.BigInteger(), nullable=False),
        sa.Column("party", sa.BigInteger(), nullable=False),
        sa.Column("who", sa.String(length=100), nullable=False),
        sa.Column("value_day", sa.Integer(), nullable=False),
        sa.Column("deadline", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("cancelled_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["organisation"], ["organisations.number"]),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index("quote_requests_by_asker", "quote_requests", ["organisation", "number"])
    op.create_index("quote_requests_by_id", "quote_requests", ["id"], unique=True)
    op.create_table(
        "quote_asked",
        sa.Column("request", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("funder", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(["request"], ["quote_requests.number"]),
        sa.PrimaryKeyConstraint("request", "funder"),
    )
    op.create_index("quote_asked_by_funder", "quote_asked", ["funder", "request"])
    op.create_table(
        "quotes",
        sa.Column("request", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("funder", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("organisation", sa.BigInteger(), nullable=False),
        sa.Column("who", sa.String(length=100), nullable=False),
        sa.Column("quote", sa.Text(), nullable=False),
        sa.Column("salt", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=66), nullable=False),
        sa.Column("pay_by", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("consent", sa.Text(), nullable=True),
        sa.Column("made", sa.String(length=12), nullable=True),
        sa.Column("withdrawn", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("given_at", sa.BigInteger(), nullable=False),
        sa.Column("issuer", sa.BigInteger(), nullable=True),
        sa.Column("interest", sa.String(length=12), nullable=True),
        sa.Column("interest_who", sa.String(length=100), nullable=True),
        sa.Column("interest_at", sa.BigInteger(), nullable=True),
        sa.Column("offer", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["offer"], ["offers.number"]),
        sa.ForeignKeyConstraint(["organisation"], ["organisations.number"]),
        sa.ForeignKeyConstraint(["request"], ["quote_requests.number"]),
        sa.PrimaryKeyConstraint("request", "funder"),
    )
    op.create_index("quotes_by_funder", "quotes", ["organisation", "request"])
    op.create_index("quotes_by_id", "quotes", ["id"], unique=True)
    op.create_index("quotes_by_issuer", "quotes", ["issuer", "request"])
    op.create_index("quotes_by_offer", "quotes", ["offer"])
    op.create_table(
        "offers_in_order",
        sa.Column("second", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["first"], ["offers.number"]),
        sa.ForeignKeyConstraint(["second"], ["offers.number"]),
        sa.PrimaryKeyConstraint("second"),
    )
    op.create_index("offers_in_order_by_first", "offers_in_order", ["first"], unique=True)


def downgrade() -> None:
    for table in ("offers_in_order", "quotes", "quote_asked", "quote_requests"):
        op.drop_table(table)
