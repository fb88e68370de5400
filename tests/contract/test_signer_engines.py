"""Every kind of signer, verified for real on every engine: with a P-256 of the chain's own (osaka) and without.

The embedded chain runs prague rules, anvil cancun, prague and osaka; only osaka has the precompile.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from eth_account import Account
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from ledger.members import Contract
from ledger.rpc_chain import RpcChain
from ledger.signing import batch_calldata
from tests.contract.paying import refuses
from tests.contract.several import Member, Owned, Several, admit_several
from tests.contract.starving import for_want_of_gas
from tests.contract.verifying import (
    KEYS,
    NOTICE,
    Held,
    P256Key,
    Passkey,
    admission,
    admit,
    allow,
    another,
    held,
    list_verifier,
    verifier_at,
)
from tests.contract.wallets import deploy
from tests.engines import Node, anvil, embedded
from tests.rig import BANK, REGISTRAR, YUAN, A, OnChain, Rig, key_of

FIRM = 77
OWNER = key_of(700)
CHEAP = 60_000
"""More than a transfer to a P-256 party costs above one to a wallet key, where the chain knows P-256."""


@pytest.fixture(scope="module", params=["embedded", "cancun", "osaka"])
def chain_rig(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """Both contracts, the cast, the line, the three verifiers listed and active."""
    if request.param == "embedded":
        with embedded(tmp_path_factory.mktemp("chain")) as chain:
            yield opened(Rig(OnChain(chain)))
    else:
        with anvil(request.param) as node:
            yield opened(Rig(OnChain(node.chain())))


def opened(rig: Rig) -> Rig:
    rig.grant()
    allow(rig, *(key.verifier for key in KEYS))
    return rig


def test_every_kind_of_key_is_admitted_receives_and_passes_on_and_another_key_does_not(
    chain_rig: Rig,
) -> None:
    for number, key in enumerate(KEYS, start=FIRM):
        signer = admit(chain_rig, number, key)
        root = chain_rig.issued()
        for wrong in (Held(signer.signer, another(key)), held(chain_rig, another(key)), A):
            with refuses("BadSignature", party=number):
                chain_rig.do(chain_rig.transfer_of(root, number), A, wrong)
        chain_rig.transfer(root, number)
        chain_rig.transfer(root, A)
        assert chain_rig.voucher(root).holder == A


def test_several_members_of_mixed_kinds_sign_and_too_few_do_not(chain_rig: Rig) -> None:
    owned = Owned(deploy(chain_rig, "OwnedWallet", OWNER.public_key.to_checksum_address()), OWNER)
    members: list[Member] = [key_of(701), owned, *(held(chain_rig, key) for key in KEYS)]
    number = 90
    admit_several(chain_rig, number, members, 3, signing=members[:3])
    root = chain_rig.issued()
    for signing in ((members[3], members[4], members[0]), members[2:4], members[3:]):
        several = Several(tuple(signing))
        transfer = chain_rig.transfer_of(root, number)
        if len(several.members) < 3:
            with refuses("BadSignature", party=number):
                chain_rig.do(transfer, A, several)
            continue
        chain_rig.do(transfer, A, several)
        chain_rig.transfer(root, A)


def test_agreements_of_all_kinds_land_in_one_batch_on_the_chain(chain_rig: Rig) -> None:
    numbers = range(110, 110 + len(KEYS))
    for number, key in zip(numbers, KEYS, strict=True):
        admit(chain_rig, number, another(key, 100))
    roots = [chain_rig.issued() for _ in numbers]
    calls = [chain_rig.call(chain_rig.transfer_of(r, n), A, n) for r, n in zip(roots, numbers, strict=True)]
    sent = chain_rig.batch(Contract.LEDGER, calls)
    assert chain_rig.refused(sent) == {}
    assert [chain_rig.voucher(root).holder for root in roots] == list(numbers)


@pytest.mark.parametrize(("hardfork", "own"), [("osaka", True), ("prague", False)])
def test_a_chain_with_a_p256_of_its_own_checks_such_keys_for_less(hardfork: str, own: bool) -> None:
    with anvil(hardfork) as node:
        rig = opened(Rig(OnChain(node.chain())))
        rig.admit(90, 0)
        admit(rig, FIRM, P256Key(1))
        admit(rig, FIRM + 1, Passkey(1))
        plain, p256, passkey = (rig.transfer(rig.issued(), number).gas for number in (90, FIRM, FIRM + 1))
        for gas in (p256, passkey):
            assert (gas - plain < CHEAP) is own
            assert gas - plain < 350_000


def test_with_a_p256_of_the_chain_s_own_no_gas_limit_gets_a_good_signature_called_bad() -> None:
    """All or nothing, so that a good signature called bad would stop the batch with another error than want of gas."""
    with anvil("osaka") as node:
        chain = node.chain()
        rig = Rig(OnChain(chain))
        rig.grant()
        for key, cap in zip(KEYS, (20_000, 40_000, 80_000), strict=True):
            list_verifier(rig, verifier_at(rig, key.verifier), signature_gas=cap)
        rig.pass_days(NOTICE)
        items = []
        for number, key in enumerate(KEYS, start=FIRM):
            admit(rig, number, key)
            items.append(rig.call(rig.transfer_of(rig.issued(10_000 * YUAN), number), A, number))
        data, done = batch_calldata(items, True), 0
        for gas in range(150_000, 480_000, 1_000):  # below, the calldata alone is not paid
            outcome = chain.simulate(rig.ledger, data, sender=chain.account, gas=gas)  # type: ignore[arg-type]
            assert outcome.ok or for_want_of_gas(rig, rig.refusal(outcome.output)), gas
            done += outcome.ok
        assert 0 < done < 300


# EIP-7702: a verifier whose code is somebody's to change


def test_a_listed_account_that_changes_its_delegate_vouches_for_nobody_any_more() -> None:
    with anvil("prague") as node:
        rig = Rig(OnChain(node.chain()))
        rig.grant()
        delegator = Account.from_key(node.keys[5])
        delegate(node, verifier_at(rig, "ERC7913P256Verifier"))
        list_verifier(rig, delegator.address)
        rig.pass_days(NOTICE)
        key = P256Key(1)
        signer = Held(bytes.fromhex(delegator.address[2:]) + key.public, key)
        rig.do(admission(FIRM, signer.signer), REGISTRAR, BANK, signer)
        root = rig.issued()
        rig.do(rig.transfer_of(root, FIRM), A, signer)
        delegate(node, verifier_at(rig, "HostileVerifier"))
        with refuses("BadSignature", party=FIRM):
            rig.do(rig.transfer_of(root, A), signer, A)
        delegate(node, verifier_at(rig, "ERC7913P256Verifier"))
        rig.do(rig.transfer_of(root, A), signer, A)


def delegate(node: Node, code: str) -> None:
    """The sixth account of the node lends itself this code from now on."""
    chain: RpcChain = node.chain()
    account = Account.from_key(node.keys[5])
    nonce = chain.web3.eth.get_transaction_count(account.address)
    authorization = account.sign_authorization(
        {"chainId": chain.chain_id, "address": code, "nonce": nonce + 1}
    )
    transaction = {
        "type": 4,
        "chainId": chain.chain_id,
        "nonce": nonce,
        "to": account.address,
        "value": 0,
        "gas": 200_000,
        "maxFeePerGas": 10**10,
        "maxPriorityFeePerGas": 0,
        "authorizationList": [authorization],
    }
    chain.wait(chain.send_raw(bytes(account.sign_transaction(transaction).raw_transaction)))
    designator = bytes.fromhex("ef0100" + to_checksum_address(code)[2:])
    assert keccak(chain.code(account.address)) == keccak(designator)
