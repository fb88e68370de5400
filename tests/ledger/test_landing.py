"""By its event every agreement is known again, and no event is taken for another agreement's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy.orm import Session

from ledger import relay_landed
from ledger.agreements import AGREEMENTS, AcceptHandOver, Freeze, Issue, VoucherId
from ledger.errors import Refusal
from ledger.landing import _SHOWS_AS, is_for_good, shows, subject_of
from ledger.outbox import Item, items_of
from ledger.outbox_tables import OutboxRow
from ledger.payment import CompletePayment, DeclareOverdue
from tests.ledger.office import Town, busy, office_in
from tests.ledger.troubles import troubled


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with office_in(tmp_path_factory.mktemp("town")) as office:
        vouchers = busy(office) | troubled(office)
        office.follow()
        yield Town(office, vouchers)


def done(session: Session) -> list[tuple[Item, tuple[int | None, int | None]]]:
    """What was done, and where it is recorded as landed."""
    items = items_of(session, OutboxRow.status == "final")
    rows = {item.number: session.get_one(OutboxRow, item.number) for item in items}
    return [(item, (rows[item.number].block, rows[item.number].log_index)) for item in items]


def shown(session: Session, item: Item) -> list[tuple[int, int]]:
    """The places of the indexed events that are what the item leaves behind."""
    found = [
        (log.block, log.log_index)
        for log, event, reached in relay_landed.stored(session, item)
        if relay_landed.shows_item(event, item, reached=reached)
    ]
    return found


@pytest.mark.parametrize(
    "member", ["sequence", "voucher", "party", "to", "cap", "issuer", "paid", "secured", "face"]
)
def test_an_agreement_that_differs_in_what_was_signed_is_not_taken_for_it(town: Town, member: str) -> None:
    """Of several like events the item's own is no longer one, whatever else may be."""
    with town.store.reading() as session:
        changed = 0
        for item, place in done(session):
            agreement = item.agreement
            if not hasattr(agreement, member) or isinstance(agreement, Freeze | AcceptHandOver):
                continue
            value = getattr(agreement, member)
            changes: dict[str, Any] = {member: not value if isinstance(value, bool) else value + 1}
            other: Any = replace(agreement, **changes)  # type: ignore[type-var]
            root = None if item.root is None else VoucherId(item.root ^ 1)  # another issue has another id
            assert place not in shown(session, replace(item, agreement=other, root=root)), other
            changed += 1
        assert changed


def test_everything_that_was_done_is_found_again_by_its_event_and_by_no_other(town: Town) -> None:
    with town.store.reading() as session:
        items = done(session)
        for item, place in items:
            assert shown(session, item) == [place], item.agreement
        kinds = {type(item.agreement) for item, _ in items}
    assert len(kinds) > 25


def test_a_verb_that_nobody_signs_is_known_by_the_sequence_that_it_was_meant_for(town: Town) -> None:
    with town.store.reading() as session:
        [(item, place)] = [each for each in done(session) if isinstance(each[0].agreement, DeclareOverdue)]
        assert shown(session, item) == [place]
        assert shown(session, replace(item, sequence=item.sequence + 1)) == []


def test_the_like_event_of_another_voucher_is_not_taken_for_it(town: Town) -> None:
    """In a batch events are not sorted by what they are about."""
    with town.store.reading() as session:
        for item, place in done(session):
            if not isinstance(item.agreement, DeclareOverdue | Issue):
                continue
            place_of = {
                (log.block, log.log_index): event for log, event, _ in relay_landed.stored(session, item)
            }
            event: Any = place_of[place]  # type: ignore[index]
            other = replace(event, voucher=VoucherId(event.voucher + 2**96))
            for told, expected in ((event, True), (other, False)):
                assert shows(told, item.agreement, root=item.root, reached=None) is expected


def test_who_accepts_the_registrar_s_office_is_not_said_by_the_agreement(town: Town) -> None:
    with town.store.reading() as session:
        [(item, place)] = [each for each in done(session) if isinstance(each[0].agreement, AcceptHandOver)]
        assert subject_of(item.agreement, None) is None
        assert shown(session, item) == [place]
        later = replace(item.agreement, sequence=item.agreement.sequence + 1)  # type: ignore[union-attr,type-var]
        assert shown(session, replace(item, agreement=later)) == []


def test_for_every_agreement_it_is_known_how_it_shows() -> None:
    assert {*AGREEMENTS, CompletePayment, DeclareOverdue} == set(_SHOWS_AS)


@pytest.mark.parametrize(
    ("refusal", "final"),
    [
        (Refusal("WrongSequence", {"id": 1, "given": 1, "present": 2}), True),
        (Refusal("WrongSequence", {"id": 1, "given": 3, "present": 2}), False),
        (Refusal("AgreementExpired", {"deadline": 1, "timestamp": 2}), True),
        (Refusal("VoucherTaken", {"voucher": 1}), True),
        (Refusal("VerifierTaken", {"verifier": "0x"}), True),
        (Refusal("AlreadyOverdue", {"voucher": 1}), True),
        (Refusal("InRunOff"), True),
        (Refusal("PredecessorIssues", {"predecessor": "0x"}), False),
        (Refusal("IssuerOverdue", {"issuer": 1, "overdue": 2}), False),
        (Refusal("IssuerStopped", {"issuer": 1}), False),
        (Refusal("AwardTooEarly", {"from": 2, "today": 1}), False),
        (Refusal("LimitExceeded", {"line": 1, "asked": 2, "available": 1}), False),
        (Refusal("BadSignature", {"party": 1}), False),
        (Refusal("GasTooLow", {"needed": 2, "left": 1}), False),
        (Refusal("EmptyRevert"), False),
    ],
)
def test_only_what_is_consumed_or_expired_is_given_up_unsent(refusal: Refusal, final: bool) -> None:
    assert is_for_good(refusal) is final
