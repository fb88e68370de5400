// SPDX-License-Identifier: UNLICENSED
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {Door} from "./Door.sol";
import {Founder, IPartyRegistry} from "./interfaces/IPartyRegistry.sol";
import {Accounts} from "./lib/Accounts.sol";
import {AgreementTypes} from "./lib/AgreementTypes.sol";
import {Days} from "./lib/Days.sol";
import {Party, PartyWord, Status} from "./State.sol";
import {
    Admit, Duty, FinishRekey, Need, PartyDetail, Recovery, Rekey, RekeyAnswer, Role, SignerKind, Standing, Verifier,
    duty
} from "./Types.sol";

/// @title PartyRegistry
/// @notice See IPartyRegistry. Holds no ether, no tokens, no names.
contract PartyRegistry is IPartyRegistry, Door {
    uint32 private constant HIGHEST_SIGNATURE_GAS = 500_000;
    uint256 private constant RECOVERY_DAYS = 7;
    uint256 private constant VETOED_RECOVERY_DAYS = 30;

    uint32 public registrar;
    uint32 private _settingsSequence; // of hand-over and allow-list
    uint32 private _nextRegistrar;
    uint24 private _nextRegistrarFrom;

    mapping(uint32 party => Party) private _parties;
    mapping(uint32 party => PartyDetail) private _details;
    mapping(uint32 party => Recovery) private _recoveries;
    mapping(bytes32 signerHash => uint32 party) public partyOfSigner;
    mapping(address verifier => Verifier) private _verifiers;

    /// @param registrarFounder becomes party 1
    /// @param banks become parties 2, 3, …; each is sponsored by the next, the last by the first; a single one by none
    constructor(Founder memory registrarFounder, Founder[] memory banks)
        EIP712("Tallystick Party Registry", "1")
        door
    {
        registrar = 1;
        _found(1, 0, 0, registrarFounder);
        for (uint32 i; i < banks.length; ++i) {
            uint32 sponsor = banks.length < 2 ? 0 : 2 + uint32((i + 1) % banks.length);
            _found(2 + i, Role.BANK | Role.FUNDER, sponsor, banks[i]);
        }
    }

    // ------------------------------------------------------------ admission

    function admit(Admit calldata a, bytes calldata consents, bytes calldata proof) external door {
        if (a.party == 0 || _parties[a.party].sequence() != 0) revert PartyNumberTaken(a.party);
        Duty[] memory duties = _duties(_byRegistrar(), duty(a.sponsor, Need.BANK));
        uint256 start;
        assembly ("memory-safe") {
            start := a
        }
        bytes32 digest = _digest(AgreementTypes.ADMIT, start, 6, keccak256(a.signer), 0, 1);
        (uint160 signer, SignerKind kind) =
            _agreeWithNewSigner(digest, a.deadline, duties, consents, proof, a.party, a.signer, a.signatureGas);
        _admit(a.party, a.roles, a.sponsor, signer, kind, a.signatureGas, a.profile);
    }

    function suspend(Standing calldata a, bytes calldata consents) external door {
        _agree(AgreementTypes.SUSPEND, 4, _byRegistrar(), consents);
        if (a.party == registrar) revert RegistrarStays(a.party);
        Party p = _advanceSteady(a.party, a.sequence);
        if (p.status() & Status.SUSPENDED != 0) revert AlreadySuspended(a.party);
        _parties[a.party] = p.marked(Status.SUSPENDED);
        _log(PartySuspension.selector, a.party, p.sequence(), 1, uint256(a.reason));
    }

    function reinstate(Standing calldata a, bytes calldata consents) external door {
        _agree(AgreementTypes.REINSTATE, 4, _byRegistrar(), consents);
        Party p = _advanceSteady(a.party, a.sequence);
        if (p.status() & Status.SUSPENDED == 0) revert NotSuspended(a.party);
        _parties[a.party] = p.unmarked(Status.SUSPENDED);
        _log(PartySuspension.selector, a.party, p.sequence(), 0, uint256(a.reason));
    }

    // ------------------------------------------------------------ keys

    function rekey(Rekey calldata a, bytes calldata consents, bytes calldata proof) external door {
        Duty[] memory duties = _duties(duty(a.party, Need.SIGN));
        (uint160 signer, SignerKind kind) = _agreeWithRekey(AgreementTypes.REKEY, a, duties, consents, proof);
        _replaceSigner(a.party, _advance(a.party, a.sequence), signer, kind, a.signatureGas);
    }

    function proposeRekey(Rekey calldata a, bytes calldata consents, bytes calldata proof) external door {
        Party p = _advanceSteady(a.party, a.sequence);
        if (p.sponsor() == 0) revert NoSponsor(a.party);
        Duty[] memory duties = _duties(_byRegistrar(), duty(p.sponsor(), Need.BANK));
        (uint160 signer, SignerKind kind) = _agreeWithRekey(AgreementTypes.PROPOSE_REKEY, a, duties, consents, proof);
        _parties[a.party] = p.marked(Status.RECOVERING);
        uint24 readyOn = uint24(Days.today() + RECOVERY_DAYS);
        _recoveries[a.party] = Recovery(signer, kind, a.signatureGas, readyOn, false);
        _log(RekeyProposed.selector, a.party, p.sequence(), signer, uint256(kind), a.signatureGas, readyOn, 0, 5);
    }

    function vetoRekey(RekeyAnswer calldata a, bytes calldata consents) external door {
        _agree(AgreementTypes.VETO_REKEY, 3, duty(a.party, Need.DEFEND), consents);
        Party p = _advance(a.party, a.sequence);
        Recovery storage r = _recovery(a.party);
        if (r.vetoed) revert AlreadyVetoed(a.party);
        _parties[a.party] = p;
        r.vetoed = true;
        r.readyOn = uint24(Days.today() + VETOED_RECOVERY_DAYS);
        _log(RekeyVetoed.selector, a.party, p.sequence(), r.readyOn);
    }

    function withdrawRekey(RekeyAnswer calldata a, bytes calldata consents) external door {
        Party p = _advance(a.party, a.sequence);
        _recovery(a.party);
        _agree(AgreementTypes.WITHDRAW_REKEY, 3, _byRegistrar(), duty(p.sponsor(), Need.BANK), consents);
        _parties[a.party] = _endRecovery(a.party, p);
        _log(RekeyWithdrawn.selector, a.party, p.sequence(), Days.today());
    }

    function finishRekey(FinishRekey calldata a, bytes calldata consents) external door {
        Party p = _advance(a.party, a.sequence);
        Recovery memory r = _recovery(a.party);
        if (Days.today() < r.readyOn) revert RecoveryNotReady(r.readyOn, Days.today());
        if (r.vetoed != (a.arbiter != 0)) revert ArbiterExpected(r.vetoed, a.arbiter);
        if (r.vetoed && (a.arbiter == a.party || a.arbiter == p.sponsor() || a.arbiter == registrar)) {
            revert ArbiterConcerned(a.arbiter);
        }
        Duty[] memory duties = r.vetoed ? _duties(duty(a.arbiter, Need.ARBITRATE)) : new Duty[](0);
        _agree(AgreementTypes.FINISH_REKEY, 4, duties, consents);
        _replaceSigner(a.party, _endRecovery(a.party, p), r.signer, r.kind, r.signatureGas);
    }

    // ------------------------------------------------------------ the check that the ledger asks for

    function check(bytes32 digest, address sender, Duty[] calldata duties, bytes calldata consents) external view {
        uint256 start;
        for (uint256 i; i < duties.length; ++i) {
            uint256 word = Duty.unwrap(duties[i]);
            uint256 need = uint8(word >> 32);
            uint32 party = need == Need.REGISTRAR ? registrar : uint32(word);
            Party p = _parties[party];
            _requireNeed(p, party, need, uint32(word >> 40));
            bytes calldata consent;
            (consent, start) = _consentAt(consents, start);
            if (start > consents.length) break;
            if (p.kind() == uint256(SignerKind.WALLET)) {
                _requireWallet(party, p.signer(), digest, sender, consent);
            } else {
                _requireContract(party, p.signer(), _details[party].signatureGas, digest, sender, consent);
            }
        }
        if (start != consents.length) revert ConsentCount(duties.length, _countOf(consents));
    }

    function isGoodSignature(bytes calldata signer, bytes32 digest, bytes calldata signature)
        external
        view
        returns (bool)
    {
        return SignatureChecker.isValidSignatureNow(signer, digest, signature);
    }

    function _checkConsents(bytes32 digest, Duty[] memory duties, bytes calldata consents) internal view override {
        this.check(digest, msg.sender, duties, consents);
    }

    function _requireNeed(Party p, uint256 party, uint256 need, uint256 to) private pure {
        if (p.sequence() == 0) revert UnknownParty(party);
        if (p.status() != 0 && need != Need.DEFEND) {
            if (p.status() & Status.RECOVERING != 0) revert PartyRecovering(party);
            if (need != Need.SELL || to != p.sponsor()) revert PartySuspended(party);
        }
        if (need >= Need.ISSUE && need < Need.REGISTRAR) {
            uint256 role = 1 << (need - Need.ISSUE);
            if (p.roles() & role == 0) revert MissingRole(party, role);
        }
    }

    function _requireWallet(uint256 party, uint256 signer, bytes32 digest, address sender, bytes calldata consent)
        private
        pure
    {
        if (consent.length == 0 && signer == uint160(sender)) return;
        (address recovered,,) = ECDSA.tryRecoverCalldata(digest, consent);
        if (uint160(recovered) != signer) revert BadSignature(party);
    }

    function _requireContract(
        uint256 party,
        uint256 signer,
        uint256 signatureGas,
        bytes32 digest,
        address sender,
        bytes calldata consent
    ) private view {
        if (consent.length == 0 && signer == uint160(sender)) return;
        bytes memory question =
            abi.encodeCall(this.isGoodSignature, (abi.encodePacked(uint160(signer)), digest, consent));
        // What is short of its cap would come back as a false "no": 63/64 of the gas left goes to the check.
        uint256 available = gasleft() - gasleft() / 64;
        if (available < signatureGas + 1_000) revert GasTooLow(signatureGas, available);
        (bool done, bytes memory answer) = address(this).staticcall{gas: signatureGas}(question);
        if (!done || !abi.decode(answer, (bool))) revert BadSignature(party);
    }

    // ------------------------------------------------------------ views

    function partyOf(uint32 party) external view returns (Party) {
        return _parties[party];
    }

    function detailOf(uint32 party) external view returns (PartyDetail memory) {
        return _details[party];
    }

    function recoveryOf(uint32 party) external view returns (Recovery memory) {
        return _recoveries[party];
    }

    function standingOf(uint256 party) external view returns (bool suspended, uint256 silentSince) {
        uint256 status = _parties[uint32(party)].status();
        suspended = status & Status.SUSPENDED != 0;
        silentSince = status & Status.RECOVERING != 0 ? type(uint256).max : _details[uint32(party)].recoveredOn;
    }

    function accountOf(uint32 party) external pure returns (address) {
        return Accounts.ofParty(party);
    }

    // ------------------------------------------------------------ inside

    function _found(uint32 party, uint16 roles, uint32 sponsor, Founder memory f) private {
        (uint160 signer, SignerKind kind) = _claim(party, abi.encodePacked(f.signer), f.signatureGas);
        _admit(party, roles, sponsor, signer, kind, f.signatureGas, f.profile);
    }

    function _admit(
        uint32 party,
        uint16 roles,
        uint32 sponsor,
        uint160 signer,
        SignerKind kind,
        uint32 signatureGas,
        bytes32 profile
    ) private {
        _parties[party] = PartyWord.make(signer, uint256(kind), roles, sponsor);
        if (signatureGas != 0) _details[party].signatureGas = signatureGas;
        _log(PartyAdmitted.selector, party, roles, sponsor, signer, uint256(kind), signatureGas, uint256(profile), 6);
    }

    /// As `_agree`, and the new signer proves that it can sign.
    function _agreeWithNewSigner(
        bytes32 digest,
        uint40 deadline,
        Duty[] memory duties,
        bytes calldata consents,
        bytes calldata proof,
        uint32 party,
        bytes calldata newSigner,
        uint32 signatureGas
    ) private returns (uint160 signer, SignerKind kind) {
        _agreeOn(digest, deadline, duties, consents);
        (signer, kind) = _claim(party, newSigner, signatureGas);
        if (kind == SignerKind.WALLET) _requireWallet(party, signer, digest, msg.sender, proof);
        else _requireContract(party, signer, signatureGas, digest, msg.sender, proof);
    }

    function _agreeWithRekey(bytes32 typeHash, Rekey calldata a, Duty[] memory duties, bytes calldata consents, bytes calldata proof)
        private
        returns (uint160 signer, SignerKind kind)
    {
        uint256 start;
        assembly ("memory-safe") {
            start := a
        }
        bytes32 digest = _digest(typeHash, start, 4, keccak256(a.signer), 0, 1);
        return _agreeWithNewSigner(digest, a.deadline, duties, consents, proof, a.party, a.signer, a.signatureGas);
    }

    /// Takes a signer for a party: a signer serves one party, and one that was replaced is never accepted again.
    function _claim(uint32 party, bytes memory signer, uint32 signatureGas)
        private
        returns (uint160 key, SignerKind kind)
    {
        key = uint160(bytes20(signer));
        if (signer.length != 20 || key == 0) revert SignerNotAllowed(signer.length);
        if (signatureGas > HIGHEST_SIGNATURE_GAS) revert SignatureGasTooHigh(signatureGas, HIGHEST_SIGNATURE_GAS);
        bytes32 signerHash = keccak256(signer);
        uint32 owner = partyOfSigner[signerHash];
        if (owner != 0) revert SignerInUse(owner);
        partyOfSigner[signerHash] = party;
        kind = signatureGas == 0 ? SignerKind.WALLET : SignerKind.CONTRACT;
    }

    function _replaceSigner(uint32 party, Party p, uint160 signer, SignerKind kind, uint32 signatureGas) private {
        _parties[party] = p.signedBy(signer, uint256(kind));
        PartyDetail storage d = _details[party];
        d.signatureGas = signatureGas;
        _log(PartyRekeyed.selector, party, p.sequence(), signer, uint256(kind), signatureGas, d.recoveredOn, 0, 5);
    }

    /// The party with its sequence consumed; the caller stores it.
    function _advance(uint32 party, uint256 sequence) private view returns (Party p) {
        p = _parties[party];
        if (p.sequence() == 0) revert UnknownParty(party);
        if (p.sequence() != sequence) revert WrongSequence(party, sequence, p.sequence());
        return p.next();
    }

    /// Not while a recovery is under way: whoever moves the sequence then would outrun the old signer's veto.
    function _advanceSteady(uint32 party, uint256 sequence) private view returns (Party p) {
        p = _advance(party, sequence);
        if (p.status() & Status.RECOVERING != 0) revert PartyRecovering(party);
    }

    function _recovery(uint32 party) private view returns (Recovery storage r) {
        r = _recoveries[party];
        if (r.readyOn == 0) revert NoRecovery(party);
    }

    function _endRecovery(uint32 party, Party p) private returns (Party) {
        _details[party].recoveredOn = uint24(Days.today());
        delete _recoveries[party];
        return p.unmarked(Status.RECOVERING);
    }
}
