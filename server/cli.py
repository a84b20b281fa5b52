"""The command line: `sansheng`. Exit 0 done, 1 refused or failed with one sentence on stderr, 2 wrong usage.

Here every failure becomes one sentence; a traceback goes into a file, never to the terminal.
"""

from __future__ import annotations

import sys
import tempfile
import traceback
from datetime import UTC, datetime
from pathlib import Path

import typer

from server.commands import (
    agents,
    bulletins,
    callbacks,
    check,
    customers,
    db,
    definitions,
    demo,
    doctor,
    exports,
    floor,
    handovers,
    holidays,
    knowledge,
    lists,
    privacy,
    quality,
    queues,
    recordings,
    records,
    replay,
    reports,
    run,
    simulate,
    tickets,
    tokens,
    trunks,
    users,
    webhooks,
)
from server.commands.shared import Refused, settings
from server.home import close_to_others

app = typer.Typer(
    name="sansheng",
    help="Sansheng 三声: IVR and ACD server for 400 complaint hotlines.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
)
app.command("run")(run.run)
app.command("check")(check.check)
app.command("doctor")(doctor.doctor)
app.add_typer(db.app, name="db")
app.add_typer(agents.app, name="agent")
app.add_typer(queues.app, name="queue")
app.add_typer(records.calls, name="call")
floor.register(records.calls)
app.add_typer(callbacks.app, name="callback")
app.add_typer(tickets.tickets, name="ticket")
app.add_typer(recordings.recordings, name="recording")
app.add_typer(privacy.privacy, name="privacy")
app.add_typer(trunks.app, name="trunk")
app.add_typer(tokens.tokens, name="token")
app.add_typer(tokens.audit, name="audit")
app.add_typer(users.app, name="user")
app.add_typer(reports.app, name="report")
app.add_typer(quality.app, name="qa")
app.add_typer(definitions.app, name="definitions")
app.add_typer(holidays.app, name="holidays")
app.add_typer(webhooks.app, name="webhook")
app.add_typer(exports.app, name="export")
app.add_typer(customers.app, name="customer")
app.add_typer(bulletins.app, name="bulletin")
app.add_typer(bulletins.notices, name="notice")
app.add_typer(knowledge.app, name="knowledge")
app.add_typer(handovers.app, name="handover")
app.add_typer(lists.app, name="list")
app.command("replay")(replay.replay)
app.command("simulate")(simulate.simulate)
app.add_typer(demo.app, name="demo")


def main() -> None:
    """Entry point of the command."""
    close_to_others()
    try:
        app()
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
