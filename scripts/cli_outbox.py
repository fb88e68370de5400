"""The `outbox` commands: what was signed and has no outcome yet, what keeps it, and what an operator may do about it.

They read and write the database alone: what the relay cannot bring to an end can be looked at while the node is away.
Every act is kept with who did it and why.
"""

from __future__ import annotations

import getpass
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from eth_utils.address import to_checksum_address
from rich.markup import escape
from rich.table import Table

from ledger import outbox_acts
from ledger.errors import ChainError, InputError
from ledger.installation import CHAIN, DOSSIER, database_of, gas_key
from ledger.members import parse_hex
from ledger.money import shown
from ledger.monitoring import STALLED_AFTER, stalled
from ledger.outbox import MINED, SENT, SIGNED, UNKNOWN
from ledger.outbox_acts import Act, Hanging
from ledger.rpc_chain import RpcChain
from ledger.store import Store, open_store, pins
from scripts.cli_dossier import DossierFile
from scripts.cli_installation import require_same
from scripts.cli_options import HERE, DirectoryOption, JsonOption, NodeOption, screen_of
from scripts.cli_screen import Screen
from scripts.cli_unfinished import MARK

MOST_SHOWN: Final = 50
ANSWERS_WITHIN: Final = 3.0
"""Seconds that the node is waited for."""
_WAITS: Final = {
    SIGNED: "waits to be sent",
    SENT: "handed over, waits for a block",
    MINED: "in a block, not deep enough yet",
}
MOST_ITEMS: Final = 2**63 - 1
"""The highest number that a database can give."""
ReasonOption = Annotated[str, typer.Option("--reason", help="Why: it is kept.")]
ByOption = Annotated[str | None, typer.Option("--by", help="Who does it; else the user of this machine.")]
ItemArgument = Annotated[
    int, typer.Argument(help="Its number in the outbox.", metavar="ITEM", min=1, max=MOST_ITEMS)
]

app = typer.Typer(
    help="What was signed and is not final yet: what hangs and why, and what to do about it.\n\n"
    "\b\nExample:\n  tallystick outbox\n  tallystick outbox --json",
    invoke_without_command=True,
    rich_markup_mode=None,
)


@dataclass(frozen=True, slots=True)
class _Chain:
    """What is known of the chain: `stalled` in Unix seconds since when; `why` it is not known."""

    stalled: int | None = None
    height: int | None = None
    why: str | None = None


@app.callback()
def outbox(
    ctx: typer.Context,
    directory: DirectoryOption = HERE,
    node: NodeOption = None,
    json: JsonOption = False,
) -> None:
    """Shows what hangs."""
    if ctx.invoked_subcommand is not None:
        return
    with _opened(directory) as store:
        _show(screen_of(ctx), directory, node, store)


def retry(
    ctx: typer.Context,
    item: ItemArgument,
    reason: ReasonOption,
    by: ByOption = None,
    directory: DirectoryOption = HERE,
    json: JsonOption = False,
) -> None:
    """Lets the relay go on with an item that it has given up (unknown), and with those of the same batch.

    \b
    Example:
      tallystick outbox retry 17 --reason "the node takes transactions again"
    """
    with _opened(directory) as store:
        outbox_acts.retry(store, item, who=_who(by), reason=reason)
    _done(screen_of(ctx), f"Item {item} goes on.", item=item, act="retry")


def withdraw(
    ctx: typer.Context,
    item: ItemArgument,
    reason: ReasonOption,
    by: ByOption = None,
    directory: DirectoryOption = HERE,
    json: JsonOption = False,
) -> None:
    """Takes an item out that is not on its way: it is not sent. What was handed over before may land all the same.

    \b
    Example:
      tallystick outbox withdraw 17 --reason "signed twice by mistake"
    """
    with _opened(directory) as store:
        outbox_acts.withdraw(store, item, who=_who(by), reason=reason)
    (directory / f"{MARK}{item}").unlink(missing_ok=True)  # whoever withdraws it knows what became of it
    _done(screen_of(ctx), f"Item {item} is withdrawn.", item=item, act="withdraw")


def clear_alarm(
    ctx: typer.Context,
    account: Annotated[str, typer.Argument(help="The account's address.", metavar="ACCOUNT")],
    reason: ReasonOption,
    by: ByOption = None,
    directory: DirectoryOption = HERE,
    json: JsonOption = False,
) -> None:
    """Takes an account's alarm away, once it is known how it came about.

    \b
    Example:
      tallystick outbox clear-alarm 0xf39F…2266 --reason "database restored from the backup of Monday"
    """
    address = _address(account)
    with _opened(directory) as store:
        outbox_acts.clear_alarm(store, address, who=_who(by), reason=reason)
    _done(screen_of(ctx), f"The alarm of {address} is cleared.", account=address, act="clear-alarm")


