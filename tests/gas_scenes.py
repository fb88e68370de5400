"""Every verb of the ledger at its plainest, so that its gas can be measured: alone, or many in one batch.

The scenario is the same for all: the recipient has never held a voucher, an issue carries one new invoice, the
parties of an agreement are distinct, and every signature is verified on chain (nobody signs by being the sender).
Vouchers are shared out over twelve suppliers. A scene prepares what it needs, lets days pass where a rule wants it, and
gives the agreements; whoever measures has them signed and sends them. The registry's verbs: gas_scenes_registry.py.
"""

from __future__ import annotations

from typing import Final

from ledger.agreements import (
    Award,
    Cancel,
    CancelWhole,
    ConfirmPayment,
    FreezeLine,
    Part,
    Purpose,
    Release,
    Rescind,
    ResizeLine,
    Revoke,
    RevokeIssue,
    SetTenorCap,
    Split,
    StopIssue,
    Transfer,
    Unfreeze,
    WithdrawPayment,
)
from ledger.members import Contract
from ledger.signing import child_id, complete_payment_calldata, root_id
from tests.gas_yard import DEADLINE, HASH, LIMIT, PART, SECURED, Item, Scene, Yard
from tests.rig import ARBITER, BANK, FACTOR, ISSUER, REGISTRAR, WINDOW


