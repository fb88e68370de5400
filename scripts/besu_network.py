"""Writes the files of a Besu network with QBFT consensus: what each of its validators is started with.

    python -m scripts.besu_network FOLDER                            four validators on this machine, for a trial
    python -m scripts.besu_network FOLDER --validator 0x…@10.0.0.1 … one for each public key, on its machine

Nobody but its operator ever has the private key of a validator that is named by the public one (Besu prints it with
`besu public-key export`). Gas costs nothing there, only the listed accounts may send transactions, and only the
validators may connect. Each folder `node-1`, `node-2`, … is whole in itself: give it to its operator, who runs in it

    besu --config-file=config.toml

Nothing is started or asked here, and no folder is ever written over: it has keys in it. The rules of the network
follow Besu's own documentation (QBFT, free gas networks, local permissioning).
"""

from __future__ import annotations

import argparse
import ipaddress
import json
import secrets
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import coincurve
import rlp  # type: ignore[import-untyped]
from eth_keys.datatypes import PrivateKey, PublicKey
from eth_utils.address import is_address, to_checksum_address

from ledger.chain import Address
from ledger.embedded import CHAIN_ID_FROM, CHAIN_ID_TO
from ledger.errors import InputError, TallystickError
from ledger.money import shown

VALIDATORS: Final = 4
"""The fewest with which QBFT goes on while one of them is down."""
P2P_PORT, RPC_PORT = 30_303, 8_545
GAS_LIMIT: Final = 30_000_000
"""Gas of a block: as on the other engines."""
ISTANBUL_DIGEST: Final = "0x63746963616c2062797a616e74696e65206661756c7420746f6c6572616e6365"
"""The mix hash by which a block says that it is one of this family of consensus protocols."""
RELAY_KEY: Final = "relay.key"


@dataclass(frozen=True, slots=True)
class Validator:
    """A node of the network: where it listens for the others, where for its own users, and its key. `secret` is None
    where its operator keeps that."""

    host: str
    p2p_port: int
    rpc_port: int
    public: PublicKey
    secret: PrivateKey | None = None

    @property
    def address(self) -> bytes:
        """20 bytes: what the blocks call it."""
        return bytes(self.public.to_canonical_address())

    @property
    def enode(self) -> str:
        """What the other nodes call it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"enode://{self.public.to_bytes().hex()}@{host}:{self.p2p_port}"


@dataclass(frozen=True, slots=True)
class Network:
    """What was written. `relay` is the account whose key was drawn here, if one was."""

    chain_id: int
    validators: tuple[Validator, ...]
    accounts: tuple[Address, ...]
    relay: Address | None


def write_network(
    folder: Path,
    *,
    validators: Sequence[str] = (),
    accounts: Sequence[str] = (),
    chain_id: int | None = None,
    block_period: int = 1,
    clock: Callable[[], float] = time.time,
) -> Network:
    """Writes a network into a new folder, whole or not at all.

    `validators`: public key and IP address of each, `0x…@10.0.0.1` (none: four are drawn for this machine, each with
    ports of its own); `accounts`: who may send transactions (none: an account is drawn for the relay, its key put
    beside the nodes); `chain_id` None: one that nobody else will draw; `block_period` in seconds; `clock` gives the
    genesis its time, Unix seconds.
    InputError for what does not do, and for a folder that has something in it.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder} is not empty: name a new folder, for this one may hold a network's keys")
    if chain_id is not None and not 1 <= chain_id <= CHAIN_ID_TO:
        raise InputError(f"chain id {chain_id}: give one between 1 and {CHAIN_ID_TO}, or none")
    if block_period < 1:
        raise InputError(f"block period {block_period}: give at least 1 second")
    nodes = tuple(map(_named, validators)) if validators else _drawn()
    _require_apart(nodes)
    relay = None if accounts else PrivateKey(secrets.token_bytes(32))
    allowed = tuple(map(_account, accounts)) if relay is None else (_address_of(relay),)
    chosen = CHAIN_ID_FROM + secrets.randbelow(CHAIN_ID_TO - CHAIN_ID_FROM) if chain_id is None else chain_id
    beginning = genesis(nodes, chain_id=chosen, block_period=block_period, timestamp=int(clock()))

    place = folder.absolute().with_name(f".{folder.absolute().name}.unfinished")
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True, mode=0o700)
    for number, validator in enumerate(nodes, start=1):
        _write_node(place / f"node-{number}", validator, nodes, allowed, beginning)
    if relay is not None:
        _write_secret(place / RELAY_KEY, relay.to_hex())
    if folder.exists():
        folder.rmdir()
    place.rename(folder)
    return Network(chosen, nodes, allowed, None if relay is None else _address_of(relay))


def genesis(
    validators: Sequence[Validator], *, chain_id: int, block_period: int, timestamp: int
) -> dict[str, Any]:
    """The genesis file: every rule up to Cancun's, for which the contracts are compiled, from the first block on; a
    base fee of zero; nobody owns anything."""
    return {
        "config": {
            "chainId": chain_id,
            "berlinBlock": 0,
            "londonBlock": 0,
            "shanghaiTime": 0,
            "cancunTime": 0,
            "zeroBaseFee": True,
            "qbft": {
                "blockperiodseconds": block_period,
                "epochlength": 30_000,
                "requesttimeoutseconds": max(4, 2 * block_period),
            },
        },
        "nonce": "0x0",
        "timestamp": hex(timestamp),
        "extraData": "0x" + extra_data([each.address for each in validators]).hex(),
        "gasLimit": hex(GAS_LIMIT),
        "difficulty": "0x1",
        "mixHash": ISTANBUL_DIGEST,
        "coinbase": "0x" + "00" * 20,
        "alloc": {},
    }


