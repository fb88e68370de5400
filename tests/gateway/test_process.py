"""The gateway as one process: the app on a port, relay and index beside it, ended and started again."""

from __future__ import annotations

import json
import logging
import signal
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gateway.__main__ import main as gateway_main
from ledger.relay_terms import Terms
from scripts.cli import app
from tests.gateway.house import PASSPHRASE, PASSWORD
from tests.gateway.served import SECONDS, accepted, desk, serving, until
from tests.ledger.office import A


def test_what_is_accepted_over_http_lands_and_is_there_after_sigterm_and_a_new_start(
    installation: tuple[Path, dict[str, Any]],
) -> None:
    directory, offer = installation
    with serving(directory) as (process, url):
        with desk(url, A) as supplier:
            assert accepted(supplier, offer["id"]).status_code == 202

            def voucher() -> Any:
                found = supplier.get(f"/vouchers/{offer['voucher']}")
                return found.json() if found.status_code == 200 else None

            assert until(voucher, process, directory)["face"] == "1000.00"
            assert supplier.get(f"/offers/{offer['id']}").json()["status"] == "landed"
        process.send_signal(signal.SIGTERM)
        assert process.wait(SECONDS) == 0
    with serving(directory) as (_, url), desk(url, A) as supplier:
        assert supplier.get(f"/vouchers/{offer['voucher']}").json()["face"] == "1000.00"
    log = (directory / "log").read_text()
    assert PASSPHRASE not in log
    assert PASSWORD not in log
    lines = [json.loads(line) for line in log.splitlines()]
    (signed,) = [line for line in lines if line.get("path") == f"/api/v1/offers/{offer['id']}/signatures"]
    assert (signed["method"], signed["status"], len(signed["request"])) == ("POST", 202, 16)
    assert {line["logger"] for line in lines} >= {"gateway", "ledger.relay", "ledger.indexer"}


def test_serve_takes_the_relays_options_and_hands_them_over(
    installation: tuple[Path, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    directory, _ = installation
    became: list[list[str]] = []
    served: list[Terms] = []
    monkeypatch.setenv("TALLYSTICK_PASSPHRASE", PASSPHRASE)
    monkeypatch.setattr("os.execve", lambda _program, words, _environment: became.append(words))
    monkeypatch.setattr("gateway.__main__.serve", lambda _directory, **given: served.append(given["terms"]))
    monkeypatch.setattr("gateway.__main__.write_logs", lambda **_: logging.NullHandler())
    words = ["--linger", "9", "--gas-budget", "300000", "--highest-fee", "7", "--wallet-budget", "8"]
    done = CliRunner().invoke(app, ["serve", "-d", str(directory), "--margin", "5", *words])
    assert done.exit_code == 0, done.output
    monkeypatch.setattr("sys.argv", became[0][2:])
    assert gateway_main() == 0
    assert served == [Terms(margin=5, linger=9, gas_budget=300_000, highest_fee=7, wallet_budget=8)]
