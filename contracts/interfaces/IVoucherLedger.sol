// SPDX-License-Identifier: UNLICENSED
pragma solidity 0.8.37;

import {
    InvoiceUse, IssuerState, LedgerSettings, Line, LineTerms, Payment, Pledge, Promise, Voucher
} from "../State.sol";
import {
    AssertPayment, Award, ContestPayment, Discount, Ending, Freeze, FreezeLine, GrantLine, Issue, MakePledge,
    PaymentAnswer, Purpose, ResizeLine, RevokeIssue, SetTenorCap, Split, StopIssue, TransferWhole, Undoing, Unfreeze
} from "../Types.sol";
import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import {IDoor} from "./IDoor.sol";
import {IPartyRegistry} from "./IPartyRegistry.sol";

/// @title IVoucherLedger
/// @notice Who is owed: credit lines, promises, vouchers and the payments that end them. Amounts in fen, dates in China-time
/// days, deadlines in Unix seconds. Nothing here holds or moves money.
///
/// Every verb on a voucher reverts with UnknownVoucher, VoucherEnded, WrongSequence, AgreementExpired or one of the
/// registry's errors for an unmet duty (see IPartyRegistry.check); below only what a verb requires besides. It raises the
/// voucher's sequence by one, except `freeze` and `unfreeze`.
interface IVoucherLedger is IDoor, IERC165 {
    // ------------------------------------------------------------ events; each is one entry of the journal
    // Each event on a voucher raises its sequence by one, except VoucherFrozen and VoucherUnfrozen, which consume an order,
    // InvoiceUsed and InvoiceReturned, which come with another, and Parted, one per part, which names the sequence that the whole split led to.

    event LineGranted(
        uint64 indexed line,
        uint32 issuer,
        uint64 parent,
        uint64 limit,
        uint24 expiry,
        uint32 smallestPart,
        uint8 window,
        uint8 grace,
        bool countersign
    );
    event LineResized(uint64 indexed line, uint32 sequence, uint64 limit, uint24 expiry);
    event LineFreezing(uint64 indexed line, uint32 sequence, bool frozen, bytes32 reason);
    /// @notice The settings sequence that it led to is the subject.
    event TenorCapSet(uint32 indexed sequence, uint16 cap, uint24 inForceFrom);
    /// @notice Issuer 0: the whole ledger, for good.
    event IssueStopped(uint32 indexed issuer, uint32 sequence, bool stopped, bytes32 reason);
    event Issued(
        uint256 indexed voucher,
        uint64 line,
        uint32 supplier,
        uint64 face,
        uint24 dueDay,
        uint32 smallestPart,
        uint8 highestTier,
        bytes32 terms,
        bytes32 tenorReason,
        uint24 day
    );
    event InvoiceUsed(
        uint256 indexed voucher, uint32 payer, bytes32 fingerprint, uint64 amount, uint64 total
    );
    event InvoiceReturned(
        uint256 indexed voucher, uint32 payer, bytes32 fingerprint, uint64 amount
    );
    event Parted(
        uint256 indexed voucher, uint256 child, uint32 recipient, uint64 face, uint8 tier, uint32 sequence
    );
    /// @notice The tier is one more.
    event Transferred(uint256 indexed voucher, uint32 recipient);
    event Discounted(
        uint256 indexed voucher, uint32 funder, bytes32 quote, uint24 payBy);
    event Rescinded(uint256 indexed voucher, uint32 by);
    /// @notice With `agreed` (the payee signed too, or is the asserter) it took effect at once, or, while the voucher is
    /// frozen, waits for completePayment.
    event PaymentAsserted(
        uint256 indexed voucher,
        Purpose purpose,
        uint32 payee,
        uint64 amount,
        uint24 valueDay,
        bytes32 paymentReference,
        bool agreed,
        uint24 day
    );
    /// @notice Confirmed while frozen: takes effect with completePayment.
    event PaymentConfirmed(uint256 indexed voucher, uint32 payee);
    event PaymentContested(uint256 indexed voucher, uint32 by, bytes32 reason, uint24 day);
    event PaymentWithdrawn(uint256 indexed voucher);
    /// @notice An asserted payment took effect, by confirmation or by silence.
    event PaymentCompleted(
        uint256 indexed voucher, uint32 payee, Purpose purpose, uint64 amount);
    /// @notice Registrar and arbiter ended a contest: `paid`, and the payment took effect, or not, and it is gone.
    event PaymentAwarded(uint256 indexed voucher, uint32 arbiter, bool paid, bytes32 ruling);
    event VoucherOverdue(uint256 indexed voucher, uint64 face, uint24 day);
    event VoucherPledged(
        uint256 indexed voucher, uint32 pledgee, uint64 secured, bytes32 filing, uint24 endDay);
    event PledgeReleased(uint256 indexed voucher, uint32 by);
    event VoucherFrozen(uint256 indexed voucher, bytes32 order, uint24 until);
    event VoucherUnfrozen(uint256 indexed voucher, bytes32 order);
    event Cancelled(uint256 indexed voucher, uint64 face);
    event Revoked(uint256 indexed voucher);
    event IssueRevoked(uint256 indexed voucher, uint32 by);