def extra_data(validators: Sequence[bytes]) -> bytes:
    """The first block's word on who validates: 32 free bytes, the addresses in ascending order, no vote, round 0, no
    seals."""
    return bytes(rlp.encode([bytes(32), sorted(validators), [], b"", []]))


def _drawn() -> tuple[Validator, ...]:
    found = []
    for shift in range(VALIDATORS):
        secret = PrivateKey(secrets.token_bytes(32))
        found.append(Validator("127.0.0.1", P2P_PORT + shift, RPC_PORT + shift, secret.public_key, secret))
    return tuple(found)


def _named(text: str) -> Validator:
    key, _, host = text.partition("@")
    try:
        point = bytes.fromhex(key.removeprefix("0x"))
        coincurve.PublicKey(b"\x04" + point)  # refuses what is no point of the curve
        public = PublicKey(point)
    except ValueError:
        raise InputError(
            f"validator {shown(text)}: before the @ give a node's public key, 0x and 128 digits"
        ) from None
    try:
        return Validator(str(ipaddress.ip_address(host)), P2P_PORT, RPC_PORT, public)
    except ValueError:
        said = (
            f"validator {shown(text)}: after the @ give an IP address, for Besu's allow-lists know no names"
        )
        raise InputError(said) from None


def _require_apart(nodes: Sequence[Validator]) -> None:
    if len(nodes) < VALIDATORS:
        raise InputError(f"{len(nodes)} validator(s): name at least {VALIDATORS}, so that one may be down")
    keys, places = {each.address for each in nodes}, {(each.host, each.p2p_port) for each in nodes}
    if min(len(keys), len(places)) < len(nodes):
        raise InputError("two validators have one key or one machine: what befell one would befall the other")


def _account(text: str) -> Address:
    if not text.startswith("0x") or not is_address(text):
        raise InputError(f"account {shown(text)}: give 0x and 40 hex digits")
    return to_checksum_address(text)


def _address_of(key: PrivateKey) -> Address:
    return to_checksum_address(key.public_key.to_canonical_address())


def _write_node(
    place: Path,
    validator: Validator,
    validators: Sequence[Validator],
    accounts: Sequence[Address],
    beginning: dict[str, Any],
) -> None:
    place.mkdir(mode=0o700)
    if validator.secret is not None:
        _write_secret(place / "key", validator.secret.to_hex())
    (place / "key.pub").write_text(validator.public.to_hex() + "\n")
    (place / "genesis.json").write_text(json.dumps(beginning, indent=2) + "\n")
    others = [each.enode for each in validators if each is not validator]
    (place / "static-nodes.json").write_text(json.dumps(others, indent=2) + "\n")
    lists = {"accounts-allowlist": list(accounts), "nodes-allowlist": [each.enode for each in validators]}
    (place / "permissions_config.toml").write_text(_toml(lists))
    (place / "config.toml").write_text(_toml(_settings(validator)))


def _settings(validator: Validator) -> dict[str, Any]:
    return {
        "data-path": "data",
        "genesis-file": "genesis.json",
        "node-private-key-file": "key",
        "discovery-enabled": False,
        "static-nodes-file": "static-nodes.json",
        "p2p-host": validator.host,
        "p2p-port": validator.p2p_port,
        "permissions-nodes-config-file-enabled": True,
        "permissions-nodes-config-file": "permissions_config.toml",
        "permissions-accounts-config-file-enabled": True,
        "permissions-accounts-config-file": "permissions_config.toml",
        "rpc-http-enabled": True,
        "rpc-http-host": "127.0.0.1",
        "rpc-http-port": validator.rpc_port,
        "rpc-http-api": ["ETH", "QBFT"],
        "rpc-max-logs-range": 5_000,  # the index asks for up to 2,000 blocks at once
        "min-gas-price": 0,
        "tx-pool": "SEQUENCED",  # first come, first served
        "tx-pool-limit-by-account-percentage": 1.0,  # one relay may send everything
        "sync-mode": "FULL",
        "data-storage-format": "FOREST",  # the state of any earlier block can be read
    }


def _toml(settings: dict[str, Any]) -> str:
    return "".join(f"{name}={json.dumps(value)}\n" for name, value in settings.items())


def _write_secret(path: Path, text: str) -> None:
    path.touch(mode=0o600, exist_ok=False)
    path.write_text(text + "\n")


def main(arguments: list[str] | None = None) -> int:
    """0 written, 2 refused."""
    about, *_ = (__doc__ or "").split("\n")
    parser = argparse.ArgumentParser(prog="python -m scripts.besu_network", description=about)
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--validator", action="append", default=[], metavar="KEY@IP", help="repeat for each")
    parser.add_argument("--account", action="append", default=[], metavar="0x…", help="may send; repeat")
    parser.add_argument("--chain-id", type=int, metavar="N", help="else one is drawn")
    parser.add_argument("--block-period", type=int, default=1, metavar="SECONDS")
    given = parser.parse_args(arguments)
    try:
        network = write_network(
            given.folder,
            validators=given.validator,
            accounts=given.account,
            chain_id=given.chain_id,
            block_period=given.block_period,
        )
    except TallystickError as refused:
        print(refused, file=sys.stderr)
        return 2
    except OSError as failed:
        print(f"{given.folder} cannot be written: {failed.strerror}", file=sys.stderr)
        return 2
    print(f"Chain {network.chain_id} with {len(network.validators)} validators is written to {given.folder}.")
    print("Run on each machine, in its node's folder: besu --config-file=config.toml")
    if network.relay is not None:
        print(f"The relay sends as {network.relay}: put {RELAY_KEY} into TALLYSTICK_GAS_KEY.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
