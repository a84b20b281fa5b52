"""The command line: `sansheng`. Exit 0 done, 1 refused or failed with one sentence on stderr, 2 wrong usage."""

from __future__ import annotations

import sys

import typer

from server.commands import agents, check, demo, doctor, records, run
from server.commands.shared import Refused

app = typer.Typer(
    name="sansheng",
    help="Sansheng 三声: IVR and ACD server for 400 complaint hotlines.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command("run")(run.run)
app.command("check")(check.check)
app.command("doctor")(doctor.doctor)
app.add_typer(agents.app, name="agent")
app.add_typer(records.calls, name="call")
app.add_typer(records.tickets, name="ticket")
app.add_typer(records.recordings, name="recording")
app.add_typer(demo.app, name="demo")


def main() -> None:
    """Entry point of the command."""
    try:
        app()
    except Refused as refusal:
        print(f"sansheng: {refusal}", file=sys.stderr)  # noqa: T201
        sys.exit(1)
