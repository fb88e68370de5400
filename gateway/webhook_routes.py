"""Webhooks: addresses at which an organisation is told of what happens."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Response
from pydantic import Field
from sqlalchemy.orm import Session

from gateway.answers import PROBLEMS, Cursor, Limit, number_of, page_of
from gateway.bodies import DeskRoute
from gateway.callers import CallerHere, GatewayHere
from gateway.forms import Form, View, examples, utc
from gateway.moving import UNSEEN, MovingHere, Reply
from ledger.negotiation import webhooks
from ledger.negotiation.webhooks import Kind
from ledger.webhook_tables import DeliveryRow, WebhookRow

router = APIRouter(prefix="/webhooks", tags=["Webhooks"], route_class=DeskRoute, responses=PROBLEMS)
WebhookId = Annotated[str, Path(pattern=r"^[0-9a-f]{24}$", examples=["5f0c2d1e54b0c9a3f5d7e8c1"])]
DeliveryNumber = Annotated[int, Path(ge=1, lt=2**53, description="The delivery's number.")]
Fate = Literal["waiting", "delivered", "dead"]


class WebhookForm(Form):
    """Where to tell the caller's organisation of what."""

    model_config = examples(
        url="https://erp.example.com/tallystick", events=["offer.to_sign", "voucher.received"]
    )
    url: Annotated[str, Field(strict=True, min_length=9, max_length=500)]
    events: Annotated[tuple[Kind, ...], Field(min_length=1, max_length=32)]


class WebhookView(View):
    """A webhook."""

    id: str
    url: str
    events: list[Kind]
    since: str


class NewWebhookView(WebhookView):
    """A webhook with its secret, which is shown this once."""

    secret: Annotated[str, Field(examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])]


class WebhookList(View):
    """The webhooks of the caller's organisation."""

    items: list[WebhookView]


class SecretView(View):
    """A new secret, shown this once. The one before signs too for a day."""

    secret: str


class DeliveryView(View):
    """One event for one webhook. `answered`: the last HTTP status; `trouble`: why there was none."""

    number: int
    event: str
    type: Kind
    status: Fate
    attempts: int
    next_attempt: str | None
    answered: int | None
    trouble: str | None
    body: str
    at: str


class DeliveryPage(View):
    """Some deliveries, the newest first."""

    items: list[DeliveryView]
    next: str | None


@router.post("", status_code=201, response_model=NewWebhookView)
def subscribe(form: WebhookForm, moving: MovingHere) -> Response:
    """Tells an address of events, each signed with the secret that is in this answer."""

    def work(session: Session) -> Reply:
        gateway = moving.gateway
        row, secret = webhooks.subscribe(
            session, gateway.setting, moving.caller, gateway.targets, url=form.url, kinds=set(form.events)
        )
        answer = NewWebhookView(**_view(row).model_dump(), secret=secret)
        return Reply(201, answer, UNSEEN, secret=True)

    return moving.do(work)


@router.get("")
def list_webhooks(caller: CallerHere, gateway: GatewayHere) -> WebhookList:
    """The webhooks of the caller's organisation."""
    with gateway.store.reading() as session:
        return WebhookList(items=[_view(row) for row in webhooks.webhooks(session, caller)])


@router.delete("/{webhook}", status_code=204)
def unsubscribe(webhook: WebhookId, caller: CallerHere, gateway: GatewayHere) -> None:
    """Nothing more is sent there; what was to be sent is forgotten."""
    with gateway.store.writing() as session:
        webhooks.unsubscribe(session, gateway.setting, caller, webhook)


@router.post("/{webhook}/secret", status_code=201, response_model=SecretView)
def rotate(webhook: WebhookId, moving: MovingHere) -> Response:
    """A new secret. The one before signs too for a day, so that the receiver can change over."""

    def work(session: Session) -> Reply:
        secret = webhooks.rotate(session, moving.gateway.setting, moving.caller, webhook)
        return Reply(201, SecretView(secret=secret), UNSEEN, secret=True)

    return moving.do(work)


@router.get("/{webhook}/deliveries")
def list_deliveries(
    webhook: WebhookId,
    caller: CallerHere,
    gateway: GatewayHere,
    limit: Limit = 50,
    cursor_: Cursor = None,
    status: Annotated[Fate | None, Query(description="`dead`: those that were given up.")] = None,
) -> DeliveryPage:
    """What was sent, is to be sent, or was given up."""
    with gateway.store.reading() as session:
        found = webhooks.deliveries(
            session, caller, webhook, limit=limit + 1, before=number_of(cursor_), status=status
        )
    page, more = page_of(found, limit, lambda row: row.number)
    return DeliveryPage(items=[_delivery(row) for row in page], next=more)


@router.post("/{webhook}/deliveries/{delivery}/replay", response_model=DeliveryView, status_code=202)
def replay(webhook: WebhookId, delivery: DeliveryNumber, moving: MovingHere) -> Response:
    """Sends one again, under the same event's id."""

    def work(session: Session) -> Reply:
        row = webhooks.replay(session, moving.gateway.setting, moving.caller, webhook, delivery)
        return Reply(202, _delivery(row))

    return moving.do(work)


def _view(row: WebhookRow) -> WebhookView:
    return WebhookView(
        id=row.id, url=row.url, events=[Kind(each) for each in row.events], since=utc(row.created_at)
    )


def _delivery(row: DeliveryRow) -> DeliveryView:
    return DeliveryView(
        number=row.number,
        event=row.event,
        type=Kind(row.kind),
        status=row.status,  # type: ignore[arg-type]
        attempts=row.attempts,
        next_attempt=utc(row.due_at) if row.status == webhooks.WAITING else None,
        answered=row.answered,
        trouble=row.trouble,
        body=row.body,
        at=utc(row.created_at),
    )
