"""`sansheng holidays`: the public holidays that are known, and a table of a year that is taken over."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from server.commands.output import Json, print_json, say
from server.commands.shared import Refused, request, zone

app = typer.Typer(help="Public holidays: show a year, import a table.", no_args_is_help=True)


@app.command("list")
def list_(
    year: Annotated[int | None, typer.Option(help="The year; this one if left out.", min=2000, max=2099)] = None,
    as_json: Json = False,
) -> None:
    """List a year's public holidays, and the weekend days that are worked for them."""
    found = request("GET", f"/api/v1/holidays/{year or datetime.now(UTC).astimezone(zone()).year}")
    if as_json:
        print_json(found)
        return
    if not found["known"]:
        say(f"the public holidays of {found['year']} are not known: these are the statutory days")
    for kind in ("days", "makeup_days"):
        say(f"{kind.replace('_', ' ')}: {' '.join(found[kind]) or 'none'}")


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="TOML: [2027] with days, makeup_days and source; see docs/flows.md.")],
) -> None:
    """Take over the public holidays of each year in the file."""
    from tables.toml import DefinitionFault, read

    try:
        data, _ = read(file)
    except DefinitionFault as fault:
        raise Refused(str(fault)) from None
    if not data:
        raise Refused(f"{file} names no year: a table is named after its year, such as [2027]")
    for year, table in data.items():
        if not isinstance(table, dict) or not year.isdecimal():
            raise Refused(f"{file}: {year} is no year: a table is named after its year, such as [2027]")
        body = {key: [str(day) for day in value] if isinstance(value, list) else value for key, value in table.items()}
        taken = request("PUT", f"/api/v1/holidays/{year}", body)
        say(f"{year}: {len(taken['days'])} public holidays, {len(taken['makeup_days'])} make-up workdays")
