// SPDX-License-Identifier: UNLICENSED
pragma solidity 0.8.37;

import {IPartyRegistry} from "../../interfaces/IPartyRegistry.sol";
import {IVoucherLedger} from "../../interfaces/IVoucherLedger.sol";
import {Ids} from "../../lib/Ids.sol";
import {
    InvoiceUse, IssuerState, LedgerSettings, Line, Lock, Payment, Pledge, Promise, Voucher
} from "../../State.sol";
import {Duty} from "../../Types.sol";

/// What the prover understands besides instructions: an assumption, a time, the committed code of a contract.
interface Prover {
    function assume(bool condition) external pure;
    function warp(uint256 timestamp) external;
    function getCode(string calldata artifact) external view returns (bytes memory);
}

/// ... and values that stand for all values.
interface Unknowns {
    function enableSymbolicStorage(address account) external;
    function createUint(uint256 bits, string calldata name) external pure returns (uint256);
    function createBytes32(string calldata name) external pure returns (bytes32);
}

/// A registry to which every consent is good: whose consent a verb asks for is not what is proved here, and each path that
/// a real registry refuses is one path less. Who is suspended or recovering is unknown.
contract WillingRegistry {
    bool private _suspended;
    uint24 private _silentSince;
    uint32 private _recovering;

    function registrar() external pure returns (uint32) {
        return 1;
    }

    function check(address, bytes32, Duty[] calldata, bytes calldata) external view {}

    function isSuspended(uint256) external view returns (bool) {
        return _suspended;
    }

    function silenceOf(uint256, uint256) external view returns (uint256 since, uint256 recovering) {
        return (_silentSince, _recovering);
    }
}

/// A predecessor of which nothing is known but its registry.
contract UnknownPredecessor {
    IPartyRegistry public immutable registry;
    LedgerSettings public settingsOf;
    IssuerState private _issuer;
    InvoiceUse private _use;

    constructor(IPartyRegistry registry_) {
        registry = registry_;
    }

    /// None before it: what earlier ones inherited is in its own answers, and their run-off is asked at deployment.
    function predecessor() external pure returns (address) {
        return address(0);
    }

    function inheritedStandingOf(uint256) external view returns (IssuerState) {
        return _issuer;
    }

    function inheritedUseOf(uint256, bytes32) external view returns (InvoiceUse) {
        return _use;
    }
}

/// All that a verb on one voucher could change of the sums, and one each of everything else.
struct Books {
    Voucher voucher;
    Promise promised;
    Line line;
    Line parent;
    IssuerState issuer;
    Pledge pledge;
    Voucher otherVoucher;
    Promise otherPromise;
    Line otherLine;
    IssuerState otherIssuer;
}

