"""The demo: one voucher business's whole life, from files to a reconciled day, in one command.

    python -m scripts.demo [--directory D] [--seed N] [--json]

It plays the sample business on a chain of its own, verifies chain against database, reconciles each bank's clean books
(nothing may be found), plants errors with the seed, reconciles again and compares what was found with what was planted.
The directory then holds a story, printable reports, the database and the chain. The last line on the standard output
is one JSON object. Exit code 0 where everything planted was found and nothing else, 1 where not, 2 for unusable input.
"""

from __future__ import annotations

import argparse
import csv
import json
import shlex
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar
from sqlalchemy import func, select

from ledger.errors import FileError, InputError, SealError, TallystickError
from ledger.outbox import LANDED
from ledger.outbox_tables import CallRow, OutboxRow
from ledger.reconciliation import (
    Reconciliation,
    reconcile,
    to_json,
    write_csv,
    write_html,
    write_overdue_csv,
)
from ledger.reconciliation.extract import chain_rows, inputs_of, stated_block
from ledger.reconciliation.report import pairs_text
from ledger.store import Store
from ledger.tables import PromiseRow, VoucherRow
from ledger.verification import Verification, verify
from scripts.business import (
    DATABASE,
    MARK,
    OPENED,
    PASSPHRASE_VARIABLE,
    Played,
    Progress,
    own_directory,
    play,
)
from scripts.business_books import unanswered
from scripts.business_dossier import read_dossier
from scripts.business_files import SAMPLE, read_business
from scripts.business_report import Compared, Told, write_report
from scripts.business_story import as_markdown, show, told_of
from scripts.planter import DOSSIER, PLANTED, plant

DIRECTORY: Final = Path("demo-output")
SEED: Final = 7
PLANTED_FOLDER, REPORTS, REPORT, STORY = "planted", "reports", "report.html", "story.md"


@dataclass(frozen=True, slots=True)
class Result:
    """The demo's figures, all computed. `false_alarms` counts breaks in the clean books as well.

    `ledgers`: contracts, of which the last issues and those before it run off. `overdue`: vouchers declared so,
    `given_back`: steps of recourse. `break_kinds`: kinds of break among those found.
    """

    promises: int
    vouchers: int
    agreements: int
    refused: int
    overdue: int
    given_back: int
    pledges: int
    awards: int
    ledgers: int
    break_kinds: int
    breaks_planted: int
    breaks_found: int
    false_alarms: int
    journal_verified: bool
    report: str

    @property
    def good(self) -> bool:
        """Whether all that was planted was found, nothing else was, and the journal is right."""
        return self.breaks_found == self.breaks_planted and not self.false_alarms and self.journal_verified

    def as_json(self) -> str:
        """One line."""
        return json.dumps(asdict(self), ensure_ascii=False)


def run(
    directory: Path = DIRECTORY, *, seed: int = SEED, sample: Path = SAMPLE, quiet: bool = False
) -> Result:
    """The demo as a command: the story on the standard output, its last line the JSON object; progress on the other.

    `quiet` leaves the JSON line alone. Errors as for `conduct`.
    """
    result = conduct(
        directory,
        seed=seed,
        sample=sample,
        say=None if quiet else print,
        console=None if quiet else Console(stderr=True),
    )
    print(result.as_json(), flush=True)
    return result


def conduct(
    directory: Path,
    *,
    seed: int = SEED,
    sample: Path = SAMPLE,
    passphrase: str | None = None,
    say: Callable[[str], None] | None = None,
    console: Console | None = None,
) -> Result:
    """The whole demo in `directory`. `say` gets the story line by line, `console` the progress bar; None: neither.

    Whatever an earlier demo has left in the directory is removed first. FileError for a business that cannot be read,
    InputError for a directory that is no demo's; nothing is removed then.
    """
    tell = say or (lambda _line: None)
    read_business(sample)  # before anything is removed
    with own_directory(directory) as own:
        _clear(own)
        with (
            _progress(console) as report,
            play(own, sample=sample, passphrase=passphrase, progress=report) as played,
        ):
            show(told_of(played.business, played.refusals), tell)
            return _judge(own, played, seed=seed, sample=sample, tell=tell)


def _clear(directory: Path) -> None:
    for name in (PLANTED_FOLDER, REPORTS):
        shutil.rmtree(directory / name, ignore_errors=True)
    for name in (REPORT, STORY):
        (directory / name).unlink(missing_ok=True)


