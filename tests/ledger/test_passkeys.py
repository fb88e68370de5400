"""Passkeys: an answer counts for one site, one agreement and a person who was there; else it has an error of its own.

The kept answer is a real one, of Chromium (`tests/passkey_vector.py`); answers that no browser gives are made by a
second implementation (`tests/contract/verifying.py`). What is let pass here is also asked of the verifier on an EVM.
"""

from __future__ import annotations

import copy
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from eth_abi.abi import decode, encode
from hypothesis import given
from hypothesis import strategies as st

from ledger import p256, passkeys
from ledger.credentials import signer_of
from ledger.errors import (
    CredentialError,
    HighS,
    InputError,
    MalformedAssertion,
    MalformedSignature,
    OtherChallenge,
    OtherOrigin,
    OtherRelyingParty,
    UserAbsent,
    UserUnverified,
    WrongSignature,
)
from ledger.passkeys import Assertion, RelyingParty
from ledger.signing import digest
from tests.contract.verifying import BACKED_UP, ELIGIBLE, PRESENT, SITE, VERIFIED, Passkey
from tests.ledger.judges import Judges
from tests.ledger.samples import LEDGER, TRANSFER, few
from tests.passkey_vector import VECTOR

HERE = RelyingParty(SITE[0], (SITE[1],))
DIGEST = digest(TRANSFER, LEDGER)
PASSKEY = Passkey(1)
PUBLIC = PASSKEY.key.private.public_key()
ABI = ["bytes32", "bytes32", "uint256", "uint256", "bytes", "string"]


@dataclass(frozen=True)
class Kept:
    """The vector, read."""

    answer: dict[str, Any]
    digest: bytes
    key: ec.EllipticCurvePublicKey
    site: RelyingParty

    def signature(self, **changes: Any) -> bytes:
        values: dict[str, Any] = {"digest": self.digest, "key": self.key, "site": self.site} | changes
        signed = values.pop("digest")
        return passkeys.signature_of(passkeys.read_assertion(self.answer), signed, **values)


@pytest.fixture
def kept() -> Kept:
    vector = json.loads(VECTOR.read_text())
    key = p256.public_key_from_der(urlsafe_b64decode(vector["public_key"] + "=="))
    site = RelyingParty(vector["rp_id"], (vector["origin"],))
    return Kept(vector["answer"], bytes.fromhex(vector["digest"]), key, site)


@pytest.fixture(scope="module")
def judges() -> Judges:
    return Judges()


def answer_of(passkey: Passkey = PASSKEY, digest: bytes = DIGEST) -> Assertion:
    """The second implementation's answer, in the form in which a browser gives it."""
    r, s, _, _, authenticator, client = decode(ABI, passkey.sign(digest))
    signature = encode_dss_signature(int.from_bytes(r), int.from_bytes(s))
    return Assertion(authenticator, client.encode(), signature)


def resigned(answer: Assertion, **changes: bytes) -> Assertion:
    """An answer with other content, signed by the right key again."""
    changed = replace(answer, **changes)
    r, s = PASSKEY.key.r_s(passkeys._signed(changed.authenticator_data, changed.client_data))
    return replace(changed, signature=encode_dss_signature(r, s))


def claiming(**claims: object) -> Assertion:
    """An answer whose client data claims this instead."""
    content = json.loads(answer_of().client_data) | claims
    return resigned(answer_of(), client_data=json.dumps(content, separators=(",", ":")).encode())


def signature_of(answer: Assertion, site: RelyingParty = HERE) -> bytes:
    return passkeys.signature_of(answer, DIGEST, key=PUBLIC, site=site)


# What is refused


def test_an_answer_given_to_another_site_is_refused(kept: Kept) -> None:
    ours = RelyingParty("localhost", ("https://portal.example.cn", "https://www.example.cn"))
    with pytest.raises(
        OtherOrigin, match=r"http://localhost:\d+', not at https://portal.example.cn or https://www"
    ):
        kept.signature(site=ours)
    for claims in ({"origin": SITE[1] + ".evil.cn"}, {"origin": SITE[1] + "/"}, {"origin": None}):
        with pytest.raises(OtherOrigin, match=r"not at https://tallystick.example: sign there"):
            signature_of(claiming(**claims))


def test_an_answer_given_inside_another_sites_page_is_refused() -> None:
    with pytest.raises(OtherOrigin, match="inside another site's page"):
        signature_of(claiming(crossOrigin=True))


