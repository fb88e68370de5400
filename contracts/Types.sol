// SPDX-License-Identifier: UNLICENSED
pragma solidity 0.8.37;

// What both contracts keep and what parties sign. Amounts are fen (1/100 CNY), dates are China-time days since
// 1970-01-01 (see lib/Days.sol), only agreement deadlines are Unix seconds. Field order is the EIP-712 order.

// ---------------------------------------------------------------- state: registry

/// How a signer's word is checked. WALLET: an address that signs with secp256k1. CONTRACT: an ERC-1271 wallet.
/// VERIFIER: an ERC-7913 verifier from the allow-list, followed by key bytes.
enum SignerKind {
    WALLET,
    CONTRACT,
    VERIFIER
}

/// Read only where a check is not the short one: a contract's gas cap, the end of the last recovery.
struct PartyDetail {
    uint32 signatureGas;
    uint24 recoveredOn; // day on which the last recovery ended; 0: never
}

/// A lost-key recovery under way.
struct Recovery {
    uint160 signer;
    SignerKind kind;
    uint32 signatureGas;
    uint24 readyOn; // first day on which it can be finished
    bool vetoed;
}

library Role {
    uint16 internal constant ISSUER = 1;
    uint16 internal constant BANK = 2;
    uint16 internal constant FUNDER = 4;
    uint16 internal constant ARBITER = 8;
}

/// In which capacity a verb wants a party's consent. From ISSUE to ARBITRATE in the order of the role bits.
library Need {
    uint256 internal constant SIGN = 0; // admitted, not suspended, no recovery under way
    uint256 internal constant DEFEND = 1; // payment verbs and rescinding: status does not matter
    uint256 internal constant SELL = 2; // as SIGN, but a suspended party may still sell to its sponsor bank
    uint256 internal constant ISSUE = 3; // SIGN and role ISSUER
    uint256 internal constant BANK = 4; // SIGN and role BANK
    uint256 internal constant FUND = 5; // SIGN and role FUNDER
    uint256 internal constant ARBITRATE = 6; // SIGN and role ARBITER
    uint256 internal constant REGISTRAR = 7; // SIGN, whoever the registrar is
}

/// What one party owes a verb, in one word: party (bits 0–31; ignored for REGISTRAR), need (32–39), and whom it sells to
/// (40–71; SELL; for REGISTRAR: who it must not be).
type Duty is uint256;

function duty(uint256 party, uint256 need) pure returns (Duty) {
    return Duty.wrap(party | need << 32);
}

function dutyOfRegistrarNot(uint256 other) pure returns (Duty) {
    return Duty.wrap(Need.REGISTRAR << 32 | other << 40);
}

function dutyToSell(uint256 party, uint256 to) pure returns (Duty) {
    return Duty.wrap(party | Need.SELL << 32 | to << 40);
}

// ---------------------------------------------------------------- state: ledger (see State.sol for its words)

enum Purpose {
    DISBURSEMENT,
    SETTLEMENT
}

// ---------------------------------------------------------------- agreements: registry

struct Admit {
    uint32 party;
    uint16 roles;
    uint32 sponsor;
    uint32 signatureGas; // 0: wallet key or verifier; else the gas cap of an ERC-1271 check
    bytes32 profile; // salted hash of who this is
    uint40 deadline;
    bytes signer;
}

/// `suspend` and `reinstate`; the two have different EIP-712 type names.
struct Standing {
    uint32 party;
    uint32 sequence;
    bytes32 reason;
    uint40 deadline;
}

/// `rekey` and `proposeRekey`; the two have different EIP-712 type names.
struct Rekey {
    uint32 party;
    uint32 sequence;
    uint32 signatureGas;
    uint40 deadline;
    bytes signer;
}

/// `vetoRekey` and `withdrawRekey`; the two have different EIP-712 type names.
struct RekeyAnswer {
    uint32 party;
    uint32 sequence;
    uint40 deadline;
}

struct FinishRekey {
    uint32 party;
    uint32 sequence;
    uint32 arbiter; // 0 where no veto was given
    uint40 deadline;
}

struct ListVerifier {
    uint32 sequence;
    address verifier;
    uint32 signatureGas; // cap of one check
    bytes32 codeHash;
    uint40 deadline;
}

struct HandOver {
    uint32 sequence;
    uint32 to; // the registrar itself: a hand-over is taken back
    uint40 deadline;
}

