// SPDX-License-Identifier: UNLICENSED
pragma solidity 0.8.37;

/// @title Accounts
/// @notice The address under which explorers show a party: the 16 letters "Tallystick party", then its number. Nobody
/// holds a key to one; finding a key to any of them takes 2^128 tries.
library Accounts {
    uint256 private constant PREFIX = uint256(uint128(bytes16("Tallystick party"))) << 32;

    /// @param party its number; 0 gives the zero address
    function ofParty(uint256 party) internal pure returns (address) {
        return party == 0 ? address(0) : address(uint160(PREFIX | party));
    }
}