def test_an_answer_to_another_agreement_is_refused(kept: Kept) -> None:
    other = digest(replace(TRANSFER, sequence=2), LEDGER)
    with pytest.raises(OtherChallenge, match="for another agreement"):
        kept.signature(digest=other)
    with pytest.raises(OtherChallenge):
        passkeys.verify(other, kept.signature(), kept.key)


def test_a_passkey_of_another_domain_name_is_refused(kept: Kept) -> None:
    with pytest.raises(OtherRelyingParty, match=r"does not belong to 'example.cn'"):
        kept.signature(site=replace(kept.site, rp_id="example.cn"))


@pytest.mark.parametrize("flags", [0, VERIFIED, VERIFIED | ELIGIBLE | BACKED_UP])
def test_an_answer_that_nobody_touched_the_device_for_is_refused(flags: int) -> None:
    answer = answer_of(replace(PASSKEY, flags=flags))
    with pytest.raises(UserAbsent, match="nobody touched"):
        signature_of(answer)


def test_an_answer_without_pin_finger_or_face_is_refused() -> None:
    with pytest.raises(UserUnverified, match="PIN, finger or face"):
        signature_of(answer_of(replace(PASSKEY, flags=PRESENT)))


def test_a_passkey_that_is_backed_up_and_cannot_be_is_refused() -> None:
    with pytest.raises(MalformedAssertion, match="backed up"):
        signature_of(answer_of(replace(PASSKEY, flags=PRESENT | VERIFIED | BACKED_UP)))


def test_the_making_of_a_passkey_is_no_signature() -> None:
    with pytest.raises(MalformedAssertion, match=r"of type 'webauthn.create'"):
        signature_of(answer_of(replace(PASSKEY, kind="webauthn.create")))


def test_another_passkeys_signature_is_refused(kept: Kept) -> None:
    with pytest.raises(WrongSignature, match="did not sign this"):
        kept.signature(key=PUBLIC)


def test_a_signature_of_the_answer_that_is_not_exact_der_is_refused(kept: Kept) -> None:
    answer = passkeys.read_assertion(kept.answer)
    for bad in (answer.signature[:-1], answer.signature + b"\0", b""):
        with pytest.raises(MalformedSignature, match="no signature in DER"):
            passkeys.signature_of(replace(answer, signature=bad), kept.digest, key=kept.key, site=kept.site)


@pytest.mark.parametrize(
    "client_data",
    [
        b"",
        b"[]",
        b"\xff",
        b'"type"',
        b"[" * 1_000_000,
        json.dumps(
            json.loads(answer_of().client_data)
        ).encode(),  # with blanks, which the chain does not read
    ],
    ids=["nothing", "a list", "no text", "a text", "endless", "blanks"],
)
def test_client_data_that_no_browser_writes_is_refused(client_data: bytes) -> None:
    with pytest.raises(MalformedAssertion, match="client data"):
        signature_of(resigned(answer_of(), client_data=client_data))


def test_authenticator_data_that_breaks_off_is_refused() -> None:
    answer = answer_of()
    for length in (0, 32, 36):
        with pytest.raises(MalformedAssertion, match=f"authenticator data of {length} bytes"):
            signature_of(resigned(answer, authenticator_data=answer.authenticator_data[:length]))


@pytest.mark.parametrize("name", ["authenticatorData", "clientDataJSON", "signature"])
def test_an_answer_with_a_part_missing_or_unreadable_is_refused(kept: Kept, name: str) -> None:
    for bad in (None, "", 7, "a", "a b", "AA==", "+/+/", "é"):
        answer = copy.deepcopy(kept.answer)
        answer["response"][name] = bad
        with pytest.raises(MalformedAssertion, match=f"{name} of a passkey's answer"):
            passkeys.read_assertion(answer)


@pytest.mark.parametrize("answer", [None, [], "x", {}, {"response": None}, {"response": []}])
def test_what_is_no_answer_is_refused(answer: object) -> None:
    with pytest.raises(MalformedAssertion, match="without a response"):
        passkeys.read_assertion(answer)


def test_a_site_without_a_name_or_an_origin_is_refused() -> None:
    for rp_id, origins in (("", ("https://a.cn",)), ("a.cn", ())):
        with pytest.raises(InputError, match="needs an RP id and at least one origin"):
            RelyingParty(rp_id, origins)


