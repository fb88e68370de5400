"""Signing in with an outside provider: OpenID Connect, authorization code with PKCE (RFC 7636).

    begin     where the browser is to go, and what has to be kept of it meanwhile, sealed
    identity  who came back, by the provider's ID token
    enter     a session for that person

A person is known by the subject that the provider never gives to another. The first time there is none yet: then the
person whose login is the address that the provider has verified as theirs is bound to it for good. Nobody is made here.
A second factor is the provider's to ask for. What a token says counts only if a key of the provider's signed it for
this client, for this attempt, and not long ago; `none` and shared-secret algorithms are never taken.
"""

from __future__ import annotations

import json
import logging
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from sqlalchemy import select

from ledger.errors import InputError, Refusal, SealError, TallystickError
from ledger.negotiation.asking import MOST_BYTES, Unanswered, ask
from ledger.negotiation.setting import Setting
from ledger.negotiation.sign_in import SignedIn, begin_session
from ledger.organisation_tables import IdentityRow, PersonRow
from ledger.outside import json_of
from ledger.store import Store

LOG: Final = logging.getLogger("ledger.provider")
ALGORITHMS: Final = ("RS256", "PS256", "ES256")
ATTEMPT_SECONDS: Final = 600
LEEWAY_SECONDS: Final = 60
KNOWN_SECONDS: Final = 3_600
"""How long the provider's addresses and keys are kept."""
ASKED_AGAIN_SECONDS: Final = 60
"""How soon keys are asked for again where a token names an unknown one."""
_LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")
PURPOSE: Final = "provider sign-ins 1"


