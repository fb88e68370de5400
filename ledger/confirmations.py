"""What a bank's own systems say of payments that they were told to make.

    camt.053   the account's statement: each booked debit
    pain.002   the payment system's report: settled, rejected, or still under way
    CSV        the statement as a table (`statement.py`)

Files come from outside: a document type, entities, another encoding than the library's, too much, too deep or too long
is refused, and nothing of such a file is given out. What names no payment of ours is for the caller to sort out.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from ledger.calendar import Day, day_of, day_of_date, parse_date
from ledger.errors import InputError
from ledger.money import Fen, parse_yuan, shown
from ledger.statement import Direction, read_statement

MOST_BYTES: Final = 4 << 20
MOST_ELEMENTS: Final = 200_000
MOST_DEPTH: Final = 24
MOST_ENTRIES: Final = 2_000
_STATEMENT: Final = "urn:iso:std:iso:20022:tech:xsd:camt.053.001."
_REPORT: Final = "urn:iso:std:iso:20022:tech:xsd:pain.002.001."
_OWN_AMOUNT: Final = ("Amt", "AmtDtls/TxAmt/Amt")
"""Where a detail says its amount: older versions of camt.053 have the second alone."""
_SETTLED: Final = ("ACSC", "ACCC")
"""The payment is booked on the debtor's, or on the creditor's account."""
_REJECTED: Final = ("RJCT", "CANC")


class Said(StrEnum):
    """What the bank says of a payment."""

    PAID = "paid"
    REJECTED = "rejected"
    PENDING = "pending"
    RETURNED = "returned"


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """One entry. `place`: its number in the file, the first is 1. `amount` None where it is not said (fen);
    `reference`: the bank's own, "" where there is none; `reason` of a rejection."""

    place: int
    said: Said
    end_to_end: str
    amount: Fen | None
    value_day: Day | None
    reference: str
    reason: str = ""
    booked: bool = True
    """In a statement, which says the amount of each payment; a report may leave it out."""


def read_confirmations(content: bytes) -> list[Confirmation]:
    """The entries of a file, whichever of the three it is. InputError; FileError for a table with bad cells."""
    if len(content) > MOST_BYTES:
        raise InputError(f"longer than {MOST_BYTES:,} bytes: give the confirmations of one day")
    found = (
        _of_xml(content) if content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") else _of_table(content)
    )
    if len(found) > MOST_ENTRIES:
        raise InputError(f"more than {MOST_ENTRIES:,} entries: give the file in parts")
    return found


def _of_table(content: bytes) -> list[Confirmation]:
    return [
        Confirmation(
            place=place,
            said=Said.PAID if entry.direction is Direction.DEBIT else Said.RETURNED,
            end_to_end=entry.reference,
            amount=entry.amount,
            value_day=day_of_date(entry.value_on),
            reference=entry.entry_id,
        )
        for place, entry in enumerate(read_statement(content, name="the confirmations"), start=1)
    ]


# XML


def _of_xml(content: bytes) -> list[Confirmation]:
    root = _document(content)
    namespace = root.tag[1:].partition("}")[0] if root.tag.startswith("{") else ""
    if namespace.startswith(_STATEMENT):
        entries = list(_statement(root))
    elif namespace.startswith(_REPORT):
        entries = list(_report(root))
    else:
        raise InputError(f"namespace {shown(namespace)}: give camt.053, pain.002 or a table")
    return entries


def _document(content: bytes) -> Element:
    """The root, read whole. InputError for what is no XML, and for what is made to do harm."""
    depth = count = 0
    root: Element | None = None
    try:
        for event, element in iterparse(io.BytesIO(content), events=("start", "end"), forbid_dtd=True):
            if event == "end":
                depth -= 1
                continue
            root = element if root is None else root
            depth, count = depth + 1, count + 1
            if depth > MOST_DEPTH or count > MOST_ELEMENTS:
                raise InputError("more elements, or deeper ones, than a confirmation has")
    except (ParseError, DefusedXmlException, ValueError, LookupError) as unread:
        raise InputError(f"no XML that is read here: {type(unread).__name__}") from None
    if root is None:
        raise InputError("no XML that is read here: it is empty")
    return root


