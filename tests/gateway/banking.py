"""What tests of the bank's desk need besides: accounts, sales, days that pass."""

from __future__ import annotations

from sqlalchemy import update

from ledger.agreements import Discount, PartyNumber, Pledge, VoucherId
from ledger.calendar import Day
from ledger.members import parse_voucher
from ledger.money import Fen
from ledger.organisation_tables import OrganisationRow
from ledger.tables import VoucherRow
from tests.gateway.house import House
from tests.ledger.office import LATER, some_hash

ACCOUNTS = {2: "6222000000000000002", 11: "6222000000000000011", 12: "=6222000000000000012"}


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
