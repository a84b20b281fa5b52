"""How commands print: tables for people, JSON for programs. Lines are never wrapped, and no character is dropped."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from server.commands.shared import zone

say = typer.echo
"""A line to standard output."""


def note(line: str) -> None:
    """A line to standard error, apart from a command's output. Where that is a file on a full disk, it is left out."""
    with suppress(OSError):
        typer.echo(line, err=True)


INSTANTS = ("at", "since", "until", "from", "to", "respond_by", "resolve_by", "promised_for")
"""Columns with an instant whose name does not end in `_at`."""
Json = Annotated[bool, typer.Option("--json", help="Print all fields as JSON.")]


def print_json(value: Any) -> None:
    """A value as JSON, readable by people too."""
    say(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def show(rows: Iterable[Mapping[str, Any]], columns: Sequence[str], as_json: bool) -> None:
    """Print rows as a table of some columns, or all their fields as JSON."""
    rows = list(rows)
    if as_json:
        print_json(rows)
    elif not rows:
        say("none")
    else:
        for line in table(rows, columns, zone()):
            say(line)


def table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], where: ZoneInfo) -> list[str]:
    """Lines with aligned columns, the first naming them; a Chinese character is two columns wide."""
    cells = [[_heading(column) for column in columns]]
    cells += [[cell(column, row.get(column), where) for column in columns] for row in rows]
    widths = [max(_width(line[place]) for line in cells) for place in range(len(columns))]
    return ["  ".join(map(_padded, line, widths)).rstrip() for line in cells]


def cell(column: str, value: Any, where: ZoneInfo) -> str:
    """One value as people read it; instants (`…_at`, `since`) in the zone of the hotline."""
    if value is None:
        return "-"
    if isinstance(value, Mapping):
        return " ".join(f"{key}:{each}" for key, each in value.items()) or "-"
    if isinstance(value, (list, tuple)):
        return " ".join(map(str, value)) or "-"
    if column.endswith("_at") or column in (
        "at",
        "since",
        "until",
        "from",
        "to",
        "respond_by",
        "resolve_by",
        "promised_for",
    ):
        return clock(str(value), where)
    if isinstance(value, float):
        return f"{value:.1f}"
    return " ".join(str(value).split())


def clock(instant: str, where: ZoneInfo) -> str:
    """An instant of the records in the hotline's zone: `2027-01-15 16:00:00`."""
    try:
        return f"{datetime.fromisoformat(instant).astimezone(where):%Y-%m-%d %H:%M:%S}"
    except ValueError:
        return instant


def fields(row: Mapping[str, Any], names: Iterable[str], where: ZoneInfo) -> list[str]:
    """The fields that have a value, one a line."""
    return [
        f"  {_heading(name):<14}{cell(name, row[name], where)}" for name in names if row.get(name) not in (None, [], {})
    ]


def _heading(column: str) -> str:
    return column.removesuffix("_at").replace("_", " ")


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _width(text))
