"""Keys that OpenZeppelin's verifiers check, and parties that sign with them: P-256, RSA-2048, passkeys.

Keys, signatures and encodings are made here with `cryptography` alone, a second time on purpose: a test that shared
the product's encoders would agree with their mistakes. Every key follows from a number and every signature from key
and digest, so that a run repeats byte for byte. Nothing is judged here.
"""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from dataclasses import dataclass, replace
from functools import cache
from math import gcd, prod
from typing import Any, Final, Protocol

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from eth_abi.abi import encode as abi_encode
from eth_utils.crypto import keccak

from ledger.abi import creation_data
from ledger.agreements import Admit, Agreement, ListVerifier, Rekey
from ledger.signing import Domain, digest
from tests.contract.words import party, registry_settings
from tests.rig import BANK, LATER, REGISTRAR, ZERO, Rig, Sent, compiled

P256_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
CAP: Final = 450_000
"""Enough for every kind of key, also on a chain that has no P-256 of its own."""
NOTICE: Final = 7
"""Days from the listing of a verifier until new signers may name it."""
SITE: Final = ("tallystick.example", "https://tallystick.example")
PRESENT, VERIFIED, ELIGIBLE, BACKED_UP = 1, 4, 8, 16  # bits of an authenticator's flags
EXPONENT: Final = 65_537


class Key(Protocol):
    """A key whose signatures a verifier checks: the name of that contract, the bytes behind its address."""

    @property
    def verifier(self) -> str: ...
    @property
    def public(self) -> bytes: ...
    def sign(self, digest: bytes) -> bytes: ...


@dataclass(frozen=True)
class P256Key:
    """A P-256 key that signs the digest itself."""

    number: int
    verifier: str = "ERC7913P256Verifier"

    @property
    def private(self) -> ec.EllipticCurvePrivateKey:
        secret = int.from_bytes(keccak(f"P-256 key {self.number}".encode())) % (P256_ORDER - 1) + 1
        return ec.derive_private_key(secret, ec.SECP256R1())

    @property
    def public(self) -> bytes:
        at = self.private.public_key().public_numbers()
        return at.x.to_bytes(32) + at.y.to_bytes(32)

    def sign(self, digest: bytes) -> bytes:
        r, s = self.r_s(digest)
        return r.to_bytes(32) + s.to_bytes(32)

    def r_s(self, digest: bytes) -> tuple[int, int]:
        """The signature over 32 bytes; of its two forms the one with the lower s."""
        how = ec.ECDSA(utils.Prehashed(hashes.SHA256()), deterministic_signing=True)
        r, s = utils.decode_dss_signature(self.private.sign(digest, how))
        return r, min(s, P256_ORDER - s)


@dataclass(frozen=True)
class Passkey:
    """A P-256 key inside an authenticator, asked by a page of `SITE`; what it says can be changed member by member."""

    number: int
    flags: int = PRESENT | VERIFIED
    kind: str = "webauthn.get"
    verifier: str = "ERC7913WebAuthnVerifier"

    @property
    def key(self) -> P256Key:
        return P256Key(self.number + 1_000)

    @property
    def public(self) -> bytes:
        return self.key.public

    def sign(self, digest: bytes) -> bytes:
        authenticator = hashlib.sha256(SITE[0].encode()).digest() + bytes([self.flags]) + bytes(4)
        challenge = urlsafe_b64encode(digest).rstrip(b"=").decode()
        client = (
            f'{{"type":"{self.kind}","challenge":"{challenge}","origin":"{SITE[1]}","crossOrigin":false}}'
        )
        signed = hashlib.sha256(authenticator + hashlib.sha256(client.encode()).digest()).digest()
        r, s = self.key.r_s(signed)
        return asserted(r, s, authenticator, client)


def asserted(r: int, s: int, authenticator: bytes, client: str) -> bytes:
    """An assertion as the verifier reads it: six members one after another, not wrapped as one."""
    types = ["uint256", "uint256", "uint256", "uint256", "bytes", "string"]
    places = client.index('"challenge"'), client.index('"type"')
    return abi_encode(types, [r, s, *places, authenticator, client])


@dataclass(frozen=True)
class RsaKey:
    """An RSA-2048 key; PKCS#1 v1.5 over the SHA-256 of the digest."""

    number: int
    verifier: str = "RSAVerifier"

    @property
    def private(self) -> rsa.RSAPrivateKey:
        return _rsa_key(self.number)

    @property
    def modulus(self) -> bytes:
        return self.private.public_key().public_numbers().n.to_bytes(256)

    @property
    def public(self) -> bytes:
        return abi_encode(["bytes", "bytes"], [EXPONENT.to_bytes(3), self.modulus])

    def sign(self, digest: bytes) -> bytes:
        return self.private.sign(digest, padding.PKCS1v15(), hashes.SHA256())


