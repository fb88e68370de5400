"""For whoever runs it: can the process work, does work get through, and the numbers.

Anybody who reaches the port may ask. The answers hold names of reasons, counts, ages, the contract's error names and
addresses that are on the chain anyway; no party, no amount, no error's words, no secret. Who wants to keep them from
the outside lets the proxy before it refuse these three paths.
"""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Response
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from gateway.callers import GatewayHere
from gateway.forms import View, recorded
from ledger.monitoring import Reason

router = APIRouter(tags=["Health"])


class HealthView(View):
    """Whether the process can do its work. `why`: database, other_chain."""

    status: Literal["ok", "broken"]
    why: list[str]


class ReadinessView(View):
    """Whether work that is given now gets through. `why`: database, node, head_lag, stalled, journal_mismatch, alarm;
    relay_stopped, index_stopped, housekeeping_stopped,
    register_check_stopped, webhooks_stopped, time_stamps_stopped. The log has more."""

    ready: bool
    why: list[str]


@router.get(
    "/health", responses={503: {"model": HealthView, "description": "It needs a restart, or a person."}}
)
def health(gateway: GatewayHere, response: Response) -> HealthView:
    """The database answers, and the node is on the pinned chain. A node that is away is waited for: no reason here."""
    why = _names(gateway.watch.health())
    response.status_code = 503 if why else 200
    return HealthView(status="broken" if why else "ok", why=why)


@router.get(
    "/ready", responses={503: {"model": ReadinessView, "description": "Not ready; `why` says what is."}}
)
def ready(gateway: GatewayHere, response: Response) -> ReadinessView:
    """Database and node answer, relay and index are at work and not behind."""
    why = _names(gateway.watch.readiness())
    response.status_code = 503 if why else 200
    return ReadinessView(ready=not why, why=why)


@router.get(
    "/metrics",
    response_class=Response,
    responses=recorded("/metrics", "text/plain", "Numbers in Prometheus' text form."),
)
def metrics(gateway: GatewayHere) -> Response:
    """The numbers of relay and index, for Prometheus."""
    return Response(gateway.watch.numbers(), media_type=CONTENT_TYPE_LATEST)


def _names(reasons: tuple[Reason, ...]) -> list[str]:
    return list(dict.fromkeys(each.name for each in reasons))
