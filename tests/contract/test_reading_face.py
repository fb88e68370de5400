"""The reading face: what explorers and wallets show of a voucher, shaped as ERC-721, which it does not claim to be."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import unquote

import pytest
from eth_abi.abi import encode as abi_encode
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from ledger.calendar import start_of_day
from ledger.members import Contract
from ledger.world import Lock
from tests.contract.failing import (
    FACE,
    TERM,
    award,
    declare,
    issued,
    overdue,
    pay,
    pledge,
    pledged,
    release_of,
)
from tests.contract.paying import (
    cancel_of,
    confirm_of,
    contest_of,
    disbursement_of,
    discounted,
    freeze,
    refuses,
    revoke_of,
    sell,
    settlement_of,
    shown,
)
from tests.rig import BANK, FACTOR, GRACE, ISSUER, WINDOW, YUAN, A, B, C, Rig, Sent, compiled

PREFIX = "data:application/json,"
IN_A_URI = re.compile(r"(?:[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=]|%[0-9A-F]{2})*")
"""What RFC 3986 lets stand in a URI."""


def account(party: int) -> str:
    return to_checksum_address(b"Tallystick party" + party.to_bytes(4))


def read(rig: Rig, name: str, voucher: int, returns: str) -> Any:
    return rig.view(Contract.LEDGER, f"{name}(uint256)", [voucher], [returns])


def asked(rig: Rig, name: str, voucher: int) -> Sent:
    """The same as a call whose refusal is raised."""
    return rig.send(rig.ledger, keccak(text=f"{name}(uint256)")[:4] + abi_encode(["uint256"], [voucher]))


def metadata(rig: Rig, voucher: int) -> dict[str, Any]:
    uri = read(rig, "tokenURI", voucher, "string")
    assert uri.startswith(PREFIX)
    return dict(json.loads(unquote(uri.removeprefix(PREFIX))))


def traits(rig: Rig, voucher: int) -> dict[str, int]:
    return {each["trait_type"]: each["value"] for each in metadata(rig, voucher)["attributes"]}


# Nothing to show


@pytest.mark.parametrize("name", ["ownerOf", "tokenURI"])
def test_what_never_was_or_has_ended_is_not_shown(rig: Rig, name: str) -> None:
    for unknown in (0, 77, issued(rig) + 1):
        with refuses("UnknownVoucher", voucher=unknown):
            asked(rig, name, unknown)
    cancelled, paid, divided = (issued(rig) for _ in range(3))
    rig.do(cancel_of(rig, cancelled), ISSUER, A)
    pay(rig, paid, FACE)
    rig.split(divided, (B, FACE))
    for ended in (cancelled, paid, divided):
        with refuses("VoucherEnded", voucher=ended):
            asked(rig, name, ended)
        assert read(rig, "faceOf", ended, "uint256") == 0
    assert read(rig, "faceOf", 77, "uint256") == 0


def test_there_is_nothing_to_approve_and_nothing_to_push(rig: Rig) -> None:
    functions = {entry["name"] for entry in compiled()["VoucherLedger"].abi if entry["type"] == "function"}
    assert functions.isdisjoint(
        {"approve", "setApprovalForAll", "getApproved", "isApprovedForAll", "transferFrom", "mint", "burn"}
        | {"safeTransferFrom", "balanceOf", "totalSupply", "transferValueFrom"}
    )


# What it says it is


@pytest.mark.parametrize("interface", ["01ffc9a7", "84b0196e"])
def test_it_says_that_it_has_erc_165_and_erc_5267(rig: Rig, interface: str) -> None:
    assert supports(rig, interface)


@pytest.mark.parametrize(
    "interface",
    [
        *("80ac58cd", "5b5e139f", "780e9d63", "d5358140", "e1600902", "d9b67a26", "1626ba7e", "36372b07"),
        *("ffffffff", "00000000", "01ffc9a6", "84b0196f"),
    ],
)
def test_it_says_that_it_is_none_of_the_tokens_that_it_is_shaped_as(rig: Rig, interface: str) -> None:
    assert not supports(rig, interface)


def supports(rig: Rig, interface: str) -> bool:
    given = [bytes.fromhex(interface)]
    return bool(rig.view(Contract.LEDGER, "supportsInterface(bytes4)", given, ["bool"]))


def test_name_and_symbol(rig: Rig) -> None:
    assert rig.view(Contract.LEDGER, "name()", [], ["string"]) == "Tallystick Voucher CNY"
    assert rig.view(Contract.LEDGER, "symbol()", [], ["string"]) == "TALLY"


@pytest.mark.parametrize(
    ("contract", "name"),
    [
        (Contract.REGISTRY, "Tallystick Party Registry"),
        (Contract.LEDGER, "Tallystick Voucher Ledger CNY"),
    ],
)
def test_each_contract_says_for_which_domain_it_takes_signatures(
    rig: Rig, contract: Contract, name: str
) -> None:
    types = ["bytes1", "string", "string", "uint256", "address", "bytes32", "uint256[]"]
    fields, *rest = rig.view(contract, "eip712Domain()", [], types)
    assert fields == b"\x0f"  # name, version, chain and contract; no salt
    here = rig.address(contract).lower()
    assert rest == [name, "1", rig.engine.chain_id, here, bytes(32), ()]


# One voucher


def test_the_owner_is_the_display_account_of_the_holder_which_nobody_has_a_key_to(rig: Rig) -> None:
    voucher = issued(rig)
    for holder in (A, B, FACTOR):
        if holder != A:
            rig.transfer(voucher, holder)
        owner = to_checksum_address(read(rig, "ownerOf", voucher, "address"))
        assert owner == account(holder)
        assert owner == to_checksum_address(
            rig.view(Contract.REGISTRY, "accountOf(uint32)", [holder], ["address"])
        )


def test_the_face_is_what_is_owed(rig: Rig) -> None:
    voucher = issued(rig)
    rig.split(voucher, (B, 300_000 * YUAN))
    assert read(rig, "faceOf", voucher, "uint256") == 700_000 * YUAN
    rig.pass_days(TERM)
    pay(rig, voucher, 1)
    assert read(rig, "faceOf", voucher, "uint256") == 700_000 * YUAN - 1


def test_its_metadata_says_face_due_day_tier_and_locks_and_nothing_else(rig: Rig) -> None:
    voucher = issued(rig)
    due = start_of_day(rig.today + TERM)  # type: ignore[arg-type]
    rig.transfer(voucher, B)
    assert metadata(rig, voucher) == {
        "name": "Voucher",
        "attributes": [
            {"trait_type": "face, fen", "value": FACE},
            {"trait_type": "due", "value": due},
            {"trait_type": "tier", "value": 2},
            {"trait_type": "locks", "value": 0},
        ],
    }


def test_its_metadata_is_the_same_whoever_issued_and_holds_it(rig: Rig) -> None:
    first, second = issued(rig), issued(rig, supplier=C)
    assert metadata(rig, first) == metadata(rig, second)


def test_its_metadata_is_a_uri(rig: Rig) -> None:
    for voucher in (issued(rig), discounted(rig)):
        uri = read(rig, "tokenURI", voucher, "string")
        assert IN_A_URI.fullmatch(uri), f"not to stand in a URI: {sorted(set(IN_A_URI.sub('', uri)))}"


def test_its_locks_are_shown(rig: Rig) -> None:
    sold, secured = discounted(rig), pledged(rig)
    assert traits(rig, sold)["locks"] == Lock.DISCOUNT
    assert traits(rig, secured)["locks"] == Lock.PLEDGE
    freeze(rig, secured)
    assert traits(rig, secured)["locks"] == Lock.PLEDGE | Lock.FREEZE
    late = overdue(rig)
    assert traits(rig, late) == {
        "face, fen": FACE,
        "due": start_of_day(rig.today - GRACE - 1),  # type: ignore[arg-type]
        "tier": 1,
        "locks": Lock.OVERDUE,
    }


def test_the_largest_numbers_are_shown_whole(rig: Rig) -> None:
    given = [2**64 - 1, 2**24 - 1, 255, 255]
    uri = rig.view(Contract.REGISTRY, "metadataOf(uint256,uint256,uint256,uint256)", given, ["string"])
    values = [each["value"] for each in json.loads(unquote(uri.removeprefix(PREFIX)))["attributes"]]
    assert values == [2**64 - 1, (2**24 - 1) * 86_400 - 28_800, 255, 255]


# What explorers follow


def test_every_beginning_every_move_and_every_end_is_one_transfer_event(rig: Rig) -> None:
    """From, to and voucher of each; nobody is 0."""
    issue = rig.issue_of(FACE, due_day=rig.today + TERM)
    sent = rig.do(issue, ISSUER, A)
    ((nobody, holder, voucher),) = shown(rig, sent)
    assert (nobody, holder) == (0, A)
    assert [topics[1] for _, topics, _ in sent.logs if len(topics) == 4] == [
        bytes(32)
    ]  # the zero address itself
    assert shown(rig, rig.transfer(voucher, B)) == [(A, B, voucher)]
    split = rig.split_of(voucher, (C, FACE // 2), (B, FACE // 4))
    parts = shown(rig, rig.do(split, B, C, B))
    assert [each[:2] for each in parts] == [(0, C), (0, B)]
    sold, paid, cancelled = voucher, parts[0][2], parts[1][2]
    assert shown(rig, rig.do(cancel_of(rig, cancelled), ISSUER, B)) == [(B, 0, cancelled)]
    assert shown(rig, sell(rig, sold)) == []
    assert shown(rig, rig.do(disbursement_of(rig, sold), FACTOR, B)) == [(B, FACTOR, sold)]
    rig.pass_days(TERM)
    rig.do(settlement_of(rig, paid), BANK)
    assert shown(rig, rig.do(confirm_of(rig, paid), C)) == [(C, 0, paid)]
    rig.do(settlement_of(rig, sold), BANK)
    rig.pass_days(WINDOW + 1)
    assert shown(rig, rig.complete(sold)) == [(FACTOR, 0, sold)]


def test_what_changes_no_owner_shows_no_transfer(rig: Rig) -> None:
    secured, sold, late = issued(rig), issued(rig), issued(rig)
    sent = [
        pledge(rig, secured),
        rig.do(release_of(rig, secured, FACTOR), FACTOR),
        rig.do(revoke_of(rig, secured), A),
        freeze(rig, secured),
        sell(rig, sold),
        rig.do(disbursement_of(rig, sold), FACTOR),
        rig.do(contest_of(rig, sold, A), A),
    ]
    rig.pass_days(TERM)
    sent.append(award(rig, sold, paid=False))
    sent.append(rig.do(settlement_of(rig, late, amount=1), BANK))
    rig.pass_days(WINDOW + 1)
    sent.append(rig.complete(late))
    rig.pass_days(GRACE)
    sent += [declare(rig, late), pay(rig, late, 1)]
    assert [len(each.logs) for each in sent] == [1] * len(sent)
    assert [shown(rig, each) for each in sent] == [[]] * len(sent)
