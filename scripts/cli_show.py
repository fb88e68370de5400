"""The listing commands: vouchers, lines, parties. They read the database and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import typer
from rich.markup import escape
from rich.table import Table
from sqlalchemy import select
from sqlalchemy.orm import Session

from ledger.agreements import PartyNumber, VoucherId
from ledger.calendar import Day, date_of_day
from ledger.chain import Address
from ledger.explain import lock_words, role_words
from ledger.members import line_text, voucher_text
from ledger.money import Fen, yuan
from ledger.rows import world_of, worlds_of
from ledger.tables import FreezeRow, LineRow, PartyRow, PromiseRow, VoucherRow
from ledger.world import Lock, Status, World
from scripts.cli_installation import Office, opened
from scripts.cli_options import HERE, DirectoryOption, JsonOption, LedgersOption, NodeOption, screen_of

ENDINGS: Final[Mapping[str, str]] = {
    "settled": "已清偿 settled",
    "cancelled": "已注销 cancelled",
    "split": "已拆尽 wholly split",
    "revoked": "已作废 revoked",
}


def lapsed_freezes(session: Session, office: Office) -> frozenset[VoucherId]:
    """Vouchers whose court freeze has run out: the contract drops its lock with the voucher's next verb."""
    query = select(FreezeRow.voucher).where(FreezeRow.until < office.today)
    return frozenset(session.scalars(query))


def locks_of(row: VoucherRow, lapsed: frozenset[VoucherId]) -> int:
    """A voucher's locks, without that of a lapsed freeze."""
    return row.locks & ~Lock.FREEZE if row.voucher in lapsed else row.locks


def state_of(row: VoucherRow, lapsed: frozenset[VoucherId]) -> str:
    """How a voucher stands, in words."""
    if row.face == 0:
        return ENDINGS.get(row.ended_as or "", "已终结 ended")
    locks = locks_of(row, lapsed)
    if locks:
        words = lock_words(locks)
        return f"{words.zh} {words.en}"
    return "有效 live"


def vouchers(
    ctx: typer.Context,
    ledger: LedgersOption = None,
    directory: DirectoryOption = HERE,
    node: NodeOption = None,
    json: JsonOption = False,
) -> None:
    """Every voucher with its holder, amount, tier and state; of all ledgers, or of one.

    \b
    Example:
      tallystick vouchers
    """
    with opened(screen_of(ctx), directory, node, ledger=ledger) as office:
        with office.store.reading() as session:
            query = (
                select(VoucherRow, PromiseRow)
                .outerjoin(
                    PromiseRow,
                    (PromiseRow.contract == VoucherRow.contract) & (PromiseRow.promise == VoucherRow.promise),
                )
                .where(VoucherRow.contract.in_(_ledgers(office)))
            )
            found = [(row, promise) for row, promise in session.execute(query)]
            lapsed = lapsed_freezes(session, office)
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
                        "locks": locks_of(row, lapsed),
                        "ended_as": row.ended_as,
                        "due": None if promise is None else date_text(promise.due_day),
                        "ledger": row.contract,
                    }
                    for row, promise in found
                ]
            }
        )
        places = _places(office)
        rows = (
            (
                numbers.get(row.voucher) or voucher_text(row.voucher),
                name_of(office, row.holder),
                yuan(Fen(row.face)),
                str(row.tier),
                "" if promise is None else date_text(promise.due_day),
                state_of(row, lapsed),
                str(places[row.contract]),
            )
            for row, promise in found
        )
        titles = (
            *("凭证 voucher", "持有人 holder", "面额 face", "层 tier", "到期 due", "状态 state"),
            "账本 ledger",
        )
        _table(office, titles, rows)


