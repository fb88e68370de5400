"""Payment instructions: valid against the standard's schema, the same bytes each time, refused where they do not fit.

The schema is the one that the package sepaxml brings along.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from importlib.resources import as_file, files
from typing import Any

import pytest
import xmlschema

from ledger.calendar import Day
from ledger.errors import InputError
from ledger.money import Fen
from ledger.payment_file import NAMESPACE, Instructions, Owner, Payment, instructions_xml

PAYMENT = Payment(
    end_to_end="TS0123456789ABCDEF",
    to=Owner("甲零件厂 <A & Söhne>", "6222 0000 0000 0000 011"),
    amount=Fen(98_500_001),
    purpose="0x" + "ab" * 32 + " 登记编号 08123456001234567890",
)
GIVEN = Instructions(
    message="0b6ff2c2d1e54b0c9a3f5d7e8c1b2a30",
    made_at=1_790_000_000,
    debtor=Owner("江南银行", "6222000000000000002"),
    value_day=Day(20_700),
    payments=[PAYMENT, replace(PAYMENT, end_to_end="TS2", amount=Fen(1))],
)


@pytest.fixture(scope="module")
def schema() -> xmlschema.XMLSchema:
    with as_file(files("sepaxml").joinpath("schemas", "pain.001.001.09.xsd")) as path:
        return xmlschema.XMLSchema(path)


@pytest.mark.parametrize(
    "changed",
    [
        {"payments": []},
        {"message": "x" * 36},
        {"message": "é"},
        {"debtor": Owner("", "1")},
        {"debtor": Owner("x" * 141, "1")},
        {"debtor": Owner("a\x00b", "1")},
        {"debtor": Owner("x", "")},
        {"debtor": Owner("x", "1" * 35)},
        {"payments": [replace(PAYMENT, amount=Fen(0))]},
        {"payments": [replace(PAYMENT, amount=Fen(-1))]},
        {"payments": [replace(PAYMENT, end_to_end="a b")]},
        {"payments": [replace(PAYMENT, purpose="\ud800")]},
    ],
    ids=str,
)
def test_what_the_standard_has_no_room_for_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        instructions_xml(replace(GIVEN, **changed))


def test_the_file_is_valid_against_the_schema(schema: xmlschema.XMLSchema) -> None:
    written = instructions_xml(GIVEN)
    schema.validate(written.decode())
    assert not schema.is_valid(written.decode().replace("<PmtMtd>TRF</PmtMtd>", ""))


def test_every_amount_and_name_is_in_it_and_the_totals_agree(schema: xmlschema.XMLSchema) -> None:
    read: Any = schema.to_dict(instructions_xml(GIVEN).decode(), decimal_type=str)
    message = read["CstmrCdtTrfInitn"]
    block = message["PmtInf"][0]
    assert read["@xmlns"] == NAMESPACE
    assert (message["GrpHdr"]["NbOfTxs"], message["GrpHdr"]["CtrlSum"]) == ("2", "985000.02")
    assert (block["NbOfTxs"], block["CtrlSum"]) == ("2", "985000.02")
    amounts = [each["Amt"]["InstdAmt"]["$"] for each in block["CdtTrfTxInf"]]
    assert sum(map(Decimal, amounts)) == Decimal("985000.02")
    first = block["CdtTrfTxInf"][0]
    assert first["Cdtr"]["Nm"] == PAYMENT.to.name
    assert first["CdtrAcct"]["Id"]["Othr"]["Id"] == "6222000000000000011"
    assert first["Amt"]["InstdAmt"]["@Ccy"] == "CNY"
    assert first["PmtId"]["EndToEndId"] == PAYMENT.end_to_end
    assert first["RmtInf"]["Ustrd"] == [PAYMENT.purpose]


def test_the_same_payments_give_the_same_bytes() -> None:
    assert instructions_xml(GIVEN) == instructions_xml(replace(GIVEN))
    assert instructions_xml(GIVEN) != instructions_xml(replace(GIVEN, made_at=GIVEN.made_at + 1))
