"""The public register of enterprises, as far as an application is compared with it: name, status, legal representative.

    FileRegister   a CSV file that somebody keeps: code, name, status, legal_representative
    HttpRegister   a service: GET <address>/<code> answers with those members as JSON, or 404
    differences    what an application says otherwise than the register

A register that cannot be asked is an error and no answer: nobody is admitted because a service was away.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from ledger.errors import FileError, InputError, RowProblem, TallystickError
from ledger.negotiation.asking import MOST_BYTES, Unanswered, ask
from ledger.outside import json_of

REGISTER: Final = "TALLYSTICK_BUSINESS_REGISTER"
"""The setting that names it: an http(s) address or a CSV file."""
ACTIVE: Final = "active"
STATUSES: Final = (ACTIVE, "suspended", "revoked", "deregistered")
COLUMNS: Final = ("code", "name", "status", "legal_representative")


class RegisterUnusable(TallystickError):
    """The register cannot be asked at present."""


@dataclass(frozen=True, slots=True)
class Registered:
    """What the register says of one enterprise."""

    code: str
    name: str
    status: str
    legal_representative: str


class BusinessRegister(Protocol):
    """Whoever can look enterprises up."""

    def look_up(self, code: str) -> Registered | None:
        """The enterprise with this credit code, None where there is none; RegisterUnusable."""
        ...


class FileRegister:
    """A register in a CSV file, read anew each time that it is asked."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def look_up(self, code: str) -> Registered | None:
        """FileError for a file with bad rows; RegisterUnusable where it cannot be read."""
        try:
            with self._path.open(encoding="utf-8", newline="") as file:
                rows = list(csv.DictReader(file))
        except OSError as missing:
            raise RegisterUnusable(f"the register {self._path} cannot be read: {missing.strerror}") from None
        problems = [
            RowProblem(number, column, f"{row.get(column)!r} is no {column}")
            for number, row in enumerate(rows, start=2)
            for column in COLUMNS
            if not row.get(column) or (column == "status" and row[column] not in STATUSES)
        ]
        if problems:
            raise FileError(str(self._path), problems)
        return next(
            (Registered(**{name: row[name] for name in COLUMNS}) for row in rows if row["code"] == code), None
        )


class HttpRegister:
    """A register behind HTTP."""

    def __init__(self, address: str) -> None:
        self._address = address.rstrip("/")

    def look_up(self, code: str) -> Registered | None:
        """RegisterUnusable for anything but an enterprise's record or 404."""
        try:
            status, content = ask(f"{self._address}/{code}")
        except Unanswered as away:
            raise RegisterUnusable(f"the register cannot be reached ({away.why})") from None
        if status == 404:
            return None
        if status != 200:
            raise RegisterUnusable(f"the register answered with status {status}")
        try:
            read = json_of(content, most_bytes=MOST_BYTES)
            found = Registered(**{name: str(read[name]) for name in COLUMNS})
        except (InputError, KeyError, TypeError):
            raise RegisterUnusable("the register answered with something else than a record") from None
        if found.code != code or found.status not in STATUSES:
            raise RegisterUnusable("the register answered with another record than the one asked for")
        return found


def register_at(place: str) -> BusinessRegister:
    """The register that a setting names: an http(s) address or a file."""
    return HttpRegister(place) if place.startswith(("http://", "https://")) else FileRegister(Path(place))


@dataclass(frozen=True, slots=True)
class Difference:
    """One member that the register has otherwise; `registered` is empty where it knows no such enterprise."""

    member: str
    given: str
    registered: str


def differences(
    register: BusinessRegister, *, code: str, name: str, legal_representative: str
) -> list[Difference]:
    """What keeps an enterprise from being what it says. The errors of `look_up`."""
    found = register.look_up(code)
    if found is None:
        return [Difference("code", code, "")]
    pairs = (
        ("name", name, found.name),
        ("legal_representative", legal_representative, found.legal_representative),
        ("status", ACTIVE, found.status),
    )
    return [Difference(*pair) for pair in pairs if pair[1] != pair[2]]
