"""The database's rows as a pure function of the chain's events.

    project    writes what new events change, and nothing else
    rebuild    deletes the rows and makes them again from the stored events

The rules are those of `fold.py`: the rows around the events are read as a World, the events are folded into a draft
of it, and what differs is written. Only what a World does not keep (quotes, filings, payment references, the fate of
payments, histories) is taken from the events here. No clock, no chain, no judgement: an event that cannot
follow is a VerificationError.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, Final, TypeVar

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from ledger.agreements import Purpose, VoucherId
from ledger.calendar import Day, Timestamp
from ledger.events import (
    Cancelled,
    Discounted,
    Issued,
    IssueRevoked,
    Parted,
    PaymentAsserted,
    PaymentAwarded,
    PaymentCompleted,
    PaymentConfirmed,
    PaymentContested,
    PaymentWithdrawn,
    VoucherPledged,
    decode,
    topics_of,
)
from ledger.fold import fold_into
from ledger.happenings import HISTORY, OF_VOUCHERS, Happening, history_row
from ledger.record_rows import (
    issuer_row,
    line_row,
    party_row,
    pledge_row,
    promise_row,
    registry_settings_row,
    settings_row,
    verifier_row,
    voucher_row,
)
from ledger.row_writing import add, change
from ledger.rows import Surroundings
from ledger.store import followed
from ledger.tables import (
    OPEN_FATES,
    PROJECTION,
    Base,
    BlockRow,
    EventRow,
    FreezeOrderRow,
    FreezeRow,
    HistoryRow,
    InvoiceUseRow,
    IssuerRow,
    LedgerSettingsRow,
    LineRow,
    PartyRow,
    PaymentRow,
    PledgeRow,
    PromiseRow,
    RegistrySettingsRow,
    SignerRow,
    VerifierRow,
    VoucherRow,
    bytes_of,
)
from ledger.world import Lock, Voucher, bank_of, promise_of

K = TypeVar("K")
V = TypeVar("V")
PIECE: Final = 40_000
"""Events that are folded and written together, more where one block has more; all of a stretch, commonly."""
_BY_VOUCHER: Final = itemgetter(HISTORY.index("voucher"))
_ENDINGS: Final = {Parted: "split", Cancelled: "cancelled", IssueRevoked: "revoked"}


def stored(session: Session, contract: str) -> Iterator[Happening]:
    """A contract's events as they are stored, in chain order."""
    query = (
        select(
            EventRow.name,
            EventRow.subject,
            EventRow.data,
            EventRow.block,
            EventRow.log_index,
            EventRow.tx_hash,
            BlockRow.timestamp,
        )
        .join(BlockRow, BlockRow.number == EventRow.block)
        .where(EventRow.contract == contract)
        .order_by(EventRow.block, EventRow.log_index)
    )
    for name, subject, data, block, log_index, tx_hash, timestamp in session.execute(query).yield_per(PIECE):
        event = decode(topics_of(name, subject), bytes_of(data))
        yield Happening(event, block, log_index, tx_hash, Timestamp(timestamp))


def rebuild(session: Session) -> None:
    """Deletes the projection and makes it again from the stored events."""
    for table in reversed(PROJECTION):
        session.execute(delete(table))
    for each in followed(session):
        project(session, each.contract, stored(session, each.contract))


def project(
    session: Session,
    contract: str,
    happenings: Iterable[Happening],
    *,
    surroundings: Surroundings | None = None,
    beside: AbstractContextManager[None] | None = None,
) -> None:
    """Writes what these events of one contract, the next ones in chain order, change in its rows.

    `surroundings`: what the caller has from the events just before, whose rows nobody else has written since; of no use
    any more when this, or the commit, fails. `beside`: what goes on while the first events are folded; the session is
    not used in that time.
    """
    around = Surroundings(contract) if surroundings is None else surroundings
    for piece in _pieces(happenings):
        writer = _Writer(session, around, piece)
        with beside or nullcontext():
            for happening in piece:
                writer.take(happening)
        beside = None
        writer.write()


