"""An issuer's programmes: terms that its promises are made under, version by version.

    create · renew · close   by a signatory; a version never changes, and older ones stay
    terms_hash               what a promise under the newest version says of its terms, on chain
    written_under            what such hashes stand for: the programme and version, text, documents
    require_within           judges an issue by the programme that its terms name; `judged` one that is only drafted

An issuer with an open programme promises under one and not without: else whoever may offer could leave the second pair
of eyes away by naming none. A promise keeps the version of its terms, because their hash covers the version's digest;
no row says it a second time. Whoever goes to the chain directly is held to tenor, tier and part by nobody but the line.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import uuid4

from sqlalchemy import and_, exists, select
from sqlalchemy.orm import Session

from ledger.agreements import Issue
from ledger.calendar import Day
from ledger.columns import hex_of
from ledger.database import unless_overtaken
from ledger.document_tables import DocumentRow
from ledger.errors import InputError, Refusal
from ledger.negotiation import audit
from ledger.negotiation.access import Caller, Right, not_found, require
from ledger.negotiation.openings import opened
from ledger.negotiation.organisations import proper_name
from ledger.negotiation.programme_terms import Programme, from_json, judge, to_json
from ledger.negotiation.setting import Setting
from ledger.negotiation.sharing import sees_document
from ledger.offer_tables import OpeningRow
from ledger.programme_tables import ProgrammeRow, ProgrammeVersionRow
from ledger.tables import PartyRow
from ledger.world import Role

KIND = "programme"
"""Of an opening: terms that name a programme."""


@dataclass(frozen=True, slots=True)
class NamedDocument:
    """A document of this kind, by its salted hash."""

    kind: str
    hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What a promise's terms stand for. `digest` is that of the version's terms when the promise was offered."""

    organisation: int
    programme: str
    version: int
    digest: str
    text: str
    documents: tuple[NamedDocument, ...]


def create(
    session: Session, setting: Setting, caller: Caller, *, name: str, terms: Programme
) -> ProgrammeRow:
    """A programme with its first version. Refusal MissingRole for a party that issues nothing; InputError for a name
    that cannot be or that another of the caller's has."""
    require(caller, Right.MANAGE)
    party = session.get(PartyRow, (setting.pin.registry, caller.acting()))
    if party is None or not party.roles & Role.ISSUER:
        raise Refusal("MissingRole", {"party": int(caller.acting()), "role": int(Role.ISSUER)})
    proper = proper_name(name, "the programme's name")
    same = and_(ProgrammeRow.organisation == caller.organisation, ProgrammeRow.name == proper)
    if session.scalar(select(exists().where(same))):
        raise InputError("a programme of yours has this name already: make a new version of it")
    at = setting.machine_clock()
    row = ProgrammeRow(
        id=uuid4().hex,
        organisation=caller.organisation,
        name=proper,
        closed=False,
        version=0,
    )
    session.add(row)
    with unless_overtaken("a programme of this name was made"):
        session.flush()
    _put_in_force(session, caller, row, terms, at=at)
    return row


def renew(session: Session, setting: Setting, caller: Caller, row: ProgrammeRow, terms: Programme) -> None:
    """The programme's next version, in force from now on. Refusal ProgrammeClosed."""
    require(caller, Right.MANAGE)
    _require_open(row)
    _put_in_force(session, caller, row, terms, at=setting.machine_clock())


def close(session: Session, setting: Setting, caller: Caller, row: ProgrammeRow) -> None:
    """Nothing is promised under it any more; what was promised stays as it is. Refusal ProgrammeClosed."""
    require(caller, Right.MANAGE)
    _require_open(row)
    row.closed = True
    session.flush()
    at = setting.machine_clock()
    audit.note(session, caller, "close programme", subject=f"programme {row.id}", at=at)


def programme_of(session: Session, caller: Caller, programme: str, *, lock: bool = False) -> ProgrammeRow:
    """A programme of the caller's organisation; Refusal NotFound."""
    query = select(ProgrammeRow).where(
        ProgrammeRow.id == programme, ProgrammeRow.organisation == caller.organisation
    )
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    row = session.scalar(query)
    if row is None:
        raise not_found("programme")
    return row


def programmes(session: Session, caller: Caller, *, limit: int, after: int) -> list[ProgrammeRow]:
    """A page of the organisation's programmes, in the order in which they were made."""
    query = select(ProgrammeRow).where(
        ProgrammeRow.organisation == caller.organisation, ProgrammeRow.number > after
    )
    return list(session.scalars(query.order_by(ProgrammeRow.number).limit(limit)))


def versions(
    session: Session, rows: Sequence[ProgrammeRow], *, newest: bool
) -> Mapping[int, list[ProgrammeVersionRow]]:
    """The versions of these programmes by their number, the newest first; of each the newest alone where wanted."""
    query = select(ProgrammeVersionRow).where(ProgrammeVersionRow.programme.in_([row.number for row in rows]))
    if newest:
        query = query.join(ProgrammeRow, ProgrammeRow.number == ProgrammeVersionRow.programme).where(
            ProgrammeRow.version == ProgrammeVersionRow.version
        )
    found: dict[int, list[ProgrammeVersionRow]] = {row.number: [] for row in rows}
    for each in session.scalars(query.order_by(ProgrammeVersionRow.version.desc())):
        found[each.programme].append(each)
    return found


