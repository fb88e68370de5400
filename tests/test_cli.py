"""The `tallystick` command: a whole small life on an embedded chain, what it prints, and its exit codes."""

from __future__ import annotations

import csv
import inspect
import json
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from typer.main import get_command
from typer.testing import CliRunner

from ledger.agreements import AGREEMENTS
from ledger.installation import database_of
from ledger.organisation_tables import AuditRow, OrganisationRow
from ledger.statement import LINE_COLUMNS, LOAN_COLUMNS, STATEMENT_COLUMNS
from ledger.store import open_store
from scripts import cli_books, demo
from scripts.cli import app
from tests.cli_desk import Desk, opened
from tests.engines import anvil

__all__ = ["opened"]
ROOT = Path(__file__).resolve().parent.parent
COMMANDS = get_command(app).commands  # type: ignore[attr-defined]
PAY = COMMANDS["pay"].commands
OUTBOX = COMMANDS["outbox"].commands
EVERY = (
    [(name,) for name in COMMANDS] + [("pay", name) for name in PAY] + [("outbox", name) for name in OUTBOX]
)


@pytest.fixture
def desk(opened: Desk, tmp_path: Path) -> Desk:
    """A copy of the installation."""
    return Desk(Path(shutil.copytree(opened.directory, tmp_path / "installation")))


# Help and the shape of the thing


def test_the_commands_are_those_of_the_product() -> None:
    wanted = {"demo", "deploy", "issue", "transfer", "split", "discount", "pay", "show", "lines", "index"}
    assert wanted | {"verify", "reconcile", "ledgers", "succeed"} <= set(COMMANDS)
    assert set(PAY) == {"assert", "confirm", "contest", "withdraw", "award", "complete"}


def test_every_agreement_has_its_command() -> None:
    paying = {"assertPayment", "confirmPayment", "contestPayment", "withdrawPayment"}
    others = {"discount", "reinstate", "setTenorCap", "award"}
    wanted = {kind.verb() for kind in AGREEMENTS} - paying - others
    named = {
        "".join([first, *(word.capitalize() for word in rest)]) for first, *rest in map(words_of, COMMANDS)
    }
    assert wanted <= named
    assert {"discount", "suspend", "tenor-cap", "overdue"} <= set(COMMANDS)


def words_of(command: str) -> list[str]:
    return command.split("-")


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_help_says_what_a_command_does_with_an_example(words: tuple[str, ...]) -> None:
    result = CliRunner().invoke(app, [*words, "--help"])
    assert result.exit_code == 0
    assert f"Example:\n    tallystick {' '.join(words)}" in result.output


def test_the_example_of_a_command_names_only_options_that_it_has() -> None:
    for words in (each for each in EVERY if each != ("pay",)):  # that one's is of a command below it
        text = CliRunner().invoke(app, [*words, "--help"]).output
        example, options = text.split("Example:")[1].split("\n\n", 1)
        for word in example.split():
            assert not word.startswith("--") or f"{word} " in options, (words, word)


