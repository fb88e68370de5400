"""An organisation's people: who there is, letting in and shutting out, second factors, passwords."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from pydantic import Field
from sqlalchemy.orm import Session

from gateway.answers import PROBLEMS, Cursor, Limit, number_of, page_of
from gateway.bodies import DeskRoute
from gateway.callers import CallerHere, GatewayHere, address_of
from gateway.forms import Form, View, examples, utc
from gateway.moving import MovingHere, Reply
from gateway.sign_in_routes import Code, RoleName
from ledger.negotiation import second_factor
from ledger.negotiation.access import Right, StaffRole, require
from ledger.negotiation.people import let_in, people, shut
from ledger.negotiation.sign_in import change_password
from ledger.organisation_tables import PersonRow

router = APIRouter(tags=["People"], route_class=DeskRoute, responses=PROBLEMS)
PersonNumber = Annotated[int, Path(ge=1, lt=2**53, description="The person's number.")]
Password = Annotated[str, Field(strict=True, min_length=12, max_length=256)]


class NewPersonForm(Form):
    """Somebody who is to sign in for the caller's organisation."""

    model_config = examples(
        login="zhang.min", name="张敏", password="seven green hills 1949", roles=["operator"]
    )
    login: Annotated[str, Field(strict=True, min_length=1, max_length=64)]
    name: Annotated[str, Field(strict=True, min_length=1, max_length=100)]
    password: Password
    roles: Annotated[list[RoleName], Field(min_length=1, max_length=6)]


class PersonView(View):
    """Somebody of the caller's organisation."""

    person: int
    login: str
    name: str
    roles: list[RoleName]
    second_factor: bool
    shut_out: bool
    since: str


class PeoplePage(View):
    """Some people, in the order in which they came."""

    items: list[PersonView]
    next: str | None


class EnrolmentView(View):
    """What goes into an authenticator, shown this once: the secret (base32), and the same as an otpauth address."""

    secret: str
    address: str


class CodeForm(Form):
    """A code of the second factor."""

    model_config = examples(code="492039")
    code: Code


class PasswordForm(Form):
    """A new password, by whoever knows the old one."""

    model_config = examples(old="correct horse battery staple", new="seven green hills 1949")
    old: Annotated[str, Field(strict=True, min_length=1, max_length=256)]
    new: Password


@router.get("/people")
def list_people(
    caller: CallerHere,
    gateway: GatewayHere,
    limit: Limit = 50,
    cursor_: Cursor = None,
) -> PeoplePage:
    """The people of the caller's organisation: for its signatories and auditors."""
    with gateway.store.reading() as session:
        found = people(session, caller, limit=limit + 1, after=number_of(cursor_) or 0)
    page, more = page_of(found, limit, lambda row: row.number)
    return PeoplePage(items=[_view(row) for row in page], next=more)


@router.post("/people", status_code=201)
def enlist(form: NewPersonForm, caller: CallerHere, gateway: GatewayHere) -> PersonView:
    """Lets somebody in, with a first password that they should change. A login is given once: this is done once.

    The request does not name itself: what is kept of those that do is a quick hash, which no password may go into.
    """
    require(caller, Right.MANAGE)
    sealed = gateway.passwords.sealed(form.password, login=form.login)
    roles = {StaffRole(role) for role in form.roles}
    with gateway.store.writing() as session:
        row = let_in(
            session,
            gateway.setting,
            caller,
            login=form.login,
            name=form.name,
            sealed=sealed,
            roles=roles,
        )
    return _view(row)


@router.post("/people/{person}/shut-out", response_model=PersonView)
def shut_out(person: PersonNumber, moving: MovingHere) -> Response:
    """Shuts somebody out, and signs them out."""
    return _shut(moving, person, out=True)


@router.post("/people/{person}/let-in", response_model=PersonView)
def let_in_again(person: PersonNumber, moving: MovingHere) -> Response:
    """Lets somebody in again who was shut out."""
    return _shut(moving, person, out=False)


@router.post("/people/{person}/second-factor-reset", status_code=204, response_class=Response)
def reset_second_factor(person: PersonNumber, moving: MovingHere) -> Response:
    """Takes a second factor away, for a phone that is lost; never one's own."""

    def work(session: Session) -> Reply:
        second_factor.reset(session, moving.gateway.setting, moving.caller, person)
        return Reply(204, None)

    return moving.do(work)


@router.post("/session/second-factor", status_code=201)
def enrol_second_factor(caller: CallerHere, gateway: GatewayHere, response: Response) -> EnrolmentView:
    """Draws a secret for the caller's authenticator. It counts once a code of it was given."""
    with gateway.store.writing() as session:
        drawn = second_factor.enrol(session, gateway.setting, caller)
    response.headers["Cache-Control"] = "no-store"
    return EnrolmentView(secret=drawn.secret, address=drawn.address)


@router.post("/session/second-factor/confirmation", status_code=204)
def confirm_second_factor(form: CodeForm, caller: CallerHere, gateway: GatewayHere) -> None:
    """The first code: from now on nobody signs in for the caller without one."""
    with gateway.store.writing() as session:
        second_factor.confirm(session, gateway.setting, caller, form.code)


@router.post("/session/password", status_code=204)
def new_password(form: PasswordForm, request: Request, caller: CallerHere, gateway: GatewayHere) -> None:
    """Changes the caller's password and ends all of the caller's sessions, this one too."""
    change_password(
        gateway.store,
        gateway.setting,
        caller,
        old=form.old,
        new=form.new,
        address=address_of(request),
        passwords=gateway.passwords,
    )


def _shut(moving: MovingHere, number: int, *, out: bool) -> Response:
    def work(session: Session) -> Reply:
        return Reply(200, _view(shut(session, moving.gateway.setting, moving.caller, number, out=out)))

    return moving.do(work)


def _view(row: PersonRow) -> PersonView:
    return PersonView(
        person=row.number,
        login=row.login,
        name=row.name,
        roles=row.roles,  # type: ignore[arg-type]
        second_factor=row.totp_step is not None,
        shut_out=row.disabled,
        since=utc(row.created_at),
    )