def resize_line(y: Yard, count: int) -> list[Item]:
    expiry = y.rig.today + 300
    return [
        y.item(ResizeLine(line, 1, LIMIT // 2, expiry, DEADLINE), BANK)  # type: ignore[arg-type]
        for line in y.granted(count)
    ]


def freeze_line(y: Yard, count: int) -> list[Item]:
    return [y.item(FreezeLine(line, 1, True, HASH, DEADLINE), BANK) for line in y.granted(count)]  # type: ignore[arg-type]


def issue(y: Yard, count: int) -> list[Item]:
    issues = [y.issue() for _ in range(count)]
    return [y.item(each, ISSUER, each.supplier) for each in issues]


def split(y: Yard, count: int) -> list[Item]:
    return [
        y.item(
            Split(h.voucher, 1, False, DEADLINE, (Part(h.recipient, PART),), ()),  # type: ignore[arg-type]
            h.holder,
            h.recipient,
        )
        for h in y.issued(count)
    ]


def transfer(y: Yard, count: int) -> list[Item]:
    return [
        y.item(Transfer(h.voucher, 1, h.recipient, False, DEADLINE, ()), h.holder, h.recipient)  # type: ignore[arg-type]
        for h in y.issued(count)
    ]


def transfer_part(y: Yard, count: int) -> list[Item]:
    held = y.issued(count)
    divided = [Split(h.voucher, 1, False, DEADLINE, (Part(h.recipient, PART),), ()) for h in held]  # type: ignore[arg-type]
    y.prepare(Contract.LEDGER, [y.item(s, h.holder, h.recipient) for s, h in zip(divided, held, strict=True)])
    return [
        y.item(
            Transfer(child_id(h.voucher, 1, 0), 1, h.holder, False, DEADLINE, ()),  # type: ignore[arg-type]
            h.recipient,
            h.holder,
        )
        for h in held
    ]


def rescind(y: Yard, count: int) -> list[Item]:
    return [y.item(Rescind(h.voucher, 2, FACTOR, DEADLINE), FACTOR) for h in y.sold(count)]  # type: ignore[arg-type]


def disburse(y: Yard, count: int) -> list[Item]:
    return [y.payment(h, Purpose.DISBURSEMENT, 2, FACTOR) for h in y.sold(count)]


def settle(y: Yard, count: int) -> list[Item]:
    return [y.payment(h, Purpose.SETTLEMENT, 1, BANK, h.holder) for h in y.issued(count)]


def settle_alone(y: Yard, count: int) -> list[Item]:
    return [y.payment(h, Purpose.SETTLEMENT, 1, BANK) for h in y.due(count)]


def confirm(y: Yard, count: int) -> list[Item]:
    return [y.item(ConfirmPayment(h.voucher, 3, DEADLINE), h.holder) for h in y.disbursed(count)]  # type: ignore[arg-type]


def withdraw(y: Yard, count: int) -> list[Item]:
    return [y.item(WithdrawPayment(h.voucher, 3, DEADLINE), FACTOR) for h in y.disbursed(count)]  # type: ignore[arg-type]


def complete_disbursement(y: Yard, count: int) -> list[Item]:
    held = y.disbursed(count)
    y.rig.pass_days(WINDOW + 1)
    return [Item(call=complete_payment_calldata(h.voucher)) for h in held]  # type: ignore[arg-type]


def complete_settlement(y: Yard, count: int) -> list[Item]:
    held = y.due(count)
    y.prepare(Contract.LEDGER, [y.payment(h, Purpose.SETTLEMENT, 1, BANK) for h in held])
    y.rig.pass_days(WINDOW + 1)
    return [Item(call=complete_payment_calldata(h.voucher)) for h in held]  # type: ignore[arg-type]


def unfreeze(y: Yard, count: int) -> list[Item]:
    return [y.item(Unfreeze(h.voucher, HASH[::-1], DEADLINE), REGISTRAR) for h in y.frozen(count)]  # type: ignore[arg-type]


def cancel(y: Yard, count: int) -> list[Item]:
    return [y.item(Cancel(h.voucher, 1, DEADLINE), ISSUER, h.holder) for h in y.issued(count)]  # type: ignore[arg-type]


def cancel_whole(y: Yard, count: int) -> list[Item]:
    return [
        y.item(CancelWhole(h.voucher, 1, DEADLINE), ISSUER, h.holder, issued=h.issue)  # type: ignore[arg-type]
        for h in y.issued(count)
    ]


def revoke(y: Yard, count: int) -> list[Item]:
    return [y.item(Revoke(h.voucher, 1, DEADLINE), h.holder) for h in y.issued(count)]  # type: ignore[arg-type]


def revoke_issue(y: Yard, count: int) -> list[Item]:
    domain, issues = y.rig.domain(Contract.LEDGER), [y.issue() for _ in range(count)]
    return [
        y.item(RevokeIssue(root_id(i, domain) >> 96, ISSUER, DEADLINE), ISSUER, issued=i)  # type: ignore[arg-type]
        for i in issues
    ]


def set_tenor_cap(y: Yard, count: int) -> list[Item]:
    tomorrow = y.rig.today + 1
    return [y.item(SetTenorCap(n, 366 - n % 2, tomorrow, DEADLINE), REGISTRAR) for n in range(count)]  # type: ignore[arg-type]


def stop_issue(y: Yard, count: int) -> list[Item]:
    return [y.item(StopIssue(n, 1_001 + n, True, HASH, DEADLINE), REGISTRAR) for n in range(count)]  # type: ignore[arg-type]


def award(y: Yard, count: int, paid: bool) -> list[Item]:
    held = y.contested(count)
    y.rig.pass_days(30)
    return [
        y.item(Award(h.voucher, 4, ARBITER, paid, HASH, DEADLINE), REGISTRAR, ARBITER)  # type: ignore[arg-type]
        for h in held
    ]


def release(y: Yard, count: int) -> list[Item]:
    return [y.item(Release(h.voucher, 2, FACTOR, DEADLINE), FACTOR) for h in y.pledged(count)]  # type: ignore[arg-type]


def recourse(y: Yard, count: int) -> list[Item]:
    return [
        y.item(Transfer(h.voucher, 2, h.recipient, True, DEADLINE, ()), h.holder, h.recipient)  # type: ignore[arg-type]
        for h in y.overdue(count)
    ]


def settle_part(y: Yard, count: int) -> list[Item]:
    return [y.payment(h, Purpose.SETTLEMENT, 1, BANK, h.holder, amount=PART) for h in y.due(count)]


def settle_overdue(y: Yard, count: int) -> list[Item]:
    """One more is overdue besides, so that the issuer's sum does not end: the last one would get gas back."""
    return [y.payment(h, Purpose.SETTLEMENT, 2, BANK, h.holder) for h in y.overdue(count + 1)[:count]]


def settle_pledged(y: Yard, count: int) -> list[Item]:
    terms = {"payee": FACTOR, "amount": SECURED}
    return [
        y.payment(h, Purpose.SETTLEMENT, 2, BANK, FACTOR, h.holder, **terms) for h in y.pledged_and_due(count)
    ]


L: Final = Contract.LEDGER
LEDGER_SCENES: Final = (
    Scene(L, "grantLine", "no parent", lambda y, n: [y.line()[1] for _ in range(n)]),
    Scene(L, "resizeLine", "", resize_line),
    Scene(L, "freezeLine", "", freeze_line),
    Scene(L, "setTenorCap", "", set_tenor_cap),
    Scene(L, "stopIssue", "one issuer", stop_issue),
    Scene(L, "issue", "one new invoice", issue),
    Scene(L, "split", "one part, remainder kept", split),
    Scene(L, "transfer", "whole", transfer),
    Scene(L, "transfer", "of an earlier part", transfer_part),
    Scene(L, "transfer", "overdue, as recourse", recourse),
    Scene(L, "discount", "", lambda y, n: [y.sale(h) for h in y.issued(n)]),
    Scene(L, "rescind", "by the funder", rescind),
    Scene(L, "assertPayment", "disbursement, funder alone", disburse),
    Scene(L, "assertPayment", "settlement, bank and payee", settle),
    Scene(L, "assertPayment", "settlement, bank alone", settle_alone),
    Scene(L, "assertPayment", "settlement of a part, bank and payee", settle_part),
    Scene(L, "assertPayment", "settlement, overdue, bank and payee", settle_overdue),
    Scene(L, "assertPayment", "settlement to the pledgee, bank, pledgee and holder", settle_pledged),
    Scene(L, "confirmPayment", "disbursement", confirm),
    Scene(L, "contestPayment", "disbursement", lambda y, n: [y.contest(h) for h in y.disbursed(n)]),
    Scene(L, "withdrawPayment", "disbursement", withdraw),
    Scene(L, "completePayment", "disbursement", complete_disbursement),
    Scene(L, "completePayment", "settlement", complete_settlement),
    Scene(L, "award", "disbursement, paid", lambda y, n: award(y, n, True)),
    Scene(L, "award", "disbursement, not paid", lambda y, n: award(y, n, False)),
    Scene(L, "declareOverdue", "", lambda y, n: [y.declaration(h) for h in y.unpaid(n)]),
    Scene(L, "pledge", "", lambda y, n: [y.pledge(h) for h in y.issued(n)]),
    Scene(L, "release", "by the pledgee", release),
    Scene(L, "freeze", "", lambda y, n: [y.freezing(h) for h in y.issued(n)]),
    Scene(L, "unfreeze", "", unfreeze),
    Scene(L, "cancel", "", cancel),
    Scene(L, "cancelWhole", "one invoice", cancel_whole),
    Scene(L, "revoke", "", revoke),
    Scene(L, "revokeIssue", "one invoice", revoke_issue),
)
