"""The audit trail: who did what, per organisation, each entry bound to the one before it.

An entry is written in the transaction of the act that it tells of, so that neither is there without the other. Its hash
covers all of it and the hash before it: whoever changes, removes or reorders an entry breaks the chain from there on,
and `verified` says where. Facts are for people who look later; nothing secret is put into them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final
from weakref import WeakKeyDictionary

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.orm import Session

from ledger.negotiation.access import Caller
from ledger.organisation_tables import AuditHeadRow, AuditRow

BEGINNING: Final = bytes(32)
"""The hash before an organisation's first entry."""


def begin(session: Session, organisation: int) -> None:
    """Makes an organisation's trail, which is empty."""
    session.add(AuditHeadRow(organisation=organisation, place=0, hash=BEGINNING))


@dataclass(frozen=True, slots=True)
class _Head:
    """Where a trail ends: the last entry's place and hash."""

    place: int
    hash: bytes


def note(
    session: Session,
    caller: Caller,
    act: str,
    *,
    subject: str,
    at: int,
    facts: Mapping[str, Any] | None = None,
) -> None:
    """Adds an entry to the trail of the caller's organisation; call it last in a transaction, because it keeps the
    organisation's other acts waiting until the commit. `at` in Unix seconds of the machine."""
    session.flush()  # an organisation's first act makes its head
    seen, mine = _seen(session), caller.organisation
    head = seen.get(mine) or _read(session, mine)
    while True:
        entry = AuditRow(
            organisation=mine,
            place=head.place + 1,
            at=at,
            who=caller.who,
            act=act,
            subject=subject,
            facts=dict(facts or {}),
            previous=head.hash,
        )
        entry.hash = hash_of(entry)
        if _moved(session, mine, head, entry):
            break
        head = _read(session, mine)
    session.execute(_ADD, {name: getattr(entry, name) for name in _ENTRY})
    seen[mine] = _Head(entry.place, entry.hash)


MOST_SEEN: Final = 20_000
"""Trails whose end is kept in mind."""
_SEEN: Final[WeakKeyDictionary[object, dict[int, _Head]]] = WeakKeyDictionary()
"""Where this process has last seen the trails of a database end. It may be wrong, after another process's act or one of
ours that was rolled back: then no head is moved, and it is read."""


def _seen(session: Session) -> dict[int, _Head]:
    seen = _SEEN.setdefault(session.get_bind(), {})
    if len(seen) > MOST_SEEN:
        seen.clear()
    return seen


def _read(session: Session, organisation: int) -> _Head:
    """The end as it is, which nobody moves until the commit."""
    return _Head(*session.execute(_HEAD, {"whose": organisation}).one())


def _moved(session: Session, organisation: int, head: _Head, entry: AuditRow) -> bool:
    """Whether the trail ended there, and ends with the entry now."""
    ends = {"from_place": head.place, "from_hash": head.hash, "to_place": entry.place, "to_hash": entry.hash}
    moved: Any = session.execute(_MOVE, {"whose": organisation, **ends})
    return bool(moved.rowcount)


_HEADS: Final = AuditHeadRow.__table__.c
_HEAD: Final = (
    select(_HEADS.place, _HEADS.hash).where(_HEADS.organisation == bindparam("whose")).with_for_update()
)
_ENTRY: Final = tuple(AuditRow.__table__.columns.keys())
_ADD: Final = insert(AuditRow.__table__)  # type: ignore[arg-type]
_MOVE: Final = (
    update(AuditHeadRow.__table__)  # type: ignore[arg-type]
    .where(
        _HEADS.organisation == bindparam("whose"),
        _HEADS.place == bindparam("from_place"),
        _HEADS.hash == bindparam("from_hash"),
    )
    .values(place=bindparam("to_place"), hash=bindparam("to_hash"))
)


def hash_of(entry: AuditRow) -> bytes:
    """SHA-256 over the entry as JSON, its members in this order and the keys of its facts sorted."""
    covered = [
        entry.organisation,
        entry.place,
        entry.at,
        entry.who,
        entry.act,
        entry.subject,
        entry.facts,
        entry.previous.hex(),
    ]
    text = json.dumps(covered, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return sha256(text.encode()).digest()


@dataclass(frozen=True, slots=True)
class Verified:
    """A trail that was hashed again: its entries, the hash of the last, the place of the first that does not follow
    (None: it is whole)."""

    entries: int
    head: bytes
    broken_at: int | None


def verified(session: Session, organisation: int) -> Verified:
    """Hashes the whole trail again, which takes as long as it is long."""
    broken = broken_at(session, organisation)
    head = session.get(AuditHeadRow, organisation)
    return Verified(0, BEGINNING, broken) if head is None else Verified(head.place, head.hash, broken)


def broken_at(session: Session, organisation: int) -> int | None:
    """The place of the first entry that does not follow from the one before it, or that is missing; None where the
    trail is whole."""
    previous, expected = BEGINNING, 1
    query = select(AuditRow).where(AuditRow.organisation == organisation).order_by(AuditRow.place)
    for entry in session.scalars(query.execution_options(yield_per=1_000)):
        if (entry.place, entry.previous, entry.hash) != (expected, previous, hash_of(entry)):
            return expected
        previous, expected = entry.hash, expected + 1
    head = session.get(AuditHeadRow, organisation)
    whole = head is not None and (head.place, head.hash) == (expected - 1, previous)
    return None if whole else expected
