"""The outbox: signed agreements go in, batches go to the chain, outcomes come back.

    queue, queue_unsigned   put a call in; the same agreement twice is there once
    run                     sends what is queued, in order, until nothing is left

Items of the registry and of all ledgers share one queue; a batch is of one contract, and is cut by the gas that
its items have to be given, never by their number. One plain loop in this process. Every step is written down
before it is taken, so that a crash leaves at worst a batch of which nobody knows whether it was sent: the next
run finds on the chain what has landed, by its event, and sends the rest again. The contract makes a second
execution impossible; the relay only has to get the record right. It signs nothing, and judges nothing but what can
never become good again. Two relays side by side come with the crash-proof one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from itertools import takewhile
from typing import Final

from eth_abi.abi import decode as abi_decode
from eth_utils.crypto import keccak
from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from ledger.abi import Abi
from ledger.agreements import VoucherId
from ledger.artifacts import load
from ledger.calendar import Timestamp
from ledger.chain import Address, Chain, Hash, Log, Receipt, decode_revert
from ledger.consent import ADDRESS_BYTES, HIGHEST_SIGNATURE_GAS, HIGHEST_SIGNER_BYTES
from ledger.errors import ChainError, Refusal, VerificationError
from ledger.events import Event, decode
from ledger.fold import fold
from ledger.gas import CEILING, batch_gas, item_gas
from ledger.landing import event_of, is_for_good, shows, subject_of
from ledger.outbox import (
    FINAL,
    Item,
    Relayed,
    Verdict,
    items_of,
    mark_sent,
    outcome,
    queue,
    queue_unsigned,
    record,
)
from ledger.pin import check_pin
from ledger.projection import journal_logs
from ledger.rows import world_around
from ledger.signing import WITH_NEW_SIGNER, batch_calldata
from ledger.store import Store, pins
from ledger.tables import (
    BlockRow,
    CursorRow,
    EventRow,
    HistoryRow,
    OutboxRow,
    PartyRow,
    VerifierRow,
    bytes_of,
    hex_of,
)

__all__ = ["GAS_BUDGET", "Relayed", "outcome", "queue", "queue_unsigned", "run"]

GAS_BUDGET: Final = 10_000_000
"""Gas that one batch may be given."""
AT_ONCE: Final = 200
"""Items that are read at once: more than the least of them would fit into one transaction."""
REORG_DEPTH: Final = 128
"""Blocks below the head in which an outcome is looked up again, in case the chain was reorganised."""
_REFUSED: Final = keccak(text="Refused(uint256,bytes)")


def run(
    store: Store,
    chain: Chain,
    *,
    gas_budget: int = GAS_BUDGET,
    seconds: float = 60.0,
    report: Callable[[Relayed], None] | None = None,
) -> list[Relayed]:
    """Sends everything that is queued for the contracts of this database and gives the outcomes in the order of
    recording.

    `gas_budget`: what one batch may be given. `seconds`: how long a receipt is waited for. ChainError where the
    chain is not the pinned one or cannot be used, or an item cannot be given enough gas; whatever was recorded
    until then stays.
    """
    with store.reading() as session:
        for pin in pins(session):
            check_pin(chain, pin)
    relay = _Relay(store, chain, gas_budget, seconds)
    relay.reopen_lost()
    done: list[Relayed] = []
    while True:
        landed = relay.settle_sent() or relay.send_next()
        if landed is None:
            return done
        for each in landed:
            done.append(each)
            if report is not None:
                report(each)


@dataclass(slots=True)
class _Relay:
    store: Store
    chain: Chain
    gas_budget: int
    seconds: float

    # Chain work is done between units of work, never inside one: a node may be slow, and others write too.

    def reopen_lost(self) -> None:
        """Queues again what was recorded in a block that is no longer part of the chain."""
        height = self.chain.height()
        recent = OutboxRow.status.in_(FINAL), OutboxRow.block > height - REORG_DEPTH
        with self.store.reading() as session:
            recorded = items_of(session, *recent)
        blocks = {item.block for item in recorded if item.block is not None and item.block <= height}
        hashes: dict[int | None, bytes] = {block: self.chain.block_hash(block) for block in blocks}
        lost = [Verdict(item) for item in recorded if hashes.get(item.block) != item.block_hash]
        record(self.store, lost)

    def settle_sent(self) -> list[Relayed]:
        """Finds out about what a run before this one has sent and not recorded."""
        with self.store.reading() as session:
            items = items_of(session, OutboxRow.status == "sent")
        verdicts: list[Verdict] = []
        for tx_hash in {item.tx_hash for item in items if item.tx_hash is not None}:
            receipt = self.chain.receipt(tx_hash)
            if receipt is not None and receipt.ok:
                verdicts += self._judge([item for item in items if item.tx_hash == tx_hash], receipt)
        judged = {verdict.item.number for verdict in verdicts}
        # The others are queued again: what has landed is found out when it is looked at next.
        verdicts += [Verdict(item) for item in items if item.number not in judged]
        return record(self.store, verdicts)

    def send_next(self) -> list[Relayed] | None:
        """Sends and records the next batch; None if nothing is queued."""
        with self.store.reading() as session:
            items = items_of(session, OutboxRow.status == "queued", limit=AT_ONCE)
            caps = _caps(session)
        if not items:
            return None
        hopeless, batch, gas = self._choose(
            list(takewhile(lambda i: i.contract == items[0].contract, items)), caps
        )
        done = record(self.store, hopeless)
        return done + self._send(batch, gas) if batch else done

    def _choose(self, queued: list[Item], caps: Caps) -> tuple[list[Verdict], list[Item], int]:
        """Those that can never become good, and the ones that fit into the budget together, with their
        gas."""
        hopeless: list[Verdict] = []
        batch: list[Item] = []
        taken: set[_Place] = set()
        floors: list[int] = []
        for item in queued:
            floor = item_gas(item.agreement, item.call, signature_gas=caps.of(item))
            if batch and batch_gas([*floors, floor]) > self.gas_budget:
                break
            gas = min(batch_gas([floor]), CEILING)
            simulated = self.chain.simulate(item.contract, item.call, sender=self.chain.account, gas=gas)
            refusal = None if simulated.ok else self._refusal(simulated.output)
            if refusal is not None and is_for_good(refusal):
                block = self.chain.height()
                hopeless.append(self._refused(item, refusal, block=block, tx_hash=None, taken=taken))
            else:
                batch.append(item)
                floors.append(floor)
        return hopeless, batch, batch_gas(floors)

    def _send(self, batch: list[Item], gas: int) -> list[Relayed]:
        while True:
            mark_sent(self.store, batch, tx_hash=None)
            data = batch_calldata([item.call for item in batch], False)
            tx_hash = self.chain.send(data, to=batch[0].contract, gas=min(gas, CEILING))
            mark_sent(self.store, batch, tx_hash=tx_hash)
            receipt = self.chain.wait(tx_hash, seconds=self.seconds)
            if receipt.ok:
                placed = [replace(item, place=place) for place, item in enumerate(batch)]
                return record(self.store, self._judge(placed, receipt))
            # Only want of gas stops a batch: more of it, or fewer items.
            record(self.store, [Verdict(item) for item in batch])
            if gas >= CEILING and len(batch) == 1:
                raise ChainError(
                    f"item {batch[0].number} of the outbox does not get through with {CEILING:,} gas (transaction "
                    f"{hex_of(tx_hash)}): its signers' wallets ask for too much; take it out of the outbox"
                )
            if gas >= CEILING:
                batch = batch[: len(batch) // 2]
            gas = min(2 * gas, CEILING)

    def _judge(self, batch: list[Item], receipt: Receipt) -> list[Verdict]:
        """The verdict on every item of a batch that was mined whole."""
        logs = [log for log in receipt.logs if log.address == batch[0].contract]
        reasons = dict(
            abi_decode(["uint256", "bytes"], log.data) for log in logs if log.topics[0] == _REFUSED
        )
        events = iter([(log, decode(log.topics, log.data)) for log in journal_logs(logs)])
        verdicts: list[Verdict] = []
        for item in batch:
            if item.place in reasons:
                continue
            # Items are executed in their order: what is behind an item's event is not of one before it.
            landed = next((log for log, event in events if _shows(event, item, reached=None)), None)
            if landed is None:
                raise VerificationError(
                    f"transaction {hex_of(receipt.tx_hash)} has neither refused item {item.number} of the outbox "
                    "nor an event of it: the contract is not the one that this version knows"
                )
            verdicts.append(Verdict(item, landed=landed))
        taken = {_place(verdict.landed) for verdict in verdicts if verdict.landed is not None}
        for item in batch:
            if item.place in reasons:
                refusal = self._refusal(reasons[item.place])
                verdicts.append(
                    self._refused(item, refusal, block=receipt.block, tx_hash=receipt.tx_hash, taken=taken)
                )
        return sorted(verdicts, key=lambda verdict: verdict.item.number)

    def _refused(
        self, item: Item, refusal: Refusal, *, block: int, tx_hash: Hash | None, taken: set[_Place]
    ) -> Verdict:
        """A refusal, unless the item has landed before, by whomever it was sent."""
        landed = self._landed(item, taken)
        if landed is not None:
            return Verdict(item, landed=landed)
        return Verdict(item, None, refusal, block, self.chain.block_hash(block), tx_hash)

    def _landed(self, item: Item, taken: set[_Place]) -> Log | None:
        """The item's event, in the index or in the blocks above it, if no other item has it; it is then
        taken."""
        height = self.chain.height()
        with self.store.reading() as session:
            cursor = session.get(CursorRow, item.contract)
            seen = cursor.block if cursor is not None else -1
            events = _stored(session, item)
            if seen < height:
                fresh = journal_logs(self.chain.logs(seen + 1, height, addresses=[item.contract]))
                events += self._reached(session, fresh, item.contract)
            claimed = _claimed(session, item.contract, subject_blocks={log.block for log, _, _ in events})
        for log, event, reached in events:
            if _shows(event, item, reached=reached) and _place(log) not in claimed | taken:
                taken.add(_place(log))
                return log
        return None

    def _reached(self, session: Session, logs: list[Log], contract: Address) -> list[_Reached]:
        """Events above the index, with the sequence that each gave its voucher."""
        events = [decode(log.topics, log.data) for log in logs]
        world = world_around(session, contract, events)
        found: list[_Reached] = []
        for log, event in zip(logs, events, strict=True):
            world = fold(world, event, timestamp=Timestamp(self.chain.block_timestamp(log.block)))
            voucher = world.vouchers.get(getattr(event, "voucher", VoucherId(0)))
            found.append((log, event, voucher.sequence if voucher else None))
        return found

    def _refusal(self, output: bytes) -> Refusal:
        return decode_revert(output, _abis())


_Place = tuple[str, int, int]
_Reached = tuple[Log, Event, int | None]
"""An event with the sequence that it gave its voucher."""


def _place(log: Log) -> _Place:
    return log.address, log.block, log.log_index


@cache
def _abis() -> tuple[Abi, Abi]:
    return load("VoucherLedger").abi, load("PartyRegistry").abi


def _shows(event: Event, item: Item, *, reached: int | None) -> bool:
    return shows(event, item.agreement, root=item.root, reached=reached, sequence=item.sequence)


def _claimed(session: Session, contract: Address, *, subject_blocks: set[int]) -> set[_Place]:
    """The places of events that are recorded as some item's."""
    query = select(OutboxRow.block, OutboxRow.log_index).where(
        OutboxRow.contract == contract, OutboxRow.status == "done", OutboxRow.block.in_(subject_blocks)
    )
    return {(contract, int(block or 0), int(log_index or 0)) for block, log_index in session.execute(query)}


