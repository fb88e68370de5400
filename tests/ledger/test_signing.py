"""Agreements as bytes, held against the contracts' sources, the compiler's ABI and another implementation."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from eth_abi.abi import encode
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st
from web3 import Web3

from ledger.agreements import (
    AGREEMENTS,
    Agreement,
    Cancel,
    Invoice,
    Issue,
    Part,
    PartyNumber,
    Reinstate,
    Revoke,
    RevokeIssue,
    Suspend,
)
from ledger.errors import InputError
from ledger.members import Contract, Form, Member, Struct, members_of, promise_text, voucher_text
from ledger.money import Fen
from ledger.signing import (
    CURVE_ORDER,
    RESUPPLIED,
    WITH_NEW_SIGNER,
    Domain,
    batch_calldata,
    call_signature,
    calldata,
    child_id,
    complete_payment_calldata,
    declare_overdue_calldata,
    digest,
    packed,
    promise_id,
    recover,
    root_id,
    sign,
    type_string,
    typed_data,
    verifier_consent,
)
from tests.ledger.samples import (
    DEADLINE,
    H1,
    H4,
    ISSUE,
    LEDGER,
    REGISTRY,
    TRANSFER,
    VOUCHER,
    domain_for,
    few,
    instances,
    values,
)

CONTRACTS = Path(__file__).resolve().parents[2] / "contracts"
KEY = keccak(text="a key of a test")
ADDRESS = Account.from_key(KEY).address
kinds = pytest.mark.parametrize("kind", AGREEMENTS, ids=lambda kind: kind.__name__)


# What is refused


def test_an_agreement_is_never_hashed_for_the_other_contract() -> None:
    with pytest.raises(InputError, match="Transfer is for the ledger, the domain given is the registry's"):
        digest(TRANSFER, REGISTRY)
    with pytest.raises(InputError, match="is for the registry"):
        typed_data(Suspend(PartyNumber(7), 1, H1, DEADLINE), LEDGER)


@pytest.mark.parametrize("chain_id", [0, -1, 2**256])
def test_a_domain_with_an_impossible_chain_id_is_refused(chain_id: int) -> None:
    with pytest.raises(InputError, match="chain id"):
        Domain(Contract.LEDGER, chain_id, "0x" + "1f" * 20)


@pytest.mark.parametrize(
    "address", ["", "1f" * 20, "0x" + "1f" * 19, "0x" + "1g" * 20, "0x" + "1f" * 20 + "\n"]
)
def test_a_domain_with_an_impossible_address_is_refused(address: str) -> None:
    with pytest.raises(InputError, match="contract address"):
        Domain(Contract.LEDGER, 1, address)


@pytest.mark.parametrize("key", [b"", bytes(32), b"\1" * 31, b"\xff" * 32])
def test_an_unusable_key_is_refused_and_not_repeated_in_the_message(key: bytes) -> None:
    with pytest.raises(InputError, match="no private key") as refused:
        sign(TRANSFER, LEDGER, key)
    assert key == b"" or key.hex() not in str(refused.value)


def test_a_signature_that_the_contract_would_not_take_is_refused() -> None:
    good = sign(TRANSFER, LEDGER, KEY)
    r, s, v = good[:32], int.from_bytes(good[32:64], "big"), good[64]
    high = r + (CURVE_ORDER - s).to_bytes(32, "big") + bytes([55 - v])
    for bad, why in [
        (b"", "0 bytes"),
        (good[:-1], "64 bytes"),
        (good + b"\0", "66 bytes"),
        (good[:64] + bytes([v - 27]), "v = "),
        (good[:64] + bytes([v + 2]), "v = "),
        (high, "high s"),
        (bytes(32) + good[32:], "no key"),
        (r + bytes(32) + bytes([v]), "no key"),
        (b"\xff" * 32 + good[32:], "no key"),
    ]:
        with pytest.raises(InputError, match=why):
            recover(TRANSFER, LEDGER, bad)


def test_call_data_with_a_missing_or_unwanted_issue_is_refused() -> None:
    with pytest.raises(InputError, match="needs the issue agreement"):
        calldata(RevokeIssue(promise_id(ISSUE, LEDGER), PartyNumber(4), DEADLINE), [b""])
    with pytest.raises(InputError, match="Transfer takes no issue agreement"):
        calldata(TRANSFER, [b"", b""], issued=ISSUE)


# The contracts' own sources


def test_type_strings_and_type_hashes_are_those_of_the_contracts() -> None:
    source = (CONTRACTS / "lib" / "AgreementTypes.sol").read_text(encoding="utf-8")
    written = re.findall(r"/// ([A-Z]\w*\(.*\))\n\s*bytes32 \w+ constant \w+ =\s*(0x[0-9a-f]{64});", source)
    ours = [type_string(kind) for kind in (*AGREEMENTS, Invoice, Part)]
    assert [line for line, _ in written] == ours
    assert [value for _, value in written] == ["0x" + keccak(text=line).hex() for line in ours]


@pytest.fixture(scope="module")
def functions() -> dict[str, dict[str, Any]]:
    """The functions of both interfaces, from the compiler; by their names."""
    import solcx

    folders = (CONTRACTS, CONTRACTS / "interfaces", CONTRACTS / "lib")
    sources = {
        path.relative_to(CONTRACTS).as_posix(): {"content": path.read_text(encoding="utf-8")}
        for folder in folders
        for path in sorted(folder.glob("*.sol"))
        if folder != CONTRACTS or path.stem in ("State", "Types")
    }
    wanted = {f"interfaces/{name}.sol": {name: ["abi"]} for name in ("IPartyRegistry", "IVoucherLedger")}
    answer = solcx.compile_standard(
        {"language": "Solidity", "sources": sources, "settings": {"outputSelection": wanted}},
        solc_binary=CONTRACTS / "solc",
        allow_paths=".",
    )
    found: dict[str, dict[str, Any]] = {}
    for file, chosen in wanted.items():
        for entry in answer["contracts"][file][next(iter(chosen))]["abi"]:
            if entry["type"] == "function":
                found[entry["name"]] = {**entry, "contract": next(iter(chosen))}
    return found


def shape(part: dict[str, Any]) -> str:
    if not part["type"].startswith("tuple"):
        return str(part["type"])
    return f"({','.join(map(shape, part['components']))}){part['type'].removeprefix('tuple')}"


def test_every_verb_is_a_function_with_the_members_in_the_order_signed(
    functions: dict[str, dict[str, Any]],
) -> None:
    interfaces = {Contract.REGISTRY: "IPartyRegistry", Contract.LEDGER: "IVoucherLedger"}
    for kind in AGREEMENTS:
        function = functions[kind.verb()]
        assert function["contract"] == interfaces[kind.contract]
        members = [(part["name"], shape(part)) for part in function["inputs"][0]["components"]]
        ours = [(m.camel, "" if m.item else m.solidity) for m in members_of(kind)]
        assert [(name, "" if "(" in form else form) for name, form in members] == ours
        assert call_signature(kind) == f"{kind.verb()}({','.join(map(shape, function['inputs']))})"


def test_every_state_changing_function_of_the_interfaces_can_be_called_from_here(
    functions: dict[str, dict[str, Any]],
) -> None:
    writing = {name for name, entry in functions.items() if entry["stateMutability"] == "nonpayable"}
    without_agreement = {"batch", "completePayment", "declareOverdue"}
    assert writing == {kind.verb() for kind in AGREEMENTS} | without_agreement
    assert ",".join(map(shape, functions["batch"]["inputs"])) == "bytes[],bool"
    for name in ("completePayment", "declareOverdue"):
        assert ",".join(map(shape, functions[name]["inputs"])) == "uint256"


# What is signed


@kinds
@few
@given(data=st.data())
def test_the_digest_is_the_one_that_any_wallet_computes(kind: type[Agreement], data: st.DataObject) -> None:
    agreement = data.draw(instances(kind))
    domain = Domain(kind.contract, data.draw(st.integers(1, 2**64)), LEDGER.verifying_contract)
    message = json.loads(json.dumps(typed_data(agreement, domain)))
    signable = encode_typed_data(full_message=message)
    assert digest(agreement, domain) == keccak(b"\x19" + signable.version + signable.header + signable.body)


def test_numbers_too_high_for_a_wallets_json_are_given_as_text() -> None:
    message = typed_data(dataclasses.replace(ISSUE, face=Fen(2**53)), LEDGER)["message"]
    assert message["face"] == str(2**53)
    assert message["smallestPart"] == 10_000
    assert message["invoices"][1]["total"] == 90_000_000


def test_another_chain_contract_or_type_gives_another_digest() -> None:
    domains = [
        LEDGER,
        dataclasses.replace(LEDGER, chain_id=LEDGER.chain_id + 1),
        dataclasses.replace(LEDGER, verifying_contract="0x" + "1f" * 19 + "20"),
    ]
    agreements = [TRANSFER, Cancel(VOUCHER, 1, DEADLINE), Revoke(VOUCHER, 1, DEADLINE)]
    digests = {digest(agreement, domain) for agreement in agreements for domain in domains}
    assert len(digests) == 9
    assert digest(Suspend(PartyNumber(7), 1, H1, DEADLINE), REGISTRY) != digest(
        Reinstate(PartyNumber(7), 1, H1, DEADLINE), REGISTRY
    )


def test_how_the_contracts_address_is_written_does_not_matter() -> None:
    small = Domain(Contract.LEDGER, 1, "0x" + "ab" * 20)
    large = Domain(Contract.LEDGER, 1, "0x" + "AB" * 20)
    assert digest(TRANSFER, small) == digest(TRANSFER, large)


@kinds
@few
@given(data=st.data())
def test_a_change_of_any_member_changes_the_digest(kind: type[Agreement], data: st.DataObject) -> None:
    agreement = data.draw(instances(kind))
    member = data.draw(st.sampled_from(members_of(kind)))
    other = data.draw(values(member).filter(lambda value: value != getattr(agreement, member.name)))
    changed = dataclasses.replace(agreement, **{member.name: other})
    assert digest(agreement, domain_for(kind)) != digest(changed, domain_for(kind))


def test_a_signature_is_the_wallets_and_recovers_to_its_address() -> None:
    signature = sign(ISSUE, LEDGER, KEY)
    wallet = Account.from_key(KEY).sign_typed_data(full_message=typed_data(ISSUE, LEDGER))
    assert signature == bytes(wallet.signature)
    assert recover(ISSUE, LEDGER, signature) == ADDRESS
    assert recover(dataclasses.replace(ISSUE, face=Fen(100_000_001)), LEDGER, signature) != ADDRESS
    assert recover(ISSUE, dataclasses.replace(LEDGER, chain_id=1), signature) != ADDRESS


# Ids


def test_a_promise_takes_its_id_from_the_end_of_its_digest_and_the_root_voucher_has_child_0() -> None:
    promise = promise_id(ISSUE, LEDGER)
    assert promise_text(promise) == "0x" + digest(ISSUE, LEDGER).hex()[-40:]
    assert voucher_text(root_id(ISSUE, LEDGER)) == promise_text(promise) + "0" * 24
    assert promise_id(dataclasses.replace(ISSUE, issuer_reference=H4), LEDGER) != promise


def test_a_child_keeps_its_promise_and_hashes_parent_sequence_and_part() -> None:
    root = root_id(ISSUE, LEDGER)
    hashed = keccak(encode(["uint256", "uint256", "uint256"], [root, 3, 1]))
    child = child_id(root, 3, 1)
    assert voucher_text(child) == voucher_text(root)[:42] + hashed.hex()[-24:]
    assert (
        len({child_id(parent, n, part) for parent in (root, child) for n in (1, 2) for part in (0, 1)}) == 8
    )


# Call data


Reader = Callable[[bytes], tuple[str, dict[str, Any]]]


@pytest.fixture(scope="module")
def decoded(functions: dict[str, dict[str, Any]]) -> Reader:
    """Reads a call's function and arguments as a client does that knows only the compiler's ABI."""
    abi = [{key: value for key, value in entry.items() if key != "contract"} for entry in functions.values()]
    client = Web3().eth.contract(abi=abi)

    def read(call: bytes) -> tuple[str, dict[str, Any]]:
        function, arguments = client.decode_function_input(call)
        return function.fn_name, dict(arguments)

    return read


def plain(struct: Struct) -> dict[str, Any]:
    pairs = ((m, getattr(struct, m.name)) for m in members_of(type(struct)))
    return {m.camel: plain_value(m, value) for m, value in pairs}


def plain_value(member: Member, value: Any) -> Any:
    if member.form is Form.ADDRESS:
        return Web3.to_checksum_address(value)
    return [plain(item) for item in value] if member.item else value


@kinds
@few
@given(data=st.data())
def test_call_data_is_read_back_by_the_compilers_abi(
    decoded: Reader, kind: type[Agreement], data: st.DataObject
) -> None:
    agreement = data.draw(instances(kind))
    issued = data.draw(instances(Issue)) if kind in RESUPPLIED else None
    consents = [b"", sign(agreement, domain_for(kind), KEY), b"\1" * 300]
    name, arguments = decoded(calldata(agreement, consents, issued=issued))
    assert name == kind.verb()
    expected = {"a": plain(agreement), "consents": packed(consents)}
    if kind in WITH_NEW_SIGNER:
        expected |= {"consents": packed(consents[:-1]), "proof": consents[-1]}
    if issued is not None:
        expected["issued"] = plain(issued)
    assert arguments == expected


def test_consents_are_packed_each_behind_its_length() -> None:
    assert packed([]) == b""
    assert packed([b"", b"\7" * 65, b"\1"]) == b"\0\0" + b"\0\x41" + b"\7" * 65 + b"\0\1\1"
    with pytest.raises(InputError, match="65,535"):
        packed([bytes(65_536)])


def test_a_verifier_s_consent_is_signer_behind_its_length_and_signature() -> None:
    for length in (0, 20, 1_025, 65_536):
        with pytest.raises(InputError, match=f"signer of {length:,} bytes: "):
            verifier_consent(bytes(length), b"\7" * 64)
    assert verifier_consent(b"\1" * 21, b"\7\7") == b"\0\x15" + b"\1" * 21 + b"\7\7"
    assert verifier_consent(b"\1" * 1_024, b"") == b"\4\0" + b"\1" * 1_024


def test_a_batch_holds_calls_and_two_verbs_have_no_agreement(
    decoded: Reader,
) -> None:
    items = [
        calldata(TRANSFER, [b"\1" * 65, b""]),
        complete_payment_calldata(VOUCHER),
        declare_overdue_calldata(VOUCHER),
    ]
    for flag in (True, False):
        batch = decoded(batch_calldata(items, flag))
        assert batch == ("batch", {"items": items, "allOrNothing": flag})
    for some in ([], [b""], [b"\1" * 31], [b"\1" * 32, b"\2" * 33], items):
        encoded = encode(["bytes[]", "bool"], [some, True])
        assert batch_calldata(some, True) == keccak(text="batch(bytes[],bool)")[:4] + encoded
    assert decoded(items[1]) == ("completePayment", {"voucher": VOUCHER})
    assert decoded(items[2]) == ("declareOverdue", {"voucher": VOUCHER})
