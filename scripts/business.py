"""Plays a business on an embedded chain of its own: deploys, signs for everybody, relays day by day, indexes.

    play    a whole business in one directory, which then holds chain, database, sealed keys and dossier

The directory belongs to the demo. A run that was stopped, at any moment and in any way, leaves nothing that the next
one builds on: `play` begins by removing what an earlier run has left, and refuses a directory that it has not made
itself. Keys and salts are drawn anew each time; every figure is the same. It plays demos only: in an installation with
real parties nobody holds everybody's keys.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from pathlib import Path
from typing import Final

from eth_utils.address import to_canonical_address

from ledger import relay
from ledger.agreements import PartyNumber
from ledger.calendar import Day, day_of_date, start_of_day
from ledger.deployment import Founder, deploy, deploy_successor, pin_successor
from ledger.embedded import EmbeddedChain
from ledger.errors import InputError, Refusal, VerificationError
from ledger.indexer import follow
from ledger.keys import Keyring
from ledger.members import Agreement, Contract
from ledger.payment import Unsigned
from ledger.pin import Pin
from ledger.reconciliation import Dossier
from ledger.rows import worlds_of
from ledger.signing import Domain
from ledger.store import Store, add_pin, open_store
from scripts.business_agreements import MORNING, REGISTRAR, Act, Desk, ledger_domain, profile
from scripts.business_books import CUT_OFF
from scripts.business_columns import OFF_CHAIN, RoleWord
from scripts.business_dossier import read_dossier
from scripts.business_files import SAMPLE, Business, Step, read_business
from scripts.cli_dossier import DossierFile

CHAIN, DATABASE, KEYS, DOSSIER = "chain.sqlite", "tallystick.sqlite", "keys.json", "dossier.json"
OPENED: Final = "dossier-for-banks.json"
"""The dossier without the invoices that were never opened to a bank."""
MARK: Final = "tallystick-demo"
"""The file by which a directory is known as a demo's own, and locked by the run that uses it."""
BEGIN: Final = date(2026, 4, 1)
PASSPHRASE_VARIABLE: Final = "TALLYSTICK_PASSPHRASE"
_WORLD_FILES: Final = (CHAIN, DATABASE, KEYS, DOSSIER, OPENED)
_LEFT_BESIDE: Final = ("-wal", "-shm", "-journal", ".pid")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far playing is: agreements settled of all, and the rows that were last."""

    on: date
    done: int
    total: int
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Played:
    """A business that has been played to its last day; `refusals` by the row that was expected to be refused.

    `directory` holds its files, `pins` are of its ledgers, in order of succession.
    """

    directory: Path
    business: Business
    pins: tuple[Pin, ...]
    store: Store
    chain: EmbeddedChain
    cut_off: date
    dossier: Dossier
    refusals: Mapping[Step, Refusal]


@contextmanager
def own_directory(directory: Path) -> Iterator[Path]:
    """The directory, made if need be, marked as a demo's, held against a second run.

    InputError for a directory with files of somebody else, and where another run is at work in it.
    """
    mark = directory / MARK
    try:
        directory.mkdir(parents=True, exist_ok=True)
        if not mark.exists() and any(directory.iterdir()):
            raise InputError(
                f"{directory} holds files that no demo has made: name an empty or a new directory"
            )
        handle = os.open(mark, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as failed:
        raise InputError(f"{directory} cannot be used: {failed.strerror}") from None
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise InputError(
                f"another demo is at work in {directory}: wait for it, or name another"
            ) from None
        yield directory
    finally:
        os.close(handle)


@contextmanager
def play(
    directory: Path,
    *,
    sample: Path = SAMPLE,
    passphrase: str | None = None,
    cut_off: date = CUT_OFF,
    progress: Callable[[Progress], None] | None = None,
) -> Iterator[Played]:
    """Plays the business in `sample` to the end of the cut-off day and hands out chain and database, indexed.

    Call it inside `own_directory`. `passphrase` seals the keys; None takes it from TALLYSTICK_PASSPHRASE, else a
    word that is no secret, as the keys of invented parties need none. FileError for bad files, InputError for a step
    that goes otherwise than the files say, VerificationError where chain and model come to differ.
    """
    business = read_business(sample)
    late = [steps[0] for steps in business.acts() if steps[0].on > cut_off]
    if late:
        raise InputError(f"steps.csv, row {late[0].row}: {late[0].on} is after the cut-off {cut_off}")
    clear(directory)
    secret = passphrase or os.environ.get(PASSPHRASE_VARIABLE) or MARK
    with ExitStack() as stack:
        began = start_of_day(day_of_date(BEGIN))
        chain = stack.enter_context(
            EmbeddedChain(directory / CHAIN, clock=lambda: began, create=True, demo=True)
        )
        store = stack.enter_context(open_store(f"sqlite:///{directory / DATABASE}"))
        keys, dossier = Keyring.create(directory / KEYS, secret), DossierFile.create(directory / DOSSIER)
        player = _Player.begun(business, chain, store, keys=keys, dossier=dossier)
        player.report = progress
        player.play()
        chain.travel_to(start_of_day(Day(day_of_date(cut_off) + 1)))
        follow(store, chain)
        player.check()
        player.keep_dossier(directory / OPENED)
        pins = tuple(player.pins[ledger] for ledger in sorted(player.pins))
        yield Played(
            directory,
            business,
            pins,
            store,
            chain,
            cut_off,
            read_dossier(directory / OPENED),
            player.refusals,
        )


def clear(directory: Path) -> None:
    """Removes what an earlier run has left of its world, and nothing else."""
    for name in _WORLD_FILES:
        for path in (directory / name, *(directory / (name + suffix) for suffix in _LEFT_BESIDE)):
            path.unlink(missing_ok=True)
    for name in (KEYS, DOSSIER, OPENED):
        for path in directory.glob(f"{name}.*.new"):
            path.unlink(missing_ok=True)


@dataclass
class _Player:
    """One business at work: the desk says what is signed, the relay sends it, the index follows."""

    business: Business
    chain: EmbeddedChain
    store: Store
    keys: Keyring
    pins: dict[int, Pin]
    desk: Desk
    done: int = 0
    refusals: dict[Step, Refusal] = field(default_factory=dict)
    report: Callable[[Progress], None] | None = None

    @classmethod
    def begun(
        cls, business: Business, chain: EmbeddedChain, store: Store, *, keys: Keyring, dossier: DossierFile
    ) -> _Player:
        """Founds registry and ledger: the registrar as party 1, the banks as 2, 3, …"""
        registrar = [party for party in business.parties.values() if party.role is RoleWord.REGISTRAR]
        founders = (*registrar, *business.banks())
        if [party.party for party in founders] != list(range(1, len(founders) + 1)) or len(registrar) != 1:
            raise InputError("parties.csv: one registrar is party 1, and the banks are 2, 3, … without a gap")
        made = [Founder(keys.add(party.party), 0, profile(party, dossier)) for party in founders]
        pin = deploy(chain, registrar=made[0], banks=made[1:])
        add_pin(store, pin)
        dossier.contract = pin.ledger
        player = cls(business, chain, store, keys, {1: pin}, Desk(business, dossier))
        player.open(1)
        return player

    def open(self, ledger: int) -> None:
        """A ledger begins: the first was founded with the registry, another succeeds the one before it."""
        if ledger not in self.pins:
            with relay.alone(self.store, self.chain):
                pin = deploy_successor(self.chain, predecessor=self.pins[ledger - 1])
            self.pins[ledger] = pin_successor(self.store, self.chain, ledger=pin.ledger)
        pin = self.pins[ledger]
        follow(self.store, self.chain)
        with self.store.reading() as session:
            world = worlds_of(session)[pin.ledger]
        self.desk.open(ledger, ledger_domain(pin.chain_id, pin.ledger), world)

    def play(self) -> None:
        """Admits, grants, then every day of the steps."""
        today = day_of_date(BEGIN)
        founded = {REGISTRAR, *(bank.party for bank in self.business.banks())}
        others = [party for party in self.business.parties.values() if party.party not in founded]
        lines = sorted(self.business.lines.values(), key=lambda line: (line.granted_on, line.line))
        stops = [row for row in self.business.ledgers.values() if row.stopped_on is not None]
        opened = {row.opened_on: row.ledger for row in self.business.ledgers.values() if row.ledger > 1}
        acts = [steps for steps in self.business.acts() if steps[0].verb not in OFF_CHAIN]
        total = len(others) + len(lines) + len(stops) + len(acts)
        self._travel(BEGIN)
        admissions = [
            self.desk.admission(party, to_canonical_address(self.keys.add(party.party)), on=today)
            for party in others
        ]
        self._send(admissions, on=BEGIN, total=total)
        days: dict[date, list[Callable[[], Act]]] = {}
        for row in stops:
            days.setdefault(row.stopped_on or row.opened_on, []).append(partial(self.desk.stop, row))
        for on in opened:
            days.setdefault(on, [])
        for line in lines:
            days.setdefault(line.granted_on, []).append(partial(self.desk.grant, line))
        for steps in acts:
            days.setdefault(steps[0].on, []).append(partial(self.desk.act, steps))
        for on in sorted(days):
            self._travel(on)
            if on in opened:
                self.open(opened[on])
            self._send([make() for make in days[on]], on=on, total=total)

    def check(self) -> None:
        """The rows made from the chain are what the model has come to; VerificationError where not."""
        with self.store.reading() as session:
            worlds = worlds_of(session)
            if any(worlds[pin.ledger] != self.desk.worlds[ledger] for ledger, pin in self.pins.items()):
                raise VerificationError("chain and model have come to different states: verify the database")

    def keep_dossier(self, opened: Path) -> None:
        """Writes the dossier, with the readable number of every voucher, and what of it the banks get."""
        for number, voucher in self.desk.ids.items():
            contract = self.pins[self.business.ledger_of(number)].ledger
            self.desk.dossier.number_voucher(number, voucher, contract)
        whole = self.desk.dossier
        whole.save()
        closed = {
            f"{row.number} {self.business.number_of(row.buyer)}"
            for row in self.business.invoices
            if not row.opened
        }
        invoices = [row for row in whole.content["invoices"] if row["text"] not in closed]
        DossierFile(opened, whole.contract, whole.invoice_salt, whole.content | {"invoices": invoices}).save()

    def _travel(self, on: date) -> None:
        morning = start_of_day(day_of_date(on)) + MORNING
        if morning > self.chain.now():
            self.chain.travel_to(morning)

    def _send(self, acts: Sequence[Act], *, on: date, total: int) -> None:
        numbers = {self._queue(act): act for act in acts}
        relay.run(self.store, self.chain)
        follow(self.store, self.chain)
        for number, act in numbers.items():
            outcome = relay.outcome(self.store, number)
            refusal = None if outcome is None else outcome.refusal
            name = None if refusal is None else refusal.name
            if outcome is None or name != act.refused_as:
                raise VerificationError(
                    f"{on}: the contract says {refusal or 'nothing'}, {act.refused_as or 'no refusal'} was expected"
                )
            if refusal is not None:
                self.refusals[act.steps[0]] = refusal
            self.done += 1
            if self.report is not None:
                self.report(Progress(on, self.done, total, act.steps))

    def _queue(self, act: Act) -> int:
        pin = self.pins[act.ledger]
        if isinstance(act.agreement, Unsigned):
            return relay.queue_unsigned(self.store, act.agreement, sequence=act.sequence, pin=pin)
        consents = [self._sign(party, act.agreement, pin) for party in act.signers]
        return relay.queue(
            self.store, act.agreement, consents, pin=pin, issued=act.issued, signers=act.signers
        )

    def _sign(self, party: PartyNumber, agreement: Agreement, pin: Pin) -> bytes:
        address = pin.registry if agreement.contract is Contract.REGISTRY else pin.ledger
        return self.keys.sign(party, agreement, domain=Domain(agreement.contract, pin.chain_id, address))
