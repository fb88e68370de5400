// SPDX-License-Identifier: UNLICENSED
pragma solidity 0.8.37;

import {InvoiceUse, Line, Promise} from "../../State.sol";
import {Ending, Issue, RevokeIssue} from "../../Types.sol";
import {IssueStage, Terms} from "./IssueStage.sol";
import {Books, both} from "./ProofStage.sol";

/// The limit rule and the invoice rule, and what of an issue can be taken back.
contract IssueProof is IssueStage {
    function check_an_issue_on_1_invoice_stays_within_every_limit(Terms memory t) public {
        _issue(_asIssue(t, 1));
    }

    function check_an_issue_on_2_invoices_stays_within_every_limit(Terms memory t) public {
        _issue(_asIssue(t, 2));
    }

    function check_an_undivided_promise_cancelled_gives_back_its_invoice(Terms memory t, uint32 sequence) public {
        Issue memory a = _asIssue(t, 1);
        uint256 id = _rootOf(a);
        bytes32 fingerprint = a.invoices[0].fingerprint;
        Books memory b = _books(id);
        _assumeKept(id, b);
        InvoiceUse use = _assumeUsed(a.issuer, fingerprint);
        PROVER.assume(a.invoices[0].amount <= use.used());

        ledger.cancelWhole(Ending(id, sequence, type(uint40).max), a, hex"00000000");

        InvoiceUse later = ledger.invoiceUseOf(a.issuer, fingerprint);
        bool held = both(later.used() == use.used() - a.invoices[0].amount, later.total() == use.total());
        held = both(held, b.voucher.face() == a.face);
        assert(both(held, _fell(b, _books(id), a.face, 0)));
    }

    function check_a_revoked_issue_owes_nothing(Terms memory t, uint32 by) public {
        Issue memory a = _asIssue(t, 1);
        uint256 id = _rootOf(a);
        Books memory b = _books(id);
        _assumeOther(id);
        uint64 line = a.line;
        Line drawn = ledger.lineOf(line);

        ledger.revokeIssue(RevokeIssue(uint160(id >> 96), by, type(uint40).max), a, hex"0000");

        Books memory later = _books(id);
        bool held = both(b.voucher.sequence() == 0, later.voucher.sequence() == 1);
        held = both(both(held, later.voucher.face() == 0), _othersKept(b, later));
        held = both(held, Promise.unwrap(later.promised) == Promise.unwrap(b.promised));
        assert(both(held, Line.unwrap(ledger.lineOf(line)) == Line.unwrap(drawn)));
    }
}