class ProviderUnusable(TallystickError):
    """The provider of sign-ins cannot be asked at present."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """Somebody who was sent to the provider. `sealed` is kept by the browser, which cannot read it."""

    address: str
    sealed: str


@dataclass(frozen=True, slots=True)
class Identity:
    """Who came back. `verified`: the e-mail address that the provider says is theirs, None where it does not."""

    provider: str
    subject: str
    verified: str | None


class Provider:
    """The configured provider. `landing` is the page that it sends people back to, which is registered with it.

    InputError for addresses that are not https (on this machine http will do).
    """

    def __init__(self, *, issuer: str, client: str, secret: str, landing: str) -> None:
        self.issuer, self._client, self._secret, self._landing = issuer, client, secret, landing
        for each in (issuer, landing):
            _require_safe(each)
        self._places: tuple[int, dict[str, Any]] | None = None
        self._keys: tuple[int, KeySet] | None = None

    def begin(self, setting: Setting) -> Attempt:
        """A new attempt. ProviderUnusable."""
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        now = setting.machine_clock()
        query = {
            "response_type": "code",
            "scope": "openid email",
            "client_id": self._client,
            "redirect_uri": self._landing,
            "state": state,
            "nonce": nonce,
            "code_challenge": _base64(sha256(verifier.encode()).digest()),
            "code_challenge_method": "S256",
        }
        kept = {"state": state, "nonce": nonce, "verifier": verifier, "until": now + ATTEMPT_SECONDS}
        at = self._place("authorization_endpoint", now)
        return Attempt(at + ("&" if "?" in at else "?") + urlencode(query), _sealed(setting, kept))

    def identity(self, setting: Setting, *, code: str, state: str, sealed: str) -> Identity:
        """Who it is. Refusal SignInFailed for another browser's answer, an attempt that is too old, and a token that is
        not good; ProviderUnusable."""
        now, kept = setting.machine_clock(), _opened(setting, sealed)
        if kept is None or kept["until"] <= now or not secrets.compare_digest(kept["state"], state):
            raise Refusal("SignInFailed")
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._landing,
            "code_verifier": kept["verifier"],
        }
        status, content = _asked(
            self._place("token_endpoint", now), form=form, login=(self._client, self._secret)
        )
        if status in (400, 401):
            LOG.warning("the provider of sign-ins refused a code with status %d", status)
            raise Refusal("SignInFailed")
        answer = _read(status, content)
        claims = self._claims(answer.get("id_token"), nonce=kept["nonce"], now=now)
        verified = claims.get("email") if claims.get("email_verified") is True else None
        return Identity(self.issuer, claims["sub"], verified if isinstance(verified, str) else None)

    def _claims(self, token: object, *, nonce: str, now: int) -> dict[str, Any]:
        if not isinstance(token, str):
            raise Refusal("SignInFailed")
        try:
            try:
                read = jwt.decode(token, self._key_set(now), algorithms=ALGORITHMS)
            except InvalidKeyIdError:  # a new key, or a forged name of one
                read = jwt.decode(token, self._key_set(now, again=True), algorithms=ALGORITHMS)
            jwt.JWTClaimsRegistry(
                now=now,
                leeway=LEEWAY_SECONDS,
                iss={"essential": True, "value": self.issuer},
                aud={"essential": True, "value": self._client},
                exp={"essential": True},
                iat={"essential": True},
                sub={"essential": True},
                nonce={"essential": True, "value": nonce},
            ).validate(read.claims)
        except (JoseError, ValueError, TypeError, KeyError) as bad:
            LOG.warning("an ID token was refused: %s", type(bad).__name__)
            raise Refusal("SignInFailed") from None
        claims = read.claims
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        others = claims.get("azp", None if several else self._client) != self._client
        if others or not 0 < len(claims["sub"]) <= 255 or claims["iat"] < now - KNOWN_SECONDS:
            LOG.warning("an ID token was refused: for another client, old, or without a subject")
            raise Refusal("SignInFailed")
        return dict(claims)

    def _key_set(self, now: int, *, again: bool = False) -> KeySet:
        known = self._keys
        if known is not None and now - known[0] < (ASKED_AGAIN_SECONDS if again else KNOWN_SECONDS):
            return known[1]
        read = _read(*_asked(self._place("jwks_uri", now)))
        try:
            found = KeySet.import_key_set(read)  # type: ignore[arg-type]
        except (JoseError, ValueError, TypeError, KeyError):
            raise ProviderUnusable("the provider of sign-ins has no keys that can be read") from None
        self._keys = (now, found)
        return found

    def _place(self, name: str, now: int) -> str:
        known = self._places
        if known is None or now - known[0] >= KNOWN_SECONDS:
            read = _read(*_asked(self.issuer.rstrip("/") + "/.well-known/openid-configuration"))
            if read.get("issuer") != self.issuer:
                raise ProviderUnusable("the provider of sign-ins says that it is another one")
            known = self._places = (now, read)
        found = known[1].get(name)
        try:
            if isinstance(found, str):
                _require_safe(found)
                return found
        except InputError:
            pass
        raise ProviderUnusable(f"the provider of sign-ins names no {name} that can be used")


def enter(store: Store, setting: Setting, identity: Identity) -> SignedIn:
    """A session for the person. Refusal SignInFailed where there is none, or one who is shut out or is known to the
    provider as somebody else."""
    now = setting.machine_clock()
    with store.writing() as session:
        known = session.get(IdentityRow, (identity.provider, identity.subject))
        if known is not None:
            person = session.get(PersonRow, known.person, with_for_update=True)
        else:
            named = (identity.verified or "").lower()
            person = session.scalar(select(PersonRow).where(PersonRow.login == named).with_for_update())
        if person is None or person.disabled:
            raise Refusal("SignInFailed")
        if known is None:
            mine = (IdentityRow.person == person.number) & (IdentityRow.provider == identity.provider)
            if session.scalar(select(IdentityRow).where(mine)) is not None:
                raise Refusal("SignInFailed")
            session.add(
                IdentityRow(
                    provider=identity.provider, subject=identity.subject, person=person.number, bound_at=now
                )
            )
            session.flush()
        return begin_session(session, person, "sign in by provider", now=now)


# Inside


def _asked(address: str, **given: Any) -> tuple[int, bytes]:
    try:
        return ask(address, **given)
    except Unanswered as away:
        raise ProviderUnusable(f"the provider of sign-ins cannot be reached ({away.why})") from None


def _read(status: int, content: bytes) -> dict[str, Any]:
    if status != 200:
        raise ProviderUnusable(f"the provider of sign-ins answered with status {status}")
    try:
        found = json_of(content, most_bytes=MOST_BYTES)
    except InputError:
        found = None
    if not isinstance(found, dict):
        raise ProviderUnusable("the provider of sign-ins answered with something else than JSON")
    return found


def _require_safe(address: str) -> None:
    parts = urlsplit(address)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise InputError("the provider of sign-ins and the page that it leads back to have https addresses")


def _base64(content: bytes) -> str:
    return urlsafe_b64encode(content).decode().rstrip("=")


def _sealed(setting: Setting, kept: dict[str, Any]) -> str:
    return _base64(setting.ring.seal(PURPOSE, json.dumps(kept).encode()))


def _opened(setting: Setting, sealed: str) -> dict[str, Any] | None:
    try:
        content = urlsafe_b64decode(sealed + "=" * (-len(sealed) % 4))
        return dict(json.loads(setting.ring.unseal(PURPOSE, content)))
    except (ValueError, SealError):
        return None
