"""What organisations are told of: read out of the offers, the indexed events and the calendar, once each.

An offer has a mark up to which of its versions everybody was told, a contract one up to which of its events, funding
notices one up to which day; a day on which nobody was there to tell them is made up for. A mark
moves in the transaction that writes the deliveries: so nothing is told twice, and nothing is lost however this is
killed. Who writes offers and events knows nothing of it. What an organisation hears of is what `access.py` lets it see:
offers that it made or is to sign; vouchers that it holds, held or is to be paid for, promised, or has under its lines;
its own standing and that of those whom it sponsors.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from hashlib import sha256
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import and_, exists, or_, select, update
from sqlalchemy.orm import Session

from ledger.calendar import Day, date_of_day
from ledger.columns import hex_of
from ledger.members import VoucherId, voucher_text
from ledger.negotiation.offer_views import OfferView, views
from ledger.negotiation.offers import OPEN
from ledger.negotiation.payables import LONGEST_RANGE, falling
from ledger.negotiation.setting import Setting
from ledger.negotiation.webhooks import WAITING, Kind
from ledger.offer_tables import OfferRow
from ledger.organisation_tables import OrganisationRow
from ledger.store import Store
from ledger.tables import CursorRow, EventRow, HistoryRow, PartyRow, PromiseRow
from ledger.webhook_tables import NOTICES, DeliveryRow, WebhookCursorRow, WebhookRow
from ledger.world import bank_of, promise_of

BATCH: Final = 200
_LAST: Final = 2**31 - 1
_KINDS: Final = MappingProxyType(
    {
        "Issued": Kind.VOUCHER_RECEIVED,
        "Parted": Kind.VOUCHER_RECEIVED,
        "Transferred": Kind.VOUCHER_RECEIVED,
        "VoucherOverdue": Kind.VOUCHER_OVERDUE,
        "VoucherFrozen": Kind.VOUCHER_FROZEN,
        "VoucherUnfrozen": Kind.VOUCHER_UNFROZEN,
        "PaymentAsserted": Kind.PAYMENT_ASSERTED,
        "PaymentConfirmed": Kind.PAYMENT_CONFIRMED,
        "PaymentContested": Kind.PAYMENT_CONTESTED,
        "PaymentWithdrawn": Kind.PAYMENT_WITHDRAWN,
        "PaymentCompleted": Kind.PAYMENT_COMPLETED,
        "PaymentAwarded": Kind.PAYMENT_AWARDED,
    }
)
_STANDING: Final = MappingProxyType(
    {
        "PartySuspension": Kind.PARTY_SUSPENSION,
        "RekeyProposed": Kind.PARTY_RECOVERY,
        "RekeyVetoed": Kind.PARTY_RECOVERY,
        "RekeyWithdrawn": Kind.PARTY_RECOVERY,
        "PartyRekeyed": Kind.PARTY_REKEYED,
    }
)


def collect(store: Store, setting: Setting) -> int:
    """Writes what is to be told now; gives how many deliveries that are. Call it again while there are any."""
    with store.reading() as session:
        if not _is_something(session, setting):
            return 0
    with store.writing() as session:
        told = _Telling(session, setting.machine_clock())
        if not told.heard:
            _tell_nobody(session, setting)
            return 0
        _tell_offers(told, setting)
        for contract in _contracts(setting):
            _tell_chain(told, setting, contract)
        _tell_notices(told, setting)
        return told.count


class _Telling:
    """Deliveries that are being written."""

    def __init__(self, session: Session, at: int) -> None:
        self.session, self.at, self.count = session, at, 0
        self._hooks: dict[int, list[WebhookRow]] = defaultdict(list)
        for row in session.scalars(select(WebhookRow)):
            self._hooks[row.organisation].append(row)

    @property
    def heard(self) -> bool:
        """Whether anybody wants to be told of anything."""
        return bool(self._hooks)

    def tell(self, organisations: Collection[int], kind: Kind, name: str, facts: Mapping[str, Any]) -> None:
        """One event. `name` is its own, the same however often it is found."""
        for organisation in sorted(organisations):
            event = sha256(f"{organisation} {name}".encode()).hexdigest()[:32]
            body = {"id": event, "type": str(kind), "at": self.at, **facts}
            for hook in self._hooks.get(organisation, ()):
                if kind not in hook.events:
                    continue
                self.count += 1
                self.session.add(
                    DeliveryRow(
                        webhook=hook.id,
                        event=event,
                        kind=str(kind),
                        body=json.dumps(body, ensure_ascii=False, separators=(",", ":")),
                        status=WAITING,
                        attempts=0,
                        due_at=self.at,
                        answered=None,
                        trouble=None,
                        created_at=self.at,
                        changed_at=self.at,
                    )
                )

    def organisations_of(self, parties: Iterable[int | None]) -> dict[int, int]:
        """The organisations of parties and of those who are to be one."""
        wanted = {int(each) for each in parties if each}
        query = select(OrganisationRow.number, OrganisationRow.party, OrganisationRow.candidate).where(
            or_(OrganisationRow.party.in_(wanted), OrganisationRow.candidate.in_(wanted))
        )
        return {int(row.party or row.candidate or 0): row.number for row in self.session.execute(query)}


def _is_something(session: Session, setting: Setting) -> bool:
    if session.scalar(select(exists().where(OfferRow.told < OfferRow.version))):
        return True
    marks = {row.contract: row for row in session.scalars(select(WebhookCursorRow))}
    for contract in _contracts(setting):
        mark, read = marks.get(contract), session.get(CursorRow, contract)
        if mark is None or (read is not None and read.block > mark.block):
            return True
    return NOTICES not in marks or marks[NOTICES].block < setting.today


def _contracts(setting: Setting) -> list[str]:
    return list(dict.fromkeys(each for pin in setting.pins for each in (pin.registry, pin.ledger)))


def _tell_nobody(session: Session, setting: Setting) -> None:
    """Where no address is named, the marks move on at once."""
    behind = update(OfferRow).where(OfferRow.told < OfferRow.version).values(told=OfferRow.version)
    session.execute(behind.execution_options(synchronize_session=False))
    for contract in _contracts(setting):
        read = session.get(CursorRow, contract)
        mark = session.get(WebhookCursorRow, contract, with_for_update=True)
        if read is None:
            continue
        if mark is None:
            session.add(WebhookCursorRow(contract=contract, block=read.block, log_index=_LAST))
        else:
            mark.block, mark.log_index = read.block, _LAST
    _notices_told(session, setting.today)


# Offers


def _tell_offers(telling: _Telling, setting: Setting) -> None:
    query = select(OfferRow).where(OfferRow.told < OfferRow.version).order_by(OfferRow.number).limit(BATCH)
    rows = list(telling.session.scalars(query.with_for_update(skip_locked=True)))
    if rows:
        seen = views(telling.session, rows, now=setting.chain_clock())
        homes = telling.organisations_of(each.party for view in seen for each in view.row.signatures)
        for view in seen:
            _tell_offer(telling, view, homes)
    for row in rows:
        row.told = row.version


def _tell_offer(telling: _Telling, view: OfferView, homes: Mapping[int, int]) -> None:
    row = view.row
    facts = {"offer": row.id, "verb": row.verb, "status": view.status}
    asked = {homes[each.party] for each in view.row.signatures if each.party in homes}
    name = f"offer {row.id} {row.version}"
    if row.closed:
        telling.tell({row.organisation, *asked}, Kind.OFFER_ENDED, name, facts)
    elif row.told == 0 and row.status == OPEN:
        missing = {
            homes[each.party] for each in view.row.signatures if each.party in homes and each.consent is None
        }
        telling.tell(missing - {row.organisation}, Kind.OFFER_TO_SIGN, name, facts)
    else:
        telling.tell({row.organisation, *asked}, Kind.OFFER_SIGNED, name, facts)


# The chain


def _tell_chain(telling: _Telling, setting: Setting, contract: str) -> None:
    session = telling.session
    read = session.get(CursorRow, contract)
    mark = session.get(WebhookCursorRow, contract, with_for_update=True)
    if read is None:
        return
    if mark is None:  # what was before there was anybody to tell is told nobody
        session.add(WebhookCursorRow(contract=contract, block=read.block, log_index=_LAST))
        return
    query = select(
        EventRow.block, EventRow.log_index, EventRow.name, EventRow.subject, EventRow.tx_hash
    ).where(
        EventRow.contract == contract,
        or_(
            EventRow.block > mark.block,
            and_(EventRow.block == mark.block, EventRow.log_index > mark.log_index),
        ),
        EventRow.block <= read.block,
    )
    events = list(session.execute(query.order_by(EventRow.block, EventRow.log_index).limit(BATCH)))
    _tell_vouchers(telling, contract, [each for each in events if each.name in _KINDS])
    _tell_parties(telling, contract, [each for each in events if each.name in _STANDING])
    if len(events) == BATCH:
        mark.block, mark.log_index = events[-1].block, events[-1].log_index
    else:
        mark.block, mark.log_index = read.block, _LAST


def _tell_vouchers(telling: _Telling, contract: str, events: Sequence[Any]) -> None:
    if not events:
        return
    lives = _lives(telling.session, contract, {VoucherId(int.from_bytes(each.subject)) for each in events})
    found = [_concerned(lives, each) for each in events]
    owing = _owing(telling.session, contract, {voucher for voucher, _ in found})
    parties = {party for _, concerned in found for party in concerned}
    homes = telling.organisations_of(parties | {party for each in owing.values() for party in each})
    for event, (voucher, concerned) in zip(events, found, strict=True):
        kind = _KINDS[event.name]
        if kind is not Kind.VOUCHER_RECEIVED:
            concerned = concerned | owing.get(voucher, frozenset())
        facts = {"voucher": voucher_text(voucher), "event": event.name, "tx_hash": hex_of(event.tx_hash)}
        name = f"{contract} {event.block} {event.log_index}"
        telling.tell({homes[each] for each in concerned if each in homes}, kind, name, facts)


def _lives(
    session: Session, contract: str, vouchers: set[VoucherId]
) -> Mapping[VoucherId, Sequence[HistoryRow]]:
    """The histories of these vouchers and of the parts that came of them, each in its order."""
    found: dict[VoucherId, list[HistoryRow]] = defaultdict(list)
    parts: set[VoucherId] = set()
    for wanted in (vouchers, parts):
        query = select(HistoryRow).where(HistoryRow.contract == contract, HistoryRow.voucher.in_(wanted))
        for row in session.scalars(query.order_by(HistoryRow.block, HistoryRow.log_index)) if wanted else ():
            found[row.voucher].append(row)
            if wanted is vouchers and row.name == "Parted" and row.other is not None:
                parts.add(row.other)
        parts -= vouchers
    return found


def _concerned(
    lives: Mapping[VoucherId, Sequence[HistoryRow]], event: Any
) -> tuple[VoucherId, frozenset[int]]:
    """The voucher that an event is about, and the parties that have a part in it: who holds it afterwards; of a payment
    also who held it before, who is paid, and who pays for it under a discount."""
    voucher = VoucherId(int.from_bytes(event.subject))
    place = (event.block, event.log_index)
    life = lives.get(voucher, ())
    here = next((row for row in life if (row.block, row.log_index) == place), None)
    if here is not None and event.name == "Parted" and here.other is not None:
        voucher = here.other
        here = next((row for row in lives.get(voucher, ()) if (row.block, row.log_index) == place), None)
    if here is None:
        return voucher, frozenset()
    if _KINDS[event.name] is Kind.VOUCHER_RECEIVED:
        return voucher, frozenset({here.holder} if here.holder else ())
    past = [row for row in life if (row.block, row.log_index) < place]
    parties = {here.holder, here.party if event.name == "PaymentAsserted" else None}
    if past:
        parties.add(past[-1].holder)
    parties.update(row.party for row in past[-2:] if row.name in ("Discounted", "PaymentAsserted"))
    return voucher, frozenset(each for each in parties if each)


def _owing(session: Session, contract: str, vouchers: set[VoucherId]) -> Mapping[VoucherId, frozenset[int]]:
    """Who promised each, and the bank of its line."""
    promises = {promise_of(voucher) for voucher in vouchers}
    query = select(PromiseRow.promise, PromiseRow.issuer, PromiseRow.line).where(
        PromiseRow.contract == contract, PromiseRow.promise.in_(promises)
    )
    known = {row.promise: frozenset({row.issuer, int(bank_of(row.line))}) for row in session.execute(query)}
    return {voucher: known.get(promise_of(voucher), frozenset()) for voucher in vouchers}


def _tell_parties(telling: _Telling, contract: str, events: Sequence[Any]) -> None:
    if not events:
        return
    parties = {int.from_bytes(each.subject) for each in events}
    query = select(PartyRow.party, PartyRow.sponsor).where(
        PartyRow.contract == contract, PartyRow.party.in_(parties)
    )
    sponsors = {row.party: row.sponsor for row in telling.session.execute(query)}
    homes = telling.organisations_of({*parties, *sponsors.values()})
    for event in events:
        party = int.from_bytes(event.subject)
        concerned = {homes[each] for each in (party, sponsors.get(party, 0)) if each in homes}
        facts = {"party": party, "event": event.name, "tx_hash": hex_of(event.tx_hash)}
        telling.tell(concerned, _STANDING[event.name], f"{contract} {event.block} {event.log_index}", facts)


# Days


def _tell_notices(telling: _Telling, setting: Setting) -> None:
    """The notices of every day since the last one; of a first time those of today."""
    today = setting.today  # once: midnight may pass between two looks
    since = _notices_told(telling.session, today)
    if since > today:
        return
    found = falling(telling.session, setting, since=since, until=today)
    homes = telling.organisations_of(each.issuer for each in found)
    for each in found:
        due, pay = date_of_day(each.due_day).isoformat(), date_of_day(each.pay_day).isoformat()
        facts = {"due_day": due, "pay_day": pay, "days_before": each.days_before}
        name = f"notice {each.issuer} {due} {each.days_before}"
        home = {homes[each.issuer]} if each.issuer in homes else set()
        telling.tell(home, Kind.FUNDING_NOTICE, name, facts)


def _notices_told(session: Session, today: Day) -> Day:
    """Moves the mark to today; gives the first day that was not told before."""
    mark = session.get(WebhookCursorRow, NOTICES, with_for_update=True)
    if mark is None:
        session.add(WebhookCursorRow(contract=NOTICES, block=today, log_index=_LAST))
        return today
    since = Day(max(mark.block + 1, today - LONGEST_RANGE))
    mark.block = max(mark.block, today)
    return since