    /// @notice ERC-721-shaped, for explorers; derived from the events above, not part of the journal.
    event Transfer(address indexed from, address indexed to, uint256 indexed tokenId);

    // ------------------------------------------------------------ errors

    /// @notice A successor works on the same registry.
    error PredecessorUnfit(IVoucherLedger predecessor);
    /// @notice The predecessor is not in run-off yet; at construction: the one before the predecessor.
    error PredecessorIssues(IVoucherLedger predecessor);
    /// @notice The registrar has stopped this ledger for good: nothing is issued, no invoice is used any more.
    error InRunOff();
    error StopIsFinal();
    error IssueUnchanged(uint256 issuer, bool stopped);
    error IssuerStopped(uint256 issuer);
    /// @notice `overdue` is the face of the issuer's overdue vouchers, here and in the predecessors.
    error IssuerOverdue(uint256 issuer, uint256 overdue);
    error TenorCapOutOfRange(uint256 given, uint256 lowest, uint256 highest);
    error NoticeTooShort(uint256 given, uint256 earliest);
    error LineTaken(uint256 line);
    error UnknownLine(uint256 line);
    /// @notice The line's issuer is `issuer`.
    error WrongIssuer(uint256 line, uint256 issuer, uint256 given);
    error ParentLineUnfit(uint256 parent);
    error WindowOutOfRange(uint256 given, uint256 lowest, uint256 highest);
    error GraceOutOfRange(uint256 given, uint256 lowest, uint256 highest);
    error SmallestPartTooSmall(uint256 given, uint256 lowest);
    error LineIsFrozen(uint256 line);
    error LineExpired(uint256 line, uint256 expiry, uint256 today);
    /// @notice `line` names the line or parent line that binds; `available` is what is left of it.
    error LimitExceeded(uint256 line, uint256 asked, uint256 available);

    error ZeroAmount();
    error InvoiceCount(uint256 given, uint256 highest);
    error InvoicesDoNotMatch(uint256 invoices, uint256 face);
    error InvoiceTotalDiffers(bytes32 fingerprint, uint256 recorded, uint256 given);
    error InvoiceExceeded(bytes32 fingerprint, uint256 asked, uint256 available);
    error DueDayPassed(uint256 dueDay, uint256 today);
    error TenorTooLong(uint256 tenor, uint256 highest);
    error TenorNeedsReason(uint256 tenor, uint256 cap);
    /// @notice face ÷ smallest part is more than 10,000.
    error TooManyParts(uint256 face, uint256 smallestPart);

    error UnknownVoucher(uint256 voucher);
    error VoucherEnded(uint256 voucher);
    error VoucherTaken(uint256 voucher);
    /// @notice `locks` are the bits of State.sol's Lock that stand in the way.
    error Locked(uint256 voucher, uint256 locks);
    error InFreeze(uint256 voucher, uint256 until);
    /// @notice From the due day until it is paid or declared overdue a voucher only takes payment verbs.
    error RecordDay(uint256 voucher, uint256 dueDay, uint256 today);
    error OverdueDiffers(uint256 voucher, bool overdue);
    error SameParty(uint256 party);
    error PartCount(uint256 given, uint256 highest);
    error PartTooSmall(uint256 given, uint256 lowest);
    error PartsExceedFace(uint256 asked, uint256 face);
    error TierTooHigh(uint256 tier, uint256 highest);

