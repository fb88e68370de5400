"""Enterprises that sign with a P-256 key, a passkey, or the RSA key of a certificate, from the application on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from eth_utils.crypto import keccak

from ledger.agreements import ListVerifier
from ledger.artifacts import load
from ledger.negotiation.onboarding import settle
from ledger.offer_tables import OfferRow
from ledger.verifiers import ARTIFACTS
from tests.contract.verifying import CAP, NOTICE, Key, P256Key, Passkey, RsaKey
from tests.credit_codes import complete_credit_code
from tests.gateway.applying import PERSON, application
from tests.gateway.house import House
from tests.gateway.offering import problem
from tests.ledger.office import BANK, ISSUER, LATER, REGISTRAR
from tests.ledger.test_certificates import KEY, MIDDLE_KEY, authority, certificate, leaf, middle, pem

_NUMBERS = count(1)


@pytest.fixture(scope="module")
def house(shared_house: House) -> Iterator[House]:
    """A registry that takes the three kinds, and a gateway that trusts one authority."""
    office, plain = shared_house.office, shared_house.gateway
    for sequence, name in enumerate(ARTIFACTS.values()):
        verifier = office.chain.deploy(load(name), []).address
        code = keccak(load(name).deployed_bytecode)
        office.do(ListVerifier(sequence, bytes.fromhex(verifier[2:]), CAP, code, LATER), REGISTRAR)
    office.pass_days(NOTICE)
    office.follow()
    shared_house.app.state.gateway = replace(plain, authorities=(pem(authority()),))
    yield shared_house
    shared_house.app.state.gateway = plain


def public_pem(key: Any) -> str:
    return str(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())


def applies(house: House, signer: dict[str, Any]) -> Any:
    number = next(_NUMBERS)
    body = application(
        house,
        name=f"青禾齿轮{number}号厂",
        credit_code=complete_credit_code(f"91350100M{number:07d}"),
        signer=signer,
        person={**PERSON, "login": f"li.wei.{number}"},
    )
    return body, house.nobody().post("/api/v1/applications", json=body)


@pytest.mark.parametrize(
    "chain",
    [
        lambda: certificate("Supplier 6", KEY, "Stranger", MIDDLE_KEY),
        lambda: certificate("Supplier 6", KEY, "Middle", MIDDLE_KEY),
        lambda: certificate("Supplier 6", KEY, "Supplier 6", KEY),
        lambda: authority(),
    ],
    ids=["of another authority", "without what stands between", "its own authority", "an authority's own"],
)
def test_a_certificate_that_no_trusted_authority_stands_behind_is_refused(
    house: House, chain: Callable[[], x509.Certificate]
) -> None:
    _, done = applies(house, {"kind": "certificate", "text": pem(chain()).decode()})
    assert problem(done)[0] == 422, done.text
    assert problem(done)[1].startswith("Certificate")


SIGNERS: dict[str, tuple[Key, Callable[[], dict[str, Any]]]] = {
    "P-256 key": (P256Key(71), lambda: {"kind": "key", "text": public_pem(P256Key(71).private)}),
    "passkey": (Passkey(72), lambda: {"kind": "passkey", "point": "0x" + Passkey(72).public.hex()}),
    "certificate": (RsaKey(3), lambda: {"kind": "certificate", "text": pem(leaf()).decode()}),
    "certificate with one between": (
        RsaKey(4),
        lambda: {
            "kind": "certificate",
            "text": pem(
                certificate("Supplier 7", RsaKey(4).private, "Middle", MIDDLE_KEY), middle()
            ).decode(),
        },
    ),
}


@pytest.mark.parametrize("kind", SIGNERS)
def test_an_enterprise_with_a_key_of_its_own_is_admitted_and_signs_with_it(house: House, kind: str) -> None:
    key, named = SIGNERS[kind]
    body, done = applies(house, named())
    assert done.status_code == 201, done.text
    number, signer = done.json()["organisation"], done.json()["signer"]
    row = {
        "code": body["credit_code"],
        "name": body["name"],
        "status": "active",
        "legal_representative": "王芳",
    }
    house.register.write_text(",".join(row) + "\n" + ",".join(row.values()) + "\n", encoding="utf-8")
    assert house.desk(BANK).post(f"/applications/{number}/check").status_code == 200
    offer = house.desk(REGISTRAR, "registrar").offers(f"/applications/{number}/admission", {})
    for party in (REGISTRAR, BANK):
        house.desk(party).signs(offer["id"])
    applicant = house.signed_in(body["person"]["login"])

    def signs(offered: str, by: Key) -> Any:
        with house.office.store.reading() as session:
            digest = session.query(OfferRow).filter_by(id=offered).one().digest
        signature = {"signature": "0x" + by.sign(digest).hex(), "signer": signer}
        return applicant.post(f"/offers/{offered}/signatures", signature)

    other = replace(key, number=9)  # type: ignore[type-var]
    assert problem(signs(offer["id"], other))[0] == 422
    assert signs(offer["id"], key).status_code == 202
    house.land()
    with house.office.store.writing() as session:
        assert settle(session, house.gateway.setting) == 1
    party = applicant.get("/session").json()["caller"]["party"]
    promised = house.promise(supplier=party, reference=f"PO {kind}")
    voucher = house.desk(ISSUER).offers("/issuer/promise-offers", promised)
    assert signs(voucher["id"], key).status_code == 202
    house.land()
    assert applicant.get(f"/vouchers/{voucher['voucher']}").json()["standing"] == "holder"
