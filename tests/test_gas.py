"""Gas: the committed figures are those that are measured now, and none is above what the product promises.

Measured again here: every verb by wallet keys, alone and in batches of 10 and 100, and every verb by every other kind
of signer alone. `make gas` measures all. The comparison has no tolerance; tests/gas_report.py says why none is needed.
A figure that changed is to be looked at, and then written down with `make gas`.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from ledger import artifacts
from ledger.gas import CEILING
from tests.gas_measure import BATCHES, BOUNDS, NOBODY, SCENES, Row, measured
from tests.gas_report import FILE, as_csv, read
from tests.gas_signers import KINDS, WALLET

NO_AGREEMENT = {"batch"}
UNSIGNED = {("completePayment", "disbursement"), ("completePayment", "settlement"), ("declareOverdue", "")}
UNSIGNED |= {("finishRekey", "no veto")}
PARTS = ("base", "calldata", "signatures", "events", "storage", "rest")
HEADROOM = 1_000_000
"""What a transaction has to have left when its last item begins: the cap of a signature check, the reserve."""
REFUNDED = 5 / 4
"""At most a fifth is given back in the end, and was needed before."""


@pytest.fixture(scope="module")
def committed() -> Sequence[Row]:
    return read()


def test_no_figure_is_above_what_is_promised(committed: Sequence[Row]) -> None:
    above = [row for row in committed if row.bound is not None and row.gas > row.bound]
    assert not above


def test_every_promised_bound_has_its_figure_by_wallet_keys(committed: Sequence[Row]) -> None:
    found = {(row.verb, row.case, row.batch): row for row in committed if row.bound is not None}
    assert {name: row.bound for name, row in found.items()} == BOUNDS
    assert {row.signer for row in found.values()} == {WALLET.name}


def test_no_transaction_is_given_more_than_the_ceiling_and_no_fewer_would_do(
    committed: Sequence[Row],
) -> None:
    for row in committed:
        assert row.together <= row.transactions * CEILING, row
        assert row.together * REFUNDED > (row.transactions - 1) * (CEILING - HEADROOM), row


def test_every_verb_has_a_scene() -> None:
    verbs = {
        entry["name"]
        for name in artifacts.CONTRACTS
        for entry in artifacts.load(name).abi
        if entry["type"] == "function" and entry["stateMutability"] == "nonpayable"
    } - NO_AGREEMENT
    assert {scene.verb for scene in SCENES} == verbs


def test_every_scene_is_measured_by_every_kind_of_signer_in_every_batch(committed: Sequence[Row]) -> None:
    wanted = [
        (scene.verb, scene.case, signer, batch)
        for scene in SCENES
        for signer in ([NOBODY] if (scene.verb, scene.case) in UNSIGNED else [kind.name for kind in KINDS])
        for batch in BATCHES
        if batch <= scene.most
    ]
    assert [row.name for row in committed] == wanted


def test_what_a_figure_is_made_of_adds_up_to_it(committed: Sequence[Row]) -> None:
    for row in committed:
        parts = [getattr(row, part) or 0 for part in PARTS]
        assert sum(parts) == row.gas == -(-row.together // row.batch), row
        assert min(parts) >= 0, row


def test_in_a_batch_an_agreement_is_cheaper_the_more_there_are(committed: Sequence[Row]) -> None:
    before: dict[tuple[str, str, str], Row] = {}
    for row in committed:
        last = before.get(row.name[:3])
        # once it is cut, a larger batch saves less than P-256 in Solidity differs from signature to signature
        dearest = row.gas if row.transactions == 1 else row.gas * 0.995
        assert last is None or last.gas > dearest, row
        before[row.name[:3]] = row


def test_a_precompile_saves_nine_tenths_of_what_a_p256_signature_costs(committed: Sequence[Row]) -> None:
    gas = {row.signer: row.gas for row in committed if row.name[:2] == ("suspend", "") and row.batch == 100}
    for kind in ("P-256", "WebAuthn"):
        with_it, without = (gas[name] - gas[WALLET.name] for name in (kind, f"{kind} without precompile"))
        assert without > 10 * with_it


def test_the_committed_figures_are_what_is_measured(committed: Sequence[Row]) -> None:
    now = [row for row, _ in measured(SCENES, (WALLET,), (1, 10, 100))]
    now += [row for row, _ in measured(SCENES, KINDS[1:], (1,)) if row.signer != NOBODY]
    old = {row.name: row for row in committed}
    different = [
        f"{new.name}: {old[new.name].gas} committed, {new.gas} measured"
        for new in now
        if old[new.name] != new
    ]
    assert not different


def test_the_file_is_written_as_it_is_read(committed: Sequence[Row]) -> None:
    assert FILE.read_text(encoding="utf-8") == as_csv(committed)
