// SPDX-License-Identifier: UNLICENSED
pragma solidity 0.8.37;

import {Invoice, Part} from "../Types.sol";

/// @title AgreementTypes
/// @notice EIP-712 type hashes of every agreement, and the hashes of their two array members.
/// @dev Literals, because the compiler keeps the strings in the code and hashes them at run time (4,300 bytes); a test
/// recomputes each from the line above it.
library AgreementTypes {
    // registry
    /// Admit(uint32 party,uint16 roles,uint32 sponsor,uint32 signatureGas,bytes32 profile,uint40 deadline,bytes signer)
    bytes32 internal constant ADMIT =
        0x83edac2e5254442974431db9bfe95ae2bdf0639c2e6c295085a56de169b64d99;
    /// Suspend(uint32 party,uint32 sequence,bytes32 reason,uint40 deadline)
    bytes32 internal constant SUSPEND =
        0x274a258524c85dd21faae353e7016324b6a3b7276b2fb7fd891ba34e7a8639a4;
    /// Reinstate(uint32 party,uint32 sequence,bytes32 reason,uint40 deadline)
    bytes32 internal constant REINSTATE =
        0xebf3508d9bc1da4c1105f1090c1e56147319b56d524c1da62fb8192b318ed1ac;
    /// Rekey(uint32 party,uint32 sequence,uint32 signatureGas,uint40 deadline,bytes signer)
    bytes32 internal constant REKEY =
        0xfa3a73c30e08c829429ae29787a2221d746aa3fc8e40b4bc9d7586f882ac81e0;
    /// ProposeRekey(uint32 party,uint32 sequence,uint32 signatureGas,uint40 deadline,bytes signer)
    bytes32 internal constant PROPOSE_REKEY =
        0xbcb02110af545a50e80ea0aea2daa8f146727c4bbaac7077be46bda4f722d4a0;
    /// VetoRekey(uint32 party,uint32 sequence,uint40 deadline)
    bytes32 internal constant VETO_REKEY =
        0x3f53d7e3e45de6ac01f1303a613751a89a4bc2fef3ad70d55529fd943befff55;
    /// WithdrawRekey(uint32 party,uint32 sequence,uint40 deadline)
    bytes32 internal constant WITHDRAW_REKEY =
        0xd8df59fffc74028091c091d225af259bfe46a2fedeb3a6199cdda48421fb25c6;
    /// FinishRekey(uint32 party,uint32 sequence,uint32 arbiter,uint40 deadline)
    bytes32 internal constant FINISH_REKEY =
        0x12a0cc1028ea56acaf0fb79d9834b70222ee9550b3f045e7c889ae10bde355e1;
    /// ListVerifier(uint32 sequence,address verifier,uint32 signatureGas,bytes32 codeHash,uint40 deadline)
    bytes32 internal constant LIST_VERIFIER =
        0xd2c950cca3d0a84b964f11840d2c2dd40035528999e0e0bcf1105fe5cae99f8b;
    /// HandOver(uint32 sequence,uint32 to,uint40 deadline)
    bytes32 internal constant HAND_OVER =
        0x857bc94e0a385b148fb3543865d504e55542bb436b8e585dc161c7d099023d14;
    /// AcceptHandOver(uint32 sequence,uint40 deadline)
    bytes32 internal constant ACCEPT_HAND_OVER =
        0x7f5aa4ccc30b4d01dc200a5265cbeebfd1f7a11f45b8bb43a56dfc9a223998cc;

    // ledger
    /// GrantLine(uint64 line,uint32 issuer,uint64 parent,uint64 limit,uint24 expiry,uint32 smallestPart,uint8 window,uint8 grace,bool countersign,uint40 deadline)
    bytes32 internal constant GRANT_LINE =
        0x5b6e8d592492217f491bd14b25794c396e7076f78993597fb00d2ce82c6c44ae;
    /// ResizeLine(uint64 line,uint32 sequence,uint64 limit,uint24 expiry,uint40 deadline)
    bytes32 internal constant RESIZE_LINE =
        0x1c31fabebe29872b8906340e8b3bd037db68c09bef5a954b54fa97e8623b72ec;
    /// FreezeLine(uint64 line,uint32 sequence,bool frozen,bytes32 reason,uint40 deadline)
    bytes32 internal constant FREEZE_LINE =
        0x0c8da1a7b3c32fbf8eb9c1e2e22ca3e564f17bb93a2c7f0c32aa802321678571;
    /// SetTenorCap(uint32 sequence,uint16 cap,uint24 inForceFrom,uint40 deadline)
    bytes32 internal constant SET_TENOR_CAP =
        0x94901583b4204b87ed9002f2b9c20c5aee8a972e0189a178885af8568106bec6;
    /// StopIssue(uint32 sequence,uint32 issuer,bool stopped,bytes32 reason,uint40 deadline)
    bytes32 internal constant STOP_ISSUE =
        0x217fedb1a968c0643ed72fc483a82269aadaaedb746ff0f5914c32fa0ecf9e18;
    /// Issue(uint32 issuer,uint64 line,uint32 supplier,uint64 face,uint24 dueDay,uint32 smallestPart,uint8 highestTier,bytes32 terms,bytes32 tenorReason,bytes32 issuerReference,uint40 deadline,Invoice[] invoices)Invoice(bytes32 fingerprint,uint64 amount,uint64 total)
    bytes32 internal constant ISSUE =
        0x33130fae75726e541699bdbab9c70dd6055812888f02752eec904befa361396e;
    /// Split(uint256 voucher,uint32 sequence,bool overdue,uint40 deadline,Part[] parts,Invoice[] invoices)Invoice(bytes32 fingerprint,uint64 amount,uint64 total)Part(uint32 recipient,uint64 face)
    bytes32 internal constant SPLIT =
        0xfe0d5dced378c64e2830bf4f414a7331ce32f92f726b281815447d5564eb8159;
    /// Transfer(uint256 voucher,uint32 sequence,uint32 recipient,bool overdue,uint40 deadline,Invoice[] invoices)Invoice(bytes32 fingerprint,uint64 amount,uint64 total)
    bytes32 internal constant TRANSFER =
        0x4638e4475457d5fc3be245125388003cef6630ea5ce087024c6ee32326c77963;
    /// Discount(uint256 voucher,uint32 sequence,uint32 funder,bytes32 quote,uint24 payBy,uint40 deadline)
    bytes32 internal constant DISCOUNT =
        0xfc84bf50368e649f40cb20c8b7ebbcfd38e2632fadc1772ce2ee2df770a1942c;
    /// Rescind(uint256 voucher,uint32 sequence,uint32 by,uint40 deadline)
    bytes32 internal constant RESCIND =
        0xe3ebe4f8a5b4a071a3a792e189b6f93197739bb710c253a177b236a78fea7a9c;
    /// AssertPayment(uint256 voucher,uint32 sequence,uint8 purpose,uint32 payee,uint64 amount,uint24 valueDay,bytes32 paymentReference,uint40 deadline)
    bytes32 internal constant ASSERT_PAYMENT =
        0x5faa3b1badaa364bc623c3b54ee79bfe6db479563b4350ff1f45792ee63aff3d;
    /// ConfirmPayment(uint256 voucher,uint32 sequence,uint40 deadline)
    bytes32 internal constant CONFIRM_PAYMENT =
        0x14ffd194206bf9cb5b7de9169887a0f016257e9b613761e253c320e3d4370fc7;
    /// ContestPayment(uint256 voucher,uint32 sequence,uint32 by,bytes32 reason,uint40 deadline)
    bytes32 internal constant CONTEST_PAYMENT =
        0x50c0c9b2cc82cfce0b11f52af200507320f9b26d851196e2c71fec1d5c7f4309;
    /// WithdrawPayment(uint256 voucher,uint32 sequence,uint40 deadline)
    bytes32 internal constant WITHDRAW_PAYMENT =
        0xb374754493aa2f7199e59b714dfae1321758bfa04053473dd3ae66cb7ceb14ac;
    /// Award(uint256 voucher,uint32 sequence,uint32 arbiter,bool paid,bytes32 ruling,uint40 deadline)
    bytes32 internal constant AWARD =
        0xe012ceb78a6ade1a7a5557ccfa7641430e1998836273af10efccd09c84ef514a;
    /// Pledge(uint256 voucher,uint32 sequence,uint32 pledgee,uint64 secured,bytes32 filing,uint24 endDay,uint40 deadline)
    bytes32 internal constant PLEDGE =
        0x90745e6b80d13db65c7096f6226236931a7895fb133d11e2e91fc4f8a848a253;
    /// Release(uint256 voucher,uint32 sequence,uint32 by,uint40 deadline)
    bytes32 internal constant RELEASE =
        0xa2f50505c9cc476c4ade311747591df72ebd9232a9f90657ffaebdb6c95a6c83;
    /// Freeze(uint256 voucher,bytes32 order,uint24 until,uint40 deadline)
    bytes32 internal constant FREEZE =
        0xd0768cb13e8ebf5aa697972cdc51018fdf94f19084f175895072246c3ebe625d;
    /// Unfreeze(uint256 voucher,bytes32 order,uint40 deadline)
    bytes32 internal constant UNFREEZE =
        0x5d9dc0ac191cf52bef5ad07cca0ac22bb8127021cd5f0bd917aa9b3f228fee24;
    /// Cancel(uint256 voucher,uint32 sequence,uint40 deadline)
    bytes32 internal constant CANCEL =
        0x0b150d3e191871564858df5ce6052e98f599f6cd3d859db23e77ed8874b941d3;
    /// CancelWhole(uint256 voucher,uint32 sequence,uint40 deadline)
    bytes32 internal constant CANCEL_WHOLE =
        0x5640864f6bec9d0bb77961730b6c5bcb128ac7874bdb31f55ecc436c35c808b9;
    /// Revoke(uint256 voucher,uint32 sequence,uint40 deadline)
    bytes32 internal constant REVOKE =
        0x665d4e8d095bf0ed26164c2b60a765b39b0041cb7b757eb40a8151d7fc47ecc7;
    /// RevokeIssue(uint160 promiseId,uint32 by,uint40 deadline)
    bytes32 internal constant REVOKE_ISSUE =
        0x3bbc0283207ca8b9515dbd3e6adaca63e569d8d84a4665091bf92a5f84515e37;

    // array members
    /// Invoice(bytes32 fingerprint,uint64 amount,uint64 total)
    bytes32 private constant INVOICE =
        0xbfb74410ebe7c569440f257ccc39b214685510e1320c2e6cda79ea6f46537560;
    /// Part(uint32 recipient,uint64 face)
    bytes32 private constant PART =
        0x3c471e94bc41d8f86842e5f58b2f091972b66f9c4b945a01370250a71e01cbca;

    function hashOf(Invoice[] calldata invoices) internal pure returns (bytes32) {
        // as in _hashOf (260 bytes, 490 gas)
        uint256 start;
        assembly ("memory-safe") {
            start := invoices.offset
        }
        return _hashOf(INVOICE, start, invoices.length, 3);
    }

    function hashOf(Part[] calldata parts) internal pure returns (bytes32) {
        // as in _hashOf (260 bytes, 490 gas)
        uint256 start;
        assembly ("memory-safe") {
            start := parts.offset
        }
        return _hashOf(PART, start, parts.length, 2);
    }

    /// EIP-712 hash of an array of structs that are words only.
    /// @dev By hand: the words stand in the calldata as they are hashed (260 bytes less, 490 gas, 600 with ten items).
    /// @param start where in the calldata the first one stands
    /// @param count how many there are
    /// @param width words in each
    function _hashOf(bytes32 typeHash, uint256 start, uint256 count, uint256 width) private pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            let size := shl(5, width)
            let free := mload(0x40)
            let hashes := add(free, 0x80)
            mstore(free, typeHash)
            for { let i := 0 } lt(i, count) { i := add(i, 1) } {
                calldatacopy(add(free, 0x20), add(start, mul(i, size)), size)
                mstore(add(hashes, shl(5, i)), keccak256(free, add(size, 0x20)))
            }
            hash := keccak256(hashes, shl(5, count))
        }
    }
}
