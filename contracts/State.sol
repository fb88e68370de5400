// SPDX-License-Identifier: UNLICENSED
pragma solidity 0.8.37;

// What the two contracts keep, one storage word per thing, with the accessors that read and change it. Words and not structs:
// a struct is unpacked into memory field by field, which cost the ledger 4,000 bytes, views included.
// Numbers come out as uint256; what goes in fits its field because it was range-checked as an agreement's member or is
// bounded by a line's 64-bit limit. Sums are unchecked: a checked one would not see a field run over into the next, and
// none can: sequences would need 2^32 agreements, faces are bounded by the line, what is released was drawn before.

type Party is uint256;
type RegistrySettings is uint256;
type Verifier is uint256;
type Line is uint256;
type LineTerms is uint256;
type Promise is uint256;
type Voucher is uint256;
type Payment is uint256;
type InvoiceUse is uint256;
type Pledge is uint256;
type IssuerState is uint256;
type LedgerSettings is uint256;

using {PartyWord.signer, PartyWord.kind, PartyWord.status, PartyWord.roles, PartyWord.sponsor, PartyWord.sequence} for Party global;
using {PartyWord.next, PartyWord.marked, PartyWord.unmarked, PartyWord.signedBy} for Party global;
using {RegistrySettingsWord.registrar, RegistrySettingsWord.sequence, RegistrySettingsWord.nextRegistrar} for RegistrySettings global;
using {RegistrySettingsWord.nextRegistrarFrom, RegistrySettingsWord.next} for RegistrySettings global;
using {RegistrySettingsWord.offered, RegistrySettingsWord.handedOver} for RegistrySettings global;
using {VerifierWord.signatureGas, VerifierWord.activeOn, VerifierWord.hasCode} for Verifier global;
using {LineWord.limit, LineWord.drawn, LineWord.issuer, LineWord.expiry, LineWord.parent, LineWord.smallestPart} for Line global;
using {LineWord.has, LineWord.resized, LineWord.frozen, LineWord.drawnBy, LineWord.releasedBy} for Line global;
using {LineTermsWord.sequence, LineTermsWord.window, LineTermsWord.grace, LineTermsWord.next} for LineTerms global;
using {PromiseWord.line, PromiseWord.dueDay, PromiseWord.smallestPart, PromiseWord.highestTier} for Promise global;
using {PromiseWord.live, PromiseWord.settled, PromiseWord.released} for Promise global;
using {VoucherWord.face, VoucherWord.holder, VoucherWord.counterparty, VoucherWord.sequence, VoucherWord.payBy} for Voucher global;
using {VoucherWord.tier, VoucherWord.locks, VoucherWord.has, VoucherWord.next, VoucherWord.withFace} for Voucher global;
using {VoucherWord.withHolder, VoucherWord.withTier, VoucherWord.locked, VoucherWord.unlocked} for Voucher global;
using {VoucherWord.discounted, VoucherWord.undiscounted} for Voucher global;
using {PaymentWord.amount, PaymentWord.payee, PaymentWord.assertedOn, PaymentWord.contestedOn, PaymentWord.purpose} for Payment global;
using {PaymentWord.contested} for Payment global;
using {InvoiceUseWord.total, InvoiceUseWord.used, InvoiceUseWord.returned, InvoiceUseWord.joined} for InvoiceUse global;
using {PledgeWord.pledgee, PledgeWord.secured, PledgeWord.endDay, PledgeWord.paid} for Pledge global;
using {IssuerStateWord.overdue, IssuerStateWord.stopped, IssuerStateWord.marked, IssuerStateWord.owing, IssuerStateWord.paid, IssuerStateWord.joined} for IssuerState global;
using {LedgerSettingsWord.sequence, LedgerSettingsWord.tenorCap, LedgerSettingsWord.runOff} for LedgerSettings global;
using {LedgerSettingsWord.next, LedgerSettingsWord.stopped, LedgerSettingsWord.capped} for LedgerSettings global;

