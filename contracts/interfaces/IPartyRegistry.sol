// SPDX-License-Identifier: UNLICENSED
pragma solidity 0.8.37;

import {Party, RegistrySettings, Verifier} from "../State.sol";
import {
    AcceptHandOver, Admit, Duty, FinishRekey, HandOver, ListVerifier, PartyDetail, Recovery, Rekey, RekeyAnswer,
    SignerKind, Standing
} from "../Types.sol";
import {IDoor} from "./IDoor.sol";

/// A party that exists from the first block on. `signatureGas` 0: wallet key, else the cap of an ERC-1271 check.
struct Founder {
    address signer;
    uint32 signatureGas;
    bytes32 profile;
}

/// @title IPartyRegistry
/// @notice Who may act: parties, their signers, their roles, and the registrar who admits them.
///
/// A party is a number. Its signer can be replaced; the number stays. Party 1 is the first registrar, the founding banks
/// follow, each with the next one as its sponsor.
///
/// A signer is of one of three kinds, told apart when it is taken: an address of 20 bytes whose secp256k1 key signs (gas cap 0),
/// such an address of an ERC-1271 wallet (with the gas cap of its check), or the address of an ERC-7913 verifier from the
/// allow-list followed by a key (gas cap 0: the list has it), such as a P-256 key, an RSA key or a passkey.
interface IPartyRegistry is IDoor {
    event PartyAdmitted(
        uint32 indexed party,
        uint16 roles,
        uint32 sponsor,
        uint160 signer,
        SignerKind kind,
        uint32 signatureGas,
        bytes32 profile
    );
    event PartySuspension(uint32 indexed party, uint32 sequence, bool suspended, bytes32 reason);
    event PartyRekeyed(
        uint32 indexed party,
        uint32 sequence,
        uint160 signer,
        SignerKind kind,
        uint32 signatureGas,
        uint24 recoveredOn
    );
    event RekeyProposed(
        uint32 indexed party,
        uint32 sequence,
        uint160 signer,
        SignerKind kind,
        uint32 signatureGas,
        uint24 readyOn
    );
    event RekeyVetoed(uint32 indexed party, uint32 sequence, uint24 readyOn);
    event RekeyWithdrawn(uint32 indexed party, uint32 sequence, uint24 recoveredOn);
    /// @notice `sequence` is the new one of the registrar's settings, here and in the two that follow.
    event VerifierListed(
        address indexed verifier,
        uint32 sequence,
        uint32 signatureGas,
        bytes32 codeHash,
        uint24 activeOn
    );
    /// @notice The office is offered to party `to`, which can take it from `readyOn` on; 0: an offer is taken back.
    event HandOverProposed(uint32 indexed to, uint32 sequence, uint24 readyOn);
    event HandOverAccepted(uint32 indexed registrar, uint32 sequence);