def test_as_a_process_it_ends_with_the_exit_code_and_without_a_traceback(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "scripts.cli", "lines", "--directory", str(tmp_path / "nowhere")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "make one with: tallystick deploy" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_the_demo_is_called_as_it_wants_to_be() -> None:
    called = inspect.signature(demo.run).bind(Path("demo-output"), seed=7, quiet=True)
    assert called.arguments["seed"] == 7


# A small life


def test_a_voucher_lives_from_issue_to_settlement(desk: Desk) -> None:
    # 1  it was issued to 5 over 1,000,000.00; the line is drawn by as much
    line = desk.ask("lines")["lines"][0]
    assert (line["line"], line["drawn_fen"], line["available_fen"]) == ("2-1", 1_000_000_00, 1_000_000_00)

    # 2  5 passes 250,000.00 to 6 and 100,000.00 to 7
    split = desk.do("split", "P-2026-001", "--from", "5", "--part", "6=250000.00", "--part", "7=100000.00")
    assert list(split["parts"]) == ["P-2026-001/1", "P-2026-001/2"]
    assert split["rest_fen"] == 650_000_00

    # 3  7 passes its part on to 6, by name
    desk.do("transfer", "P-2026-001/2", "--from", "东岭物流", "--to", "江南模具")

    # 4  6 sells its first part to bank 2 for cash
    sold = desk.do(
        *("discount", "P-2026-001/1", "--seller", "6", "--funder", "2"),
        *("--rate", "3.60", "--value-day", "2026-04-01"),
    )
    assert (sold["interest_fen"], sold["proceeds_fen"]) == (3_725_00, 246_275_00)
    desk.do("pay", "assert", "P-2026-001/1", "--for", "disbursement", "--by", "2", "--reference", "FK-1")
    desk.do("pay", "confirm", "P-2026-001/1", "--by", "6")

    # 5  on the due day bank 2 pays: jointly with 5, and to 6 by silence
    desk.ask("travel", "2026-08-28")
    settle = ("--for", "settlement", "--by", "2", "--reference")
    desk.do("pay", "assert", "P-2026-001", *settle, "DF-1", "--agreed")
    desk.do("pay", "assert", "P-2026-001/2", *settle, "DF-2")
    desk.ask("travel", "2026-09-03")
    assert desk.ask("pay", "complete", "P-2026-001/2")["verb"] == "completePayment"
    desk.do("pay", "assert", "P-2026-001/1", *settle, "DF-3")

    assert "650,000.00 元 → 5 云山零件 · 双方同意即时生效" in desk.run("show", "P-2026-001").output

    # 6  nothing is owed any more, the line is free, and all of it is verified
    assert [row["face_fen"] for row in desk.ask("vouchers")["vouchers"]] == [0, 0, 0]
    assert desk.ask("lines")["lines"][0]["drawn_fen"] == 0
    verified = desk.ask("verify")
    assert verified["verified"] is True
    assert verified["findings"] == []


def test_a_contested_payment_is_withdrawn_and_the_discount_rescinded(desk: Desk) -> None:
    terms = ("--rate", "3.60", "--value-day", "2026-04-02", "--pay-by", "2026-04-10")
    desk.do("discount", "P-2026-001", "--seller", "5", "--funder", "丰谷保理", *terms)
    desk.ask("travel", "2026-04-02")
    desk.do("pay", "assert", "P-2026-001", "--for", "disbursement", "--by", "8", "--reference", "FK-2")
    words = ("pay", "contest", "P-2026-001", "--by", "5", "--reason", "nothing has arrived", "--yes")
    assert "is contested since 2026-04-02" in desk.run(*words).output
    assert "No payment is under way" in desk.run("pay", "withdraw", "P-2026-001", "--by", "8", "--yes").output
    desk.do("rescind", "P-2026-001", "--by", "8")
    desk.do("cancel", "P-2026-001", "--issuer", "4", "--holder", "5")
    assert desk.ask("vouchers")["vouchers"][0]["ended_as"] == "cancelled"
    assert desk.ask("verify")["verified"] is True


def test_show_draws_the_provenance_with_amounts_tiers_and_holders(desk: Desk) -> None:
    desk.do("split", "P-2026-001", "--from", "5", "--part", "6=250000.00")
    desk.do("split", "P-2026-001/1", "--from", "6", "--part", "7=50000.00")
    drawn = desk.run("show", "P-2026-001/1/1").output
    assert "承诺面额 face 1,000,000.00 元" in drawn
    for row in (
        "P-2026-001 · 750,000.00 元 · 第 1 层 tier 1 · 5 云山零件 · 有效 live",
        "P-2026-001/1 · 200,000.00 元 · 第 2 层 tier 2 · 6 江南模具",
        "P-2026-001/1/1 · 50,000.00 元 · 第 3 层 tier 3 · 7 东岭物流",
    ):
        assert row in drawn
    tree = desk.ask("show", "P-2026-001/1/1")["voucher"]
    leaf = tree["parts"][0]["parts"][0]
    assert (tree["asked"], leaf["asked"], leaf["holder"], leaf["tier"]) == (False, True, 7, 3)
    assert [each["event"] for each in leaf["history"]] == ["Parted"]


def test_before_it_signs_it_reads_the_agreement_out_and_asks(desk: Desk) -> None:
    words = ("transfer", "P-2026-001", "--from", "5", "--to", "6")
    before = desk.state()
    said = desk.run(*words, code=1, answers="n\n").output
    assert "整张转让给6 号参与方「江南模具」" in said
    assert "Sign as 5 (云山零件), 6 (江南模具) and send?" in said
    assert "Nothing was done." in said
    assert desk.state() == before
    assert "nobody answered" in desk.run(*words, code=2, answers="").stderr
    desk.run(*words, answers="y\n")
    assert desk.ask("show", "P-2026-001")["voucher"]["holder"] == 6


def test_with_json_standard_output_is_one_object_even_where_it_asks(desk: Desk) -> None:
    done = desk.run("transfer", "P-2026-001", "--from", "5", "--to", "6", "--json", answers="y\n")
    assert json.loads(done.stdout)["holder"] == 6
    assert "整张转让" in done.stderr


def test_an_agreement_is_signed_by_one_after_the_other_and_then_sent(desk: Desk, tmp_path: Path) -> None:
    file = str(tmp_path / "transfer.json")
    desk.run("transfer", "P-2026-001", "--from", "5", "--to", "6", "--save", file, "--yes")
    given = json.loads(Path(file).read_text(encoding="utf-8"))
    given["consents"][1] = None
    Path(file).write_text(json.dumps(given), encoding="utf-8")
    assert "have party 6 sign it first" in desk.unusable("send", file, "--yes")
    assert desk.do("sign", file, "--party", "6") == {"signed": 6, "missing": []}
    assert desk.do("send", file)["verb"] == "transfer"
    assert desk.ask("show", "P-2026-001")["voucher"]["holder"] == 6


def test_parties_and_lines_are_listed_with_names(desk: Desk) -> None:
    parties = desk.ask("parties")["parties"]
    assert [row["party"] for row in parties] == list(range(1, 9))
    assert parties[3]["name"] == "青峰制造"
    assert "└ 2-2" in desk.run("lines").output
    assert "丰谷保理" in desk.run("parties").output


# Deploy


def test_a_newcomer_deploys_admits_grants_and_issues_by_hand(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "books")
    made = desk.ask("deploy", "--bank", "江城银行", "--demo-from", "2026-04-01")
    assert made["banks"] == [2]
    assert sorted(path.name for path in desk.directory.iterdir()) == [
        "chain.sqlite",
        "dossier.json",
        "keys.json",
        "tallystick.sqlite",
    ]
    assert desk.do("admit", "青峰制造", "--role", "issuer", "--code", "91350100M000100Y43")["party"] == 3
    assert desk.do("admit", "云山零件", "--code", "91350100MA00012370")["party"] == 4
    granted = desk.do("grant-line", "--issuer", "3", "--limit", "5000.00", "--expiry", "2027-03-31")
    assert granted["line"] == "2-1"
    words = ("issue", "--issuer", "3", "--supplier", "4", "--line", "2-1", "--face", "5000.00")
    assert desk.do(*words, "--due", "2026-09-30")["number"] == "P-2026-001"
    assert desk.ask("verify")["verified"] is True


def test_on_a_node_the_same_commands_work_and_the_directory_has_no_chain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with anvil() as node:
        monkeypatch.setenv("TALLYSTICK_GAS_KEY", "0x" + node.keys[0].hex())
        monkeypatch.setenv("TALLYSTICK_CHAIN_URL", node.url)
        desk = Desk(tmp_path / "books")
        desk.ask("deploy", "--bank", "江城银行")
        assert not (desk.directory / "chain.sqlite").exists()
        desk.do("admit", "云山零件", "--code", "91350100MA00012370")
        monkeypatch.delenv("TALLYSTICK_GAS_KEY")
        assert "set TALLYSTICK_GAS_KEY" in desk.unusable("suspend", "3", "--reason", "none", "--yes")
        assert desk.ask("verify")["verified"] is True
        monkeypatch.delenv("TALLYSTICK_CHAIN_URL")
        assert "name it with --node or TALLYSTICK_CHAIN_URL" in desk.unusable("verify")


# Verify


def test_an_altered_row_makes_verify_fail_with_exit_code_1(desk: Desk) -> None:
    with sqlite3.connect(desk.directory / "tallystick.sqlite") as database:
        database.execute("update vouchers set holder = 6")
    database.close()
    found = json.loads(desk.run("verify", "--json", code=1).stdout)
    assert found["verified"] is False
    assert any("holder" in each and "expected 5, found 6" in each for each in found["findings"])
    assert "NOT verified" in desk.run("verify", code=1).output


def test_a_removed_event_makes_verify_fail(desk: Desk) -> None:
    with sqlite3.connect(desk.directory / "tallystick.sqlite") as database:
        database.execute("delete from events where name = 'Issued'")
    database.close()
    assert json.loads(desk.run("verify", "--json", code=1).stdout)["findings"]


# Reconcile


def books_of(folder: Path, *, used: str, loans: list[dict[str, str]], entries: list[dict[str, str]]) -> Path:
    """One bank's three files under Chinese headings."""
    folder.mkdir()
    lines = [("2-1", "2000000.00", used), ("2-2", "500000.00", "0.00"), ("2-3", "9000000.00", "0.00")]
    tables: tuple[tuple[str, Any, list[dict[str, str]]], ...] = (
        ("loan_book.csv", LOAN_COLUMNS, loans),
        ("statement.csv", STATEMENT_COLUMNS, entries),
        (
            "line_book.csv",
            LINE_COLUMNS,
            [
                dict(zip(("line", "issuer", "limit", "used", "expires_on"), row, strict=True))
                for row in [
                    (line, "青峰制造", limit, drawn, "2026-06-30" if line == "2-3" else "2027-03-31")
                    for line, limit, drawn in lines
                ]
            ],
        ),
    )
    for name, columns, rows in tables:
        with (folder / name).open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow([column.zh for column in columns])
            writer.writerows([[row.get(column.name, "") for column in columns] for row in rows])
    return folder


def test_a_founding_bank_is_given_the_account_that_it_pays_from_and_its_trail_says_so(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "enlist somebody for it first" in desk.unusable("account", "6222 0000 1234", "--party", "2")
    monkeypatch.setenv("TALLYSTICK_PASSWORD", "seven green hills 1949")
    desk.run("enlist", "li.wei", "--party", "2", "--role", "signatory")
    assert "give 1 to 34 letters and digits" in desk.unusable("account", "6222;0000", "--party", "2")
    for number in ("6222 0000 1234", "6222 0000 9999"):
        assert desk.ask("account", number, "--party", "2") == {"party": 2, "account": number}
    with open_store(database_of(desk.directory)) as store, store.reading() as session:
        row = session.scalars(select(OrganisationRow).where(OrganisationRow.party == 2)).one()
        trail = select(AuditRow.facts).where(AuditRow.act == "give account").order_by(AuditRow.place)
        told = list(session.scalars(trail.where(AuditRow.organisation == row.number)))
    assert row.bank_account == "6222 0000 9999"
    assert told[-1] == {"account": "6222 0000 9999", "before": "6222 0000 1234"}


@pytest.fixture
def sold(desk: Desk) -> Desk:
    """The voucher is sold to bank 2, paid on 2026-04-01 and confirmed; it is 2026-04-03."""
    terms = ("--rate", "3.60", "--value-day", "2026-04-01")
    desk.do("discount", "P-2026-001", "--seller", "5", "--funder", "2", *terms)
    desk.do("pay", "assert", "P-2026-001", "--for", "disbursement", "--by", "2", "--reference", "FK-1")
    desk.do("pay", "confirm", "P-2026-001", "--by", "5")
    desk.ask("travel", "2026-04-03")
    return desk


LOAN = {
    "loan_no": "JJ-1",
    "bank": "江城银行",
    "voucher": "P-2026-001",
    "borrower": "云山零件",
    "obligor": "青峰制造",
    "principal": "1000000.00",
    "proceeds": "985100.00",
    "interest": "14900.00",
    "rate": "3.60",
    "basis": "ACT/360",
    "booked_on": "2026-04-01",
    "due_on": "2026-08-28",
    "status": "未结清",
}
ENTRY = {
    "entry_id": "L-1",
    "booked_on": "2026-04-01",
    "value_on": "2026-04-01",
    "direction": "借",
    "amount": "985100.00",
    "counterparty": "云山零件",
    "reference": "FK-1",
}


def reconcile(books: Path, out: Path) -> tuple[str, ...]:
    return ("reconcile", "2", "--books", str(books), "--cut-off", "2026-04-02", "--out", str(out))


def test_books_that_agree_give_exit_code_0_and_three_reports(sold: Desk, tmp_path: Path) -> None:
    books = books_of(tmp_path / "books", used="1000000.00", loans=[LOAN], entries=[ENTRY])
    answer = sold.ask(*reconcile(books, tmp_path / "out"))
    assert (answer["clean"], answer["breaks"]) == (True, 0)
    for kind in ("html", "csv", "json"):
        assert Path(answer["reports"][kind]).stat().st_size > 0


def test_breaks_give_exit_code_1_and_are_named(sold: Desk, tmp_path: Path) -> None:
    loan = LOAN | {"principal": "999999.00"}
    books = books_of(tmp_path / "books", used="900000.00", loans=[loan], entries=[])
    done = sold.run(*reconcile(books, tmp_path / "out"), "--json", code=1)
    assert json.loads(done.stdout)["kinds"] == {"amount": 1, "line_usage": 1, "payment_without_entry": 1}
    said = sold.run(*reconcile(books, tmp_path / "out"), code=1).output
    assert "JJ-1" in said
    assert "999,999.00" in said


def test_bad_cells_of_all_files_are_named_at_once_and_nothing_is_written(sold: Desk, tmp_path: Path) -> None:
    loan = LOAN | {"principal": "1e5", "due_on": "2026-02-30"}
    entry = ENTRY | {"amount": "1,000.005"}
    books = books_of(tmp_path / "books", used="NaN", loans=[loan], entries=[entry])
    said = sold.unusable(*reconcile(books, tmp_path / "out"))
    for fact in ("'1e5'", "'2026-02-30'", "'1,000.005'", "'NaN'", "row 2"):
        assert fact in said
    assert not (tmp_path / "out").exists()


def test_a_missing_folder_and_a_cut_off_after_the_chain_are_unusable(sold: Desk, tmp_path: Path) -> None:
    assert "nowhere" in sold.unusable(*reconcile(tmp_path / "nowhere", tmp_path / "out"))
    books = books_of(tmp_path / "books", used="1000000.00", loans=[LOAN], entries=[ENTRY])
    words = (
        "reconcile",
        "2",
        "--books",
        str(books),
        "--cut-off",
        "2026-04-03",
        "--out",
        str(tmp_path / "out"),
    )
    assert "before the books' cut-off 2026-04-03" in sold.unusable(*words)


# Errors that nobody foresaw


def test_an_unforeseen_error_is_one_sentence_and_how_to_report_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_given: object, **_named: object) -> None:
        raise RuntimeError("the disk is on fire")

    monkeypatch.setattr(cli_books, "verify", breaks)
    said = desk.run("verify", code=2).stderr
    assert "RuntimeError: the disk is on fire" in said
    assert "TALLYSTICK_DEBUG=1" in said
    monkeypatch.setenv("TALLYSTICK_DEBUG", "1")
    again = CliRunner().invoke(app, ["verify", "--directory", str(desk.directory)])
    assert again.exit_code == 2
    assert "Traceback" in again.stderr
