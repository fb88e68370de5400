"""The process that reads events beside the index: what it has no answer for, how it ends, and that its answers are
those of the client itself."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ledger import stretch
from ledger.chain import Unreachable
from ledger.columns import hex_of
from ledger.errors import ChainError
from ledger.events import TOPICS
from ledger.indexer import JournalMismatch, follow
from ledger.reading_apart import ReadingApart
from ledger.rpc_chain import RpcChain
from tests.engines import ROOT
from tests.hostile_node import (
    Answer,
    Call,
    Fault,
    HostileNode,
    changed,
    cut,
    duplicated_logs,
    error,
    failed_after,
    garbage,
    half_json,
    hang,
    hostile,
    reordered_logs,
    result,
    skipped_logs,
    status,
)
from tests.ledger.indexing import Yard, everything, yard

LOGS = "eth_getLogs"
NAMES = {hex_of(topic): name for name, topic in TOPICS.items()}
PATIENCE = 30.0
"""Seconds after which a process that does not begin, or does not end, is given up."""


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Yard]:
    with yard(tmp_path_factory.mktemp("yard")) as opened:
        opened.crowd.move(12, per_block=2)
        yield opened


@pytest.fixture(scope="module")
def proxy(shared: Yard) -> Iterator[HostileNode]:
    with hostile(shared.node.url) as opened:
        yield opened


@pytest.fixture(scope="module")
def kept(proxy: HostileNode, shared: Yard) -> Iterator[ReadingApart]:
    """One process for all whose tests leave it alive."""
    apart = _ready(shared.client(proxy.url))
    yield apart
    apart.close()


def _ready(chain: RpcChain, *, timeout: float = 5.0) -> ReadingApart:
    apart = ReadingApart(chain._url, timeout=timeout, names=NAMES)
    _until(lambda: apart.answer(0, 0, []) is not None)
    return apart


def _until(happened: Any) -> None:
    end = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.005)


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _contracts(shared: Yard) -> list[Any]:
    return [shared.crowd.pin.registry, shared.crowd.pin.ledger]


# ---- no answer ---------------------------------------------------------------------------------------------


def _told(change: Any) -> Fault:
    return changed(lambda logs: [each | change for each in logs])


def _with_a_later_last(logs: list[Answer]) -> list[Answer]:
    return [*logs[:-1], logs[-1] | {"blockNumber": "0x7fffffff"}] if logs else logs


@pytest.mark.parametrize(
    "fault",
    [
        *(status(502), garbage(), half_json, cut, failed_after(504), error("no"), result(None), result({})),
        *(result([None]), duplicated_logs, reordered_logs, _told({"address": "0x" + "ab" * 20})),
        *(changed(_with_a_later_last), _told({"removed": True}), _told({"topics": []})),
        *(_told({"topics": ["0x" + "ab" * 32] * 2}), _told({"topics": [*[*NAMES][:1], "0x12"]})),
        *(_told({"data": "0x1"}), _told({"logIndex": None})),
    ],
)
def test_where_the_node_answers_otherwise_than_expected_there_is_no_answer_and_the_next_one_is_right(
    shared: Yard, proxy: HostileNode, kept: ReadingApart, fault: Fault
) -> None:
    question = 0, shared.chain.height(), _contracts(shared)
    proxy.script(LOGS, fault, times=None)
    assert kept.answer(*question) is None
    proxy.heal()
    assert kept.answer(*question) == stretch._Apart(shared.chain).told(*question)


def test_what_was_asked_for_and_is_not_wanted_any_more_is_never_taken_for_the_answer(
    shared: Yard, kept: ReadingApart
) -> None:
    kept.ask(0, 3, _contracts(shared))
    question = 4, shared.chain.height(), _contracts(shared)
    assert kept.answer(*question) == stretch._Apart(shared.chain).told(*question)


def test_a_process_that_was_killed_has_no_answers(shared: Yard) -> None:
    apart = _ready(shared.chain)
    os.kill(apart.pid, signal.SIGKILL)
    assert apart.answer(0, 5, _contracts(shared)) is None
    apart.ask(6, 7, _contracts(shared))
    assert apart.answer(6, 7, _contracts(shared)) is None
    apart.close()
    apart.close()
    assert not _alive(apart.pid)


def test_a_process_that_stands_still_is_ended_and_said_to_do_so(shared: Yard) -> None:
    apart = _ready(shared.chain, timeout=0.2)
    os.kill(apart.pid, signal.SIGSTOP)
    with pytest.raises(ChainError, match=r"blocks 0 to 5 .* stands still"):
        apart.answer(0, 5, _contracts(shared))
    assert not _alive(apart.pid)


def test_a_node_that_says_nothing_is_not_asked_once_more(shared: Yard, proxy: HostileNode) -> None:
    apart = _ready(shared.client(proxy.url), timeout=0.2)
    proxy.script(LOGS, hang, times=None)
    with pytest.raises(ChainError, match=r"events of blocks 0 to 5 within 0\.2 s"):
        apart.answer(0, 5, _contracts(shared))
    proxy.heal()
    apart.close()


# ---- the index with it -------------------------------------------------------------------------------------


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[ReadingApart]:
    """An index that takes little for much, and waits until the process is ready. What it has begun."""
    found: list[ReadingApart] = []

    def begin(chain: RpcChain, names: Any) -> ReadingApart:
        found.append(_ready(chain, timeout=chain._timeout))
        return found[-1]

    monkeypatch.setattr(RpcChain, "reading_apart", begin)
    monkeypatch.setattr(stretch, "MUCH", 0)
    monkeypatch.setattr(stretch, "ENOUGH", 4)
    monkeypatch.setattr(stretch, "_Pace", partial(stretch._Pace, window=1, enough=1))
    return found


def test_an_index_with_it_has_the_rows_of_one_without_it_and_leaves_no_process(
    shared: Yard, begun: list[ReadingApart], monkeypatch: pytest.MonkeyPatch, database_url: str
) -> None:
    from_there = _counted(monkeypatch)
    with shared.store(database_url) as store, shared.store() as plain:
        follow(store, shared.chain)
        [apart] = begun
        assert from_there[0] >= 3
        assert not _alive(apart.pid)
        monkeypatch.setattr(stretch, "MUCH", 1_000_000)
        follow(plain, shared.chain)
        assert len(begun) == 1
        assert everything(store) == everything(plain)


def _counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many answers came from there."""
    count, real = [0], ReadingApart.answer

    def answer(self: ReadingApart, *question: Any) -> Any:
        said = real(self, *question)
        count[0] += said is not None
        return said

    monkeypatch.setattr(ReadingApart, "answer", answer)
    return count


