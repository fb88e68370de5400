"""The app: all desks under `/api/v1`, one kind of error, headers that browsers are told once."""

from __future__ import annotations

from typing import Final

from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway import (
    bank_act_routes,
    bulk_routes,
    desk_routes,
    disbursement_routes,
    duplicate_routes,
    health_routes,
    holding_routes,
    offer_routes,
    onboarding_routes,
    payable_routes,
    people_routes,
    problems,
    programme_routes,
    provider_routes,
    quote_routes,
    sale_routes,
    settlement_routes,
    sign_in_routes,
    standing_routes,
    waiting_routes,
)
from gateway.answers import PREFIX
from gateway.gateway import Gateway
from gateway.request_log import Numbered

HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)


class _App(FastAPI):
    """The app, whose every answer has an id and these headers: also what the library answers when all else fails."""

    def build_middleware_stack(self) -> ASGIApp:
        """The library's, within ours."""
        return Numbered(ToldOnce(super().build_middleware_stack()))


class ToldOnce:
    """Adds the headers that every answer has."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *HEADERS]
            await send(message)

        await self._app(scope, receive, with_headers if scope["type"] == "http" else send)


def create_app(gateway: Gateway) -> FastAPI:
    """The app over an open installation. It starts nothing and closes nothing."""
    app = _App(
        title="Tallystick",
        version="1",
        summary="Digital credit vouchers of a supply chain.",
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    app.state.gateway = gateway
    problems.install(app)
    for router in (
        sign_in_routes.router,
        provider_routes.router,
        people_routes.router,
        onboarding_routes.router,
        standing_routes.router,
        offer_routes.router,
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
        holding_routes.router,
        quote_routes.supplier,
        quote_routes.bank,
        quote_routes.issuer,
        sale_routes.router,
    ):
        app.include_router(router, prefix=PREFIX)
    app.include_router(health_routes.router)
    return app
