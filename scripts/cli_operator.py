"""The operator's commands: grant lines, sign and send agreements as files, travel."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ledger.agreements import GrantLine, LineId
from ledger.calendar import date_of_day
from ledger.errors import InputError, Refusal
from ledger.installation import travel
from ledger.members import line_text, parse_line
from ledger.money import parse_yuan, yuan
from ledger.outbox import Relayed
from ledger.tables import hex_of
from scripts import cli_envelope as envelope
from scripts.cli_command import Act
from scripts.cli_conduct import Wanted, ask, deadline
from scripts.cli_installation import Office, opened
from scripts.cli_options import (
    HERE,
    DirectoryOption,
    JsonOption,
    NodeOption,
    UntilOption,
    YesOption,
    amount_option,
    day,
    day_option,
    line_option,
    naming,
    screen_of,
)
from scripts.cli_signer import KeyOption, PublicKeyOption
from scripts.cli_unfinished import done_before, reported, seen_on_chain, settle

FileArgument = Annotated[Path, typer.Argument(help="What --save has written.", metavar="FILE")]


def grant_line(
    office: Office,
    issuer: Annotated[str, typer.Option("--issuer", help="Number or name.")],
    limit: Annotated[str, amount_option("--limit", "Yuan.")],
    expiry: Annotated[str, day_option("--expiry", "Last day to issue.")],
    line: Annotated[str | None, line_option("--line", "Such as 2-1; else the bank's next free one.")] = None,
    bank: Annotated[str, typer.Option("--bank", help="The bank, where --line is left out.")] = "2",
    parent: Annotated[str | None, line_option("--parent", "The line that this is a part of.")] = None,
    smallest_part: Annotated[str, amount_option("--smallest-part", "Yuan.")] = "100.00",
    window: Annotated[
        int, typer.Option("--window", help="Days to contest a payment, 1 to 15.", min=0, max=255)
    ] = 5,
    grace: Annotated[
        int, typer.Option("--grace", help="Days after the due day, 10 to 30.", min=0, max=255)
    ] = 10,
    countersign: Annotated[bool, typer.Option("--countersign", help="The bank signs each issue.")] = False,
    valid_until: UntilOption = None,
) -> Act:
    """A bank grants an issuer a credit line, or a sub-line of one; both sign.

    \b
    Example:
      tallystick grant-line --issuer 4 --limit 50000000.00 --expiry 2027-03-31 --line 2-1
    """
    dossier, granted = office.dossier, office.world().lines
    if line is None:
        first = int(office.party(bank, "--bank")) << 32
        number = LineId(next(first + n for n in range(1, 2**32) if LineId(first + n) not in granted))
    else:
        number = parse_line(line)
    if not parse_yuan(limit):
        raise InputError(
            "--limit: under a line of 0.00 yuan nothing can be issued: give the sum that was agreed"
        )
    agreement = GrantLine(
        number,
        naming("--issuer", dossier.party, issuer),
        parse_line(parent) if parent else LineId(0),
        parse_yuan(limit),
        day(expiry),
        parse_yuan(smallest_part),
        window,
        grace,
        countersign,
        deadline(office, valid_until),
    )
    return Act(
        wanted=Wanted(agreement=agreement),
        said=lambda _: f"Granted line {line_text(number)} with a limit of {yuan(parse_yuan(limit))} yuan.",
        facts=lambda _: {"line": line_text(number)},
    )


def sign(
    ctx: typer.Context,
    file: FileArgument,
    party: Annotated[str, typer.Option("--party", help="Who signs: number or name.")],
    new: Annotated[
        bool, typer.Option("--new-signer", help="As the new signer of an admission or rekey.")
    ] = False,
    key: KeyOption = None,
    public_key: PublicKeyOption = None,
    signature: Annotated[
        str | None, typer.Option("--signature", help="Made elsewhere over the digest: 0x… or a file.")
    ] = None,
    parts: Annotated[
        list[str] | None,
        typer.Option("--part", help="SIGNER=SIGNATURE of a wallet's member, both 0x…; repeat for each."),
    ] = None,
    directory: DirectoryOption = HERE,
    node: NodeOption = None,
    yes: YesOption = False,
    json: JsonOption = False,
) -> None:
    """Adds a party's consent to an agreement that was written with --save.

    By the key in the key file, by a private key in a file (--key, not kept), or a signature that was made elsewhere
    over the agreement's digest: of a wallet key or contract wallet as it is; of a P-256 key (64 bytes or DER, over
    the 32 bytes themselves) or an RSA key (PKCS#1 v1.5, SHA-256) with its --public-key; of a wallet of several
    members (deploy-wallet) each member's as a --part.

    \b
    Example:
      tallystick sign transfer.json --party 6
    """
    with opened(screen_of(ctx), directory, node) as office:
        office.follow()
        given = envelope.read(file)
        envelope.require_ours(office, given)
        number = office.party(party, "--party")
        place = envelope.place_of(given, number, new=new)
        envelope.read_out(office, given)
        how = envelope.How(key=key, public_key=public_key, signature=signature, parts=parts or ())
        ask(office, f"Sign as party {number}?", yes=yes, keys=how.here)
        done = envelope.with_consent(office, given, place, how=how)
        envelope.write(file, done)
        lacking = ", ".join(str(each) for each in done.missing)
        office.screen.say(
            f"Signed as party {number}; " + (f"still to sign: {lacking}" if lacking else "all have signed")
        )
        office.screen.answer({"signed": int(number), "missing": [int(each) for each in done.missing]})


def send(
    ctx: typer.Context,
    file: FileArgument,
    directory: DirectoryOption = HERE,
    node: NodeOption = None,
    yes: YesOption = False,
    json: JsonOption = False,
) -> None:
    """Sends an agreement that was written with --save, once all have signed.

    \b
    Example:
      tallystick send transfer.json
    """
    with opened(screen_of(ctx), directory, node, sends=True) as office:
        office.follow()
        settle(office)
        given = envelope.read(file)
        envelope.require_ours(office, given)
        before = done_before(office, given.agreement)
        if before is not None:
            _say_before(office, before)
            return
        envelope.read_out(office, given)
        ask(office, "Send?", yes=yes, keys=False)
        try:
            happened = envelope.send(office, given)
        except Refusal:
            before = seen_on_chain(office, given.agreement)
            if before is None:
                raise
            _say_before(office, before)
            return
        office.screen.say(f"Done: {happened.verb} in block {happened.block}.")
        office.screen.answer(happened.facts())
        reported(office, happened.number)


def _say_before(office: Office, before: Relayed) -> None:
    office.screen.say(f"It landed already: {before.verb} in block {before.block}. Nothing is left to do.")
    tx = "" if before.tx_hash is None else hex_of(before.tx_hash)
    office.screen.answer({"verb": before.verb, "tx": tx, "block": before.block, "before": True})


def move_time(
    ctx: typer.Context,
    to: Annotated[str, typer.Argument(help="YYYY-MM-DD", metavar="DATE")],
    directory: DirectoryOption = HERE,
    json: JsonOption = False,
) -> None:
    """Moves a demo chain's time on to 09:00 of a day; any other chain refuses.

    \b
    Example:
      tallystick travel 2026-09-30
    """
    with opened(screen_of(ctx), directory, None) as office:
        travel(office.chain, day(to))
        office.follow()
        office.screen.say(f"It is {date_of_day(office.today)} now.")
        office.screen.answer({"today": date_of_day(office.today).isoformat()})