library Status {
    uint256 internal constant SUSPENDED = 1;
    uint256 internal constant RECOVERING = 2;
}

library LineFlag {
    uint256 internal constant FROZEN = 1;
    uint256 internal constant COUNTERSIGN = 2;
}

library Lock {
    uint256 internal constant DISCOUNT = 1; // sold subject to disbursement
    uint256 internal constant PAYMENT = 2; // a payment is asserted
    uint256 internal constant CONTESTED = 4; // ... and contested
    uint256 internal constant CONFIRMED = 8; // ... and confirmed, waiting for a court freeze to end
    uint256 internal constant PLEDGE = 16;
    uint256 internal constant FREEZE = 32;
    uint256 internal constant OVERDUE = 64; // a state, not a lock: moves only as recourse
}

/// Party. signer, the address itself for a 20-byte signer, else the last 160 bits of keccak256(signer) 0–159 · kind, a
/// SignerKind 160–167 · status, bits of Status 168–175 · roles, bits of Role 176–191 · sponsor, the bank that vouches for
/// the party, 0 none 192–223 · sequence, 0 no such party 224–255
library PartyWord {
    function make(uint256 signer_, uint256 kind_, uint256 roles_, uint256 sponsor_) internal pure returns (Party) {
        return Party.wrap(signer_ | kind_ << 160 | roles_ << 176 | sponsor_ << 192 | 1 << 224);
    }

    function signer(Party w) internal pure returns (uint256) {
        return uint160(Party.unwrap(w));
    }

    function kind(Party w) internal pure returns (uint256) {
        return uint8(Party.unwrap(w) >> 160);
    }

    function status(Party w) internal pure returns (uint256) {
        return uint8(Party.unwrap(w) >> 168);
    }

    function roles(Party w) internal pure returns (uint256) {
        return uint16(Party.unwrap(w) >> 176);
    }

    function sponsor(Party w) internal pure returns (uint256) {
        return uint32(Party.unwrap(w) >> 192);
    }

    function sequence(Party w) internal pure returns (uint256) {
        return Party.unwrap(w) >> 224;
    }

    function next(Party w) internal pure returns (Party) {
        unchecked {
            return Party.wrap(Party.unwrap(w) + (1 << 224));
        }
    }

    function marked(Party w, uint256 flag) internal pure returns (Party) {
        return Party.wrap(Party.unwrap(w) | flag << 168);
    }

    function unmarked(Party w, uint256 flag) internal pure returns (Party) {
        return Party.wrap(Party.unwrap(w) & ~(flag << 168));
    }

    function signedBy(Party w, uint256 signer_, uint256 kind_) internal pure returns (Party) {
        return Party.wrap(Party.unwrap(w) >> 168 << 168 | signer_ | kind_ << 160);
    }
}

/// The registrar's settings of the registry. registrar 0–31 · sequence 32–63 · to whom the office is offered, 0 nobody 64–95 ·
/// first day on which it can be taken 96–119
library RegistrySettingsWord {
    function make(uint256 registrar_) internal pure returns (RegistrySettings) {
        return RegistrySettings.wrap(registrar_);
    }

    function registrar(RegistrySettings w) internal pure returns (uint256) {
        return uint32(RegistrySettings.unwrap(w));
    }

    function sequence(RegistrySettings w) internal pure returns (uint256) {
        return uint32(RegistrySettings.unwrap(w) >> 32);
    }

    function nextRegistrar(RegistrySettings w) internal pure returns (uint256) {
        return uint32(RegistrySettings.unwrap(w) >> 64);
    }

    function nextRegistrarFrom(RegistrySettings w) internal pure returns (uint256) {
        return RegistrySettings.unwrap(w) >> 96;
    }

    function next(RegistrySettings w) internal pure returns (RegistrySettings) {
        unchecked {
            return RegistrySettings.wrap(RegistrySettings.unwrap(w) + (1 << 32));
        }
    }

    function offered(RegistrySettings w, uint256 to, uint256 from) internal pure returns (RegistrySettings) {
        return RegistrySettings.wrap(uint64(RegistrySettings.unwrap(w)) | to << 64 | from << 96);
    }

    function handedOver(RegistrySettings w) internal pure returns (RegistrySettings) {
        return RegistrySettings.wrap(w.nextRegistrar() | w.sequence() << 32);
    }
}

