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

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.orm import Session

from ledger.negotiation.access import Caller
from ledger.organisation_tables import AuditHeadRow, AuditRow

BEGINNING: Final = bytes(32)
"""The hash before an organisation's first entry."""


def begin(session: Session, organisation: int) -> None:
    """Makes an organisation's trail, which is empty."""
    session.add(AuditHeadRow(organisation=organisation, place=0, hash=BEGINNING))


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
    mine = {"whose": caller.organisation}
    place, previous = session.execute(_HEAD, mine).one()
    entry = AuditRow(
        organisation=caller.organisation,
        place=place + 1,
        at=at,
        who=caller.who,
        act=act,
        subject=subject,
        facts=dict(facts or {}),
        previous=previous,
    )
    entry.hash = hash_of(entry)
    names = AuditRow.__table__.columns.keys()
    session.execute(_ADD, [{name: getattr(entry, name) for name in names}])
    session.execute(_MOVE, {**mine, "to_place": entry.place, "to_hash": entry.hash})


_HEAD: Final = (
    select(AuditHeadRow.place, AuditHeadRow.hash)
    .where(AuditHeadRow.organisation == bindparam("whose"))
    .with_for_update()
)
_ADD: Final = insert(AuditRow.__table__)  # type: ignore[arg-type]
_MOVE: Final = (
    update(AuditHeadRow.__table__)  # type: ignore[arg-type]
    .where(AuditHeadRow.organisation == bindparam("whose"))
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
