"""What the chain would say now of items that it has refused before: asked, and nothing is sent or written."""

from __future__ import annotations

from collections.abc import Collection

from eth_utils.address import to_checksum_address
from sqlalchemy import select

from ledger.chain import Chain
from ledger.errors import Refusal
from ledger.gas import CEILING, batch_gas, with_checks
from ledger.outbox_tables import CallRow, OutboxRow
from ledger.relay_claims import caps_of
from ledger.relay_judging import refusal_of
from ledger.store import Store


def ask_about(
    store: Store, chain: Chain, doubted: Collection[int]
) -> tuple[list[int], list[tuple[int, Refusal]]]:
    """Simulates each of these items alone: those that may go now, and those that are refused, in their order."""
    with store.reading() as session:
        caps = caps_of(session)
        columns = (OutboxRow.number, OutboxRow.contract, OutboxRow.floor, OutboxRow.keys, OutboxRow.signers)
        query = select(*columns, CallRow.calldata).join(OutboxRow.call).where(OutboxRow.number.in_(doubted))
        rows = session.execute(query.order_by(OutboxRow.number)).all()
    cleared: list[int] = []
    refused: list[tuple[int, Refusal]] = []
    for row in rows:
        gas = min(batch_gas([with_checks(row.floor or 0, caps.of(row.keys, row.signers))]), CEILING)
        outcome = chain.simulate(
            to_checksum_address(row.contract), bytes.fromhex(row.calldata[2:]), sender=chain.account, gas=gas
        )
        if outcome.ok:
            cleared.append(row.number)
        else:
            refused.append((row.number, refusal_of(outcome.output)))
    return cleared, refused