def _judge(
    directory: Path, played: Played, *, seed: int, sample: Path, tell: Callable[[str], None]
) -> Result:
    verification = verify(played.store, played.chain)
    clean = reconcile_banks(played, sample)
    planted_in = directory / PLANTED_FOLDER
    plant(
        sample,
        planted_in,
        seed=seed,
        cut_off=played.cut_off,
        asserted=unanswered(played.business, cut_off=played.cut_off),
        dossier=directory / OPENED,
    )
    after = reconcile_banks(played, planted_in)
    compared = compare(planted_in / "planted.csv", after)
    alarms = len(compared.false_alarms) + sum(len(each.breaks) for each in clean)
    result = Result(
        **counts(played.store),
        ledgers=len(played.pins),
        break_kinds=len({kind for _, kind, *_ in compared.right}),
        breaks_planted=compared.planted,
        breaks_found=len(compared.right),
        false_alarms=alarms,
        journal_verified=verification.verified,
        report=str(directory.resolve() / REPORT),
    )
    closing = tuple(_closing(result, verification, clean, seed=seed, cut_off=played.cut_off))
    _write_reports(directory / REPORTS, after)
    title = "一张凭证的一生 · The life of a voucher business"
    write_report(
        directory / REPORT, title=title, closing=closing, results=after, compared=compared, folder=REPORTS
    )
    _write(
        directory / STORY,
        as_markdown(told_of(played.business, played.refusals), title=title, closing=closing),
    )
    tell("")
    for line in closing:
        tell(line)
    tell(f"报告 Report: {directory / REPORT}")
    tell(f"故事 Story: {directory / STORY}")
    tell(f"数据库 Database: {directory / DATABASE}")
    by_hand = _by_hand(directory, played, sample)
    tell(f"自行对账（银行所见的档案） Reconcile yourself, by the dossier that banks see: {by_hand}")
    tell(f"密钥口令 The keys' passphrase: {PASSPHRASE_VARIABLE}, 未设置时 where it is not set: {MARK}")
    return result


def _by_hand(directory: Path, played: Played, sample: Path) -> str:
    """The command that compares the first bank's clean books; the whole dossier would show what banks cannot see."""
    bank = played.business.banks()[0].party
    return shlex.join(
        [
            *("tallystick", "reconcile", str(bank), "--directory", str(directory)),
            *("--books", str(sample / "books" / str(bank)), "--cut-off", str(played.cut_off)),
            *("--dossier", str(directory / OPENED), "--out", REPORTS),
        ]
    )


def reconcile_banks(played: Played, folder: Path) -> list[Reconciliation]:
    """Every bank's books in `folder`/books/ against the chain that was played, all of its ledgers in one report; by
    the dossier in `folder`, where there is one."""
    rows, block = chain_rows(played.store), stated_block(played.store, played.chain)
    changed = folder / DOSSIER
    dossier = read_dossier(changed) if changed.exists() else played.dossier
    return [
        reconcile(
            inputs_of(
                bank.party,
                rows=rows,
                block=block,
                dossier=dossier,
                books=folder / "books" / str(bank.party),
                cut_off=played.cut_off,
            )
        )
        for bank in played.business.banks()
    ]


def compare(planted: Path, results: Sequence[Reconciliation]) -> Compared:
    """The breaks that were planted, by the planter's own list, against those that were found."""
    with planted.open(encoding="utf-8", newline="") as file:
        wanted: Counter[Told] = Counter(
            (int(row["bank"]), *(row[name] for name in PLANTED[1:]))  # type: ignore[misc]
            for row in csv.DictReader(file)
        )
    found: Counter[Told] = Counter(
        (each.bank, row.kind.value, pairs_text(row.ids), row.expected, row.found)
        for each in results
        for row in each.breaks
    )
    return Compared(
        right=tuple(sorted((wanted & found).elements())),
        missed=tuple(sorted((wanted - found).elements())),
        false_alarms=tuple(sorted((found - wanted).elements())),
    )


def counts(store: Store) -> dict[str, int]:
    """Promises and vouchers that came to be in all ledgers, agreements that were carried out, calls that the contract
    refused, and what of the bad days has happened."""
    with store.reading() as session:
        promises = session.scalar(select(func.count()).select_from(PromiseRow))
        vouchers = session.scalar(
            select(func.count()).select_from(VoucherRow).where(VoucherRow.promise.is_not(None))
        )
        columns = (OutboxRow.verb, OutboxRow.status, CallRow.agreement)
        calls = list(session.execute(select(*columns).join(OutboxRow.call)))
    done = Counter(verb for verb, status, _ in calls if status in LANDED)
    overdue = [
        agreement for verb, status, agreement in calls if status in LANDED and agreement.get("overdue")
    ]
    return {
        "promises": int(promises or 0),
        "vouchers": int(vouchers or 0),
        "agreements": sum(done.values()) - done["completePayment"] - done["declareOverdue"],
        "refused": sum(status == "refused" for _, status, _ in calls),
        "overdue": done["declareOverdue"],
        "given_back": len(overdue),
        "pledges": done["pledge"],
        "awards": done["award"],
    }


