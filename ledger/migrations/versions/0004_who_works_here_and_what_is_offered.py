"""Organisations, their people, sessions and programs; offers, their signatures, what hashes stand for; the audit trail.

Nothing that was there is changed. On the way back all of it is lost.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "organisations",
        sa.Column("number", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("party", sa.BigInteger(), nullable=True),
        sa.Column("candidate", sa.BigInteger(), nullable=True),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("credit_code", sa.String(length=18), nullable=False),
        sa.Column("size_class", sa.String(length=8), nullable=False),
        sa.Column("legal_representative", sa.String(length=100), nullable=False),
        sa.Column("bank_account", sa.String(length=64), nullable=False),
        sa.Column("sponsor", sa.BigInteger(), nullable=True),
        sa.Column("party_roles", sa.Integer(), nullable=False),
        sa.Column("signer", sa.Text(), nullable=True),
        sa.Column("signature_gas", sa.BigInteger(), nullable=False),
        sa.Column("profile", sa.String(length=66), nullable=True),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("applied_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("candidate", name="organisations_by_candidate"),
        sa.UniqueConstraint("party", name="organisations_by_party"),
    )
    op.create_index(
        "organisations_by_code",
        "organisations",
        ["credit_code"],
        unique=True,
        sqlite_where=sa.text("credit_code <> ''"),
        postgresql_where=sa.text("credit_code <> ''"),
    )
    op.create_index("organisations_by_sponsor", "organisations", ["sponsor", "status"])
    op.create_table(
        "sign_in_failures",
        sa.Column("key", sa.String(length=120), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("closed_until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_table(
        "api_clients",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("organisation", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("secret", sa.String(length=66), nullable=False),
        sa.Column("roles", sa.JSON(), nullable=False),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["organisation"], ["organisations.number"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("api_clients_by_organisation", "api_clients", ["organisation"])
    op.create_table(
        "audit",
        sa.Column("organisation", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("place", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("who", sa.String(length=100), nullable=False),
        sa.Column("act", sa.String(length=48), nullable=False),
        sa.Column("subject", sa.String(length=100), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("previous", sa.String(length=66), nullable=False),
        sa.Column("hash", sa.String(length=66), nullable=False),
        sa.ForeignKeyConstraint(["organisation"], ["organisations.number"]),
        sa.PrimaryKeyConstraint("organisation", "place"),
    )
    op.create_index("audit_by_subject", "audit", ["organisation", "subject"])
    op.create_table(
        "audit_heads",
        sa.Column("organisation", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(length=66), nullable=False),
        sa.ForeignKeyConstraint(["organisation"], ["organisations.number"]),
        sa.PrimaryKeyConstraint("organisation"),
    )
    op.create_table(
        "invitations",
        sa.Column("token", sa.String(length=66), nullable=False),
        sa.Column("organisation", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("sponsor", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("used_by", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["organisation"], ["organisations.number"]),
        sa.ForeignKeyConstraint(["used_by"], ["organisations.number"]),
        sa.PrimaryKeyConstraint("token"),
    )
    op.create_index("invitations_by_organisation", "invitations", ["organisation"])
    op.create_table(
        "openings",
        sa.Column("hash", sa.String(length=66), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("salt", sa.String(length=64), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("organisation", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["organisation"], ["organisations.number"]),
        sa.PrimaryKeyConstraint("hash"),
    )
    op.create_table(
        "people",
        sa.Column("number", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("organisation", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("login", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("password", sa.String(length=160), nullable=False),
        sa.Column("roles", sa.JSON(), nullable=False),
        sa.Column("totp", sa.String(length=255), nullable=True),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["organisation"], ["organisations.number"]),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("login", name="people_by_login"),
    )
    op.create_index("people_by_organisation", "people", ["organisation"])
    op.create_table(
        "request_keys",
        sa.Column("organisation", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("key", sa.String(length=128), nullable=False),
        sa.Column("endpoint", sa.String(length=200), nullable=False),
        sa.Column("body", sa.String(length=66), nullable=False),
        sa.Column("answered_at", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["organisation"], ["organisations.number"]),
        sa.PrimaryKeyConstraint("organisation", "key"),
    )
    op.create_index("request_keys_by_age", "request_keys", ["answered_at"])
    op.create_table(
        "offers",
        sa.Column("number", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("ledger", sa.String(length=42), nullable=False),
        sa.Column("verb", sa.String(length=32), nullable=False),
        sa.Column("agreement", sa.JSON(), nullable=False),
        sa.Column("issued", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("digest", sa.String(length=66), nullable=False),
        sa.Column("organisation", sa.BigInteger(), nullable=False),
        sa.Column("who", sa.String(length=100), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("closed", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("item", sa.BigInteger(), nullable=True),
        sa.Column("recalled_by", sa.BigInteger(), nullable=True),
        sa.Column("line", sa.String(length=21), nullable=True),
        sa.Column("parent", sa.String(length=21), nullable=True),
        sa.Column("face", sa.BigInteger(), nullable=True),
        sa.Column("root", sa.String(length=66), nullable=True),
        sa.Column("voucher", sa.String(length=66), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["item"], ["outbox.number"]),
        sa.ForeignKeyConstraint(["organisation"], ["organisations.number"]),
        sa.ForeignKeyConstraint(["recalled_by"], ["offers.number"]),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index("offers_by_expiry", "offers", ["status", "expires_at"])
    op.create_index("offers_by_id", "offers", ["id"], unique=True)
    op.create_index("offers_by_item", "offers", ["item"])
    op.create_index(
        "offers_by_line",
        "offers",
        ["contract", "line"],
        sqlite_where=sa.text("line is not null and not closed"),
        postgresql_where=sa.text("line is not null and not closed"),
    )
    op.create_index("offers_by_maker", "offers", ["organisation", "number"])
    op.create_index(
        "offers_by_parent",
        "offers",
        ["contract", "parent"],
        sqlite_where=sa.text("parent is not null and not closed"),
        postgresql_where=sa.text("parent is not null and not closed"),
    )
    op.create_index("offers_by_voucher", "offers", ["contract", "voucher"])
    op.create_index(
        "offers_once",
        "offers",
        ["contract", "digest"],
        unique=True,
        sqlite_where=sa.text("status in ('open', 'recalling', 'complete')"),
        postgresql_where=sa.text("status in ('open', 'recalling', 'complete')"),
    )
    op.create_table(
        "sessions",
        sa.Column("token", sa.String(length=66), nullable=False),
        sa.Column("person", sa.BigInteger(), nullable=False),
        sa.Column("csrf", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["person"], ["people.number"]),
        sa.PrimaryKeyConstraint("token"),
    )
    op.create_index("sessions_by_expiry", "sessions", ["expires_at"])
    op.create_table(
        "signatures",
        sa.Column("offer", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("place", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("party", sa.BigInteger(), nullable=False),
        sa.Column("consent", sa.Text(), nullable=True),
        sa.Column("made", sa.String(length=12), nullable=True),
        sa.Column("who", sa.String(length=100), nullable=True),
        sa.Column("signed_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["offer"], ["offers.number"]),
        sa.PrimaryKeyConstraint("offer", "place"),
    )
    op.create_index("signatures_by_party", "signatures", ["party", "offer"])


def downgrade() -> None:
    for table in (
        "signatures",
        "sessions",
        "offers",
        "request_keys",
        "people",
        "openings",
        "invitations",
        "audit_heads",
        "audit",
        "api_clients",
        "sign_in_failures",
        "organisations",
    ):
        op.drop_table(table)
