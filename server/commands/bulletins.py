"""`sansheng bulletin`: news to agents, with receipts. `sansheng notice`: what callers hear of an incident."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote, urlencode

import typer

from server.commands.output import Json, show
from server.commands.output import say as tell
from server.commands.shared import Refused, ahead, request

app = typer.Typer(help="Bulletins to agents, with receipts.", no_args_is_help=True)
notices = typer.Typer(help="Incident notices that callers hear.", no_args_is_help=True)

COLUMNS = ("id", "title", "teams", "at", "by", "until", "stands", "readers", "missing")
NOTICES = ("id", "text", "prompt", "queues", "since", "until", "in_force", "by")
Until = Annotated[str | None, typer.Option(help="Its end: 2027-01-15T18:00, 18:00, 'tomorrow 09:00'.")]
Why = Annotated[str, typer.Option("--reason", help="Why; it is kept with the act.")]


@app.command("list")
def list_(
    as_json: Json = False,
    unread: Annotated[bool, typer.Option(help="What the token's agent has still to read.")] = False,
    standing: Annotated[bool, typer.Option(help="What is to be read now.")] = False,
) -> None:
    """List bulletins with who read them and who has not, newest first."""
    asked = urlencode({"unread": str(unread).lower(), "standing": str(standing).lower()})
    rows = request("GET", f"/api/v1/bulletins?{asked}")["items"]
    show([{**row, "readers": [each["agent"] for each in row["read"]]} for row in rows], COLUMNS, as_json)


@app.command()
def add(
    title: Annotated[str, typer.Argument(help="In one line.")],
    text: Annotated[str, typer.Option(help="The whole text; '-' reads it from standard input.")],
    team: Annotated[list[str] | None, typer.Option(help="For this team; may be given again. Without: for all.")] = None,
    until: Until = None,
) -> None:
    """Post a bulletin."""
    body: dict[str, Any] = {"title": title, "text": typed(text), "teams": team or []}
    if until is not None:
        body["until"] = ahead(until, "--until").isoformat()
    made = request("POST", "/api/v1/bulletins", body)
    tell(f"bulletin {made['id']} is posted: {len(made['missing'])} agents have to read it")


@app.command()
def read(
    bulletin: Annotated[int, typer.Argument(help="The bulletin's number.")],
    agent: Annotated[str, typer.Option(help="The agent's work number; left out with an agent's token.")] = "",
) -> None:
    """Give a receipt: the agent has read the bulletin."""
    done = request("POST", f"/api/v1/bulletins/{bulletin}/read", {"agent": agent})
    tell(f"bulletin {done['id']} is read by {len(done['read'])} agents, {len(done['missing'])} are missing")


@app.command()
def withdraw(bulletin: Annotated[int, typer.Argument(help="The bulletin's number.")], reason: Why = "") -> None:
    """Let nobody have to read a bulletin any more."""
    done = request("POST", f"/api/v1/bulletins/{bulletin}/withdraw", {"reason": reason})
    tell(f"bulletin {done['id']} is withdrawn")


@notices.command("list")
def list_notices(
    as_json: Json = False,
    in_force: Annotated[bool, typer.Option(help="Those that callers hear now.")] = False,
) -> None:
    """List incident notices, newest first."""
    rows = request("GET", f"/api/v1/notices?{urlencode({'in_force': str(in_force).lower()})}")["items"]
    show(rows, NOTICES, as_json)


@notices.command("add")
def add_notice(
    text: Annotated[str, typer.Argument(help="What it says, for people to read.")],
    prompt: Annotated[str, typer.Option(help="Id of a prompt, the product's or your own; else a general one.")] = "",
    queue: Annotated[list[str] | None, typer.Option(help="Before this queue; may be given again. Else: all.")] = None,
    since: Annotated[str | None, typer.Option("--from", help="Its beginning; at once if left out.")] = None,
    until: Until = None,
) -> None:
    """Let callers hear of an incident, from now on or from an instant."""
    body: dict[str, Any] = {"text": text, "prompt": prompt, "queues": queue or []}
    for key, given, option in (("since", since, "--from"), ("until", until, "--until")):
        if given is not None:
            body[key] = ahead(given, option).isoformat()
    made = request("POST", "/api/v1/notices", body)
    tell(f"notice {made['id']}: callers hear {made['prompt']} {'now' if made['in_force'] else 'from ' + made['since']}")


@notices.command("end")
def end_notice(notice: Annotated[int, typer.Argument(help="The notice's number.")], reason: Why = "") -> None:
    """End a notice: no caller hears it any more."""
    done = request("POST", f"/api/v1/notices/{notice}/end", {"reason": reason})
    tell(f"notice {done['id']} is ended")


@notices.command("prompt")
def prompt_(
    id_: Annotated[str, typer.Argument(metavar="ID", help="own- and letters, digits and -.")],
    file: Annotated[Path, typer.Argument(help="A mono WAV of 16 bits at 8 or 16 kHz.")],
    language: Annotated[Literal["zh", "en"], typer.Option(help="For callers of this language.")] = "zh",
) -> None:
    """Upload a prompt of your own, which notices and flows may say."""
    try:
        data = file.read_bytes()
    except OSError as error:
        raise Refused(f"{file} cannot be read: {error.strerror}") from None
    kept = request("PUT", f"/api/v1/prompts/{quote(id_, safe='')}?{urlencode({'language': language})}", data)
    tell(f"prompt {kept['id']} ({kept['language']}) is kept: {kept['seconds']:.1f} s")


def typed(text: str) -> str:
    """A text of an option; "-" stands for standard input."""
    return typer.get_text_stream("stdin").read() if text == "-" else text
