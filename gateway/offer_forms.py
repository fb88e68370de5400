"""The forms and views of offers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from gateway.forms import (
    Flag,
    Form,
    HexText,
    LineText,
    OnDay,
    PartyText,
    Text,
    View,
    VoucherText,
    Yuan,
    examples,
    hex_text,
    moment,
    money,
    utc,
)
from gateway.problems import Problem, problem_of
from ledger.agreements import AGREEMENTS, Agreement, PartyNumber
from ledger.errors import InputError
from ledger.members import Form as MemberForm
from ledger.members import Struct, line_text, member_to_json, members_of, voucher_text
from ledger.money import parse_yuan
from ledger.negotiation.offer_views import OfferView
from ledger.negotiation.programmes import NamedDocument
from ledger.negotiation.proposals import InvoiceUse
from ledger.sentences import sentences

Status = Literal["open", "recalling", "complete", "landed", "refused", "declined", "expired", "recalled"]


class InvoiceForm(Form):
    """How much of an invoice is used."""

    number: Annotated[str, Field(strict=True, min_length=1, max_length=100, examples=["F-881"])]
    amount: Yuan
    total: Yuan

    def use(self) -> InvoiceUse:
        """As the domain takes it."""
        return InvoiceUse(self.number, self.amount, self.total)


Invoices = Annotated[tuple[InvoiceForm, ...], Field(max_length=10)]


class OfferForm(Form):
    """What every offer may say besides."""

    valid_until: Annotated[
        OnDay | None, Field(description="The last day on which it may land; else a week.")
    ] = None
    sign: Annotated[Flag, Field(description="Sign at once, with the key that is kept here.")] = False


class LineOfferForm(OfferForm):
    """A credit line, or with `parent` a sub-line of one."""

    model_config = examples(reference=1, issuer=10, limit="50000000.00", expiry="2027-03-31", sign=True)
    reference: Annotated[int, Field(strict=True, ge=1, lt=2**32, description="The bank's own number of it.")]
    issuer: PartyText
    parent: LineText | None = None
    limit: Yuan
    expiry: OnDay
    smallest_part: Yuan | None = None
    window: Annotated[int, Field(strict=True, ge=1, le=15, description="Days to contest a payment.")] = 5
    grace: Annotated[int, Field(strict=True, ge=10, le=30, description="Days after the due day.")] = 10
    countersign: Annotated[Flag, Field(description="The bank signs each issue too.")] = False


ProgrammeId = Annotated[
    str,
    Field(
        strict=True, pattern=r"^[0-9a-f]{32}$", min_length=32, max_length=32, description="A programme's id."
    ),
]


class DocumentForm(Form):
    """A document that a promise names: its kind, and the salted hash of it."""

    kind: Annotated[str, Field(strict=True, min_length=1, max_length=40, examples=["contract"])]
    hash: Annotated[
        str, Field(strict=True, pattern=r"^0x[0-9a-f]{64}$", max_length=66, examples=["0x" + "ab" * 32])
    ]

    def named(self) -> NamedDocument:
        """As the domain takes it."""
        return NamedDocument(self.kind, bytes.fromhex(self.hash[2:]))


class PromiseOfferForm(OfferForm):
    """A promise to pay, under a line."""

    model_config = examples(
        line="2-1",
        supplier=11,
        face="1000000.00",
        due="2026-08-28",
        reference="PO-2026-118",
        invoices=[{"number": "F-881", "amount": "1000000.00", "total": "1000000.00"}],
        sign=True,
    )
    line: LineText
    supplier: PartyText
    face: Yuan
    due: OnDay
    smallest_part: Yuan | None = None
    highest_tier: Annotated[
        int | None, Field(strict=True, ge=1, le=255, description="Else the programme's, or 6.")
    ] = None
    programme: ProgrammeId | None = None
    documents: Annotated[tuple[DocumentForm, ...], Field(max_length=20)] = ()
    terms: Text = ""
    tenor_reason: Text = ""
    reference: Annotated[str, Field(strict=True, min_length=1, max_length=100)]
    invoices: Annotated[list[InvoiceForm], Field(min_length=1, max_length=10)]


class TransferOfferForm(OfferForm):
    """A whole voucher is passed on."""

    model_config = examples(voucher="0x" + "ab" * 32, recipient=12, sign=True)
    voucher: VoucherText
    recipient: PartyText
    invoices: Invoices = ()
    overdue: Flag = False


class PartForm(Form):
    """One part of a split."""

    recipient: PartyText
    face: Yuan


class SplitOfferForm(OfferForm):
    """Parts of a voucher are passed on, the rest stays."""

    model_config = examples(
        voucher="0x" + "ab" * 32, parts=[{"recipient": 12, "face": "250000.00"}], sign=True
    )
    voucher: VoucherText
    parts: Annotated[list[PartForm], Field(min_length=1, max_length=20)]
    invoices: Invoices = ()
    overdue: Flag = False


class AgreementForm(OfferForm):
    """Any agreement, as answers show it: yuan as text, ISO days, seconds in UTC, 0x text. A deadline is optional."""

    model_config = examples(
        agreement={
            "agreement": "Release",
            "voucher": "0x" + "ab" * 32,
            "sequence": 3,
            "by": 2,
            "deadline": "2026-09-30T23:59:59Z",
        },
        sign=True,
    )
    agreement: Annotated[dict[str, Any], Field(max_length=20)]
    issued: Annotated[
        dict[str, Any] | None,
        Field(max_length=20, description="The issue once more, for CancelWhole and RevokeIssue."),
    ] = None
    agreed: Annotated[
        Flag, Field(description="The payee signs the asserted payment too, which then takes effect at once.")
    ] = False


class SignatureForm(Form):
    """A consent: by the key that is kept here, or a signature over the offer's typed data made anywhere."""

    model_config = examples(custodial=True)
    custodial: Flag = False
    signature: HexText | None = None
    signer: Annotated[
        HexText | None,
        Field(description="Whole signer bytes (verifier and key) of a P-256, RSA or passkey signer."),
    ] = None