def _stored(session: Session, item: Item) -> list[_Reached]:
    """The indexed events that may be an item's: those of its subject, or of its kind where it does not say that."""
    contract, subject = item.contract, subject_of(item.agreement, item.root)
    query = (
        select(EventRow, BlockRow.hash, HistoryRow.sequence)
        .join(BlockRow, BlockRow.number == EventRow.block)
        .outerjoin(
            HistoryRow,
            and_(
                HistoryRow.contract == EventRow.contract,
                HistoryRow.voucher == VoucherId(subject or 0),
                HistoryRow.block == EventRow.block,
                HistoryRow.log_index == EventRow.log_index,
            ),
        )
        .where(EventRow.contract == contract)
        .order_by(EventRow.block, EventRow.log_index)
    )
    if subject is None:
        query = query.where(EventRow.name == event_of(item.agreement).__name__)
    else:
        query = query.where(EventRow.subject == subject.to_bytes(32))
    found: list[_Reached] = []
    for row, block_hash, reached in session.execute(query):
        log = Log(
            address=contract,
            topics=tuple(bytes_of(topic) for topic in row.topics),
            data=bytes_of(row.data),
            block=row.block,
            block_hash=Hash(block_hash),
            tx_hash=Hash(row.tx_hash),
            tx_index=0,  # not kept, and not asked for
            log_index=row.log_index,
        )
        found.append((log, decode(log.topics, log.data), reached))
    return found


