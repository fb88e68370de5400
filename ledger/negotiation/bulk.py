"""Promises that are offered by a file: judged without a trace, taken, and offered some at a time.

    check      judges all promises of a file in its order and writes nothing
    take       keeps the file's promises; none is offered yet
    offer      offers the next of them, so many in one transaction
    progress   how many wait, are offered, are refused
    promises   each with its offer or what stood in its way

A promise is offered in the transaction that notes its offer, so a process that is killed leaves each either done or
waiting, and the next request goes on there. A reference that an offer came of is not offered a second time, from this
file or another. Headroom is judged for the file as a whole: what an earlier row takes is gone for the later ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from types import MappingProxyType
from typing import Any, Final
from uuid import uuid4

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from ledger.agreements import LineId
from ledger.bulk_tables import BulkPromiseRow, BulkRunRow
from ledger.calendar import Day
from ledger.errors import InputError, Refusal
from ledger.negotiation import audit, reviews
from ledger.negotiation.access import Caller, Right, not_found, require
from ledger.negotiation.bulk_file import BulkPromise, from_json, to_json
from ledger.negotiation.offers import duties_of, make, sign
from ledger.negotiation.proposals import draft, issue
from ledger.negotiation.reservations import headroom_of, hold_lines
from ledger.negotiation.setting import Setting
from ledger.offer_tables import OfferRow
from ledger.tables import LineRow

MOST_AT_ONCE: Final = 100
WAITING, OFFERED, REFUSED = "waiting", "offered", "refused"
_COLUMNS: Final[Mapping[str, str]] = MappingProxyType(
    {
        **dict.fromkeys(("UnknownLine", "LineExpired", "LineFrozen", "NotIssuer"), "line"),
        **dict.fromkeys(("UnknownParty", "PartySuspended", "SameParty"), "supplier"),
        **dict.fromkeys(("LimitExceeded", "ProgrammePartsExceeded", "ZeroAmount"), "face"),
        **dict.fromkeys(("InvoicesDoNotMatch", "InvoiceExceeded", "InvoiceTotalDiffers"), "invoice_amount"),
        **dict.fromkeys(("TenorTooLong", "ProgrammeTenorExceeded", "DueDayPast"), "due"),
        **dict.fromkeys(("TenorNeedsReason",), "tenor_reason"),
        **dict.fromkeys(("SmallestPartTooSmall", "ProgrammePartTooSmall", "TooManyParts"), "smallest_part"),
        **dict.fromkeys(("ProgrammeTierExceeded",), "highest_tier"),
        **dict.fromkeys(("ProgrammeNeeded", "ProgrammeClosed", "NotFound"), "programme"),
        **dict.fromkeys(("ProgrammeDocumentMissing", "DocumentUnknown"), "documents"),
        **dict.fromkeys(("ReferenceOffered",), "reference"),
    }
)


@dataclass(frozen=True, slots=True)
class Judged:
    """A promise of a file, and what stands in its way."""

    promise: BulkPromise
    refused: Refusal | InputError | None


@dataclass(frozen=True, slots=True)
class Shown:
    """A promise that was taken, with its offer, or with what stood in its way."""

    row: BulkPromiseRow
    offer: OfferRow | None
    refused: Refusal | InputError | None

    @property
    def state(self) -> str:
        """waiting, offered or refused."""
        if self.offer is not None:
            return OFFERED
        return WAITING if self.refused is None else REFUSED


def column_of(refused: Refusal | InputError) -> str:
    """The column that a refusal is about, empty where it is about none alone."""
    return _COLUMNS.get(refused.name, "") if isinstance(refused, Refusal) else ""


def check(
    session: Session,
    setting: Setting,
    caller: Caller,
    promises: Sequence[BulkPromise],
    *,
    valid_until: Day | None,
) -> list[Judged]:
    """What offering the file would come to now, promise by promise. Refusal NotAllowed, NotAdmitted."""
    require(caller, Right.PROPOSE)
    caller.acting()
    known = _offered(session, caller, [each.terms.reference for each in promises])
    free: dict[LineId, int] = {}
    found = []
    for promise in promises:
        terms, refused = promise.terms, None
        try:
            _require_new(known, terms.reference)
            duties_of(session, setting, draft(session, setting, caller, terms, valid_until=valid_until))
            _take(session, setting, free, terms.line, terms.face)
        except (Refusal, InputError) as error:
            refused = error
        found.append(Judged(promise, refused))
    return found


def take(
    session: Session, setting: Setting, caller: Caller, promises: Sequence[BulkPromise], *, content: bytes
) -> BulkRunRow:
    """Keeps the promises of a file, in its order. Refusal NotAllowed, NotAdmitted."""
    require(caller, Right.PROPOSE)
    caller.acting()
    at = setting.machine_clock()
    run = BulkRunRow(
        id=uuid4().hex,
        organisation=caller.organisation,
        who=caller.who,
        file=sha256(content).digest(),
        created_at=at,
    )
    session.add(run)
    session.flush()
    session.add_all(
        BulkPromiseRow(
            run=run.number,
            place=place,
            organisation=caller.organisation,
            row=each.row,
            reference=each.terms.reference,
            terms=to_json(each.terms),
            offer=None,
            problem=None,
        )
        for place, each in enumerate(promises)
    )
    session.flush()
    facts = {"promises": len(promises), "file": run.file.hex()}
    audit.note(session, caller, "take file", subject=f"bulk run {run.id}", at=at, facts=facts)
    return run


def offer(
    session: Session,
    setting: Setting,
    caller: Caller,
    run: BulkRunRow,
    *,
    sign_now: bool,
    again: bool,
    valid_until: Day | None,
    most: int,
) -> None:
    """Offers the next promises that wait, at most so many; the run is held until the transaction ends. `again`: those
    that were refused wait once more. `sign_now`: signed by the key that is kept here, where no reviewer has to look.

    What stands in a promise's way is noted with it. Refusal NotAllowed where the caller may not do any of this.
    """
    require(caller, Right.SIGN if sign_now else Right.PROPOSE)
    if again:
        refused = update(BulkPromiseRow).where(
            BulkPromiseRow.run == run.number, BulkPromiseRow.problem.is_not(None)
        )
        session.execute(refused.values(problem=None))
    query = select(BulkPromiseRow).where(
        BulkPromiseRow.run == run.number, BulkPromiseRow.offer.is_(None), BulkPromiseRow.problem.is_(None)
    )
    rows = list(session.scalars(query.order_by(BulkPromiseRow.place).limit(most)))
    terms = [from_json(row.terms) for row in rows]
    # All lines first: an act's last step holds the organisation's trail, and who waits for that may hold a line.
    hold_lines(session, setting.pin.ledger, {each.line for each in terms})
    known = _offered(session, caller, [row.reference for row in rows])
    for row, each in zip(rows, terms, strict=True):
        try:
            with session.begin_nested():
                _require_new(known, row.reference)
                proposal = issue(session, setting, caller, each, valid_until=valid_until)
                made = make(session, setting, caller, proposal)
                if sign_now and not reviews.is_waiting(session, made):
                    sign(session, setting, caller, made)
                row.offer = made.number
        except (Refusal, InputError) as error:
            row.problem = _kept(error)
    session.flush()


def run_of(session: Session, caller: Caller, run: str, *, lock: bool = False) -> BulkRunRow:
    """A file that the caller's organisation sent; Refusal NotFound."""
    query = select(BulkRunRow).where(BulkRunRow.id == run, BulkRunRow.organisation == caller.organisation)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    row = session.scalar(query)
    if row is None:
        raise not_found("file")
    return row


