"""A command that is killed half-way: nothing is sent silently later, and nothing that is typed again happens twice."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from scripts.cli_screen import PASSPHRASE
from tests.cli_desk import Desk, opened
from tests.engines import ROOT

__all__ = ["opened"]
SPLIT = ("split", "P-2026-001", "--from", "5", "--part", "6=1000.00")
KILL = """
import os, signal, sys
from ledger import relay
from scripts import cli, cli_command, cli_conduct
def dies(*given, **named):
    os.kill(os.getpid(), signal.SIGKILL)
def dies_after(module, name):
    whole = getattr(module, name)
    def half(*given, **named):
        whole(*given, **named)
        dies()
    setattr(module, name, half)
where = sys.argv.pop(1)
if where == "queued":
    dies_after(relay, "queue")
elif where == "marked":
    relay.run = dies
elif where == "landed":
    dies_after(relay, "run")
else:
    cli_command.reported = dies
sys.argv[0] = "tallystick"
cli.main()
"""
PLACES = ("queued", "marked", "landed", "said")


@pytest.fixture
def desk(opened: Desk, tmp_path: Path) -> Desk:
    """A copy of the installation."""
    return Desk(Path(shutil.copytree(opened.directory, tmp_path / "installation")))


def killed(desk: Desk, where: str, *words: str) -> None:
    """The command as a process of its own, ended by the system after that step."""
    own = {PASSPHRASE: "open", "TALLYSTICK_DIRECTORY": str(desk.directory)}
    command = [sys.executable, "-c", KILL, where, *words, "--yes"]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | own, capture_output=True, check=False)
    assert done.returncode == -9, done.stderr


def numbers(desk: Desk) -> list[str]:
    return [row["number"] for row in desk.ask("vouchers")["vouchers"]]


def ended(desk: Desk, *words: str) -> Any:
    """The command's answer where it settles what an earlier one left and does nothing itself."""
    return json.loads(desk.run(*words, "--yes", "--json", code=1).stdout)


@pytest.mark.parametrize("where", PLACES)
def test_an_issue_typed_again_after_a_kill_is_not_made_twice(desk: Desk, where: str) -> None:
    killed(desk, where, *desk.issue("1000.00"))
    again = ended(desk, *desk.issue("1000.00"))
    [earlier] = again["earlier"]
    assert (earlier["verb"], earlier["subject"], earlier["landed"]) == ("issue", "P-2026-002", True)
    assert numbers(desk) == ["P-2026-001", "P-2026-002"]
    assert desk.do(*desk.issue("1000.00"))["number"] == "P-2026-003"  # said once; typed now it is a new one


@pytest.mark.parametrize("where", PLACES)
def test_a_split_typed_again_after_a_kill_is_not_made_twice(desk: Desk, where: str) -> None:
    killed(desk, where, *SPLIT)
    said = desk.run(*SPLIT, "--yes", code=1).output
    assert "An earlier command stopped half-way: split of P-2026-001 landed in block" in said
    assert "P-2026-001/1 → 6" in said
    assert "type the command again if it is still wanted" in said
    assert numbers(desk) == ["P-2026-001", "P-2026-001/1"]
    assert list(desk.do(*SPLIT)["parts"]) == ["P-2026-001/2"]
    assert desk.ask("show", "P-2026-001/2")["voucher"]["parts"][1]["number"] == "P-2026-001/2"


def test_another_command_says_what_the_killed_one_has_done_and_does_nothing_itself(desk: Desk) -> None:
    killed(desk, "queued", *desk.issue("1000.00"))
    suspend = ("suspend", "7", "--reason", "licence revoked")
    assert ended(desk, *suspend)["earlier"][0]["subject"] == "P-2026-002"
    assert desk.ask("parties")["parties"][6]["suspended"] is False
    desk.do(*suspend)
    assert desk.ask("verify")["verified"] is True


def test_what_a_killed_command_left_and_the_chain_refuses_is_said_with_the_reason(desk: Desk) -> None:
    killed(desk, "queued", *SPLIT)
    desk.ask("travel", "2026-08-28")
    answer = ended(desk, *desk.issue("1000.00", due="2026-12-01"))
    assert (answer["earlier"][0]["landed"], answer["earlier"][0]["refused"]) == (False, "AgreementExpired")
    assert numbers(desk) == ["P-2026-001"]
    desk.do(*desk.issue("1000.00", due="2026-12-01"))


def test_a_payment_that_nobody_signs_is_said_too(desk: Desk) -> None:
    desk.ask("travel", "2026-09-08")
    killed(desk, "landed", "overdue", "P-2026-001")
    assert ended(desk, "overdue", "P-2026-001")["earlier"][0]["verb"] == "declareOverdue"
    assert desk.refused("overdue", "P-2026-001")["refused"] == "AlreadyOverdue"


def test_a_file_whose_sending_was_killed_has_landed_and_says_so(desk: Desk, tmp_path: Path) -> None:
    file = str(tmp_path / "transfer.json")
    desk.do("transfer", "P-2026-001", "--from", "5", "--to", "6", "--save", file)
    killed(desk, "landed", "send", file)
    assert ended(desk, "send", file)["earlier"][0]["landed"] is True
    assert desk.do("send", file)["before"] is True


def test_the_parts_of_a_split_that_was_never_sent_keep_their_numbers(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stops(*_given: object, **_named: object) -> None:
        raise RuntimeError("the power is gone")

    with monkeypatch.context() as crash:
        crash.setattr("ledger.relay.queue", stops)
        desk.run(*SPLIT, "--yes", code=2)
    assert list(desk.do(*SPLIT)["parts"]) == ["P-2026-001/1"]
    assert desk.ask("show", "P-2026-001/1")["voucher"]["parts"][0]["number"] == "P-2026-001/1"


def test_a_command_that_ends_as_it_should_leaves_nothing_behind(desk: Desk) -> None:
    desk.do(*SPLIT)
    desk.refused("transfer", "P-2026-001", "--from", "5", "--to", "99")
    desk.do("suspend", "7", "--reason", "licence revoked")
    assert not list(desk.directory.glob("unreported-*"))


def test_index_lists_what_stopped_half_way_and_sends_nothing(desk: Desk) -> None:
    killed(desk, "queued", *desk.issue("1000.00"))
    assert desk.ask("index")["unfinished"] == [{"verb": "issue", "subject": "P-2026-002"}]
    assert "stopped half-way: issue of P-2026-002" in desk.run("index").output
    assert numbers(desk) == ["P-2026-001"]
    ended(desk, *desk.issue("1000.00"))
    assert desk.ask("index")["unfinished"] == []
