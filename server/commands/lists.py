"""`sansheng list`: outbound lists, created, loaded, watched, paused and ended."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

import typer

from server.commands.customers import send_table, show_report
from server.commands.output import Json, fields, print_json, say, show
from server.commands.shared import Refused, ahead, request, zone

app = typer.Typer(help="Outbound lists: whom the hotline calls, with consent.", no_args_is_help=True)

COLUMNS = ("id", "name", "purpose", "queue", "owner", "state", "until", "lines")
LINES = ("line", "number", "name", "ref", "state", "attempts", "outcomes", "promise", "why")
Number = Annotated[int, typer.Argument(help="The list's number.")]
Why = Annotated[str, typer.Option("--reason", help="Why; it is kept with the act.")]
StateName = Literal["waiting", "calling", "reached", "not_reached", "stopped", "refused"]


@app.command("list")
def list_(as_json: Json = False) -> None:
    """List the outbound lists, newest first."""
    show(request("GET", "/api/v1/lists")["items"], COLUMNS, as_json)


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Its name.")],
    purpose: Annotated[str, typer.Option(help="Why customers are called; the agent sees it.")],
    queue: Annotated[str, typer.Option(help="Whose agents call.")],
    owner: Annotated[str, typer.Option(help="The person who answers for it.")],
    consent: Annotated[str, typer.Option(help="What the customers agreed to.")],
    until: Annotated[str, typer.Option(help="Its end: 2027-01-15T18:00, 'tomorrow 18:00'.")],
    proof: Annotated[str, typer.Option(help="Where the consent of all lines is; else each line has one.")] = "",
    category: Annotated[str, typer.Option(help="A complaint category.")] = "",
    since: Annotated[str | None, typer.Option("--from", help="Its beginning; at once if left out.")] = None,
    window: Annotated[str, typer.Option(help="Hours of the day, such as 10:00-12:00.")] = "",
    attempts: Annotated[int, typer.Option(help="How often a customer is tried.", min=1, max=20)] = 3,
    delay: Annotated[list[str] | None, typer.Option(help="no_answer=3600: until the next try; again for more.")] = None,
    priority: Annotated[
        int | None, typer.Option(help="Points in the one order; left out: behind all callers.", min=-1000, max=1000)
    ] = None,
    yields: Annotated[bool, typer.Option(help="Call off what rings already for a caller who waits.")] = False,
    as_json: Json = False,
) -> None:
    """Create a list; `load` gives it lines."""
    body: dict[str, Any] = {"name": name, "purpose": purpose, "queue": queue, "owner": owner, "consent": consent}
    body |= {"until": ahead(until, "--until").isoformat(), "proof": proof, "category": category, "window": window}
    body |= {"attempts": attempts, "delays": _delays(delay or []), "priority": priority, "yields": yields}
    if since is not None:
        body["since"] = ahead(since, "--from").isoformat()
    made = request("POST", "/api/v1/lists", body)
    if as_json:
        print_json(made)
    else:
        say(f"list {made['id']} is created: load it with `sansheng list load {made['id']} FILE`")


@app.command()
def load(
    list_number: Number,
    file: Annotated[Path, typer.Argument(help="CSV in UTF-8 or gb18030; docs/outbound.md has the columns.")],
    skip_bad: Annotated[bool, typer.Option(help="Take in the good lines although there are bad ones.")] = False,
    check: Annotated[bool, typer.Option(help="Report only: nothing is taken in.")] = False,
    as_json: Json = False,
) -> None:
    """Load lines into a list. With a bad line nothing is taken in, unless --skip-bad."""
    asked = {"source": file.name, "skip_bad": skip_bad, "check": check}
    show_report(send_table(f"/api/v1/lists/{list_number}/import", file, asked), "lines", as_json)


@app.command("show")
def show_one(list_number: Number, as_json: Json = False) -> None:
    """Show one list with its rules and its progress."""
    row = request("GET", f"/api/v1/lists/{list_number}")
    if as_json:
        print_json(row)
        return
    say(f"list {row['id']} {row['name']}: {row['state']}")
    for line in fields(row, [name for name in row if name not in ("id", "name", "state")], zone()):
        say(line)


@app.command()
def lines(
    list_number: Number,
    state: Annotated[StateName | None, typer.Option(help="Lines in this state.")] = None,
    limit: Annotated[int, typer.Option(help="How many at most.", min=1, max=1000)] = 1000,
    as_json: Json = False,
) -> None:
    """List the lines of a list with what came of each."""
    asked = {"limit": limit, **({"state": state} if state else {})}
    show(request("GET", f"/api/v1/lists/{list_number}/lines?{urlencode(asked)}")["items"], LINES, as_json)


@app.command()
def pause(list_number: Number, reason: Why = "") -> None:
    """Call nobody of a list until it is resumed."""
    _turn(list_number, "paused", reason)


@app.command()
def resume(list_number: Number, reason: Why = "") -> None:
    """Let a paused list go on."""
    _turn(list_number, "running", reason)


@app.command()
def end(list_number: Number, reason: Why = "") -> None:
    """End a list: nobody of it is called any more."""
    _turn(list_number, "ended", reason)


def _turn(number: int, state: str, reason: str) -> None:
    done = request("POST", f"/api/v1/lists/{number}/state", {"state": state, "reason": reason})
    say(f"list {done['id']} {done['name']} is {done['state']}")


def _delays(written: list[str]) -> dict[str, float]:
    found = {}
    for each in written:
        outcome, _, seconds = each.partition("=")
        try:
            found[outcome] = float(seconds)
        except ValueError:
            raise Refused(f"--delay {each}: write an outcome and seconds, such as no_answer=3600") from None
    return found
