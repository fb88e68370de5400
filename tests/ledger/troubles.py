"""A bad half year in an office that was busy: what only goes wrong leaves rows too.

`troubled` plays it after `busy`, so that every table of the projection has rows; nothing may be refused.
"""

from __future__ import annotations

from eth_utils.crypto import keccak

from ledger import relay
from ledger.agreements import (
    AcceptHandOver,
    Admit,
    Award,
    ConfirmPayment,
    ContestPayment,
    Discount,
    HandOver,
    ListVerifier,
    PartyNumber,
    Pledge,
    Release,
    SetTenorCap,
    StopIssue,
    VoucherId,
)
from ledger.artifacts import load
from ledger.calendar import Day
from ledger.chain import Address
from ledger.money import Fen
from ledger.payment import DeclareOverdue
from tests.contract.verifying import CAP, Held, Key, P256Key
from tests.ledger.office import BANK, FACE, FACTOR, ISSUER, LATER, REGISTRAR, B, C, Office, some_hash

ARBITER, KEYED, OFFICER = PartyNumber(5), PartyNumber(14), PartyNumber(15)
PART = Fen(FACE // 4)


def listing(office: Office, verifier: Address, *, sequence: int, cap: int = CAP) -> ListVerifier:
    """The agreement that puts a verifier on the allow-list."""
    code = keccak(office.chain.code(verifier))
    return ListVerifier(sequence, bytes.fromhex(verifier[2:]), cap, code, LATER)


def admission(office: Office, party: PartyNumber, key: Held) -> Admit:
    """The agreement that admits a party whose signer is a verifier's key."""
    office.keys[party] = key
    return Admit(party, 0, BANK, 0, some_hash(party), LATER, key.signer)


def listed(office: Office, key: Key, *, sequence: int = 0) -> Held:
    """The key with its verifier, put on the chain and on the allow-list; signers may name it a week later."""
    verifier = office.chain.deploy(load(key.verifier), []).address
    office.put(listing(office, verifier, sequence=sequence), REGISTRAR)
    return Held(bytes.fromhex(verifier[2:]) + key.public, key)


def troubled(office: Office) -> dict[str, VoucherId]:
    """Gives the vouchers by what went wrong with them."""
    put, today = office.put, office.today
    office.admit(ARBITER, 8)
    office.admit(OFFICER, 0)
    key = listed(office, P256Key(1))
    put(HandOver(1, OFFICER, LATER), REGISTRAR)
    put(SetTenorCap(0, 120, Day(today + 1), LATER), REGISTRAR)
    v = {
        name: office.issue(supplier=C, tenor=1 if name == "defaulted" else 150)
        for name in ("pledged", "released", "defaulted", "won", "lost")
    }
    for name in ("pledged", "released"):
        put(Pledge(v[name], 1, FACTOR, Fen(FACE // 2), some_hash(name), Day(today + 60), LATER), C, FACTOR)
    put(Release(v["released"], 2, FACTOR, LATER), FACTOR)
    for name in ("won", "lost"):
        put(Discount(v[name], 1, FACTOR, some_hash(name), Day(today + 3), LATER), C, FACTOR)
        put(office.assertion(v[name], 2, payee=C), FACTOR)
        put(ContestPayment(v[name], 3, C, some_hash("nothing came"), LATER), C)
    _run(office)
    office.pass_days(12)
    relay.queue_unsigned(office.store, DeclareOverdue(v["defaulted"]), sequence=1, pin=office.pin)
    put(office.assertion(v["defaulted"], 2, payee=C, amount=PART), BANK)
    put(ConfirmPayment(v["defaulted"], 3, LATER), C)
    put(AcceptHandOver(2, LATER), OFFICER)
    put(admission(office, KEYED, key), OFFICER, BANK, KEYED)
    put(HandOver(3, B, LATER), OFFICER)
    put(SetTenorCap(1, 100, Day(office.today + 9), LATER), OFFICER)
    put(StopIssue(2, ISSUER, True, some_hash("default"), LATER), OFFICER)
    put(office.transfer_of(v["released"], 3, KEYED), C, KEYED)
    _run(office)
    office.pass_days(20)
    put(Award(v["won"], 4, ARBITER, True, some_hash("paid"), LATER), OFFICER, ARBITER)
    put(Award(v["lost"], 4, ARBITER, False, some_hash("not paid"), LATER), OFFICER, ARBITER)
    _run(office)
    return v


def _run(office: Office) -> None:
    refused = [each for each in office.run() if each.refusal is not None]
    assert not refused, refused
