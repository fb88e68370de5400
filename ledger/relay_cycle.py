"""One cycle of the relay: everything that there is to do, once, in an order in which each step finds the one before.

    Relay.cycle    the lease of the account · blocks that have gone · claim, hand over · receipts, verdicts · what was
                   not answered is sent again, what is stuck is replaced, holes in the nonces are filled · what is
                   deep enough is final

How often and how long is for `relay.py`. What a `Relay` has in its fields is a memory only: the rows say everything
that counts, and a process that begins anew finds in them what to do.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Final

from eth_utils.address import to_checksum_address
from sqlalchemy import func, select

from ledger.chain import Address, Chain, Fees, Hash, Receipt
from ledger.crash_points import reach
from ledger.errors import Refusal, VerificationError
from ledger.gas import CEILING, batch_gas, with_checks
from ledger.outbox import MINED, SENT, SIGNED, Relayed, fill_in
from ledger.outbox_tables import BatchRow, CallRow, OutboxRow
from ledger.relay_accounts import LOG, Holder, LeaseLost, abandoned, foreign, hold, release, require
from ledger.relay_blocks import Watch, end, reopen, require_pinned
from ledger.relay_claims import Outgoing, caps_of, claim, fill_gap
from ledger.relay_judging import Judged, dispose, judge, record, refusal_of, reverted, void
from ledger.relay_landed import Landed, submitted_by_others
from ledger.relay_sending import (
    Memory,
    Stored,
    bytes_for,
    dearer,
    due,
    give_up,
    hand_over,
    is_stuck,
    open_transactions,
)
from ledger.relay_sending import replace as replace_transaction
from ledger.relay_telling import tell_ended, tell_mined, tell_sent
from ledger.relay_terms import Sight, Terms
from ledger.store import Store

PRICE_KEEPS: Final = 2
"""Seconds for which the price of gas is not asked again; a batch offers twice the base fee."""
LOOK_EVERY: Final = 5
"""Seconds between two looks for what contract wallets have submitted by themselves."""
DOUBTS: Final = 5
"""How often, and for `foreign_after` seconds at least, a receipt may contradict the batch before that is taken for the
truth."""


@dataclass(slots=True)
class Cycle:
    """What one cycle brought: items that have ended, and whether anything at all has changed."""

    ended: list[Relayed] = field(default_factory=list)
    moved: bool = False

    def take(self, ended: list[Relayed]) -> None:
        """Items that have ended are a change."""
        tell_ended(ended)
        self.ended += ended
        self.moved = self.moved or bool(ended)


@dataclass(slots=True)
class Relay:
    """One process's relay. Chain work is done between units of work, never inside one: a node may be slow, and others
    write too. What stands in the fields is a memory only: the rows say everything that counts."""

    store: Store
    chain: Chain
    terms: Terms
    holder: Holder
    claims: bool = True
    watch: Watch = field(default_factory=Watch)
    memory: Memory = field(default_factory=Memory)
    cleared: set[int] = field(default_factory=set)
    suspects: dict[int, int] = field(default_factory=dict)
    doubts: dict[Hash, tuple[int, int]] = field(default_factory=dict)
    checked: bool = False
    fees: Fees | None = None
    fees_at: int = 0
    looked_at: int | None = None

    def _begin(self) -> None:
        """Looks at the chain, at the beginning and whenever node or database was away."""
        fill_in(self.store)
        require_pinned(self.store, self.chain)
        self.checked = True

    def forget(self) -> None:
        """Begins anew with what the rows say: the node or the database was away."""
        self.watch, self.memory, self.checked = Watch(), Memory(), False

    def cycle(self) -> Cycle:
        """One round of everything. Unreachable where the node does not answer; the next cycle goes on."""
        found = Cycle()
        if not self.checked:
            self._begin()
        sight = self._look()
        try:
            self._recorded(sight, found)
            mine = hold(self.store, sight.account, self.holder, mined=sight.nonce)
            if mine:
                self._work(sight, found)
            for account in abandoned(self.store, sight.account, self.holder):
                self._care(to_checksum_address(account), sight, found)
            if mine:  # who stands by leaves it to the other process, which may want more depth
                found.take(self._ended(sight))
            found.take(self._submitted_by_themselves(sight))
        except LeaseLost as lost:
            LOG.warning("%s", lost, extra={"account": sight.account})
        except BaseException:
            self.checked = False
            raise
        return found

    def has_work(self) -> bool:
        """Whether something is signed or under way; with depth 0, or mined and not final."""
        wanted = (SIGNED, SENT) if self.terms.depth else (SIGNED, SENT, MINED)
        with self.store.reading() as session:
            query = select(OutboxRow.number).where(OutboxRow.status.in_(wanted)).limit(1)
            return session.scalar(query) is not None

    def has_open(self) -> bool:
        """Whether a batch of this account is under way."""
        return bool(open_transactions(self.store, self.chain.account))

    def stalled(self, seconds: float) -> str:
        """For the person who waits."""
        with self.store.reading() as session:
            query = select(func.count(), func.min(OutboxRow.number)).where(
                OutboxRow.status.in_((SIGNED, SENT))
            )
            count, first = session.execute(query).one()
            open_batches = (BatchRow.status == "open", BatchRow.why.is_not(None))
            why = session.scalar(select(BatchRow.why).where(*open_batches).order_by(BatchRow.nonce).limit(1))
        said = f" ({why})" if why else ""
        return (
            f"nothing has changed for {seconds:g} s: {count} items, the first is {first}, are not mined in that "
            f"time{said}; they stay in the outbox: see whether the chain makes blocks, then run again"
        )

    # ---- steps ---------------------------------------------------------------------------------------------

    def _look(self) -> Sight:
        account, now = self.chain.account, self.holder.clock()
        head = self.chain.head()
        if self.fees is None or self.fees_at + PRICE_KEEPS <= now or self.chain.exclusive:
            self.fees, self.fees_at = self.chain.fees(), now
        return Sight(
            account=account,
            height=head.number,
            head=head.hash,
            timestamp=head.timestamp,
            nonce=self.chain.nonce(account),
            fees=self.fees,
        )

    def _patience(self) -> int:
        return 0 if self.chain.exclusive else self.terms.foreign_after

    def _recorded(self, sight: Sight, found: Cycle) -> None:
        now = self.holder.clock()
        gone = self.watch.gone(self.store, self.chain, sight.height, now=now, patience=self._patience())
        if gone:
            reopen(self.store, gone)
            found.moved = True
            reach("relay: batch reopened")

    def _work(self, sight: Sight, found: Cycle) -> None:
        """Everything for an account whose key is here."""
        waiting = open_transactions(self.store, sight.account)
        if self.claims and not self._jammed(waiting, sight.nonce):
            self._claim(sight, found)
            waiting = open_transactions(self.store, sight.account)
        mined = self._receipts(sight.account, waiting, sight, found)
        waiting = [each for each in waiting if each.nonce >= mined]
        self._again(waiting, sight, found)
        if waiting:
            self._heal(waiting, replace(sight, nonce=mined), found)

    def _care(self, account: Address, sight: Sight, found: Cycle) -> None:
        """For an account of a process that is gone: its batches are watched, and their stored bytes sent again."""
        if not hold(self.store, account, self.holder, mined=None):
            return
        waiting = open_transactions(self.store, account)
        mined = self._receipts(account, waiting, sight, found)
        self._again([each for each in waiting if each.nonce >= mined], replace(sight, account=account), found)
        release(self.store, account, self.holder)

    def _claim(self, sight: Sight, found: Cycle) -> None:
        taken = claim(
            self.store, self.chain, sight=sight, holder=self.holder, terms=self.terms, cleared=self.cleared
        )
        found.take(taken.refused)
        if taken.outgoing:
            self.cleared.clear()
            found.moved = True
            reach("relay: batch claimed")
            self._hand(taken.outgoing, sight)
        refused = self._ask_about(taken.doubted, found)
        hopeless = [*taken.hopeless, *refused]
        if hopeless:
            found.take(dispose(self.store, self.chain, hopeless, height=sight.height, terms=self.terms))

    def _ask_about(self, doubted: list[int], found: Cycle) -> list[tuple[int, Refusal]]:
        """Simulates, each alone, items that were refused before: those that may go now are cleared."""
        if not doubted:
            return []
        with self.store.reading() as session:
            caps = caps_of(session)
            columns = (OutboxRow.number, OutboxRow.contract, OutboxRow.floor, OutboxRow.keys)
            query = select(*columns, OutboxRow.signers, CallRow.calldata).join(OutboxRow.call)
            query = query.where(OutboxRow.number.in_(doubted))
            rows = session.execute(query.order_by(OutboxRow.number)).all()
        refused = []
        for row in rows:
            gas = min(batch_gas([with_checks(row.floor or 0, caps.of(row.keys, row.signers))]), CEILING)
            outcome = self.chain.simulate(
                to_checksum_address(row.contract),
                bytes.fromhex(row.calldata[2:]),
                sender=self.chain.account,
                gas=gas,
            )
            if outcome.ok:
                self.cleared.add(row.number)
                found.moved = True
            else:
                refused.append((row.number, refusal_of(outcome.output)))
        return refused

    def _receipts(self, account: Address, waiting: list[Stored], sight: Sight, found: Cycle) -> int:
        """Looks for what was mined, judges and records it; gives the account's next nonce as the chain has it."""
        if not waiting:
            return sight.nonce if account == sight.account else 0
        mined = self.chain.nonce(account)
        nonces = sorted({each.nonce for each in waiting if each.nonce < mined})
        landed, judged = Landed(self.store, self.chain), list[Judged]()
        for nonce in nonces:
            ours = [each for each in waiting if each.nonce == nonce]
            receipt = self._receipt(ours)
            if receipt is None:
                self._suspect(account, ours, sight, found)
                continue
            reach("relay: receipt read")
            self.suspects.pop(ours[0].batch, None)
            self.memory.forget(each.tx_hash for each in ours)
            if not receipt.ok:
                reverted(self.store, ours[0].batch, receipt, account=account, holder=self.holder)
                found.moved = True
                continue
            verdicts = self._judge(ours[0].batch, receipt, landed)
            if verdicts is not None:
                judged.append(verdicts)
        if judged:
            reach("relay: batch judged")
            tell_mined(judged)
            found.take(
                record(
                    self.store,
                    judged,
                    account=account,
                    height=sight.height,
                    holder=self.holder,
                    terms=self.terms,
                )
            )
            found.moved = True
            reach("relay: verdicts recorded")
        return mined

    def _receipt(self, ours: list[Stored]) -> Receipt | None:
        for each in reversed(ours):
            receipt = self.chain.receipt(each.tx_hash)
            if receipt is not None:
                return receipt
        return None

    def _judge(self, batch: int, receipt: Receipt, landed: Landed) -> Judged | None:
        """None while a receipt that contradicts the batch may be a node's fault."""
        try:
            return judge(self.store, batch, receipt, landed)
        except VerificationError:
            now = self.holder.clock()
            since, looks = self.doubts.get(receipt.tx_hash, (now, 0))
            self.doubts[receipt.tx_hash] = since, looks + 1
            if looks + 1 >= DOUBTS and now - since >= self._patience():
                raise
            return None

    def _suspect(self, account: Address, ours: list[Stored], sight: Sight, found: Cycle) -> None:
        """A nonce that is used, by none of our transactions as far as this node knows."""
        batch, now = ours[0].batch, self.holder.clock()
        if now - self.suspects.setdefault(batch, now) < self._patience():
            return
        del self.suspects[batch]
        with self.store.writing() as session:
            require(session, account, self.holder)
            void(session, batch, why=f"nonce {ours[0].nonce} was used by a transaction not made here")
            foreign(session, account, ours[0].nonce)
        self.memory.forget(each.tx_hash for each in ours)
        found.moved = True

    def _hand(self, outgoing: list[Outgoing], sight: Sight, again: Collection[Hash] = ()) -> int:
        tell_sent(self.store, outgoing, again=again)
        return hand_over(
            self.store,
            self.chain,
            outgoing,
            account=sight.account,
            holder=self.holder,
            memory=self.memory,
        )

    def _again(self, waiting: list[Stored], sight: Sight, found: Cycle) -> None:
        """Hands over what was not, or not answered, or not mined in time."""
        wanted = due(
            waiting,
            now=self.holder.clock(),
            terms=self.terms,
            memory=self.memory,
            at_once=self.chain.exclusive,
        )
        if wanted:
            outgoing = bytes_for(self.store, wanted)
            again = {each.tx_hash for each in wanted if each.last_sent_at is not None}
            taken = self._hand(outgoing, sight, again)
            found.moved = found.moved or (taken > 0 and self.chain.exclusive)

    def _heal(self, waiting: list[Stored], sight: Sight, found: Cycle) -> None:
        """Fills a hole below what waits, and replaces the transaction that keeps all others waiting."""
        lowest = [each for each in waiting if each.nonce == waiting[0].nonce]
        for nonce in range(sight.nonce, lowest[0].nonce):
            filler = fill_gap(
                self.store, self.chain, nonce=nonce, sight=sight, holder=self.holder, terms=self.terms
            )
            if filler is not None:
                reach("relay: gap claimed")
                self._hand([filler], sight)
                found.moved = True
        stuck = lowest[-1]
        if self._jammed(waiting, sight.nonce):
            return  # an operator has to look; its bytes are sent again from time to time, and its receipt looked for
        now = self.holder.clock()
        if self.memory.refused.get(stuck.tx_hash, 0) >= self.terms.most_refusals:
            self._give_up(stuck, f"the node refused its transaction {self.terms.most_refusals} times", sight)
        if not is_stuck(stuck, now=now, terms=self.terms, memory=self.memory):
            return
        fees = dearer(stuck, self.chain.fees(), self.terms)
        if fees is not None and len(lowest) <= self.terms.most_replacements:
            outgoing = replace_transaction(
                self.store, self.chain, stuck, fees, sight=sight, holder=self.holder
            )
            self._hand([outgoing], sight)
            found.moved = True
        elif stuck.tx_hash in self.memory.underpriced or sight.height > stuck.height:
            # Blocks are made, and this is not in them. Where none are made, it is the chain that is stalled.
            price = f"{stuck.fee:,} wei for gas, at most {self.terms.highest_fee:,} are allowed"
            self._give_up(stuck, f"not mined after {len(lowest)} transactions, the last at {price}", sight)

    def _give_up(self, stuck: Stored, why: str, sight: Sight) -> None:
        give_up(self.store, stuck.batch, why, account=sight.account, holder=self.holder)
        self.memory.forget([stuck.tx_hash])

    def _jammed(self, waiting: list[Stored], nonce: int) -> bool:
        """Whether the lowest batch was given up: what follows it would wait for it in vain."""
        if not waiting or waiting[0].nonce < nonce:
            return False
        with self.store.reading() as session:
            mine = OutboxRow.batch == waiting[0].batch
            under_way = session.scalar(select(func.count()).where(mine, OutboxRow.status == SENT))
            return not under_way and bool(session.scalar(select(func.count()).where(mine)))

    def _ended(self, sight: Sight) -> list[Relayed]:
        reach("relay: about to end")
        ended = end(self.store, height=sight.height, terms=self.terms)
        reach("relay: ended")
        return ended

    def _submitted_by_themselves(self, sight: Sight) -> list[Relayed]:
        """Items whose wallets' budget was spent, and that the index shows all the same; looked for now and then."""
        now = self.holder.clock()
        if self.looked_at is not None and now < self.looked_at + LOOK_EVERY:
            return []
        self.looked_at = now
        found = submitted_by_others(self.store)
        if not found:
            return []
        landed = dispose(self.store, self.chain, found, height=sight.height, terms=self.terms)
        return [each for each in landed if each.refusal is None]
