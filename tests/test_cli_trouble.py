"""What goes wrong with a voucher, at the `tallystick` command: default, recourse, pledge, contest, court, cancellation.

P-2026-001 over 1,000,000.00 is due on 2026-08-28; its line's window is 5 days, its grace 10.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from ledger.world import Lock
from tests.cli_desk import Desk, opened
from tests.credit_codes import complete_credit_code

__all__ = ["opened"]
SETTLE = ("pay", "assert", "P-2026-001", "--for", "settlement", "--by", "2", "--reference")
PLEDGE = (
    "pledge",
    "P-2026-001",
    "--from",
    "5",
    "--to",
    "2",
    "--secured",
    "600000.00",
    "--filing",
    "4403-2026",
)
ORDER = ("--order", "(2026)粤03民初17号")


@pytest.fixture
def desk(opened: Desk, tmp_path: Path) -> Desk:
    """A copy of the installation."""
    return Desk(Path(shutil.copytree(opened.directory, tmp_path / "installation")))


def name_of(answer: Any) -> str:
    return str(answer["refused"])


def face_of(desk: Desk, number: str = "P-2026-001") -> int:
    row = next(row for row in desk.ask("vouchers")["vouchers"] if row["number"] == number)
    return int(row["face_fen"])


# Default


def test_on_the_last_day_of_grace_nothing_is_overdue(desk: Desk) -> None:
    desk.ask("travel", "2026-09-07")
    answer = desk.refused("overdue", "P-2026-001")
    assert name_of(answer) == "NotYetOverdue"
    assert "2026-09-08" in answer["message"]["en"]


def test_before_it_declares_somebody_overdue_it_says_what_follows_and_asks(desk: Desk) -> None:
    desk.ask("travel", "2026-09-08")
    before = desk.state()
    said = desk.run("overdue", "P-2026-001", code=1, answers="n\n").output
    assert "until it is paid party 4 can issue nothing" in said
    assert "Nothing was done." in said
    assert desk.state() == before


def test_a_default_is_declared_paid_in_part_and_taken_back_up_the_chain(desk: Desk) -> None:
    # 1  5 has passed the voucher on to 6; it is not paid
    desk.do("transfer", "P-2026-001", "--from", "5", "--to", "6")
    desk.ask("travel", "2026-09-08")

    # 2  anyone says so; the issuer cannot issue any more
    assert desk.do("overdue", "P-2026-001")["verb"] == "declareOverdue"
    assert name_of(desk.refused("overdue", "P-2026-001")) == "AlreadyOverdue"
    assert name_of(desk.refused(*desk.issue("1.00", due="2026-12-01"))) == "IssuerOverdue"

    # 3  the bank pays 400,000.00; the rest stays owed and overdue
    paid = desk.do(*SETTLE, "DF-1", "--amount", "400000.00", "--agreed")
    assert (paid["face_fen"], face_of(desk)) == (600_000_00, 600_000_00)
    assert name_of(desk.refused(*SETTLE, "DF-2", "--amount", "600000.01", "--agreed")) == "WrongAmount"

    # 4  6 goes back to 5, who has to say that it takes an overdue one
    back = ("transfer", "P-2026-001", "--from", "6", "--to", "5")
    assert name_of(desk.refused(*back)) == "OverdueDiffers"
    assert desk.do(*back, "--overdue")["holder"] == 5
    [row] = desk.ask("vouchers")["vouchers"]
    assert (row["tier"], row["locks"]) == (2, 64)

    # 5  once the rest is paid the issuer can issue again
    desk.do(*SETTLE, "DF-3", "--agreed")
    desk.do(*desk.issue("1000.00", due="2026-12-01"))
    assert "逾期 overdue" in desk.run("show", "P-2026-001").output
    assert desk.ask("verify")["verified"] is True


def test_less_than_the_face_is_paid_from_the_due_day_on_only(desk: Desk) -> None:
    part = (*SETTLE, "DF-1", "--amount", "250000.00", "--agreed")
    assert name_of(desk.refused(*part)) == "WrongAmount"
    desk.ask("travel", "2026-08-28")
    assert name_of(desk.refused(*SETTLE, "DF-1", "--amount", "0.00")) == "ZeroAmount"
    assert "party 5 holds 750,000.00 yuan" in desk.run(*part, "--yes").output


# Pledge


def test_what_cannot_be_pledged(desk: Desk) -> None:
    end = ("--end-day", "2026-12-31")
    assert name_of(desk.refused(*PLEDGE[:-3], "1000000.01", *PLEDGE[-2:], *end)) == "SecuredOutOfRange"
    assert name_of(desk.refused(*PLEDGE, "--end-day", "2026-03-31")) == "EndDayPassed"
    assert name_of(desk.refused("release", "P-2026-001", "--by", "2")) == "NotPledged"
    assert "--secured" in desk.unusable(*PLEDGE[:-3], "1e5", *PLEDGE[-2:], *end)


def test_a_pledged_voucher_is_paid_to_the_pledgee_first_and_then_to_the_holder(desk: Desk) -> None:
    # 1  it stays the holder's and cannot move
    assert desk.do(*PLEDGE, "--end-day", "2026-12-31")["secured_fen"] == 600_000_00
    assert name_of(desk.refused("transfer", "P-2026-001", "--from", "5", "--to", "6")) == "Locked"
    assert name_of(desk.refused("release", "P-2026-001", "--by", "5")) == "ReleaseTooEarly"

    # 2  on the due day: 600,000.00 to bank 2, the pledgee, agreed by the holder; the rest to 5
    desk.ask("travel", "2026-08-28")
    assert "party 5 holds 400,000.00 yuan" in desk.run(*SETTLE, "DF-1", "--agreed", "--yes").output
    desk.do(*SETTLE, "DF-2", "--agreed")
    assert face_of(desk) == 0
    assert desk.ask("verify")["verified"] is True


def test_what_is_paid_to_the_pledgee_is_confirmed_by_the_holder_too(desk: Desk) -> None:
    desk.do(*PLEDGE, "--end-day", "2026-12-31")
    desk.ask("travel", "2026-08-28")
    desk.do(*SETTLE, "DF-1", "--amount", "100000.00")
    said = desk.run("pay", "confirm", "P-2026-001", "--by", "2", answers="y\n").output
    assert "Sign as 2 (江城银行), 5 (云山零件) and send?" in said
    assert "pledged to party 2 for 500,000.00 yuan" in said


def test_the_pledgee_releases_at_any_time_the_holder_after_the_last_day(desk: Desk) -> None:
    desk.do(*PLEDGE, "--end-day", "2026-04-30")
    desk.do("release", "P-2026-001", "--by", "2")
    assert desk.ask("show", "P-2026-001")["voucher"]["locks"] == 0
    desk.do(*PLEDGE, "--end-day", "2026-04-30")
    assert desk.ask("show", "P-2026-001")["voucher"]["locks"] == Lock.PLEDGE
    desk.ask("travel", "2026-05-01")
    desk.do("release", "P-2026-001", "--by", "5")
    assert desk.ask("show", "P-2026-001")["voucher"]["locks"] == 0


# Award


@pytest.mark.parametrize(("finding", "left"), [("--paid", 0), ("--not-paid", 1_000_000_00)])
def test_a_contest_is_ended_by_registrar_and_arbiter_after_thirty_days(
    desk: Desk, finding: str, left: int
) -> None:
    code = complete_credit_code("91350100MA000099")
    desk.do("admit", "城南仲裁", "--code", code, "--role", "arbiter")
    desk.ask("travel", "2026-08-28")
    desk.do(*SETTLE, "DF-1")
    desk.do("pay", "contest", "P-2026-001", "--by", "5", "--reason", "nothing has arrived")
    award = ("pay", "award", "P-2026-001", finding, "--ruling", "SAC-17", "--arbiter")
    assert name_of(desk.refused(*award, "9")) == "AwardTooEarly"
    desk.ask("travel", "2026-09-27")
    assert name_of(desk.refused(*award, "2")) == "ArbiterConcerned"
    desk.do(*award, "9")
    assert face_of(desk) == left


# Court


def test_a_frozen_voucher_does_not_move_and_an_order_counts_once(desk: Desk) -> None:
    frozen = ("freeze", "P-2026-001", *ORDER, "--until", "2026-05-31")
    assert name_of(desk.refused("unfreeze", "P-2026-001", *ORDER)) == "NotFrozen"
    assert name_of(desk.refused(*frozen[:-1], "2026-03-31")) == "FreezeOutOfRange"
    desk.do(*frozen)
    assert name_of(desk.refused("transfer", "P-2026-001", "--from", "5", "--to", "6")) == "InFreeze"
    assert name_of(desk.refused("unfreeze", "P-2026-001", *ORDER)) == "OrderSpent"
    desk.do("unfreeze", "P-2026-001", "--order", "(2026)粤03执17号")
    assert name_of(desk.refused(*frozen)) == "OrderSpent"
    desk.do("transfer", "P-2026-001", "--from", "5", "--to", "6")


# The end without payment


def test_cancelled_as_a_whole_a_promise_gives_its_invoices_back(desk: Desk) -> None:
    again = desk.issue("1000000.00", "--invoice", "F-881=1000000.00/1500000.00")
    assert name_of(desk.refused(*again)) == "InvoiceExceeded"
    desk.do("cancel-whole", "P-2026-001", "--issuer", "4", "--holder", "5")
    desk.do(*again)


def test_a_divided_promise_is_not_cancelled_as_a_whole(desk: Desk) -> None:
    desk.do("split", "P-2026-001", "--from", "5", "--part", "6=1000.00")
    words = ("cancel-whole", "--issuer", "4", "--holder", "5")
    assert name_of(desk.refused(*words, "P-2026-001")) == "NotUndivided"
    assert "was not sent from here" not in desk.run(*words, "P-2026-001", "--yes", code=1).output


def test_what_was_signed_and_has_not_landed_is_revoked(desk: Desk, tmp_path: Path) -> None:
    file = str(tmp_path / "transfer.json")
    desk.run("transfer", "P-2026-001", "--from", "5", "--to", "6", "--save", file, "--yes")
    assert name_of(desk.refused("revoke", "P-2026-001", "--by", "6")) == "BadSignature"
    desk.do("revoke", "P-2026-001", "--by", "5")
    assert name_of(desk.refused("send", file)) == "WrongSequence"


def test_an_issue_that_has_not_landed_is_revoked(desk: Desk, tmp_path: Path) -> None:
    file = str(tmp_path / "issue.json")
    desk.run(*desk.issue("1000.00"), "--save", file, "--yes")
    assert name_of(desk.refused("revoke-issue", file, "--by", "6")) == "NotConcerned"
    desk.do("revoke-issue", file, "--by", "5")
    assert name_of(desk.refused("send", file)) == "VoucherTaken"


def test_a_file_that_is_no_issue_is_not_revoked(desk: Desk, tmp_path: Path) -> None:
    file = str(tmp_path / "transfer.json")
    desk.run("transfer", "P-2026-001", "--from", "5", "--to", "6", "--save", file, "--yes")
    assert "is no issue" in desk.unusable("revoke-issue", file, "--by", "5", "--yes")
    assert json.loads(Path(file).read_text(encoding="utf-8"))["agreement"]["agreement"] == "Transfer"
