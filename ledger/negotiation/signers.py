"""The signer that an applicant names: a key that is kept here, or one of its own of any kind.

Its bytes are what the registry will have; that the applicant holds the key is proved when the admission is signed. A
certificate is taken only under an authority that the installation trusts, and while it is good.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric import rsa as rsa_keys
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from ledger import p256
from ledger.calendar import Timestamp
from ledger.certificates import certified_key
from ledger.consent import ADDRESS_BYTES, HIGHEST_SIGNATURE_GAS
from ledger.credentials import Verifiers, signer_of
from ledger.errors import InputError, MalformedKey


class SignerKindName(StrEnum):
    """Where the key is, and of which kind."""

    CUSTODIAL = "custodial"
    WALLET = "wallet"
    CONTRACT = "contract"
    KEY = "key"
    CERTIFICATE = "certificate"
    PASSKEY = "passkey"


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedSigner:
    """What an applicant says of its signer. `address`: of a wallet or contract, with the contract's `gas`; `text`: a
    public key or certificate chain as PEM; `point`: x and y of a passkey, 64 bytes."""

    kind: SignerKindName
    address: bytes = b""
    gas: int = 0
    text: str = ""
    point: bytes = b""


@dataclass(frozen=True, slots=True)
class SignerBytes:
    """Signer bytes for the registry, None where the key is to be drawn and kept here; the gas of a contract's check."""

    encoded: bytes | None
    gas: int = 0


def signer_bytes(
    named: NamedSigner, *, verifiers: Verifiers, authorities: Sequence[bytes], at: Timestamp
) -> SignerBytes:
    """InputError, or a credential error, for a signer that the registry or the installation would not take."""
    match named.kind:
        case SignerKindName.CUSTODIAL:
            return SignerBytes(None)
        case SignerKindName.WALLET | SignerKindName.CONTRACT:
            return _of_address(named)
        case SignerKindName.PASSKEY:
            key = p256.public_key_from_point(named.point)
            return SignerBytes(signer_of(key, verifiers, passkey=True))
        case SignerKindName.KEY:
            return SignerBytes(signer_of(_public_key(named.text), verifiers))
        case SignerKindName.CERTIFICATE:
            if not authorities:
                raise InputError("this installation trusts no certificate authority: name another signer")
            found = certified_key(named.text.encode(), authorities=authorities, at=at)
            return SignerBytes(signer_of(found.key, verifiers))


def _of_address(named: NamedSigner) -> SignerBytes:
    contract = named.kind is SignerKindName.CONTRACT
    if len(named.address) != ADDRESS_BYTES or not any(named.address):
        raise InputError("a wallet is named by its address: 0x and 40 hex digits")
    if contract != (0 < named.gas <= HIGHEST_SIGNATURE_GAS):
        raise InputError(
            f"a contract wallet says what its check may cost, at most {HIGHEST_SIGNATURE_GAS:,} gas"
        )
    return SignerBytes(named.address, named.gas)


def _public_key(text: str) -> ec.EllipticCurvePublicKey | rsa_keys.RSAPublicKey:
    try:
        key = load_pem_public_key(text.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise MalformedKey("this is no public key in PEM") from None
    if isinstance(key, ec.EllipticCurvePublicKey | rsa_keys.RSAPublicKey):
        return key
    raise MalformedKey("a key that is neither P-256 nor RSA: make one of these two")
