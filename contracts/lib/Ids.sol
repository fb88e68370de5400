// SPDX-License-Identifier: UNLICENSED
pragma solidity 0.8.37;

import {Hashes} from "@openzeppelin/contracts/utils/cryptography/Hashes.sol";

/// @title Ids
/// @notice What is in an id, and the ids that follow from others.
library Ids {
    /// The root voucher of the promise that an issue agreement's digest makes.
    function rootOf(bytes32 digest) internal pure returns (uint256) {
        return uint256(digest) << 96;
    }

    /// @param part number of the part, from 0, in the split of `voucher` at `sequence`
    function childOf(uint256 voucher, uint256 sequence, uint256 part) internal pure returns (uint256) {
        return (voucher >> 96 << 96) | uint96(uint256(keccak256(abi.encode(voucher, sequence, part))));
    }

    function bankOf(uint64 line) internal pure returns (uint256) {
        return line >> 32;
    }

    /// @param parentReference the bank's own reference of the parent line
    function parentOf(uint64 line, uint256 parentReference) internal pure returns (uint64) {
        return uint64((line >> 32 << 32) | parentReference);
    }

    function invoiceKey(uint256 payer, bytes32 fingerprint) internal pure returns (bytes32) {
        return Hashes.efficientKeccak256(bytes32(payer), fingerprint);
    }

    function orderKey(bytes32 order, uint256 voucher) internal pure returns (bytes32) {
        return Hashes.efficientKeccak256(order, bytes32(voucher));
    }
}
