"""`sansheng replay`: a past day played again, with its own rules or with others."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from server.commands.output import Json


def replay(
    day: Annotated[str, typer.Option(help="The day in the hotline's zone, such as 2027-01-15.")],
    definitions: Annotated[
        Path | None, typer.Option(help="Play the day with the rules of this hotline file, and show what changes.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Play a recorded day again. Exit 1 when a decision differs from the one in the log."""
    from server.commands import replayed  # numbers take a second to load: only here

    if definitions is None:
        replayed.again(day, as_json)
    else:
        replayed.otherwise(day, definitions, as_json)
