"""Notices to the debtor: the holder tells the issuer that the claim is its own, and shows later when it did.

    send         the notice, bound to the ledger as it stood
    acknowledge  somebody of the issuer says that it was read

What it shows. *Not earlier*: the notice names a block of the chain, its hash and the journal head there, which nobody
knew before. *Not later*: an entry with the notice's hash stands in the audit trails of sender and debtor, each entry
bound to the ones before; and where a time-stamping authority is configured, its signed word on what was sent and what
was acknowledged (`time_stamps`), which needs nobody's trust in this installation. *Received*: the debtor's own
acknowledgement, by a named person, in both trails. That it is the debtor's, trails and this installation say, and no
signature of its key; for a court that wants more, have the issuer sign. The text is shown to these two alone.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from ledger.agreements import VoucherId
from ledger.calendar import utc
from ledger.columns import hex_of
from ledger.document_tables import NoticeProofRow, NoticeRow
from ledger.documents import SALT_BYTES, fingerprint
from ledger.errors import InputError, Refusal
from ledger.members import voucher_text
from ledger.negotiation import audit, time_stamps
from ledger.negotiation.access import Caller, Right, not_found, require
from ledger.negotiation.organisations import parties_of
from ledger.negotiation.proposals import held
from ledger.negotiation.setting import Setting
from ledger.organisation_tables import OrganisationRow
from ledger.tables import CursorRow, PromiseRow

LONGEST: Final = 2_000


def send(session: Session, setting: Setting, caller: Caller, voucher: VoucherId, *, text: str) -> NoticeRow:
    """The notice to the issuer of a voucher that the caller holds. Refusal NotFound for any other; UnknownParty where
    the issuer has no organisation here."""
    require(caller, Right.PROPOSE)
    if not text.strip() or len(text) > LONGEST:
        raise InputError(f"a notice has 1 to {LONGEST:,} characters")
    pin, row = held(session, setting, caller, voucher)
    issuer = session.get_one(PromiseRow, (pin.ledger, row.promise)).issuer
    debtor = session.scalar(select(OrganisationRow.number).where(OrganisationRow.party == issuer))
    if debtor is None:
        raise Refusal("UnknownParty", {"party": issuer})
    salt, at = secrets.token_bytes(SALT_BYTES), setting.machine_clock()
    stands = session.get_one(CursorRow, pin.ledger)
    notice = NoticeRow(
        id=uuid4().hex,
        contract=pin.ledger,
        voucher=voucher,
        sender=caller.organisation,
        debtor=debtor,
        text=text,
        salt=salt.hex(),
        hash=fingerprint(f"{voucher_text(voucher)} {text}".encode(), salt),
        block=stands.block,
        block_hash=stands.block_hash,
        journal=stands.journal,
        sent_at=at,
        received_at=None,
        received_by=None,
    )
    session.add(notice)
    session.flush()
    facts = {
        "hash": hex_of(notice.hash),
        "block": notice.block,
        "block_hash": hex_of(notice.block_hash),
        "journal": hex_of(notice.journal),
    }
    _in_both(session, caller, notice, "send notice", at=at, facts=facts)
    time_stamps.state(session, notice.number, time_stamps.SENT, _said(session, notice))
    return notice


def notices(session: Session, caller: Caller, *, limit: int, before: int | None = None) -> list[NoticeRow]:
    """Those that the caller's organisation sent or was sent, the newest first."""
    require(caller, Right.READ)
    query = select(NoticeRow).where(
        (NoticeRow.sender == caller.organisation) | (NoticeRow.debtor == caller.organisation)
    )
    if before is not None:
        query = query.where(NoticeRow.number < before)
    return list(session.scalars(query.order_by(NoticeRow.number.desc()).limit(limit)))


def notice(session: Session, caller: Caller, number: str, *, lock: bool = False) -> NoticeRow:
    """One of them; Refusal NotFound."""
    require(caller, Right.READ)
    query = select(NoticeRow).where(NoticeRow.id == number)
    row = session.scalar(query.with_for_update() if lock else query)
    if row is None or caller.organisation not in (row.sender, row.debtor):
        raise not_found("notice")
    return row


def acknowledge(session: Session, setting: Setting, caller: Caller, number: str) -> NoticeRow:
    """Somebody who may sign for the issuer has read it; again changes nothing. Refusal NotAllowed for the sender."""
    row = notice(session, caller, number, lock=True)
    require(caller, Right.SIGN)
    if row.debtor != caller.organisation:
        raise Refusal("NotAllowed", {"act": "acknowledge a notice", "needs": "whom it was sent to"})
    if row.received_at is None:
        row.received_at, row.received_by = setting.machine_clock(), caller.who
        session.flush()
        facts = {"hash": hex_of(row.hash)}
        _in_both(session, caller, row, "acknowledge notice", at=row.received_at, facts=facts)
        said = {**_said(session, row), "received_at": utc(row.received_at), "received_by": row.received_by}
        time_stamps.state(session, row.number, time_stamps.ACKNOWLEDGED, said)
    return row


def proofs(session: Session, rows: Sequence[NoticeRow]) -> dict[int, list[NoticeProofRow]]:
    """The statements about these notices, by the notice's number, in their order."""
    found: dict[int, list[NoticeProofRow]] = {row.number: [] for row in rows}
    query = select(NoticeProofRow).where(NoticeProofRow.notice.in_(list(found)))
    for proof in session.scalars(query.order_by(NoticeProofRow.number)):
        found[proof.notice].append(proof)
    return found


def _said(session: Session, row: NoticeRow) -> dict[str, Any]:
    """The notice as statements have it: the parties by number and name, the text by its hash."""
    known = parties_of(session, (row.sender, row.debtor))
    return {
        "notice": row.id,
        "sender": dict(zip(("party", "name"), known[row.sender], strict=True)),
        "debtor": dict(zip(("party", "name"), known[row.debtor], strict=True)),
        "ledger": row.contract,
        "voucher": voucher_text(row.voucher),
        "hash": hex_of(row.hash),
        "block": row.block,
        "block_hash": hex_of(row.block_hash),
        "journal_head": hex_of(row.journal),
        "sent_at": utc(row.sent_at),
    }


def _in_both(
    session: Session, caller: Caller, row: NoticeRow, act: str, *, at: int, facts: Mapping[str, Any]
) -> None:
    by = f"organisation {caller.organisation} {caller.who}"
    for organisation in sorted({row.sender, row.debtor}):  # everybody takes trails in this order
        own = organisation == caller.organisation
        trail = caller if own else replace(caller, organisation=organisation, who=by)
        audit.note(session, trail, act, subject=f"notice {row.id}", at=at, facts=facts)
