// SPDX-License-Identifier: UNLICENSED
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Door} from "./Door.sol";
import {IPartyRegistry} from "./interfaces/IPartyRegistry.sol";
import {IVoucherLedger} from "./interfaces/IVoucherLedger.sol";
import {AgreementTypes} from "./lib/AgreementTypes.sol";
import {Days} from "./lib/Days.sol";
import {Ids} from "./lib/Ids.sol";
import {
    InvoiceUse, InvoiceUseWord, IssuerState, LedgerSettings, LedgerSettingsWord, Line, LineFlag, LineTerms,
    LineTermsWord, LineWord, Promise
} from "./State.sol";
import {Duty, FreezeLine, GrantLine, Invoice, Need, ResizeLine, SetTenorCap, StopIssue, duty} from "./Types.sol";

/// @title Credit
/// @notice What a promise is made against: credit lines, invoices, the issuer's standing, the registrar's settings. See
/// IVoucherLedger.
abstract contract Credit is IVoucherLedger, Door {
    uint256 private constant LOWEST_WINDOW = 1;
    uint256 private constant HIGHEST_WINDOW = 15;
    uint256 private constant LOWEST_GRACE = 10;
    uint256 private constant HIGHEST_GRACE = 30;
    uint256 private constant LOWEST_SMALLEST_PART = 100; // fen
    uint256 private constant HIGHEST_INVOICE_COUNT = 10;
    uint256 private constant FIRST_TENOR_CAP = 184; // days
    uint256 internal constant HIGHEST_TENOR = 366; // days

    IPartyRegistry public immutable registry;
    IVoucherLedger public immutable predecessor;

    LedgerSettings internal _settings;
    mapping(uint64 line => Line) internal _lines;
    mapping(uint64 line => LineTerms) internal _lineTerms;
    mapping(uint256 promiseId => Promise) internal _promises;
    mapping(bytes32 payerAndFingerprint => InvoiceUse) internal _invoiceUses;
    mapping(uint256 issuer => IssuerState) internal _issuers;

    /// @param registry_ who may act here
    /// @param predecessor_ the ledger that this one takes over from after its run-off; zero for the first
    constructor(IPartyRegistry registry_, IVoucherLedger predecessor_) EIP712("Tallystick Voucher Ledger CNY", "1") {
        registry_.registrar(); // reverts where there is no registry, whose check would then let everything pass
        if (address(predecessor_) != address(0)) {
            if (predecessor_.registry() != registry_) revert PredecessorUnfit(predecessor_);
            // `issue` asks the last one alone; so that all before it are in run-off too, this asks for the one before
            IVoucherLedger before = predecessor_.predecessor();
            if (address(before) != address(0) && !before.settingsOf().runOff()) revert PredecessorIssues(before);
        }
        registry = registry_;
        predecessor = predecessor_;
        _settings = LedgerSettingsWord.make(FIRST_TENOR_CAP);
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

    // ------------------------------------------------------------ the registrar's settings

    function setTenorCap(SetTenorCap calldata a, bytes calldata consents) external door {
        LedgerSettings s = _advanceSettings(a.sequence);
        (uint256 cap, uint256 from, uint256 today) = (a.cap, a.inForceFrom, Days.today());
        if (cap == 0 || cap > HIGHEST_TENOR) revert TenorCapOutOfRange(cap, 1, HIGHEST_TENOR);
        if (from <= today) revert NoticeTooShort(from, today + 1);
        _agree(AgreementTypes.SET_TENOR_CAP, 4, _byRegistrar(), consents);
        _settings = s.capped(cap, from, today);
        _log(TenorCapSet.selector, s.sequence(), cap, from);
    }

    function stopIssue(StopIssue calldata a, bytes calldata consents) external door {
        LedgerSettings s = _advanceSettings(a.sequence);
        (uint256 issuer, bool stopped) = (a.issuer, a.stopped);
        if (issuer == 0) {
            if (!stopped) revert StopIsFinal();
            if (s.runOff()) revert InRunOff();
            s = s.stopped();
        } else if (_issuers[issuer].stopped() == stopped) {
            revert IssueUnchanged(issuer, stopped);
        }
        _agree(AgreementTypes.STOP_ISSUE, 5, _byRegistrar(), consents);
        if (issuer != 0) _issuers[issuer] = _issuers[issuer].marked(stopped);
        _settings = s;
        _log(IssueStopped.selector, issuer, s.sequence(), stopped ? 1 : 0, uint256(a.reason));
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

    function invoiceUseOf(uint32 payer, bytes32 fingerprint) external view returns (InvoiceUse) {
        return _invoiceUses[Ids.invoiceKey(payer, fingerprint)];
    }

    function issuerOf(uint32 issuer) external view returns (IssuerState) {
        return _issuers[issuer];
    }

    function settingsOf() external view returns (LedgerSettings) {
        return _settings;
    }

    function inheritedUseOf(uint256 payer, bytes32 fingerprint) external view returns (InvoiceUse) {
        return _useOf(_invoiceUses[Ids.invoiceKey(payer, fingerprint)], payer, fingerprint);
    }

    function inheritedStandingOf(uint256 issuer) public view returns (IssuerState s) {
        s = _issuers[issuer];
        IVoucherLedger before = predecessor;
        if (address(before) != address(0)) s = s.joined(before.inheritedStandingOf(issuer));
    }

    // ------------------------------------------------------------ inside

    function _requireIssuer(uint256 issuer) internal view {
        if (_settings.runOff()) revert InRunOff();
        IVoucherLedger before = predecessor;
        if (address(before) != address(0) && !before.settingsOf().runOff()) revert PredecessorIssues(before);
        IssuerState s = inheritedStandingOf(issuer);
        if (IssuerState.unwrap(s) != 0) {
            if (s.stopped()) revert IssuerStopped(issuer);
            revert IssuerOverdue(issuer, s.overdue());
        }
    }

    function _draw(uint64 id, Line line, uint256 face, uint256 today) internal {
        if (line.has(LineFlag.FROZEN)) revert LineIsFrozen(id);
        if (today > line.expiry()) revert LineExpired(id, line.expiry(), today);
        uint256 available = line.limit() > line.drawn() ? line.limit() - line.drawn() : 0;
        if (face > available) revert LimitExceeded(id, face, available);
        _lines[id] = line.drawnBy(face);
    }

    /// Face that is no longer owed leaves its promise, its line and the parent line, and what its issuer owes overdue.
    function _release(uint256 voucher, uint256 face, uint256 paid, bool overdue) internal {
        Promise p = _promises[voucher >> 96];
        _promises[voucher >> 96] = p.released(face, paid);
        Line line = _lines[p.line()];
        _lines[p.line()] = line.releasedBy(face);
        if (line.parent() != 0) {
            uint64 parent = Ids.parentOf(p.line(), line.parent());
            _lines[parent] = _lines[parent].releasedBy(face);
        }
        if (overdue) _issuers[line.issuer()] = _issuers[line.issuer()].paid(face);
    }

    /// Invoices of a hop. Not in run-off: the successor would not see their use.
    function _useHopInvoices(uint256 voucher, uint256 payer, Invoice[] calldata invoices) internal {
        if (invoices.length == 0) return;
        if (_settings.runOff()) revert InRunOff();
        _useInvoices(voucher, payer, invoices);
    }

    /// @return sum of the amounts; 64 bits each, at most ten
    function _useInvoices(uint256 voucher, uint256 payer, Invoice[] calldata invoices)
        internal
        returns (uint256 sum)
    {
        uint256 count = invoices.length;
        if (count > HIGHEST_INVOICE_COUNT) revert InvoiceCount(count, HIGHEST_INVOICE_COUNT);
        for (uint256 i; i < count; ++i) {
            Invoice calldata invoice = invoices[i];
            (bytes32 fingerprint, uint256 amount) = (invoice.fingerprint, invoice.amount);
            if (amount == 0) revert ZeroAmount();
            bytes32 key = Ids.invoiceKey(payer, fingerprint);
            InvoiceUse own = _invoiceUses[key];
            InvoiceUse use = _useOf(own, payer, fingerprint);
            uint256 total = use.used() == 0 ? invoice.total : use.total();
            if (total != invoice.total) revert InvoiceTotalDiffers(fingerprint, total, invoice.total);
            if (use.used() + amount > total) revert InvoiceExceeded(fingerprint, amount, total - use.used());
            _invoiceUses[key] = InvoiceUseWord.make(total, own.used() + amount);
            _log(InvoiceUsed.selector, voucher, payer, uint256(fingerprint), amount, total);
            unchecked {
                sum += amount;
            }
        }
    }

    /// An invoice's use here and in all predecessors.
    function _useOf(InvoiceUse own, uint256 payer, bytes32 fingerprint) private view returns (InvoiceUse) {
        IVoucherLedger before = predecessor;
        return address(before) == address(0) ? own : own.joined(before.inheritedUseOf(payer, fingerprint));
    }

    function _advanceSettings(uint256 sequence) private view returns (LedgerSettings s) {
        s = _settings;
        if (s.sequence() != sequence) revert WrongSequence(0, sequence, s.sequence());
        return s.next();
    }

    function _advanceLine(uint64 line, uint256 sequence) private returns (uint256) {
        LineTerms terms = _lineTerms[line];
        if (terms.sequence() == 0) revert UnknownLine(line);
        if (terms.sequence() != sequence) revert WrongSequence(line, sequence, terms.sequence());
        _lineTerms[line] = terms.next();
        return sequence + 1;
    }

    function _byBank(uint64 line) internal pure returns (Duty) {
        return duty(Ids.bankOf(line), Need.BANK);
    }

    /// @dev registry.check(msg.sender, digest, duties, consents), by hand: 70 bytes and 500 gas less.
    function _checkConsents(bytes32 digest, Duty[] memory duties, bytes calldata consents) internal view override {
        address target = address(registry);
        bytes32 selector = IPartyRegistry.check.selector;
        assembly ("memory-safe") {
            let data := mload(0x40)
            let size := shl(5, add(mload(duties), 1))
            let tail := add(add(data, 0x84), size)
            mstore(data, selector)
            mstore(add(data, 0x04), caller())
            mstore(add(data, 0x24), digest)
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
