"""Trade documents of an organisation: uploaded, shown to others, taken back, destroyed.

    upload     a new document, encrypted; its owner is its first reader
    share      another party can open it from now on
    unshare    it no longer can; what it read before it may have kept
    content    what is in it, for a reader; owner and reader both find the reading in their trails
    destroy    its keys and its ciphertext are gone for good

An organisation's reading key is made out of the installation's key file: so whoever runs this installation could read
what is kept here, as it could sign with the keys that it keeps. The hash of a document is salted; named in an agreement
(as terms, or as a reason) it shows which document was meant, to whoever is given document and salt.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from sqlalchemy import ColumnElement, delete, exists, select
from sqlalchemy.orm import Session

from ledger import documents as sealing
from ledger.agreements import PartyNumber
from ledger.columns import hex_of
from ledger.document_tables import DocumentKeyRow, DocumentRow
from ledger.errors import InputError, Refusal
from ledger.negotiation import audit
from ledger.negotiation.access import Caller, Right, not_found, require
from ledger.negotiation.organisations import proper_name
from ledger.negotiation.setting import Setting
from ledger.organisation_tables import OrganisationRow

MOST_READERS: Final = 200


def upload(session: Session, setting: Setting, caller: Caller, *, name: str, content: bytes) -> DocumentRow:
    """The document. InputError for one that is empty, too long, or of no kind that is taken; `name` is for people and
    decides nothing."""
    require(caller, Right.PROPOSE)
    if not 0 < len(content) <= sealing.MOST_BYTES:
        raise InputError(f"a document has 1 to {sealing.MOST_BYTES:,} bytes")
    kind, salt, number = sealing.media_type(content), secrets.token_bytes(sealing.SALT_BYTES), uuid4().hex
    sealed, at = sealing.seal(content, number), setting.machine_clock()
    row = DocumentRow(
        id=number,
        organisation=caller.organisation,
        who=caller.who,
        name=proper_name(name, "the document's name"),
        media_type=kind,
        length=len(content),
        hash=sealing.fingerprint(content, salt),
        salt=salt.hex(),
        nonce=sealed.nonce.hex(),
        ciphertext=sealed.ciphertext,
        created_at=at,
        destroyed_at=None,
    )
    session.add(row)
    session.flush()
    session.add(_wrapped(setting, row, sealed.key, caller.organisation, at=at))
    session.flush()
    facts = {"hash": hex_of(row.hash), "type": kind, "length": row.length}
    audit.note(session, caller, "upload document", subject=f"document {number}", at=at, facts=facts)
    return row


def sees_document(caller: Caller) -> ColumnElement[bool]:
    """The organisation's own documents, and those that it can open."""
    opens = exists().where(
        DocumentKeyRow.document == DocumentRow.number, DocumentKeyRow.organisation == caller.organisation
    )
    return (DocumentRow.organisation == caller.organisation) | opens


def documents(
    session: Session, caller: Caller, *, limit: int, before: int | None = None
) -> list[DocumentRow]:
    """Those that the caller sees, the newest first."""
    require(caller, Right.READ)
    query = select(DocumentRow).where(sees_document(caller)).order_by(DocumentRow.number.desc())
    if before is not None:
        query = query.where(DocumentRow.number < before)
    return list(session.scalars(query.limit(limit)))


def document(session: Session, caller: Caller, number: str, *, lock: bool = False) -> DocumentRow:
    """One that the caller sees; Refusal NotFound."""
    require(caller, Right.READ)
    query = select(DocumentRow).where(DocumentRow.id == number, sees_document(caller))
    row = session.scalar(query.with_for_update(of=DocumentRow) if lock else query)
    if row is None:
        raise not_found("document")
    return row


def readers(session: Session, rows: Sequence[DocumentRow]) -> Mapping[int, Sequence[int]]:
    """The parties that can open each document, by the document's number; the owners are left out."""
    query = (
        select(DocumentKeyRow.document, OrganisationRow.party)
        .join(DocumentRow, DocumentRow.number == DocumentKeyRow.document)
        .join(OrganisationRow, OrganisationRow.number == DocumentKeyRow.organisation)
        .where(
            DocumentKeyRow.document.in_([row.number for row in rows]),
            DocumentKeyRow.organisation != DocumentRow.organisation,
        )
        .order_by(OrganisationRow.party)
    )
    found: dict[int, list[int]] = {row.number: [] for row in rows}
    for number, party in session.execute(query):
        found[number].append(int(party or 0))
    return found


