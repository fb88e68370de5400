"""A gateway for tests: both contracts on a real chain, a database, organisations with people, and desks that are signed
in over HTTP.

The cast is that of `tests.ledger.office`. Everybody's key is kept by the installation but C's, which signs with its own
wallet. `land` does what the relay and the index do in the background. A house is founded once for each pair of engines
and copied for each test.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher
from eth_account import Account
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import select

from gateway.app import create_app
from gateway.gateway import Gateway
from gateway.limits import Limits
from gateway.watch import Watch
from ledger.agreements import PartyNumber
from ledger.calendar import Day, Timestamp, date_of_day, day_of
from ledger.embedded import EmbeddedChain
from ledger.installation import CHAIN, DATABASE, KEYS
from ledger.keys import Keyring
from ledger.negotiation.access import StaffRole
from ledger.negotiation.business_registry import FileRegister
from ledger.negotiation.organisations import enlist, found
from ledger.negotiation.passwords import Passwords
from ledger.negotiation.setting import Setting
from ledger.organisation_tables import OrganisationRow
from ledger.store import open_store, pins
from tests.engines import anvil, embedded
from tests.ledger.office import (
    BANK,
    FACTOR,
    ISSUER,
    OTHER_BANK,
    REGISTRAR,
    A,
    B,
    C,
    Engine,
    Office,
    key_of,
    open_office,
)

PASSWORD = "seven green hills 1949"
PASSPHRASE = "a passphrase"
FOUNDED = 1_790_000_000
STATE = "state.json"
NAMES = {
    REGISTRAR: "登记中心",
    BANK: "江南银行",
    OTHER_BANK: "北方银行",
    FACTOR: "恒信保理",
    ISSUER: "云山重工",
    A: "甲零件厂",
    B: "乙铸造厂",
    C: "丙模具坊",
}
_FREE: list[FastAPI] = []
"""Apps of closed houses: the library makes the routes with the first request, which takes longer than most tests."""
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
"""Tests sign in often; how dear a guess is stands in `passwords.py`."""


@dataclass
class Hands:
    """The machine's clock, set by hand."""

    now: int = FOUNDED

    def __call__(self) -> int:
        return self.now


REQUESTS = count()
"""Of requests: whoever signs in anew goes on counting."""


@dataclass
class Desk:
    """Somebody who is signed in. `post` names each request, unless it is given a name."""

    client: TestClient
    csrf: str
    names: Iterator[int] = REQUESTS
    login: str = ""

    def get(self, path: str, **params: Any) -> Any:
        return self.client.get(f"/api/v1{path}", params=params)

    def post(self, path: str, body: Any = None, *, key: str | None = None, **headers: str) -> Any:
        told = {"X-CSRF-Token": self.csrf, "Idempotency-Key": key or f"{self.login} {next(self.names)}"}
        return self.client.post(f"/api/v1{path}", json=body, headers=told | headers)

    def delete(self, path: str) -> Any:
        return self.client.delete(f"/api/v1{path}", headers={"X-CSRF-Token": self.csrf})

    def offers(self, path: str, body: Any) -> dict[str, Any]:
        """Makes an offer; fails where that is refused."""
        done = self.post(path, body)
        assert done.status_code in (201, 202), done.text
        return dict(done.json())

    def signs(self, offer: str) -> dict[str, Any]:
        """Signs with the key that is kept."""
        done = self.post(f"/offers/{offer}/signatures", {"custodial": True})
        assert done.status_code in (200, 202), done.text
        return dict(done.json())


