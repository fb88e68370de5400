"""Signing in: people by login and password, programs by identity and secret; and who is behind a cookie or a token.

    sign_in        a session for login and password, and a code of the second factor where there is one
    begin_session  a session for somebody whom another way has shown
    session_of     the caller behind a session's token
    change_password   with the old one; all sessions of the person end
    sign_out       ends it
    grant_token    a short-lived token for a program
    bearer_of      the caller behind such a token

Whoever fails learns nothing but that it failed: unknown account, wrong password, disabled account and a closed door
read the same and take as long. After a few failures the account and the address are closed for a while that doubles;
the right password does not open them earlier.
"""

from __future__ import annotations

import secrets
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from sqlalchemy import bindparam, delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ledger.agreements import PartyNumber
from ledger.errors import Refusal
from ledger.negotiation import audit
from ledger.negotiation.access import Caller, StaffRole
from ledger.negotiation.passwords import Passwords
from ledger.negotiation.second_factor import take
from ledger.negotiation.setting import Setting
from ledger.organisation_tables import ApiClientRow, FailureRow, OrganisationRow, PersonRow, SessionRow
from ledger.store import Store

SESSION_SECONDS: Final = 8 * 3_600
TOKEN_SECONDS: Final = 15 * 60
ACCOUNT_FAILURES: Final = 5
"""So many may fail before an account is closed for a while."""
ADDRESS_FAILURES: Final = 20
"""The same of an address, behind which a whole office may sit."""
WINDOW: Final = 15 * 60
"""Seconds after which failures are forgotten; also the longest that a door stays closed."""
FIRST_PAUSE: Final = 2
AUDIENCE: Final = "tallystick-api"
ISSUER: Final = "tallystick-gateway"
ALGORITHM: Final = "HS256"


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A new session: `token` goes into the cookie and is kept nowhere, `csrf` comes back with every change."""

    token: str
    csrf: str
    expires_at: int
    caller: Caller


def sign_in(
    store: Store,
    setting: Setting,
    login: str,
    password: str,
    *,
    code: str | None,
    address: str,
    passwords: Passwords,
) -> SignedIn:
    """A session. `code`: of the second factor, where the person has one. Refusal SignInFailed, SecondFactorNeeded for a
    right password without a code, or TooManyFailures with the seconds to wait."""
    now, keys = setting.machine_clock(), _keys(f"account {login[:64]}", address)
    with store.reading() as session:
        _require_open(session, keys, now)
        person = session.scalar(select(PersonRow).where(PersonRow.login == login))
    kept = None if person is None else person.password
    if not passwords.fits(kept, password) or person is None or person.disabled:
        _failed(store, keys, now)
        raise Refusal("SignInFailed")
    if person.totp_step is not None and code is None:
        raise Refusal("SecondFactorNeeded")
    with store.writing() as session:
        row = session.get_one(PersonRow, person.number, with_for_update=True)
        done = None
        if row.totp_step is None or take(setting, row, code or ""):
            session.execute(delete(FailureRow).where(FailureRow.key == keys[0]))
            if passwords.is_weak(row.password):
                row.password = passwords.renewed(password)
            done = begin_session(session, row, "sign in", now=now)
    if done is None:
        _failed(store, keys, now)
        raise Refusal("SignInFailed")
    return done


def begin_session(session: Session, person: PersonRow, act: str, *, now: int) -> SignedIn:
    """A session for somebody who has shown who they are; `act` names how, for the audit trail."""
    organisation = session.get_one(OrganisationRow, person.organisation)
    token, csrf = secrets.token_urlsafe(32), secrets.token_urlsafe(24)
    caller = _person(person.number, person.roles, organisation)
    session.execute(delete(SessionRow).where(SessionRow.expires_at <= now))
    until = now + SESSION_SECONDS
    session.add(
        SessionRow(token=_hash(token), person=person.number, csrf=csrf, created_at=now, expires_at=until)
    )
    audit.note(session, caller, act, subject=f"person {person.number}", at=now)
    return SignedIn(token, csrf, until, caller)


def session_of(session: Session, token: str, *, now: int) -> tuple[Caller, str]:
    """The caller behind a session, and its CSRF token. Refusal SignInNeeded for one that is unknown or has ended."""
    row = session.execute(_SESSION, {"token": _hash(token)}).one_or_none()
    if row is None or row.expires_at <= now or row.disabled:
        raise Refusal("SignInNeeded")
    return _person(row.number, row.roles, row.OrganisationRow), row.csrf


_SESSION: Final = (
    select(
        SessionRow.csrf,
        SessionRow.expires_at,
        PersonRow.number,
        PersonRow.roles,
        PersonRow.disabled,
        OrganisationRow,
    )
    .join(PersonRow, PersonRow.number == SessionRow.person)
    .join(OrganisationRow, OrganisationRow.number == PersonRow.organisation)
    .where(SessionRow.token == bindparam("token"))
)


def change_password(
    store: Store, setting: Setting, caller: Caller, *, old: str, new: str, address: str, passwords: Passwords
) -> None:
    """A new password for the caller, who knows the old one; every session of theirs ends. Refusal SignInFailed,
    TooManyFailures, NotAllowed for programs; InputError for a new one that is no good."""
    kind, _, number = caller.who.partition(" ")
    if kind != "person":
        raise Refusal("NotAllowed", {"act": "change a password", "needs": "a person"})
    now = setting.machine_clock()
    with store.reading() as session:
        person = session.get_one(PersonRow, int(number))
        keys = _keys(f"account {person.login}", address)
        _require_open(session, keys, now)
    if not passwords.fits(person.password, old):
        _failed(store, keys, now)
        raise Refusal("SignInFailed")
    sealed = passwords.sealed(new, login=person.login)
    with store.writing() as session:
        session.get_one(PersonRow, person.number).password = sealed
        session.execute(delete(SessionRow).where(SessionRow.person == person.number))
        audit.note(session, caller, "change password", subject=caller.who, at=now)


def sign_out(session: Session, token: str) -> None:
    """Ends a session; one that has ended already stays so."""
    session.execute(delete(SessionRow).where(SessionRow.token == _hash(token)))


# Programs


def enrol_client(
    session: Session, caller: Caller, *, name: str, roles: frozenset[StaffRole], now: int
) -> tuple[ApiClientRow, str]:
    """A program of the caller's organisation, and its secret, which is shown this once."""
    secret = secrets.token_urlsafe(32)
    row = ApiClientRow(
        id=secrets.token_hex(12),
        organisation=caller.organisation,
        name=name,
        secret=_hash(secret),
        roles=sorted(str(role) for role in roles),
        disabled=False,
        created_at=now,
    )
    session.add(row)
    session.flush()
    facts = {"name": name, "roles": row.roles}
    audit.note(session, caller, "enrol program", subject=f"client {row.id}", at=now, facts=facts)
    return row, secret


