"""`sansheng simulate`: days that did not happen, on the same floor in virtual time."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from server.commands.output import Json


def simulate(
    scenario: Annotated[
        str, typer.Argument(help="A scenario file, or the name of one that comes with the product.")
    ] = "",
    runs: Annotated[int, typer.Option(help="How many days to play.", min=1, max=100_000)] = 10,
    seed: Annotated[int, typer.Option(help="The same seed gives the same days.", min=0)] = 1,
    compare: Annotated[
        list[str] | None,
        typer.Option(
            metavar="POLICY", help="Also play app_queue:…, mod_callcenter:…, or a hotline file, on these days."
        ),
    ] = None,
    staff: Annotated[str, typer.Option(help="Find the fewest agents per interval: 80/20 is 80 % within 20 s.")] = "",
    from_day: Annotated[str, typer.Option(help="Fit the scenario to this recorded day, such as 2027-01-15.")] = "",
    save: Annotated[Path | None, typer.Option(help="Write the fitted scenario to this file.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw the day into this SVG file.")] = None,
    as_json: Json = False,
) -> None:
    """Play days of a scenario: service level, waits, abandonment, occupancy, with 95 % confidence intervals."""
    from server.commands import simulated  # numbers take a second to load: only here

    played = simulated.choose(scenario, from_day, save)
    candidates = simulated.candidates(compare or [])
    if staff:
        simulated.plan(simulated.with_target(played, staff), candidates, runs, seed, as_json)
    else:
        simulated.play(played, candidates, runs, seed, plot, as_json)
