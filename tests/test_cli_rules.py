"""Rules that registrar and banks set, at the `tallystick` command; and a ledger's run-off with its successor."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from ledger.deployment import deploy_successor
from ledger.embedded import EmbeddedChain
from scripts import cli_deploy
from scripts import cli_installation as installation
from scripts.cli_screen import Screen
from tests.cli_desk import Desk, opened
from tests.credit_codes import complete_credit_code

__all__ = ["opened"]
STOP = ("stop-issue", "--reason", "the new contract takes over", "--whole-ledger")


@pytest.fixture
def desk(opened: Desk, tmp_path: Path) -> Desk:
    """A copy of the installation."""
    return Desk(Path(shutil.copytree(opened.directory, tmp_path / "installation")))


def name_of(answer: Any) -> str:
    return str(answer["refused"])


def lines(desk: Desk, *words: str) -> dict[str, Any]:
    return {row["line"]: row for row in desk.ask("lines", *words)["lines"]}


# Lines


def test_a_resized_line_is_named_with_its_limit_and_one_that_is_not_there_refused(desk: Desk) -> None:
    assert name_of(desk.refused("resize-line", "2-9", "--limit", "1.00")) == "UnknownLine"
    assert "give --limit, --expiry, or both" in desk.unusable("resize-line", "2-1", "--yes")
    desk.do("resize-line", "2-1", "--limit", "1000000.00")
    assert (lines(desk)["2-1"]["limit_fen"], lines(desk)["2-1"]["expiry"]) == (1_000_000_00, "2027-03-31")
    assert name_of(desk.refused(*desk.issue("100.00"))) == "LimitExceeded"
    desk.do("resize-line", "2-1", "--expiry", "2026-03-31")
    assert name_of(desk.refused(*desk.issue("100.00"))) == "LineExpired"


def test_under_a_frozen_line_nothing_is_issued_until_it_is_free_again(desk: Desk) -> None:
    desk.do("freeze-line", "2-1", "--reason", "covenant broken")
    assert name_of(desk.refused(*desk.issue("100.00"))) == "LineIsFrozen"
    desk.do("freeze-line", "2-1", "--reason", "covenant mended", "--end")
    desk.do(*desk.issue("100.00"))


# The registrar's settings


def test_a_tenor_cap_is_announced_a_day_before_and_then_asks_for_a_reason(desk: Desk) -> None:
    assert name_of(desk.refused("tenor-cap", "90", "--from", "2026-04-01")) == "NoticeTooShort"
    assert name_of(desk.refused("tenor-cap", "367", "--from", "2026-04-02")) == "TenorCapOutOfRange"
    desk.do("tenor-cap", "90", "--from", "2026-04-02")
    desk.do(*desk.issue("100.00", due="2026-08-28"))
    desk.ask("travel", "2026-04-02")
    assert desk.ask("ledgers")["ledgers"][0]["tenor_cap_days"] == 90
    assert name_of(desk.refused(*desk.issue("100.00", due="2026-08-28"))) == "TenorNeedsReason"


def test_one_issuer_is_stopped_and_let_go_again(desk: Desk) -> None:
    stop = ("stop-issue", "--reason", "false invoices")
    assert "either --issuer PARTY or --whole-ledger" in desk.unusable(*stop, "--yes")
    assert "either --issuer PARTY" in desk.unusable(*stop, "--issuer", "4", "--whole-ledger", "--yes")
    assert name_of(desk.refused(*stop, "--issuer", "4", "--end")) == "IssueUnchanged"
    desk.do(*stop, "--issuer", "青峰制造")
    assert name_of(desk.refused(*desk.issue("100.00"))) == "IssuerStopped"
    desk.do(*stop, "--issuer", "4", "--end")
    desk.do(*desk.issue("100.00"))


def test_the_registrar_hands_its_office_over_in_two_steps_a_week_apart(desk: Desk) -> None:
    desk.do("admit", "新登记机构", "--code", complete_credit_code("91350100MA000098"))
    assert name_of(desk.refused("accept-hand-over")) == "NoHandOver"
    assert name_of(desk.refused("hand-over", "2")) == "RegistrarUnfit"
    assert "PARTY: no party is called" in desk.unusable("hand-over", "无名", "--yes")
    assert "from 2026-04-08 on" in desk.run("hand-over", "9", "--yes").output
    assert name_of(desk.refused("accept-hand-over")) == "HandOverNotReady"
    assert "party 1 stays the registrar" in desk.run("hand-over", "1", "--yes").output
    desk.do("hand-over", "9")
    desk.ask("travel", "2026-04-08")
    assert desk.do("accept-hand-over")["registrar"] == 9
    registrars = [row["party"] for row in desk.ask("parties")["parties"] if row["registrar"]]
    assert registrars == [9]
    desk.do("suspend", "6", "--reason", "licence revoked")
    assert desk.ask("verify")["verified"] is True


# Run-off


def test_an_old_ledger_empties_while_its_successor_issues(desk: Desk) -> None:
    # 1  the successor is deployed; before the run-off it issues nothing
    made = desk.do("succeed")
    assert (made["place"], made["predecessor_runs_off"]) == (2, False)
    grant = ("grant-line", "--issuer", "4", "--expiry", "2027-03-31", "--limit", "5000000.00")
    desk.do(*grant, "--line", "2-7")
    fresh = desk.issue("1000.00", line="2-7")
    answer = desk.refused(*fresh)
    assert name_of(answer) == "PredecessorIssues"
    old = answer["facts"]["predecessor"]
    assert name_of(desk.refused(*STOP, "--ledger", "1", "--end")) == "StopIsFinal"

    # 2  the old one runs off; the lines of both are listed
    desk.do(*STOP, "--ledger", "1")
    assert name_of(desk.refused(*desk.issue("100.00"), "--ledger", old)) == "InRunOff"
    assert [row["runs_off"] for row in desk.ask("ledgers")["ledgers"]] == [True, False]
    assert set(lines(desk)) == {"2-1", "2-2", "2-3", "2-7"}
    assert set(lines(desk, "--ledger", "2")) == {"2-7"}

    # 3  the new one issues; an invoice that was used up in the old one is refused
    used = desk.issue("1000000.00", "--invoice", "F-881=1000000.00/1500000.00", line="2-7")
    assert name_of(desk.refused(*used)) == "InvoiceExceeded"
    assert desk.do(*fresh)["number"] == "P-2026-002"

    # 4  a command on a voucher finds the ledger that has it, and says so where --ledger names another
    desk.do("split", "P-2026-001", "--from", "5", "--part", "6=400000.00")
    desk.do("transfer", "P-2026-002", "--from", "5", "--to", "6")
    assert f"is in ledger 1 ({old})" in desk.unusable("revoke", "P-2026-001", "--by", "5", "--ledger", "2")
    found = {row["number"]: row["ledger"] for row in desk.ask("vouchers")["vouchers"]}
    assert found == {"P-2026-001": old, "P-2026-001/1": old, "P-2026-002": made["ledger"]}
    assert desk.ask("show", "P-2026-001/1")["voucher"]["parts"][0]["holder"] == 6

    # 5  the old one is paid out
    desk.ask("travel", "2026-08-28")
    settle = ("--for", "settlement", "--by", "2", "--agreed", "--reference")
    desk.do("pay", "assert", "P-2026-001", *settle, "DF-1")
    desk.do("pay", "assert", "P-2026-001/1", *settle, "DF-2")
    assert [row["live_vouchers"] for row in desk.ask("ledgers")["ledgers"]] == [0, 1]
    assert desk.ask("verify")["verified"] is True
    assert desk.ask("verify", "--invariants")["healthy"] is True


def test_an_issuer_that_is_overdue_in_the_old_ledger_cannot_issue_in_the_new_one(desk: Desk) -> None:
    desk.do(*STOP)
    assert "runs off" in desk.run("succeed", "--yes", "--json").stdout.replace("_", " ")
    desk.ask("travel", "2026-09-08")
    desk.do("overdue", "P-2026-001")
    desk.do("grant-line", "--issuer", "4", "--expiry", "2027-03-31", "--limit", "5000.00", "--line", "2-7")
    answer = desk.refused(*desk.issue("100.00", line="2-7", due="2026-12-01"))
    assert name_of(answer) == "IssuerOverdue"


def test_a_successor_that_was_deployed_and_not_added_is_added_by_its_address(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stops(*_given: object, **_named: object) -> None:
        raise RuntimeError("the power is gone")

    with monkeypatch.context() as crash:
        crash.setattr(cli_deploy, "pin_successor", stops)
        said = desk.run("succeed", "--yes", code=2).output
    ledger = said.split("tallystick succeed --deployed ")[1].split()[0]
    desk.run("index")
    assert "there is no contract at" in desk.unusable("succeed", "--deployed", "0x" + "11" * 20, "--yes")
    assert desk.do("succeed", "--deployed", ledger)["ledger"] == ledger
    assert len(desk.ask("ledgers")["ledgers"]) == 2


def test_a_ledger_that_is_in_place_is_not_added_again_and_nobody_is_told_to_stop_one(desk: Desk) -> None:
    first = desk.ask("ledgers")["ledgers"][0]["ledger"]
    desk.do(*STOP)
    second = desk.do("succeed")["ledger"]
    before = desk.state()
    for place, ledger, predecessor in ((1, first, None), (2, second, first)):
        done = desk.run("succeed", "--deployed", ledger, "--yes")
        assert f"Ledger {place} ({ledger}) is in place already" in done.output
        assert "stop-issue" not in done.output
        answer = desk.do("succeed", "--deployed", ledger)
        assert (answer["place"], answer["predecessor"]) == (place, predecessor)
        assert answer["predecessor_runs_off"] is (None if place == 1 else True)
    assert desk.state() == before


def test_a_ledger_that_does_not_succeed_the_newest_is_not_added(desk: Desk) -> None:
    first = desk.ask("ledgers")["ledgers"][0]["ledger"]
    with installation.opened(Screen(), desk.directory, None) as office:
        sister = deploy_successor(office.chain, predecessor=office.pin).ledger
    second = desk.do("succeed")["ledger"]
    said = desk.unusable("succeed", "--deployed", sister, "--yes")
    assert f"ledger {sister} succeeds {first}, not this installation's newest, ledger 2 ({second})" in said


def test_a_second_successor_waits_until_the_first_can_issue(desk: Desk) -> None:
    desk.do("succeed")
    answer = desk.refused("succeed")
    assert name_of(answer) == "PredecessorIssues"
    assert answer["facts"]["predecessor"] == desk.ask("ledgers")["ledgers"][0]["ledger"]
    assert "run-off first" in answer["next_step"]["en"]


@pytest.mark.parametrize("text", ["2", "0", "0x" + "11" * 20, "newest"])
def test_a_ledger_that_the_installation_does_not_have_is_unusable(desk: Desk, text: str) -> None:
    said = desk.unusable("vouchers", "--ledger", text)
    assert "--ledger:" in said
    assert "which has 1 (0x" in said


def test_before_a_successor_is_deployed_it_says_so_and_asks(desk: Desk) -> None:
    said = desk.run("succeed", code=1, answers="n\n").output
    assert "is to be followed by a new one on the same registry" in said
    assert len(desk.ask("ledgers")["ledgers"]) == 1


# The chain is free while somebody is asked


def test_an_open_question_does_not_hold_the_chain(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def meanwhile(*_given: object, **_named: object) -> None:
        with EmbeddedChain(desk.directory / "chain.sqlite"):
            pass
        with monkeypatch.context() as inner:
            inner.setattr("scripts.cli_screen.Screen.confirm", lambda *_: None)
            desk.do(*desk.issue("500.00", "--number", "P-7"))

    monkeypatch.setattr("scripts.cli_screen.Screen.confirm", meanwhile)
    desk.run(*desk.issue("600.00", "--number", "P-8"))
    numbers = {row["number"]: row["face_fen"] for row in desk.ask("vouchers")["vouchers"]}
    assert numbers == {"P-2026-001": 1_000_000_00, "P-7": 500_00, "P-8": 600_00}


def test_a_number_that_another_command_took_meanwhile_is_refused_and_nothing_is_lost(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meanwhile(*_given: object, **_named: object) -> None:
        desk.do(*desk.issue("500.00", "--number", "P-7"))

    monkeypatch.setattr("scripts.cli_screen.Screen.confirm", meanwhile)
    said = desk.run(*desk.issue("600.00", "--number", "P-7", "--invoice", "F-9=600.00"), code=2).stderr
    assert "P-7 of the vouchers was taken by another command meanwhile: run this one again" in said
    assert len(desk.ask("vouchers")["vouchers"]) == 2
    assert desk.ask("verify")["verified"] is True


def test_an_agreement_that_was_overtaken_while_somebody_was_asked_is_refused(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meanwhile(*_given: object, **_named: object) -> None:
        desk.do("transfer", "P-2026-001", "--from", "5", "--to", "7")

    monkeypatch.setattr("scripts.cli_screen.Screen.confirm", meanwhile)
    said = desk.run("transfer", "P-2026-001", "--from", "5", "--to", "6", code=1).stderr
    assert "WrongSequence" in said
    assert desk.ask("show", "P-2026-001")["voucher"]["holder"] == 7