def grant_token(
    store: Store,
    identity: str,
    secret: str,
    *,
    address: str,
    key: bytes,
    now: int,
    scopes: frozenset[str] | None,
) -> tuple[str, list[str]]:
    """A token for a program, and what it allows: all that the program may, or those of `scopes` that it may.

    `key`: signs tokens. Refusal SignInFailed, TooManyFailures.
    """
    keys = _keys(f"client {identity[:32]}", address)
    with store.reading() as session:
        _require_open(session, keys, now)
        row = session.get(ApiClientRow, identity[:32])
    given = _hash(secret)
    if (
        not secrets.compare_digest(given, bytes(32) if row is None else row.secret)
        or row is None
        or row.disabled
    ):
        _failed(store, keys, now)
        raise Refusal("SignInFailed")
    allowed = [role for role in row.roles if scopes is None or role in scopes]
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": row.id,
        "scope": " ".join(allowed),
        "iat": now,
        "exp": now + TOKEN_SECONDS,
        "jti": secrets.token_hex(12),
    }
    token_key = _token_key(key)
    header = {"alg": ALGORITHM, "kid": str(token_key.kid)}
    return jwt.encode(header, claims, token_key, algorithms=[ALGORITHM]), allowed


def bearer_of(session: Session, token: str, *, key: bytes, now: int) -> Caller:
    """The program behind a token. Refusal TokenRefused for anything but a live token of ours for this API, and for one
    whose program was disabled since."""
    token_key = _token_key(key)
    try:
        read = jwt.decode(token, token_key, algorithms=[ALGORITHM])
        claims = jwt.JWTClaimsRegistry(
            now=now,
            iss={"essential": True, "value": ISSUER},
            aud={"essential": True, "value": AUDIENCE},
            exp={"essential": True},
            iat={"essential": True},
            sub={"essential": True},
        )
        claims.validate(read.claims)
        if read.header.get("kid") != token_key.kid:
            raise Refusal("TokenRefused")
        identity, scope = str(read.claims["sub"]), str(read.claims.get("scope", ""))
    except (JoseError, ValueError, TypeError, KeyError):
        raise Refusal("TokenRefused") from None
    row = session.execute(
        select(ApiClientRow.roles, ApiClientRow.disabled, OrganisationRow)
        .join(OrganisationRow, OrganisationRow.number == ApiClientRow.organisation)
        .where(ApiClientRow.id == identity)
    ).one_or_none()
    if row is None or row.disabled:
        raise Refusal("TokenRefused")
    roles = set(scope.split()) & set(row.roles)
    return _caller(f"client {identity}", roles, row.OrganisationRow)


