"""A request that names itself is done once, however often it is sent.

The change that it makes and the answer that it gets are committed together, so that a crash leaves both or neither and
the next attempt either does the work or is told what was answered. There is no mark "in progress" that a crash could
leave behind: while one is at work, a second one with the same name is refused at once (within a process by a list in
memory, between processes by an advisory lock of PostgreSQL; SQLite has one writer, and the second finds the answer).
Lock and answer are asked for in one statement, which may not see an answer that was committed at that very moment:
then the name is taken when ours is to be kept, nothing of ours is, and the other answer is given.
A refusal is an answer too: it changed nothing, and is kept in a transaction of its own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import and_, bindparam, func, select
from sqlalchemy.dialects import postgresql, sqlite
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
            try:
                return _performed(store, named, do)
            except _Overtaken:
                return _performed(store, named, do)
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


def _performed(store: Store, named: Named, do: Callable[[Session], Answer]) -> Answer:
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
    asked: dict[str, object] = {"whose": named.organisation, "named": named.key}
    if session.get_bind().dialect.name == "postgresql":
        name = f"{named.organisation} {named.key}".encode()
        asked["lock"] = int.from_bytes(sha256(name).digest()[:8], signed=True)
        row: Any = session.execute(_KNOWN_ALONE, asked).one()
        if not row.alone:
            raise NotKept("RequestInProgress", {"key": named.key})
    else:
        row = session.execute(_KNOWN, asked).one_or_none()
    if row is None or row.endpoint is None:
        return None
    if (row.endpoint, row.body) != (named.endpoint, named.digest):
        raise NotKept("KeyReused", {"key": named.key, "endpoint": row.endpoint})
    return Answer(row.status, row.answer)


_KEPT: Final = RequestRow.__table__.c
_ANSWER: Final = (_KEPT.endpoint, _KEPT.body, _KEPT.status, _KEPT.answer)
_SAME: Final = and_(_KEPT.organisation == bindparam("whose"), _KEPT.key == bindparam("named"))
_KNOWN: Final = select(*_ANSWER).where(_SAME)
_ALONE: Final = select(func.pg_try_advisory_xact_lock(bindparam("lock")).label("alone")).subquery()
_KNOWN_ALONE: Final = select(_ALONE.c.alone, *_ANSWER).select_from(
    _ALONE.outerjoin(RequestRow.__table__, _SAME)
)
"""Always one row."""
_KEEP: Final = MappingProxyType(
    {
        name: insert(RequestRow.__table__).on_conflict_do_nothing().returning(RequestRow.status)  # type: ignore[arg-type]
        for name, insert in (("postgresql", postgresql.insert), ("sqlite", sqlite.insert))
    }
)


class _Overtaken(Exception):
    """Another process has kept an answer under this name meanwhile."""


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
    if session.execute(_KEEP[session.get_bind().dialect.name], row).scalar() is None:
        raise _Overtaken
