"""Measures: a scene's agreements by every kind of signer, alone and in batches, each from the same state of the node.

All signatures are made for all; what is sent first changes nothing for what comes after, since the node's state is
taken back each time. A batch that does not fit one transaction of 16,000,000 gas is cut into the fewest of equal
size that do. A refused agreement stops the measurement.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from ledger import artifacts
from ledger.gas import CEILING
from ledger.members import Contract
from ledger.signing import batch_calldata
from tests.engines import Node, anvil
from tests.gas_node import Mark, Meter
from tests.gas_scenes import LEDGER_SCENES
from tests.gas_scenes_registry import REGISTRY_SCENES
from tests.gas_signers import KINDS, WALLET, Kind, Signers
from tests.gas_trace import ECRECOVER, TRANSACTION, calldata_gas, storage_gas, trace
from tests.gas_yard import CAST, LIMIT, SUPPLIERS, Item, Scene, Yard
from tests.rig import Rig, Sent

SCENES: Final = (*REGISTRY_SCENES, *LEDGER_SCENES)
BATCHES: Final = (1, 10, 100, 500)
NOBODY: Final = "nobody"

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
"""What the product promises never to exceed where wallet keys sign, by verb, case and batch."""


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement. `together` is the gas of all its transactions, everything behind it gas per agreement.

    Of `gas`: `base` is a transaction's own 21,000, `calldata` its bytes, `signatures` ecrecover alone (wallet keys
    only), `events` the logs, `storage` reads and writes in both contracts less what is given back (traced where wallet
    keys sign one agreement), `rest` everything else: hashing, the call of the registry, guards, memory, and whatever
    of the above is not told apart.
    """

    verb: str
    case: str
    signer: str
    batch: int
    transactions: int
    together: int
    gas: int
    bound: int | None
    base: int
    calldata: int
    signatures: int | None
    events: int
    storage: int | None
    rest: int

    @property
    def name(self) -> tuple[str, str, str, int]:
        return self.verb, self.case, self.signer, self.batch


Found = tuple[Row, Counter[str]]


