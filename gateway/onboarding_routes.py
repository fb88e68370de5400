"""Onboarding: invitations, applications, what sponsor bank and registrar do with them."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Request, Response
from pydantic import Field
from sqlalchemy.orm import Session

from gateway.answers import PROBLEMS, Cursor, Limit, number_of, offered, page_of
from gateway.bodies import DeskRoute
from gateway.callers import CallerHere, GatewayHere, address_of
from gateway.forms import Flag, Form, HexText, View, examples, utc
from gateway.moving import UNSEEN, MovingHere, Reply
from gateway.offer_forms import OfferAnswer, ReasonForm
from ledger.columns import hex_of
from ledger.negotiation import onboarding
from ledger.negotiation.access import Right, require
from ledger.negotiation.onboarding import Applicant, FirstPerson
from ledger.negotiation.signers import NamedSigner, SignerKindName
from ledger.organisation_tables import OrganisationRow
from ledger.world import Role

router = APIRouter(tags=["Onboarding"], route_class=DeskRoute, responses=PROBLEMS)
RoleWord = Literal["issuer", "bank", "funder", "arbiter"]
Number = Annotated[int, Path(ge=1, lt=2**53, description="The organisation's number.")]
Name = Annotated[str, Field(strict=True, min_length=1, max_length=100)]


class InvitationForm(Form):
    """Whom to invite."""

    model_config = examples(name="青禾示例齿轮有限公司")
    name: Name


class InvitationView(View):
    """An invitation. `token` goes into the link, and is shown this once."""

    token: str
    sponsor: int
    expires_at: str


class SignerForm(Form):
    """How the enterprise will sign: by a key that is kept here, or by one of its own."""

    model_config = examples(kind="custodial")
    kind: Literal["custodial", "wallet", "contract", "key", "certificate", "passkey"]
    address: HexText = b""
    gas: Annotated[int, Field(strict=True, ge=0, le=500_000)] = 0
    text: Annotated[
        str, Field(strict=True, max_length=65_536, description="Public key or certificates, PEM.")
    ] = ""
    point: Annotated[HexText, Field(description="A passkey's x and y, 64 bytes.")] = b""

    def named(self) -> NamedSigner:
        """As the domain takes it."""
        return NamedSigner(
            kind=SignerKindName(self.kind),
            address=self.address,
            gas=self.gas,
            text=self.text,
            point=self.point,
        )


class PersonForm(Form):
    """Who signs in for it first, as its signatory."""

    login: Annotated[str, Field(strict=True, min_length=1, max_length=64)]
    name: Name
    password: Annotated[str, Field(strict=True, min_length=12, max_length=256)]


class ApplicationForm(Form):
    """An enterprise applies. `invitation`: the word that its sponsor's invitation came with."""

    model_config = examples(
        invitation="c2FtcGxlLXRva2VuLW9mLWFuLWludml0YXRpb24",
        name="青禾示例齿轮有限公司",
        credit_code="91350100M000100Y43",
        size_class="small",
        legal_representative="王芳",
        bank_account="6222 0000 1234",
        roles=["issuer"],
        signer={"kind": "custodial"},
        person={"login": "li.wei", "name": "李伟", "password": "correct horse battery staple"},
    )
    invitation: Annotated[str, Field(strict=True, min_length=20, max_length=100)]
    name: Name
    credit_code: Annotated[
        str, Field(strict=True, min_length=18, max_length=18, examples=["91350100M000100Y43"])
    ]
    size_class: Literal["large", "medium", "small", "micro"]
    legal_representative: Name
    bank_account: Annotated[str, Field(strict=True, min_length=1, max_length=64, pattern=r"^[0-9A-Za-z -]+$")]
    roles: Annotated[
        tuple[RoleWord, ...], Field(max_length=4, description="None to hold, pass on and sell: a supplier.")
    ] = ()
    signer: SignerForm
    person: PersonForm

    def applicant(self) -> Applicant:
        """As the domain takes it."""
        roles = Role(0)
        for word in self.roles:
            roles |= Role[word.upper()]
        return Applicant(
            name=self.name,
            credit_code=self.credit_code,
            size_class=self.size_class,
            legal_representative=self.legal_representative,
            bank_account=self.bank_account,
            roles=roles,
            signer=self.signer.named(),
        )


class ApplicationView(View):
    """An application. `party` is the number on chain once it is admitted."""

    organisation: int
    status: Literal["applied", "checked", "admitted", "rejected"]
    reason: str | None
    name: str
    credit_code: str
    size_class: str
    legal_representative: str
    bank_account: str
    roles: list[RoleWord]
    sponsor: int | None
    signer: Annotated[str | None, Field(description="Signer bytes; null: a key that is kept here.")]
    party: int | None
    applied_at: str


class ApplicationPage(View):
    """Some applications, the oldest first."""

    items: list[ApplicationView]
    next: str | None


class DifferenceView(View):
    """What the public register has otherwise; `registered` is empty where it has no such enterprise."""

    member: str
    given: str
    registered: str


class ComparisonView(View):
    """An application beside the public register; no difference: it is as it says."""

    differences: list[DifferenceView]


class AdmissionForm(Form):
    """Offers the admission. Who registers need not be who signs: then a signatory of the registrar signs after."""

    model_config = examples(sign=False)
    sign: Annotated[Flag, Field(description="Sign at once, with the key that is kept here.")] = False


