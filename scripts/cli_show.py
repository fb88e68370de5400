"""The reading commands: show, vouchers, lines, parties. They read the database and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import typer
from rich.markup import escape
from rich.table import Table
from rich.tree import Tree
from sqlalchemy import select
from sqlalchemy.orm import Session

from ledger.agreements import PartyNumber, VoucherId
from ledger.calendar import Day, date_of_day
from ledger.errors import Refusal
from ledger.explain import lock_words, role_words
from ledger.members import line_text, voucher_text
from ledger.money import Fen, yuan
from ledger.tables import FreezeRow, HistoryRow, LineRow, PartyRow, PromiseRow, VoucherRow
from ledger.world import Lock, Status, promise_of
from scripts.cli_installation import Office, opened
from scripts.cli_options import HERE, DirectoryOption, JsonOption, NodeOption, VoucherArgument, screen_of

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
    "VoucherFrozen": "冻结 frozen",
    "VoucherUnfrozen": "解冻 unfrozen",
    "Cancelled": "注销 cancelled",
    "Revoked": "作废 revoked",
    "IssueRevoked": "开立作废 issue revoked",
}
ENDINGS: Final[Mapping[str, str]] = {
    "settled": "已清偿 settled",
    "cancelled": "已注销 cancelled",
    "split": "已拆尽 wholly split",
    "revoked": "已作废 revoked",
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
        number = office.dossier.voucher(voucher)
        with office.store.reading() as session:
            if session.get(VoucherRow, (office.pin.ledger, number)) is None:
                raise Refusal("UnknownVoucher", {"voucher": number})
            promise = session.get(PromiseRow, (office.pin.ledger, promise_of(number)))
            tree = _branch(session, office, VoucherId(promise_of(number) << 96))
            lapsed = _lapsed(session, office)
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
        f"承诺面额 face {yuan(Fen(promise.face))} 元 · 到期 due {_date(promise.due_day)}"
        f" · 额度 line {line_text(promise.line)} · 核心企业 issuer {_plain_name(office, promise.issuer)}"
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
        f" · {_name(office, row.holder)} · {_state(row, lapsed)}"
    )


def _lapsed(session: Session, office: Office) -> frozenset[VoucherId]:
    """Vouchers whose court freeze has run out: the contract drops its lock with the voucher's next verb."""
    query = select(FreezeRow.voucher).where(
        FreezeRow.contract == office.pin.ledger, FreezeRow.until < office.today
    )
    return frozenset(session.scalars(query))


def _locks(row: VoucherRow, lapsed: frozenset[VoucherId]) -> int:
    return row.locks & ~Lock.FREEZE if row.voucher in lapsed else row.locks


def _state(row: VoucherRow, lapsed: frozenset[VoucherId]) -> str:
    if row.face == 0:
        return ENDINGS.get(row.ended_as or "", "已终结 ended")
    locks = _locks(row, lapsed)
    if locks:
        words = lock_words(locks)
        return f"{words.zh} {words.en}"
    return "有效 live"


