"""Webhooks: where an organisation wants to be told of what happens, with which secret, and what became of it.

    subscribe    a new address, with a secret that is shown this once
    unsubscribe  nothing more is sent there
    rotate       a new secret; the one before signs too for a day
    deliveries   what was sent, what waits, what was given up
    replay       one is sent again

The secret is kept sealed and not as a hash, because every delivery is signed with it. An event says what happened and
to what; whoever is told asks for the rest under its own rights, so that no address ever gets what its organisation may
not see.
"""

from __future__ import annotations

import secrets
from base64 import b64encode
from collections.abc import Collection
from enum import StrEnum
from typing import Final

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from ledger.errors import InputError, Refusal
from ledger.negotiation import audit
from ledger.negotiation.access import Caller, Right, not_found, require
from ledger.negotiation.setting import Setting
from ledger.negotiation.targets import Targets
from ledger.webhook_tables import DeliveryRow, WebhookRow

WAITING, DELIVERED, DEAD = "waiting", "delivered", "dead"
MOST: Final = 20
"""Addresses of one organisation."""
FORMER_SECONDS: Final = 86_400
SECRET_BYTES: Final = 32
PREFIX: Final = "whsec_"
PURPOSE: Final = "webhooks 1"


class Kind(StrEnum):
    """What an address can be told of. A payment that its payee signed too is completed with its assertion."""

    OFFER_TO_SIGN = "offer.to_sign"
    OFFER_SIGNED = "offer.signed"
    OFFER_ENDED = "offer.ended"
    VOUCHER_RECEIVED = "voucher.received"
    VOUCHER_OVERDUE = "voucher.overdue"
    VOUCHER_FROZEN = "voucher.frozen"
    VOUCHER_UNFROZEN = "voucher.unfrozen"
    PAYMENT_ASSERTED = "payment.asserted"
    PAYMENT_CONFIRMED = "payment.confirmed"
    PAYMENT_CONTESTED = "payment.contested"
    PAYMENT_WITHDRAWN = "payment.withdrawn"
    PAYMENT_COMPLETED = "payment.completed"
    PAYMENT_AWARDED = "payment.awarded"
    PARTY_SUSPENSION = "party.suspension"
    PARTY_RECOVERY = "party.recovery"
    PARTY_REKEYED = "party.rekeyed"
    FUNDING_NOTICE = "funding.notice"


def subscribe(
    session: Session,
    setting: Setting,
    caller: Caller,
    targets: Targets,
    *,
    url: str,
    kinds: Collection[Kind],
) -> tuple[WebhookRow, str]:
    """The webhook and its secret. InputError for an address that nothing is sent to; Refusal TooManyWebhooks."""
    require(caller, Right.MANAGE)
    targets.require(url)
    if not kinds:
        raise InputError("say what the address is to be told of")
    mine = WebhookRow.organisation == caller.organisation
    if (session.scalar(select(func.count()).select_from(WebhookRow).where(mine)) or 0) >= MOST:
        raise Refusal("TooManyWebhooks", {"most": MOST})
    at, number, secret = setting.machine_clock(), secrets.token_hex(12), secrets.token_bytes(SECRET_BYTES)
    row = WebhookRow(
        id=number,
        organisation=caller.organisation,
        url=url,
        events=sorted(str(kind) for kind in kinds),
        secret=_sealed(setting, number, secret),
        former=None,
        former_until=None,
        created_at=at,
    )
    session.add(row)
    session.flush()
    facts = {"url": url, "events": row.events}
    audit.note(session, caller, "add webhook", subject=f"webhook {number}", at=at, facts=facts)
    return row, _shown(secret)


def webhooks(session: Session, caller: Caller) -> list[WebhookRow]:
    """Those of the caller's organisation."""
    require(caller, Right.AUDIT)
    query = select(WebhookRow).where(WebhookRow.organisation == caller.organisation)
    return list(session.scalars(query.order_by(WebhookRow.created_at, WebhookRow.id)))


def unsubscribe(session: Session, setting: Setting, caller: Caller, number: str) -> None:
    """Forgets the address and all that was to be sent there. Refusal NotFound."""
    require(caller, Right.MANAGE)
    row = _found(session, caller, number)
    session.execute(delete(DeliveryRow).where(DeliveryRow.webhook == row.id))
    session.delete(row)
    session.flush()
    audit.note(session, caller, "remove webhook", subject=f"webhook {number}", at=setting.machine_clock())


def rotate(session: Session, setting: Setting, caller: Caller, number: str) -> str:
    """A new secret, shown this once. Refusal NotFound."""
    require(caller, Right.MANAGE)
    row = _found(session, caller, number)
    at, secret = setting.machine_clock(), secrets.token_bytes(SECRET_BYTES)
    row.former, row.former_until = row.secret, at + FORMER_SECONDS
    row.secret = _sealed(setting, row.id, secret)
    session.flush()
    audit.note(session, caller, "rotate webhook secret", subject=f"webhook {number}", at=at)
    return _shown(secret)


def deliveries(
    session: Session,
    caller: Caller,
    number: str,
    *,
    limit: int,
    before: int | None = None,
    status: str | None = None,
) -> list[DeliveryRow]:
    """What was, is to be, or could not be sent there, the newest first. Refusal NotFound."""
    hook = _found(session, caller, number, lock=False)
    require(caller, Right.AUDIT)
    query = select(DeliveryRow).where(DeliveryRow.webhook == hook.id)
    if status is not None:
        query = query.where(DeliveryRow.status == status)
    if before is not None:
        query = query.where(DeliveryRow.number < before)
    return list(session.scalars(query.order_by(DeliveryRow.number.desc()).limit(limit)))


def replay(session: Session, setting: Setting, caller: Caller, number: str, delivery: int) -> DeliveryRow:
    """Sends one again, whatever became of it, under the same event's id. Refusal NotFound."""
    require(caller, Right.MANAGE)
    hook = _found(session, caller, number)
    row = session.get(DeliveryRow, delivery, with_for_update=True, populate_existing=True)
    if row is None or row.webhook != hook.id:
        raise not_found("delivery")
    at = setting.machine_clock()
    row.status, row.attempts, row.due_at, row.changed_at = WAITING, 0, at, at
    session.flush()
    audit.note(session, caller, "replay delivery", subject=f"webhook {number}", at=at)
    return row


def keys_of(setting: Setting, row: WebhookRow) -> list[bytes]:
    """The secrets that sign now, the newest first."""
    now = setting.machine_clock()
    found = [_opened(setting, row.id, row.secret)]
    if row.former is not None and (row.former_until or 0) > now:
        found.append(_opened(setting, row.id, row.former))
    return found


# Inside


def _found(session: Session, caller: Caller, number: str, *, lock: bool = True) -> WebhookRow:
    row = session.get(WebhookRow, number, with_for_update=lock)
    if row is None or row.organisation != caller.organisation:
        raise not_found("webhook")
    return row


def _shown(secret: bytes) -> str:
    return PREFIX + b64encode(secret).decode()


def _sealed(setting: Setting, number: str, secret: bytes) -> str:
    return setting.ring.seal(PURPOSE, secret, label=f"webhook {number}").hex()


def _opened(setting: Setting, number: str, sealed: str) -> bytes:
    return setting.ring.unseal(PURPOSE, bytes.fromhex(sealed), label=f"webhook {number}")