def present_caller(session: Session, organisation: int, who: str) -> Caller | None:
    """The person or program of this organisation that `Caller.who` names, with what it may do now; None where it is not
    let in any more."""
    kind, _, name = who.partition(" ")
    row: PersonRow | ApiClientRow | None = None
    if kind == "person" and name.isdecimal():
        row = session.get(PersonRow, int(name))
    elif kind == "client":
        row = session.get(ApiClientRow, name)
    if row is None or row.organisation != organisation or row.disabled:
        return None
    return _caller(who, set(row.roles), session.get_one(OrganisationRow, organisation))


def _token_key(key: bytes) -> OctKey:
    return OctKey.import_key(key, {"kid": sha256(key).hexdigest()[:16]})


# Inside


def _person(number: int, roles: list[str], organisation: OrganisationRow) -> Caller:
    return _caller(f"person {number}", set(roles), organisation)


def _caller(who: str, roles: set[str], organisation: OrganisationRow) -> Caller:
    return Caller(
        organisation=organisation.number,
        party=None if organisation.party is None else PartyNumber(organisation.party),
        who=who,
        roles=frozenset(StaffRole(role) for role in roles),
        name=organisation.name,
        candidate=None if organisation.candidate is None else PartyNumber(organisation.candidate),
    )


def _hash(token: str) -> bytes:
    return sha256(token.encode()).digest()


def _keys(account: str, address: str) -> tuple[str, str]:
    return account, f"address {address[:64]}"


def _require_open(session: Session, keys: tuple[str, str], now: int) -> None:
    until = session.scalars(select(FailureRow.closed_until).where(FailureRow.key.in_(keys)))
    seconds = max((each - now for each in until), default=0)
    if seconds > 0:
        raise Refusal("TooManyFailures", {"seconds": seconds})


def _failed(store: Store, keys: tuple[str, str], now: int) -> None:
    with store.writing() as session:
        for key in sorted(keys):
            row = session.get(FailureRow, key, with_for_update=True)
            if row is None:
                with suppress(IntegrityError), session.begin_nested():  # somebody else was the first to fail
                    session.add(FailureRow(key=key, count=0, since=now, closed_until=0))
                row = session.get_one(FailureRow, key, with_for_update=True, populate_existing=True)
            if now - row.since >= WINDOW:
                row.count, row.since = 0, now
            row.count += 1
            most = ADDRESS_FAILURES if key.startswith("address ") else ACCOUNT_FAILURES
            if row.count >= most:
                row.closed_until = now + min(FIRST_PAUSE << min(row.count - most, 12), WINDOW)
