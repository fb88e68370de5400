"""Offers that tests make, and what they ask of them."""

from __future__ import annotations

from typing import Any

from eth_account import Account

from tests.gateway.house import Desk, House
from tests.ledger.office import ISSUER, key_of

WHOLE = "50000000.00"
"""The line's limit."""


def sums(house: House, line: str = "2-1") -> tuple[str, str, str]:
    """Drawn, reserved, available."""
    own = house.desk(ISSUER).get(f"/lines/{line}").json()["own"]
    return own["drawn"], own["reserved"], own["available"]


def offered(house: House, face: str = "1000.00", **more: Any) -> dict[str, Any]:
    return house.desk(ISSUER).offers("/issuer/promise-offers", house.promise(face, **more))


def problem(answer: Any) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return answer.status_code, answer.json()["type"].removeprefix("/problems/")


def signed_outside(house: House, desk: Desk, offer: str, party: int) -> Any:
    typed = desk.get(f"/offers/{offer}/typed-data").json()
    signed = Account.sign_typed_data(key_of(party).to_bytes(), full_message=typed)
    return desk.post(f"/offers/{offer}/signatures", {"signature": "0x" + bytes(signed.signature).hex()})


PDF = b"%PDF-1.7 invoice F 881 over 1000.00"


def sent(desk: Desk, content: bytes = PDF, *, name: str = "合同.pdf", key: str | None = None) -> Any:
    told = {"X-CSRF-Token": desk.csrf, "Idempotency-Key": key or f"document {desk.login} {next(desk.names)}"}
    file = {"file": ("../../etc/passwd", content, "text/html")}
    return desk.client.post("/api/v1/documents", params={"name": name}, files=file, headers=told)


def uploaded(desk: Desk, content: bytes = PDF) -> dict[str, Any]:
    done = sent(desk, content)
    assert done.status_code == 201, done.text
    return dict(done.json())
