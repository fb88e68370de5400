"""What is read for judging one agreement judges it just as everything would."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from ledger import voucher
from ledger.agreements import (
    AGREEMENTS,
    AcceptHandOver,
    Agreement,
    Award,
    Cancel,
    FinishRekey,
    HandOver,
    Issue,
    ListVerifier,
    PartyNumber,
    Pledge,
    Reinstate,
    Release,
    Revoke,
    SetTenorCap,
    StopIssue,
    Suspend,
    Unfreeze,
    VetoRekey,
    VoucherId,
    WithdrawRekey,
    from_json,
)
from ledger.calendar import DAY_SECONDS, Day, Timestamp
from ledger.consent import is_suspended
from ledger.errors import Refusal
from ledger.members import Contract, line_id
from ledger.money import Fen
from ledger.outbox import WITH_CALL
from ledger.outbox_tables import OutboxRow
from ledger.payment import CompletePayment, DeclareOverdue, Unsigned
from ledger.rows import world_of
from ledger.rows_about import world_about
from ledger.rows_known import Known
from ledger.signing import root_id
from ledger.world import World
from tests.ledger.office import (
    BANK,
    FACE,
    FACTOR,
    ISSUER,
    LATER,
    LINE,
    OTHER_BANK,
    REGISTRAR,
    A,
    B,
    Town,
    busy,
    office_in,
    some_hash,
)
from tests.statements import heard

MOST_QUERIES = 24
SUB_SUB = line_id(BANK, 7)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with office_in(tmp_path_factory.mktemp("town")) as office:
        vouchers = busy(office)
        office.put(office.grant_of(SUB_SUB, parent=LINE, limit=FACE), BANK, ISSUER)
        vouchers["pledged"] = office.issue(supplier=FACTOR)
        end = Day(office.today + 60)
        office.put(
            Pledge(vouchers["pledged"], 1, OTHER_BANK, Fen(500), some_hash("filing"), end, LATER),
            FACTOR,
            OTHER_BANK,
        )
        assert all(each.refusal is None for each in office.run())
        office.follow()
        yield Town(office, vouchers)


def played(town: Town) -> list[tuple[Agreement, Issue | None]]:
    """Everything that was ever agreed there."""
    with town.store.reading() as session:
        rows = list(session.scalars(select(OutboxRow).options(WITH_CALL).order_by(OutboxRow.number)))
    found: list[tuple[Agreement, Issue | None]] = []
    for row in rows:
        issued = None if row.call.issued is None else from_json(row.call.issued)
        assert issued is None or isinstance(issued, Issue)
        found.append((from_json(row.call.agreement), issued))
    return found


def others(town: Town) -> list[Agreement]:
    """One of each kind that nobody agreed to there."""
    v, day = town.vouchers, Day(town.office.today + 30)
    return [
        Cancel(v["waiting"], 1, LATER),
        Revoke(v["waiting"], 1, LATER),
        Pledge(v["waiting"], 1, FACTOR, Fen(100), some_hash("filing"), day, LATER),
        Release(v["waiting"], 1, FACTOR, LATER),
        town.office.issue_of(FACE // 100, supplier=FACTOR, line=SUB_SUB),
        town.office.issue_of(FACE // 100, supplier=FACTOR),
        Release(v["pledged"], 2, OTHER_BANK, LATER),
        Release(v["pledged"], 2, FACTOR, LATER),
        town.office.assertion(v["pledged"], 2, payee=OTHER_BANK, amount=500),
        Award(v["contested"], 3, OTHER_BANK, True, some_hash("ruling"), LATER),
        Unfreeze(v["frozen"], some_hash("another order"), LATER),
        Unfreeze(v["frozen"], some_hash("order"), LATER),
        Reinstate(A, 2, some_hash("reason"), LATER),
        VetoRekey(B, 2, LATER),
        WithdrawRekey(B, 2, LATER),
        FinishRekey(B, 2, OTHER_BANK, LATER),
        ListVerifier(0, bytes(range(20)), 60_000, some_hash("code"), LATER),
        HandOver(0, FACTOR, LATER),
        AcceptHandOver(1, LATER),
        SetTenorCap(0, 100, day, LATER),
        StopIssue(0, ISSUER, True, some_hash("reason"), LATER),
    ]


def cases(town: Town) -> list[tuple[Agreement | Unsigned, Issue | None]]:
    """All kinds, as they were agreed and with the sequence that would be right now."""
    world = world_now(town)
    found: list[tuple[Agreement | Unsigned, Issue | None]] = []
    for agreement, issued in [*played(town), *((each, None) for each in others(town))]:
        found.append((agreement, issued))
        known: Any = agreement
        voucher_record = world.vouchers.get(getattr(known, "voucher", VoucherId(0)))
        party_record = world.parties.get(getattr(known, "party", PartyNumber(0)))
        for record in (voucher_record, party_record):
            if record is not None and hasattr(known, "sequence"):
                found.append((replace(known, sequence=record.sequence), issued))
    for number in world.vouchers:
        found += [(CompletePayment(number), None), (DeclareOverdue(number), None)]
    return found


def world_now(town: Town) -> World:
    with town.store.reading() as session:
        return world_of(session, town.office.pin.ledger)


def judged(world: World, agreement: Agreement | Unsigned, **asked: Any) -> tuple[Refusal | None, Any]:
    try:
        signers: Any = voucher.signers(world, agreement, **asked)
    except Refusal as refusal:
        signers = refusal
    return voucher.may(world, agreement, **asked), signers


@pytest.mark.parametrize("days", [0, 40, 200, 400])
def test_every_kind_of_agreement_is_judged_as_by_the_whole_world(town: Town, days: int) -> None:
    world, pin = world_now(town), town.office.pin
    timestamp = Timestamp(town.chain.now() + 1 + days * DAY_SECONDS)
    told: set[str] = set()
    kinds = set()
    for agreement, issued in cases(town):
        kinds.add(type(agreement))
        source = agreement if isinstance(agreement, Issue) else issued
        root = None if source is None else root_id(source, town.office.domain(Contract.LEDGER))
        asked = {"timestamp": timestamp, "root": root, "issued": issued}
        with town.store.reading() as session:
            some = world_about(session, pin, agreement, root=root, issued=issued)
        expected, found = judged(world, agreement, **asked), judged(some, agreement, **asked)
        assert found == expected, agreement
        told.add("may" if expected[0] is None else expected[0].name)
    assert kinds >= set(AGREEMENTS) | {CompletePayment, DeclareOverdue}
    assert len(told) > 8


def test_it_takes_a_fixed_number_of_queries(town: Town) -> None:
    with town.store.reading() as session:
        for agreement, issued in cases(town):
            source = agreement if isinstance(agreement, Issue) else issued
            root = None if source is None else root_id(source, town.office.domain(Contract.LEDGER))
            with heard(town.office.store) as asked:
                world_about(session, town.office.pin, agreement, root=root, issued=issued)
            assert len(asked) <= MOST_QUERIES, (agreement, asked)


def test_nothing_else_is_read(town: Town) -> None:
    transfer = town.office.transfer_of(town.vouchers["waiting"], 1, B)
    with town.store.reading() as session:
        some = world_about(session, town.office.pin, transfer)
    assert set(some.vouchers) == {town.vouchers["waiting"]}
    assert set(some.parties) <= {REGISTRAR, BANK, ISSUER, A, B}


# ---- what judgements have in common -------------------------------------------------------------------------


def test_what_was_read_is_not_read_again_until_the_chain_has_gone_on(tmp_path: Path) -> None:
    with office_in(tmp_path) as office:
        office.follow()
        known, issue = Known(), office.issue_of(supplier=B)

        def asked() -> tuple[int, World]:
            with office.store.reading() as session, heard(office.store) as statements:
                world = world_about(session, office.pin, issue, known=known)
            return len(statements), world

        first, before = asked()
        again, same = asked()
        assert again <= first - 4 and same == before
        with office.store.reading() as session:
            assert before == world_about(session, office.pin, issue)
        office.do(Suspend(B, 1, some_hash("why"), LATER), REGISTRAR)
        assert not is_suspended(asked()[1], B)  # the rows are the chain's as far as it was followed
        office.follow()
        anew, after = asked()
        assert anew > again and is_suspended(after, B)
