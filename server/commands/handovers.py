"""`sansheng handover`: the book that the leaders of two shifts sign."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import typer

from server.commands.output import Json, fields, print_json, say, show, table
from server.commands.shared import instant, request, zone

app = typer.Typer(help="The hand-over book 交接本: show it, sign it.", no_args_is_help=True)

Since = Annotated[str, typer.Option("--from", help="When the shift began, 2027-01-15T08:00.")]
Until = Annotated[str, typer.Option("--to", help="When it ended: a quarter of an hour.")]
Team = Annotated[str, typer.Option(help="One team; the whole house if left out.")]

BOOKS = ("team", "since", "until", "state", "outgoing", "incoming")
_MATTERS = ("ticket", "category", "grade", "state", "owner", "opened_at", "resolve_by", "overdue")


@app.command("list")
def book_list(
    as_json: Json = False, limit: Annotated[int, typer.Option(help="How many at most.", min=1, max=1000)] = 100
) -> None:
    """List the books that were signed, newest first."""
    show(request("GET", f"/api/v1/handovers?limit={limit}")["items"], BOOKS, as_json)


@app.command("show")
def book_show(since: Since, until: Until, team: Team = "", as_json: Json = False) -> None:
    """Show the book of a shift: as it was signed, or else as things are now."""
    asked = _shift(since, until, team)
    _say(request("GET", f"/api/v1/handovers/book?{urlencode(asked)}"), as_json)


@app.command("sign")
def sign(
    since: Since,
    until: Until,
    side: Annotated[str, typer.Option("--as", help="outgoing, who goes and signs first, or incoming, who comes.")],
    team: Team = "",
    note: Annotated[str, typer.Option(help="What the other leader should know.")] = "",
    as_json: Json = False,
) -> None:
    """Sign the book of a shift, with the name of the access token's holder."""
    body = _shift(since, until, team) | {"side": side, "note": note}
    _say(request("POST", "/api/v1/handovers/signatures", body), as_json)


def _shift(since: str, until: str, team: str) -> dict[str, str]:
    return {"team": team, "since": instant(since, "--from").isoformat(), "until": instant(until, "--to").isoformat()}


def _say(book: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(book)
        return
    for line in described(book, zone()):
        say(line)


def described(book: dict[str, Any], where: ZoneInfo) -> list[str]:
    """A book in words."""
    held = book["content"]
    lines = [f"hand-over of {book['team'] or 'the whole house'}: {book['state']}"]
    lines += fields(book, ("since", "until", "outgoing", "outgoing_note", "incoming", "incoming_note", "digest"), where)
    lines += [f"{name}: {value}" for name, value in held["figures"].items() if value is not None]
    lines.append(f"open matters: {held['matters_open']}")
    if held["matters"]:
        lines += table(held["matters"], _MATTERS, where)
    lines.append(f"open promises: {len(held['promises'])}")
    lines += [f"recording {each['recording']} {each['state']}: {each['why']}" for each in held["missing"]]
    lines += [f"recordings of {each['day']}: {each['recordings']}, last link {each['last']}" for each in held["chains"]]
    return lines