def _closing(
    result: Result,
    verification: Verification,
    clean: Sequence[Reconciliation],
    *,
    seed: int,
    cut_off: date,
) -> Iterator[str]:
    yield (
        f"承诺 {result.promises} 笔，凭证 {result.vouchers} 张，协议 {result.agreements} 份，"
        f"合约拒绝 {result.refused} 次。"
        f" {result.promises} promises, {result.vouchers} vouchers, {result.agreements} agreements carried out, "
        f"{result.refused} refused by the contract."
    )
    yield (
        f"宣告逾期 {result.overdue} 张，逐级追索 {result.given_back} 次，质押 {result.pledges} 笔，"
        f"裁定 {result.awards} 次；"
        f"账本 {result.ledgers} 个，一份对账报告。 {result.overdue} vouchers declared overdue, given back "
        f"{result.given_back} times up the chain, {result.pledges} pledges, {result.awards} awards; "
        f"{result.ledgers} ledgers in one reconciliation."
    )
    right = result.journal_verified
    yield (
        f"校验{'通过' if right else '未通过'}：{verification.events} 个事件、{verification.rows} 行、"
        f"{verification.words} 个存储字。 Verification {'passed' if right else 'FAILED'}: journal recomputed from "
        f"{verification.events} events, {verification.rows} rows and {verification.words} storage words compared."
    )
    yield from (str(finding) for finding in verification.findings)
    breaks = sum(len(each.breaks) for each in clean)
    yield (
        f"{cut_off} 原账对账：差异 {breaks} 笔。 The clean books at {cut_off}: {breaks} breaks in "
        f"{len(clean)} banks."
    )
    yield (
        f"种子 {seed} 埋入 {result.break_kinds} 类差异 {result.breaks_planted} 笔，查出 {result.breaks_found} 笔，"
        f"误报 {result.false_alarms} 笔。"
        f" Seed {seed} planted {result.breaks_planted} errors of {result.break_kinds} kinds: "
        f"{result.breaks_found} found, {result.false_alarms} false alarms."
    )


def _write_reports(folder: Path, results: Sequence[Reconciliation]) -> None:
    folder.mkdir(exist_ok=True)
    for each in results:
        write_html(each, folder / f"bank-{each.bank}.html")
        write_csv(each, folder / f"bank-{each.bank}.csv")
        write_overdue_csv(each, folder / f"bank-{each.bank}-overdue.csv")
        _write(folder / f"bank-{each.bank}.json", to_json(each))


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as failed:
        raise InputError(f"{path} cannot be written: {failed.strerror}") from None


# On the screen


@contextmanager
def _progress(console: Console | None) -> Iterator[Callable[[Progress], None] | None]:
    if console is None:
        yield None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bar(*columns, console=console, transient=True) as bar:
        task = bar.add_task("founding the ledger", total=None)

        def report(progress: Progress) -> None:
            doing = progress.steps[0].verb.value if progress.steps else "admissions and lines"
            bar.update(
                task,
                description=f"{progress.on} {doing}",
                completed=progress.done,
                total=progress.total,
            )
            if progress.done == progress.total:
                bar.update(task, description="verifying and reconciling")

        yield report


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="demo", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--directory", type=Path, default=DIRECTORY, help="the demo's own folder (%(default)s)"
    )
    parser.add_argument("--seed", type=int, default=SEED, help="which errors are planted (%(default)s)")
    parser.add_argument("--business", type=Path, default=SAMPLE, help="another business in the same files")
    parser.add_argument("--json", action="store_true", help="print the JSON line alone")
    given: Any = parser.parse_args(arguments)
    try:
        result = run(given.directory, seed=given.seed, sample=given.business, quiet=given.json)
    except TallystickError as error:
        sys.stderr.write(f"{error}\n")
        return 2 if isinstance(error, FileError | InputError | SealError) else 1
    except KeyboardInterrupt:
        sys.stderr.write("stopped; run it again, it starts anew\n")
        return 130
    return 0 if result.good else 1


if __name__ == "__main__":
    sys.exit(main())
