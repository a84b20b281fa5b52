"""The command line: `sansheng`. Exit 0 done, 1 refused or failed with one sentence on stderr, 2 wrong usage.

Here every failure becomes one sentence; a traceback goes into a file, never to the terminal.
"""

from __future__ import annotations

import gc
import sys
import tempfile
import traceback
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import typer

from server.commands.shared import Refused, settings
from server.home import close_to_others

COMMANDS = {
    "run": "run:run",
    "check": "check:check",
    "doctor": "doctor:doctor",
    "db": "db:app",
    "agent": "agents:app",
    "queue": "queues:app",
    "call": "records:calls",
    "callback": "callbacks:app",
    "ticket": "tickets:tickets",
    "recording": "recordings:recordings",
    "privacy": "privacy:privacy",
    "trunk": "trunks:app",
    "token": "tokens:tokens",
    "audit": "tokens:audit",
    "user": "users:app",
    "report": "reports:app",
    "qa": "quality:app",
    "definitions": "definitions:app",
    "holidays": "holidays:app",
    "webhook": "webhooks:app",
    "export": "exports:app",
    "customer": "customers:app",
    "bulletin": "bulletins:app",
    "notice": "bulletins:notices",
    "knowledge": "knowledge:app",
    "handover": "handovers:app",
    "list": "lists:app",
    "replay": "replay:replay",
    "simulate": "simulate:simulate",
    "demo": "demo:app",
}
"""The first word of each command → its module in `server.commands`, and its name there."""

LASTING = frozenset({"run", "demo", "simulate", "replay"})
"""Commands that go on for long, and have garbage."""


def build(*wanted: str) -> typer.Typer:
    """The command line with these first words; with all, if none is named. Only what is wanted is imported: to build
    every command takes longer than to run one of them."""
    made = typer.Typer(
        name="sansheng",
        help="Sansheng 三声: IVR and ACD server for 400 complaint hotlines.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        add_completion=False,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
    )
    made.callback()(lambda: None)  # one command alone is a command of `sansheng`, not `sansheng` itself
    for word in wanted or COMMANDS:
        module, _, name = COMMANDS[word].partition(":")
        found = getattr(import_module(f"server.commands.{module}"), name)
        if isinstance(found, typer.Typer):
            made.add_typer(found, name=word)
        else:
            made.command(word)(found)
    return made


def __getattr__(name: str) -> Any:
    """`app`: the whole command line, made when somebody asks for it."""
    if name == "app":
        globals()["app"] = build()
        return globals()["app"]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def main() -> None:
    """Entry point of the command."""
    close_to_others()
    first = sys.argv[1] if len(sys.argv) > 1 else ""
    if first not in LASTING:
        # What a short command loads is no garbage: to look for it, again and again, is a twelfth of its time.
        gc.set_threshold(100_000)
    try:
        build(*([first] if first in COMMANDS else []))()
    except Refused as refusal:
        _fail(str(refusal))
    except Exception as error:
        what = str(error).strip().splitlines() or [type(error).__name__]
        _fail(f"unexpected {type(error).__name__}: {what[0]}; the details are in {_keep_details()}")


def _fail(sentence: str) -> None:
    typer.echo(f"sansheng: {sentence}", err=True)
    sys.exit(1)


def _keep_details() -> Path:
    """Append the traceback to `log/commands.log` of the home, or to a file of its own where there is none."""
    text = f"{datetime.now(UTC).isoformat(timespec='seconds')} {' '.join(sys.argv)}\n{traceback.format_exc()}\n"
    try:
        file = settings().root / "log" / "commands.log"
        with file.open("a", encoding="utf-8") as log:
            log.write(text)
    except (OSError, Refused):
        with tempfile.NamedTemporaryFile(
            "w", prefix="sansheng-", suffix=".log", delete=False, encoding="utf-8"
        ) as other:
            other.write(text)
        return Path(other.name)
    return file
