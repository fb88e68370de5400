"""The `outbox` commands: an operator sees what hangs and why, and may act, with a name and a reason that are kept."""

from __future__ import annotations

import getpass
import shutil
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from ledger import relay
from ledger.errors import ChainError
from ledger.installation import CHAIN_URL, DATABASE_URL
from ledger.outbox_tables import AccountRow, OutboxRow, TransactionRow
from ledger.store import Store, open_store
from tests.cli_desk import Desk, opened
from tests.engines import anvil, free_port
from tests.service_desk import desk_on, issue, issue_of, now, settings

__all__ = ["opened"]
TRANSFER = ("transfer", "P-2026-001", "--from", "5", "--to", "6")


@pytest.fixture
def desk(opened: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A copy of the installation."""
    for name in (DATABASE_URL, CHAIN_URL):
        monkeypatch.delenv(name, raising=False)
    return Desk(Path(shutil.copytree(opened.directory, tmp_path / "installation")))


def store_of(desk: Desk) -> Store:
    return open_store(f"sqlite:///{desk.directory / 'tallystick.sqlite'}")


def left_signed(desk: Desk, *words: str) -> int:
    """What a command leaves that is ended before it has sent anything: the item's number."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(relay, "run", lambda *_given, **_named: [])
        assert "see what keeps it with tallystick outbox" in desk.run(*words, "--yes", code=2).stderr
    return int(hanging(desk)[-1]["number"])


def hanging(desk: Desk) -> list[Any]:
    return list(desk.ask("outbox")["items"])


def given_up(desk: Desk) -> int:
    """An item that the relay has given up."""
    number = left_signed(desk, *TRANSFER)
    with store_of(desk) as store, store.writing() as session:
        session.execute(update(OutboxRow).where(OutboxRow.number == number).values(status="unknown"))
    return number


def alarmed(desk: Desk) -> str:
    """The account that has worked here, with an alarm."""
    with store_of(desk) as store, store.writing() as session:
        row = session.query(AccountRow).one()
        row.alarm = f"account {row.account} is used elsewhere"
        return row.account


# ---- refusals ----------------------------------------------------------------------------------------------


def test_an_operator_has_to_say_why_and_may_not_touch_what_has_an_outcome(desk: Desk) -> None:
    number = left_signed(desk, *TRANSFER)
    assert "Missing option" in desk.run("outbox", "withdraw", str(number), code=2).stderr
    assert "only what is unknown" in desk.unusable("outbox", "retry", str(number), "--reason", "why")
    assert "both are kept" in desk.unusable("outbox", "withdraw", str(number), "--reason", " ")
    assert "both are kept" in desk.unusable("outbox", "withdraw", str(number), "--reason", "why", "--by", "")
    assert "shorter" in desk.unusable("outbox", "withdraw", str(number), "--reason", "why", "--by", "n" * 65)
    assert "item 1 is final: only what is signed or unknown" in desk.unusable(
        "outbox", "withdraw", "1", "--reason", "why"
    )
    assert "there is no item 999" in desk.unusable("outbox", "retry", "999", "--reason", "why")


@pytest.mark.parametrize("number", ["77", "9" * 23])
def test_an_item_that_is_not_there_is_said_to_be_none_whatever_its_number(desk: Desk, number: str) -> None:
    for words in (("retry", number, "--reason", "why"), ("withdraw", number, "--reason", "why")):
        said = desk.run("outbox", *words, code=2).stderr
        assert "there is no item 77" in said if number == "77" else "Invalid value for 'ITEM'" in said
    assert "there is no item" in desk.run("outbox", "acts", number, code=2).stderr


def test_an_alarm_that_is_not_there_cannot_be_cleared(desk: Desk) -> None:
    account = alarmed(desk)
    other = "0x" + "11" * 20
    assert "no relay has worked an account" in desk.unusable(
        "outbox", "clear-alarm", other, "--reason", "why"
    )
    assert "ACCOUNT" in desk.unusable("outbox", "clear-alarm", "0x12", "--reason", "why")
    assert "both are kept" in desk.unusable("outbox", "clear-alarm", account, "--reason", "")
    desk.run("outbox", "clear-alarm", account, "--reason", "why")
    assert "has no alarm" in desk.unusable("outbox", "clear-alarm", account, "--reason", "again")


def test_where_there_is_no_installation_there_is_no_outbox(tmp_path: Path, desk: Desk) -> None:
    assert "there is no installation in" in Desk(tmp_path / "nothing").run("outbox", code=2).stderr


# ---- what is shown -----------------------------------------------------------------------------------------


def test_nothing_hangs_where_everything_has_its_outcome(desk: Desk) -> None:
    assert "Nothing hangs" in desk.run("outbox").stdout
    assert desk.ask("outbox") == {
        "items": [],
        "alarms": {},
        "relays": [],
        "stalled_since": None,
        "chain": None,
    }


def test_what_waits_is_shown_with_what_it_waits_for(desk: Desk) -> None:
    number = left_signed(desk, *TRANSFER)
    said = desk.run("outbox").stdout
    assert "1 items have no final outcome, 1 of them wait to land." in said
    assert "waits to be sent" in said
    assert "No relay is at work: the next command that signs" in said
    [item] = hanging(desk)
    assert (item["number"], item["verb"], item["status"]) == (number, "transfer", "signed")


def test_what_was_given_up_is_shown_with_what_can_be_done(desk: Desk) -> None:
    given_up(desk)
    said = desk.run("outbox").stdout
    assert "1 are given up (unknown): tallystick outbox retry or withdraw." in said
    assert "No relay is at work" not in said


def test_an_alarm_is_shown_until_somebody_clears_it_and_says_why(desk: Desk) -> None:
    account = alarmed(desk)
    assert f"ALARM: account {account} is used elsewhere" in desk.run("outbox").stdout
    assert desk.ask("outbox")["alarms"] == {account: f"account {account} is used elsewhere"}
    desk.run("outbox", "clear-alarm", account.lower(), "--reason", "restored from Monday", "--by", "ann")
    assert desk.ask("outbox")["alarms"] == {}
    [act] = desk.ask("outbox", "acts", account)["acts"]
    assert (act["act"], act["who"], act["reason"], act["account"], act["item"]) == (
        "clear-alarm",
        "ann",
        "restored from Monday",
        account,
        None,
    )


def test_what_was_deployed_from_here_is_no_foreign_use_of_the_account(desk: Desk) -> None:
    desk.do("deploy-wallet", "--threshold", "1", "--member", "0x" + "11" * 20)
    desk.do(*TRANSFER)
    assert desk.ask("outbox")["alarms"] == {}


# ---- what is done ------------------------------------------------------------------------------------------


def test_a_withdrawn_item_is_not_sent_and_stands_in_nobody_s_way(desk: Desk) -> None:
    number = left_signed(desk, *TRANSFER)
    desk.run("outbox", "withdraw", str(number), "--reason", "signed by mistake")
    assert hanging(desk) == []
    assert desk.do(*TRANSFER)["verb"] == "transfer"  # at once: no earlier command is left to be reported
    assert desk.ask("verify")["verified"] is True
    [act] = desk.ask("outbox", "acts", str(number))["acts"]
    assert (act["act"], act["who"], act["item"]) == ("withdraw", getpass.getuser(), number)
    assert "withdraw by " in desk.run("outbox", "acts", str(number)).stdout


def test_an_item_that_was_given_up_goes_on_and_is_reported_by_the_next_command(desk: Desk) -> None:
    number = given_up(desk)
    said = desk.run(*TRANSFER, "--yes", code=1).stdout
    assert "was given up by the relay (see tallystick outbox)" in said
    desk.run("outbox", "retry", str(number), "--reason", "the node is well again", "--by", "ann")
    assert [item["status"] for item in hanging(desk)] == ["signed"]
    assert "landed in block" in desk.run(*TRANSFER, "--yes", code=1).stdout
    assert desk.ask("outbox")["items"] == []
    [act] = desk.ask("outbox", "acts", str(number))["acts"]
    assert (act["act"], act["who"]) == ("retry", "ann")
    assert "Nobody has done anything" in desk.run("outbox", "acts", "1").stdout


def test_what_was_withdrawn_elsewhere_is_said_once_by_the_next_command(desk: Desk) -> None:
    number = left_signed(desk, *TRANSFER)
    desk.run("outbox", "withdraw", str(number), "--reason", "by mistake")
    (desk.directory / f"unreported-{number}").touch()
    assert "was withdrawn" in desk.run(*TRANSFER, "--yes", code=1).stdout
    desk.do(*TRANSFER)


# ---- on a node ---------------------------------------------------------------------------------------------


def test_a_chain_that_makes_no_blocks_is_said_to_be_stalled_and_takes_what_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with anvil(timestamp=now()) as node:
        settings(node, monkeypatch)
        desk = desk_on(node, tmp_path / "installation")
        node.ask("evm_setAutomine", False)
        left_signed(desk, *issue_of("1000.00"))
        with store_of(desk) as store:
            with pytest.raises(ChainError, match="see whether the chain makes blocks"):
                relay.run(store, node.chain(), seconds=0.2)
            assert desk.ask("outbox")["stalled_since"] is None  # too soon to say so
            with store.writing() as session:
                old = {"first_sent_at": now() - 3_600}
                session.execute(update(TransactionRow).where(TransactionRow.status == "seen").values(old))
        said = desk.run("outbox").stdout
        assert "The chain makes no blocks: stalled since 20" in said
        assert "1 items wait. They stay here and go on when it does." in said
        for mark in desk.directory.glob("unreported-*"):
            mark.unlink()
        number = left_signed(desk, *issue_of("2000.00"))  # taken in all the same
        assert [(item["number"], item["status"]) for item in hanging(desk)] == [
            (number - 1, "sent"),
            (number, "signed"),
        ]
        assert "is not known" in desk.run("outbox", "--node", f"http://127.0.0.1:{free_port()}").stdout
        monkeypatch.delenv(CHAIN_URL)
        assert "no node is named (--node)" in desk.run("outbox").stdout
        monkeypatch.setenv(CHAIN_URL, node.url)
        node.ask("evm_mine")
        node.ask("evm_setAutomine", True)
        assert "landed in block" in desk.run(*issue_of("1000.00"), "--yes", code=1).stdout
        issue(desk)
        assert hanging(desk) == []
        assert desk.ask("verify")["verified"] is True