def test_a_collected_signature_with_a_high_s_is_refused_here_and_on_the_chain(judges: Judges) -> None:
    r, s, *rest = decode(ABI, signature_of(answer_of()))
    high = encode(ABI, [r, (p256.ORDER - int.from_bytes(s)).to_bytes(32), *rest])
    with pytest.raises(HighS):
        passkeys.verify(DIGEST, high, PUBLIC)
    assert not judges.take(signer_of(PUBLIC, judges.verifiers, passkey=True), DIGEST, high)


def test_a_collected_signature_in_another_encoding_is_refused() -> None:
    good = signature_of(answer_of())
    r, s, challenge, kind, authenticator, client = decode(ABI, good)
    for bad in (
        b"",
        good[:-1],
        good[:-32],
        good + bytes(32),
        encode([f"({','.join(ABI)})"], [(r, s, challenge, kind, authenticator, client)]),
        encode(ABI, [r, s, challenge + 1, kind, authenticator, client]),
        encode(ABI, [r, s, challenge, kind + 1, authenticator, client]),
    ):
        with pytest.raises(MalformedSignature):
            passkeys.verify(DIGEST, bad, PUBLIC)


@few
@given(data=st.data())
def test_a_changed_byte_anywhere_makes_a_named_refusal(kept_signature: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(kept_signature) - 1))
    bit = data.draw(st.integers(0, 7))
    bad = bytearray(kept_signature)
    bad[at] ^= 1 << bit
    with pytest.raises(CredentialError):
        passkeys.verify(DIGEST, bytes(bad), PUBLIC, site=HERE)


@pytest.fixture(scope="module")
def kept_signature() -> bytes:
    return signature_of(answer_of())


# What counts


def test_chromiums_answer_counts_here_and_on_the_chain(kept: Kept, judges: Judges) -> None:
    assert kept.digest == DIGEST, "the agreement's type has changed: run python -m tests.passkey_vector"
    signature = kept.signature()
    passkeys.verify(kept.digest, signature, kept.key, site=kept.site)
    signer = signer_of(kept.key, judges.verifiers, passkey=True)
    assert judges.take(signer, kept.digest, signature)
    assert not judges.take(signer, kept.digest[::-1], signature)


def test_the_encoding_is_that_of_the_second_implementation_but_for_nothing(judges: Judges) -> None:
    for flags in (
        PRESENT | VERIFIED,
        PRESENT | VERIFIED | ELIGIBLE,
        PRESENT | VERIFIED | ELIGIBLE | BACKED_UP,
    ):
        passkey = replace(PASSKEY, flags=flags)
        signature = signature_of(answer_of(passkey))
        assert signature == passkey.sign(DIGEST)
        assert judges.take(signer_of(PUBLIC, judges.verifiers, passkey=True), DIGEST, signature)


def test_a_high_s_of_the_device_is_lowered_on_the_way() -> None:
    answer = answer_of()
    r, s = PASSKEY.key.r_s(passkeys._signed(answer.authenticator_data, answer.client_data))
    high = replace(answer, signature=encode_dss_signature(r, p256.ORDER - s))
    assert signature_of(high) == signature_of(answer)


def test_without_a_site_only_what_the_chain_looks_at_counts(judges: Judges) -> None:
    elsewhere = claiming(origin="https://elsewhere.cn", crossOrigin=True)
    signature = signature_of(
        claiming(origin="https://elsewhere.cn"), RelyingParty(SITE[0], ("https://elsewhere.cn",))
    )
    with pytest.raises(OtherOrigin):
        signature_of(elsewhere)
    with pytest.raises(OtherOrigin):
        passkeys.verify(DIGEST, signature, PUBLIC, site=HERE)
    passkeys.verify(DIGEST, signature, PUBLIC)
    assert judges.take(signer_of(PUBLIC, judges.verifiers, passkey=True), DIGEST, signature)


def test_client_data_may_hold_more_than_the_four_members_and_text_beyond_ascii(judges: Judges) -> None:
    content = json.loads(answer_of().client_data) | {"other": "值"}
    text = json.dumps({"zh": "签", **content}, ensure_ascii=False, separators=(",", ":"))
    signature = signature_of(resigned(answer_of(), client_data=text.encode()))
    assert judges.take(signer_of(PUBLIC, judges.verifiers, passkey=True), DIGEST, signature)


def test_the_parts_of_an_answer_are_read_as_base64url(kept: Kept) -> None:
    answer = passkeys.read_assertion(kept.answer)
    for name, part in (("authenticatorData", answer.authenticator_data), ("signature", answer.signature)):
        assert urlsafe_b64encode(part).decode().rstrip("=") == kept.answer["response"][name]
