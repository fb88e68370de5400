"""A person with a passkey instead of a wallet: Chromium signs agreements afresh, and its answers land on the contract.

The browser comes with the npm packages (`tests/browser.py`); its virtual authenticator stands for a phone or laptop.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from ledger import p256, passkeys
from ledger.agreements import Agreement, PartyNumber
from ledger.credentials import Verifiers, require_consent, signer_of
from ledger.errors import OtherChallenge, OtherOrigin, OtherRelyingParty, Refusal, UserUnverified
from ledger.members import Contract
from ledger.passkeys import RelyingParty
from ledger.signing import Domain, digest, verifier_consent
from ledger.world import Party, Role, SignerKind
from tests.browser import Browser, chromium, empty_site
from tests.contract import verifying
from tests.contract.words import party
from tests.passkey_vector import RP_ID, Passkey, register
from tests.rig import BANK, REGISTRAR, A, B, Revm, Rig

NUMBER = 77


@dataclass(frozen=True)
class Person:
    """Somebody at our site, with a passkey."""

    passkey: Passkey
    site: RelyingParty

    @property
    def key(self) -> ec.EllipticCurvePublicKey:
        return p256.public_key_from_der(urlsafe_b64decode(self.passkey.public_key + "=="))

    def sign(
        self, signed: bytes, *, verification: str = "required", site: RelyingParty | None = None
    ) -> bytes:
        """What the site makes of the browser's answer."""
        answer = passkeys.read_assertion(self.passkey.sign(signed, verification=verification))
        return passkeys.signature_of(answer, signed, key=self.key, site=site or self.site)


@dataclass(frozen=True)
class Consenting:
    """The person as a party that the rig asks to sign."""

    person: Person
    signer: bytes

    def consent(self, agreement: Agreement, domain: Domain) -> bytes:
        return verifier_consent(self.signer, self.person.sign(digest(agreement, domain)))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def person(browser: Browser) -> Iterator[Person]:
    with empty_site() as origin:
        page = browser.open(origin)
        page.add_authenticator()
        yield Person(register(page), RelyingParty(RP_ID, (origin,)))


@pytest.fixture
def rig() -> Rig:
    """Both contracts, the line granted, passkeys allowed."""
    rig = Rig(Revm())
    rig.grant()
    verifying.allow(rig, "ERC7913WebAuthnVerifier")
    return rig


def joined(rig: Rig, person: Person) -> Consenting:
    """The person admitted as a party."""
    verifier = bytes.fromhex(verifying.verifier_at(rig, "ERC7913WebAuthnVerifier")[2:])
    signer = signer_of(person.key, Verifiers(passkey=verifier), passkey=True)
    consenting = Consenting(person, signer)
    rig.do(verifying.admission(NUMBER, signer), REGISTRAR, BANK, consenting)
    rig.signers[NUMBER] = consenting
    return consenting


# What is refused


def test_an_answer_for_one_agreement_does_not_serve_another(person: Person) -> None:
    answer = passkeys.read_assertion(person.passkey.sign(b"\1" * 32))
    with pytest.raises(OtherChallenge):
        passkeys.signature_of(answer, b"\2" * 32, key=person.key, site=person.site)


def test_a_page_on_another_port_is_another_site(person: Person) -> None:
    with empty_site() as elsewhere:
        person.passkey.page.visit(elsewhere)
        try:
            with pytest.raises(OtherOrigin, match=f"used at '{elsewhere}'"):
                person.sign(b"\1" * 32)
            elsewhere_too = replace(person.site, origins=(*person.site.origins, elsewhere))
            person.sign(b"\1" * 32, site=elsewhere_too)
        finally:
            person.passkey.page.visit(person.site.origins[0])


def test_a_site_under_another_name_does_not_take_it(person: Person) -> None:
    with pytest.raises(OtherRelyingParty):
        person.sign(b"\1" * 32, site=replace(person.site, rp_id="tallystick.example"))


def test_a_device_that_does_not_recognise_its_user_is_not_enough(browser: Browser) -> None:
    with empty_site() as origin:
        page = browser.open(origin)
        device = page.add_authenticator()
        somebody = Person(register(page), RelyingParty(RP_ID, (origin,)))
        page.call("WebAuthn.setUserVerified", authenticatorId=device, isUserVerified=False)
        with pytest.raises(UserUnverified):
            somebody.sign(b"\1" * 32, verification="discouraged")


def test_the_contract_refuses_an_answer_for_another_agreement(rig: Rig, person: Person) -> None:
    signer = joined(rig, person)
    voucher = rig.issued()
    rig.transfer(voucher, NUMBER)
    given, wanted = rig.transfer_of(voucher, B, deadline=2**38), rig.transfer_of(voucher, B)
    consent = signer.consent(given, rig.domain(Contract.LEDGER))
    with pytest.raises(Refusal) as refused:
        rig.do(wanted, consent, B)
    assert refused.value == Refusal("BadSignature", {"party": NUMBER})


# What counts


def test_a_person_joins_receives_and_passes_on_with_nothing_but_a_passkey(rig: Rig, person: Person) -> None:
    signer = joined(rig, person)
    voucher = rig.issued(supplier=A)
    rig.transfer(voucher, NUMBER)
    assert rig.voucher(voucher).holder == NUMBER
    onward = rig.transfer_of(voucher, B)
    rig.do(onward, NUMBER, B)
    assert rig.voucher(voucher).holder == B
    kept = party(rig, NUMBER)
    known = Party(
        signer=kept.signer,
        kind=SignerKind.VERIFIER,
        signature_gas=0,
        roles=Role(0),
        sponsor=PartyNumber(BANK),
        profile=bytes(32),
    )
    require_consent(
        signer.consent(onward, rig.domain(Contract.LEDGER)),
        onward,
        known,
        domain=rig.domain(Contract.LEDGER),
        verifiers=Verifiers(passkey=signer.signer[:20]),
        site=person.site,
    )
