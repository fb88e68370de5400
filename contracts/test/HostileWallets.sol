// SPDX-License-Identifier: UNLICENSED
pragma solidity 0.8.37;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";

/// A contract wallet that does what the signature tells it: b burns all gas, l + size says yes with an answer that long,
/// r + size reverts with one, c + address + call data says yes unless the call that it makes first succeeds; else yes.
contract HostileWallet {
    /// Not `view`, as IERC1271 would have it: whoever asks has to make sure that nothing can change.
    function isValidSignature(bytes32, bytes calldata signature) external returns (bytes4) {
        bytes1 order = signature[0];
        if (order == "b") while (true) {}
        if (order == "l" || order == "r") _answer(order == "r", uint32(bytes4(signature[1:5])));
        if (order == "c") {
            (bool done,) = address(bytes20(signature[1:21])).call(signature[21:]);
            require(!done);
        }
        return IERC1271.isValidSignature.selector;
    }

    function _answer(bool reverts, uint256 size) private pure {
        bytes32 yes = IERC1271.isValidSignature.selector;
        assembly ("memory-safe") {
            let answer := mload(0x40)
            mstore(answer, yes)
            if reverts { revert(answer, size) }
            return(answer, size)
        }
    }
}
