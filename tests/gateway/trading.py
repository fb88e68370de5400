"""Requests for quotes, quotes and sales that tests make."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import Any

from gateway.forms import utc
from tests.engines import travel_to
from tests.gateway.house import House
from tests.ledger.office import FACTOR, OTHER_BANK, A

HOUR = 3_600
_PROMISES = count(1)


def held(house: House, face: str = "1000.00") -> str:
    """A voucher of A's, of a promise of its own."""
    return house.held(face, reference=f"PO sold {next(_PROMISES)}")


@dataclass
class Asked:
    """A request that a holder made."""

    house: House
    holder: int
    id: str
    deadline: int

    def quoted(self, funder: int, rate: str = "3.60", **more: Any) -> dict[str, Any]:
        """A firm quote without recourse."""
        body = {"recourse": False, "rate": rate, "sign": True, **more}
        done = self.house.desk(funder).post(f"/bank/quote-requests/{self.id}/quote", body)
        assert done.status_code == 201, done.text
        return dict(done.json())

    def open(self) -> None:
        """The deadline passes."""
        travel_to(self.house.office.chain, self.deadline)

    def seen(self) -> dict[str, Any]:
        """What the holder sees."""
        return dict(self.house.desk(self.holder).get(f"/supplier/quote-requests/{self.id}").json())

    def accepted(self, quote: str, *, sign: bool = True) -> Any:
        return self.house.desk(self.holder).post(f"/supplier/quotes/{quote}/accept", {"sign": sign})


def question(house: House, voucher: str, *funders: int, **more: Any) -> dict[str, Any]:
    """What a holder sends: quotes within an hour, cash on the deadline's day unless it says otherwise."""
    return {
        "voucher": voucher,
        "funders": list(funders) or [OTHER_BANK, FACTOR],
        "deadline": utc(house.office.chain.now() + HOUR),
        **more,
    }


def asked(house: House, voucher: str, *funders: int, holder: int = A, **more: Any) -> Asked:
    done = house.desk(holder).post("/supplier/quote-requests", question(house, voucher, *funders, **more))
    assert done.status_code == 201, done.text
    deadline = house.office.chain.now() + HOUR
    return Asked(house, holder, done.json()["id"], deadline)


def sold(house: House, *, funder: int = FACTOR) -> dict[str, Any]:
    """A voucher of A's that is sold, on chain and not paid yet; the sale."""
    request = asked(house, held(house), funder)
    quote = request.quoted(funder)
    request.open()
    done = request.accepted(quote["id"])
    assert done.status_code == 202, done.text
    house.land()
    return sale(house, quote["id"])


def sale(house: House, quote: str, *, party: int = A) -> dict[str, Any]:
    done = house.desk(party).get(f"/sales/{quote}")
    assert done.status_code == 200, done.text
    return dict(done.json())


def asserted(house: House, voucher: str, funder: int = FACTOR) -> None:
    """The funder says that it has paid."""
    desk = house.desk(funder)
    present = desk.get(f"/vouchers/{voucher}").json()
    agreement = {
        "agreement": "AssertPayment",
        "voucher": voucher,
        "sequence": present["sequence"],
        "purpose": "disbursement",
        "payee": present["holder"]["party"],
        "amount": "0.00",
        "value_day": house.day(0),
        "payment_reference": "0x" + "7" * 64,
    }
    desk.offers("/offers", {"agreement": agreement, "sign": True})
    house.land()
