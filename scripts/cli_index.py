"""The `index` command: the database brought up to the chain, kept there, or made again from it.

Rows and events are a fold of the chain and come out the same. What is on no chain, the outbox of what was sent from
here, is not made again: a database that is replaced is kept beside the new one.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from eth_utils.address import to_checksum_address
from sqlalchemy import select

from ledger.abi import view_call, words_of
from ledger.chain import NOBODY, Address, Chain
from ledger.embedded import EmbeddedChain
from ledger.errors import ChainError, InputError
from ledger.forks import MARGIN
from ledger.halts import INDEX, resume
from ledger.indexer import follow
from ledger.installation import CHAIN, DATABASE, DATABASE_URL, DOSSIER, KEYS, gas_key, open_chain
from ledger.members import parse_hex
from ledger.outbox_tables import OutboxRow
from ledger.pin import pin_of, predecessor_of
from ledger.rpc_chain import RpcChain
from ledger.store import Store, add_pin, open_store, pins
from scripts.cli_dossier import DossierFile
from scripts.cli_installation import opened
from scripts.cli_options import (
    HERE,
    DepthOption,
    DirectoryOption,
    JsonOption,
    MarginOption,
    MetricsAddressOption,
    MetricsPortOption,
    NodeOption,
    screen_of,
)
from scripts.cli_screen import Screen
from scripts.cli_services import LOCAL, follow_
from scripts.cli_unfinished import forget, unfinished, waiting_text


def index(
    ctx: typer.Context,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Make the database again from the chain; the old one is kept.")
    ] = False,
    ledger: Annotated[
        list[str] | None,
        typer.Option(
            "--ledger", help="With --rebuild, where the dossier is lost too: the newest ledger's address."
        ),
    ] = None,
    follow_on: Annotated[
        bool, typer.Option("--follow", help="Go on for ever, for an installation on a node; logs as JSON.")
    ] = False,
    depth: DepthOption = 0,
    margin: MarginOption = MARGIN,
    witness: Annotated[
        str | None,
        typer.Option(
            "--witness", help="JSON-RPC address of a second node, which has to name the same blocks."
        ),
    ] = None,
    metrics_port: MetricsPortOption = None,
    metrics_address: MetricsAddressOption = LOCAL,
    directory: DirectoryOption = HERE,
    node: NodeOption = None,
    json: JsonOption = False,
) -> None:
    """Brings the database up to the chain and checks the journal head on the way.

    Says which earlier commands stopped half-way. With --follow it goes on until SIGTERM, which ends it within ten
    seconds, and leaves the last --depth blocks unread. With --rebuild a lost database, or one that does not agree
    with the chain, is made again: the ledgers are those that the dossier names, and those before them; with
    TALLYSTICK_DATABASE_URL in the empty database that it names.

    \b
    Example:
      tallystick index
      tallystick index --rebuild
      tallystick index --follow --metrics-port 9102
    """
    screen = screen_of(ctx)
    if follow_on and (rebuild or json):
        raise InputError("--follow goes with neither --rebuild nor --json: it logs as JSON anyway")
    if metrics_port is not None and not follow_on:
        raise InputError("--metrics-port: only what goes on can be asked for numbers: add --follow")
    if follow_on:
        follow_(
            directory,
            node,
            depth=depth,
            margin=margin,
            witness=witness,
            port=metrics_port,
            address=metrics_address,
        )
        return
    if ledger and not rebuild:
        raise InputError("--ledger: index follows all ledgers; only --rebuild has to be told which")
    if rebuild:
        _rebuild(screen, directory, node, named=ledger or ())
    with opened(screen, directory, node) as office:
        second = None if witness is None else RpcChain(witness, key=gas_key(required=False))
        done = office.follow(margin=margin, witness=second)
        resume(office.store, INDEX)
        again = (
            "" if done.rewound_to is None else f" (the chain was reorganised: rewound to {done.rewound_to})"
        )
        office.screen.say(f"At block {done.block}, {done.events} new events{again}.")
        waiting = unfinished(office)
        for text in waiting_text(waiting):
            office.screen.say(text)
        office.screen.answer(
            {
                "block": done.block,
                "events": done.events,
                "rewound_to": done.rewound_to,
                "unfinished": [each.facts() for each in waiting],
            }
        )


def _rebuild(screen: Screen, directory: Path, node: str | None, *, named: Sequence[str]) -> None:
    """A new database of the same ledgers, whole before it takes the place of the old one; or, where the environment
    names a database, that one, which has to be empty."""
    if not any((directory / name).is_file() for name in (DOSSIER, KEYS, CHAIN)):
        raise InputError(f"there is no installation in {directory}: make one with: tallystick deploy")
    url, fresh = os.environ.get(DATABASE_URL, ""), directory / f".{DATABASE}.unfinished"
    if url and (directory / DATABASE).is_file():
        raise InputError(
            f"{directory} has a database of its own: take {DATABASE_URL} out of the environment to make that one again"
        )
    chain = open_chain(directory, node, sends=False)
    try:
        ledgers = _lineage(chain, _known(directory, named))
        if url:
            events = _fill(screen, chain, url, ledgers)
        else:
            _clear(fresh)
            events = _fill(screen, chain, f"sqlite:///{fresh}", ledgers)
    except BaseException:
        _clear(fresh)
        raise
    finally:
        if isinstance(chain, EmbeddedChain):
            chain.close()
    kept = None if url else _keep(directory)
    if not url:
        fresh.rename(directory / DATABASE)
    screen.say(f"The database is made again from {len(ledgers)} ledgers: {events} events.")
    if kept is not None or url:
        where = f"is kept as {kept}" if kept is not None else "is as it was"
        screen.say(
            f"The old one {where}. What was sent from here stands in that one alone: "
            "cancel-whole of an issue before today needs it."
        )
    if forget(directory):
        screen.say(
            "An earlier command had stopped half-way: look whether it landed before you type it again."
        )


def _fill(screen: Screen, chain: Chain, url: str, ledgers: Sequence[Address]) -> int:
    """Pins the ledgers in a database in which nothing but them may be, and follows them; gives how many events. Where
    it was broken off it goes on."""
    registry = _registry_of(chain, ledgers[0])
    with open_store(url) as store:
        _require_empty(store, ledgers)
        for at, address in enumerate(ledgers):
            pin = pin_of(chain, registry=registry, ledger=address)
            first = _made_in(chain, registry if at == 0 else address, registry=at == 0)
            add_pin(store, pin, first_block=first)
        with screen.progress("Reading blocks") as report:
            return follow(store, chain, report=lambda at: report(at.block, at.target)).events


def _require_empty(store: Store, ledgers: Sequence[Address]) -> None:
    with store.reading() as session:
        others = {pin.ledger for pin in pins(session)} - set(ledgers)
        used = session.scalar(select(OutboxRow.number).limit(1)) is not None
    if others or used:
        raise InputError(
            f"the database that {DATABASE_URL} names is not empty: --rebuild fills a new one (createdb) and leaves the "
            "old one as it is; name that in the environment"
        )


def _known(directory: Path, named: Sequence[str]) -> list[Address]:
    """The ledgers that the user or the dossier names."""
    if named:
        return [to_checksum_address(parse_hex(text, "--ledger", length=20)) for text in named]
    if not (directory / DOSSIER).is_file():
        raise InputError(
            f"{directory} has no {DOSSIER} that names the ledger: name the newest one with --ledger ADDRESS"
        )
    return [to_checksum_address(text) for text in DossierFile.load(directory / DOSSIER).contracts]


def _lineage(chain: Chain, known: Sequence[Address]) -> list[Address]:
    """The known ledgers and all before them, the first one first; ChainError where they are not of one succession."""
    lines = [_back(chain, each) for each in known]
    longest = max(lines, key=len)
    for line in lines:
        if longest[: len(line)] != line:
            raise ChainError(
                f"ledger {line[-1]} is not in one succession with {longest[-1]}: name those of one"
            )
    return longest


def _back(chain: Chain, ledger: Address) -> list[Address]:
    found = [ledger]
    while (before := predecessor_of(chain, found[0])) != NOBODY:
        found.insert(0, before)
    return found


def _registry_of(chain: Chain, ledger: Address) -> Address:
    words = words_of(chain.call(ledger, view_call("registry()")))
    return to_checksum_address(words[0].to_bytes(20))


def _made_in(chain: Chain, contract: Address, *, registry: bool) -> int:
    """The block that made a contract, found by halves: before it there is nobody there to answer."""
    asked = view_call("registrar()" if registry else "predecessor()")
    first, last = 0, chain.height()
    while first < last:
        middle = (first + last) // 2
        if chain.call(contract, asked, block=middle):
            last = middle
        else:
            first = middle + 1
    return first


def _keep(directory: Path) -> Path | None:
    """Puts the old database aside under the first free name; None where there is none."""
    if not (directory / DATABASE).exists():
        return None
    kept = next(each for n in range(1, 10**6) if not (each := directory / f"{DATABASE}.kept-{n}").exists())
    for suffix in ("-wal", "-shm", ""):
        part = directory / f"{DATABASE}{suffix}"
        if part.exists():
            part.rename(kept.with_name(kept.name + suffix))
    return kept


def _clear(database: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        database.with_name(database.name + suffix).unlink(missing_ok=True)
