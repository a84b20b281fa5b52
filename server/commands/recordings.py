"""`sansheng recording`: the recordings, with or without a running server; what needs a server says so."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from server.commands.output import Json, print_json, say, show
from server.commands.shared import Refused, listed, lists, owner, queries, reading, records_database, request, settings

if TYPE_CHECKING:
    from server.storage.integrity import Finding
    from server.storage.stores import Store

recordings = typer.Typer(
    help="Recordings: list them, copy one out, verify them, settle alarms, hold them.", no_args_is_help=True
)

Limit = Annotated[int, typer.Option(help="How many at most, newest first.", min=1, max=1000)]
Number = Annotated[int, typer.Argument(help="The number, as the list shows it.", min=1)]
Alarmed = Annotated[int, typer.Argument(help="The number; 0: files that are no recording's.", min=0)]
Why = Annotated[str, typer.Option("--why", help="Why; it is kept in the audit.")]
Call = Annotated[int, typer.Argument(help="The call's number.", min=1)]

RECORDINGS = ("id", "call", "agent", "ticket", "seconds", "channels", "sha256")
ALARMS = ("id", "what", "since", "sentence")
WHAT = {"removed": "missing"}
"""How problems are called outside: a recording that was removed is missing."""
_TOLD = 100
"""Findings that the running server is asked to look at."""


@recordings.command("list")
def recording_list(
    as_json: Json = False,
    limit: Limit = 100,
    call: Annotated[int | None, typer.Option(help="Recordings of this call.")] = None,
    agent: Annotated[str | None, typer.Option(help="Recordings of this agent.")] = None,
) -> None:
    """List recordings, newest first."""

    def otherwise() -> list[dict[str, Any]]:
        with lists() as records:
            return records.recordings(call=call, agent=agent, limit=limit).items

    show(listed("/api/v1/recordings", {"call": call, "agent": agent}, limit, otherwise), RECORDINGS, as_json)


@recordings.command("show")
def recording_show(number: Number, as_json: Json = False) -> None:
    """Show one recording in any state, with its history: pauses, holds, faults."""
    with queries() as records:
        found = records.recording_show(number)
    if found is None:
        raise Refused(f"there is no recording {number}: see `sansheng recording list`")
    if as_json:
        print_json(found)
        return
    for name, value in found.items():
        if name != "history" and value not in (None, []):
            say(f"{name:<13} {value}")
    for step in found["history"]:
        rest = "".join(f", {word} {step[word]}" for word in ("by", "reason", "until") if step[word])
        say(f"  {step['at']}  {step['kind']}{rest}")


@recordings.command("pull")
def recording_pull(
    number: Number,
    to: Annotated[Path, typer.Option(help="The WAV file to write.")],
    purpose: Annotated[
        str, typer.Option(help="complaint, quality, legal, … (docs/recordings.md); operations unless given.")
    ] = "",
    reason: Annotated[str, typer.Option(help="Why; it is kept in the audit beside the purpose.")] = "",
) -> None:
    """Copy a recording out: stereo WAV, caller left, agent right. The audit names the principal.

    Writes nothing and exits 1 when the file is not the one that was recorded.
    """
    from server.storage.audit import keep_in_audit
    from server.storage.queries.records import Queries
    from server.usecases.errors import ActRefused
    from server.usecases.recordings import RecordingPulls

    with records_database() as database:
        pulls = RecordingPulls(Queries(database.read), store(), partial(keep_in_audit, database.write))
        try:
            found = pulls.pull(owner(), number, to, reason, purpose=purpose)
        except ActRefused as error:
            _let_server_look([number])
            raise Refused(str(error)) from None
    say(f"{to}: {found['seconds']:.1f} s, sha256 {found['sha256']}")


@recordings.command("verify")
def recording_verify(
    day: Annotated[str | None, typer.Option(help="The hotline's day on which they were closed, 2027-01-15.")] = None,
    last: Annotated[str | None, typer.Option(help="That day's last link, as it was kept elsewhere.")] = None,
    as_json: Json = False,
) -> None:
    """List recordings that were removed, changed or added since they were closed.

    Compares the log, the records, each day's chain and every file's SHA-256. Exit 1 with one line for each finding. A
    running server makes an alarm of each.
    """
    from server.storage.integrity import Integrity
    from server.storage.recording_store import StoreAway

    if last is not None and day is None:
        raise Refused("--last is the last link of one day: name it with --day")
    only = None if day is None else _day(day)
    found: list[Finding] = []
    with reading() as engine:
        integrity = Integrity(engine, store())
        try:
            for finding in integrity.findings(only, last):
                found.append(finding)
                if not as_json:
                    say(f"{finding.kind:<8} {finding.day}  {finding.sentence}")
        except StoreAway as error:
            raise Refused(f"not all recordings could be verified: {error}") from None
    if as_json:
        print_json(_as_json(integrity.days, found))
    elif not found:
        count = sum(each.recordings for each in integrity.days)
        which = f"{count} recording{'' if count == 1 else 's'} of {only or 'all days'}"
        say(f"{which}: nothing was removed, changed or added")
    if only and not as_json:
        say(f"last link of {only}: {integrity.days[0].last}")
    if found:
        _let_server_look([each.recording for each in found if each.recording is not None])
        raise typer.Exit(1)


def _as_json(days: list[Any], found: list[Finding]) -> dict[str, Any]:
    problems = [
        {"id": each.recording, "what": WHAT.get(each.kind, str(each.kind)), "day": each.day, "sentence": each.sentence}
        for each in found
    ]
    return {
        "days": [asdict(each) for each in days],
        "problems": problems,
        "findings": [asdict(each) for each in found],
    }


@recordings.command("chain")
def recording_chain(
    day: Annotated[str, typer.Option(help="A day of the hotline, 2027-01-15.")], as_json: Json = False
) -> None:
    """Show the end of one day's chain: its last link is worth keeping elsewhere."""
    from server.storage.queries.chain import chain_end

    with reading() as engine:
        end = chain_end(engine, _day(day))
    if as_json:
        print_json(asdict(end))
    else:
        say(f"{end.day}: {end.recordings} recordings, {end.deleted} deleted, last link {end.last}")


