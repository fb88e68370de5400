"""The options that the commands share, and how their texts are read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

import typer

from ledger.agreements import Invoice, PartyNumber
from ledger.calendar import Day, day_of_date, parse_date
from ledger.errors import InputError
from ledger.installation import CHAIN_URL, DEPTH
from ledger.members import parse_line
from ledger.money import Fen, parse_rate, parse_yuan, shown
from ledger.relay_terms import Terms
from scripts.cli_dossier import DossierFile
from scripts.cli_screen import Screen

HERE: Final = Path("tallystick-data")
T = TypeVar("T")


def _json(ctx: typer.Context, value: bool) -> bool:
    screen_of(ctx).json = value
    return value


def screen_of(ctx: typer.Context) -> Screen:
    """The run's screen; the top command makes it."""
    screen = ctx.find_object(Screen)
    assert screen is not None
    return screen


def day(text: str) -> Day:
    """A date as a day number."""
    return day_of_date(parse_date(text))


def _readable(parse: Callable[[str], object]) -> Callable[..., Any]:
    """A callback that names the option whose text cannot be read; the text itself goes on."""

    def look(param: typer.CallbackParam, value: Any) -> Any:
        for text in value if isinstance(value, list | tuple) else [value]:
            if text is not None:
                naming(param.opts[0], parse, text)
        return value

    return look


def naming(option: str, parse: Callable[[str], T], text: str) -> T:
    """What `parse` makes of the text; its InputError says of which option it was."""
    try:
        return parse(text)
    except InputError as unread:
        raise InputError(f"{option}: {unread}") from None


def amount_option(flag: str, text: str) -> Any:
    """An option that takes yuan."""
    return typer.Option(flag, help=text, callback=_readable(parse_yuan))


def day_option(flag: str, text: str) -> Any:
    """An option that takes a date."""
    return typer.Option(flag, help=text, metavar="YYYY-MM-DD", callback=_readable(day))


def line_option(flag: str, text: str) -> Any:
    """An option that takes the number of a credit line."""
    return typer.Option(flag, help=text, metavar="BANK-REFERENCE", callback=_readable(parse_line))


def rate_option(flag: str, text: str) -> Any:
    """An option that takes percent a year."""
    return typer.Option(flag, help=text, callback=_readable(parse_rate))


DirectoryOption = Annotated[
    Path,
    typer.Option("--directory", "-d", envvar="TALLYSTICK_DIRECTORY", help="The installation's directory."),
]
NodeOption = Annotated[
    str | None,
    typer.Option("--node", envvar=CHAIN_URL, help="JSON-RPC address, where the chain is a node's."),
]
DepthOption = Annotated[
    int,
    typer.Option("--depth", envvar=DEPTH, min=0, help="Blocks on top of a block before it counts as final."),
]
MarginOption = Annotated[
    int,
    typer.Option(
        "--margin", min=0, help="Blocks that a reorganisation may replace; for once, when you have looked."
    ),
]
GasBudgetOption = Annotated[
    int, typer.Option("--gas-budget", min=200_000, help="Gas that one transaction may be given.")
]
HighestFeeOption = Annotated[
    int, typer.Option("--highest-fee", min=0, help="The most that is offered for a unit of gas, in wei.")
]
LingerOption = Annotated[
    int, typer.Option("--linger", min=0, help="Seconds that an item may wait for others to go with it.")
]
WalletBudgetOption = Annotated[
    int, typer.Option("--wallet-budget", min=0, help="Gas for one party's contract wallet on one day.")
]
TERMS: Final = Terms()
"""How a relay works unless told otherwise."""
MetricsPortOption = Annotated[
    int | None,
    typer.Option(
        "--metrics-port", min=0, max=65_535, help="Numbers for Prometheus; 0: a free port, named in the log."
    ),
]
MetricsAddressOption = Annotated[
    str, typer.Option("--metrics-address", help="Where the numbers are told: this machine alone.")
]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Sign and send without asking.")]
JsonOption = Annotated[
    bool, typer.Option("--json", callback=_json, is_eager=True, help="One JSON object on standard output.")
]
SaveOption = Annotated[
    Path | None,
    typer.Option("--save", help="Sign as far as keys are here and write the agreement to FILE; do not send."),
]
UntilOption = Annotated[
    str | None,
    typer.Option(
        "--valid-until",
        help="Last day on which it may land; else 24 hours.",
        metavar="YYYY-MM-DD",
        callback=_readable(day),
    ),
]
LedgersOption = Annotated[
    str | None, typer.Option("--ledger", help="Only this one: address or place (1 is the first).")
]
LedgerOption = Annotated[
    str | None,
    typer.Option("--ledger", help="Address or place (1 is the first); else the voucher's, or the newest."),
]
InvoiceOption = Annotated[
    list[str] | None,
    typer.Option("--invoice", help="NUMBER=AMOUNT or NUMBER=AMOUNT/TOTAL in yuan; repeat for more."),
]
VoucherArgument = Annotated[str, typer.Argument(help="Readable number or id.", metavar="VOUCHER")]


def invoices(dossier: DossierFile, payer: PartyNumber, given: Sequence[str] | None) -> tuple[Invoice, ...]:
    """Invoice uses out of NUMBER=AMOUNT[/TOTAL]; without a total the amount is all of it."""
    found = []
    for text in given or ():
        number, equals, amounts = text.rpartition("=")
        if not equals or not number.strip():
            raise InputError(f"--invoice {shown(text)}: write NUMBER=AMOUNT or NUMBER=AMOUNT/TOTAL")
        amount, slash, total = amounts.partition("/")
        used = naming("--invoice", parse_yuan, amount)
        whole = naming("--invoice", parse_yuan, total) if slash else used
        found.append(Invoice(dossier.fingerprint(payer, number.strip()), used, whole))
    return tuple(found)


def part(dossier: DossierFile, text: str) -> tuple[PartyNumber, Fen]:
    """A part of a split out of PARTY=AMOUNT."""
    party, equals, amount = text.rpartition("=")
    if not equals:
        raise InputError(f"--part {shown(text)}: write PARTY=AMOUNT, such as 12=250000.00")
    return naming("--part", dossier.party, party.strip()), naming("--part", parse_yuan, amount)
