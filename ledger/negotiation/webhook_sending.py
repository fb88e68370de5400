"""Deliveries on their way: signed, tried again with growing pauses, given up after about a day.

Each is a POST of JSON, signed as standardwebhooks.com has it: `webhook-id`, `webhook-timestamp`, and in
`webhook-signature` one `v1,` and base64 of HMAC-SHA-256 over `id.timestamp.body` for each secret that is good now. Any
2xx is a delivery. A receiver may get an event more than once (an answer that was lost), and in another order than it
happened; its id stays the same. To one address goes one delivery at a time, and none waits for another address's.
"""

from __future__ import annotations

import hmac
import logging
import random
import threading
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from ledger.errors import TallystickError
from ledger.negotiation.setting import Setting
from ledger.negotiation.targets import Targets, Unreached
from ledger.negotiation.webhook_events import collect
from ledger.negotiation.webhooks import DEAD, DELIVERED, WAITING, keys_of
from ledger.store import Store
from ledger.webhook_tables import DeliveryRow, WebhookRow

LOG: Final = logging.getLogger("ledger.webhooks")
FIRST_PAUSE: Final = 15
LONGEST_PAUSE: Final = 6 * 3_600
MOST_ATTEMPTS: Final = 13
"""With these pauses the last attempt is about 23 hours after the first."""
JITTER: Final = 0.2
LEASE_SECONDS: Final = 120
"""For which a delivery that is being sent is nobody else's; more than one attempt takes."""
KEPT_SECONDS: Final = 30 * 86_400
"""What was delivered or given up is kept for so long."""
WORKERS: Final = 16


@dataclass(frozen=True, slots=True)
class _Taken:
    """A delivery that is being sent."""

    number: int
    webhook: str
    url: str
    event: str
    body: bytes
    keys: tuple[bytes, ...]


class Deliverer:
    """Sends what is due. `turn` starts what can be started now and waits for nothing."""

    def __init__(
        self,
        store: Store,
        setting: Setting,
        targets: Targets,
        *,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._store, self._setting, self._targets, self._draw = store, setting, targets, draw
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="webhook")
        self._busy: dict[str, Future[None]] = {}
        self._lock = threading.Lock()

    def turn(self) -> int:
        """Finds out what is to be told, and starts to send what is due; gives how many were started."""
        while collect(self._store, self._setting):
            pass
        taken = self._take()
        for each in taken:
            with self._lock:
                self._busy[each.webhook] = self._pool.submit(self._send, each)
        return len(taken)

    def rest(self) -> None:
        """Waits for all that is being sent."""
        with self._lock:
            under_way = list(self._busy.values())
        for each in under_way:
            each.result()

    def close(self) -> None:
        """Ends; what is under way is recorded or sent again later."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _take(self) -> list[_Taken]:
        now = self._setting.machine_clock()
        with self._lock:
            busy = list(self._busy)
            room = WORKERS - len(busy)
        if room <= 0:
            return []
        first = (
            select(func.min(DeliveryRow.number))
            .where(DeliveryRow.status == WAITING, DeliveryRow.due_at <= now, DeliveryRow.webhook.not_in(busy))
            .group_by(DeliveryRow.webhook)
        )
        with self._store.reading() as session:
            if not session.scalars(first.limit(1)).first():
                return []
        taken = []
        with self._store.writing() as session:
            query = select(DeliveryRow).where(DeliveryRow.number.in_(first), DeliveryRow.status == WAITING)
            rows = session.scalars(
                query.order_by(DeliveryRow.due_at).limit(room).with_for_update(skip_locked=True)
            ).all()
            hooks = {
                row.id: row
                for row in session.scalars(
                    select(WebhookRow).where(WebhookRow.id.in_([each.webhook for each in rows]))
                )
            }
            for row in rows:
                hook = hooks[row.webhook]
                row.due_at = now + LEASE_SECONDS
                keys = tuple(keys_of(self._setting, hook))
                taken.append(_Taken(row.number, hook.id, hook.url, row.event, row.body.encode(), keys))
            gone = DeliveryRow.status.in_((DELIVERED, DEAD)) & (DeliveryRow.changed_at < now - KEPT_SECONDS)
            session.execute(delete(DeliveryRow).where(gone))
        return taken

    def _send(self, taken: _Taken) -> None:
        answered: int | None = None
        trouble: str | None = None
        try:
            try:
                answered = self._targets.post(taken.url, taken.body, self._headers(taken))
            except Unreached as away:
                trouble = away.why
            with self._store.writing() as session:
                self._record(session, taken, answered, trouble)
        except TallystickError as failed:  # it is sent again when its lease has run out
            LOG.warning("a delivery was not recorded: %s", failed)
        finally:
            with self._lock:
                self._busy.pop(taken.webhook, None)

    def _headers(self, taken: _Taken) -> dict[str, str]:
        at = str(self._setting.machine_clock())
        content = f"{taken.event}.{at}.".encode() + taken.body
        signed = (b64encode(hmac.digest(key, content, "sha256")).decode() for key in taken.keys)
        return {
            "Content-Type": "application/json",
            "User-Agent": "Tallystick",
            "webhook-id": taken.event,
            "webhook-timestamp": at,
            "webhook-signature": " ".join(f"v1,{each}" for each in signed),
        }

    def _record(self, session: Session, taken: _Taken, answered: int | None, trouble: str | None) -> None:
        row = session.get(DeliveryRow, taken.number, with_for_update=True)
        if row is None or row.status != WAITING:
            return  # the webhook was removed meanwhile
        now = self._setting.machine_clock()
        row.attempts, row.answered, row.trouble, row.changed_at = row.attempts + 1, answered, trouble, now
        if answered is not None and 200 <= answered < 300:
            row.status = DELIVERED
        elif row.attempts >= MOST_ATTEMPTS:
            row.status = DEAD
            LOG.warning("webhook %s: event %s was given up", taken.webhook, taken.event)
        else:
            row.due_at = now + self._pause(row.attempts)

    def _pause(self, attempts: int) -> int:
        """Seconds until the next attempt: twice as many each time, a fifth more or less."""
        pause = min(FIRST_PAUSE << (attempts - 1), LONGEST_PAUSE)
        return round(pause * (1 + JITTER * (2 * self._draw() - 1)))


def serve(deliverer: Deliverer, *, stop: threading.Event, pause: float = 1.0) -> None:
    """Sends what is due until it is told to stop. A database that is away is waited for."""
    try:
        while not stop.wait(pause):
            try:
                deliverer.turn()
            except TallystickError as waiting:
                LOG.warning("webhooks wait: %s", waiting)
    finally:
        deliverer.close()
