"""Claims: the oldest signed items become batches with a nonce and signed bytes, in one commit.

    claim        takes as many batches as may be under way
    fill_gap     a batch of nothing for a nonce that nobody uses, below batches that wait for it
    cut          which items go together

Items keep their order: a batch is a run of items for one contract, cut by gas, by size and by age. What can never
become good by what the rows say (its deadline is over, its voucher has moved on) is not taken but named, and so is
what was refused before; whether such an item has landed, the judging finds out. Nothing is sent here.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from sqlalchemy import ColumnElement, Text, and_, cast, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from ledger.agreements import VoucherId
from ledger.calendar import Timestamp, day_of
from ledger.chain import Chain, Fees, Hash
from ledger.errors import Refusal
from ledger.gas import CEILING, ITEM_RESERVE, TRANSACTION, Caps, batch_gas, with_checks
from ledger.outbox import REFUSED, SENT, SIGNED, UNKNOWN, Relayed
from ledger.outbox_tables import AccountRow, BatchRow, CallRow, OutboxRow, TransactionRow, WalletGasRow
from ledger.relay_accounts import LOG, Holder, require
from ledger.relay_terms import Sight, Terms
from ledger.row_writing import PLAIN, one_of
from ledger.signing import batch_calldata
from ledger.store import Store
from ledger.tables import PartyRow, VerifierRow, VoucherRow

LEAST_FLOOR: Final = 95_000
"""Less gas than any item needs (see `gas.py`): so many more of them than fit into a batch are not read for it."""
ITEM_BYTES: Final = 96
"""What a call costs in a batch's call data besides itself: its place, its length, its padding."""
GAP_GAS: Final = 21_000


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A stored transaction that is to be handed over."""

    batch: int
    nonce: int
    tx_hash: Hash
    raw: bytes


@dataclass(slots=True)
class Claim:
    """What a claim took, and what it left: items that can never become good, with the reason that the contract would
    give; items that were refused before; and those whose wallets' budget is spent, which are refused at once."""

    outgoing: list[Outgoing] = field(default_factory=list)
    hopeless: list[tuple[int, Refusal]] = field(default_factory=list)
    doubted: list[int] = field(default_factory=list)
    refused: list[Relayed] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A batch that is to be stored. `contract` None: nothing is called."""

    nonce: int
    contract: str | None
    gas: int
    items: list[int]
    data: bytes
    why: str | None = None


@dataclass(slots=True)
class Run:
    """Items that go together. `full`: another one did not fit, so there is nothing to wait for."""

    contract: str
    rows: list[Any] = field(default_factory=list)
    floors: int = 0
    size: int = 0
    full: bool = False

    @property
    def gas(self) -> int:
        """What the batch is given."""
        return min(batch_gas([self.floors]), CEILING)


def caps_of(session: Session) -> Caps:
    """The gas caps that the index knows."""
    wallets = session.execute(
        select(PartyRow.party, PartyRow.signature_gas).where(PartyRow.signature_gas > 0)
    )
    verifiers = session.execute(select(VerifierRow.verifier, VerifierRow.signature_gas))
    return Caps(
        wallets={int(party): int(gas) for party, gas in wallets},
        verifiers={int(verifier): int(gas) for verifier, gas in verifiers},
    )


def claim(
    store: Store, chain: Chain, *, sight: Sight, holder: Holder, terms: Terms, cleared: Collection[int]
) -> Claim:
    """Makes batches of what is signed, and stores them with their signed transactions.

    `cleared`: items that were refused before and may be taken all the same. LeaseLost where another process works
    the account now.
    """
    taken, now = Claim(), holder.clock()
    with store.writing() as session:
        require(session, sight.account, holder)
        nonces = _free_nonces(session, sight, terms)
        rows = _oldest(session, len(nonces) * (terms.gas_budget // LEAST_FLOOR + 1)) if nonces else []
        if not rows:
            return taken
        caps = caps_of(session)
        purse = _Purse(session, caps, day_of(Timestamp(sight.timestamp)), terms.wallet_budget)
        tired = [row.number for row in rows if row.attempts >= terms.most_attempts]
        if tired:
            session.execute(update(OutboxRow).where(OutboxRow.number.in_(tired)).values(status=UNKNOWN))
            LOG.error("given up after %d batches each", terms.most_attempts, extra={"items": tired})
        rows = [row for row in rows if row.attempts < terms.most_attempts]
        fit = [row for row in rows if _may_go(row, sight, taken, cleared)]
        runs = cut(fit, caps, terms=terms, now=now, most=len(nonces))
        purse.open([row for run in runs for row in run.rows])
        for run in runs:
            run.rows = [row for row in run.rows if not _over_budget(session, row, purse, sight, taken)]
        runs = [run for run in runs if run.rows]
        purse.write()
        wanted = [
            Wanted(
                nonce=nonce,
                contract=run.contract,
                gas=run.gas,
                items=[row.number for row in run.rows],
                data=batch_calldata([bytes.fromhex(row.calldata[2:]) for row in run.rows], False),
            )
            for nonce, run in zip(nonces, runs, strict=False)
        ]
        taken.outgoing = _store(session, chain, wanted, sight=sight, now=now, terms=terms)
        for batch, outgoing in zip(wanted, taken.outgoing, strict=True):
            values = {"status": SENT, "batch": outgoing.batch, "attempts": OutboxRow.attempts + 1}
            mine = one_of(session, OutboxRow.number, batch.items)
            session.execute(update(OutboxRow).where(mine).values(values), execution_options=PLAIN)
    return taken


def fill_gap(
    store: Store, chain: Chain, *, nonce: int, sight: Sight, holder: Holder, terms: Terms
) -> Outgoing | None:
    """Stores a transfer of nothing from the account to itself under a nonce that is missing. None where a batch has it:
    one that is recorded as mined, in a block that the node does not show (any more)."""
    with store.writing() as session:
        require(session, sight.account, holder)
        mine = (BatchRow.account == sight.account, BatchRow.nonce == nonce, BatchRow.status != "void")
        if session.scalar(select(BatchRow.number).where(*mine)) is not None:
            return None
        filler = Wanted(nonce, None, GAP_GAS, [], b"", "a filler for a missing nonce")
        [outgoing] = _store(session, chain, [filler], sight=sight, now=holder.clock(), terms=terms)
        return outgoing


def cut(rows: Sequence[Any], caps: Caps, *, terms: Terms, now: int, most: int) -> list[Run]:
    """The runs of items that go out now, at most so many, each within the budgets (a single item may be above).

    A run that others might still join goes out when its oldest item has waited `linger` seconds.
    """
    runs: list[Run] = []
    room = (terms.gas_budget - TRANSACTION - ITEM_RESERVE) * 63 // 64
    for row in rows:
        floor = with_checks(row.floor, caps.of(listed(row.keys), listed(row.signers)))
        size = len(row.calldata) // 2 + ITEM_BYTES
        run = runs[-1] if runs else None
        if run is not None and run.contract == row.contract:
            run.full = run.floors + floor > room or run.size + size > terms.data_budget
        elif run is not None:
            run.full = True
        if run is None or run.full:
            if len(runs) == most:
                break
            run = Run(row.contract)
            runs.append(run)
        run.rows.append(row)
        run.floors += floor
        run.size += size
    return [
        run for run in runs if run.full or not terms.linger or run.rows[0].queued_at + terms.linger <= now
    ]


def highest(fees: Fees, terms: Terms) -> Fees:
    """A price within the bound."""
    return Fees(
        min(fees.highest, terms.highest_fee), None if fees.tip is None else min(fees.tip, terms.highest_fee)
    )


@lru_cache(maxsize=4096)
def listed(text: str | None) -> Any:
    """The list in a column of JSON, read once however many rows say the same; nobody changes it."""
    return None if text is None else tuple(json.loads(text))


# Inside


def _free_nonces(session: Session, sight: Sight, terms: Terms) -> list[int]:
    """The lowest nonces from the chain's on that no batch has, as many as batches may be under way besides."""
    query = select(BatchRow.nonce, BatchRow.status).where(
        BatchRow.account == sight.account, BatchRow.nonce >= sight.nonce, BatchRow.status != "void"
    )
    used = {nonce for nonce, _ in session.execute(query)}
    stuck = select(func.count()).where(BatchRow.account == sight.account, BatchRow.status == "open")
    free: list[int] = []
    nonce = sight.nonce
    for _ in range(terms.most_open - int(session.scalar(stuck) or 0)):
        while nonce in used:
            nonce += 1
        free.append(nonce)
        nonce += 1
    return free


