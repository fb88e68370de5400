// SPDX-License-Identifier: UNLICENSED
pragma solidity 0.8.37;

import {IERC5267} from "@openzeppelin/contracts/interfaces/IERC5267.sol";
import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Credit} from "./Credit.sol";
import {IPartyRegistry} from "./interfaces/IPartyRegistry.sol";
import {IVoucherLedger} from "./interfaces/IVoucherLedger.sol";
import {Accounts} from "./lib/Accounts.sol";
import {AgreementTypes} from "./lib/AgreementTypes.sol";
import {Days} from "./lib/Days.sol";
import {Ids} from "./lib/Ids.sol";
import {
    Line, LineFlag, Lock, Payment, PaymentWord, Pledge, PledgeWord, Promise, PromiseWord, Voucher, VoucherWord
} from "./State.sol";
import {
    AssertPayment, Award, ContestPayment, Discount, Duty, Ending, Freeze, Invoice, Issue, MakePledge, Need, Part,
    PaymentAnswer, Purpose, RevokeIssue, Split, TransferWhole, Undoing, Unfreeze, duty, dutyOfRegistrarNot,
    dutyToSell
} from "./Types.sol";

/// @title VoucherLedger
/// @notice See IVoucherLedger. One rhythm per verb: guards, compute, write, emit.
contract VoucherLedger is Credit {
    uint256 private constant HIGHEST_PART_NUMBER = 10_000; // smallest parts in one face
    uint256 private constant HIGHEST_PART_COUNT = 20; // in one split
    uint256 private constant HIGHEST_FREEZE = 366; // days
    uint256 private constant AWARD_DAYS = 30; // from the first contest on
    uint256 private constant PAYMENT_LOCKS = Lock.PAYMENT | Lock.CONTESTED | Lock.CONFIRMED;

    string public constant name = "Tallystick Voucher CNY";
    string public constant symbol = "TALLY";

    mapping(uint256 voucher => Voucher) private _vouchers;
    mapping(uint256 voucher => Payment) private _payments;
    mapping(uint256 voucher => Pledge) private _pledges;
    mapping(uint256 voucher => uint256 lastDay) private _freezes;
    mapping(bytes32 orderAndVoucher => bool) private _spentOrders;

    constructor(IPartyRegistry registry_, IVoucherLedger predecessor_) Credit(registry_, predecessor_) {}

    // ------------------------------------------------------------ life

    function issue(Issue calldata a, bytes calldata consents) external door {
        Line line = _lines[a.line];
        if (line.issuer() == 0) revert UnknownLine(a.line);
        if (line.issuer() != a.issuer) revert WrongIssuer(a.line, line.issuer(), a.issuer);
        if (a.supplier == a.issuer) revert SameParty(a.issuer);
        _requireIssuer(a.issuer);
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
        uint256 invoiced = _useInvoices(id, a.issuer, a.invoices);
        if (invoiced != face) revert InvoicesDoNotMatch(invoiced, face);
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
        // Solidity has no word for where a struct of the calldata stands; _digest needs it (190 bytes, 570 gas)
        uint256 start;
        assembly ("memory-safe") {
            start := a
        }
        bytes32 parts = AgreementTypes.hashOf(a.parts);
        bytes32 digest = _digest(AgreementTypes.SPLIT, start, 4, parts, AgreementTypes.hashOf(a.invoices), 2);
        _agreeOn(digest, a.deadline, duties, consents);

        v = v.withFace(rest);
        _vouchers[a.voucher] = v;
        _useHopInvoices(a.voucher, v.holder(), a.invoices);
        for (uint256 i; i < count; ++i) {
            _part(a.voucher, Ids.childOf(a.voucher, a.sequence, i), a.parts[i], v, p);
        }
        if (rest == 0) _show(v.holder(), 0, a.voucher);
    }

    function transfer(TransferWhole calldata a, bytes calldata consents) external door {
        (Voucher v, Promise p) = _movable(a.voucher, a.sequence, a.overdue);
        (uint256 holder, uint256 recipient) = (v.holder(), a.recipient);
        if (recipient == holder) revert SameParty(holder);
        uint256 tier = _nextTier(v, p);
        // Solidity has no word for where a struct of the calldata stands; _digest needs it (190 bytes, 570 gas)
        uint256 start;
        assembly ("memory-safe") {
            start := a
        }
        Invoice[] calldata invoices = a.invoices;
        bytes32 digest = _digest(AgreementTypes.TRANSFER, start, 5, AgreementTypes.hashOf(invoices), 0, 1);
        _agreeOn(digest, a.deadline, _duties(duty(holder, Need.SIGN), duty(recipient, Need.SIGN)), consents);

        _vouchers[a.voucher] = v.withHolder(recipient).withTier(tier);
        _useHopInvoices(a.voucher, holder, invoices);
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

    function rescind(Undoing calldata a, bytes calldata consents) external door {
        Voucher v = _advance(a.voucher, a.sequence);
        uint256 by = a.by;
        if (!v.has(Lock.DISCOUNT)) revert NotDiscounted(a.voucher);
        _requireUnpaid(a.voucher, v);
        if (by == v.holder()) {
            uint256 from = v.payBy() + 2;
            if (Days.today() < from && !registry.isSuspended(v.counterparty())) {
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
        uint256 count = _countOf(consents);
        Duty[] memory duties = a.purpose == Purpose.DISBURSEMENT
            ? _disbursementDuties(a, v, today, count)
            : _settlementDuties(a, v, p, today, count);
        _agree(AgreementTypes.ASSERT_PAYMENT, 8, duties, consents);

        bool agreed = duties.length > 1 || (uint32(Duty.unwrap(duties[0])) == a.payee && a.payee == v.holder());
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
        _agree(AgreementTypes.CONFIRM_PAYMENT, 3, _payeeDuties(payee, v), consents);

        if (!v.has(Lock.FREEZE)) return _complete(a.voucher, v, payment);
        _vouchers[a.voucher] = v.locked(Lock.CONFIRMED);
        _log(PaymentConfirmed.selector, a.voucher, payee);
    }

    function contestPayment(ContestPayment calldata a, bytes calldata consents) external door {
        (Voucher v, Payment payment) = _unanswered(a.voucher, a.sequence);
        if (v.has(Lock.CONTESTED)) revert PaymentIsContested(a.voucher);
        uint256 by = a.by;
        if (by != payment.payee() && by != v.holder()) revert NotConcerned(a.voucher, by);
        uint256 today = Days.today();
        (uint256 completable, uint256 recovering) = _silenceFrom(a.voucher, v, payment);
        if (recovering == 0 && today >= completable) revert WindowEnded(completable - 1, today);
        _agree(AgreementTypes.CONTEST_PAYMENT, 5, duty(by, Need.DEFEND), consents);

        _vouchers[a.voucher] = v.locked(Lock.CONTESTED);
        _payments[a.voucher] = payment.contested(today);
        _log(PaymentContested.selector, a.voucher, by, uint256(a.reason), today);
    }

    function withdrawPayment(PaymentAnswer calldata a, bytes calldata consents) external door {
        (Voucher v, Payment payment) = _underPayment(a.voucher, a.sequence);
        uint256 asserter = _asserterOf(a.voucher, v, payment);
        _agree(AgreementTypes.WITHDRAW_PAYMENT, 3, duty(asserter, Need.DEFEND), consents);

        _withdraw(a.voucher, v);
        _log(PaymentWithdrawn.selector, a.voucher);
    }

    function completePayment(uint256 voucher) external door {
        (Voucher v, Payment payment) = _underPayment(voucher, _vouchers[voucher].sequence());
        _requireUnfrozen(voucher, v);
        if (!v.has(Lock.CONFIRMED)) {
            if (v.has(Lock.CONTESTED)) revert PaymentIsContested(voucher);
            (uint256 from, uint256 recovering) = _silenceFrom(voucher, v, payment);
            if (recovering != 0) revert PayeeRecovering(recovering);
            if (Days.today() < from) revert WindowOpen(from, Days.today());
        }
        _complete(voucher, v, payment);
    }

    function award(Award calldata a, bytes calldata consents) external door {
        (Voucher v, Payment payment) = _unanswered(a.voucher, a.sequence);
        if (!v.has(Lock.CONTESTED)) revert NotContested(a.voucher);
        uint256 from = payment.contestedOn() + AWARD_DAYS;
        if (Days.today() < from) revert AwardTooEarly(from, Days.today());
        (uint256 arbiter, bool paid) = (a.arbiter, a.paid);
        if (paid) _requireUnfrozen(a.voucher, v);
        uint256 holder = v.holder();
        if (arbiter == holder || arbiter == payment.payee() || arbiter == _asserterOf(a.voucher, v, payment)) {
            revert ArbiterConcerned(arbiter);
        }
        _agree(AgreementTypes.AWARD, 6, dutyOfRegistrarNot(holder), duty(arbiter, Need.ARBITRATE), consents);

        _log(PaymentAwarded.selector, a.voucher, arbiter, paid ? 1 : 0, uint256(a.ruling));
        if (paid) _pay(a.voucher, v, payment);
        else _withdraw(a.voucher, v);
    }

    // ------------------------------------------------------------ default, security

    function declareOverdue(uint256 voucher) external door {
        Voucher v = _advance(voucher, _vouchers[voucher].sequence());
        _requireUnfrozen(voucher, v);
        if (v.has(Lock.OVERDUE)) revert AlreadyOverdue(voucher);
        _requireUnpaid(voucher, v);
        Promise p = _promises[voucher >> 96];
        (uint256 from, uint256 today) = (p.dueDay() + _lineTerms[p.line()].grace() + 1, Days.today());
        if (today < from) revert NotYetOverdue(from, today);

        _vouchers[voucher] = v.undiscounted().locked(Lock.OVERDUE);
        uint256 issuer = _lines[p.line()].issuer();
        _issuers[issuer] = _issuers[issuer].owing(v.face());
        _log(VoucherOverdue.selector, voucher, v.face(), today);
    }

    function pledge(MakePledge calldata a, bytes calldata consents) external door {
        (Voucher v,) = _movable(a.voucher, a.sequence, false);
        (uint256 pledgee, uint256 secured, uint256 endDay) = (a.pledgee, a.secured, a.endDay);
        if (pledgee == v.holder()) revert SameParty(pledgee);
        if (secured == 0 || secured > v.face()) revert SecuredOutOfRange(secured, 1, v.face());
        if (endDay < Days.today()) revert EndDayPassed(endDay, Days.today());
        _agree(AgreementTypes.PLEDGE, 7, duty(v.holder(), Need.SIGN), duty(pledgee, Need.FUND), consents);

        _vouchers[a.voucher] = v.locked(Lock.PLEDGE);
        _pledges[a.voucher] = PledgeWord.make(pledgee, secured, endDay);
        _log(VoucherPledged.selector, a.voucher, pledgee, secured, uint256(a.filing), endDay);
    }

    function release(Undoing calldata a, bytes calldata consents) external door {
        Voucher v = _advance(a.voucher, a.sequence);
        if (!v.has(Lock.PLEDGE)) revert NotPledged(a.voucher);
        _requireUnfrozen(a.voucher, v);
        _requireUnpaid(a.voucher, v);
        bool overdue = v.has(Lock.OVERDUE);
        if (!overdue) _requireBeforeDue(a.voucher, _promises[a.voucher >> 96]);
        Pledge g = _pledges[a.voucher];
        uint256 by = a.by;
        if (by != g.pledgee()) {
            if (by != v.holder()) revert NotConcerned(a.voucher, by);
            if (overdue) revert OverdueDiffers(a.voucher, true);
            if (Days.today() <= g.endDay()) revert ReleaseTooEarly(g.endDay() + 1, Days.today());
        }
        _agree(AgreementTypes.RELEASE, 4, duty(by, Need.SIGN), consents);

        _vouchers[a.voucher] = v.unlocked(Lock.PLEDGE);
        _pledges[a.voucher] = Pledge.wrap(0);
        _log(PledgeReleased.selector, a.voucher, by);
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
        (Voucher v,) = _endable(a);
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

    function voucherOf(uint256 voucher) external view returns (Voucher) {
        return _vouchers[voucher];
    }

    function paymentOf(uint256 voucher) external view returns (Payment) {
        return _payments[voucher];
    }

    function pledgeOf(uint256 voucher) external view returns (Pledge) {
        return _pledges[voucher];
    }

    function freezeOf(uint256 voucher) external view returns (uint256) {
        return _freezes[voucher];
    }

    // ------------------------------------------------------------ reading face, for explorers

    function faceOf(uint256 voucher) external view returns (uint256) {
        return _vouchers[voucher].face();
    }

    function ownerOf(uint256 voucher) external view returns (address) {
        return Accounts.ofParty(_shown(voucher).holder());
    }

    function tokenURI(uint256 voucher) external view returns (string memory) {
        Voucher v = _shown(voucher);
        return registry.metadataOf(v.face(), _promises[voucher >> 96].dueDay(), v.tier(), v.locks());
    }

    function supportsInterface(bytes4 id) external pure returns (bool) {
        return id == type(IERC165).interfaceId || id == type(IERC5267).interfaceId;
    }

    // ------------------------------------------------------------ inside: promises

    function _requireTerms(Issue calldata a, uint256 lowestPart, uint256 today) private view {
        (uint256 face, uint256 smallestPart, uint256 dueDay) = (a.face, a.smallestPart, a.dueDay);
        if (dueDay <= today) revert DueDayPassed(dueDay, today);
        uint256 tenor = dueDay - today;
        if (tenor > HIGHEST_TENOR) revert TenorTooLong(tenor, HIGHEST_TENOR);
        uint256 cap = _settings.tenorCap(today);
        if (tenor > cap && a.tenorReason == 0) revert TenorNeedsReason(tenor, cap);
        if (smallestPart < lowestPart) revert SmallestPartTooSmall(smallestPart, lowestPart);
        if (face < smallestPart) revert PartTooSmall(face, smallestPart);
        if (face / smallestPart > HIGHEST_PART_NUMBER) revert TooManyParts(face, smallestPart);
        if (a.highestTier == 0) revert TierTooHigh(1, 0);
    }

    function _issueDigest(Issue calldata a) private view returns (bytes32) {
        return _digest(AgreementTypes.ISSUE, _startOf(a), 11, AgreementTypes.hashOf(a.invoices), 0, 1);
    }

    /// Where in the calldata an issue's words stand, for which Solidity has no word (_digest: 190 bytes, 570 gas).
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

    // ------------------------------------------------------------ inside: vouchers

    /// The voucher as it stands today: a court freeze whose last day has passed is gone.
    function _live(uint256 voucher) private returns (Voucher v) {
        v = _shown(voucher);
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
        if (!overdue) _requireBeforeDue(voucher, p);
    }

    /// As `_movable`, overdue or not.
    function _endable(Ending calldata a) private returns (Voucher, Promise) {
        return _movable(a.voucher, a.sequence, _vouchers[a.voucher].has(Lock.OVERDUE));
    }

    function _requireBeforeDue(uint256 voucher, Promise p) private view {
        if (Days.today() >= p.dueDay()) revert RecordDay(voucher, p.dueDay(), Days.today());
    }

    function _part(uint256 voucher, uint256 child, Part calldata part, Voucher v, Promise p) private {
        _requireNew(child);
        uint256 recipient = part.recipient;
        uint256 tier = recipient == v.holder() ? v.tier() : _nextTier(v, p);
        _vouchers[child] = VoucherWord.make(part.face, recipient, tier, v.locks());
        _log(Parted.selector, voucher, child, recipient, part.face, tier, v.sequence(), 0, 5);
        _show(0, recipient, child);
    }

    function _cancel(bytes32 typeHash, Ending calldata a, bytes calldata consents) private {
        (Voucher v, Promise p) = _endable(a);
        _agree(typeHash, 3, duty(_lines[p.line()].issuer(), Need.SIGN), duty(v.holder(), Need.SIGN), consents);

        _vouchers[a.voucher] = v.withFace(0);
        _release(a.voucher, v.face(), 0, v.has(Lock.OVERDUE));
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

    function _requireUnpaid(uint256 voucher, Voucher v) private pure {
        if (v.has(Lock.PAYMENT)) revert PaymentPending(voucher);
    }

    function _requireNew(uint256 voucher) private view {
        if (_vouchers[voucher].sequence() != 0) revert VoucherTaken(voucher);
    }

    function _requirePart(uint256 face, Promise p) private pure {
        if (face < p.smallestPart()) revert PartTooSmall(face, p.smallestPart());
    }

    /// One more than the present tier; recourse keeps it.
    function _nextTier(Voucher v, Promise p) private pure returns (uint256 tier) {
        tier = v.tier();
        if (v.has(Lock.OVERDUE)) return tier;
        unchecked {
            ++tier;
        }
        if (tier > p.highestTier()) revert TierTooHigh(tier, p.highestTier());
    }

    // ------------------------------------------------------------ inside: payments

    function _disbursementDuties(AssertPayment calldata a, Voucher v, uint256 today, uint256 count)
        private
        view
        returns (Duty[] memory)
    {
        if (!v.has(Lock.DISCOUNT)) revert NotDiscounted(a.voucher);
        if (v.has(Lock.PAYMENT)) _requireReassertable(a, v, today);
        else if (today > v.payBy() + 1) revert AssertTooLate(v.payBy() + 1, today);
        _requireSum(a.amount, 0);
        return _paymentDuties(a, v, v.counterparty(), v.holder(), count);
    }

    function _settlementDuties(AssertPayment calldata a, Voucher v, Promise p, uint256 today, uint256 count)
        private
        view
        returns (Duty[] memory)
    {
        uint256 bank = Ids.bankOf(p.line());
        (uint256 payee, uint256 owed) = (v.holder(), v.face());
        bool due = today >= p.dueDay();
        if (v.has(Lock.PAYMENT)) {
            if (due && v.has(Lock.DISCOUNT)) {
                // an unfinished disbursement: holder and funder say together who is to be paid. Not while frozen: what waits
                // for the end of a freeze can be withdrawn by the bank alone, and the funder's word would be gone.
                _requireSum(a.amount, owed);
                _requireUnfrozen(a.voucher, v);
                if (a.payee != payee && a.payee != v.counterparty()) revert WrongPayee(a.payee, payee);
                return _duties(
                    duty(bank, Need.DEFEND), duty(payee, Need.DEFEND), duty(v.counterparty(), Need.DEFEND)
                );
            }
            _requireReassertable(a, v, today);
        }
        if (v.has(Lock.PLEDGE)) {
            Pledge g = _pledges[a.voucher];
            (payee, owed) = (g.pledgee(), g.secured());
        }
        if (due) {
            if (a.amount == 0) revert ZeroAmount();
            if (a.amount > owed) revert WrongAmount(a.amount, owed);
        } else {
            if (v.has(Lock.DISCOUNT | Lock.PLEDGE)) revert Locked(a.voucher, v.locks());
            _requireSum(a.amount, owed);
            if (count < 2 && bank != payee) revert HolderMustSign(p.dueDay(), today);
        }
        return _paymentDuties(a, v, bank, payee, count);
    }

    function _requireSum(uint256 given, uint256 expected) private pure {
        if (given != expected) revert WrongAmount(given, expected);
    }

    /// A payment under way gives way only to one for the same purpose, and only where it was contested and not since confirmed.
    function _requireReassertable(AssertPayment calldata a, Voucher v, uint256 today) private view {
        bool answered = v.has(Lock.CONTESTED) && !v.has(Lock.CONFIRMED);
        Payment payment = _payments[a.voucher];
        if (!answered || payment.purpose() != uint256(a.purpose) || today >= payment.contestedOn() + AWARD_DAYS) {
            revert PaymentPending(a.voucher);
        }
    }

    /// The asserter; where the payee signs too, both, and the holder where another is paid.
    function _paymentDuties(AssertPayment calldata a, Voucher v, uint256 asserter, uint256 payee, uint256 count)
        private
        pure
        returns (Duty[] memory)
    {
        if (a.payee != payee) revert WrongPayee(a.payee, payee);
        Duty first = duty(asserter, Need.DEFEND);
        if (count < 2) return _duties(first);
        if (payee == v.holder()) return _duties(first, duty(payee, Need.DEFEND));
        return _duties(first, duty(payee, Need.DEFEND), duty(v.holder(), Need.DEFEND));
    }

    /// Whom a payment concerns: the payee, and the holder where a pledgee is paid.
    function _payeeDuties(uint256 payee, Voucher v) private pure returns (Duty[] memory) {
        Duty first = duty(payee, Need.DEFEND);
        return payee == v.holder() ? _duties(first) : _duties(first, duty(v.holder(), Need.DEFEND));
    }

    function _asserterOf(uint256 voucher, Voucher v, Payment payment) private view returns (uint256) {
        if (payment.purpose() == uint256(Purpose.DISBURSEMENT)) return v.counterparty();
        return Ids.bankOf(_promises[voucher >> 96].line());
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

    /// First day on which silence completes the payment, and whose key is being recovered meanwhile (0: nobody's).
    function _silenceFrom(uint256 voucher, Voucher v, Payment payment)
        private
        view
        returns (uint256 from, uint256 recovering)
    {
        (from, recovering) = registry.silenceOf(payment.payee(), v.holder());
        from = Math.max(from, payment.assertedOn()) + _lineTerms[_promises[voucher >> 96].line()].window() + 1;
    }

    function _complete(uint256 voucher, Voucher v, Payment payment) private {
        _log(PaymentCompleted.selector, voucher, payment.payee(), payment.purpose(), payment.amount());
        _pay(voucher, v, payment);
    }

    function _withdraw(uint256 voucher, Voucher v) private {
        _vouchers[voucher] = v.unlocked(PAYMENT_LOCKS);
        _payments[voucher] = Payment.wrap(0);
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
            (uint256 amount, uint256 rest) = (payment.amount(), v.face() - payment.amount());
            if (v.has(Lock.PLEDGE)) {
                Pledge g = _pledges[voucher].paid(amount);
                _pledges[voucher] = g;
                if (Pledge.unwrap(g) == 0) v = v.unlocked(Lock.PLEDGE);
            }
            _vouchers[voucher] = v.withFace(rest);
            _release(voucher, amount, amount, v.has(Lock.OVERDUE));
            if (rest == 0) _show(holder, 0, voucher);
        }
    }

    // ------------------------------------------------------------ inside: explorers

    function _shown(uint256 voucher) private view returns (Voucher v) {
        v = _vouchers[voucher];
        if (v.sequence() == 0) revert UnknownVoucher(voucher);
        if (v.face() == 0) revert VoucherEnded(voucher);
    }

    /// ERC-721's event; party 0 stands for nobody.
    function _show(uint256 from, uint256 to, uint256 voucher) private {
        emit Transfer(Accounts.ofParty(from), Accounts.ofParty(to), voucher);
    }
}
