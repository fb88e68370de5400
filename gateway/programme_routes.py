"""The issuer's desk: programmes, and the reviews that they want; everyone's: what a promise was made under."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Response
from sqlalchemy.orm import Session

from gateway.answers import (
    CHANGED,
    PREFIX,
    PROBLEMS,
    Cursor,
    IfMatch,
    Limit,
    number_of,
    offer_headers,
    page_of,
    shown,
    tag,
    version_of,
)
from gateway.bodies import DeskRoute
from gateway.callers import CallerHere, GatewayHere
from gateway.holding_routes import VoucherPath
from gateway.moving import MovingHere, Reply
from gateway.offer_forms import OfferAnswer, OfferPage, ReasonForm, offer_answer, parties_of
from gateway.offer_routes import OfferId
from gateway.programme_forms import (
    ProgrammeForm,
    ProgrammePage,
    ProgrammeView,
    TermsForm,
    WrittenView,
    programme_view,
    written_view,
)
from ledger.agreements import Issue, from_json
from ledger.errors import Refusal
from ledger.members import parse_voucher
from ledger.negotiation import programmes, reviews
from ledger.negotiation.access import Right, not_found, require
from ledger.negotiation.holdings import voucher_of
from ledger.negotiation.offer_views import views
from ledger.negotiation.offers import found, require_open, require_version
from ledger.negotiation.organisations import names_of
from ledger.negotiation.recalls import stop
from ledger.programme_tables import ProgrammeRow

issuer = APIRouter(prefix="/issuer", tags=["Issuer's desk"], route_class=DeskRoute, responses=PROBLEMS)
everyone = APIRouter(tags=["Vouchers and lines"], route_class=DeskRoute, responses=PROBLEMS)
ProgrammeId = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$", examples=["0b6ff2c2d1e54b0c9a3f5d7e8c1b2a30"])]


@issuer.post("/programmes", response_model=ProgrammeView, status_code=201)
def create_programme(form: ProgrammeForm, moving: MovingHere) -> Response:
    """A signatory puts a programme in force. From then on each promise of the organisation names one."""

    def work(session: Session) -> Reply:
        setting = moving.gateway.setting
        row = programmes.create(session, setting, moving.caller, name=form.name, terms=form.terms())
        return _answer(session, row, status=201)

    return moving.do(work)


@issuer.get("/programmes")
def list_programmes(
    caller: CallerHere,
    gateway: GatewayHere,
    limit: Limit = 50,
    cursor_: Cursor = None,
) -> ProgrammePage:
    """The organisation's programmes, each with its newest version."""
    require(caller, Right.READ)
    after = number_of(cursor_) or 0
    with gateway.store.reading() as session:
        seen = programmes.programmes(session, caller, limit=limit + 1, after=after)
        page, more = page_of(seen, limit, lambda row: row.number)
        of = programmes.versions(session, page, newest=True)
    return ProgrammePage(items=[programme_view(row, of[row.number]) for row in page], next=more)


@issuer.get("/programmes/{programme}")
def one_programme(
    programme: ProgrammeId, caller: CallerHere, gateway: GatewayHere, response: Response
) -> ProgrammeView:
    """One programme with all its versions, the newest first."""
    require(caller, Right.READ)
    with gateway.store.reading() as session:
        row = programmes.programme_of(session, caller, programme)
        of = programmes.versions(session, [row], newest=False)
    response.headers["ETag"] = tag(row.version)
    return programme_view(row, of[row.number])


@issuer.post(
    "/programmes/{programme}/versions", response_model=ProgrammeView, status_code=201, responses=CHANGED
)
def renew_programme(
    programme: ProgrammeId, form: TermsForm, moving: MovingHere, if_match: IfMatch = None
) -> Response:
    """The next version, in force for what is offered from now on; what was offered keeps its own."""
    seen = version_of(if_match)

    def work(session: Session) -> Reply:
        row = programmes.programme_of(session, moving.caller, programme, lock=True)
        if seen is not None and seen != row.version:
            raise Refusal("VersionDiffers", {"given": seen, "present": row.version})
        programmes.renew(session, moving.gateway.setting, moving.caller, row, form.terms())
        return _answer(session, row, status=201)

    return moving.do(work)


