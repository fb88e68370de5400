"""The commands that do not end, as processes: what they refuse, what they wait for, that other commands work beside
them, and that they end when they are told to, whatever the node does."""

from __future__ import annotations

import logging
import shutil
import signal
import socket
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from ledger import indexer
from ledger.chain import Chain
from ledger.indexer import ReorgTooDeep
from ledger.installation import CHAIN_URL, DATABASE_URL, GAS_KEY, gas_key
from ledger.logs import JsonLines
from ledger.outbox_tables import AccountRow, OutboxRow
from ledger.store import Store, open_store
from scripts.cli_services import Service, end
from tests.cli_desk import Desk
from tests.cli_desk import opened as embedded_desk
from tests.engines import Node, anvil, free_port
from tests.hostile_node import EVERY, HostileNode, garbage, hang, hostile, skipped_logs, status
from tests.ledger.indexing import yard
from tests.service_desk import desk_on, issue, issue_of, now, service, settings, until

__all__ = ["embedded_desk"]


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Desk, Node]]:
    """One installation on a node for all tests of the file; what a test leaves is done."""
    folder = tmp_path_factory.mktemp("services")
    with anvil(timestamp=now()) as node, pytest.MonkeyPatch.context() as patch:
        settings(node, patch)
        yield desk_on(node, folder / "installation"), node


