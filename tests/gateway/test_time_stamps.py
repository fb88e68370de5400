"""Proof of time for notices: a time-stamping authority's word is asked for, checked and kept; any other is refused."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from gateway import service
from ledger.calendar import utc
from ledger.errors import InputError
from ledger.negotiation.time_stamps import ADDRESS, ROOTS, Authority, StampUnusable, stamp_waiting
from tests.gateway.house import House
from tests.gateway.time_stamp_stand import KEY, NOW, Stand, authority_at_work
from tests.ledger.office import ISSUER, A


@pytest.fixture
def authority() -> Iterator[tuple[Stand, Authority]]:
    with authority_at_work() as stand:
        yield stand


def notice(house: House) -> dict[str, Any]:
    body = {"voucher": house.held(), "text": "本应收账款已转让予本公司"}
    return dict(house.desk(A).post("/notices", body).json())


def test_what_was_sent_and_what_was_acknowledged_is_stamped_by_an_authority_that_anybody_can_check(
    any_house: House, authority: tuple[Stand, Authority]
) -> None:
    house, (stand, its) = any_house, authority
    sent = notice(house)
    assert [(each["act"], each["stamp"]) for each in sent["proofs"]] == [("sent", None)]
    assert stamp_waiting(house.office.store, its) == 1
    house.desk(ISSUER).post(f"/notices/{sent['id']}/acknowledgement")
    stand.now = NOW + timedelta(hours=1)
    assert [stamp_waiting(house.office.store, its) for _ in range(2)] == [1, 0]
    assert stand.asked == 2  # and not asked for what is there
    for desk in (house.desk(A), house.desk(ISSUER)):
        told = desk.get(f"/notices/{sent['id']}").json()
        (listed,) = desk.get("/notices").json()["items"]
        assert listed["proofs"] == told["proofs"]
        first, second = told["proofs"]
        assert (first["act"], first["stamped_at"]) == ("sent", utc(int(NOW.timestamp())))
        assert (second["act"], second["stamped_at"]) == ("acknowledged", utc(int(stand.now.timestamp())))
        for proof in (first, second):
            said = json.loads(proof["statement"])
            assert (
                said | {"hash": told["hash"], "block_hash": told["block_hash"], "notice": told["id"]} == said
            )
            its.verified(b64decode(proof["stamp"]), proof["statement"].encode())
            with pytest.raises(StampUnusable, match="messages"):
                its.verified(
                    b64decode(proof["stamp"]), proof["statement"].replace("sent_at", "sent_by").encode()
                )
        assert json.loads(second["statement"])["received_at"] == told["received_at"]


def other_statement(info: dict[str, Any]) -> None:
    info["message_imprint"]["hashed_message"] = bytes(32)


def other_question(info: dict[str, Any]) -> None:
    info["nonce"] += 1


def expired(info: dict[str, Any]) -> None:
    info["gen_time"] = NOW + timedelta(days=400)


@pytest.mark.parametrize("spoil", [other_statement, other_question, expired])
def test_a_stamp_that_does_not_fit_is_not_kept_and_asked_for_again(
    house: House, authority: tuple[Stand, Authority], spoil: Callable[[dict[str, Any]], None]
) -> None:
    stand, its = authority
    sent = notice(house)
    stand.change = spoil
    with pytest.raises(StampUnusable, match="no stamp that fits"):
        stamp_waiting(house.office.store, its)
    assert house.desk(A).get(f"/notices/{sent['id']}").json()["proofs"][0]["stamp"] is None
    stand.change = lambda _info: None
    assert stamp_waiting(house.office.store, its) == 1


def test_only_a_certificate_for_time_stamps_from_the_configured_root_is_believed(
    authority: tuple[Stand, Authority],
) -> None:
    stand, its = authority
    with authority_at_work(KEY) as (other, _), pytest.raises(StampUnusable, match="no stamp that fits"):
        Authority(other.address, its.roots).stamp(b"said")
    stand.use = ExtendedKeyUsageOID.SERVER_AUTH
    with pytest.raises(StampUnusable, match="no stamp that fits"):
        its.stamp(b"said")


@pytest.mark.parametrize(
    "content", [b"", b"\x30\x03\x02\x01\x00", b"<html>", b"\x30\x84\xff\xff\xff\xff", b"x" * 70_000]
)
def test_what_is_no_answer_of_an_authority_is_refused_in_words(
    authority: tuple[Stand, Authority], content: bytes
) -> None:
    stand, its = authority
    stand.broken = content
    with pytest.raises(StampUnusable, match="the time-stamping authority"):
        its.stamp(b"said")


def test_no_cut_and_no_flipped_byte_makes_a_stamp_of_another_time(authority: tuple[Stand, Authority]) -> None:
    _, its = authority
    stamp, at = its.stamp(b"said")
    for place in range(0, len(stamp), 7):
        with pytest.raises(StampUnusable):
            its.verified(stamp[:place], b"said")
        flipped = bytearray(stamp)
        flipped[place] ^= 0x20
        with suppress(StampUnusable):  # most are; some bytes say nothing
            assert its.verified(bytes(flipped), b"said") == at


def test_address_and_roots_are_given_together(
    house: House, authority: tuple[Stand, Authority], monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    stand, its = authority
    root = tmp_path / "root.pem"
    root.write_bytes(stand.root.public_bytes(Encoding.PEM))
    assert service._time_stamps() is None
    monkeypatch.setenv(ADDRESS, stand.address)
    with pytest.raises(InputError, match="set both"):
        service._time_stamps()
    monkeypatch.setenv(ROOTS, str(tmp_path / "none.pem"))
    with pytest.raises(InputError, match=f"{ROOTS}: .* cannot be read"):
        service._time_stamps()
    monkeypatch.setenv(ROOTS, str(root))
    assert service._time_stamps() == its