    error PayByPassed(uint256 payBy, uint256 today);
    error PayByTooLate(uint256 payBy, uint256 latest);
    error NotDiscounted(uint256 voucher);
    error NotConcerned(uint256 voucher, uint256 party);
    error RescindTooEarly(uint256 from, uint256 today);

    error NoPayment(uint256 voucher);
    error PaymentPending(uint256 voucher);
    error PaymentIsContested(uint256 voucher);
    error PaymentIsConfirmed(uint256 voucher);
    error AssertTooLate(uint256 lastDay, uint256 today);
    error ValueDayAhead(uint256 valueDay, uint256 today);
    error WrongAmount(uint256 given, uint256 expected);
    error WrongPayee(uint256 given, uint256 expected);
    error HolderMustSign(uint256 dueDay, uint256 today);
    error WindowOpen(uint256 from, uint256 today);
    error WindowEnded(uint256 lastDay, uint256 today);
    error PayeeRecovering(uint256 payee);

    error NotContested(uint256 voucher);
    error AwardTooEarly(uint256 from, uint256 today);
    /// @notice Registrar and arbiter of an award differ, and neither made the payment, is paid by it or holds the voucher.
    error ArbiterConcerned(uint256 party);

    error AlreadyOverdue(uint256 voucher);
    error NotYetOverdue(uint256 from, uint256 today);
    error SecuredOutOfRange(uint256 given, uint256 lowest, uint256 highest);
    error EndDayPassed(uint256 endDay, uint256 today);
    error NotPledged(uint256 voucher);
    error ReleaseTooEarly(uint256 from, uint256 today);

    error OrderSpent(bytes32 order);
    error FreezeOutOfRange(uint256 until, uint256 earliest, uint256 latest);
    error NotFrozen(uint256 voucher);
    /// @notice Invoice use comes back only when the whole promise, never split or paid in part, is cancelled.
    error NotUndivided(uint256 voucher);

    // ------------------------------------------------------------ lines

    /// @notice A bank lets an issuer issue up to a limit. Consents: bank, issuer. Consumes the line id, which is the bank's
    /// number and its own 32-bit reference.
    /// @dev Emits LineGranted. Requires: id free and reference not 0 (LineTaken); parent of the same bank and issuer, itself
    /// without parent (ParentLineUnfit); window 1–15 (WindowOutOfRange); grace 10–30 and longer than the window
    /// (GraceOutOfRange); smallest part at least 1.00 yuan (SmallestPartTooSmall).
    function grantLine(GrantLine calldata a, bytes calldata consents) external;

    /// @notice Changes limit and expiry; a limit below what is drawn blocks issue, never payment. Consents: bank. Consumes
    /// the line's sequence.
    /// @dev Emits LineResized. Requires: UnknownLine, WrongSequence.
    function resizeLine(ResizeLine calldata a, bytes calldata consents) external;

    /// @notice Stops or allows issue under a line. Consents: bank. Consumes the line's sequence.
    /// @dev Emits LineFreezing. Requires: UnknownLine, WrongSequence.
    function freezeLine(FreezeLine calldata a, bytes calldata consents) external;

    // ------------------------------------------------------------ the registrar's settings

    /// @notice From a day on, at the earliest tomorrow, an issue with a longer tenor gives a reason. What was issued before
    /// keeps the rule of its issue day. Consents: registrar. Consumes the settings sequence. A cap that was announced and is not
    /// in force yet is replaced.
    /// @dev Emits TenorCapSet. Requires: WrongSequence (of id 0); 1–366 days (TenorCapOutOfRange); notice (NoticeTooShort).
    function setTenorCap(SetTenorCap calldata a, bytes calldata consents) external;