/// An ERC-7913 verifier of the allow-list; 0: not listed. gas cap of one check 0–31 · first day on which new signers may name
/// it 32–55 · leading 25 bytes of its code hash 56–255
library VerifierWord {
    function make(uint256 signatureGas_, uint256 activeOn_, bytes32 codeHash) internal pure returns (Verifier) {
        return Verifier.wrap(uint256(codeHash) >> 56 << 56 | activeOn_ << 32 | signatureGas_);
    }

    function signatureGas(Verifier w) internal pure returns (uint256) {
        return uint32(Verifier.unwrap(w));
    }

    function activeOn(Verifier w) internal pure returns (uint256) {
        return uint24(Verifier.unwrap(w) >> 32);
    }

    function hasCode(Verifier w, bytes32 codeHash) internal pure returns (bool) {
        return Verifier.unwrap(w) >> 56 == uint256(codeHash) >> 56;
    }
}

/// Credit line. Id: bank number (32 bits) and the bank's own reference (32 bits). Issuer 0: no such line.
/// limit 0–63 · drawn, sub-lines included 64–127 · issuer 128–159 · expiry, last day to draw 160–183 ·
/// parent, the same bank's reference, 0 none 184–215 · smallest part 216–247 · flags 248–255
library LineWord {
    function make(uint256 limit_, uint256 issuer_, uint256 expiry_, uint256 parent_, uint256 smallestPart_, uint256 flags)
        internal
        pure
        returns (Line)
    {
        return Line.wrap(
            limit_ | issuer_ << 128 | expiry_ << 160 | parent_ << 184 | smallestPart_ << 216 | flags << 248
        );
    }

    function limit(Line w) internal pure returns (uint256) {
        return uint64(Line.unwrap(w));
    }

    function drawn(Line w) internal pure returns (uint256) {
        return uint64(Line.unwrap(w) >> 64);
    }

    function issuer(Line w) internal pure returns (uint256) {
        return uint32(Line.unwrap(w) >> 128);
    }

    function expiry(Line w) internal pure returns (uint256) {
        return uint24(Line.unwrap(w) >> 160);
    }

    function parent(Line w) internal pure returns (uint256) {
        return uint32(Line.unwrap(w) >> 184);
    }

    function smallestPart(Line w) internal pure returns (uint256) {
        return uint32(Line.unwrap(w) >> 216);
    }

    function has(Line w, uint256 flag) internal pure returns (bool) {
        return Line.unwrap(w) & flag << 248 != 0;
    }

    function resized(Line w, uint256 limit_, uint256 expiry_) internal pure returns (Line) {
        uint256 kept = Line.unwrap(w) & ~(uint256(type(uint64).max) | uint256(type(uint24).max) << 160);
        return Line.wrap(kept | limit_ | expiry_ << 160);
    }

    function frozen(Line w, bool on) internal pure returns (Line) {
        uint256 flag = LineFlag.FROZEN << 248;
        return Line.wrap(on ? Line.unwrap(w) | flag : Line.unwrap(w) & ~flag);
    }

    function drawnBy(Line w, uint256 face) internal pure returns (Line) {
        unchecked {
            return Line.wrap(Line.unwrap(w) + (face << 64));
        }
    }

    function releasedBy(Line w, uint256 face) internal pure returns (Line) {
        unchecked {
            return Line.wrap(Line.unwrap(w) - (face << 64));
        }
    }
}

