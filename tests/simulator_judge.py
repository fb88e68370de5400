"""What has to be right when a round of the simulator has ended: told as sentences, none where all is well.

wrong(...)    each agreement that was acknowledged has landed exactly once, or is refused with a reason that it gave
              cause for; rows, events and storage agree; the index is what a fresh one makes of the chain; the
              parties hold what they think they hold
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from sqlalchemy import select

from ledger.events import Issued, Parted, Transferred, decode
from ledger.happenings import journal_logs
from ledger.indexer import follow
from ledger.outbox import FINAL, REFUSED, WITHDRAWN
from ledger.outbox_acts import hanging
from ledger.outbox_tables import BatchRow, OutboxRow
from ledger.rows import world_of
from ledger.store import Store
from ledger.verification import verify
from tests.ledger.indexing import everything
from tests.simulator_people import Act, People
from tests.simulator_wire import Straight


def wrong(store: Store, fresh: Store, chain: Straight, people: People, acts: Sequence[Act]) -> list[str]:
    """`fresh`: an empty database for the same contracts; `acts`: all that was acknowledged, some more than once."""
    acts = list({act.digest: act for act in acts}.values())
    return [
        *_hanging(store),
        *_items(store, acts),
        *_events(store, chain, people, acts),
        *_holdings(store, people),
        *(str(finding) for finding in verify(store, chain).findings),
        *_replayed(store, fresh, chain),
    ]


def _hanging(store: Store) -> Iterator[str]:
    for each in hanging(store):
        yield f"item {each.number} ({each.verb}) is still {each.status}: {each.why}"
    with store.reading() as session:
        for row in session.scalars(select(BatchRow).where(BatchRow.status.in_(("open", "mined")))):
            yield f"batch {row.number} is still {row.status}: {row.why}"


def _items(store: Store, acts: Sequence[Act]) -> Iterator[str]:
    """Each acknowledged agreement has its outcome, once."""
    with store.reading() as session:
        rows = list(session.scalars(select(OutboxRow)))
    by_digest: defaultdict[bytes, list[OutboxRow]] = defaultdict(list)
    for row in rows:
        by_digest[row.digest].append(row)
    for act in acts:
        mine = by_digest[act.digest]
        if not mine:
            yield f"{act.what}: acknowledged, and not there"
        pulled = [row for row in mine if row.status == WITHDRAWN]
        if len(pulled) < len(mine):  # it was put in again
            mine = [row for row in mine if row.status != WITHDRAWN]
        final = [row for row in mine if row.status == FINAL]
        refused = [row for row in mine if row.status == REFUSED]
        if len(final) + len(refused) < len(mine) or len(final) > 1:
            yield f"{act.what}: {[row.status for row in mine]}"
        if not final and not act.refusals:
            yield f"{act.what}: refused with {[(row.number, row.refusal, row.facts) for row in refused]}"
        if final and act.refusals and not act.may_land:
            yield f"{act.what}: has landed"
        for row in refused if act.refusals else ():
            if row.refusal not in act.refusals:
                yield f"{act.what}: refused with {row.refusal} {row.facts}"
    places = Counter((row.contract, row.block, row.log_index) for row in rows if row.status == FINAL)
    for place, count in places.items():
        if count > 1:
            yield f"{count} items are recorded at {place}"


def _events(store: Store, chain: Straight, people: People, acts: Sequence[Act]) -> Iterator[str]:
    """Nothing was executed twice, and each item is recorded where its event is."""
    contract = people.office.pin.ledger
    logs = journal_logs(chain.logs(0, chain.height(), addresses=[contract]))
    there = {(log.block, log.log_index): decode(log.topics, log.data) for log in logs}
    issued = Counter(event.voucher for event in there.values() if isinstance(event, Issued))
    parted = Counter(event.child for event in there.values() if isinstance(event, Parted))
    moved = Counter(event.voucher for event in there.values() if isinstance(event, Transferred))
    for what, counted in (("issued", issued), ("parted", parted)):
        for voucher, count in counted.items():
            if count > 1:
                yield f"voucher {voucher:#x} was {what} {count} times"
    wanted = Counter(
        act.agreement.voucher  # type: ignore[attr-defined]
        for act in acts
        if act.agreement.verb() == "transfer" and not act.refusals
    )
    if moved != wanted:
        yield f"transfers: {moved - wanted} too many, {wanted - moved} too few"
    with store.reading() as session:
        landed = list(session.scalars(select(OutboxRow).where(OutboxRow.status == FINAL)))
    for row in landed:
        if row.contract == contract:
            event = there.get((int(row.block or 0), int(row.log_index or 0)))
            if event is None or type(event).__name__ != row.event:
                yield f"item {row.number} ({row.event}) is recorded where there is {event}"


def _holdings(store: Store, people: People) -> Iterator[str]:
    with store.reading() as session:
        world = world_of(session, people.office.pin.ledger)
    for voucher, held in people.vouchers.items():
        found = world.vouchers.get(voucher)
        if found is None:
            yield f"voucher {voucher:#x} is not there"
            continue
        same = (found.face, found.sequence) == (held.face, held.sequence)
        if not same or (found.face and (found.holder, found.tier) != (held.holder, held.tier)):
            yield f"voucher {voucher:#x} is {found}, its parties hold {held}"
    for voucher in world.vouchers.keys() - people.vouchers.keys() - people.perhaps:
        yield f"voucher {voucher:#x} is nobody's"


def _replayed(store: Store, fresh: Store, chain: Straight) -> Iterator[str]:
    follow(fresh, chain)
    followed, replayed = everything(store), everything(fresh)
    for name in replayed:
        if followed[name] != replayed[name]:
            yield f"{name} of the index differ from those of a fresh one"
