"""Signers of every kind that is no contract: their bytes, their signatures, and the off-chain check of both.

A signer is an address of 20 bytes (a wallet key), or the address of a verifier on the allow-list and a key:
P-256, RSA-2048, or a passkey's P-256 key (ERC-7913). What `require_signature` lets pass, the chain takes; the
reverse holds but for other encodings of the same signature, which only the chain takes. An ERC-1271 contract can be
asked on the chain alone; who is in a k-of-n wallet is checked in `quorums.py`. No private key is kept here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric import rsa as rsa_keys
from cryptography.hazmat.primitives.serialization import (
    load_der_private_key,
    load_pem_private_key,
)
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from ledger import p256, passkeys, rsa
from ledger.consent import ADDRESS_BYTES, HIGHEST_SIGNER_BYTES
from ledger.errors import InputError, MalformedKey, MalformedSignature, Refusal, WrongKeyType, WrongSignature
from ledger.members import Agreement
from ledger.passkeys import RelyingParty
from ledger.signing import Domain, digest, recover
from ledger.world import Party, SignerKind

_LENGTH_BYTES: Final = 2

PublicKey = ec.EllipticCurvePublicKey | rsa_keys.RSAPublicKey
PrivateKey = ec.EllipticCurvePrivateKey | rsa_keys.RSAPrivateKey


class Kind(Enum):
    """How a signer signs."""

    WALLET = "wallet"
    P256 = "p256"
    RSA = "rsa"
    PASSKEY = "passkey"


@dataclass(frozen=True, slots=True)
class Verifiers:
    """The verifiers on a registry's allow-list, 20 bytes each; None: not there.

    Whether one is active yet is the registry's to say.
    """

    p256: bytes | None = None
    rsa: bytes | None = None
    passkey: bytes | None = None

    def kind_of(self, verifier: bytes) -> Kind:
        """Refusal VerifierNotAllowed for any that is not one of the three."""
        for kind in (Kind.P256, Kind.RSA, Kind.PASSKEY):
            if verifier == self._of(kind):
                return kind
        raise Refusal("VerifierNotAllowed", {"verifier": to_checksum_address(verifier)})

    def of(self, kind: Kind) -> bytes:
        """InputError where there is none of this kind."""
        verifier = self._of(kind)
        if verifier is None:
            raise InputError(
                f"no verifier for {kind.value} keys is on the allow-list: the registrar has to list one "
                "(tallystick deploy-verifiers, then tallystick list-verifier ADDRESS)"
            )
        return verifier

    def _of(self, kind: Kind) -> bytes | None:
        return {Kind.P256: self.p256, Kind.RSA: self.rsa, Kind.PASSKEY: self.passkey}.get(kind)


@dataclass(frozen=True, slots=True)
class Signer:
    """Signer bytes, read. `key` is None for a wallet: only its address is known."""

    kind: Kind
    encoded: bytes
    key: PublicKey | None


# Signer bytes


def signer_of(key: PublicKey, verifiers: Verifiers, *, passkey: bool = False) -> bytes:
    """The signer bytes of a key: verifier, then x and y, or abi.encode(bytes e, bytes n).

    WrongCurve, WrongKeyType; InputError where the verifier is not on the list.
    """
    if isinstance(key, ec.EllipticCurvePublicKey):
        point = p256.point_of(key)  # a key that no verifier takes is named first
        return verifiers.of(Kind.PASSKEY if passkey else Kind.P256) + point
    if isinstance(key, rsa_keys.RSAPublicKey) and not passkey:
        encoded = rsa.encoded(key)
        return verifiers.of(Kind.RSA) + encoded
    raise WrongKeyType("a signer needs a P-256 or an RSA-2048 key, a passkey one on P-256 (ES256)")


def read_signer(signer: bytes, verifiers: Verifiers) -> Signer:
    """Signer bytes taken apart; Refusal SignerNotAllowed for a length that no signer has or address zero,
    VerifierNotAllowed; MalformedKey, PointOffCurve, WrongKeyType for what is behind the verifier."""
    verifier, key = signer[:ADDRESS_BYTES], signer[ADDRESS_BYTES:]
    if not ADDRESS_BYTES <= len(signer) <= HIGHEST_SIGNER_BYTES or not any(verifier):
        raise Refusal("SignerNotAllowed", {"length": len(signer)})
    if not key:
        return Signer(Kind.WALLET, signer, None)
    kind = verifiers.kind_of(verifier)
    return Signer(kind, signer, rsa.decoded(key) if kind is Kind.RSA else p256.public_key_from_point(key))


# Signatures


def read_private_key(content: bytes, *, password: bytes | None = None) -> PrivateKey:
    """A P-256 or RSA-2048 private key out of PEM or DER (PKCS#8, or the older forms).

    MalformedKey, also for a wrong password; WrongCurve, WrongKeyType. Nothing of the key is in a message.
    """
    load = load_pem_private_key if content.lstrip().startswith(b"-----BEGIN") else load_der_private_key
    try:
        key = load(content, password)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise MalformedKey(
            "this is no private key in PEM or DER, or the password does not open it: export it as PKCS#8"
        ) from None
    return _fit(key)


def sign_with(key: PrivateKey, agreement: Agreement, domain: Domain) -> bytes:
    """A P-256 or RSA key's signature over an agreement; the same input always gives the same bytes."""
    fit = _fit(key)
    if isinstance(fit, rsa_keys.RSAPrivateKey):
        return rsa.sign(digest(agreement, domain), fit)
    return p256.sign(digest(agreement, domain), fit)


def require_signature(
    signer: Signer,
    signature: bytes,
    agreement: Agreement,
    *,
    domain: Domain,
    site: RelyingParty | None = None,
) -> None:
    """Nothing where the signer signed this agreement for this contract; else an InputError, mostly one of the
    CredentialErrors.

    With `site` a passkey must have been used there; None looks at no more than the chain does.
    """
    signed, key = digest(agreement, domain), signer.key
    if isinstance(key, rsa_keys.RSAPublicKey):
        rsa.verify(signed, signature, key)
    elif key is not None and signer.kind is Kind.PASSKEY:
        passkeys.verify(signed, signature, key, site=site)
    elif key is not None:
        p256.verify(signed, signature, key)
    else:
        expected, recovered = to_checksum_address(signer.encoded), recover(agreement, domain, signature)
        if recovered != expected:
            raise WrongSignature(
                f"signed by {recovered}, not by {expected}: check which key and which agreement (a contract's "
                "signature can only be checked on the chain)"
            )


# Consents


def opened_consent(consent: bytes) -> tuple[bytes, bytes]:
    """Signer bytes and signature out of a verifier party's consent, the reverse of `signing.verifier_consent`.

    MalformedSignature.
    """
    length = int.from_bytes(consent[:_LENGTH_BYTES])
    signer, signature = consent[_LENGTH_BYTES : _LENGTH_BYTES + length], consent[_LENGTH_BYTES + length :]
    if len(signer) != length or not signer or not signature:
        raise MalformedSignature(
            f"a consent of {len(consent)} bytes: expected two bytes of length, the signer's bytes, the signature"
        )
    return signer, signature


def registry_number(signer: bytes) -> int:
    """A signer as the registry keeps it: an address, or the end of the hash of what is longer than one."""
    return int.from_bytes(keccak(signer)[-ADDRESS_BYTES:] if len(signer) > ADDRESS_BYTES else signer)


def require_consent(
    consent: bytes,
    agreement: Agreement,
    party: Party,
    *,
    domain: Domain,
    verifiers: Verifiers,
    site: RelyingParty | None = None,
) -> None:
    """Nothing where the consent is this party's to this agreement; the errors of `read_signer` and
    `require_signature`, MalformedSignature, WrongSignature for another signer.

    InputError for a party whose signer is a contract: only the chain can ask it.
    """
    if party.kind is SignerKind.CONTRACT:
        raise InputError("the party's signer is a contract: have the agreement simulated on the chain")
    signer, signature = party.signer.to_bytes(ADDRESS_BYTES), consent
    if party.kind is SignerKind.VERIFIER:
        signer, signature = opened_consent(consent)
        if len(signer) <= ADDRESS_BYTES or registry_number(signer) != party.signer:
            raise WrongSignature(
                "signed by another signer than the party's: sign with the one in the registry"
            )
    require_signature(read_signer(signer, verifiers), signature, agreement, domain=domain, site=site)


def _fit(key: object) -> PrivateKey:
    if isinstance(key, ec.EllipticCurvePrivateKey):
        p256.require_curve(key)
        return key
    if isinstance(key, rsa_keys.RSAPrivateKey):
        rsa.require_fit(key)
        return key
    raise WrongKeyType("a key that is neither P-256 nor RSA: make one of these two")