def _line(office: Office, row: HistoryRow) -> str:
    amount = f" {yuan(Fen(row.amount))} 元" if row.amount else ""
    to = "" if row.party is None else f" → {_name(office, row.party)}"
    agreed = row.name == "PaymentAsserted" and not (row.locks or 0) & Lock.PAYMENT
    at_once = " · 双方同意即时生效 agreed, at once" if agreed else ""
    return f"{_date(row.day)} {WORDS.get(row.name, row.name)}{amount}{to}{at_once}"


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
        "locks": _locks(row, lapsed),
        "ended_as": row.ended_as,
        "history": [
            {
                "day": _date(each.day),
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
        "due": _date(promise.due_day),
    }


def vouchers(
    ctx: typer.Context,
    directory: DirectoryOption = HERE,
    node: NodeOption = None,
    json: JsonOption = False,
) -> None:
    """Every voucher with its holder, amount, tier and state.

    \b
    Example:
      tallystick vouchers
    """
    with opened(screen_of(ctx), directory, node) as office:
        with office.store.reading() as session:
            query = (
                select(VoucherRow, PromiseRow)
                .outerjoin(
                    PromiseRow,
                    (PromiseRow.contract == VoucherRow.contract) & (PromiseRow.promise == VoucherRow.promise),
                )
                .where(VoucherRow.contract == office.pin.ledger)
            )
            found = [(row, promise) for row, promise in session.execute(query)]
            lapsed = _lapsed(session, office)
        numbers = office.dossier.numbers
        found.sort(key=lambda pair: (numbers.get(pair[0].voucher, "~"), pair[0].voucher))
        office.screen.answer(
            {
                "vouchers": [
                    {
                        "number": numbers.get(row.voucher),
                        "voucher": voucher_text(row.voucher),
                        "holder": row.holder,
                        "face_fen": row.face,
                        "tier": row.tier,
                        "locks": _locks(row, lapsed),
                        "ended_as": row.ended_as,
                        "due": None if promise is None else _date(promise.due_day),
                    }
                    for row, promise in found
                ]
            }
        )
        rows = (
            (
                numbers.get(row.voucher) or voucher_text(row.voucher),
                _plain_name(office, row.holder),
                yuan(Fen(row.face)),
                str(row.tier),
                "" if promise is None else _date(promise.due_day),
                _state(row, lapsed),
            )
            for row, promise in found
        )
        _table(
            office, ("凭证 voucher", "持有人 holder", "面额 face", "层 tier", "到期 due", "状态 state"), rows
        )


def lines(
    ctx: typer.Context,
    directory: DirectoryOption = HERE,
    node: NodeOption = None,
    json: JsonOption = False,
) -> None:
    """Every credit line: limit, drawn, what is left, and until when it can be drawn.

    \b
    Example:
      tallystick lines
    """
    with opened(screen_of(ctx), directory, node) as office:
        with office.store.reading() as session:
            query = select(LineRow).where(LineRow.contract == office.pin.ledger)
            found = sorted(session.scalars(query), key=lambda row: (row.parent or row.line, row.line))
        office.screen.answer(
            {
                "lines": [
                    {
                        "line": line_text(row.line),
                        "parent": None if row.parent is None else line_text(row.parent),
                        "bank": row.bank,
                        "issuer": row.issuer,
                        "limit_fen": row.limit,
                        "drawn_fen": row.drawn,
                        "available_fen": max(row.limit - row.drawn, 0),
                        "expiry": _date(row.expiry),
                        "frozen": row.frozen,
                        "countersign": row.countersign,
                    }
                    for row in found
                ]
            }
        )
        rows = (
            (
                ("└ " if row.parent else "") + line_text(row.line),
                _plain_name(office, row.bank),
                _plain_name(office, row.issuer),
                yuan(Fen(row.limit)),
                yuan(Fen(row.drawn)),
                yuan(Fen(max(row.limit - row.drawn, 0))),
                _date(row.expiry) + (" 停止开立 frozen" if row.frozen else ""),
            )
            for row in found
        )
        titles = (
            "额度 line",
            "银行 bank",
            "核心企业 issuer",
            "限额 limit",
            "已用 drawn",
            "可用 left",
            "到期 expiry",
        )
        _table(office, titles, rows)


def parties(
    ctx: typer.Context,
    directory: DirectoryOption = HERE,
    node: NodeOption = None,
    json: JsonOption = False,
) -> None:
    """Every party: number, name, roles, sponsor bank, and whether it may act.

    \b
    Example:
      tallystick parties
    """
    with opened(screen_of(ctx), directory, node) as office:
        with office.store.reading() as session:
            query = select(PartyRow).where(PartyRow.contract == office.pin.registry).order_by(PartyRow.party)
            found = list(session.scalars(query))
        office.screen.answer(
            {
                "parties": [
                    {
                        "party": row.party,
                        "name": office.screen.names.get(PartyNumber(row.party)),
                        "roles": row.roles,
                        "sponsor": row.sponsor,
                        "suspended": bool(row.status & Status.SUSPENDED),
                        "recovering": bool(row.status & Status.RECOVERING),
                    }
                    for row in found
                ]
            }
        )
        rows = (
            (
                str(row.party),
                office.screen.names.get(PartyNumber(row.party), ""),
                "登记机构 registrar" if row.party == 1 else str(role_words(row.roles)),
                "" if row.sponsor == 0 else str(row.sponsor),
                _standing(row.status),
            )
            for row in found
        )
        _table(office, ("编号 party", "名称 name", "角色 roles", "保荐 sponsor", "状态 state"), rows)


def _standing(status: int) -> str:
    if status & Status.SUSPENDED:
        return "已暂停 suspended"
    return "密钥恢复中 recovering" if status & Status.RECOVERING else "正常 admitted"


def _table(office: Office, titles: Sequence[str], rows: Iterator[tuple[str, ...]]) -> None:
    if office.screen.json:
        return
    table = Table()
    for title in titles:
        amount = any(word in title for word in ("face", "limit", "drawn", "left"))
        table.add_column(title, overflow="fold", no_wrap=amount, justify="right" if amount else "left")
    for row in rows:
        table.add_row(*(escape(cell) for cell in row))
    office.screen.show(table)


def _name(office: Office, party: int) -> str:
    return escape(_plain_name(office, party))


def _plain_name(office: Office, party: int) -> str:
    name = office.screen.names.get(PartyNumber(party))
    return f"{party} {name}" if name else f"party {party}"


def _date(value: int) -> str:
    return date_of_day(Day(value)).isoformat()
