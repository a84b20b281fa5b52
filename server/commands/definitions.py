"""`sansheng definitions`: versions of the definitions: list, show, diff, publish, undo."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any

import typer

from server.commands.output import Json, note, print_json, say, show
from server.commands.shared import Refused, request

app = typer.Typer(help="Definitions: every version, what changed, publish, undo.", no_args_is_help=True)

COLUMNS = ("version", "at", "by", "how", "parts", "reason", "refused")
Files = Annotated[
    list[Path] | None,
    typer.Argument(metavar="[FILE]...", help="hotline.toml, holidays.toml, prompts.toml, or a flow's file."),
]
Sets = Annotated[
    list[str] | None,
    typer.Option("--set", help="One key of hotline.toml: queues.complaint.ring_for=25; may be given again."),
]
Reason = Annotated[str, typer.Option(help="Why; it is kept with the version.")]


@app.command("list")
def list_(
    as_json: Json = False,
    limit: Annotated[int, typer.Option(help="How many at most, newest first.", min=1, max=1000)] = 100,
) -> None:
    """List the versions, newest first."""
    show(request("GET", f"/api/v1/definitions/versions?limit={limit}")["items"], COLUMNS, as_json)


@app.command("show")
def show_(
    part: Annotated[str, typer.Argument(help="hotline, holidays, prompts, flow.NAME, or a version's number.")] = "",
    as_json: Json = False,
) -> None:
    """Show the version in force with its parts, the text of one part, or what one version changed."""
    if not part:
        found = request("GET", "/api/v1/definitions")
        if as_json:
            print_json(found)
            return
        say(f"version {found['version']} is in force")
        show(found["parts"], ("part", "file", "source"), False)
    elif part.isdigit():
        found = request("GET", f"/api/v1/definitions/versions/{part}")
        print_json(found) if as_json else _tell(found["changes"])
    else:
        found = request("GET", f"/api/v1/definitions/parts/{part}")
        print_json(found) if as_json else say(found["text"].rstrip("\n"))


@app.command()
def diff(files: Files = None, sets: Sets = None, as_json: Json = False) -> None:
    """Show what these files or keys would change, and what a check finds. Exit 1 if there is an error."""
    found = request("POST", "/api/v1/definitions/check", {"changes": _changes(files, sets)})
    if as_json:
        print_json(found)
    else:
        _tell(found["changes"])
        for each in found["findings"]:
            key = f"{each['key']}: " if each["key"] else ""
            say(f"{each['severity']}: {each['file']}:{each['line']}: {key}{each['sentence']}")
    if not found["usable"]:
        raise typer.Exit(1)


@app.command()
def publish(files: Files = None, sets: Sets = None, reason: Reason = "") -> None:
    """Publish these files or keys: every server takes them over at once."""
    changes = _changes(files, sets)
    version = request("GET", "/api/v1/definitions")["version"]
    body = {"changes": changes, "reason": reason}
    done = request("POST", "/api/v1/definitions/publish", body, headers={"If-Match": f'"v{version}"'})
    say(f"version {done['version']} is in force: {', '.join(done['parts'])}")


@app.command()
def undo(
    to: Annotated[int | None, typer.Option(help="The version to return to; left out, the one before.", min=0)] = None,
    reason: Reason = "",
) -> None:
    """Publish the texts of a former version again."""
    body: dict[str, Any] = {"reason": reason} | ({} if to is None else {"to": to})
    done = request("POST", "/api/v1/definitions/undo", body)
    say(f"version {done['version']} is in force: the texts of version {done['restores'] or 0} hold again")


def _changes(files: list[Path] | None, sets: list[str] | None) -> list[dict[str, Any]]:
    changes = [{"part": _part(file), "text": _read(file)} for file in files or ()]
    changes += [_set(each) for each in sets or ()]
    if not changes:
        raise Refused("name a file, or give --set KEY=VALUE")
    return changes


def _part(file: Path) -> str:
    name = file.name
    own = {"hotline.toml": "hotline", "holidays.toml": "holidays", "prompts.toml": "prompts"}
    if name in own and file.parent.name != "flows":
        return own[name]
    if file.suffix != ".toml":
        raise Refused(f"{file}: definitions are hotline.toml, holidays.toml, prompts.toml and flows/NAME.toml")
    return f"flow.{file.stem}"


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"{file} cannot be read: {error}") from None


def _set(text: str) -> dict[str, Any]:
    """`queues.complaint.ring_for=25`; the value as TOML has it, or a word."""
    key, is_set, value = text.partition("=")
    try:
        path: list[str] = []
        found: Any = tomllib.loads(f"{key.strip()} = 0")
        while isinstance(found, dict):
            (name, found), *_ = found.items()
            path.append(name)
        if not is_set:
            raise ValueError
    except ValueError:
        raise Refused(f"--set {text}: write KEY=VALUE, such as queues.complaint.ring_for=25") from None
    try:
        given = tomllib.loads(f"x = {value}")["x"]
    except ValueError:
        given = value
    return {"part": "hotline", "key": path, "value": given}


def _tell(changes: list[dict[str, Any]]) -> None:
    for each in changes:
        for change in each["keys"]:
            note(f"{each['file']}: {change['sentence']}")
        say(each["unified"])
