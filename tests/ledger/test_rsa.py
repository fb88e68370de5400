"""RSA: 2,048 bits, the usual exponent, one encoding; everything else is refused by name."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from eth_abi.abi import encode

from ledger import rsa
from ledger.errors import MalformedKey, MalformedSignature, WrongKeyType, WrongSignature
from tests.contract.verifying import RsaKey

KEY = RsaKey(1)
PUBLIC = KEY.private.public_key()
DIGEST = bytes(range(32))
SIGNATURE = rsa.sign(DIGEST, KEY.private)


@pytest.mark.parametrize(
    ("bits", "exponent"), [(1024, 65_537), (2047, 65_537), (2056, 65_537), (4096, 65_537), (2048, 3)]
)
def test_a_key_of_another_size_or_exponent_is_refused(bits: int, exponent: int) -> None:
    odd = 2 ** (bits - 1) + 1
    key = RSAPublicNumbers(exponent, odd).public_key()
    with pytest.raises(WrongKeyType, match=f"of {bits} bits with exponent {exponent}: have one of 2048 bits"):
        rsa.encoded(key)
    with pytest.raises(WrongKeyType, match=f"of {bits} bits"):
        rsa.decoded(encode(["bytes", "bytes"], [exponent.to_bytes(3), odd.to_bytes((bits + 7) // 8)]))


@pytest.mark.parametrize(
    "key",
    [
        b"",
        KEY.public[:-1],
        KEY.public + bytes(32),
        encode(["bytes", "bytes"], [b"\0\1\0\1", KEY.modulus]),
        encode(["bytes", "bytes"], [b"\1\0\1", b"\0" + KEY.modulus]),
        encode(["bytes", "bytes"], [b"", KEY.modulus]),
        encode(["bytes", "bytes"], [b"\1\0\1", b""]),
        b"\xff" * 128,
    ],
)
def test_a_key_in_another_encoding_is_refused(key: bytes) -> None:
    with pytest.raises(MalformedKey, match=f"{len(key)} bytes that are no RSA key"):
        rsa.decoded(key)


@pytest.mark.parametrize("length", [0, 255, 257])
def test_a_signature_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(MalformedSignature, match=f"of {length} bytes: expected 256"):
        rsa.verify(DIGEST, (SIGNATURE * 2)[:length], PUBLIC)


def test_a_signature_of_another_key_over_something_else_or_in_another_way_is_refused() -> None:
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
    for digest, signature, key in [
        (DIGEST[::-1], SIGNATURE, PUBLIC),
        (DIGEST, SIGNATURE, RsaKey(2).private.public_key()),
        (DIGEST, KEY.private.sign(DIGEST, padding.PKCS1v15(), hashes.SHA512()), PUBLIC),
        (DIGEST, KEY.private.sign(DIGEST, pss, hashes.SHA256()), PUBLIC),
        (DIGEST, b"\xff" * 256, PUBLIC),
    ]:
        with pytest.raises(WrongSignature, match="did not sign this"):
            rsa.verify(digest, signature, key)


def test_key_and_signature_are_those_of_the_second_implementation() -> None:
    assert rsa.encoded(PUBLIC) == KEY.public
    assert rsa.decoded(KEY.public).public_numbers() == PUBLIC.public_numbers()
    assert KEY.sign(DIGEST) == SIGNATURE
    rsa.verify(DIGEST, SIGNATURE, PUBLIC)
