"""The second factor of a person: codes of six digits that change every half minute (TOTP, RFC 6238).

    enrol     draws a secret, which is shown this once and kept sealed; it counts once a code of it was given
    confirm   the first code
    take      whether a code is good now; it is used up then
    reset     somebody else of the organisation takes it away, for a phone that is lost

A code of the step before or after the present one is taken too, because clocks differ; none is taken twice, and none
that is older than the last one. Taking one's own factor away is not possible: a stolen session would do so first.
"""

from __future__ import annotations

import secrets
from base64 import b32encode
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from sqlalchemy.orm import Session

from ledger.errors import Refusal
from ledger.negotiation import audit
from ledger.negotiation.access import Caller, Right, not_found, require
from ledger.negotiation.setting import Setting
from ledger.organisation_tables import PersonRow

DIGITS: Final = 6
STEP_SECONDS: Final = 30
DRIFT_STEPS: Final = 1
SECRET_BYTES: Final = 20
"""RFC 4226, section 4: 160 bits."""
SERVICE: Final = "Tallystick"
PURPOSE: Final = "second factors 1"


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What the person puts into an authenticator: the secret as base32, and the same as an otpauth address."""

    secret: str
    address: str


def enrol(session: Session, setting: Setting, caller: Caller) -> Enrolment:
    """A new secret for the caller. Refusal SecondFactorPresent where one counts already; NotAllowed for programs."""
    person = _self(session, caller)
    if person.totp_step is not None:
        raise Refusal("SecondFactorPresent")
    secret = secrets.token_bytes(SECRET_BYTES)
    person.totp = _sealed(setting, person.number, secret)
    session.flush()
    audit.note(
        session,
        caller,
        "enrol second factor",
        subject=f"person {person.number}",
        at=setting.machine_clock(),
    )
    return Enrolment(b32encode(secret).decode(), _codes(secret).get_provisioning_uri(person.login, SERVICE))


def confirm(session: Session, setting: Setting, caller: Caller, code: str) -> None:
    """The caller's first code: from now on nobody signs in for them without one. Refusal SecondFactorPresent where one
    counts already, NotFound where none was drawn, CodeRefused for another code."""
    person = _self(session, caller)
    if person.totp_step is not None:
        raise Refusal("SecondFactorPresent")
    if person.totp is None:
        raise not_found("second factor")
    if not take(setting, person, code):
        raise Refusal("CodeRefused")
    session.flush()
    audit.note(
        session,
        caller,
        "confirm second factor",
        subject=f"person {person.number}",
        at=setting.machine_clock(),
    )


def take(setting: Setting, person: PersonRow, code: str) -> bool:
    """Whether the code is good now, which it is once. Whoever asks holds the person's row until the commit."""
    assert person.totp is not None
    codes, now = _codes(_opened(setting, person)), setting.machine_clock() // STEP_SECONDS
    last = -1 if person.totp_step is None else person.totp_step
    for step in range(max(now - DRIFT_STEPS, last + 1), now + DRIFT_STEPS + 1):
        if secrets.compare_digest(codes.generate(step * STEP_SECONDS), code.encode()):
            person.totp_step = step
            return True
    return False


def reset(session: Session, setting: Setting, caller: Caller, number: int) -> None:
    """Takes the second factor of somebody of the caller's organisation away. Refusal NotAllowed for one's own."""
    require(caller, Right.MANAGE)
    person = session.get(PersonRow, number, with_for_update=True)
    if person is None or person.organisation != caller.organisation:
        raise not_found("person")
    if caller.who == f"person {number}":
        raise Refusal("NotAllowed", {"act": "reset the own second factor", "needs": "another signatory"})
    person.totp = person.totp_step = None
    session.flush()
    at = setting.machine_clock()
    audit.note(session, caller, "reset second factor", subject=f"person {number}", at=at)


# Inside


def _self(session: Session, caller: Caller) -> PersonRow:
    kind, _, number = caller.who.partition(" ")
    if kind != "person":
        raise Refusal("NotAllowed", {"act": "have a second factor", "needs": "a person"})
    return session.get_one(PersonRow, int(number), with_for_update=True)


def _codes(secret: bytes) -> TOTP:
    return TOTP(secret, DIGITS, SHA1(), STEP_SECONDS)  # SHA-1 is what authenticators know


def _label(person: int) -> str:
    return f"person {person}"


def _sealed(setting: Setting, person: int, secret: bytes) -> str:
    return setting.ring.seal(PURPOSE, secret, label=_label(person)).hex()


def _opened(setting: Setting, person: PersonRow) -> bytes:
    sealed = bytes.fromhex(str(person.totp))
    return setting.ring.unseal(PURPOSE, sealed, label=_label(person.number))