@cache
def _rsa_key(number: int) -> rsa.RSAPrivateKey:
    """From two primes that follow from the number: `cryptography` alone would draw them at random."""
    p, q = (_prime(f"RSA key {number}, prime {which}") for which in (1, 2))
    secret = pow(EXPONENT, -1, (p - 1) * (q - 1))
    crt = (rsa.rsa_crt_dmp1(secret, p), rsa.rsa_crt_dmq1(secret, q), rsa.rsa_crt_iqmp(p, q))
    return rsa.RSAPrivateNumbers(p, q, secret, *crt, rsa.RSAPublicNumbers(EXPONENT, p * q)).private_key()


def _prime(seed: str) -> int:
    """The next prime (by Fermat's test) above a number of 1,024 bits, its two highest bits set."""
    start = b"".join(keccak(f"{seed}, {part}".encode()) for part in range(4))
    candidate = int.from_bytes(start) | 3 << 1022 | 1
    while gcd(candidate, _SMALL) != 1 or pow(3, candidate - 1, candidate) != 1 or candidate % EXPONENT == 1:
        candidate += 2
    return candidate


_SMALL: Final = prod(n for n in range(3, 4_000, 2) if all(n % d for d in range(3, int(n**0.5) + 1, 2)))
"""The odd primes below 4,000 multiplied: most candidates share one with it, which is quicker to see."""

KEYS: Final[tuple[Key, ...]] = (P256Key(1), Passkey(1), RsaKey(1))
KINDS: Final = ("P-256", "passkey", "RSA")


def another(key: Key, step: int = 1) -> Key:
    """The same kind of key, so many numbers further on."""
    assert isinstance(key, P256Key | Passkey | RsaKey)
    return replace(key, number=key.number + step)


# On the chain


@dataclass(frozen=True)
class Held:
    """A signer as a party has it: the address of the verifier and the key's public bytes; and the key."""

    signer: bytes
    key: Key

    def consent(self, agreement: Agreement, domain: Domain) -> bytes:
        return packed_consent(self.signer, self.key.sign(digest(agreement, domain)))


def held(rig: Rig, key: Key) -> Held:
    """The key with its verifier, which is put on the chain where it is not there yet."""
    return Held(bytes.fromhex(verifier_at(rig, key.verifier)[2:]) + key.public, key)


def packed_consent(signer: bytes, signature: bytes) -> bytes:
    """What such a party gives: the length of its signer in two bytes, the signer, the signature."""
    return len(signer).to_bytes(2) + signer + signature


def verifier_at(rig: Rig, name: str) -> str:
    """The address of this verifier, deployed once for each rig."""
    known: dict[str, str] = rig.__dict__.setdefault("verifiers", {})
    if name not in known:
        known[name] = rig.engine.deploy(creation_data(compiled()[name], []))
    return known[name]


def listing(rig: Rig, verifier: str, **terms: Any) -> ListVerifier:
    """The agreement that lists the verifier with the code that it has."""
    values: dict[str, Any] = {
        "sequence": registry_settings(rig).sequence,
        "signature_gas": CAP,
        "code_hash": rig.engine.code_hash(verifier),
        "deadline": LATER,
    } | terms
    return ListVerifier(verifier=bytes.fromhex(verifier[2:]), **values)


def list_verifier(rig: Rig, verifier: str, *, registrar: int = REGISTRAR, **terms: Any) -> Sent:
    """Lists a verifier; new signers may name it from the seventh day on."""
    return rig.do(listing(rig, verifier, **terms), registrar)


def allow(rig: Rig, *names: str, cap: int = CAP) -> None:
    """Deploys and lists these verifiers and lets their days of notice pass."""
    for name in names:
        list_verifier(rig, verifier_at(rig, name), signature_gas=cap)
    rig.pass_days(NOTICE)


def admission(number: int, signer: bytes, **terms: Any) -> Admit:
    values: dict[str, Any] = {"roles": 0, "signature_gas": 0, "deadline": LATER} | terms
    return Admit(number, sponsor=BANK, profile=ZERO, signer=signer, **values)  # type: ignore[arg-type]


def admit(rig: Rig, number: int, key: Key, **terms: Any) -> Held:
    """Admits a party that signs with this key from now on; the verifier has to be active."""
    signer = held(rig, key)
    rig.do(admission(number, signer.signer, **terms), REGISTRAR, BANK, signer)
    rig.signers[number] = signer
    return signer


def rekey_of(rig: Rig, number: int, signer: bytes, **terms: Any) -> Rekey:
    values: dict[str, Any] = {
        "sequence": party(rig, number).sequence,
        "signature_gas": 0,
        "deadline": LATER,
    } | terms
    return Rekey(number, signer=signer, **values)  # type: ignore[arg-type]
