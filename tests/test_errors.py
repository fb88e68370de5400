"""One name per error, on the chain and in the domain: what the contract refuses, the model refuses in the same words.

Read from the sources, not from runs: every `Refusal("Name", {"fact": …})` that stands anywhere in `ledger/`. What
negotiation refuses beside the contract's errors is about people, and on no chain: it is no part of the model.
"""

from __future__ import annotations

import ast
from pathlib import Path

from ledger import artifacts
from ledger.errors import CredentialError

LEDGER = Path(__file__).parents[1] / "ledger"

ONLY_ON_CHAIN = {
    "BatchStopped": "about a batch: the model judges one agreement at a time",
    "NestedBatch": "about a batch",
    "PredecessorUnfit": "about a deployment",
    "GasTooLow": "about gas, of which the model knows nothing",
    "InvalidShortString": "OpenZeppelin's, for a contract name of more than 31 bytes",
    "StringTooLong": "OpenZeppelin's, for a contract name of more than 31 bytes",
}

ONLY_IN_PYTHON = {
    "EmptyRevert": "a revert without data",
    "Error": "Solidity's own error with a message",
    "Panic": "Solidity's own error with a number",
    "UnknownError": "a revert that no ABI names",
    "WalletBudgetSpent": "the relay's own: a contract wallet has used up its gas of the day, and submits itself",
}
"""What `abi.decode_revert` calls a revert that carries no custom error."""

BEFORE_THE_CHAIN = {
    "MalformedKey": "DER that breaks off, another encoding or length",
    "WrongKeyType": "another algorithm, size or exponent",
    "WrongCurve": "not on P-256",
    "PointOffCurve": "no point of P-256",
    "MalformedSignature": "no signature in its form",
    "HighS": "the higher of two possible s",
    "WrongSignature": "of another key, or over something else",
    "MalformedAssertion": "a passkey's answer that cannot be read",
    "OtherOrigin": "a passkey's answer to another site",
    "OtherChallenge": "a passkey's answer to another agreement",
    "OtherRelyingParty": "a passkey of another domain name",
    "UserAbsent": "nobody touched the device",
    "UserUnverified": "no PIN, finger or face",
    "MalformedCertificate": "no X.509",
    "CertificateExpired": "it or one above it",
    "CertificateNotYetValid": "it or one above it",
    "CertificateNotTrusted": "chained to no configured authority",
    "CertificateUnfit": "not for signing",
    "QuorumNotMet": "too few of a k-of-n wallet",
    "NotAMember": "none of a k-of-n wallet",
}
"""What Python says of a key or signature in its own words; the contract would say BadSignature(party) to each."""


def on_chain() -> dict[str, tuple[str, ...]]:
    """Custom errors of both contracts with the names of their arguments."""
    found: dict[str, tuple[str, ...]] = {}
    for contract in artifacts.CONTRACTS:
        for entry in artifacts.load(contract).abi:
            if entry["type"] == "error":
                names = tuple(each["name"] for each in entry["inputs"])
                assert found.setdefault(entry["name"], names) == names
    return found


def refusals(source: str) -> list[tuple[str, tuple[str, ...] | None]]:
    """Names that a source gives to a Refusal, with the facts' names (None where they are no literal)."""
    found: list[tuple[str, tuple[str, ...] | None]] = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or getattr(node.func, "id", "") != "Refusal":
            continue
        name, *rest = node.args
        names = [name.body, name.orelse] if isinstance(name, ast.IfExp) else [name]
        facts = rest[0] if rest else ast.Dict([], [])
        keys = (
            [key.value for key in facts.keys if isinstance(key, ast.Constant)]
            if isinstance(facts, ast.Dict)
            else None
        )
        found += [
            (str(each.value), None if keys is None else tuple(map(str, keys)))
            for each in names
            if isinstance(each, ast.Constant)
        ]
    return found


def in_python(*, model: bool = False) -> list[tuple[str, tuple[str, ...] | None]]:
    """`model`: without what negotiation says of people, offers and requests."""
    paths = [each for each in LEDGER.rglob("*.py") if not (model and each.parent.name == "negotiation")]
    return [each for path in paths for each in refusals(path.read_text(encoding="utf-8"))]


def test_the_model_knows_every_error_of_the_contracts_and_no_other() -> None:
    known = {name for name, _ in in_python(model=True)}
    assert known - ONLY_IN_PYTHON.keys() == on_chain().keys() - ONLY_ON_CHAIN.keys()


def test_what_is_said_to_be_on_one_side_only_is() -> None:
    known = {name for name, _ in in_python()}
    assert on_chain().keys() & ONLY_IN_PYTHON.keys() == set()
    assert known >= ONLY_IN_PYTHON.keys()
    assert on_chain().keys() >= ONLY_ON_CHAIN.keys()
    assert known & ONLY_ON_CHAIN.keys() == set()


def test_the_facts_have_the_names_of_the_error_s_arguments_in_their_order() -> None:
    custom = on_chain()
    said = [(name, facts) for name, facts in in_python() if name in custom]
    assert len(said) > 120
    assert [(name, facts) for name, facts in said if facts != custom[name]] == []


def test_what_is_wrong_with_a_key_or_signature_has_a_name_of_its_own_in_python_alone() -> None:
    kinds = {kind.__name__ for kind in CredentialError.__subclasses__()}
    assert kinds == BEFORE_THE_CHAIN.keys()
    assert not kinds & (on_chain().keys() | ONLY_IN_PYTHON.keys())
    assert kinds == kinds & raised()
    assert on_chain()["BadSignature"] == ("party",)


def raised() -> set[str]:
    """The classes that something in `ledger/` raises."""
    trees = (ast.parse(path.read_text(encoding="utf-8")) for path in LEDGER.rglob("*.py"))
    nodes = (node for tree in trees for node in ast.walk(tree))
    return {
        name.id
        for node in nodes
        if isinstance(node, ast.Raise) and node.exc is not None
        for name in ast.walk(node.exc)
        if isinstance(name, ast.Name)
    }


def test_the_reader_sees_both_names_of_a_choice_and_every_fact() -> None:
    source = 'Refusal("One" if x else "Two", {"a": 1, "b": 2})\nRefusal("Three")\nRefusal(name, {"c": 3})'
    assert refusals(source) == [("One", ("a", "b")), ("Two", ("a", "b")), ("Three", ())]