    /// @notice No party has this number.
    error UnknownParty(uint256 party);
    /// @notice The number is taken, or is 0.
    error PartyNumberTaken(uint256 party);
    error PartySuspended(uint256 party);
    /// @notice The party's signer is being recovered; nothing of the party moves meanwhile.
    error PartyRecovering(uint256 party);
    error MissingRole(uint256 party, uint256 role);
    /// @notice The consent of this party does not verify, or is empty and the sender is not its signer.
    error BadSignature(uint256 party);
    /// @notice The signer serves, once served, or was once proposed for a party.
    error SignerInUse(uint256 party);
    /// @notice A signer is an address of 20 bytes, or an ERC-7913 verifier's followed by a key, 1,024 bytes together at most;
    /// and the address is not 0.
    error SignerNotAllowed(uint256 length);
    /// @notice The signer names a verifier that is not on the allow-list, or not yet active.
    error VerifierNotAllowed(address verifier);
    /// @notice A contract's signature check may cost at most `highest` gas; a verifier's cap stands in the allow-list, and 0
    /// is to be given.
    error SignatureGasTooHigh(uint256 given, uint256 highest);
    error SignatureGasOutOfRange(uint256 given, uint256 lowest, uint256 highest);
    /// @notice The verifier is on the allow-list already; no entry is ever changed.
    error VerifierTaken(address verifier);
    /// @notice There is no code at the verifier's address, or another than the agreement names.
    error VerifierCodeDiffers(address verifier, bytes32 present, bytes32 given);
    /// @notice A party with a role cannot be registrar: no two halves of a decision in one hand.
    error RegistrarUnfit(uint256 party, uint256 roles);
    /// @notice An issuer is no arbiter: who owes does not judge whether it has paid.
    error RolesUnfit(uint256 roles);
    /// @notice The office is offered to nobody.
    error NoHandOver();
    error HandOverNotReady(uint256 from, uint256 today);
    /// @notice Without a sponsor bank there is no recovery: the founding registrar, a single founding bank.
    error NoSponsor(uint256 party);
    error AlreadySuspended(uint256 party);
    error NotSuspended(uint256 party);
    /// @notice The registrar cannot suspend itself: nobody could reinstate it.
    error RegistrarStays(uint256 party);
    error NoRecovery(uint256 party);
    error RecoveryNotReady(uint256 readyOn, uint256 today);
    error AlreadyVetoed(uint256 party);
    /// @notice A vetoed recovery needs an arbiter, one without a veto none.
    error ArbiterExpected(bool vetoed, uint256 arbiter);
    /// @notice The arbiter is the party, its sponsor or the registrar.
    error ArbiterConcerned(uint256 party);

    /// @notice Admits a party. Consents: registrar, sponsor bank; proof: the new signer's consent.
    /// Consumes the number.
    /// @dev Emits PartyAdmitted. Requires: number free and not 0 (PartyNumberTaken); not both issuer and arbiter
    /// (RolesUnfit); sponsor an admitted bank
    /// (MissingRole); signer never used before (SignerInUse) and of an allowed kind (SignerNotAllowed,
    /// VerifierNotAllowed, SignatureGasTooHigh).
    function admit(Admit calldata a, bytes calldata consents, bytes calldata proof) external;

    /// @notice Takes away a party's right to issue, receive and move. It can still be paid, answer a payment, and sell to
    /// its sponsor bank. Consents: registrar.
    /// @dev Emits PartySuspension. Requires: not suspended (AlreadySuspended), not the registrar (RegistrarStays), no recovery
    /// under way (PartyRecovering).
    function suspend(Standing calldata a, bytes calldata consents) external;

    /// @notice Ends a suspension. Consents: registrar.
    /// @dev Emits PartySuspension. Requires: suspended (NotSuspended), no recovery under way (PartyRecovering).
    function reinstate(Standing calldata a, bytes calldata consents) external;

    /// @notice Replaces the signer at once. Consents: the old signer; proof: the new signer's.
    /// @dev Emits PartyRekeyed. Requires: not suspended, no recovery under way; new signer as in `admit`.
    function rekey(Rekey calldata a, bytes calldata consents, bytes calldata proof) external;

    /// @notice Lost key: starts a recovery that can be finished after 7 days. Consents: registrar, the party's sponsor
    /// bank; proof: the new signer's. Nothing of the party moves meanwhile, but it can be paid and answer payments.
    /// @dev Emits RekeyProposed. Requires: a sponsor (NoSponsor), no recovery under way (PartyRecovering).
    function proposeRekey(Rekey calldata a, bytes calldata consents, bytes calldata proof) external;

    /// @notice The old signer objects: from now on 30 days and an arbiter are needed. Consents: the party (old signer).
    /// @dev Emits RekeyVetoed. Requires: a recovery (NoRecovery) without a veto (AlreadyVetoed).
    function vetoRekey(RekeyAnswer calldata a, bytes calldata consents) external;

    /// @notice The proposers take the recovery back; the old signer acts again. Consents: registrar, sponsor bank.
    /// @dev Emits RekeyWithdrawn. Requires: a recovery (NoRecovery).
    function withdrawRekey(RekeyAnswer calldata a, bytes calldata consents) external;

