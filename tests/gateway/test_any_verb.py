"""Any agreement as an offer, given as it will be signed: by a program that knows what it wants."""

from __future__ import annotations

from typing import Any

import pytest
from eth_account import Account

from tests.gateway.house import House
from tests.gateway.offering import offered, problem, signed_outside
from tests.ledger.office import BANK, FACTOR, ISSUER, OTHER_BANK, REGISTRAR, A, B, C, key_of

HASH = "0x" + "5a" * 32


def given(verb: str, **members: Any) -> dict[str, Any]:
    return {"agreement": {"agreement": verb, **members}}


def agreed(house: House, verb: str, *parties: int, **members: Any) -> dict[str, Any]:
    """Offered by the first, signed by all with the keys that are kept; and landed."""
    first, *others = parties
    offer = house.desk(first).offers("/offers", {**given(verb, **members), "sign": True})
    for party in others:
        house.desk(party).signs(offer["id"])
    house.land()
    done: dict[str, Any] = house.desk(first).get(f"/offers/{offer['id']}").json()
    assert done["status"] == "landed", done
    return done


# ---- what is not the caller's ------------------------------------------------------------------------------


def test_what_others_have_is_as_good_as_not_there(shared_house: House) -> None:
    house = shared_house
    voucher, none = house.held(reference="PO others"), "0x" + "77" * 32
    for desk in (house.desk(B), house.desk(OTHER_BANK), house.desk(REGISTRAR)):
        for verb, members in (
            ("Revoke", {}),
            ("Cancel", {}),
            ("Transfer", {"recipient": B, "overdue": False, "invoices": []}),
            ("Discount", {"funder": FACTOR, "quote": HASH, "pay_by": house.day(9)}),
        ):
            theirs = desk.post("/offers", given(verb, voucher=voucher, sequence=7, **members))
            unknown = desk.post("/offers", given(verb, voucher=none, sequence=7, **members))
            assert problem(theirs) == (404, "NotFound")
            assert theirs.text == unknown.text
    stranger = house.desk(OTHER_BANK)
    resized = {"limit": "1.00", "sequence": 7, "expiry": house.day(9)}
    theirs, unknown = (
        stranger.post("/offers", given("ResizeLine", line=line, **resized)) for line in ("2-1", "2-9")
    )
    assert problem(theirs) == problem(unknown) == (409, "UnknownLine")
    suspended = given("Suspend", party=A, sequence=9, reason=HASH)
    assert problem(stranger.post("/offers", suspended)) == (404, "NotFound")


def test_who_passed_a_voucher_on_learns_nothing_of_its_present_state(house: House) -> None:
    voucher = house.held()
    agreed(house, "Transfer", A, B, voucher=voucher, sequence=1, recipient=B, overdue=False, invoices=[])
    answer = house.desk(A).post("/offers", given("Revoke", voucher=voucher, sequence=1))
    assert problem(answer) == (404, "NotFound")
    assert problem(house.desk(B).post("/offers", given("Revoke", voucher=voucher, sequence=1))) == (
        409,
        "WrongSequence",
    )


def test_who_need_not_sign_offers_nothing(shared_house: House) -> None:
    house = shared_house
    voucher = house.held(reference="PO bystander")
    for party in (ISSUER, BANK):
        answer = house.desk(party).post("/offers", given("Revoke", voucher=voucher, sequence=1))
        assert problem(answer) == (403, "NotASigner")


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({"agreement": "Steal"}, "InputError"),
        ({"sequence": "1"}, "InputError"),
        ({"sequence": True}, "InputError"),
        ({"sequence": -1}, "InputError"),
        ({"voucher": "0x12"}, "InputError"),
        ({"by": 2}, "InputError"),
        ({"deadline": 1}, "AgreementExpired"),
        ({"deadline": 2**39}, "InputError"),
        ({"sequence": 4}, "WrongSequence"),
    ],
)
def test_what_cannot_be_read_or_happen_is_not_offered(
    shared_house: House, held: str, changed: dict[str, Any], name: str
) -> None:
    body = {"agreement": {"agreement": "Revoke", "voucher": held, "sequence": 1, **changed}}
    assert problem(shared_house.desk(A).post("/offers", body))[1] == name


def test_an_agreement_is_given_as_it_is_shown_and_an_amount_that_is_no_text_is_refused(
    shared_house: House,
) -> None:
    house, desk = shared_house, shared_house.desk(ISSUER)
    shown = offered(house, reference="PO shown")["agreement"]
    again = {**shown, "issuer_reference": "0x" + "17" * 32}
    for wrong in (100_000, "1000.001", "1e3", None):
        assert problem(desk.post("/offers", {"agreement": {**again, "face": wrong}})) == (422, "InputError")
    first = again["invoices"][0]
    numbered = {**again, "invoices": [{**first, "amount": 100_000}]}
    assert problem(desk.post("/offers", {"agreement": numbered})) == (422, "InputError")
    invoices = [{**first, "fingerprint": "0x" + "18" * 32}]
    made = desk.offers("/offers", {"agreement": {**again, "invoices": invoices}})
    assert made["agreement"] == {**again, "invoices": invoices}


@pytest.fixture(scope="module")
def held(shared_house: House) -> str:
    return shared_house.held(reference="PO held")


