"""The files of a Besu network: what is refused, and that keys, genesis and allow-lists say the same."""

from __future__ import annotations

import json
import stat
import tomllib
from pathlib import Path
from typing import Any

import pytest
import rlp  # type: ignore[import-untyped]
from eth_account import Account
from eth_keys.datatypes import PrivateKey

from ledger.chain import NOBODY, Fees
from ledger.errors import InputError
from ledger.rpc_chain import RpcChain
from scripts.besu_network import RELAY_KEY, extra_data, main, write_network
from tests.engines import EPOCH, anvil

KEYS = tuple(PrivateKey(bytes([number]) * 32) for number in range(1, 5))
VALIDATORS = tuple(f"{key.public_key.to_hex()}@10.0.0.{number}" for number, key in enumerate(KEYS, start=1))
SENDER = "0x8ba1f109551bd432803012645ac136ddd64dba72"


def read(file: Path) -> Any:
    return json.loads(file.read_text()) if file.suffix == ".json" else tomllib.loads(file.read_text())


# ---- refusals ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"validators": VALIDATORS[:3]}, "3 validator"),
        ({"validators": (*VALIDATORS[:3], VALIDATORS[0])}, "one key or one machine"),
        ({"validators": (*VALIDATORS[:3], VALIDATORS[0][:-1] + "9")}, "one key or one machine"),
        ({"validators": (*VALIDATORS[:3], VALIDATORS[3][:-1] + "1")}, "one key or one machine"),
        ({"validators": (*VALIDATORS[:3], "bank.example")}, "before the @ give a node's public key"),
        (
            {"validators": (*VALIDATORS[:3], f"0x{'01' * 64}@10.0.0.4")},
            "before the @ give a node's public key",
        ),
        (
            {"validators": (*VALIDATORS[:3], f"{KEYS[3].public_key.to_hex()}@bank.example")},
            "give an IP address",
        ),
        ({"accounts": ["0x12"]}, "give 0x and 40 hex digits"),
        ({"accounts": [SENDER[2:]]}, "give 0x and 40 hex digits"),
        ({"chain_id": 0}, "between 1 and"),
        ({"chain_id": 2**53}, "between 1 and"),
        ({"block_period": 0}, "at least 1 second"),
    ],
)
def test_what_makes_no_network_is_refused_and_nothing_is_written(
    tmp_path: Path, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        write_network(tmp_path / "network", **options)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_something_in_it_is_never_written_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "network"
    assert main([str(folder)]) == 0
    before = {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    assert main([str(folder)]) == 2
    assert "is not empty: name a new folder" in capsys.readouterr().err
    assert {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()} == before
    assert [each.name for each in tmp_path.iterdir()] == ["network"]


def test_a_place_that_cannot_be_written_to_is_named_without_a_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert main([str(tmp_path / "file" / "network")]) == 2
    assert "cannot be written" in capsys.readouterr().err


# ---- what is written ---------------------------------------------------------------------------------------


def test_the_extra_data_is_that_of_the_examples_in_besu_s_documentation() -> None:
    addresses = (
        "64a702e6263b7297a96638cac6ae65e6541f4169",
        "943923390ad55e90c237593b3b0e401f3b08a031",
        "94aefdb9a738c9f433e5b6b212a6d62f6370c2f6",
        "c7eeb9a4e00ce683cf93039b212648e01c6c6b78",
    )
    listed = "".join(f"94{address}" for address in addresses)
    written = extra_data([bytes.fromhex(address) for address in addresses[::-1]]).hex()
    assert written == f"f87aa0{'00' * 32}f854{listed}c080c0"
    assert extra_data([]).hex() == f"e5a0{'00' * 32}c0c080c0"  # where a contract lists the validators


@pytest.mark.parametrize("own", [True, False], ids=["their keys are drawn", "they keep their keys"])
def test_the_first_block_and_every_list_name_the_four_validators(tmp_path: Path, own: bool) -> None:
    named = () if own else VALIDATORS
    write_network(tmp_path / "network", validators=named, accounts=[SENDER], clock=lambda: EPOCH)
    addresses, enodes = [], []
    for number in range(1, 5):
        folder = tmp_path / "network" / f"node-{number}"
        assert (folder / "key").exists() is own
        key = PrivateKey(bytes.fromhex((folder / "key").read_text().strip()[2:])) if own else KEYS[number - 1]
        assert (folder / "key.pub").read_text().strip() == key.public_key.to_hex()
        addresses.append(key.public_key.to_canonical_address())
        place = f"127.0.0.1:{30_302 + number}" if own else f"10.0.0.{number}:30303"
        enodes.append(f"enode://{key.public_key.to_hex()[2:]}@{place}")
    beginning = read(tmp_path / "network" / "node-1" / "genesis.json")
    vanity, validators, vote, turn, seals = rlp.decode(bytes.fromhex(beginning["extraData"][2:]))
    assert (vanity, vote, turn, seals) == (bytes(32), [], b"", [])
    assert validators == sorted(addresses)
    for number, enode in enumerate(enodes, start=1):
        folder = tmp_path / "network" / f"node-{number}"
        assert read(folder / "genesis.json") == beginning
        assert read(folder / "static-nodes.json") == [each for each in enodes if each != enode]
        allowed = read(folder / "permissions_config.toml")
        assert allowed["nodes-allowlist"] == enodes
        assert [each.lower() for each in allowed["accounts-allowlist"]] == [SENDER]


def test_gas_costs_nothing_and_every_rule_that_the_contracts_need_is_on_from_the_start(
    tmp_path: Path,
) -> None:
    write_network(tmp_path / "network", chain_id=2_026, block_period=2, clock=lambda: EPOCH)
    beginning = read(tmp_path / "network" / "node-4" / "genesis.json")
    config = beginning["config"]
    assert (config["chainId"], config["zeroBaseFee"], config["londonBlock"]) == (2_026, True, 0)
    assert (config["shanghaiTime"], config["cancunTime"]) == (0, 0)
    assert config["qbft"] == {"blockperiodseconds": 2, "epochlength": 30_000, "requesttimeoutseconds": 4}
    assert (int(beginning["gasLimit"], 16), int(beginning["timestamp"], 16)) == (30_000_000, EPOCH)
    assert bytes.fromhex(beginning["mixHash"][2:]) == b"ctical byzantine fault tolerance"
    settings = read(tmp_path / "network" / "node-4" / "config.toml")
    assert settings["min-gas-price"] == 0


def test_each_node_s_settings_name_its_own_files_and_ports_and_let_nobody_else_in(tmp_path: Path) -> None:
    write_network(tmp_path / "network")
    ports = set()
    for number in range(1, 5):
        folder = tmp_path / "network" / f"node-{number}"
        settings = read(folder / "config.toml")
        for name, value in settings.items():
            if name.endswith("-file"):
                assert (folder / value).is_file(), name
        assert settings["permissions-nodes-config-file-enabled"] is True
        assert settings["permissions-accounts-config-file-enabled"] is True
        assert settings["rpc-http-host"] == "127.0.0.1"
        assert settings["rpc-http-api"] == ["ETH", "QBFT"]
        assert settings["discovery-enabled"] is False
        ports |= {settings["p2p-port"], settings["rpc-http-port"]}
    assert ports == {30_303, 30_304, 30_305, 30_306, 8_545, 8_546, 8_547, 8_548}


def test_keys_can_be_read_by_their_owner_only(tmp_path: Path) -> None:
    write_network(tmp_path / "network")
    secrets = [*(tmp_path / "network").glob("node-*/key"), tmp_path / "network" / RELAY_KEY]
    assert len(secrets) == 5
    assert {stat.S_IMODE(each.stat().st_mode) for each in secrets} == {0o600}
    assert stat.S_IMODE((tmp_path / "network").stat().st_mode) == 0o700
    assert len({each.read_text() for each in secrets}) == 5


def test_without_accounts_one_is_drawn_for_the_relay_and_two_networks_share_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path / "one")]) == 0
    said = capsys.readouterr().out
    key = (tmp_path / "one" / RELAY_KEY).read_text().strip()
    relay = Account.from_key(key).address
    assert relay in said and key not in said
    assert read(tmp_path / "one" / "node-2" / "permissions_config.toml")["accounts-allowlist"] == [relay]
    other = write_network(tmp_path / "two", accounts=[SENDER])
    assert not (tmp_path / "two" / RELAY_KEY).exists()
    assert other.relay is None
    assert other.chain_id != read(tmp_path / "one" / "node-1" / "genesis.json")["config"]["chainId"]


def test_on_a_node_with_that_genesis_an_account_that_owns_nothing_can_send(tmp_path: Path) -> None:
    """Not Besu, but another client's reading of the same file."""
    network = write_network(tmp_path / "network", clock=lambda: EPOCH)
    file = tmp_path / "network" / "node-1" / "genesis.json"
    free = (
        "--init",
        str(file),
        "--gas-price",
        "0",
        "--block-base-fee-per-gas",
        "0",
        "--disable-min-priority-fee",
    )
    with anvil(chain_id=network.chain_id, options=free) as node:
        chain = RpcChain(
            node.url, key=bytes.fromhex((tmp_path / "network" / RELAY_KEY).read_text().strip()[2:])
        )
        assert (chain.chain_id, chain.account) == (network.chain_id, network.relay)
        assert node.ask("eth_getBalance", chain.account, "latest") == "0x0"
        assert chain.fees() == Fees(0, 0)
        assert chain.wait(chain.send(b"", to=NOBODY, gas=21_000)).ok
