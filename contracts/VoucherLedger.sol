// SPDX-License-Identifier: UNLICENSED
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Door} from "./Door.sol";
import {IPartyRegistry} from "./interfaces/IPartyRegistry.sol";
import {IVoucherLedger} from "./interfaces/IVoucherLedger.sol";
import {Accounts} from "./lib/Accounts.sol";
import {AgreementTypes} from "./lib/AgreementTypes.sol";
import {Days} from "./lib/Days.sol";
import {Ids} from "./lib/Ids.sol";
import {
    InvoiceUse, InvoiceUseWord, Line, LineFlag, LineTerms, LineTermsWord, LineWord, Lock, Payment, PaymentWord,
    Promise, PromiseWord, Voucher, VoucherWord
} from "./State.sol";
import {
    AssertPayment, ContestPayment, Discount, Duty, Ending, Freeze, FreezeLine, GrantLine, Invoice, Issue, IssuerState,
    LedgerSettings, Need, Part, PaymentAnswer, Pledge, Purpose, Rescind, ResizeLine, RevokeIssue, Split,
    TransferWhole, Unfreeze, duty, dutyToSell
} from "./Types.sol";

/// @title VoucherLedger
/// @notice See IVoucherLedger. One rhythm per verb: guards, compute, write, emit.
contract VoucherLedger is IVoucherLedger, Door {
    uint256 private constant LOWEST_WINDOW = 1;
    uint256 private constant HIGHEST_WINDOW = 15;
    uint256 private constant LOWEST_GRACE = 10;
    uint256 private constant HIGHEST_GRACE = 30;
    uint256 private constant LOWEST_SMALLEST_PART = 100; // fen
    uint256 private constant HIGHEST_PART_NUMBER = 10_000; // smallest parts in one face
    uint256 private constant HIGHEST_PART_COUNT = 20; // in one split
    uint256 private constant HIGHEST_INVOICE_COUNT = 10;
    uint256 private constant HIGHEST_TENOR = 366; // days
    uint16 private constant FIRST_TENOR_CAP = 184; // days
    uint256 private constant HIGHEST_FREEZE = 366; // days
    uint256 private constant PAYMENT_LOCKS = Lock.PAYMENT | Lock.CONTESTED | Lock.CONFIRMED;

    IPartyRegistry public immutable registry;
    IVoucherLedger public immutable predecessor;

    LedgerSettings private _settings;
    mapping(uint64 line => Line) private _lines;
    mapping(uint64 line => LineTerms) private _lineTerms;
    mapping(uint256 promiseId => Promise) private _promises;
    mapping(uint256 voucher => Voucher) private _vouchers;
    mapping(uint256 voucher => Payment) private _payments;
    mapping(uint256 voucher => Pledge) private _pledges;
    mapping(uint256 voucher => uint256 lastDay) private _freezes;
    mapping(bytes32 orderAndVoucher => bool) private _spentOrders;
    mapping(bytes32 payerAndFingerprint => InvoiceUse) private _invoiceUses;
    mapping(uint32 issuer => IssuerState) private _issuers;

    /// @param registry_ who may act here
    /// @param predecessor_ the ledger that this one takes over from after its run-off; zero for the first
    constructor(IPartyRegistry registry_, IVoucherLedger predecessor_) EIP712("Tallystick Voucher Ledger CNY", "1") {
        // a successor adds its predecessors' invoice use, which this release does not do yet
        if (address(predecessor_) != address(0)) revert PredecessorUnread();
        registry_.registrar(); // reverts where there is no registry, whose check would then let everything pass
        registry = registry_;
        predecessor = predecessor_;
        _settings.tenorCap = FIRST_TENOR_CAP;
    }

    // ------------------------------------------------------------ lines

    function grantLine(GrantLine calldata a, bytes calldata consents) external door {
        if (_lines[a.line].issuer() != 0 || uint32(a.line) == 0) revert LineTaken(a.line);
        if (a.parent != 0) {
            Line parent = _lines[a.parent];
            if (Ids.bankOf(a.parent) != Ids.bankOf(a.line) || parent.issuer() != a.issuer || parent.parent() != 0) {
                revert ParentLineUnfit(a.parent);
            }
        }
        uint256 window = a.window;
        if (window < LOWEST_WINDOW || window > HIGHEST_WINDOW) {
            revert WindowOutOfRange(window, LOWEST_WINDOW, HIGHEST_WINDOW);
        }
        uint256 lowestGrace = window < LOWEST_GRACE ? LOWEST_GRACE : window + 1;
        if (a.grace < lowestGrace || a.grace > HIGHEST_GRACE) {
            revert GraceOutOfRange(a.grace, lowestGrace, HIGHEST_GRACE);
        }
        if (a.smallestPart < LOWEST_SMALLEST_PART) {
            revert SmallestPartTooSmall(a.smallestPart, LOWEST_SMALLEST_PART);
        }
        _agree(AgreementTypes.GRANT_LINE, 10, _byBank(a.line), duty(a.issuer, Need.ISSUE), consents);

        uint256 flags = a.countersign ? LineFlag.COUNTERSIGN : 0;
        _lines[a.line] = LineWord.make(a.limit, a.issuer, a.expiry, uint32(a.parent), a.smallestPart, flags);
        _lineTerms[a.line] = LineTermsWord.make(window, a.grace);
        _logSigned(LineGranted.selector, a.line, 36, 8, 0, 0, 0);
    }

    function resizeLine(ResizeLine calldata a, bytes calldata consents) external door {
        uint256 sequence = _advanceLine(a.line, a.sequence);
        _agree(AgreementTypes.RESIZE_LINE, 5, _byBank(a.line), consents);
        _lines[a.line] = _lines[a.line].resized(a.limit, a.expiry);
        _log(LineResized.selector, a.line, sequence, a.limit, a.expiry);
    }

    function freezeLine(FreezeLine calldata a, bytes calldata consents) external door {
        uint256 sequence = _advanceLine(a.line, a.sequence);
        _agree(AgreementTypes.FREEZE_LINE, 5, _byBank(a.line), consents);
        _lines[a.line] = _lines[a.line].frozen(a.frozen);
        _log(LineFreezing.selector, a.line, sequence, a.frozen ? 1 : 0, uint256(a.reason));
    }

    // ------------------------------------------------------------ life

    function issue(Issue calldata a, bytes calldata consents) external door {
        Line line = _lines[a.line];
        if (line.issuer() == 0) revert UnknownLine(a.line);
        if (line.issuer() != a.issuer) revert WrongIssuer(a.line, line.issuer(), a.issuer);
        if (a.supplier == a.issuer) revert SameParty(a.issuer);
        uint256 today = Days.today();
        _requireTerms(a, line.smallestPart(), today);
        bytes32 digest = _issueDigest(a);
        _agreeOn(digest, a.deadline, _issueDuties(a, line), consents);
        uint256 id = Ids.rootOf(digest);
        _requireNew(id);

        uint256 face = a.face;
        _draw(a.line, line, face, today);
        if (line.parent() != 0) {
            uint64 parent = Ids.parentOf(a.line, line.parent());
            _draw(parent, _lines[parent], face, today);
        }
        _promises[id >> 96] = PromiseWord.make(a.line, a.dueDay, a.smallestPart, a.highestTier, face);
        _vouchers[id] = VoucherWord.make(face, a.supplier, 1, 0);
        _useInvoices(id, a.issuer, a.invoices);
        _logSigned(Issued.selector, id, _startOf(a) + 32, 8, today, 0, 1);
        _show(0, a.supplier, id);
    }

    function split(Split calldata a, bytes calldata consents) external door {
        (Voucher v, Promise p) = _movable(a.voucher, a.sequence, a.overdue);
        uint256 count = a.parts.length;
        if (count == 0 || count > HIGHEST_PART_COUNT) revert PartCount(count, HIGHEST_PART_COUNT);
        Duty[] memory duties = new Duty[](count + 1);
        duties[0] = duty(v.holder(), Need.SIGN);
        uint256 rest = v.face();
        for (uint256 i; i < count;) {
            (uint256 recipient, uint256 face) = (a.parts[i].recipient, a.parts[i].face);
            if (face > rest) revert PartsExceedFace(face, rest);
            _requirePart(face, p);
            unchecked {
                rest -= face;
                ++i;
            }
            duties[i] = duty(recipient, Need.SIGN);
        }
        if (rest != 0) _requirePart(rest, p);
        uint256 start;
        assembly ("memory-safe") {
            start := a
        }
        bytes32 parts = AgreementTypes.hashOf(a.parts);
        bytes32 digest = _digest(AgreementTypes.SPLIT, start, 4, parts, AgreementTypes.hashOf(a.invoices), 2);
        _agreeOn(digest, a.deadline, duties, consents);

        v = v.withFace(rest);
        _vouchers[a.voucher] = v;
        _useInvoices(a.voucher, v.holder(), a.invoices);
        for (uint256 i; i < count; ++i) {
            _part(a.voucher, Ids.childOf(a.voucher, a.sequence, i), a.parts[i], v, p.highestTier());
        }
        if (rest == 0) _show(v.holder(), 0, a.voucher);
    }

    function transfer(TransferWhole calldata a, bytes calldata consents) external door {
        (Voucher v, Promise p) = _movable(a.voucher, a.sequence, a.overdue);
        (uint256 holder, uint256 recipient) = (v.holder(), a.recipient);
        if (recipient == holder) revert SameParty(holder);
        uint256 tier = _nextTier(v, p.highestTier());
        uint256 start;
        assembly ("memory-safe") {
            start := a
        }
        Invoice[] calldata invoices = a.invoices;
        bytes32 digest = _digest(AgreementTypes.TRANSFER, start, 5, AgreementTypes.hashOf(invoices), 0, 1);
        _agreeOn(digest, a.deadline, _duties(duty(holder, Need.SIGN), duty(recipient, Need.SIGN)), consents);

        _vouchers[a.voucher] = v.withHolder(recipient).withTier(tier);
        _useInvoices(a.voucher, holder, invoices);
        _log(Transferred.selector, a.voucher, recipient);
        _show(holder, recipient, a.voucher);
    }

    function discount(Discount calldata a, bytes calldata consents) external door {
        (Voucher v, Promise p) = _movable(a.voucher, a.sequence, false);
        (uint256 funder, uint256 payBy, uint256 today) = (a.funder, a.payBy, Days.today());
        if (funder == v.holder()) revert SameParty(funder);
        if (payBy < today) revert PayByPassed(payBy, today);
        uint256 window = _lineTerms[p.line()].window();
        if (payBy + 1 + window >= p.dueDay()) revert PayByTooLate(payBy, p.dueDay() - window - 2);
        _agree(AgreementTypes.DISCOUNT, 6, dutyToSell(v.holder(), funder), duty(funder, Need.FUND), consents);

        _vouchers[a.voucher] = v.discounted(funder, payBy);
        _log(Discounted.selector, a.voucher, funder, uint256(a.quote), payBy);
    }

    function rescind(Rescind calldata a, bytes calldata consents) external door {
        Voucher v = _advance(a.voucher, a.sequence);
        uint256 by = a.by;
        if (!v.has(Lock.DISCOUNT)) revert NotDiscounted(a.voucher);
        if (v.has(Lock.PAYMENT)) revert PaymentPending(a.voucher);
        if (by == v.holder()) {
            uint256 from = v.payBy() + 2;
            (bool suspended,) = registry.standingOf(v.counterparty());
            if (Days.today() < from && !suspended) {
                revert RescindTooEarly(from, Days.today());
            }
        } else if (by != v.counterparty()) {
            revert NotConcerned(a.voucher, by);
        }
        _agree(AgreementTypes.RESCIND, 4, duty(by, Need.DEFEND), consents);

        _vouchers[a.voucher] = v.undiscounted();
        _log(Rescinded.selector, a.voucher, by);
    }

    // ------------------------------------------------------------ payment

    function assertPayment(AssertPayment calldata a, bytes calldata consents) external door {
        Voucher v = _advance(a.voucher, a.sequence);
        Promise p = _promises[a.voucher >> 96];
        uint256 today = Days.today();
        if (a.valueDay > today) revert ValueDayAhead(a.valueDay, today);
        Duty[] memory duties = a.purpose == Purpose.DISBURSEMENT
            ? _disbursementDuties(a, v, today, _countOf(consents))
            : _settlementDuties(a, v, p, today, _countOf(consents));
        _agree(AgreementTypes.ASSERT_PAYMENT, 8, duties, consents);

        bool agreed = duties.length > 1 || uint32(Duty.unwrap(duties[0])) == a.payee;
        _logSigned(PaymentAsserted.selector, a.voucher, 68, 5, agreed ? 1 : 0, today, 2);
        if (a.purpose == Purpose.SETTLEMENT) v = v.undiscounted(); // the due day has overtaken the sale
        Payment payment = PaymentWord.make(
            a.amount, a.payee, today, v.has(Lock.CONTESTED) ? _payments[a.voucher].contestedOn() : 0, uint256(a.purpose)
        );
        if (agreed && !v.has(Lock.FREEZE)) {
            _pay(a.voucher, v, payment);
        } else {
            _vouchers[a.voucher] = v.locked(agreed ? Lock.PAYMENT | Lock.CONFIRMED : Lock.PAYMENT);
            _payments[a.voucher] = payment;
        }
    }

    function confirmPayment(PaymentAnswer calldata a, bytes calldata consents) external door {
        (Voucher v, Payment payment) = _unanswered(a.voucher, a.sequence);
        uint256 payee = payment.payee();
        _agree(AgreementTypes.CONFIRM_PAYMENT, 3, duty(payee, Need.DEFEND), consents);

        if (!v.has(Lock.FREEZE)) return _complete(a.voucher, v, payment);
        _vouchers[a.voucher] = v.locked(Lock.CONFIRMED);
        _log(PaymentConfirmed.selector, a.voucher, payee);
    }

    function contestPayment(ContestPayment calldata a, bytes calldata consents) external door {
        (Voucher v, Payment payment) = _unanswered(a.voucher, a.sequence);
        if (v.has(Lock.CONTESTED)) revert PaymentIsContested(a.voucher);
        uint256 by = a.by;
        if (by != payment.payee()) revert NotConcerned(a.voucher, by);
        uint256 today = Days.today();
        uint256 completable = _silenceFrom(a.voucher, payment);
        if (today >= completable) revert WindowEnded(completable - 1, today);
        _agree(AgreementTypes.CONTEST_PAYMENT, 5, duty(by, Need.DEFEND), consents);

        _vouchers[a.voucher] = v.locked(Lock.CONTESTED);
        _payments[a.voucher] = payment.contested(today);
        _log(PaymentContested.selector, a.voucher, by, uint256(a.reason), today);
    }

    function withdrawPayment(PaymentAnswer calldata a, bytes calldata consents) external door {
        (Voucher v, Payment payment) = _underPayment(a.voucher, a.sequence);
        uint256 asserter = payment.purpose() == uint256(Purpose.DISBURSEMENT)
            ? v.counterparty()
            : Ids.bankOf(_promises[a.voucher >> 96].line());
        _agree(AgreementTypes.WITHDRAW_PAYMENT, 3, duty(asserter, Need.DEFEND), consents);

        _vouchers[a.voucher] = v.unlocked(PAYMENT_LOCKS);
        _payments[a.voucher] = Payment.wrap(0);
        _log(PaymentWithdrawn.selector, a.voucher);
    }

    function completePayment(uint256 voucher) external door {
        (Voucher v, Payment payment) = _underPayment(voucher, _vouchers[voucher].sequence());
        _requireUnfrozen(voucher, v);
        if (!v.has(Lock.CONFIRMED)) {
            if (v.has(Lock.CONTESTED)) revert PaymentIsContested(voucher);
            uint256 from = _silenceFrom(voucher, payment);
            if (from == type(uint256).max) revert PayeeRecovering(payment.payee());
            if (Days.today() < from) revert WindowOpen(from, Days.today());
        }
        _complete(voucher, v, payment);
    }

    // ------------------------------------------------------------ stops

    function freeze(Freeze calldata a, bytes calldata consents) external door {
        Voucher v = _live(a.voucher);
        (uint256 until, uint256 today) = (a.until, Days.today());
        if (until < today || until > today + HIGHEST_FREEZE) {
            revert FreezeOutOfRange(until, today, today + HIGHEST_FREEZE);
        }
        _spend(a.order, a.voucher);
        _agree(AgreementTypes.FREEZE, 4, _byRegistrar(), consents);

        if (until < _freezes[a.voucher]) until = _freezes[a.voucher];
        _freezes[a.voucher] = until;
        _vouchers[a.voucher] = v.locked(Lock.FREEZE);
        _log(VoucherFrozen.selector, a.voucher, uint256(a.order), until);
    }

    function unfreeze(Unfreeze calldata a, bytes calldata consents) external door {
        Voucher v = _live(a.voucher);
        if (!v.has(Lock.FREEZE)) revert NotFrozen(a.voucher);
        _spend(a.order, a.voucher);
        _agree(AgreementTypes.UNFREEZE, 3, _byRegistrar(), consents);

        _vouchers[a.voucher] = v.unlocked(Lock.FREEZE);
        delete _freezes[a.voucher];
        _log(VoucherUnfrozen.selector, a.voucher, uint256(a.order));
    }

    function cancel(Ending calldata a, bytes calldata consents) external door {
        _cancel(AgreementTypes.CANCEL, a, consents);
    }

    function cancelWhole(Ending calldata a, Issue calldata issued, bytes calldata consents) external door {
        uint256 id = a.voucher;
        if (id != Ids.rootOf(_issueDigest(issued)) || _vouchers[id].face() != issued.face) revert NotUndivided(id);
        _cancel(AgreementTypes.CANCEL_WHOLE, a, consents);
        for (uint256 i; i < issued.invoices.length; ++i) {
            Invoice calldata invoice = issued.invoices[i];
            bytes32 key = Ids.invoiceKey(issued.issuer, invoice.fingerprint);
            _invoiceUses[key] = _invoiceUses[key].returned(invoice.amount);
            _log(InvoiceReturned.selector, id, issued.issuer, uint256(invoice.fingerprint), invoice.amount);
        }
    }

    function revoke(Ending calldata a, bytes calldata consents) external door {
        (Voucher v,) = _movable(a.voucher, a.sequence, false);
        _agree(AgreementTypes.REVOKE, 3, duty(v.holder(), Need.DEFEND), consents);

        _vouchers[a.voucher] = v;
        _log(Revoked.selector, a.voucher);
    }

    function revokeIssue(RevokeIssue calldata a, Issue calldata issued, bytes calldata consents) external door {
        uint256 id = Ids.rootOf(_issueDigest(issued));
        uint256 by = a.by;
        if (a.promiseId != id >> 96) revert UnknownVoucher(uint256(a.promiseId) << 96);
        _requireNew(id);
        if (by != issued.issuer && by != issued.supplier) {
            if (by != Ids.bankOf(issued.line) || !_lines[issued.line].has(LineFlag.COUNTERSIGN)) {
                revert NotConcerned(id, by);
            }
        }
        _agree(AgreementTypes.REVOKE_ISSUE, 3, duty(by, Need.DEFEND), consents);

        _vouchers[id] = VoucherWord.make(0, 0, 0, 0); // ended for good
        _log(IssueRevoked.selector, id, by);
    }

    // ------------------------------------------------------------ views

    function lineOf(uint64 line) external view returns (Line) {
        return _lines[line];
    }

    function lineTermsOf(uint64 line) external view returns (LineTerms) {
        return _lineTerms[line];
    }

    function promiseOf(uint160 promiseId) external view returns (Promise) {
        return _promises[promiseId];
    }

    function voucherOf(uint256 voucher) external view returns (Voucher) {
        return _vouchers[voucher];
    }

    function paymentOf(uint256 voucher) external view returns (Payment) {
        return _payments[voucher];
    }

    function freezeOf(uint256 voucher) external view returns (uint256) {
        return _freezes[voucher];
    }

    function invoiceUseOf(uint32 payer, bytes32 fingerprint) external view returns (InvoiceUse) {
        return _invoiceUses[Ids.invoiceKey(payer, fingerprint)];
    }

    // ------------------------------------------------------------ inside: lines, promises, invoices

    function _requireTerms(Issue calldata a, uint256 lowestPart, uint256 today) private view {
        (uint256 face, uint256 smallestPart, uint256 dueDay) = (a.face, a.smallestPart, a.dueDay);
        uint256 invoiced;
        Invoice[] calldata invoices = a.invoices;
        for (uint256 i; i < invoices.length; ++i) {
            unchecked {
                invoiced += invoices[i].amount; // 64 bits each, as many as fit a transaction
            }
        }
        if (invoiced != face) revert InvoicesDoNotMatch(invoiced, face);
        if (dueDay <= today) revert DueDayPassed(dueDay, today);
        uint256 tenor = dueDay - today;
        if (tenor > HIGHEST_TENOR) revert TenorTooLong(tenor, HIGHEST_TENOR);
        uint256 cap = _settings.tenorCap;
        if (tenor > cap && a.tenorReason == 0) revert TenorNeedsReason(tenor, cap);
        if (smallestPart < lowestPart) revert SmallestPartTooSmall(smallestPart, lowestPart);
        if (face < smallestPart) revert PartTooSmall(face, smallestPart);
        if (face / smallestPart > HIGHEST_PART_NUMBER) revert TooManyParts(face, smallestPart);
        if (a.highestTier == 0) revert TierTooHigh(1, 0);
    }

    function _issueDigest(Issue calldata a) private view returns (bytes32) {
        return _digest(AgreementTypes.ISSUE, _startOf(a), 11, AgreementTypes.hashOf(a.invoices), 0, 1);
    }

    /// Where in the calldata an issue's words stand.
    function _startOf(Issue calldata a) private pure returns (uint256 start) {
        assembly ("memory-safe") {
            start := a
        }
    }

    function _issueDuties(Issue calldata a, Line line) private pure returns (Duty[] memory duties) {
        bool countersign = line.has(LineFlag.COUNTERSIGN);
        duties = new Duty[](countersign ? 3 : 2);
        duties[0] = duty(a.issuer, Need.ISSUE);
        duties[1] = duty(a.supplier, Need.SIGN);
        if (countersign) duties[2] = _byBank(a.line);
    }

    function _draw(uint64 id, Line line, uint256 face, uint256 today) private {
        if (line.has(LineFlag.FROZEN)) revert LineIsFrozen(id);
        if (today > line.expiry()) revert LineExpired(id, line.expiry(), today);
        uint256 available = line.limit() > line.drawn() ? line.limit() - line.drawn() : 0;
        if (face > available) revert LimitExceeded(id, face, available);
        _lines[id] = line.drawnBy(face);
    }

    /// Face that is no longer owed leaves its promise, its line and the parent line.
    function _release(uint256 voucher, uint256 face, uint256 paid) private {
        Promise p = _promises[voucher >> 96];
        _promises[voucher >> 96] = p.released(face, paid);
        Line line = _lines[p.line()];
        _lines[p.line()] = line.releasedBy(face);
        if (line.parent() != 0) {
            uint64 parent = Ids.parentOf(p.line(), line.parent());
            _lines[parent] = _lines[parent].releasedBy(face);
        }
    }

    function _useInvoices(uint256 voucher, uint256 payer, Invoice[] calldata invoices) private {
        uint256 count = invoices.length;
        if (count > HIGHEST_INVOICE_COUNT) revert InvoiceCount(count, HIGHEST_INVOICE_COUNT);
        for (uint256 i; i < count; ++i) {
            Invoice calldata invoice = invoices[i];
            (bytes32 fingerprint, uint256 amount) = (invoice.fingerprint, invoice.amount);
            if (amount == 0) revert ZeroAmount();
            bytes32 key = Ids.invoiceKey(payer, fingerprint);
            InvoiceUse use = _invoiceUses[key];
            uint256 total = use.used() == 0 ? invoice.total : use.total();
            if (total != invoice.total) revert InvoiceTotalDiffers(fingerprint, total, invoice.total);
            if (use.used() + amount > total) revert InvoiceExceeded(fingerprint, amount, total - use.used());
            _invoiceUses[key] = InvoiceUseWord.make(total, use.used() + amount);
            _log(InvoiceUsed.selector, voucher, payer, uint256(fingerprint), amount, total);
        }
    }

    function _advanceLine(uint64 line, uint256 sequence) private returns (uint256) {
        LineTerms terms = _lineTerms[line];
        if (terms.sequence() == 0) revert UnknownLine(line);
        if (terms.sequence() != sequence) revert WrongSequence(line, sequence, terms.sequence());
        _lineTerms[line] = terms.next();
        return sequence + 1;
    }

    // ------------------------------------------------------------ inside: vouchers

    /// The voucher as it stands today: a court freeze whose last day has passed is gone.
    function _live(uint256 voucher) private returns (Voucher v) {
        v = _vouchers[voucher];
        if (v.sequence() == 0) revert UnknownVoucher(voucher);
        if (v.face() == 0) revert VoucherEnded(voucher);
        if (v.has(Lock.FREEZE) && _freezes[voucher] < Days.today()) {
            delete _freezes[voucher];
            v = v.unlocked(Lock.FREEZE);
        }
    }

    /// The voucher with its sequence consumed; the caller stores it.
    function _advance(uint256 voucher, uint256 sequence) private returns (Voucher v) {
        v = _live(voucher);
        if (v.sequence() != sequence) revert WrongSequence(voucher, sequence, v.sequence());
        v = v.next();
    }

    /// As `_advance`, for the verbs that want a voucher under no lock, before its due day or overdue.
    function _movable(uint256 voucher, uint256 sequence, bool overdue) private returns (Voucher v, Promise p) {
        v = _advance(voucher, sequence);
        p = _promises[voucher >> 96];
        _requireUnfrozen(voucher, v);
        if (v.has(~Lock.OVERDUE)) revert Locked(voucher, v.locks());
        if (v.has(Lock.OVERDUE) != overdue) revert OverdueDiffers(voucher, !overdue);
        if (!overdue && Days.today() >= p.dueDay()) revert RecordDay(voucher, p.dueDay(), Days.today());
    }

    function _part(uint256 voucher, uint256 child, Part calldata part, Voucher v, uint256 highestTier) private {
        _requireNew(child);
        uint256 recipient = part.recipient;
        uint256 tier = recipient == v.holder() ? v.tier() : _nextTier(v, highestTier);
        _vouchers[child] = VoucherWord.make(part.face, recipient, tier, v.locks());
        _log(Parted.selector, voucher, child, recipient, part.face, tier, v.sequence(), 0, 5);
        _show(0, recipient, child);
    }

    function _cancel(bytes32 typeHash, Ending calldata a, bytes calldata consents) private {
        (Voucher v, Promise p) = _movable(a.voucher, a.sequence, _vouchers[a.voucher].has(Lock.OVERDUE));
        _agree(typeHash, 3, duty(_lines[p.line()].issuer(), Need.SIGN), duty(v.holder(), Need.SIGN), consents);

        _vouchers[a.voucher] = v.withFace(0);
        _release(a.voucher, v.face(), 0);
        _log(Cancelled.selector, a.voucher, v.face());
        _show(v.holder(), 0, a.voucher);
    }

    /// A court order is good once per voucher. It consumes no sequence, so that it voids nothing that its parties signed.
    function _spend(bytes32 order, uint256 voucher) private {
        bytes32 key = Ids.orderKey(order, voucher);
        if (_spentOrders[key]) revert OrderSpent(order);
        _spentOrders[key] = true;
    }

    function _requireUnfrozen(uint256 voucher, Voucher v) private view {
        if (v.has(Lock.FREEZE)) revert InFreeze(voucher, _freezes[voucher]);
    }

    function _requireNew(uint256 voucher) private view {
        if (_vouchers[voucher].sequence() != 0) revert VoucherTaken(voucher);
    }

    function _requirePart(uint256 face, Promise p) private pure {
        if (face < p.smallestPart()) revert PartTooSmall(face, p.smallestPart());
    }

    function _nextTier(Voucher v, uint256 highest) private pure returns (uint256 tier) {
        unchecked {
            tier = v.tier() + 1;
        }
        if (tier > highest) revert TierTooHigh(tier, highest);
    }

    // ------------------------------------------------------------ inside: payments

    function _disbursementDuties(AssertPayment calldata a, Voucher v, uint256 today, uint256 count)
        private
        view
        returns (Duty[] memory)
    {
        if (!v.has(Lock.DISCOUNT)) revert NotDiscounted(a.voucher);
        if (v.has(Lock.PAYMENT)) _requireReassertable(a, v);
        else if (today > v.payBy() + 1) revert AssertTooLate(v.payBy() + 1, today);
        _requireSum(a.amount, 0);
        return _paymentDuties(a, v, v.counterparty(), count);
    }

    function _settlementDuties(AssertPayment calldata a, Voucher v, Promise p, uint256 today, uint256 count)
        private
        view
        returns (Duty[] memory duties)
    {
        uint256 bank = Ids.bankOf(p.line());
        bool due = today >= p.dueDay();
        _requireSum(a.amount, v.face());
        if (v.has(Lock.PAYMENT) && v.has(Lock.DISCOUNT) && due) {
            // an unfinished disbursement: holder and funder say together who is to be paid. Not while frozen: what waits for
            // the end of a freeze can be withdrawn by the bank alone, and the funder's word would be gone.
            _requireUnfrozen(a.voucher, v);
            if (a.payee != v.holder() && a.payee != v.counterparty()) revert WrongPayee(a.payee, v.holder());
            duties = new Duty[](3);
            duties[0] = duty(bank, Need.DEFEND);
            duties[1] = duty(v.holder(), Need.DEFEND);
            duties[2] = duty(v.counterparty(), Need.DEFEND);
        } else {
            if (v.has(Lock.PAYMENT)) _requireReassertable(a, v);
            if (!due) {
                if (v.has(Lock.DISCOUNT)) revert Locked(a.voucher, v.locks());
                if (count < 2 && bank != v.holder()) revert HolderMustSign(p.dueDay(), today);
            }
            duties = _paymentDuties(a, v, bank, count);
        }
    }

    function _requireSum(uint256 given, uint256 expected) private pure {
        if (given != expected) revert WrongAmount(given, expected);
    }

    /// A payment under way gives way only to one for the same purpose, and only where it was contested and not since confirmed.
    function _requireReassertable(AssertPayment calldata a, Voucher v) private view {
        bool answered = v.has(Lock.CONTESTED) && !v.has(Lock.CONFIRMED);
        if (!answered || _payments[a.voucher].purpose() != uint256(a.purpose)) revert PaymentPending(a.voucher);
    }

    /// The asserter, and the payee, who is the holder, where it signs too.
    function _paymentDuties(AssertPayment calldata a, Voucher v, uint256 asserter, uint256 count)
        private
        pure
        returns (Duty[] memory)
    {
        if (a.payee != v.holder()) revert WrongPayee(a.payee, v.holder());
        Duty first = duty(asserter, Need.DEFEND);
        return count < 2 ? _duties(first) : _duties(first, duty(a.payee, Need.DEFEND));
    }

    function _underPayment(uint256 voucher, uint256 sequence) private returns (Voucher v, Payment payment) {
        v = _advance(voucher, sequence);
        if (!v.has(Lock.PAYMENT)) revert NoPayment(voucher);
        payment = _payments[voucher];
    }

    function _unanswered(uint256 voucher, uint256 sequence) private returns (Voucher v, Payment payment) {
        (v, payment) = _underPayment(voucher, sequence);
        if (v.has(Lock.CONFIRMED)) revert PaymentIsConfirmed(voucher);
    }

    /// First day on which silence completes the payment; the highest number while the payee's key is being recovered.
    function _silenceFrom(uint256 voucher, Payment payment) private view returns (uint256) {
        (, uint256 since) = registry.standingOf(payment.payee());
        if (since == type(uint256).max) return since;
        if (since < payment.assertedOn()) since = payment.assertedOn();
        return since + _lineTerms[_promises[voucher >> 96].line()].window() + 1;
    }

    function _complete(uint256 voucher, Voucher v, Payment payment) private {
        _log(PaymentCompleted.selector, voucher, payment.payee(), payment.purpose(), payment.amount());
        _pay(voucher, v, payment);
    }

    /// What a payment does once it counts: a disbursement makes the funder the holder, a settlement extinguishes face.
    function _pay(uint256 voucher, Voucher v, Payment payment) private {
        uint256 holder = v.holder();
        if (v.has(Lock.PAYMENT)) _payments[voucher] = Payment.wrap(0);
        v = v.unlocked(PAYMENT_LOCKS);
        if (payment.purpose() == uint256(Purpose.DISBURSEMENT)) {
            uint256 funder = v.counterparty();
            _vouchers[voucher] = v.withHolder(funder).undiscounted();
            _show(holder, funder, voucher);
        } else {
            uint256 rest = v.face() - payment.amount();
            _vouchers[voucher] = v.withFace(rest);
            _release(voucher, payment.amount(), payment.amount());
            if (rest == 0) _show(holder, 0, voucher);
        }
    }

    // ------------------------------------------------------------ inside: explorers, the registry

    function _byBank(uint64 line) private pure returns (Duty) {
        return duty(Ids.bankOf(line), Need.BANK);
    }

    /// ERC-721's event; party 0 stands for nobody.
    function _show(uint256 from, uint256 to, uint256 voucher) private {
        emit Transfer(Accounts.ofParty(from), Accounts.ofParty(to), voucher);
    }

    /// @dev registry.check(digest, msg.sender, duties, consents), by hand: 70 bytes and 500 gas less.
    function _checkConsents(bytes32 digest, Duty[] memory duties, bytes calldata consents) internal view override {
        address target = address(registry);
        bytes32 selector = IPartyRegistry.check.selector;
        assembly ("memory-safe") {
            let data := mload(0x40)
            let size := shl(5, add(mload(duties), 1))
            let tail := add(add(data, 0x84), size)
            mstore(data, selector)
            mstore(add(data, 0x04), digest)
            mstore(add(data, 0x24), caller())
            mstore(add(data, 0x44), 0x80)
            mstore(add(data, 0x64), add(size, 0x80))
            mcopy(add(data, 0x84), duties, size)
            mstore(tail, consents.length)
            calldatacopy(add(tail, 0x20), consents.offset, consents.length)
            let end := add(add(tail, 0x20), consents.length)
            if iszero(staticcall(gas(), target, data, sub(end, data), 0, 0)) {
                returndatacopy(data, 0, returndatasize())
                revert(data, returndatasize())
            }
        }
    }
}
