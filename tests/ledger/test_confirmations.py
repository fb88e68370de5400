"""What banks answer: statement, report and table give the same entries, and hostile files give none."""

from __future__ import annotations

import pytest

from ledger.calendar import Day, day_of_date, parse_date
from ledger.confirmations import MOST_BYTES, Confirmation, Said, read_confirmations
from ledger.errors import FileError, InputError
from ledger.money import Fen

DAY = day_of_date(parse_date("2026-06-30"))
STATEMENT = """<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt>
 <GrpHdr><MsgId>1</MsgId></GrpHdr>
 <Stmt><Id>1</Id>{entries}</Stmt>
</BkToCstmrStmt></Document>"""
ENTRY = """<Ntry><NtryRef>N1</NtryRef><Amt Ccy="CNY">{amount}</Amt><CdtDbtInd>{way}</CdtDbtInd>{more}
 <Sts><Cd>{status}</Cd></Sts><ValDt><Dt>2026-06-30</Dt></ValDt><AcctSvcrRef>B 77</AcctSvcrRef>
 <NtryDtls><TxDtls><Refs><EndToEndId>{name}</EndToEndId></Refs></TxDtls></NtryDtls></Ntry>"""
REPORT = """<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"><CstmrPmtStsRpt>
 <GrpHdr><MsgId>1</MsgId><CreDtTm>2026-06-29T17:00:00Z</CreDtTm></GrpHdr>
 <OrgnlPmtInfAndSts><OrgnlPmtInfId>1</OrgnlPmtInfId>
 <TxInfAndSts><OrgnlEndToEndId>TS1</OrgnlEndToEndId><TxSts>ACSC</TxSts><AcctSvcrRef>B 77</AcctSvcrRef>
  <OrgnlTxRef><Amt><InstdAmt Ccy="CNY">985.00</InstdAmt></Amt></OrgnlTxRef></TxInfAndSts>
 <TxInfAndSts><OrgnlEndToEndId>TS2</OrgnlEndToEndId><TxSts>RJCT</TxSts>
  <StsRsnInf><Rsn><Cd>AC04</Cd></Rsn><AddtlInf>closed account</AddtlInf></StsRsnInf></TxInfAndSts>
 <TxInfAndSts><OrgnlEndToEndId>TS3</OrgnlEndToEndId><TxSts>ACSP</TxSts></TxInfAndSts>
 </OrgnlPmtInfAndSts></CstmrPmtStsRpt></Document>"""


def statement(*entries: str) -> bytes:
    return STATEMENT.format(entries="".join(entries)).encode()


def entry(name: str = "TS1", *, amount: str = "985.00", way: str = "DBIT", **more: str) -> str:
    return ENTRY.format(name=name, amount=amount, way=way, **{"status": "BOOK", "more": "", **more})


# ---- files that do harm ------------------------------------------------------------------------------------

BOMB = b"""<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08">&b;</Document>"""
OUTSIDE = b"""<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt>&a;</BkToCstmrStmt></Document>"""
PARAMETER = b"""<!DOCTYPE x [<!ENTITY % p SYSTEM "http://127.0.0.1:9/x.dtd"> %p;]><Document/>"""


@pytest.mark.parametrize(
    "content",
    [
        BOMB,
        OUTSIDE,
        PARAMETER,
        b"<",
        b"<Document>",
        b"<Document/>",
        b"<a/><b/>",
        b'<?xml version="1.0" encoding="GB18030"?><Document/>',
        b'<?xml version="1.0" encoding="no-such"?><Document/>',
        b"<Document>\xff\xfe</Document>",
        b"<Document>\x00</Document>",
        b"<Document>&#0;</Document>",
        b'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pacs.008.001.08"/>',
        b" " * (MOST_BYTES + 1),
        b"PK\x03\x04" + b"\x00" * 100,
        b"\x1f\x8b\x08\x00",
        b"",
        b"\xff\xff\xff",
    ],
    ids=lambda content: repr(content[:30]),
)
def test_a_file_that_is_none_or_does_harm_gives_nothing(content: bytes) -> None:
    with pytest.raises((InputError, FileError)):
        read_confirmations(content)


@pytest.mark.parametrize("more", ["<a>" * 1_000 + "</a>" * 1_000, "<b/>" * 200_001], ids=["deep", "many"])
def test_a_statement_with_too_much_in_it_is_not_read_to_its_end(more: str) -> None:
    with pytest.raises(InputError, match="deeper"):
        read_confirmations(statement(more, entry()))


