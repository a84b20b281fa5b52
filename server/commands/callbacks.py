"""`sansheng callback`: promises to call back, and the mode in which numbers are taken instead of holding callers.

Promises are shown as the running server knows them, and as the records say when none runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

import typer

from server.commands.output import Json, cell, clock, fields, note, print_json, say, show
from server.commands.shared import Down, Refused, ahead, as_shown, calls_go_out, lists, queries, request, settings, zone

app = typer.Typer(help="Callbacks: promise, list, change; switch callback mode.", no_args_is_help=True)

Number = Annotated[int, typer.Argument(help="The callback's number, as the list shows it.", min=1)]
Reason = Annotated[str, typer.Option(help="Why; it is kept with the act.")]
Why = Annotated[str, typer.Option(help="Why; it is kept with the act.", show_default=False)]
Limit = Annotated[int, typer.Option(help="How many at most, newest first.", min=1, max=1000)]

TIME = "2027-01-15T18:00, 18:00 for the next one, tomorrow 09:00"
COLUMNS = (
    "id",
    "number",
    "category",
    "queue",
    "state",
    "attempts",
    "promised_at",
    "queued_at",
    "due_at",
    "call",
    "reason",
)
MODES = ("scope", "mode", "active", "since", "until", "who", "reason", "rule")
_SHOWN = (
    *COLUMNS[1:],
    "expires_at",
    "priority",
    "origin",
    "source",
    "by",
    "caller",
    "connected_at",
    "owner",
    "ticket",
    "asked",
    "task",
)


@app.command()
def add(
    number: Annotated[str, typer.Option(help="The number to call.")],
    category: Annotated[str, typer.Option(help="What it is about: process, attitude, …, or a queue.")] = "",
    queue: Annotated[str, typer.Option(help="The queue; the category's own if left out.")] = "",
    after: Annotated[str | None, typer.Option(help=f"Not before: {TIME}.")] = None,
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Promise a callback. A number that has a promise for this category keeps its first one."""
    body: dict[str, Any] = {"number": number, "category": category, "queue": queue, "reason": reason}
    if after is not None:
        body["after"] = ahead(after, "--after").isoformat()
    made = request("POST", "/api/v1/callbacks", body)
    joined = made.pop("joined")
    if as_json:
        print_json(made)
        return
    was = "was promised already" if joined else "is promised"
    where = zone()
    say(
        f"callback {made['id']} to {made['number']} {was}: {made['state']}, due {cell('due_at', made['due_at'], where)}"
    )
    _say_without_trunk()


@app.command("list")
def list_(
    as_json: Json = False,
    limit: Limit = 1000,
    state: Annotated[str | None, typer.Option(help="pending, dialling, connected, kept, broken, …")] = None,
    number: Annotated[str | None, typer.Option(help="Promises to this number.")] = None,
    queue: Annotated[str | None, typer.Option(help="Promises of this queue.")] = None,
    category: Annotated[str | None, typer.Option(help="Promises of this category.")] = None,
) -> None:
    """List the promises, newest first, settled ones too."""
    wanted = {"state": state, "number": number, "queue": queue, "category": category}
    show(_rows({key: value for key, value in wanted.items() if value}, limit), COLUMNS, as_json)


@app.command()
def tasks(as_json: Json = False, limit: Limit = 1000) -> None:
    """List the tasks: promises whose customer was not reached in time or did not confirm the number, until settled."""
    show(_rows({"task": True}, limit), COLUMNS, as_json)


@app.command("show")
def show_(number: Number, as_json: Json = False) -> None:
    """Show one promise with its attempts."""
    found = _one(number)
    if as_json:
        print_json(found)
        return
    where = zone()
    say(f"callback {number}")
    for line in fields(found, _SHOWN, where):
        say(line)
    for each in found["history"]:
        rest = "".join(f", {word} {each[word]}" for word in ("agent", "call", "detail") if each.get(word))
        began = clock(each["started_at"], where)
        say(f"  {began}  attempt {each['attempt']}: {each['outcome'] or 'under way'}{rest}")