def acts(
    ctx: typer.Context,
    of: Annotated[str, typer.Argument(help="An item's number or an account's address.", metavar="OF")],
    directory: DirectoryOption = HERE,
    json: JsonOption = False,
) -> None:
    """Shows what was done to an item or an account, by whom and why.

    \b
    Example:
      tallystick outbox acts 17
    """
    with _opened(directory) as store:
        found = (
            outbox_acts.acts_on(store, _number(of))
            if of.isdecimal()
            else outbox_acts.acts_on_account(store, _address(of))
        )
    screen = screen_of(ctx)
    for each in found:
        screen.say(f"{_time(each.at)}  {each.act} by {each.who}: {each.reason}")
    if not found:
        screen.say("Nobody has done anything to it.")
    screen.answer({"acts": [_facts_of(each) for each in found]})


for name, command in (
    ("retry", retry),
    ("withdraw", withdraw),
    ("clear-alarm", clear_alarm),
    ("acts", acts),
):
    app.command(name)(command)


# Inside


@contextmanager
def _opened(directory: Path) -> Iterator[Store]:
    """The installation's database alone."""
    database = database_of(directory)
    with open_store(database) as store:
        with store.reading() as session:
            pinned = pins(session)
        if (directory / DOSSIER).is_file():
            require_same(DossierFile.load(directory / DOSSIER), pinned, directory)
        yield store


def _show(screen: Screen, directory: Path, node: str | None, store: Store) -> None:
    found, alarms = outbox_acts.hanging(store), outbox_acts.alarms(store)
    waiting = [each for each in found if each.status in (SIGNED, SENT)]
    chain = _Chain() if (directory / CHAIN).is_file() else _ask(node, store, waiting)
    working = outbox_acts.at_work(store)
    if found:
        screen.show(_table(found[:MOST_SHOWN]))
    if len(found) > MOST_SHOWN:
        screen.say(f"… and {len(found) - MOST_SHOWN} more: --json has them all.")
    screen.say(_said(found, waiting))
    if waiting and not working:
        screen.say("No relay is at work: the next command that signs, or tallystick relay, sends them.")
    if chain.stalled is not None:
        screen.say(
            f"The chain makes no blocks: stalled since {_time(chain.stalled)} at block {chain.height}; "
            f"{len(waiting)} items wait. They stay here and go on when it does."
        )
    if chain.why is not None:
        screen.say(f"Whether the chain makes blocks is not known: {chain.why}")
    for account, alarm in alarms.items():
        screen.say(f"ALARM: {alarm}. When it is settled: tallystick outbox clear-alarm {account} --reason …")
    screen.answer(
        {
            "items": [asdict(each) for each in found],
            "alarms": alarms,
            "relays": working,
            "stalled_since": None if chain.stalled is None else _time(chain.stalled),
            "chain": chain.why,
        }
    )


def _ask(node: str | None, store: Store, waiting: Sequence[Hanging]) -> _Chain:
    if not waiting:
        return _Chain()
    if node is None:
        return _Chain(why="no node is named (--node)")
    try:
        height = RpcChain(node, key=gas_key(required=False), timeout=ANSWERS_WITHIN).height()
    except ChainError as away:
        return _Chain(why=str(away))
    found = stalled(store, height, after=STALLED_AFTER)
    return _Chain() if found is None else _Chain(found.since, found.height)


def _said(found: Sequence[Hanging], waiting: Sequence[Hanging]) -> str:
    given_up = [each for each in found if each.status == UNKNOWN]
    if not found:
        return "Nothing hangs: everything that was signed has its outcome."
    said = f"{len(found)} items have no final outcome, {len(waiting)} of them wait to land"
    return said + (
        f"; {len(given_up)} are given up (unknown): tallystick outbox retry or withdraw." if given_up else "."
    )


def _table(found: Sequence[Hanging]) -> Table:
    table = Table(box=None, pad_edge=False)
    columns: tuple[tuple[str, Callable[[Hanging], Any]], ...] = (
        ("item", lambda each: each.number),
        ("what", lambda each: each.verb),
        ("status", lambda each: each.status),
        ("for", lambda each: _span(each.seconds)),
        ("batches", lambda each: each.attempts),
        ("nonce", lambda each: "" if each.nonce is None else each.nonce),
        ("why", lambda each: each.why or _WAITS.get(each.status, "")),
    )
    for title, _ in columns:
        table.add_column(title, overflow="fold")
    for each in found:
        table.add_row(*(escape(str(value(each))) for _, value in columns))
    return table


def _span(seconds: int) -> str:
    if seconds < 120:
        return f"{seconds} s"
    return f"{seconds // 60} min" if seconds < 7_200 else f"{seconds // 3_600} h"


def _time(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")


def _facts_of(act: Act) -> dict[str, object]:
    return {**asdict(act), "at": _time(act.at)}


def _who(by: str | None) -> str:
    if by is not None:
        return by
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        raise InputError("this machine does not say who you are: name yourself with --by") from None


def _number(text: str) -> int:
    if len(text) > len(str(MOST_ITEMS)) or int(text) > MOST_ITEMS:
        raise InputError(
            f"there is no item {shown(text)} in the outbox: see their numbers with tallystick outbox"
        )
    return int(text)


def _address(text: str) -> str:
    return to_checksum_address(parse_hex(text, "ACCOUNT", length=20))


def _done(screen: Screen, said: str, **facts: object) -> None:
    screen.say(said)
    screen.answer(facts)
