"""The forms and views of programmes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gateway.forms import Form, View, Yuan, examples, money, utc
from ledger.discount import Bearer
from ledger.money import Fen
from ledger.negotiation.programme_terms import Programme, Recourse, from_json
from ledger.negotiation.programmes import Written
from ledger.programme_tables import ProgrammeRow, ProgrammeVersionRow

Points = Annotated[int, Field(strict=True, ge=0, le=10_000, description="Basis points.", examples=[120])]
_LOWEST = Fen(10_000)


class TermsForm(Form):
    """A version's terms."""

    model_config = examples(
        longest_tenor=180,
        highest_tier=4,
        smallest_part="10000.00",
        most_parts=100,
        bearer="supplier",
        recourse="without",
        documents=["contract"],
        review_from="1000000.00",
    )
    longest_tenor: Annotated[int, Field(strict=True, ge=1, le=366, description="Days from issue to due day.")]
    highest_tier: Annotated[int, Field(strict=True, ge=1, le=255)] = 6
    smallest_part: Yuan = _LOWEST
    most_parts: Annotated[
        int, Field(strict=True, ge=1, le=10_000, description="Face over smallest part.")
    ] = 10_000
    bearer: Annotated[
        Literal["supplier", "issuer", "shared"], Field(description="Who bears the interest of a discount.")
    ] = "supplier"
    issuer_share: Annotated[Points, Field(description="Basis points of shared interest.")] = 0
    interest_ceiling: Annotated[
        Points | None,
        Field(description="The most interest that the issuer bears, in basis points of the face."),
    ] = None
    recourse: Literal["with", "without", "either"] = "either"
    documents: Annotated[
        tuple[Annotated[str, Field(strict=True, min_length=1, max_length=40)], ...],
        Field(max_length=10, description="Kinds of which each promise names at least one."),
    ] = ()
    review_from: Annotated[
        Yuan | None,
        Field(description="Promises of this face or more are reviewed before they are signed; 0.00: each."),
    ] = None

    def terms(self) -> Programme:
        """As the domain takes it; InputError for what does not fit together."""
        return Programme(
            longest_tenor=self.longest_tenor,
            highest_tier=self.highest_tier,
            smallest_part=self.smallest_part,
            most_parts=self.most_parts,
            bearer=Bearer(self.bearer),
            issuer_share=self.issuer_share,
            interest_ceiling=self.interest_ceiling,
            recourse=Recourse(self.recourse),
            documents=self.documents,
            review_from=self.review_from,
        )


class ProgrammeForm(TermsForm):
    """A programme with its first version."""

    model_config = examples(name="云山重工 2026 供应商方案", longest_tenor=180, review_from="1000000.00")
    name: Annotated[str, Field(strict=True, min_length=1, max_length=100)]


class TermsView(View):
    """What others than the issuer see of a version, too."""

    version: int
    longest_tenor: int
    highest_tier: int
    smallest_part: str
    most_parts: int
    bearer: Literal["supplier", "issuer", "shared"]
    issuer_share: int
    interest_ceiling: int | None
    recourse: Literal["with", "without", "either"]
    documents: list[str]
    digest: str


class VersionView(TermsView):
    """A version as its issuer sees it."""

    review_from: str | None
    who: str
    created_at: str


class ProgrammeView(View):
    """A programme; `versions`, the newest first: all of them, or in a list the newest alone."""

    id: str
    name: str
    closed: bool
    version: int
    versions: list[VersionView]


class ProgrammePage(View):
    """Some programmes, in the order in which they were made."""

    items: list[ProgrammeView]
    next: str | None


class DocumentView(View):
    """A document that the promise names."""

    kind: str
    hash: str


class WrittenView(View):
    """What a promise was made under, out of what its terms' hash stands for."""

    programme: str
    name: str
    text: str
    documents: list[DocumentView]
    terms: TermsView


def terms_view(row: ProgrammeVersionRow) -> TermsView:
    """A version as anybody concerned sees it."""
    terms = from_json(row.terms)
    return TermsView(
        version=row.version,
        longest_tenor=terms.longest_tenor,
        highest_tier=terms.highest_tier,
        smallest_part=money(terms.smallest_part),
        most_parts=terms.most_parts,
        bearer=terms.bearer.value,
        issuer_share=terms.issuer_share,
        interest_ceiling=terms.interest_ceiling,
        recourse=terms.recourse.value,
        documents=list(terms.documents),
        digest=terms.digest,
    )


def programme_view(row: ProgrammeRow, versions: list[ProgrammeVersionRow]) -> ProgrammeView:
    """A programme as its issuer sees it."""
    shown = []
    for each in versions:
        review_from = from_json(each.terms).review_from
        shown.append(
            VersionView(
                **terms_view(each).model_dump(),
                review_from=None if review_from is None else money(review_from),
                who=each.who,
                created_at=utc(each.created_at),
            )
        )
    return ProgrammeView(id=row.id, name=row.name, closed=row.closed, version=row.version, versions=shown)


def written_view(written: Written, row: ProgrammeRow, version: ProgrammeVersionRow) -> WrittenView:
    """What a promise was made under."""
    return WrittenView(
        programme=row.id,
        name=row.name,
        text=written.text,
        documents=[DocumentView(kind=each.kind, hash="0x" + each.hash.hex()) for each in written.documents],
        terms=terms_view(version),
    )
