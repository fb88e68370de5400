"""The least that the EVM's own prices allow for an operation with our duties, whoever writes the contract.

Counted: the transaction, its bytes without any padding, one ecrecover a signature, each party's record, each word that
has to be read, changed or made, and one log. Not counted: what depends on how a contract is written, such as
hashing, memory, computing, calls between contracts, a journal. Where one word can be made to hold what two hold here,
one is counted. A floor cannot be reached; it says how much of a figure is not a contract's doing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ledger.agreements import Agreement
from ledger.members import Struct, members_of
from tests.gas_yard import Item

TRANSACTION: Final = 21_000
ZERO_BYTE, OTHER_BYTE = 4, 16  # EIP-2028
LEAST_ZERO_BYTE, LEAST_OTHER_BYTE = 10, 40  # EIP-7623: at least that for all bytes, whatever else is done
ECRECOVER: Final = 3_000
COLD_READ, WARM_READ = 2_100, 100  # EIP-2929
CHANGED_WORD, CHANGED_AGAIN = (
    2_900,
    100,
)  # EIP-2200 and EIP-2929: after it was read, and once more in a transaction
NEW_WORD: Final = 22_100  # 20,000, and the cold access
LOG, LOG_TOPIC, LOG_BYTE = 375, 375, 8
SIGNATURE_BYTES: Final = 65
LOGGED_BYTES: Final = 32 + 4
"""A voucher's id and its new holder's number, with one topic that says what happened."""


@dataclass(frozen=True, slots=True)
class Words:
    """The words, apart from its parties, that an agreement of a verb cannot do without.

    `shared`: changed by every agreement of a batch, as the credit line is.
    """

    read: int = 0
    changed: int = 0
    new: int = 0
    shared: int = 0


WORDS: Final = {
    # the line's limit and what is drawn; new: the voucher, its terms (line, due day, smallest part: they do not fit the
    # voucher's word), the invoice's use
    "issue": Words(shared=1, new=3),
    # the voucher and its child; of the terms the smallest part
    "split": Words(read=1, changed=1, new=1),
    # the voucher; due day and highest tier could stand in its word
    "transfer": Words(changed=1),
}


def floor_of(verb: str, items: Sequence[Item]) -> int:
    """The floor of all these agreements of the verb in one transaction, in gas."""
    words, signatures = WORDS[verb], sum(len(item.signers) for item in items)
    parties = {party for item in items for party in item.signers}
    reads = len(parties) * COLD_READ + (signatures - len(parties)) * WARM_READ
    alone = (COLD_READ + CHANGED_WORD) * words.changed + COLD_READ * words.read + NEW_WORD * words.new
    first, again = COLD_READ + CHANGED_WORD, WARM_READ + CHANGED_AGAIN
    shared = words.shared * (first + (len(items) - 1) * again)
    log = LOG + LOG_TOPIC + LOG_BYTE * LOGGED_BYTES
    work = signatures * ECRECOVER + reads + shared + len(items) * (alone + log)
    sent = b"".join(tight(item.agreement) for item in items if item.agreement is not None)
    zeros = sent.count(0)
    others = len(sent) - zeros + signatures * SIGNATURE_BYTES
    usual = zeros * ZERO_BYTE + others * OTHER_BYTE + work
    return TRANSACTION + max(usual, zeros * LEAST_ZERO_BYTE + others * LEAST_OTHER_BYTE)


def tight(agreement: Agreement | Struct) -> bytes:
    """Its members one after another, each in no more bytes than its type has."""
    out = b""
    for member in members_of(type(agreement)):
        value = getattr(agreement, member.name)
        if member.item is not None:
            out += b"".join(tight(each) for each in value)
        elif isinstance(value, bytes):
            out += value
        else:
            out += int(value).to_bytes(_width(member.solidity))
    return out


def _width(solidity: str) -> int:
    return 1 if solidity == "bool" else int(solidity.removeprefix("uint")) // 8
