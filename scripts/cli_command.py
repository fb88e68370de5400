"""A command out of what it wants signed: the options that all of them share, and the one way that each goes.

A verb's function takes the open installation and its own options, and gives the agreement with what is to be said
afterwards. `signing` makes the command of it: opened, brought up to the chain, judged, read out, asked, signed,
sent, or written to a file with --save. No rule and no verb stands here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import Parameter, signature
from typing import Any, Final

import typer

from ledger.payment import Unsigned
from scripts.cli_conduct import Wanted, ask, conduct, unsigned
from scripts.cli_envelope import saver
from scripts.cli_installation import Office, opened
from scripts.cli_options import (
    HERE,
    DirectoryOption,
    JsonOption,
    LedgerOption,
    NodeOption,
    SaveOption,
    YesOption,
    screen_of,
)
from scripts.cli_unfinished import reported, settle


def _option(name: str, annotation: Any, default: Any) -> Parameter:
    return Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


_PLACE: Final = (_option("directory", DirectoryOption, HERE), _option("node", NodeOption, None))
_LEDGER: Final = _option("ledger", LedgerOption, None)
_SAVE: Final = _option("save", SaveOption, None)
_ASKED: Final = (_option("yes", YesOption, False), _option("json", JsonOption, False))


def _nothing(_office: Office) -> Mapping[str, object]:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What a verb's function wants done. `said` and `facts` are asked for after it has landed."""

    wanted: Wanted
    said: Callable[[Office], str]
    facts: Callable[[Office], Mapping[str, object]] = _nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Saying:
    """A verb that nobody signs, what is asked first, and what is said after it has landed."""

    verb: Unsigned
    question: tuple[str, ...]
    said: Callable[[Office], str]


def signing(act: Callable[..., Act], *, registry: bool = False) -> Callable[..., None]:
    """The command of a verb that is signed. `registry`: it is for the registry, no ledger is to be named."""

    def run(ctx: typer.Context, **given: Any) -> None:
        directory, node, save = given.pop("directory"), given.pop("node"), given.pop("save")
        yes, ledger = given.pop("yes"), given.pop("ledger", None)
        given.pop("json")
        with opened(screen_of(ctx), directory, node, sends=True, ledger=ledger) as office:
            office.follow()
            settle(office)
            made = act(office, **given)
            happened = conduct(office, made.wanted, yes=yes, save=saver(office, save))
            if happened is not None:
                office.screen.say(made.said(office))
                office.screen.answer({**happened.facts(), **made.facts(office)})
                reported(office, happened.number)

    chosen = () if registry else (_LEDGER,)
    return _shaped(run, act, [*_own(act), _SAVE, *chosen, *_PLACE, *_ASKED])


def saying(act: Callable[..., Saying], *, asks: bool = True) -> Callable[..., None]:
    """The command of a verb that nobody signs; with `asks` it is read out and confirmed first."""

    def run(ctx: typer.Context, **given: Any) -> None:
        directory, node, ledger = given.pop("directory"), given.pop("node"), given.pop("ledger")
        yes = given.pop("yes", True)
        given.pop("json")
        with opened(screen_of(ctx), directory, node, sends=True, ledger=ledger) as office:
            office.follow()
            settle(office)
            made = act(office, **given)
            do = unsigned(office, made.verb)
            for sentence in made.question:
                office.screen.say(f"  {sentence}")
            ask(office, "Send?", yes=yes, keys=False)
            happened = do()
            office.screen.say(made.said(office))
            office.screen.answer(happened.facts())
            reported(office, happened.number)

    asked = _ASKED if asks else _ASKED[1:]
    return _shaped(run, act, [*_own(act), _LEDGER, *_PLACE, *asked])


def _own(act: Callable[..., object]) -> list[Parameter]:
    """The verb's own options: all but the installation."""
    return list(signature(act, eval_str=True).parameters.values())[1:]


def _shaped(
    run: Callable[..., None], act: Callable[..., object], parameters: list[Parameter]
) -> Callable[..., None]:
    """The command as typer reads it: by its signature, its annotations and its text."""
    first = Parameter("ctx", Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)
    own = [each.replace(kind=Parameter.KEYWORD_ONLY) for each in parameters]
    shaped: Any = run
    shaped.__signature__ = signature(act).replace(parameters=[first, *own], return_annotation=None)
    shaped.__annotations__ = {each.name: each.annotation for each in (first, *own)}
    shaped.__doc__, shaped.__name__ = act.__doc__, act.__name__
    return run