@dataclass
class Place:
    """A node with both contracts, the cast, a line, and the verifiers on the list; `start`: with nothing else yet."""

    meter: Meter
    rig: Rig
    signers: Signers
    start: Mark

    @classmethod
    def on(cls, node: Node) -> Place:
        meter = Meter(node)
        rig = Rig(meter)
        for supplier in SUPPLIERS:
            rig.admit(supplier, 0)
        rig.grant(limit=LIMIT)
        signers = Signers(rig)
        signers.list_verifiers()
        return cls(meter, rig, signers, meter.mark())

    def measure(
        self, scene: Scene, kinds: Sequence[Kind] = (WALLET,), batches: Sequence[int] = BATCHES
    ) -> Iterator[Found]:
        """Every kind and batch of it. Where nobody signs, the first kind is the only one."""
        count = min(max(batches), scene.most)
        yard, items, prepared = self._prepared(scene, WALLET, count)
        for kind in kinds:
            if scene.by_kind and kind is not WALLET:
                self.start = self.meter.back(self.start)
                yard, items, prepared = self._prepared(scene, kind, count)
            else:
                prepared = self.meter.back(prepared)
            signing = [each for item in items for each in item.signers]
            yard.rekey(sorted({each for each in signing if isinstance(each, int) and each <= CAST}), kind)
            name = kind.name if signing else NOBODY
            yield from self._batches(scene, name, items, [yard.call(item) for item in items], batches)
            if not signing:
                break
        self.start = self.meter.back(self.start)

    def items(self, scene: Scene, count: int) -> list[Item]:
        """The agreements that `measure` measures."""
        _, items, _ = self._prepared(scene, WALLET, count)
        self.start = self.meter.back(self.start)
        return items

    def _prepared(self, scene: Scene, kind: Kind, count: int) -> tuple[Yard, list[Item], Mark]:
        self.rig.invoices = 0  # numbered from the beginning, as everything in a yard is
        yard = Yard(self.rig, self.signers, kind)
        items = scene.make(yard, count)
        return yard, items, self.meter.mark()

    def _batches(
        self, scene: Scene, signer: str, items: Sequence[Item], calls: Sequence[bytes], batches: Sequence[int]
    ) -> Iterator[Found]:
        ready, known = self.meter.mark(), 0
        for batch in batches:
            if batch > len(calls):
                continue
            parts: Counter[str] = Counter()
            if batch == 1 and signer in (WALLET.name, NOBODY):
                address, slot = self.rig.address(scene.contract), head_slot(scene.contract)
                parts = trace(self.meter.node, address, calls[0], gas=CEILING, head_slot=slot)
            # what is dear enough to be cut saves less than a tenth in a larger batch
            least = max(1, -(-known * batch * 9 // 10 // CEILING))
            sent, ready = self._fewest(scene.contract, calls[:batch], least, ready)
            row = row_of(scene, signer, items[:batch], sent, parts)
            known = row.gas
            assert not parts or parts.total() == row.together, (row, parts)
            yield row, parts

    def _fewest(
        self, contract: Contract, calls: Sequence[bytes], least: int, ready: Mark
    ) -> tuple[list[tuple[bytes, Sent]], Mark]:
        """Sends them in the fewest transactions in which they all land, and takes that back."""
        for count in range(least, len(calls) + 1):
            sent: list[tuple[bytes, Sent]] = []
            for part in cut(calls, count):
                data = part[0] if len(calls) == 1 else batch_calldata(part, False)
                sent.append((data, self.meter.attempt(self.rig.address(contract), data, gas=CEILING)))
                if not sent[-1][1].ok:
                    break
            ready = self.meter.back(ready)
            if sent[-1][1].ok:
                refused = [self.rig.refused(each) for _, each in sent]
                assert not any(refused), refused
                return sent, ready
        self.rig.send(
            self.rig.address(contract), calls[0], gas=CEILING
        )  # raises: it does not land even alone
        raise AssertionError("a batch of one does not land where the call itself does")


def cut(calls: Sequence[bytes], count: int) -> list[Sequence[bytes]]:
    """So many parts, equal but for one."""
    edges = [len(calls) * n // count for n in range(count + 1)]
    return [calls[start:end] for start, end in pairwise(edges)]


def row_of(
    scene: Scene,
    signer: str,
    items: Sequence[Item],
    sent: Sequence[tuple[bytes, Sent]],
    parts: Mapping[str, int],
) -> Row:
    batch, together = len(items), sum(each.gas for _, each in sent)
    gas = -(-together // batch)
    signatures = ECRECOVER * sum(len(item.signers) for item in items) // batch
    known: dict[str, int | None] = {
        "base": TRANSACTION * len(sent) // batch,
        "calldata": sum(calldata_gas(data) for data, _ in sent) // batch,
        "signatures": signatures if signer in (WALLET.name, NOBODY) else None,
        "events": sum(log_gas(topics, data) for _, each in sent for _, topics, data in each.logs) // batch,
        "storage": storage_gas(parts) if parts else None,
    }
    bound = BOUNDS.get((scene.verb, scene.case, batch)) if signer == WALLET.name else None
    rest = gas - sum(each or 0 for each in known.values())
    counts = {"batch": batch, "transactions": len(sent), "together": together, "gas": gas}
    return Row(verb=scene.verb, case=scene.case, signer=signer, **counts, bound=bound, **known, rest=rest)  # type: ignore[arg-type]


def log_gas(topics: Sequence[bytes], data: bytes) -> int:
    return 375 + 375 * len(topics) + 8 * len(data)


def head_slot(contract: Contract) -> int:
    name = "PartyRegistry" if contract is Contract.REGISTRY else "VoucherLedger"
    layout = artifacts.load(name).storage_layout["storage"]
    return next(int(entry["slot"]) for entry in layout if entry["label"] == "journalHead")


# ------------------------------------------------------------ everything


def measured(
    scenes: Sequence[Scene], kinds: Sequence[Kind] = (WALLET,), batches: Sequence[int] = BATCHES
) -> list[Found]:
    """These scenes by these kinds, each kind on a node with its rules; in the order of scenes and kinds."""
    found: list[Found] = []
    for rules in dict.fromkeys(kind.rules for kind in kinds):
        with anvil(rules) as node:
            place = Place.on(node)
            chosen = [kind for kind in kinds if kind.rules == rules]
            for scene in scenes:
                rows = place.measure(scene, chosen, batches)
                # where nobody signs the rules make no difference
                found += [each for each in rows if rules == kinds[0].rules or each[0].signer != NOBODY]
    return in_order(found)


def everything(workers: int, parts: int = 8) -> list[Found]:
    """All scenes by all kinds in all batches, on so many nodes at once."""
    tasks = [
        ([place for place in range(len(SCENES)) if place % parts == part], rules)
        for rules in dict.fromkeys(kind.rules for kind in KINDS)
        for part in range(parts)
    ]
    with ProcessPoolExecutor(workers) as pool:
        done = pool.map(_task, *zip(*tasks, strict=True))
        return in_order([each for part in done for each in part])


def _task(places: Sequence[int], rules: str) -> list[Found]:
    """By number, since a scene cannot be handed to another process."""
    kinds = [kind for kind in KINDS if kind.rules == rules]
    found = measured([SCENES[place] for place in places], kinds)
    return [each for each in found if rules == WALLET.rules or each[0].signer != NOBODY]


def in_order(found: Sequence[Found]) -> list[Found]:
    scenes = {(scene.verb, scene.case): place for place, scene in enumerate(SCENES)}
    kinds = {name: place for place, name in enumerate((NOBODY, *(kind.name for kind in KINDS)))}
    return sorted(
        found, key=lambda each: (scenes[each[0].verb, each[0].case], kinds[each[0].signer], each[0].batch)
    )
