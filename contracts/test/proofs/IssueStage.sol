// SPDX-License-Identifier: UNLICENSED
pragma solidity 0.8.37;

import {AgreementTypes} from "../../lib/AgreementTypes.sol";
import {Days} from "../../lib/Days.sol";
import {Ids} from "../../lib/Ids.sol";
import {InvoiceUse, IssuerState, Line, LineFlag} from "../../State.sol";
import {Invoice, Issue} from "../../Types.sol";
import {Books, ProofStage, both, implies} from "./ProofStage.sol";

/// The members of an issue that are one word each.
struct Terms {
    uint32 issuer;
    uint64 line;
    uint32 supplier;
    uint64 face;
    uint24 dueDay;
    uint32 smallestPart;
    uint8 highestTier;
    bytes32 terms;
    bytes32 tenorReason;
    bytes32 issuerReference;
}

/// An issue of unknown terms, and what must be true once it has passed.
abstract contract IssueStage is ProofStage {
    bytes32 private constant INVOICE = keccak256("Invoice(bytes32 fingerprint,uint64 amount,uint64 total)");

    function _issue(Issue memory a) internal {
        uint256 count = a.invoices.length;
        uint256 id = _rootOf(a);
        Books memory b;
        _readLine(b, a.line);
        _readOthers(b);
        _assumeFamily(a.line, b.line);
        _assumeOther(id);
        _assumeOtherLine(a.line, b.line);
        for (uint256 i; i < count; ++i) {
            _assumeUsed(a.issuer, a.invoices[i].fingerprint);
        }

        ledger.issue(a, "");

        Books memory later = _books(id);
        bool held = both(b.line.issuer() == a.issuer, IssuerState.unwrap(b.issuer) == 0);
        held = both(both(held, !ledger.settingsOf().runOff()), _drew(b.line, later.line, a.face));
        held = both(held, implies(b.line.parent() != 0, _drew(b.parent, later.parent, a.face)));
        held = both(held, both(later.promised.live() == a.face, later.promised.settled() == 0));
        held = both(held, both(later.promised.line() == a.line, later.voucher.face() == a.face));
        uint256 smallest = later.promised.smallestPart();
        held = both(held, both(smallest != 0, smallest >= b.line.smallestPart()));
        held = both(held, both(later.voucher.holder() == a.supplier, later.voucher.sequence() == 1));
        held = both(held, both(later.voucher.locks() == 0, IssuerState.unwrap(later.issuer) == 0));
        held = both(held, _othersKept(b, later));
        uint256 invoiced;
        for (uint256 i; i < count; ++i) {
            Invoice memory invoice = a.invoices[i];
            InvoiceUse use = ledger.invoiceUseOf(a.issuer, invoice.fingerprint);
            held = both(held, both(use.total() == invoice.total, use.used() <= use.total()));
            held = both(held, use.used() >= invoice.amount);
            unchecked {
                invoiced += invoice.amount; // 64 bits each
            }
        }
        assert(both(held, invoiced == a.face));
    }

    /// The rule itself: drawn rises by the face and is within the limit afterwards; the line can be drawn today.
    function _drew(Line line, Line later, uint256 face) private view returns (bool held) {
        unchecked {
            held = later.drawn() == line.drawn() + face;
        }
        held = both(held, later.drawn() <= later.limit());
        held = both(held, both(!line.has(LineFlag.FROZEN), Days.today() <= line.expiry()));
        held = both(held, _sameButDrawn(line, later));
    }

    function _asIssue(Terms memory t, uint256 count) internal pure returns (Issue memory a) {
        a = Issue(
            t.issuer, t.line, t.supplier, t.face, t.dueDay, t.smallestPart, t.highestTier, t.terms, t.tenorReason,
            t.issuerReference, type(uint40).max, new Invoice[](count)
        );
        for (uint256 i; i < count; ++i) {
            uint64 amount = uint64(UNKNOWN.createUint(64, "amount"));
            uint64 total = uint64(UNKNOWN.createUint(64, "total"));
            a.invoices[i] = Invoice(UNKNOWN.createBytes32("fingerprint"), amount, total);
        }
    }

    /// The id that an issue makes, hashed once more as EIP-712 says it.
    function _rootOf(Issue memory a) internal view returns (uint256) {
        bytes memory invoices;
        for (uint256 i; i < a.invoices.length; ++i) {
            invoices = bytes.concat(invoices, keccak256(abi.encode(INVOICE, a.invoices[i])));
        }
        bytes memory words = bytes.concat(
            abi.encode(AgreementTypes.ISSUE, a.issuer, a.line, a.supplier, a.face, a.dueDay, a.smallestPart),
            abi.encode(a.highestTier, a.terms, a.tenorReason, a.issuerReference, a.deadline, keccak256(invoices))
        );
        return Ids.rootOf(keccak256(abi.encodePacked(hex"1901", domainSeparator, keccak256(words))));
    }

    function _assumeUsed(uint32 payer, bytes32 fingerprint) internal view returns (InvoiceUse use) {
        use = ledger.invoiceUseOf(payer, fingerprint);
        PROVER.assume(use.used() <= use.total());
        PROVER.assume(use.total() <= type(uint64).max);
    }
}