@dataclass
class House:
    """An open gateway."""

    office: Office
    gateway: Gateway
    clock: Hands
    app: Any
    register: Path
    desks: dict[str, Desk] = field(default_factory=dict)

    def desk(self, party: int, role: str = "signatory") -> Desk:
        """Somebody of that party in that role, signed in once."""
        return self.signed_in(f"{role}.{party}")

    def signed_in(self, login: str) -> Desk:
        """Somebody of this login, signed in once."""
        if login not in self.desks:
            client = TestClient(self.app, base_url="https://testserver", raise_server_exceptions=False)
            done = client.post("/api/v1/session", json={"login": login, "password": PASSWORD})
            assert done.status_code == 201, done.text
            self.desks[login] = Desk(client, done.json()["csrf"], login=login)
        return self.desks[login]

    def hired(self, party: int, login: str, roles: set[str]) -> Desk:
        """Somebody new of that party, in several roles."""
        with self.office.store.writing() as session:
            row = session.scalars(select(OrganisationRow).where(OrganisationRow.party == party)).one()
            sealed = self.gateway.passwords.sealed(PASSWORD, login=login)
            enlist(
                session,
                row,
                login=login,
                name=login,
                sealed=sealed,
                roles={StaffRole(role) for role in roles},
                at=self.clock(),
            )
        return self.signed_in(login)

    def program(self, desk: Desk, *roles: str) -> Desk:
        """A program that somebody has enrolled, with a token of its own."""
        made = desk.post("/clients", {"name": "ERP", "roles": list(roles)}).json()
        form = {
            "grant_type": "client_credentials",
            "client_id": made["id"],
            "client_secret": made["secret"],
        }
        token = self.nobody().post("/api/v1/token", data=form).json()["access_token"]
        told = {"Authorization": f"Bearer {token}"}
        client = TestClient(
            self.app, base_url="https://testserver", headers=told, raise_server_exceptions=False
        )
        return Desk(client, "", login=f"program {made['id']}")

    def dying_desk(self, party: int) -> Desk:
        """A desk whose process may be killed: what is raised there is raised here."""
        known = self.desk(party)
        client = TestClient(self.app, base_url="https://testserver", cookies=known.client.cookies)
        return Desk(client, known.csrf, login="dying")

    @property
    def on_postgres(self) -> bool:
        """Which of the two databases it has."""
        with self.office.store.reading() as session:
            return session.get_bind().dialect.name == "postgresql"

    def nobody(self) -> TestClient:
        return TestClient(self.app, base_url="https://testserver", raise_server_exceptions=False)

    def wallet_signature(self, desk: Desk, offer: str) -> str:
        """What C's own wallet makes of the typed data that the gateway gives out."""
        typed = desk.get(f"/offers/{offer}/typed-data").json()
        signed = Account.sign_typed_data(key_of(C).to_bytes(), full_message=typed)
        return "0x" + bytes(signed.signature).hex()

    def land(self) -> None:
        """What was signed goes on chain, and comes back into the rows."""
        self.office.run()
        self.office.follow()

    def day(self, days: int) -> str:
        """A date, so many days from the chain's today."""
        return date_of_day(self.office.today + days).isoformat()  # type: ignore[arg-type]

    def machine_day(self, days: int) -> str:
        """A date, so many days from today by the machine's clock."""
        return date_of_day(Day(day_of(Timestamp(self.clock.now)) + days)).isoformat()

    def promise(
        self, face: str = "1000.00", *, supplier: int = A, reference: str = "PO", **more: Any
    ) -> dict[str, Any]:
        """What an issuer sends to promise something."""
        invoice = {"number": f"F {reference}", "amount": face, "total": face}
        return {
            "line": "2-1",
            "supplier": supplier,
            "face": face,
            "due": self.day(120),
            "reference": reference,
            "invoices": [invoice],
            "sign": True,
            **more,
        }

    def held(self, face: str = "1000.00", *, supplier: int = A, reference: str = "PO") -> str:
        """A voucher that was promised and accepted; its id."""
        body = self.promise(face, supplier=supplier, reference=reference)
        offer = self.desk(ISSUER).offers("/issuer/promise-offers", body)
        self.desk(supplier).signs(offer["id"])
        self.land()
        return str(offer["voucher"])


def found_house(chain: Engine, folder: Path, *, database: str) -> None:
    """Deploys, admits the cast, founds an organisation of each party with people in every role; closes everything but
    the chain."""
    office = open_office(chain, folder, database=database)
    office.follow()
    ring = Keyring.create(folder / KEYS, PASSPHRASE, cost=2)
    for party in NAMES:
        if party != C:
            ring.add(party, key_of(party).to_bytes())
    sealed = Passwords(CHEAP).sealed(PASSWORD, login="somebody")
    with office.store.writing() as session:
        for party, name in NAMES.items():
            row = found(session, party=PartyNumber(party), name=name, at=FOUNDED)
            for role in StaffRole:
                enlist(
                    session,
                    row,
                    login=f"{role}.{party}",
                    name=f"{name} {role}",
                    sealed=sealed,
                    roles={role},
                    at=FOUNDED,
                )
    office.store.close()


@contextmanager
def entered(chain: Engine, folder: Path, *, database: str) -> Iterator[House]:
    """The house that was founded on this chain and this database; its keys are in the folder."""
    with open_store(database) as store:
        with store.reading() as session:
            (pin,) = pins(session)
        office = Office(chain, store, pin, {party: key_of(party) for party in NAMES})
        clock, ring = Hands(), Keyring.load(folder / KEYS, PASSPHRASE)
        setting = Setting(
            pins=(pin,),
            ring=ring,
            invoice_salt=bytes(32),
            reader=chain,
            chain_clock=lambda: Timestamp(chain.now() + 1),
            machine_clock=clock,
        )
        gateway = Gateway(
            store=store,
            setting=setting,
            watch=Watch(store, chain, clock=clock),
            passwords=Passwords(CHEAP),
            token_key=ring.secret("tokens 1"),
            limits=Limits(clock=clock),
            register=FileRegister(folder / "register.csv"),
        )
        app = _FREE.pop() if _FREE else create_app(gateway)
        app.state.gateway = gateway
        yield House(office, gateway, clock, app, folder / "register.csv")
        _FREE.append(app)


# ---- once founded, copied for each test --------------------------------------------------------------------


def found_embedded(folder: Path) -> None:
    """A house on the embedded chain and SQLite, as an installation's directory."""
    with embedded(folder) as chain:
        found_house(chain, folder, database=f"sqlite:///{folder / DATABASE}")


@contextmanager
def embedded_copy(template: Path, folder: Path) -> Iterator[House]:
    """A copy of such a house in an empty folder."""
    shutil.copytree(template, folder, dirs_exist_ok=True)
    database = f"sqlite:///{folder / DATABASE}"
    with EmbeddedChain(folder / CHAIN) as chain, entered(chain, folder, database=database) as house:
        yield house


def found_on_anvil(folder: Path, database: str) -> None:
    """A house on an anvil and PostgreSQL; the node's state and the keys are in the folder."""
    with anvil(state=folder / STATE) as node:
        found_house(node.chain(), folder, database=database)
        node.stop()


@contextmanager
def anvil_copy(template: Path, folder: Path, database: str) -> Iterator[House]:
    """A house on an anvil that begins where that one ended, and on a copy of its database."""
    shutil.copyfile(template / KEYS, folder / KEYS)
    options = ("--load-state", str(template / STATE))
    with anvil(options=options) as node, entered(node.chain(), folder, database=database) as house:
        yield house
