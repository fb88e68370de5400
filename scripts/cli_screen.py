"""What the commands say and ask: sentences for people, JSON for scripts, progress beyond two seconds.

With `--json` standard output carries one JSON object and nothing else; everything for people then goes to standard
error, questions included. No rule stands here.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Timer
from typing import Final

import typer
from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ledger.agreements import PartyNumber, VoucherId
from ledger.errors import InputError, Refusal
from ledger.explain import explain

PASSPHRASE: Final = "TALLYSTICK_PASSPHRASE"
PATIENCE_SECONDS: Final = 2.0
PIPE_WIDTH: Final = 400
NO: Final = 1
"""Exit code of a business "no": a refusal, breaks, a failed verification, a question answered with no."""
UNUSABLE: Final = 2
"""Exit code of input that cannot be used."""


@dataclass(slots=True)
class Screen:
    """One run's output. `names` and `vouchers` are filled in when an installation is opened; `hint` says of a refusal
    what on the command line it comes from."""

    json: bool = False
    names: Mapping[PartyNumber, str] = field(default_factory=dict)
    vouchers: Mapping[VoucherId, str] = field(default_factory=dict)
    typed: str = ""
    hint: str = ""

    def console(self) -> Console:
        """Where people read. Into a file or a pipe lines are as long as they have to be."""
        console = Console(stderr=self.json, highlight=False)
        return (
            console if console.is_terminal else Console(stderr=self.json, highlight=False, width=PIPE_WIDTH)
        )

    def say(self, text: str = "") -> None:
        """A line for people."""
        typer.echo(text, err=self.json)

    def show(self, what: RenderableType) -> None:
        """A table or a tree for people."""
        self.console().print(what)

    def answer(self, data: Mapping[str, object]) -> None:
        """The one object for a script; nothing where people read."""
        if self.json:
            typer.echo(json.dumps(data, ensure_ascii=False))

    def confirm(self, question: str) -> None:
        """Asks; Exit with code 1 where the answer is no, InputError where nobody can answer."""
        typer.echo(f"{question} [y/N] ", nl=False, err=self.json)  # typer's own question writes to both
        answer = sys.stdin.readline()
        if not answer:
            raise InputError("nobody answered: say y, or give --yes where nobody can be asked")
        agreed = answer.strip().lower() in ("y", "yes", "是")
        if not agreed:
            self.say("Nothing was done.")
            self.answer({"done": False})
            raise typer.Exit(NO)

    @property
    def asks_passphrase(self) -> bool:
        """Whether `passphrase` would ask somebody."""
        return not (os.environ.get(PASSPHRASE) or self.typed)

    def passphrase(self, *, new: bool = False) -> str:
        """From the environment, else asked for without echo (twice where it is a new one)."""
        given = os.environ.get(PASSPHRASE) or self.typed
        if given:
            return given
        try:
            asked = typer.prompt(
                "Passphrase of the keys", hide_input=True, confirmation_prompt=new, err=self.json
            )
        except typer.Abort:
            raise InputError(f"no passphrase was given: type it, or set {PASSPHRASE}") from None
        self.typed = str(asked)
        return self.typed

    def refused(self, refusal: Refusal) -> None:
        """Says a refusal, as an object too."""
        explained = explain(refusal, names=self.names, vouchers=self.vouchers)
        typer.echo(f"Refused ({refusal.name}):\n{explained}", err=True)
        if self.hint:
            typer.echo(f"{self.hint}.", err=True)
        hint = {"hint": self.hint} if self.hint else {}
        self.answer(
            {
                "refused": refusal.name,
                "facts": {key: _plain(value) for key, value in refusal.facts.items()},
                "message": {"zh": explained.what.zh, "en": explained.what.en},
                "next_step": {"zh": explained.next_step.zh, "en": explained.next_step.en},
                **hint,
            }
        )

    def failed(self, message: str) -> None:
        """Says an error, as an object too."""
        typer.echo(f"Error: {message}", err=True)
        self.answer({"error": message})

    @contextmanager
    def progress(self, what: str) -> Iterator[Callable[[int, int], None]]:
        """Gives a function that takes (done, of how many); a bar appears once it has taken two seconds, and only where
        standard error is a terminal."""
        if not sys.stderr.isatty():
            yield lambda _done, _total: None
            return
        bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        task = bar.add_task(what, total=None)
        patience = Timer(PATIENCE_SECONDS, bar.start)
        patience.daemon = True
        patience.start()
        try:
            yield lambda done, total: bar.update(task, completed=done, total=max(total, done))
        finally:
            patience.cancel()
            patience.join()
            bar.stop()


def _plain(value: object) -> object:
    """Ids do not fit into a script's numbers."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) and value >= 2**53 else value
