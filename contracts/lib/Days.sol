// SPDX-License-Identifier: UNLICENSED
pragma solidity 0.8.37;

/// @title Days
/// @notice China time (UTC+8) days since 1970-01-01; day(t) = floor((t + 28,800) / 86,400).
library Days {
    function today() internal view returns (uint256) {
        unchecked {
            return (block.timestamp + 28_800) / 86_400;
        }
    }
}
