"""The night's commands: verify and reconcile; index is in cli_index.py."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.markup import escape
from rich.table import Table

from ledger.agreements import PartyNumber
from ledger.calendar import Day, date_of_day, parse_date
from ledger.embedded import EmbeddedChain
from ledger.errors import FileError, InputError
from ledger.health import Finding, examine
from ledger.installation import DOSSIER
from ledger.money import Fen, yuan
from ledger.pin import check_pin
from ledger.reconciliation import (
    KIND_WORDS,
    Reconciliation,
    StatedBlock,
    merged,
    reconcile,
    to_json,
    write_csv,
    write_html,
    write_overdue_csv,
)
from ledger.reconciliation.extract import chain_rows, inputs_of, stated_block
from ledger.reconciliation.report import pairs_text
from ledger.statement import read_line_book, read_loan_book, read_statement
from ledger.store import followed, pins
from ledger.verification import verify
from ledger.world import Role
from scripts.business_dossier import read_dossier
from scripts.cli_installation import Office, opened
from scripts.cli_options import HERE, DirectoryOption, JsonOption, NodeOption, screen_of
from scripts.cli_screen import NO, Screen

MOST_SHOWN: Final = 50
"""Findings and breaks that are listed on the screen; the files have all."""


def verify_(
    ctx: typer.Context,
    invariants: Annotated[
        bool, typer.Option("--invariants", help="Only what needs no database: the node's own state.")
    ] = False,
    directory: DirectoryOption = HERE,
    node: NodeOption = None,
    json: JsonOption = False,
) -> None:
    """Recomputes the journal from the chain and compares events, rows, storage and the invariant list.

    Of all ledgers of the installation. With --invariants the database's events and rows are left out: events and
    storage are read from the node, and the invariant list is run on what they say. Nothing is changed. Exit code 1
    where anything differs.

    \b
    Example:
      tallystick verify
      tallystick verify --invariants
    """
    with opened(screen_of(ctx), directory, node) as office:
        if invariants:
            _examine(office)
            return
        with office.screen.progress("Comparing with the chain") as report:
            found = verify(office.store, office.chain, report=report)
        office.screen.answer(
            {
                "verified": found.verified,
                "block": found.block,
                "events": found.events,
                "rows": found.rows,
                "words": found.words,
                "findings": [str(each) for each in found.findings],
            }
        )
        compared = (
            f"{found.events} events, {found.rows} rows and {found.words} storage words at block {found.block}"
        )
        if found.verified:
            office.screen.say(f"Verified: {compared} agree, journal and invariants hold.")
            return
        office.screen.say(f"NOT verified: {len(found.findings)} differences in {compared}:")
        _list(office, found.findings)
        if any(each.kind == "item" for each in found.findings):
            office.screen.say(
                "What had landed and is not on the chain any more is sent again by: tallystick relay --margin BLOCKS"
            )
        if any(each.kind != "item" for each in found.findings):
            office.screen.say(
                "Keep the database for the inquiry: tallystick index --rebuild makes a new one and puts it aside."
            )
        raise typer.Exit(NO)


def _examine(office: Office) -> None:
    """The health-checker, ledger by ledger; what the registry has wrong is said once."""
    with office.store.reading() as session:
        known = pins(session)
        first_block = min(each.first_block for each in followed(session))
    for pin in known:
        check_pin(office.chain, pin)
    block = office.chain.height()
    with office.screen.progress("Reading the node") as report:
        examined = [
            examine(office.chain, pin, first_block=first_block, block=block, report=report) for pin in known
        ]
    findings = list(dict.fromkeys(finding for each in examined for finding in each.findings))
    words = sum(each.words for each in examined)
    office.screen.answer(
        {
            "healthy": not findings,
            "block": block,
            "ledgers": [pin.ledger for pin in known],
            "words": words,
            "findings": [str(each) for each in findings],
        }
    )
    looked_at = f"{len(known)} ledger(s) and {words} storage words at block {block}"
    if not findings:
        office.screen.say(f"Healthy: {looked_at} agree with the events, journal and invariants hold.")
        return
    office.screen.say(f"NOT healthy: {len(findings)} findings in {looked_at}:")
    _list(office, findings)
    raise typer.Exit(NO)


def _list(office: Office, findings: Sequence[Finding]) -> None:
    for each in findings[:MOST_SHOWN]:
        office.screen.say(f"  {each}")
    if len(findings) > MOST_SHOWN:
        office.screen.say(f"  … and {len(findings) - MOST_SHOWN} more; --json has them all.")


def reconcile_(
    ctx: typer.Context,
    bank: Annotated[str, typer.Argument(help="The bank: number or name.", metavar="BANK")],
    books: Annotated[Path, typer.Option("--books", help="Folder with its three CSV files.")],
    cut_off: Annotated[str, typer.Option("--cut-off", help="Last day of the books, YYYY-MM-DD.")],
    out: Annotated[Path, typer.Option("--out", help="Folder for the HTML, CSV and JSON reports.")],
    statement_from: Annotated[
        str | None, typer.Option("--statement-from", help="First day of the statement.")
    ] = None,
    tolerance: Annotated[int, typer.Option("--tolerance", help="Fen, 0 to 100.")] = 1,
    dossier: Annotated[
        list[Path] | None,
        typer.Option("--dossier", help="Else the installation's; repeat it where each ledger has its own."),
    ] = None,
    directory: DirectoryOption = HERE,
    node: NodeOption = None,
    json: JsonOption = False,
) -> None:
    """Compares the chain with one bank's loan_book.csv, statement.csv and line_book.csv.

    All ledgers of the database are compared in one report, an old one that empties with the one that issues now.

    Exit code 0 where they agree, 1 where there are breaks, 2 where an input cannot be used.

    \b
    Example:
      tallystick reconcile 2 --books books/2 --cut-off 2026-09-30 --out reports
    """
    with opened(screen_of(ctx), directory, node) as office:
        office.follow()
        number = _bank(office, bank)
        last = parse_date(cut_off)
        _require_readable(books)
        inputs = inputs_of(
            number,
            rows=chain_rows(office.store),
            block=_block(office),
            dossier=merged([read_dossier(each) for each in dossier or [directory / DOSSIER]]),
            books=books,
            cut_off=last,
        )
        since = parse_date(statement_from) if statement_from else None
        result = reconcile(replace(inputs, tolerance_fen=Fen(tolerance), statement_from=since))
        written = _write(result, out, number, last)
        _say(office.screen, result, written)
        if not result.clean:
            raise typer.Exit(NO)


def _bank(office: Office, named: str) -> PartyNumber:
    """The bank's party number; InputError for a party that is no bank or was never admitted."""
    number = office.dossier.party(named)
    parties = office.world().parties
    if number not in parties or not parties[number].roles & Role.BANK:
        banks = ", ".join(str(each) for each, party in sorted(parties.items()) if party.roles & Role.BANK)
        wrong = f"party {number} is no bank" if number in parties else f"there is no party {number}"
        raise InputError(f"{wrong}: the banks are {banks} (see tallystick parties)")
    return number


