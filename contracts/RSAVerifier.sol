// SPDX-License-Identifier: UNLICENSED
pragma solidity 0.8.37;

import {ERC7913RSAVerifier} from "@openzeppelin/contracts/utils/cryptography/verifiers/ERC7913RSAVerifier.sol";

/// @title RSAVerifier
/// @notice OpenZeppelin's ERC-7913 verifier, for keys in one form alone. A key is abi.encode(bytes e, bytes n), and the
/// decoder takes the same two numbers with leading zeros, other offsets or bytes behind them too. Each of those would be
/// another signer to the registry: one key could serve two parties, and serve again after it was replaced.
contract RSAVerifier is ERC7913RSAVerifier {
    /// @inheritdoc ERC7913RSAVerifier
    function verify(bytes calldata key, bytes32 hash, bytes calldata signature) public view override returns (bytes4) {
        (bytes memory e, bytes memory n) = abi.decode(key, (bytes, bytes));
        if (e[0] == 0 || n[0] == 0 || keccak256(abi.encode(e, n)) != keccak256(key)) return 0xFFFFFFFF;
        return super.verify(key, hash, signature);
    }
}
