// SPDX-License-Identifier: UNLICENSED
pragma solidity 0.8.37;

import {Lock, Payment, Pledge} from "../../State.sol";
import {AssertPayment, Award, Ending, PaymentAnswer, Purpose} from "../../Types.sol";
import {Books, ProofStage, both, implies, onlyIf} from "./ProofStage.sol";

/// Whichever verb makes a settlement count: face, promise, line, parent line, overdue sum and pledge fall by its amount, partial
/// or whole, and by nothing where it does not count yet.
contract SettlementProof is ProofStage {
    function check_a_settlement_asserted_by_the_bank_falls_by_its_amount(AssertPayment memory a) public {
        _assert(a, Purpose.SETTLEMENT, hex"0000");
    }

    function check_a_settlement_agreed_by_two_falls_by_its_amount(AssertPayment memory a) public {
        _assert(a, Purpose.SETTLEMENT, hex"00000000");
    }

    function check_a_disbursement_asserted_by_the_funder_takes_no_face(AssertPayment memory a) public {
        _assert(a, Purpose.DISBURSEMENT, hex"0000");
    }

    function check_a_disbursement_agreed_by_two_takes_no_face(AssertPayment memory a) public {
        _assert(a, Purpose.DISBURSEMENT, hex"00000000");
    }

    function check_a_confirmed_payment_falls_by_its_amount(PaymentAnswer memory a) public {
        (Books memory b, Payment payment) = _paying(a.voucher);

        ledger.confirmPayment(a, hex"0000");

        Books memory later = _books(a.voucher);
        bool waits = later.voucher.has(Lock.PAYMENT);
        bool held = implies(waits, b.voucher.has(Lock.FREEZE));
        assert(both(held, _paid(b, later, onlyIf(!waits, _extinguished(payment)))));
    }

    function check_a_payment_completed_falls_by_its_amount(uint256 voucher) public {
        (Books memory b, Payment payment) = _paying(voucher);

        ledger.completePayment(voucher);

        Books memory later = _books(voucher);
        assert(both(!later.voucher.has(Lock.PAYMENT), _paid(b, later, _extinguished(payment))));
    }

    function check_an_award_falls_by_the_amount_where_it_says_paid(Award memory a) public {
        (Books memory b, Payment payment) = _paying(a.voucher);

        ledger.award(a, hex"00000000");

        Books memory later = _books(a.voucher);
        assert(both(!later.voucher.has(Lock.PAYMENT), _paid(b, later, onlyIf(a.paid, _extinguished(payment)))));
    }

    function check_a_withdrawn_payment_takes_no_face(PaymentAnswer memory a) public {
        (Books memory b,) = _paying(a.voucher);
        ledger.withdrawPayment(a, hex"0000");
        assert(_paid(b, _books(a.voucher), 0));
    }

    function check_a_cancelled_voucher_falls_by_its_face(Ending memory a) public {
        Books memory b = _books(a.voucher);
        _assumeKept(a.voucher, b);

        ledger.cancel(a, hex"00000000");

        assert(_fell(b, _books(a.voucher), b.voucher.face(), 0));
    }

    function _assert(AssertPayment memory a, Purpose purpose, bytes memory consents) private {
        a.purpose = purpose;
        (Books memory b,) = _paying(a.voucher);

        ledger.assertPayment(a, consents);

        Books memory later = _books(a.voucher);
        Payment payment = ledger.paymentOf(a.voucher);
        bool waits = later.voucher.has(Lock.PAYMENT);
        bool settles = purpose == Purpose.SETTLEMENT;
        bool held = _paid(b, later, onlyIf(both(settles, !waits), a.amount));
        held = both(held, implies(waits, payment.purpose() == uint256(purpose)));
        held = both(held, implies(waits, payment.amount() == onlyIf(settles, a.amount)));
        held = both(held, implies(waits, payment.amount() <= later.voucher.face()));
        bool bound = both(waits, later.voucher.has(Lock.PLEDGE));
        assert(both(held, implies(bound, payment.amount() <= later.pledge.secured())));
    }

    function _paying(uint256 voucher) private view returns (Books memory b, Payment payment) {
        b = _books(voucher);
        _assumeKept(voucher, b);
        payment = ledger.paymentOf(voucher);
        _assumeAsserted(b, payment);
    }

    function _extinguished(Payment payment) private pure returns (uint256) {
        return onlyIf(payment.purpose() == uint256(Purpose.SETTLEMENT), payment.amount());
    }

    /// As `_fell`, and what a pledge secures falls with it; where nothing is left of that, the pledge is gone.
    function _paid(Books memory b, Books memory later, uint256 amount) private pure returns (bool held) {
        bool pledged = b.voucher.has(Lock.PLEDGE);
        uint256 left;
        unchecked {
            left = b.pledge.secured() - amount;
        }
        held = later.voucher.has(Lock.PLEDGE) == both(pledged, left != 0);
        held = both(held, implies(pledged, later.pledge.secured() == left));
        held = both(held, implies(pledged, left <= later.voucher.face()));
        held = both(held, implies(both(pledged, left == 0), Pledge.unwrap(later.pledge) == 0));
        held = both(held, _fell(b, later, amount, amount));
    }
}
