// SPDX-License-Identifier: UNLICENSED
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {Door} from "./Door.sol";
import {IPartyRegistry} from "./interfaces/IPartyRegistry.sol";
import {AgreementTypes} from "./lib/AgreementTypes.sol";
import {Days} from "./lib/Days.sol";
import {Party, RegistrySettings, Status, Verifier, VerifierWord} from "./State.sol";
import {Duty, ListVerifier, Need, PartyDetail, SignerKind} from "./Types.sol";

/// @title Signers
/// @notice Whose word counts: signers, the allow-list of verifiers, and the check of consents. See IPartyRegistry.
abstract contract Signers is IPartyRegistry, Door {
    uint256 private constant HIGHEST_SIGNATURE_GAS = 500_000;
    uint256 private constant HIGHEST_SIGNER_LENGTH = 1_024;
    uint256 private constant LISTING_DAYS = 7;

    RegistrySettings internal _settings;
    mapping(uint256 party => Party) internal _parties;
    mapping(uint256 party => PartyDetail) internal _details;
    mapping(bytes32 signerHash => uint32 party) public partyOfSigner;
    mapping(address verifier => Verifier) public verifierOf;

    // ------------------------------------------------------------ the allow-list

    function listVerifier(ListVerifier calldata a, bytes calldata consents) external door {
        RegistrySettings s = _advanceSettings(a.sequence);
        (address verifier, uint256 signatureGas, bytes32 codeHash) = (a.verifier, a.signatureGas, a.codeHash);
        if (signatureGas == 0 || signatureGas > HIGHEST_SIGNATURE_GAS) {
            revert SignatureGasOutOfRange(signatureGas, 1, HIGHEST_SIGNATURE_GAS);
        }
        if (verifierOf[verifier].signatureGas() != 0) revert VerifierTaken(verifier);
        if (verifier.code.length == 0 || verifier.codehash != codeHash) {
            revert VerifierCodeDiffers(verifier, verifier.codehash, codeHash);
        }
        _agree(AgreementTypes.LIST_VERIFIER, 5, _byRegistrar(), consents);
        _settings = s;
        uint256 activeOn = Days.today() + LISTING_DAYS;
        verifierOf[verifier] = VerifierWord.make(signatureGas, activeOn, codeHash);
        _log(VerifierListed.selector, uint160(verifier), s.sequence(), signatureGas, uint256(codeHash), activeOn);
    }

    // ------------------------------------------------------------ the check that the ledger asks for

    function check(address sender, bytes32 digest, Duty[] calldata duties, bytes calldata consents) external view {
        uint256 start;
        for (uint256 i; i < duties.length; ++i) {
            uint256 word = Duty.unwrap(duties[i]);
            uint256 need = uint8(word >> 32);
            uint256 party = uint32(word);
            if (need == Need.REGISTRAR) {
                party = _settings.registrar();
                if (party == uint32(word >> 40)) revert ArbiterConcerned(party);
            }
            Party p = _parties[party];
            _requireNeed(p, party, need, uint32(word >> 40));
            bytes calldata consent;
            (consent, start) = _consentAt(consents, start);
            if (start > consents.length) break;
            if (p.kind() == uint256(SignerKind.WALLET)) {
                _requireWallet(party, p.signer(), digest, sender, consent);
            } else if (p.kind() == uint256(SignerKind.CONTRACT)) {
                _requireContract(party, p.signer(), _details[party].signatureGas, digest, sender, consent);
            } else {
                _requireVerifier(party, p.signer(), digest, consent);
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
        this.check(msg.sender, digest, duties, consents);
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
        _requireGood(party, abi.encodePacked(uint160(signer)), signatureGas, digest, consent);
    }

    /// The consent brings the signer's bytes with it, of which only the hash is kept.
    function _requireVerifier(uint256 party, uint256 signer, bytes32 digest, bytes calldata consent) private view {
        (bytes calldata signerBytes, uint256 end) = _consentAt(consent, 0);
        if (uint160(uint256(keccak256(signerBytes))) != signer) revert BadSignature(party);
        address verifier = address(bytes20(signerBytes));
        Verifier v = verifierOf[verifier];
        if (!v.hasCode(verifier.codehash)) revert BadSignature(party);
        _requireGood(party, signerBytes, v.signatureGas(), digest, consent[end:]);
    }

    function _requireGood(
        uint256 party,
        bytes memory signer,
        uint256 signatureGas,
        bytes32 digest,
        bytes calldata signature
    ) private view {
        bytes memory question = abi.encodeCall(this.isGoodSignature, (signer, digest, signature));
        // What is short of its cap would come back as a false "no": 63/64 of the gas left goes to the check.
        uint256 available = gasleft() - gasleft() / 64;
        if (available < signatureGas + 1_000) revert GasTooLow(signatureGas, available);
        (bool done, bytes memory answer) = address(this).staticcall{gas: signatureGas}(question);
        if (!done || !abi.decode(answer, (bool))) revert BadSignature(party);
    }

    // ------------------------------------------------------------ inside

    /// As `_agree`, and the new signer, which serves the party from now on, proves that it can sign.
    function _agreeWithNewSigner(
        bytes32 digest,
        uint40 deadline,
        Duty[] memory duties,
        bytes calldata consents,
        bytes calldata proof,
        uint32 party,
        bytes calldata newSigner,
        uint32 signatureGas
    ) internal returns (uint160 signer, SignerKind kind) {
        _agreeOn(digest, deadline, duties, consents);
        (signer, kind) = _claim(party, newSigner, signatureGas);
        if (kind == SignerKind.WALLET) _requireWallet(party, signer, digest, msg.sender, proof);
        else if (kind == SignerKind.CONTRACT) _requireContract(party, signer, signatureGas, digest, msg.sender, proof);
        else _requireVerifier(party, signer, digest, proof);
    }

    /// Takes a signer for a party: a signer serves one party, and one that was replaced is never accepted again.
    function _claim(uint32 party, bytes memory signer, uint256 signatureGas)
        internal
        returns (uint160 key, SignerKind kind)
    {
        address first = address(bytes20(signer));
        bytes32 signerHash = keccak256(signer);
        if (signer.length < 20 || signer.length > HIGHEST_SIGNER_LENGTH || first == address(0)) {
            revert SignerNotAllowed(signer.length);
        }
        uint256 highest = HIGHEST_SIGNATURE_GAS;
        if (signer.length > 20) {
            uint256 activeOn = verifierOf[first].activeOn();
            if (activeOn == 0 || Days.today() < activeOn) revert VerifierNotAllowed(first);
            highest = 0; // the cap stands in the list
            (key, kind) = (uint160(uint256(signerHash)), SignerKind.VERIFIER);
        } else {
            (key, kind) = (uint160(first), signatureGas == 0 ? SignerKind.WALLET : SignerKind.CONTRACT);
        }
        if (signatureGas > highest) revert SignatureGasTooHigh(signatureGas, highest);
        uint32 owner = partyOfSigner[signerHash];
        if (owner != 0) revert SignerInUse(owner);
        partyOfSigner[signerHash] = party;
    }

    /// The settings with their sequence consumed; the caller stores them.
    function _advanceSettings(uint256 sequence) internal view returns (RegistrySettings s) {
        s = _settings;
        if (s.sequence() != sequence) revert WrongSequence(0, sequence, s.sequence());
        return s.next();
    }
}
