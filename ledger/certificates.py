"""X.509 certificates: whose RSA key it is, by the word of an authority that the operator has configured.

A certificate is taken where, at the moment given, it and all above it are in time, its chain leads to a
configured authority, and it was issued to sign with. This module never reads the clock, asks no network, and so
does not know whether a certificate was revoked: who learns of that suspends the party and has it rekeyed. What is
in the subject is shown, not matched with any party.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.verification import (
    Criticality,
    ExtensionPolicy,
    Policy,
    PolicyBuilder,
    Store,
    VerificationError,
)

from ledger.calendar import Timestamp
from ledger.errors import (
    CertificateExpired,
    CertificateNotTrusted,
    CertificateNotYetValid,
    CertificateUnfit,
    InputError,
    MalformedCertificate,
    MalformedKey,
    WrongKeyType,
)
from ledger.money import shown
from ledger.rsa import require_fit

_PEM: Final = b"-----BEGIN"


@dataclass(frozen=True, slots=True)
class Certified:
    """A key and what its certificate says: subject and issuer (RFC 4514), serial number, the last second."""

    key: rsa.RSAPublicKey
    subject: str
    issuer: str
    serial: int
    valid_until: Timestamp


def read_certificates(content: bytes) -> tuple[x509.Certificate, ...]:
    """All certificates of a PEM text, or the one in DER. MalformedCertificate."""
    try:
        if content.lstrip().startswith(_PEM):
            found = tuple(x509.load_pem_x509_certificates(content))
        else:
            found = (x509.load_der_x509_certificate(content),)
        for each in found:
            _ = each.subject, each.issuer, each.extensions  # read only when asked for
        return found
    except (ValueError, x509.DuplicateExtension, x509.InvalidVersion):
        raise MalformedCertificate(
            f"{len(content)} bytes that are no X.509 certificate: give it in PEM (-----BEGIN CERTIFICATE-----) or DER"
        ) from None


def certified_key(chain: bytes, *, authorities: Sequence[bytes], at: Timestamp) -> Certified:
    """The RSA-2048 key of a certificate that is good at that second.

    `chain`: the certificate, in PEM followed by those between it and an authority; `authorities`: the configured
    ones, each PEM or DER. MalformedCertificate, CertificateNotYetValid, CertificateExpired, CertificateUnfit,
    CertificateNotTrusted, MalformedKey, WrongKeyType; InputError where no authority is configured.
    """
    if not authorities:
        raise InputError("no certificate authority is configured: name the authorities that you trust")
    leaf, *between = read_certificates(chain)
    trusted = [each for content in authorities for each in read_certificates(content)]
    for each in trusted:
        _require_authority(each)
    moment = datetime.fromtimestamp(at, UTC)
    for each in (leaf, *between):
        _require_in_time(each, moment)
    _require_for_signing(leaf)
    _require_chain(leaf, between, trusted, moment)
    return Certified(
        key=_key(leaf),
        subject=leaf.subject.rfc4514_string(),
        issuer=leaf.issuer.rfc4514_string(),
        serial=leaf.serial_number,
        valid_until=Timestamp(int(leaf.not_valid_after_utc.timestamp())),
    )


def _key(leaf: x509.Certificate) -> rsa.RSAPublicKey:
    try:
        key = leaf.public_key()
    except ValueError:
        raise MalformedKey(
            f"the key of {_name(leaf.subject)} cannot be read: have the certificate made anew"
        ) from None
    if not isinstance(key, rsa.RSAPublicKey):
        raise WrongKeyType(
            f"the certificate of {_name(leaf.subject)} is for no RSA key: have one for RSA-2048 made"
        )
    require_fit(key)
    return key


def _require_in_time(certificate: x509.Certificate, moment: datetime) -> None:
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    name, stated = _name(certificate.subject), f"{moment:%Y-%m-%d %H:%M:%S} UTC"
    if moment < begin:
        raise CertificateNotYetValid(
            f"the certificate of {name} is valid from {begin:%Y-%m-%d %H:%M:%S} UTC, not yet at {stated}: wait, "
            "or give the one in force"
        )
    if moment > end:
        raise CertificateExpired(
            f"the certificate of {name} was valid until {end:%Y-%m-%d %H:%M:%S} UTC, no more at {stated}: "
            "give its successor"
        )


def _require_for_signing(leaf: x509.Certificate) -> None:
    name = _name(leaf.subject)
    for each in leaf.extensions:
        if isinstance(each.value, x509.BasicConstraints) and each.value.ca:
            raise CertificateUnfit(f"the certificate of {name} is an authority's own: give the signer's")
        if isinstance(each.value, x509.KeyUsage) and not (
            each.value.digital_signature or each.value.content_commitment
        ):
            raise CertificateUnfit(f"the certificate of {name} is not for signatures: give one that is")


def _require_authority(certificate: x509.Certificate) -> None:
    """CertificateUnfit for a configured authority that is none: not cA, or not to sign certificates."""
    may = {type(each.value): each.value for each in certificate.extensions}
    basic, usage = may.get(x509.BasicConstraints), may.get(x509.KeyUsage)
    is_authority = isinstance(basic, x509.BasicConstraints) and basic.ca
    if not is_authority or (isinstance(usage, x509.KeyUsage) and not usage.key_cert_sign):
        raise CertificateUnfit(
            f"the certificate of {_name(certificate.subject)} is no authority's (CA:TRUE, to sign certificates): "
            "give that of the authority that issued the signer's"
        )


def _require_chain(
    leaf: x509.Certificate,
    between: Sequence[x509.Certificate],
    trusted: Sequence[x509.Certificate],
    moment: datetime,
) -> None:
    policy = PolicyBuilder().store(Store(list(trusted))).time(moment.replace(tzinfo=None))
    policy = policy.extension_policies(ca_policy=_AUTHORITY, ee_policy=ExtensionPolicy.permit_all())
    try:
        policy.build_client_verifier().verify(leaf, list(between))
    except VerificationError:
        above = {each.issuer for each in (leaf, *between)}
        for authority in _of_names(trusted, above):
            _require_in_time(authority, moment)
        known = ", ".join(sorted({_name(each.subject) for each in trusted}))
        raise CertificateNotTrusted(
            f"the certificate of {_name(leaf.subject)}, issued by {_name(leaf.issuer)}, leads to none of the "
            f"configured authorities ({known}): give the certificates in between too, or configure its authority"
        ) from None


def _of_names(certificates: Iterable[x509.Certificate], names: set[x509.Name]) -> list[x509.Certificate]:
    return [each for each in certificates if each.subject in names]


def _require_cert_sign(policy: Policy, certificate: x509.Certificate, usage: x509.KeyUsage | None) -> None:
    if usage is not None and not usage.key_cert_sign:
        raise ValueError("an authority that may not sign certificates")


_AUTHORITY: Final = (
    ExtensionPolicy.permit_all()
    .require_present(x509.BasicConstraints, Criticality.AGNOSTIC, None)
    .may_be_present(x509.KeyUsage, Criticality.AGNOSTIC, _require_cert_sign)
)
"""What an authority's certificate must have: cA, and no key usage that forbids signing certificates."""


def _name(name: x509.Name) -> str:
    return shown(name.rfc4514_string())
