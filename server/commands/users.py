"""`sansheng user`: people who sign in to the desk, their roles, passwords and sessions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from server.commands.output import Json, note, print_json, say, show
from server.commands.shared import Refused, request

app = typer.Typer(help="Users: people who sign in to the desk.", no_args_is_help=True)

COLUMNS = ("name", "display", "role", "agent", "teams", "department", "disabled", "must_change_password", "added_at")
SESSIONS = ("id", "user", "by", "origin", "client", "began_at", "seen_at", "expires_at")

PersonsRole = Literal["agent", "leader", "supervisor", "qa", "department", "administrator"]
Name = Annotated[str, typer.Argument(help="The user's name, as typed at the sign-in.")]
PasswordFile = Annotated[
    Path | None, typer.Option(help="File with the password; '-' for the standard input. Without it one is made up.")
]
MustChange = Annotated[
    bool | None,
    typer.Option(
        "--must-change/--keeps", help="Whether the user has to choose another one first; yes for one made up."
    ),
]


@app.command()
def add(
    name: Name,
    role: Annotated[PersonsRole, typer.Option(help="What the user may do: see docs/access.md.")],
    agent: Annotated[str, typer.Option(help="The user's work number; the role agent needs one.")] = "",
    display: Annotated[str | None, typer.Option(help="The name that people are shown.")] = None,
    team: Annotated[list[str] | None, typer.Option(help="A team that a leader leads; may be given again.")] = None,
    department: Annotated[str, typer.Option(help="The department of a user of this role.")] = "",
    language: Annotated[str, typer.Option(help="The language of the desk: zh-CN or en.")] = "",
    password_file: PasswordFile = None,
    must_change: MustChange = None,
    as_json: Json = False,
) -> None:
    """Add a user. Without --password-file a password is made up and printed once."""
    body: dict[str, Any] = {"name": name, "role": role, "agent": agent, "teams": team or [], "department": department}
    body |= {"language": language, "must_change_password": must_change}
    if display is not None:
        body["display"] = display
    if password_file is not None:
        body["password"] = _password(password_file)
    made = request("POST", "/api/v1/users", body)
    _told(made, as_json, f"user {made['name']}: {made['role']}")


@app.command("list")
def list_(as_json: Json = False) -> None:
    """List all users by name, those who are disabled too."""
    show(request("GET", "/api/v1/users")["items"], COLUMNS, as_json)


@app.command()
def change(
    name: Name,
    role: Annotated[PersonsRole | None, typer.Option(help="Another role; it ends the user's sessions.")] = None,
    agent: Annotated[str | None, typer.Option(help="Another work number; '' for none.")] = None,
    display: Annotated[str | None, typer.Option(help="The name that people are shown.")] = None,
    team: Annotated[list[str] | None, typer.Option(help="The teams that a leader leads; may be given again.")] = None,
    department: Annotated[str | None, typer.Option(help="The department of a user of this role.")] = None,
    language: Annotated[str | None, typer.Option(help="The language of the desk: zh-CN or en.")] = None,
    as_json: Json = False,
) -> None:
    """Change a user; what is not given stays as it is."""
    given = {"role": role, "agent": agent, "display": display, "department": department, "language": language}
    body: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    if team is not None:
        body["teams"] = [each for each in team if each]
    changed = request("PATCH", f"/api/v1/users/{_path(name)}", body)
    _told(changed, as_json, f"user {changed['name']}: {changed['role']}")


@app.command()
def disable(
    name: Name,
    reason: Annotated[str, typer.Option(help="Why; it is kept with the act.")] = "",
    as_json: Json = False,
) -> None:
    """Disable a user, whose sessions end at once on every server."""
    done = request("POST", f"/api/v1/users/{_path(name)}/disable", {"reason": reason})
    _told(done, as_json, f"user {done['name']} is disabled")


@app.command()
def enable(name: Name, as_json: Json = False) -> None:
    """Let a disabled user sign in again."""
    done = request("POST", f"/api/v1/users/{_path(name)}/enable")
    _told(done, as_json, f"user {done['name']} can sign in again")


@app.command()
def passwd(
    name: Name, password_file: PasswordFile = None, must_change: MustChange = None, as_json: Json = False
) -> None:
    """Give a user another password; the user's sessions end. Without --password-file it is made up and printed once."""
    body: dict[str, Any] = {"must_change_password": must_change}
    if password_file is not None:
        body["password"] = _password(password_file)
    made = request("POST", f"/api/v1/users/{_path(name)}/password", body)
    _told(made, as_json, f"user {made['name']} has another password")


@app.command()
def sessions(
    name: Annotated[str | None, typer.Argument(help="Sessions of this user alone.")] = None,
    end: Annotated[str | None, typer.Option(help="End the session with this number.")] = None,
    as_json: Json = False,
) -> None:
    """List the sessions that hold, newest first, or end one."""
    if end is not None:
        request("DELETE", f"/api/v1/sessions/{_path(end)}")
        say(f"session {end} is ended")
        return
    rows = request("GET", "/api/v1/sessions")["items"]
    show([row for row in rows if name in (None, row["user"])], SESSIONS, as_json)


def _told(made: dict[str, Any], as_json: bool, sentence: str) -> None:
    if as_json:
        print_json(made)
    elif made.get("password"):
        say(made["password"])
        note(f"{sentence}; this password is shown only here, and has to be changed at the first sign-in")
    else:
        say(sentence)


def _path(text: str) -> str:
    from urllib.parse import quote

    return quote(text, safe="") or "-"


def _password(file: Path) -> str:
    """The first line of the file. Raises Refused."""
    import sys

    try:
        text = sys.stdin.readline() if str(file) == "-" else file.read_text("utf-8")
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it is no text"
        raise Refused(f"{file} cannot be read ({why}): name a file with the password") from None
    lines = text.splitlines()
    if not lines or not lines[0]:
        raise Refused(f"{file} is empty: write the password into its first line")
    return lines[0]
