"""Certificates: in time at the moment given, under a configured authority, for signing, for RSA-2048; or refused."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import example, given
from hypothesis import strategies as st

from ledger.calendar import Timestamp
from ledger.certificates import certified_key, read_certificates
from ledger.errors import (
    CertificateExpired,
    CertificateNotTrusted,
    CertificateNotYetValid,
    CertificateUnfit,
    CredentialError,
    InputError,
    MalformedCertificate,
    WrongKeyType,
)
from tests.contract.verifying import RsaKey
from tests.ledger.samples import few

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
BEGIN, END = datetime(2026, 1, 1), datetime(2028, 1, 1)
NOW = Timestamp(1_774_972_800)  # 2026-04-01 00:00 China time
ROOT_KEY, MIDDLE_KEY, KEY, STRANGER = (RsaKey(n).private for n in range(1, 5))
CA = x509.BasicConstraints(ca=True, path_length=None)


def at(year: int, month: int = 1, day: int = 1) -> Timestamp:
    return Timestamp(int(datetime(year, month, day, tzinfo=UTC).timestamp()))


def usage(**wanted: bool) -> x509.KeyUsage:
    names = (
        "digital_signature content_commitment key_encipherment data_encipherment key_agreement key_cert_sign"
    )
    every = dict.fromkeys((*names.split(), "crl_sign", "encipher_only", "decipher_only"), False)
    return x509.KeyUsage(**(every | wanted))


def certificate(
    subject: str,
    key: PrivateKey,
    issuer: str,
    issuer_key: PrivateKey,
    *extensions: x509.ExtensionType,
    **terms: Any,
) -> x509.Certificate:
    """One certificate, in time from 2026 to 2027; `begin`, `end` and `serial` can be given."""
    names = [x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]) for name in (subject, issuer)]
    builder = x509.CertificateBuilder(
        issuer_name=names[1], subject_name=names[0], public_key=key.public_key()
    )
    builder = builder.serial_number(terms.get("serial", 77))
    builder = builder.not_valid_before(terms.get("begin", BEGIN)).not_valid_after(terms.get("end", END))
    for extension in extensions:
        builder = builder.add_extension(extension, critical=True)
    return builder.sign(issuer_key, hashes.SHA256())


def pem(*certificates: x509.Certificate) -> bytes:
    return b"".join(each.public_bytes(Encoding.PEM) for each in certificates)


@cache
def authority(**terms: Any) -> x509.Certificate:
    return certificate("Root", ROOT_KEY, "Root", ROOT_KEY, CA, usage(key_cert_sign=True), **terms)


@cache
def middle(**terms: Any) -> x509.Certificate:
    return certificate("Middle", MIDDLE_KEY, "Root", ROOT_KEY, CA, usage(key_cert_sign=True), **terms)


def leaf(*extensions: x509.ExtensionType, key: PrivateKey = KEY, **terms: Any) -> x509.Certificate:
    return certificate("Supplier 6", key, "Root", ROOT_KEY, *extensions, **terms)


def judged(*chain: x509.Certificate, when: Timestamp = NOW, authorities: Any = None) -> Any:
    trusted = [pem(each) for each in ([authority()] if authorities is None else authorities)]
    return certified_key(pem(*chain), authorities=trusted, at=when)


# What is refused


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no certificate",
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        b"-----BEGIN CERTIFICATE-----",
        pem(leaf()).replace(b"M", b"N", 1),
        leaf().public_bytes(Encoding.DER)[:-1],
        leaf().public_bytes(Encoding.DER) + b"\0",
    ],
)
def test_what_is_no_certificate_is_refused(content: bytes) -> None:
    with pytest.raises(MalformedCertificate, match=f"{len(content)} bytes that are no X.509 certificate"):
        certified_key(content, authorities=[pem(authority())], at=NOW)
    with pytest.raises(MalformedCertificate):
        certified_key(pem(leaf()), authorities=[content], at=NOW)


def test_a_certificate_counts_from_its_first_second_to_its_last() -> None:
    with pytest.raises(
        CertificateNotYetValid, match="valid from 2026-01-01 00:00:00 UTC, not yet at 2025-12-31 23:59:59"
    ):
        judged(leaf(), when=Timestamp(at(2026) - 1))
    with pytest.raises(
        CertificateExpired, match="until 2028-01-01 00:00:00 UTC, no more at 2028-01-01 00:00:01"
    ):
        judged(leaf(), when=Timestamp(at(2028) + 1))
    judged(leaf(), when=at(2026))
    judged(leaf(), when=at(2028))


def test_an_authority_out_of_time_takes_everything_below_with_it() -> None:
    early, late = {"end": datetime(2026, 3, 1)}, {"begin": datetime(2026, 5, 1)}
    with pytest.raises(CertificateExpired, match="CN=Root"):
        judged(leaf(), authorities=[authority(**early)])
    with pytest.raises(CertificateNotYetValid, match="CN=Root"):
        judged(leaf(), authorities=[authority(**late)])
    below = certificate("Supplier 6", KEY, "Middle", MIDDLE_KEY)
    with pytest.raises(CertificateExpired, match="CN=Middle"):
        judged(below, middle(**early))
    judged(leaf(), authorities=[authority(**early), authority()])


def test_a_certificate_of_no_configured_authority_is_refused() -> None:
    forged = certificate("Root", STRANGER, "Root", STRANGER, CA)
    others = certificate("Other root", STRANGER, "Other root", STRANGER, CA)
    for chain, trusted in [
        ([leaf()], [others]),
        ([leaf()], [forged]),  # the right name, another key
        ([certificate("Supplier 6", KEY, "Root", STRANGER)], [authority()]),
        ([certificate("Supplier 6", KEY, "Supplier 6", KEY)], [authority()]),
        (
            [certificate("Supplier 6", KEY, "Middle", MIDDLE_KEY)],
            [authority()],
        ),  # the one in between is missing
    ]:
        with pytest.raises(CertificateNotTrusted, match="leads to none of the configured authorities"):
            judged(*chain, authorities=trusted)


def test_only_an_authority_can_stand_above_a_certificate() -> None:
    below = certificate("Supplier 6", KEY, "Middle", MIDDLE_KEY)
    for extensions in (
        (),
        (x509.BasicConstraints(ca=False, path_length=None),),
        (CA, usage(digital_signature=True)),
    ):
        between = certificate("Middle", MIDDLE_KEY, "Root", ROOT_KEY, *extensions)
        with pytest.raises(CertificateNotTrusted, match="CN=Supplier 6"):
            judged(below, between)
        with pytest.raises(CertificateUnfit, match="'CN=Middle' is no authority's"):
            judged(below, authorities=[between])


def test_a_certificate_is_not_its_own_authority() -> None:
    own = certificate("Supplier 6", KEY, "Supplier 6", KEY, x509.BasicConstraints(ca=False, path_length=None))
    with pytest.raises(CertificateUnfit, match="no authority's"):
        judged(own, authorities=[own])


def test_nobody_signs_with_an_authoritys_own_certificate() -> None:
    with pytest.raises(CertificateUnfit, match="an authority's own"):
        judged(authority())


def test_a_certificate_for_another_use_is_refused() -> None:
    with pytest.raises(CertificateUnfit, match="not for signatures"):
        judged(leaf(usage(key_encipherment=True)))
    for fit in (usage(digital_signature=True), usage(content_commitment=True)):
        judged(leaf(fit))


def test_a_certificate_for_another_kind_or_size_of_key_is_refused() -> None:
    with pytest.raises(WrongKeyType, match="no RSA key"):
        judged(leaf(key=ec.derive_private_key(7, ec.SECP256R1())))
    with pytest.raises(WrongKeyType, match="of 3072 bits"):
        judged(leaf(key=rsa.generate_private_key(65_537, 3072)))


def test_without_a_configured_authority_nobody_is_trusted() -> None:
    with pytest.raises(InputError, match="no certificate authority is configured"):
        judged(leaf(), authorities=[])


@few
@given(at=st.integers(0, len(leaf().tbs_certificate_bytes) - 1), byte=st.integers(1, 255))
@example(at=8, byte=1)  # the version
def test_a_changed_byte_in_what_the_authority_signed_makes_a_named_refusal(at: int, byte: int) -> None:
    content = bytearray(leaf().public_bytes(Encoding.DER))
    content[content.index(leaf().tbs_certificate_bytes) + at] ^= byte
    with pytest.raises(CredentialError):
        certified_key(bytes(content), authorities=[pem(authority())], at=NOW)


# What counts


def test_the_key_comes_with_what_the_certificate_says_of_its_owner() -> None:
    found = judged(leaf())
    assert found.key.public_numbers() == KEY.public_key().public_numbers()
    assert (found.subject, found.issuer, found.serial) == ("CN=Supplier 6", "CN=Root", 77)
    assert found.valid_until == at(2028)


def test_pem_and_der_give_the_same_key() -> None:
    der = certified_key(
        leaf().public_bytes(Encoding.DER), authorities=[authority().public_bytes(Encoding.DER)], at=NOW
    )
    assert der == judged(leaf())


def test_a_chain_in_one_text_leads_up_through_those_in_between() -> None:
    below = certificate("Supplier 6", KEY, "Middle", MIDDLE_KEY)
    assert judged(below, middle()).issuer == "CN=Middle"
    assert len(read_certificates(b"\n" + pem(below, middle()))) == 2
    judged(below, authorities=[middle()])