def content(session: Session, setting: Setting, caller: Caller, row: DocumentRow) -> bytes:
    """What is in it. Refusal DocumentDestroyed; NotFound for an owner's organisation that can open it no more."""
    if row.destroyed_at is not None:
        raise Refusal("DocumentDestroyed", {"document": row.id})
    key = _key(session, setting, row, caller.organisation)
    found = sealing.unseal(bytes.fromhex(row.nonce), row.ciphertext, key, row.id)
    at, subject = setting.machine_clock(), f"document {row.id}"
    by = f"organisation {caller.organisation} {caller.who}"
    trails = [caller]
    if row.organisation != caller.organisation:
        trails.append(replace(caller, organisation=row.organisation, who=by))
    for each in sorted(trails, key=lambda trail: trail.organisation):  # everybody takes trails in this order
        audit.note(session, each, "read document", subject=subject, at=at)
    return found


def share(session: Session, setting: Setting, caller: Caller, number: str, party: PartyNumber) -> DocumentRow:
    """Another party can open it from now on; again does nothing. Refusal UnknownParty for one that has no organisation
    here."""
    require(caller, Right.PROPOSE)
    row = _own(session, caller, number)
    reader = session.scalar(select(OrganisationRow.number).where(OrganisationRow.party == party))
    if reader is None:
        raise Refusal("UnknownParty", {"party": int(party)})
    if session.get(DocumentKeyRow, (row.number, reader)) is not None:
        return row
    if len(readers(session, [row])[row.number]) >= MOST_READERS:
        raise InputError(f"a document is shared with {MOST_READERS} parties at most")
    at = setting.machine_clock()
    session.add(_wrapped(setting, row, _key(session, setting, row, caller.organisation), int(reader), at=at))
    session.flush()
    facts = {"party": int(party)}
    audit.note(session, caller, "share document", subject=f"document {number}", at=at, facts=facts)
    return row


def unshare(
    session: Session, setting: Setting, caller: Caller, number: str, party: PartyNumber
) -> DocumentRow:
    """The party can open it no more. Refusal NotFound where it could not; NotAllowed for the owner itself."""
    require(caller, Right.PROPOSE)
    row = _own(session, caller, number)
    if party == caller.party:
        raise Refusal("NotAllowed", {"act": "take one's own key away", "needs": "destroying the document"})
    reader = session.scalar(select(OrganisationRow.number).where(OrganisationRow.party == party))
    key = session.get(DocumentKeyRow, (row.number, reader or 0))
    if key is None:
        raise not_found("reader")
    session.delete(key)
    session.flush()
    facts = {"party": int(party)}
    at = setting.machine_clock()
    audit.note(session, caller, "unshare document", subject=f"document {number}", at=at, facts=facts)
    return row


def destroy(session: Session, setting: Setting, caller: Caller, number: str) -> DocumentRow:
    """Nobody can open it any more; its name and its hash stay. Backups made before still have the keys."""
    require(caller, Right.MANAGE)
    row = _own(session, caller, number)
    session.execute(delete(DocumentKeyRow).where(DocumentKeyRow.document == row.number))
    row.destroyed_at, row.ciphertext = setting.machine_clock(), b""
    session.flush()
    subject = f"document {number}"
    audit.note(session, caller, "destroy document", subject=subject, at=row.destroyed_at)
    return row


# Inside


def _own(session: Session, caller: Caller, number: str) -> DocumentRow:
    row = document(session, caller, number, lock=True)
    if row.organisation != caller.organisation:
        raise Refusal("NotAllowed", {"act": "decide about a document", "needs": "its owner"})
    if row.destroyed_at is not None:
        raise Refusal("DocumentDestroyed", {"document": row.id})
    return row


def _reader_key(setting: Setting, organisation: int) -> X25519PrivateKey:
    return sealing.reader_key(setting.ring.secret(f"reader {organisation} 1"))


def _wrapped(setting: Setting, row: DocumentRow, key: bytes, organisation: int, *, at: int) -> DocumentKeyRow:
    public = _reader_key(setting, organisation).public_key()
    wrapped = sealing.wrap(key, public, row.id)
    return DocumentKeyRow(document=row.number, organisation=organisation, wrapped=wrapped.hex(), given_at=at)


def _key(session: Session, setting: Setting, row: DocumentRow, organisation: int) -> bytes:
    found = session.get(DocumentKeyRow, (row.number, organisation))
    if found is None:
        raise not_found("document")
    return sealing.unwrap(bytes.fromhex(found.wrapped), _reader_key(setting, organisation), row.id)
