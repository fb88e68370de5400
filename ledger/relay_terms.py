"""What a relay keeps to: its budgets, its patience, and what it saw of the chain at the start of a cycle.

Only numbers here: nothing is asked, nothing is decided.
"""

from __future__ import annotations

from dataclasses import dataclass

from ledger.chain import Address, Fees, Hash


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How a relay works. Times in seconds, gas in units, fees in wei per unit of gas."""

    gas_budget: int = 10_000_000
    """Gas that one batch may be given."""
    data_budget: int = 120_000
    """Bytes of call data in one batch: nodes take transactions of at most 128 KiB."""
    linger: int = 0
    """How long an item may wait for others to fill its batch."""
    depth: int = 0
    """Blocks on top of an item's block with which it is final."""
    most_open: int = 16
    """Batches of one account that are under way at the same time."""
    resend_after: int = 10
    """After how long without a receipt the same bytes are sent again."""
    replace_after: int = 60
    """After how long a transaction that keeps the others waiting is replaced by one with a higher fee."""
    most_replacements: int = 5
    highest_fee: int = 10**12
    most_attempts: int = 12
    """Batches that one item may be in before the relay gives it up."""
    most_refusals: int = 5
    """How often a node may refuse a transaction before its items are given up."""
    foreign_after: int = 3
    """How long a used nonce without a receipt of ours, a receipt without its logs or a block that is not there may be
    a node's slowness. A chain in this process has none."""
    lease: int = 15
    """How long an account stays a process's own without a sign of life."""
    wallet_budget: int = 20_000_000
    """Gas for the checks of one party's contract wallet on one China-time day."""
    drain: float = 6.0
    """How long what is under way is waited for after the signal to stop."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What the relay saw: the head and its time (Unix seconds), the account's mined transactions, today's price."""

    account: Address
    height: int
    head: Hash
    timestamp: int
    nonce: int
    fees: Fees
