"""Signers of every kind: what is let pass off chain is what OpenZeppelin's verifiers take on a real EVM.

Keys, signatures and encodings are compared with a second implementation (`tests/contract/verifying.py`).
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from eth_utils.address import to_canonical_address, to_checksum_address
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from ledger import p256
from ledger.calendar import Day
from ledger.credentials import (
    Kind,
    Verifiers,
    opened_consent,
    read_private_key,
    read_signer,
    registry_number,
    require_consent,
    require_signature,
    sign_with,
    signer_of,
)
from ledger.errors import (
    HighS,
    InputError,
    MalformedKey,
    MalformedSignature,
    OtherOrigin,
    PointOffCurve,
    Refusal,
    WrongCurve,
    WrongKeyType,
    WrongSignature,
)
from ledger.passkeys import RelyingParty
from ledger.signing import CURVE_ORDER, digest, sign, verifier_consent
from ledger.world import Party, Role, SignerKind
from tests.contract.verifying import SITE, Key, P256Key, Passkey, RsaKey
from tests.ledger.judges import Judges
from tests.ledger.samples import LEDGER, TRANSFER, few
from tests.rig import key_of

HERE = RelyingParty(SITE[0], (SITE[1],))
KEYS: tuple[Key, ...] = (P256Key(1), Passkey(1), RsaKey(1))
OTHERS: tuple[Key, ...] = (P256Key(2), Passkey(2), RsaKey(2))
DIGEST = digest(TRANSFER, LEDGER)
OTHER = replace(TRANSFER, sequence=2)
WALLET = key_of(7)
ADDRESS = to_canonical_address(WALLET.public_key.to_address())
kinds = pytest.mark.parametrize("at", range(3), ids=["P-256", "passkey", "RSA"])


@pytest.fixture(scope="module")
def judges() -> Judges:
    return Judges()


@pytest.fixture(scope="module")
def verifiers(judges: Judges) -> Verifiers:
    return judges.verifiers


def encoded(key: Key, verifiers: Verifiers) -> bytes:
    """The signer bytes, by the second implementation."""
    named = {P256Key: verifiers.p256, Passkey: verifiers.passkey, RsaKey: verifiers.rsa}
    return (named[type(key)] or b"") + key.public


def of_registry(signer: bytes, kind: SignerKind = SignerKind.VERIFIER) -> Party:
    """A party as the registry keeps it."""
    return Party(
        signer=registry_number(signer),
        kind=kind,
        signature_gas=0,
        roles=Role(0),
        sponsor=TRANSFER.recipient,
        profile=bytes(32),
        recovered_on=Day(0),
    )


# Signer bytes that are refused


def test_a_signer_that_names_a_verifier_off_the_list_is_refused_by_its_address(verifiers: Verifiers) -> None:
    stranger = b"\xab" * 20
    for listed, signer in [
        (verifiers, stranger + P256Key(1).public),
        (Verifiers(), encoded(P256Key(1), verifiers)),
        (replace(verifiers, passkey=None), encoded(Passkey(1), verifiers)),
    ]:
        with pytest.raises(Refusal) as refused:
            read_signer(signer, listed)
        assert refused.value == Refusal("VerifierNotAllowed", {"verifier": to_checksum_address(signer[:20])})


@pytest.mark.parametrize("length", [0, 1, 19, 1_025, 4_000])
def test_a_signer_of_a_length_that_none_has_is_refused(length: int, verifiers: Verifiers) -> None:
    with pytest.raises(Refusal) as refused:
        read_signer(b"\1" * length, verifiers)
    assert refused.value == Refusal("SignerNotAllowed", {"length": length})


def test_address_zero_is_nobodys_signer(verifiers: Verifiers) -> None:
    for signer in (bytes(20), bytes(20) + P256Key(1).public):
        with pytest.raises(Refusal, match="SignerNotAllowed"):
            read_signer(signer, verifiers)


@kinds
def test_key_bytes_that_are_cut_or_lengthened_are_refused(at: int, verifiers: Verifiers) -> None:
    signer = encoded(KEYS[at], verifiers)
    for bad in (signer[:21], signer[:-1], signer + b"\0"):
        with pytest.raises(MalformedKey):
            read_signer(bad, verifiers)


def test_a_point_off_the_curve_is_refused_behind_either_verifier(verifiers: Verifiers) -> None:
    for key in (P256Key(1), Passkey(1)):
        with pytest.raises(PointOffCurve):
            read_signer(encoded(key, verifiers)[:-1] + b"\0", verifiers)


def test_a_key_that_no_verifier_checks_gets_no_signer_bytes(verifiers: Verifiers) -> None:
    with pytest.raises(WrongCurve):
        signer_of(ec.derive_private_key(7, ec.SECP256K1()).public_key(), verifiers)
    with pytest.raises(WrongKeyType):
        signer_of(rsa.RSAPublicNumbers(65_537, 2**1023 + 1).public_key(), verifiers)
    with pytest.raises(WrongKeyType, match="a passkey one on P-256"):
        signer_of(RsaKey(1).private.public_key(), verifiers, passkey=True)
    with pytest.raises(
        InputError, match=r"no verifier for rsa keys is on the allow-list: .* \(tallystick deploy-verifiers"
    ):
        signer_of(RsaKey(1).private.public_key(), Verifiers(p256=verifiers.p256))


def test_a_private_key_that_cannot_be_used_is_refused_and_not_shown() -> None:
    private = P256Key(1).private
    sealed = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"open"))
    for content in (b"", b"\x30\x00", sealed, sealed[:-40], b"-----BEGIN PRIVATE KEY-----\nAAAA"):
        with pytest.raises(MalformedKey, match="no private key") as refused:
            read_private_key(content)
        assert content == b"" or content[-40:] not in str(refused.value).encode()
    with pytest.raises(MalformedKey, match="password"):
        read_private_key(sealed, password=b"closed")
    plain = (Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(WrongCurve):
        read_private_key(ec.derive_private_key(7, ec.SECP384R1()).private_bytes(*plain))
    with pytest.raises(WrongKeyType):
        read_private_key(ed25519.Ed25519PrivateKey.from_private_bytes(DIGEST).private_bytes(*plain))


# Signatures that are refused


@kinds
def test_the_signature_of_another_key_or_over_another_agreement_is_refused_here_and_there(
    at: int, judges: Judges
) -> None:
    signer = encoded(KEYS[at], judges.verifiers)
    read = read_signer(signer, judges.verifiers)
    for signature in (OTHERS[at].sign(DIGEST), KEYS[at].sign(digest(OTHER, LEDGER))):
        with pytest.raises(InputError):
            require_signature(read, signature, TRANSFER, domain=LEDGER)
        assert not judges.take(signer, DIGEST, signature)


@few
@given(data=st.data())
def test_a_flipped_bit_is_refused_here_and_there_for_every_kind(judges: Judges, data: st.DataObject) -> None:
    key = data.draw(st.sampled_from(KEYS))
    signer = encoded(key, judges.verifiers)
    signature = bytearray(key.sign(DIGEST))
    signature[data.draw(st.integers(0, len(signature) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(InputError):
        require_signature(read_signer(signer, judges.verifiers), bytes(signature), TRANSFER, domain=LEDGER)
    if not isinstance(key, Passkey):  # of whose encoding the chain does not read every bit
        assert not judges.take(signer, DIGEST, bytes(signature))


def test_a_wallets_signature_by_another_key_or_with_a_high_s_is_refused(verifiers: Verifiers) -> None:
    wallet = read_signer(ADDRESS, verifiers)
    with pytest.raises(WrongSignature, match=f"not by {to_checksum_address(ADDRESS)}"):
        require_signature(wallet, sign(TRANSFER, LEDGER, key_of(8).to_bytes()), TRANSFER, domain=LEDGER)
    good = sign(TRANSFER, LEDGER, WALLET.to_bytes())
    high = good[:32] + (CURVE_ORDER - int.from_bytes(good[32:64])).to_bytes(32) + bytes([55 - good[64]])
    with pytest.raises(HighS):
        require_signature(wallet, high, TRANSFER, domain=LEDGER)
    for cut in (b"", good[:-1], good[:64] + b"\x1d"):
        with pytest.raises(MalformedSignature):
            require_signature(wallet, cut, TRANSFER, domain=LEDGER)


def test_a_passkey_used_elsewhere_is_refused_where_a_site_is_named(verifiers: Verifiers) -> None:
    signer, signature = read_signer(encoded(Passkey(1), verifiers), verifiers), Passkey(1).sign(DIGEST)
    require_signature(signer, signature, TRANSFER, domain=LEDGER)
    require_signature(signer, signature, TRANSFER, domain=LEDGER, site=HERE)
    elsewhere = replace(HERE, origins=("https://example.cn",))
    with pytest.raises(OtherOrigin):
        require_signature(signer, signature, TRANSFER, domain=LEDGER, site=elsewhere)


# Consents that are refused


@pytest.mark.parametrize(
    "consent", [b"", b"\0", b"\0\0", b"\0\0\1", b"\0\5abcd", b"\0\4abcd", b"\xff\xff" + b"\1" * 90]
)
def test_a_consent_that_breaks_off_or_lacks_a_part_is_refused(consent: bytes) -> None:
    with pytest.raises(MalformedSignature, match=f"a consent of {len(consent)} bytes"):
        opened_consent(consent)


def test_the_consent_of_another_signer_than_the_registrys_is_refused(verifiers: Verifiers) -> None:
    party = of_registry(encoded(P256Key(1), verifiers))
    for key in (P256Key(2), RsaKey(1)):
        consent = verifier_consent(encoded(key, verifiers), key.sign(DIGEST))
        with pytest.raises(WrongSignature, match="another signer than the party's"):
            require_consent(consent, TRANSFER, party, domain=LEDGER, verifiers=verifiers)
    as_wallet = len(ADDRESS).to_bytes(2) + ADDRESS + sign(TRANSFER, LEDGER, WALLET.to_bytes())
    with pytest.raises(WrongSignature):
        require_consent(as_wallet, TRANSFER, of_registry(ADDRESS), domain=LEDGER, verifiers=verifiers)


def test_a_contracts_consent_is_left_to_the_chain(verifiers: Verifiers) -> None:
    party = of_registry(ADDRESS, SignerKind.CONTRACT)
    with pytest.raises(InputError, match="simulated on the chain"):
        require_consent(bytes(65), TRANSFER, party, domain=LEDGER, verifiers=verifiers)


# What counts


@kinds
def test_signer_bytes_are_the_second_implementations_and_are_read_back(at: int, verifiers: Verifiers) -> None:
    key = KEYS[at]
    private = key.key.private if isinstance(key, Passkey) else key.private  # type: ignore[attr-defined]
    signer = signer_of(private.public_key(), verifiers, passkey=isinstance(key, Passkey))
    assert signer == encoded(key, verifiers)
    assert len(signer) in (84, 436)
    read = read_signer(signer, verifiers)
    assert (read.kind, read.encoded) == (list(Kind)[1:][[0, 2, 1][at]], signer)
    assert read.key is not None
    assert read.key.public_numbers() == private.public_key().public_numbers()


@kinds
def test_a_signature_counts_here_and_on_the_chain_and_as_a_consent(at: int, judges: Judges) -> None:
    key, verifiers = KEYS[at], judges.verifiers
    signer = encoded(key, verifiers)
    signature = key.sign(DIGEST)
    if not isinstance(key, Passkey):
        assert sign_with(key.private, TRANSFER, LEDGER) == signature  # type: ignore[attr-defined]
    require_signature(read_signer(signer, verifiers), signature, TRANSFER, domain=LEDGER, site=HERE)
    assert judges.take(signer, DIGEST, signature)
    consent = verifier_consent(signer, signature)
    assert opened_consent(consent) == (signer, signature)
    require_consent(consent, TRANSFER, of_registry(signer), domain=LEDGER, verifiers=verifiers, site=HERE)


def test_a_wallets_consent_is_its_signature_alone(verifiers: Verifiers) -> None:
    party = of_registry(ADDRESS, SignerKind.WALLET)
    consent = sign(TRANSFER, LEDGER, WALLET.to_bytes())
    require_consent(consent, TRANSFER, party, domain=LEDGER, verifiers=verifiers)
    assert read_signer(ADDRESS, verifiers).kind is Kind.WALLET


def test_a_signer_longer_than_an_address_is_kept_as_the_end_of_its_hash(verifiers: Verifiers) -> None:
    signer = encoded(P256Key(1), verifiers)
    assert registry_number(signer) == int.from_bytes(keccak(signer)[12:])
    assert registry_number(ADDRESS) == int.from_bytes(ADDRESS)


@pytest.mark.parametrize("form", [Encoding.PEM, Encoding.DER])
def test_a_private_key_is_read_from_pem_and_der_with_and_without_a_password(form: Encoding) -> None:
    for key in (P256Key(1).private, RsaKey(1).private):
        plain = key.private_bytes(form, PrivateFormat.PKCS8, NoEncryption())
        sealed = key.private_bytes(form, PrivateFormat.PKCS8, BestAvailableEncryption(b"open"))
        for read in (read_private_key(plain), read_private_key(sealed, password=b"open")):
            assert sign_with(read, TRANSFER, LEDGER) == sign_with(key, TRANSFER, LEDGER)


def test_the_chain_takes_other_encodings_of_a_good_signature_which_are_refused_here(judges: Judges) -> None:
    signer = encoded(P256Key(1), judges.verifiers)
    longer = P256Key(1).sign(DIGEST) + b"\0"
    assert judges.take(signer, DIGEST, longer)
    with pytest.raises(MalformedSignature):
        require_signature(read_signer(signer, judges.verifiers), longer, TRANSFER, domain=LEDGER)
    assert p256.SIGNATURE_BYTES == 64
