"""The app: all desks under `/api/v1`, one kind of error, headers that browsers are told once."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway import (
    bank_act_routes,
    bulk_routes,
    desk_routes,
    disbursement_routes,
    document_routes,
    duplicate_routes,
    health_routes,
    holding_routes,
    letter_routes,
    offer_routes,
    onboarding_routes,
    payable_routes,
    people_routes,
    problems,
    programme_routes,
    provider_routes,
    quote_routes,
    sale_routes,
    sandbox_routes,
    settlement_routes,
    sign_in_routes,
    standing_routes,
    waiting_routes,
    webhook_routes,
)
from gateway.answers import PREFIX
from gateway.gateway import Gateway
from gateway.request_log import Numbered

THREADS: Final = 6
"""Requests that are worked on at a time; the others wait. With the library's forty, acceptances of 32 clients took
3.4 s (p99), with four to ten less than 1 s, at a rate that was not lower."""
GARBAGE: Final = (20_000, 20, 50)
"""As `gc.set_threshold` takes them: requests make and drop many small objects that are in no cycle."""
HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)

SANDBOX: Final = ((b"x-tallystick-sandbox", b"nothing here counts"),)
"""Of a sandbox's answers."""


class _App(FastAPI):
    """The app, whose every answer has an id and these headers: also what the library answers when all else fails."""

    def build_middleware_stack(self) -> ASGIApp:
        """The library's, within ours."""
        return Numbered(ToldOnce(super().build_middleware_stack(), self))


class ToldOnce:
    """Adds the headers that every answer has."""

    def __init__(self, app: ASGIApp, made: FastAPI) -> None:
        self._app, self._made = app, made

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                sandbox = SANDBOX if self._made.state.gateway.sandbox is not None else ()
                message["headers"] = [*message["headers"], *HEADERS, *sandbox]
            await send(message)

        await self._app(scope, receive, with_headers if scope["type"] == "http" else send)


@asynccontextmanager
async def _serving(_app: FastAPI) -> AsyncIterator[None]:
    """How the process works while it serves. Python lets one thread work at a time: more than a few only wait for each
    other. What was made by now stays, and is not looked through for garbage again and again."""
    current_default_thread_limiter().total_tokens = THREADS
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE)
    yield
    gc.unfreeze()  # what is not collected at the end is reported as leaked by the libraries that made it


def create_app(gateway: Gateway) -> FastAPI:
    """The app over an open installation. It starts nothing and closes nothing."""
    app = _App(
        title="Tallystick",
        version="1",
        summary="Digital credit vouchers of a supply chain.",
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=_serving,
    )
    app.state.gateway = gateway
    problems.install(app)
    for router in (  # looked through in this order: what is asked for most often comes first
        holding_routes.router,
        offer_routes.router,
        sign_in_routes.router,
        provider_routes.router,
        people_routes.router,
        webhook_routes.router,
        document_routes.router,
        letter_routes.router,
        onboarding_routes.router,
        standing_routes.router,
        desk_routes.bank,
        bank_act_routes.router,
        settlement_routes.router,
        disbursement_routes.router,
        duplicate_routes.router,
        desk_routes.issuer,
        desk_routes.supplier,
        programme_routes.issuer,
        bulk_routes.router,
        payable_routes.router,
        waiting_routes.router,
        programme_routes.everyone,
        quote_routes.supplier,
        quote_routes.bank,
        quote_routes.issuer,
        sale_routes.router,
    ):
        app.include_router(router, prefix=PREFIX)
    if gateway.sandbox is not None:
        app.include_router(sandbox_routes.router, prefix=PREFIX)
    app.include_router(health_routes.router)
    return app
