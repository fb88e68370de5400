"""Who is asking: a person by the session's cookie, a program by its bearer token.

A change that comes with a cookie has to bring the session's CSRF token too, because a browser sends cookies by itself;
a bearer token it never sends by itself.
"""

from __future__ import annotations

import secrets
from typing import Annotated, Final

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer

from gateway.gateway import Gateway, gateway_of
from ledger.errors import Refusal
from ledger.negotiation.access import Caller, StaffRole
from ledger.negotiation.sign_in import bearer_of, session_of

COOKIE: Final = "tallystick-session"
CSRF: Final = "X-CSRF-Token"
_SAFE: Final = ("GET", "HEAD", "OPTIONS")

_cookie = APIKeyCookie(
    name=COOKIE, auto_error=False, description="The session of a person, from POST /session."
)
_bearer = HTTPBearer(auto_error=False, description="The token of a program, from POST /token.")

GatewayHere = Annotated[Gateway, Depends(gateway_of)]


def caller_of(
    request: Request,
    gateway: GatewayHere,
    cookie: Annotated[str | None, Security(_cookie)] = None,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)] = None,
) -> Caller:
    """Refusal SignInNeeded, TokenRefused, CsrfDiffers, TooManyRequests."""
    now = gateway.now()
    if bearer is not None:
        with gateway.store.reading() as session:
            caller = bearer_of(session, bearer.credentials, key=gateway.token_key, now=now)
        gateway.limits.take(caller.who)
        return caller
    if cookie is None:
        raise Refusal("SignInNeeded")
    with gateway.store.reading() as session:
        caller, csrf = session_of(session, cookie, now=now)
    given = request.headers.get(CSRF, "")
    if request.method not in _SAFE and not secrets.compare_digest(given.encode(), csrf.encode()):
        raise Refusal("CsrfDiffers")
    if StaffRole.PARTNER in caller.roles:  # a stranger, as programs are
        gateway.limits.take(caller.who)
    return caller


CallerHere = Annotated[Caller, Depends(caller_of)]


def address_of(request: Request) -> str:
    """Where the request comes from, for throttling: the other end of the connection."""
    return "unknown" if request.client is None else request.client.host
