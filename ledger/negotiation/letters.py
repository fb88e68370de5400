"""Letters of authorisation: an organisation lets another one look at its vouchers, up to a day, or until it ends that.

    grant   a letter; revoke   ends it at once
    look    the eyes of the one who granted it, for the reader; every look is in both trails

A letter lets look and never act. Who looks sees what the organisation itself sees of its vouchers, and no offer,
document or trail of it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from ledger.agreements import PartyNumber
from ledger.calendar import Day, Timestamp, date_of_day, day_of
from ledger.document_tables import LetterRow
from ledger.errors import InputError, Refusal
from ledger.negotiation import audit
from ledger.negotiation.access import Caller, Right, by_letter, not_found, require
from ledger.negotiation.offers import proper_reason
from ledger.negotiation.setting import Setting
from ledger.organisation_tables import OrganisationRow

LONGEST_DAYS: Final = 366


def grant(
    session: Session,
    setting: Setting,
    caller: Caller,
    *,
    reader: PartyNumber,
    last_day: Day,
    purpose: str,
) -> LetterRow:
    """A letter for the party `reader`. InputError for a day that is past or more than a year away; Refusal UnknownParty
    for a party that has no organisation here."""
    require(caller, Right.SIGN)
    caller.acting()
    today = _today(setting)
    if not today <= last_day <= today + LONGEST_DAYS:
        raise InputError(
            f"a letter until {date_of_day(last_day)}: today is {date_of_day(today)}, and it may last "
            f"{LONGEST_DAYS} days"
        )
    found = session.scalar(select(OrganisationRow.number).where(OrganisationRow.party == reader))
    if found is None:
        raise Refusal("UnknownParty", {"party": int(reader)})
    if found == caller.organisation:
        raise InputError("nobody needs a letter for what is one's own")
    row = LetterRow(
        id=uuid4().hex,
        organisation=caller.organisation,
        reader=found,
        last_day=last_day,
        purpose=proper_reason(purpose),
        granted_at=setting.machine_clock(),
        revoked_at=None,
    )
    session.add(row)
    session.flush()
    facts = {"reader": int(reader), "until": date_of_day(last_day).isoformat(), "purpose": row.purpose}
    audit.note(session, caller, "grant letter", subject=f"letter {row.id}", at=row.granted_at, facts=facts)
    return row


def letters(session: Session, caller: Caller, *, limit: int, before: int | None = None) -> list[LetterRow]:
    """Those that the caller's organisation granted or was granted, the newest first."""
    require(caller, Right.READ)
    query = select(LetterRow).where(
        (LetterRow.organisation == caller.organisation) | (LetterRow.reader == caller.organisation)
    )
    if before is not None:
        query = query.where(LetterRow.number < before)
    return list(session.scalars(query.order_by(LetterRow.number.desc()).limit(limit)))


def revoke(session: Session, setting: Setting, caller: Caller, number: str) -> LetterRow:
    """Ends it at once; again changes nothing. Refusal NotFound for one that the caller did not grant."""
    require(caller, Right.SIGN)
    row = session.scalar(select(LetterRow).where(LetterRow.id == number).with_for_update())
    if row is None or row.organisation != caller.organisation:
        raise not_found("letter")
    if row.revoked_at is None:
        row.revoked_at = setting.machine_clock()
        session.flush()
        audit.note(session, caller, "revoke letter", subject=f"letter {number}", at=row.revoked_at)
    return row


def look(session: Session, setting: Setting, caller: Caller, number: str, *, at_what: str) -> Caller:
    """Whoever the letter lets see, to look as; the look is recorded. Refusal NotFound, as `access.by_letter`."""
    seen_as = by_letter(session, caller, number, today=_today(setting))
    trails = (caller, replace(seen_as, who=f"organisation {caller.organisation} {caller.who}"))
    at = setting.machine_clock()
    for trail in sorted(trails, key=lambda each: each.organisation):  # everybody takes trails in this order
        audit.note(session, trail, "look by letter", subject=f"letter {number}", at=at, facts={"at": at_what})
    return seen_as


def is_in_force(setting: Setting, row: LetterRow) -> bool:
    """Whether it can be used today."""
    return row.revoked_at is None and row.last_day >= _today(setting)


def _today(setting: Setting) -> Day:
    """By the machine's clock: who may look does not hang on a demo's chain."""
    return day_of(Timestamp(setting.machine_clock()))
