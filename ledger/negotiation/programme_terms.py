"""What an issuer's programme says of the promises that are made under it, and the judge of one of them.

    Programme     one version of a programme's terms
    judge         the first of its rules that a promise does not keep
    ceiling_of    how much interest the issuer bears at most, in fen

Tenor, highest tier and smallest part go into the promise itself, so the contract holds every later holder to them; the
number of parts follows from face and smallest part. What no contract knows (who bears interest, recourse, documents,
the second pair of eyes) is held to here. Nothing is read or written, and no clock is asked.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final

from ledger.agreements import Issue
from ledger.calendar import Day
from ledger.discount import BASIS_POINTS, Bearer
from ledger.errors import InputError, Refusal
from ledger.money import Fen, shown, yuan

HIGHEST_TENOR: Final = 366
"""Days, as the contract has it."""
MOST_PARTS: Final = 10_000
"""Face over smallest part, as the contract has it."""
LOWEST_PART: Final = Fen(100)
MOST_DOCUMENTS: Final = 10
LONGEST_KIND: Final = 40


class Recourse(StrEnum):
    """Whether a funder may come back to the seller."""

    WITH = "with"
    WITHOUT = "without"
    EITHER = "either"


@dataclass(frozen=True, slots=True, kw_only=True)
class Programme:
    """One version. `longest_tenor` in days from issue to due day; amounts in fen; `issuer_share` (of shared interest)
    and `interest_ceiling` (of the face; what is above it falls to the seller) in basis points.

    `documents`: kinds of which a promise names at least one each. `review_from`: promises of this face or more are
    looked at by a reviewer before the issuer signs; 0: each, None: none.
    """

    longest_tenor: int
    highest_tier: int
    smallest_part: Fen
    most_parts: int
    bearer: Bearer
    issuer_share: int
    interest_ceiling: int | None
    recourse: Recourse
    documents: tuple[str, ...]
    review_from: Fen | None

    def __post_init__(self) -> None:
        _require_between("longest tenor in days", self.longest_tenor, 1, HIGHEST_TENOR)
        _require_between("highest tier", self.highest_tier, 1, 255)
        _require_between("most parts", self.most_parts, 1, MOST_PARTS)
        if self.smallest_part < LOWEST_PART:
            raise InputError(
                f"smallest part: {yuan(self.smallest_part)} yuan is below {yuan(LOWEST_PART)} yuan"
            )
        if self.bearer is Bearer.SHARED:
            _require_between("issuer's share in basis points", self.issuer_share, 1, BASIS_POINTS - 1)
        elif self.issuer_share:
            raise InputError("issuer's share: only shared interest has one")
        if (self.interest_ceiling is None) != (self.bearer is Bearer.SUPPLIER):
            raise InputError("interest ceiling: give it where the issuer bears interest, and only there")
        if self.interest_ceiling is not None:
            _require_between("interest ceiling in basis points", self.interest_ceiling, 0, BASIS_POINTS)
        if len(self.documents) > MOST_DOCUMENTS or len(set(self.documents)) != len(self.documents):
            raise InputError(f"documents: at most {MOST_DOCUMENTS} kinds, each once")
        for kind in self.documents:
            if not kind or kind != kind.strip() or len(kind) > LONGEST_KIND or not kind.isprintable():
                raise InputError(f"documents: {shown(kind)} is no kind of document")
        if self.review_from is not None and self.review_from < 0:
            raise InputError("review: an amount from which on, and not below 0")

    @property
    def digest(self) -> str:
        """SHA-256 over the terms, which a promise's own terms name."""
        text = json.dumps(to_json(self), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return "0x" + sha256(text.encode()).hexdigest()

    def wants_review(self, face: int) -> bool:
        """Whether a promise of this face is looked at before it is signed."""
        return self.review_from is not None and face >= self.review_from

    def ceiling_of(self, face: int) -> Fen | None:
        """The most interest that the issuer bears for a face, in fen, rounded down: in favour of the issuer. None where
        it bears none."""
        return None if self.interest_ceiling is None else Fen(face * self.interest_ceiling // BASIS_POINTS)


def judge(programme: Programme, promise: Issue, *, today: Day, documents: Collection[str]) -> None:
    """Refusal naming the first rule that the promise does not keep. `documents`: the kinds that it names."""
    tenor = promise.due_day - today
    if tenor > programme.longest_tenor:
        raise Refusal("ProgrammeTenorExceeded", {"tenor": tenor, "highest": programme.longest_tenor})
    if promise.highest_tier > programme.highest_tier:
        facts = {"tier": promise.highest_tier, "highest": programme.highest_tier}
        raise Refusal("ProgrammeTierExceeded", facts)
    if promise.smallest_part < programme.smallest_part:
        facts = {"given": promise.smallest_part, "lowest": programme.smallest_part}
        raise Refusal("ProgrammePartTooSmall", facts)
    parts = promise.face // max(promise.smallest_part, 1)
    if parts > programme.most_parts:
        raise Refusal("ProgrammePartsExceeded", {"parts": parts, "highest": programme.most_parts})
    missing = [kind for kind in programme.documents if kind not in documents]
    if missing:
        raise Refusal("ProgrammeDocumentMissing", {"kind": missing[0]})


def to_json(programme: Programme) -> dict[str, Any]:
    """The terms as they are kept, amounts in fen."""
    return {
        **asdict(programme),
        "bearer": programme.bearer.value,
        "recourse": programme.recourse.value,
        "documents": list(programme.documents),
    }


def from_json(kept: Mapping[str, Any]) -> Programme:
    """The reverse of `to_json`."""
    read = {
        "bearer": Bearer(kept["bearer"]),
        "recourse": Recourse(kept["recourse"]),
        "documents": tuple(kept["documents"]),
    }
    return Programme(**{**kept, **read})


def _require_between(what: str, given: int, lowest: int, highest: int) -> None:
    if not lowest <= given <= highest:
        raise InputError(f"{what}: {given} is not between {lowest} and {highest}")
