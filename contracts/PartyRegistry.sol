// SPDX-License-Identifier: UNLICENSED
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Founder} from "./interfaces/IPartyRegistry.sol";
import {Accounts} from "./lib/Accounts.sol";
import {AgreementTypes} from "./lib/AgreementTypes.sol";
import {Days} from "./lib/Days.sol";
import {Metadata} from "./lib/Metadata.sol";
import {Signers} from "./Signers.sol";
import {Party, PartyWord, RegistrySettings, RegistrySettingsWord, Status} from "./State.sol";
import {
    AcceptHandOver, Admit, Duty, FinishRekey, HandOver, Need, PartyDetail, Recovery, Rekey, RekeyAnswer, Role,
    SignerKind, Standing, duty
} from "./Types.sol";

/// @title PartyRegistry
/// @notice See IPartyRegistry. Holds no ether, no tokens, no names.
contract PartyRegistry is Signers {
    uint256 private constant RECOVERY_DAYS = 7;
    uint256 private constant VETOED_RECOVERY_DAYS = 30;
    uint256 private constant HAND_OVER_DAYS = 7;
    uint16 private constant ARBITER_AND_ISSUER = Role.ARBITER | Role.ISSUER;

    mapping(uint32 party => Recovery) private _recoveries;

    /// @param registrarFounder becomes party 1
    /// @param banks become parties 2, 3, …; each is sponsored by the next, the last by the first; a single one by none
    constructor(Founder memory registrarFounder, Founder[] memory banks)
        EIP712("Tallystick Party Registry", "1")
        door
    {
        _settings = RegistrySettingsWord.make(1);
        _found(1, 0, 0, registrarFounder);
        for (uint32 i; i < banks.length; ++i) {
            uint32 sponsor = banks.length < 2 ? 0 : 2 + uint32((i + 1) % banks.length);
            _found(2 + i, Role.BANK | Role.FUNDER, sponsor, banks[i]);
        }
    }

    // ------------------------------------------------------------ admission

    function admit(Admit calldata a, bytes calldata consents, bytes calldata proof) external door {
        if (a.party == 0 || _parties[a.party].sequence() != 0) revert PartyNumberTaken(a.party);
        // who owes does not judge whether it has paid
        if (a.roles & ARBITER_AND_ISSUER == ARBITER_AND_ISSUER) revert RolesUnfit(a.roles);
        Duty[] memory duties = _duties(_byRegistrar(), duty(a.sponsor, Need.BANK));
        // Solidity has no word for where a struct of the calldata stands; _digest needs it (190 bytes, 570 gas)
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
        if (a.party == registrar()) revert RegistrarStays(a.party);
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
        if (r.vetoed && (a.arbiter == a.party || a.arbiter == p.sponsor() || a.arbiter == registrar())) {
            revert ArbiterConcerned(a.arbiter);
        }
        Duty[] memory duties = r.vetoed ? _duties(duty(a.arbiter, Need.ARBITRATE)) : new Duty[](0);
        _agree(AgreementTypes.FINISH_REKEY, 4, duties, consents);
        _replaceSigner(a.party, _endRecovery(a.party, p), r.signer, r.kind, r.signatureGas);
    }

    // ------------------------------------------------------------ the registrar's office

    function handOver(HandOver calldata a, bytes calldata consents) external door {
        RegistrySettings s = _advanceSettings(a.sequence);
        uint256 to = a.to;
        Party p = _parties[to];
        if (p.sequence() == 0) revert UnknownParty(to);
        if (p.roles() != 0) revert RegistrarUnfit(to, p.roles());
        _agree(AgreementTypes.HAND_OVER, 3, _byRegistrar(), consents);
        bool takenBack = to == s.registrar();
        uint256 readyOn = takenBack ? 0 : Days.today() + HAND_OVER_DAYS;
        _settings = s.offered(takenBack ? 0 : to, readyOn);
        _log(HandOverProposed.selector, to, s.sequence(), readyOn);
    }

    function acceptHandOver(AcceptHandOver calldata a, bytes calldata consents) external door {
        RegistrySettings s = _advanceSettings(a.sequence);
        (uint256 to, uint256 from, uint256 today) = (s.nextRegistrar(), s.nextRegistrarFrom(), Days.today());
        if (to == 0) revert NoHandOver();
        if (today < from) revert HandOverNotReady(from, today);
        _agree(AgreementTypes.ACCEPT_HAND_OVER, 2, duty(to, Need.SIGN), consents);
        _settings = s.handedOver();
        _log(HandOverAccepted.selector, to, s.sequence());
    }

    // ------------------------------------------------------------ views

    function registrar() public view returns (uint32) {
        return uint32(_settings.registrar());
    }

    function settingsOf() external view returns (RegistrySettings) {
        return _settings;
    }

    function partyOf(uint32 party) external view returns (Party) {
        return _parties[party];
    }

    function detailOf(uint32 party) external view returns (PartyDetail memory) {
        return _details[party];
    }

    function recoveryOf(uint32 party) external view returns (Recovery memory) {
        return _recoveries[party];
    }

    function isSuspended(uint256 party) external view returns (bool) {
        return _parties[party].status() & Status.SUSPENDED != 0;
    }

    function silenceOf(uint256 a, uint256 b) external view returns (uint256 since, uint256 recovering) {
        since = _details[b].recoveredOn;
        if (_parties[b].status() & Status.RECOVERING != 0) recovering = b;
        if (a == b) return (since, recovering);
        since = Math.max(since, _details[a].recoveredOn);
        if (_parties[a].status() & Status.RECOVERING != 0) recovering = a;
    }

    function metadataOf(uint256 face, uint256 dueDay, uint256 tier, uint256 locks) external pure returns (string memory) {
        return Metadata.uri(face, dueDay, tier, locks);
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

    function _agreeWithRekey(bytes32 typeHash, Rekey calldata a, Duty[] memory duties, bytes calldata consents, bytes calldata proof)
        private
        returns (uint160 signer, SignerKind kind)
    {
        // Solidity has no word for where a struct of the calldata stands; _digest needs it (190 bytes, 570 gas)
        uint256 start;
        assembly ("memory-safe") {
            start := a
        }
        bytes32 digest = _digest(typeHash, start, 4, keccak256(a.signer), 0, 1);
        return _agreeWithNewSigner(digest, a.deadline, duties, consents, proof, a.party, a.signer, a.signatureGas);
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
