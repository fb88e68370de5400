"""The process: one installation, the app on a port, relay, index and housekeeping in threads beside it.

The embedded chain is one object that all threads use: each of its methods holds its lock, and one transaction is one
commit. The database gives each thread a connection of its own; SQLite lets one write at a time.

A node or database that is away is waited for. What no waiting heals (another chain, a journal that does not fit, a
reorganisation deeper than the margin) ends its thread; the app goes on answering, and `/ready` says what has stopped.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from ipaddress import ip_network
from pathlib import Path
from typing import Final

import uvicorn
from fastapi import FastAPI
from sqlalchemy.orm import Session

from gateway.app import create_app
from gateway.core import CORE, keep_to_one_core
from gateway.gateway import Gateway
from gateway.watch import Watch
from ledger import indexer, relay
from ledger.certificates import read_certificates
from ledger.embedded import EmbeddedChain
from ledger.errors import InputError, TallystickError
from ledger.halts import halted_by
from ledger.installation import Engine, Installation, opened
from ledger.money import shown
from ledger.monitoring import Pipeline, Reason
from ledger.negotiation import register_check, webhook_sending
from ledger.negotiation.business_registry import REGISTER, BusinessRegister, register_at
from ledger.negotiation.disbursements import DEFAULT_HOURS, Hours
from ledger.negotiation.onboarding import settle
from ledger.negotiation.passwords import Passwords
from ledger.negotiation.provider import Provider
from ledger.negotiation.recalls import sweep
from ledger.negotiation.setting import Setting, setting_of
from ledger.negotiation.silence import complete_silent
from ledger.negotiation.targets import Targets
from ledger.negotiation.time_stamps import ADDRESS, ROOTS, Authority, stamp_waiting
from ledger.negotiation.waiting_transfers import go_on
from ledger.negotiation.webhook_sending import Deliverer
from ledger.outbox import machine_clock
from ledger.pin import OtherChain
from ledger.relay_terms import Terms
from ledger.store import Store

LOG: Final = logging.getLogger("gateway")
INDEX_PAUSE: Final = 0.2
SWEEP_PAUSE: Final = 5.0
MINUTE: Final = 12
"""Sweeps between two looks for payments that nobody answered, and two blocks at least of a demo's chain."""
DRAIN_SECONDS: Final = 7.0
"""More than the relay takes for its end; with `ANSWER_SECONDS` the process ends within ten seconds, as services do."""
ANSWER_SECONDS: Final = 3
"""For requests that are under way when it is told to stop."""
AUTHORITIES: Final = "TALLYSTICK_AUTHORITIES"
"""Files with the certificate authorities that are trusted, as PATH lists them."""
CUT_OFF: Final = "TALLYSTICK_CUT_OFF"
"""Until when of a day payments for that day are prepared, China time; 16:30 where it is not set."""
PROXIES: Final = "TALLYSTICK_PROXIES"
"""Addresses or networks of the proxies before the gateway, commas between them. Only they are believed when they say
whom they ask for (`X-Forwarded-For`): sign-ins and applications are throttled by that address."""
PROVIDER: Final = "TALLYSTICK_OIDC_"
"""With ISSUER, CLIENT, SECRET and LANDING behind it: the provider of sign-ins, all four or none."""


@dataclass
class Threads:
    """What runs beside the app. `stop` ends all of it; `troubles` are those that ended by themselves."""

    numbers: Pipeline
    stop: threading.Event = field(default_factory=threading.Event)
    troubles: dict[str, str] = field(default_factory=dict)
    running: list[threading.Thread] = field(default_factory=list)

    def start(self, name: str, work: Callable[[], None]) -> None:
        """Runs it in a thread of this name."""

        def guarded() -> None:
            try:
                work()
            except Exception as failed:
                self.troubles[name] = str(failed)
                self.numbers.halted = halted_by(failed)
                ours = isinstance(failed, TallystickError)
                LOG.critical("%s has stopped: %s", name, failed, exc_info=None if ours else failed)

        thread = threading.Thread(target=guarded, name=name, daemon=True)
        self.running.append(thread)
        thread.start()

    def told(self) -> Sequence[Reason]:
        """What has stopped, and why."""
        return [Reason(f"{name}_stopped", why) for name, why in list(self.troubles.items())]

    def end(self) -> None:
        """Ends all, each after what it has under way."""
        self.stop.set()
        until = time.monotonic() + DRAIN_SECONDS
        for thread in self.running:
            thread.join(max(until - time.monotonic(), 0.0))