/// What of a line no issue reads. sequence 0–31 · window, days to contest a payment 32–39 · grace, days after the due day
/// before a voucher can be declared overdue 40–47
library LineTermsWord {
    function make(uint256 window_, uint256 grace_) internal pure returns (LineTerms) {
        return LineTerms.wrap(1 | window_ << 32 | grace_ << 40);
    }

    function sequence(LineTerms w) internal pure returns (uint256) {
        return uint32(LineTerms.unwrap(w));
    }

    function window(LineTerms w) internal pure returns (uint256) {
        return uint8(LineTerms.unwrap(w) >> 32);
    }

    function grace(LineTerms w) internal pure returns (uint256) {
        return uint8(LineTerms.unwrap(w) >> 40);
    }

    function next(LineTerms w) internal pure returns (LineTerms) {
        unchecked {
            return LineTerms.wrap(LineTerms.unwrap(w) + 1);
        }
    }
}

/// Promise. Id: the last 160 bits of the issue agreement's digest, so every term is in the id.
/// line 0–63 · due day 64–87 · smallest part 88–119 · highest tier 120–127 · live face 128–191 · settled face 192–255
library PromiseWord {
    function make(uint256 line_, uint256 dueDay_, uint256 smallestPart_, uint256 highestTier_, uint256 face)
        internal
        pure
        returns (Promise)
    {
        return Promise.wrap(line_ | dueDay_ << 64 | smallestPart_ << 88 | highestTier_ << 120 | face << 128);
    }

    function line(Promise w) internal pure returns (uint64) {
        return uint64(Promise.unwrap(w));
    }

    function dueDay(Promise w) internal pure returns (uint256) {
        return uint24(Promise.unwrap(w) >> 64);
    }

    function smallestPart(Promise w) internal pure returns (uint256) {
        return uint32(Promise.unwrap(w) >> 88);
    }

    function highestTier(Promise w) internal pure returns (uint256) {
        return uint8(Promise.unwrap(w) >> 120);
    }

    function live(Promise w) internal pure returns (uint256) {
        return uint64(Promise.unwrap(w) >> 128);
    }

    function settled(Promise w) internal pure returns (uint256) {
        return Promise.unwrap(w) >> 192;
    }

    function released(Promise w, uint256 face, uint256 paid) internal pure returns (Promise) {
        unchecked {
            return Promise.wrap(Promise.unwrap(w) - (face << 128) + (paid << 192));
        }
    }
}

/// Voucher. Id: promise (160 bits) and child (96 bits; 0 for the root). Sequence 0: never existed; face 0 with a sequence:
/// ended for good. face 0–63 · holder 64–95 · counterparty, the funder while discounted 96–127 · sequence 128–159 ·
/// pay-by, last day on which the discount's price is due 160–183 · tier, hops from the issuer 184–191 · locks 192–199
library VoucherWord {
    uint256 private constant SALE = uint256(type(uint32).max) << 96 | uint256(type(uint24).max) << 160 | Lock.DISCOUNT << 192;

    function make(uint256 face_, uint256 holder_, uint256 tier_, uint256 locks_) internal pure returns (Voucher) {
        return Voucher.wrap(face_ | holder_ << 64 | 1 << 128 | tier_ << 184 | locks_ << 192);
    }

    function face(Voucher w) internal pure returns (uint256) {
        return uint64(Voucher.unwrap(w));
    }

    function holder(Voucher w) internal pure returns (uint256) {
        return uint32(Voucher.unwrap(w) >> 64);
    }

    function counterparty(Voucher w) internal pure returns (uint256) {
        return uint32(Voucher.unwrap(w) >> 96);
    }

    function sequence(Voucher w) internal pure returns (uint256) {
        return uint32(Voucher.unwrap(w) >> 128);
    }

    function payBy(Voucher w) internal pure returns (uint256) {
        return uint24(Voucher.unwrap(w) >> 160);
    }

    function tier(Voucher w) internal pure returns (uint256) {
        return uint8(Voucher.unwrap(w) >> 184);
    }

    function locks(Voucher w) internal pure returns (uint256) {
        return Voucher.unwrap(w) >> 192;
    }

    function has(Voucher w, uint256 lock) internal pure returns (bool) {
        return Voucher.unwrap(w) & lock << 192 != 0;
    }

    function next(Voucher w) internal pure returns (Voucher) {
        unchecked {
            return Voucher.wrap(Voucher.unwrap(w) + (1 << 128));
        }
    }

    function withFace(Voucher w, uint256 face_) internal pure returns (Voucher) {
        return Voucher.wrap(Voucher.unwrap(w) >> 64 << 64 | face_);
    }

    function withHolder(Voucher w, uint256 holder_) internal pure returns (Voucher) {
        return Voucher.wrap(Voucher.unwrap(w) & ~(uint256(type(uint32).max) << 64) | holder_ << 64);
    }

    function withTier(Voucher w, uint256 tier_) internal pure returns (Voucher) {
        return Voucher.wrap(Voucher.unwrap(w) & ~(uint256(type(uint8).max) << 184) | tier_ << 184);
    }

    function locked(Voucher w, uint256 lock) internal pure returns (Voucher) {
        return Voucher.wrap(Voucher.unwrap(w) | lock << 192);
    }

    function unlocked(Voucher w, uint256 lock) internal pure returns (Voucher) {
        return Voucher.wrap(Voucher.unwrap(w) & ~(lock << 192));
    }

    function discounted(Voucher w, uint256 funder, uint256 payBy_) internal pure returns (Voucher) {
        return Voucher.wrap(Voucher.unwrap(w) | funder << 96 | payBy_ << 160 | Lock.DISCOUNT << 192);
    }

    function undiscounted(Voucher w) internal pure returns (Voucher) {
        return Voucher.wrap(Voucher.unwrap(w) & ~SALE);
    }
}

