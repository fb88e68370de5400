"""Signing in with an outside provider (OpenID Connect), where one is configured.

The provider sends people back to a page of the portal, which posts what came with them. That page is of the same site:
the cookies here go with no other site's requests.
"""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Cookie, Request, Response
from pydantic import Field

from gateway.answers import PROBLEMS
from gateway.bodies import DeskRoute
from gateway.callers import GatewayHere, address_of
from gateway.forms import Form, View, examples
from gateway.gateway import Gateway
from gateway.sign_in_routes import SessionView, session_begun
from ledger.errors import Refusal
from ledger.negotiation.access import not_found
from ledger.negotiation.provider import ATTEMPT_SECONDS, Provider, enter

router = APIRouter(prefix="/session/provider", tags=["Signing in"], route_class=DeskRoute, responses=PROBLEMS)
COOKIE: Final = "tallystick-attempt"
PATH: Final = "/api/v1/session/provider"


class AttemptView(View):
    """Where the browser is to go."""

    address: str


class AnswerForm(Form):
    """What the provider sent back with the browser."""

    model_config = examples(code="SplxlOBeZQQYbYS6WxSbIA", state="af0ifjsldkj")
    code: Annotated[str, Field(strict=True, min_length=1, max_length=2_000)]
    state: Annotated[str, Field(strict=True, pattern=r"^[A-Za-z0-9_-]{1,100}$")]


@router.post("", status_code=201)
def begin(request: Request, response: Response, gateway: GatewayHere) -> AttemptView:
    """Begins to sign in with the provider. What belongs to the attempt is in a cookie that no script can read."""
    attempt = _provider(gateway, request).begin(gateway.setting)
    response.set_cookie(
        COOKIE,
        attempt.sealed,
        max_age=ATTEMPT_SECONDS,
        path=PATH,
        secure=gateway.secure,
        httponly=True,
        samesite="strict",
    )
    response.headers["Cache-Control"] = "no-store"
    return AttemptView(address=attempt.address)


@router.post("/answer", status_code=201)
def answer(
    form: AnswerForm,
    request: Request,
    response: Response,
    gateway: GatewayHere,
    attempt: Annotated[str | None, Cookie(alias=COOKIE, include_in_schema=False)] = None,
) -> SessionView:
    """Signs in whoever the provider says it is, where the same browser began."""
    provider = _provider(gateway, request)
    if attempt is None:
        raise Refusal("SignInFailed")
    identity = provider.identity(gateway.setting, code=form.code, state=form.state, sealed=attempt)
    done = enter(gateway.store, gateway.setting, identity)
    response.delete_cookie(COOKIE, path=PATH, secure=gateway.secure, httponly=True, samesite="strict")
    return session_begun(gateway, response, done)


def _provider(gateway: Gateway, request: Request) -> Provider:
    gateway.limits.take(f"provider {address_of(request)}")
    if gateway.provider is None:
        raise not_found("provider of sign-ins")
    return gateway.provider
