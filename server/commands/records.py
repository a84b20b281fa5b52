"""`sansheng call`: the records, with or without a running server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal
from zoneinfo import ZoneInfo

import typer

from server.commands import floor
from server.commands.output import Json, clock, fields, print_json, say, show
from server.commands.shared import (
    Refused,
    as_shown,
    called_numbers,
    instant,
    listed,
    lists,
    queries,
    zone,
)

if TYPE_CHECKING:
    from server.hotline.called_numbers import CalledNumbers

calls = typer.Typer(help="Calls: list them, show one with its decisions.", no_args_is_help=True)

Limit = Annotated[int, typer.Option(help="How many at most, newest first.", min=1, max=1000)]
Number = Annotated[int, typer.Argument(help="The number, as the list shows it.", min=1)]
Since = Annotated[str | None, typer.Option(help="Offered then or later: a day or an instant, 2027-01-15T08:30.")]
Until = Annotated[str | None, typer.Option(help="Offered before then.")]

CALLS = ("id", "offered_at", "caller", "queue", "category", "agent", "outcome", "satisfaction", "ticket", "recordings")
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
    began = instant(since, "--since") if since else None
    ended = instant(until, "--until") if until else None
    which: dict[str, Any] = {"outcome": outcome, "agent": agent, "queue": queue, "direction": direction}

    def otherwise() -> list[dict[str, Any]]:
        from server.storage.queries.lists.calls import CallFilter

        shown = as_shown(caller) if caller else None
        with lists() as records:
            return records.calls(CallFilter(since=began, until=ended, caller=shown, **which), limit=limit).items

    times = {name: each.isoformat() for name, each in (("since", began), ("until", ended)) if each is not None}
    rows = listed("/api/v1/calls", {**which, **times, "caller": caller}, limit, otherwise)
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


floor.register(calls)
