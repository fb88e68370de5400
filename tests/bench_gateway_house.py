"""The house that the gateway's benchmark measures in: anvil, PostgreSQL that syncs, an enterprise for each client.

Vouchers to read and to sell stand on the chain; promises and sales wait for the suppliers as offers that only they have
still to sign. Everything was made by the product's own functions. `Premises` is what the measured processes need to
open the same house.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from sqlalchemy import select

from gateway.gateway import Gateway
from gateway.watch import Watch
from ledger.agreements import Agreement, Discount, PartyNumber, VoucherId
from ledger.calendar import Day, Timestamp
from ledger.installation import KEYS, clock_of
from ledger.keys import Keyring
from ledger.negotiation.access import Caller, StaffRole
from ledger.negotiation.offers import Proposal, make, sign
from ledger.negotiation.organisations import enlist, found
from ledger.negotiation.passwords import Passwords
from ledger.negotiation.setting import Setting
from ledger.negotiation.sign_in import sign_in
from ledger.organisation_tables import OrganisationRow
from ledger.outbox import machine_clock
from ledger.rpc_chain import RpcChain
from ledger.signing import calldata
from ledger.store import Store, open_store, pins
from tests.engines import Node, Postgres, anvil, postgres
from tests.gateway.house import CHEAP, PASSPHRASE, PASSWORD, found_house
from tests.ledger.office import FACTOR, ISSUER, YUAN, Office, key_of, some_hash

FIRST: Final = 101
"""The party number of the first supplier."""
FACE: Final = 1_000 * YUAN
HOUR: Final = 3_600


@dataclass(frozen=True, slots=True)
class Premises:
    """Where the house is. `server` is the process of PostgreSQL."""

    url: str
    keys: tuple[bytes, ...]
    database: str
    folder: Path
    node: int
    server: int

    def chain(self, account: int = 0) -> RpcChain:
        """A client of its node."""
        return RpcChain(self.url, key=self.keys[account])

    @contextmanager
    def gateway(self) -> Iterator[Gateway]:
        """The gateway, opened as the service opens it."""
        chain, ring = self.chain(), Keyring.load(self.folder / KEYS, PASSPHRASE)
        with open_store(self.database) as store:
            setting = _setting(store, chain, ring)
            yield Gateway(
                store=store,
                setting=setting,
                watch=Watch(store, chain, clock=machine_clock),
                passwords=Passwords(CHEAP),
                token_key=ring.secret("tokens 1"),
                secure=False,
            )


@dataclass(frozen=True, slots=True)
class Session:
    """A supplier's person who is signed in."""

    token: str
    csrf: str


@dataclass(frozen=True, slots=True)
class Sale:
    """A voucher that its funder would buy: the offer that only the supplier has still to sign, or, for who sends it to
    the chain by itself, the call with both signatures."""

    voucher: VoucherId
    offer: str
    call: bytes


@dataclass(frozen=True, slots=True)
class Filled:
    """What the clients ask for; the n-th of each is the n-th client's, counted around."""

    premises: Premises
    sessions: Sequence[Session]
    vouchers: Sequence[VoucherId]
    offers: Sequence[str]
    sales: Sequence[Sale]
    naive: Sequence[Sale]


@contextmanager
def filled(clients: int, *, vouchers: int, offers: int, sales: int) -> Iterator[Filled]:
    """A house with so many vouchers on the chain, promises that wait for their supplier's signature, and twice so many
    sales."""
    with (
        tempfile.TemporaryDirectory(prefix="tallystick-bench-") as folder,
        anvil(timestamp=int(time.time()) - HOUR) as node,
        postgres() as server,
        server.fresh() as database,
    ):
        yield _fill(
            _premises(node, server, database, Path(folder)),
            clients,
            vouchers=vouchers,
            offers=offers,
            sales=sales,
        )


def _premises(node: Node, server: Postgres, database: str, folder: Path) -> Premises:
    found_house(node.chain(), folder, database=database)
    assert server.process is not None
    return Premises(node.url, node.keys, database, folder, node.process.pid, server.process.pid)


def _setting(store: Store, chain: RpcChain, ring: Keyring) -> Setting:
    with store.reading() as session:
        (pin,) = pins(session)
    return Setting(
        pins=(pin,),
        ring=ring,
        invoice_salt=bytes(32),
        reader=chain,
        chain_clock=clock_of(chain),
        machine_clock=machine_clock,
    )


def _fill(premises: Premises, clients: int, *, vouchers: int, offers: int, sales: int) -> Filled:
    chain, ring = premises.chain(), Keyring.load(premises.folder / KEYS, PASSPHRASE)
    with open_store(premises.database) as store:
        setting = _setting(store, chain, ring)
        office = Office(chain, store, setting.pin, {party: key_of(party) for party in (1, 2, FACTOR, ISSUER)})
        people = [PartyNumber(FIRST + number) for number in range(clients)]
        _admit(office, ring, people)
        of = {number: people[number % clients] for number in range(max(vouchers, offers, 2 * sales))}
        ids = [office.issue(FACE, supplier=of[number]) for number in range(vouchers)]
        sold = [office.issue(FACE, supplier=of[number]) for number in range(2 * sales)]
        assert all(each.refusal is None for each in office.run())
        office.follow()
        until = Timestamp(machine_clock() + 24 * HOUR)
        waiting = []
        for number in range(offers):
            issue = replace(office.issue_of(FACE, supplier=of[number]), deadline=until)
            waiting.append(_offered(store, setting, ISSUER, issue))
        asked = []
        for number, voucher in enumerate(sold):
            discount = Discount(voucher, 1, FACTOR, some_hash(voucher), Day(office.today + 10), until)
            offer = _offered(store, setting, FACTOR, discount) if number < sales else ""
            consents = office.consents(discount, of[number], FACTOR)
            asked.append(Sale(voucher, offer, calldata(discount, consents)))
        sessions = [_signed_in(store, setting, party) for party in people]
    return Filled(premises, sessions, ids, waiting, asked[:sales], asked[sales:])


def _admit(office: Office, ring: Keyring, people: Sequence[PartyNumber]) -> None:
    sealed = Passwords(CHEAP).sealed(PASSWORD, login="somebody")
    for party in people:
        office.admit(party, 0)
        ring.add(party, key_of(party).to_bytes())
    assert all(each.refusal is None for each in office.run())
    with office.store.writing() as session:
        for party in people:
            row = found(session, party=party, name=f"供应商{party}", at=machine_clock())
            enlist(
                session,
                row,
                login=f"signatory.{party}",
                name="signatory",
                sealed=sealed,
                roles={StaffRole.SIGNATORY},
                at=machine_clock(),
            )


def _offered(store: Store, setting: Setting, party: PartyNumber, agreement: Agreement) -> str:
    """An offer that its maker has signed."""
    with store.writing() as session:
        number = session.scalars(select(OrganisationRow.number).where(OrganisationRow.party == party)).one()
        maker = Caller(
            organisation=number, party=party, who="person 0", roles=frozenset({StaffRole.SIGNATORY})
        )
        offer = make(session, setting, maker, Proposal(agreement=agreement, pin=setting.pin))
        sign(session, setting, maker, offer)
        return offer.id


def _signed_in(store: Store, setting: Setting, party: PartyNumber) -> Session:
    done = sign_in(
        store,
        setting,
        f"signatory.{party}",
        PASSWORD,
        code=None,
        address="127.0.0.1",
        passwords=Passwords(CHEAP),
    )
    return Session(done.token, done.csrf)
