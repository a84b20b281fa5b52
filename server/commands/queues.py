"""`sansheng queue`: the queues as they are now. Only a running server knows which calls wait."""

from __future__ import annotations

import typer

from server.commands.output import Json, show
from server.commands.shared import request

app = typer.Typer(help="Queues: calls that wait, and agents who could take them.", no_args_is_help=True)

COLUMNS = (
    "name", "waiting", "longest_wait", "promised", "callback", "agents", "available", "ready", "skill", "priority",
    "strategy",
)  # fmt: skip


@app.callback()
def queue() -> None:
    """Queues: calls that wait, and agents who could take them."""


@app.command("list")
def list_(as_json: Json = False) -> None:
    """List the queues with the calls that wait in them, and the agents who could serve them."""
    show(request("GET", "/api/v1/queues")["items"], COLUMNS, as_json)
