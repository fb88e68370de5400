"""A Twin as a node that the health-checker can ask: the events that it has kept, and the storage of its contracts.

Each event stands in a block of its own, whose time is the event's; the last block is the present one. So the fuzz,
whose chain is bare revm without blocks, is examined by the very function that looks at production every night.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eth_utils.address import to_checksum_address

from ledger.chain import Address, Hash, Log
from ledger.events import RegistryEvent, encode
from ledger.pin import Pin
from tests.contract.chain_stage import Twin

_NOT_KEPT = Hash(bytes(32))


@dataclass(frozen=True, slots=True)
class TwinNode:
    """As `ledger.health.Node`. Storage is always that of now, whatever block is asked for."""

    twin: Twin

    @property
    def pin(self) -> Pin:
        """The two contracts; of chain and code nothing is pinned, for nothing could be compared with it."""
        rig = self.twin.rig
        return Pin(
            chain_id=rig.engine.chain_id,
            genesis_hash=_NOT_KEPT,
            registry=to_checksum_address(rig.registry),
            ledger=to_checksum_address(rig.ledger),
            registry_code=_NOT_KEPT,
            ledger_code=_NOT_KEPT,
        )

    def call(
        self, to: Address, data: bytes, *, block: int | None = None, sender: Address | None = None
    ) -> bytes:
        return self.twin.rig.engine.view(to, data)

    def height(self) -> int:
        return len(self.twin.events)

    def block_timestamp(self, number: int) -> int:
        events = self.twin.events
        return int(events[number][1] if number < len(events) else self.twin.now)

    def logs(self, from_block: int, to_block: int, *, addresses: Sequence[Address]) -> list[Log]:
        pin = self.pin
        found: list[Log] = []
        for number, (event, _) in enumerate(self.twin.events[: to_block + 1]):
            address = pin.registry if isinstance(event, RegistryEvent) else pin.ledger
            if number >= from_block and address in addresses:
                topics, data = encode(event)
                found.append(Log(address, topics, data, number, _NOT_KEPT, _NOT_KEPT, 0, 0))
        return found
