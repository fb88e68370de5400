"""The `show` command: a voucher's whole promise as a tree, from the database.

Each branch is a voucher; under it what happened to it, the oldest first, and the parts that were split off.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import typer
from rich.markup import escape
from rich.tree import Tree
from sqlalchemy import select
from sqlalchemy.orm import Session

from ledger.agreements import PartyNumber, VoucherId
from ledger.errors import Refusal
from ledger.members import line_text, voucher_text
from ledger.money import Fen, yuan
from ledger.tables import HistoryRow, PromiseRow, VoucherRow
from ledger.world import Lock, promise_of
from scripts.cli_installation import Office, opened
from scripts.cli_options import HERE, DirectoryOption, JsonOption, NodeOption, VoucherArgument, screen_of
from scripts.cli_show import date_text, lapsed_freezes, locks_of, name_of, state_of

QUIET: Final = frozenset({"InvoiceUsed", "InvoiceReturned"})
"""Events that say nothing about who is owed."""
WORDS: Final[Mapping[str, str]] = {
    "Issued": "开立 issued",
    "Parted": "拆分 split",
    "Transferred": "转让 transferred",
    "Discounted": "贴现 discounted",
    "Rescinded": "解除贴现 rescinded",
    "PaymentAsserted": "付款声明 payment asserted",
    "PaymentConfirmed": "收款确认 payment confirmed",
    "PaymentContested": "异议 payment contested",
    "PaymentWithdrawn": "撤回 payment withdrawn",
    "PaymentCompleted": "付款完成 payment completed",
    "PaymentAwarded": "裁决 payment awarded",
    "VoucherPledged": "质押 pledged",
    "PledgeReleased": "解除质押 pledge released",
    "VoucherOverdue": "逾期 overdue",
    "VoucherFrozen": "冻结 frozen",
    "VoucherUnfrozen": "解冻 unfrozen",
    "Cancelled": "注销 cancelled",
    "Revoked": "作废 revoked",
    "IssueRevoked": "开立作废 issue revoked",
}


@dataclass(frozen=True, slots=True)
class Branch:
    """A voucher of a promise with its history and the parts that were split off it."""

    row: VoucherRow
    history: tuple[HistoryRow, ...]
    parts: tuple[Branch, ...]


def show(
    ctx: typer.Context,
    voucher: VoucherArgument,
    directory: DirectoryOption = HERE,
    node: NodeOption = None,
    json: JsonOption = False,
) -> None:
    """Where a voucher comes from and what became of it: its whole promise as a tree.

    Each branch shows amount, tier and holder, then what happened, the oldest first.

    \b
    Example:
      tallystick show P-2026-001/1
    """
    with opened(screen_of(ctx), directory, node) as office:
        number = office.voucher(voucher)
        with office.store.reading() as session:
            if session.get(VoucherRow, (office.pin.ledger, number)) is None:
                raise Refusal("UnknownVoucher", {"voucher": number})
            promise = session.get(PromiseRow, (office.pin.ledger, promise_of(number)))
            tree = _branch(session, office, VoucherId(promise_of(number) << 96))
            lapsed = lapsed_freezes(session, office)
        office.screen.answer(
            {"promise": _promise_facts(promise), "voucher": _facts(office, tree, number, lapsed)}
        )
        if not office.screen.json:
            if promise is not None:
                office.screen.say(_head(office, promise))
            office.screen.show(_drawn(office, tree, number, lapsed))


def _branch(session: Session, office: Office, number: VoucherId) -> Branch:
    contract = office.pin.ledger
    query = select(HistoryRow).where(HistoryRow.contract == contract, HistoryRow.voucher == number)
    history = tuple(session.scalars(query.order_by(HistoryRow.block, HistoryRow.log_index)))
    children = select(VoucherRow).where(VoucherRow.contract == contract, VoucherRow.parent == number)
    found = {row.voucher: row for row in session.scalars(children)}
    order = [row.other for row in history if row.name == "Parted" and row.other in found]
    parts = tuple(_branch(session, office, child) for child in dict.fromkeys(order) if child is not None)
    return Branch(session.get_one(VoucherRow, (contract, number)), history, parts)


def _drawn(office: Office, tree: Branch, asked: VoucherId, lapsed: frozenset[VoucherId]) -> Tree:
    drawn = Tree(_title(office, tree, asked, lapsed))
    _grow(office, drawn, tree, asked, lapsed)
    return drawn


def _head(office: Office, promise: PromiseRow) -> str:
    return (
        f"承诺面额 face {yuan(Fen(promise.face))} 元 · 到期 due {date_text(promise.due_day)}"
        f" · 额度 line {line_text(promise.line)} · 核心企业 issuer {name_of(office, promise.issuer)}"
    )


def _grow(office: Office, into: Tree, branch: Branch, asked: VoucherId, lapsed: frozenset[VoucherId]) -> None:
    parts = {part.row.voucher: part for part in branch.parts}
    for row in branch.history:
        if row.name in QUIET or (row.name == "Parted" and row.other == branch.row.parent):
            continue
        node = into.add(_line(office, row))
        child = parts.get(row.other) if row.name == "Parted" and row.other is not None else None
        if child is not None:
            _grow(office, node.add(_title(office, child, asked, lapsed)), child, asked, lapsed)


def _title(office: Office, branch: Branch, asked: VoucherId, lapsed: frozenset[VoucherId]) -> str:
    row = branch.row
    called = escape(office.dossier.numbers.get(row.voucher) or voucher_text(row.voucher))
    mark = "[bold]" if row.voucher == asked else ""
    end = "[/bold]" if mark else ""
    return (
        f"{mark}{called}{end} · {yuan(Fen(row.face))} 元 · 第 {row.tier} 层 tier {row.tier}"
        f" · {_name(office, row.holder)} · {state_of(row, lapsed)}"
    )


def _line(office: Office, row: HistoryRow) -> str:
    amount = f" {yuan(Fen(row.amount))} 元" if row.amount else ""
    to = "" if row.party is None else f" → {_name(office, row.party)}"
    agreed = row.name == "PaymentAsserted" and not (row.locks or 0) & Lock.PAYMENT
    at_once = " · 双方同意即时生效 agreed, at once" if agreed else ""
    return f"{date_text(row.day)} {WORDS.get(row.name, row.name)}{amount}{to}{at_once}"


def _facts(
    office: Office, branch: Branch, asked: VoucherId, lapsed: frozenset[VoucherId]
) -> dict[str, object]:
    row = branch.row
    return {
        "number": office.dossier.numbers.get(row.voucher),
        "voucher": voucher_text(row.voucher),
        "asked": row.voucher == asked,
        "face_fen": row.face,
        "holder": row.holder,
        "holder_name": office.screen.names.get(PartyNumber(row.holder)),
        "tier": row.tier,
        "sequence": row.sequence,
        "locks": locks_of(row, lapsed),
        "ended_as": row.ended_as,
        "history": [
            {
                "day": date_text(each.day),
                "event": each.name,
                "party": each.party,
                "amount_fen": each.amount,
            }
            for each in branch.history
        ],
        "parts": [_facts(office, part, asked, lapsed) for part in branch.parts],
    }


def _promise_facts(promise: PromiseRow | None) -> dict[str, object] | None:
    if promise is None:
        return None
    return {
        "line": line_text(promise.line),
        "issuer": promise.issuer,
        "face_fen": promise.face,
        "live_fen": promise.live,
        "settled_fen": promise.settled,
        "cancelled_fen": promise.cancelled,
        "due": date_text(promise.due_day),
    }


def _name(office: Office, party: int) -> str:
    return escape(name_of(office, party))
