"""Every refusal is a clear sentence in both languages, with its facts and the next step."""

from __future__ import annotations

import re
from string import Formatter
from typing import Any

import pytest

from ledger.agreements import PartyNumber, VoucherId
from ledger.artifacts import load
from ledger.errors import Refusal
from ledger.explain import explain, explanations, lock_words, role_words
from ledger.members import line_id
from tests.engines import ROOT

NO_CUSTOM_ERROR = {"EmptyRevert", "UnknownError", "Error", "Panic", "WalletBudgetSpent"}
NEGOTIATION = set(
    re.findall(
        r'(?:Refusal|NotKept)\("([A-Za-z]+)"',
        "".join(
            path.read_text("utf-8")
            for folder in ("ledger/negotiation", "gateway")
            for path in (ROOT / folder).glob("*.py")
        ),
    )
)
"""What negotiation and its doors refuse, some of it in the contract's words."""
ERRORS: dict[str, list[tuple[str, str]]] = {
    entry["name"]: [(part["name"], part["type"]) for part in entry["inputs"]]
    for contract in ("PartyRegistry", "VoucherLedger")
    for entry in load(contract).abi
    if entry["type"] == "error"
}
SAMPLES: dict[str, Any] = {"uint256": 20_544, "bytes32": "0x" + "ab" * 32, "bytes": "0x", "bool": True}


def test_every_custom_error_of_both_contracts_is_explained_and_nothing_else() -> None:
    assert set(explanations()) == set(ERRORS) | NO_CUSTOM_ERROR | NEGOTIATION


@pytest.mark.parametrize("name", sorted(ERRORS))
def test_an_explanation_says_every_fact_and_invents_none(name: str) -> None:
    facts = {fact for fact, _ in ERRORS[name]}
    what_zh, next_zh, what_en, next_en = explanations()[name]
    for what in (what_zh, what_en):
        assert {field for _, field, _, _ in Formatter().parse(what) if field} == facts
    assert next_zh
    assert next_en


@pytest.mark.parametrize("name", sorted(ERRORS))
def test_an_explanation_is_whole_sentences_without_gaps(name: str) -> None:
    told = explain(Refusal(name, {fact: SAMPLES.get(kind, "text") for fact, kind in ERRORS[name]}))
    for zh in (told.what.zh, told.next_step.zh):
        assert zh.endswith("。")
    for en in (told.what.en, told.next_step.en):
        assert en.endswith(".")
        assert en[0] == en[0].upper()
    assert "{" not in str(told)
    assert "?" not in str(told)


def test_facts_are_written_as_what_they_are() -> None:
    told = explain(Refusal("LimitExceeded", {"line": line_id(2, 17), "asked": 100_000_001, "available": 5}))
    assert told.what.en == "Credit line 2-17 is short: 1,000,000.01 yuan asked, 0.05 yuan available."
    told = explain(Refusal("LineExpired", {"line": line_id(2, 1), "expiry": 20_544, "today": 20_545}))
    assert told.what.en == "Credit line 2-1 expired on 2026-04-01, today is 2026-04-02."
    told = explain(Refusal("AgreementExpired", {"deadline": 1_774_972_799, "timestamp": 1_774_972_800}))
    assert "2026-03-31 23:59:59 (UTC+8)" in told.what.en
    told = explain(Refusal("WrongAmount", {"given": 1, "expected": 65_000_000}))
    assert "0.01 yuan, expected 650,000.00 yuan" in told.what.en
    assert "贴现中、付款有异议" in explain(Refusal("Locked", {"voucher": 1, "locks": 5})).what.zh
    assert "funder" in explain(Refusal("MissingRole", {"party": 3, "role": 4})).what.en
    unfit = explain(Refusal("RegistrarUnfit", {"party": 2, "roles": 6}))
    assert unfit.what.en == "Party 2 has a role (bank, funder) and cannot be registrar."
    told = explain(Refusal("IssuerOverdue", {"issuer": 4, "overdue": 35_000_000}))
    assert told.what.en.startswith("Party 4 owes 350,000.00 yuan that are overdue")
    told = explain(Refusal("SecuredOutOfRange", {"given": 0, "lowest": 1, "highest": 100_000_000}))
    assert told.what.en == "A secured sum of 0.00 yuan is not from 0.01 to 1,000,000.00 yuan."
    told = explain(Refusal("NotYetOverdue", {"from": 20_704, "today": 20_703}))
    assert "overdue from 2026-09-08 on, after due day and grace; today is 2026-09-07" in told.what.en
    told = explain(Refusal("IssueUnchanged", {"issuer": 4, "stopped": True}))
    assert "(stopped: yes)" in told.what.en
    told = explain(Refusal("NoticeTooShort", {"given": 20_544, "earliest": 20_545}))
    assert "from 2026-04-01 on, 2026-04-02 is the earliest" in told.what.en


def test_a_sequence_belongs_to_a_party_a_line_or_a_voucher_by_its_id() -> None:
    def whose(number: int) -> str:
        return explain(Refusal("WrongSequence", {"id": number, "given": 1, "present": 2})).what.en

    assert whose(0).startswith("The record of the registrar's settings stands at sequence 2")
    assert whose(12).startswith("Party 12 stands at sequence 2")
    assert whose(line_id(2, 1)).startswith("Credit line 2-1 stands")
    assert whose(1 << 96).startswith("Voucher 0x")


def test_names_and_readable_numbers_stand_beside_the_ids() -> None:
    voucher = VoucherId(0xAB << 248)
    refusal = Refusal("NotConcerned", {"voucher": voucher, "party": 3})
    told = explain(refusal, names={PartyNumber(3): "海州银行"}, vouchers={voucher: "P-2026-001"})
    assert "P-2026-001 (0xab000000…0000)" in told.what.en
    assert "party 3 “海州银行”" in told.what.en
    assert "3 号参与方「海州银行」" in told.what.zh


def test_an_unknown_error_missing_facts_and_absurd_facts_are_explained_all_the_same() -> None:
    assert "Strange(a=1)" in str(explain(Refusal("Strange", {"a": 1})))
    assert "?" in str(explain(Refusal("LimitExceeded")))
    assert str(2**200) in str(explain(Refusal("RecordDay", {"voucher": 1, "dueDay": 2**200, "today": 1})))
    assert str(2**200) in str(explain(Refusal("AgreementExpired", {"deadline": 2**200, "timestamp": 1})))


def test_locks_and_roles_in_words() -> None:
    assert str(lock_words(0)) == "无 / none"
    assert lock_words(32).en == "frozen by court order"
    assert role_words(0).en == "holder"
    assert role_words(6).zh == "银行、资金方"


def test_the_relay_s_own_refusal_says_what_is_left_to_do() -> None:
    told = explain(Refusal("WalletBudgetSpent", {"party": 11, "spent": 600_000, "budget": 700_000}))
    assert "600000" in told.what.en.replace(",", "")
    assert "submit" in told.next_step.en
    assert "{" not in str(told)


def test_no_arbiter_is_called_none_and_not_party_0() -> None:
    said = explain(Refusal("ArbiterExpected", {"vetoed": 1, "arbiter": 0}))
    assert said.what.en == "Vetoed: yes; party given as arbiter: 0 (0: none)."
    assert "0 号参与方" not in said.what.zh
