"""`sansheng customer`: customers' files, a table of them, and marks on numbers."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

import typer

from server.commands.output import Json, fields, note, print_json, say, show
from server.commands.shared import Refused, ahead, request, zone

app = typer.Typer(help="Customers: files, import, marks.", no_args_is_help=True)

COLUMNS = ("id", "name", "class", "numbers", "region", "registered_on", "marks", "ref")
MARK_COLUMNS = ("number", "mark", "state", "at", "by", "reason", "until", "confirmed_by", "lifted_by")
MarkName = Literal["do_not_call", "do_not_record", "nuisance"]
StateName = Literal["proposed", "in_force", "lifted", "expired"]
TelephoneArgument = Annotated[str, typer.Argument(help="A telephone number, however it is written.")]
Limit = Annotated[int, typer.Option(help="How many at most, newest first.", min=1, max=1000)]
Until = Annotated[str | None, typer.Option(help="Its end: 2027-01-15T18:00, 18:00, 'tomorrow 09:00'.")]
_IMPORT_WITHIN = 120.0
_SHORTEST_NUMBER = 7
"""An argument of `show` with so many digits is a telephone number, a shorter one an id."""


@app.command("list")
def list_(
    as_json: Json = False,
    limit: Limit = 100,
    number: Annotated[str | None, typer.Option(help="Whose number it is.")] = None,
    name: Annotated[str | None, typer.Option(help="Part of the name.")] = None,
    customer_class: Annotated[str | None, typer.Option("--class", help="One class, such as vip.")] = None,
    region: Annotated[str | None, typer.Option(help="One region.")] = None,
    mark: Annotated[MarkName | None, typer.Option(help="With this mark on a number.")] = None,
) -> None:
    """List customers, newest first."""
    asked = {"number": number, "name": name, "class": customer_class, "region": region, "mark": mark}
    show(request("GET", f"/api/v1/customers?{_query(limit, asked)}")["items"], COLUMNS, as_json)


@app.command("show")
def show_one(
    customer: Annotated[str, typer.Argument(help="The customer's id, or one of the telephone numbers.")],
    as_json: Json = False,
) -> None:
    """Show one customer's file with the marks on the numbers."""
    row = _one(customer)
    if as_json:
        print_json(row)
        return
    say(f"customer {row['id']} {row['name'] or ''}".rstrip())
    for line in fields(row, [name for name in row if name not in ("id", "name")], zone()):
        say(line)


@app.command()
def add(
    number: Annotated[list[str] | None, typer.Option(help="A telephone number; may be given again.")] = None,
    name: Annotated[str, typer.Option(help="The name.")] = "",
    customer_class: Annotated[str, typer.Option("--class", help="The class; vip is greeted and queued as VIP.")] = "",
    region: Annotated[str, typer.Option(help="The region.")] = "",
    registered: Annotated[str, typer.Option(help="The day since which the customer is one: 2027-01-15.")] = "",
    ref: Annotated[str, typer.Option(help="The customer's number in another system.")] = "",
    note_: Annotated[str, typer.Option("--note", help="A note.")] = "",
    identity: Annotated[str, typer.Option(help="Digits that only the customer knows; only a digest is kept.")] = "",
    as_json: Json = False,
) -> None:
    """Add a customer."""
    body: dict[str, Any] = {"numbers": number or [], "name": name, "class": customer_class, "region": region}
    body |= {"registered_on": registered, "ref": ref, "note": note_, "identity": identity or None}
    made = request("POST", "/api/v1/customers", body)
    if as_json:
        print_json(made)
    else:
        say(f"customer {made['id']} is added")


@app.command("set")
def set_(
    customer: Annotated[str, typer.Argument(help="The customer's id, or one of the telephone numbers.")],
    number: Annotated[list[str] | None, typer.Option(help="All numbers from now on; may be given again.")] = None,
    name: Annotated[str | None, typer.Option(help="The name.")] = None,
    customer_class: Annotated[str | None, typer.Option("--class", help="The class, such as vip; '' for none.")] = None,
    region: Annotated[str | None, typer.Option(help="The region.")] = None,
    registered: Annotated[str | None, typer.Option(help="The day since which the customer is one.")] = None,
    ref: Annotated[str | None, typer.Option(help="The customer's number in another system.")] = None,
    note_: Annotated[str | None, typer.Option("--note", help="A note.")] = None,
    identity: Annotated[str | None, typer.Option(help="Digits that only the customer knows; '' forgets them.")] = None,
    reason: Annotated[str, typer.Option(help="Why; it is kept with the act.")] = "",
) -> None:
    """Change parts of a customer's file."""
    given = {"numbers": number, "name": name, "class": customer_class, "region": region, "registered_on": registered}
    given |= {"ref": ref, "note": note_, "identity": identity}
    body = {key: value for key, value in given.items() if value is not None}
    if not body:
        raise Refused("nothing is to be changed: give an option, such as --class vip")
    found = _one(customer)
    done = request("PATCH", f"/api/v1/customers/{found['id']}", {**body, "reason": reason})
    say(f"customer {done['id']} is changed")