def runs(session: Session, caller: Caller, *, limit: int, before: int | None) -> list[BulkRunRow]:
    """A page of the organisation's files, the newest first."""
    query = select(BulkRunRow).where(BulkRunRow.organisation == caller.organisation)
    if before is not None:
        query = query.where(BulkRunRow.number < before)
    return list(session.scalars(query.order_by(BulkRunRow.number.desc()).limit(limit)))


def progress(session: Session, rows: Sequence[BulkRunRow]) -> Mapping[int, Mapping[str, int]]:
    """How many promises of each file wait, are offered, are refused, in one query."""
    counts = {row.number: {WAITING: 0, OFFERED: 0, REFUSED: 0} for row in rows}
    offered, refused = BulkPromiseRow.offer.is_not(None), BulkPromiseRow.problem.is_not(None)
    query = (
        select(BulkPromiseRow.run, offered, refused, func.count())
        .where(BulkPromiseRow.run.in_(counts))
        .group_by(BulkPromiseRow.run, offered, refused)
    )
    for number, is_offered, is_refused, count in session.execute(query):
        state = OFFERED if is_offered else REFUSED if is_refused else WAITING
        counts[number][state] += int(count)
    return counts


def promises(session: Session, run: BulkRunRow, *, limit: int | None, after: int) -> list[Shown]:
    """The file's promises in its order, from behind the place `after` (-1: all), in one query."""
    query = (
        select(BulkPromiseRow, OfferRow)
        .outerjoin(OfferRow, OfferRow.number == BulkPromiseRow.offer)
        .where(BulkPromiseRow.run == run.number, BulkPromiseRow.place > after)
        .order_by(BulkPromiseRow.place)
        .limit(limit)
    )
    return [Shown(row, made, _refusal(row.problem)) for row, made in session.execute(query)]


def _offered(session: Session, caller: Caller, references: Sequence[str]) -> Mapping[str, str]:
    """The offers that came of these references before."""
    query = (
        select(BulkPromiseRow.reference, OfferRow.id)
        .join(OfferRow, OfferRow.number == BulkPromiseRow.offer)
        .where(BulkPromiseRow.organisation == caller.organisation, BulkPromiseRow.reference.in_(references))
    )
    return {row.reference: row.id for row in session.execute(query)}


def _require_new(known: Mapping[str, str], reference: str) -> None:
    if reference in known:
        raise Refusal("ReferenceOffered", {"reference": reference, "offer": known[reference]})


def _take(session: Session, setting: Setting, free: dict[LineId, int], line: LineId, face: int) -> None:
    """Takes the face off what is left of line and parent line; Refusal LimitExceeded."""
    ledger, now = setting.pin.ledger, setting.chain_clock()
    row = session.get_one(LineRow, (ledger, line))
    both = [line] if row.parent is None else [line, row.parent]
    for each in both:
        if each not in free:
            known = session.get_one(LineRow, (ledger, each))
            free[each] = headroom_of(session, ledger, known, now=now).available
        if face > free[each]:
            raise Refusal("LimitExceeded", {"line": int(each), "asked": face, "available": free[each]})
    for each in both:
        free[each] -= face


def _kept(error: Refusal | InputError) -> dict[str, Any]:
    if isinstance(error, Refusal):
        return {"name": error.name, "facts": error.facts}
    return {"said": str(error)}


def _refusal(kept: Mapping[str, Any] | None) -> Refusal | InputError | None:
    if kept is None:
        return None
    return Refusal(kept["name"], kept["facts"]) if "name" in kept else InputError(kept["said"])
