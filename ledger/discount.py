"""What a funder offers for a voucher, and what that comes to in fen.

Simple (straight) discount: interest = face x rate x days / year, the first day counted and the last not.
Interest runs to the due day that the quote names and to no later one, so a due day that is no working day
bears no extra interest unless the quote names the rolled day. Everything is computed in whole numbers; each
division says how it rounds and whom that favours. This module does not compound, does not fetch rates, and
does not know who may sell to whom.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Final, NewType

from eth_utils.crypto import keccak

from ledger.calendar import Day, DayCount, date_of_day, day_of_date, days_between, parse_date
from ledger.errors import InputError
from ledger.money import MAX_RATE, Fen, Percent, allocate, parse_rate, shown, yuan
from ledger.outside import json_of

__all__ = [
    "BASIS_POINTS",
    "FREE",
    "Bearer",
    "DayCount",
    "Fee",
    "Part",
    "Price",
    "PricedLot",
    "Quote",
    "QuoteHash",
    "annual_cost",
    "days_between",
    "from_json",
    "half_up",
    "parse_share",
    "price",
    "price_lot",
    "quote_hash",
    "share_over_funders",
    "to_json",
]

QuoteHash = NewType("QuoteHash", bytes)
"""32 bytes: what a discount agreement on chain says about its price."""

BASIS_POINTS: Final = 10_000
"""Basis points in the whole: 1 basis point is 0.01 %."""

SALT_BYTES: Final = 32
SCHEMA: Final = "tallystick quote 1"
_NOTHING: Final = Fen(0)
_RATE_UNITS: Final = 10_000  # in one percent, since a rate has four decimals
_YIELD_STEP: Final = Decimal("0.0001")


class Bearer(Enum):
    """Who bears the interest; the fee is always the supplier's."""

    SUPPLIER = "supplier"
    ISSUER = "issuer"
    SHARED = "shared"


