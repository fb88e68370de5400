"""Any wallet works: typed data that this product makes is hashed and signed the same by viem and by ethers.

The two libraries of the JavaScript world, which most wallets are built on, read the typed data in the file that
`--save` writes and know nothing else of us. One run of node answers for all samples: of every agreement several drawn
ones, one with every number at its highest, one on a chain whose id no JavaScript number holds.
"""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import pytest
from eth_account import Account
from eth_utils.crypto import keccak
from hypothesis import Phase, given, settings

from ledger.agreements import AGREEMENTS, Agreement
from ledger.errors import InputError
from ledger.members import LAST_DAY, Form, PartyNumber, Purpose, Struct, members_of
from ledger.signing import SAFE_INTEGER, Domain, digest, recover, sign, typed_data
from scripts import cli_envelope
from tests.engines import ROOT
from tests.ledger.samples import domain_for, instances

KEY: Final = keccak(text="a wallet of a test")
ADDRESS: Final = Account.from_key(KEY).address
DRAWN: Final = 4
LIBRARIES: Final = ("viem", "ethers")
LARGE_CHAIN: Final = 2**63 + 1
kinds = pytest.mark.parametrize("kind", AGREEMENTS, ids=lambda kind: kind.__name__)
libraries = pytest.mark.parametrize("library", LIBRARIES)


@dataclass(frozen=True)
class Answer:
    """What both libraries said of one agreement for one contract."""

    agreement: Agreement
    domain: Domain
    said: dict[str, Any]

    def digest(self, library: str) -> bytes:
        return bytes.fromhex(self.said[library]["digest"][2:])

    def signature(self, library: str) -> bytes:
        return bytes.fromhex(self.said[library]["signature"][2:])


def drawn(kind: type[Agreement]) -> list[Agreement]:
    """The same few on every run."""
    found: list[Agreement] = []

    @settings(max_examples=DRAWN, derandomize=True, database=None, phases=[Phase.generate], deadline=None)
    @given(instances(kind))
    def keep(agreement: Agreement) -> None:
        found.append(agreement)

    keep()
    return found


def highest(kind: type[Struct]) -> Any:
    """With the highest number in every member, the longest signer and full lists."""
    values: dict[str, Any] = {}
    for member in members_of(kind):
        match member.form:
            case Form.FLAG:
                value: Any = True
            case Form.PURPOSE:
                value = Purpose.SETTLEMENT
            case Form.HASH:
                value = b"\xff" * 32
            case Form.ADDRESS:
                value = b"\xff" * 20
            case Form.BYTES:
                value = b"\xff" * 1_024
            case Form.DAY:
                value = LAST_DAY
            case Form.LIST:
                assert member.item is not None
                value = (highest(member.item),) * 10
            case _:
                value = 2 ** int(member.solidity.removeprefix("uint")) - 1
        values[member.name] = value
    return kind(**values)


def ask(samples: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One run of node."""
    question = json.dumps({"key": "0x" + KEY.hex(), "samples": samples})
    script = ROOT / "tests/javascript/wallets.mjs"
    done = subprocess.run(["node", script], input=question.encode(), capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr.decode()
    return list(json.loads(done.stdout))


def saved(agreement: Agreement, domain: Domain, file: Path) -> dict[str, Any]:
    """The typed data as a wallet finds it in the file of an agreement."""
    cli_envelope.write(file, cli_envelope.unsigned(agreement, domain, signers=[PartyNumber(1)]))
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))["typed_data"]
    return found


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> list[Answer]:
    file = tmp_path_factory.mktemp("saved") / "agreement.json"
    asked: list[tuple[Agreement, Domain]] = []
    for kind in AGREEMENTS:
        domain = domain_for(kind)
        asked += [(agreement, domain) for agreement in (*drawn(kind), highest(kind))]
        asked.append((highest(kind), replace(domain, chain_id=LARGE_CHAIN)))
    said = ask([saved(*each, file) for each in asked])
    return [Answer(*each, words) for each, words in zip(asked, said, strict=True)]


def of_kind(answers: list[Answer], kind: type[Agreement]) -> list[Answer]:
    found = [each for each in answers if type(each.agreement) is kind]
    assert len(found) >= DRAWN + 1
    return found


@kinds
@libraries
def test_a_signature_is_for_one_agreement_one_contract_and_one_chain_alone(
    answers: list[Answer], kind: type[Agreement], library: str
) -> None:
    first, *_, other_chain = of_kind(answers, kind)
    for answer, domain in ((first, other_chain.domain), (other_chain, first.domain)):
        try:
            signer = recover(answer.agreement, domain, answer.signature(library))
        except InputError:
            continue
        assert signer != ADDRESS


@kinds
@libraries
def test_a_wallet_hashes_what_the_contract_hashes(
    answers: list[Answer], kind: type[Agreement], library: str
) -> None:
    for answer in of_kind(answers, kind):
        assert answer.digest(library) == digest(answer.agreement, answer.domain)


@kinds
@libraries
def test_a_wallet_signs_what_is_accepted_here_and_byte_for_byte_as_we_do(
    answers: list[Answer], kind: type[Agreement], library: str
) -> None:
    for answer in of_kind(answers, kind):
        signature = answer.signature(library)
        assert recover(answer.agreement, answer.domain, signature) == ADDRESS
        assert signature == sign(answer.agreement, answer.domain, KEY)


def test_the_samples_hold_numbers_that_only_text_carries_through_json(answers: list[Answer]) -> None:
    asked = [typed_data(each.agreement, each.domain) for each in answers]
    texts = [value for each in asked for value in each["message"].values() if str(value).isdigit()]
    assert any(isinstance(value, str) and int(value) > SAFE_INTEGER for value in texts)
    assert {type(each["domain"]["chainId"]) for each in asked} == {int, str}
