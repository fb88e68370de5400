"""What an earlier command signed and never reported, because it was killed: sent first, said, and not done twice.

    promised    marks an item of the outbox as one that its command still has to report
    reported    takes the mark away, after the command has said what became of it
    unfinished  what is left of earlier commands
    carry       sends, beside whatever relay may be at work, until certain items have landed or have another outcome
    settle      before a command signs: sends what is left, says what became of each, and ends
    done_before what became of an agreement that landed already; `seen_on_chain`: where the outbox does not know

A mark is an empty file beside the database, so that it is there whatever kills the command. Whoever types a command
again after a crash means the same thing, not a second one: so nothing new is signed in the run that settles. Nothing
is withdrawn here: what was signed and confirmed is sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import typer
from sqlalchemy import or_, select

from ledger import relay
from ledger.agreements import Agreement, Issue, ListVerifier, SetTenorCap, Split, VoucherId, from_json
from ledger.explain import explain
from ledger.installation import depth_setting
from ledger.landing import subject_of
from ledger.members import LineId, line_text, parse_voucher, voucher_text
from ledger.outbox import GONE, LANDED, UNKNOWN, WITH_CALL, WITHDRAWN, Item, Relayed
from ledger.outbox_tables import OutboxRow
from ledger.relay_landed import shows_item, stored
from ledger.sentences import sentences
from ledger.signing import child_id, digest
from ledger.tables import hex_of
from scripts.cli_installation import Office
from scripts.cli_screen import NO

MARK: Final = "unreported-"
_WITHOUT_OUTCOME: Final = {
    UNKNOWN: "was given up by the relay (see tallystick outbox)",
    WITHDRAWN: "was withdrawn",
}


@dataclass(frozen=True, slots=True)
class Unfinished:
    """An item that no command has reported yet. `agreement` None: of a verb that nobody signs."""

    number: int
    verb: str
    subject: str
    agreement: Agreement | None

    def facts(self) -> dict[str, object]:
        """For a script."""
        return {"verb": self.verb, "subject": self.subject.removeprefix("of ")}


def promised(office: Office, number: int) -> None:
    """From here on the item is one that has to be reported."""
    (office.directory / f"{MARK}{number}").touch()


def reported(office: Office, number: int) -> None:
    """The user knows what became of the item."""
    (office.directory / f"{MARK}{number}").unlink(missing_ok=True)


def forget(directory: Path) -> bool:
    """Takes all marks away, with the outbox that they are of; whether there were any."""
    marks = _marks(directory)
    for path in marks:
        path.unlink()
    return bool(marks)


def unfinished(office: Office) -> list[Unfinished]:
    """What was never reported, the oldest first. Where nobody else can be at work on the chain that is all that has not
    ended, too: a command can be killed before it makes its mark."""
    marked = OutboxRow.number.in_([int(path.name.removeprefix(MARK)) for path in _marks(office.directory)])
    open_ones = OutboxRow.status.not_in((*LANDED, *GONE, UNKNOWN))
    query = (
        select(OutboxRow)
        .options(WITH_CALL)
        .where(or_(open_ones, marked) if office.chain.exclusive else marked)
    )
    with office.store.reading() as session:
        rows = list(session.scalars(query.order_by(OutboxRow.number)))
    return [_read(office, row) for row in rows]


def carry(office: Office, items: Sequence[int]) -> None:
    """Sends these items, or watches the relay that does, until each is in a block or has another outcome."""
    relay.run(office.store, office.chain, items=items, terms=relay.Terms(depth=depth_setting()))


def settle(office: Office) -> None:
    """Nothing where every earlier command has reported. Else all is sent, each outcome said, and the command ends
    with exit code 1: it is to be typed again if it is still wanted."""
    waiting = unfinished(office)
    if not waiting:
        return
    with office.screen.progress("Waiting for the block"):
        carry(office, [each.number for each in waiting])
    office.follow()
    found = [(each, relay.outcome(office.store, each.number, mined=True)) for each in waiting]
    for each, outcome in found:
        _say(office, each, outcome)
    advice = "Nothing new was signed: look at the above, and type the command again if it is still wanted."
    office.screen.say(advice)
    office.screen.answer({"error": advice, "earlier": [_facts(each, outcome) for each, outcome in found]})
    for each, outcome in found:
        if outcome is not None or _status(office, each) == WITHDRAWN:
            reported(office, each.number)
    raise typer.Exit(NO)


def done_before(office: Office, agreement: Agreement) -> Relayed | None:
    """What became of the same agreement, where it landed already from here."""
    signed = digest(agreement, office.domain(agreement.contract))
    query = select(OutboxRow.number).where(OutboxRow.digest == signed, OutboxRow.status.not_in(GONE))
    with office.store.reading() as session:
        number = session.scalar(query)
    found = None if number is None else relay.outcome(office.store, number, mined=True)
    return found if found is not None and found.refusal is None else None


def seen_on_chain(office: Office, agreement: Agreement) -> Relayed | None:
    """Where an agreement on a voucher landed of which the outbox does not know: somebody else has sent it, or the
    database was restored from a backup. To be asked once the contract has refused it."""
    signed = digest(agreement, office.domain(agreement.contract))
    root = VoucherId(int.from_bytes(signed[-20:]) << 96) if isinstance(agreement, Issue) else None
    verb, contract = agreement.verb(), office.domain(agreement.contract).address
    item = Item(0, verb, contract, b"", agreement, root, 0)
    with office.store.reading() as session:
        events = stored(session, item)
    for log, event, reached in events:
        if (reached is not None or root is not None) and shows_item(event, item, reached=reached):
            return Relayed(0, verb, None, log.tx_hash, log.block)
    return None


def waiting_text(waiting: Sequence[Unfinished]) -> list[str]:
    """What `index` says of them: it sends nothing itself."""
    return [
        f"An earlier command stopped half-way: {each.verb} {each.subject}. The next command that signs "
        "sends it if it has not landed, and says what became of it."
        for each in waiting
    ]


def _marks(directory: Path) -> list[Path]:
    return [path for path in directory.glob(f"{MARK}*") if path.name.removeprefix(MARK).isdecimal()]


def _read(office: Office, row: OutboxRow) -> Unfinished:
    if not row.signers and "sequence" in row.call.agreement and "deadline" not in row.call.agreement:
        return Unfinished(
            row.number, row.verb, _called(office, parse_voucher(row.call.agreement["voucher"])), None
        )
    agreement = from_json(row.call.agreement)
    root = VoucherId(int.from_bytes(row.digest[-20:]) << 96)  # what an issue makes; of no use to the others
    of_settings = isinstance(agreement, SetTenorCap | ListVerifier)  # they name no party, line or voucher
    subject = _subject(office, None if of_settings else subject_of(agreement, root))
    return Unfinished(row.number, row.verb, subject, agreement)


def _subject(office: Office, number: int | None) -> str:
    """A party, a line or a voucher, which the size of its number tells apart."""
    if not number:
        return "of the registrar's settings"
    if number < 2**32:
        return f"of party {number}"
    return f"of line {line_text(LineId(number))}" if number < 2**64 else _called(office, VoucherId(number))


def _called(office: Office, number: VoucherId) -> str:
    return f"of {office.dossier.numbers.get(number) or voucher_text(number)}"


def _say(office: Office, each: Unfinished, outcome: Relayed | None) -> None:
    screen = office.screen
    became = _WITHOUT_OUTCOME.get(_status(office, each), "is still waiting to land")
    if outcome is not None and outcome.refusal is None:
        became = f"landed in block {outcome.block}"
    elif outcome is not None and outcome.refusal is not None:
        became = f"was refused ({outcome.refusal.name})"
    screen.say(f"An earlier command stopped half-way: {each.verb} {each.subject} {became}.")
    if each.agreement is not None:
        first = sentences(each.agreement, names=screen.names)[0]
        screen.say(f"  {first.zh}")
        screen.say(f"  {first.en}")
    if isinstance(each.agreement, Split):
        for at, part in enumerate(each.agreement.parts):
            child = child_id(each.agreement.voucher, each.agreement.sequence, at)
            screen.say(f"  {_called(office, child).removeprefix('of ')} → {part.recipient}")
    if outcome is not None and outcome.refusal is not None:
        screen.say(str(explain(outcome.refusal, names=screen.names, vouchers=screen.vouchers)))


def _status(office: Office, each: Unfinished) -> str:
    with office.store.reading() as session:
        return session.get_one(OutboxRow, each.number).status


def _facts(each: Unfinished, outcome: Relayed | None) -> dict[str, object]:
    facts = each.facts()
    if outcome is None:
        return facts | {"landed": None}
    tx = None if outcome.tx_hash is None else hex_of(outcome.tx_hash)
    refused = None if outcome.refusal is None else outcome.refusal.name
    return facts | {"landed": refused is None, "refused": refused, "block": outcome.block, "tx": tx}