@pytest.mark.parametrize("amount", ["-1.00", "1e3", "1.005", "NaN", "", "1,00", "１.00", "9" * 30])
def test_an_amount_that_is_none_is_refused_or_left_out(amount: str) -> None:
    if amount == "":
        assert read_confirmations(statement(entry(amount=amount)))[0].amount is None
        return
    with pytest.raises(InputError):
        read_confirmations(statement(entry(amount=amount)))


def test_another_currency_is_refused() -> None:
    with pytest.raises(InputError, match="USD"):
        read_confirmations(statement(entry().replace("CNY", "USD")))


def test_a_bad_entry_is_named_with_its_place_and_payment() -> None:
    for wrong in (entry("TS2", amount="1.005"), entry("TS2").replace("CNY", "USD")):
        with pytest.raises(InputError, match="entry 2, payment 'TS2': "):
            read_confirmations(statement(entry(), wrong))
    with pytest.raises(InputError, match=r"entry 1, payment 'TS1': .*USD"):
        read_confirmations(REPORT.replace("CNY", "USD").encode())


def test_more_entries_than_a_day_has_are_refused() -> None:
    with pytest.raises(InputError, match="parts"):
        read_confirmations(statement(*[entry()] * 2_001))


# ---- files that are good -----------------------------------------------------------------------------------


def test_a_statement_gives_booked_debits_and_says_what_the_others_are() -> None:
    found = read_confirmations(
        statement(
            entry(),
            entry("TS2", way="CRDT"),
            entry("TS3", status="PDNG"),
            entry("TS4", more="<RvslInd>true</RvslInd>"),
            entry("TS5", amount="985.000"),
        )
    )
    assert [(each.end_to_end, each.said) for each in found] == [
        ("TS1", Said.PAID),
        ("TS2", Said.RETURNED),
        ("TS3", Said.PENDING),
        ("TS4", Said.RETURNED),
        ("TS5", Said.PAID),
    ]
    assert found[0] == Confirmation(
        place=1,
        said=Said.PAID,
        end_to_end="TS1",
        amount=Fen(98_500),
        value_day=DAY,
        reference="B 77",
    )
    assert found[4].amount == 98_500


def test_of_an_entry_with_several_details_each_has_its_own_amount() -> None:
    both = entry().replace(
        "<TxDtls><Refs><EndToEndId>TS1</EndToEndId></Refs></TxDtls>",
        '<TxDtls><Refs><EndToEndId>TS1</EndToEndId></Refs><Amt Ccy="CNY">1.00</Amt></TxDtls>'
        "<TxDtls><Refs><EndToEndId>TS2</EndToEndId></Refs></TxDtls>",
    )
    found = read_confirmations(statement(both))
    assert [(each.end_to_end, each.amount) for each in found] == [("TS1", 100), ("TS2", None)]


def test_a_detail_of_an_older_version_has_its_amount_further_in() -> None:
    older = "<AmtDtls><TxAmt><Amt Ccy='CNY'>{}</Amt></TxAmt></AmtDtls></TxDtls>"
    both = (
        entry()
        .replace("</TxDtls>", older.format("1.00"))
        .replace(
            "</NtryDtls>",
            f"<TxDtls><Refs><EndToEndId>TS2</EndToEndId></Refs>{older.format('2.00')}</NtryDtls>",
        )
    )
    assert [each.amount for each in read_confirmations(statement(both))] == [100, 200]


def test_a_report_gives_settled_rejected_and_pending_ones() -> None:
    paid, rejected, pending = read_confirmations(REPORT.encode())
    assert (paid.said, paid.amount, paid.reference) == (Said.PAID, 98_500, "B 77")
    assert paid.value_day == DAY  # 17:00 UTC is the next day in China
    assert (rejected.said, rejected.reason) == (Said.REJECTED, "AC04 closed account")
    assert pending.said is Said.PENDING


def test_a_table_gives_the_same_entries() -> None:
    table = (
        "entry_id,booked_on,value_on,direction,amount,counterparty,reference\n"
        "B 77,2026-06-30,2026-06-30,debit,985.00,甲零件厂,TS1\n"
        "B 78,2026-06-30,2026-06-30,credit,985.00,甲零件厂,TS1\n"
    )
    for encoding in ("utf-8", "utf-8-sig", "gb18030"):
        paid, returned = read_confirmations(table.encode(encoding))
        assert (paid.said, paid.end_to_end, paid.amount, paid.reference) == (Said.PAID, "TS1", 98_500, "B 77")
        assert (paid.value_day, returned.said) == (Day(DAY), Said.RETURNED)
