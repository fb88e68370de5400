"""A party's standing: suspended and reinstated by the registrar, its key replaced, a lost key recovered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Response
from pydantic import Field
from sqlalchemy.orm import Session

from gateway.answers import PROBLEMS, offered
from gateway.bodies import DeskRoute
from gateway.callers import CallerHere, GatewayHere
from gateway.forms import PartyText, Text, View, date_text, examples
from gateway.moving import Moving, MovingHere, Reply
from gateway.offer_forms import OfferAnswer, OfferForm
from gateway.onboarding_routes import RoleWord, SignerForm, role_words
from ledger.agreements import PartyNumber
from ledger.columns import hex_of
from ledger.consent import ADDRESS_BYTES
from ledger.errors import InputError
from ledger.negotiation import standing
from ledger.negotiation.offers import Proposal
from ledger.negotiation.organisations import names_of
from ledger.tables import PartyRow
from ledger.world import SignerKind, Status

router = APIRouter(prefix="/parties/{party}", tags=["Parties"], route_class=DeskRoute, responses=PROBLEMS)
PartyHere = Annotated[int, Path(ge=1, lt=2**32, description="The party's number.")]


class RecoveryView(View):
    """A recovery of a lost key that is under way. `signer`: as the registry keeps it."""

    signer: str
    ready_on: str
    vetoed: bool


class PartyView(View):
    """A party as the registry has it. `signer`: its number there; `recovered_on`: when a lost key was last replaced."""

    party: int
    name: str | None
    roles: list[RoleWord]
    sponsor: int | None
    suspended: bool
    signer: str
    signer_kind: Literal["wallet", "contract", "verifier"]
    sequence: int
    recovery: RecoveryView | None
    recovered_on: str | None


class StandingForm(OfferForm):
    """Why it is suspended, or is no more. Only a salted hash of the reason is on chain."""

    model_config = examples(reason="licence revoked on 2026-11-02", sign=True)
    reason: Annotated[Text, Field(min_length=1)]


class NewSignerForm(OfferForm):
    """The signer that is to take over."""

    model_config = examples(signer={"kind": "custodial"}, sign=True)
    signer: SignerForm


class FinishForm(OfferForm):
    """Who decides after a veto; nobody where there was none."""

    model_config = examples(arbiter=7)
    arbiter: PartyText | None = None


class PlainForm(OfferForm):
    """Nothing but how it is offered."""

    model_config = examples(sign=True)


@router.get("")
def one_party(party: PartyHere, caller: CallerHere, gateway: GatewayHere) -> PartyView:
    """A party: the caller's own, one that it sponsors, for the registrar any."""
    with gateway.store.reading() as session:
        row = standing.party_seen(session, gateway.setting, caller, PartyNumber(party))
        return _view(row, names_of(session, [party]).get(PartyNumber(party)))


@router.post("/suspension-offers", response_model=OfferAnswer, status_code=201)
def offer_suspension(party: PartyHere, form: StandingForm, moving: MovingHere) -> Response:
    """The registrar suspends a party: it can no longer issue, receive and move, and can still be paid."""
    return _offered(moving, party, form, standing.suspension, reason=form.reason)


@router.post("/reinstatement-offers", response_model=OfferAnswer, status_code=201)
def offer_reinstatement(party: PartyHere, form: StandingForm, moving: MovingHere) -> Response:
    """The registrar ends a suspension."""
    return _offered(moving, party, form, standing.reinstatement, reason=form.reason)


@router.post("/rekey-offers", response_model=OfferAnswer, status_code=201)
def offer_rekey(party: PartyHere, form: NewSignerForm, moving: MovingHere) -> Response:
    """A party hands over to a new signer of its own, at once; the present one and the new one sign."""
    authorities = moving.gateway.authorities
    return _offered(moving, party, form, standing.rekey, signer=form.signer.named(), authorities=authorities)


@router.post("/recovery-offers", response_model=OfferAnswer, status_code=201)
def offer_recovery(party: PartyHere, form: NewSignerForm, moving: MovingHere) -> Response:
    """Registrar and sponsor bank begin to recover a lost key. It can be finished after seven days, unless the old
    signer objects."""
    authorities = moving.gateway.authorities
    return _offered(
        moving, party, form, standing.recovery, signer=form.signer.named(), authorities=authorities
    )


@router.post("/recovery-withdrawal-offers", response_model=OfferAnswer, status_code=201)
def offer_withdrawal(party: PartyHere, form: PlainForm, moving: MovingHere) -> Response:
    """Registrar and sponsor bank take a recovery back."""
    return _offered(moving, party, form, standing.withdrawal)


@router.post("/recovery-veto-offers", response_model=OfferAnswer, status_code=201)
def offer_veto(party: PartyHere, form: PlainForm, moving: MovingHere) -> Response:
    """The party objects with the signer that is said to be lost: then it takes thirty days and an arbiter."""
    return _offered(moving, party, form, standing.veto)


@router.post(
    "/recovery-finish-offers",
    response_model=OfferAnswer,
    status_code=201,
    responses={202: {"model": OfferAnswer, "description": "Nobody has to sign: it goes on chain."}},
)
def offer_finish(party: PartyHere, form: FinishForm, moving: MovingHere) -> Response:
    """The recovered signer is put in place. Nobody signs, or after a veto the arbiter does."""
    if form.arbiter is None and form.sign:
        raise InputError("sign: nobody signs it where there was no veto; leave it away")
    return _offered(moving, party, form, standing.finish, arbiter=form.arbiter or PartyNumber(0))


def _offered(
    moving: Moving, party: int, form: OfferForm, propose: Callable[..., Proposal], **given: object
) -> Response:
    def work(session: Session) -> Reply:
        gateway, caller = moving.gateway, moving.caller
        number, until = PartyNumber(party), form.valid_until
        proposal = propose(session, gateway.setting, caller, number, valid_until=until, **given)
        return offered(session, gateway, caller, proposal, sign_now=form.sign)

    return moving.do(work)


def _view(row: PartyRow, name: str | None) -> PartyView:
    recovery = None
    if row.recovery_signer is not None:
        recovery = RecoveryView(
            signer=_signer(row.recovery_signer),
            ready_on=date_text(row.recovery_ready_on or 0),
            vetoed=bool(row.recovery_vetoed),
        )
    return PartyView(
        party=row.party,
        name=name,
        roles=role_words(row.roles),
        sponsor=row.sponsor or None,
        suspended=bool(row.status & Status.SUSPENDED),
        signer=_signer(row.signer),
        signer_kind=SignerKind(row.kind).name.lower(),  # type: ignore[arg-type]
        sequence=row.sequence,
        recovery=recovery,
        recovered_on=date_text(row.recovered_on) if row.recovered_on else None,
    )


def _signer(number: int) -> str:
    return hex_of(number.to_bytes(ADDRESS_BYTES))