def test_an_index_whose_process_is_killed_while_it_reads_goes_on_by_itself(
    shared: Yard, begun: list[ReadingApart]
) -> None:
    def killed(_: object) -> None:
        if begun and _alive(begun[0].pid):
            os.kill(begun[0].pid, signal.SIGKILL)

    with shared.store() as store:
        follow(store, shared.chain, report=killed)
        assert len(begun) == 1
        shared.all_is_right(store)


@pytest.mark.parametrize("lie", [skipped_logs(9, 999), changed(lambda logs: logs[:-1])])
def test_a_node_that_leaves_events_out_is_found_out_with_it_too(
    shared: Yard, proxy: HostileNode, begun: list[ReadingApart], lie: Fault
) -> None:
    proxy.script(LOGS, lie, times=None)
    with shared.store() as store, pytest.raises(JournalMismatch, match="ask another"):
        follow(store, shared.client(proxy.url))
    proxy.heal()
    assert not any(_alive(apart.pid) for apart in begun)


def test_what_is_wrong_with_a_node_is_said_as_without_it(
    shared: Yard, proxy: HostileNode, begun: list[ReadingApart]
) -> None:
    def later(call: Call) -> Answer:
        return call.forward() if int(call.params[0]["fromBlock"], 16) < 9 else status(502)(call)

    proxy.script(LOGS, later, times=None)
    with (
        shared.store() as store,
        pytest.raises(Unreachable, match=r"HTTPError, asked: the events of blocks \d+ to"),
    ):
        follow(store, shared.client(proxy.url))
    proxy.heal()
    assert begun and not any(_alive(apart.pid) for apart in begun)


def test_near_the_head_there_is_no_such_process(shared: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(chain: RpcChain, names: Any) -> ReadingApart:
        raise AssertionError("nothing to begin a process for")

    monkeypatch.setattr(RpcChain, "reading_apart", refuse)
    with shared.store() as store:
        assert follow(store, shared.chain, span=3).events > 0


# ---- its end -----------------------------------------------------------------------------------------------

_RUN = """
import sys, time
from ledger.reading_apart import ReadingApart
apart = ReadingApart(sys.stdin.readline().strip(), timeout=5, names={})
while apart.answer(0, 0, []) is None:
    time.sleep(0.005)
print(apart.pid, flush=True)
apart.ask(0, 1, [])
time.sleep(60)
"""


def test_it_ends_with_the_one_who_began_it_and_its_command_names_no_node(
    shared: Yard, proxy: HostileNode
) -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    parent = subprocess.Popen(
        [sys.executable, "-c", _RUN],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdin is not None and parent.stdout is not None
    with parent.stdin, parent.stdout:
        parent.stdin.write(f"{shared.node.url}\n")
        parent.stdin.flush()
        pid = int(parent.stdout.readline())
        assert shared.node.url not in Path(f"/proc/{pid}/cmdline").read_text()
        parent.kill()
        parent.wait()
        _until(lambda: not _alive(pid))


def test_closing_it_ends_it_while_it_waits_for_a_node(shared: Yard, proxy: HostileNode) -> None:
    apart = _ready(shared.client(proxy.url))
    proxy.script(LOGS, hang, times=None)
    apart.ask(0, 5, _contracts(shared))
    apart.close()
    proxy.heal()
    assert not _alive(apart.pid)
    assert apart.answer(0, 5, _contracts(shared)) is None
