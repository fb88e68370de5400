"""RSA-2048 keys and signatures as OpenZeppelin's verifier takes them.

A key is abi.encode(bytes e, bytes n), a signature PKCS#1 v1.5 over the SHA-256 of the 32-byte digest. Only 2,048
bits and the exponent 65,537 are taken: what certificates carry; a longer key costs gas and adds nothing that the
chain's other signatures have. Keys come out of certificates (`certificates.py`), which are judged there.
"""

from __future__ import annotations

from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from eth_abi.abi import decode as abi_decode
from eth_abi.abi import encode as abi_encode
from eth_abi.exceptions import DecodingError

from ledger.errors import MalformedKey, MalformedSignature, WrongKeyType, WrongSignature

BITS: Final = 2048
BYTES: Final = BITS // 8
EXPONENT: Final = 65_537


def require_fit(key: rsa.RSAPublicKey | rsa.RSAPrivateKey) -> None:
    """WrongKeyType for another size or exponent."""
    public = key.public_key() if isinstance(key, rsa.RSAPrivateKey) else key
    exponent = public.public_numbers().e
    if public.key_size != BITS or exponent != EXPONENT:
        raise WrongKeyType(
            f"an RSA key of {public.key_size} bits with exponent {exponent}: "
            f"have one of {BITS} bits with exponent {EXPONENT} made"
        )


def encoded(key: rsa.RSAPublicKey) -> bytes:
    """The key as the verifier reads it. WrongKeyType."""
    require_fit(key)
    numbers = key.public_numbers()
    return abi_encode(["bytes", "bytes"], [EXPONENT.to_bytes(3), numbers.n.to_bytes(BYTES)])


def decoded(key: bytes) -> rsa.RSAPublicKey:
    """The reverse of `encoded`. MalformedKey for any other writing, WrongKeyType."""
    try:
        e, n = abi_decode(["bytes", "bytes"], key)
        public = rsa.RSAPublicNumbers(int.from_bytes(e), int.from_bytes(n)).public_key()
    except (DecodingError, OverflowError, ValueError):
        public = None
    if public is not None:
        require_fit(public)
    if public is None or encoded(public) != key:
        raise MalformedKey(
            f"{len(key)} bytes that are no RSA key: expected abi.encode(bytes e, bytes n), each without leading zeros"
        )
    return public


def sign(digest: bytes, private_key: rsa.RSAPrivateKey) -> bytes:
    """256 bytes; the same key and digest always give the same signature. WrongKeyType."""
    require_fit(private_key)
    return private_key.sign(digest, padding.PKCS1v15(), hashes.SHA256())


def verify(digest: bytes, signature: bytes, key: rsa.RSAPublicKey) -> None:
    """Nothing where the signature is this key's over the digest; MalformedSignature for another length, or
    WrongSignature."""
    if len(signature) != BYTES:
        raise MalformedSignature(f"an RSA signature of {len(signature)} bytes: expected {BYTES}")
    try:
        key.verify(signature, digest, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        raise WrongSignature(
            "this RSA key did not sign this (PKCS#1 v1.5, SHA-256 of the agreement's digest): "
            "check which key and which agreement"
        ) from None
