"""`sansheng webhook`: other systems are told what happens."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

import typer

from server.commands.output import Json, note, print_json, say, show
from server.commands.shared import request

app = typer.Typer(help="Webhooks: add, list, remove, rotate, dead letters.", no_args_is_help=True)

COLUMNS = ("id", "name", "url", "types", "suspended", "waiting", "dead", "problem")
Number = Annotated[int, typer.Argument(help="The number, as the list shows it.", min=1)]


@app.command()
def add(
    url: Annotated[str, typer.Argument(help="Where events are sent: https://crm.example.com/sansheng.")],
    name: Annotated[str, typer.Option(help="The receiver's name.")],
    kind: Annotated[list[str], typer.Option("--type", help="call.ended, ticket.*, *; may be given again.")],
    whole_numbers: Annotated[bool, typer.Option("--whole-numbers", help="Do not mask telephone numbers.")] = False,
    as_json: Json = False,
) -> None:
    """Add a webhook and print its secret once."""
    body = {"name": name, "url": url, "types": kind, "whole_numbers": whole_numbers}
    made = request("POST", "/api/v1/webhooks", body)
    if as_json:
        print_json(made)
        return
    say(made["secret"])
    note(f"webhook {made['id']} {name}: the receiver checks signatures with this secret, see docs/webhooks.md")


@app.command("list")
def list_(as_json: Json = False) -> None:
    """List webhooks, with what they have not received."""
    show(request("GET", "/api/v1/webhooks")["items"], COLUMNS, as_json)


@app.command()
def remove(number: Number, reason: Annotated[str, typer.Option(help="Why; it is kept with the act.")] = "") -> None:
    """Remove a webhook; what was not sent yet is dropped."""
    request("DELETE", f"/api/v1/webhooks/{number}?reason={quote(reason)}")
    say(f"webhook {number} is removed")


@app.command()
def rotate(
    number: Number,
    overlap: Annotated[float, typer.Option(help="Hours for which the secret before signs too.", min=0, max=720)] = 24,
) -> None:
    """Make a new secret, and print it once."""
    made = request("POST", f"/api/v1/webhooks/{number}/rotate", {"overlap": overlap * 3600})
    say(made["secret"])


@app.command()
def resume(number: Number) -> None:
    """Send on at once, after a suspension or while a message waits for its next attempt."""
    request("POST", f"/api/v1/webhooks/{number}/resume")
    say(f"webhook {number} goes on")


@app.command()
def ping(number: Number) -> None:
    """Send a message that says nothing but that it came."""
    request("POST", f"/api/v1/webhooks/{number}/ping")
    say(f"webhook {number} gets a ping: `sansheng webhook list` shows whether it waits")


@app.command()
def events(as_json: Json = False) -> None:
    """List the types of events; with --json, the schema of each message."""
    rows = request("GET", "/api/v1/webhooks/events")["items"]
    show(rows, ("type", "says"), as_json)


@app.command()
def dead(number: Number, as_json: Json = False) -> None:
    """List messages that were given up, newest first."""
    rows = request("GET", f"/api/v1/webhooks/{number}/dead")["items"]
    show(rows, ("id", "type", "at", "attempts", "problem"), as_json)


@app.command()
def resend(
    number: Number, message: Annotated[str, typer.Argument(help="One dead letter's id; all if left out.")] = ""
) -> None:
    """Send dead letters again."""
    body: dict[str, Any] = {"id": message}
    say(f"{request('POST', f'/api/v1/webhooks/{number}/resend', body)['count']} messages are sent again")
