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

from ledger.errors import Refusal, TallystickError, VerificationError
from scripts import (
    cli_backup,
    cli_books,
    cli_deploy,
    cli_ending,
    cli_index,
    cli_keys,
    cli_operator,
    cli_outbox,
    cli_pay,
    cli_register,
    cli_rules,
    cli_serve,
    cli_services,
    cli_show,
    cli_tree,
    cli_trouble,
    cli_verbs,
)
from scripts.cli_command import saying, signing
from scripts.cli_options import JsonOption, screen_of
from scripts.cli_screen import NO, UNUSABLE, Screen

DEBUG: Final = "TALLYSTICK_DEBUG"


class Door(TyperGroup):
    """The one place where errors become sentences and exit codes."""

    def make_context(self, info_name: Any, args: Any, parent: Any = None, **extra: Any) -> Any:
        """The run's screen is made here: what cannot even be read is to be said as JSON too, where that is wanted."""
        before = args[: args.index("--")] if "--" in args else args
        screen = Screen(json="--json" in before)
        try:
            ctx = super().make_context(info_name, args, parent, **extra)
        except typer.exceptions.TyperException as misused:
            _misused(screen, misused)
            raise
        ctx.obj = screen
        return ctx

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
        except typer.exceptions.TyperException as misused:
            _misused(screen_of(ctx), misused)
            raise
        except (typer.Exit, typer.Abort):
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


def _misused(screen: Screen, error: Exception) -> None:
    """An unknown command, a missing or unknown option: the library says it to people, this to scripts."""
    said = getattr(error, "format_message", None)
    if said is not None:
        screen.answer({"error": said() or str(error)})


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


for name, command in (
    ("deploy", cli_deploy.deploy),
    ("succeed", cli_deploy.succeed),
    ("deploy-verifiers", cli_deploy.deploy_verifiers),
    ("deploy-wallet", cli_deploy.deploy_wallet),
    ("admit", signing(cli_keys.admit, registry=True)),
    ("suspend", signing(cli_keys.suspend, registry=True)),
    ("rekey", signing(cli_keys.rekey, registry=True)),
    ("propose-rekey", signing(cli_keys.propose_rekey, registry=True)),
    ("veto-rekey", signing(cli_keys.veto_rekey, registry=True)),
    ("withdraw-rekey", signing(cli_keys.withdraw_rekey, registry=True)),
    ("finish-rekey", signing(cli_keys.finish_rekey, registry=True)),
    ("list-verifier", signing(cli_rules.list_verifier, registry=True)),
    ("hand-over", signing(cli_rules.hand_over, registry=True)),
    ("accept-hand-over", signing(cli_rules.accept_hand_over, registry=True)),
    ("grant-line", signing(cli_operator.grant_line)),
    ("resize-line", signing(cli_rules.resize_line)),
    ("freeze-line", signing(cli_rules.freeze_line)),
    ("tenor-cap", signing(cli_rules.tenor_cap)),
    ("stop-issue", signing(cli_rules.stop_issue)),
    ("issue", signing(cli_verbs.issue)),
    ("transfer", signing(cli_verbs.transfer)),
    ("split", signing(cli_verbs.split)),
    ("discount", signing(cli_verbs.discount)),
    ("rescind", signing(cli_verbs.rescind)),
    ("cancel", signing(cli_ending.cancel)),
    ("cancel-whole", signing(cli_ending.cancel_whole)),
    ("revoke", signing(cli_ending.revoke)),
    ("revoke-issue", signing(cli_ending.revoke_issue)),
    ("overdue", saying(cli_trouble.overdue)),
    ("pledge", signing(cli_trouble.pledge)),
    ("release", signing(cli_trouble.release)),
    ("freeze", signing(cli_trouble.freeze)),
    ("unfreeze", signing(cli_trouble.unfreeze)),
    ("sign", cli_operator.sign),
    ("send", cli_operator.send),
    ("show", cli_tree.show),
    ("vouchers", cli_show.vouchers),
    ("lines", cli_show.lines),
    ("parties", cli_show.parties),
    ("ledgers", cli_show.ledgers),
    ("index", cli_index.index),
    ("relay", cli_services.relay_),
    ("backup", cli_backup.backup),
    ("verify", cli_books.verify_),
    ("reconcile", cli_books.reconcile_),
    ("travel", cli_operator.move_time),
    ("enlist", cli_serve.enlist),
    ("account", cli_serve.account_),
    ("check-register", cli_register.check),
    ("serve", cli_serve.serve),
):
    app.command(name)(command)
app.add_typer(cli_pay.app, name="pay")
app.add_typer(cli_outbox.app, name="outbox")


def main() -> None:
    """The entry point."""
    app()


if __name__ == "__main__":
    main()
