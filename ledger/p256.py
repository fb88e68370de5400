"""P-256 keys and signatures as OpenZeppelin's verifiers take them, from and to the forms of the outside world.

A key is the 64 bytes of its point, a signature the 64 bytes r, s with the lower s. Refused, each with its own
error: DER that is not exact, another curve, a point off the curve, a high s, numbers out of range. No private key
is kept here, and nothing is hashed that was not asked for: `sign` and `verify` take the 32 bytes themselves.
"""

from __future__ import annotations

from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    Prehashed,
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.serialization import load_der_public_key

from ledger.errors import (
    HighS,
    MalformedKey,
    MalformedSignature,
    PointOffCurve,
    WrongCurve,
    WrongKeyType,
    WrongSignature,
)

ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
KEY_BYTES: Final = 64
SIGNATURE_BYTES: Final = 64
_DER_HEAD: Final = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004")
"""What stands before x and y in the DER of every P-256 key: algorithm, curve, "not compressed"."""
_PREHASHED: Final = Prehashed(hashes.SHA256())  # any 32 bytes; only their number counts


def public_key_from_der(der: bytes) -> ec.EllipticCurvePublicKey:
    """The key in a SubjectPublicKeyInfo, such as a browser's `getPublicKey()` gives.

    MalformedKey, PointOffCurve, WrongKeyType, WrongCurve.
    """
    try:
        key = load_der_public_key(der)
    except (ValueError, UnsupportedAlgorithm):
        if der.startswith(_DER_HEAD) and len(der) == len(_DER_HEAD) + KEY_BYTES:
            return public_key_from_point(der[len(_DER_HEAD) :])
        raise MalformedKey(
            f"{len(der)} bytes that are no public key in DER (SubjectPublicKeyInfo): export it again"
        ) from None
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise WrongKeyType("the key is no elliptic-curve key: make one on P-256 (ES256)")
    require_curve(key)
    return key


def require_curve(key: ec.EllipticCurvePublicKey | ec.EllipticCurvePrivateKey) -> None:
    """WrongCurve for any other than P-256."""
    if not isinstance(key.curve, ec.SECP256R1):
        raise WrongCurve(f"the key is on the curve {key.curve.name}: make one on P-256 (secp256r1)")


def public_key_from_point(point: bytes) -> ec.EllipticCurvePublicKey:
    """The key with these coordinates, 32 bytes each. MalformedKey for another length, PointOffCurve."""
    if len(point) != KEY_BYTES:
        raise MalformedKey(f"a P-256 key of {len(point)} bytes: expected x and y, {KEY_BYTES} bytes together")
    x, y = int.from_bytes(point[:32]), int.from_bytes(point[32:])
    try:
        return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    except ValueError:
        raise PointOffCurve(
            f"0x{point.hex()} is no point of P-256: take x and y from the key's own export"
        ) from None


def point_of(key: ec.EllipticCurvePublicKey) -> bytes:
    """x and y, 32 bytes each. WrongCurve."""
    require_curve(key)
    numbers = key.public_numbers()
    return numbers.x.to_bytes(32) + numbers.y.to_bytes(32)


def from_der(der: bytes) -> bytes:
    """A signature out of its DER form; a high s is replaced by the low one, which is as good for the same key.

    MalformedSignature for anything that is not exactly one SEQUENCE of two integers from 1 to the order.
    """
    try:
        r, s = decode_dss_signature(der)
    except ValueError:
        raise MalformedSignature(
            f"{len(der)} bytes that are no signature in DER (a sequence of two integers): give it as it was made"
        ) from None
    _require_range(r, s)
    return r.to_bytes(32) + min(s, ORDER - s).to_bytes(32)


def sign(digest: bytes, private_key: ec.EllipticCurvePrivateKey) -> bytes:
    """r, s (low) over these 32 bytes; the same key and digest always give the same signature (RFC 6979)."""
    require_curve(private_key)
    return from_der(private_key.sign(digest, ec.ECDSA(_PREHASHED, deterministic_signing=True)))


def verify(digest: bytes, signature: bytes, key: ec.EllipticCurvePublicKey) -> None:
    """Nothing where r, s is this key's over these 32 bytes; MalformedSignature, HighS, WrongSignature."""
    if len(signature) != SIGNATURE_BYTES:
        raise MalformedSignature(
            f"a P-256 signature of {len(signature)} bytes: expected r and s, {SIGNATURE_BYTES} bytes together"
        )
    r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
    _require_range(r, s)
    if s > ORDER // 2:
        raise HighS("a P-256 signature with a high s: give its order minus s instead, or sign again")
    try:
        key.verify(encode_dss_signature(r, s), digest, ec.ECDSA(_PREHASHED))
    except InvalidSignature:
        raise WrongSignature(
            "this P-256 key did not sign this: check which key and which agreement"
        ) from None


def _require_range(r: int, s: int) -> None:
    if not (0 < r < ORDER and 0 < s < ORDER):
        raise MalformedSignature(
            "a P-256 signature whose r or s is not from 1 to the curve's order: sign again"
        )