def _pieces(happenings: Iterable[Happening]) -> Iterator[list[Happening]]:
    if isinstance(happenings, list) and len(happenings) <= PIECE:
        if happenings:
            yield happenings
        return
    piece: list[Happening] = []
    for happening in happenings:
        if len(piece) >= PIECE and happening.block != piece[-1].block:
            yield piece
            piece = []
        piece.append(happening)
    if piece:
        yield piece


@dataclass(slots=True)
class _Payments:
    """The payments of a piece: new rows, changes of old ones, and which is open on which voucher."""

    open: dict[VoucherId, int]
    new: dict[tuple[VoucherId, int], dict[str, Any]] = field(default_factory=dict)
    changes: dict[tuple[VoucherId, int], dict[str, Any]] = field(default_factory=dict)

    def change(self, voucher: VoucherId, fate: str, **values: object) -> None:
        """Gives the open payment another fate."""
        key = voucher, self.open[voucher]
        row = self.new[key] if key in self.new else self.changes.setdefault(key, {})
        row.update(fate=fate, **values)
        if fate not in OPEN_FATES:
            del self.open[voucher]


_SAY_MORE: Final = frozenset(
    {
        *(Issued, Parted, Discounted, VoucherPledged, PaymentAsserted, PaymentConfirmed),
        *(PaymentContested, PaymentWithdrawn, PaymentCompleted, PaymentAwarded),
    }
)
"""Events of which the rows keep more than a World does."""


