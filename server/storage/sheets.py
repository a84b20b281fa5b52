"""Law: a table that leaves the hotline holds values alone; no cell of it is a formula, whatever a caller has keyed in.

Rows are written one by one, as they come. CSV is UTF-8 with a byte-order mark, so that Excel reads Chinese; XLSX is
written row by row with constant memory.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xlsxwriter

Row = Mapping[str, Any]
FORMATS = ("csv", "xlsx")
LONGEST_CELL = 32_767
"""Characters of a cell that Excel can hold."""
MOST_ROWS = 1_000_000
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


@dataclass(frozen=True, slots=True)
class Sheet:
    """Named columns, and rows that have a value for each; `rows` may be read once."""

    name: str
    columns: Sequence[str]
    rows: Iterable[Row]


def write(sheet: Sheet, kind: str, to: Path) -> int:
    """Write the table as `csv` or `xlsx`, whole or not at all; how many rows it has. Raises OSError."""
    draft = to.with_name(f".{to.name}.{os.getpid()}.part")
    try:
        count = _write_csv(sheet, draft) if kind == "csv" else _write_xlsx(sheet, draft)
        os.replace(draft, to)
    finally:
        draft.unlink(missing_ok=True)
    return count


def plain(value: Any) -> Any:
    """A value as a cell: a number, a text, or nothing; lists by spaces, tables as `key:value`."""
    if value is None or isinstance(value, bool | int | float):
        return "" if value is None else str(value).lower() if isinstance(value, bool) else value
    if isinstance(value, Mapping):
        return " ".join(f"{key}:{plain(each)}" for key, each in value.items())
    if isinstance(value, list | tuple):
        return " ".join(str(plain(each)) for each in value)
    return str(value)[:LONGEST_CELL]


def neutral(value: Any) -> Any:
    """A cell of CSV. A text that a spreadsheet would take for a formula has an apostrophe before it."""
    cell = plain(value)
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


def _write_csv(sheet: Sheet, to: Path) -> int:
    count = 0
    with to.open("w", encoding="utf-8-sig", newline="", errors="replace") as file:
        writer = csv.writer(file)
        writer.writerow([neutral(column) for column in sheet.columns])
        for row in sheet.rows:
            writer.writerow([neutral(row.get(column)) for column in sheet.columns])
            count += 1
    return count


def _write_xlsx(sheet: Sheet, to: Path) -> int:
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "nan_inf_to_errors": True,
    }
    count = 0
    with xlsxwriter.Workbook(str(to), options) as book:
        page = book.add_worksheet(sheet.name[:31])
        bold = book.add_format({"bold": True})
        for place, column in enumerate(sheet.columns):
            page.write_string(0, place, column, bold)
        page.freeze_panes(1, 0)
        for count, row in enumerate(sheet.rows, 1):
            for place, column in enumerate(sheet.columns):
                cell = plain(row.get(column))
                if isinstance(cell, str):
                    page.write_string(count, place, cell.encode("utf-8", "replace").decode())
                else:
                    page.write_number(count, place, cell)
    return count