def test_what_does_not_belong_to_the_verb_is_refused(shared_house: House, held: str) -> None:
    house, desk = shared_house, shared_house.desk(A)
    revoke = given("Revoke", voucher=held, sequence=1)
    issue = offered(house, reference="PO issued")["agreement"]
    for more in ({"agreed": True}, {"issued": revoke["agreement"]}, {"issued": issue}):
        assert problem(desk.post("/offers", {**revoke, **more})) == (422, "InputError")
    bare = given("CancelWhole", voucher=held, sequence=1)
    assert problem(desk.post("/offers", bare)) == (422, "InputError")
    both = given("Revoke", voucher=held, sequence=1, deadline=1_800_000_000)
    assert problem(desk.post("/offers", {**both, "valid_until": house.day(3)})) == (422, "InputError")


# ---- what is ---------------------------------------------------------------------------------------------


def test_a_sale_is_paid_and_a_pledge_released(any_house: House) -> None:
    house = any_house
    voucher = house.held()
    agreed(
        house,
        "Discount",
        A,
        FACTOR,
        voucher=voucher,
        sequence=1,
        funder=FACTOR,
        quote=HASH,
        pay_by=house.day(9),
    )
    payment = {
        "purpose": "disbursement",
        "amount": "0.00",
        "value_day": house.day(0),
        "payment_reference": HASH,
    }
    agreed(house, "AssertPayment", FACTOR, voucher=voucher, sequence=2, payee=A, **payment)
    agreed(house, "ConfirmPayment", A, voucher=voucher, sequence=3)
    assert house.desk(FACTOR).get(f"/vouchers/{voucher}").json()["standing"] == "holder"
    sequence = house.desk(FACTOR).get(f"/vouchers/{voucher}").json()["sequence"]
    pledge = {"pledgee": OTHER_BANK, "secured": "50.00", "filing": HASH, "end_day": house.day(20)}
    agreed(house, "Pledge", FACTOR, OTHER_BANK, voucher=voucher, sequence=sequence, **pledge)
    seen = house.desk(OTHER_BANK).get(f"/vouchers/{voucher}").json()
    assert (seen["standing"], seen["locks"]) == ("concerned", ["pledge"])
    agreed(house, "Release", OTHER_BANK, voucher=voucher, sequence=sequence + 1, by=OTHER_BANK)
    assert house.desk(OTHER_BANK).get(f"/vouchers/{voucher}").json()["standing"] == "former"


def test_a_payment_that_its_payee_signs_too_takes_effect_at_once(house: House) -> None:
    voucher = house.held()
    settled = given(
        "AssertPayment",
        voucher=voucher,
        sequence=1,
        purpose="settlement",
        payee=A,
        amount="1000.00",
        value_day=house.day(0),
        payment_reference=HASH,
    )
    offer = house.desk(BANK).offers("/offers", {**settled, "agreed": True, "sign": True})
    assert [each["party"] for each in offer["consents"]] == [BANK, A]
    assert house.desk(A).signs(offer["id"])["status"] == "complete"
    house.land()
    assert house.desk(A).get(f"/vouchers/{voucher}").json()["ended_as"] == "settled"


def test_bank_and_registrar_reach_their_verbs(house: House) -> None:
    voucher = house.held()
    agreed(house, "ResizeLine", BANK, line="2-1", sequence=1, limit="100000.00", expiry=house.day(99))
    agreed(house, "FreezeLine", BANK, line="2-1", sequence=2, frozen=True, reason=HASH)
    agreed(house, "Freeze", REGISTRAR, voucher=voucher, order=HASH, until=house.day(9))
    agreed(house, "Unfreeze", REGISTRAR, voucher=voucher, order="0x" + "6b" * 32)
    agreed(house, "Suspend", REGISTRAR, party=A, sequence=1, reason=HASH)
    agreed(house, "SetTenorCap", REGISTRAR, sequence=0, cap=180, in_force_from=house.day(31))
    agreed(house, "StopIssue", REGISTRAR, sequence=1, issuer=ISSUER, stopped=True, reason=HASH)


def test_a_promise_is_cancelled_with_its_issue_resupplied(house: House) -> None:
    offer = offered(house)
    house.desk(A).signs(offer["id"])
    house.land()
    cancel = {**given("CancelWhole", voucher=offer["voucher"], sequence=1), "issued": offer["agreement"]}
    made = house.desk(A).offers("/offers", {**cancel, "sign": True})
    house.desk(ISSUER).signs(made["id"])
    house.land()
    assert house.desk(A).get(f"/vouchers/{offer['voucher']}").json()["ended_as"] == "cancelled"


def test_a_wallet_is_replaced_by_another_that_proves_itself(house: House) -> None:
    desk, fresh = house.desk(C), key_of(C, 1)
    signer = "0x" + bytes(fresh.public_key.to_canonical_address()).hex()
    offer = desk.offers("/offers", given("Rekey", party=C, sequence=1, signature_gas=0, signer=signer))
    assert [each["party"] for each in offer["consents"]] == [C, C]
    assert signed_outside(house, desk, offer["id"], C).json()["status"] == "open"
    assert problem(signed_outside(house, desk, offer["id"], C)) == (422, "WrongSignature")
    typed = desk.get(f"/offers/{offer['id']}/typed-data").json()
    signed = bytes(Account.sign_typed_data(fresh.to_bytes(), full_message=typed).signature)
    done = desk.post(f"/offers/{offer['id']}/signatures", {"signature": "0x" + signed.hex()})
    assert (done.status_code, done.json()["status"]) == (202, "complete")
    house.land()
    assert desk.get(f"/offers/{offer['id']}").json()["status"] == "landed"