    /// @notice One issuer can issue no more, or again; with issuer 0 nobody, for good (run-off). Nothing else stops.
    /// Consents: registrar. Consumes the settings sequence.
    /// @dev Emits IssueStopped. Requires: WrongSequence (of id 0); StopIsFinal, InRunOff for the whole ledger; a change for
    /// an issuer (IssueUnchanged).
    function stopIssue(StopIssue calldata a, bytes calldata consents) external;

    // ------------------------------------------------------------ life

    /// @notice The issuer promises to pay the supplier. Consents: issuer, supplier, and the bank where the line countersigns.
    /// Consumes its own promise id (the last 160 bits of its digest), never the line's sequence.
    /// @dev Emits InvoiceUsed per invoice, Issued, Transfer. Requires: line known and of this issuer (UnknownLine,
    /// WrongIssuer), neither it nor its parent frozen, expired or short (LineIsFrozen, LineExpired, LimitExceeded); invoices,
    /// at most 10, that add up to the face (InvoiceCount, InvoicesDoNotMatch), none of 0 (ZeroAmount) or used beyond its
    /// total (InvoiceTotalDiffers, InvoiceExceeded); due day ahead (DueDayPassed), at most 366 days off (TenorTooLong),
    /// above the soft cap with a reason (TenorNeedsReason); smallest part at least the line's (SmallestPartTooSmall), at
    /// most 10,000 of them (TooManyParts), face at least one (PartTooSmall); highest tier at least 1 (TierTooHigh);
    /// issuer and supplier differ (SameParty); id never used (VoucherTaken); this ledger not in run-off (InRunOff), its
    /// predecessor so (PredecessorIssues), the issuer neither stopped nor overdue in any of them (IssuerStopped,
    /// IssuerOverdue). Invoice use in the predecessors counts.
    function issue(Issue calldata a, bytes calldata consents) external;

    /// @notice Passes on parts; what is left stays in the voucher. Consents: holder, then each part's recipient (the holder
    /// again where a part goes to itself).
    /// @dev Emits InvoiceUsed per invoice, Parted and Transfer per part. Requires: no lock (Locked, InFreeze), before the due
    /// day (RecordDay) or overdue, which the agreement says (OverdueDiffers); then it is recourse and the tier stays; no
    /// invoices in run-off (InRunOff), else as in issue; 1–20 parts (PartCount), each and the remainder not below the smallest (PartTooSmall), together at
    /// most the face (PartsExceedFace); tier within the highest (TierTooHigh); child id new (VoucherTaken). A child's id is the promise's 160 bits and the last
    /// 96 bits of keccak256(abi.encode(voucher, sequence, number of the part from 0)).
    function split(Split calldata a, bytes calldata consents) external;

    /// @notice Passes on the whole voucher. Consents: holder, recipient.
    /// @dev Emits InvoiceUsed per invoice, Transferred, Transfer. Requires: as split; recipient not the holder (SameParty).
    function transfer(TransferWhole calldata a, bytes calldata consents) external;

    /// @notice Sells the voucher to a funder subject to disbursement; locks it. Consents: holder, funder.
    /// @dev Emits Discounted. Requires: as transfer; pay-by not passed (PayByPassed), and pay-by + 1 + window before the due
    /// day (PayByTooLate).
    function discount(Discount calldata a, bytes calldata consents) external;

    /// @notice Ends a discount that was not disbursed. Consents: `by`, the funder, or the holder from the second day after
    /// pay-by, or at once while the funder is suspended.
    /// @dev Emits Rescinded. Requires: NotDiscounted, PaymentPending, NotConcerned, RescindTooEarly.
    function rescind(Undoing calldata a, bytes calldata consents) external;

    // ------------------------------------------------------------ payment

