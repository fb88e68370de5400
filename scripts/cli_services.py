"""The commands that do not end: `relay` sends what is signed, `index --follow` keeps the database up to the chain.

Both wait for a database or a node that is away, log as JSON on standard error, tell numbers to Prometheus where they
are asked to, and end with exit code 0 within ten seconds of SIGTERM or SIGINT, whatever the node does: what is under
way stands in the database, for the next process. They end by themselves where no waiting helps: exit code 2 for
another chain, 1 where the chain contradicts the database or itself.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

import typer
from prometheus_client import start_http_server

from ledger import indexer, relay
from ledger.chain import Chain, NodeRefused, Unreachable
from ledger.database import DatabaseUncertain, DatabaseUnusable
from ledger.errors import InputError, TallystickError, VerificationError
from ledger.forks import MARGIN
from ledger.halts import INDEX, RELAY, halt, halted_by
from ledger.installation import CHAIN, CHAIN_URL, DATABASE_URL, DOSSIER, GAS_KEY, database_of, gas_key
from ledger.logs import secrets_in, write_logs
from ledger.monitoring import Pipeline
from ledger.pin import OtherChain, Pin, check_pin
from ledger.relay_terms import Terms
from ledger.rpc_chain import RpcChain
from ledger.store import Store, open_store, pins
from scripts.cli_dossier import DossierFile
from scripts.cli_installation import require_same
from scripts.cli_options import (
    HERE,
    TERMS,
    DepthOption,
    DirectoryOption,
    GasBudgetOption,
    HighestFeeOption,
    LingerOption,
    MarginOption,
    MetricsAddressOption,
    MetricsPortOption,
    NodeOption,
    WalletBudgetOption,
)
from scripts.cli_screen import NO, PASSPHRASE, UNUSABLE

LOG: Final = logging.getLogger("ledger.service")
ENDS_WITHIN: Final = 8.0
"""Seconds after the signal to stop in which the work may come to its end; then it is left as it is."""
ANSWERS_WITHIN: Final = 4.0
"""Seconds that the relay waits for an answer of the node: less than it has for its end."""
TOLD_WITHIN: Final = 3.0
"""The same where only numbers are asked for."""
LOCAL: Final = "127.0.0.1"
_PAUSE: Final = 0.5, 30.0
T = TypeVar("T")


def relay_(
    ctx: typer.Context,
    depth: DepthOption = 0,
    margin: MarginOption = MARGIN,
    gas_budget: GasBudgetOption = TERMS.gas_budget,
    highest_fee: HighestFeeOption = TERMS.highest_fee,
    linger: LingerOption = TERMS.linger,
    wallet_budget: WalletBudgetOption = TERMS.wallet_budget,
    metrics_port: MetricsPortOption = None,
    metrics_address: MetricsAddressOption = LOCAL,
    directory: DirectoryOption = HERE,
    node: NodeOption = None,
) -> None:
    """Sends what is signed, for ever: batches, receipts, outcomes; for an installation on a node.

    Logs on standard error. SIGTERM ends it within ten seconds; what is under way goes on with the next one. Commands
    may be used beside it, with the same gas account too. Needs TALLYSTICK_GAS_KEY and no other key; with
    TALLYSTICK_DATABASE_URL no directory either.

    \b
    Example:
      tallystick relay --metrics-port 9101
    """

    terms = Terms(
        depth=depth,
        margin=margin,
        gas_budget=gas_budget,
        highest_fee=highest_fee,
        linger=linger,
        wallet_budget=wallet_budget,
    )

    def work(service: Service, store: Store, chain: Chain) -> None:
        relay.serve(store, chain, stop=service.stop, terms=terms)

    _serve(
        Service(
            directory,
            node or "",
            work,
            key=gas_key(required=node is not None),
            wait=ANSWERS_WITHIN,
            name=RELAY,
        ),
        port=metrics_port,
        address=metrics_address,
    )


def follow_(
    directory: Path,
    node: str | None,
    *,
    depth: int,
    margin: int,
    witness: str | None,
    port: int | None,
    address: str,
) -> None:
    """`index --follow`: as `relay`, but reads."""

    def work(service: Service, store: Store, chain: Chain) -> None:
        indexer.serve(
            store,
            chain,
            stop=service.stop,
            confirmations=depth,
            margin=margin,
            witness=None if witness is None else RpcChain(witness, key=service.key),
            trouble=_told,
        )

    service = Service(directory, node or "", work, key=gas_key(required=False), witness=witness or "")
    _serve(service, port=port, address=address)


def _told(away: TallystickError) -> None:
    if isinstance(away, OtherChain):
        raise away
    LOG.warning("waiting: %s", away)


@dataclass
class Service:
    """One run. `work` ends when `stop` is set; `wait`: seconds for an answer of the node;
    `witness`: a second node's address, where one is asked too."""

    directory: Path
    node: str
    work: Callable[[Service, Store, Chain], None]
    key: bytes = field(repr=False)
    wait: float = 10.0
    witness: str = ""
    name: str = INDEX
    stop: threading.Event = field(default_factory=threading.Event)
    numbers: Pipeline = field(default_factory=Pipeline)
    failed: BaseException | None = None

    def database(self) -> str:
        """The address of the database; InputError as `database_of`."""
        named = os.environ.get(DATABASE_URL, "")
        return named if named and not self.directory.exists() else database_of(self.directory)

    def run(self, database: str) -> None:
        """Opens both engines, however long that takes, and works."""
        try:
            store = self._patiently(lambda: open_store(database))
            if store is not None:
                with store:
                    try:
                        self._run(store)
                    except (OtherChain, VerificationError) as ended:
                        halt(store, self.name, ended)
                        raise
        except BaseException as failed:
            self.failed = failed
            self.numbers.halted = halted_by(failed)
        finally:
            self.stop.set()

    def _run(self, store: Store) -> None:
        self.numbers.store = store
        pinned = self._patiently(lambda: _pinned(store))
        if pinned is not None and (self.directory / DOSSIER).is_file():
            require_same(DossierFile.load(self.directory / DOSSIER), pinned, self.directory)
        chain = self._patiently(lambda: RpcChain(self.node, key=self.key, timeout=self.wait))
        if chain is None:
            return
        self.numbers.chain = self._patiently(lambda: RpcChain(self.node, key=self.key, timeout=TOLD_WITHIN))
        self._patiently(lambda: self._work(store, chain, pinned or ()))

    def _work(self, store: Store, chain: Chain, pinned: Sequence[Pin]) -> None:
        for pin in pinned:
            check_pin(chain, pin)
        self.work(self, store, chain)

    def _patiently(self, act: Callable[[], T]) -> T | None:
        """What the act gives, tried again while node or database are away; None where it is told to stop before."""
        pause = _PAUSE[0]
        while not self.stop.is_set():
            try:
                return act()
            except (Unreachable, NodeRefused, DatabaseUnusable, DatabaseUncertain) as away:
                LOG.warning("waiting: %s", away)
            self.stop.wait(pause)
            pause = min(2 * pause, _PAUSE[1])
        return None


