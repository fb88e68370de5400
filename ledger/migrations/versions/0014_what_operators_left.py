"""What operators took out of open batches, fillers in their place, alarms that were cleared, services that had to stop.

Nothing that was there is changed. On the way back all of it is lost, and a batch that was left is one as any other.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("batches", sa.Column("left_at", sa.BigInteger(), nullable=True))
    op.add_column("transactions", sa.Column("filler", sa.Boolean(), nullable=True))
    op.add_column("operator_acts", sa.Column("cleared", sa.Text(), nullable=True))
    op.create_table(
        "halts",
        sa.Column("service", sa.String(length=16), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("service"),
    )


def downgrade() -> None:
    op.drop_table("halts")
    # not in batch mode: on SQLite that makes the table anew, which others refer to
    for table, column in (("operator_acts", "cleared"), ("transactions", "filler"), ("batches", "left_at")):
        op.drop_column(table, column)
