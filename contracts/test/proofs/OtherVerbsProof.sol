// SPDX-License-Identifier: UNLICENSED
pragma solidity 0.8.37;

import {IssuerState, Line, Lock} from "../../State.sol";
import {
    ContestPayment, Discount, Ending, Freeze, FreezeLine, GrantLine, Invoice, MakePledge, ResizeLine, TransferWhole,
    Undoing, Unfreeze
} from "../../Types.sol";
import {Books, ProofStage, both, implies} from "./ProofStage.sol";

/// What is left besides split, settlement, cancelling and issue: no other verb changes a face, what is live or what is drawn.
contract OtherVerbsProof is ProofStage {
    function check_a_transfer_takes_no_face(uint256 voucher, uint32 sequence, uint32 recipient, bool overdue) public {
        Books memory b = _before(voucher);
        Invoice[] memory none = new Invoice[](0);
        ledger.transfer(TransferWhole(voucher, sequence, recipient, overdue, type(uint40).max, none), "");
        Books memory later = _books(voucher);
        bool moved = both(later.voucher.holder() == recipient, later.voucher.locks() == b.voucher.locks() & Lock.OVERDUE);
        assert(both(moved, _fell(b, later, 0, 0)));
    }

    function check_a_discount_takes_no_face(Discount memory a) public {
        Books memory b = _before(a.voucher);
        ledger.discount(a, "");
        _assertKept(b, a.voucher);
    }

    function check_a_rescission_takes_no_face(Undoing memory a) public {
        Books memory b = _before(a.voucher);
        ledger.rescind(a, "");
        _assertKept(b, a.voucher);
    }

    function check_a_pledge_takes_no_face_and_secures_no_more(MakePledge memory a) public {
        Books memory b = _before(a.voucher);
        ledger.pledge(a, "");
        Books memory later = _books(a.voucher);
        bool held = both(later.pledge.secured() == a.secured, later.pledge.secured() != 0);
        held = both(held, later.pledge.secured() <= later.voucher.face());
        assert(both(held, _fell(b, later, 0, 0)));
    }

    function check_a_release_takes_no_face(Undoing memory a) public {
        Books memory b = _before(a.voucher);
        ledger.release(a, "");
        Books memory later = _books(a.voucher);
        assert(both(!later.voucher.has(Lock.PLEDGE), _fell(b, later, 0, 0)));
    }

    function check_a_contest_takes_no_face(ContestPayment memory a) public {
        Books memory b = _before(a.voucher);
        ledger.contestPayment(a, "");
        _assertKept(b, a.voucher);
    }

    function check_a_freeze_takes_no_face(Freeze memory a) public {
        Books memory b = _before(a.voucher);
        ledger.freeze(a, "");
        _assertKept(b, a.voucher);
    }

    function check_an_unfreezing_takes_no_face(Unfreeze memory a) public {
        Books memory b = _before(a.voucher);
        ledger.unfreeze(a, "");
        _assertKept(b, a.voucher);
    }

    function check_a_revocation_takes_no_face(Ending memory a) public {
        Books memory b = _before(a.voucher);
        ledger.revoke(a, "");
        _assertKept(b, a.voucher);
    }

    function check_an_overdue_face_is_counted_once(uint256 voucher) public {
        Books memory b = _before(voucher);
        PROVER.assume(b.issuer.overdue() <= type(uint128).max - type(uint64).max);

        ledger.declareOverdue(voucher);

        Books memory later = _books(voucher);
        bool held = both(!b.voucher.has(Lock.OVERDUE), later.voucher.has(Lock.OVERDUE));
        held = both(held, later.issuer.overdue() == b.issuer.overdue() + b.voucher.face());
        held = both(held, later.issuer.stopped() == b.issuer.stopped());
        later.issuer = b.issuer;
        assert(both(held, _fell(b, later, 0, 0)));
    }

    function check_a_new_line_is_not_drawn(GrantLine memory a) public {
        Line before = ledger.lineOf(a.line);
        ledger.grantLine(a, "");
        assert(both(before.issuer() == 0, ledger.lineOf(a.line).drawn() == 0));
        assert(implies(a.issuer != 0, a.parent != a.line)); // nobody is party 0, so the registry refuses its consent
    }

    function check_a_line_resized_or_frozen_keeps_what_is_drawn(ResizeLine memory a, FreezeLine memory f) public {
        Books memory b;
        _readLine(b, a.line);
        _assumeFamily(a.line, b.line);
        _assumeOtherLine(a.line, b.line);
        f.line = a.line;

        ledger.resizeLine(a, "");
        ledger.freezeLine(f, "");

        Books memory later;
        _readLine(later, a.line);
        bool held = both(later.line.drawn() == b.line.drawn(), later.line.limit() == a.limit);
        held = both(held, both(later.line.issuer() == b.line.issuer(), later.line.parent() == b.line.parent()));
        held = both(held, Line.unwrap(later.otherLine) == Line.unwrap(b.otherLine));
        assert(both(held, IssuerState.unwrap(later.issuer) == IssuerState.unwrap(b.issuer)));
    }

    function _before(uint256 voucher) private view returns (Books memory b) {
        b = _books(voucher);
        _assumeKept(voucher, b);
    }

    function _assertKept(Books memory b, uint256 voucher) private view {
        assert(_fell(b, _books(voucher), 0, 0));
    }
}