def _oldest(session: Session, limit: int) -> Sequence[Any]:
    # In two steps: a database that does not know how many are waiting would else sort all of them, calls and all.
    first = select(OutboxRow.number).where(OutboxRow.status == SIGNED).order_by(OutboxRow.number).limit(limit)
    numbers = session.scalars(first.with_for_update(skip_locked=True)).all()
    call = select(CallRow.calldata).where(CallRow.number == OutboxRow.number).scalar_subquery()
    query = (
        select(
            OutboxRow.number,
            OutboxRow.contract,
            OutboxRow.verb,
            call.label("calldata"),
            OutboxRow.floor,
            cast(OutboxRow.keys, Text).label("keys"),
            cast(OutboxRow.signers, Text).label("signers"),
            OutboxRow.sequence,
            OutboxRow.deadline,
            OutboxRow.queued_at,
            OutboxRow.attempts,
            OutboxRow.refusal,
            OutboxRow.subject,
            VoucherRow.sequence.label("present"),
        )
        .outerjoin(
            VoucherRow,
            and_(
                VoucherRow.contract == OutboxRow.contract,
                VoucherRow.voucher == OutboxRow.subject,
                OutboxRow.sequence.is_not(None),
            ),
        )
        .where(one_of(session, OutboxRow.number, numbers))
        .order_by(OutboxRow.number)
    )
    return session.execute(query).all() if numbers else []


