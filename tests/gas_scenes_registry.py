"""Every verb of the registry at its plainest, so that its gas can be measured. Scenario: see gas_scenes.py."""

from __future__ import annotations

from typing import Final

from eth_utils.address import to_checksum_address

from ledger.agreements import (
    AcceptHandOver,
    FinishRekey,
    HandOver,
    ListVerifier,
    Reinstate,
    Rekey,
    Suspend,
    VetoRekey,
    WithdrawRekey,
)
from ledger.members import Contract
from tests.gas_signers import CAPS, owned
from tests.gas_yard import DEADLINE, SUPPLIERS, Item, Scene, Yard
from tests.rig import ARBITER, BANK, REGISTRAR

LISTED: Final = len(CAPS)
"""The settings sequence: so many verifiers were listed before."""


def suspend(y: Yard, count: int) -> list[Item]:
    return [y.standing(Suspend, party, 1) for party in y.admitted(count)]


def reinstate(y: Yard, count: int) -> list[Item]:
    parties = y.admitted(count)
    y.prepare(Contract.REGISTRY, [y.standing(Suspend, party, 1) for party in parties])
    return [y.standing(Reinstate, party, 2) for party in parties]


def rekey(y: Yard, count: int) -> list[Item]:
    return [
        y.item(Rekey(party, 1, new.cap, DEADLINE, new.named), party, new)  # type: ignore[arg-type]
        for party, new in zip(y.admitted(count), y.new_signers(count), strict=True)
    ]


def veto_rekey(y: Yard, count: int) -> list[Item]:
    return [y.item(VetoRekey(p, 2, DEADLINE), p) for p in y.recovering(count)]  # type: ignore[arg-type]


def withdraw_rekey(y: Yard, count: int) -> list[Item]:
    return [y.item(WithdrawRekey(p, 2, DEADLINE), REGISTRAR, BANK) for p in y.recovering(count)]  # type: ignore[arg-type]


def finish_rekey(y: Yard, count: int) -> list[Item]:
    parties = y.recovering(count)
    y.rig.pass_days(7)
    return [y.item(FinishRekey(p, 2, 0, DEADLINE)) for p in parties]  # type: ignore[arg-type]


def finish_vetoed_rekey(y: Yard, count: int) -> list[Item]:
    parties = y.recovering(count)
    y.prepare(Contract.REGISTRY, [y.item(VetoRekey(p, 2, DEADLINE), p) for p in parties])  # type: ignore[arg-type]
    y.rig.pass_days(30)
    return [y.item(FinishRekey(p, 3, ARBITER, DEADLINE), ARBITER) for p in parties]  # type: ignore[arg-type]


def list_verifier(y: Yard, count: int) -> list[Item]:
    """Any contract can be listed; here small ones, for what they cost to read is the same."""
    targets = owned(y.signers, range(count))
    code = y.rig.engine.code_hash(to_checksum_address(targets[0].named))
    return [
        y.item(ListVerifier(LISTED + n, each.named, 450_000, code, DEADLINE), REGISTRAR)  # type: ignore[arg-type]
        for n, each in enumerate(targets)
    ]


def hand_over(y: Yard, count: int) -> list[Item]:
    return [
        y.item(HandOver(LISTED + n, SUPPLIERS[n % len(SUPPLIERS)], DEADLINE), REGISTRAR)  # type: ignore[arg-type]
        for n in range(count)
    ]


def accept_hand_over(y: Yard, count: int) -> list[Item]:
    y.prepare(Contract.REGISTRY, hand_over(y, count))
    y.rig.pass_days(7)
    return [y.item(AcceptHandOver(LISTED + 1, DEADLINE), SUPPLIERS[0])]  # type: ignore[arg-type]


R: Final = Contract.REGISTRY
REGISTRY_SCENES: Final = (
    Scene(R, "admit", "", lambda y, n: y.admissions(n), by_kind=True),
    Scene(R, "suspend", "", suspend),
    Scene(R, "reinstate", "", reinstate),
    Scene(R, "rekey", "to the same kind", rekey, by_kind=True),
    Scene(R, "proposeRekey", "", lambda y, n: y.proposals(y.admitted(n)), by_kind=True),
    Scene(R, "vetoRekey", "", veto_rekey, by_kind=True),
    Scene(R, "withdrawRekey", "", withdraw_rekey),
    Scene(R, "finishRekey", "no veto", finish_rekey),
    Scene(R, "finishRekey", "after a veto", finish_vetoed_rekey),
    Scene(R, "listVerifier", "", list_verifier),
    Scene(R, "handOver", "", hand_over),
    Scene(R, "acceptHandOver", "", accept_hand_over, most=1),
)
