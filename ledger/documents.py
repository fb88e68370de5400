"""Trade documents as they are kept: encrypted each under a key of its own, which is wrapped for every reader.

    seal · unseal    the content, AES-256-GCM under the document's key
    wrap · unwrap    the document's key for one reader: X25519 with a key drawn for this alone, HKDF-SHA256, AES-256-GCM
    fingerprint      the salted SHA-256 that may be named in an agreement: SHA-256(salt ‖ content)
    media_type       what a content is, by what it begins with

Whoever has the ciphertext and no wrapped key has nothing: a document is deleted by destroying what was wrapped. A
reader whose key is taken away may have kept what was read before. Nothing is stored here and nobody is asked.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from types import MappingProxyType
from typing import Final
from zipfile import BadZipFile, ZipFile

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ledger.errors import InputError, SealError

MOST_BYTES: Final = 5 * 2**20
SALT_BYTES: Final = 32
_KEY_BYTES, _NONCE_BYTES, _POINT_BYTES = 32, 12, 32
_LABEL: Final = "tallystick document 1"
_ONCE: Final = bytes(_NONCE_BYTES)
"""The nonce under a wrapping key, which wraps one thing in its life."""
_BEGINNINGS: Final = (
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
)
_OFD: Final = "application/ofd"
"""The fixed-layout format of Chinese e-invoices (GB/T 33190): a zip with OFD.xml in it."""
EXTENSIONS: Final = MappingProxyType(
    {
        "application/pdf": "pdf",
        "image/png": "png",
        "image/jpeg": "jpg",
        "image/tiff": "tif",
        _OFD: "ofd",
    }
)


@dataclass(frozen=True, slots=True)
class Sealed:
    """A document as it is kept. `key` goes to nobody as it is."""

    nonce: bytes
    ciphertext: bytes
    key: bytes


def seal(content: bytes, document: str) -> Sealed:
    """Encrypts it under a key that is drawn for it, bound to the document's id."""
    key, nonce = secrets.token_bytes(_KEY_BYTES), secrets.token_bytes(_NONCE_BYTES)
    return Sealed(nonce, AESGCM(key).encrypt(nonce, content, _bound(document)), key)


def unseal(nonce: bytes, ciphertext: bytes, key: bytes, document: str) -> bytes:
    """The content. SealError where key, id and ciphertext do not belong together."""
    try:
        return AESGCM(key).decrypt(nonce, ciphertext, _bound(document))
    except InvalidTag:
        raise SealError(f"document {document} does not open: it is damaged") from None


def reader_key(secret: bytes) -> X25519PrivateKey:
    """A reader's key out of 32 secret bytes."""
    return X25519PrivateKey.from_private_bytes(secret)


def wrap(key: bytes, reader: X25519PublicKey, document: str) -> bytes:
    """The document's key for one reader: the point of the key that was drawn, and what only the reader can open."""
    drawn = X25519PrivateKey.generate()
    point = drawn.public_key().public_bytes_raw()
    wrapping = _wrapping(drawn.exchange(reader), point, reader, document)
    return point + AESGCM(wrapping).encrypt(_ONCE, key, _bound(document))


def unwrap(wrapped: bytes, reader: X25519PrivateKey, document: str) -> bytes:
    """The document's key. SealError where it was wrapped for another reader or another document."""
    point, sealed = wrapped[:_POINT_BYTES], wrapped[_POINT_BYTES:]
    try:
        shared = reader.exchange(X25519PublicKey.from_public_bytes(point))
        wrapping = _wrapping(shared, point, reader.public_key(), document)
        return AESGCM(wrapping).decrypt(_ONCE, sealed, _bound(document))
    except (InvalidTag, ValueError):
        raise SealError(f"the key of document {document} does not open for this reader") from None


def fingerprint(content: bytes, salt: bytes) -> bytes:
    """What an agreement may name. Anybody who is given content and salt can make it again with common tools."""
    return sha256(salt + content).digest()


def media_type(content: bytes) -> str:
    """InputError for what is none of the kinds that are taken, whatever it is called."""
    for beginning, kind in _BEGINNINGS:
        if content.startswith(beginning):
            return kind
    if content.startswith(b"PK\x03\x04"):
        try:
            with ZipFile(BytesIO(content)) as packed:  # only its list is read, nothing is unpacked
                if "OFD.xml" in packed.namelist():
                    return _OFD
        except (BadZipFile, ValueError, NotImplementedError):
            pass
    raise InputError("a document is a PDF, an OFD, or an image (PNG, JPEG, TIFF)")


def _wrapping(shared: bytes, point: bytes, reader: X25519PublicKey, document: str) -> bytes:
    info = _bound(document) + point + reader.public_bytes_raw()
    return HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=info).derive(shared)


def _bound(document: str) -> bytes:
    return f"{_LABEL} {document}".encode()
