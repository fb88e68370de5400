"""The commands that set a rule: a line resized or frozen, tenor cap, stop-issue, verifiers, the registrar's office."""

from __future__ import annotations

from typing import Annotated

import typer
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from ledger.agreements import (
    AcceptHandOver,
    FreezeLine,
    HandOver,
    ListVerifier,
    PartyNumber,
    ResizeLine,
    SetTenorCap,
    StopIssue,
)
from ledger.artifacts import load
from ledger.calendar import Day, date_of_day
from ledger.errors import InputError, Refusal
from ledger.members import LineId, line_text, parse_hex, parse_line
from ledger.money import Fen, parse_yuan, yuan
from ledger.verifiers import ARTIFACTS
from ledger.world import Line, Role
from scripts.cli_command import Act
from scripts.cli_conduct import Wanted, deadline, line_hint, require_text
from scripts.cli_installation import Office, ledger_text
from scripts.cli_options import UntilOption, amount_option, day, day_option

VERIFIER_GAS = 450_000
"""Enough for each of the three, also on a chain that has no P-256 of its own."""
LineArgument = Annotated[str, typer.Argument(help="Such as 2-1.", metavar="LINE")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why; only a salted hash goes on chain.")]


# Lines


def resize_line(
    office: Office,
    line: LineArgument,
    limit: Annotated[str | None, amount_option("--limit", "Yuan; else as it is.")] = None,
    expiry: Annotated[str | None, day_option("--expiry", "Last day to issue; else as it is.")] = None,
    valid_until: UntilOption = None,
) -> Act:
    """The bank changes a line's limit or last day; what is drawn stays drawn, above the limit too.

    \b
    Example:
      tallystick resize-line 2-1 --limit 30000000.00
    """
    number = parse_line(line)
    known = _line(office, number)
    if limit is None and expiry is None:
        raise InputError("nothing would change: give --limit, --expiry, or both")
    agreement = ResizeLine(
        number,
        known.sequence,
        parse_yuan(limit) if limit else Fen(known.limit),
        day(expiry) if expiry else known.expiry,
        deadline(office, valid_until),
    )
    return Act(
        wanted=Wanted(agreement=agreement),
        said=lambda _: (
            f"Line {line_text(number)} can be drawn up to {yuan(agreement.limit)} yuan "
            f"until {date_of_day(agreement.expiry)}."
        ),
        facts=lambda _: {"line": line_text(number), "limit_fen": agreement.limit},
    )


def freeze_line(
    office: Office,
    line: LineArgument,
    reason: ReasonOption,
    end: Annotated[bool, typer.Option("--end", help="Let it be drawn again instead.")] = False,
    valid_until: UntilOption = None,
) -> Act:
    """The bank stops issue under a line, or with --end allows it again; vouchers and payments are untouched.

    \b
    Example:
      tallystick freeze-line 2-1 --reason "covenant broken"
    """
    number = parse_line(line)
    known = _line(office, number)
    why = office.dossier.reason(require_text(reason, "--reason"))
    agreement = FreezeLine(number, known.sequence, not end, why, deadline(office, valid_until))
    return Act(
        wanted=Wanted(agreement=agreement),
        said=lambda _: f"Line {line_text(number)} {'can be drawn again' if end else 'is frozen'}.",
        facts=lambda _: {"line": line_text(number), "frozen": not end},
    )


def _line(office: Office, number: LineId) -> Line:
    known = office.world().lines.get(number)
    if known is None:
        office.screen.hint = line_hint(office, number)
        raise Refusal("UnknownLine", {"line": number})
    return known


# The registrar's settings of a ledger


def tenor_cap(
    office: Office,
    days: Annotated[int, typer.Argument(help="1 to 366.", metavar="DAYS", min=0, max=65_535)],
    start: Annotated[str, day_option("--from", "First day on which it is in force, tomorrow or later.")],
    valid_until: UntilOption = None,
) -> Act:
    """The registrar sets above how many days an issue has to give a reason; vouchers that exist keep theirs.

    \b
    Example:
      tallystick tenor-cap 180 --from 2026-07-01
    """
    sequence = office.world().settings.sequence
    agreement = SetTenorCap(sequence, days, day(start), deadline(office, valid_until))
    return Act(
        wanted=Wanted(agreement=agreement),
        said=lambda _: f"From {start} on an issue over more than {days} days gives a reason.",
        facts=lambda _: {"cap_days": days, "from": start, "ledger": office.pin.ledger},
    )


def stop_issue(
    office: Office,
    reason: ReasonOption,
    issuer: Annotated[str | None, typer.Option("--issuer", help="One issuer: number or name.")] = None,
    whole: Annotated[
        bool,
        typer.Option(
            "--whole-ledger", help="The ledger runs off: nothing is issued in it any more, for good."
        ),
    ] = False,
    end: Annotated[bool, typer.Option("--end", help="Let the issuer issue again instead.")] = False,
    valid_until: UntilOption = None,
) -> Act:
    """The registrar stops one issuer, or the whole ledger for good; vouchers live on and are paid.

    \b
    Example:
      tallystick stop-issue --issuer 4 --reason "false invoices"
    """
    if (issuer is None) == (not whole):
        raise InputError("name who is stopped: either --issuer PARTY or --whole-ledger")
    who = PartyNumber(0) if issuer is None else office.party(issuer, "--issuer")
    known = office.world().parties.get(who)
    if known is not None and not end and not known.roles & Role.ISSUER:
        raise InputError(
            f"--issuer: party {who} is no issuer and issues nothing: see the parties with: tallystick parties"
        )
    why = office.dossier.reason(require_text(reason, "--reason"))
    sequence = office.world().settings.sequence
    agreement = StopIssue(sequence, who, not end, why, deadline(office, valid_until))
    where = f"账本 / ledger {ledger_text(office.pins, office.pin)}"
    outcome = (
        f"Ledger {ledger_text(office.pins, office.pin)} runs off: a successor takes over with: tallystick succeed"
        if whole
        else f"Party {who} {'may issue again' if end else 'can issue nothing'} here."
    )
    return Act(
        wanted=Wanted(agreement=agreement, notes=(where,)),
        said=lambda _: outcome,
        facts=lambda _: {"issuer": int(who), "stopped": not end, "ledger": office.pin.ledger},
    )


# The registry's settings


def list_verifier(
    office: Office,
    address: Annotated[str, typer.Argument(help="Of the verifier, 0x and 40 hex digits.", metavar="ADDRESS")],
    gas: Annotated[
        int, typer.Option("--signature-gas", help="Gas cap of one check, 1 to 500000.", min=0)
    ] = VERIFIER_GAS,
    unknown: Annotated[
        bool, typer.Option("--unknown-code", help="List code that this product does not know, for good.")
    ] = False,
    valid_until: UntilOption = None,
) -> Act:
    """The registrar allows a verifier of keys (ERC-7913) for good; new signers may name it from the seventh day on.

    \b
    Example:
      tallystick list-verifier 0x5FbDB2315678afecb367f032d93F642f64180aa3
    """
    verifier = parse_hex(address, "ADDRESS", length=20)
    code = office.chain.code(to_checksum_address(verifier))
    if not code:
        raise InputError(
            f"ADDRESS: there is no contract at {address}: tallystick deploy-verifiers makes three"
        )
    known = [kind.value for kind, name in ARTIFACTS.items() if load(name).deployed_bytecode == code]
    if not known and not unknown:
        raise InputError(
            f"ADDRESS: the code at {address} is none of the verifiers that this product knows, and a listed one is "
            "never taken off: look at it, and then give --unknown-code"
        )
    what = (
        f"本产品所知 / one that this product knows: {known[0]}"
        if known
        else "不是本产品所知的代码 / code that this product does not know"
    )
    agreement = ListVerifier(
        office.world().registry_settings.sequence, verifier, gas, keccak(code), deadline(office, valid_until)
    )

    def active_on() -> Day:
        return office.world().verifiers[int.from_bytes(verifier)].active_on

    return Act(
        wanted=Wanted(agreement=agreement, notes=(f"验证合约 / verifier: {what}",)),
        said=lambda _: f"New signers may name {address} from {date_of_day(active_on())} on.",
        facts=lambda _: {"verifier": address, "active_on": date_of_day(active_on()).isoformat()},
    )


def hand_over(
    office: Office,
    to: Annotated[
        str, typer.Argument(help="Number or name; the registrar itself takes it back.", metavar="PARTY")
    ],
    valid_until: UntilOption = None,
) -> Act:
    """The registrar offers its office to a party without a role, which can take it from the seventh day on.

    \b
    Example:
      tallystick hand-over 9
    """
    party = office.party(to, "PARTY")
    agreement = HandOver(office.world().registry_settings.sequence, party, deadline(office, valid_until))

    def said(_: Office) -> str:
        settings = office.world().registry_settings
        if not settings.next_registrar:
            return f"The offer is taken back: party {settings.registrar} stays the registrar."
        return (
            f"Party {party} can take the registrar's office from {date_of_day(settings.next_registrar_from)} on, "
            "with: tallystick accept-hand-over"
        )

    return Act(
        wanted=Wanted(agreement=agreement),
        said=said,
        facts=lambda _: {"to": int(party), "registrar": int(office.world().registry_settings.registrar)},
    )


def accept_hand_over(office: Office, valid_until: UntilOption = None) -> Act:
    """Who was offered the registrar's office takes it.

    \b
    Example:
      tallystick accept-hand-over
    """
    agreement = AcceptHandOver(office.world().registry_settings.sequence, deadline(office, valid_until))
    return Act(
        wanted=Wanted(agreement=agreement),
        said=lambda _: f"Party {office.world().registry_settings.registrar} is the registrar now.",
        facts=lambda _: {"registrar": int(office.world().registry_settings.registrar)},
    )
