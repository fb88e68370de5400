"""What bad input gets at the `tallystick` command: names, facts and a next step; nothing is lost or half done."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ledger import relay
from ledger.embedded import EmbeddedChain
from ledger.keys import Keyring
from ledger.members import PartyNumber, line_id
from scripts import cli_envelope as envelope
from scripts import cli_installation as installation
from scripts.cli import app
from scripts.cli_screen import PASSPHRASE, Screen
from tests.cli_desk import FACE, Desk, opened

__all__ = ["opened"]
SALE = ("--seller", "5", "--funder", "2", "--rate", "3.60", "--value-day", "2026-04-01")
PASS_ON = ("transfer", "P-2026-001", "--from", "5", "--to", "6")


@pytest.fixture
def desk(opened: Desk, tmp_path: Path) -> Desk:
    """A copy of the installation."""
    return Desk(Path(shutil.copytree(opened.directory, tmp_path / "installation")))


def facts(answer: Any, name: str) -> dict[str, Any]:
    assert answer["refused"] == name
    found: dict[str, Any] = answer["facts"]
    return found


# Limits and lines


def test_over_the_limit_says_asked_available_and_the_line_that_binds(desk: Desk) -> None:
    answer = desk.refused(*desk.issue("1000000.01"))
    expected = {"line": line_id(2, 1), "asked": FACE + 1, "available": FACE}
    assert facts(answer, "LimitExceeded") == expected
    assert "2-1" in answer["message"]["en"]
    assert "1,000,000.01 yuan asked, 1,000,000.00 yuan available" in answer["message"]["en"]


def test_over_the_limit_of_a_sub_line_names_the_sub_line(desk: Desk) -> None:
    answer = desk.refused(*desk.issue("500000.01", line="2-2"))
    assert facts(answer, "LimitExceeded")["line"] == line_id(2, 2)


def test_over_the_limit_of_the_parent_names_the_parent(desk: Desk) -> None:
    desk.do(*desk.issue("800000.00"))
    answer = desk.refused(*desk.issue("400000.00", line="2-2"))
    expected = {"line": line_id(2, 1), "asked": 400_000_00, "available": 200_000_00}
    assert facts(answer, "LimitExceeded") == expected


def test_an_expired_line_is_named_with_its_day(desk: Desk) -> None:
    desk.ask("travel", "2026-07-01")
    answer = desk.refused(*desk.issue("1000.00", line="2-3"))
    assert facts(answer, "LineExpired")["line"] == line_id(2, 3)
    assert "expired on 2026-06-30, today is 2026-07-01" in answer["message"]["en"]


def test_a_line_that_does_not_exist_or_is_another_issuers(desk: Desk) -> None:
    assert facts(desk.refused(*desk.issue("1000.00", line="2-9")), "UnknownLine") == {"line": line_id(2, 9)}
    words = (
        "issue",
        "--issuer",
        "5",
        "--supplier",
        "6",
        "--line",
        "2-1",
        "--face",
        "1.00",
        "--due",
        "2026-08-01",
    )
    assert facts(desk.refused(*words), "WrongIssuer")["issuer"] == 4


# Who


def test_a_suspended_party_can_neither_give_nor_take(desk: Desk) -> None:
    desk.do("suspend", "6", "--reason", "licence revoked")
    assert facts(desk.refused(*PASS_ON), "PartySuspended") == {"party": 6}
    desk.do("suspend", "6", "--reason", "licence renewed", "--end")
    desk.do(*PASS_ON)


def test_somebody_elses_voucher_cannot_be_passed_on(desk: Desk) -> None:
    answer = desk.refused("transfer", "P-2026-001", "--from", "6", "--to", "7")
    assert facts(answer, "BadSignature") == {"party": 5}
    assert "party 5 “云山零件”" in answer["message"]["en"]
    answer = desk.refused("split", "P-2026-001", "--from", "7", "--part", "6=1000.00")
    assert facts(answer, "BadSignature") == {"party": 5}


def test_a_payment_is_asserted_confirmed_and_contested_by_its_own_parties_only(desk: Desk) -> None:
    desk.do("discount", "P-2026-001", *SALE)
    words = ("pay", "assert", "P-2026-001", "--for", "disbursement", "--reference", "FK-1", "--by")
    assert facts(desk.refused(*words, "3"), "BadSignature") == {"party": 2}
    desk.do(*words, "2")
    assert facts(desk.refused("pay", "confirm", "P-2026-001", "--by", "2"), "BadSignature") == {"party": 5}
    contest = ("pay", "contest", "P-2026-001", "--reason", "no money", "--by", "6")
    assert facts(desk.refused(*contest), "NotConcerned")["party"] == 6
    assert facts(desk.refused("pay", "withdraw", "P-2026-001", "--by", "5"), "BadSignature") == {"party": 2}


def test_a_key_that_is_not_the_registered_one_signs_nothing(desk: Desk, tmp_path: Path) -> None:
    (desk.directory / "keys.json").unlink()
    ring = Keyring.create(desk.directory / "keys.json", "open", cost=2)
    ring.add(PartyNumber(5))
    ring.add(PartyNumber(6))
    assert "of party 5: let the party sign itself, or add its key" in desk.unusable(*PASS_ON, "--yes")


def test_an_unknown_party_by_number_and_by_name(desk: Desk) -> None:
    assert facts(desk.refused(*PASS_ON[:-1], "99"), "UnknownParty") == {"party": 99}
    assert "no party is called '无名'" in desk.unusable(*PASS_ON[:-1], "无名", "--yes")


# Which voucher, how much


def test_an_unknown_voucher_by_id_and_by_number(desk: Desk) -> None:
    unknown = "0x" + "12" * 32
    answer = desk.refused("transfer", unknown, "--from", "5", "--to", "6")
    assert facts(answer, "UnknownVoucher") == {"voucher": str(int(unknown, 16))}
    assert facts(json.loads(desk.run("show", unknown, "--json", code=1).stdout), "UnknownVoucher")
    assert "no voucher has the number 'P-1'" in desk.unusable("show", "P-1")
    assert "64 hex digits" in desk.unusable("show", "0x12")


def test_nothing_and_more_than_the_face_cannot_be_split_off(desk: Desk) -> None:
    words = ("split", "P-2026-001", "--from", "5", "--part")
    assert facts(desk.refused(*words, "6=0.00"), "PartTooSmall") == {"given": 0, "lowest": 100_00}
    above = facts(desk.refused(*words, "6=1000000.01"), "PartsExceedFace")
    assert above == {"asked": FACE + 1, "face": FACE}
    assert facts(desk.refused(*words, "6=999950.00"), "PartTooSmall") == {"given": 50_00, "lowest": 100_00}
    assert desk.refused(*desk.issue("0.00"))["refused"] in ("ZeroAmount", "PartTooSmall")


def test_an_invoice_beyond_its_total(desk: Desk) -> None:
    answer = desk.refused(*desk.issue("600000.00", "--invoice", "F-881=600000.00/1500000.00"))
    found = facts(answer, "InvoiceExceeded")
    assert (found["asked"], found["available"]) == (600_000_00, 500_000_00)
    answer = desk.refused(*desk.issue("1000.00", "--invoice", "F-881=1000.00"))
    assert facts(answer, "InvoiceTotalDiffers")["recorded"] == 1_500_000_00


def test_a_settlement_of_another_amount(desk: Desk) -> None:
    words = ("pay", "assert", "P-2026-001", "--for", "settlement", "--by", "2", "--reference", "DF-1")
    answer = desk.refused(*words, "--agreed", "--amount", "999999.99")
    assert facts(answer, "WrongAmount") == {"given": FACE - 1, "expected": FACE}


# Days


def test_a_due_day_in_the_past_beyond_the_cap_and_without_a_reason(desk: Desk) -> None:
    assert facts(desk.refused(*desk.issue("1000.00", due="2026-04-01")), "DueDayPassed")
    assert facts(desk.refused(*desk.issue("1000.00", due="2027-04-03")), "TenorTooLong")["tenor"] == 367
    assert facts(desk.refused(*desk.issue("1000.00", due="2026-12-01")), "TenorNeedsReason")["tenor"] == 244
    said = desk.unusable(*desk.issue("1000.00", due="2026-10-02"), "--yes")  # 184 days, above six months
    assert "record a reason, or choose a day up to 2026-10-01" in said
    desk.do(*desk.issue("1000.00", "--reason", "long build", due="2026-12-01"))


def test_a_second_discount_finds_the_voucher_locked(desk: Desk) -> None:
    desk.do("discount", "P-2026-001", *SALE)
    answer = desk.refused("discount", "P-2026-001", *SALE)
    assert facts(answer, "Locked")["locks"] == 1
    assert "under a discount" in answer["message"]["en"]
    assert facts(desk.refused(*PASS_ON), "Locked")


def test_a_move_on_the_record_day(desk: Desk) -> None:
    desk.ask("travel", "2026-08-28")
    answer = desk.refused(*PASS_ON)
    assert "fell due on 2026-08-28, today is 2026-08-28" in answer["message"]["en"]
    assert facts(answer, "RecordDay")


def test_silence_does_not_complete_before_the_window_has_ended(desk: Desk) -> None:
    desk.do("discount", "P-2026-001", *SALE)
    desk.do("pay", "assert", "P-2026-001", "--for", "disbursement", "--by", "2", "--reference", "FK-1")
    answer = json.loads(desk.run("pay", "complete", "P-2026-001", "--json", code=1).stdout)
    assert "from 2026-04-07 on, today is 2026-04-01" in answer["message"]["en"]


def test_a_day_that_is_over_cannot_be_travelled_to(desk: Desk) -> None:
    assert "give that day or a later one" in desk.run("travel", "2026-03-31", code=2).stderr


def test_an_expired_deadline(desk: Desk, tmp_path: Path) -> None:
    assert facts(desk.refused(*PASS_ON, "--valid-until", "2026-03-31"), "AgreementExpired")
    file = str(tmp_path / "transfer.json")
    desk.run(*PASS_ON, "--save", file, "--yes")
    desk.ask("travel", "2026-04-03")
    assert facts(desk.refused("send", file), "AgreementExpired")


# Agreements as files


def altered(file: Path, change: Callable[[dict[str, Any]], None]) -> None:
    given = json.loads(file.read_text(encoding="utf-8"))
    change(given)
    file.write_text(json.dumps(given), encoding="utf-8")


def test_a_tampered_amount_spoils_the_signatures(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "split.json"
    words = ("split", "P-2026-001", "--from", "5", "--part", "6=250000.00", "--save", str(file), "--yes")
    desk.run(*words)
    altered(file, lambda given: given["agreement"]["parts"][0].update(face=900_000_00))
    assert facts(desk.refused("send", str(file)), "BadSignature") == {"party": 5}


def test_an_agreement_of_another_chain_is_unusable(desk: Desk, tmp_path: Path) -> None:
    other = Desk(tmp_path / "other")
    other.run("deploy", "--bank", "江城银行", "--demo-from", "2026-04-01")
    file = tmp_path / "transfer.json"
    desk.run(*PASS_ON, "--save", str(file), "--yes")
    said = other.run("send", str(file), "--yes", code=2).stderr
    assert "on chain" in said
    assert "give it to the right one, or have it signed anew" in said
    chain_id = json.loads(file.read_text(encoding="utf-8"))["chain_id"]
    assert str(chain_id) in said

    def claims_ours(given: dict[str, Any]) -> None:
        own = other.ask("parties")
        assert own["parties"]
        given["chain_id"] = 1

    altered(file, claims_ours)
    assert "chain 1;" in desk.unusable("send", str(file), "--yes")


def test_an_agreement_that_landed_before_is_said_to_have_and_not_sent_again(
    desk: Desk, tmp_path: Path
) -> None:
    file = str(tmp_path / "transfer.json")
    desk.run(*PASS_ON, "--save", file, "--yes")
    first = desk.do("send", file)
    before = desk.state()
    assert desk.do("send", file) == first | {"before": True}
    assert "It landed already" in desk.run("send", file, "--yes").output
    assert desk.state() == before


def test_what_another_process_left_in_the_outbox_is_said_first_and_the_dossier_is_as_before(
    desk: Desk, tmp_path: Path
) -> None:
    file = tmp_path / "first.json"
    desk.run(*PASS_ON, "--save", str(file), "--yes")
    first = envelope.read(file)
    with installation.opened(Screen(), desk.directory, None) as office:
        consents = [consent for consent in first.consents if consent]
        relay.queue(
            office.store, first.agreement, consents, pin=office.pin
        )  # by another process, a moment before
    before = (desk.directory / "dossier.json").read_bytes()
    words = ("transfer", "P-2026-001", "--from", "5", "--to", "7", "--invoice", "F-9=1.00", "--yes", "--json")
    answer = json.loads(desk.run(*words, code=1).stdout)
    assert [(each["verb"], each["landed"]) for each in answer["earlier"]] == [("transfer", True)]
    assert desk.ask("show", "P-2026-001")["voucher"]["holder"] == 6
    assert (desk.directory / "dossier.json").read_bytes() == before
    assert facts(desk.refused(*words[:-2]), "BadSignature") == {"party": 6}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": "tallystick-agreement-1"}', "\ufeffx"])
def test_a_file_that_is_no_agreement_is_unusable(desk: Desk, tmp_path: Path, text: str) -> None:
    file = tmp_path / "odd.json"
    file.write_text(text, encoding="utf-8")
    assert "is no signed agreement" in desk.unusable("send", str(file), "--yes")


# Texts


@pytest.mark.parametrize("text", ["1,000.005", "-1", "1e5", "NaN", "１００", "0x10", "", "1.5", "01.00"])
def test_an_amount_that_cannot_be_read_is_unusable(desk: Desk, text: str) -> None:
    said = CliRunner().invoke(
        app,
        [*desk.issue(text), "--yes", "--directory", str(desk.directory)],
        env={PASSPHRASE: "open"},
    )
    assert said.exit_code == 2
    assert "cannot be read: give yuan" in said.stderr


@pytest.mark.parametrize("text", ["2026-02-30", "20260828", "28.08.2026", "tomorrow", ""])
def test_a_day_that_cannot_be_read_is_unusable(desk: Desk, text: str) -> None:
    assert "cannot be read: give an existing date" in desk.unusable(*desk.issue("1000.00", due=text), "--yes")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("admit", "新厂", "--code", "91350100M000100Y44"), "check character"),
        (("admit", "新厂", "--code", "91350100m000100y43"), "only half-width digits"),
        (("admit", "青峰制造", "--code", "91350100M000100Y43"), "there is a party '青峰制造' already"),
        (("admit", "新厂", "--code", "91350100M000100Y43", "--role", "king"), "role 'king' is none of"),
        (("issue", "--issuer", "4"), "Missing option"),
        (
            ("grant-line", "--issuer", "4", "--limit", "1.00", "--expiry", "2027-01-01", "--line", "x"),
            "line 'x'",
        ),
        (("split", "P-2026-001", "--from", "5", "--part", "6"), "write PARTY=AMOUNT"),
        (("discount", "P-2026-001", *SALE, "--basis", "ACT/364"), "is none of"),
        (("discount", "P-2026-001", *SALE[:4], "--rate", "3,6", "--value-day", "2026-04-01"), "rate '3,6'"),
        (("pay", "assert", "P-2026-001", "--for", "fun", "--by", "2", "--reference", "x"), "neither"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value[:2]),
)
def test_other_texts_of_no_use_are_named(desk: Desk, words: tuple[str, ...], said: str) -> None:
    assert said in desk.unusable(*words)


def test_a_voucher_number_that_is_taken(desk: Desk) -> None:
    said = desk.unusable(*desk.issue("1000.00", "--number", "P-2026-001"), "--yes")
    assert "P-2026-001 is taken" in said


# The installation


def test_a_wrong_passphrase_opens_nothing(desk: Desk) -> None:
    done = CliRunner().invoke(
        app, [*PASS_ON, "--yes", "--directory", str(desk.directory)], env={PASSPHRASE: "wrong"}
    )
    assert done.exit_code == 2
    assert "the passphrase is wrong" in done.stderr


def test_an_installation_is_not_deployed_over(desk: Desk) -> None:
    assert "is not empty" in desk.unusable("deploy", "--bank", "又一银行")


def test_without_a_bank_nothing_is_deployed(tmp_path: Path) -> None:
    done = Desk(tmp_path / "new").run("deploy", code=2)
    assert "--bank" in done.stderr
    assert not (tmp_path / "new").exists()


def test_a_chain_that_is_open_elsewhere_is_not_opened(desk: Desk) -> None:
    with EmbeddedChain(desk.directory / "chain.sqlite"):
        assert "Error:" in desk.run("index", code=2).stderr
    desk.run("index")


def test_the_chain_of_another_installation_is_not_taken_for_ours(desk: Desk, tmp_path: Path) -> None:
    other = Desk(tmp_path / "other")
    other.run("deploy", "--bank", "江城银行", "--demo-from", "2026-04-01")
    shutil.copy(other.directory / "chain.sqlite", desk.directory / "chain.sqlite")
    said = desk.run("index", code=2).stderr
    assert "this is not the chain that the database belongs to" in said


def test_the_time_of_a_real_chain_cannot_be_moved(tmp_path: Path) -> None:
    real = Desk(tmp_path / "real")
    real.run("deploy", "--bank", "江城银行")
    assert "it was not created as a demo" in real.run("travel", "2199-01-01", code=2).stderr


def test_a_node_that_does_not_answer_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALLYSTICK_GAS_KEY", "0x" + "11" * 32)
    done = Desk(tmp_path / "new").run("deploy", "--bank", "一", "--node", "http://127.0.0.1:9", code=2)
    assert "http://127.0.0.1:9" in done.stderr
    assert not (tmp_path / "new").exists()
