"""What the programme that a promise was made under says of its sale: recourse, and who bears interest up to what.

    terms_of          the terms of that version, as they were when the promise was made
    require_recourse  a quote keeps to them
    bears             whether the issuer has signed for a quote's interest with them

A promise that names no programme says nothing of either: then any recourse may be quoted, and the issuer is asked.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from ledger.discount import Bearer, Quote
from ledger.errors import Refusal
from ledger.money import Fen
from ledger.negotiation.programme_terms import Programme, Recourse, from_json
from ledger.negotiation.programmes import version_of, written_under
from ledger.organisation_tables import OrganisationRow
from ledger.tables import PromiseRow


def terms_of(session: Session, promise: PromiseRow) -> Programme | None:
    """The programme's terms, where the issuer itself wrote the promise under one."""
    written = written_under(session, [promise.terms]).get(promise.terms)
    if written is None:
        return None
    party = session.scalar(
        select(OrganisationRow.party).where(OrganisationRow.number == written.organisation)
    )
    found = version_of(session, written)
    return None if found is None or party != promise.issuer else from_json(found[1].terms)


def require_recourse(terms: Programme | None, *, recourse: bool) -> None:
    """Refusal ProgrammeRecourseDiffers for a quote with recourse under a programme without, and the reverse."""
    said = Recourse.EITHER if terms is None else terms.recourse
    if said is not Recourse.EITHER and recourse != (said is Recourse.WITH):
        raise Refusal("ProgrammeRecourseDiffers", {"programme": str(said)})


def bears(terms: Programme | None, quote: Quote, *, face: Fen) -> bool:
    """Whether the terms have the issuer bear as much interest on the face as the quote would have it at most."""
    ceiling = None if terms is None else terms.ceiling_of(face)
    if terms is None or ceiling is None or quote.issuer_ceiling is None:
        return False
    share_kept = terms.bearer is Bearer.ISSUER or quote.issuer_share <= terms.issuer_share
    whole = quote.bearer is Bearer.ISSUER and terms.bearer is Bearer.SHARED
    return share_kept and not whole and quote.issuer_ceiling <= ceiling
