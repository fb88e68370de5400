"""Gas of every verb, alone and in batches of 10 and 100, measured on anvil (cancun) and kept in contracts/gas.csv.

    python -m tests.gas_report            measure and write contracts/gas.csv
    python -m tests.gas_report --check    measure, compare, write nothing; exit 1 where a figure differs
    python -m tests.gas_report --table    print, in Markdown, where each thousand goes in four verbs

The scenario is that of tests/gas_scenes.py. All figures are per agreement, in a batch rounded up. Nothing in it is left
to chance: keys, days and addresses are the same in every run, and a signature is worked out from key and digest
(RFC 6979) without a random number, so that the number of its zero bytes, which are cheaper, is the same too. So a
figure changes only when the contracts, the compiler settings or the scenario do, and is compared without any tolerance.
"""

from __future__ import annotations

import argparse
import csv
import io
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from typing import Final

from ledger import artifacts
from ledger.chain import RpcChain
from ledger.members import Contract
from ledger.signing import batch_calldata
from tests.engines import ROOT, anvil
from tests.gas_scenes import SCENES, Scene
from tests.gas_trace import ECRECOVER, TRANSACTION, calldata_gas, storage_gas, trace
from tests.gas_yard import Item, Yard
from tests.rig import GAS, SENDER, OnChain, Rig, Sent

FILE: Final = ROOT / "contracts" / "gas.csv"
BATCHES: Final = (1, 10, 100)

