"""docs/reports.md says of each figure what the catalogue says."""

from __future__ import annotations

from pathlib import Path

from server.storage.figures.catalogue import FIGURES, Terms
from server.storage.figures.counts import RESOLUTION
from server.storage.figures.handover import TRANSITIONS

PAGE = (Path(__file__).parents[3] / "docs" / "reports.md").read_text(encoding="utf-8")
COLUMNS = ("zh", "en", "unit", "of", "formula", "named")


def test_the_table_of_the_page_is_the_catalogue():
    described = [figure.described(Terms()) for figure in FIGURES]
    rows = [" | ".join(("| `" + each["id"] + "`", *(each[name] for name in COLUMNS))) + " |" for each in described]
    assert "\n".join(rows) in PAGE


def test_the_diagram_of_the_hand_over_book_is_its_table():
    drawn = [f"    {before} --> {after}: {side}" for (before, side), after in TRANSITIONS.items()]
    assert "\n".join(["stateDiagram-v2", "    [*] --> open", *drawn, "```"]) in PAGE


def test_the_page_states_the_resolution_of_waits():
    assert RESOLUTION.partition(";")[0] in PAGE
