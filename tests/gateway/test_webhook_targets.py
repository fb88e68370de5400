"""Where a webhook may lead: nowhere near us, whatever the name means at the moment, and nowhere else than it says."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from ledger.errors import InputError
from ledger.negotiation.targets import Targets, Unreached
from tests.gateway.receiver import receiving

UNFIT = [
    "http://erp.example.com/hook",
    "ftp://erp.example.com/hook",
    "https://",
    "https:///hook",
    "erp.example.com",
    "https://localhost/hook",
    "https://ledger.internal/hook",
    "https://127.0.0.1/hook",
    "https://0.0.0.0/hook",
    "https://10.1.2.3/hook",
    "https://2130706433/hook",
    "https://0x7f000001/hook",
    "https://127.1/hook",
    "https://erp.0177/hook",
    "https://10.1.2.3./hook",
    "https://172.16.0.9/hook",
    "https://192.168.1.1/hook",
    "https://100.64.0.1/hook",
    "https://169.254.169.254/latest/meta-data",
    "https://224.0.0.1/hook",
    "https://240.0.0.1/hook",
    "https://255.255.255.255/hook",
    "https://[::1]/hook",
    "https://[::]/hook",
    "https://[fe80::1]/hook",
    "https://[fd00::1]/hook",
    "https://[ff02::1]/hook",
    "https://[::ffff:10.0.0.1]/hook",
    "https://[2002:0a00:0001::]/hook",
    "https://[64:ff9b::7f00:1]/hook",
    "https://somebody:secret@erp.example.com/hook",
    "https://erp.example.com/hook#part",
    "https://erp.example.com:99999/hook",
    "https://erp.example.com/a b",
    "https://erp.example.com/a\r\nX: y",
    "https://еrp.example.com/hook",
    "https://erp.example.com/" + "x" * 500,
]


@pytest.mark.parametrize("url", UNFIT)
def test_an_address_that_is_not_of_the_public_internet_is_not_taken(url: str) -> None:
    with pytest.raises(InputError):
        Targets().require(url)
    with pytest.raises(Unreached):
        Targets().post(url, b"{}", {})


@pytest.mark.parametrize(
    "url",
    [
        "https://erp.example.com/hook",
        "https://8.8.8.8:8443/hook?for=us",
        "https://[2606:4700::1111]/",
        "https://[64:ff9b::808:808]/hook",
    ],
)
def test_what_is_of_the_public_internet_is_taken(url: str) -> None:
    Targets().require(url)


def resolving(
    monkeypatch: pytest.MonkeyPatch, *answers: list[str]
) -> tuple[list[str], list[tuple[str, int]]]:
    """Names mean these addresses, one answer after the other; where it connects to is kept, and refused."""
    left, asked = list(answers), []
    reached: list[tuple[str, int]] = []

    def look_up(host: str, port: int, **_more: Any) -> list[Any]:
        asked.append(host)
        found = left.pop(0)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in found]

    def connect(address: tuple[str, int], *_more: Any) -> socket.socket:
        reached.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setattr(socket, "create_connection", connect)
    return asked, reached


@pytest.mark.parametrize(
    "addresses",
    [["127.0.0.1"], ["169.254.169.254"], ["8.8.8.8", "10.0.0.1"], ["::1"], ["::ffff:192.168.0.1"]],
    ids=str,
)
def test_a_name_that_means_an_address_of_ours_is_not_called(
    monkeypatch: pytest.MonkeyPatch, addresses: list[str]
) -> None:
    _, reached = resolving(monkeypatch, addresses)
    with pytest.raises(Unreached, match="not a public one"):
        Targets().post("https://rebinding.example/hook", b"{}", {})
    assert reached == []


@pytest.mark.parametrize("number", ["2130706433", "0x7f000001", "127.1", "0177.0.0.1"])
def test_other_spellings_of_this_machine_are_looked_at_as_what_they_mean(number: str) -> None:
    with pytest.raises((Unreached, InputError)) as refused:
        Targets().post(f"https://{number}/hook", b"{}", {})
    assert "public" in str(refused.value) or "name" in str(refused.value)


def test_a_name_is_looked_up_once_and_the_connection_goes_to_what_was_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked, reached = resolving(monkeypatch, ["8.8.8.8"], ["127.0.0.1"])
    with pytest.raises(Unreached, match="ConnectionRefusedError"):
        Targets().post("https://rebinding.example/hook", b"{}", {})
    assert asked == ["rebinding.example"]
    assert reached == [("8.8.8.8", 443)]


def test_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("https_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    _, reached = resolving(monkeypatch, ["8.8.4.4"])
    with pytest.raises(Unreached):
        Targets().post("https://erp.example.com:8443/hook", b"{}", {})
    assert reached == [("8.8.4.4", 8443)]


def test_https_is_spoken_where_https_is_said() -> None:
    targets = Targets(local=frozenset({"127.0.0.1"}))
    with receiving() as there, pytest.raises(Unreached) as refused:
        targets.post(there.url.replace("http://", "https://"), b"{}", {})
    assert "SSL" in refused.value.why


@pytest.mark.parametrize(("host", "reached"), [("localhost", True), ("erp.example.com", False)])
def test_a_certificate_has_to_be_one_of_the_host_that_is_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str, reached: bool
) -> None:
    key, certificate = certified(tmp_path, host)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    targets = Targets(local=frozenset({"localhost"}))
    with receiving(context) as there:
        url = there.url.replace("127.0.0.1", "localhost")
        with pytest.raises(Unreached, match="SSLCertVerificationError"):
            targets.post(url, b"{}", {})  # of an authority that nobody knows
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        if reached:
            assert targets.post(url, b"{}", {}) == 204
        else:
            with pytest.raises(Unreached, match="SSLCertVerificationError"):
                targets.post(url, b"{}", {})
        assert len(there.got) == reached


def certified(folder: Path, host: str) -> tuple[Path, Path]:
    """Files with a new key and a certificate of its own making for this host."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    files = folder / "key.pem", folder / "certificate.pem"
    files[0].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    files[1].write_bytes(made.public_bytes(Encoding.PEM))
    return files


def test_a_redirect_is_an_answer_and_leads_nowhere() -> None:
    with receiving() as there, receiving() as elsewhere:
        there.answer = lambda handler: redirect(handler, elsewhere.url)
        assert Targets(local=frozenset({"127.0.0.1"})).post(there.url, b"{}", {}) == 302
        assert elsewhere.got == []


def redirect(handler: Any, url: str) -> None:
    handler.send_response(302)
    handler.send_header("Location", url)
    handler.end_headers()


def silent(handler: Any, over: threading.Event) -> None:
    over.wait()


def dripping(handler: Any, over: threading.Event) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
    while not over.wait(0.01):
        handler.wfile.write(b"x")
        handler.wfile.flush()


@pytest.mark.parametrize("manner", [silent, dripping], ids=["silent", "dripping"])
def test_a_receiver_that_never_finishes_is_left(manner: Callable[[Any, threading.Event], None]) -> None:
    over = threading.Event()
    with receiving() as there:
        there.answer = lambda handler: manner(handler, over)
        with pytest.raises(Unreached):
            Targets(local=frozenset({"127.0.0.1"}), seconds=0.2).post(there.url, b"{}", {})
        over.set()