@app.command()
def remove(
    customer: Annotated[str, typer.Argument(help="The customer's id, or one of the telephone numbers.")],
    reason: Annotated[str, typer.Option(help="Why; it is kept with the act.")],
) -> None:
    """Remove a customer's file. The marks on the numbers stay."""
    found = _one(customer)
    request("DELETE", f"/api/v1/customers/{found['id']}?{urlencode({'reason': reason})}")
    say(f"customer {found['id']} is removed")


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="CSV in UTF-8 or gb18030; docs/customers.md has the columns.")],
    skip_bad: Annotated[bool, typer.Option(help="Take in the good lines although there are bad ones.")] = False,
    check: Annotated[bool, typer.Option(help="Report only: nothing is taken in.")] = False,
    as_json: Json = False,
) -> None:
    """Take in a table of customers. With a bad line nothing is taken in, unless --skip-bad."""
    asked = {"source": file.name, "skip_bad": skip_bad, "check": check}
    report = send_table("/api/v1/customers/import", file, asked)
    show_report(report, "customers", as_json)


@app.command()
def mark(
    number: TelephoneArgument,
    mark: Annotated[MarkName, typer.Argument(help="What the hotline is to do.")],
    reason: Annotated[str, typer.Option(help="Why; it is kept with the act.")],
    until: Until = None,
) -> None:
    """Mark a number. A nuisance holds when a supervisor has confirmed it."""
    _told(request("POST", "/api/v1/customers/marks", _mark(number, mark, reason, until)))


@app.command()
def confirm(
    number: TelephoneArgument,
    mark: Annotated[MarkName, typer.Argument(help="Which mark.")] = "nuisance",
    reason: Annotated[str, typer.Option(help="Why; it is kept with the act.")] = "",
    until: Until = None,
) -> None:
    """Confirm a proposed mark."""
    _told(request("POST", "/api/v1/customers/marks/confirm", _mark(number, mark, reason, until)))


@app.command()
def unmark(
    number: TelephoneArgument,
    mark: Annotated[MarkName, typer.Argument(help="Which mark.")],
    reason: Annotated[str, typer.Option(help="Why; it is kept with the act.")] = "",
) -> None:
    """Lift a mark."""
    _told(request("POST", "/api/v1/customers/marks/lift", _mark(number, mark, reason, None)))


@app.command()
def marks(
    as_json: Json = False,
    limit: Limit = 100,
    number: Annotated[str | None, typer.Option(help="Of this number, and the others of its customer.")] = None,
    mark: Annotated[MarkName | None, typer.Option(help="One kind.")] = None,
    state: Annotated[StateName | None, typer.Option(help="One state.")] = None,
) -> None:
    """List marks on numbers, newest first."""
    asked = {"number": number, "mark": mark, "state": state}
    show(request("GET", f"/api/v1/customers/marks?{_query(limit, asked)}")["items"], MARK_COLUMNS, as_json)


def send_table(path: str, file: Path, asked: dict[str, Any]) -> Any:
    """Give a table to the server; the report. Raises Refused."""
    try:
        data = file.read_bytes()
    except OSError as error:
        raise Refused(f"{file} cannot be read: {error.strerror}") from None
    query = urlencode({key: str(value).lower() if isinstance(value, bool) else value for key, value in asked.items()})
    return request("POST", f"{path}?{query}", data, within=_IMPORT_WITHIN)


def show_report(report: dict[str, Any], what: str, as_json: bool) -> None:
    """Print the report of a table; exit 1 when bad lines kept it from being taken in."""
    if as_json:
        print_json(report)
    else:
        for bad in report["bad"]:
            column = f", column {bad['column']}" if bad["column"] else ""
            note(f"line {bad['line']}{column}: {bad['why']}: {bad['do']}")
        counts = f"{report['created']} new, {report['changed']} changed, {report['unchanged']} as they were"
        state = "taken in" if report["taken"] else "nothing is taken in"
        say(f"{report['lines']} lines ({report['encoding']}): {counts}, {len(report['bad'])} faults; {state}")
    if report["bad"] and not report["taken"]:
        sys.exit(1)


def _one(customer: str) -> Any:
    digits = sum(each.isdecimal() for each in customer)
    if customer.isdecimal() and digits < _SHORTEST_NUMBER:
        return request("GET", f"/api/v1/customers/{customer}")
    found = request("GET", f"/api/v1/customers?{urlencode({'number': customer})}")["items"]
    if not found:
        raise Refused(f"nobody's file has the number {customer}: see `sansheng customer list`")
    return found[0]


def _query(limit: int, asked: dict[str, Any]) -> str:
    return urlencode({"limit": limit, **{key: value for key, value in asked.items() if value is not None}})


def _mark(number: str, mark: str, reason: str, until: str | None) -> dict[str, Any]:
    body: dict[str, Any] = {"number": number, "mark": mark, "reason": reason}
    if until is not None:
        body["until"] = ahead(until, "--until").isoformat()
    return body


def _told(row: dict[str, Any]) -> None:
    ends = f" until {row['until']}" if row["until"] else ""
    say(f"{row['number']}: {row['mark']} is {row['state'].replace('_', ' ')}{ends}")
