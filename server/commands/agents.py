"""`sansheng agent`: the agents, their skills, phones, status and wrap-up."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

import typer

from server.commands.output import Json, fields, print_json, say, show, table
from server.commands.shared import Refused, lists, queries, request, settings, zone

app = typer.Typer(help="Agents: add, change, list, show, set the status, remove.", no_args_is_help=True)

Number = Annotated[str, typer.Argument(help="Work number, such as 1001.")]

COLUMNS = ("id", "name", "skills", "status", "state", "since", "phone")
_TABLE_WITHIN = 120.0
"""Seconds for all agents of a table."""
_SHOWN = ("name", "skills", "teams", "status", "state", "reason", "since", "phone", "contact")


@app.command()
def add(
    agent: Annotated[str, typer.Argument(help="Work number, such as 1001.")] = "",
    name: Annotated[str, typer.Option(help="Name, as leaders know the agent.")] = "",
    skill: Annotated[list[str] | None, typer.Option(help="NAME:LEVEL, level 1 to 10; may be given again.")] = None,
    team: Annotated[list[str] | None, typer.Option(help="Team; may be given again.")] = None,
    contact: Annotated[str, typer.Option(help="A phone that is always at this SIP address, or tel:NUMBER.")] = "",
    secret: Annotated[str, typer.Option(help="Password with which the phone registers; made up if left out.")] = "",
    table_: Annotated[
        Path | None, typer.Option("--from", help="Many at once: CSV with agent, name, skills, teams, contact, secret.")
    ] = None,
) -> None:
    """Add an agent, or change one: the given values replace the old ones. With --from, all of a table, or none."""
    if table_ is not None:
        if agent or name or skill or team or contact or secret:
            raise Refused("--from FILE has all that is said of the agents: give nothing besides")
        _add_all(table_)
        return
    if not agent or not name:
        raise typer.BadParameter('name the agent: agent add 1001 --name "Agent 1001", or --from FILE.csv for many')
    if contact and secret:
        raise Refused("a phone either stands at a --contact or registers with a --secret: give one of them")
    body: dict[str, Any] = {
        "id": agent,
        "name": name,
        "skills": dict(_skill(each) for each in skill or []),
        "teams": team or [],
        "contact": contact,
        "secret": secret,
    }
    request("PUT", _path(agent), body)
    say(f"agent {agent} {name} is ready to sign in")
    if contact:
        say(f"  phone     always at {contact}")
        return
    here = settings()
    host = {"0.0.0.0": "this machine's address", "::": "this machine's address"}.get(here.bind, here.bind)
    say("  phone     any SIP phone that registers with:")
    say(f"  server    {host}:{here.sip_port} (UDP or TCP)")
    say(f"  user      {agent}")
    say(f"  password  in {here.root / 'secrets' / 'agents' / agent}")
    say(f"  sign in   dial *45 from the phone, or: sansheng agent status {agent} available")


def _add_all(file: Path) -> None:
    try:
        data = file.read_bytes()
    except OSError as error:
        raise Refused(f"{file} cannot be read: {error.strerror}") from None
    query = urlencode({"source": file.name})
    made = request("POST", f"/api/v1/agents/import?{query}", data, within=_TABLE_WITHIN)
    say(f"{made['added']} agents added, {made['changed']} changed: they are ready to sign in")
    say(f"  passwords of phones that register: a file for each agent in {settings().root / 'secrets' / 'agents'}")


@app.command()
def remove(agent: Number) -> None:
    """Remove an agent; the records stay."""
    request("DELETE", _path(agent))
    say(f"agent {agent} is removed")


@app.command()
def status(
    agent: Number,
    wanted: Annotated[Literal["available", "break", "signed_out"], typer.Argument(help="The status to set.")],
    reason: Annotated[str, typer.Option(help="Why, for a break.")] = "",
) -> None:
    """Set an agent's status."""
    answer = request("POST", f"{_path(agent)}/status", {"status": wanted, "reason": reason})
    later = "" if answer["status"] == wanted else f": {wanted} as soon as no call stands in the way"
    say(f"agent {agent} is {answer['status']}, {answer['state']}{later}")


@app.command("wrap-up")
def wrap_up(
    agent: Number,
    act: Annotated[Literal["extend", "end"], typer.Argument(help="What to do with the time for the write-up.")],
    seconds: Annotated[float, typer.Option(help="Seconds by which it is extended.", min=1, max=3600)] = 60.0,
) -> None:
    """Extend an agent's wrap-up, or end it."""
    body = {"seconds": seconds} if act == "extend" else None
    answer = request("POST", f"{_path(agent)}/wrap-up/{act}", body)
    say(f"agent {agent} is {answer['status']}, {answer['state']}")


@app.command("list")
def list_(as_json: Json = False) -> None:
    """List the agents."""
    with lists() as records:
        show([{name: agent[name] for name in COLUMNS} for agent in records.agents()], COLUMNS, as_json)


@app.command("show")
def show_(agent: Number, as_json: Json = False, limit: Annotated[int, typer.Option(min=1, max=1000)] = 20) -> None:
    """Show one agent, and the latest states with their times."""
    with queries() as records:
        found = next((each for each in records.agent_list(removed=True) if each["id"] == agent), None)
        intervals = records.agent_intervals(agent, newest=limit) if found else []
    if found is None:
        raise Refused(f"there is no agent {agent}: see `sansheng agent list`")
    if as_json:
        print_json({**found, "intervals": intervals})
        return
    where = zone()
    say(f"agent {agent}")
    for line in fields(found, _SHOWN, where):
        say(line)
    for line in table(intervals, ("from", "to", "status", "state", "reason", "call"), where) if intervals else ():
        say(f"  {line}")


def _path(agent: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.]{0,31}", agent):
        raise Refused(f"agent {agent!r}: a work number is 1 to 32 letters and digits, such as 1001")
    return f"/api/v1/agents/{agent}"


def _skill(text: str) -> tuple[str, int]:
    name, _, level = text.partition(":")
    if not name or not level.isdecimal() or not 1 <= int(level) <= 10:
        raise Refused(f"--skill {text}: write NAME:LEVEL with a level from 1 to 10, such as complaint:5")
    return name, int(level)
