"""What tests of the bank's desk need besides: accounts, sales, days that pass."""

from __future__ import annotations

import secrets
from typing import Any

from sqlalchemy import select, update

from ledger.agreements import Discount, PartyNumber, Pledge, VoucherId
from ledger.calendar import Day, DayCount, date_of_day, is_working_day
from ledger.discount import SALT_BYTES, Quote, price, quote_hash, to_json
from ledger.members import parse_voucher
from ledger.money import Fen, parse_rate, yuan
from ledger.offer_tables import OpeningRow
from ledger.organisation_tables import OrganisationRow
from ledger.tables import VoucherRow
from tests.gateway.house import Desk, House
from tests.ledger.office import LATER, some_hash

ACCOUNTS = {
    2: "6222000000000000002",
    3: "6222000000000000003",
    11: "6222000000000000011",
    12: "=6222000000000000012",
}


def with_accounts(house: House) -> None:
    """Organisations whose accounts are known; one of them is written to be run by a spreadsheet."""
    with house.office.store.writing() as session:
        for party, number in ACCOUNTS.items():
            rows = update(OrganisationRow).where(OrganisationRow.party == party)
            session.execute(rows.values(bank_account=number))


def row_of(house: House, voucher: str) -> VoucherRow:
    with house.office.store.reading() as session:
        return session.get_one(VoucherRow, (house.office.pin.ledger, parse_voucher(voucher)))


def pledged(house: House, voucher: str, pledgee: int, secured: int) -> None:
    """A pledge that has landed; `secured` in fen."""
    row, office = row_of(house, voucher), house.office
    pledge = Pledge(
        VoucherId(parse_voucher(voucher)),
        row.sequence,
        PartyNumber(pledgee),
        Fen(secured),
        some_hash("filing"),
        Day(office.today + 90),
        LATER,
    )
    office.do(pledge, row.holder, pledgee)
    office.follow()


def sold(house: House, voucher: str, funder: int, *, quote: bytes, days: int = 10) -> None:
    """A sale that has landed, to be paid within so many days."""
    row, office = row_of(house, voucher), house.office
    sale = Discount(
        VoucherId(parse_voucher(voucher)),
        row.sequence,
        PartyNumber(funder),
        quote,
        Day(office.today + days),
        LATER,
    )
    office.do(sale, row.holder, funder)
    office.follow()


def opened_sale(house: House, voucher: str, funder: int, *, rate: str = "3.6000", days: int = 10) -> str:
    """A sale under a quote that was opened here; what the seller gets, in yuan."""
    row, today = row_of(house, voucher), house.office.today
    quote = Quote(
        recourse=False,
        funder=funder,
        rate=parse_rate(rate),
        basis=DayCount.ACT_360,
        value_day=today,
        due_day=Day(today + 100),
    )
    with house.office.store.writing() as session:
        number = session.scalars(select(OrganisationRow.number).where(OrganisationRow.party == funder)).one()
        salt = secrets.token_bytes(SALT_BYTES)
        hashed = bytes(quote_hash(quote, salt))
        content = {"quote": to_json(quote)}
        opening = OpeningRow(hash=hashed, kind="quote", salt=salt.hex(), content=content, organisation=number)
        session.add(opening)
    sold(house, voucher, funder, quote=hashed, days=days)
    return yuan(price(Fen(row.face), quote).proceeds).replace(",", "")


def working_day(house: House, *, ahead: int = 1) -> str:
    """The first working day from so many days ahead on."""
    day = house.office.today + ahead
    while not is_working_day(date_of_day(Day(day))):
        day += 1
    return date_of_day(Day(day)).isoformat()


def statement_xml(house: House, *entries: tuple[str, str], way: str = "DBIT") -> bytes:
    """A statement (camt.053) with booked entries of today: name and amount."""
    made = "".join(
        f'<Ntry><Amt Ccy="CNY">{amount}</Amt><CdtDbtInd>{way}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>'
        f"<ValDt><Dt>{house.day(0)}</Dt></ValDt><AcctSvcrRef>B {place}</AcctSvcrRef><NtryDtls><TxDtls>"
        f"<Refs><EndToEndId>{name}</EndToEndId></Refs></TxDtls></NtryDtls></Ntry>"
        for place, (name, amount) in enumerate(entries)
    )
    return (
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt>'
        f"<Stmt>{made}</Stmt></BkToCstmrStmt></Document>"
    ).encode()


def report_xml(name: str, status: str) -> bytes:
    """A report (pain.002) on one payment."""
    return (
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"><CstmrPmtStsRpt><OrgnlPmtInfAndSts>'
        f"<TxInfAndSts><OrgnlEndToEndId>{name}</OrgnlEndToEndId><TxSts>{status}</TxSts></TxInfAndSts>"
        "</OrgnlPmtInfAndSts></CstmrPmtStsRpt></Document>"
    ).encode()


def imported(desk: Desk, content: bytes, *, key: str | None = None, sign: bool = True) -> Any:
    """Gives a file of confirmations in."""
    told = {"X-CSRF-Token": desk.csrf, "Idempotency-Key": key or f"import {desk.login} {next(desk.names)}"}
    return desk.client.post(
        "/api/v1/bank/disbursement-confirmations",
        params={"sign": str(sign).lower()},
        files={"file": ("confirmations", content)},
        headers=told,
    )
