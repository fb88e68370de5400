"""A provider of sign-ins for tests: an OpenID Connect issuer on this machine, which checks what it is sent.

Nobody types a password there: `goes` is what a browser would do, with whoever the test says has signed in.
"""

from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from gateway.gateway import Gateway
from ledger.negotiation.provider import Provider
from tests.gateway.stands import standing

CLIENT, SECRET = "tallystick", "a secret between the two"
LANDING = "http://localhost/signed-in"
KEY = RSAKey.generate_key(2048, {"kid": "first", "use": "sig"}, private=True)
Forge = Callable[[dict[str, Any]], str]


@dataclass
class Stand:
    """The issuer. `forge` makes the token out of its claims; `claims` are changed before."""

    address: str = ""
    now: Callable[[], int] = lambda: 0
    keys: list[RSAKey] = field(default_factory=lambda: [KEY])
    changed: dict[str, Any] = field(default_factory=dict)
    forge: Forge | None = None
    given: dict[str, dict[str, str]] = field(default_factory=dict)
    asked_for_keys: int = 0
    broken: bool = False

    def goes(self, address: str, *, subject: str, email: str, verified: object = True) -> dict[str, str]:
        """Somebody signs in there, and comes back with these."""
        asked = {name: each[0] for name, each in parse_qs(urlsplit(address).query).items()}
        assert address.startswith(f"{self.address}/authorize?")
        assert (asked["client_id"], asked["redirect_uri"], asked["response_type"]) == (
            CLIENT,
            LANDING,
            "code",
        )
        assert asked["code_challenge_method"] == "S256" and "openid" in asked["scope"].split()
        code = f"code {len(self.given)}"
        self.given[code] = {**asked, "sub": subject, "email": email, "verified": json.dumps(verified)}
        return {"code": code, "state": asked["state"]}

    def token(self, form: dict[str, str], login: str | None) -> dict[str, Any] | None:
        """What the token address answers; None: it refuses."""
        asked = self.given.pop(form.get("code", ""), None)
        basic = "Basic " + b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if asked is None or login != basic or form["redirect_uri"] != LANDING:
            return None
        challenge = urlsafe_b64encode(sha256(form["code_verifier"].encode()).digest()).decode().rstrip("=")
        if challenge != asked["code_challenge"]:
            return None
        now = self.now()
        claims: dict[str, Any] = {
            "iss": self.address,
            "aud": CLIENT,
            "sub": asked["sub"],
            "email": asked["email"],
            "email_verified": json.loads(asked["verified"]),
            "nonce": asked["nonce"],
            "iat": now,
            "exp": now + 300,
        } | self.changed
        claims = {name: value for name, value in claims.items() if value is not None}
        return {"access_token": "x", "token_type": "Bearer", "id_token": (self.forge or self.sign)(claims)}

    def sign(self, claims: dict[str, Any]) -> str:
        key = self.keys[-1]
        return jwt.encode({"alg": "RS256", "kid": str(key.kid)}, claims, key)


@contextmanager
def provider_at_work(gateway: Gateway) -> Iterator[tuple[Stand, Provider]]:
    """The issuer, and the gateway's view of it."""
    stand = Stand(now=gateway.now)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/.well-known/openid-configuration":
                places = {
                    "authorization_endpoint": "authorize",
                    "token_endpoint": "token",
                    "jwks_uri": "keys",
                }
                at = {name: f"{stand.address}/{end}" for name, end in places.items()}
                self.says({"issuer": stand.address, **at})
            elif self.path == "/keys":
                stand.asked_for_keys += 1
                self.says(KeySet(list(stand.keys)).as_dict(private=False))
            else:
                self.says({}, 404)

        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: each[0] for name, each in parse_qs(content).items()}
            answer = stand.token(form, self.headers.get("Authorization"))
            self.says(answer or {"error": "invalid_grant"}, 200 if answer else 400)

        def says(self, content: object, status: int = 200) -> None:
            text = json.dumps(content).encode()
            self.send_response(500 if stand.broken else status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

    with standing(Handler) as stand.address:
        yield stand, Provider(issuer=stand.address, client=CLIENT, secret=SECRET, landing=LANDING)
