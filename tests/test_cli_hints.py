"""What the `tallystick` command says of what was typed: the option that is wrong, the option that is missing."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from scripts import cli_installation as installation
from tests.cli_desk import Desk, opened
from tests.test_cli_rules import STOP

__all__ = ["opened"]
SETTLE = ("pay", "assert", "P-2026-001", "--for", "settlement", "--by", "2", "--reference", "DF-1")


@pytest.fixture
def desk(opened: Desk, tmp_path: Path) -> Desk:
    """A copy of the installation."""
    return Desk(Path(shutil.copytree(opened.directory, tmp_path / "installation")))


# Who has to sign


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (
            ("transfer", "P-2026-001", "--from", "6", "--to", "7"),
            "--from 6 (江南模具): this needs 5 (云山零件)",
        ),
        (("split", "P-2026-001", "--from", "7", "--part", "6=1000.00"), "--from 7 (东岭物流): this needs 5"),
        (
            (
                *("pledge", "P-2026-001", "--from", "6", "--to", "2", "--secured", "100.00"),
                *("--filing", "F-1", "--end-day", "2026-12-31"),
            ),
            "--from 6 (江南模具): this needs 5",
        ),
        (("revoke", "P-2026-001", "--by", "6"), "--by 6 (江南模具): this needs 5"),
        (("cancel", "P-2026-001", "--issuer", "4", "--holder", "6"), "--holder 6 (江南模具): this needs 5"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[0],
)
def test_the_wrong_party_is_named_with_its_option_and_the_right_one(
    desk: Desk, words: tuple[str, ...], hint: str
) -> None:
    answer = desk.refused(*words)
    assert answer["refused"] == "BadSignature"
    assert answer["hint"].startswith(f"Nobody has signed yet. {hint}")
    assert hint in desk.run(*words, "--yes", code=1).stderr


def test_who_asserts_confirms_or_withdraws_a_payment_of_others_is_told_whose_it_is(desk: Desk) -> None:
    sale = ("--seller", "5", "--funder", "2", "--rate", "3.60", "--value-day", "2026-04-01")
    desk.do("discount", "P-2026-001", *sale)
    desk.do("pay", "assert", "P-2026-001", "--for", "disbursement", "--by", "2", "--reference", "FK-1")
    for verb, wrong, right in (("confirm", "2 (江城银行)", "5"), ("withdraw", "5 (云山零件)", "2")):
        answer = desk.refused("pay", verb, "P-2026-001", "--by", wrong[0])
        assert f"--by {wrong}: this needs {right}" in answer["hint"]
    desk.do("pay", "confirm", "P-2026-001", "--by", "5")
    desk.ask("travel", "2026-08-28")
    answer = desk.refused(
        "pay", "assert", "P-2026-001", *("--for", "settlement", "--by", "3", "--reference", "D")
    )
    assert "--by 3 (海州银行): this needs 2 (江城银行)" in answer["hint"]


def test_a_refusal_that_no_option_explains_has_no_hint(desk: Desk) -> None:
    assert "hint" not in desk.refused(*desk.issue("1000000.01"))


# What is missing


@pytest.mark.parametrize(
    "words", [("transfer", "--to", "6"), ("split", "--part", "6=1000.00")], ids=lambda words: str(words[0])
)
def test_an_overdue_voucher_that_is_passed_on_wants_its_option(desk: Desk, words: tuple[str, ...]) -> None:
    verb, *rest = words
    whole = (verb, "P-2026-001", "--from", "5", *rest)
    early = desk.refused(*whole, "--overdue")
    assert early["refused"] == "OverdueDiffers"
    assert "Leave --overdue away" in early["hint"]
    desk.ask("travel", "2026-09-08")
    desk.do("overdue", "P-2026-001")
    late = desk.refused(*whole)
    assert late["refused"] == "OverdueDiffers"
    assert "Give --overdue" in late["hint"]
    desk.do(*whole, "--overdue")


def test_a_line_of_the_old_ledger_is_named_with_it_and_has_to_be_granted_in_the_new_one(desk: Desk) -> None:
    desk.do(*STOP)
    desk.do("succeed")
    for words in (desk.issue("1000.00"), ("resize-line", "2-1", "--limit", "1.00")):
        answer = desk.refused(*words)
        assert answer["refused"] == "UnknownLine"
        assert "Line 2-1 is in ledger 1 (0x" in answer["hint"]
        assert "granted there: tallystick grant-line" in answer["hint"]
    assert "hint" not in desk.refused(*desk.issue("1000.00", line="2-9"))


# The state of ledgers


def test_a_ledger_that_cannot_issue_yet_says_what_it_waits_for(desk: Desk) -> None:
    desk.do("succeed")
    first, second = desk.ask("ledgers")["ledgers"]
    assert (first["issues"], first["waits_for"], second["issues"], second["waits_for"]) == (
        True,
        None,
        False,
        1,
    )
    assert "待启用 waits for ledger 1" in desk.run("ledgers").output
    desk.do(*STOP, "--ledger", "1")
    assert [row["issues"] for row in desk.ask("ledgers")["ledgers"]] == [False, True]
    assert "waits" not in desk.run("ledgers").output


def test_a_tenor_cap_that_is_announced_is_shown_with_its_day(desk: Desk) -> None:
    assert desk.ask("ledgers")["ledgers"][0]["next_tenor_cap_days"] is None
    desk.do("tenor-cap", "90", "--from", "2026-05-01")
    row = desk.ask("ledgers")["ledgers"][0]
    assert (row["tenor_cap_days"], row["next_tenor_cap_days"], row["next_tenor_cap_from"]) == (
        184,
        90,
        "2026-05-01",
    )
    assert "184; 90 from 2026-05-01" in desk.run("ledgers").output


# What no rule refuses and nobody wants


def test_a_value_day_before_the_issue_is_unusable(desk: Desk) -> None:
    desk.ask("travel", "2026-08-28")
    said = desk.unusable(*SETTLE, "--value-day", "2026-03-31", "--yes")
    assert "--value-day: 2026-03-31 is before P-2026-001 was issued, on 2026-04-01" in said


def test_a_settlement_valued_before_the_due_day_is_noted_where_the_payee_does_not_agree(desk: Desk) -> None:
    desk.ask("travel", "2026-08-28")
    early = (*SETTLE, "--value-day", "2026-08-27")
    assert "before the due day, 2026-08-28" in desk.run(*early, code=1, answers="n\n").output
    assert "before the due day" not in desk.run(*early, "--agreed", code=1, answers="n\n").output


def test_a_line_of_nothing_and_a_stop_of_no_issuer_are_unusable(desk: Desk) -> None:
    grant = ("grant-line", "--issuer", "4", "--expiry", "2027-03-31", "--limit", "0.00", "--yes")
    assert "--limit: under a line of 0.00 yuan" in desk.unusable(*grant)
    stop = ("stop-issue", "--issuer", "5", "--reason", "false invoices", "--yes")
    assert "party 5 is no issuer" in desk.unusable(*stop)


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (("admit", "新厂", "--code", "91350100M000100Y43", "--party", "-5"), "--party"),
        (
            ("grant-line", "--issuer", "4", "--expiry", "2027-03-31", "--limit", "1.00", "--window", "-1"),
            "--window",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else value[0],
)
def test_a_number_that_does_not_fit_is_named_with_its_option(
    desk: Desk, words: tuple[str, ...], option: str
) -> None:
    said = desk.unusable(*words)
    assert option in said
    assert "does not fit" not in said


# What is left behind


def test_a_deploy_that_fails_leaves_neither_chain_nor_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_given: object, **_named: object) -> None:
        raise RuntimeError("the power is gone")

    monkeypatch.setattr(installation, "follow", fails)
    Desk(tmp_path / "new").run("deploy", "--bank", "江城银行", code=2)
    assert list(tmp_path.iterdir()) == []


def test_without_a_terminal_no_empty_line_stands_where_progress_would(desk: Desk) -> None:
    assert desk.run("verify").stderr == ""


def test_a_pledged_sum_is_said_as_an_amount(desk: Desk) -> None:
    words = ("pledge", "P-2026-001", "--from", "5", "--to", "2", "--secured", "600000.00", "--filing", "F-1")
    assert (
        "is pledged to party 2 for 600,000.00 yuan"
        in desk.run(*words, "--end-day", "2026-12-31", "--yes").output
    )
