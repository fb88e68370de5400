"""Passkeys: what a browser answers when a person signs an agreement with finger, face or PIN (WebAuthn).

The challenge is the agreement's digest. Before an answer becomes a signature for the chain, everything is checked
that the chain cannot know or does not look at: the site (origin), its domain name (RP id), that this agreement was
asked for, that somebody was there and was recognised. The chain checks again all but origin and RP id. A passkey's
private key never leaves its device, and nothing here asks for it; attestation and counters are not looked at.
"""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as BadBase64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from eth_abi.abi import decode as abi_decode
from eth_abi.abi import encode as abi_encode
from eth_abi.exceptions import DecodingError

from ledger import p256
from ledger.errors import (
    InputError,
    MalformedAssertion,
    MalformedSignature,
    OtherChallenge,
    OtherOrigin,
    OtherRelyingParty,
    UserAbsent,
    UserUnverified,
)
from ledger.money import shown

_ABI: Final = ("bytes32", "bytes32", "uint256", "uint256", "bytes", "string")
_TYPE: Final = b'"type":"webauthn.get"'
_USER_PRESENT, _USER_VERIFIED, _BACKUP_ELIGIBLE, _BACKED_UP = 0x01, 0x04, 0x08, 0x10
_HASH_BYTES, _LEAST_BYTES = 32, 37  # RP id hash; with flags and counter
_MOST_CLIENT_BYTES: Final = 4_096
"""Browsers write some 250. Deep nesting in a long text would crash Python's JSON reader once py_ecc is loaded, which
raises the recursion limit beyond what the stack holds."""


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """The site that people sign at: its RP id (a domain name) and the origins whose pages may ask.

    InputError for none of either.
    """

    rp_id: str
    origins: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.rp_id or not self.origins:
            raise InputError(
                "a relying party needs an RP id and at least one origin, such as https://example.cn"
            )


@dataclass(frozen=True, slots=True)
class Assertion:
    """A browser's answer: authenticator data, client data as it was hashed, signature in DER."""

    authenticator_data: bytes
    client_data: bytes
    signature: bytes


def read_assertion(answer: object) -> Assertion:
    """The `toJSON()` of a PublicKeyCredential that `navigator.credentials.get` gave, already read from JSON.

    MalformedAssertion where a part is missing or is not base64url.
    """
    response = answer.get("response") if isinstance(answer, Mapping) else None
    if not isinstance(response, Mapping):
        raise MalformedAssertion(
            "a passkey's answer without a response: send the credential's toJSON() whole"
        )
    parts = (_bytes(response, name) for name in ("authenticatorData", "clientDataJSON", "signature"))
    return Assertion(*parts)


def signature_of(
    assertion: Assertion, digest: bytes, *, key: ec.EllipticCurvePublicKey, site: RelyingParty
) -> bytes:
    """The answer as the verifier on the chain reads it, once everything about it was found right.

    OtherChallenge, OtherOrigin, OtherRelyingParty, UserAbsent, UserUnverified, MalformedAssertion,
    MalformedSignature, WrongSignature. A high s is lowered on the way.
    """
    _require_right(assertion.authenticator_data, assertion.client_data, digest, site)
    signature = p256.from_der(assertion.signature)
    p256.verify(_signed(assertion.authenticator_data, assertion.client_data), signature, key)
    return _encoded(assertion, signature, digest)


def verify(
    digest: bytes, signature: bytes, key: ec.EllipticCurvePublicKey, *, site: RelyingParty | None = None
) -> None:
    """Nothing where the chain takes the signature; the errors of `signature_of`, and HighS.

    Without `site` origin and RP id are not looked at, as on the chain: for who checks what others collected.
    """
    try:
        r, s, _, _, authenticator_data, text = abi_decode(_ABI, signature)
    except (DecodingError, OverflowError, UnicodeDecodeError):
        raise MalformedSignature(
            f"{len(signature)} bytes that are no passkey's signature: collect it anew"
        ) from None
    client_data = text.encode()
    _require_right(authenticator_data, client_data, digest, site)
    if _encoded(Assertion(authenticator_data, client_data, b""), r + s, digest) != signature:
        raise MalformedSignature("a passkey's signature that is not encoded as it should be: collect it anew")
    p256.verify(_signed(authenticator_data, client_data), r + s, key)


