// SPDX-License-Identifier: UNLICENSED
pragma solidity 0.8.37;

import {Strings} from "@openzeppelin/contracts/utils/Strings.sol";

/// @title Metadata
/// @notice What an explorer shows of a voucher, as ERC-721's metadata JSON: nothing that is not on the chain anyhow.
library Metadata {
    /// @param face fen
    /// @param dueDay China-time day; shown as the second at which it begins
    /// @param locks bits of State.sol's Lock
    /// @dev Percent-encoded, where it has to be, instead of Base64: 700 bytes less.
    function uri(uint256 face, uint256 dueDay, uint256 tier, uint256 locks) internal pure returns (string memory) {
        return string.concat(
            "data:application/json,%7B%22name%22:%22Voucher%22,%22attributes%22:%5B",
            _attribute("face,%20fen", face),
            ",",
            _attribute("due", dueDay * 86_400 - 28_800),
            ",",
            _attribute("tier", tier),
            ",",
            _attribute("locks", locks),
            "%5D%7D"
        );
    }

    function _attribute(string memory name, uint256 value) private pure returns (string memory) {
        return string.concat("%7B%22trait_type%22:%22", name, "%22,%22value%22:", Strings.toString(value), "%7D");
    }
}