@pytest.fixture
def desk(here: tuple[Desk, Node], monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    settings(here[1], monkeypatch)
    yield here[0]
    settings(here[1], monkeypatch)
    here[0].ask("index")
    assert here[0].ask("verify")["verified"] is True


@pytest.fixture
def node(here: tuple[Desk, Node]) -> Node:
    return here[1]


@pytest.fixture
def proxy(desk: Desk, node: Node, monkeypatch: pytest.MonkeyPatch) -> Iterator[HostileNode]:
    """What the services take for the node; the desk's own commands go past it."""
    with hostile(node.url) as opened:
        yield opened


def through(proxy: HostileNode, *words: str) -> tuple[str, ...]:
    return (*words, "--node", proxy.url)


def store_of(desk: Desk) -> Store:
    return open_store(f"sqlite:///{desk.directory / 'tallystick.sqlite'}")


def put_in(desk: Desk, node: Node, face: str = "500.00") -> int:
    """An issue that is signed and that no command carries: the number of its item."""
    node.ask("evm_setAutomine", False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ledger.relay.run", lambda *_given, **_named: [])
        said = desk.run(*issue_of(face), "--yes", code=2).stderr
    assert "has no outcome: see what keeps it with tallystick outbox" in said
    node.ask("evm_setAutomine", True)
    for mark in desk.directory.glob("unreported-*"):
        mark.unlink()
    with store_of(desk) as store, store.reading() as session:
        return max(row.number for row in session.query(OutboxRow))


def status_of(desk: Desk, number: int) -> str:
    with store_of(desk) as store, store.reading() as session:
        return session.get_one(OutboxRow, number).status


# ---- refusals ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [("relay",), ("index", "--follow")], ids=" ".join)
def test_on_an_embedded_chain_a_service_is_refused_and_said_why(
    embedded_desk: Desk, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (CHAIN_URL, DATABASE_URL, GAS_KEY):
        monkeypatch.delenv(name, raising=False)
    said = embedded_desk.unusable(*words)
    assert "each command there sends and follows by itself" in said
    assert "--node or TALLYSTICK_CHAIN_URL" in said


def test_a_service_without_installation_key_or_node_is_refused(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "there is no installation in" in Desk(tmp_path).run("relay", code=2).stderr
    monkeypatch.delenv(GAS_KEY)
    assert "set TALLYSTICK_GAS_KEY to the private key" in desk.run("relay", code=2).stderr
    monkeypatch.delenv(CHAIN_URL)
    assert "name the node with --node or TALLYSTICK_CHAIN_URL" in desk.run("relay", code=2).stderr


@pytest.mark.parametrize("form", ["{}", " 0x{}", "0X{}\n", "{} "], ids=["bare", "blank", "capital", "behind"])
def test_a_gas_key_is_read_with_or_without_0x_and_blanks_and_never_shown(
    desk: Desk, node: Node, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = node.keys[0].hex()
    monkeypatch.setenv(GAS_KEY, form.format(key))
    assert gas_key(required=True) == node.keys[0]
    for broken in (
        form.format(key[:-1]),
        form.format(key + "0"),
        form.format(key[:-1] + "g"),
        "0x" + "0" * 64,
    ):
        monkeypatch.setenv(GAS_KEY, broken)
        said = desk.run("relay", code=2)
        assert "TALLYSTICK_GAS_KEY is no private key (not shown here)" in said.stderr
        assert broken.strip()[:8] not in said.stderr + said.stdout
    line = JsonLines([form.format(key)]).format(
        logging.LogRecord("ledger", logging.INFO, "", 0, f"the key is {key}", None, None)
    )
    assert key not in line


@pytest.mark.parametrize("words", [("relay",), ("index", "--follow")], ids=" ".join)
def test_a_database_without_an_installation_is_refused(
    node: Node, words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings(node, monkeypatch)
    monkeypatch.setenv(DATABASE_URL, f"sqlite:///{tmp_path / 'empty.sqlite'}")
    with service(tmp_path / "nothing", *words) as running:
        assert running.ended() == 2
        assert "stopped: the database names no contract to" in "".join(running.text)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("index", "--follow", "--rebuild"), "--follow goes with neither --rebuild nor --json"),
        (("index", "--metrics-port", "9102"), "add --follow"),
        (("relay", "--depth", "-1"), "--depth"),
        (("relay", "--metrics-port", "70000"), "--metrics-port"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_options_that_do_not_go_together_are_refused(desk: Desk, words: tuple[str, ...], said: str) -> None:
    assert said in desk.run(*words, code=2).stderr


def test_a_port_that_is_taken_is_refused(desk: Desk) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        said = desk.run("relay", "--metrics-port", str(taken.getsockname()[1]), code=2).stderr
    assert "name another --metrics-port" in said
    assert not [each for each in logging.getLogger().handlers if type(each.formatter).__name__ == "JsonLines"]


def test_another_chain_ends_a_service_with_a_clear_message(desk: Desk) -> None:
    with anvil(chain_id=4_242, timestamp=now()) as other:
        for words in (("relay",), ("index", "--follow")):
            with service(desk.directory, *words, "--node", other.url) as running:
                assert running.ended() == 2
                [line] = running.events("stopped: this is not the chain that the database belongs to")
                assert line["level"] == "critical"
                assert "chain id: pinned 31337, found 4242" in line["event"]


def test_a_node_that_hides_events_ends_the_index_with_exit_code_1(
    desk: Desk, proxy: HostileNode, tmp_path: Path
) -> None:
    behind = Path(shutil.copytree(desk.directory, tmp_path / "behind"))
    issue(desk)
    proxy.script("eth_getLogs", skipped_logs(0, 10**9), times=None)
    with service(behind, *through(proxy, "index", "--follow")) as running:
        assert running.ended() == 1
        [line] = running.events("stopped: ")
    assert "the node has left out, added or changed an event" in line["event"]
    told_before = Service(behind, proxy.url, work_of_the_index, key=bytes(31) + b"\x01")
    told_before.run(f"sqlite:///{behind / 'tallystick.sqlite'}")
    registry = told_before.numbers.registry()
    assert registry.get_sample_value("tallystick_halted", {"reason": "journal_mismatch"}) == 1
    assert registry.get_sample_value("tallystick_journal_mismatch") == 1


def work_of_the_index(running: Service, store: Store, chain: Chain) -> None:
    indexer.serve(store, chain, stop=running.stop)


def test_a_reorganisation_below_the_margin_ends_the_index_with_exit_code_1_and_is_told_before(
    tmp_path: Path,
) -> None:
    def work(running: Service, store: Store, chain: Chain) -> None:
        indexer.serve(store, chain, stop=running.stop, margin=1)

    with yard(tmp_path) as found:
        found.move(6)
        with found.store() as store:
            indexer.follow(store, found.chain)
        found.reorganise(5)
        halted = Service(tmp_path, found.node.url, work, key=found.node.keys[0])
        halted.run(f"sqlite:///{tmp_path / 'index 1.db'}")
    assert isinstance(halted.failed, ReorgTooDeep)
    assert halted.stop.is_set()
    told_before = halted.numbers.registry().get_sample_value(
        "tallystick_halted", {"reason": "reorg_too_deep"}
    )
    assert told_before == 1
    with pytest.raises(typer.Exit) as ended:
        end(halted.failed)
    assert ended.value.exit_code == 1


# ---- at work -----------------------------------------------------------------------------------------------


def test_commands_work_beside_a_relay_with_the_same_account(desk: Desk) -> None:
    with service(desk.directory, "relay") as running, service(desk.directory, "index", "--follow") as index:
        running.logged("the relay begins")
        issued = [issue(desk) for _ in range(3)]
        moved = desk.do("transfer", issued[0]["number"], "--from", "4", "--to", "5")
        assert (running.stop(), index.stop()) == (0, 0)
    assert {each["block"] > 0 for each in [*issued, moved]} == {True}
    with store_of(desk) as store, store.reading() as session:
        assert {row.status for row in session.query(OutboxRow)} == {"final"}
        assert {row.foreign for row in session.query(AccountRow)} == {0}
        assert {row.alarm for row in session.query(AccountRow)} == {None}


def test_a_deployment_with_the_account_of_a_running_relay_is_refused_and_raises_no_alarm_without(
    desk: Desk,
) -> None:
    wallet = ("deploy-wallet", "--threshold", "1", "--member", "0x" + "11" * 20)
    with service(desk.directory, "relay") as running:
        running.logged("the relay begins")
        issue(desk)
        assert "is worked by a relay" in desk.run(*wallet, "--yes", code=2).stderr
        assert running.stop() == 0
    desk.do(*wallet)
    with service(desk.directory, "relay") as running:
        running.logged("the relay begins")
        issue(desk)
        assert desk.ask("outbox")["alarms"] == {}
        assert running.stop() == 0


def test_what_waits_is_sent_by_the_relay_and_each_line_says_what_it_is_about(desk: Desk, node: Node) -> None:
    number = put_in(desk, node)
    with service(desk.directory, "relay") as running:
        until(lambda: status_of(desk, number) == "final")
        final = running.logged("1 items are final")
        assert running.stop(signal.SIGINT) == 0
    sent = running.logged("batch")
    assert (sent["items"], final["items"]) == ([number], [number])
    assert sent["tx"] == final["tx"]
    assert sent["tx"].startswith("0x")
    assert final["block"] > 0
    assert {line["level"] for line in running.lines} == {"info"}


def test_an_item_is_final_at_the_relay_s_depth_and_a_command_beside_neither_waits_for_it_nor_decides_it(
    desk: Desk, node: Node
) -> None:
    with service(desk.directory, "relay", "--depth", "2") as running:
        running.logged("the relay begins")
        done = issue(desk)
        with store_of(desk) as store, store.reading() as session:
            number = max(row.number for row in session.query(OutboxRow))
        assert status_of(desk, number) == "mined"
        node.ask("anvil_mine", "0x2")
        until(lambda: status_of(desk, number) == "final")
        assert running.stop() == 0
    assert done["block"] > 0


def test_numbers_are_told_to_this_machine(desk: Desk) -> None:
    with service(desk.directory, "relay", "--metrics-port", "0") as running:
        url = running.logged("numbers at ")["event"].removeprefix("numbers at ")
        assert url.startswith("http://127.0.0.1:")
        running.logged("the relay begins")
        until(lambda: "tallystick_node_up 1.0" in told(url))
        found = told(url)
        assert running.stop() == 0
    assert "tallystick_database_up 1.0" in found
    assert 'tallystick_outbox_items{status="unknown"} 0.0' in found
    assert "tallystick_journal_mismatch 0.0" in found


def told(url: str) -> str:
    port = url.rsplit(":", 1)[1]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}", timeout=10) as answer:
        return str(answer.read().decode())


# ---- told to stop, and kept waiting ------------------------------------------------------------------------


@pytest.mark.parametrize("words", [("relay",), ("index", "--follow")], ids=" ".join)
def test_a_service_ends_within_ten_seconds_though_the_node_hangs(
    desk: Desk, node: Node, proxy: HostileNode, words: tuple[str, ...]
) -> None:
    with service(desk.directory, *through(proxy, *words)) as running:
        until(lambda: proxy.count("eth_getBlockByNumber") + proxy.count("eth_blockNumber") > 3)
        proxy.script(EVERY, hang, times=None)
        asked = len(proxy.calls)
        number = put_in(desk, node)
        until(lambda: len(proxy.calls) > asked)
        assert running.stop() == 0
    issue(desk)
    until(lambda: status_of(desk, number) == "final", seconds=5)


def test_a_relay_that_is_told_to_stop_while_the_chain_makes_no_blocks_leaves_its_batch_to_the_next(
    desk: Desk, node: Node
) -> None:
    number = put_in(desk, node)
    node.ask("evm_setAutomine", False)
    with service(desk.directory, "relay") as running:
        until(lambda: status_of(desk, number) == "sent")
        assert running.stop() == 0
    node.ask("evm_mine")
    node.ask("evm_setAutomine", True)
    with service(desk.directory, "relay") as running:
        until(lambda: status_of(desk, number) == "final")
        assert running.stop() == 0


@pytest.mark.parametrize("fault", [status(502), garbage()], ids=["502", "garbage"])
def test_a_node_that_is_away_is_waited_for_from_the_beginning(
    desk: Desk, node: Node, proxy: HostileNode, fault: object
) -> None:
    number = put_in(desk, node)
    proxy.script(EVERY, fault, times=None)  # type: ignore[arg-type]
    with service(desk.directory, *through(proxy, "relay")) as running:
        line = running.logged("waiting: ")
        assert line["level"] == "warning"
        proxy.heal()
        until(lambda: status_of(desk, number) == "final")
        assert running.stop() == 0


def test_a_database_that_is_away_is_waited_for_and_no_secret_is_logged(
    desk: Desk, node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(DATABASE_URL, f"postgresql://ann:geheim@127.0.0.1:{free_port()}/books")
    with service(tmp_path / "nothing", "relay") as running:
        running.logged("waiting: the database books on 127.0.0.1")
        assert running.stop() == 0
    said = "".join(running.text)
    assert "geheim" not in said
    assert node.keys[0].hex() not in said
