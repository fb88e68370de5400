"""Every verb of both contracts at its plainest, so that its gas can be measured: alone, or many in one batch.

The scenario is the same for all: the recipient has never held a voucher, an issue carries one new invoice, the
parties of an agreement are distinct, every signature is a wallet key's and is verified on chain (nobody signs by being
the sender). Vouchers are shared out over twelve suppliers. A scene prepares what it needs, lets days pass where a rule
wants it, and gives the calls; whoever measures sends them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from ledger.agreements import (
    Cancel,
    CancelWhole,
    ConfirmPayment,
    ContestPayment,
    FinishRekey,
    FreezeLine,
    Part,
    Purpose,
    Reinstate,
    Rekey,
    Rescind,
    ResizeLine,
    Revoke,
    RevokeIssue,
    Split,
    Suspend,
    Transfer,
    Unfreeze,
    VetoRekey,
    WithdrawPayment,
    WithdrawRekey,
)
from ledger.members import Contract
from ledger.signing import child_id, complete_payment_calldata, root_id
from tests.gas_yard import DEADLINE, HASH, LIMIT, PART, Item, Yard, address_of
from tests.rig import BANK, FACTOR, ISSUER, REGISTRAR, WINDOW, key_of

# ------------------------------------------------------------ registry


def suspend(y: Yard, count: int) -> list[Item]:
    return [y.standing(Suspend, party, 1) for party in y.admitted(count)]


def reinstate(y: Yard, count: int) -> list[Item]:
    parties = y.admitted(count)
    y.prepare(Contract.REGISTRY, [y.standing(Suspend, party, 1) for party in parties])
    return [y.standing(Reinstate, party, 2) for party in parties]


def rekey(y: Yard, count: int) -> list[Item]:
    return [
        y.item(Rekey(p, 1, 0, DEADLINE, address_of(key_of(p, 1))), p, key_of(p, 1))  # type: ignore[arg-type]
        for p in y.admitted(count)
    ]


def veto_rekey(y: Yard, count: int) -> list[Item]:
    return [y.item(VetoRekey(p, 2, DEADLINE), p) for p in y.recovering(count)]  # type: ignore[arg-type]


def withdraw_rekey(y: Yard, count: int) -> list[Item]:
    return [y.item(WithdrawRekey(p, 2, DEADLINE), REGISTRAR, BANK) for p in y.recovering(count)]  # type: ignore[arg-type]


def finish_rekey(y: Yard, count: int) -> list[Item]:
    parties = y.recovering(count)
    y.rig.pass_days(7)
    return [y.item(FinishRekey(p, 2, 0, DEADLINE)) for p in parties]  # type: ignore[arg-type]


# ------------------------------------------------------------ ledger


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


def contest(y: Yard, count: int) -> list[Item]:
    return [
        y.item(ContestPayment(h.voucher, 3, h.holder, HASH, DEADLINE), h.holder)  # type: ignore[arg-type]
        for h in y.disbursed(count)
    ]


def withdraw(y: Yard, count: int) -> list[Item]:
    return [y.item(WithdrawPayment(h.voucher, 3, DEADLINE), FACTOR) for h in y.disbursed(count)]  # type: ignore[arg-type]


def complete_disbursement(y: Yard, count: int) -> list[Item]:
    held = y.disbursed(count)
    y.rig.pass_days(WINDOW + 1)
    return [Item(complete_payment_calldata(h.voucher), 0) for h in held]  # type: ignore[arg-type]


def complete_settlement(y: Yard, count: int) -> list[Item]:
    held = y.due(count)
    y.prepare(Contract.LEDGER, [y.payment(h, Purpose.SETTLEMENT, 1, BANK) for h in held])
    y.rig.pass_days(WINDOW + 1)
    return [Item(complete_payment_calldata(h.voucher), 0) for h in held]  # type: ignore[arg-type]


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


@dataclass(frozen=True, slots=True)
class Scene:
    """A verb in one of its cases. `make` gives so many calls of it."""

    contract: Contract
    verb: str
    case: str
    make: Callable[[Yard, int], list[Item]]


R, L = Contract.REGISTRY, Contract.LEDGER
SCENES: Final = (
    Scene(R, "admit", "wallet key", lambda y, n: [y.admission() for _ in range(n)]),
    Scene(R, "suspend", "", suspend),
    Scene(R, "reinstate", "", reinstate),
    Scene(R, "rekey", "wallet key", rekey),
    Scene(R, "proposeRekey", "wallet key", lambda y, n: [y.proposal(p) for p in y.admitted(n)]),
    Scene(R, "vetoRekey", "", veto_rekey),
    Scene(R, "withdrawRekey", "", withdraw_rekey),
    Scene(R, "finishRekey", "no veto", finish_rekey),
    Scene(L, "grantLine", "no parent", lambda y, n: [y.line()[1] for _ in range(n)]),
    Scene(L, "resizeLine", "", resize_line),
    Scene(L, "freezeLine", "", freeze_line),
    Scene(L, "issue", "one new invoice", issue),
    Scene(L, "split", "one part, remainder kept", split),
    Scene(L, "transfer", "whole", transfer),
    Scene(L, "transfer", "of an earlier part", transfer_part),
    Scene(L, "discount", "", lambda y, n: [y.sale(h) for h in y.issued(n)]),
    Scene(L, "rescind", "by the funder", rescind),
    Scene(L, "assertPayment", "disbursement, funder alone", disburse),
    Scene(L, "assertPayment", "settlement, bank and payee", settle),
    Scene(L, "assertPayment", "settlement, bank alone", settle_alone),
    Scene(L, "confirmPayment", "disbursement", confirm),
    Scene(L, "contestPayment", "disbursement", contest),
    Scene(L, "withdrawPayment", "disbursement", withdraw),
    Scene(L, "completePayment", "disbursement", complete_disbursement),
    Scene(L, "completePayment", "settlement", complete_settlement),
    Scene(L, "freeze", "", lambda y, n: [y.freezing(h) for h in y.issued(n)]),
    Scene(L, "unfreeze", "", unfreeze),
    Scene(L, "cancel", "", cancel),
    Scene(L, "cancelWhole", "one invoice", cancel_whole),
    Scene(L, "revoke", "", revoke),
    Scene(L, "revokeIssue", "one invoice", revoke_issue),
)
