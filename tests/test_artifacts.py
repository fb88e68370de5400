"""The compiled contracts are those of the sources, small enough, readable in a sitting, and without a way for money.

Compiled with the pinned compiler here and now; the other facts are read from the committed files.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from functools import cache
from string import Formatter
from typing import Final

import pytest
from eth_utils.abi import function_abi_to_4byte_selector
from eth_utils.crypto import keccak

from ledger import artifacts
from ledger.agreements import AGREEMENTS, Invoice, Part
from ledger.signing import type_string
from scripts import build_contracts
from tests.engines import ROOT

CONTRACTS: Final = ROOT / "contracts"
HIGHEST_SIZE: Final = 22_000  # bytes, of the 24,576 that a chain takes
HIGHEST_LINES: Final = {
    "PartyRegistry": 400,
    "Signers": 400,
    "Signatories": 400,
    "VoucherLedger": 700,
    "State": 600,
}
INHERITED_ERRORS: Final = {
    "InvalidShortString",
    "StringTooLong",
}  # OpenZeppelin's, of names that are too long

# What takes or gives ether, makes contracts, or hands control to other code.
CREATE, CALL, CALLCODE, DELEGATECALL, CREATE2, SELFDESTRUCT = 0xF0, 0xF1, 0xF2, 0xF4, 0xF5, 0xFF
JUMPDEST, PUSH1, PUSH32 = 0x5B, 0x60, 0x7F
TERMINATORS: Final = {0x00, 0x56, 0xF3, 0xFD, 0xFE, SELFDESTRUCT}  # STOP, JUMP, RETURN, REVERT, INVALID


@cache
def sources() -> Mapping[str, str]:
    """Every source that is deployed, by its name, without comments."""
    paths = [*CONTRACTS.glob("*.sol"), *CONTRACTS.glob("interfaces/*.sol"), *CONTRACTS.glob("lib/*.sol")]
    return {
        path.name: re.sub(r"//[^\n]*|/\*.*?\*/", "", path.read_text("utf-8"), flags=re.S) for path in paths
    }


@cache
def errors() -> Mapping[str, tuple[str, ...]]:
    """Every custom error of both contracts, with its facts."""
    return {
        entry["name"]: tuple(fact["name"] for fact in entry["inputs"])
        for name in artifacts.CONTRACTS
        for entry in artifacts.load(name).abi
        if entry["type"] == "error"
    }


def reachable(code: bytes) -> Iterator[int]:
    """The instructions that can be run: what stands behind an end, up to the next place to jump to, is data."""
    at, live = 0, True
    while at < len(code):
        op = code[at]
        live = live or op == JUMPDEST
        if live:
            yield op
        live = live and op not in TERMINATORS
        at += 1 + (op - PUSH1 + 1 if PUSH1 <= op <= PUSH32 else 0)


# Compilation


def test_the_committed_contracts_are_what_the_sources_compile_to(capsys: pytest.CaptureFixture[str]) -> None:
    result = build_contracts.main(["--check"])
    assert result == 0, capsys.readouterr().err


@pytest.mark.parametrize("name", artifacts.PUBLISHED)
def test_a_contract_keeps_its_distance_from_what_a_chain_takes(name: str) -> None:
    assert len(artifacts.load(name).deployed_bytecode) <= HIGHEST_SIZE


@pytest.mark.parametrize("name", HIGHEST_LINES)
def test_a_contract_can_be_read_in_one_sitting(name: str) -> None:
    lines = (CONTRACTS / f"{name}.sol").read_text("utf-8").splitlines()
    assert len(lines) <= HIGHEST_LINES[name]


def test_nothing_in_the_sources_waits_to_be_filled_in() -> None:
    found = [
        f"{path.name}:{number}: {line.strip()}"
        for path in sorted(CONTRACTS.glob("**/*.sol"))
        if "node_modules" not in path.parts
        for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1)
        if re.search(r"\b(FIGURE|TODO|FIXME|XXX)\b", line)
    ]
    assert not found


def test_no_assembly_stands_without_what_it_saves() -> None:
    """The comment above each block, or above its function, says how many bytes or how much gas."""
    blocks = 0
    for path in sorted([*CONTRACTS.glob("*.sol"), *CONTRACTS.glob("lib/*.sol")]):
        before: list[str] = []
        for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
            if not line.strip():
                before = []
            if 'assembly ("memory-safe")' in line:
                blocks += 1
                said = " ".join(each for each in before if "//" in each)
                assert re.search(r"\d+ (bytes|gas)", said), f"{path.name}:{number}"
            before.append(line)
    assert blocks > 10


# No way for money


@pytest.mark.parametrize("name", artifacts.PUBLISHED)
def test_no_function_takes_ether(name: str) -> None:
    for entry in artifacts.load(name).abi:
        assert entry["type"] not in ("receive", "fallback")
        assert entry.get("stateMutability") != "payable", entry


@pytest.mark.parametrize("name", artifacts.PUBLISHED)
def test_no_instruction_sends_ether_or_makes_or_ends_a_contract(name: str) -> None:
    found = set(reachable(artifacts.load(name).deployed_bytecode))
    assert not found & {CREATE, CALL, CALLCODE, CREATE2, SELFDESTRUCT}


@pytest.mark.parametrize("name", artifacts.PUBLISHED)
def test_code_is_delegated_to_in_one_place_only(name: str) -> None:
    places = 1 if name in artifacts.CONTRACTS else 0
    assert list(reachable(artifacts.load(name).deployed_bytecode)).count(DELEGATECALL) == places


def test_the_one_place_is_the_batch_and_it_delegates_to_itself() -> None:
    places = {name: text.count("delegatecall") for name, text in sources().items() if "delegatecall" in text}
    assert places == {"Door.sol": 1}
    batch = re.search(r"function batch\(.*?\n    }\n", sources()["Door.sol"], flags=re.S)
    assert batch is not None
    assert "address(this).delegatecall(" in batch[0]


@pytest.mark.parametrize("word", ["payable", "receive", "fallback", "selfdestruct", "callcode", "tx.origin"])
def test_the_sources_do_not_even_have_the_word(word: str) -> None:
    assert [name for name, text in sources().items() if re.search(rf"\b{re.escape(word)}\b", text)] == []


def test_the_check_that_every_agreement_asks_for_is_the_first_that_the_registry_looks_for() -> None:
    """The compiler compares selectors in their order, 22 gas each; `check` has its sender first for that."""
    selectors = {
        function_abi_to_4byte_selector(entry): entry["name"]  # type: ignore[arg-type]
        for entry in artifacts.load("PartyRegistry").abi
        if entry["type"] == "function"
    }
    assert selectors[min(selectors)] == "check"


# Names and hashes


def test_every_type_hash_is_the_hash_of_the_type_written_above_it() -> None:
    source = (CONTRACTS / "lib" / "AgreementTypes.sol").read_text("utf-8")
    written = re.findall(r"/// (.*)\n\s*bytes32 \w+ constant \w+ =\s*(0x[0-9a-f]{64});", source)
    assert len(written) == source.count(" constant ")
    assert {text: "0x" + keccak(text=text).hex() for text, _ in written} == dict(written)


def test_the_types_that_are_signed_are_the_same_in_python() -> None:
    source = (CONTRACTS / "lib" / "AgreementTypes.sol").read_text("utf-8")
    ours = {type_string(kind) for kind in (*AGREEMENTS, Invoice, Part)}
    assert set(re.findall(r"/// ([A-Z]\w*\([^\n]*\))\n\s*bytes32", source)) == ours


def test_every_error_is_declared_in_an_interface() -> None:
    declared = {
        name: set(re.findall(r"\berror (\w+)\(", text))
        for name, text in sources().items()
        if "error " in text
    }
    assert all(name.startswith("I") for name, found in declared.items() if found)
    assert set().union(*declared.values()) == set(errors()) - INHERITED_ERRORS


def test_every_error_is_explained_to_its_reader_with_facts_that_it_has() -> None:
    with (ROOT / "ledger" / "explanations.csv").open(encoding="utf-8", newline="") as file:
        rows = {row.pop("name"): "".join(row.values()) for row in csv.DictReader(file)}
    assert set(errors()) - INHERITED_ERRORS - set(rows) == set()
    for name in set(errors()) & set(rows):
        used = {fact for _, fact, _, _ in Formatter().parse(rows[name]) if fact}
        assert used <= set(errors()[name]), name


def test_every_refusal_of_the_python_model_is_an_error_of_the_contracts() -> None:
    raised = {
        name
        for path in (ROOT / "ledger").glob("*.py")
        for name in re.findall(r'Refusal\(\s*"(\w+)"', path.read_text("utf-8"))
    }
    not_an_error = {
        "EmptyRevert",
        "Error",
        "Panic",
        "UnknownError",  # what a node's answer is called without one
        "WalletBudgetSpent",  # the relay's own
    }
    assert raised - not_an_error <= set(errors())


def test_the_state_table_names_only_errors_that_there_are() -> None:
    with (CONTRACTS / "verbs.csv").open(encoding="utf-8", newline="") as file:
        table = list(csv.reader(file))
    cells = {cell for row in table[1:] for cell in row[2:]}
    assert cells - {"yes", ""} <= set(errors())