class ReasonForm(Form):
    """Why."""

    model_config = examples(reason="the goods have not arrived")
    reason: Annotated[str, Field(strict=True, min_length=1, max_length=500)]


class SentenceView(View):
    """One sentence of what is signed."""

    zh: str
    en: str


class ConsentView(View):
    """A consent that the offer wants."""

    party: int
    name: str | None
    signed: bool
    made: Literal["custodial", "outside"] | None
    signed_at: str | None


class OfferAnswer(View):
    """An offer as its parties read it. `status` says where it stands, `problem` why the chain did not take it."""

    id: str
    verb: str
    status: Status
    version: int
    reason: str | None
    agreement: dict[str, Any]
    sentences: list[SentenceView]
    consents: list[ConsentView]
    digest: str
    voucher: str | None
    line: str | None
    expires_at: str
    created_at: str
    changed_at: str
    tx_hash: str | None
    block: int | None
    problem: Problem | None


class OfferPage(View):
    """Some offers, the newest first."""

    items: list[OfferAnswer]
    next: str | None


class OpeningView(View):
    """What the hash in one member stands for."""

    member: str
    text: str


class OpeningsView(View):
    """What the hashes in an agreement stand for."""

    items: list[OpeningView]


def offer_answer(view: OfferView, names: Mapping[PartyNumber, str]) -> OfferAnswer:
    """The offer in words."""
    row = view.row
    return OfferAnswer(
        id=row.id,
        verb=row.verb,
        status=view.status,  # type: ignore[arg-type]
        version=row.version,
        reason=row.reason,
        agreement=agreement_json(view.agreement),
        sentences=[SentenceView(zh=each.zh, en=each.en) for each in sentences(view.agreement, names=names)],
        consents=[
            ConsentView(
                party=each.party,
                name=names.get(PartyNumber(each.party)),
                signed=each.consent is not None,
                made=each.made,  # type: ignore[arg-type]
                signed_at=None if each.signed_at is None else utc(each.signed_at),
            )
            for each in view.row.signatures
        ],
        digest=str(hex_text(row.digest)),
        voucher=None if (row.voucher or row.root) is None else voucher_text(row.voucher or row.root),  # type: ignore[arg-type]
        line=None if row.line is None else line_text(row.line),
        expires_at=utc(row.expires_at),
        created_at=utc(row.created_at),
        changed_at=utc(row.changed_at),
        tx_hash=hex_text(view.tx_hash),
        block=view.block,
        problem=None if view.refusal is None else problem_of(view.refusal),
    )


def agreement_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """The reverse of `agreement_json`, as `agreements.from_json` reads it; InputError for an amount that is no text, or
    no amount. A moment may be Unix seconds, too, as it is signed."""
    kind = next((each for each in AGREEMENTS if each.__name__ == given.get("agreement")), None)
    return dict(given) if kind is None else _as_signed(kind, given)


def _as_signed(kind: type[Struct], given: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(given)
    for member in members_of(kind):
        value = found.get(member.name)
        match member.form:
            case MemberForm.AMOUNT if member.name in found:
                if not isinstance(value, str):
                    raise InputError(f'{member.name}: write an amount as text, in yuan, such as "1000.00"')
                found[member.name] = int(parse_yuan(value))
            case MemberForm.TIME if isinstance(value, str):
                found[member.name] = int(moment(value))
            case MemberForm.LIST if isinstance(value, list) and member.item is not None:
                found[member.name] = [
                    _as_signed(member.item, each) if isinstance(each, Mapping) else each for each in value
                ]
    return found


def agreement_json(struct: Struct) -> dict[str, Any]:
    """An agreement's members, amounts in yuan and moments in UTC."""
    found: dict[str, Any] = {"agreement": type(struct).__name__} if isinstance(struct, Agreement) else {}
    for member in members_of(type(struct)):
        value = getattr(struct, member.name)
        match member.form:
            case MemberForm.AMOUNT:
                found[member.name] = money(value)
            case MemberForm.TIME:
                found[member.name] = utc(value)
            case MemberForm.LIST:
                found[member.name] = [agreement_json(each) for each in value]
            case _:
                found[member.name] = member_to_json(member, value)
    return found


def parties_of(views: Sequence[OfferView]) -> list[int]:
    """Whose names these offers mention."""
    found: set[int] = set()
    for view in views:
        found.update(each.party for each in view.row.signatures)
        _add_parties(view.agreement, found)
    return sorted(found)


def _add_parties(struct: Struct, found: set[int]) -> None:
    for member in members_of(type(struct)):
        value = getattr(struct, member.name)
        if member.form is MemberForm.PARTY:
            found.add(int(value))
        elif member.form is MemberForm.LIST:
            for each in value:
                _add_parties(each, found)
