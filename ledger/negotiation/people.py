"""An organisation's own people: who they are, letting somebody in, shutting somebody out, a new password.

A signatory looks after them. Whoever is shut out is signed out at once; nobody shuts oneself out, so that an
organisation is never left without anybody who could let others in.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from ledger.errors import Refusal
from ledger.negotiation import audit
from ledger.negotiation.access import Caller, Right, StaffRole, not_found, require
from ledger.negotiation.organisations import enlist
from ledger.negotiation.setting import Setting
from ledger.organisation_tables import OrganisationRow, PersonRow, SessionRow


def people(session: Session, caller: Caller, *, limit: int, after: int = 0) -> list[PersonRow]:
    """The people of the caller's organisation, in the order in which they came."""
    require(caller, Right.AUDIT)
    query = select(PersonRow).where(PersonRow.organisation == caller.organisation, PersonRow.number > after)
    return list(session.scalars(query.order_by(PersonRow.number).limit(limit)))


def let_in(
    session: Session,
    setting: Setting,
    caller: Caller,
    *,
    login: str,
    name: str,
    sealed: str,
    roles: Collection[StaffRole],
) -> PersonRow:
    """Somebody new of the caller's organisation. `sealed`: the password's hash. The errors of `enlist`."""
    require(caller, Right.MANAGE)
    organisation = session.get_one(OrganisationRow, caller.organisation)
    at = setting.machine_clock()
    return enlist(session, organisation, login=login, name=name, sealed=sealed, roles=roles, at=at, by=caller)


def shut(session: Session, setting: Setting, caller: Caller, number: int, *, out: bool) -> PersonRow:
    """Shuts somebody of the caller's organisation out, who is signed out with that, or lets them in again.

    Refusal NotFound for somebody else's person, NotAllowed for oneself.
    """
    require(caller, Right.MANAGE)
    person = session.get(PersonRow, number, with_for_update=True)
    if person is None or person.organisation != caller.organisation:
        raise not_found("person")
    if caller.who == f"person {number}":
        raise Refusal("NotAllowed", {"act": "shut oneself out", "needs": "another signatory"})
    person.disabled = out
    if out:
        session.execute(delete(SessionRow).where(SessionRow.person == number))
    session.flush()
    act = "shut out" if out else "let in again"
    audit.note(session, caller, act, subject=f"person {number}", at=setting.machine_clock())
    return person