def _block(office: Office) -> StatedBlock:
    """The last followed block. On an own chain with a clock nothing can come any more before today."""
    block = stated_block(office.store, office.chain)
    if isinstance(office.chain, EmbeddedChain) and not office.chain.demo:
        return replace(block, as_of=max(block.as_of, date_of_day(Day(office.today - 1))))
    return block


def _require_readable(books: Path) -> None:
    """All bad cells of all three files at once."""
    readers: tuple[tuple[str, Callable[[Path], object]], ...] = (
        ("loan_book.csv", read_loan_book),
        ("statement.csv", read_statement),
        ("line_book.csv", read_line_book),
    )
    refused = []
    for name, read in readers:
        try:
            read(books / name)
        except FileError as wrong:
            refused.append(wrong)
    if len(refused) == 1:
        raise refused[0]
    if refused:
        raise InputError("\n".join(str(wrong) for wrong in refused))


def _write(result: Reconciliation, out: Path, bank: int, cut_off: date) -> dict[str, str]:
    name = f"reconciliation-{bank}-{cut_off.isoformat()}"
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / f"{name}.json").write_text(to_json(result) + "\n", encoding="utf-8")
    except OSError as failed:
        raise InputError(f"{out} cannot be written: {failed.strerror}") from None
    write_csv(result, out / f"{name}.csv")
    write_overdue_csv(result, out / f"{name}-overdue.csv")
    write_html(result, out / f"{name}.html")
    written = {kind: str(out / f"{name}.{kind}") for kind in ("html", "csv", "json")}
    return written | {"overdue_csv": str(out / f"{name}-overdue.csv")}


def _say(screen: Screen, result: Reconciliation, written: dict[str, str]) -> None:
    counts = {total.kind.value: total.count for total in result.totals if total.count}
    later = dict(result.after_cut_off)
    screen.answer(
        {
            "clean": result.clean,
            "breaks": len(result.breaks),
            "kinds": counts,
            "after_cut_off": later,
            "overdue_loans": len(result.overdue),
            "reports": written,
        }
    )
    if result.clean:
        screen.say(f"{result.bank_name or result.bank}: chain and books agree up to {result.cut_off}.")
    elif not screen.json:
        table = Table("类别 kind", "标识 ids", "应为 expected", "账上 found")
        for row in result.breaks[:MOST_SHOWN]:
            words = KIND_WORDS[row.kind]
            cells = (f"{words.zh} {words.en}", pairs_text(row.ids), row.expected, row.found)
            table.add_row(*(escape(cell) for cell in cells))
        screen.show(table)
        total = sum(each.sum_fen for each in result.totals)
        count = len(result.breaks)
        screen.say(f"{count} break{'' if count == 1 else 's'}, {yuan(Fen(total))} yuan in all.")
    if any(later.values()):
        said = ", ".join(f"{name} {count}" for name, count in later.items())
        screen.say(f"Rows of the books that are of days after the cut-off: {said}.")
    if result.overdue:
        longest = result.overdue[0]
        screen.say(
            f"Overdue loans: {len(result.overdue)}; longest {longest.loan_no}, {longest.days} days, "
            f"{longest.rung.asset_class} {longest.rung.class_en}."
        )
    screen.say("Reports: " + ", ".join(written.values()))
