"""The two nodes of the simulator, and how they tell each other what they hear and make."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.simulator_node import SimNode
from tests.simulator_state import Made, States, Tx


@dataclass
class Network:
    """Two nodes. What one hears or makes the other knows at once, unless they are parted."""

    nodes: tuple[SimNode, SimNode]
    parted: bool = False

    def __post_init__(self) -> None:
        for node in self.nodes:
            node.said = self._tell

    def _tell(self, teller: SimNode, tx: Tx) -> None:
        if not self.parted:
            for node in self.nodes:
                if node is not teller:
                    node.hear(tx)

    def share(self, node: SimNode) -> None:
        """The others follow this node's branch, unless they are parted."""
        for other in self.nodes if not self.parted else ():
            if other is not node:
                other.adopt(node.blocks)

    def meet(self) -> None:
        """They are together again: the longer branch is the chain, and pools are told."""
        self.parted = False
        one, other = self.nodes
        longer = one if len(one.blocks) >= len(other.blocks) else other
        self.share(longer)
        for node in self.nodes:
            for tx in list(node.pool.values()):
                self._tell(node, tx)


def two_nodes(clock: Callable[[], int], salt: Callable[[], int], *, blocks: Sequence[Made] = ()) -> Network:
    """Both nodes on the same blocks, which were made by such a node."""
    states = States()
    one, other = (SimNode(name, clock, states, salt, list(blocks)) for name in ("A", "B"))
    if not blocks:
        other.adopt(one.blocks)
    return Network((one, other))
