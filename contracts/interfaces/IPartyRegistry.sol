// SPDX-License-Identifier: UNLICENSED
pragma solidity 0.8.37;

import {
    Admit, Duty, FinishRekey, PartyDetail, Recovery, Rekey, RekeyAnswer, SignerKind, Standing
} from "../Types.sol";
import {Party} from "../State.sol";
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
    /// @notice A signer is 20 bytes, an address; ERC-7913 verifiers followed by a key are not admitted yet.
    error SignerNotAllowed(uint256 length);
    /// @notice A contract's signature check may cost at most `highest` gas.
    error SignatureGasTooHigh(uint256 given, uint256 highest);
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
    error ArbiterConcerned(uint256 arbiter);

    /// @notice Admits a party. Consents: registrar, sponsor bank; proof: the new signer's consent.
    /// Consumes the number.
    /// @dev Emits PartyAdmitted. Requires: number free and not 0 (PartyNumberTaken); sponsor an admitted bank
    /// (MissingRole); signer never used before (SignerInUse) and of an allowed kind (SignerNotAllowed,
    /// SignatureGasTooHigh).
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

    /// @notice Reverts with the first unmet duty: UnknownParty, PartySuspended, PartyRecovering, MissingRole,
    /// BadSignature; GasTooLow where a contract's signature cannot be given its cap.
    /// @param digest what the consents sign
    /// @param sender whose empty consent is enough
    function check(bytes32 digest, address sender, Duty[] calldata duties, bytes calldata consents) external view;

    /// @notice Whether the signature is good: ERC-1271 or ERC-7913. Called by `check` on itself under a gas cap.
    function isGoodSignature(bytes calldata signer, bytes32 digest, bytes calldata signature)
        external
        view
        returns (bool);

    function registrar() external view returns (uint32);
    /// @notice The word that State.sol lays out.
    function partyOf(uint32 party) external view returns (Party);
    function detailOf(uint32 party) external view returns (PartyDetail memory);
    function recoveryOf(uint32 party) external view returns (Recovery memory);
    /// @notice The party that a signer serves or once served; 0: none. Argument: keccak256 of the ERC-7913 signer bytes.
    function partyOfSigner(bytes32 signerHash) external view returns (uint32);
    /// @notice Whether the party is suspended, and the day from which its silence counts: 0 without a recovery, the day the
    /// last one ended, the highest number while one is under way.
    function standingOf(uint256 party) external view returns (bool suspended, uint256 silentSince);
    /// @notice The display account of a party; nobody holds its key.
    function accountOf(uint32 party) external pure returns (address);
}
