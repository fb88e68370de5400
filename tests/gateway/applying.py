"""An enterprise that applies to be admitted."""

from __future__ import annotations

from typing import Any

from tests.gateway.house import PASSWORD, House
from tests.ledger.office import BANK

CODE = "91350100M000100Y43"
PERSON = {"login": "li.wei", "name": "李伟", "password": PASSWORD}


def invited(house: House, by: int = BANK) -> str:
    done = house.desk(by).post("/invitations", {"name": "青禾齿轮"})
    assert done.status_code == 201, done.text
    return str(done.json()["token"])


def application(house: House, **changed: Any) -> dict[str, Any]:
    return {
        "invitation": changed.pop("invitation", None) or invited(house),
        "name": "青禾齿轮",
        "credit_code": CODE,
        "size_class": "small",
        "legal_representative": "王芳",
        "bank_account": "6222 0000 1234",
        "signer": {"kind": "custodial"},
        "person": PERSON,
        **changed,
    }
