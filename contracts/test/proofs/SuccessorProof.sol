// SPDX-License-Identifier: UNLICENSED
pragma solidity 0.8.37;

import {InvoiceUse, IssuerState} from "../../State.sol";
import {Issue} from "../../Types.sol";
import {IssueStage, Terms} from "./IssueStage.sol";
import {both, implies} from "./ProofStage.sol";

/// A ledger that takes over from another: it issues only in that one's run-off, to nobody who is stopped or overdue there, and
/// on no invoice more than the two together may.
contract SuccessorProof is IssueStage {
    function check_a_successor_issues_within_what_its_predecessor_left(Terms memory t) public {
        Issue memory a = _asIssue(t, 1);
        bytes32 fingerprint = a.invoices[0].fingerprint;
        InvoiceUse before = predecessor.inheritedUseOf(a.issuer, fingerprint);
        PROVER.assume(before.used() <= before.total());
        PROVER.assume(before.total() <= type(uint64).max);

        _issue(a);

        bool held = predecessor.settingsOf().runOff();
        IssuerState standing = predecessor.inheritedStandingOf(a.issuer);
        held = both(held, both(standing.overdue() == 0, !standing.stopped()));
        uint256 used = ledger.invoiceUseOf(a.issuer, fingerprint).used() + before.used();
        assert(both(held, used <= a.invoices[0].total));
    }

    function _hasPredecessor() internal pure override returns (bool) {
        return true;
    }
}
