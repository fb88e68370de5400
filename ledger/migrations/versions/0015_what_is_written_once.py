"""What was signed goes from the item's row, which is written anew on its way, into a table of its own. Events lose
their topics, which name and subject say too, and the index by subject those that are in a voucher's history.

Nothing is lost in either direction.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_CALL = ("agreement", "issued", "consents", "calldata")
_OTHERS = (
    "name in ('PartyAdmitted', 'PartySuspension', 'PartyRekeyed', 'RekeyProposed', 'RekeyVetoed', 'RekeyWithdrawn', "
    "'VerifierListed', 'HandOverProposed', 'HandOverAccepted', 'LineGranted', 'LineResized', 'LineFreezing', "
    "'TenorCapSet', 'IssueStopped')"
)
_TOPICS = {
    "PartyAdmitted": "0x3ab931df83f5f6111a5f2d072988417eaa0a2451930089e717511665da3b9eb0",
    "PartySuspension": "0xe4357f96de04ffe842b1d1e102e289b6da3d29caed474bd3fbbae9da51b0d693",
    "PartyRekeyed": "0x534556b170283aa2137b15369e3cf51f607396ef82295eacadb64b6fa9deda56",
    "RekeyProposed": "0x1856e2b83b2ee06b48fd41caf5625120fd03b426af983043d7bd940cfb695431",
    "RekeyVetoed": "0x5650b2f00228a285a355f0f473999141c7333c1f0138df5e5018e2c4237ca16d",
    "RekeyWithdrawn": "0x9b235b5b26061e5f256ee506171be6d6a12fd584583388916c59e11b4caaaa64",
    "VerifierListed": "0xfd834510b2be7cf0636b7e3d733b5a21f46fb3b8c3dc1ed104f01277bb37b5fa",
    "HandOverProposed": "0xe3120094d64fd5087be6858fc07a6b962ed94f68ce57a05cd09396699afcc4a1",
    "HandOverAccepted": "0x0a9933351c49a6815c1b95c1a61bbf1c51c6c0cd23de1def625fd1ea4e180c40",
    "LineGranted": "0x34442362f67fe9b070da24ed17f9c1701f8ebda819d333276854fe7877bdb23b",
    "LineResized": "0x583b73c2171dc19e9b3a45889610e4fa037c46a69fcc6b17e1f953c204d173cc",
    "LineFreezing": "0x4182eae7510dd816e3a74935f84b84d9afae7d91f0a727bf539352a00b8bea9f",
    "TenorCapSet": "0xb8c6d39496e6410bc4a99639659a2d96e3f7683c0f14ce04fdf3c398cfd9e93f",
    "IssueStopped": "0x8ec9b9a34adfbbac30abe3b334396dd9b0597c7e9824e6e52c71d31ca66360da",
    "Issued": "0x37c2293a68401c9ef8d574c85796c6ca9b9d6083cf3b127fed52c3af654a9946",
    "IssueRevoked": "0x90c6c106cf603cb7a779dfe46d1e3e0e2c3c0ac82b76016f6024701a03c0541b",
    "InvoiceUsed": "0xeb2275b3c6c3d0bc7ef705e4bd4fccc1bc76645ab60046f500062426c7137f11",
    "InvoiceReturned": "0x0386b752dda272bbd99a0c9c55c9a9c81c846f3a9c1b4f4ab8c03bae450db12e",
    "Parted": "0x0e97150759b2f9c8c4110731a2dc588c931ab52c14ab37f95ca9f10504ffdb6f",
    "Transferred": "0xbac271727799576bc06c1ac5ef50996a38070516b55382c42400c3c57d495703",
    "Discounted": "0x27f6ad3aa8332b7b520ffffd329cf11eab121fb6e20fa7895db5773028ed19aa",
    "Rescinded": "0x26a8441cc8c40b43723f510ce035cbf810f1ef762fd6b42e755602d60d6b38a0",
    "PaymentAsserted": "0x2d6387ff20151d140b96802b126f354ff94c279978879fc818f06bc7e01a02b2",
    "PaymentConfirmed": "0x0e797b5db531b43807ae4b5b6e7530437f1c7f90795923ab2289304c87526933",
    "PaymentContested": "0x8df3a8b28d640e3955d18085bb3775030387135020d12dfff1fce61e8288efe4",
    "PaymentWithdrawn": "0xcf882b7e1fed548dd6dc673fed7b0f766f7c04922bf6d10fd513d39236f37c0c",
    "PaymentCompleted": "0xaeaa046e1e063862e6760fe9cae0b9f2f46b4a9796d2857e828e738930e46bbb",
    "PaymentAwarded": "0x809cbfaeb01acf0e2788ab6161a769d2126894903c1f6fb2e53447d2cbc69cbf",
    "VoucherPledged": "0xd3c76684d94bb0d1fe9b24ef79e024cba02d5442f52933699abbb7159af7a9e0",
    "PledgeReleased": "0x7c58ae123726fbc2e53e1331188a5c08008c463b9316c32496b7502a4a99a872",
    "VoucherOverdue": "0xe07b46bfb9b4229b2f6f0a4a24d5718d842cd9ceab7d28a3681432b2db70b1fc",
    "VoucherFrozen": "0xf15ae52c2c71fde6518e89fb2648494f4ade2c3535db3b16fdfb503d30bf3d23",
    "VoucherUnfrozen": "0x4ff5b9ceac735d71332b80d0e36ae05452fe0890fd4bf6aa303e4139e8b24788",
    "Cancelled": "0xfda5145808d2dfc1ce136a4d342d051a26190db56b3fcf8fb804b1ba15a96342",
    "Revoked": "0x61e27b0bfd8e18e6b92ec32ce1c28bb698d27bfe93e84c7e94d4db0a3135c760",
}
"""Of each event that there was when this version was made, the first topic."""


def upgrade() -> None:
    op.create_table(
        "outbox_calls",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("agreement", sa.JSON(), nullable=False),
        sa.Column("issued", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("consents", sa.JSON(), nullable=False),
        sa.Column("calldata", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["number"], ["outbox.number"]),
        sa.PrimaryKeyConstraint("number"),
    )
    columns = ", ".join(("number", *_CALL))
    op.execute(f"insert into outbox_calls ({columns}) select {columns} from outbox")
    for column in _CALL:
        op.execute(f"alter table outbox drop column {column}")
    op.drop_index("events_by_subject", table_name="events")
    op.execute("alter table events drop column topics")
    op.create_index(
        "events_by_subject",
        "events",
        ["contract", "subject"],
        sqlite_where=sa.text(_OTHERS),
        postgresql_where=sa.text(_OTHERS),
    )


def downgrade() -> None:
    op.add_column("outbox", sa.Column("agreement", sa.JSON(), nullable=False, server_default="{}"))
    op.add_column("outbox", sa.Column("issued", sa.JSON(none_as_null=True), nullable=True))
    op.add_column("outbox", sa.Column("consents", sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("outbox", sa.Column("calldata", sa.Text(), nullable=False, server_default=""))
    for column in _CALL:
        mine = f"select {column} from outbox_calls where outbox_calls.number = outbox.number"
        op.execute(f"update outbox set {column} = ({mine})")
    op.drop_table("outbox_calls")
    op.drop_index("events_by_subject", table_name="events")
    op.add_column("events", sa.Column("topics", sa.JSON(), nullable=False, server_default="[]"))
    first = " ".join(f"when '{name}' then '{topic}'" for name, topic in _TOPICS.items())
    said = f"""'["' || case name {first} end || '", "' || subject || '"]'"""
    is_json = op.get_bind().dialect.name == "postgresql"
    op.execute(f"update events set topics = {f'cast({said} as json)' if is_json else said}")
    op.create_index("events_by_subject", "events", ["contract", "subject"])
    if is_json:  # SQLite cannot take a default away, and does no harm with it
        for table, column in (
            ("outbox", "agreement"),
            ("outbox", "consents"),
            ("outbox", "calldata"),
            ("events", "topics"),
        ):
            op.execute(f"alter table {table} alter column {column} drop default")
