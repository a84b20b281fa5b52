"""`sansheng call move | pull | priority | listen`: a supervisor's acts on calls, through the running server."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from server.commands.output import say
from server.commands.shared import request

Call = Annotated[int, typer.Argument(help="The call's number.", min=1)]
Reason = Annotated[str, typer.Option(help="Why; it is kept with the act.")]


def register(calls: typer.Typer) -> None:
    """Add these commands to `sansheng call`."""
    for command in (move, pull, priority, listen):
        calls.command(command.__name__)(command)


def move(call: Call, queue: str, reason: Reason = "") -> None:
    """Let a waiting call wait in another queue; it keeps the time of its arrival."""
    _act(call, "move", queue=queue, reason=reason)
    say(f"call {call} waits in {queue}")


def pull(call: Call, agent: str, reason: Reason = "") -> None:
    """Offer a waiting call to an agent out of turn, whatever the skills; the agent must be ready."""
    _act(call, "pull", agent=agent, reason=reason)
    say(f"call {call} rings at agent {agent}")


def priority(call: Call, points: int, reason: Reason = "") -> None:
    """Change the priority points of a waiting call (write -- before a negative number)."""
    _act(call, "priority", priority=points, reason=reason)
    say(f"call {call} has priority {points}")


def listen(
    call: Call,
    reason: Annotated[str, typer.Option(help="Why; it is kept with the act.")],
    phone: Annotated[
        str, typer.Option("--phone", "--by", help="Work number of the supervisor whose phone rings; the token's own.")
    ] = "",
    whisper: Annotated[bool, typer.Option("--whisper", help="The agent hears the phone.")] = False,
    barge: Annotated[bool, typer.Option("--barge", help="Caller and agent hear the phone.")] = False,
) -> None:
    """Listen to a conversation; on the phone 4 listens, 5 whispers to the agent, 6 speaks with both."""
    mode = "barge" if barge else "whisper" if whisper else "listen"
    request("POST", f"/api/v1/calls/{call}/monitor", {"phone": phone, "mode": mode, "reason": reason})
    say(f"{f'agent {phone}' if phone else 'your phone'} is connected with call {call} ({mode})")


def _act(call: int, act: str, **body: Any) -> None:
    request("POST", f"/api/v1/calls/{call}/{act}", body)
