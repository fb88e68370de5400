"""A small installation on a demo chain, and the `tallystick` command run on it as a user would.

Party 1 is the registrar, 2 and 3 are banks, 4 an issuer, 5 to 7 suppliers, 8 a factor. Line 2-1 (2,000,000.00) has
the sub-line 2-2 (500,000.00); 2-3 is big and expires on 2026-06-30. P-2026-001 over 1,000,000.00 is held by 5.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from scripts.cli import app
from scripts.cli_installation import create
from scripts.cli_options import day
from scripts.cli_screen import PASSPHRASE, Screen
from tests.credit_codes import complete_credit_code

PARTIES = (
    ("青峰制造", "issuer"),
    ("云山零件", ""),
    ("江南模具", ""),
    ("东岭物流", ""),
    ("丰谷保理", "funder"),
)
FACE = 1_000_000_00


@dataclass(frozen=True, slots=True)
class Desk:
    """Runs commands on one installation and checks their exit codes."""

    directory: Path

    def run(self, *words: str, code: int = 0, answers: str | None = None) -> Result:
        """The command as a user types it, on this installation."""
        result = CliRunner().invoke(
            app,
            [*words],
            env={PASSPHRASE: "open", "TALLYSTICK_DIRECTORY": str(self.directory)},
            input=answers,
        )
        assert result.exit_code == code, result.output
        assert "Traceback" not in result.output
        return result

    def do(self, *words: str) -> Any:
        """A verb, confirmed, with its answer for scripts."""
        return json.loads(self.run(*words, "--yes", "--json").stdout)

    def ask(self, *words: str) -> Any:
        """A reading command's answer for scripts."""
        return json.loads(self.run(*words, "--json").stdout)

    def refused(self, *words: str) -> Any:
        """A verb that a rule refuses; everything must then be as it was."""
        before = self.state()
        answer = json.loads(self.run(*words, "--yes", "--json", code=1).stdout)
        assert answer["message"]["zh"]
        assert answer["next_step"]["en"]
        assert self.state() == before
        return answer

    def unusable(self, *words: str) -> str:
        """A command that is given input of no use; everything must then be as it was."""
        before = self.state()
        said = self.run(*words, code=2).stderr
        assert self.state() == before
        return said

    def state(self) -> tuple[Any, ...]:
        """Both files, what was put into the outbox, the last followed block, and every voucher."""
        files = [(self.directory / name).read_bytes() for name in ("keys.json", "dossier.json")]
        database = sqlite3.connect(f"file:{self.directory / 'tallystick.sqlite'}?mode=ro", uri=True)
        tables = [
            database.execute(f"select * from {name}").fetchall() for name in ("outbox", "cursors", "vouchers")
        ]
        database.close()
        return (*files, *tables)

    def issue(self, face: str, *words: str, line: str = "2-1", due: str = "2026-08-28") -> tuple[str, ...]:
        """The words of an issue from party 4 to party 5."""
        who = ("--issuer", "4", "--supplier", "5")
        return ("issue", *who, "--line", line, "--face", face, "--due", due, *words)


def open_desk(directory: Path) -> Desk:
    """Deploys on a demo chain of 2026-04-01, admits the cast, grants the lines and issues the first promise."""
    desk = Desk(directory)
    banks = ("江城银行", "海州银行")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(PASSPHRASE, "open")  # as `deploy` does it, but with keys that open fast
        create(
            Screen(),
            directory,
            registrar="登记机构",
            banks=banks,
            node=None,
            demo_from=day("2026-04-01"),
            cost=2,
        )
    for at, (name, role) in enumerate(PARTIES):
        code = complete_credit_code(f"91350100MA{at:06d}")
        desk.do("admit", name, "--code", code, *(("--role", role) if role else ()))
    grant = ("grant-line", "--issuer", "4", "--expiry", "2027-03-31")
    desk.do(*grant, "--line", "2-1", "--limit", "2000000.00")
    desk.do(*grant, "--line", "2-2", "--limit", "500000.00", "--parent", "2-1")
    desk.do("grant-line", "--issuer", "4", "--line", "2-3", "--limit", "9000000.00", "--expiry", "2026-06-30")
    desk.do(*desk.issue("1000000.00", "--invoice", "F-881=1000000.00/1500000.00"))
    return desk


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """One installation for all tests of a file; each test works on a copy."""
    return open_desk(tmp_path_factory.mktemp("desk") / "installation")