@recordings.command("alarms")
def recording_alarms(as_json: Json = False) -> None:
    """List what is wrong with recordings and not settled, oldest first. Needs a running server."""
    show(request("GET", "/api/v1/recordings/alarms")["items"], ALARMS, as_json)


@recordings.command("settle")
def recording_settle(number: Alarmed, why: Why) -> None:
    """Settle the alarm about a recording: somebody looked into it. Needs a running server."""
    request("POST", f"/api/v1/recordings/{number}/settle", {"reason": why})
    say(f"the alarm about recording {number} is settled")


@recordings.command("hold")
def recording_hold(number: Number, why: Why) -> None:
    """Legal hold: the recording is not deleted until it is released. Needs a running server."""
    request("POST", f"/api/v1/recordings/{number}/hold", {"reason": why})
    say(f"recording {number} is held")


@recordings.command("release")
def recording_release(number: Number, why: Why) -> None:
    """End a legal hold. Needs a running server."""
    request("POST", f"/api/v1/recordings/{number}/release", {"reason": why})
    say(f"recording {number} is released")


@recordings.command("pause")
def recording_pause(call: Call, why: Annotated[str, typer.Option(help="Why; a mark on the time line.")] = "") -> None:
    """Record nothing of a conversation for a while; recording goes on by itself. Needs a running server."""
    done = request("POST", f"/api/v1/calls/{call}/recording/pause", {"reason": why})
    say(f"call {call} is not recorded until {done['until']}")


@recordings.command("resume")
def recording_resume(call: Call) -> None:
    """Record a conversation again. Needs a running server."""
    request("POST", f"/api/v1/calls/{call}/recording/resume")
    say(f"call {call} is recorded again")


def store() -> Store:
    """The store of the recordings. Raises Refused for settings that name none."""
    from server.storage.stores import open_store

    try:
        return open_store(settings())
    except ValueError as error:
        raise Refused(str(error)) from None


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Refused(f"--day {text}: write a day such as 2027-01-15") from None


def _let_server_look(numbers: list[int]) -> None:
    """A running server hashes these files itself, and makes alarms of what it finds."""
    for number in dict.fromkeys(numbers[:_TOLD]):
        with suppress(Refused):
            request("POST", f"/api/v1/recordings/{number}/check")
