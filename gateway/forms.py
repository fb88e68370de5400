"""How values of the domain are written in JSON: money as yuan text, days as dates, ids as text, times in UTC.

Each is read by the domain's own reader and described in the OpenAPI document with a pattern and an example. Requests
are forms: a member that is not known is refused, so that nobody can set what was not meant to be set.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from importlib.resources import files
from typing import Annotated, Any, Final, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from ledger.calendar import Day, Timestamp, date_of_day, day_of_date, parse_date
from ledger.calendar import utc as utc
from ledger.columns import hex_of
from ledger.discount import parse_share
from ledger.errors import InputError
from ledger.members import LineId, PartyNumber, VoucherId, parse_hex, parse_line, parse_voucher
from ledger.money import Fen, Percent, parse_rate, parse_yuan, yuan

T = TypeVar("T")


def _reading(read: Callable[[str], T]) -> BeforeValidator:
    def value(given: object) -> T:
        if not isinstance(given, str):
            raise ValueError("give a text")
        try:
            return read(given)
        except InputError as unread:
            raise ValueError(str(unread)) from None

    return BeforeValidator(value)


def _text(pattern: str, example: str, said: str) -> WithJsonSchema:
    return WithJsonSchema(
        {
            "type": "string",
            "pattern": pattern,
            "examples": [example],
            "description": said,
            "maxLength": 66_000,
        }
    )


def _day(text: str) -> Day:
    return day_of_date(parse_date(text))


def moment(text: str) -> Timestamp:
    """The reverse of `utc`; InputError for anything else."""
    try:
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z", text) is None:
            raise ValueError
        return Timestamp(int(datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()))
    except ValueError:
        raise InputError("give a second in UTC, such as 2026-04-15T08:00:00Z") from None


def _hex(text: str) -> bytes:
    return parse_hex(text, "value")


Yuan = Annotated[
    Fen,
    _reading(parse_yuan),
    _text(r"^[0-9]{1,15}\.[0-9]{2}$", "1234.50", "An amount in yuan, as text."),
]
OnDay = Annotated[
    Day, _reading(_day), _text(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$", "2026-09-30", "A day in China time.")
]
Moment = Annotated[
    Timestamp,
    _reading(moment),
    _text(
        r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$",
        "2026-04-15T08:00:00Z",
        "A second in UTC.",
    ),
]
RateText = Annotated[
    Percent,
    _reading(parse_rate),
    _text(r"^[0-9]{1,3}(\.[0-9]{1,4})?$", "3.60", "Percent a year, as text."),
]
ShareText = Annotated[
    int,
    _reading(parse_share),
    _text(r"^[0-9]{1,3}(\.[0-9]{1,2})?$", "40.00", "A share in percent, as text."),
]
LineText = Annotated[
    LineId, _reading(parse_line), _text(r"^[0-9]{1,10}-[0-9]{1,10}$", "2-17", "A line: bank and reference.")
]
VoucherText = Annotated[
    VoucherId,
    _reading(parse_voucher),
    _text(r"^0x[0-9a-fA-F]{64}$", "0x" + "ab" * 32, "A voucher's id."),
]
HexText = Annotated[
    bytes, _reading(_hex), _text(r"^0x([0-9a-fA-F]{2})*$", "0x1234", "Bytes: 0x and hex digits.")
]
PartyText = Annotated[
    PartyNumber, Field(strict=True, ge=1, lt=2**32, description="A party's number.", examples=[11])
]
Text = Annotated[str, Field(strict=True, max_length=2_000)]
Flag = Annotated[bool, Field(strict=True)]


class Form(BaseModel):
    """A request's body. What is not named here is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


RECORDED: Final = json.loads(files("gateway").joinpath("examples.json").read_text())
"""An answer of each kind, and of each route whose answer has none, as `python -m tests.record_examples` got it."""


def _recorded(schema: dict[str, Any], kind: type[Any]) -> None:
    example = RECORDED.get(f"{kind.__module__}.{kind.__name__}")
    if example is not None:
        schema["examples"] = [example]


def recorded(path: str, kind: str, said: str) -> dict[int | str, dict[str, Any]]:
    """How a route's answer is described that has no form of its own here: its media type and one as it was got."""
    return {200: {"content": {kind: {"example": RECORDED.get(path)}}, "description": said}}


class View(BaseModel):
    """An answer's body."""

    model_config = ConfigDict(frozen=True, json_schema_extra=_recorded)


class NamedParty(View):
    """A party, and what it is called where that is known here."""

    party: int
    name: str | None


Names = Mapping[PartyNumber, str]


def named(party: int, names: Names) -> NamedParty:
    """A party with its name."""
    return NamedParty(party=party, name=names.get(PartyNumber(party)))


def money(amount: int) -> str:
    """`1234.50`, without separators."""
    return yuan(Fen(amount)).replace(",", "")


def date_text(day: int) -> str:
    """`2026-09-30`."""
    return date_of_day(Day(day)).isoformat()


def hex_text(value: bytes | None) -> str | None:
    """0x text, or nothing."""
    return None if value is None else hex_of(value)


def examples(**members: Any) -> ConfigDict:
    """A form's configuration with an example for its readers."""
    return ConfigDict(extra="forbid", frozen=True, json_schema_extra={"examples": [members]})
