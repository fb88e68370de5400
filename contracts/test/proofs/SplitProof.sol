// SPDX-License-Identifier: UNLICENSED
pragma solidity 0.8.37;

import {Ids} from "../../lib/Ids.sol";
import {Lock, Promise, Voucher} from "../../State.sol";
import {Invoice, Part, Split} from "../../Types.sol";
import {Books, ProofStage, both} from "./ProofStage.sol";

/// `split` divides face and makes or loses none.
contract SplitProof is ProofStage {
    function check_a_split_into_1_keeps_the_face(uint256 voucher, uint32 sequence, bool overdue) public {
        _split(voucher, sequence, overdue, 1);
    }

    function check_a_split_into_2_keeps_the_face(uint256 voucher, uint32 sequence, bool overdue) public {
        _split(voucher, sequence, overdue, 2);
    }

    function check_a_split_into_3_keeps_the_face(uint256 voucher, uint32 sequence, bool overdue) public {
        _split(voucher, sequence, overdue, 3);
    }

    function _split(uint256 voucher, uint32 sequence, bool overdue, uint256 count) private {
        Books memory b = _books(voucher);
        _assumeKept(voucher, b);
        PROVER.assume(b.promised.smallestPart() != 0); // proved of `issue`, and no verb changes it
        Split memory a = Split(voucher, sequence, overdue, type(uint40).max, new Part[](count), new Invoice[](0));
        uint256 parts;
        for (uint256 i; i < count; ++i) {
            a.parts[i] = Part(uint32(UNKNOWN.createUint(32, "recipient")), uint64(UNKNOWN.createUint(64, "part")));
            unchecked {
                parts += a.parts[i].face; // 64 bits each
            }
        }

        ledger.split(a, "");

        Books memory later = _books(voucher);
        uint256 smallest = b.promised.smallestPart();
        uint256 rest = later.voucher.face();
        bool held = b.voucher.face() - rest == parts;
        held = both(held, (rest == 0) != (rest >= smallest));
        for (uint256 i; i < count; ++i) {
            Voucher child = ledger.voucherOf(Ids.childOf(voucher, sequence, i));
            held = both(held, both(child.face() == a.parts[i].face, child.face() >= smallest));
            held = both(held, child.holder() == a.parts[i].recipient);
            held = both(held, child.locks() == b.voucher.locks() & Lock.OVERDUE);
        }
        held = both(held, later.voucher.holder() == b.voucher.holder());
        assert(both(held, Promise.unwrap(later.promised) == Promise.unwrap(b.promised)));
    }
}
