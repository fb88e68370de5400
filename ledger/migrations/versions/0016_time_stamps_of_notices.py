"""Notices get statements that an authority can stamp with its time. Those from before have none.

Nothing else is lost on the way down.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "notice_proofs",
        sa.Column("number", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("notice", sa.BigInteger(), nullable=False),
        sa.Column("act", sa.String(16), nullable=False),
        sa.Column("statement", sa.Text(), nullable=False),
        sa.Column("stamp", sa.LargeBinary(), nullable=True),
        sa.Column("stamped_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["notice"], ["notices.number"]),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("notice", "act", name="notice_proofs_by_notice"),
    )
    op.create_index(
        "notice_proofs_waiting",
        "notice_proofs",
        ["number"],
        sqlite_where=sa.text("stamp is null"),
        postgresql_where=sa.text("stamp is null"),
    )


def downgrade() -> None:
    op.drop_index("notice_proofs_waiting", table_name="notice_proofs")
    op.drop_table("notice_proofs")
