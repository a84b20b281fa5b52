"""What every command needs: settings, the server's API, the records, and a way to print."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import httpx
import typer
from rich.console import Console
from rich.table import Table

from server.config import Settings, SettingsError, load_settings
from server.storage.database import DatabaseError, open_database
from server.storage.queries import Queries

console = Console()


class Refused(Exception):
    """What was asked cannot be done; the text is the one sentence that the user reads."""


def settings() -> Settings:
    """This installation's settings. Raises Refused."""
    try:
        return load_settings()
    except SettingsError as error:
        raise Refused(str(error)) from None


def request(method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
    """Ask the server on this machine. Raises Refused with what it answers, or that it does not."""
    here = settings()
    try:
        token = here.token_file.read_text(encoding="ascii").strip()
    except OSError:
        raise Refused(f"no server was ever started in {here.root}: start it with `make run`") from None
    try:
        answer = httpx.request(
            method,
            here.api + path,
            json=body,
            headers={"Authorization": f"Bearer {token}"},
            timeout=15,
            trust_env=False,
        )
    except httpx.TransportError:
        raise Refused(f"no server answers at {here.api}: start it with `make run`") from None
    try:
        data = answer.json()
    except ValueError:
        raise Refused(f"{here.api} is not a Sansheng server: set SANSHENG_HTTP_PORT") from None
    if answer.is_error:
        detail = data.get("detail", answer.reason_phrase)
        if isinstance(detail, list):
            detail = "; ".join(f"{'.'.join(map(str, each['loc'][1:]))}: {each['msg']}" for each in detail)
        raise Refused(str(detail))
    return data


def queries() -> Queries:
    """The records, for reading. Raises Refused when there are none."""
    here = settings()
    if not here.database_url and not (here.root / "records.db").exists():
        raise Refused(f"there are no records in {here.root}: start the server with `make run`")
    try:
        return Queries(open_database(here.records_url).read)
    except DatabaseError as error:
        raise Refused(str(error)) from None


def show(rows: Iterable[Mapping[str, Any]], columns: Sequence[str], as_json: bool) -> None:
    """Print rows as a table, or all their fields as JSON."""
    rows = list(rows)
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=2, default=str))
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column.replace("_", " "))
    for row in rows:
        table.add_row(*(_text(row.get(column)) for column in columns))
    console.print(table if rows else "none")


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return " ".join(f"{key}:{each}" for key, each in value.items())
    if isinstance(value, (list, tuple)):
        return " ".join(map(str, value))
    return str(value)
