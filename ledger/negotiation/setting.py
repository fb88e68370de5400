"""What negotiation works with: the pinned contracts, the sealed keys, the two clocks.

There are two clocks on purpose. Rules go by the time that the next block will have; sessions, tokens and throttling go
by the machine's, which nobody can move by travelling a demo chain.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache

from ledger.agreements import Agreement
from ledger.calendar import Day, Timestamp, day_of
from ledger.chain import Reader
from ledger.installation import Installation
from ledger.keys import Keyring
from ledger.members import Contract
from ledger.outbox import machine_clock
from ledger.pin import Pin
from ledger.rows_known import Known
from ledger.signing import Domain


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """`pins` in order of succession. `chain_clock` gives the next block's time as far as it can be known; both clocks
    give Unix seconds. `invoice_salt` goes into every invoice's fingerprint. `reader` asks contract wallets whether a
    signature is theirs."""

    pins: tuple[Pin, ...]
    ring: Keyring
    invoice_salt: bytes
    reader: Reader
    chain_clock: Callable[[], Timestamp]
    machine_clock: Callable[[], int]
    known: Known = field(default_factory=Known)
    """Rows that many judgements have in common."""

    @property
    def pin(self) -> Pin:
        """The newest ledger, which new promises are issued in."""
        return self.pins[-1]

    def pin_of(self, ledger: str) -> Pin:
        """The pin of one of the installation's ledgers; KeyError for another."""
        return {pin.ledger: pin for pin in self.pins}[ledger]  # type: ignore[index]

    @property
    def today(self) -> Day:
        """The China-time day on which the next block falls."""
        return day_of(self.chain_clock())


def setting_of(installation: Installation) -> Setting:
    """What negotiation works with, out of an open installation."""
    return Setting(
        pins=installation.pins,
        ring=installation.ring,
        invoice_salt=installation.invoice_salt,
        reader=installation.chain,
        chain_clock=installation.clock,
        machine_clock=machine_clock,
    )


def domain_of(agreement: Agreement | type[Agreement], pin: Pin) -> Domain:
    """The contract that an agreement is for."""
    return _domain(agreement.contract, pin)


@cache
def _domain(contract: Contract, pin: Pin) -> Domain:
    return Domain(contract, pin.chain_id, pin.registry if contract is Contract.REGISTRY else pin.ledger)
