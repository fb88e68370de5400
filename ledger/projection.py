"""The database's rows as a pure function of the chain's events.

    project    writes what new events change, and nothing else
    rebuild    deletes the rows and makes them again from the stored events

The rules are those of `fold.py`: the rows around the events are read as a World, the events are folded on it,
and what differs is written. Only what a World does not keep (quotes, filings, payment references, the fate of
payments, histories) is taken from the events here. No clock, no chain, no judgement: an event that cannot
follow is a VerificationError.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from ledger.agreements import Purpose, VoucherId
from ledger.calendar import Day, Timestamp, day_of
from ledger.chain import Log
from ledger.events import (
    OUTSIDE_JOURNAL,
    Cancelled,
    Discounted,
    Event,
    Issued,
    IssueRevoked,
    Parted,
    PaymentAsserted,
    PaymentAwarded,
    PaymentCompleted,
    PaymentConfirmed,
    PaymentContested,
    PaymentWithdrawn,
    RegistryEvent,
    VoucherPledged,
    decode,
)
from ledger.fold import fold
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
from ledger.rows import open_payments, world_around
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
from ledger.world import Lock, Voucher, World, bank_of, promise_of

K = TypeVar("K")
V = TypeVar("V")
PIECE: Final = 200
"""Events that are folded and written together, more where one block has more."""
# Where the different events say who else, how much, and which hash: the first that an event has.
_WHO: Final = ("recipient", "supplier", "funder", "pledgee", "payee", "arbiter", "by", "payer")
_HOW_MUCH: Final = ("amount", "secured", "face")
_WHICH: Final = ("fingerprint", "quote", "filing", "payment_reference", "reason", "ruling", "order", "terms")
_ENDINGS: Final = {Parted: "split", Cancelled: "cancelled", IssueRevoked: "revoked"}


@dataclass(frozen=True, slots=True)
class Happening:
    """A decoded event and where it stands on the chain."""

    event: Event
    block: int
    log_index: int
    tx_hash: bytes
    timestamp: Timestamp

    @property
    def day(self) -> Day:
        """The block's day in China time."""
        return day_of(self.timestamp)


def journal_logs(logs: Iterable[Log]) -> list[Log]:
    """The logs that are entries of the journal: all but `Refused` and ERC-721's `Transfer`."""
    return [log for log in logs if not log.topics or log.topics[0] not in OUTSIDE_JOURNAL]


def stored(session: Session, contract: str) -> Iterator[Happening]:
    """A contract's events as they are stored, in chain order."""
    query = (
        select(EventRow, BlockRow.timestamp)
        .join(BlockRow, BlockRow.number == EventRow.block)
        .where(EventRow.contract == contract)
        .order_by(EventRow.block, EventRow.log_index)
    )
    for row, timestamp in session.execute(query):
        event = decode([bytes_of(topic) for topic in row.topics], bytes_of(row.data))
        yield Happening(event, row.block, row.log_index, row.tx_hash, Timestamp(timestamp))


def rebuild(session: Session) -> None:
    """Deletes the projection and makes it again from the stored events."""
    for table in reversed(PROJECTION):
        session.execute(delete(table))
    for each in followed(session):
        project(session, each.contract, stored(session, each.contract))


def project(session: Session, contract: str, happenings: Iterable[Happening]) -> None:
    """Writes what these events of one contract, the next ones in chain order, change in its rows."""
    for piece in _pieces(happenings):
        writer = _Writer(session, contract, piece)
        for happening in piece:
            writer.take(happening)
        writer.write()


def _pieces(happenings: Iterable[Happening]) -> Iterator[list[Happening]]:
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


