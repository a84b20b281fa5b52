"""`sansheng export`: lists and reports as files, asked for by one and approved by another."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

import typer

from server.commands.output import Json, note, print_json, say, show
from server.commands.shared import Refused, download, request

app = typer.Typer(help="Exports: ask, list, approve, refuse, fetch.", no_args_is_help=True)

COLUMNS = ("id", "kind", "format", "filters", "state", "asked_by", "asked_at", "reason", "decided_by", "until")
Number = Annotated[int, typer.Argument(help="The number, as the list shows it.", min=1)]


@app.command()
def ask(
    kind: Annotated[str, typer.Argument(help="calls, tickets, recordings, callbacks, callback-report …")],
    reason: Annotated[str, typer.Option(help="What it is wanted for; it is kept with the act.")],
    form: Annotated[Literal["csv", "xlsx"], typer.Option("--format")] = "csv",
    where: Annotated[
        list[str] | None, typer.Option(help="A filter of the list, since=2027-01-01; may be given again.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Ask for a list as a file."""
    pairs = [each.partition("=") for each in where or ()]
    if bad := [name for name, sign, _ in pairs if not sign]:
        raise Refused(f"--where {bad[0]}: write it as NAME=VALUE, such as since=2027-01-01")
    body = {"kind": kind, "format": form, "filters": {name: value for name, _, value in pairs}, "reason": reason}
    made = request("POST", "/api/v1/exports", body)
    if as_json:
        print_json(made)
        return
    then = "fetch it" if made["state"] == "approved" else "another person has to approve it"
    say(f"export {made['id']} is {made['state']}: {then}")


@app.command("list")
def list_(as_json: Json = False) -> None:
    """List the exports of the last 30 days, newest first."""
    show(request("GET", "/api/v1/exports")["items"], COLUMNS, as_json)


@app.command()
def approve(number: Number, reason: Annotated[str, typer.Option(help="Why.")] = "") -> None:
    """Allow another's export: it can be fetched for a day."""
    done = request("POST", f"/api/v1/exports/{number}/approve", {"reason": reason})
    say(f"export {number} of {done['asked_by']} is approved")


@app.command()
def refuse(number: Number, reason: Annotated[str, typer.Option(help="Why.")]) -> None:
    """Refuse an export."""
    done = request("POST", f"/api/v1/exports/{number}/refuse", {"reason": reason})
    say(f"export {number} of {done['asked_by']} is refused")


@app.command()
def fetch(number: Number, to: Annotated[Path, typer.Option(help="The file to write.")]) -> None:
    """Fetch an approved export."""
    half_done = to.with_name(f".{to.name}.part")
    try:
        with half_done.open("wb") as file:
            download(f"/api/v1/exports/{number}/file", file)
        os.replace(half_done, to)
    except OSError as error:
        raise Refused(f"{to} cannot be written: {error.strerror or error}") from None
    finally:
        half_done.unlink(missing_ok=True)
    note(f"export {number} is in {to}")
