"""`sansheng ticket`: list and show them as the records have them; the running server does every act on one."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import typer

from server.commands.output import Json, cell, clock, fields, print_json, say, show
from server.commands.shared import Refused, ahead, as_shown, instant, listed, lists, queries, request, zone

tickets = typer.Typer(help="Tickets: list, show, move forward, write up, follow up.", no_args_is_help=True)

Limit = Annotated[int, typer.Option(help="How many at most, newest first.", min=1, max=1000)]
Number = Annotated[int, typer.Argument(help="The ticket's number, as the list shows it.", min=1)]
Why = Annotated[str, typer.Option(help="Why; it stands in the history.")]

TICKETS = ("id", "opened_at", "category", "grade", "state", "department", "owner", "due_at", "overdue", "call")
_TICKET = (
    "type",
    "caller",
    "business",
    "category",
    "confirmed",
    "grade",
    "state",
    "department",
    "round",
    "level",
    "owner",
    "accused",
    "fields",
    "opened_at",
    "promised_for",
    "respond_by",
    "resolve_by",
    "responded_at",
    "resolved_at",
    "warnings",
    "wrong_dispatches",
)


@tickets.command("list")
def ticket_list(
    as_json: Json = False,
    limit: Limit = 100,
    state: Annotated[str | None, typer.Option(help="new, dispatched, acknowledged, in_progress, resolved, …")] = None,
    department: Annotated[str | None, typer.Option(help="Tickets that are with this department.")] = None,
    overdue: Annotated[
        bool | None, typer.Option("--overdue/--in-time", help="Those whose running limit is over, or is not.")
    ] = None,
    owner: Annotated[str | None, typer.Option(help="Tickets that this agent owns.")] = None,
    type: Annotated[str | None, typer.Option(help="Tickets of this type.")] = None,
    grade: Annotated[str | None, typer.Option(help="general, serious, critical.")] = None,
    level: Annotated[str | None, typer.Option(help="Whose matter: agent, leader, manager.")] = None,
    category: Annotated[str | None, typer.Option(help="process, system, competence, attitude, usage, …")] = None,
    caller: Annotated[str | None, typer.Option(help="Tickets of this number.")] = None,
    since: Annotated[str | None, typer.Option(help="Opened then or later: a day or an instant.")] = None,
    until: Annotated[str | None, typer.Option(help="Opened before then.")] = None,
) -> None:
    """List tickets, newest first."""
    which: dict[str, Any] = {
        "state": state,
        "department": department,
        "overdue": None if overdue is None else str(overdue).lower(),
        "owner": owner,
        "type": type,
        "grade": grade,
        "level": level,
        "category": category,
        "caller": caller,
        "since": instant(since, "--since").isoformat() if since else None,
        "until": instant(until, "--until").isoformat() if until else None,
    }

    def otherwise() -> list[dict[str, Any]]:
        with lists() as records:
            return records.tickets(limit=limit, **which | {"caller": as_shown(caller) if caller else None}).items

    show(listed("/api/v1/tickets", which, limit, otherwise), TICKETS, as_json)


@tickets.command("show")
def ticket_show(number: Number, as_json: Json = False) -> None:
    """Show one ticket with its calls, recordings and history."""
    with queries() as records:
        ticket = records.ticket_show(number)
    if ticket is None:
        raise Refused(f"there is no ticket {number}: see `sansheng ticket list`")
    if as_json:
        print_json(ticket)
        return
    for line in described_ticket(ticket, zone()):
        say(line)


def described_ticket(ticket: dict[str, Any], where: ZoneInfo) -> list[str]:
    """A ticket in words, with one line for each step of its history."""
    lines = [f"ticket {ticket['id']}", *fields(ticket, (*_TICKET, "calls", "recordings"), where)]
    for step in ticket["history"]:
        change = f" {step['from']} → {step['to']}" if step["from"] else f" {step['to']}" if step["to"] else ""
        rest = "".join(f", {word} {step[word]}" for word in ("by", "why", "call") if step.get(word))
        lines.append(f"  {clock(step['at'], where)}  {step['kind']}{change}{rest}")
    return lines


@tickets.command("add")
def ticket_add(
    type: Annotated[str, typer.Option(help="The type, such as re-delivery.")] = "",
    category: Annotated[str, typer.Option(help="The category of a complaint.")] = "",
    business: Annotated[str, typer.Option(help="The business type: complaint, orders, …")] = "",
    caller: Annotated[str, typer.Option(help="The customer's number.")] = "",
    call: Annotated[int, typer.Option(help="The call that it is about.", min=0)] = 0,
    as_json: Json = False,
) -> None:
    """Open a ticket by hand."""
    body = {"type": type, "category": category, "business": business, "caller": caller, "call": call}
    _tell(request("POST", "/api/v1/tickets", body), as_json)


@tickets.command("set")
def ticket_set(
    number: Number,
    state: Annotated[
        str, typer.Argument(help="dispatched, acknowledged, in_progress, resolved, followed_up, closed: forward only.")
    ],
    department: Annotated[str, typer.Option(help="The department that a dispatched ticket goes to.")] = "",
    why: Why = "",
    as_json: Json = False,
) -> None:
    """Move a ticket one step forward; dispatched again, with another department, puts a wrong dispatch right."""
    _act(number, "state", as_json, state=state, department=department, why=why)


@tickets.command("note")
def ticket_note(
    number: Number, text: Annotated[str, typer.Argument(help="What to write down.")], as_json: Json = False
) -> None:
    """Write something down in a ticket."""
    _act(number, "notes", as_json, text=text)


@tickets.command("owner")
def ticket_owner(
    number: Number,
    agent: Annotated[str, typer.Argument(help="The agent's work number.")],
    why: Why = "",
    as_json: Json = False,
) -> None:
    """Give a ticket to another agent."""
    _change(number, as_json, owner=agent, why=why)


@tickets.command("category")
def ticket_category(
    number: Number,
    category: Annotated[str, typer.Argument(help="process, system, competence, attitude, usage, unreasonable.")],
    as_json: Json = False,
) -> None:
    """Confirm a ticket's category; the caller's own choice stays beside it."""
    _change(number, as_json, category=category)


@tickets.command("accuse")
def ticket_accuse(
    number: Number,
    agent: Annotated[str, typer.Argument(help="The agent whom the customer complains about; '' for nobody.")],
    why: Why = "",
    as_json: Json = False,
) -> None:
    """Say which agent a ticket is about: that agent neither gets the caller first nor reviews the calls."""
    _change(number, as_json, accused=agent, why=why)


@tickets.command("type")
def ticket_type(
    number: Number,
    type: Annotated[str, typer.Argument(help="A type of [ticket_types].")],
    why: Why = "",
    as_json: Json = False,
) -> None:
    """Choose a ticket's type, before it is dispatched."""
    _change(number, as_json, type=type, why=why)


