// SPDX-License-Identifier: UNLICENSED
pragma solidity 0.8.37;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {MultiSignerERC7913} from "@openzeppelin/contracts/utils/cryptography/signers/MultiSignerERC7913.sol";

/// @title Signatories
/// @notice A signer of several members, some number of whom have to sign: for registrar and banks. Admitted as a contract
/// wallet (ERC-1271) with a gas cap that all of its members' checks fit in.
///
/// Members and threshold are fixed when it is made. Nobody administers it, it holds nothing, and all it ever does is to
/// answer; a party changes its members by `rekey` to a new one.
/// @dev A member is a wallet key or contract wallet (20 bytes), or an ERC-7913 verifier followed by a key. The registry's
/// allow-list does not bind members: who admits a wallet looks at its members first. They sign the agreement's digest, which
/// does not name the wallet: nobody should be a member for two parties that sign the same agreement.
contract Signatories is IERC1271, MultiSignerERC7913 {
    /// @param members each at least 20 bytes, none twice
    /// @param threshold_ how many of them sign, at least 1
    constructor(bytes[] memory members, uint64 threshold_) MultiSignerERC7913(members, threshold_) {}

    /// @inheritdoc IERC1271
    /// @param hash what each member signs: the agreement's digest, just as a party with one key would
    /// @param signature abi.encode(bytes[] members, bytes[] signatures), at least as many as the threshold, all of them good;
    /// cheapest in the order of the members' keccak256
    function isValidSignature(bytes32 hash, bytes calldata signature) external view returns (bytes4) {
        return _rawSignatureValidation(hash, signature) ? IERC1271.isValidSignature.selector : bytes4(0xffffffff);
    }
}
