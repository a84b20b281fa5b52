"""`sansheng trunk`: the lines to the carriers: their health, a number's way, a trial call, a trace, their secrets."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlencode

import typer

from server.commands.output import Json, note, print_json, say, show
from server.commands.shared import Down, Refused, request, settings

if TYPE_CHECKING:
    from server.hotline.trunks import Trunk

app = typer.Typer(help="Trunks: list, check, test, trace, secret.", no_args_is_help=True)

COLUMNS = ("name", "up", "registered", "calls", "max_calls", "problem")
_CALL = 90.0
"""Seconds that a trial call may take."""


@app.command("list")
def list_(as_json: Json = False) -> None:
    """List the trunks, in the order in which outgoing calls try them."""
    show(request("GET", "/api/v1/trunks")["items"], COLUMNS, as_json)


@app.command()
def check() -> None:
    """Check the configuration and the health of each trunk. Exit 1 if one cannot be used."""
    configured = _configured()
    problems = []
    try:
        rows: list[dict[str, Any]] | None = request("GET", "/api/v1/trunks")["items"]
    except Down as down:
        rows = None
        problems.append(f"health unknown: {down}")
    names = {row["name"] for row in rows or ()}
    for trunk in configured:
        problem = _of_configuration(trunk)
        if not problem and rows is not None and trunk.name not in names:
            problem = "the server does not have it: see its warnings (`sansheng doctor`)"
        if problem:
            problems.append(f"trunk {trunk.name}: {problem}")
        elif rows is None:
            say(f"trunk {trunk.name}: the configuration is usable")
    known = {trunk.name for trunk in configured if _of_configuration(trunk)}
    for row in rows or ():
        if row["problem"] and row["name"] not in known:
            problems.append(
                row["problem"] if row["problem"].startswith("trunk ") else f"trunk {row['name']}: {row['problem']}"
            )
        elif not row["problem"]:
            registered = {None: "", True: ", registered", False: ""}[row["registered"]]
            say(f"trunk {row['name']}: up{registered}, {row['calls']} calls")
    if not configured and not names:
        say("there is no trunk: see docs/trunks.md")
    if problems:
        raise Refused("; ".join(problems))


@app.command("test")
def try_(
    number: Annotated[str, typer.Argument(help="An outside number, however it is written.")],
    call: Annotated[bool, typer.Option("--call", help="Call it, for a second at most.")] = False,
    as_json: Json = False,
) -> None:
    """Say which trunk a number would go by and why the others would not; with --call, what the carrier answers."""
    routes = request("GET", f"/api/v1/trunks/route?{urlencode({'number': number})}")["items"]
    taken = next((route for route in routes if not route["why_not"]), None)
    answer = None
    if call and taken is not None:
        answer = request("POST", "/api/v1/trunks/test", {"number": number}, within=_CALL)
    if as_json:
        print_json({"routes": routes, "call": answer})
    else:
        for route in routes:
            why = f"not: {route['why_not']}" if route["why_not"] else f"dials {route['dialled']}"
            say(f"{'->' if route is taken else '  '} {route['trunk']}: {why}")
        if answer is not None:
            say(f"the carrier answered {answer['sip'] or 'nothing'}: {answer['detail']}")
    if taken is None:
        raise Refused(f"no trunk takes {number}")
    if answer is not None and not answer["answered"]:
        raise typer.Exit(1)


@app.command()
def trace(
    to: Annotated[Path, typer.Option("--to", help="The file that the messages go to; it must not exist.")],
    seconds: Annotated[float, typer.Option(min=1, max=300, help="How long.")] = 10.0,
) -> None:
    """Write SIP messages into a file for the carrier: numbers are masked, secrets and keys left out."""
    if to.exists():
        raise Refused(f"{to} exists: name a file that does not")
    note(f"messages of the next {seconds:g} s go to {to}")
    text = request("POST", "/api/v1/trunks/trace", {"seconds": seconds}, within=seconds + 15)["text"]
    try:
        with open(os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise Refused(f"{to} cannot be written: {error.strerror}") from None
    say(f"{text.count(chr(10) + '--- ') + text.startswith('--- ')} messages in {to}")


@app.command()
def secret(
    name: Annotated[str, typer.Argument(help="The trunk, as in [trunks.NAME].")],
    file: Annotated[Path, typer.Option("--file", help="A file whose first line is the carrier's secret.")],
) -> None:
    """Keep a trunk's secret in a file that only this user may read, and let a running server take it over."""
    from server.hotline.trunk_secrets import store

    here = settings()
    if name not in {trunk.name for trunk in _configured()}:
        raise Refused(f"there is no trunk {name} in hotline.toml: write [trunks.{name}] first")
    try:
        value = next(iter(file.read_text(encoding="utf-8").splitlines()), "")
        kept = store(here.root, name, value)
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"{file} cannot be read or kept: {error}") from None
    except ValueError as error:
        raise Refused(f"{file}: {error}") from None
    say(f"the secret of trunk {name} is in {kept}")
    try:
        request("POST", "/api/v1/definitions/reload")
    except Down:
        note("no server runs: it is used from the next start on")


def _configured() -> tuple[Trunk, ...]:
    """The trunks of hotline.toml. Raises Refused with file, line and key of what cannot be used."""
    from server.hotline.definitions import load
    from tables.toml import DefinitionFault

    try:
        return load(settings().root).trunks
    except DefinitionFault as fault:
        raise Refused(str(fault)) from None


def _of_configuration(trunk: Trunk) -> str:
    from server.hotline.trunk_secrets import missing

    return missing(settings().root, trunk)