struct AcceptHandOver {
    uint32 sequence;
    uint40 deadline;
}

// ---------------------------------------------------------------- agreements: ledger

struct GrantLine {
    uint64 line;
    uint32 issuer;
    uint64 parent; // 0: none
    uint64 limit;
    uint24 expiry;
    uint32 smallestPart;
    uint8 window;
    uint8 grace;
    bool countersign;
    uint40 deadline;
}

struct ResizeLine {
    uint64 line;
    uint32 sequence;
    uint64 limit;
    uint24 expiry;
    uint40 deadline;
}

struct FreezeLine {
    uint64 line;
    uint32 sequence;
    bool frozen;
    bytes32 reason;
    uint40 deadline;
}

struct SetTenorCap {
    uint32 sequence;
    uint16 cap; // days
    uint24 inForceFrom; // first day
    uint40 deadline;
}

/// `issuer` 0: the whole ledger, for good.
struct StopIssue {
    uint32 sequence;
    uint32 issuer;
    bool stopped;
    bytes32 reason;
    uint40 deadline;
}

/// `fingerprint` is a salted hash of the invoice; `total` its full amount, the same each time it is used.
struct Invoice {
    bytes32 fingerprint;
    uint64 amount;
    uint64 total;
}

struct Issue {
    uint32 issuer;
    uint64 line;
    uint32 supplier;
    uint64 face;
    uint24 dueDay;
    uint32 smallestPart;
    uint8 highestTier;
    bytes32 terms; // salted hash of the promise's terms
    bytes32 tenorReason; // salted hash of why the tenor exceeds the soft cap; 0: it does not
    bytes32 issuerReference; // the issuer's own, so that equal issues differ
    uint40 deadline;
    Invoice[] invoices;
}

struct Part {
    uint32 recipient;
    uint64 face;
}

struct Split {
    uint256 voucher;
    uint32 sequence;
    bool overdue;
    uint40 deadline;
    Part[] parts;
    Invoice[] invoices; // of this hop: the holder pays
}

struct TransferWhole {
    uint256 voucher;
    uint32 sequence;
    uint32 recipient;
    bool overdue;
    uint40 deadline;
    Invoice[] invoices; // of this hop: the holder pays
}

struct Discount {
    uint256 voucher;
    uint32 sequence;
    uint32 funder;
    bytes32 quote; // salted hash of the price
    uint24 payBy;
    uint40 deadline;
}

/// `rescind` and `release`; the two have different EIP-712 type names.
struct Undoing {
    uint256 voucher;
    uint32 sequence;
    uint32 by;
    uint40 deadline;
}

struct AssertPayment {
    uint256 voucher;
    uint32 sequence;
    Purpose purpose;
    uint32 payee;
    uint64 amount;
    uint24 valueDay;
    bytes32 paymentReference; // salted hash of the bank's own
    uint40 deadline;
}

/// `confirmPayment` and `withdrawPayment`; the two have different EIP-712 type names.
struct PaymentAnswer {
    uint256 voucher;
    uint32 sequence;
    uint40 deadline;
}

struct ContestPayment {
    uint256 voucher;
    uint32 sequence;
    uint32 by;
    bytes32 reason;
    uint40 deadline;
}

struct Award {
    uint256 voucher;
    uint32 sequence;
    uint32 arbiter;
    bool paid;
    bytes32 ruling; // salted hash
    uint40 deadline;
}

/// `pledge`; its EIP-712 type is called Pledge.
struct MakePledge {
    uint256 voucher;
    uint32 sequence;
    uint32 pledgee;
    uint64 secured;
    bytes32 filing; // salted hash of the number under which it is filed
    uint24 endDay;
    uint40 deadline;
}

struct Freeze {
    uint256 voucher;
    bytes32 order; // hash of the court order
    uint24 until; // last day of the freeze
    uint40 deadline;
}

struct Unfreeze {
    uint256 voucher;
    bytes32 order; // hash of the order that ends it
    uint40 deadline;
}

/// `cancel`, `cancelWhole` and `revoke`; the three have different EIP-712 type names.
struct Ending {
    uint256 voucher;
    uint32 sequence;
    uint40 deadline;
}

struct RevokeIssue {
    uint160 promiseId;
    uint32 by;
    uint40 deadline;
}
