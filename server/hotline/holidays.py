"""The public holidays in force: those that come with the product, and the operator's own years in `holidays.toml`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path

from ivr.holidays import Holidays, chinese_holidays, with_own_years
from tables.toml import located, read

FILE = "holidays.toml"
"""In the home, beside hotline.toml."""


def holidays_of(home: Path) -> Holidays:
    """The public holidays of this home. Raises DefinitionFault with file, line and key."""
    file = home / FILE
    if not file.exists():
        return chinese_holidays()
    data, written = read(file)
    with located(file, written):
        return with_own_years(chinese_holidays(), data)


def own_years(home: Path) -> dict[int, tuple[frozenset[date], frozenset[date], str]]:
    """The operator's own years: (holidays, make-up workdays, where they were announced). Raises DefinitionFault."""
    file = home / FILE
    if not file.exists():
        return {}
    data, text = read(file)
    with located(file, text):
        own = with_own_years(Holidays(), data)
    return {
        year: (
            frozenset(day for day in own.days if day.year == year),
            frozenset(day for day in own.makeup_days if day.year == year),
            str(data[str(year)].get("source", "")),
        )
        for year in own.years
    }


def written(tables: dict[int, tuple[Iterable[date], Iterable[date], str]]) -> str:
    """The text of `holidays.toml`: year → (holidays, make-up workdays, where they were announced)."""
    lines = ["# Public holidays that were imported; each year stands in place of what was known of it.", ""]
    for year, (days, makeup_days, source) in sorted(tables.items()):
        lines.append(f"[{year}]")
        if source:
            shown = source.replace("\\", "\\\\").replace('"', '\\"')
            lines.append(f'source = "{shown}"')
        for name, some in (("days", days), ("makeup_days", makeup_days)):
            lines.append(f"{name} = [{', '.join(each.isoformat() for each in sorted(some))}]")
        lines.append("")
    return "\n".join(lines)