class _Writer:
    """Folds one piece of events and writes the difference."""

    def __init__(self, session: Session, contract: str, piece: Iterable[Happening]) -> None:
        self.session, self.contract = session, contract
        self.before = self.world = world_around(session, contract, [each.event for each in piece])
        rows = open_payments(session, contract, set(self.before.payments))
        self.payments = _Payments({row.voucher: row.sequence for row in rows})
        self.promises: dict[int, dict[str, Any]] = {}  # what only events say of them, like the next
        self.vouchers: dict[VoucherId, dict[str, Any]] = {}
        self.pledges: dict[VoucherId, dict[str, Any]] = {}
        self.history: list[dict[str, Any]] = []

    def take(self, happening: Happening) -> None:
        """Folds one more event."""
        event, was = happening.event, self.world
        self.world = fold(was, event, timestamp=happening.timestamp)
        if isinstance(event, RegistryEvent) or not hasattr(event, "voucher"):
            return
        self._note(happening, event.voucher, getattr(event, "child", None))
        match event:
            case Issued():
                self.promises[promise_of(event.voucher)] = {"supplier": event.supplier}
            case Parted():
                self._note(happening, event.child, event.voucher)
                self.vouchers.setdefault(event.child, {})["parent"] = event.voucher
            case Discounted():
                self.vouchers.setdefault(event.voucher, {})["quote"] = event.quote
            case PaymentAsserted():
                self._asserted(event, was, happening.day)
            case PaymentConfirmed():
                self.payments.change(event.voucher, "confirmed", confirmed_on=happening.day)
            case PaymentContested():
                self.payments.change(
                    event.voucher, "contested", contested_on=event.day, contest_reason=event.reason
                )
            case PaymentWithdrawn():
                self.payments.change(event.voucher, "withdrawn", ended_on=happening.day)
            case PaymentCompleted():
                self.payments.change(event.voucher, "completed", ended_on=happening.day)
            case PaymentAwarded():
                decided = {"arbiter": event.arbiter, "ruling": event.ruling, "ended_on": happening.day}
                self.payments.change(event.voucher, "completed" if event.paid else "withdrawn", **decided)
            case VoucherPledged():
                self.pledges[event.voucher] = {"filing": event.filing}
        after = self.world.vouchers.get(event.voucher)
        if after is not None and after.face == 0:
            ended_as = _ENDINGS.get(type(event), "settled")
            self.vouchers.setdefault(event.voucher, {}).setdefault("ended_as", ended_as)

    def write(self) -> None:
        """Writes every row that the piece has changed."""
        before, after = self.before, self.world
        parties = {n: (party, after.recoveries.get(n)) for n, party in after.parties.items()}
        known = {n: (party, before.recoveries.get(n)) for n, party in before.parties.items()}
        self._put(PartyRow, ("party",), {n: party_row(*parties[n]) for n in _changed(known, parties)}, known)
        signers = {n: {"party": after.signers[n]} for n in _changed(before.signers, after.signers)}
        self._put(SignerRow, ("signer",), signers, before.signers)
        verifiers = {n: verifier_row(after.verifiers[n]) for n in _changed(before.verifiers, after.verifiers)}
        self._put(VerifierRow, ("verifier",), verifiers, before.verifiers)
        self._put_settings()
        issuers = {n: issuer_row(after.issuers[n]) for n in _changed(before.issuers, after.issuers)}
        self._put(IssuerRow, ("issuer",), issuers, before.issuers)
        lines = {n: line_row(n, after.lines[n]) for n in _changed(before.lines, after.lines)}
        self._put(LineRow, ("line",), lines, before.lines)
        promises = {
            n: promise_row(after.promises[n]) | self.promises.get(n, {})
            for n in _changed(before.promises, after.promises)
        }
        self._put(PromiseRow, ("promise",), promises, before.promises)
        vouchers = {n: self._voucher(n) for n in _changed(before.vouchers, after.vouchers)}
        self._put(VoucherRow, ("voucher",), vouchers, before.vouchers)
        payment_key = ("voucher", "sequence")
        self._put(PaymentRow, payment_key, self.payments.new)
        changes = {key: values for key, values in self.payments.changes.items() if values}
        self._put(PaymentRow, payment_key, changes, changes)
        self._put_passing()
        orders: dict[Any, dict[str, Any]] = {key: {} for key in after.spent_orders}
        self._put(FreezeOrderRow, ("order", "voucher"), orders)
        uses = {
            key: {"total": after.invoice_uses[key].total, "used": after.invoice_uses[key].used}
            for key in _changed(before.invoice_uses, after.invoice_uses)
        }
        self._put(InvoiceUseRow, ("payer", "fingerprint"), uses, before.invoice_uses)
        if self.history:
            self.session.execute(insert(HistoryRow), self.history)

    def _asserted(self, event: PaymentAsserted, was: World, day: Day) -> None:
        number, sold = event.voucher, was.vouchers[event.voucher]
        if number in self.payments.open:
            self.payments.change(number, "replaced", ended_on=day)
        bank = bank_of(was.promises[promise_of(number)].line)
        under_way = self.world.payments.get(number)
        fate = "completed" if under_way is None else "confirmed" if event.agreed else "asserted"
        sequence = self.world.vouchers[number].sequence
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
        voucher, promise = self.world.vouchers[number], promise_of(number)
        row = voucher_row(voucher, promise if promise in self.world.promises else None)
        if not voucher.locks & Lock.DISCOUNT:
            row["quote"] = None
        if number not in self.before.vouchers:
            row |= {"parent": None, "ended_as": None, "quote": None}
        facts = dict(self.vouchers.get(number, {}))
        if not voucher.locks & Lock.DISCOUNT:
            facts.pop("quote", None)
        return row | facts

    def _note(self, happening: Happening, number: VoucherId, other: VoucherId | None) -> None:
        event = happening.event
        voucher: Voucher | None = self.world.vouchers.get(number)
        self.history.append(
            {
                "contract": self.contract,
                "voucher": number,
                "block": happening.block,
                "log_index": happening.log_index,
                "name": type(event).__name__,
                "day": happening.day,
                "tx_hash": happening.tx_hash,
                "party": _first(event, _WHO),
                "amount": _first(event, _HOW_MUCH),
                "reference": _first(event, _WHICH),
                "other": other,
                "face": voucher.face if voucher else None,
                "holder": voucher.holder if voucher else None,
                "tier": voucher.tier if voucher else None,
                "locks": int(voucher.locks) if voucher else None,
                "sequence": voucher.sequence if voucher else None,
            }
        )

    def _put_settings(self) -> None:
        """Of a contract whose settings were never changed there is no row."""
        before, after = self.before, self.world
        for table, was, row in (
            (LedgerSettingsRow, before.settings, settings_row(after.settings)),
            (RegistrySettingsRow, before.registry_settings, registry_settings_row(after.registry_settings)),
        ):
            if was.sequence != row["sequence"]:
                self._put(table, (), {(): row}, {(): was} if was.sequence else None)

    def _put_passing(self) -> None:
        """What is in a table only while it lasts: freezes and pledges."""
        before, after = self.before, self.world
        freezes = {n: {"until": after.freezes[n]} for n in _changed(before.freezes, after.freezes)}
        pledges = {
            n: pledge_row(after.pledges[n]) | self.pledges.get(n, {})
            # a new pledge may be like the old one in all but its filing
            for n in {*_changed(before.pledges, after.pledges), *(self.pledges.keys() & after.pledges.keys())}
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
        groups: dict[tuple[bool, tuple[str, ...]], list[dict[str, Any]]] = {}
        for number, values in rows.items():
            parts = number if len(key) != 1 else (number,)
            row = {"contract": self.contract, **dict(zip(key, parts, strict=True)), **values}
            groups.setdefault((known is not None and number in known, tuple(row)), []).append(row)
        for (is_known, _), group in groups.items():
            self.session.execute(update(table) if is_known else insert(table), group)


def _changed(before: Mapping[K, V], after: Mapping[K, V]) -> Iterator[K]:
    return (key for key, value in after.items() if before.get(key) != value)


def _first(event: Event, names: tuple[str, ...]) -> Any:
    return next((getattr(event, name) for name in names if hasattr(event, name)), None)
