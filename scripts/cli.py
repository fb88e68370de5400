"""The `tallystick` command.

Exit codes: 0 done; 1 a business "no" (refused by a rule, breaks found, verification failed, answered with no);
2 input that cannot be used. Nobody sees a traceback: an error that nobody foresaw is one sentence and how to report
it, and its traceback is shown with TALLYSTICK_DEBUG=1.
"""

from __future__ import annotations

import errno
import os
import sys
import traceback
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

from ledger.calendar import date_of_day
from ledger.errors import Refusal, TallystickError, VerificationError
from scripts import cli_books, cli_operator, cli_pay, cli_show, cli_tree, cli_verbs
from scripts.cli_installation import create
from scripts.cli_options import HERE, DirectoryOption, JsonOption, NodeOption, day, screen_of
from scripts.cli_screen import NO, UNUSABLE, Screen

DEBUG: Final = "TALLYSTICK_DEBUG"


class Door(TyperGroup):
    """The one place where errors become sentences and exit codes."""

    def invoke(self, ctx: Any) -> Any:
        """Runs the command; see the module's docstring for what its errors become."""
        try:
            return super().invoke(ctx)
        except Refusal as refusal:
            screen_of(ctx).refused(refusal)
            raise typer.Exit(NO) from None
        except VerificationError as differs:
            screen_of(ctx).failed(str(differs))
            raise typer.Exit(NO) from None
        except TallystickError as error:
            screen_of(ctx).failed(str(error))
            raise typer.Exit(UNUSABLE) from None
        except (typer.Exit, typer.Abort, typer.exceptions.TyperException):
            raise
        except OSError as failed:
            if failed.errno == errno.EPIPE:
                raise
            screen_of(ctx).failed(
                f"{failed.filename or 'a file'} cannot be used: {failed.strerror or failed}"
            )
            raise typer.Exit(UNUSABLE) from None
        except Exception as unexpected:
            _unexpected(screen_of(ctx), unexpected)
            raise typer.Exit(UNUSABLE) from None


def _unexpected(screen: Screen, error: Exception) -> None:
    if os.environ.get(DEBUG) == "1":
        traceback.print_exception(error, file=sys.stderr)
    where = traceback.extract_tb(error.__traceback__)[-1]
    screen.failed(
        f"this was not foreseen: {type(error).__name__}: {error} (at {Path(where.filename).name}:{where.lineno}). "
        f"What was recorded before stays. Run it again with {DEBUG}=1 and report what it prints, with the command"
    )


app = typer.Typer(
    cls=Door,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Digital credit vouchers of a supply chain: issued, split, discounted, paid, reconciled.\n\n"
    "Start with: tallystick deploy, then admit, grant-line, issue. A party is given by number or name, a voucher "
    "by its readable number or id, an amount in yuan, a day as YYYY-MM-DD. Exit codes: 0 done, 1 a business no "
    "(refused, breaks found, not verified), 2 unusable input.",
)


@app.callback()
def _begin(ctx: typer.Context) -> None:
    ctx.obj = Screen()


@app.command()
def demo(
    ctx: typer.Context,
    directory: Annotated[Path, typer.Option("--directory", "-d", help="Where it plays.")] = Path(
        "demo-output"
    ),
    seed: Annotated[int, typer.Option("--seed", help="Which discrepancies are planted.")] = 7,
    json: JsonOption = False,
) -> None:
    """Plays the sample business: issue, splits, discounts, payments, then finds the planted discrepancies.

    The last line of output is one JSON object.

    \b
    Example:
      tallystick demo --seed 7
    """
    result = import_module("scripts.demo").run(directory, seed=seed, quiet=json)
    if not result.good:
        raise typer.Exit(NO)


@app.command()
def deploy(
    ctx: typer.Context,
    bank: Annotated[
        list[str] | None, typer.Option("--bank", help="A founding bank; repeat for more.")
    ] = None,
    registrar: Annotated[str, typer.Option("--registrar", help="Who admits parties.")] = "登记机构",
    demo_from: Annotated[
        str | None, typer.Option("--demo-from", help="A demo chain that begins on this day and can travel.")
    ] = None,
    directory: DirectoryOption = HERE,
    node: NodeOption = None,
    json: JsonOption = False,
) -> None:
    """Makes an installation: a chain with both contracts, a database, sealed keys of registrar and banks.

    The registrar is party 1, the banks are parties 2, 3, …. With --node the contracts go to a JSON-RPC node.

    \b
    Example:
      tallystick deploy --bank "江城银行" --bank "海州银行"
    """
    screen = screen_of(ctx)
    begin = day(demo_from) if demo_from else None
    with screen.progress("Deploying"):
        pin = create(screen, directory, registrar=registrar, banks=bank or [], node=node, demo_from=begin)
    starts = f", its days begin on {date_of_day(begin)}" if begin is not None else ""
    screen.say(f"Installation in {directory}: ledger {pin.ledger} on chain {pin.chain_id}{starts}.")
    screen.say("Next: tallystick admit NAME --role issuer --code CODE")
    screen.answer(
        {
            "directory": str(directory),
            "chain_id": pin.chain_id,
            "registry": pin.registry,
            "ledger": pin.ledger,
            "banks": list(range(2, 2 + len(bank or []))),
        }
    )


for name, command in (
    ("admit", cli_operator.admit),
    ("suspend", cli_operator.suspend),
    ("grant-line", cli_operator.grant_line),
    ("issue", cli_verbs.issue),
    ("transfer", cli_verbs.transfer),
    ("split", cli_verbs.split),
    ("discount", cli_verbs.discount),
    ("rescind", cli_verbs.rescind),
    ("cancel", cli_verbs.cancel),
    ("sign", cli_operator.sign),
    ("send", cli_operator.send),
    ("show", cli_tree.show),
    ("vouchers", cli_show.vouchers),
    ("lines", cli_show.lines),
    ("parties", cli_show.parties),
    ("index", cli_books.index),
    ("verify", cli_books.verify_),
    ("reconcile", cli_books.reconcile_),
    ("travel", cli_operator.move_time),
):
    app.command(name)(command)
app.add_typer(cli_pay.app, name="pay")


def main() -> None:
    """The entry point."""
    app()


if __name__ == "__main__":
    main()