def _statement(root: Element) -> Iterator[Confirmation]:
    place = 0
    for entry in root.iterfind("{*}BkToCstmrStmt/{*}Stmt/{*}Ntry"):
        details = entry.findall("{*}NtryDtls/{*}TxDtls") or [entry]
        for one in details:
            place += 1
            debit = _first(entry, "CdtDbtInd") == "DBIT"
            reversal = _first(entry, "RvslInd") in ("true", "1")
            booked = _first(entry, "Sts/Cd") or _first(entry, "Sts")
            name = _first(one, "Refs/EndToEndId")
            # The entry's amount is that of all its details together: it stands for one only where it is alone.
            alone = one if len(details) > 1 or any(_first(one, path) for path in _OWN_AMOUNT) else entry
            path = next((path for path in _OWN_AMOUNT if _first(alone, path)), "Amt")
            said = Said.PAID if debit and not reversal else Said.RETURNED
            with _named(place, name):
                amount = _amount(alone, path)
                day = _day(_first(entry, "ValDt/Dt") or _first(entry, "ValDt/DtTm"))
            yield Confirmation(
                place=place,
                said=said if booked == "BOOK" else Said.PENDING,
                end_to_end=name,
                amount=amount,
                value_day=day,
                reference=(
                    _first(one, "Refs/AcctSvcrRef")
                    or _first(entry, "AcctSvcrRef")
                    or _first(entry, "NtryRef")
                ),
            )


def _report(root: Element) -> Iterator[Confirmation]:
    made = _first(root, "CstmrPmtStsRpt/GrpHdr/CreDtTm")
    found = root.iterfind("{*}CstmrPmtStsRpt/{*}OrgnlPmtInfAndSts/{*}TxInfAndSts")
    for place, one in enumerate(found, start=1):
        status = _first(one, "TxSts")
        settled = _first(one, "FctvIntrBkSttlmDt/Dt") or _first(one, "AccptncDtTm") or made
        reason = _first(one, "StsRsnInf/Rsn/Cd") or _first(one, "StsRsnInf/Rsn/Prtry")
        name = _first(one, "OrgnlEndToEndId")
        with _named(place, name):
            amount, day = _amount(one, "OrgnlTxRef/Amt/InstdAmt"), _day(settled)
        said = Said.PENDING
        if status in _SETTLED:
            said = Said.PAID
        elif status in _REJECTED:
            said = Said.REJECTED
        yield Confirmation(
            place=place,
            said=said,
            end_to_end=name,
            amount=amount,
            value_day=day,
            booked=False,
            reference=_first(one, "AcctSvcrRef"),
            reason=" ".join(part for part in (reason, _first(one, "StsRsnInf/AddtlInf")) if part)[:200],
        )


@contextmanager
def _named(place: int, end_to_end: str) -> Iterator[None]:
    """Says of which entry an InputError is."""
    try:
        yield
    except InputError as unread:
        raise InputError(f"entry {place}, payment {shown(end_to_end)}: {unread}") from None


def _first(parent: Element, path: str) -> str:
    found = parent.find("/".join(f"{{*}}{name}" for name in path.split("/")))
    return "" if found is None or found.text is None else found.text.strip()


def _amount(parent: Element, path: str) -> Fen | None:
    text = _first(parent, path)
    if not text:
        return None
    found = parent.find("/".join(f"{{*}}{name}" for name in path.split("/")))
    if found is not None and found.get("Ccy", "CNY") != "CNY":
        raise InputError(f"amount in {shown(str(found.get('Ccy')))}: only CNY is paid here")
    whole, _, cents = text.partition(".")
    if len(cents) > 2:
        cents = cents.rstrip("0").ljust(2, "0")
    return parse_yuan(f"{whole}.{cents.ljust(2, '0')}")


def _day(text: str) -> Day | None:
    """A date, or a moment with its offset, as a China-time day; a moment without one is China time."""
    if not text:
        return None
    if len(text) == 10:
        return day_of_date(parse_date(text))
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(f"{shown(text)} is no moment") from None
    if moment.tzinfo is None:
        return day_of_date(moment.date())
    return day_of(int(moment.timestamp()))
