"""An installation for the tests of store, index and relay: both contracts on a real chain, a database, a
small cast.

`Office` puts agreements into the outbox; `busy` plays a life in which every table gets rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eth_keys.datatypes import PrivateKey
from eth_utils.crypto import keccak
from sqlalchemy import text

from ledger import relay
from ledger.agreements import (
    Admit,
    Agreement,
    AssertPayment,
    CancelWhole,
    ConfirmPayment,
    ContestPayment,
    Discount,
    Freeze,
    FreezeLine,
    GrantLine,
    Invoice,
    Issue,
    LineId,
    Part,
    PartyNumber,
    ProposeRekey,
    Purpose,
    Rekey,
    Rescind,
    ResizeLine,
    RevokeIssue,
    Split,
    Suspend,
    Transfer,
    VoucherId,
    WithdrawPayment,
)
from ledger.calendar import Day, Timestamp, day_of, start_of_day
from ledger.chain import Chain
from ledger.deployment import Founder, deploy
from ledger.embedded import EmbeddedChain
from ledger.indexer import follow
from ledger.members import Contract, line_id
from ledger.money import Fen
from ledger.pin import Pin
from ledger.relay import Relayed
from ledger.rpc_chain import RpcChain
from ledger.signing import Domain, child_id, promise_id, root_id, sign
from ledger.store import Store, add_pin, open_store
from ledger.tables import PROJECTION
from tests.contract.verifying import Held
from tests.engines import embedded, travel_to

REGISTRAR, BANK, OTHER_BANK, FACTOR, ISSUER, A, B, C = (PartyNumber(n) for n in (1, 2, 3, 4, 10, 11, 12, 13))
NO_LINE = LineId(0)
LINE, SUB_LINE = line_id(BANK, 1), line_id(BANK, 2)
LATER = Timestamp(2**39)
YUAN = 100
FACE = Fen(1_000_000 * YUAN)
ZERO = bytes(32)
Engine = EmbeddedChain | RpcChain
Signer = PrivateKey | Held


def key_of(party: int, generation: int = 0) -> PrivateKey:
    """The wallet key of a party; `generation` counts its replacements."""
    return PrivateKey(keccak(f"office key {party} {generation}".encode()))


def some_hash(what: object) -> bytes:
    return keccak(str(what).encode())


@dataclass
class Office:
    """One installation. `put` queues, `run` relays, `follow` indexes."""

    chain: Engine
    store: Store
    pin: Pin
    keys: dict[int, PrivateKey | Held] = field(default_factory=dict)
    invoices: int = 0

    def put(self, agreement: Agreement, *signers: int | Signer, issued: Issue | None = None) -> int:
        return relay.queue(
            self.store, agreement, self.consents(agreement, *signers), pin=self.pin, issued=issued
        )

    def consents(self, agreement: Agreement, *signers: int | Signer) -> list[bytes]:
        domain = self.domain(agreement.contract)
        keys = [self.keys[each] if isinstance(each, int) else each for each in signers]
        return [
            key.consent(agreement, domain)
            if isinstance(key, Held)
            else sign(agreement, domain, key.to_bytes())
            for key in keys
        ]

    def run(self, **options: Any) -> list[Relayed]:
        return relay.run(self.store, self.chain, **options)

    def do(self, agreement: Agreement, *signers: int | Signer, issued: Issue | None = None) -> None:
        """Queues and relays; a refusal is raised."""
        number = self.put(agreement, *signers, issued=issued)
        for each in self.run():
            if each.refusal is not None:
                raise each.refusal
        assert relay.outcome(self.store, number) is not None

    def follow(self) -> int:
        return follow(self.store, self.chain).block

    def domain(self, contract: Contract = Contract.LEDGER) -> Domain:
        address = self.pin.registry if contract is Contract.REGISTRY else self.pin.ledger
        return Domain(contract, self.pin.chain_id, address)

    @property
    def today(self) -> Day:
        return day_of(self.chain.now())

    def pass_days(self, days: int) -> None:
        travel_to(self.chain, start_of_day(Day(self.today + days)) + 43_200)

    # agreements

    def admit_of(self, party: int, roles: int) -> Admit:
        self.keys[party] = key = key_of(party)
        signer = key.public_key.to_canonical_address()
        return Admit(PartyNumber(party), roles, BANK, 0, some_hash(party), LATER, bytes(signer))

    def admit(self, party: int, roles: int) -> int:
        return self.put(self.admit_of(party, roles), REGISTRAR, BANK, party)

    def grant_of(self, line: LineId = LINE, *, parent: LineId = NO_LINE, limit: int = 50 * FACE) -> GrantLine:
        return GrantLine(
            line, ISSUER, parent, Fen(limit), Day(self.today + 365), Fen(100 * YUAN), 5, 10, False, LATER
        )

    def issue_of(
        self, face: int = FACE, *, supplier: PartyNumber = A, line: LineId = LINE, tenor: int = 120
    ) -> Issue:
        self.invoices += 1
        return Issue(
            line=line,
            issuer=ISSUER,
            supplier=supplier,
            face=Fen(face),
            due_day=Day(self.today + tenor),
            smallest_part=Fen(100 * YUAN),
            highest_tier=6,
            terms=some_hash("terms"),
            tenor_reason=ZERO,
            issuer_reference=self.invoices.to_bytes(32, "big"),
            deadline=LATER,
            invoices=(Invoice(some_hash(f"invoice {self.invoices}"), Fen(face), Fen(face)),),
        )

    def issue(self, face: int = FACE, *, supplier: PartyNumber = A, **terms: Any) -> VoucherId:
        """Puts an issue in and gives the id of its voucher."""
        issue = self.issue_of(face, supplier=supplier, **terms)
        self.put(issue, ISSUER, supplier)
        return root_id(issue, self.domain())

    def transfer_of(self, voucher: VoucherId, sequence: int, recipient: PartyNumber) -> Transfer:
        return Transfer(voucher, sequence, recipient, False, LATER, ())

    def assertion(
        self, voucher: VoucherId, sequence: int, *, payee: PartyNumber, amount: int = 0
    ) -> AssertPayment:
        purpose = Purpose.SETTLEMENT if amount else Purpose.DISBURSEMENT
        return AssertPayment(
            voucher, sequence, purpose, payee, Fen(amount), self.today, some_hash("reference"), LATER
        )


def founder(party: int) -> Founder:
    return Founder(key_of(party).public_key.to_checksum_address(), 0, some_hash(party))


def open_office(chain: Engine, folder: Path, *, database: str | None = None) -> Office:
    """Deploys, pins a new database (at this address, or in the folder), and admits the cast."""
    pin = deploy(chain, registrar=founder(REGISTRAR), banks=[founder(BANK), founder(OTHER_BANK)])
    store = open_store(database or f"sqlite:///{folder / 'office.db'}")
    add_pin(store, pin)
    office = Office(chain, store, pin, {n: key_of(n) for n in (REGISTRAR, BANK, OTHER_BANK)})
    office.admit(FACTOR, 4)
    office.admit(ISSUER, 1)
    for party in (A, B, C):
        office.admit(party, 0)
    office.put(office.grant_of(), BANK, ISSUER)
    assert all(each.refusal is None for each in office.run())
    return office


@contextmanager
def office_in(folder: Path) -> Iterator[Office]:
    """An office on an embedded chain of its own."""
    with embedded(folder) as chain:
        office = open_office(chain, folder)
        try:
            yield office
        finally:
            office.store.close()


def busy(office: Office) -> dict[str, VoucherId]:
    """A month in which everything happens; nothing may be refused. Gives the vouchers by their fate."""
    put = office.put
    put(office.grant_of(SUB_LINE, parent=LINE, limit=10 * FACE), BANK, ISSUER)
    put(ResizeLine(SUB_LINE, 1, Fen(12 * FACE), Day(office.today + 300), LATER), BANK)
    names = ("split", "passed", "sold", "rescinded", "paid", "withdrawn", "contested", "frozen", "waiting")
    v = {name: office.issue(line=SUB_LINE if n % 2 else LINE) for n, name in enumerate(names)}
    thirds = (Part(B, Fen(FACE // 4)), Part(C, Fen(FACE // 4)), Part(A, Fen(FACE // 2)))
    put(Split(v["split"], 1, False, LATER, thirds, ()), A, B, C, A)
    v["part"] = child_id(v["split"], 1, 0)
    hop = (Invoice(some_hash("hop"), Fen(500), Fen(900)),)
    put(Transfer(v["passed"], 1, B, False, LATER, hop), A, B)
    put(office.transfer_of(v["passed"], 2, C), B, C)
    for name in ("sold", "rescinded", "contested"):
        put(Discount(v[name], 1, FACTOR, some_hash(name), Day(office.today + 10), LATER), A, FACTOR)
    put(Rescind(v["rescinded"], 2, FACTOR, LATER), FACTOR)
    put(Discount(v["rescinded"], 3, BANK, some_hash("again"), Day(office.today + 9), LATER), A, BANK)
    put(office.assertion(v["sold"], 2, payee=A), FACTOR)
    put(ConfirmPayment(v["sold"], 3, LATER), A)
    put(office.assertion(v["paid"], 1, payee=A, amount=FACE), BANK, A)
    put(office.assertion(v["contested"], 2, payee=A), FACTOR)
    put(ContestPayment(v["contested"], 3, A, some_hash("no money"), LATER), A)
    assert all(each.refusal is None for each in office.run())
    office.pass_days(2)
    put(office.assertion(v["contested"], 4, payee=A), FACTOR)
    put(Freeze(v["frozen"], some_hash("order"), Day(office.today + 30), LATER), REGISTRAR)
    put(Freeze(v["passed"], some_hash("short order"), Day(office.today + 1), LATER), REGISTRAR)
    put(office.assertion(v["part"], 1, payee=B, amount=FACE // 4), BANK, B)
    put(WithdrawPayment(v["contested"], 5, LATER), FACTOR)
    undivided = office.issue_of(supplier=B)
    put(undivided, ISSUER, B)
    v["cancelled"] = root_id(undivided, office.domain())
    put(CancelWhole(v["cancelled"], 1, LATER), ISSUER, B, issued=undivided)
    revoked = office.issue_of(supplier=C)
    number = promise_id(revoked, office.domain())
    put(RevokeIssue(number, C, LATER), C, issued=revoked)
    put(FreezeLine(SUB_LINE, 2, True, some_hash("why"), LATER), BANK)
    fresh = key_of(C, 1)
    put(Rekey(C, 1, 0, LATER, bytes(fresh.public_key.to_canonical_address())), C, fresh)
    office.keys[C] = fresh
    lost = key_of(B, 1)
    put(ProposeRekey(B, 1, 0, LATER, bytes(lost.public_key.to_canonical_address())), REGISTRAR, BANK, lost)
    put(Suspend(A, 1, some_hash("reason"), LATER), REGISTRAR)
    assert all(each.refusal is None for each in office.run())
    office.pass_days(4)  # the short order has lapsed
    put(office.transfer_of(v["passed"], 3, FACTOR), C, FACTOR)
    assert all(each.refusal is None for each in office.run())
    return v


def rows(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of the projection, as the database has it."""
    with store.reading() as session:
        names = [table.__tablename__ for table in PROJECTION]
        return {
            name: sorted(map(tuple, session.execute(text(f"select * from {name}"))), key=repr)
            for name in names
        }


@dataclass
class Town:
    """A busy office whose database is followed to the head."""

    office: Office
    vouchers: dict[str, VoucherId]

    @property
    def chain(self) -> Chain:
        return self.office.chain

    @property
    def store(self) -> Store:
        return self.office.store


def empty_store(town: Town, folder: Path) -> Store:
    """A new database for the town's contracts."""
    store = open_store(f"sqlite:///{folder / 'new.db'}")
    add_pin(store, town.office.pin)
    return store


def copy_of(store: Store, folder: Path) -> Store:
    """A copy of the database, to be tampered with."""
    with store.reading() as session:
        connection = session.connection()
        for statement in ("commit", f"vacuum into '{folder / 'copy.db'}'", "begin"):
            connection.exec_driver_sql(statement)
    return open_store(f"sqlite:///{folder / 'copy.db'}")
