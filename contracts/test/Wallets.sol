// SPDX-License-Identifier: UNLICENSED
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";

/// A contract wallet of one owner; `pass` sends a call on, so that the wallet itself can be `msg.sender`.
contract OwnedWallet is IERC1271 {
    address private immutable _owner;

    constructor(address owner) {
        _owner = owner;
    }

    function isValidSignature(bytes32 hash, bytes calldata signature) external view returns (bytes4) {
        (address signer,,) = ECDSA.tryRecoverCalldata(hash, signature);
        return signer == _owner ? IERC1271.isValidSignature.selector : bytes4(0xffffffff);
    }

    function pass(address to, bytes calldata data) external {
        require(msg.sender == _owner);
        (bool done, bytes memory answer) = to.call(data);
        if (!done) {
            assembly ("memory-safe") {
                revert(add(answer, 0x20), mload(answer))
            }
        }
    }
}

/// A wallet that says yes, but only after it has burnt as much gas as it was told to.
contract SlowWallet is IERC1271 {
    uint256 private immutable _gas;

    constructor(uint256 gas_) {
        _gas = gas_;
    }

    function isValidSignature(bytes32, bytes calldata) external view returns (bytes4) {
        uint256 end = gasleft() - _gas;
        while (gasleft() > end) {}
        return IERC1271.isValidSignature.selector;
    }
}
