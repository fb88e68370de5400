"""The tables of webhooks, as SQLAlchemy 2 classes: where organisations want to be told of what happens.

    webhooks             one row per address and what it wants to hear of
    webhook_deliveries   one row per event and address, until some time after it was delivered or given up
    webhook_cursors      up to which event of a contract, and up to which day of notices, everybody was told

Times are Unix seconds. Nothing here can be made again from the chain. No rule stands here: `ledger/negotiation/` has
them.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from ledger.columns import ADDRESS, Base
from ledger.outbox_tables import SERIAL


class WebhookRow(Base):
    """An address that an organisation wants to be told at. `secret` is sealed; `former` the one before it, which signs
    too until `former_until`."""

    __tablename__ = "webhooks"
    __table_args__ = (Index("webhooks_by_organisation", "organisation"),)
    id: Mapped[str] = mapped_column(String(24), primary_key=True)
    organisation: Mapped[int] = mapped_column(BigInteger, ForeignKey("organisations.number"))
    url: Mapped[str] = mapped_column(String(500))
    events: Mapped[list[str]] = mapped_column(JSON)
    secret: Mapped[str] = mapped_column(String(255))
    former: Mapped[str | None] = mapped_column(String(255))
    former_until: Mapped[int | None]
    created_at: Mapped[int]


class DeliveryRow(Base):
    """One event for one address. `status`: waiting (next tried at `due_at`), delivered, dead (given up). `answered` is
    the last HTTP status, `trouble` why there was none."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        UniqueConstraint("webhook", "event", name="webhook_deliveries_once"),
        Index("webhook_deliveries_due", "status", "due_at"),
        Index("webhook_deliveries_by_webhook", "webhook", "number"),
    )
    number: Mapped[int] = mapped_column(SERIAL, primary_key=True, autoincrement=True)
    webhook: Mapped[str] = mapped_column(String(24), ForeignKey("webhooks.id"))
    event: Mapped[str] = mapped_column(String(32))
    kind: Mapped[str] = mapped_column(String(32))
    body: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(String(12))
    attempts: Mapped[int] = mapped_column(Integer)
    due_at: Mapped[int]
    answered: Mapped[int | None] = mapped_column(Integer)
    trouble: Mapped[str | None] = mapped_column(String(100))
    created_at: Mapped[int]
    changed_at: Mapped[int]


NOTICES: Final = "funding notices"
"""In the place of a contract."""


class WebhookCursorRow(Base):
    """The last event of a contract of which everybody was told who wanted to be; under `NOTICES` the last day whose
    funding notices were told, as its block."""

    __tablename__ = "webhook_cursors"
    contract: Mapped[str] = mapped_column(ADDRESS, primary_key=True)
    block: Mapped[int]
    log_index: Mapped[int]
