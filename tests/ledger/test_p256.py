"""P-256: what is no key or signature has an error of its own; what is one has one form only."""

from __future__ import annotations

from contextlib import suppress

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import example, given
from hypothesis import strategies as st

from ledger import p256
from ledger.errors import (
    CredentialError,
    HighS,
    MalformedKey,
    MalformedSignature,
    PointOffCurve,
    WrongCurve,
    WrongKeyType,
    WrongSignature,
)
from tests.ledger.samples import few

KEY = ec.derive_private_key(7, ec.SECP256R1())
PUBLIC = KEY.public_key()
DIGEST = bytes(range(32))
SIGNATURE = p256.sign(DIGEST, KEY)
R, S = int.from_bytes(SIGNATURE[:32]), int.from_bytes(SIGNATURE[32:])
DER = encode_dss_signature(R, S)


def der_of(key: ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


# What is refused


@pytest.mark.parametrize(
    "der",
    [
        b"",
        DER[:-1],
        DER + b"\0",
        b"\x30\x81" + DER[1:],  # a length written longer than it needs to be
        b"\x30\x08\x02\x02\x00\x05\x02\x02\x00\x06",  # leading zeros
        b"\x30\x06\x02\x01\x80\x02\x01\x06",  # a negative number
        b"\x30\x03\x02\x01\x05",  # one number only
        SIGNATURE,
    ],
)
def test_a_signature_that_is_not_exact_der_is_refused(der: bytes) -> None:
    with pytest.raises(MalformedSignature, match="no signature in DER"):
        p256.from_der(der)


@pytest.mark.parametrize(("r", "s"), [(0, S), (R, 0), (p256.ORDER, S), (R, p256.ORDER)])
def test_numbers_that_no_signature_has_are_refused_in_either_form(r: int, s: int) -> None:
    with pytest.raises(MalformedSignature, match="from 1 to the curve's order"):
        p256.from_der(encode_dss_signature(r, s))
    with pytest.raises(MalformedSignature, match="from 1 to the curve's order"):
        p256.verify(DIGEST, r.to_bytes(32) + s.to_bytes(32), PUBLIC)


@pytest.mark.parametrize("length", [0, 63, 65, 128])
def test_a_signature_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(MalformedSignature, match=f"of {length} bytes: expected r and s, 64"):
        p256.verify(DIGEST, (SIGNATURE * 2)[:length], PUBLIC)


def test_a_high_s_is_refused_although_the_key_made_it() -> None:
    with pytest.raises(HighS, match="its order minus s"):
        p256.verify(DIGEST, SIGNATURE[:32] + (p256.ORDER - S).to_bytes(32), PUBLIC)


def test_a_signature_of_another_key_or_over_something_else_is_refused() -> None:
    other = ec.derive_private_key(8, ec.SECP256R1()).public_key()
    for digest, key in [(DIGEST, other), (DIGEST[::-1], PUBLIC)]:
        with pytest.raises(WrongSignature, match="did not sign this"):
            p256.verify(digest, SIGNATURE, key)


@pytest.mark.parametrize(
    "curve", [ec.SECP256K1(), ec.SECP384R1(), ec.SECP521R1()], ids=lambda curve: curve.name
)
def test_a_key_on_another_curve_is_refused_wherever_it_comes_in(curve: ec.EllipticCurve) -> None:
    key = ec.derive_private_key(7, curve)
    for refused in (
        lambda: p256.public_key_from_der(der_of(key.public_key())),
        lambda: p256.point_of(key.public_key()),
        lambda: p256.sign(DIGEST, key),
    ):
        with pytest.raises(WrongCurve, match=f"on the curve {curve.name}: make one on P-256"):
            refused()


def test_a_key_that_is_not_elliptic_at_all_is_refused() -> None:
    with pytest.raises(WrongKeyType, match="no elliptic-curve key"):
        p256.public_key_from_der(der_of(ed25519.Ed25519PrivateKey.from_private_bytes(DIGEST).public_key()))


def test_a_point_off_the_curve_is_refused_in_either_form() -> None:
    off = p256.point_of(PUBLIC)[:-1] + b"\0"
    with pytest.raises(PointOffCurve, match="no point of P-256"):
        p256.public_key_from_point(off)
    with pytest.raises(PointOffCurve, match="no point of P-256"):
        p256.public_key_from_der(der_of(PUBLIC)[:-64] + off)
    for no_point in (bytes(64), b"\xff" * 64):
        with pytest.raises(PointOffCurve):
            p256.public_key_from_point(no_point)


@pytest.mark.parametrize("der", [b"", b"\x30\x00", der_of(PUBLIC)[:-1], der_of(PUBLIC) + b"\0"])
def test_a_key_that_is_not_exact_der_is_refused(der: bytes) -> None:
    with pytest.raises(MalformedKey, match=f"{len(der)} bytes that are no public key in DER"):
        p256.public_key_from_der(der)


@pytest.mark.parametrize("length", [0, 63, 65])
def test_a_point_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(MalformedKey, match=f"of {length} bytes"):
        p256.public_key_from_point(bytes(length))


@few
@given(st.binary(max_size=120))
@example(DER)
def test_whatever_is_given_the_answer_is_a_signature_or_a_named_refusal(given: bytes) -> None:
    for read in (p256.from_der, p256.public_key_from_der, p256.public_key_from_point):
        with suppress(CredentialError):
            read(given)


# What it does


def test_the_same_key_and_digest_give_the_same_signature_with_a_low_s() -> None:
    assert p256.sign(DIGEST, KEY) == SIGNATURE
    assert S <= p256.ORDER // 2
    p256.verify(DIGEST, SIGNATURE, PUBLIC)


def test_both_forms_of_one_signature_come_out_of_der_as_the_one_with_the_low_s() -> None:
    assert p256.from_der(DER) == SIGNATURE
    assert p256.from_der(encode_dss_signature(R, p256.ORDER - S)) == SIGNATURE
    assert decode_dss_signature(DER) == (R, S)


def test_a_key_keeps_its_point_through_every_form() -> None:
    point = p256.point_of(PUBLIC)
    assert p256.point_of(p256.public_key_from_point(point)) == point
    assert p256.point_of(p256.public_key_from_der(der_of(PUBLIC))) == point
