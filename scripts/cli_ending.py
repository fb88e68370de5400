"""The commands that end a claim without payment, or void what was signed for it: cancel, cancel-whole, revoke."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import select

from ledger.agreements import Cancel, CancelWhole, Issue, Revoke, RevokeIssue, VoucherId, from_json
from ledger.errors import InputError
from ledger.members import Contract
from ledger.outbox import LANDED, WITH_CALL
from ledger.outbox_tables import OutboxRow
from ledger.signing import root_id
from ledger.world import promise_of
from scripts import cli_envelope as envelope
from scripts.cli_command import Act
from scripts.cli_conduct import Wanted, deadline, label, present
from scripts.cli_installation import Office
from scripts.cli_options import UntilOption, VoucherArgument


def cancel(
    office: Office,
    voucher: VoucherArgument,
    issuer: Annotated[str, typer.Option("--issuer", help="The issuer.")],
    holder: Annotated[str, typer.Option("--holder", help="The holder.")],
    valid_until: UntilOption = None,
) -> Act:
    """Issuer and holder end a claim unpaid; the line is released, the use of invoices is not given back.

    \b
    Example:
      tallystick cancel P-2026-001 --issuer 4 --holder 5
    """
    number = office.voucher(voucher)
    agreement = Cancel(number, present(office, number), deadline(office, valid_until))
    named = (office.party(issuer, "--issuer"), office.party(holder, "--holder"))
    return Act(
        wanted=Wanted(agreement=agreement, named=named, options=("--issuer", "--holder")),
        said=lambda _: f"Voucher {label(office, number)} is cancelled.",
    )


def cancel_whole(
    office: Office,
    voucher: VoucherArgument,
    issuer: Annotated[str, typer.Option("--issuer", help="The issuer.")],
    holder: Annotated[str, typer.Option("--holder", help="The holder.")],
    valid_until: UntilOption = None,
) -> Act:
    """Issuer and holder end a promise that was never divided; its invoices can be used again.

    The issue agreement is resupplied from this installation's outbox.

    \b
    Example:
      tallystick cancel-whole P-2026-001 --issuer 4 --holder 5
    """
    number = office.voucher(voucher)
    agreement = CancelWhole(number, present(office, number), deadline(office, valid_until))
    named = (office.party(issuer, "--issuer"), office.party(holder, "--holder"))
    return Act(
        wanted=Wanted(
            agreement=agreement,
            named=named,
            options=("--issuer", "--holder"),
            issued=_issue_of(office, number),
        ),
        said=lambda _: f"Voucher {label(office, number)} is cancelled, its invoices can be used again.",
    )


def _issue_of(office: Office, number: VoucherId) -> Issue:
    """The issue agreement of a promise, as it was sent from here."""
    promise = promise_of(number).to_bytes(20)
    with office.store.reading() as session:
        query = (
            select(OutboxRow)
            .options(WITH_CALL)
            .where(
                OutboxRow.contract == office.pin.ledger,
                OutboxRow.verb == Issue.verb(),
                OutboxRow.status.in_(LANDED),
            )
        )
        sent = [row.call.agreement for row in session.scalars(query) if row.digest[-20:] == promise]
    found = from_json(sent[0]) if sent else None
    if not isinstance(found, Issue):
        raise InputError(
            f"the issue of {label(office, number)} was not sent from here, so it cannot be resupplied: "
            "use tallystick cancel, or the installation that issued it"
        )
    return found


def revoke(
    office: Office,
    voucher: VoucherArgument,
    by: Annotated[str, typer.Option("--by", help="The holder.")],
    valid_until: UntilOption = None,
) -> Act:
    """The holder voids whatever has been signed for the voucher's present state and has not landed.

    \b
    Example:
      tallystick revoke P-2026-001 --by 5
    """
    number, holder = office.voucher(voucher), office.party(by, "--by")
    agreement = Revoke(number, present(office, number), deadline(office, valid_until))
    return Act(
        wanted=Wanted(agreement=agreement, named=(holder,), options=("--by",)),
        said=lambda _: f"What was signed for {label(office, number)} and had not landed is void.",
    )


def revoke_issue(
    office: Office,
    file: Annotated[Path, typer.Argument(help="The issue that --save has written.", metavar="FILE")],
    by: Annotated[str, typer.Option("--by", help="Issuer, supplier, or the bank that countersigns.")],
    valid_until: UntilOption = None,
) -> Act:
    """One of those who sign an issue makes sure that it never lands.

    \b
    Example:
      tallystick revoke-issue issue.json --by 5
    """
    given = envelope.read(file)
    envelope.require_ours(office, given)
    if not isinstance(given.agreement, Issue):
        raise InputError(f"{file} is no issue: a voucher that exists is revoked with: tallystick revoke")
    root = root_id(given.agreement, office.domain(Contract.LEDGER))
    agreement = RevokeIssue(promise_of(root), office.party(by, "--by"), deadline(office, valid_until))
    return Act(
        wanted=Wanted(agreement=agreement, issued=given.agreement),
        said=lambda _: f"The issue in {file} can never land any more.",
    )
