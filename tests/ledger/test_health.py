"""The health-checker: whatever is wrong with a ledger is named, with rule, numbers and ids, by whoever asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

import pytest
from eth_utils.crypto import keccak
from web3.types import RPCEndpoint

from ledger.agreements import VoucherId
from ledger.artifacts import load
from ledger.chain import Address, Chain, Log
from ledger.events import EVENTS, Cancelled, Issued, decode, encode
from ledger.health import Node, examine, examine_world
from ledger.members import promise_text, voucher_text
from ledger.rows import world_of
from ledger.rpc_chain import RpcChain
from ledger.world import Lock, SignerKind, World, promise_of
from tests import states
from tests.contract.chain_stage import ChainStage
from tests.engines import anvil
from tests.ledger.office import (
    BANK,
    FACE,
    FACTOR,
    ISSUER,
    LINE,
    A,
    B,
    C,
    Town,
    busy,
    open_office,
)
from tests.ledger.troubles import troubled
from tests.twin_node import TwinNode

WORD: Final = 32


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A busy and a bad time on a node whose storage can be forged."""
    with anvil() as node:
        office = open_office(node.chain(), tmp_path_factory.mktemp("town"))
        vouchers = busy(office) | troubled(office)
        office.follow()
        yield Town(office, vouchers)
        office.store.close()


def world(town: Town) -> World:
    with town.store.reading() as session:
        return world_of(session, town.office.pin.ledger)


def hashed(w: World) -> frozenset[int]:
    """No verifier's key was replaced in this town."""
    return frozenset(party.signer for party in w.parties.values() if party.kind is SignerKind.VERIFIER)


def broken_rules(node: Node, town: Town, wrong: World) -> list[str]:
    _, findings = examine_world(node, town.office.pin, wrong, today=town.office.today)
    return [each.what for each in findings if each.kind == "invariant"]


# ---- a World that breaks a rule ----------------------------------------------------------------------------


def _face(w: World, v: dict[str, VoucherId]) -> World:
    voucher = w.vouchers[v["waiting"]]
    return replace(w, vouchers={**w.vouchers, v["waiting"]: replace(voucher, face=voucher.face + 1)})


def _pledge(w: World, v: dict[str, VoucherId]) -> World:
    pledge = w.pledges[v["pledged"]]
    return replace(w, pledges={v["pledged"]: replace(pledge, secured=FACE + 1)})


def _overdue_sum(w: World, v: dict[str, VoucherId]) -> World:
    issuer = w.issuers[ISSUER]
    return replace(w, issuers={ISSUER: replace(issuer, overdue=issuer.overdue - 1)})


def _registrar(w: World, v: dict[str, VoucherId]) -> World:
    return replace(w, registry_settings=replace(w.registry_settings, registrar=BANK))


