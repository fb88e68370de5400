"""A time-stamping authority for tests: RFC 3161 over HTTP on this machine, with a root and a certificate of its own.

It answers as authorities do, by `asn1crypto`; `change` spoils an answer in one way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from http.server import BaseHTTPRequestHandler
from typing import Any

from asn1crypto import algos, cms, core, tsp  # type: ignore[import-untyped]
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ledger.negotiation.time_stamps import Authority
from tests.gateway.stands import standing

NOW = datetime(2026, 11, 2, 8, 30, 5, tzinfo=UTC)
SIGNED_BY = "1.3.6.1.4.1.13762.3"
ROOT_KEY, KEY = (rsa.generate_private_key(65_537, 2_048) for _ in range(2))


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _certificate(
    key: rsa.RSAPrivateKey,
    name: str,
    *,
    by: tuple[rsa.RSAPrivateKey, str],
    ca: bool,
    use: x509.ObjectIdentifier = ExtendedKeyUsageOID.TIME_STAMPING,
) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(_name(by[1]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=30))
        .not_valid_after(NOW + timedelta(days=300))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    if not ca:
        builder = builder.add_extension(x509.ExtendedKeyUsage([use]), critical=True)
    return builder.sign(by[0], hashes.SHA256())


@dataclass
class Stand:
    """The authority. `change` is called with what is to be signed before it is; `broken`: it answers with this."""

    address: str = ""
    now: datetime = NOW
    use: x509.ObjectIdentifier = ExtendedKeyUsageOID.TIME_STAMPING
    change: Callable[[dict[str, Any]], None] = lambda _info: None
    broken: bytes | None = None
    asked: int = 0
    root_key: rsa.RSAPrivateKey = ROOT_KEY

    def __post_init__(self) -> None:
        self.root = _certificate(self.root_key, "Root of time", by=(self.root_key, "Root of time"), ca=True)

    def answer(self, content: bytes) -> bytes:
        """A response to a question, both in DER."""
        self.asked += 1
        if self.broken is not None:
            return self.broken
        question = tsp.TimeStampReq.load(content)
        info = {
            "version": "v1",
            "policy": SIGNED_BY,
            "message_imprint": question["message_imprint"],
            "serial_number": self.asked,
            "gen_time": self.now,
            "nonce": question["nonce"].native,
        }
        self.change(info)
        return self._signed(tsp.TSTInfo(info).dump())

    def _signed(self, info: bytes) -> bytes:
        its = _certificate(KEY, "Clerk of time", by=(self.root_key, "Root of time"), ca=False, use=self.use)
        certificate = asn1_x509.Certificate.load(its.public_bytes(Encoding.DER))
        digest = {"algorithm": "sha256"}
        named = tsp.SigningCertificateV2(
            {"certs": [tsp.ESSCertIDv2({"cert_hash": sha256(certificate.dump()).digest()})]}
        )
        attributes = cms.CMSAttributes(
            [
                cms.CMSAttribute({"type": "content_type", "values": ["tst_info"]}),
                cms.CMSAttribute({"type": "message_digest", "values": [sha256(info).digest()]}),
                cms.CMSAttribute({"type": "signing_certificate_v2", "values": [named]}),
            ]
        )
        signature = KEY.sign(attributes.dump(), padding.PKCS1v15(), hashes.SHA256())
        signer = cms.SignerInfo(
            {
                "version": "v1",
                "sid": cms.IssuerAndSerialNumber(
                    {"issuer": certificate.issuer, "serial_number": certificate.serial_number}
                ),
                "digest_algorithm": digest,
                "signed_attrs": attributes,
                "signature_algorithm": algos.SignedDigestAlgorithm({"algorithm": "sha256_rsa"}),
                "signature": signature,
            }
        )
        signed = cms.SignedData(
            {
                "version": "v3",
                "digest_algorithms": [digest],
                "encap_content_info": {
                    "content_type": "tst_info",
                    "content": core.ParsableOctetString(info),
                },
                "certificates": [certificate],
                "signer_infos": [signer],
            }
        )
        token = cms.ContentInfo({"content_type": "signed_data", "content": signed})
        return bytes(tsp.TimeStampResp({"status": {"status": "granted"}, "time_stamp_token": token}).dump())


@contextmanager
def authority_at_work(root_key: rsa.RSAPrivateKey = ROOT_KEY) -> Iterator[tuple[Stand, Authority]]:
    """The authority, and whom the gateway asks."""
    stand = Stand(root_key=root_key)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.headers["Content-Type"] == "application/timestamp-query"
            content = stand.answer(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    with standing(Handler) as stand.address:
        yield stand, Authority(stand.address, (stand.root,))