@tickets.command("field")
def ticket_field(
    number: Number,
    values: Annotated[list[str], typer.Argument(help="NAME=VALUE, several; an empty value empties the field.")],
    as_json: Json = False,
) -> None:
    """Fill fields of a ticket."""
    filled = {}
    for each in values:
        name, equals, value = each.partition("=")
        if not equals or not name:
            raise Refused(f"{each}: write NAME=VALUE, such as order_number=20270115-7")
        filled[name] = value
    _change(number, as_json, fields=filled)


@tickets.command("promise")
def ticket_promise(
    number: Number,
    until: Annotated[str, typer.Argument(help="2027-01-15T18:00, 18:00, tomorrow 09:00; '' takes it back.")],
    why: Why = "",
    as_json: Json = False,
) -> None:
    """Keep the date by which the customer was promised an answer; a missed one raises the grade."""
    _change(number, as_json, promised_for=ahead(until, "UNTIL").isoformat() if until else "", why=why)


@tickets.command("raise")
def ticket_raise(
    number: Number,
    trigger: Annotated[str, typer.Argument(help="reporter, regulator, compensation, key_customer, broken_promise.")],
    why: Why = "",
    as_json: Json = False,
) -> None:
    """Tell a fact that makes the case graver."""
    _act(number, "grade", as_json, trigger=trigger.replace("-", "_"), why=why)


@tickets.command("escalate")
def ticket_escalate(number: Number, why: Why = "", as_json: Json = False) -> None:
    """Hand a ticket one level up: agent, leader, manager."""
    _act(number, "escalate", as_json, why=why)


@tickets.command("ask")
def ticket_ask(
    number: Number,
    what: Annotated[str, typer.Argument(help="What leave is asked for, such as a refund of 200 yuan.")],
    as_json: Json = False,
) -> None:
    """Ask for authority (申请授权)."""
    _act(number, "authority", as_json, what=what)


@tickets.command("answer")
def ticket_answer(
    number: Number,
    asked: Annotated[int, typer.Argument(help="The request's number, as the history shows it.", min=1)],
    granted: Annotated[bool, typer.Option("--grant/--refuse", help="The answer.")],
    why: Why = "",
    as_json: Json = False,
) -> None:
    """Grant or refuse what was asked for."""
    _act(number, f"authority/{asked}/answer", as_json, granted=granted, why=why)


@tickets.command("follow-up")
def ticket_follow_up(
    number: Number,
    satisfied: Annotated[
        bool | None, typer.Option("--satisfied/--not-satisfied", help="How the customer was found.")
    ] = None,
    after: Annotated[str | None, typer.Option(help="Promise the follow-up call, not before then.")] = None,
    why: Why = "",
    as_json: Json = False,
) -> None:
    """Tell how the customer was found: satisfied closes, not satisfied starts the next round. Without it: call them."""
    if satisfied is not None:
        if after is not None:
            raise Refused("--after is for a call that is still to come: leave --satisfied or --not-satisfied out")
        _act(number, "follow-up", as_json, satisfied=satisfied, why=why)
        return
    body = {} if after is None else {"after": ahead(after, "--after").isoformat()}
    _act(number, "follow-up-call", as_json, **body)


def _act(number: int, act: str, as_json: bool, **body: Any) -> None:
    _tell(request("POST", f"/api/v1/tickets/{number}/{quote(act)}", body), as_json)


def _change(number: int, as_json: bool, **body: Any) -> None:
    _tell(request("PATCH", f"/api/v1/tickets/{number}", body), as_json)


def _tell(ticket: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(ticket)
        return
    parts = [f"ticket {ticket['id']} is {ticket['state']}", f"grade {ticket['grade']}", f"round {ticket['round']}"]
    if ticket["department"]:
        parts.append(f"with {ticket['department']}")
    if ticket["due_at"]:
        parts.append(f"due {cell('due_at', ticket['due_at'], zone())}")
    say(", ".join(parts))