def _pinned(store: Store) -> list[Pin]:
    with store.reading() as session:
        return pins(session)


def _serve(service: Service, *, port: int | None, address: str) -> None:
    """The whole run; Exit with 1 or 2 where it ended by itself."""
    _require_node(service.directory, service.node)
    database = service.database()
    secrets = [os.environ.get(name, "") for name in (GAS_KEY, PASSPHRASE)]
    for address_of in (database, service.node, service.witness):
        secrets += secrets_in(address_of)
    handler = write_logs(secrets=secrets)
    try:
        with _numbers(service.numbers, port, address), _signals(service.stop):
            worker = threading.Thread(target=service.run, args=(database,), name="service", daemon=True)
            worker.start()
            service.stop.wait()
            worker.join(ENDS_WITHIN)
            if worker.is_alive():
                LOG.warning("not at an end after %g s: what is under way is in the database", ENDS_WITHIN)
                logging.shutdown()
                os._exit(0)  # the interpreter's own way out would wait for whatever waits for the node
        end(service.failed)
    finally:
        logging.getLogger().removeHandler(handler)


def end(failed: BaseException | None) -> None:
    """Says how it ended; Exit with 1 where chain and database do not agree, 2 where it failed otherwise."""
    if failed is None:
        LOG.info("ended")
        return
    if not isinstance(failed, TallystickError):
        LOG.critical("this was not foreseen: report it", exc_info=failed)
        raise typer.Exit(UNUSABLE)
    LOG.critical("stopped: %s", failed)
    raise typer.Exit(NO if isinstance(failed, VerificationError) else UNUSABLE)


def _require_node(directory: Path, node: str) -> None:
    kept = (directory / CHAIN).is_file()
    if kept and not node:
        raise InputError(
            f"the chain of {directory} is a file that one process at a time has open: each command there sends and "
            "follows by itself, and a service would keep all others out. Services are for a chain on a node: "
            f"--node or {CHAIN_URL}"
        )
    if kept:
        raise InputError(f"{directory} has a chain of its own: leave --node and {CHAIN_URL} away")
    if not node:
        raise InputError(f"name the node with --node or {CHAIN_URL}: a service works on a node's chain")


@contextmanager
def _numbers(numbers: Pipeline, port: int | None, address: str) -> Iterator[None]:
    """Tells them over HTTP while it lasts."""
    if port is None:
        yield
        return
    try:
        server, thread = start_http_server(port, addr=address, registry=numbers.registry())
    except OSError as taken:
        raise InputError(
            f"numbers cannot be told at {address} port {port}: {taken.strerror or taken}: name another --metrics-port"
        ) from None
    LOG.info("numbers at http://%s:%d/metrics", address, server.server_port)
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def _signals(stop: threading.Event) -> Iterator[None]:
    """SIGTERM and SIGINT set `stop`."""
    before = {word: signal.signal(word, lambda *_: stop.set()) for word in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for word, handler in before.items():
            signal.signal(word, handler)