@router.post("/invitations", status_code=201, response_model=InvitationView)
def invite(form: InvitationForm, moving: MovingHere) -> Response:
    """Invites an enterprise to apply. The word in the answer goes into the link."""

    def work(session: Session) -> Reply:
        token, row = onboarding.invite(session, moving.gateway.setting, moving.caller, name=form.name)
        answer = InvitationView(token=token, sponsor=row.sponsor, expires_at=utc(row.expires_at))
        return Reply(201, answer, UNSEEN, secret=True)

    return moving.do(work)


@router.post("/applications", status_code=201)
def apply(form: ApplicationForm, request: Request, gateway: GatewayHere) -> ApplicationView:
    """An invited enterprise applies. The invitation is good for one application, so that it is made once."""
    gateway.limits.take(f"application {address_of(request)}")
    login = form.person.login
    sealed = gateway.passwords.sealed(form.person.password, login=login)
    person = FirstPerson(login=login, name=form.person.name, sealed=sealed)
    with gateway.store.writing() as session:
        row = onboarding.apply(
            session,
            gateway.setting,
            form.invitation,
            form.applicant(),
            person,
            authorities=gateway.authorities,
        )
    return _view(row)


@router.get("/applications")
def list_applications(
    caller: CallerHere,
    gateway: GatewayHere,
    limit: Limit = 50,
    cursor_: Cursor = None,
) -> ApplicationPage:
    """The applications that the caller's bank sponsors, or, for the registrar, those that a sponsor has checked."""
    require(caller, Right.READ)
    after = number_of(cursor_) or 0
    with gateway.store.reading() as session:
        found = onboarding.applications(session, gateway.setting, caller, limit=limit + 1, after=after)
    page, more = page_of(found, limit, lambda row: row.number)
    return ApplicationPage(items=[_view(row) for row in page], next=more)


@router.get("/applications/{organisation}")
def one_application(organisation: Number, caller: CallerHere, gateway: GatewayHere) -> ApplicationView:
    """One application: the caller's own, or one that it decides on."""
    require(caller, Right.READ)
    with gateway.store.reading() as session:
        return _view(onboarding.application(session, gateway.setting, caller, organisation))


@router.get("/applications/{organisation}/comparison")
def comparison(organisation: Number, caller: CallerHere, gateway: GatewayHere) -> ComparisonView:
    """What the public register has otherwise than the application."""
    require(caller, Right.READ)
    with gateway.store.reading() as session:
        row = onboarding.application(session, gateway.setting, caller, organisation)
    found = onboarding.compared(row, gateway.register)
    return ComparisonView(
        differences=[
            DifferenceView(member=each.member, given=each.given, registered=each.registered) for each in found
        ]
    )


@router.post("/applications/{organisation}/check", response_model=ApplicationView)
def check(organisation: Number, moving: MovingHere) -> Response:
    """The sponsor bank takes the application; what the public register has otherwise stands against it."""

    def work(session: Session) -> Reply:
        setting = moving.gateway.setting
        row = onboarding.application(session, setting, moving.caller, organisation, lock=True)
        onboarding.check(session, setting, moving.caller, row, register=moving.gateway.register)
        return Reply(200, _view(row))

    return moving.do(work)


@router.post("/applications/{organisation}/reject", response_model=ApplicationView)
def reject(organisation: Number, form: ReasonForm, moving: MovingHere) -> Response:
    """Sponsor or registrar does not take it; the applicant reads why."""

    def work(session: Session) -> Reply:
        setting = moving.gateway.setting
        row = onboarding.application(session, setting, moving.caller, organisation, lock=True)
        onboarding.reject(session, setting, moving.caller, row, reason=form.reason)
        return Reply(200, _view(row))

    return moving.do(work)


@router.post("/applications/{organisation}/admission", response_model=OfferAnswer, status_code=201)
def admit(organisation: Number, form: AdmissionForm, moving: MovingHere) -> Response:
    """The registrar offers the admission; registrar, sponsor and the applicant's new signer sign it."""

    def work(session: Session) -> Reply:
        setting = moving.gateway.setting
        row = onboarding.application(session, setting, moving.caller, organisation, lock=True)
        proposal = onboarding.admission(session, setting, moving.caller, row)
        return offered(session, moving.gateway, moving.caller, proposal, sign_now=form.sign)

    return moving.do(work)


def _view(row: OrganisationRow) -> ApplicationView:
    return ApplicationView(
        organisation=row.number,
        status=row.status,  # type: ignore[arg-type]
        reason=row.reason,
        name=row.name,
        credit_code=row.credit_code,
        size_class=row.size_class,
        legal_representative=row.legal_representative,
        bank_account=row.bank_account,
        roles=role_words(row.party_roles),
        sponsor=row.sponsor,
        signer=None if row.signer is None else hex_of(bytes.fromhex(row.signer)),
        party=row.party,
        applied_at=utc(row.applied_at),
    )


def role_words(roles: int) -> list[RoleWord]:
    """What a party may be, in words."""
    words: tuple[RoleWord, ...] = ("issuer", "bank", "funder", "arbiter")
    return [word for word in words if roles & Role[word.upper()]]
