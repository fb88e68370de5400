"""Payment instructions as ISO 20022 pain.001.001.09 (customer credit transfer initiation), which a bank's payment
system takes in.

The same payments always give the same bytes: nothing in the file is drawn or taken from a clock. The names by which the
bank answers are `message` and each payment's `end_to_end`. Texts are cut nowhere: what is longer than the standard
allows is refused. Only CNY, one debtor, one day.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ledger.calendar import Day, date_of_day, utc
from ledger.errors import InputError
from ledger.money import Fen, shown, yuan

NAMESPACE: Final = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"
MEDIA_TYPE: Final = "application/xml"
_CURRENCY: Final = "CNY"
_NAME: Final = re.compile("[A-Za-z0-9-]{1,35}")
"""What an identifier may be, here stricter than the standard's Max35Text."""
_CONTROL: Final = re.compile("[\x00-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_LONGEST: Final = 140
_LONGEST_ACCOUNT: Final = 34


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose account."""

    name: str
    account: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """One payment. `purpose`: what the payee reads."""

    end_to_end: str
    to: Owner
    amount: Fen
    purpose: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Instructions:
    """All payments of one debtor on one day. `made_at`: Unix seconds."""

    message: str
    made_at: int
    debtor: Owner
    value_day: Day
    payments: Sequence[Payment]


def instructions_xml(given: Instructions) -> bytes:
    """The file, in UTF-8. InputError for no payment, and for what the standard has no room for."""
    if not given.payments:
        raise InputError("there is nothing to pay")
    count, total = str(len(given.payments)), _amount(Fen(sum(each.amount for each in given.payments)))
    document = ElementTree.Element("Document", {"xmlns": NAMESPACE})
    message = ElementTree.SubElement(document, "CstmrCdtTrfInitn")
    header = ElementTree.SubElement(message, "GrpHdr")
    _add(header, "MsgId", _name(given.message))
    _add(header, "CreDtTm", utc(given.made_at))
    _add(header, "NbOfTxs", count)
    _add(header, "CtrlSum", total)
    _add(header, "InitgPty/Nm", _text(given.debtor.name))
    block = ElementTree.SubElement(message, "PmtInf")
    _add(block, "PmtInfId", _name(given.message))
    _add(block, "PmtMtd", "TRF")
    _add(block, "BtchBookg", "false")
    _add(block, "NbOfTxs", count)
    _add(block, "CtrlSum", total)
    _add(block, "ReqdExctnDt/Dt", date_of_day(given.value_day).isoformat())
    _add(block, "Dbtr/Nm", _text(given.debtor.name))
    _account(block, "DbtrAcct", given.debtor)
    _add(block, "DbtrAgt/FinInstnId/Nm", _text(given.debtor.name))
    for payment in given.payments:
        _transfer(block, payment)
    ElementTree.indent(document)
    written: bytes = ElementTree.tostring(document, encoding="UTF-8", xml_declaration=True)
    return written + b"\n"


def _transfer(block: ElementTree.Element, payment: Payment) -> None:
    transfer = ElementTree.SubElement(block, "CdtTrfTxInf")
    _add(transfer, "PmtId/EndToEndId", _name(payment.end_to_end))
    _add(transfer, "Amt/InstdAmt", _amount(payment.amount)).set("Ccy", _CURRENCY)
    _add(transfer, "Cdtr/Nm", _text(payment.to.name))
    _account(transfer, "CdtrAcct", payment.to)
    _add(transfer, "RmtInf/Ustrd", _text(payment.purpose))


def _account(parent: ElementTree.Element, name: str, owner: Owner) -> None:
    number = "".join(owner.account.split())
    if not 0 < len(number) <= _LONGEST_ACCOUNT:
        raise InputError(f"account {shown(owner.account)}: give 1 to {_LONGEST_ACCOUNT} characters")
    account = ElementTree.SubElement(parent, name)
    _add(account, "Id/Othr/Id", _text(number))
    _add(account, "Ccy", _CURRENCY)


def _add(parent: ElementTree.Element, path: str, text: str) -> ElementTree.Element:
    for name in path.split("/"):
        parent = ElementTree.SubElement(parent, name)
    parent.text = text
    return parent


def _amount(amount: Fen) -> str:
    if amount <= 0:
        raise InputError(f"{yuan(amount)} yuan cannot be paid")
    return yuan(amount).replace(",", "")


def _name(text: str) -> str:
    if _NAME.fullmatch(text) is None:
        raise InputError(f"{shown(text)} is no name of a payment: give 1 to 35 letters and digits")
    return text


def _text(text: str) -> str:
    if not 0 < len(text) <= _LONGEST or _CONTROL.search(text):
        raise InputError(f"{shown(text)}: give 1 to {_LONGEST} characters that can be printed")
    return text
