"""From a line to a split voucher, over HTTP, on both pairs of engines."""

from __future__ import annotations

from ledger.members import parse_voucher
from ledger.verification import verify
from tests.gateway.house import House
from tests.ledger.office import BANK, FACE, ISSUER, A, B, C


def test_a_line_a_promise_a_split_and_a_transfer_over_http(any_house: House) -> None:
    house = any_house
    bank, issuer, supplier, tier_2 = (house.desk(party) for party in (BANK, ISSUER, A, B))

    # 1. A bank offers a sub-line, the issuer signs: granted.
    sub = {"reference": 2, "issuer": ISSUER, "parent": "2-1", "limit": "5000.00", "expiry": house.day(300)}
    offer = bank.offers("/bank/line-offers", {**sub, "sign": True})
    assert offer["status"] == "open"
    assert [(each["party"], each["signed"]) for each in offer["consents"]] == [(BANK, True), (ISSUER, False)]
    waiting = issuer.get("/offers", to_sign=True).json()["items"]
    assert [each["id"] for each in waiting] == [offer["id"]]
    done = issuer.post(f"/offers/{offer['id']}/signatures", {"custodial": True})
    assert (done.status_code, done.json()["status"]) == (202, "complete")
    assert done.headers["Location"] == f"/api/v1/offers/{offer['id']}"
    assert issuer.get("/lines/2-2").status_code == 404
    house.land()
    line = issuer.get("/lines/2-2").json()
    assert (line["own"]["limit"], line["available"], line["binding"]) == ("5000.00", "5000.00", "2-2")
    landed = bank.get(f"/offers/{offer['id']}").json()
    assert landed["status"] == "landed"
    assert landed["tx_hash"].startswith("0x")

    # 2. The issuer offers a promise under it: reserved, not drawn.
    promised = issuer.offers("/issuer/promise-offers", house.promise("3000.00", line="2-2"))
    for number, free in (("2-2", "2000.00"), ("2-1", f"{50 * FACE // 100 - 3000}.00")):
        line = issuer.get(f"/lines/{number}").json()
        assert (line["own"]["drawn"], line["own"]["reserved"]) == ("0.00", "3000.00")
        assert line["own"]["available"] == free

    # 3. The supplier reads what it signs, in two languages, and accepts.
    read = supplier.get(f"/offers/{promised['id']}").json()
    assert "3,000.00" in read["sentences"][0]["zh"]
    assert "甲零件厂" in read["sentences"][0]["zh"]
    assert read["agreement"]["face"] == "3000.00"
    assert supplier.signs(promised["id"])["status"] == "complete"
    house.land()
    assert issuer.get("/lines/2-2").json()["own"] == {
        "line": "2-2",
        "limit": "5000.00",
        "drawn": "3000.00",
        "reserved": "0.00",
        "available": "2000.00",
    }

    # 4. The voucher is there, with its way.
    voucher = supplier.get(f"/vouchers/{promised['voucher']}").json()
    assert (voucher["face"], voucher["standing"], voucher["tier"]) == ("3000.00", "holder", 1)
    assert voucher["issuer"] == {"party": ISSUER, "name": "云山重工"}
    assert [hop["event"] for hop in voucher["provenance"]][-1] == "Issued"

    # 5. It is split; the part goes on to a party with a wallet of its own.
    parts = [{"recipient": B, "face": "1200.00"}]
    split = supplier.offers(
        "/supplier/split-offers", {"voucher": voucher["id"], "parts": parts, "sign": True}
    )
    tier_2.signs(split["id"])
    house.land()
    assert supplier.get(f"/vouchers/{voucher['id']}").json()["face"] == "1800.00"
    (part,) = tier_2.get("/vouchers", held=True).json()["items"]
    assert (part["face"], part["tier"]) == ("1200.00", 2)
    moved = tier_2.offers("/supplier/transfer-offers", {"voucher": part["id"], "recipient": C, "sign": True})
    wallet = house.desk(C)
    refused = wallet.post(f"/offers/{moved['id']}/signatures", {"custodial": True})
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/NoCustodialKey")
    signature = house.wallet_signature(wallet, moved["id"])
    done = wallet.post(f"/offers/{moved['id']}/signatures", {"signature": signature})
    assert done.status_code == 202, done.text
    house.land()
    seen = wallet.get(f"/vouchers/{part['id']}").json()
    assert (seen["holder"]["party"], seen["tier"], seen["face"]) == (C, 3, "1200.00")

    # 6. Who passed it on no longer sees where it is, and the chain agrees with the rows.
    former = tier_2.get(f"/vouchers/{part['id']}").json()
    assert (former["standing"], former["face"], former["holder"]) == ("former", None, None)
    assert supplier.get(f"/vouchers/{part['id']}").status_code == 404
    assert parse_voucher(part["id"])
    assert verify(house.office.store, house.office.chain).findings == ()
