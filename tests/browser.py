"""Chromium for tests: headless, out of an npm package that ships it with the libraries it needs.

The package (@sparticuz/chromium, 67 MB packed) is unpacked once beside itself (0.2 GB, 2 s) and driven by Chrome's
own protocol through a pipe, so that nothing else has to be installed. The pages are this module's: an empty one, on
a free port of localhost, because passkeys work there without a certificate. Names of other hosts are not resolved.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

from tests.engines import ROOT

MODULES: Final = ROOT / "contracts/node_modules"
PACKAGE: Final = MODULES / "@sparticuz/chromium"
UNPACK: Final = ROOT / "tests/javascript/unpack.mjs"
PAGE: Final = b"<!doctype html><html lang='en'><title>A page of a test</title>"
LAUNCH: Final = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.dup2(int(sys.argv[2]), 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
"""Chromium reads commands from descriptor 3 and answers on 4."""
PATIENCE: Final = 60
"""Seconds after which a silent browser is taken for dead."""
OPTIONS: Final = (
    "--headless",
    "--no-sandbox",  # as root it does not start with one; only our own page is opened
    "--no-zygote",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--disable-component-update",
    "--disable-background-networking",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost",
    "--remote-debugging-pipe",
)


def unpacked() -> Path:
    """The folder with the executable `chromium` and its `lib`; whole, or not there."""
    version = json.loads((PACKAGE / "package.json").read_text())["version"]
    folder = MODULES / f".chromium-{version}"
    if not folder.is_dir():
        fresh = Path(tempfile.mkdtemp(dir=MODULES, prefix=".chromium-new-"))
        for packed, name in (("chromium.br", "chromium"), ("al2023.tar.br", "lib.tar")):
            subprocess.run(["node", UNPACK, PACKAGE / "bin" / packed, fresh / name], check=True)
        (fresh / "chromium").chmod(0o755)
        with tarfile.open(fresh / "lib.tar") as libraries:
            # Python 3.11.0 to 3.11.3 have no filters; the archive's hash is in the lock in any case
            libraries.extraction_filter = getattr(tarfile, "data_filter", lambda member, path: member)
            libraries.extractall(fresh)
        try:
            fresh.rename(folder)
        except OSError:  # another process was faster
            shutil.rmtree(fresh)
    return folder


@dataclass
class Browser:
    """A running Chromium. Commands go in and answers come out, each ended by a zero byte."""

    commands: int
    answers: int
    _last: int = 0
    _rest: bytes = b""
    _events: list[dict[str, Any]] = field(default_factory=list)

    def call(self, method: str, *, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """One command of the protocol and its result."""
        self._last += 1
        message: dict[str, Any] = {"id": self._last, "method": method, "params": parameters}
        if session is not None:
            message["sessionId"] = session
        os.write(self.commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self._last:
                assert "error" not in answer, answer["error"]
                return dict(answer["result"])
            self._events.append(answer)

    def await_event(self, method: str, *, session: str) -> None:
        """Until the session has told this event, which may have been told already."""
        while True:
            for at, event in enumerate(self._events):
                if (event.get("method"), event.get("sessionId")) == (method, session):
                    del self._events[at]
                    return
            self._events.append(self._read())

    def open(self, url: str) -> Page:
        """A tab with this page loaded."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = Page(self, session)
        page.call("Page.enable")
        page.call("WebAuthn.enable")
        page.visit(url)
        return page

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self.answers], [], [], PATIENCE)
            assert ready, f"the browser said nothing for {PATIENCE} s"
            more = os.read(self.answers, 65_536)
            assert more, "the browser ended"
            self._rest += more
        message, _, self._rest = self._rest.partition(b"\0")
        return dict(json.loads(message))


@dataclass(frozen=True)
class Page:
    """One tab."""

    browser: Browser
    session: str

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command of the protocol for this tab."""
        return self.browser.call(method, session=self.session, **parameters)

    def visit(self, url: str) -> None:
        """Loads another page; passkey devices stay."""
        self.call("Page.navigate", url=url)
        self.browser.await_event("Page.loadEventFired", session=self.session)

    def run(self, function: str, *arguments: object) -> Any:
        """What a JavaScript function, async or not, gives for these arguments; JSON both ways."""
        call = f"({function})({', '.join(map(json.dumps, arguments))})"
        answer = self.call("Runtime.evaluate", expression=call, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]["exception"]
        return answer["result"].get("value")

    def add_authenticator(self) -> str:
        """A passkey device in the machine that recognises its user; gives its id."""
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        return str(self.call("WebAuthn.addVirtualAuthenticator", options=options)["authenticatorId"])


@contextmanager
def chromium() -> Iterator[Browser]:
    """Starts Chromium with a profile that is thrown away, and ends it.

    TALLYSTICK_CHROMIUM names another executable than the one that npm installs.
    """
    environment, binary = dict(os.environ), os.environ.get("TALLYSTICK_CHROMIUM", "")
    if not binary:
        folder = unpacked()
        binary, environment["LD_LIBRARY_PATH"] = str(folder / "chromium"), str(folder / "lib")
    with ExitStack() as stack:
        home = stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
        read_commands, commands = os.pipe()
        answers, write_answers = os.pipe()
        for end in (commands, answers):
            stack.callback(os.close, end)
        launch = [sys.executable, "-c", LAUNCH, str(read_commands), str(write_answers)]
        process = subprocess.Popen(
            [*launch, binary, *OPTIONS, f"--user-data-dir={home}"],
            pass_fds=(read_commands, write_answers),
            env=environment | {"HOME": home},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(read_commands)
        os.close(write_answers)
        stack.callback(process.wait)
        stack.callback(process.kill)
        browser = Browser(commands, answers)
        yield browser
        browser.call("Browser.close")


@contextmanager
def empty_site() -> Iterator[str]:
    """An empty page on a free port; gives its origin, such as http://localhost:41001."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _EmptyPage) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://localhost:{server.server_port}"
        finally:
            server.shutdown()


class _EmptyPage(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(PAGE)))
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, format: str, *arguments: object) -> None:
        """Silent."""
