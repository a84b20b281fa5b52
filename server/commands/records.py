"""`sansheng call`, `ticket`, `recording`: what the records say, with or without a running server."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Annotated, Any

import typer

from server.commands.shared import Refused, console, queries, settings, show
from server.storage.objects import FolderStore
from server.storage.paging import QueryError
from server.storage.queries import CallFilter

calls = typer.Typer(help="Calls: list them, show one with its decisions.", no_args_is_help=True)
tickets = typer.Typer(help="Tickets.", no_args_is_help=True)
recordings = typer.Typer(help="Recordings: list, copy one out.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print all fields as JSON.")]
Limit = Annotated[int, typer.Option(help="How many at most, newest first.", min=1, max=1000)]

CALLS = ("id", "caller", "queue", "category", "agent", "ticket", "outcome", "satisfaction", "offered_at", "ended_at")


@calls.command("list")
def call_list(
    as_json: Json = False,
    limit: Limit = 100,
    outcome: str | None = None,
    agent: str | None = None,
    queue: str | None = None,
    caller: str | None = None,
) -> None:
    """List calls, newest first."""
    which = CallFilter(outcome=outcome, agent=agent, queue=queue, caller=caller)
    try:
        page = queries().call_list(which, limit=limit)
    except QueryError as error:
        raise Refused(str(error)) from None
    show(page.items, CALLS, as_json)


@calls.command("show")
def call_show(number: int, as_json: Json = False) -> None:
    """Show one call: what happened, and every decision with its reasons."""
    call = queries().call_show(number)
    if call is None:
        raise Refused(f"there is no call {number}")
    if as_json:
        typer.echo(json.dumps(call, ensure_ascii=False, indent=2, default=str))
    else:
        console.print("\n".join(described(call)), markup=False, highlight=False)


def described(call: dict[str, Any]) -> list[str]:
    """A call in words, one line for each thing that happened or was decided."""
    facts = ("caller", "called", "business", "category", "queue", "agent", "ticket", "outcome", "satisfaction")
    lines = [f"call {call['id']}"]
    lines += [f"  {fact:<12} {call[fact]}" for fact in facts if call.get(fact) is not None]
    times = ("offered_at", "answered_at", "queued_at", "connected_at", "ended_at")
    lines += [f"  {time[:-3]:<12} {call[time]}" for time in times if call.get(time)]
    if call["decisions"]:
        lines.append("decisions")
    for decision in call["decisions"]:
        lines.append(f"  {decision['at']}  {decision['kind']}: {decision['rule']}")
        for candidate in decision.get("candidates", ()):
            verdict = candidate["excluded"] or f"eligible, score {candidate['score']}"
            lines.append(f"      agent {candidate['agent']}: {verdict}")
        if more := decision.get("candidates_left_out"):
            lines.append(f"      and {more} more")
    return lines


@tickets.command("list")
def ticket_list(as_json: Json = False, limit: Limit = 100) -> None:
    """List tickets, newest first."""
    show(queries().ticket_list(limit=limit).items, ("id", "call", "category", "grade", "state", "opened_at"), as_json)


@tickets.command("show")
def ticket_show(number: int) -> None:
    """Show one ticket with its calls, recordings and history, as JSON."""
    ticket = queries().ticket_show(number)
    if ticket is None:
        raise Refused(f"there is no ticket {number}")
    typer.echo(json.dumps(ticket, ensure_ascii=False, indent=2, default=str))


@recordings.command("list")
def recording_list(as_json: Json = False, limit: Limit = 100, call: int | None = None) -> None:
    """List recordings, newest first."""
    page = queries().recording_list(call=call, limit=limit)
    show(page.items, ("id", "call", "agent", "ticket", "seconds", "channels", "sha256"), as_json)


@recordings.command("pull")
def recording_pull(number: int, to: Annotated[Path, typer.Option(help="The WAV file to write.")]) -> None:
    """Copy a recording out: stereo WAV, caller left, agent right."""
    found = queries().recording_show(number)
    if found is None:
        raise Refused(f"there is no recording {number}")
    if not found["path"]:
        raise Refused(f"recording {number} is {found['state']}: {found['problem'] or 'it is not joined yet'}")
    store = FolderStore(settings().root / "recordings")
    try:
        with store.open(found["path"]) as source, to.open("wb") as target:
            shutil.copyfileobj(source, target)
    except OSError as error:
        raise Refused(f"{error.filename or to}: {error.strerror}") from None
    typer.echo(f"{to}: {found['seconds']:.1f} s, sha256 {found['sha256']}")
