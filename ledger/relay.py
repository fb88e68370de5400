"""The relay: signed agreements go to the chain in batches, and what became of them comes back.

    run      cycles until everything that can be sent, or certain items, have an outcome
    serve    cycles until it is told to stop, and then brings to an end what is under way
    alone    the account for whoever sends something past the outbox

Every step is written down before it is taken. Whoever is killed between two of them leaves rows that say what to do,
and a second execution is impossible by the contract; the relay only has to get the record right. It signs nothing for
a party, and what it cannot bring to an end it calls unknown and tells an operator.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

from sqlalchemy import func, select

from ledger.chain import Chain, Unreachable
from ledger.database import DatabaseUncertain, DatabaseUnusable
from ledger.errors import ChainError, VerificationError
from ledger.outbox import (
    SENT,
    SIGNED,
    Relayed,
    machine_clock,
    outcome,
    put,
    put_unsigned,
    queue,
    queue_unsigned,
)
from ledger.outbox_tables import AccountRow, OutboxRow
from ledger.pin import OtherChain
from ledger.relay_accounts import LOG, Holder, hold, release
from ledger.relay_cycle import Cycle, Relay
from ledger.relay_terms import Terms
from ledger.store import Store, pins

__all__ = [
    "Relayed",
    "Terms",
    "alone",
    "outcome",
    "put",
    "put_unsigned",
    "queue",
    "queue_unsigned",
    "run",
    "serve",
]

GAS_BUDGET: Final = Terms().gas_budget
"""Gas that one batch may be given."""
PAUSE: Final = 0.005, 0.5
"""Seconds between two cycles of which the first changed nothing: at first, and at most."""
TROUBLE: Final = 0.5, 30.0
"""Seconds after the first cycle that found node or database away, and at most."""
ALONE: Final = 300
"""Seconds for which an account may be kept from relays; whoever needs it gives it back before."""
HANGS: Final = 1.0
"""Seconds after which a node that does not answer is not asked again by a relay that has been told to stop."""


def run(
    store: Store,
    chain: Chain,
    *,
    items: Collection[int] | None = None,
    terms: Terms | None = None,
    gas_budget: int | None = None,
    seconds: float = 60.0,
    clock: Callable[[], int] = machine_clock,
    report: Callable[[Relayed], None] | None = None,
) -> list[Relayed]:
    """Sends what is signed for the contracts of this database and gives the outcomes in the order of recording.

    Ends when nothing is left to do; with `items`, as soon as none of these is on its way any more, whether this
    process or another one has carried it, though others come in meanwhile. `gas_budget`: instead of the terms' own.
    `seconds`: how long nothing may change while something is under way.
    ChainError where the chain is not the pinned one or cannot be used, or nothing changed for so long; whatever
    was recorded until then stays, and the next run goes on from there.
    """
    terms = terms or Terms()
    if gas_budget is not None:
        terms = replace(terms, gas_budget=gas_budget)
    relay = open_relay(store, chain, terms=terms, clock=clock)
    done: list[Relayed] = []
    pause, still_since, seen = PAUSE[0], time.monotonic(), _standing(store, items or ())
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
            if cycle.moved and items is None:
                pause, still_since = PAUSE[0], time.monotonic()
                continue
            stands = _standing(store, items or ())
            if not (stands[1] if items is not None else relay.has_work()):
                return done
            if cycle.moved or stands != seen:  # another process may be the one that carries them
                pause, still_since, seen = PAUSE[0], time.monotonic(), stands
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

    A node or a database that cannot be used is waited for, each time longer; on the way out a node that hangs is asked
    no more, and what is under way stays for the next process. OtherChain for another chain than the pinned one,
    VerificationError where the chain contradicts itself.
    """
    terms = terms or Terms()
    relay = open_relay(store, chain, terms=terms, clock=clock)
    LOG.info("the relay begins", extra={"account": chain.account})
    pause, failed, stopping_at = PAUSE[0], 0, 0.0
    while True:
        if stop.is_set() and not stopping_at:
            relay.claims, stopping_at = False, time.monotonic()
            LOG.info("told to stop: what is under way is waited for, nothing new is begun")
        began = time.monotonic()
        try:
            cycle = relay.cycle()
            for each in cycle.ended if report is not None else ():
                report(each)  # type: ignore[misc]
            idle, wanted, failed = not cycle.moved, relay.has_open() if stopping_at else True, 0
        except (OtherChain, VerificationError) as halted:
            LOG.critical("halted: %s", halted)
            raise
        except (ChainError, DatabaseUnusable, DatabaseUncertain) as away:
            LOG.warning("waiting: %s", away)
            relay.forget()
            idle, wanted, failed = True, True, failed + 1
            if stop.is_set() and time.monotonic() - began > HANGS:
                break
        if stopping_at and (not wanted or time.monotonic() - stopping_at >= terms.drain):
            break
        if failed and stopping_at:
            time.sleep(TROUBLE[0])
        elif failed:
            stop.wait(min(TROUBLE[0] * 2 ** (failed - 1), TROUBLE[1]))
        elif not idle:
            pause = PAUSE[0]
        elif stopping_at:
            time.sleep(PAUSE[0])
        else:
            stop.wait(pause)
            pause = min(2 * pause, PAUSE[1])
    with suppressed():
        release(store, chain.account, relay.holder)
    LOG.info("the relay has ended", extra={"account": chain.account})


@contextmanager
def alone(store: Store, chain: Chain, *, clock: Callable[[], int] = machine_clock) -> Iterator[None]:
    """While it lasts no relay works the account, so that a deployment can be sent by it; what was sent is known
    afterwards and raises no alarm.

    What is under way is brought to its end before. ChainError where a relay works the account.
    """
    with store.reading() as session:
        installed = bool(pins(session))
    if installed:  # else it is the deployment that makes the installation
        run(store, chain, clock=clock)
    account, holder = chain.account, Holder(secrets.token_hex(16), ALONE, chain.exclusive, clock)
    if not hold(store, account, holder, mined=chain.nonce(account)):
        raise ChainError(
            f"account {account} is worked by a relay, which has to know each of its transactions: end that relay for "
            "the moment, or pay with another account's key"
        )
    try:
        yield
    finally:
        mined = chain.nonce(account)
        with store.writing() as session:
            row = session.get_one(AccountRow, account, with_for_update=True)
            row.next_nonce = max(row.next_nonce, mined)
        release(store, account, holder)


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


def _standing(store: Store, items: Collection[int]) -> tuple[int | None, tuple[tuple[int, str], ...]]:
    """The oldest item that is on its way, and how far those of these are that are on it."""
    under_way = OutboxRow.status.in_((SIGNED, SENT))
    with store.reading() as session:
        oldest = session.scalar(select(func.min(OutboxRow.number)).where(under_way))
        query = select(OutboxRow.number, OutboxRow.status).where(under_way, OutboxRow.number.in_(items))
        return oldest, tuple((row.number, row.status) for row in session.execute(query))
