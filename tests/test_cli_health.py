"""`tallystick verify --invariants`: the node's own state is examined, whatever the database says."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path

import pytest
from web3.types import RPCEndpoint

from scripts.cli_installation import create
from scripts.cli_screen import PASSPHRASE, Screen
from tests.cli_desk import FACE, Desk, opened
from tests.engines import anvil

__all__ = ["opened"]
SETTINGS_SLOT, RUN_OFF = 3, 1 << 88


@pytest.fixture
def desk(opened: Desk, tmp_path: Path) -> Desk:
    return Desk(shutil.copytree(opened.directory, tmp_path / "desk"))


def test_a_word_that_was_forged_on_the_node_is_named_with_exit_code_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PASSPHRASE, "open")
    with anvil() as node:
        monkeypatch.setenv("TALLYSTICK_GAS_KEY", "0x" + node.keys[0].hex())
        monkeypatch.setenv("TALLYSTICK_CHAIN_URL", node.url)
        desk = Desk(tmp_path / "desk")
        terms = {"registrar": "登记机构", "banks": ["江城银行"], "demo_from": None, "cost": 2}
        pin = create(Screen(), desk.directory, node=node.url, **terms)  # type: ignore[arg-type]
        assert desk.ask("verify", "--invariants")["healthy"] is True

        chain = node.chain()
        before = int.from_bytes(chain.web3.eth.get_storage_at(pin.ledger, SETTINGS_SLOT))
        forged = [pin.ledger, f"{SETTINGS_SLOT:#x}", f"{before ^ RUN_OFF:#066x}"]
        chain.web3.provider.make_request(RPCEndpoint("anvil_setStorageAt"), forged)
        said = json.loads(desk.run("verify", "--invariants", "--json", code=1).stdout)
        assert said["healthy"] is False
        [finding] = said["findings"]
        assert finding.startswith(f"storage of {pin.ledger}: settings of the ledger: expected ")
        assert finding in desk.run("verify", "--invariants", code=1).output.replace("\n", "").replace(
            "  ", " "
        )


def test_a_database_that_was_written_in_does_not_make_the_node_unhealthy(desk: Desk) -> None:
    with sqlite3.connect(desk.directory / "tallystick.sqlite") as database:
        database.execute(f"update vouchers set face = {FACE + 1}")
    database.close()
    desk.run("verify", code=1)
    assert desk.ask("verify", "--invariants")["healthy"] is True


def test_a_healthy_ledger_is_said_to_be_so_with_what_was_looked_at(desk: Desk) -> None:
    answer = desk.ask("verify", "--invariants")
    assert answer["findings"] == []
    assert len(answer["ledgers"]) == 1
    assert answer["words"] > 30
    assert (
        f"Healthy: 1 ledger(s) and {answer['words']} storage words"
        in desk.run("verify", "--invariants").output
    )
