"""A small contract for the chain tests: it counts, refuses, tells the time, and refuses to be built."""

from __future__ import annotations

from functools import cache

from ledger.artifacts import Artifact, compile_sources
from tests.engines import ROOT

SOURCE = """// SPDX-License-Identifier: UNLICENSED
pragma solidity 0.8.37;

contract Till {
    uint256 public total;
    address public immutable owner;

    event Put(address indexed by, uint256 amount, uint256 total);
    error OverLimit(uint256 asked, uint256 available);
    error WrongOwner(address owner, bytes32 proof, bytes note);

    constructor(address owner_) {
        if (owner_ == address(0)) revert WrongOwner(owner_, bytes32(uint256(7)), hex"c0ffee");
        owner = owner_;
    }

    function put(uint256 amount) external returns (uint256) {
        if (amount > 100) revert OverLimit(amount, 100);
        total += amount;
        emit Put(msg.sender, amount, total);
        return total;
    }

    function grumble() external pure { revert("no business today"); }
    function overflow(uint256 x) external pure returns (uint256) { return x + 1; }
    function moment() external view returns (uint256) { return block.timestamp; }
    function spin() external { while (true) total++; }
}
"""


@cache
def till() -> Artifact:
    return compile_sources({"Till.sol": SOURCE}, solc=ROOT / "contracts" / "solc")["Till"]
