"""What one person has made another one looks at: payments before they go out, promises where a programme wants it.

Whoever made something does not check it, in whatever role; nor by a program, which is nobody's second pair of eyes;
nor what a program has made that he enrolled himself.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from ledger.errors import Refusal
from ledger.negotiation.access import Caller
from ledger.organisation_tables import AuditRow

_PERSON: Final = "person "
_CLIENT: Final = "client "


def require_second_person(session: Session, caller: Caller, *, maker: str, act: str, own: Refusal) -> None:
    """Refusal NotAllowed for a program, and `own` for what is the caller's own."""
    if not caller.who.startswith(_PERSON):
        raise Refusal("NotAllowed", {"act": act, "needs": "a person"})
    if caller.who in (maker, _enrolled_by(session, caller, maker)):
        raise own


def _enrolled_by(session: Session, caller: Caller, who: str) -> str:
    """Who enrolled a program; the same name for a person."""
    if not who.startswith(_CLIENT):
        return who
    query = select(AuditRow.who).where(
        AuditRow.organisation == caller.organisation,
        AuditRow.subject == who,
        AuditRow.act == "enrol program",
    )
    return session.scalar(query) or who