def _require_right(
    authenticator_data: bytes, client_data: bytes, digest: bytes, site: RelyingParty | None
) -> None:
    claims = _claims(client_data)
    if claims.get("type") != "webauthn.get":
        raise MalformedAssertion(
            f"a passkey's answer of type {shown(str(claims.get('type')))}: expected webauthn.get, an answer to "
            "a request to sign"
        )
    if claims.get("challenge") != _base64url(digest):
        raise OtherChallenge("the passkey answered for another agreement: show this one and have it signed")
    if site is not None:
        _require_origin(claims, site)
    if len(authenticator_data) < _LEAST_BYTES:
        raise MalformedAssertion(
            f"authenticator data of {len(authenticator_data)} bytes: expected at least {_LEAST_BYTES}"
        )
    if site is not None and authenticator_data[:_HASH_BYTES] != hashlib.sha256(site.rp_id.encode()).digest():
        raise OtherRelyingParty(f"the passkey does not belong to {shown(site.rp_id)}: choose one made there")
    _require_flags(authenticator_data[_HASH_BYTES])
    if _TYPE not in client_data or _challenge(digest) not in client_data:
        raise MalformedAssertion(
            "client data that is not written as browsers write it: the chain would not read it"
        )


def _require_origin(claims: Mapping[str, object], site: RelyingParty) -> None:
    origin = claims.get("origin")
    if origin not in site.origins:
        raise OtherOrigin(
            f"the passkey was used at {shown(str(origin))}, not at {' or '.join(site.origins)}: sign there"
        )
    if claims.get("crossOrigin") not in (None, False):
        raise OtherOrigin(
            f"the passkey was used at {origin} inside another site's page: open {origin} itself"
        )


def _require_flags(flags: int) -> None:
    if not flags & _USER_PRESENT:
        raise UserAbsent("nobody touched the passkey's device: sign again and confirm there")
    if not flags & _USER_VERIFIED:
        raise UserUnverified(
            "the passkey did not ask for PIN, finger or face: set one up there and sign again"
        )
    if flags & _BACKED_UP and not flags & _BACKUP_ELIGIBLE:
        raise MalformedAssertion("a passkey that says it is backed up and cannot be: use another one")


def _claims(client_data: bytes) -> Mapping[str, object]:
    try:
        claims = json.loads(client_data.decode()) if len(client_data) <= _MOST_CLIENT_BYTES else None
    except (ValueError, RecursionError):
        claims = None
    if not isinstance(claims, dict):
        raise MalformedAssertion(
            f"{len(client_data)} bytes of client data that are no JSON object: send clientDataJSON as the browser "
            "gave it"
        )
    return claims


def _encoded(assertion: Assertion, signature: bytes, digest: bytes) -> bytes:
    client_data = assertion.client_data
    places = client_data.index(_challenge(digest)), client_data.index(_TYPE)
    half = len(signature) // 2
    parts = signature[:half], signature[half:], *places, assertion.authenticator_data, client_data.decode()
    return abi_encode(_ABI, parts)


def _signed(authenticator_data: bytes, client_data: bytes) -> bytes:
    """The 32 bytes that the device's signature is over."""
    return hashlib.sha256(authenticator_data + hashlib.sha256(client_data).digest()).digest()


def _challenge(digest: bytes) -> bytes:
    return f'"challenge":"{_base64url(digest)}"'.encode()


def _base64url(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def _bytes(response: Mapping[str, object], name: str) -> bytes:
    text = response.get(name)
    try:
        if isinstance(text, str) and text:
            found = urlsafe_b64decode(text + "=" * (-len(text) % 4))
            if _base64url(found) == text:
                return found
    except (BadBase64, ValueError):
        pass
    raise MalformedAssertion(f"{name} of a passkey's answer is missing or no base64url: send toJSON() whole")
