"""The relay and keys that only a verifier can check: dear, so that gas and not number cuts the batches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import pytest
from eth_utils.address import to_checksum_address
from sqlalchemy import select

from ledger import relay
from ledger.agreements import Rekey, VoucherId
from ledger.errors import Refusal
from ledger.gas import CEILING, Caps, batch_gas, with_checks
from ledger.outbox_tables import OutboxRow
from ledger.relay import GAS_BUDGET, Relayed
from ledger.relay_claims import caps_of as known_caps
from ledger.rows import world_of
from ledger.signing import verifier_consent
from ledger.verification import verify
from tests.contract.verifying import CAP, Passkey
from tests.engines import anvil
from tests.ledger.office import FACE, LATER, A, B, Office, open_office
from tests.ledger.troubles import listed

P256_PRECOMPILE: Final = to_checksum_address("0x" + "00" * 18 + "0100")
MANY: Final = 100
KEY: Final = Passkey(1)


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """Supplier A has a passkey, and the index knows it. A node of 2024's rules: it has no P-256 of its own."""
    with anvil("cancun") as node:
        opened = open_office(node.chain(), tmp_path_factory.mktemp("office"))
        key = listed(opened, KEY)
        opened.run()
        opened.pass_days(7)
        opened.do(Rekey(A, 1, 0, LATER, key.signer), A, key)
        opened.keys[A] = key
        opened.follow()
        yield opened
        opened.store.close()


def issued(office: Office, count: int) -> list[VoucherId]:
    """So many vouchers of B, who signs with a wallet key."""
    vouchers = [office.issue(FACE // 100, supplier=B) for _ in range(count)]
    assert {each.refusal for each in office.run()} == {None}
    return vouchers


def caps_of(office: Office) -> Caps:
    with office.store.reading() as session:
        return known_caps(session)


def asked(office: Office, number: int) -> int:
    """What the checks of an item may take that its bare floor does not know."""
    with office.store.reading() as session:
        row = session.get_one(OutboxRow, number)
        return caps_of(office).of(row.keys or [], row.signers)


def queued(office: Office, *, signers: tuple[int, ...] | None, consents: list[bytes]) -> int:
    """The caps of a transfer that is put in with these consents; it is not sent."""
    [voucher] = issued(office, 1)
    transfer = office.transfer_of(voucher, 1, A)
    named = None if signers is None else list(signers)
    number = relay.queue(office.store, transfer, consents, pin=office.pin, signers=named)  # type: ignore[arg-type]
    caps = asked(office, number)
    with office.store.writing() as session:
        session.delete(session.get_one(OutboxRow, number))
    return caps


# ---- refusals ----------------------------------------------------------------------------------------------


def test_a_passkey_s_word_for_another_agreement_is_refused_and_the_others_are_done(office: Office) -> None:
    first, second = issued(office, 2)
    transfer = office.transfer_of(first, 1, A)
    other = office.consents(office.transfer_of(second, 1, A), B, A)
    relay.queue(office.store, transfer, [*office.consents(transfer, B), other[1]], pin=office.pin)
    office.put(office.transfer_of(second, 1, A), B, A)
    assert [each.refusal for each in office.run()] == [Refusal("BadSignature", {"party": A}), None]


# ---- caps --------------------------------------------------------------------------------------------------


def test_a_floor_has_the_caps_of_the_verifiers_that_its_consents_name(office: Office) -> None:
    [voucher] = issued(office, 1)
    consents = office.consents(office.transfer_of(voucher, 1, A), B, A)
    assert queued(office, signers=(B, A), consents=consents) == CAP
    assert queued(office, signers=None, consents=consents) == CAP
    assert queued(office, signers=(A, A), consents=[consents[1]] * 2) == 2 * CAP
    assert queued(office, signers=(B, B), consents=[consents[0]] * 2) == 0


def test_a_verifier_that_the_index_does_not_know_counts_as_the_dearest(office: Office) -> None:
    stranger = verifier_consent(b"\x77" * 84, b"\x01" * 300)
    too_short, too_long = b"\x00\x14" + b"\x77" * 320, b"\x04\x01" + b"\x77" * 2_000
    assert queued(office, signers=(B, A), consents=[b"\x01" * 65, stranger]) == 500_000
    for no_signer in (too_short, too_long, stranger[:80]):
        assert queued(office, signers=(B, A), consents=[b"\x01" * 65, no_signer]) == 0


def test_a_new_signer_s_proof_counts_like_a_consent(office: Office) -> None:
    key = replace(office.keys[A], key=Passkey(2))  # type: ignore[type-var]
    fresh = replace(key, signer=key.signer[:20] + Passkey(2).public)  # type: ignore[union-attr,type-var]
    rekey = Rekey(A, 2, 0, LATER, fresh.signer)  # type: ignore[union-attr]
    number = office.put(rekey, A, fresh)
    assert asked(office, number) == 2 * CAP
    assert [each.refusal for each in office.run()] == [None]
    office.keys[A] = fresh


# ---- many --------------------------------------------------------------------------------------------------


def test_a_hundred_passkey_transfers_given_at_once_all_land_in_as_many_transactions_as_the_gas_needs(
    office: Office,
) -> None:
    assert office.chain.code(P256_PRECOMPILE) == b""
    vouchers = issued(office, MANY)
    transfers = [office.transfer_of(voucher, 1, A) for voucher in vouchers]
    for transfer in transfers:
        office.put(transfer, B, A)
    with office.store.reading() as session:
        query = select(OutboxRow.number, OutboxRow.floor).where(OutboxRow.status == "signed")
        rows = list(session.execute(query.order_by(OutboxRow.number)))
    floors = [with_checks(floor or 0, asked(office, number)) for number, floor in rows]
    before = office.chain.height()
    done = office.run()

    assert [each.refusal for each in done] == [None] * MANY
    batches = counted(done)
    assert len(batches) == office.chain.height() - before == needed(floors)
    for tx_hash, size in batches.items():
        given, used = gas_of(office, tx_hash)
        assert used <= given < CEILING
        assert used > size * 150_000  # so dear is a check without the precompile
        assert given == batch_gas(floors[:size])
        floors = floors[size:]
    office.follow()
    assert verify(office.store, office.chain).findings == ()
    with office.store.reading() as session:
        held = world_of(session, office.pin.ledger).vouchers
    assert {held[voucher].holder for voucher in vouchers} == {A}


def counted(done: list[Relayed]) -> dict[bytes, int]:
    """Transactions in their order, and how many items each had."""
    found: dict[bytes, int] = {}
    for each in done:
        assert each.tx_hash is not None
        found[each.tx_hash] = found.get(each.tx_hash, 0) + 1
    return found


def needed(floors: list[int]) -> int:
    """How many batches these floors make within the budget, each as full as can be."""
    count, batch = 0, list[int]()
    for floor in floors:
        if not batch or batch_gas([*batch, floor]) > GAS_BUDGET:
            count, batch = count + 1, []
        batch.append(floor)
    return count


def gas_of(office: Office, tx_hash: bytes) -> tuple[int, int]:
    """Given and used."""
    receipt = office.chain.receipt(tx_hash)  # type: ignore[arg-type]
    assert receipt is not None
    sent = office.chain.web3.eth.get_transaction(tx_hash)  # type: ignore[arg-type]
    return int(sent["gas"]), receipt.gas_used
