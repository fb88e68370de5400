"""Payments that nobody answered: silence through the line's window completes them, and somebody has to say so.

Anybody may, the contract asks for no signature. So the gateway says it of each payment whose window is over, into the
outbox as everything else; who does not want to wait says it earlier (`proposals.complete_payment`). What is there
already is not put in again, and what the rules are against (a key is being recovered, a freeze) is left for the next
time.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import and_, or_, select

from ledger import voucher as rules
from ledger.members import VoucherId
from ledger.negotiation.setting import Setting
from ledger.outbox import put_here, put_unsigned
from ledger.payment import CompletePayment
from ledger.rows_about import world_about
from ledger.store import Store
from ledger.tables import LineRow, PaymentRow, PromiseRow, VoucherRow

LOG: Final = logging.getLogger("ledger.silence")
PAGE: Final = 100
"""Payments that are judged in one transaction."""


def complete_silent(store: Store, setting: Setting) -> int:
    """Puts the completion of each payment whose window is over into the outbox, once; gives how many are new there."""
    new, after = 0, ("", VoucherId(0))
    while page := _silent(store, setting, after):
        with store.writing() as session:
            for row in page:
                pin, verb = setting.pin_of(row.contract), CompletePayment(row.voucher)
                if rules.may(world_about(session, pin, verb), verb, timestamp=setting.chain_clock()) is None:
                    at = setting.machine_clock()
                    put_unsigned(session, verb, sequence=row.sequence, pin=pin, at=at)
            items = sorted(put_here(session))
        if items:
            LOG.info("silence completes payments", extra={"items": items})
        new += len(items)
        after = page[-1].contract, page[-1].voucher
    return new


def _silent(store: Store, setting: Setting, after: tuple[str, VoucherId]) -> Sequence[Any]:
    """The next payments whose window is over, as far as their rows say."""
    contract, payment = PaymentRow.contract, PaymentRow
    query = (
        select(contract, payment.voucher, VoucherRow.sequence)
        .join(VoucherRow, and_(VoucherRow.contract == contract, VoucherRow.voucher == payment.voucher))
        .join(PromiseRow, and_(PromiseRow.contract == contract, PromiseRow.promise == VoucherRow.promise))
        .join(LineRow, and_(LineRow.contract == contract, LineRow.line == PromiseRow.line))
        .where(
            contract.in_([pin.ledger for pin in setting.pins]),
            payment.fate == "asserted",
            payment.asserted_on + LineRow.window < setting.today,
            or_(contract > after[0], and_(contract == after[0], payment.voucher > after[1])),
        )
        .order_by(contract, payment.voucher)
        .limit(PAGE)
    )
    with store.reading() as session:
        return session.execute(query).all()