/// Payment; present only while asserted. amount, the face extinguished, 0 for a disbursement 0–63 · payee 64–95 ·
/// asserted on 96–119 · first contested on, 0 never 120–143 · purpose 144–151
library PaymentWord {
    function make(uint256 amount_, uint256 payee_, uint256 assertedOn_, uint256 contestedOn_, uint256 purpose_)
        internal
        pure
        returns (Payment)
    {
        return Payment.wrap(
            amount_ | payee_ << 64 | assertedOn_ << 96 | contestedOn_ << 120 | purpose_ << 144
        );
    }

    function amount(Payment w) internal pure returns (uint256) {
        return uint64(Payment.unwrap(w));
    }

    function payee(Payment w) internal pure returns (uint256) {
        return uint32(Payment.unwrap(w) >> 64);
    }

    function assertedOn(Payment w) internal pure returns (uint256) {
        return uint24(Payment.unwrap(w) >> 96);
    }

    function contestedOn(Payment w) internal pure returns (uint256) {
        return uint24(Payment.unwrap(w) >> 120);
    }

    function purpose(Payment w) internal pure returns (uint256) {
        return Payment.unwrap(w) >> 144;
    }

    function contested(Payment w, uint256 day) internal pure returns (Payment) {
        return Payment.wrap(Payment.unwrap(w) | day << 120);
    }
}

/// What has been issued against one invoice of one paying party. used 0–127 · total 128–255
library InvoiceUseWord {
    function make(uint256 total_, uint256 used_) internal pure returns (InvoiceUse) {
        return InvoiceUse.wrap(total_ << 128 | used_);
    }

    function total(InvoiceUse w) internal pure returns (uint256) {
        return InvoiceUse.unwrap(w) >> 128;
    }

    function used(InvoiceUse w) internal pure returns (uint256) {
        return uint128(InvoiceUse.unwrap(w));
    }

    /// With the use that predecessors recorded of the same invoice.
    function joined(InvoiceUse w, InvoiceUse before) internal pure returns (InvoiceUse) {
        unchecked {
            return make(w.used() == 0 ? before.total() : w.total(), w.used() + before.used());
        }
    }

    function returned(InvoiceUse w, uint256 amount) internal pure returns (InvoiceUse) {
        unchecked {
            return InvoiceUse.wrap(InvoiceUse.unwrap(w) - amount);
        }
    }
}

