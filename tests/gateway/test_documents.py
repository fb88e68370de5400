"""Documents: what is taken, who can open them, and that nobody can any more once they are destroyed."""

from __future__ import annotations

import io
import secrets
import zipfile
from hashlib import sha256

import pytest

from ledger import documents
from ledger.document_tables import DocumentKeyRow, DocumentRow
from ledger.errors import InputError, SealError
from tests.gateway.house import House
from tests.gateway.offering import PDF, problem, sent, uploaded
from tests.ledger.office import BANK, ISSUER, A, B


def ofd(name: str = "OFD.xml") -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(name, "<ofd/>")
    return packed.getvalue()


# ---- the sealing -------------------------------------------------------------------------------------------


def test_a_key_opens_for_its_reader_and_its_document_alone() -> None:
    mine, other = (documents.reader_key(secrets.token_bytes(32)) for _ in range(2))
    sealed = documents.seal(PDF, "one")
    wrapped = documents.wrap(sealed.key, mine.public_key(), "one")
    key = documents.unwrap(wrapped, mine, "one")
    assert documents.unseal(sealed.nonce, sealed.ciphertext, key, "one") == PDF
    for reader, document in ((other, "one"), (mine, "two")):
        with pytest.raises(SealError):
            documents.unwrap(wrapped, reader, document)
    for place in (0, 40, len(wrapped) - 1):
        changed = bytearray(wrapped)
        changed[place] ^= 1
        with pytest.raises(SealError):
            documents.unwrap(bytes(changed), mine, "one")
    for nonce, ciphertext, document in (
        (sealed.nonce, sealed.ciphertext, "two"),
        (bytes(12), sealed.ciphertext, "one"),
        (sealed.nonce, sealed.ciphertext[:-1], "one"),
    ):
        with pytest.raises(SealError):
            documents.unseal(nonce, ciphertext, key, document)
    with pytest.raises(SealError):
        documents.unwrap(b"short", mine, "one")


@pytest.mark.parametrize(
    "content",
    [b"<html><script>", b"MZ\x90", b"#!/bin/sh", b" %PDF-1.7", ofd("other.xml"), b"PK\x03\x04 no zip", b"x"],
    ids=["page", "program", "script", "blank before", "archive of something else", "no archive", "letter"],
)
def test_what_is_no_document_is_not_taken_whatever_it_is_called(content: bytes) -> None:
    with pytest.raises(InputError):
        documents.media_type(content)


def test_what_a_document_is_its_content_says() -> None:
    assert documents.media_type(PDF) == "application/pdf"
    assert documents.media_type(ofd()) == "application/ofd"
    assert documents.media_type(b"\x89PNG\r\n\x1a\n") == "image/png"


# ---- over HTTP ---------------------------------------------------------------------------------------------


def test_what_cannot_be_is_refused(shared_house: House) -> None:
    desk = shared_house.desk(A)
    for content in (b"", b"<html>", PDF + bytes(documents.MOST_BYTES)):
        assert problem(sent(desk, content)) == (422, "InputError")
    for name in ("", "a\u202eb", "x" * 101, " x"):
        assert sent(desk, name=name).status_code == 422
    for role in ("auditor", "partner", "reviewer"):
        assert problem(sent(shared_house.desk(A, role))) == (403, "NotAllowed")


def test_a_document_is_read_by_its_readers_and_by_nobody_else(any_house: House) -> None:
    house, desk = any_house, any_house.desk(A)
    made = uploaded(desk)
    path = f"/documents/{made['id']}"
    for stranger in (BANK, B, ISSUER):
        for answer in (
            house.desk(stranger).get(path),
            house.desk(stranger).get(f"{path}/content"),
            house.desk(stranger).post(f"{path}/readers", {"party": stranger}),
            house.desk(stranger).delete(path),
        ):
            assert problem(answer) == (404, "NotFound")
        assert house.desk(stranger).get("/documents").json()["items"] == []
    shared = desk.post(f"{path}/readers", {"party": BANK})
    assert shared.json()["readers"] == [BANK]
    read = house.desk(BANK).get(f"{path}/content")
    assert read.content == PDF
    assert read.headers["content-type"] == "application/pdf"
    assert read.headers["content-disposition"] == f'attachment; filename="{made["id"]}.pdf"'
    assert house.desk(BANK).get(path).json()["readers"] is None
    for act in (
        house.desk(BANK).post(f"{path}/readers", {"party": B}),
        house.desk(BANK).delete(path),
        house.desk(BANK).delete(f"{path}/readers/{A}"),
    ):
        assert problem(act) == (403, "NotAllowed")
    assert desk.delete(f"{path}/readers/{BANK}").status_code == 204
    assert problem(house.desk(BANK).get(f"{path}/content")) == (404, "NotFound")
    trails = {each: house.desk(each).get("/audit").json() for each in (A, BANK)}
    for trail in trails.values():
        assert [each["act"] for each in trail["items"]].count("read document") == 1
    seen = next(each for each in trails[A]["items"] if each["act"] == "read document")
    assert seen["who"].startswith("organisation ")


def test_what_is_kept_shows_nothing_and_what_is_destroyed_is_gone(house: House) -> None:
    desk = house.desk(A)
    made = uploaded(desk)
    desk.post(f"/documents/{made['id']}/readers", {"party": BANK})
    with house.office.store.reading() as session:
        row = session.query(DocumentRow).one()
        assert b"invoice" not in row.ciphertext and len(row.ciphertext) == len(PDF) + 16
        keys = [key.wrapped for key in session.query(DocumentKeyRow)]
        assert len(keys) == len(set(keys)) == 2
    assert problem(house.desk(A, "operator").delete(f"/documents/{made['id']}")) == (403, "NotAllowed")
    assert desk.delete(f"/documents/{made['id']}").status_code == 204
    with house.office.store.reading() as session:
        assert session.query(DocumentKeyRow).count() == 0
        assert session.query(DocumentRow).one().ciphertext == b""
    assert problem(desk.get(f"/documents/{made['id']}/content")) == (409, "DocumentDestroyed")
    assert problem(house.desk(BANK).get(f"/documents/{made['id']}")) == (404, "NotFound")
    assert desk.get(f"/documents/{made['id']}").json()["hash"] == made["hash"]


def test_the_hash_is_salted_and_can_be_made_again(shared_house: House) -> None:
    desk = shared_house.desk(A)
    one, two = uploaded(desk), uploaded(desk)
    assert one["hash"] != two["hash"]
    for each in (one, two):
        made = sha256(bytes.fromhex(each["salt"][2:]) + PDF).hexdigest()
        assert each["hash"] == "0x" + made


def test_sent_twice_under_one_name_it_is_one_document(shared_house: House) -> None:
    desk = shared_house.desk(B)
    first, again = sent(desk, key="upload"), sent(desk, key="upload")
    assert first.json() == again.json()
    assert problem(sent(desk, PDF + b"x", key="upload")) == (422, "KeyReused")
    assert len(desk.get("/documents").json()["items"]) == 1


def test_nobody_shares_with_who_is_not_here(shared_house: House) -> None:
    desk = shared_house.desk(A)
    made = uploaded(desk)
    done = desk.post(f"/documents/{made['id']}/readers", {"party": 99})
    assert problem(done) == (409, "UnknownParty")
    assert problem(desk.delete(f"/documents/{made['id']}/readers/{B}")) == (404, "NotFound")
    assert problem(desk.delete(f"/documents/{made['id']}/readers/{A}")) == (403, "NotAllowed")
