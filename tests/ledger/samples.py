"""The canonical issue and transfer of these tests, and agreements of any kind with any values that fit."""

from __future__ import annotations

from typing import Any

from eth_utils.crypto import keccak
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from ledger.agreements import Agreement, Invoice, Issue, PartyNumber, Purpose, Transfer, VoucherId
from ledger.calendar import Timestamp, day_of_date, parse_date
from ledger.members import LAST_DAY, Contract, Form, Member, Struct, line_id, members_of
from ledger.money import Fen
from ledger.signing import Domain

LEDGER = Domain(Contract.LEDGER, 20_260_401, "0x" + "1f" * 20)
REGISTRY = Domain(Contract.REGISTRY, 20_260_401, "0x" + "2e" * 20)
DUE = day_of_date(parse_date("2026-08-28"))
DEADLINE = Timestamp(1_776_268_800)  # 2026-04-16 00:00 China time
H1, H2, H3, H4 = (bytes([n]) * 32 for n in (0x11, 0x22, 0x33, 0x44))
VOUCHER = VoucherId(0xABCD << 96)

ISSUE = Issue(
    line=line_id(2, 17),
    issuer=PartyNumber(4),
    supplier=PartyNumber(6),
    face=Fen(100_000_000),
    due_day=DUE,
    smallest_part=Fen(10_000),
    highest_tier=5,
    terms=H1,
    tenor_reason=bytes(32),
    issuer_reference=H2,
    deadline=DEADLINE,
    invoices=(Invoice(H3, Fen(60_000_000), Fen(60_000_000)), Invoice(H4, Fen(40_000_000), Fen(90_000_000))),
)
TRANSFER = Transfer(
    voucher=VOUCHER, sequence=1, recipient=PartyNumber(7), overdue=False, deadline=DEADLINE, invoices=()
)
few = settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def domain_for(agreement: Agreement | type[Agreement]) -> Domain:
    return LEDGER if agreement.contract is Contract.LEDGER else REGISTRY


def values(member: Member) -> st.SearchStrategy[Any]:
    match member.form:
        case Form.FLAG:
            return st.booleans()
        case Form.PURPOSE:
            return st.sampled_from(Purpose)
        case Form.HASH:
            return st.just(bytes(32)) | st.integers(0, 999).map(lambda n: keccak(n.to_bytes(2, "big")))
        case Form.BYTES:
            return st.binary(max_size=90)
        case Form.ADDRESS:
            return st.binary(min_size=20, max_size=20)
        case Form.DAY:
            return st.integers(0, LAST_DAY)
    if member.item is not None:
        return st.lists(instances(member.item), max_size=3).map(tuple)
    return st.integers(0, 2 ** int(member.solidity[4:]) - 1)


def instances(kind: type[Struct]) -> st.SearchStrategy[Any]:
    return st.builds(kind, **{member.name: values(member) for member in members_of(kind)})
