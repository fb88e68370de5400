"""Logs: what must not get out, and that each line of relay and index says what it is about."""

from __future__ import annotations

import io
import json
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger.agreements import Transfer
from ledger.logs import OURS, secrets_in, write_logs
from tests.engines import Node
from tests.ledger.office import FACE, LATER, A, B, office_in
from tests.ledger.relaying import Bench, on_anvil, until

KEY = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"
DATABASE = "postgresql://ann:ge%40heim@db.bank/books?sslpassword=tief"
NODE = "https://besu.bank/v3/0123456789abcdef0123"


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Where this process logs to during the test."""
    written = io.StringIO()
    handler = write_logs(secrets=["0x" + KEY, *secrets_in(DATABASE), *secrets_in(NODE)], stream=written)
    yield written
    logging.getLogger().removeHandler(handler)
    for ours in OURS:
        logging.getLogger(ours).setLevel(logging.NOTSET)
    logging.captureWarnings(False)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def clear(stream: io.StringIO) -> None:
    stream.seek(0)
    stream.truncate()


# ---- secrets -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "said",
    [
        f"cannot reach {DATABASE} now",
        "the password is ge@heim",
        "quoted: ge%40heim",
        "sslpassword=tief given",
        "the other one is tief",
        "password: somethingelse",
        f"key 0x{KEY}",
        f"key {KEY.upper()}",
        f"asked {NODE}",
        "asked http://ann:other@host:8545/path?token=1234",
        "kept in 0123456789abcdef0123",
    ],
)
def test_no_secret_gets_out(stream: io.StringIO, said: str) -> None:
    log = logging.getLogger("ledger.relay")
    log.warning("%s", said, extra={"account": said, "items": [said]})
    try:
        raise ValueError(said)
    except ValueError:
        log.exception("failed")
    whole = stream.getvalue().lower()
    for secret in ("ge@heim", "ge%40heim", "tief", "somethingelse", KEY, "0123456789abcdef0123", "other@"):
        assert secret not in whole
    assert "token" not in whole
    assert len(lines(stream)) == 2


def test_the_rest_of_an_address_stays_readable(stream: io.StringIO) -> None:
    logging.getLogger("ledger.relay").info("waiting for %s and %s", DATABASE, "http://127.0.0.1:8545")
    assert lines(stream)[0]["event"] == "waiting for postgresql://db.bank/books and http://127.0.0.1:8545"


def test_an_address_that_is_none_is_a_secret_as_a_whole() -> None:
    assert secrets_in("postgresql://ann:geheim@[broken") == ["postgresql://ann:geheim@[broken"]
    assert secrets_in("sqlite:///a.db") == []
    assert secrets_in("postgresql://ann@host/books") == []


# ---- the form ----------------------------------------------------------------------------------------------


def test_a_line_is_one_object_with_time_level_and_ids(stream: io.StringIO) -> None:
    log = logging.getLogger("ledger.relay")
    log.info("sent\nin two lines", extra={"item": 7, "tx": bytes(32), "blocks": (3, 9), "unknown": 1})
    log.debug("too quiet")
    logging.getLogger("web3").info("of a library")
    [line] = lines(stream)
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "level": "info",
        "logger": "ledger.relay",
        "event": "sent\nin two lines",
        "item": 7,
        "tx": "0x" + "00" * 32,
        "blocks": [3, 9],
    }


def test_an_exception_and_a_warning_stay_within_their_lines(stream: io.StringIO) -> None:
    try:
        raise ValueError("broken")
    except ValueError:
        logging.getLogger("ledger.relay").exception("failed")
    warnings.warn("old", stacklevel=1)
    failed, warned = lines(stream)
    assert failed["exception"].endswith("ValueError: broken")
    assert (warned["logger"], warned["level"]) == ("py.warnings", "warning")


def test_set_up_twice_a_line_is_written_once(stream: io.StringIO) -> None:
    second = io.StringIO()
    handler = write_logs(stream=second)
    logging.getLogger("ledger.relay").info("once")
    logging.getLogger().removeHandler(handler)
    assert len(lines(second)) == 1
    assert stream.getvalue() == ""


# ---- what relay and index say ------------------------------------------------------------------------------


def test_refused_and_final_items_are_named_with_their_refusal_and_transaction(
    stream: io.StringIO, tmp_path: Path
) -> None:
    with office_in(tmp_path) as office:
        voucher = office.issue(FACE)
        office.run()
        clear(stream)
        good = office.put(office.transfer_of(voucher, 1, B), A, B)
        bad = office.put(Transfer(voucher, 2, A, True, LATER, ()), B, A)
        office.run()
        said = lines(stream)
        clear(stream)
        office.follow()
        followed = lines(stream)
    sent = next(line for line in said if line["event"].endswith("goes out"))
    assert sent["items"] == [good, bad]
    mined = next(line for line in said if line.get("batch") == sent["batch"] and "mined" in line["event"])
    assert (mined["items"], mined["tx"]) == ([good], sent["tx"])
    refused = next(line for line in said if line["event"] == f"item {bad} is refused")
    assert (refused["refusal"], refused["verb"], refused["tx"]) == ("OverdueDiffers", "transfer", sent["tx"])
    final = next(line for line in said if line["event"].endswith("items are final"))
    assert (final["items"], final["block"]) == ([good], mined["block"])
    assert followed[-1]["logger"] == "ledger.indexer"
    assert followed[-1]["blocks"][1] == mined["block"]
    assert followed[-1]["events"] >= 1


def test_what_is_sent_again_replaced_given_up_or_alarming_is_said(
    stream: io.StringIO, tmp_path: Path
) -> None:
    with on_anvil(tmp_path) as (bench, node):
        said = _stuck(bench, node, stream)
    batch, items = said[0]["batch"], said[0]["items"]
    again = next(line for line in said if line["event"] == f"batch {batch} goes out again")
    assert (again["tx"], again["items"]) == (said[0]["tx"], items)
    replaced = next(line for line in said if "is stuck: replaced" in line["event"])
    assert (replaced["replaced"], replaced["items"], replaced["level"]) == (said[0]["tx"], items, "warning")
    assert replaced["tx"] != said[0]["tx"]
    alarm = next(line for line in said if line["level"] == "error")
    assert "its key is used elsewhere" in alarm["event"]
    assert alarm["account"] == bench.office.chain.account


def _stuck(bench: Bench, node: Node, stream: io.StringIO) -> list[dict[str, Any]]:
    """The lines of a batch that is not mined, replaced, then mined, beside somebody else's transaction."""
    node.ask("evm_setAutomine", False)
    clear(stream)
    bench.issue(2)
    relay = bench.relay()
    relay.cycle()
    bench.clock.now += 11
    relay.cycle()
    bench.clock.now += 61
    relay.cycle()
    node.ask("evm_mine")
    node.ask("evm_setAutomine", True)
    until(relay, lambda: set(bench.items()) == {"final"})
    chain = bench.office.chain
    chain.wait(chain.send(b"", to=chain.account, gas=21_000))
    bench.relay().cycle()
    return lines(stream)
