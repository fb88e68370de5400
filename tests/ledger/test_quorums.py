"""k of n: too few, strangers, doubles and other encodings are refused; what is gathered here the wallet takes."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import pytest
from eth_abi.abi import encode
from eth_utils.address import to_canonical_address
from eth_utils.crypto import keccak

from ledger.errors import (
    InputError,
    MalformedSignature,
    NotAMember,
    OtherOrigin,
    QuorumNotMet,
    Refusal,
    WrongSignature,
)
from ledger.passkeys import RelyingParty
from ledger.quorums import Quorum, combined, require_quorum
from ledger.signing import digest, sign
from tests.contract.verifying import SITE, P256Key, Passkey, RsaKey
from tests.ledger.judges import Judges
from tests.ledger.samples import LEDGER, TRANSFER
from tests.rig import key_of

DIGEST = digest(TRANSFER, LEDGER)
HERE = RelyingParty(SITE[0], (SITE[1],))


class Board:
    """A wallet of four, any two of whom sign: one with each kind of key."""

    def __init__(self) -> None:
        self.judges = Judges()
        at = self.judges.verifiers
        wallet = key_of(7)
        self.signatures = {
            to_canonical_address(wallet.public_key.to_address()): sign(TRANSFER, LEDGER, wallet.to_bytes()),
            (at.p256 or b"") + P256Key(1).public: P256Key(1).sign(DIGEST),
            (at.passkey or b"") + Passkey(1).public: Passkey(1).sign(DIGEST),
            (at.rsa or b"") + RsaKey(1).public: RsaKey(1).sign(DIGEST),
        }
        self.quorum = Quorum(tuple(self.signatures), 2)
        self.address = self.judges.wallet(self.quorum.members, 2)

    def require(self, signature: bytes, **changes: object) -> None:
        values: dict[str, object] = {"domain": LEDGER, "verifiers": self.judges.verifiers} | changes
        agreement = values.pop("agreement", TRANSFER)
        require_quorum(signature, agreement, self.quorum, **values)  # type: ignore[arg-type]

    def takes(self, signature: bytes) -> bool:
        return self.judges.wallet_takes(self.address, DIGEST, signature)

    def of(self, *places: int) -> dict[bytes, bytes]:
        """The signatures of the members at these places."""
        return {self.quorum.members[at]: self.signatures[self.quorum.members[at]] for at in places}


@pytest.fixture(scope="module")
def board() -> Board:
    return Board()


def written(signers: list[bytes], signatures: list[bytes]) -> bytes:
    return encode(["bytes[]", "bytes[]"], [signers, signatures])


# What is refused


@pytest.mark.parametrize("threshold", [-1, 0, 5])
def test_a_threshold_that_cannot_be_met_is_refused(board: Board, threshold: int) -> None:
    with pytest.raises(InputError, match=f"{threshold} of 4 signatures: expected a number from 1"):
        replace(board.quorum, threshold=threshold)


def test_a_member_named_twice_is_refused(board: Board) -> None:
    with pytest.raises(InputError, match="named twice"):
        Quorum(board.quorum.members[:1] * 2, 1)


def test_too_few_signatures_are_refused_here_and_there(board: Board) -> None:
    with pytest.raises(QuorumNotMet, match="1 of 2 signatures: gather the others"):
        combined(board.of(0), board.quorum)
    alone = written(*map(list, zip(*board.of(0).items(), strict=True)))
    with pytest.raises(QuorumNotMet):
        board.require(alone)
    assert not board.takes(alone)


def test_a_strangers_signature_is_refused_however_good(board: Board) -> None:
    stranger = (board.judges.verifiers.p256 or b"") + P256Key(2).public
    signatures = board.of(0) | {stranger: P256Key(2).sign(DIGEST)}
    with pytest.raises(NotAMember, match=f"0x{stranger.hex()} is not one of the 4 members"):
        combined(signatures, board.quorum)
    both = sorted(signatures, key=keccak)
    forged = written(both, [signatures[each] for each in both])
    with pytest.raises(NotAMember):
        board.require(forged)
    assert not board.takes(forged)


def test_one_member_twice_is_not_two(board: Board) -> None:
    ((signer, signature),) = board.of(1).items()
    double = written([signer, signer], [signature, signature])
    with pytest.raises(MalformedSignature, match="no k-of-n signature"):
        board.require(double)
    assert not board.takes(double)


@pytest.mark.parametrize("bad", range(4))
def test_one_bad_signature_spoils_the_good_ones(board: Board, bad: int) -> None:
    forged = board.of(*range(4)) | {
        board.quorum.members[bad]: board.signatures[board.quorum.members[bad - 1]]
    }
    signature = combined(forged, board.quorum)
    with pytest.raises(InputError):
        board.require(signature)
    assert not board.takes(signature)


def test_signatures_over_another_agreement_are_refused(board: Board) -> None:
    with pytest.raises(WrongSignature):
        board.require(combined(board.of(0, 1), board.quorum), agreement=replace(TRANSFER, sequence=2))


def test_another_encoding_or_order_is_refused(board: Board) -> None:
    signature = combined(board.of(0, 1), board.quorum)
    first, second = sorted(board.of(0, 1), key=keccak)
    turned = written([second, first], [board.signatures[second], board.signatures[first]])
    uneven = written([first, second], [board.signatures[first]])
    more = written([first, second], [*(board.signatures[each] for each in (first, second)), b""])
    for bad in (
        b"",
        bytes(64),
        signature[:-32],
        signature + bytes(32),
        turned,
        uneven,
        more,
        written([], []),
    ):
        with pytest.raises(MalformedSignature):
            board.require(bad)
    assert board.takes(turned)  # the chain takes any order, for more gas
    assert not board.takes(uneven)


def test_a_member_with_a_verifier_that_is_not_allowed_is_refused(board: Board) -> None:
    signature = combined(board.of(0, 1), board.quorum)
    with pytest.raises(Refusal, match="VerifierNotAllowed"):
        board.require(signature, verifiers=replace(board.judges.verifiers, p256=None))


def test_a_member_who_used_the_passkey_elsewhere_is_refused_where_a_site_is_named(board: Board) -> None:
    signature = combined(board.of(0, 2), board.quorum)
    board.require(signature, site=HERE)
    with pytest.raises(OtherOrigin):
        board.require(signature, site=replace(HERE, origins=("https://example.cn",)))


# What counts


def test_any_two_and_all_of_the_members_sign_for_the_wallet_here_and_there(board: Board) -> None:
    for places in (*combinations(range(4), 2), (0, 1, 2, 3)):
        signature = combined(board.of(*places), board.quorum)
        board.require(signature, site=HERE)
        assert board.takes(signature)


def test_the_signers_stand_in_the_order_of_their_hashes_whoever_signed_first(board: Board) -> None:
    forward, backward = board.of(0, 1, 2), board.of(2, 1, 0)
    assert list(forward) != list(backward)
    assert combined(forward, board.quorum) == combined(backward, board.quorum)
    ordered = sorted(forward, key=keccak)
    assert combined(forward, board.quorum) == written(ordered, [forward[each] for each in ordered])
