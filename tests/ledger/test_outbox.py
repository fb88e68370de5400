"""The outbox by itself: what operators may do, what wallets may spend, what belongs to one unit of work."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import select, update

from ledger import relay
from ledger.agreements import Rekey
from ledger.errors import InputError, Refusal
from ledger.gas import Caps
from ledger.outbox import fill_in, put
from ledger.outbox_acts import acts_on, hanging, retry, withdraw
from ledger.outbox_tables import BatchRow, CallRow, OutboxRow, WalletGasRow
from ledger.relay import Relayed, Terms, run
from ledger.relay_claims import _Purse
from ledger.store import open_store
from tests.engines import travel_to
from tests.ledger.office import FACE, ISSUER, LATER, A, B, Office, key_of, office_in
from tests.ledger.relaying import Bench, Hands, Killed, dying_at, on_anvil, settled, until
from tests.rig import compiled

CAP = 300_000


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with office_in(tmp_path) as opened:
        yield opened


# ---- one unit of work ----------------------------------------------------------------------------------------


def test_an_item_is_there_if_and_only_if_the_change_is_that_made_it(office: Office) -> None:
    issue = office.issue_of()
    consents = office.consents(issue, ISSUER, A)

    def change(*, fails: bool) -> None:
        with office.store.writing() as session:
            put(session, issue, consents, pin=office.pin, at=7)
            if fails:
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        change(fails=True)
    assert Bench(office).items() == []
    change(fails=False)
    assert Bench(office).items() == ["signed"]
    assert [(each.seconds, each.status) for each in hanging(office.store, clock=lambda: 10)] == [
        (3, "signed")
    ]


def test_rows_of_an_older_version_are_worked_out_when_the_relay_begins(office: Office) -> None:
    vouchers = [office.issue(), office.issue(supplier=B)]
    with office.store.reading() as session:
        before = [known(row) for row in session.scalars(select(OutboxRow).order_by(OutboxRow.number))]
    empty = {"keys": None, "floor": None, "event": None, "subject": None, "sequence": None, "deadline": None}
    with office.store.writing() as session:
        session.execute(update(OutboxRow).where(OutboxRow.status == "signed").values(empty))
    fill_in(office.store)
    with office.store.reading() as session:
        after = [known(row) for row in session.scalars(select(OutboxRow).order_by(OutboxRow.number))]
    assert after == before
    office.run()
    settled(office, vouchers)


def known(row: OutboxRow) -> tuple[object, ...]:
    return row.keys, row.floor, row.event, row.subject, row.sequence, row.deadline


# ---- linger --------------------------------------------------------------------------------------------------


def test_an_item_waits_for_others_until_its_batch_is_full_or_it_has_waited_long_enough(
    office: Office,
) -> None:
    bench = Bench(office, Hands(0), Terms(linger=30))
    with office.store.writing() as session:
        issue = office.issue_of()
        put(session, issue, office.consents(issue, ISSUER, A), pin=office.pin, at=100)
    waiting = bench.relay()
    bench.clock.now = 129
    waiting.cycle()
    assert bench.items() == ["signed"]
    bench.clock.now = 130
    until(waiting, lambda: bench.items() == ["final"])
    for _ in range(3):
        issue = office.issue_of(face=FACE // 100)
        with office.store.writing() as session:
            put(session, issue, office.consents(issue, ISSUER, A), pin=office.pin, at=131)
    full = bench.relay_beside(gas_budget=700_000)
    bench.clock.now = 132
    full.cycle()
    assert bench.items() == ["final", "final", "final", "signed"]


# ---- operators -----------------------------------------------------------------------------------------------


def test_an_operator_may_not_touch_what_is_on_its_way_or_has_an_outcome(office: Office) -> None:
    number = office.put(office.issue_of(), ISSUER, A)
    with pytest.raises(InputError, match="item 7 is signed: only what is unknown can be tried again"):
        retry(office.store, number, who="wang", reason="impatience")
    with pytest.raises(InputError, match="say who does this, and why"):
        withdraw(office.store, number, who="wang", reason="  ")
    with pytest.raises(InputError, match="no item 99"):
        withdraw(office.store, 99, who="wang", reason="a mistake")
    with dying_at("relay: batch claimed"), pytest.raises(Killed):
        office.run()
    with pytest.raises(InputError, match="item 7 is sent: only what is signed or unknown"):
        withdraw(office.store, number, who="wang", reason="a mistake")
    office.run()
    with pytest.raises(InputError, match="item 7 is final"):
        withdraw(office.store, number, who="wang", reason="too late")
    assert acts_on(office.store, number) == []


def test_a_withdrawn_item_is_not_sent_and_its_agreement_can_be_put_in_again(office: Office) -> None:
    issue = office.issue_of()
    number = office.put(issue, ISSUER, A)
    withdraw(office.store, number, who="wang", reason="signed by mistake", clock=lambda: 5)
    assert office.run() == []
    assert [(act.at, act.who, act.act, act.reason) for act in acts_on(office.store, number)] == [
        (5, "wang", "withdraw", "signed by mistake")
    ]
    assert office.put(issue, ISSUER, A) == number + 1
    assert [each.refusal for each in office.run()] == [None]
    assert Bench(office).items() == ["withdrawn", "final"]


def test_an_operator_lets_a_given_up_batch_go_on(tmp_path: Path) -> None:
    with on_anvil(tmp_path) as (bench, node):
        node.ask("evm_setAutomine", False)
        vouchers = bench.issue(2)
        relay = bench.relay(most_replacements=0)
        relay.cycle()
        [sent] = bench.transactions(bench.batches()[-1].number)
        node.ask("anvil_dropTransaction", "0x" + sent.tx_hash.hex())
        node.ask("evm_mine")
        bench.clock.now += 61
        relay.cycle()
        assert bench.items() == ["unknown"] * 2
        [first, second] = hanging(bench.office.store)
        assert "not mined after 1 transactions" in str(first.why)
        retry(bench.office.store, first.number, who="wang", reason="node is well again", clock=bench.clock)
        assert bench.items() == ["signed"] * 2  # they shared a transaction
        assert acts_on(bench.office.store, second.number) == []
        relay.cycle()
        node.ask("evm_mine")
        until(relay, lambda: bench.items() == ["final"] * 2)
        settled(bench.office, vouchers)


def test_what_does_not_get_through_with_all_gas_there_is_is_given_up_alone(office: Office) -> None:
    voucher = office.issue()
    office.run()
    bad = office.put(office.transfer_of(voucher, 1, B), A, B)
    with office.store.writing() as session:  # no call at all: the whole batch reverts
        session.execute(update(CallRow).where(CallRow.number == bad).values(calldata="0x00"))
    vouchers = [voucher, *(office.issue(FACE // 100) for _ in range(5))]
    office.run()
    assert Bench(office).items() == ["final", "unknown", *["final"] * 5]
    assert "withdraw the item" in str(hanging(office.store)[0].why)
    settled(office, vouchers)
    with office.store.reading() as session:
        voids = list(session.scalars(select(BatchRow).where(BatchRow.status == "void")))
    assert 3 <= len(voids) <= 10
    assert office.run() == []
    withdraw(office.store, bad, who="wang", reason="broken")
    assert hanging(office.store) == []


# ---- wallets -------------------------------------------------------------------------------------------------


@pytest.fixture
def with_wallet(office: Office) -> Office:
    """A signs with a contract wallet from now on, and the index knows it."""
    owner = key_of(A, 1)
    wallet = office.chain.deploy(compiled()["OwnedWallet"], [owner.public_key.to_checksum_address()]).address
    office.do(Rekey(A, 1, CAP, LATER, bytes.fromhex(wallet[2:])), A, owner)
    office.keys[A] = owner
    office.follow()
    return office


def issued(office: Office, count: int) -> list[int]:
    """Numbers of issues to A, whose signers are named."""
    numbers = []
    for _ in range(count):
        issue = office.issue_of(FACE // 100)
        consents = office.consents(issue, ISSUER, A)
        signers = [ISSUER, A]
        numbers.append(relay.queue(office.store, issue, consents, pin=office.pin, signers=signers))
    return numbers


def spent(office: Office) -> dict[int, int]:
    with office.store.reading() as session:
        return {row.party: row.gas for row in session.scalars(select(WalletGasRow))}


def test_a_contract_wallet_has_a_gas_budget_a_day_and_beyond_it_submits_itself(with_wallet: Office) -> None:
    office = with_wallet
    terms = Terms(wallet_budget=2 * CAP)
    numbers = issued(office, 3)
    other = office.issue(FACE // 100, supplier=B)  # its signers are not named: nobody's
    done = run(office.store, office.chain, terms=terms)
    told = Refusal("WalletBudgetSpent", {"party": A, "spent": 2 * CAP, "budget": 2 * CAP})
    by_number = {each.number: each.refusal for each in done}
    assert by_number == {numbers[0]: None, numbers[1]: None, numbers[2]: told, numbers[2] + 1: None}
    assert spent(office) == {A: 2 * CAP}

    with office.store.reading() as session:  # A's own transaction
        row = session.get_one(OutboxRow, numbers[2])
        call, refused = bytes.fromhex(row.call.calldata[2:]), row.block
    theirs = office.chain.send(call, to=office.pin.ledger, gas=2_000_000)
    assert office.chain.wait(theirs).ok
    assert run(office.store, office.chain, terms=terms) == []  # the index does not show it yet
    office.follow()
    landed = office.chain.height()
    assert run(office.store, office.chain, terms=terms) == [
        Relayed(numbers[2], "issue", None, theirs, landed)
    ]
    assert landed > (refused or 0)
    settled(office, [other])

    travel_to(office.chain, office.chain.now() + 86_400)
    issued(office, 1)
    assert [each.refusal for each in run(office.store, office.chain, terms=terms)] == [None]


def test_two_relays_that_charge_the_same_wallets_at_once_wait_for_each_other_and_count_both(
    database_url: str,
) -> None:
    caps, meet, failed = (
        Caps(wallets={7: 100, 9: 10}, verifiers={}),
        threading.Barrier(2),
        list[BaseException](),
    )

    def charge(signers: str) -> None:
        row = SimpleNamespace(attempts=0, signers=signers)
        try:
            with open_store(database_url) as store:
                for _ in range(20):  # the first time the day has no row
                    meet.wait(timeout=60)
                    with store.writing() as session:
                        purse = _Purse(session, caps, 20_000, 10_000)
                        purse.open([row])
                        assert purse.spend(row) is None
                        purse.write()
        except BaseException as broken:
            failed.append(broken)
            meet.abort()

    threads = [threading.Thread(target=charge, args=(signers,)) for signers in ("[7, 9]", "[9, 7]")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    with open_store(database_url) as store, store.reading() as session:
        kept = {row.party: row.gas for row in session.scalars(select(WalletGasRow))}
    assert kept == {7: 40 * 100, 9: 40 * 10}


def test_a_wallet_is_charged_once_however_often_its_item_has_to_go(with_wallet: Office) -> None:
    office = with_wallet
    [again, fresh] = issued(office, 2)
    with office.store.writing() as session:  # one of them was in a batch whose nonce somebody else has used
        session.execute(update(OutboxRow).where(OutboxRow.number == again).values(attempts=1))
    assert {each.number: each.refusal for each in office.run()} == {again: None, fresh: None}
    assert spent(office) == {A: CAP}
