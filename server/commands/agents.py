"""`sansheng agent`: who takes calls."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from acd.events import Status
from server.commands.shared import Refused, queries, request, show

app = typer.Typer(help="Agents: add, list, set the status.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print all fields as JSON.")]


@app.command()
def add(
    agent: Annotated[str, typer.Argument(help="Work number, such as 1001.")],
    name: Annotated[str, typer.Option(help="Name, as leaders know the agent.")],
    skill: Annotated[list[str] | None, typer.Option(help="NAME:LEVEL, level 1 to 10; may be given again.")] = None,
    team: Annotated[list[str] | None, typer.Option(help="Team; may be given again.")] = None,
    contact: Annotated[str, typer.Option(help="A phone that is always at this SIP address.")] = "",
    secret: Annotated[str, typer.Option(help="Password with which the phone registers; made up if left out.")] = "",
) -> None:
    """Add an agent, or change one."""
    body: dict[str, Any] = {
        "id": agent,
        "name": name,
        "skills": dict(_skill(each) for each in skill or []),
        "teams": team or [],
        "contact": contact,
        "secret": secret,
    }
    answer = request("PUT", f"/api/v1/agents/{agent}", body)
    typer.echo(answer["message"])


@app.command()
def remove(agent: str) -> None:
    """Remove an agent; the records stay."""
    request("DELETE", f"/api/v1/agents/{agent}")
    typer.echo(f"agent {agent} is removed")


@app.command()
def status(
    agent: str,
    wanted: Annotated[Status, typer.Argument(metavar="available|break|signed_out")],
    reason: Annotated[str, typer.Option(help="Why, for a break.")] = "",
) -> None:
    """Set an agent's status."""
    answer = request("POST", f"/api/v1/agents/{agent}/status", {"status": wanted, "reason": reason})
    later = "" if answer["status"] == wanted else f" (on a call: {wanted} when it ends)"
    typer.echo(f"agent {agent} is {answer['status']}, {answer['state']}{later}")


@app.command("list")
def list_(as_json: Json = False) -> None:
    """List the agents."""
    columns = ("id", "name", "skills", "status", "state", "since", "phone")
    show(queries().agent_list(), columns, as_json)


def _skill(text: str) -> tuple[str, int]:
    name, _, level = text.partition(":")
    if not name or not level.isdigit() or not 1 <= int(level) <= 10:
        raise Refused(f"--skill {text}: write NAME:LEVEL with a level from 1 to 10, such as complaint:5")
    return name, int(level)
