"""The relay: signed agreements go to the chain in batches, and what became of them comes back.

    run      cycles until everything that can be sent has an outcome
    serve    cycles until it is told to stop, and then brings to an end what is under way

Every step is written down before it is taken. Whoever is killed between two of them leaves rows that say what to do,
and a second execution is impossible by the contract; the relay only has to get the record right. It signs nothing for
a party, and what it cannot bring to an end it calls unknown and tells an operator.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

from ledger.chain import Chain, Unreachable
from ledger.database import DatabaseUncertain, DatabaseUnusable
from ledger.errors import ChainError
from ledger.outbox import Relayed, machine_clock, outcome, put, put_unsigned, queue, queue_unsigned
from ledger.relay_accounts import LOG, Holder, release
from ledger.relay_cycle import Cycle, OtherChain, Relay
from ledger.relay_terms import Terms
from ledger.store import Store

__all__ = ["Relayed", "Terms", "outcome", "put", "put_unsigned", "queue", "queue_unsigned", "run", "serve"]

GAS_BUDGET: Final = Terms().gas_budget
"""Gas that one batch may be given."""
PAUSE: Final = 0.005, 0.5
"""Seconds between two cycles of which the first changed nothing: at first, and at most."""


def run(
    store: Store,
    chain: Chain,
    *,
    terms: Terms | None = None,
    gas_budget: int | None = None,
    seconds: float = 60.0,
    clock: Callable[[], int] = machine_clock,
    report: Callable[[Relayed], None] | None = None,
) -> list[Relayed]:
    """Sends everything that is signed for the contracts of this database and gives the outcomes in the order of
    recording.

    `gas_budget`: instead of the terms' own. `seconds`: how long nothing may change while something is under way.
    ChainError where the chain is not the pinned one or cannot be used, or nothing changed for so long; whatever
    was recorded until then stays, and the next run goes on from there.
    """
    terms = terms or Terms()
    if gas_budget is not None:
        terms = replace(terms, gas_budget=gas_budget)
    relay = open_relay(store, chain, terms=terms, clock=clock)
    done: list[Relayed] = []
    pause, still_since = PAUSE[0], time.monotonic()
    try:
        while True:
            try:
                cycle = relay.cycle()
            except (Unreachable, DatabaseUncertain):
                if time.monotonic() - still_since >= seconds:
                    raise
                cycle = Cycle()
            for each in cycle.ended:
                done.append(each)
                if report is not None:
                    report(each)
            if cycle.moved:
                pause, still_since = PAUSE[0], time.monotonic()
                continue
            if not relay.has_work():
                return done
            if time.monotonic() - still_since >= seconds:
                raise ChainError(relay.stalled(seconds))
            time.sleep(pause)
            pause = min(2 * pause, PAUSE[1])
    finally:
        with suppressed():
            release(store, chain.account, relay.holder)


def serve(
    store: Store,
    chain: Chain,
    *,
    stop: threading.Event,
    terms: Terms | None = None,
    clock: Callable[[], int] = machine_clock,
    report: Callable[[Relayed], None] | None = None,
) -> None:
    """Works until `stop` is set, then for at most `terms.drain` seconds on what is under way.

    A node or a database that cannot be used is waited for. ChainError for another chain than the pinned one,
    VerificationError where the chain contradicts itself.
    """
    terms = terms or Terms()
    relay = open_relay(store, chain, terms=terms, clock=clock)
    pause, stopping_at = PAUSE[0], 0.0
    while True:
        if stop.is_set() and not stopping_at:
            relay.claims, stopping_at = False, time.monotonic()
        try:
            cycle = relay.cycle()
            for each in cycle.ended if report is not None else ():
                report(each)  # type: ignore[misc]
            idle, wanted = not cycle.moved, relay.has_open() if stopping_at else True
        except OtherChain:
            raise
        except (ChainError, DatabaseUnusable, DatabaseUncertain) as waiting:
            LOG.warning("waiting: %s", waiting)
            relay.forget()
            idle, wanted = True, True
        if stopping_at and (not wanted or time.monotonic() - stopping_at >= terms.drain):
            break
        if not idle:
            pause = PAUSE[0]
        elif stopping_at:
            time.sleep(PAUSE[0])
        else:
            stop.wait(pause)
            pause = min(2 * pause, PAUSE[1])
    with suppressed():
        release(store, chain.account, relay.holder)


def open_relay(store: Store, chain: Chain, *, terms: Terms, clock: Callable[[], int]) -> Relay:
    """A relay at its beginning, as a process of its own. It asks nothing before its first cycle."""
    return Relay(store, chain, terms, Holder(secrets.token_hex(16), terms.lease, chain.exclusive, clock))


@contextmanager
def suppressed() -> Iterator[None]:
    """For what is done on the way out, when the database may be gone: a lease then runs out by itself."""
    try:
        yield
    except (DatabaseUnusable, DatabaseUncertain) as gone:
        LOG.warning("the lease was not given back: %s", gone)
