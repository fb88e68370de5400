"""Documents and who can open them, notices to debtors, letters of authorisation.

Nothing that was there is changed. On the way back all of it is lost.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "documents",
        sa.Column("number", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("organisation", sa.BigInteger(), nullable=False),
        sa.Column("who", sa.String(length=100), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("media_type", sa.String(length=40), nullable=False),
        sa.Column("length", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(length=66), nullable=False),
        sa.Column("salt", sa.String(length=64), nullable=False),
        sa.Column("nonce", sa.String(length=24), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("destroyed_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["organisation"], ["organisations.number"]),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index("documents_by_id", "documents", ["id"], unique=True)
    op.create_index("documents_by_organisation", "documents", ["organisation", "number"])
    op.create_table(
        "document_keys",
        sa.Column("document", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("organisation", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("wrapped", sa.String(length=200), nullable=False),
        sa.Column("given_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["document"], ["documents.number"]),
        sa.ForeignKeyConstraint(["organisation"], ["organisations.number"]),
        sa.PrimaryKeyConstraint("document", "organisation"),
    )
    op.create_index("document_keys_by_organisation", "document_keys", ["organisation", "document"])
    op.create_table(
        "notices",
        sa.Column("number", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("voucher", sa.String(length=66), nullable=False),
        sa.Column("sender", sa.BigInteger(), nullable=False),
        sa.Column("debtor", sa.BigInteger(), nullable=False),
        sa.Column("text", sa.String(length=2000), nullable=False),
        sa.Column("salt", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=66), nullable=False),
        sa.Column("block", sa.BigInteger(), nullable=False),
        sa.Column("block_hash", sa.String(length=66), nullable=False),
        sa.Column("journal", sa.String(length=66), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=True),
        sa.Column("received_by", sa.String(length=100), nullable=True),
        sa.ForeignKeyConstraint(["sender"], ["organisations.number"]),
        sa.ForeignKeyConstraint(["debtor"], ["organisations.number"]),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index("notices_by_id", "notices", ["id"], unique=True)
    op.create_index("notices_by_sender", "notices", ["sender", "number"])
    op.create_index("notices_by_debtor", "notices", ["debtor", "number"])
    op.create_table(
        "letters",
        sa.Column("number", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("organisation", sa.BigInteger(), nullable=False),
        sa.Column("reader", sa.BigInteger(), nullable=False),
        sa.Column("last_day", sa.Integer(), nullable=False),
        sa.Column("purpose", sa.String(length=500), nullable=False),
        sa.Column("granted_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["organisation"], ["organisations.number"]),
        sa.ForeignKeyConstraint(["reader"], ["organisations.number"]),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index("letters_by_id", "letters", ["id"], unique=True)
    op.create_index("letters_by_organisation", "letters", ["organisation", "number"])
    op.create_index("letters_by_reader", "letters", ["reader", "number"])


def downgrade() -> None:
    for table in ("letters", "notices", "document_keys", "documents"):
        op.drop_table(table)
