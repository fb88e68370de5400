// SPDX-License-Identifier: UNLICENSED
pragma solidity 0.8.37;

/// @title IDoor
/// @notice What the registry and the ledger have in common: agreements come in alone or in batches, and everything
/// that happens enters one running hash.
///
/// A verb takes an agreement and one consent per duty, in the order that the verb's documentation names, packed into one
/// `bytes`: two bytes of length, then the consent. A consent is the 65-byte secp256k1 signature (r, s, v; low s) of a wallet
/// key over the EIP-712 digest; the ERC-1271 signature of a contract wallet; or empty (length 0) where `msg.sender` is that
/// party's signer. Of a signer with an ERC-7913 verifier the registry keeps only the hash, so its consent is two bytes of length,
/// the signer's bytes, then the signature, and is never empty. (As `bytes[]` consents cost about 1,100 gas more a verb.)
interface IDoor {
    /// @notice Item `index` of a batch was refused; nothing of it happened. `reason` is the ABI-encoded custom error.
    /// Not part of the journal: a refusal changes nothing.
    event Refused(uint256 index, bytes reason);

    /// @notice The deadline (Unix seconds) has passed.
    error AgreementExpired(uint256 deadline, uint256 timestamp);
    /// @notice One whole consent per duty is wanted, empty ones included; a last one that is cut short counts as given.
    error ConsentCount(uint256 expected, uint256 given);
    /// @notice The call was given too little gas to judge an agreement. Never recorded as a refusal: it stops the call.
    error GasTooLow(uint256 needed, uint256 left);
    /// @notice Item `index` stopped the whole batch: with `allOrNothing` any refusal does, without it only want of gas
    /// (empty `reason`) or an item that is no call of a verb.
    error BatchStopped(uint256 index, bytes reason);
    /// @notice A batch cannot be an item of a batch.
    error NestedBatch();
    /// @notice The agreement names another sequence number than the present one: it was used, overtaken or revoked.
    error WrongSequence(uint256 id, uint256 given, uint256 present);

    /// @notice Runs many agreements in one transaction, each as if it came alone from `msg.sender`.
    /// @param items calls of this contract's verbs, ABI-encoded
    /// @param allOrNothing false: a refused item is reported by `Refused` and the others are done; true: it stops all.
    /// It binds only the submitter; each agreement must be safe alone.
    /// @dev Requires enough gas for each item: `GasTooLow` or an item that ran dry reverts the whole call.
    function batch(bytes[] calldata items, bool allOrNothing) external;

    /// @notice Running hash over all events of this contract except `Refused` and ERC-721's `Transfer`:
    /// head' = keccak256(head ‖ keccak256(topic0 ‖ fields as words)), from the EIP-712 domain separator on. Stored once per
    /// call.
    function journalHead() external view returns (bytes32);
}