@dataclass(frozen=True, slots=True)
class Caps:
    """Gas caps of signature checks, as the index knows them: of parties that are contract wallets, and of verifiers
    by the number of their address."""

    wallets: Mapping[int, int]
    verifiers: Mapping[int, int]

    def of(self, item: Item) -> int:
        """What the checks of an item's consents may take together.

        A consent of a verifier's key names the verifier; one that the index does not know yet counts as the dearest
        there can be. One of a contract wallet does not name it: where the signers are not known, each consent
        counts as the dearest wallet's.
        """
        new = isinstance(
            item.agreement, WITH_NEW_SIGNER
        )  # a contract wallet that is to serve a party proves itself
        own = int(getattr(item.agreement, "signature_gas", 0)) if new else 0
        keys = [self._of_key(consent) for consent in item.consents]
        if item.signers is None:
            dearest = max(self.wallets.values(), default=0)
            return own + sum(max(dearest, cap) for cap in keys)
        return own + sum(keys) + sum(self.wallets.get(party, 0) for party in item.signers)

    def _of_key(self, consent: bytes) -> int:
        """Two bytes of length, signer bytes that begin with the verifier's address, signature."""
        length = int.from_bytes(consent[:2])
        if not ADDRESS_BYTES < length <= min(HIGHEST_SIGNER_BYTES, len(consent) - 2):
            return 0
        return self.verifiers.get(int.from_bytes(consent[2:22]), HIGHEST_SIGNATURE_GAS)


def _caps(session: Session) -> Caps:
    wallets = session.execute(
        select(PartyRow.party, PartyRow.signature_gas).where(PartyRow.signature_gas > 0)
    )
    verifiers = session.execute(select(VerifierRow.verifier, VerifierRow.signature_gas))
    return Caps(
        wallets={int(party): int(gas) for party, gas in wallets},
        verifiers={int(verifier): int(gas) for verifier, gas in verifiers},
    )