@issuer.post("/programmes/{programme}/close", response_model=ProgrammeView)
def close_programme(programme: ProgrammeId, moving: MovingHere) -> Response:
    """Nothing is promised under it any more."""

    def work(session: Session) -> Reply:
        row = programmes.programme_of(session, moving.caller, programme, lock=True)
        programmes.close(session, moving.gateway.setting, moving.caller, row)
        return _answer(session, row, status=200)

    return moving.do(work)


# The second pair of eyes


@issuer.get("/reviews")
def list_reviews(
    caller: CallerHere,
    gateway: GatewayHere,
    limit: Limit = 50,
    cursor_: Cursor = None,
) -> OfferPage:
    """The organisation's promises that a reviewer has to look at before they can be signed, the oldest first."""
    require(caller, Right.READ)
    after, now = number_of(cursor_) or 0, gateway.setting.chain_clock()
    with gateway.store.reading() as session:
        rows = reviews.waiting(session, caller, limit=limit + 1, after=after, now=now)
        page, more = page_of(rows, limit, lambda row: row.number)
        seen = views(session, page, now=now)
        names = names_of(session, parties_of(seen))
    return OfferPage(items=[offer_answer(view, names) for view in seen], next=more)


@issuer.post("/reviews/{offer_id}/pass", response_model=OfferAnswer, responses=CHANGED)
def pass_review(offer_id: OfferId, moving: MovingHere, if_match: IfMatch = None) -> Response:
    """A reviewer who did not make the promise lets it go on: the issuer can sign it."""
    seen = version_of(if_match)

    def work(session: Session) -> Reply:
        setting = moving.gateway.setting
        offer = found(session, moving.caller, offer_id, lock=True)
        require_version(offer, seen)
        require_open(offer, now=setting.chain_clock())
        reviews.review(session, setting, moving.caller, offer)
        return Reply(200, shown(session, moving.gateway, offer), offer_headers(offer))

    return moving.do(work)


@issuer.post("/reviews/{offer_id}/stop", response_model=OfferAnswer, responses=CHANGED)
def stop_review(
    offer_id: OfferId, form: ReasonForm, moving: MovingHere, if_match: IfMatch = None
) -> Response:
    """A reviewer ends the promise, which the issuer has not signed, with a reason."""
    seen = version_of(if_match)

    def work(session: Session) -> Reply:
        setting, caller = moving.gateway.setting, moving.caller
        offer = found(session, caller, offer_id, lock=True)
        require_version(offer, seen)
        require_open(offer, now=setting.chain_clock())
        stop(session, setting, caller, offer, reason=form.reason)
        return Reply(200, shown(session, moving.gateway, offer), offer_headers(offer))

    return moving.do(work)


# What a promise was made under


@everyone.get("/vouchers/{voucher}/programme")
def programme_of_voucher(voucher: VoucherPath, caller: CallerHere, gateway: GatewayHere) -> WrittenView:
    """The programme's version that the voucher was promised under, whatever versions came later."""
    require(caller, Right.READ)
    with gateway.store.reading() as session:
        view = voucher_of(session, gateway.setting, caller, parse_voucher(voucher))
        return _written(session, view.promise.terms)


@everyone.get("/offers/{offer_id}/programme", tags=["Offers"])
def programme_of_offer(offer_id: OfferId, caller: CallerHere, gateway: GatewayHere) -> WrittenView:
    """The programme's version that an offered promise names."""
    require(caller, Right.READ)
    with gateway.store.reading() as session:
        agreement = from_json(found(session, caller, offer_id).agreement)
        return _written(session, agreement.terms if isinstance(agreement, Issue) else b"")


def _written(session: Session, terms: bytes) -> WrittenView:
    written = programmes.written_under(session, [terms]).get(terms)
    known = None if written is None else programmes.version_of(session, written)
    if written is None or known is None:
        raise not_found("programme")
    return written_view(written, *known)


def _answer(session: Session, row: ProgrammeRow, *, status: int) -> Reply:
    of = programmes.versions(session, [row], newest=False)
    headers = {"ETag": tag(row.version), "Location": f"{PREFIX}/issuer/programmes/{row.id}"}
    return Reply(status, programme_view(row, of[row.number]), headers)