BROKEN: Final[
    tuple[tuple[Callable[[World, dict[str, VoucherId]], World], str, str, tuple[object, ...]], ...]
] = (
    (_face, "waiting", "its vouchers add up to", (FACE, FACE + 1)),
    (_pledge, "pledged", "secured", (FACE + 1, FACE)),
    (_overdue_sum, "defaulted", "overdue", (FACE - FACE // 4 - 1, FACE - FACE // 4)),
    (_registrar, "", "has roles", (BANK,)),
)


@pytest.mark.parametrize(("how", "name", "rule", "numbers"), BROKEN)
def test_a_broken_rule_is_named_with_its_numbers_and_vouchers(
    town: Town, how: Any, name: str, rule: str, numbers: tuple[object, ...]
) -> None:
    found = [line for line in broken_rules(town.chain, town, how(world(town), town.vouchers)) if rule in line]
    assert found
    text = "\n".join(found)
    assert all(str(number) in text for number in numbers)
    if name:
        voucher = town.vouchers[name]
        assert voucher_text(voucher) in text or promise_text(promise_of(voucher)) in text


def test_a_holder_that_storage_does_not_know_is_a_finding_of_storage_too(town: Town) -> None:
    w = world(town)
    voucher = town.vouchers["passed"]
    moved = {**w.vouchers, voucher: replace(w.vouchers[voucher], holder=A)}
    wrong = replace(w, vouchers=moved)
    words, [finding] = examine_world(town.chain, town.office.pin, wrong, hashed=hashed(w))
    assert words > 100
    assert (finding.kind, finding.what) == ("storage", f"voucher {voucher_text(voucher)}")
    assert finding.expected == f"{w.vouchers[voucher].word():#x}"
    assert finding.found == f"{moved[voucher].word():#x}"


# ---- storage that was forged -------------------------------------------------------------------------------


def slot_of(contract: str, variable: str, *keys: int) -> int:
    """Where a word of a mapping (or a plain variable) lies, by the committed storage layout."""
    layout = load(contract).storage_layout["storage"]
    slot = next(int(each["slot"]) for each in layout if each["label"] == variable)
    for key in keys:
        slot = int.from_bytes(keccak(key.to_bytes(WORD) + slot.to_bytes(WORD)))
    return slot


@contextmanager
def forged(town: Town, address: Address, slot: int, change: int) -> Iterator[None]:
    """The word at this slot with some bits changed, and put back afterwards."""
    chain = town.office.chain
    assert isinstance(chain, RpcChain)
    before = int.from_bytes(chain.web3.eth.get_storage_at(address, slot))
    _put(chain, address, slot, before ^ change)
    try:
        yield
    finally:
        _put(chain, address, slot, before)


def _put(chain: RpcChain, address: Address, slot: int, word: int) -> None:
    params = [address, f"{slot:#066x}", f"{word:#066x}"]
    answer = chain.web3.provider.make_request(RPCEndpoint("anvil_setStorageAt"), params)
    assert "error" not in answer, answer


_FACE, _HOLDER, _OVERDUE = 1, 1 << 64, int(Lock.OVERDUE) << 192
FORGED: Final[tuple[tuple[str, str | int | None, int, str], ...]] = (
    # variable, voucher or key, bits that are changed, what is to be said
    ("_vouchers", "pledged", _FACE, "voucher {voucher}"),
    ("_vouchers", "waiting", _HOLDER, "voucher {voucher}"),
    ("_vouchers", "defaulted", _OVERDUE, "voucher {voucher}"),
    ("_vouchers", "paid", _FACE, "voucher {voucher}"),  # which has ended
    ("_pledges", "pledged", 1 << 32, "pledge of voucher {voucher}"),
    ("_pledges", "released", FACTOR, "pledge of voucher {voucher}"),  # where there is none any more
    ("_payments", "lost", 1, "payment on voucher {voucher}"),
    ("_freezes", "frozen", 1, "freeze of voucher {voucher}"),
    ("_promises", "defaulted", 1 << 192, "promise {promise}"),
    ("_lines", LINE, 1 << 64, "line 2-1"),
    ("_lineTerms", LINE, 1, "terms of line 2-1"),
    ("_issuers", ISSUER, 1 | 1 << 128, "issuer 10"),
    ("_settings", None, 1 << 32 | 1 << 88, "settings of the ledger"),
)


def test_every_word_that_was_forged_in_the_ledgers_storage_is_named(town: Town) -> None:
    pin, expected = town.office.pin, dict[str, int]()
    with ExitStack() as forgeries:
        for variable, of, change, said in FORGED:
            voucher = town.vouchers[of] if isinstance(of, str) else VoucherId(0)
            promise = promise_of(voucher)
            key = of if not isinstance(of, str) else promise if variable == "_promises" else voucher
            slot = slot_of("VoucherLedger", variable, *([] if key is None else [key]))
            forgeries.enter_context(forged(town, pin.ledger, slot, change))
            expected[said.format(voucher=voucher_text(voucher), promise=promise_text(promise))] = change
        findings = examine(town.chain, pin).findings
    assert {(each.kind, each.contract) for each in findings} == {("storage", pin.ledger)}
    assert {each.what: int(each.expected, 16) ^ int(each.found, 16) for each in findings} == expected


def test_every_word_that_was_forged_in_the_registrys_storage_is_named(town: Town) -> None:
    w, pin = world(town), town.office.pin
    [verifier] = w.verifiers
    signer = w.parties[A].signer
    owner = int.from_bytes(keccak(signer.to_bytes(20)))
    forgeries = (
        ("_parties", (C,), 1, f"party {C}"),
        ("_parties", (A,), 8 << 176, f"party {A}"),
        ("_details", (C,), 1, f"details of party {C}"),
        ("_recoveries", (B,), 1, f"recovery of party {B}"),
        ("_settings", (), 1, "settings of the registry"),
        ("verifierOf", (verifier,), 1, f"verifier {verifier:#042x}"),
        ("partyOfSigner", (owner,), A ^ C, f"party of signer {signer:#042x}"),
    )
    with ExitStack() as stack:
        for variable, keys, change, _ in forgeries:
            stack.enter_context(forged(town, pin.registry, slot_of("PartyRegistry", variable, *keys), change))
        findings = examine(town.chain, pin).findings
    assert {(each.kind, each.contract) for each in findings} == {("storage", pin.registry)}
    assert sorted(each.what for each in findings) == sorted(said for _, _, _, said in forgeries)


def test_a_forged_journal_head_is_named(town: Town) -> None:
    pin = town.office.pin
    with forged(town, pin.ledger, slot_of("VoucherLedger", "journalHead"), 1):
        [finding] = examine(town.chain, pin).findings
    assert (finding.kind, finding.contract) == ("journal", pin.ledger)
    assert int(finding.expected, 16) ^ int(finding.found, 16) == 1


# ---- events that were retold -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Retelling:
    """The real chain, except that some of its events are told otherwise."""

    honest: Chain
    retell: Callable[[list[Log]], list[Log]]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.honest, name)

    def logs(self, from_block: int, to_block: int, *, addresses: Sequence[Address]) -> list[Log]:
        return self.retell(self.honest.logs(from_block, to_block, addresses=addresses))


def _without_an_issue(logs: list[Log]) -> list[Log]:
    found = [log for log in logs if log.topics[0] == encode_topic(Issued)]
    return [log for log in logs if log is not found[0]] if found else logs


def _with_a_smaller_cancellation(logs: list[Log]) -> list[Log]:
    told: list[Log] = []
    for log in logs:
        if log.topics[0] == encode_topic(Cancelled):
            event = decode(log.topics, log.data)
            assert isinstance(event, Cancelled)
            log = log._replace(data=encode(replace(event, face=event.face - 1))[1])
        told.append(log)
    return told


def _unreadable(logs: list[Log]) -> list[Log]:
    return [*logs[:-1], logs[-1]._replace(data=logs[-1].data + b"\x00")]


def encode_topic(kind: type) -> bytes:
    return next(topic for topic, each in EVENTS.items() if each.event is kind)


def test_an_event_left_out_breaks_the_journal_and_what_cannot_follow_is_said(town: Town) -> None:
    found = examine(Retelling(town.chain, _without_an_issue), town.office.pin)
    assert {each.kind for each in found.findings} == {"journal"}
    assert "unknown voucher" in found.findings[-1].found
    assert found.words == 0


def test_an_event_told_otherwise_shows_in_journal_storage_and_rules_alike(town: Town) -> None:
    node: Any = Retelling(town.chain, _with_a_smaller_cancellation)
    found = examine(node, town.office.pin).findings
    assert {each.kind for each in found} >= {"journal", "storage"}
    voucher = voucher_text(town.vouchers["cancelled"])
    assert any(each.kind == "storage" and voucher in each.what for each in found)


def test_an_unreadable_event_is_a_finding(town: Town) -> None:
    node: Any = Retelling(town.chain, _unreadable)
    found = examine(node, town.office.pin).findings
    assert any(each.kind == "journal" and each.expected == "an event" for each in found)


# ---- what is healthy, and the two others who ask ----------------------------------------------------------


def test_a_healthy_ledger_has_no_finding_and_says_how_much_was_looked_at(town: Town) -> None:
    seen: list[tuple[int, int]] = []
    found = examine(town.chain, town.office.pin, report=lambda done, total: seen.append((done, total)))
    assert found.healthy
    assert (found.findings, found.block, found.events) == ((), town.chain.height(), 95)
    assert seen[-1] == (found.words, found.words)


def test_an_earlier_block_can_be_examined(town: Town) -> None:
    earlier = examine(town.chain, town.office.pin, block=6)
    assert earlier.healthy
    assert earlier.events < 60


def test_the_fuzz_s_node_is_examined_by_the_same_function() -> None:
    stage = ChainStage()
    voucher = states.live(stage).voucher
    node = TwinNode(stage.twin)
    assert examine(node, node.pin).findings == ()

    evm = stage.twin.rig.engine.evm  # type: ignore[attr-defined]
    slot = slot_of("VoucherLedger", "_vouchers", voucher)
    word = stage.twin.world.vouchers[voucher].word()
    evm.insert_account_storage(node.pin.ledger, slot, word ^ _FACE)
    [finding] = examine(node, node.pin).findings
    assert (finding.kind, finding.what) == ("storage", f"voucher {voucher_text(voucher)}")
    evm.insert_account_storage(node.pin.ledger, slot, word)
    assert examine_world(node, node.pin, stage.twin.world)[1] == []

    issue = next(each for each in stage.twin.events if isinstance(each[0], Issued))
    stage.twin.events.remove(issue)
    assert "journal" in {each.kind for each in examine(node, node.pin).findings}
