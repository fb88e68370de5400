"""The command that asks the public register about every enterprise, for a night when no gateway does."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from ledger.errors import InputError
from ledger.installation import opened
from ledger.negotiation.business_registry import REGISTER, register_at
from ledger.negotiation.register_check import Outcome, check_register
from ledger.negotiation.setting import setting_of
from scripts.cli_options import HERE, DirectoryOption, JsonOption, screen_of
from scripts.cli_screen import NO

FOR_PEOPLE: Final = (Outcome.OFFERED, Outcome.REFUSED, Outcome.UNKNOWN, Outcome.UNASKED)
"""What somebody has to look at."""


def check(
    ctx: typer.Context,
    register: Annotated[
        str | None,
        typer.Option("--register", envvar=REGISTER, help="The register: an http(s) address or a CSV file."),
    ] = None,
    directory: DirectoryOption = HERE,
    json: JsonOption = False,
) -> None:
    """Suspends whom the public register has as revoked or deregistered; again it does nothing again.

    A served gateway with this setting does it by itself, each day. Exit code 1 where somebody has to look.

    \b
    Example:
      tallystick check-register --register register.csv
    """
    screen = screen_of(ctx)
    if not register:
        raise InputError(f"--register: name the register, here or in {REGISTER}")
    with opened(directory, passphrase=screen.passphrase()) as installation:
        found = check_register(installation.store, setting_of(installation), register_at(register))
    for each in found:
        said = f"{each.name} ({each.code}, party {each.party})"
        screen.say(
            f"{said}: {each.status or 'no answer'}; {each.outcome}{f', {each.why}' if each.why else ''}"
        )
    if not found:
        screen.say("Every admitted enterprise is as it should be.")
    screen.answer(
        {
            "findings": [
                {
                    "party": int(each.party),
                    "code": each.code,
                    "status": each.status,
                    "outcome": str(each.outcome),
                    "why": each.why,
                }
                for each in found
            ]
        }
    )
    if any(each.outcome in FOR_PEOPLE for each in found):
        raise typer.Exit(NO)