    /// @notice Puts the recovered signer in place. Consents: none; after a veto the named arbiter.
    /// @dev Emits PartyRekeyed. Requires: a recovery (NoRecovery) that is ready (RecoveryNotReady); an arbiter exactly
    /// where it was vetoed (ArbiterExpected), who is none of the party, its sponsor and the
    /// registrar (ArbiterConcerned).
    function finishRekey(FinishRekey calldata a, bytes calldata consents) external;

    /// @notice Puts an ERC-7913 verifier on the allow-list, with the gas cap of one check: from 7 days on new signers may
    /// name it. Never delisted; a check by one whose code has changed is a bad signature. Consents: registrar. Consumes
    /// the settings sequence.
    /// @dev Emits VerifierListed. Requires: cap 1–500,000 (SignatureGasOutOfRange), not listed (VerifierTaken), the code
    /// with this hash at the address (VerifierCodeDiffers).
    function listVerifier(ListVerifier calldata a, bytes calldata consents) external;

    /// @notice The registrar offers its office, which can be taken 7 days later; a new offer takes the place of the last one,
    /// one to itself takes it back. Consents: registrar. Consumes the settings sequence.
    /// @dev Emits HandOverProposed. Requires: a party (UnknownParty) without roles (RegistrarUnfit).
    function handOver(HandOver calldata a, bytes calldata consents) external;

    /// @notice Takes the office. Consents: the party that it is offered to. Consumes the settings sequence.
    /// @dev Emits HandOverAccepted. Requires: an offer (NoHandOver) that is ready (HandOverNotReady).
    function acceptHandOver(AcceptHandOver calldata a, bytes calldata consents) external;

    /// @notice Reverts with the first unmet duty: UnknownParty, PartySuspended, PartyRecovering, MissingRole,
    /// BadSignature; GasTooLow where the check by a contract or a verifier cannot be given its cap.
    /// @param sender whose empty consent is enough
    /// @param digest what the consents sign
    /// @dev The sender stands first because this makes the selector the lowest: the registry looks for it first, which saves each
    /// agreement 22 gas for every function that would stand before it, 400 in all.
    function check(address sender, bytes32 digest, Duty[] calldata duties, bytes calldata consents) external view;

    /// @notice Whether the signature is good: ERC-1271 or ERC-7913. Called by `check` on itself under a gas cap.
    function isGoodSignature(bytes calldata signer, bytes32 digest, bytes calldata signature)
        external
        view
        returns (bool);

    function registrar() external view returns (uint32);
    /// @notice The word that State.sol lays out.
    function settingsOf() external view returns (RegistrySettings);
    /// @notice The word that State.sol lays out; 0: not on the allow-list.
    function verifierOf(address verifier) external view returns (Verifier);
    /// @notice The word that State.sol lays out.
    function partyOf(uint32 party) external view returns (Party);
    function detailOf(uint32 party) external view returns (PartyDetail memory);
    function recoveryOf(uint32 party) external view returns (Recovery memory);
    /// @notice The party that a signer serves or once served; 0: none. Argument: keccak256 of the ERC-7913 signer bytes.
    function partyOfSigner(bytes32 signerHash) external view returns (uint32);
    function isSuspended(uint256 party) external view returns (bool);
    /// @notice Of the one or two parties whom a payment concerns: the last day on which a recovery of either ended (0: never),
    /// and the one whose key is being recovered (0: none; `a` where both are), whose silence says nothing.
    function silenceOf(uint256 a, uint256 b) external view returns (uint256 since, uint256 recovering);
    /// @notice The data URI that a ledger shows of a voucher (tokenURI); here because the ledger has no room for it (900 bytes).
    function metadataOf(uint256 face, uint256 dueDay, uint256 tier, uint256 locks) external pure returns (string memory);
    /// @notice The display account of a party; nobody holds its key.
    function accountOf(uint32 party) external pure returns (address);
}
