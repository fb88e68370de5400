// SPDX-License-Identifier: UNLICENSED
pragma solidity 0.8.37;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {IERC7913SignatureVerifier} from "@openzeppelin/contracts/interfaces/IERC7913.sol";

/// Does what it is told: b burns all gas, l + size says yes with an answer that long, r + size reverts with one,
/// c + address + call data says yes unless the call that it makes first succeeds, f says yes the first time in a
/// transaction and no from then on; else yes.
abstract contract Hostile {
    bytes32 private _nothing;

    function _obey(bytes calldata order, bytes4 yes) internal returns (bytes4) {
        bytes1 word = order[0];
        if (word == "b") while (true) {}
        if (word == "l" || word == "r") _answer(yes, word == "r", uint32(bytes4(order[1:5])));
        if (word == "c") {
            (bool done,) = address(bytes20(order[1:21])).call(order[21:]);
            require(!done);
        }
        if (word == "f") {
            // it may write nothing down, but what was read before is cheaper to read
            uint256 before = gasleft();
            bytes32 read = _nothing;
            return read == 0 && before - gasleft() > 2_000 ? yes : bytes4(0xffffffff);
        }
        return yes;
    }

    function _answer(bytes32 yes, bool reverts, uint256 size) private pure {
        assembly ("memory-safe") {
            let answer := mload(0x40)
            mstore(answer, yes)
            if reverts { revert(answer, size) }
            return(answer, size)
        }
    }
}

// Neither is `view`, as the interfaces would have it: whoever asks has to make sure that nothing can change.

contract HostileWallet is Hostile {
    function isValidSignature(bytes32, bytes calldata signature) external returns (bytes4) {
        return _obey(signature, IERC1271.isValidSignature.selector);
    }
}

contract HostileVerifier is Hostile {
    function verify(bytes calldata, bytes32, bytes calldata signature) external returns (bytes4) {
        return _obey(signature, IERC7913SignatureVerifier.verify.selector);
    }
}
