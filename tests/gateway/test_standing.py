"""A party's standing: suspended and reinstated, its key replaced, a lost key recovered, each by those who may."""

from __future__ import annotations

from typing import Any

import pytest
from eth_account import Account

from tests.gateway.house import Desk, House
from tests.gateway.offering import problem, signed_outside
from tests.ledger.office import BANK, FACTOR, ISSUER, OTHER_BANK, REGISTRAR, A, B, C, key_of

ENDS = {
    "suspension-offers": {"reason": "licence revoked"},
    "reinstatement-offers": {"reason": "licence back"},
    "rekey-offers": {"signer": {"kind": "custodial"}},
    "recovery-offers": {"signer": {"kind": "custodial"}},
    "recovery-withdrawal-offers": {},
    "recovery-veto-offers": {},
    "recovery-finish-offers": {},
}


def registrar(house: House) -> Desk:
    return house.desk(REGISTRAR, "registrar")


def party(house: House, number: int = A) -> dict[str, Any]:
    found = house.desk(number).get(f"/parties/{number}")
    assert found.status_code == 200, found.text
    return dict(found.json())


def suspended(house: House, number: int = A) -> None:
    body = {"reason": "licence revoked"}
    offer = registrar(house).offers(f"/parties/{number}/suspension-offers", body)
    house.desk(REGISTRAR).signs(offer["id"])
    house.land()


def recovering(house: House, number: int = A, **signer: Any) -> dict[str, Any]:
    """A recovery that registrar and sponsor have signed, and the new key."""
    body = {"signer": signer or {"kind": "custodial"}}
    offer = registrar(house).offers(f"/parties/{number}/recovery-offers", body)
    for each in (REGISTRAR, BANK):
        house.desk(each).signs(offer["id"])
    return offer


# ---- refusals ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ENDS)
def test_a_party_is_not_there_for_whom_it_does_not_concern(shared_house: House, end: str) -> None:
    for stranger in (OTHER_BANK, FACTOR, ISSUER, B):
        done = shared_house.desk(stranger).post(f"/parties/{A}/{end}", ENDS[end])
        assert problem(done) == (404, "NotFound"), done.text
        unknown = shared_house.desk(stranger).post(f"/parties/{99}/{end}", ENDS[end])
        assert done.text == unknown.text
        assert problem(shared_house.desk(stranger).get(f"/parties/{A}")) == (404, "NotFound")


@pytest.mark.parametrize(
    ("by", "end", "expected"),
    [
        (BANK, "suspension-offers", (403, "NotASigner")),
        (A, "suspension-offers", (403, "NotASigner")),
        (BANK, "reinstatement-offers", (409, "NotSuspended")),
        (BANK, "rekey-offers", (403, "NotASigner")),
        (A, "recovery-veto-offers", (409, "NoRecovery")),
        (BANK, "recovery-withdrawal-offers", (409, "NoRecovery")),
        (A, "recovery-finish-offers", (409, "NoRecovery")),
    ],
)
def test_who_may_see_a_party_may_not_therefore_do_everything_to_it(
    shared_house: House, by: int, end: str, expected: tuple[int, str]
) -> None:
    done = shared_house.desk(by).post(f"/parties/{A}/{end}", ENDS[end])
    assert problem(done) == expected, done.text


def test_a_reason_is_wanted_and_the_registrar_stays(shared_house: House) -> None:
    desk = registrar(shared_house)
    assert desk.post(f"/parties/{A}/suspension-offers", {"reason": ""}).status_code == 422
    own = desk.post(f"/parties/{REGISTRAR}/suspension-offers", {"reason": "x"})
    assert problem(own) == (409, "RegistrarStays")
    done = desk.post(f"/parties/{A}/recovery-finish-offers", {"sign": True})
    assert problem(done) == (422, "InputError")


# ---- suspension --------------------------------------------------------------------------------------------


