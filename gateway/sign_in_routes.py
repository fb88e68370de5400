"""Signing in: people with a cookie, programs with a token."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Cookie, Form, Request, Response
from pydantic import Field
from sqlalchemy.orm import Session

from gateway.answers import PROBLEMS
from gateway.bodies import DeskRoute
from gateway.callers import COOKIE, CallerHere, GatewayHere, address_of
from gateway.forms import Form as Body
from gateway.forms import View, examples, utc
from gateway.gateway import Gateway
from gateway.moving import UNSEEN, MovingHere, Reply
from ledger.errors import Refusal
from ledger.negotiation import audit
from ledger.negotiation.access import Caller, Right, StaffRole, require
from ledger.negotiation.sign_in import (
    SESSION_SECONDS,
    TOKEN_SECONDS,
    SignedIn,
    enrol_client,
    grant_token,
    session_of,
    sign_in,
    sign_out,
)

router = APIRouter(tags=["Signing in"], route_class=DeskRoute, responses=PROBLEMS)
RoleName = Literal["operator", "reviewer", "signatory", "registrar", "auditor", "partner"]


Code = Annotated[str, Field(strict=True, pattern=r"^[0-9]{6}$", examples=["492039"])]


class SignInForm(Body):
    """Who, and the password; a code where a second factor was confirmed."""

    model_config = examples(login="li.wei", password="correct horse battery staple")
    login: Annotated[str, Field(strict=True, min_length=1, max_length=64)]
    password: Annotated[str, Field(strict=True, min_length=1, max_length=256)]
    code: Code | None = None


class CallerView(View):
    """Who is asking, and what they may."""

    who: str
    organisation: int
    organisation_name: str
    party: int | None
    roles: list[RoleName]


class SessionView(View):
    """A session. `csrf` goes into X-CSRF-Token of every change."""

    caller: CallerView
    csrf: str
    expires_at: str | None


class TokenView(View):
    """A token, as OAuth 2 gives it."""

    access_token: str
    token_type: Literal["Bearer"]
    expires_in: int
    scope: str


class ClientForm(Body):
    """A program that is to work for the organisation."""

    model_config = examples(name="ERP", roles=["operator"])
    name: Annotated[str, Field(strict=True, min_length=1, max_length=100)]
    roles: Annotated[list[RoleName], Field(min_length=1, max_length=6)]


class ClientView(View):
    """A program, with its secret, which is shown this once."""

    id: str
    name: str
    roles: list[RoleName]
    secret: str


@router.post("/session", status_code=201)
def begin_session(
    form: SignInForm, request: Request, response: Response, gateway: GatewayHere
) -> SessionView:
    """Signs a person in. The session's token is in a cookie that no script can read."""
    done = sign_in(
        gateway.store,
        gateway.setting,
        form.login,
        form.password,
        code=form.code,
        address=address_of(request),
        passwords=gateway.passwords,
    )
    return session_begun(gateway, response, done)


@router.get("/session")
def present_session(
    caller: CallerHere,
    gateway: GatewayHere,
    response: Response,
    token: Annotated[str | None, Cookie(alias=COOKIE, include_in_schema=False)] = None,
) -> SessionView:
    """Who is signed in."""
    response.headers["Cache-Control"] = "no-store"
    csrf = ""
    if token is not None and caller.who.startswith("person"):
        with gateway.store.reading() as session:
            csrf = session_of(session, token, now=gateway.now())[1]
    return SessionView(caller=caller_view(caller), csrf=csrf, expires_at=None)


@router.delete("/session", status_code=204)
def end_session(
    caller: CallerHere,
    gateway: GatewayHere,
    response: Response,
    token: Annotated[str | None, Cookie(alias=COOKIE, include_in_schema=False)] = None,
) -> None:
    """Signs out."""
    if token is not None:
        with gateway.store.writing() as session:
            sign_out(session, token)
            audit.note(session, caller, "sign out", subject=caller.who, at=gateway.now())
    response.delete_cookie(COOKIE, path="/", secure=gateway.secure, httponly=True, samesite="strict")


@router.post("/token")
def program_token(
    request: Request,
    response: Response,
    gateway: GatewayHere,
    grant_type: Annotated[Literal["client_credentials"], Form()],
    client_id: Annotated[str, Form(max_length=32, examples=["767f16c4515a2a7d38b82f8e"])],
    client_secret: Annotated[str, Form(max_length=128, examples=["(shown once, by POST /clients)"])],
    scope: Annotated[str | None, Form(max_length=200, examples=["operator auditor"])] = None,
) -> TokenView:
    """A short-lived token for a program (OAuth 2, client credentials)."""
    token, allowed = grant_token(
        gateway.store,
        client_id,
        client_secret,
        address=address_of(request),
        key=gateway.token_key,
        now=gateway.now(),
        scopes=None if scope is None else frozenset(scope.split()),
    )
    response.headers["Cache-Control"] = "no-store"
    return TokenView(
        access_token=token, token_type="Bearer", expires_in=TOKEN_SECONDS, scope=" ".join(allowed)
    )


@router.post("/clients", status_code=201, response_model=ClientView)
def enrol(form: ClientForm, moving: MovingHere) -> Response:
    """Enrols a program of the caller's organisation. It may do no more than who enrols it."""
    caller, roles = moving.caller, frozenset(StaffRole(role) for role in form.roles)

    def work(session: Session) -> Reply:
        require(caller, Right.MANAGE)
        if not roles <= caller.roles:
            raise Refusal("NotAllowed", {"act": "enrol", "needs": ", ".join(sorted(roles - caller.roles))})
        row, secret = enrol_client(session, caller, name=form.name, roles=roles, now=moving.gateway.now())
        answer = ClientView(id=row.id, name=row.name, roles=row.roles, secret=secret)  # type: ignore[arg-type]
        return Reply(201, answer, UNSEEN, secret=True)

    return moving.do(work)


def session_begun(gateway: Gateway, response: Response, done: SignedIn) -> SessionView:
    """The answer to somebody who has signed in; the cookie goes with it."""
    response.set_cookie(
        COOKIE,
        done.token,
        max_age=SESSION_SECONDS,
        path="/",
        secure=gateway.secure,
        httponly=True,
        samesite="strict",
    )
    response.headers["Cache-Control"] = "no-store"
    return SessionView(caller=caller_view(done.caller), csrf=done.csrf, expires_at=utc(done.expires_at))


def caller_view(caller: Caller) -> CallerView:
    """The caller as an answer."""
    return CallerView(
        who=caller.who,
        organisation=caller.organisation,
        organisation_name=caller.name,
        party=caller.party,
        roles=sorted(caller.roles),  # type: ignore[arg-type]
    )