def gateway_of(
    installation: Installation, threads: Threads, *, secure: bool, sandbox: bool = False
) -> Gateway:
    """The gateway over an open installation. InputError where a setting names a file that is not there."""
    return Gateway(
        store=installation.store,
        setting=setting_of(installation),
        register=_register(),
        authorities=_authorities(AUTHORITIES, os.environ.get(AUTHORITIES, "")),
        hours=Hours.parse(os.environ.get(CUT_OFF, "") or DEFAULT_HOURS.text),
        provider=_provider(),
        passwords=Passwords(),
        token_key=installation.ring.secret("tokens 1"),
        secure=secure,
        sandbox=_sandbox(installation) if sandbox else None,
        watch=Watch(
            installation.store,
            installation.chain,
            clock=machine_clock,
            depth=installation.depth,
            numbers=threads.numbers,
            troubles=threads.told,
        ),
    )


def _sandbox(installation: Installation) -> EmbeddedChain:
    if not isinstance(installation.chain, EmbeddedChain) or not installation.chain.demo:
        raise InputError("a sandbox has a demo's chain of its own: make one with: tallystick serve --sandbox")
    return installation.chain


def _register() -> BusinessRegister | None:
    place = os.environ.get(REGISTER, "")
    return register_at(place) if place else None


def _provider() -> Provider | None:
    names = ("ISSUER", "CLIENT", "SECRET", "LANDING")
    given = {name.lower(): os.environ.get(PROVIDER + name, "") for name in names}
    if not any(given.values()):
        return None
    missing = [PROVIDER + name for name in names if not given[name.lower()]]
    if missing:
        raise InputError(f"the provider of sign-ins is half configured: set {', '.join(missing)} too")
    return Provider(**given)


def _time_stamps() -> Authority | None:
    address, roots = os.environ.get(ADDRESS, ""), os.environ.get(ROOTS, "")
    if not address and not roots:
        return None
    if not address.startswith(("http://", "https://")) or not roots:
        raise InputError(f"set both: {ADDRESS} to an http(s) address, {ROOTS} to files of root certificates")
    return Authority(
        address, tuple(each for one in _authorities(ROOTS, roots) for each in read_certificates(one))
    )


def _authorities(setting: str, paths: str) -> tuple[bytes, ...]:
    try:
        found = tuple(Path(path).read_bytes() for path in paths.split(os.pathsep) if path)
    except OSError as missing:
        raise InputError(f"{setting}: {missing.filename} cannot be read: {missing.strerror}") from None
    for content in found:
        read_certificates(content)
    return found


def proxies_of(text: str) -> list[str]:
    """What `PROXIES` names. InputError for what is no address and no network."""
    found = [word.strip() for word in text.split(",") if word.strip()]
    for word in found:
        try:
            ip_network(word)
        except ValueError:
            said = f"{PROXIES}: {shown(word)} is no address and no network: write such as 10.0.0.7 or 10.0.0.0/24"
            raise InputError(said) from None
    return found


