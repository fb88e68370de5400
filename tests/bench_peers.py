"""The public ERC-3525 reference and OpenZeppelin's ERC-721, measured as their users use them.

The holder sends the call itself and signs nothing else; a batch is the library's own Multicall, in one transaction
however much gas that takes. Compiled at run time from npm's packages with solc's usual optimizer; nothing of
theirs is kept here. See contracts/test/peers/Peers.sol for the little that is added.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final

import solcx
from eth_abi.abi import encode as abi_encode
from eth_utils.crypto import keccak

from tests.engines import ROOT
from tests.gas_node import PLENTY, Meter

SOURCE: Final = "contracts/test/peers/Peers.sol"
SETTINGS: Final = {
    "evmVersion": "cancun",
    "optimizer": {"enabled": True, "runs": 200},
    "remappings": [
        "@solvprotocol/erc-3525/:@openzeppelin/=@solvprotocol/erc-3525/node_modules/@openzeppelin/"
    ],
    "outputSelection": {SOURCE: {"*": ["evm.bytecode.object"]}},
}
RECIPIENTS: Final = 12
HELD: Final = 200
"""What the holder has before; it never gives its last ones away, so that no enumeration becomes shorter than usual."""
FIRST: Final = 1_000_000
"""The lowest id that is minted by number; the reference counts parts from 1 on."""
VALUE, PART = 1_000_000_00, 300_000_00
FIRST_ONE, ONE_MORE = "first", "one more"


@cache
def compiled() -> Mapping[str, bytes]:
    """Creation code by name."""
    request = {
        "language": "Solidity",
        "sources": {SOURCE: {"content": (ROOT / SOURCE).read_text("utf-8")}},
        "settings": SETTINGS,
    }
    answer = solcx.compile_standard(request, solc_binary=(ROOT / "contracts/solc").resolve(), allow_paths=".")
    made = answer["contracts"][SOURCE]
    return {name: bytes.fromhex(each["evm"]["bytecode"]["object"]) for name, each in made.items()}


class Peer:
    """One of the two on a node. The first of the node's accounts holds, the others receive."""

    def __init__(self, meter: Meter, contract: str) -> None:
        self.meter, self.contract = meter, contract
        self.address = meter.deploy(compiled()[contract])
        self.holder, *others = meter.accounts
        self.recipients = others[:RECIPIENTS]
        assert len(self.recipients) == RECIPIENTS
        self._send(self._together([self.mint(self.holder, FIRST + n) for n in range(HELD)]))

    @property
    def splits(self) -> bool:
        return self.contract == "PeerERC3525"

    def gas(self, duty: str, batch: int, recipient: str) -> int | None:
        """Gas of each, rounded up; None where there is no such thing. `recipient`: has it held any before?"""
        if duty == "split" and not self.splits:
            return None
        start = self.meter.mark()
        if recipient == ONE_MORE:
            before = [self.mint(to, FIRST + HELD + n) for n, to in enumerate(self.recipients)]
            self._send(self._together(before))
        calls = [self._call(duty, n, self.recipients[n % RECIPIENTS]) for n in range(batch)]
        used = self._send(calls[0] if batch == 1 else self._together(calls))
        self.meter.back(start)
        return -(-used // batch)

    def mint(self, to: str, token: int) -> bytes:
        if self.splits:
            return _encoded("mint(address,uint256,uint256,uint256)", to, token, 1, VALUE)
        return _encoded("mint(address,uint256)", to, token)

    def _call(self, duty: str, number: int, to: str) -> bytes:
        token = FIRST + number
        match duty:
            case "issue":
                return self.mint(to, FIRST + 2 * HELD + number)
            case "split":
                return _encoded("transferFrom(uint256,address,uint256)", token, to, PART)
        return _encoded("transferFrom(address,address,uint256)", self.holder, to, token)

    def _together(self, calls: Sequence[bytes]) -> bytes:
        return _encoded("multicall(bytes[])", list(calls))

    def _send(self, data: bytes) -> int:
        sent = self.meter.send(self.address, data, sender=self.holder, gas=PLENTY)
        assert sent.ok, sent.output
        return sent.gas


def _encoded(signature: str, *values: object) -> bytes:
    types = signature[signature.index("(") + 1 : -1].split(",")
    return keccak(text=signature)[:4] + abi_encode(types, list(values))
