"""`sansheng report`: figures from the records, with or without a running server."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from server.commands import figures
from server.commands.figures import seconds
from server.commands.output import Json, print_json, say, table
from server.commands.shared import day as as_day
from server.commands.shared import queries, zone

app = typer.Typer(help="Reports: figures of a day, by interval and queue.", no_args_is_help=True)

COLUMNS = (
    "from", "queue", "offered", "accepted", "promised", "connected", "kept", "broken", "expired", "cancelled", "open",
    "unconfirmed", "attempts", "abandoned_by_us", "mean", "p50", "p90", "max",
)  # fmt: skip


figures.register(app)


@app.callback()
def report() -> None:
    """Reports: figures of a day, by interval and queue."""


@app.command()
def callback(
    day: Annotated[str | None, typer.Option(help="The day, 2027-01-15; today if left out.")] = None,
    interval: Annotated[str, typer.Option(help="15m, 30m, 1h or 1d.")] = "30m",
    queue: Annotated[str | None, typer.Option(help="One queue.")] = None,
    as_json: Json = False,
) -> None:
    """Callback mode: offers, promises, attempts and their outcomes."""
    where = zone()
    wanted = datetime.now(UTC).astimezone(where).date() if day is None else as_day(day)
    with queries() as records:
        found = records.callbacks.report(wanted, where, interval=seconds(interval), queue=queue)
    if as_json:
        print_json(found)
        return
    say(f"{found['day']} {found['zone']}: {found['belongs']}")
    if not found["intervals"]:
        say("none")
        return
    rows = [*found["intervals"], *({"from": "the day", **row} for row in (*found["queues"], found["total"]))]
    for line in table([_flat(row) for row in rows], COLUMNS, where):
        say(line)
    outcomes = found["total"]["outcomes"]
    say("attempts: " + (", ".join(f"{outcome} {count}" for outcome, count in outcomes.items()) or "none"))


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, **(row["wait"] or {})}