/// The real ledger, as it is deployed, in a state and at a time of which nothing is known but what a proof assumes. Whatever
/// is proved of one verb holds after any history. A verb that reverts changes nothing: that path ends without a claim.
abstract contract ProofStage {
    Prover internal constant PROVER = Prover(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);
    Unknowns internal constant UNKNOWN = Unknowns(0xF3993A62377BCd56AE39D773740A5390411E8BC9);

    IVoucherLedger internal ledger;
    UnknownPredecessor internal predecessor;
    bytes32 internal domainSeparator;

    // stand for all vouchers, promises, lines and issuers that a verb does not name
    uint256 private _otherVoucher;
    uint160 private _otherPromise;
    uint64 private _otherLine;
    uint32 private _otherIssuer;

    function setUp() public {
        WillingRegistry registry = new WillingRegistry();
        if (_hasPredecessor()) predecessor = new UnknownPredecessor(IPartyRegistry(address(registry)));
        ledger = _deployed(address(registry), address(predecessor));
        domainSeparator = ledger.journalHead();

        UNKNOWN.enableSymbolicStorage(address(ledger));
        UNKNOWN.enableSymbolicStorage(address(registry));
        if (_hasPredecessor()) UNKNOWN.enableSymbolicStorage(address(predecessor));
        PROVER.warp(UNKNOWN.createUint(40, "timestamp"));
        _otherVoucher = UNKNOWN.createUint(256, "otherVoucher");
        _otherPromise = uint160(UNKNOWN.createUint(160, "otherPromise"));
        _otherLine = uint64(UNKNOWN.createUint(64, "otherLine"));
        _otherIssuer = uint32(UNKNOWN.createUint(32, "otherIssuer"));
    }

    function _hasPredecessor() internal pure virtual returns (bool) {
        return false;
    }

    function _deployed(address registry, address before) private returns (IVoucherLedger made) {
        bytes memory code = PROVER.getCode("VoucherLedger.sol:VoucherLedger");
        code = bytes.concat(code, abi.encode(registry, before));
        assembly ("memory-safe") {
            made := create(0, add(code, 0x20), mload(code))
        }
        require(address(made) != address(0));
    }

    // ------------------------------------------------------------ what is assumed of the state before a verb

    /// What the sums over all vouchers (the README's equations) say of a single one: its face is part of what is live, drawn
    /// and overdue; what was ever issued fits 64 bits; a pledge secures no more than the face. No voucher is sold and pledged at
    /// once (`_fell` claims it of the state afterwards). No sequence has come to its end.
    function _assumeKept(uint256 voucher, Books memory b) internal view {
        _assumePart(b.voucher, b.promised, b.line);
        PROVER.assume(implies(b.line.parent() != 0, b.line.drawn() <= b.parent.drawn()));
        PROVER.assume(implies(b.voucher.has(Lock.OVERDUE), b.voucher.face() <= b.issuer.overdue()));
        _assumePledge(b.voucher, b.pledge);
        PROVER.assume(_otherIssuer != b.line.issuer());
        _assumeFamily(b.promised.line(), b.line);
        _assumeOtherLine(b.promised.line(), b.line);
        _assumeOther(voucher);
    }

    function _assumePart(Voucher v, Promise p, Line line) private pure {
        PROVER.assume(v.sequence() < type(uint32).max);
        PROVER.assume(v.face() <= p.live());
        unchecked {
            PROVER.assume(p.live() + p.settled() <= type(uint64).max);
        }
        PROVER.assume(p.live() <= line.drawn());
    }

    function _assumePledge(Voucher v, Pledge pledge) private pure {
        PROVER.assume(!_soldAndPledged(v));
        PROVER.assume(implies(v.has(Lock.PLEDGE), both(pledge.secured() != 0, pledge.secured() <= v.face())));
    }

    function _soldAndPledged(Voucher v) private pure returns (bool) {
        return both(v.has(Lock.DISCOUNT), v.has(Lock.PLEDGE));
    }

    /// The payment that a voucher is under, as `assertPayment` leaves one (proved there): purpose 0 or 1, an amount that is
    /// part of the face, or of what a pledge secures.
    function _assumeAsserted(Books memory b, Payment payment) internal pure {
        PROVER.assume(payment.purpose() <= 1);
        PROVER.assume(payment.amount() <= b.voucher.face());
        PROVER.assume(implies(b.voucher.has(Lock.PLEDGE), payment.amount() <= b.pledge.secured()));
    }

    /// `grantLine` takes a parent that exists for a line that does not, so none is its own, and no reference is 0.
    function _assumeFamily(uint64 id, Line line) internal pure {
        PROVER.assume(Ids.parentOf(id, line.parent()) != id);
    }

    function _assumeOther(uint256 voucher) internal view {
        PROVER.assume(_otherVoucher != voucher);
        PROVER.assume(_otherPromise != voucher >> 96);
    }

    function _assumeOtherLine(uint64 id, Line line) internal view {
        PROVER.assume(_otherLine != id);
        PROVER.assume(_otherLine != Ids.parentOf(id, line.parent()));
    }

    // ------------------------------------------------------------ reading

    function _books(uint256 voucher) internal view returns (Books memory b) {
        b.voucher = ledger.voucherOf(voucher);
        b.promised = ledger.promiseOf(uint160(voucher >> 96));
        b.pledge = ledger.pledgeOf(voucher);
        _readLine(b, b.promised.line());
        _readOthers(b);
    }

    function _readLine(Books memory b, uint64 line) internal view {
        b.line = ledger.lineOf(line);
        b.parent = ledger.lineOf(Ids.parentOf(line, b.line.parent()));
        b.issuer = ledger.issuerOf(uint32(b.line.issuer()));
        b.otherLine = ledger.lineOf(_otherLine);
        b.otherIssuer = ledger.issuerOf(_otherIssuer);
    }

    function _readOthers(Books memory b) internal view {
        b.otherVoucher = ledger.voucherOf(_otherVoucher);
        b.otherPromise = ledger.promiseOf(_otherPromise);
    }

    // ------------------------------------------------------------ what is claimed of the state after it

    /// Promise, line, parent line and, where overdue, what the issuer owes have fallen by the amount; not a bit else changed.
    function _fell(Books memory b, Books memory later, uint256 amount, uint256 paid) internal pure returns (bool held) {
        held = _promiseFell(b, later, amount, paid);
        held = both(held, _linesFell(b, later, amount));
        held = both(held, _issuerFell(b, later, onlyIf(b.voucher.has(Lock.OVERDUE), amount)));
        held = both(held, _othersKept(b, later));
    }

    function _promiseFell(Books memory b, Books memory later, uint256 amount, uint256 paid)
        private
        pure
        returns (bool held)
    {
        held = both(amount <= b.voucher.face(), later.voucher.face() == _less(b.voucher.face(), amount));
        held = both(held, !_soldAndPledged(later.voucher));
        held = both(held, later.promised.live() == _less(b.promised.live(), amount));
        held = both(held, later.promised.settled() == _less(b.promised.settled(), _less(0, paid)));
        held = both(held, Promise.unwrap(later.promised) << 128 == Promise.unwrap(b.promised) << 128);
    }

    function _linesFell(Books memory b, Books memory later, uint256 amount) private pure returns (bool held) {
        held = later.line.drawn() == _less(b.line.drawn(), amount);
        uint256 parents = onlyIf(b.line.parent() != 0, amount);
        held = both(held, later.parent.drawn() == _less(b.parent.drawn(), parents));
        held = both(held, both(_sameButDrawn(b.line, later.line), _sameButDrawn(b.parent, later.parent)));
    }

    function _issuerFell(Books memory b, Books memory later, uint256 amount) private pure returns (bool held) {
        held = later.issuer.overdue() == _less(b.issuer.overdue(), amount);
        held = both(held, IssuerState.unwrap(later.issuer) >> 128 == IssuerState.unwrap(b.issuer) >> 128);
    }

    /// Below 0 it is a number that no field holds.
    function _less(uint256 a, uint256 amount) private pure returns (uint256) {
        unchecked {
            return a - amount;
        }
    }

    /// Limit, issuer, expiry, parent, smallest part and flags are the same.
    function _sameButDrawn(Line line, Line later) internal pure returns (bool) {
        return both(later.limit() == line.limit(), Line.unwrap(later) >> 128 == Line.unwrap(line) >> 128);
    }

    /// Of all other vouchers, promises, lines and issuers none has changed.
    function _othersKept(Books memory b, Books memory later) internal pure returns (bool held) {
        held = Voucher.unwrap(later.otherVoucher) == Voucher.unwrap(b.otherVoucher);
        held = both(held, Promise.unwrap(later.otherPromise) == Promise.unwrap(b.otherPromise));
        held = both(held, Line.unwrap(later.otherLine) == Line.unwrap(b.otherLine));
        held = both(held, IssuerState.unwrap(later.otherIssuer) == IssuerState.unwrap(b.otherIssuer));
    }
}

// Without a jump, because each jump doubles what the prover has to look at.

function both(bool a, bool b) pure returns (bool c) {
    assembly ("memory-safe") {
        c := and(a, b)
    }
}

function implies(bool a, bool b) pure returns (bool c) {
    assembly ("memory-safe") {
        c := or(iszero(a), b)
    }
}

/// The amount where the condition holds, else 0.
function onlyIf(bool condition, uint256 amount) pure returns (uint256 c) {
    assembly ("memory-safe") {
        c := and(sub(0, condition), amount)
    }
}
