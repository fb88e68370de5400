"""For whoever runs it: is the process alive, can it do its work."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Response
from sqlalchemy import func, select

from gateway.callers import GatewayHere
from gateway.forms import View
from ledger.errors import TallystickError
from ledger.outbox import SENT, SIGNED
from ledger.outbox_tables import OutboxRow
from ledger.tables import CursorRow

router = APIRouter(tags=["Health"])


class HealthView(View):
    """Alive."""

    status: Literal["ok"]


class ReadinessView(View):
    """Whether work gets done: how far the index is, how much waits."""

    ready: bool
    why: list[str]
    indexed_block: int | None
    waiting: int | None


@router.get("/health")
def health() -> HealthView:
    """The process answers."""
    return HealthView(status="ok")


@router.get(
    "/ready", responses={503: {"model": ReadinessView, "description": "Not ready; `why` says what is."}}
)
def ready(gateway: GatewayHere, response: Response) -> ReadinessView:
    """The database answers, and relay and indexer are at work."""
    why: list[str] = list(gateway.troubles())
    block: int | None = None
    waiting: int | None = None
    try:
        with gateway.store.reading() as session:
            block = session.scalar(select(func.min(CursorRow.block)))
            open_ = OutboxRow.status.in_((SIGNED, SENT))
            waiting = session.scalar(select(func.count()).select_from(OutboxRow).where(open_))
    except TallystickError:
        why.append("the database cannot be used")
    response.status_code = 503 if why else 200
    return ReadinessView(ready=not why, why=why, indexed_block=block, waiting=waiting)
