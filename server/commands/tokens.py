"""`sansheng token`: access tokens for people and services. `sansheng audit`: privileged acts that were done."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

import typer

from server.commands.output import Json, note, print_json, say, show
from server.commands.shared import Refused, ahead, request

tokens = typer.Typer(help="Access tokens: create, list, revoke.", no_args_is_help=True)
audit = typer.Typer(help="The audit: privileged acts, and every listening.", no_args_is_help=True)

COLUMNS = ("id", "name", "role", "agent", "scopes", "holds", "created_at", "created_by", "expires_at", "revoked_at")
ENTRIES = ("at", "by", "role", "origin", "act", "subject", "reason")
_PERIOD = re.compile(r"([1-9][0-9]{0,3})([dhm])")
_UNITS = {"d": "days", "h": "hours", "m": "minutes"}

RoleName = Literal["agent", "leader", "supervisor", "qa", "department", "administrator", "service"]


@tokens.command()
def create(
    role: Annotated[RoleName, typer.Option(help="What the holder may do: see docs/access.md.")],
    name: Annotated[str, typer.Option(help="The holder's name: the records keep it with every act.")],
    agent: Annotated[str, typer.Option(help="The holder's work number; roles agent and leader need one.")] = "",
    scope: Annotated[
        list[str] | None, typer.Option(help="What a service may do: calls.read, callbacks.*; may be given again.")
    ] = None,
    expires: Annotated[str | None, typer.Option(help="90d, 12h, or an instant such as 2027-01-15T18:00.")] = None,
    as_json: Json = False,
) -> None:
    """Create a token and print it once. It is stored nowhere: the server keeps only its SHA-256."""
    body: dict[str, Any] = {"name": name, "role": role, "agent": agent, "scopes": scope or []}
    if expires is not None:
        body["expires_at"] = _end(expires).isoformat()
    made = request("POST", "/api/v1/tokens", body)
    if as_json:
        print_json(made)
        return
    say(made["token"])
    note(f"token {made['id']} {name}: {role}; use it as SANSHENG_API_TOKEN, or as the bearer token of /api/v1")


@tokens.command("list")
def list_(as_json: Json = False) -> None:
    """List all tokens, newest first, also expired and revoked ones."""
    show(request("GET", "/api/v1/tokens")["items"], COLUMNS, as_json)


@tokens.command()
def revoke(
    token: Annotated[str, typer.Argument(help="The token's number or name, as the list shows it.")],
    reason: Annotated[str, typer.Option(help="Why; it is kept with the act.")] = "",
) -> None:
    """Revoke a token, at once and on every server."""
    rows = request("GET", "/api/v1/tokens")["items"]
    found = [row for row in rows if token in (str(row["id"]), row["name"])]
    holding = [row for row in found if row["holds"]] or found
    if not holding:
        raise Refused(f"there is no token {token}: see `sansheng token list`")
    done = request("POST", f"/api/v1/tokens/{holding[0]['id']}/revoke", {"reason": reason})
    say(f"token {done['id']} {done['name']} is revoked")


@audit.command("list")
def audit_list(
    as_json: Json = False,
    limit: Annotated[int, typer.Option(help="How many at most, newest first.", min=1, max=1000)] = 100,
    by: Annotated[str | None, typer.Option(help="Acts of this person.")] = None,
    act: Annotated[str | None, typer.Option(help="One act: conversations.monitor, recordings.pull, …")] = None,
) -> None:
    """List privileged acts and every listening, newest first."""
    asked = {"limit": limit, **{key: value for key, value in (("by", by), ("act", act)) if value}}
    show(request("GET", f"/api/v1/audit?{urlencode(asked)}")["items"], ENTRIES, as_json)


def _end(text: str) -> datetime:
    """When a token expires: after a period from now, or at an instant. Raises Refused."""
    if match := _PERIOD.fullmatch(text):
        return datetime.now(UTC) + timedelta(**{_UNITS[match[2]]: int(match[1])})
    return ahead(text, "--expires")