    /// @notice Whoever paid says so: the funder for a disbursement, the line's bank for a settlement. Consents: the asserter;
    /// with the payee's as second it takes effect at once; after the due day of a voucher whose disbursement is asserted or
    /// contested: bank, holder and funder, naming the payee, and not while it is frozen (InFreeze). While pledged a settlement
    /// goes to the pledgee up to the secured sum, then to the holder; with the pledgee's consent it wants the holder's as third.
    /// @dev Emits PaymentAsserted, and Transfer where it takes effect at once. Requires: value day not ahead
    /// (ValueDayAhead); no payment under way but a contested, not since confirmed one of the same purpose
    /// that cannot be awarded yet (PaymentPending). Disbursement:
    /// NotDiscounted, until the day after pay-by (AssertTooLate), payee the holder (WrongPayee), amount 0 (WrongAmount).
    /// Settlement: payee the holder, while pledged the pledgee (WrongPayee); amount from the due day on at most the face,
    /// or the secured sum (ZeroAmount, WrongAmount): what is not paid stays owed; before it the face, with the holder's consent
    /// (HolderMustSign), no discount and no pledge (Locked).
    function assertPayment(AssertPayment calldata a, bytes calldata consents) external;

    /// @notice The payee has the money. Consents: payee, and the holder where that is the pledgee. While frozen it takes effect with completePayment after the freeze.
    /// @dev Emits PaymentCompleted and Transfer, or PaymentConfirmed while frozen. Requires: NoPayment, PaymentIsConfirmed.
    function confirmPayment(PaymentAnswer calldata a, bytes calldata consents) external;

    /// @notice The payee does not have the money. Consents: `by`, the payee, or the holder where a pledgee is paid. Silence never completes the payment any more.
    /// @dev Emits PaymentContested. Requires: NoPayment, PaymentIsConfirmed, PaymentIsContested, NotConcerned; within the
    /// line's window (WindowEnded).
    function contestPayment(ContestPayment calldata a, bytes calldata consents) external;

    /// @notice The asserter takes its word back (a returned payment). Consents: the asserter.
    /// @dev Emits PaymentWithdrawn. Requires: NoPayment.
    function withdrawPayment(PaymentAnswer calldata a, bytes calldata consents) external;

    /// @notice Completes a payment by silence, or a confirmed one whose freeze has ended. Anyone; no consents.
    /// @dev Emits PaymentCompleted, Transfer. Requires: NoPayment, PaymentIsContested, InFreeze, PayeeRecovering; the window
    /// has ended, counted from assertion or the end of the payee's last recovery, whichever is later (WindowOpen). Where a
    /// pledgee is paid, the holder's recovery counts as well.
    function completePayment(uint256 voucher) external;

    /// @notice From the 30th day after the first contest on registrar and arbiter decide: the payment counts, or it is taken
    /// away. Consents: registrar, arbiter.
    /// @dev Emits PaymentAwarded, and Transfer where it counts. Requires: NoPayment, PaymentIsConfirmed, NotContested,
    /// AwardTooEarly, ArbiterConcerned; to count, no freeze (InFreeze).
    function award(Award calldata a, bytes calldata consents) external;

    // ------------------------------------------------------------ default, security

    /// @notice Due day and grace have passed and the voucher is not paid. Anyone; no consents. Its issuer cannot issue until
    /// it is paid or cancelled; it moves only as recourse. A discount with nothing asserted ends; a pledge stays.
    /// @dev Emits VoucherOverdue. Requires: InFreeze, AlreadyOverdue, PaymentPending, NotYetOverdue.
    function declareOverdue(uint256 voucher) external;

    /// @notice The voucher secures a debt of its holder: it is locked, and the pledgee is paid first, up to the secured sum.
    /// Consents: holder, pledgee (a funder).
    /// @dev Emits VoucherPledged. Requires: as discount; pledgee not the holder (SameParty); secured sum 1 to the face
    /// (SecuredOutOfRange); end day not passed (EndDayPassed).
    function pledge(MakePledge calldata a, bytes calldata consents) external;

    /// @notice Ends a pledge. Consents: `by`, the pledgee, or the holder after the end day and not while overdue.
    /// @dev Emits PledgeReleased. Requires: NotPledged, InFreeze, PaymentPending, before the due day or overdue (RecordDay);
    /// NotConcerned, OverdueDiffers, ReleaseTooEarly.
    function release(Undoing calldata a, bytes calldata consents) external;

