// SPDX-License-Identifier: UNLICENSED
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {IDoor} from "./interfaces/IDoor.sol";
import {Duty, Need, duty} from "./Types.sol";

/// @title Door
/// @notice The one way in, shared by both contracts: what a verb asks of an agreement, batches, and the journal.
abstract contract Door is IDoor, EIP712 {
    /// Enough for the refusal of any item; an item that needs more and does not get it stops the whole batch.
    uint256 private constant ITEM_GAS = 100_000;

    /// @inheritdoc IDoor
    bytes32 public journalHead;

    /// The journal head while a call is under way; 0 outside.
    bytes32 private transient _head;

    /// Loads the journal head at the start of a call and stores it once at the end, whatever happens between.
    modifier door() {
        bool outermost = _enter();
        _;
        if (outermost) _leave();
    }

    /// @inheritdoc IDoor
    function batch(bytes[] calldata items, bool allOrNothing) external {
        if (!_enter()) revert NestedBatch();
        for (uint256 i; i < items.length; ++i) {
            if (gasleft() < ITEM_GAS) revert GasTooLow(ITEM_GAS, gasleft());
            (bool done, bytes memory reason) = address(this).delegatecall(items[i]);
            if (done) continue;
            // no reason: the item ran out of gas (or is no call at all), which says nothing about the agreement
            if (allOrNothing || reason.length < 4 || bytes4(reason) == GasTooLow.selector) {
                revert BatchStopped(i, reason);
            }
            emit Refused(i, reason);
        }
        _leave();
    }

    constructor() {
        journalHead = _domainSeparatorV4();
    }

    function _enter() private returns (bool outermost) {
        outermost = _head == 0;
        if (outermost) _head = journalHead;
    }

    function _leave() private {
        journalHead = _head;
        _head = 0;
    }

    function _log(bytes32 topic0, uint256 subject) internal {
        _log(topic0, subject, 0, 0, 0, 0, 0, 0, 0);
    }

    function _log(bytes32 topic0, uint256 subject, uint256 a) internal {
        _log(topic0, subject, a, 0, 0, 0, 0, 0, 1);
    }

    function _log(bytes32 topic0, uint256 subject, uint256 a, uint256 b) internal {
        _log(topic0, subject, a, b, 0, 0, 0, 0, 2);
    }

    function _log(bytes32 topic0, uint256 subject, uint256 a, uint256 b, uint256 c) internal {
        _log(topic0, subject, a, b, c, 0, 0, 0, 3);
    }

    function _log(bytes32 topic0, uint256 subject, uint256 a, uint256 b, uint256 c, uint256 d) internal {
        _log(topic0, subject, a, b, c, d, 0, 0, 4);
    }

    /// Emits an event and adds it to the journal.
    /// @param subject the event's first field and its one indexed one
    /// @param count how many of the six fields that follow it has
    /// @dev By hand, as the first half of `_record` (its 1,130 bytes, 170 gas per event).
    function _log(
        bytes32 topic0,
        uint256 subject,
        uint256 a,
        uint256 b,
        uint256 c,
        uint256 d,
        uint256 e,
        uint256 f,
        uint256 count
    ) internal {
        assembly ("memory-safe") {
            let data := add(mload(0x40), 0x40)
            mstore(data, a)
            mstore(add(data, 0x20), b)
            mstore(add(data, 0x40), c)
            mstore(add(data, 0x60), d)
            mstore(add(data, 0x80), e)
            mstore(add(data, 0xa0), f)
        }
        _record(topic0, subject, count);
    }

    /// For events that repeat what was signed: words of the agreement come first. The verb has read each of them, and so
    /// checked its range.
    /// @param start where in the calldata they stand
    /// @param signed how many they are
    /// @param count how many of a, b follow them
    /// @dev By hand, as the first half of `_record` (its 1,130 bytes, 170 gas per event).
    function _logSigned(
        bytes32 topic0,
        uint256 subject,
        uint256 start,
        uint256 signed,
        uint256 a,
        uint256 b,
        uint256 count
    ) internal {
        assembly ("memory-safe") {
            let data := add(mload(0x40), 0x40)
            let tail := add(data, shl(5, signed))
            calldatacopy(data, start, shl(5, signed))
            mstore(tail, a)
            mstore(add(tail, 0x20), b)
        }
        _record(topic0, subject, signed + count);
    }

    /// Emits the event whose fields stand two words behind the free memory pointer, and adds it to the journal: entry =
    /// keccak256(topic0 ‖ subject ‖ fields).
    /// @dev By hand, because `emit` and abi.encode, once for the log and once for the journal, cost 1,130
    /// bytes more, and 170 gas per event.
    function _record(bytes32 topic0, uint256 subject, uint256 count) private {
        assembly ("memory-safe") {
            let entry := mload(0x40)
            let size := shl(5, count)
            mstore(entry, topic0)
            mstore(add(entry, 0x20), subject)
            log2(add(entry, 0x40), size, topic0, subject)
            mstore(0x20, keccak256(entry, add(size, 0x40)))
            mstore(0x00, tload(_head.slot))
            tstore(_head.slot, keccak256(0x00, 0x40))
        }
    }

    /// Checks deadline and consents of an agreement without arrays. Its words stand in the calldata just as they are signed,
    /// directly behind the selector, the deadline last; a member that a verb reads is range-checked where it is read.
    /// @param count how many words
    function _agree(bytes32 typeHash, uint256 count, Duty[] memory duties, bytes calldata consents) internal view {
        uint256 deadline = uint256(bytes32(msg.data[32 * count - 28:]));
        _agreeOn(_digest(typeHash, 4, count, 0, 0, 0), deadline, duties, consents);
    }

    function _agree(bytes32 typeHash, uint256 count, Duty a, bytes calldata consents) internal view {
        _agree(typeHash, count, _duties(a), consents);
    }

    function _agree(bytes32 typeHash, uint256 count, Duty a, Duty b, bytes calldata consents) internal view {
        _agree(typeHash, count, _duties(a, b), consents);
    }

    function _agreeOn(bytes32 digest, uint256 deadline, Duty[] memory duties, bytes calldata consents) internal view {
        if (block.timestamp > deadline) revert AgreementExpired(deadline, block.timestamp);
        _checkConsents(digest, duties, consents);
    }

    /// The EIP-712 digest of an agreement.
    /// @param start where in the calldata its words stand
    /// @param count how many words it has before its arrays or bytes, which are its last members
    /// @param tailA the EIP-712 hash of the first of these
    /// @param tailB the EIP-712 hash of the second
    /// @param tails how many there are
    /// @dev By hand: bytes.concat copies twice (190 bytes, 570 gas).
    function _digest(bytes32 typeHash, uint256 start, uint256 count, bytes32 tailA, bytes32 tailB, uint256 tails)
        internal
        view
        returns (bytes32)
    {
        bytes32 structHash;
        assembly ("memory-safe") {
            let free := mload(0x40)
            let size := shl(5, count)
            let tail := add(free, add(size, 0x20))
            mstore(free, typeHash)
            calldatacopy(add(free, 0x20), start, size)
            mstore(tail, tailA)
            mstore(add(tail, 0x20), tailB)
            structHash := keccak256(free, add(add(size, 0x20), shl(5, tails)))
        }
        return _hashTypedDataV4(structHash);
    }

    function _checkConsents(bytes32 digest, Duty[] memory duties, bytes calldata consents) internal view virtual;

    /// The consent that starts at `start`, and where the next one starts; beyond the end where there is none.
    /// @dev By hand: slices of slices check the same bounds three times (140 bytes, 280 gas per consent).
    function _consentAt(bytes calldata consents, uint256 start)
        internal
        pure
        returns (bytes calldata consent, uint256 next)
    {
        assembly ("memory-safe") {
            next := add(start, 2)
            consent.offset := consents.offset
            consent.length := 0
            if iszero(gt(next, consents.length)) {
                let length := shr(240, calldataload(add(consents.offset, start)))
                consent.offset := add(consents.offset, next)
                next := add(next, length)
                if iszero(gt(next, consents.length)) { consent.length := length }
            }
        }
    }

    /// How many consents there are; a last one that is cut short counts.
    function _countOf(bytes calldata consents) internal pure returns (uint256 count) {
        for (uint256 start; start < consents.length; ++count) (, start) = _consentAt(consents, start);
    }

    function _duties(Duty a) internal pure returns (Duty[] memory) {
        return _duties(a, a, 1);
    }

    function _duties(Duty a, Duty b) internal pure returns (Duty[] memory) {
        return _duties(a, b, 2);
    }

    function _duties(Duty a, Duty b, Duty c) internal pure returns (Duty[] memory duties) {
        duties = new Duty[](3);
        (duties[0], duties[1], duties[2]) = (a, b, c);
    }

    /// @dev By hand: `new` clears what is written over at once (200 bytes, 270 gas).
    /// @param count how many of the two are meant
    function _duties(Duty a, Duty b, uint256 count) private pure returns (Duty[] memory duties) {
        assembly ("memory-safe") {
            duties := mload(0x40)
            mstore(duties, count)
            mstore(add(duties, 0x20), a)
            mstore(add(duties, 0x40), b)
            mstore(0x40, add(duties, 0x60))
        }
    }

    function _byRegistrar() internal pure returns (Duty) {
        return duty(0, Need.REGISTRAR);
    }
}