def half_up(numerator: int, denominator: int) -> Fen:
    """The quotient of two whole numbers to the nearest fen, half a fen up: in favour of who is to receive it."""
    return Fen((2 * numerator + denominator) // (2 * denominator))


@dataclass(frozen=True, slots=True)
class Fee:
    """A funder's fee: so many basis points of the face, but at least the minimum (fen)."""

    basis_points: int = 0
    minimum: Fen = _NOTHING

    def __post_init__(self) -> None:
        if not 0 <= self.basis_points <= BASIS_POINTS or self.minimum < 0:
            raise InputError(
                f"fee of {self.basis_points} basis points, at least {yuan(self.minimum)} yuan: give 0 to "
                f"{BASIS_POINTS} basis points and a minimum that is not negative"
            )

    def of(self, face: Fen) -> Fen:
        """The fee on a face; half a fen rounds up, which favours the funder."""
        return max(self.minimum, half_up(face * self.basis_points, BASIS_POINTS))


FREE: Final = Fee()


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """A funder's price, before it is applied to a face.

    Recourse comes first because it decides who loses when the issuer does not pay. `funder` is a party
    number. `issuer_share` is in basis points of the interest and only for shared interest. `issuer_ceiling`
    is the most interest (fen, for all that is priced together) that the issuer has signed for: needed
    wherever the issuer bears interest, and what is above it falls to the supplier.
    """

    recourse: bool
    funder: int
    rate: Percent
    basis: DayCount
    value_day: Day
    due_day: Day
    fee: Fee = FREE
    bearer: Bearer = Bearer.SUPPLIER
    issuer_share: int = 0
    issuer_ceiling: Fen | None = None

    def __post_init__(self) -> None:
        if not 0 < self.funder < 2**32:
            raise InputError(f"funder {self.funder} is not a party number (1 to {2**32 - 1})")
        if not 0 <= self.rate <= MAX_RATE or self.rate != self.rate.quantize(_YIELD_STEP):
            raise InputError(f"rate {self.rate} is not 0 to {MAX_RATE} % a year with at most four decimals")
        if self.value_day >= self.due_day:
            raise InputError(
                f"value day {date_of_day(self.value_day)} is not before "
                f"the due day {date_of_day(self.due_day)}"
            )
        if self.bearer is Bearer.SHARED and not 0 < self.issuer_share < BASIS_POINTS:
            raise InputError(
                f"shared interest: the issuer's share of {self.issuer_share} basis points is not between 0 "
                f"and {BASIS_POINTS}; where one side bears all, name that side"
            )
        if self.bearer is not Bearer.SHARED and self.issuer_share != 0:
            raise InputError(
                f"a share is only for shared interest, here the {self.bearer.value} bears it all"
            )
        if self.bearer is Bearer.SUPPLIER and self.issuer_ceiling is not None:
            raise InputError("an issuer's ceiling is only for interest that the issuer bears or shares")
        if self.bearer is not Bearer.SUPPLIER and (self.issuer_ceiling is None or self.issuer_ceiling < 0):
            raise InputError(
                "interest at the issuer's cost needs the ceiling that the issuer signed, not below 0"
            )


@dataclass(frozen=True, slots=True)
class Part:
    """What one voucher of a lot, or one funder of several, has of the whole, in fen.

    `proceeds` go to the supplier. interest = supplier_interest + issuer_interest, and proceeds = face -
    supplier_interest - fee.
    """

    face: Fen
    interest: Fen
    fee: Fen
    supplier_interest: Fen
    issuer_interest: Fen
    proceeds: Fen


@dataclass(frozen=True, slots=True)
class Price(Part):
    """A face priced on its own. `days` on the quote's basis; `true_yield` in percent a year, 4 decimals."""

    days: int
    true_yield: Decimal


@dataclass(frozen=True, slots=True)
class PricedLot:
    """Vouchers priced as one: the price of the whole, and each one's part in the order given."""

    whole: Price
    parts: tuple[Part, ...]


def price(face: Fen, quote: Quote) -> Price:
    """Price one face (fen).

    Interest rounds half a fen up, which favours the funder. Of shared interest the supplier's share rounds
    down and the issuer bears the rest, which favours the supplier; the issuer's is then cut at the ceiling.
    The true yield is interest / (face - interest) x year / days, fee left out, half up, for display alone.
    Raises InputError for a face that is not above 0 and where nothing would be left to pay out.
    """
    if face <= 0:
        raise InputError(f"face {yuan(face)} yuan: only an amount above 0 can be discounted")
    days = days_between(quote.value_day, quote.due_day, quote.basis)
    year = quote.basis.year_days
    rate = int(quote.rate * _RATE_UNITS)
    interest = half_up(face * rate * days, 100 * _RATE_UNITS * year)
    supplier_interest, issuer_interest = _divide_interest(interest, quote)
    fee = quote.fee.of(face)
    proceeds = Fen(face - supplier_interest - fee)
    if proceeds <= 0 or interest >= face:
        raise InputError(
            f"face {yuan(face)} yuan less interest {yuan(interest)} and fee {yuan(fee)}: "
            "nothing is left to pay out"
        )
    per_step = half_up(interest * year * 100 * _RATE_UNITS, (face - interest) * days) if days else 0
    return Price(
        face=face,
        interest=interest,
        fee=fee,
        supplier_interest=supplier_interest,
        issuer_interest=issuer_interest,
        proceeds=proceeds,
        days=days,
        true_yield=per_step * _YIELD_STEP,
    )


def annual_cost(whole: Part, quote: Quote) -> Decimal:
    """What the sale costs its seller a year, interest and fee together: (face - proceeds) / proceeds x 365 / days.

    In percent with 4 decimals, half up; `days` are calendar days from value day to due day whatever the quote's basis,
    so that quotes on different bases can be laid side by side. For display alone, nothing is computed from it.
    """
    days = quote.due_day - quote.value_day
    steps = half_up((whole.face - whole.proceeds) * 365 * 100 * _RATE_UNITS, whole.proceeds * days)
    return steps * _YIELD_STEP


def price_lot(faces: Sequence[Fen], quote: Quote) -> PricedLot:
    """Price several vouchers (fen) as one lot, so that they bear together what the whole would.

    The whole's interest and fee are given to the vouchers by largest remainder over their faces; the rounding
    favours nobody in sum. The minimum fee is asked once. InputError as for `price`, and for an empty lot.
    """
    if not faces or any(face <= 0 for face in faces):
        raise InputError(f"faces {list(faces)} (fen): a lot has at least one voucher, each above 0")
    whole = price(Fen(sum(faces)), quote)
    return PricedLot(whole=whole, parts=_parts(whole, faces, faces))


def share_over_funders(whole: Price, shares: Sequence[int]) -> tuple[Part, ...]:
    """Divide one price over several funders by basis points that make 10,000, by largest remainder."""
    if sum(shares) != BASIS_POINTS or any(share <= 0 for share in shares):
        raise InputError(
            f"shares {list(shares)} (basis points): each must be above 0 and together they must make "
            f"{BASIS_POINTS}, they make {sum(shares)}"
        )
    return _parts(whole, allocate(whole.face, shares), shares)


def parse_share(text: str) -> int:
    """Read a share in percent with at most two decimals, such as `33.34`, as basis points."""
    share = parse_rate(text) * 100
    if share != int(share):
        raise InputError(f"share {shown(text)}: give percent with at most two decimals, such as 33.34")
    return int(share)


def to_json(quote: Quote) -> str:
    """The quote as canonical JSON: sorted keys, no blanks, ASCII. This text is what the hash is over."""
    return json.dumps(
        {
            "schema": SCHEMA,
            "recourse": quote.recourse,
            "funder": quote.funder,
            "rate_percent": f"{quote.rate:.4f}",
            "basis": quote.basis.value,
            "value_day": date_of_day(quote.value_day).isoformat(),
            "due_day": date_of_day(quote.due_day).isoformat(),
            "fee_basis_points": quote.fee.basis_points,
            "fee_minimum_fen": quote.fee.minimum,
            "bearer": quote.bearer.value,
            "issuer_share_basis_points": quote.issuer_share,
            "issuer_ceiling_fen": quote.issuer_ceiling,
        },
        sort_keys=True,
        separators=(",", ":"),
    )


LONGEST_JSON: Final = 2_000
"""Characters; a quote has about 300."""


def from_json(text: str) -> Quote:
    """Read what `to_json` wrote; InputError unless it is exactly that, byte for byte."""
    try:
        cells = json_of(text, most_bytes=LONGEST_JSON)
    except InputError as unread:
        raise InputError(f"quote {shown(text)} cannot be read: {unread}") from None
    try:
        ceiling = cells["issuer_ceiling_fen"]
        quote = Quote(
            recourse=cells["recourse"],
            funder=int(cells["funder"]),
            rate=parse_rate(cells["rate_percent"]),
            basis=DayCount(cells["basis"]),
            value_day=day_of_date(parse_date(cells["value_day"])),
            due_day=day_of_date(parse_date(cells["due_day"])),
            fee=Fee(int(cells["fee_basis_points"]), Fen(int(cells["fee_minimum_fen"]))),
            bearer=Bearer(cells["bearer"]),
            issuer_share=int(cells["issuer_share_basis_points"]),
            issuer_ceiling=None if ceiling is None else Fen(int(ceiling)),
        )
        exact = to_json(quote) == text
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        raise InputError(f"quote {shown(text)} cannot be read: {type(error).__name__}: {error}") from None
    if not exact or not isinstance(quote.recourse, bool):
        raise InputError(
            f"quote {shown(text)} is not in canonical form, so its hash cannot be the one on chain"
        )
    return quote


def quote_hash(quote: Quote, salt: bytes) -> QuoteHash:
    """keccak-256 over the canonical JSON and 32 random bytes.

    The salt keeps a guessable rate from being found by trying; who shows the quote shows the salt with it.
    """
    if len(salt) != SALT_BYTES:
        raise InputError(f"a salt has {SALT_BYTES} bytes, this one has {len(salt)}")
    return QuoteHash(keccak(to_json(quote).encode("ascii") + salt))


def _divide_interest(interest: Fen, quote: Quote) -> tuple[Fen, Fen]:
    if quote.issuer_ceiling is None:
        return interest, _NOTHING
    share = BASIS_POINTS if quote.bearer is Bearer.ISSUER else quote.issuer_share
    rounded_down = interest * (BASIS_POINTS - share) // BASIS_POINTS
    issuer = min(interest - rounded_down, quote.issuer_ceiling)
    return Fen(interest - issuer), Fen(issuer)


def _parts(whole: Price, faces: Sequence[Fen], weights: Sequence[int]) -> tuple[Part, ...]:
    interests = allocate(whole.interest, weights)
    fees = allocate(whole.fee, weights)
    # By each part's interest, not by the weights: only so is no part's issuer interest above its interest.
    issuers = allocate(whole.issuer_interest, interests) if whole.interest else interests
    parts = tuple(
        Part(
            face=face,
            interest=interest,
            fee=fee,
            supplier_interest=Fen(interest - issuer),
            issuer_interest=issuer,
            proceeds=Fen(face - interest + issuer - fee),
        )
        for face, interest, fee, issuer in zip(faces, interests, fees, issuers, strict=True)
    )
    for number, part in enumerate(parts, start=1):
        if part.proceeds <= 0:
            raise InputError(
                f"part {number} of {yuan(part.face)} yuan: interest and fee leave nothing to pay out"
            )
    return parts
