"""`sansheng call`, `recording`: the records, with or without a running server."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal
from zoneinfo import ZoneInfo

import typer

from server.commands.output import Json, clock, fields, print_json, say, show
from server.commands.shared import (
    Refused,
    as_shown,
    called_numbers,
    instant,
    owner,
    queries,
    reading,
    records_database,
    settings,
    zone,
)
from server.commands.shared import day as as_day

if TYPE_CHECKING:
    from server.hotline.called_numbers import CalledNumbers

calls = typer.Typer(help="Calls: list them, show one with its decisions.", no_args_is_help=True)
recordings = typer.Typer(help="Recordings: list them, copy one out, verify them.", no_args_is_help=True)

Limit = Annotated[int, typer.Option(help="How many at most, newest first.", min=1, max=1000)]
Number = Annotated[int, typer.Argument(help="The number, as the list shows it.", min=1)]
Since = Annotated[str | None, typer.Option(help="Offered then or later: a day or an instant, 2027-01-15T08:30.")]
Until = Annotated[str | None, typer.Option(help="Offered before then.")]

CALLS = ("id", "offered_at", "caller", "queue", "category", "agent", "outcome", "satisfaction", "ticket", "recordings")
RECORDINGS = ("id", "call", "agent", "ticket", "seconds", "channels", "sha256")
_CALL = (
    "caller",
    "called",
    "called_name",
    "business",
    "category",
    "queue",
    "agent",
    "ticket",
    "recordings",
    "outcome",
    "satisfaction",
    "direction",
    "promise",
)
_TIMES = ("offered_at", "answered_at", "queued_at", "connected_at", "ended_at")


@calls.command("list")
def call_list(
    as_json: Json = False,
    limit: Limit = 100,
    outcome: Annotated[str | None, typer.Option(help="handled, abandoned, in_ivr, callback, message, …")] = None,
    agent: Annotated[str | None, typer.Option(help="Calls that this agent answered.")] = None,
    queue: Annotated[str | None, typer.Option(help="Calls that waited in this queue.")] = None,
    caller: Annotated[str | None, typer.Option(help="Calls from this number.")] = None,
    direction: Annotated[
        Literal["inbound", "outbound"] | None, typer.Option(help="Calls of callers, or calls that the hotline placed.")
    ] = None,
    since: Since = None,
    until: Until = None,
) -> None:
    """List calls, newest first."""
    from server.storage.queries.records import CallFilter

    which = CallFilter(
        since=instant(since, "--since") if since else None,
        until=instant(until, "--until") if until else None,
        outcome=outcome,
        agent=agent,
        queue=queue,
        caller=as_shown(caller) if caller else None,
        direction=direction,
    )
    with queries() as records:
        rows = records.call_list(which, limit=limit).items
    numbers = called_numbers()
    columns = CALLS if numbers is None else (*CALLS[:3], "called_name", *CALLS[3:])
    show([_named(row, numbers) for row in rows], columns, as_json)


@calls.command("show")
def call_show(number: Number, as_json: Json = False) -> None:
    """Show one call: what happened, and every decision with its reasons."""
    with queries() as records:
        call = records.call_show(number)
    if call is None:
        raise Refused(f"there is no call {number}: see `sansheng call list`")
    call = _named(call, called_numbers())
    if as_json:
        print_json(call)
    else:
        for line in described(call, zone()):
            say(line)


def _named(call: dict[str, Any], numbers: CalledNumbers | None) -> dict[str, Any]:
    """A call with `called_name`, None where its number has no name."""
    return call | {"called_name": None} if numbers is None else numbers.named(call)


def described(call: dict[str, Any], where: ZoneInfo) -> list[str]:
    """A call in words, one line for each event and decision."""
    lines = [f"call {call['id']}", *fields(call, _CALL, where), *fields(call, _TIMES, where)]
    if call["segments"]:
        lines.append("offers")
    for leg in call["segments"]:
        talked = f", talked {leg['talked']:.1f} s" if leg["talked"] else ""
        lines.append(f"  {clock(leg['offered_at'], where)}  agent {leg['agent']}: {leg['outcome']}{talked}")
    if call["one_way_sound"]:
        lines.append("one-way sound")
    for each in call["one_way_sound"]:
        until = f", until {clock(each['until'], where)}" if each["until"] else ""
        side = f"agent {each['agent']}" if each["side"] == "agent" else "the caller"
        lines.append(f"  {clock(each['since'], where)}  no sound came from {side}{until}")
    if call["attempts"]:
        lines.append("attempts to call back")
    for each in call["attempts"]:
        began = clock(each["started_at"], where)
        lines.append(f"  {began}  call {each['call']}, agent {each['agent']}: {each['outcome'] or 'under way'}")
    if call["decisions"]:
        lines.append("decisions")
    for decision in call["decisions"]:
        lines.append(f"  {clock(decision['at'], where)}  {decision['kind']}: {decision['rule']}")
        for candidate in decision.get("candidates", ()):
            lines.append(f"      agent {candidate['agent']}: {_verdict(candidate)}")
        if more := decision.get("candidates_left_out"):
            lines.append(f"      and {more} more")
    return lines


def _verdict(candidate: dict[str, Any]) -> str:
    """Why an agent was left out, or with what score the agent stood in the comparison (the lowest is chosen)."""
    if candidate.get("excluded"):
        return str(candidate["excluded"])
    return "eligible, score " + " ".join(f"{part:.5g}" for part in candidate.get("score", ()))


@recordings.command("list")
def recording_list(
    as_json: Json = False,
    limit: Limit = 100,
    call: Annotated[int | None, typer.Option(help="Recordings of this call.")] = None,
    agent: Annotated[str | None, typer.Option(help="Recordings of this agent.")] = None,
) -> None:
    """List recordings, newest first."""
    with queries() as records:
        show(records.recording_list(call=call, agent=agent, limit=limit).items, RECORDINGS, as_json)


@recordings.command("pull")
def recording_pull(
    number: Number,
    to: Annotated[Path, typer.Option(help="The WAV file to write.")],
    reason: Annotated[str, typer.Option(help="Why; it is kept in the audit.")] = "",
) -> None:
    """Copy a recording out: stereo WAV, caller left, agent right. The audit names the principal."""
    from server.storage.audit import keep_in_audit
    from server.storage.queries.records import Queries
    from server.storage.recording_store import FolderStore
    from server.usecases.errors import ActRefused
    from server.usecases.recordings import RecordingPulls

    with records_database() as database:
        store = FolderStore(settings().recordings_folder)
        pulls = RecordingPulls(Queries(database.read), store, partial(keep_in_audit, database.write))
        try:
            found = pulls.pull(owner(), number, to, reason)
        except ActRefused as error:
            raise Refused(str(error)) from None
    say(f"{to}: {found['seconds']:.1f} s, sha256 {found['sha256']}")


@recordings.command("verify")
def recording_verify(
    day: Annotated[str | None, typer.Option(help="The day in UTC on which they were closed, 2027-01-15.")] = None,
    last: Annotated[str | None, typer.Option(help="That day's last link, as it was kept elsewhere.")] = None,
    as_json: Json = False,
) -> None:
    """List recordings that were removed, changed or added since they were closed.

    Compares the log, the records, each day's chain and every file's SHA-256. Exit 1 with one line for each finding.
    """
    from server.storage.integrity import Integrity
    from server.storage.recording_store import FolderStore

    if last is not None and day is None:
        raise Refused("--last is the last link of one day: name it with --day")
    only = None if day is None else as_day(day)
    found = []
    with reading() as engine:
        integrity = Integrity(engine, FolderStore(settings().recordings_folder))
        for finding in integrity.findings(only, last):
            found.append(finding)
            if not as_json:
                say(f"{finding.kind:<8} {finding.day}  {finding.sentence}")
    if as_json:
        print_json({"days": [asdict(each) for each in integrity.days], "findings": [asdict(each) for each in found]})
    elif not found:
        count = sum(each.recordings for each in integrity.days)
        which = f"{count} recording{'' if count == 1 else 's'} of {only or 'all days'}"
        say(f"{which}: nothing was removed, changed or added")
    if only and not as_json:
        say(f"last link of {only}: {integrity.days[0].last}")
    if found:
        raise typer.Exit(1)
