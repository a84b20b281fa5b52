"""`sansheng privacy`: deletion on a person's request. Needs a running server."""

from __future__ import annotations

from typing import Annotated

import typer

from server.commands.output import Json, print_json, say
from server.commands.shared import request

privacy = typer.Typer(help="Personal data: delete what is kept of a person, and say what stays.", no_args_is_help=True)


@privacy.command("delete")
def delete(
    number: Annotated[str, typer.Argument(help="The person's telephone number.")],
    why: Annotated[str, typer.Option("--why", help="Why; it is kept in the audit.")],
    really: Annotated[
        bool, typer.Option("--really", help="Delete; without it the command says what it would.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Delete recordings, messages and the number of a person; say what stays, and why."""
    body = {"number": number, "reason": why, "dry_run": not really}
    found = request("POST", "/api/v1/privacy/delete", body, within=600.0)
    if as_json:
        print_json(found)
        return
    verb = "deleted" if found["done"] else "would be deleted (say --really)"
    deleted = found["deleted"]
    numbers = ", ".join(map(str, deleted["recordings"])) or "none"
    say(f"{found['number']}: {verb}")
    say(f"  recordings: {numbers}")
    say(f"  messages: {deleted['messages']}")
    for table, count in deleted["rows"].items():
        say(f"  the number in {count} row{'' if count == 1 else 's'} of {table}")
    say("stays")
    for each in found["stays"]:
        say(f"  {each['what']}: {each['why']}")