def _may_go(row: Any, sight: Sight, taken: Claim, cleared: Collection[int]) -> bool:
    if row.deadline is not None and sight.timestamp > row.deadline:
        expired = Refusal("AgreementExpired", {"deadline": row.deadline, "timestamp": sight.timestamp})
        taken.hopeless.append((row.number, expired))
    elif row.present is not None and row.present > row.sequence:
        voucher = VoucherId(int.from_bytes(row.subject))
        overtaken = Refusal("WrongSequence", {"id": voucher, "given": row.sequence, "present": row.present})
        taken.hopeless.append((row.number, overtaken))
    elif row.refusal is not None and row.number not in cleared:
        taken.doubted.append(row.number)
    else:
        return True
    return False


@dataclass(slots=True)
class _Purse:
    """What contract wallets' checks were given today, by all relays of this database."""

    session: Session
    caps: Caps
    day: int
    budget: int
    spent: dict[int, int] = field(default_factory=dict)

    def open(self, rows: Sequence[Any]) -> None:
        """Locks and reads what the wallets of these items have spent. In order of party, so that two relays wait for
        each other and never both."""
        made = (postgresql if self.session.get_bind().dialect.name == "postgresql" else sqlite).insert
        for party in sorted({party for row in rows for party in self._asked(row)}):
            fresh = made(WalletGasRow).values(party=party, day=self.day, gas=0).on_conflict_do_nothing()
            self.session.execute(fresh)
            kept = select(WalletGasRow.gas).where(*self._of(party)).with_for_update()
            self.spent[party] = self.session.scalars(kept).one()

    def spend(self, row: Any) -> Refusal | None:
        """Counts what the item's wallets are given; a Refusal, and nothing counted, where it is too much."""
        asked = self._asked(row)
        for party, gas in asked.items():
            if self.spent[party] + gas > self.budget:
                facts = {"party": party, "spent": self.spent[party], "budget": self.budget}
                return Refusal("WalletBudgetSpent", facts)
        for party, gas in asked.items():
            self.spent[party] += gas
        return None

    def write(self) -> None:
        """Keeps what was counted."""
        for party, gas in self.spent.items():
            self.session.execute(update(WalletGasRow).where(*self._of(party)).values(gas=gas))

    def _asked(self, row: Any) -> Mapping[int, int]:
        return self.caps.of_wallets(listed(row.signers)) if not row.attempts else {}

    def _of(self, party: int) -> tuple[ColumnElement[bool], ...]:
        return WalletGasRow.party == party, WalletGasRow.day == self.day


def _over_budget(session: Session, row: Any, purse: _Purse, sight: Sight, taken: Claim) -> bool:
    refusal = purse.spend(row)
    if refusal is None:
        return False
    values: dict[str, Any] = {"status": REFUSED, "refusal": refusal.name, "facts": refusal.facts}
    values |= {"batch": None, "block": sight.height, "block_hash": sight.head}
    session.execute(update(OutboxRow).where(OutboxRow.number == row.number).values(values))
    taken.refused.append(Relayed(row.number, row.verb, refusal, None, sight.height))
    return True


def _store(
    session: Session, chain: Chain, wanted: Sequence[Wanted], *, sight: Sight, now: int, terms: Terms
) -> list[Outgoing]:
    if not wanted:
        return []
    shared = {"account": sight.account, "status": "open", "created_at": now}
    batches: list[dict[str, Any]] = [
        shared
        | {
            "nonce": each.nonce,
            "contract": each.contract,
            "gas": each.gas,
            "items": each.items,
            "why": each.why,
        }
        for each in wanted
    ]
    made = insert(BatchRow).returning(BatchRow.number, sort_by_parameter_order=True)
    numbers = session.scalars(made, batches).all()
    last = max(each.nonce for each in wanted)
    session.execute(
        update(AccountRow)
        .where(AccountRow.account == sight.account, AccountRow.next_nonce <= last)
        .values(next_nonce=last + 1),
        execution_options=PLAIN,
    )
    fees = highest(sight.fees, terms)
    return [
        store_transaction(
            session,
            chain,
            each.data,
            batch=number,
            to=sight.account if each.contract is None else to_checksum_address(each.contract),
            gas=each.gas,
            nonce=each.nonce,
            fees=fees,
            height=sight.height,
            filler=each.contract is None,
        )
        for number, each in zip(numbers, wanted, strict=True)
    ]


def store_transaction(
    session: Session,
    chain: Chain,
    data: bytes,
    *,
    batch: int,
    to: Any,
    gas: int,
    nonce: int,
    fees: Fees,
    height: int,
    filler: bool = False,
) -> Outgoing:
    """Signs a transaction of a batch and stores its bytes. `filler`: it carries nothing."""
    raw = chain.sign(data, to=to, gas=gas, nonce=nonce, fees=fees)
    tx_hash = Hash(keccak(raw))
    values = {"tx_hash": tx_hash, "batch": batch, "raw": raw, "fee": fees.highest, "tip": fees.tip}
    values |= {"height": height, "status": "signed", "sends": 0, "filler": filler}
    session.execute(insert(TransactionRow).values(values))
    return Outgoing(batch, nonce, tx_hash, raw)