@contextmanager
def at_work(installation: Installation, terms: Terms) -> Iterator[Threads]:
    """Relay, index and housekeeping, while the block runs. `terms`: the relay's; the index takes its margin."""
    store, chain = installation.store, installation.chain
    if isinstance(chain, EmbeddedChain) and chain.demo:
        chain.let_time_run()
    threads = Threads(Pipeline(store, chain))
    depth = installation.depth
    its = replace(terms, depth=depth)
    threads.start("relay", lambda: relay.serve(store, chain, stop=threads.stop, terms=its))
    threads.start(
        "index",
        lambda: indexer.serve(
            store,
            chain,
            stop=threads.stop,
            confirmations=depth,
            margin=its.margin,
            pause=INDEX_PAUSE,
            trouble=_waits,
        ),
    )
    setting = setting_of(installation)
    threads.start("housekeeping", lambda: _keep_house(installation, setting, threads.stop))
    deliverer = Deliverer(store, setting, Targets())
    threads.start("webhooks", lambda: webhook_sending.serve(deliverer, stop=threads.stop))
    authority = _time_stamps()
    if authority is not None:
        threads.start("time_stamps", lambda: _stamp(store, authority, threads.stop))
    register = _register()
    if register is not None:
        threads.start(
            "register_check", lambda: register_check.serve(store, setting, register, stop=threads.stop)
        )
    try:
        yield threads
    finally:
        threads.end()
        _keep_time(chain)


def _waits(away: TallystickError) -> None:
    if isinstance(away, OtherChain):
        raise away
    LOG.warning("index waits: %s", away)


def _keep_house(installation: Installation, setting: Setting, stop: threading.Event) -> None:
    """What time brings about by itself, each apart: where one waits, the others go on."""
    store, turn = installation.store, 0
    parts: tuple[Callable[[Session], object], ...] = (
        lambda session: sweep(session, now=installation.clock(), at=machine_clock()),
        lambda session: settle(session, setting),
        lambda session: go_on(session, setting),
    )
    while not stop.wait(SWEEP_PAUSE):
        turn += 1
        for part in parts:
            with _patient(), store.writing() as session:
                part(session)
        if turn % MINUTE == 0:
            with _patient():
                complete_silent(store, setting)
            with _patient():
                _keep_time(installation.chain)


def _stamp(store: Store, authority: Authority, stop: threading.Event) -> None:
    """Gets time stamps for what waits for them; a thread of its own, because an authority may be slow."""
    while not stop.wait(SWEEP_PAUSE):
        with _patient():
            stamp_waiting(store, authority)


def _keep_time(chain: Engine) -> None:
    """A demo's time does not go back by more than a minute when the process is killed, by nothing when it ends."""
    if isinstance(chain, EmbeddedChain) and chain.demo:
        chain.keep_time()


@contextmanager
def _patient() -> Iterator[None]:
    """What goes wrong here is tried again with the next turn."""
    try:
        yield
    except TallystickError as waiting:
        LOG.warning("%s waits: %s", threading.current_thread().name, waiting)


def listening(app: FastAPI, *, host: str, port: int, proxies: Sequence[str]) -> uvicorn.Config:
    """How the app is served: our own logs alone, and no word of anybody but `proxies` about whom they ask for."""
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        ws="none",  # there is nothing here that speaks it
        access_log=False,
        server_header=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=list(proxies),
        timeout_graceful_shutdown=ANSWER_SECONDS,
        log_config=None,  # ours: one form for all lines
    )


def _heard(_word: int, _frame: object) -> None:
    """A signal that the server has answered already."""


def serve(
    directory: Path,
    *,
    passphrase: str,
    host: str,
    port: int,
    secure: bool,
    sandbox: bool,
    terms: Terms,
) -> None:
    """Runs until SIGTERM or SIGINT. The errors of `installation.opened`; InputError for a setting that cannot be."""
    keep_to_one_core(os.environ.get(CORE, ""))
    proxies = proxies_of(os.environ.get(PROXIES, ""))
    with opened(directory, passphrase=passphrase) as installation, at_work(installation, terms) as threads:
        app = create_app(gateway_of(installation, threads, secure=secure, sandbox=sandbox))
        server = uvicorn.Server(listening(app, host=host, port=port, proxies=proxies))
        for word in (signal.SIGTERM, signal.SIGINT):
            signal.signal(
                word, _heard
            )  # the server raises it once more when it has ended; the threads end after it
        LOG.info("the gateway is at http://%s:%d", host, port)
        server.run()