class _Writer:
    """Folds one piece of events and writes the difference."""

    def __init__(self, session: Session, around: Surroundings, piece: Iterable[Happening]) -> None:
        self.session, self.contract = session, around.contract
        self.touched = around.meet(session, [each.event for each in piece])
        self.before, self.draft = self.touched.world, around.draft
        self.payments = _Payments(around.payments)
        self.promises: dict[int, dict[str, Any]] = {}  # what only events say of them, like the next
        self.vouchers: dict[VoucherId, dict[str, Any]] = {}
        self.pledges: dict[VoucherId, dict[str, Any]] = {}
        self.history: list[tuple[Any, ...]] = []
        self._timestamp, self._day = -1, Day(0)  # of the last block

    def take(self, happening: Happening) -> None:
        """Folds one more event."""
        event = happening.event
        if happening.timestamp != self._timestamp:
            self._timestamp, self._day = happening.timestamp, happening.day
        day, kind = self._day, type(event)
        if kind not in OF_VOUCHERS:
            fold_into(self.draft, event, day=day)
            return
        number: VoucherId = event.voucher  # type: ignore[union-attr]
        before = self.draft.vouchers.get(number) if kind in _SAY_MORE else None
        fold_into(self.draft, event, day=day)
        after = self.draft.vouchers.get(number)
        other = event.child if isinstance(event, Parted) else None
        self.history.append(history_row(self.contract, happening, number, after, day=day, other=other))
        if kind in _SAY_MORE:
            self._take_more(happening, event, before, day)
        if after is not None and after.face == 0:
            ended_as = _ENDINGS.get(kind, "settled")
            self.vouchers.setdefault(number, {}).setdefault("ended_as", ended_as)

    def _take_more(self, happening: Happening, event: Any, before: Voucher | None, day: Day) -> None:
        """What a World does not keep."""
        number: VoucherId = event.voucher
        match event:
            case Issued():
                self.promises[promise_of(number)] = {"supplier": event.supplier}
            case Parted():
                child = self.draft.vouchers[event.child]
                row = history_row(self.contract, happening, event.child, child, day=day, other=number)
                self.history.append(row)
                self.vouchers.setdefault(event.child, {})["parent"] = number
            case Discounted():
                self.vouchers.setdefault(number, {})["quote"] = event.quote
            case PaymentAsserted():
                assert before is not None  # the fold has refused it otherwise
                self._asserted(event, before, day)
            case PaymentConfirmed():
                self.payments.change(number, "confirmed", confirmed_on=day)
            case PaymentContested():
                self.payments.change(number, "contested", contested_on=event.day, contest_reason=event.reason)
            case PaymentWithdrawn():
                self.payments.change(number, "withdrawn", ended_on=day)
            case PaymentCompleted():
                self.payments.change(number, "completed", ended_on=day)
            case PaymentAwarded():
                decided = {"arbiter": event.arbiter, "ruling": event.ruling, "ended_on": day}
                self.payments.change(number, "completed" if event.paid else "withdrawn", **decided)
            case VoucherPledged():
                self.pledges[number] = {"filing": event.filing}

    def write(self) -> None:
        """Writes every row that the piece has changed."""
        before, after, of = self.before, self.draft, self.touched
        parties = {n: (after.parties[n], after.recoveries.get(n)) for n in of.parties if n in after.parties}
        known = {n: (party, before.recoveries.get(n)) for n, party in before.parties.items()}
        changed = {n: party_row(*parties[n]) for n in _changed(known, parties, of.parties)}
        self._put(PartyRow, ("party",), changed, known)
        signers = {
            n: {"party": after.signers[n]} for n in _changed(before.signers, after.signers, of.signers)
        }
        self._put(SignerRow, ("signer",), signers, before.signers)
        verifiers = {
            n: verifier_row(after.verifiers[n])
            for n in _changed(before.verifiers, after.verifiers, of.verifiers)
        }
        self._put(VerifierRow, ("verifier",), verifiers, before.verifiers)
        self._put_settings()
        issuers = {
            n: issuer_row(after.issuers[n]) for n in _changed(before.issuers, after.issuers, of.issuers)
        }
        self._put(IssuerRow, ("issuer",), issuers, before.issuers)
        lines = {n: line_row(n, after.lines[n]) for n in _changed(before.lines, after.lines, of.lines)}
        lines = dict(sorted(lines.items(), key=lambda each: each[1]["parent"] is not None))  # parents first
        self._put(LineRow, ("line",), lines, before.lines)
        promises = {
            n: promise_row(after.promises[n]) | self.promises.get(n, {})
            for n in _changed(before.promises, after.promises, of.promises)
        }
        self._put(PromiseRow, ("promise",), promises, before.promises)
        vouchers = {n: self._voucher(n) for n in _changed(before.vouchers, after.vouchers, of.vouchers)}
        self._put(VoucherRow, ("voucher",), vouchers, before.vouchers)
        payment_key = ("voucher", "sequence")
        self._put(PaymentRow, payment_key, self.payments.new)
        changes = {key: values for key, values in self.payments.changes.items() if values}
        self._put(PaymentRow, payment_key, changes, changes)
        self._put_passing()
        orders: dict[Any, dict[str, Any]] = {key: {} for key in sorted(after.spent_orders)}
        self._put(FreezeOrderRow, ("order", "voucher"), orders)
        after.spent_orders.clear()  # the next piece has its own
        uses = {
            key: {"total": after.invoice_uses[key].total, "used": after.invoice_uses[key].used}
            for key in _changed(before.invoice_uses, after.invoice_uses, of.invoices)
        }
        self._put(InvoiceUseRow, ("payer", "fingerprint"), uses, before.invoice_uses)
        # As the key has them: its index takes neighbours in a third less time.
        self.history.sort(key=_BY_VOUCHER)
        add(self.session, HistoryRow, HISTORY, self.history, kept=True)

    def _asserted(self, event: PaymentAsserted, sold: Voucher, day: Day) -> None:
        number = event.voucher
        if number in self.payments.open:
            self.payments.change(number, "replaced", ended_on=day)
        bank = bank_of(self.draft.promises[promise_of(number)].line)
        under_way = self.draft.payments.get(number)
        fate = "completed" if under_way is None else "confirmed" if event.agreed else "asserted"
        sequence = self.draft.vouchers[number].sequence
        self.payments.new[number, sequence] = {
            "purpose": int(event.purpose),
            "asserter": sold.funder if event.purpose == Purpose.DISBURSEMENT else bank,
            "payee": event.payee,
            "amount": event.amount,
            "face": sold.face,
            "value_day": event.value_day,
            "payment_reference": event.payment_reference,
            "agreed": event.agreed,
            "asserted_on": event.day,
            "contested_on": under_way.contested_on if under_way else 0,
            "contest_reason": None,
            "confirmed_on": day if event.agreed else None,
            "arbiter": None,
            "ruling": None,
            "fate": fate,
            "ended_on": day if under_way is None else None,
        }
        if under_way is not None:
            self.payments.open[number] = sequence

    def _voucher(self, number: VoucherId) -> dict[str, Any]:
        voucher, promise = self.draft.vouchers[number], promise_of(number)
        row = voucher_row(voucher, promise if promise in self.draft.promises else None)
        if not voucher.locks & Lock.DISCOUNT:
            row["quote"] = None
        if number not in self.before.vouchers:
            row |= {"parent": None, "ended_as": None, "quote": None}
        facts = dict(self.vouchers.get(number, {}))
        if not voucher.locks & Lock.DISCOUNT:
            facts.pop("quote", None)
        return row | facts

    def _put_settings(self) -> None:
        """Of a contract whose settings were never changed there is no row."""
        before, after = self.before, self.draft
        for table, was, row in (
            (LedgerSettingsRow, before.settings, settings_row(after.settings)),
            (RegistrySettingsRow, before.registry_settings, registry_settings_row(after.registry_settings)),
        ):
            if was.sequence != row["sequence"]:
                self._put(table, (), {(): row}, {(): was} if was.sequence else None)

    def _put_passing(self) -> None:
        """What is in a table only while it lasts: freezes and pledges."""
        before, after, vouchers = self.before, self.draft, self.touched.vouchers
        freezes = {n: {"until": after.freezes[n]} for n in _changed(before.freezes, after.freezes, vouchers)}
        pledges = {
            n: pledge_row(after.pledges[n]) | self.pledges.get(n, {})
            # a new pledge may be like the old one in all but its filing
            for n in {
                *_changed(before.pledges, after.pledges, vouchers),
                *(self.pledges.keys() & after.pledges.keys()),
            }
        }
        self._take(FreezeRow, before.freezes.keys() - after.freezes.keys())
        self._put(FreezeRow, ("voucher",), freezes, before.freezes)
        self._take(PledgeRow, before.pledges.keys() - after.pledges.keys())
        self._put(PledgeRow, ("voucher",), pledges, before.pledges)

    def _take(self, table: type[FreezeRow | PledgeRow], gone: Iterable[VoucherId]) -> None:
        for number in gone:
            self.session.execute(
                delete(table).where(table.contract == self.contract, table.voucher == number)
            )

    def _put(
        self,
        table: type[Base],
        key: tuple[str, ...],
        rows: Mapping[Any, Mapping[str, Any]],
        known: Mapping[Any, object] | None = None,
    ) -> None:
        """Updates the rows whose keys are known and inserts the others."""
        groups: dict[tuple[bool, tuple[str, ...]], list[tuple[Any, ...]]] = {}
        for number, values in rows.items():
            parts = number if len(key) != 1 else (number,)
            is_known = known is not None and number in known
            groups.setdefault((is_known, tuple(values)), []).append((self.contract, *parts, *values.values()))
        for (is_known, columns), group in groups.items():
            names = ("contract", *key, *columns)
            if is_known:
                change(self.session, table, names, group, keys=1 + len(key))
            else:
                add(self.session, table, names, group)


def _changed(before: Mapping[K, V], after: Mapping[K, V], keys: Iterable[K]) -> Iterator[K]:
    """Of these keys those of which there is something else, or something at all, now."""
    for key in keys:
        value, was = after.get(key), before.get(key)
        if value is not None and value is not was and value != was:
            yield key
