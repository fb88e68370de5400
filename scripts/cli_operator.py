"""The operator's commands: admit and suspend parties, grant lines, sign and send agreements as files, travel."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Annotated

import typer
from eth_keys.datatypes import PrivateKey
from eth_utils.address import to_canonical_address

from ledger.agreements import Admit, GrantLine, LineId, PartyNumber, Reinstate, Suspend
from ledger.calendar import date_of_day
from ledger.errors import InputError, Refusal
from ledger.members import line_text, parse_line
from ledger.money import parse_yuan, shown, yuan
from ledger.signing import CURVE_ORDER
from ledger.world import Role
from scripts import cli_envelope as envelope
from scripts.cli_conduct import Wanted, conduct, deadline, require_text
from scripts.cli_installation import opened, travel
from scripts.cli_options import (
    HERE,
    DirectoryOption,
    JsonOption,
    NodeOption,
    SaveOption,
    UntilOption,
    YesOption,
    day,
    screen_of,
)

FileArgument = Annotated[Path, typer.Argument(help="What --save has written.", metavar="FILE")]


def admit(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="The registered name.", metavar="NAME")],
    code: Annotated[str, typer.Option("--code", help="Unified social credit code, 18 characters.")],
    role: Annotated[
        list[str] | None, typer.Option("--role", help="issuer, bank, funder or arbiter; none: a holder.")
    ] = None,
    sponsor: Annotated[str, typer.Option("--sponsor", help="The sponsor bank: number or name.")] = "2",
    party: Annotated[int | None, typer.Option("--party", help="Its number; else the next free one.")] = None,
    directory: DirectoryOption = HERE,
    node: NodeOption = None,
    yes: YesOption = False,
    json: JsonOption = False,
) -> None:
    """The registrar admits a party that a bank sponsors; a key is drawn and sealed for it.

    Name and code stay in the dossier: only a salted hash of them goes on chain.

    \b
    Example:
      tallystick admit "青峰制造" --role issuer --code 91350100M000100Y43
    """
    with opened(screen_of(ctx), directory, node, sends=True) as office:
        office.follow()
        number = PartyNumber(party) if party is not None else PartyNumber(max(office.world().parties) + 1)
        bank = office.dossier.party(sponsor)
        profile = office.dossier.name_party(number, name, code)
        office.screen.names = office.dossier.names
        key = PrivateKey((secrets.randbelow(CURVE_ORDER - 1) + 1).to_bytes(32, "big"))
        signer = key.public_key.to_checksum_address()
        agreement = Admit(
            number, _roles(role or []), bank, 0, profile, deadline(office, None), to_canonical_address(signer)
        )

        kept: list[str] = []

        def keep() -> None:
            kept.append(office.ring.add(number, key.to_bytes()))

        wanted = Wanted(agreement=agreement, new_signer=signer, before_signing=keep)
        try:
            happened = conduct(office, wanted, yes=yes)
        except Refusal:
            if kept:
                office.ring.drop(number, signer)
            raise
        assert happened is not None
        office.screen.say(f"Admitted {name} as party {number}.")
        office.screen.answer({**happened.facts(), "party": int(number), "signer": signer})


def _roles(given: list[str]) -> int:
    bits = 0
    for text in given:
        known = {role.name.lower(): role for role in Role if role.name}
        if text not in known:
            raise InputError(f"role {shown(text)} is none of {', '.join(known)}")
        bits |= int(known[text])
    return bits


def suspend(
    ctx: typer.Context,
    party: Annotated[str, typer.Argument(help="Number or name.", metavar="PARTY")],
    reason: Annotated[str, typer.Option("--reason", help="Why; only a salted hash goes on chain.")],
    reinstate: Annotated[bool, typer.Option("--end", help="End the suspension instead.")] = False,
    directory: DirectoryOption = HERE,
    node: NodeOption = None,
    yes: YesOption = False,
    json: JsonOption = False,
) -> None:
    """The registrar suspends a party (it can no longer issue, receive or pass on), or with --end reinstates it.

    \b
    Example:
      tallystick suspend 6 --reason "licence revoked"
    """
    with opened(screen_of(ctx), directory, node, sends=True) as office:
        office.follow()
        number = office.dossier.party(party)
        known = office.world().parties.get(number)
        if known is None:
            raise Refusal("UnknownParty", {"party": number})
        why = office.dossier.reason(require_text(reason, "the reason"))
        kind = Reinstate if reinstate else Suspend
        agreement = kind(number, known.sequence, why, deadline(office, None))
        happened = conduct(office, Wanted(agreement=agreement), yes=yes)
        assert happened is not None
        office.screen.say(f"Party {number} is {'reinstated' if reinstate else 'suspended'}.")
        office.screen.answer(happened.facts())


def grant_line(
    ctx: typer.Context,
    issuer: Annotated[str, typer.Option("--issuer", help="Number or name.")],
    limit: Annotated[str, typer.Option("--limit", help="Yuan.")],
    expiry: Annotated[str, typer.Option("--expiry", help="Last day to issue, YYYY-MM-DD.")],
    line: Annotated[str | None, typer.Option("--line", help="BANK-REFERENCE, such as 2-1.")] = None,
    bank: Annotated[str, typer.Option("--bank", help="The bank, where --line is left out.")] = "2",
    parent: Annotated[str | None, typer.Option("--parent", help="The line that this is a part of.")] = None,
    smallest_part: Annotated[str, typer.Option("--smallest-part", help="Yuan.")] = "100.00",
    window: Annotated[int, typer.Option("--window", help="Days to contest a payment, 1 to 15.")] = 5,
    grace: Annotated[int, typer.Option("--grace", help="Days after the due day, 10 to 30.")] = 10,
    countersign: Annotated[bool, typer.Option("--countersign", help="The bank signs each issue.")] = False,
    valid_until: UntilOption = None,
    save: SaveOption = None,
    directory: DirectoryOption = HERE,
    node: NodeOption = None,
    yes: YesOption = False,
    json: JsonOption = False,
) -> None:
    """A bank grants an issuer a credit line, or a sub-line of one; both sign.

    \b
    Example:
      tallystick grant-line --issuer 4 --limit 50000000.00 --expiry 2027-03-31 --line 2-1
    """
    with opened(screen_of(ctx), directory, node, sends=True) as office:
        office.follow()
        dossier, granted = office.dossier, office.world().lines
        if line is None:
            first = int(dossier.party(bank)) << 32
            number = LineId(next(first + n for n in range(1, 2**32) if LineId(first + n) not in granted))
        else:
            number = parse_line(line)
        agreement = GrantLine(
            number,
            dossier.party(issuer),
            parse_line(parent) if parent else LineId(0),
            parse_yuan(limit),
            day(expiry),
            parse_yuan(smallest_part),
            window,
            grace,
            countersign,
            deadline(office, valid_until),
        )
        happened = conduct(office, Wanted(agreement=agreement), yes=yes, save=envelope.saver(office, save))
        if happened is not None:
            office.screen.say(
                f"Granted line {line_text(number)} with a limit of {yuan(parse_yuan(limit))} yuan."
            )
            office.screen.answer({**happened.facts(), "line": line_text(number)})


def sign(
    ctx: typer.Context,
    file: FileArgument,
    party: Annotated[str, typer.Option("--party", help="Who signs: number or name.")],
    directory: DirectoryOption = HERE,
    node: NodeOption = None,
    yes: YesOption = False,
    json: JsonOption = False,
) -> None:
    """Adds a party's consent to an agreement that was written with --save.

    \b
    Example:
      tallystick sign transfer.json --party 6
    """
    with opened(screen_of(ctx), directory, node) as office:
        office.follow()
        given = envelope.read(file)
        envelope.require_ours(office, given)
        number = office.dossier.party(party)
        envelope.read_out(office, given)
        if not yes:
            office.screen.confirm(f"Sign as party {number}?")
        done = envelope.with_consent(office, given, number)
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
        given = envelope.read(file)
        envelope.require_ours(office, given)
        envelope.read_out(office, given)
        if not yes:
            office.screen.confirm("Send?")
        happened = envelope.send(office, given)
        office.screen.say(f"Done: {happened.verb} in block {happened.block}.")
        office.screen.answer(happened.facts())


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
        travel(office, day(to))
        office.screen.say(f"It is {date_of_day(office.today)} now.")
        office.screen.answer({"today": date_of_day(office.today).isoformat()})