@app.command()
def cancel(number: Number, reason: Why) -> None:
    """Cancel a promise; the hotline stops an attempt under way."""
    _tell(_act(number, "cancel", reason=reason))


@app.command()
def postpone(
    number: Number,
    until: Annotated[str, typer.Option(help=f"Not before: {TIME}.")],
    reason: Reason = "",
) -> None:
    """Postpone a promise; it keeps its place."""
    instant = ahead(until, "--until").isoformat()
    _tell(_act(number, "postpone", until=instant, reason=reason))


@app.command()
def prioritise(
    number: Number,
    priority: Annotated[int, typer.Option(help="Points on entry; more points, sooner called.", min=-1000, max=1000)],
    reason: Reason = "",
) -> None:
    """Move a promise in the order."""
    found = _act(number, "priority", priority=priority, reason=reason)
    say(f"callback {number} has priority {found['priority']}")


@app.command()
def settle(number: Number, reason: Why) -> None:
    """Settle an expired or unconfirmed promise: its task is done."""
    _act(number, "settle", reason=reason)
    say(f"callback {number} is settled")


@app.command()
def nobody(number: Number) -> None:
    """Say that a machine has answered this callback: both lines are hung up, and the customer is called again."""
    _tell(_act(number, "nobody"))


@app.command()
def mode(
    wanted: Annotated[Literal["on", "off", "auto"] | None, typer.Argument(help="The mode; none: list.")] = None,
    queue: Annotated[str, typer.Option(help="One queue; all queues if left out.")] = "all",
    reason: Reason = "",
    until: Annotated[str | None, typer.Option(help=f"Back to auto then: {TIME}.")] = None,
    as_json: Json = False,
) -> None:
    """Show callback mode, or set it."""
    if wanted is not None:
        body: dict[str, Any] = {"mode": wanted, "scope": queue, "reason": reason}
        if until is not None:
            body["until"] = ahead(until, "--until").isoformat()
        request("PUT", "/api/v1/callback-mode", body)
    elif until is not None or reason:
        raise Refused("--until and --reason go with on, off or auto: say which")
    rows = request("GET", "/api/v1/callback-mode")["items"]
    if wanted is None and queue != "all":
        rows = [row for row in rows if row["scope"] == queue]
        if not rows:
            raise Refused(f"there is no queue {queue}: see `sansheng queue list`")
    show(rows, MODES, as_json)
    if not as_json:
        _say_without_trunk()


def _rows(filters: Mapping[str, Any], limit: int) -> list[dict[str, Any]]:
    """From the running server, else from the records."""
    try:
        asked = urlencode({**filters, "limit": limit})
        found: list[dict[str, Any]] = request("GET", f"/api/v1/callbacks?{asked}")["items"]
        return found
    except Down:
        from server.storage.queries.lists.promises import PromiseFilter

        known = {**filters, **({"number": as_shown(filters["number"])} if "number" in filters else {})}
        with lists() as records:
            return records.promises(PromiseFilter(**known), limit=limit).items


def _one(number: int) -> dict[str, Any]:
    try:
        found: dict[str, Any] | None = request("GET", f"/api/v1/callbacks/{number}")
    except Down:
        with queries() as records:
            found = records.callbacks.promise_show(number)
    if found is None:
        raise Refused(f"there is no callback {number}: see `sansheng callback list`")
    return found


def _act(number: int, act: str, **body: Any) -> dict[str, Any]:
    found: dict[str, Any] = request("POST", f"/api/v1/callbacks/{number}/{act}", body or None)
    return found


def _tell(found: Mapping[str, Any]) -> None:
    due = f", due {cell('due_at', found['due_at'], zone())}" if found["state"] == "pending" else ""
    say(f"callback {found['id']} is {found['state']}{due}")


def _say_without_trunk() -> None:
    if not calls_go_out(settings()):
        note("no calls go out: set up a trunk first (docs/trunks.md)")
