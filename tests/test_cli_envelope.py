"""The file of an agreement that a wallet signs elsewhere, through the `tallystick` command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from eth_account import Account

from tests.cli_desk import Desk, opened
from tests.test_cli import desk

__all__ = ["desk", "opened"]
PASS_ON = ("transfer", "P-2026-001", "--from", "5", "--to", "6")


def saved(desk: Desk, file: Path, *words: str) -> dict[str, Any]:
    desk.do(*words, "--save", str(file))
    given: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return given


def test_a_file_that_tells_a_wallet_something_else_is_not_signed(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "transfer.json"
    given = saved(desk, file, *PASS_ON)
    given["consents"][1] = None
    given["typed_data"]["message"]["recipient"] = 7
    file.write_text(json.dumps(given), encoding="utf-8")
    said = desk.unusable("sign", str(file), "--party", "6", "--yes")
    assert "typed_data, which a wallet signs, is not its agreement" in said
    del given["typed_data"]  # a file of before
    file.write_text(json.dumps(given), encoding="utf-8")
    assert desk.do("sign", str(file), "--party", "6") == {"signed": 6, "missing": []}


def test_a_wallet_signs_the_typed_data_of_the_file_and_knows_nothing_else(desk: Desk, tmp_path: Path) -> None:
    wallet, file = Account.create(), tmp_path / "admit.json"
    words = ("admit", "海风铸造", "--code", "91350100M000100Y43", "--address", wallet.address)
    given = saved(desk, file, *words)
    place = given["consents"].index(None)
    signature = wallet.sign_typed_data(full_message=given["typed_data"]).signature.to_0x_hex()
    party = str(given["signers"][place])
    done = desk.do("sign", str(file), "--party", party, "--new-signer", "--signature", signature)
    assert done["missing"] == []
    assert desk.do("send", str(file))["verb"] == "admit"
    kept = json.loads(file.read_text(encoding="utf-8"))
    assert kept["typed_data"] == given["typed_data"]
