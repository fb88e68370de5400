"""The public register asked at night: who is revoked there is suspended here, once, however often it is asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ledger.errors import InputError
from ledger.installation import DATABASE
from ledger.negotiation import register_check
from ledger.negotiation.business_registry import Registered, RegisterUnusable
from ledger.negotiation.register_check import Outcome, check_register
from ledger.offer_tables import OfferRow
from ledger.organisation_tables import OrganisationRow
from ledger.store import open_store
from scripts.cli import app
from tests.gateway.house import NAMES, PASSPHRASE, House
from tests.gateway.offering import problem, signed_outside
from tests.ledger.office import ISSUER, REGISTRAR, A, B, C, key_of

CODES = {A: "91350100M000100Y43", B: "91310000717854505P", C: "91110000100000000X"}


class Register:
    """A register in memory: by credit code a status, or what it fails with."""

    def __init__(self, said: Mapping[str, str | BaseException]) -> None:
        self.said, self.asked = said, 0

    def look_up(self, code: str) -> Registered | None:
        self.asked += 1
        found = self.said.get(code, "active")
        if isinstance(found, BaseException):
            raise found
        return None if found == "unknown" else Registered(code, "name", found, "somebody")


@pytest.fixture
def coded(house: House) -> House:
    """A house whose suppliers have credit codes."""
    with house.office.store.writing() as session:
        for party, code in CODES.items():
            session.query(OrganisationRow).filter_by(party=party).one().credit_code = code
    return house


def outcomes(house: House, register: Register) -> dict[int, Outcome]:
    found = check_register(house.office.store, house.gateway.setting, register)
    return {each.party: each.outcome for each in found}


def test_whoever_is_revoked_is_suspended_and_cannot_receive(coded: House) -> None:
    register = Register({CODES[A]: "revoked", CODES[B]: "deregistered", CODES[C]: "suspended"})
    assert outcomes(coded, register) == {A: Outcome.SUSPENDED, B: Outcome.SUSPENDED}
    coded.land()
    refused = coded.desk(ISSUER).post("/issuer/promise-offers", coded.promise())
    assert problem(refused) == (409, "PartySuspended"), refused.text
    assert coded.desk(A).get(f"/parties/{A}").json()["suspended"] is True


def test_asked_again_it_does_nothing_again(coded: House) -> None:
    register = Register({CODES[A]: "revoked"})
    assert outcomes(coded, register) == {A: Outcome.SUSPENDED}
    assert outcomes(coded, register) == {A: Outcome.UNDER_WAY}
    coded.land()
    assert outcomes(coded, register) == {}
    with coded.office.store.reading() as session:
        assert session.query(OfferRow).filter_by(verb="suspend").count() == 1


def test_killed_between_two_enterprises_it_goes_on_with_the_next_night(coded: House) -> None:
    class Killed(BaseException):
        pass

    with pytest.raises(Killed):
        outcomes(coded, Register({CODES[A]: "revoked", CODES[B]: Killed()}))
    register = Register({CODES[A]: "revoked", CODES[B]: "revoked"})
    assert outcomes(coded, register) == {A: Outcome.UNDER_WAY, B: Outcome.SUSPENDED}


def test_without_the_registrar_s_key_it_waits_for_the_registrar(coded: House) -> None:
    address = key_of(REGISTRAR).public_key.to_checksum_address()
    coded.gateway.setting.ring.drop(REGISTRAR, address)
    assert outcomes(coded, Register({CODES[A]: "revoked"})) == {A: Outcome.OFFERED}
    assert outcomes(coded, Register({CODES[A]: "revoked"})) == {A: Outcome.UNDER_WAY}
    (offer,) = coded.desk(REGISTRAR).get("/offers", to_sign=True).json()["items"]
    assert offer["verb"] == "suspend"
    assert signed_outside(coded, coded.desk(REGISTRAR), offer["id"], REGISTRAR).status_code == 202
    coded.land()
    assert coded.desk(A).get(f"/parties/{A}").json()["suspended"] is True


def test_who_is_unknown_is_told_and_left_alone(coded: House) -> None:
    assert outcomes(coded, Register({CODES[A]: "unknown"})) == {A: Outcome.UNKNOWN}
    with coded.office.store.reading() as session:
        assert session.query(OfferRow).count() == 0


def test_a_register_that_is_away_suspends_nobody_and_is_left_alone_after_a_while(coded: House) -> None:
    away = RegisterUnusable("away")
    register = Register({CODES[A]: away, CODES[B]: "revoked"})
    assert outcomes(coded, register) == {A: Outcome.UNASKED, B: Outcome.SUSPENDED}
    with coded.office.store.writing() as session:
        for number, party in enumerate(each for each in NAMES if each not in CODES):
            row = session.query(OrganisationRow).filter_by(party=party).one()
            row.credit_code = f"{number:018d}"
    silent = Register(dict.fromkeys([*CODES.values(), *(f"{n:018d}" for n in range(9))], away))
    check_register(coded.office.store, coded.gateway.setting, silent)
    assert silent.asked == register_check.MOST_UNASKED


def test_a_rule_that_is_against_it_is_told(coded: House) -> None:
    with coded.office.store.writing() as session:
        row = session.query(OrganisationRow).filter_by(party=REGISTRAR).one()
        row.credit_code = "91440300708461136T"
    found = check_register(
        coded.office.store, coded.gateway.setting, Register({"91440300708461136T": "revoked"})
    )
    assert [(each.outcome, each.why) for each in found] == [(Outcome.REFUSED, "RegistrarStays")]


def test_a_registrar_without_an_organisation_is_named(coded: House) -> None:
    with coded.office.store.writing() as session:
        session.query(OrganisationRow).filter_by(party=REGISTRAR).one().party = 99
    with pytest.raises(InputError, match="registrar"):
        outcomes(coded, Register({}))


def test_a_night_s_check_goes_on_until_it_is_told_to_stop_and_asks_once_a_day(
    coded: House, caplog: pytest.LogCaptureFixture
) -> None:
    stop, register = threading.Event(), Register({CODES[A]: "revoked", CODES[B]: "unknown"})
    day = 86_400
    nights: list[int] = []

    class Clock(threading.Event):
        """Each wait is the next look, half a day later."""

        def wait(self, timeout: float | None = None) -> bool:
            nights.append(register.asked)
            coded.clock.now += day // 2
            return len(nights) == 4 or stop.is_set()

    register_check.serve(coded.office.store, coded.gateway.setting, register, stop=Clock())
    assert nights in ([3, 3, 6, 6], [3, 6, 6, 9])
    assert f"{CODES[A]} revoked: suspended" in caplog.text


@pytest.mark.parametrize(("status", "code"), [("active", 0), ("revoked", 0), ("unknown", 1)])
def test_the_command_says_what_it_did(
    installation: tuple[Path, dict[str, Any]], monkeypatch: pytest.MonkeyPatch, status: str, code: int
) -> None:
    directory, _ = installation
    listed = CODES[B] if status == "unknown" else CODES[A]
    row = f"{listed},name,{'active' if status == 'unknown' else status},somebody"
    (directory / "register.csv").write_text(f"code,name,status,legal_representative\n{row}\n", "utf-8")
    with open_store(f"sqlite:///{directory / DATABASE}") as store, store.writing() as session:
        session.query(OrganisationRow).filter_by(party=A).one().credit_code = CODES[A]
    monkeypatch.setenv("TALLYSTICK_PASSPHRASE", PASSPHRASE)
    words = ["check-register", "-d", str(directory), "--register", str(directory / "register.csv"), "--json"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == code, done.output
    found = [each["outcome"] for each in json.loads(done.stdout)["findings"]]
    assert found == {"active": [], "revoked": ["suspended"], "unknown": ["unknown"]}[status]
