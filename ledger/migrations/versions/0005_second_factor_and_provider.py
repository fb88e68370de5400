"""The second factor's last code; who a person is to an outside provider of sign-ins.

Nothing that was there is changed. On the way back all of it is lost: second factors that were confirmed count no more.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("people", sa.Column("totp_step", sa.BigInteger(), nullable=True))
    op.create_table(
        "identities",
        sa.Column("provider", sa.String(length=200), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("person", sa.BigInteger(), nullable=False),
        sa.Column("bound_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["person"], ["people.number"]),
        sa.PrimaryKeyConstraint("provider", "subject"),
        sa.UniqueConstraint("person", "provider", name="identities_by_person"),
    )


def downgrade() -> None:
    op.drop_table("identities")
    op.drop_column("people", "totp_step")