    // ------------------------------------------------------------ stops

    /// @notice Court order: nothing moves until the freeze ends. Consents: registrar. Consumes the order for this voucher;
    /// a further order can only lengthen a freeze.
    /// @dev Emits VoucherFrozen. Requires: OrderSpent; last day from today to 366 days on (FreezeOutOfRange).
    function freeze(Freeze calldata a, bytes calldata consents) external;

    /// @notice Ends a freeze before its day. Consents: registrar. Consumes the order for this voucher.
    /// @dev Emits VoucherUnfrozen. Requires: NotFrozen, OrderSpent.
    function unfreeze(Unfreeze calldata a, bytes calldata consents) external;

    /// @notice Issuer and holder end the claim; the line is released, invoice use is not. Consents: issuer, holder.
    /// @dev Emits Cancelled, Transfer. Requires: as transfer, or overdue.
    function cancel(Ending calldata a, bytes calldata consents) external;

    /// @notice As `cancel`, for a promise that was never split or paid in part: gives the invoice use back. Its own EIP-712
    /// type, so that whoever submits cannot choose between the two.
    /// @param issued the issue agreement, resupplied whole
    /// @dev Emits InvoiceReturned per invoice besides. Requires: NotUndivided besides.
    function cancelWhole(Ending calldata a, Issue calldata issued, bytes calldata consents) external;

    /// @notice Moves the voucher's sequence on, so that whatever was signed for the present one is void. Consents: holder.
    /// @dev Emits Revoked. Requires: no lock (Locked, InFreeze), before the due day (RecordDay) or overdue.
    function revoke(Ending calldata a, bytes calldata consents) external;

    /// @notice Spends the id of an issue before it lands. Consents: `by`, one of those who have to sign the issue.
    /// @param issued the issue agreement, resupplied whole
    /// @dev Emits IssueRevoked. Requires: NotConcerned, VoucherTaken, and a.promiseId the issue's (UnknownVoucher).
    function revokeIssue(RevokeIssue calldata a, Issue calldata issued, bytes calldata consents) external;

    // ------------------------------------------------------------ views

    function registry() external view returns (IPartyRegistry);
    function predecessor() external view returns (IVoucherLedger);
    // The words are laid out in State.sol.
    function lineOf(uint64 line) external view returns (Line);
    function lineTermsOf(uint64 line) external view returns (LineTerms);
    function promiseOf(uint160 promiseId) external view returns (Promise);
    function voucherOf(uint256 voucher) external view returns (Voucher);
    function paymentOf(uint256 voucher) external view returns (Payment);
    function pledgeOf(uint256 voucher) external view returns (Pledge);
    function issuerOf(uint32 issuer) external view returns (IssuerState);
    function settingsOf() external view returns (LedgerSettings);
    /// @notice Last day of the court freeze; 0: none recorded.
    function freezeOf(uint256 voucher) external view returns (uint256);
    function invoiceUseOf(uint32 payer, bytes32 fingerprint) external view returns (InvoiceUse);
    /// @notice An invoice's use here and in all predecessors: what a successor adds to its own.
    function inheritedUseOf(uint256 payer, bytes32 fingerprint) external view returns (InvoiceUse);
    /// @notice An issuer's overdue face here and in all predecessors, and whether one of them stopped it.
    function inheritedStandingOf(uint256 issuer) external view returns (IssuerState);

    // ------------------------------------------------------------ reading face: shaped as ERC-721, which it does not claim

    function name() external view returns (string memory);
    function symbol() external view returns (string memory);
    /// @notice Fen; 0 for a voucher that ended or never was.
    function faceOf(uint256 voucher) external view returns (uint256);
    /// @notice The holder's display account (PartyRegistry.accountOf). Reverts with UnknownVoucher, VoucherEnded.
    function ownerOf(uint256 voucher) external view returns (address);
    /// @notice A data URI of JSON with face, due day, tier and locks: nothing private. Reverts as ownerOf.
    function tokenURI(uint256 voucher) external view returns (string memory);
}