def lines(
    ctx: typer.Context,
    ledger: LedgersOption = None,
    directory: DirectoryOption = HERE,
    node: NodeOption = None,
    json: JsonOption = False,
) -> None:
    """Every credit line: limit, drawn, what is left, and until when it can be drawn; of all ledgers, or of one.

    \b
    Example:
      tallystick lines
    """
    with opened(screen_of(ctx), directory, node, ledger=ledger) as office:
        with office.store.reading() as session:
            shown = [str(each) for each in _ledgers(office)]
            query = select(LineRow).where(LineRow.contract.in_(shown))
            found = sorted(
                session.scalars(query),
                key=lambda row: (shown.index(row.contract), row.parent or row.line, row.line),
            )
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
                        "expiry": date_text(row.expiry),
                        "frozen": row.frozen,
                        "countersign": row.countersign,
                        "ledger": row.contract,
                    }
                    for row in found
                ]
            }
        )
        places = _places(office)
        rows = (
            (
                ("└ " if row.parent else "") + line_text(row.line),
                name_of(office, row.bank),
                name_of(office, row.issuer),
                yuan(Fen(row.limit)),
                yuan(Fen(row.drawn)),
                yuan(Fen(max(row.limit - row.drawn, 0))),
                date_text(row.expiry) + (" 停止开立 frozen" if row.frozen else ""),
                str(places[row.contract]),
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
            "账本 ledger",
        )
        _table(office, titles, rows)


def ledgers(
    ctx: typer.Context,
    directory: DirectoryOption = HERE,
    node: NodeOption = None,
    json: JsonOption = False,
) -> None:
    """The installation's ledgers in order of succession, as --ledger names them.

    \b
    Example:
      tallystick ledgers
    """
    with opened(screen_of(ctx), directory, node) as office:
        with office.store.reading() as session:
            worlds = worlds_of(session)
        facts = [_ledger_facts(office, worlds, place) for place in range(1, len(office.pins) + 1)]
        office.screen.answer({"ledgers": facts})
        rows = (
            (
                str(row["place"]),
                str(row["ledger"]),
                _issuing(row),
                str(row["live_vouchers"]),
                yuan(Fen(row["owed_fen"])),
                _caps(row),
            )
            for row in facts
        )
        titles = ("账本 ledger", "地址 address", "状态 state", "凭证 live", "未付 face", "期限 tenor cap")
        _table(office, titles, rows)


def _ledger_facts(office: Office, worlds: Mapping[Address, World], place: int) -> dict[str, Any]:
    """`waits_for`: the place of the ledger whose run-off this one needs before it can issue."""
    pin, today = office.pins[place - 1], office.today
    world = worlds[pin.ledger]
    settings, live = world.settings, [voucher.face for voucher in world.vouchers.values() if voucher.face]
    before = worlds.get(pin.predecessor)
    waits = before is not None and not before.settings.run_off
    announced = settings.next_tenor_cap_from > today
    return {
        "place": place,
        "ledger": pin.ledger,
        "runs_off": settings.run_off,
        "issues": not settings.run_off and not waits,
        "waits_for": _places(office)[pin.predecessor] if waits else None,
        "live_vouchers": len(live),
        "owed_fen": sum(live),
        "tenor_cap_days": settings.tenor_cap_on(today),
        "next_tenor_cap_days": settings.next_tenor_cap if announced else None,
        "next_tenor_cap_from": date_text(settings.next_tenor_cap_from) if announced else None,
    }


def _issuing(row: Mapping[str, Any]) -> str:
    if row["runs_off"]:
        return "停止开立 runs off"
    return "开立 issues" if row["issues"] else f"待启用 waits for ledger {row['waits_for']}"


def _caps(row: Mapping[str, Any]) -> str:
    if row["next_tenor_cap_days"] is None:
        return str(row["tenor_cap_days"])
    return f"{row['tenor_cap_days']}; {row['next_tenor_cap_days']} from {row['next_tenor_cap_from']}"


def _places(office: Office) -> dict[str, int]:
    return {pin.ledger: place for place, pin in enumerate(office.pins, start=1)}


def _ledgers(office: Office) -> list[Address]:
    """The ledger that was chosen, or all."""
    return [office.pin.ledger] if office.chosen else [pin.ledger for pin in office.pins]


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
            registrar = int(world_of(session, office.pin.ledger).registry_settings.registrar)
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
                        "registrar": row.party == registrar,
                    }
                    for row in found
                ]
            }
        )
        rows = (
            (
                str(row.party),
                office.screen.names.get(PartyNumber(row.party), ""),
                "登记机构 registrar" if row.party == registrar else str(role_words(row.roles)),
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


def name_of(office: Office, party: int) -> str:
    """A party\'s number and name."""
    name = office.screen.names.get(PartyNumber(party))
    return f"{party} {name}" if name else f"party {party}"


def date_text(value: int) -> str:
    """A day number as an ISO date."""
    return date_of_day(Day(value)).isoformat()
