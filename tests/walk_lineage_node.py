"""The contracts of a walk as a node that the health-checker can ask."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from eth_utils.address import to_checksum_address

from ledger.calendar import Timestamp
from ledger.chain import NOBODY, Address, Hash, Log
from ledger.events import Event, encode
from ledger.pin import Pin

if TYPE_CHECKING:
    from tests.walk_lineage import Lineage

_NOT_KEPT: Final = Hash(bytes(32))


@dataclass(frozen=True, slots=True)
class LineageNode:
    """The lineage as a node that the health-checker can ask. Each event stands in a block of its own; storage is
    always that of now."""

    lineage: Lineage

    def pin(self, door: int) -> Pin:
        """A ledger with the registry; of chain and code nothing is pinned, for nothing could be compared with it."""
        registry, ledger = (to_checksum_address(self.lineage.doors[at]) for at in (0, door))
        before = to_checksum_address(self.lineage.doors[door - 1]) if door > 1 else NOBODY
        chain_id = self.lineage.engine.chain_id
        return Pin(chain_id, _NOT_KEPT, registry, ledger, _NOT_KEPT, _NOT_KEPT, before)

    def call(
        self, to: Address, data: bytes, *, block: int | None = None, sender: Address | None = None
    ) -> bytes:
        return self.lineage.engine.view(to, data)

    def _blocks(self) -> Iterator[tuple[int, Event, Timestamp]]:
        for door, events in enumerate(self.lineage.events):
            for event, timestamp in events:
                yield door, event, timestamp

    def height(self) -> int:
        return sum(map(len, self.lineage.events))

    def block_timestamp(self, number: int) -> int:
        for door_events in self.lineage.events:
            if number < len(door_events):
                return int(door_events[number][1])
            number -= len(door_events)
        return int(self.lineage.now)

    def logs(self, from_block: int, to_block: int, *, addresses: Sequence[Address]) -> list[Log]:
        found: list[Log] = []
        doors = [to_checksum_address(door) for door in self.lineage.doors]
        for number, (door, event, _) in enumerate(self._blocks()):
            address = doors[door]
            if from_block <= number <= to_block and address in addresses:
                topics, data = encode(event)
                found.append(Log(address, topics, data, number, _NOT_KEPT, _NOT_KEPT, 0, 0))
        return found
