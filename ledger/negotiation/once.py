"""A request that names itself is done once, however often it is sent.

The change that it makes and the answer that it gets are committed together, so that a crash leaves both or neither and
the next attempt either does the work or is told what was answered. There is no mark "in progress" that a crash could
leave behind: while one is at work, a second one with the same name is refused at once (within a process by a list in
memory, between processes by an advisory lock of PostgreSQL; SQLite has one writer, and the second finds the answer).
A refusal is an answer too: it changed nothing, and is kept in a transaction of its own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from sqlalchemy import bindparam, insert, select, text
from sqlalchemy.orm import Session

from ledger.crash_points import reach
from ledger.errors import Refusal, TallystickError
from ledger.organisation_tables import RequestRow
from ledger.store import Store

LONGEST_KEY: Final = 128


@dataclass(frozen=True, slots=True)
class Answer:
    """What was said: an HTTP-like status and a text."""

    status: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A request and its name. `endpoint`, `body` and `who` must be the same each time the name is used: what one person
    was told, a refusal for want of rights for example, is no answer to another."""

    organisation: int
    who: str
    key: str
    endpoint: str
    body: bytes
    at: int

    @property
    def digest(self) -> bytes:
        """What stands for the body and who sent it."""
        return sha256(self.who.encode() + b"\n" + self.body).digest()


class NotKept(Refusal):
    """A refusal that is about the name and not about the request."""


_AT_WORK: set[tuple[int, str]] = set()
_GUARD: Final = threading.Lock()


def perform(
    store: Store,
    named: Named,
    do: Callable[[Session], Answer],
    *,
    refused: Callable[[TallystickError], Answer | None],
) -> Answer:
    """Does the work and keeps its answer in one transaction, or gives the answer that was kept.

    `refused` turns an error that changed nothing into the answer to keep; None: the error goes on and nothing is kept.
    Refusal KeyReused: the name was another request's; RequestInProgress: it is being worked on.
    """
    with _alone(named):
        try:
            with store.writing() as session:
                known = _known(session, named)
                if known is not None:
                    return known
                reach("request: begun")
                answer = do(session)
                session.flush()
                _keep(session, named, answer)
                reach("request: done")
            reach("request: committed")
            return answer
        except NotKept:
            raise
        except TallystickError as error:
            told = refused(error)
            if told is None:
                raise
            with store.writing() as session:
                known = _known(session, named)  # another process may have been at work meanwhile
                if known is None:
                    _keep(session, named, told)
            return known or told


@contextmanager
def _alone(named: Named) -> Iterator[None]:
    mine = (named.organisation, named.key)
    with _GUARD:
        if mine in _AT_WORK:
            raise NotKept("RequestInProgress", {"key": named.key})
        _AT_WORK.add(mine)
    try:
        yield
    finally:
        with _GUARD:
            _AT_WORK.discard(mine)


def _known(session: Session, named: Named) -> Answer | None:
    if session.get_bind().dialect.name == "postgresql":
        lock = int.from_bytes(sha256(f"{named.organisation} {named.key}".encode()).digest()[:8], signed=True)
        if not session.scalar(_LOCK, {"lock": lock}):
            raise NotKept("RequestInProgress", {"key": named.key})
    row = session.execute(_KNOWN, {"whose": named.organisation, "named": named.key}).one_or_none()
    if row is None:
        return None
    if (row.endpoint, row.body) != (named.endpoint, named.digest):
        raise NotKept("KeyReused", {"key": named.key, "endpoint": row.endpoint})
    return Answer(row.status, row.answer)


_LOCK: Final = text("select pg_try_advisory_xact_lock(:lock)")
_KNOWN: Final = select(RequestRow.endpoint, RequestRow.body, RequestRow.status, RequestRow.answer).where(
    RequestRow.organisation == bindparam("whose"), RequestRow.key == bindparam("named")
)
_KEEP: Final = insert(RequestRow.__table__)  # type: ignore[arg-type]


def _keep(session: Session, named: Named, answer: Answer) -> None:
    row = {
        "organisation": named.organisation,
        "key": named.key,
        "endpoint": named.endpoint,
        "body": named.digest,
        "answered_at": named.at,
        "status": answer.status,
        "answer": answer.text,
    }
    session.execute(_KEEP, [row])
