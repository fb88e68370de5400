"""What the hashes in agreements stand for: salted here, kept here, shown to whoever may see the agreement.

Everything is salted anew, but for an invoice's fingerprint, which has to be the same each time that the invoice is used
(so that it is not financed twice): its salt is the installation's. A lost opening cannot be made again.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ledger.agreements import Agreement, PartyNumber
from ledger.discount import SALT_BYTES
from ledger.members import Form, members_of
from ledger.negotiation.access import Caller
from ledger.offer_tables import OpeningRow
from ledger.reconciliation import reference_hash

NO_HASH = bytes(32)
_TOLD: Final = ("terms", "reason", "reference", "order")


def opened(session: Session, caller: Caller, kind: str, text: str) -> bytes:
    """The salted hash of a text, which is kept; zeros for an empty one."""
    if not text:
        return NO_HASH
    salt = secrets.token_bytes(SALT_BYTES)
    hashed = bytes(reference_hash(text, salt))
    _keep(session, caller, hashed, kind=kind, salt=salt, content={"text": text})
    return hashed


def fingerprint(session: Session, caller: Caller, *, payer: PartyNumber, number: str, salt: bytes) -> bytes:
    """The hash of an invoice of this payer, the same each time. `salt`: the installation's."""
    hashed = fingerprint_of(payer=payer, number=number, salt=salt)
    if session.get(OpeningRow, hashed) is None:
        content = {"text": _invoice(number, payer), "number": number, "payer": int(payer)}
        with (
            suppress(IntegrityError),
            session.begin_nested(),
        ):  # another request was faster, with the same content
            _keep(session, caller, hashed, kind="invoice", salt=b"", content=content)
    return hashed


def fingerprint_of(*, payer: PartyNumber, number: str, salt: bytes) -> bytes:
    """The same hash, of which nothing is kept: of an invoice in an agreement that is only judged."""
    return bytes(reference_hash(_invoice(number, payer), salt))


def _invoice(number: str, payer: PartyNumber) -> str:
    return f"{number} {payer}"


def keep_quote(
    session: Session, caller: Caller, hashed: bytes, *, salt: bytes, content: Mapping[str, Any]
) -> None:
    """What the hash of a quote stands for, once it is accepted; kept once."""
    if session.get(OpeningRow, hashed) is None:
        _keep(session, caller, hashed, kind="quote", salt=salt, content=content)


def contents(session: Session, hashes: set[bytes]) -> Mapping[bytes, Mapping[str, Any]]:
    """What these hashes stand for, of those that were made here."""
    query = select(OpeningRow.hash, OpeningRow.kind, OpeningRow.content).where(OpeningRow.hash.in_(hashes))
    return {row.hash: {"kind": row.kind, **row.content} for row in session.execute(query)}


def told_by(session: Session, agreement: Agreement, organisation: int) -> list[tuple[str, str]]:
    """What the hashes of an agreement say in words, by member: terms, reasons, references, court orders, as far as the
    organisation that offers it has opened them itself. So nobody learns what another one's hash stands for by putting
    it into an agreement of its own. Invoices and prices have doors of their own."""
    hashes = {
        member.name: bytes(getattr(agreement, member.name))
        for member in members_of(type(agreement))
        if member.form is Form.HASH
    }
    query = select(OpeningRow.hash, OpeningRow.content).where(
        OpeningRow.hash.in_(set(hashes.values()) - {NO_HASH}),
        OpeningRow.organisation == organisation,
        OpeningRow.kind.in_(_TOLD),
    )
    texts = {row.hash: str(row.content["text"]) for row in session.execute(query)}
    return [(name, texts[hashed]) for name, hashed in hashes.items() if hashed in texts]


def _keep(
    session: Session, caller: Caller, hashed: bytes, *, kind: str, salt: bytes, content: Mapping[str, Any]
) -> None:
    session.add(
        OpeningRow(
            hash=hashed,
            kind=kind,
            salt=salt.hex(),
            content=dict(content),
            organisation=caller.organisation,
        )
    )