def test_a_suspended_party_receives_nothing_until_it_is_reinstated(any_house: House) -> None:
    house = any_house
    suspended(house)
    assert party(house)["suspended"] is True
    again = registrar(house).post(f"/parties/{A}/suspension-offers", {"reason": "x"})
    assert problem(again) == (409, "AlreadySuspended")
    refused = house.desk(ISSUER).post("/issuer/promise-offers", house.promise())
    assert problem(refused) == (409, "PartySuspended"), refused.text
    back = registrar(house).offers(f"/parties/{A}/reinstatement-offers", {"reason": "licence back"})
    house.desk(REGISTRAR).signs(back["id"])
    house.land()
    assert party(house)["suspended"] is False
    assert house.held()


# ---- keys --------------------------------------------------------------------------------------------------


def test_a_new_key_that_is_kept_here_takes_over_at_once(house: House) -> None:
    before = party(house)
    offer = house.desk(A).offers(f"/parties/{A}/rekey-offers", {"signer": {"kind": "custodial"}})
    house.desk(A).signs(offer["id"])
    house.land()
    after = party(house)
    assert after["signer"] != before["signer"]
    assert after["sequence"] == before["sequence"] + 1
    assert house.held()  # signed with the new one


def test_an_own_wallet_takes_over_when_both_keys_have_signed(house: House) -> None:
    new = key_of(C, 1)
    body = {"signer": {"kind": "wallet", "address": new.public_key.to_checksum_address()}}
    desk = house.desk(C)
    before = party(house, C)
    offer = desk.offers(f"/parties/{C}/rekey-offers", body)
    assert signed_outside(house, desk, offer["id"], C).status_code == 200  # the old one
    house.land()
    assert party(house, C) == before
    typed = desk.get(f"/offers/{offer['id']}/typed-data").json()
    signature = Account.sign_typed_data(new.to_bytes(), full_message=typed).signature
    done = desk.post(f"/offers/{offer['id']}/signatures", {"signature": "0x" + bytes(signature).hex()})
    assert done.status_code == 202, done.text
    house.land()
    assert party(house, C)["signer"] == new.public_key.to_address()


def test_a_lost_key_is_replaced_after_seven_days_by_whoever_asks(house: House) -> None:
    offer = recovering(house)
    house.desk(A).signs(offer["id"])  # the new key proves itself
    house.land()
    found = party(house)
    assert found["recovery"] == {
        "signer": found["recovery"]["signer"],
        "ready_on": house.day(7),
        "vetoed": False,
    }
    early = house.desk(A).post(f"/parties/{A}/recovery-finish-offers", {})
    assert problem(early) == (409, "RecoveryNotReady")
    house.office.pass_days(7)
    done = house.desk(A).post(f"/parties/{A}/recovery-finish-offers", {})
    assert (done.status_code, done.json()["status"]) == (202, "complete")
    house.land()
    after = party(house)
    assert after["recovery"] is None and after["signer"] == found["recovery"]["signer"]
    assert after["recovered_on"] == house.day(0)
    assert house.held()


def test_a_veto_takes_thirty_days_and_an_arbiter(house: House) -> None:
    house.desk(A).signs(recovering(house)["id"])
    house.land()
    veto = house.desk(A).offers(f"/parties/{A}/recovery-veto-offers", {"sign": True})
    house.land()
    assert veto["verb"] == "vetoRekey"
    assert party(house)["recovery"]["vetoed"] is True
    house.office.pass_days(30)
    alone = house.desk(BANK).post(f"/parties/{A}/recovery-finish-offers", {})
    assert problem(alone) == (409, "ArbiterExpected")
    concerned = house.desk(BANK).post(f"/parties/{A}/recovery-finish-offers", {"arbiter": BANK})
    assert problem(concerned) == (409, "ArbiterConcerned")


def test_those_who_proposed_a_recovery_take_it_back_together(house: House) -> None:
    house.desk(A).signs(recovering(house)["id"])
    house.land()
    offer = house.desk(BANK).offers(f"/parties/{A}/recovery-withdrawal-offers", {"sign": True})
    house.desk(REGISTRAR).signs(offer["id"])
    house.land()
    assert party(house)["recovery"] is None