def in_force(session: Session, row: ProgrammeRow) -> Programme:
    """The terms of the newest version."""
    return from_json(session.get_one(ProgrammeVersionRow, (row.number, row.version)).terms)


# A promise and its programme


def terms_hash(
    session: Session,
    caller: Caller,
    row: ProgrammeRow,
    *,
    terms: Programme,
    text: str,
    documents: Collection[NamedDocument],
) -> bytes:
    """The salted hash of terms under the newest version (`terms`), which is kept. Refusal ProgrammeClosed."""
    _require_open(row)
    named = {
        "programme": row.id,
        "version": row.version,
        "digest": terms.digest,
        "text": text,
        "documents": [[each.kind, each.hash.hex()] for each in documents],
    }
    return opened(session, caller, KIND, json.dumps(named, ensure_ascii=False, sort_keys=True))


def written_under(session: Session, hashes: Collection[bytes]) -> Mapping[bytes, Written]:
    """What these hashes of terms stand for, of those that name a programme."""
    query = select(OpeningRow).where(OpeningRow.hash.in_(set(hashes)), OpeningRow.kind == KIND)
    return {row.hash: _written(row) for row in session.scalars(query)}


def version_of(session: Session, written: Written) -> tuple[ProgrammeRow, ProgrammeVersionRow] | None:
    """The programme, and the version that the terms name, where its rows still say what they said then."""
    found = session.execute(
        select(ProgrammeRow, ProgrammeVersionRow)
        .join(ProgrammeVersionRow, ProgrammeVersionRow.programme == ProgrammeRow.number)
        .where(
            ProgrammeRow.id == written.programme,
            ProgrammeRow.organisation == written.organisation,
            ProgrammeVersionRow.version == written.version,
        )
    ).one_or_none()
    if found is None or from_json(found[1].terms).digest != written.digest:
        return None
    return found[0], found[1]


def require_within(session: Session, caller: Caller, promise: Issue, *, today: Day) -> Programme | None:
    """The programme's terms that the promise keeps, or None for an issuer without programmes.

    Refusal ProgrammeNeeded where it names none and the issuer has one; ProgrammeOutdated where there is a newer
    version; ProgrammeClosed; that of `programme_terms.judge` for a rule that it does not keep; DocumentUnknown.
    """
    written = written_under(session, [promise.terms]).get(promise.terms)
    if written is None or written.organisation != caller.organisation:
        return judged(session, caller, None, promise, today=today)
    row = programme_of(session, caller, written.programme)
    if row.version != written.version:
        facts = {"programme": row.id, "given": written.version, "present": row.version}
        raise Refusal("ProgrammeOutdated", facts)
    return judged(session, caller, row, promise, today=today, documents=written.documents)


def judged(
    session: Session,
    caller: Caller,
    row: ProgrammeRow | None,
    promise: Issue,
    *,
    today: Day,
    documents: Collection[NamedDocument] = (),
) -> Programme | None:
    """`require_within` of a promise under the newest version of this programme, or under none."""
    if row is None:
        open_ones = exists().where(
            ProgrammeRow.organisation == caller.organisation, ProgrammeRow.closed.is_(False)
        )
        if session.scalar(select(open_ones)):
            raise Refusal("ProgrammeNeeded")
        return None
    _require_open(row)
    terms = in_force(session, row)
    judge(terms, promise, today=today, documents=[each.kind for each in documents])
    _require_here(session, caller, documents)
    return terms


def _require_here(session: Session, caller: Caller, documents: Collection[NamedDocument]) -> None:
    """A document that nobody could show is none: each was uploaded, by the issuer or by who has shown it to it."""
    wanted = DocumentRow.hash.in_({each.hash for each in documents})
    here = select(DocumentRow.hash).where(wanted, DocumentRow.destroyed_at.is_(None), sees_document(caller))
    known = set(session.scalars(here)) if documents else set()
    for each in documents:
        if each.hash not in known:
            raise Refusal("DocumentUnknown", {"kind": each.kind, "hash": hex_of(each.hash)})


def _written(row: OpeningRow) -> Written:
    named = json.loads(row.content["text"])
    return Written(
        organisation=row.organisation,
        programme=named["programme"],
        version=named["version"],
        digest=named["digest"],
        text=named["text"],
        documents=tuple(NamedDocument(kind, bytes.fromhex(text)) for kind, text in named["documents"]),
    )


def _put_in_force(session: Session, caller: Caller, row: ProgrammeRow, terms: Programme, *, at: int) -> None:
    row.version += 1
    session.add(
        ProgrammeVersionRow(
            programme=row.number, version=row.version, terms=to_json(terms), who=caller.who, created_at=at
        )
    )
    session.flush()
    facts = {"version": row.version, "terms": terms.digest}
    audit.note(session, caller, "programme", subject=f"programme {row.id}", at=at, facts=facts)


def _require_open(row: ProgrammeRow) -> None:
    if row.closed:
        raise Refusal("ProgrammeClosed", {"programme": row.id})