/// A pledge of a whole voucher; present only while pledged. pledgee 0–31 · secured sum, never above the face 32–95 · end day,
/// after which the holder can release it 96–119
library PledgeWord {
    function make(uint256 pledgee_, uint256 secured_, uint256 endDay_) internal pure returns (Pledge) {
        return Pledge.wrap(pledgee_ | secured_ << 32 | endDay_ << 96);
    }

    function pledgee(Pledge w) internal pure returns (uint256) {
        return uint32(Pledge.unwrap(w));
    }

    function secured(Pledge w) internal pure returns (uint256) {
        return uint64(Pledge.unwrap(w) >> 32);
    }

    function endDay(Pledge w) internal pure returns (uint256) {
        return Pledge.unwrap(w) >> 96;
    }

    /// What is left of it after a payment to the pledgee; nothing where the secured sum is paid.
    function paid(Pledge w, uint256 amount) internal pure returns (Pledge) {
        unchecked {
            return w.secured() == amount ? Pledge.wrap(0) : Pledge.wrap(Pledge.unwrap(w) - (amount << 32));
        }
    }
}

/// What keeps an issuer from issuing. face of its overdue vouchers 0–127 · stopped by the registrar 128
library IssuerStateWord {
    function overdue(IssuerState w) internal pure returns (uint256) {
        return uint128(IssuerState.unwrap(w));
    }

    function stopped(IssuerState w) internal pure returns (bool) {
        return IssuerState.unwrap(w) >> 128 != 0;
    }

    function marked(IssuerState w, bool stopped_) internal pure returns (IssuerState) {
        return IssuerState.wrap(w.overdue() | (stopped_ ? 1 << 128 : 0));
    }

    function owing(IssuerState w, uint256 face) internal pure returns (IssuerState) {
        unchecked {
            return IssuerState.wrap(IssuerState.unwrap(w) + face);
        }
    }

    /// With what a predecessor says of the same issuer.
    function joined(IssuerState w, IssuerState before) internal pure returns (IssuerState) {
        return w.owing(before.overdue()).marked(w.stopped() || before.stopped());
    }

    function paid(IssuerState w, uint256 face) internal pure returns (IssuerState) {
        unchecked {
            return IssuerState.wrap(IssuerState.unwrap(w) - face);
        }
    }
}

/// The registrar's settings of one ledger. sequence 0–31 · tenor cap in days, above which an issue gives a reason 32–47 · the
/// cap that follows 48–63 · the day on which it does, 0 where none is announced 64–87 · run-off: nothing is issued any more 88
library LedgerSettingsWord {
    function make(uint256 tenorCap_) internal pure returns (LedgerSettings) {
        return LedgerSettings.wrap(tenorCap_ << 32);
    }

    function sequence(LedgerSettings w) internal pure returns (uint256) {
        return uint32(LedgerSettings.unwrap(w));
    }

    /// The one in force on a day.
    function tenorCap(LedgerSettings w, uint256 day) internal pure returns (uint256) {
        uint256 from = uint24(LedgerSettings.unwrap(w) >> 64);
        return uint16(LedgerSettings.unwrap(w) >> (from != 0 && day >= from ? 48 : 32));
    }

    function runOff(LedgerSettings w) internal pure returns (bool) {
        return LedgerSettings.unwrap(w) >> 88 != 0;
    }

    function next(LedgerSettings w) internal pure returns (LedgerSettings) {
        unchecked {
            return LedgerSettings.wrap(LedgerSettings.unwrap(w) + 1);
        }
    }

    function stopped(LedgerSettings w) internal pure returns (LedgerSettings) {
        return LedgerSettings.wrap(LedgerSettings.unwrap(w) | 1 << 88);
    }

    /// A cap is announced; the one in force today stays until then.
    function capped(LedgerSettings w, uint256 cap, uint256 from, uint256 today) internal pure returns (LedgerSettings) {
        uint256 kept = LedgerSettings.unwrap(w) & (1 << 88 | type(uint32).max);
        return LedgerSettings.wrap(kept | w.tenorCap(today) << 32 | cap << 48 | from << 64);
    }
}
