"""Every kind of signer, so that it can be measured what each costs: how it is named, and how it signs 32 bytes.

Everything follows from names and numbers: the same run makes the same keys and the same signatures (RFC 6979, PKCS#1
v1.5). To have five hundred at once, contract wallets of a kind have the same owner or members, and RSA keys the
same two primes with exponents of the same length: that changes no gas, and would be no way to make keys. Whether
a signature is good is the chain's to say.
"""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from math import gcd
from typing import Final

import coincurve
import rlp  # type: ignore[import-untyped]
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from eth_abi.abi import encode as abi_encode
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from ledger import p256
from ledger.abi import creation_data
from ledger.agreements import ListVerifier
from ledger.quorums import Quorum, combined
from tests.contract.verifying import P256_ORDER, PRESENT, SITE, VERIFIED, RsaKey, asserted, packed_consent
from tests.rig import LATER, REGISTRAR, Rig, compiled

Sign = Callable[[bytes], bytes]

OWNED_CAP, SEVERAL_CAP, RSA_CAP, P256_CAP = 30_000, 60_000, 120_000, 450_000
"""The gas caps of one check: those that parties declare, those that stand in the allow-list. What P-256 needs without
the precompile, since what is listed is listed for good."""
CAPS: Final = {
    "ERC7913P256Verifier": P256_CAP,
    "ERC7913WebAuthnVerifier": P256_CAP,
    "RSAVerifier": RSA_CAP,
}
NOTICE: Final = 7


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of signer on a chain with these rules (a hardfork's name)."""

    name: str
    rules: str
    make: Callable[[Signers, Sequence[int]], list[Signer]]


@dataclass(frozen=True, slots=True)
class Signer:
    """As an agreement names it, with the gas cap that goes with it; and what it gives for a digest."""

    named: bytes
    cap: int
    consent: Sign


@dataclass
class Signers:
    """Where signers are made, for the contracts of one rig: in lots, and within a lot by number (below 800)."""

    rig: Rig
    verifiers: dict[str, bytes] = field(default_factory=dict)
    lot: int = 0

    def list_verifiers(self) -> None:
        """Puts OpenZeppelin's verifiers on the allow-list and lets the days of notice pass."""
        for place, (name, cap) in enumerate(CAPS.items()):
            address = self.rig.engine.deploy(creation_data(compiled()[name], []))
            self.verifiers[name] = bytes.fromhex(address[2:])
            code = self.rig.engine.code_hash(address)
            listing = ListVerifier(place, self.verifiers[name], cap, code, LATER)  # type: ignore[arg-type]
            self.rig.do(listing, REGISTRAR)
        self.rig.pass_days(NOTICE)

    def of_lot(self, lot: int) -> Signers:
        """The same for another lot (at most four), none of whose signers is one of this."""
        return replace(self, lot=lot)

    def label(self, number: int) -> str:
        return f"signer {number} of lot {self.lot}"


def wallets(signers: Signers, numbers: Sequence[int]) -> list[Signer]:
    return [wallet(keccak(text=f"wallet key of {signers.label(number)}")) for number in numbers]


def wallet(secret: bytes) -> Signer:
    key = coincurve.PrivateKey(secret)
    return Signer(keccak(key.public_key.format(compressed=False)[1:])[-20:], 0, _by_wallet(key))


def owned(signers: Signers, numbers: Sequence[int]) -> list[Signer]:
    """Contract wallets (ERC-1271) of one owner."""
    owner = wallet(keccak(text="owner"))
    code = creation_data(compiled()["OwnedWallet"], [to_checksum_address(owner.named)])
    return [Signer(each, OWNED_CAP, owner.consent) for each in _copies(signers.rig, code, len(numbers))]


def several(signers: Signers, numbers: Sequence[int]) -> list[Signer]:
    """`Signatories` of the same three wallet keys, two of which sign."""
    members = {each.named: each for each in (wallet(keccak(text=f"member {n}")) for n in range(3))}
    quorum = Quorum(tuple(members), 2)
    code = creation_data(compiled()["Signatories"], [list(members), quorum.threshold])

    def consent(digest: bytes) -> bytes:
        signing = list(members)[: quorum.threshold]
        return combined({member: members[member].consent(digest) for member in signing}, quorum)

    return [Signer(each, SEVERAL_CAP, consent) for each in _copies(signers.rig, code, len(numbers))]


def p256_keys(signers: Signers, numbers: Sequence[int]) -> list[Signer]:
    verifier = signers.verifiers["ERC7913P256Verifier"]
    keys = [_p256(signers.label(number)) for number in numbers]
    return [_verified(verifier + p256.point_of(key.public_key()), _by_p256(key)) for key in keys]


def passkeys(signers: Signers, numbers: Sequence[int]) -> list[Signer]:
    verifier = signers.verifiers["ERC7913WebAuthnVerifier"]
    keys = [_p256(signers.label(number)) for number in numbers]
    return [_verified(verifier + p256.point_of(key.public_key()), _by_passkey(key)) for key in keys]


def rsa_keys(signers: Signers, numbers: Sequence[int]) -> list[Signer]:
    verifier, modulus = signers.verifiers["RSAVerifier"], RsaKey(1).modulus
    made = []
    for exponent in (_exponents(signers.lot)[number] for number in numbers):
        public = abi_encode(["bytes", "bytes"], [exponent.to_bytes(3), modulus])
        made.append(_verified(verifier + public, _by_rsa(_rsa(exponent))))
    return made


WALLET: Final = Kind("wallet key", "cancun", wallets)
KINDS: Final = (
    WALLET,
    Kind("ERC-1271 wallet", "cancun", owned),
    Kind("2 of 3", "cancun", several),
    Kind("P-256", "osaka", p256_keys),
    Kind("P-256 without precompile", "cancun", p256_keys),
    Kind("RSA-2048", "cancun", rsa_keys),
    Kind("WebAuthn", "osaka", passkeys),
    Kind("WebAuthn without precompile", "cancun", passkeys),
)
"""Osaka has a precompile for P-256 at 0x100; cancun has none, and OpenZeppelin's own arithmetic is used there."""


# How each signs


def _by_wallet(key: coincurve.PrivateKey) -> Sign:
    def sign(digest: bytes) -> bytes:
        signature = key.sign_recoverable(digest, hasher=None)
        return signature[:64] + bytes([27 + signature[64]])

    return sign


def _by_p256(key: ec.EllipticCurvePrivateKey) -> Sign:
    return lambda digest: p256.sign(digest, key)


def _by_passkey(key: ec.EllipticCurvePrivateKey) -> Sign:
    """As a browser answers: user present and verified, client data as Chromium writes it."""
    authenticator = hashlib.sha256(SITE[0].encode()).digest() + bytes([PRESENT | VERIFIED]) + bytes(4)

    def sign(digest: bytes) -> bytes:
        challenge = urlsafe_b64encode(digest).rstrip(b"=").decode()
        client = (
            f'{{"type":"webauthn.get","challenge":"{challenge}","origin":"{SITE[1]}","crossOrigin":false}}'
        )
        signed = hashlib.sha256(authenticator + hashlib.sha256(client.encode()).digest()).digest()
        signature = p256.sign(signed, key)
        r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
        return asserted(r, s, authenticator, client)

    return sign


def _by_rsa(key: rsa.RSAPrivateKey) -> Sign:
    return lambda digest: key.sign(digest, padding.PKCS1v15(), hashes.SHA256())


def _verified(named: bytes, sign: Sign) -> Signer:
    return Signer(named, 0, lambda digest: packed_consent(named, sign(digest)))


# Keys


@cache
def _p256(label: str) -> ec.EllipticCurvePrivateKey:
    secret = int.from_bytes(keccak(text=f"P-256 key of {label}")) % (P256_ORDER - 1) + 1
    return ec.derive_private_key(secret, ec.SECP256R1())


@cache
def _rsa(exponent: int) -> rsa.RSAPrivateKey:
    """A key of the one modulus. Not validated anew each time, which would take a second each."""
    numbers = RsaKey(1).private.private_numbers()
    p, q = numbers.p, numbers.q
    secret = pow(exponent, -1, (p - 1) * (q - 1))
    crt = (rsa.rsa_crt_dmp1(secret, p), rsa.rsa_crt_dmq1(secret, q), numbers.iqmp)
    made = rsa.RSAPrivateNumbers(p, q, secret, *crt, rsa.RSAPublicNumbers(exponent, p * q))
    return made.private_key(unsafe_skip_rsa_key_validation=True)


@cache
def _exponents(lot: int) -> Sequence[int]:
    """Primes of 17 bits that an RSA key of the one modulus can have, 800 for each lot."""
    numbers, first = RsaKey(1).private.private_numbers(), 65_537 + 12_000 * lot
    order = (numbers.p - 1) * (numbers.q - 1)
    return [
        number
        for number in range(first, first + 12_000, 2)
        if all(number % divisor for divisor in range(3, 363, 2)) and gcd(number, order) == 1
    ]


def _copies(rig: Rig, code: bytes, count: int) -> list[bytes]:
    """So many contracts of this creation code, made in one transaction; their addresses."""
    size = len(code).to_bytes(2)
    # codecopy(0, 32, size); for (n = count; n; n--) create(0, 0, size); stop
    head = bytes.fromhex(f"61{size.hex()}60205f3961{count:04x}5b61{size.hex()}5f5ff050600190038060 0a5700")
    maker = rig.engine.deploy(head.ljust(32, b"\0") + code)
    made = [keccak(rlp.encode([bytes.fromhex(maker[2:]), nonce]))[-20:] for nonce in range(1, count + 1)]
    assert rig.engine.code_hash(to_checksum_address(made[-1])) != keccak(b""), "the last one was not made"
    return made