BOUNDS: Final[Mapping[tuple[str, str, int], int]] = {
    ("issue", "one new invoice", 1): 146_000,
    ("issue", "one new invoice", 100): 102_000,
    ("split", "one part, remainder kept", 1): 92_000,
    ("split", "one part, remainder kept", 100): 60_000,
    ("transfer", "whole", 1): 61_000,
    ("transfer", "whole", 100): 30_000,
    ("transfer", "of an earlier part", 1): 61_000,
    ("transfer", "of an earlier part", 100): 30_000,
    ("discount", "", 1): 62_000,
    ("assertPayment", "settlement, bank and payee", 1): 76_000,
    ("assertPayment", "settlement, bank and payee", 100): 36_000,
}
"""What the product promises never to exceed, by verb, case and batch."""


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement, gas per agreement.

    Of `gas`: `base` is a transaction's own 21,000, `calldata` its bytes, `signatures` ecrecover alone, `events` the
    logs, `storage` reads and writes in both contracts less what is given back (traced for the single call; in a batch
    it is part of `rest`), `rest` everything else: hashing, the call of the registry, guards, memory.
    """

    verb: str
    case: str
    batch: int
    gas: int
    bound: int | None
    base: int
    calldata: int
    signatures: int
    events: int
    storage: int | None
    rest: int


class Meter(OnChain):
    """Sends without simulating first, and does not ask the node what day it is while no time passes."""

    def __init__(self, chain: RpcChain) -> None:
        super().__init__(chain)
        self.node = chain
        self._now: int | None = None

    def send(self, to: str, data: bytes, *, sender: str = SENDER, gas: int = GAS) -> Sent:
        receipt = self.node.wait(self.node.send(data, to=to, gas=gas))  # type: ignore[arg-type]
        if not receipt.ok:
            return super().send(to, data, sender=sender, gas=gas)  # for its reason
        logs = tuple((str(log.address), log.topics, log.data) for log in receipt.logs)
        return Sent(True, b"", receipt.gas_used, logs)

    def now(self) -> int:
        if self._now is None:
            self._now = super().now()
        return self._now

    def travel(self, timestamp: int) -> None:
        super().travel(timestamp)
        self._now = timestamp


def measure(yard: Yard, meter: Meter, scene: Scene, batch: int) -> tuple[Row, Counter[str]]:
    """Prepares, sends, and takes apart; the parts that only a trace shows come for the single call."""
    items = scene.make(yard, batch)
    calls = [item.call for item in items]
    data = calls[0] if batch == 1 else batch_calldata(calls, False)
    address = yard.rig.address(scene.contract)
    parts: Counter[str] = Counter()
    if batch == 1:
        parts = trace(meter.node, address, data, gas=GAS, head_slot=head_slot(scene.contract))
    sent = yard.rig.send(address, data)
    assert not yard.rig.refused(sent), (scene, yard.rig.refused(sent))
    assert not parts or parts.total() == sent.gas, (scene, parts, sent.gas)
    return row_of(scene, batch, items, data, sent, parts), parts


def row_of(
    scene: Scene, batch: int, items: Sequence[Item], data: bytes, sent: Sent, parts: Mapping[str, int]
) -> Row:
    gas = -(-sent.gas // batch)
    known = {
        "base": TRANSACTION // batch,
        "calldata": calldata_gas(data) // batch,
        "signatures": ECRECOVER * sum(item.signatures for item in items) // batch,
        "events": sum(log_gas(topics, data) for _, topics, data in sent.logs) // batch,
    }
    storage = storage_gas(parts) if parts else None
    return Row(
        verb=scene.verb,
        case=scene.case,
        batch=batch,
        gas=gas,
        bound=BOUNDS.get((scene.verb, scene.case, batch)),
        storage=storage,
        rest=gas - sum(known.values()) - (storage or 0),
        **known,
    )


def log_gas(topics: Sequence[bytes], data: bytes) -> int:
    return 375 + 375 * len(topics) + 8 * len(data)


def head_slot(contract: Contract) -> int:
    name = "PartyRegistry" if contract is Contract.REGISTRY else "VoucherLedger"
    layout = artifacts.load(name).storage_layout["storage"]
    return next(int(entry["slot"]) for entry in layout if entry["label"] == "journalHead")


def measured(*, progress: bool = False) -> Iterator[tuple[Row, Counter[str]]]:
    """Every scene in every batch size, on a node of its own."""
    with anvil("cancun") as node:
        meter = Meter(node.chain())
        yard = Yard(Rig(meter))
        for scene in SCENES:
            for batch in BATCHES:
                found = measure(yard, meter, scene, batch)
                if progress:
                    print(f"{scene.verb} {scene.case}, {batch}: {found[0].gas:,}", file=sys.stderr)
                yield found


def as_csv(rows: Sequence[Row]) -> str:
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow([each.name for each in fields(Row)])
    table.writerows(astuple(row) for row in rows)
    return out.getvalue()


# ------------------------------------------------------------ where each thousand goes

SHOWN: Final = (
    ("transfer", "whole"),
    ("issue", "one new invoice"),
    ("split", "one part, remainder kept"),
    ("assertPayment", "settlement, bank and payee"),
)
LINES: Final = (
    ("the transaction itself", ("transaction",)),
    ("calldata: agreement and consents", ("calldata",)),
    ("signatures: ecrecover, 3,000 each", ("signature",)),
    ("registry: first call of it in the transaction, 2,600", ("call",)),
    ("registry: parties read, 2,100 each", ("check: cold read", "check: warm read")),
    ("registry: duties, roles, unpacking", ("check: computing", "check: hashing", "check: call")),
    ("ledger: words read first, 2,100 each", ("cold read", "warm read")),
    ("ledger: new words", ("new word",)),
    ("ledger: changed words", ("changed word",)),
    ("journal head: read and stored once", ("journal head",)),
    ("events", ("event",)),
    ("hashing: digest, keys, ids, journal", ("hashing",)),
    ("guards, computing, memory", ("computing",)),
    ("given back", ("refund",)),
)


def as_table(found: Sequence[tuple[Row, Counter[str]]]) -> str:
    """Markdown; each column adds up to its total."""
    columns = [parts for _, parts in found]
    named = {kind for _, kinds in LINES for kind in kinds}
    assert all(set(parts) <= named for parts in columns), "a kind of step without a line"
    heads = [f"`{row.verb}`, {row.case}" for row, _ in found]
    lines = [f"| gas | {' | '.join(heads)} |", "|---" * (len(heads) + 1) + "|"]
    for text, kinds in LINES:
        sums = [sum(parts[kind] for kind in kinds) for parts in columns]
        if any(sums):
            lines.append(f"| {text} | {' | '.join(f'{value:,}' for value in sums)} |")
    lines.append(f"| **together** | {' | '.join(f'**{row.gas:,}**' for row, _ in found)} |")
    return "\n".join(lines) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """0 done or equal, 1 a figure differs from the committed one or is above its bound."""
    parser = argparse.ArgumentParser(description="Measure the gas of every verb.")
    parser.add_argument("--check", action="store_true", help="compare with contracts/gas.csv, write nothing")
    parser.add_argument("--table", action="store_true", help="print where the gas of four verbs goes")
    options = parser.parse_args(arguments)
    if options.table:
        # the whole run, though four rows of it are shown: ids, and so the zero bytes, follow from what came before
        found = {(row.verb, row.case): (row, parts) for row, parts in measured() if row.batch == 1}
        print(as_table([found[name] for name in SHOWN]), end="")
        return 0
    rows = [row for row, _ in measured(progress=sys.stderr.isatty())]
    text = as_csv(rows)
    above = [row for row in rows if row.bound is not None and row.gas > row.bound]
    for row in above:
        print(
            f"{row.verb} {row.case}, batch {row.batch}: {row.gas:,} is above {row.bound:,}", file=sys.stderr
        )
    if not options.check:
        FILE.write_text(text, encoding="utf-8")
    elif not FILE.is_file() or FILE.read_text(encoding="utf-8") != text:
        print(f"{FILE.name} differs from what is measured: run this without --check", file=sys.stderr)
        return 1
    return 1 if above else 0


if __name__ == "__main__":
    sys.exit(main())
