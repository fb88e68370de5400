"""A sandbox for partners: apart from what counts, marked in every answer, and open to do everything in."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from gateway.app import create_app
from ledger.calendar import date_of_day, utc
from ledger.embedded import EmbeddedChain
from ledger.installation import CHAIN, CHAIN_URL, DATABASE, DATABASE_URL, SANDBOX
from ledger.negotiation.access import StaffRole
from ledger.organisation_tables import OrganisationRow, PersonRow
from ledger.store import open_store
from scripts.cli import app
from scripts.cli_screen import Screen
from scripts.cli_serve import open_to_partners
from tests.engines import ROOT, free_port
from tests.gateway.house import PASSPHRASE, House, embedded_copy
from tests.gateway.served import accepted, answers, until
from tests.ledger.office import ISSUER, A

DAY = timedelta(days=1)


def said(monkeypatch: pytest.MonkeyPatch, *words: str) -> str:
    monkeypatch.setenv("TALLYSTICK_PASSPHRASE", PASSPHRASE)
    done = CliRunner().invoke(app, ["serve", *words])
    assert done.exit_code == 2, done.output
    return done.output


def test_an_installation_that_counts_is_never_served_as_a_sandbox_nor_the_reverse(
    founded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "has an installation that is none" in said(monkeypatch, "--sandbox", "-d", str(founded))
    copy = tmp_path / "copy"
    shutil.copytree(founded, copy)
    (copy / SANDBOX).touch()
    assert "serve it with --sandbox" in said(monkeypatch, "-d", str(copy))


@pytest.mark.parametrize("how", ["--node", CHAIN_URL, DATABASE_URL])
def test_a_sandbox_is_on_no_chain_and_in_no_database_of_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    words = ["--sandbox", "-d", str(tmp_path / "new")]
    if how == "--node":
        words += [how, "http://127.0.0.1:1"]
    else:
        monkeypatch.setenv(how, "x")
    assert "of its own" in said(monkeypatch, *words)
    assert not (tmp_path / "new").exists()


def test_every_answer_of_a_sandbox_says_that_it_is_one(house: House) -> None:
    assert "x-tallystick-sandbox" not in house.nobody().get("/api/v1/offers").headers
    chain: Any = house.office.chain
    house.app.state.gateway = replace(house.gateway, sandbox=chain)
    for path in ("/api/v1/offers", "/health", "/nowhere"):
        assert house.nobody().get(path).headers["x-tallystick-sandbox"] == "nothing here counts"


def test_a_partner_may_do_there_what_everybody_of_a_party_may(founded: Path, tmp_path: Path) -> None:
    shutil.copytree(founded, tmp_path, dirs_exist_ok=True)
    open_to_partners(Screen(), tmp_path, {ISSUER: "云山重工"})
    assert (tmp_path / SANDBOX).exists()
    with open_store(f"sqlite:///{tmp_path / DATABASE}") as store, store.reading() as session:
        row = session.query(PersonRow).filter_by(login=f"partner.all.{ISSUER}").one()
    assert set(row.roles) == set(StaffRole) - {StaffRole.REGISTRAR}


def test_one_command_makes_a_sandbox_in_which_a_partner_promises_and_accepts(tmp_path: Path) -> None:
    directory, port = tmp_path / "sandbox", free_port()
    words = [sys.executable, "-c", "from scripts.cli import main; main()", "serve", "--sandbox"]
    environment = {**os.environ, "TALLYSTICK_PASSPHRASE": PASSPHRASE}
    with (tmp_path / "said").open("wb") as out, (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [*words, "-d", str(directory), "--port", str(port)],
            cwd=ROOT,
            env=environment,
            stdout=out,
            stderr=log,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        until(lambda: answers(url), process, tmp_path)
        told = (tmp_path / "said").read_text(encoding="utf-8").splitlines()[-1]
        assert told.startswith("Partners sign in as partner.all.PARTY with the password ")
        issuer, supplier = (partner(url, party, told.split()[-1]) for party in (10, 31))
        today = days_pass(issuer, supplier)
        promise = {
            "line": issuer.get("/lines").json()["items"][0]["line"],
            "supplier": 31,
            "face": "1000.00",
            "due": "2026-12-15",
            "reference": "PO sandbox",
            "invoices": [{"number": "F 1", "amount": "1000.00", "total": "1000.00"}],
            "sign": True,
        }
        made = issuer.post("/issuer/promise-offers", json=promise, headers={"Idempotency-Key": "1"})
        assert (made.status_code, made.headers["x-tallystick-sandbox"]) == (201, "nothing here counts")
        offer = f"/offers/{made.json()['id']}"
        assert accepted(supplier, made.json()["id"]).status_code == 202
        until(lambda: supplier.get(offer).json()["status"] == "landed", process, tmp_path)
        later = f"{today}T01:00:06Z"  # it was 09:00 in China; each block adds a second, and time the others
        until(lambda: supplier.get("/sandbox/day").json()["now"] >= later, process, tmp_path)
        process.terminate()
        process.wait(30)
    finally:
        process.kill()
        process.wait()
    with EmbeddedChain(directory / CHAIN) as chain:
        assert utc(chain.now()) >= later
    with open_store(f"sqlite:///{directory / DATABASE}") as store, store.reading() as session:
        assert all(row.bank_account for row in session.query(OrganisationRow))


def partner(url: str, party: int, password: str) -> httpx2.Client:
    client = httpx2.Client(base_url=f"{url}/api/v1", timeout=30)
    done = client.post("/session", json={"login": f"partner.all.{party}", "password": password})
    client.headers["X-CSRF-Token"] = done.json()["csrf"]
    return client


def days_pass(issuer: httpx2.Client, supplier: httpx2.Client) -> str:
    """A partner moves the day on, for all; never back, and never far at once."""
    today = date.fromisoformat(supplier.get("/sandbox/day").json()["today"])
    for wrong, said in ((today - DAY, "already"), (today + 367 * DAY, "in steps")):
        refused = supplier.post("/sandbox/day", json={"to": wrong.isoformat()})
        assert (refused.status_code, said in refused.json()["detail"]) == (422, True), refused.text
    moved = supplier.post("/sandbox/day", json={"to": (today + DAY).isoformat()})
    assert moved.json()["today"] == issuer.get("/sandbox/day").json()["today"] == (today + DAY).isoformat()
    return (today + DAY).isoformat()


def test_only_a_sandbox_has_days_and_only_partners_move_them(founded: Path, tmp_path: Path) -> None:
    with embedded_copy(founded, tmp_path) as house:  # which a sandbox always is on
        assert house.desk(ISSUER).get("/sandbox/day").status_code == 404
        chain = house.office.chain
        assert isinstance(chain, EmbeddedChain)
        partner = house.hired(A, "partner.of.a", {"partner"})
        served = create_app(replace(house.gateway, sandbox=chain))
        today = date_of_day(house.gateway.setting.today).isoformat()
        for desk, status in ((partner, 200), (house.desk(ISSUER), 403)):
            known = TestClient(served, base_url="https://testserver", cookies=desk.client.cookies)
            assert known.get("/api/v1/sandbox/day").json()["today"] == today
            told = {"X-CSRF-Token": desk.csrf}
            moved = known.post("/api/v1/sandbox/day", json={"to": today}, headers=told)
            assert moved.status_code == status, moved.text
        assert TestClient(served).get("/api/v1/sandbox/day").status_code == 401
