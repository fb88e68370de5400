"""Events as logs, the journal over them, and the World that they alone rebuild."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from eth_account.messages import encode_typed_data
from eth_hash.auto import keccak
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.agreements import (
    AssertPayment,
    ContestPayment,
    Part,
    PartyNumber,
    Purpose,
    Rescind,
    Split,
    Transfer,
    VoucherId,
)
from ledger.calendar import Day, Timestamp
from ledger.errors import Refusal, VerificationError
from ledger.events import (
    EMPTY_JOURNAL,
    EVENTS,
    OUTSIDE_JOURNAL,
    Cancelled,
    Event,
    EventType,
    Parted,
    PaymentCompleted,
    RekeyVetoed,
    Transferred,
    VerifierListed,
    advance,
    decode,
    encode,
    journal_entry,
    journal_start,
)
from ledger.fold import fold, fold_all
from ledger.invariants import invariants, invariants_of_step
from ledger.money import Fen
from ledger.signing import typed_data
from ledger.world import Lock, Role, promise_of
from tests import states
from tests.stage import (
    BANK,
    BUYER,
    DUE_DAY,
    FACE,
    FIRST_DAY,
    HOLDER,
    ISSUER,
    LIMIT,
    LINE,
    PAY_BY,
    SMALLEST_PART,
    Attempt,
    ModelStage,
    Situation,
    founded,
)
from tests.verb_states import STATES, VERBS

INTERFACES = Path(__file__).parents[2] / "contracts" / "interfaces"
ENUMS = {"SignerKind": "uint8", "Purpose": "uint8"}


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def values(form: EventType) -> st.SearchStrategy[Any]:
    def one(abi: str, enum: type | None) -> st.SearchStrategy[Any]:
        if abi == "bytes32":
            return st.binary(min_size=32, max_size=32)
        if abi == "bool":
            return st.booleans()
        numbers = st.integers(0, 2 ** (160 if abi == "address" else int(abi[4:])) - 1)
        if enum is Role:
            return numbers.map(Role)
        return st.sampled_from(list(enum)) if enum else numbers  # type: ignore[call-overload]

    return st.builds(form.event, *map(one, form.types, form.enums))


EVENT = st.sampled_from(list(EVENTS.values())).flatmap(values)


# Logs: what is refused


def a_log() -> tuple[tuple[bytes, bytes], bytes]:
    return encode(Transferred(VoucherId(7), HOLDER))


@pytest.mark.parametrize(
    ("topics", "data"),
    [
        ((), a_log()[1]),
        ((b"\x00" * 32, a_log()[0][1]), a_log()[1]),
        (a_log()[0][:1], a_log()[1]),
        ((*a_log()[0], bytes(32)), a_log()[1]),
        ((a_log()[0][0], b"\x07"), a_log()[1]),
        (a_log()[0], a_log()[1][:-1]),
        (a_log()[0], a_log()[1] + bytes(32)),
        (a_log()[0], b"\xff" * len(a_log()[1])),
    ],
)
def test_a_log_that_is_no_event_is_refused(topics: tuple[bytes, ...], data: bytes) -> None:
    with pytest.raises(VerificationError):
        decode(topics, data)


def test_logs_outside_the_journal_are_known_and_are_no_events() -> None:
    assert not OUTSIDE_JOURNAL & EVENTS.keys()
    for topic in OUTSIDE_JOURNAL:
        with pytest.raises(VerificationError):
            decode((topic, bytes(32)), b"")


def test_a_value_that_the_enum_does_not_have_is_refused() -> None:
    topics, data = encode(PaymentCompleted(VoucherId(7), HOLDER, Purpose.SETTLEMENT, 1))
    with pytest.raises(VerificationError, match="purpose = 2"):
        decode(topics, data[:63] + b"\x02" + data[64:])


def test_an_address_of_more_than_twenty_bytes_is_no_address() -> None:
    event = VerifierListed(2**160 - 1, 1, 400_000, b"\x01" * 32, FIRST_DAY)
    topics, data = encode(event)
    assert decode(topics, data) == event
    with pytest.raises(VerificationError, match=r"VerifierListed\.verifier = .* does not fit address"):
        decode((topics[0], b"\x01" + topics[1][1:]), data)
    with pytest.raises(VerificationError, match="does not fit address"):
        encode(replace(event, verifier=2**160))


def test_a_value_that_does_not_fit_is_not_encoded() -> None:
    with pytest.raises(VerificationError, match=r"Transferred\.recipient = 4294967296"):
        encode(Transferred(VoucherId(7), PartyNumber(2**32)))


# Logs: what holds


def test_the_events_are_those_of_the_interfaces_with_the_same_fields_in_the_same_order() -> None:
    declared = {}
    for name in ("IPartyRegistry", "IVoucherLedger"):
        text = (INTERFACES / f"{name}.sol").read_text(encoding="utf-8")
        for event, inside in re.findall(r"event (\w+)\(([^)]*)\);", text):
            members = [part.split() for part in inside.split(",")]
            if event != "Transfer":
                assert [i for i, m in enumerate(members) if "indexed" in m] == [0]
                declared[event] = [(ENUMS.get(m[0], m[0]), m[-1]) for m in members]
    ours = {
        form.event.__name__: [
            (abi, camel(each.name)) for abi, each in zip(form.types, fields(form.event), strict=True)
        ]
        for form in EVENTS.values()
    }
    assert ours == declared


@given(EVENT)
def test_an_event_survives_its_log(event: Event) -> None:
    topics, data = encode(event)
    back = decode(topics, data)
    assert back == event and type(back) is type(event)
    assert [type(getattr(back, f.name)) for f in fields(back)] == [
        type(getattr(event, f.name)) for f in fields(event)
    ]


# Journal


def head_of(events: list[Event]) -> bytes:
    head = EMPTY_JOURNAL
    for event in events:
        head = advance(head, event)
    return head


@given(st.lists(EVENT, min_size=2, max_size=6, unique=True), st.data())
def test_the_head_changes_when_an_event_is_removed_altered_doubled_or_swapped(
    events: list[Event], data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(events) - 2))
    head = head_of(events)
    first, second = events[at : at + 2]
    altered = decode((encode(first)[0][0], encode(first)[0][1]), encode(first)[1])
    subject = fields(altered)[0].name
    altered = replace(altered, **{subject: getattr(altered, subject) ^ 1})
    for other in (
        [*events[:at], *events[at + 1 :]],
        [*events[:at], altered, *events[at + 1 :]],
        [*events[:at], first, first, *events[at + 1 :]],
        [*events[:at], second, first, *events[at + 2 :]],
    ):
        assert head_of(other) != head


def test_a_journal_starts_from_the_separator_of_its_contract_and_chain() -> None:
    ledger = ModelStage().ledger
    # EIP-712: digest = keccak(0x1901 ‖ separator ‖ struct hash); encoded by another implementation
    signable = encode_typed_data(full_message=typed_data(states.an_issue(), ledger))
    assert journal_start(ledger) == signable.header
    assert journal_start(replace(ledger, chain_id=1)) != journal_start(ledger)


def test_an_entry_is_the_hash_of_the_topic_and_every_field() -> None:
    # topic0 ‖ 7 ‖ 5
    topic = keccak(b"Transferred(uint256,uint32)")
    words = b"".join(n.to_bytes(32) for n in (7, 5))
    event = Transferred(VoucherId(7), HOLDER)
    assert journal_entry(event) == keccak(topic + words)
    assert advance(EMPTY_JOURNAL, event) == keccak(bytes(32) + keccak(topic + words))


# The World from events alone


@pytest.mark.parametrize("state", STATES)
def test_every_state_is_rebuilt_from_its_logs(state: str) -> None:
    stage = ModelStage()
    STATES[state](stage)
    assert fold_all(founded(), logged(stage)) == stage.world


def logged(stage: ModelStage) -> list[tuple[Event, Timestamp]]:
    return [(decode(*encode(event)), timestamp) for event, timestamp in stage.events]


STEP = st.tuples(st.sampled_from(sorted(VERBS)), st.integers(0, 40), st.integers(0, 7))


@settings(max_examples=60, deadline=None)
@given(st.lists(STEP, max_size=25))
def test_whatever_happened_is_rebuilt_from_its_logs_and_breaks_no_rule(
    steps: list[tuple[tuple[str, str], int, int]],
) -> None:
    stage = ModelStage()
    first = states.unknown(stage)
    stage.play(states.issuing(first))
    for count, (verb, pick, days) in enumerate(steps):
        ids = sorted(stage.world.vouchers)
        payment = stage.world.payments.get(ids[pick % len(ids)])
        funder = stage.world.vouchers[ids[pick % len(ids)]].funder
        asserter = funder if payment and payment.purpose == Purpose.DISBURSEMENT else BANK
        s = Situation(stage, first.issue, ids[pick % len(ids)], asserter)
        if verb == ("freeze", ""):
            attempt = states.freezing(s, days=days, order=bytes([count]) * 32)
        else:
            attempt = fitted(stage, s, VERBS[verb](s))
        before = stage.world
        try:
            stage.play(attempt)
        except Refusal:
            assert stage.world is before
        assert invariants(stage.world) == invariants_of_step(before, stage.world) == []
        stage.travel(Day(stage.today + days))
    assert fold_all(founded(), logged(stage)) == stage.world


def fitted(stage: ModelStage, s: Situation, attempt: Attempt) -> Attempt:
    """With the voucher's own holder and face, so that more happens than refusals."""
    voucher, agreement = stage.world.vouchers[s.voucher], attempt.agreement
    if isinstance(agreement, AssertPayment):
        amount = agreement.amount and voucher.face
        agreement = replace(agreement, payee=voucher.holder, amount=Fen(amount))
    elif isinstance(agreement, ContestPayment | Rescind) and agreement.by == HOLDER:
        agreement = replace(agreement, by=voucher.holder)
    elif isinstance(agreement, Transfer) and voucher.holder == BUYER:
        agreement = replace(agreement, recipient=HOLDER)
    elif isinstance(agreement, Split):
        agreement = replace(agreement, parts=(Part(BUYER, Fen(voucher.face // 4)),))
    return replace(attempt, agreement=agreement)


# What cannot follow


def test_events_that_cannot_follow_are_refused() -> None:
    stage = ModelStage()
    s = states.live(stage)
    world, now = stage.world, stage.timestamp
    issued = stage.events[-1][0]
    unknown = VoucherId(s.voucher + 1)
    for event in (
        issued,
        stage.events[0][0],
        Transferred(unknown, HOLDER),
        Parted(s.voucher, unknown, BUYER, 1, 2, 0),
        Parted(s.voucher, unknown, BUYER, 1, 2, 3),
        Cancelled(s.voucher, FACE + 1),
        RekeyVetoed(HOLDER, 2, Day(1)),
        RekeyVetoed(PartyNumber(99), 2, Day(1)),
    ):
        with pytest.raises(VerificationError):
            fold(world, event, timestamp=now)


def test_a_freeze_that_lapsed_is_gone_with_the_next_event_and_not_before() -> None:
    stage = ModelStage()
    s = states.freeze_lapsed(stage)
    assert stage.world.vouchers[s.voucher].locks == Lock.FREEZE
    stage.play(states.discounting(s))
    assert stage.world.vouchers[s.voucher].locks == Lock.DISCOUNT
    assert fold_all(founded(), logged(stage)) == stage.world


def test_folding_leaves_the_world_before_as_it_was() -> None:
    stage = ModelStage()
    s = states.live(stage)
    before = stage.world
    copy = replace(before, vouchers=MappingProxyType(dict(before.vouchers)))
    fold(before, Transferred(s.voucher, BUYER), timestamp=stage.timestamp)
    assert before == copy


def test_words_are_laid_out_as_in_storage() -> None:
    stage = ModelStage()
    s = states.disbursement_contested(stage)
    voucher, payment = stage.world.vouchers[s.voucher], stage.world.payments[s.voucher]
    line = stage.world.lines[LINE]
    issuer = stage.world.parties[ISSUER]
    assert issuer.word() == issuer.signer | 1 << 176 | BANK << 192 | 1 << 224
    assert voucher.word() == (
        FACE
        | 5 << 64
        | 3 << 96
        | 4 << 128
        | PAY_BY << 160
        | 1 << 184
        | (Lock.DISCOUNT | Lock.PAYMENT | Lock.CONTESTED) << 192
    )
    assert payment.word() == 5 << 64 | FIRST_DAY << 96 | FIRST_DAY << 120
    assert line.word() == (LIMIT | FACE << 64 | 4 << 128 | DUE_DAY + 366 << 160 | SMALLEST_PART << 216)
    assert line.terms_word() == 1 | 5 << 32 | 10 << 40
    promise = stage.world.promises[promise_of(s.voucher)]
    assert promise.word() == (LINE | DUE_DAY << 64 | SMALLEST_PART << 88 | 4 << 120 | FACE << 128)
