"""A table of customers (CSV) is read whole: every line is a file, or what is wrong with it, by line and column.

UTF-8 with or without a BOM is tried first, then gb18030, which Chinese spreadsheets write. Nothing is guessed beyond
that: a table that is neither is refused.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "ref": ("ref", "reference", "customer_no", "客户编号", "编号"),
    "name": ("name", "customer", "姓名", "名称", "客户名称", "客户姓名"),
    "numbers": ("numbers", "number", "phone", "phones", "telephone", "电话", "号码", "手机", "手机号", "联系电话"),
    "class": ("class", "customer_class", "级别", "类别", "客户级别", "客户类别"),
    "region": ("region", "area", "地区", "区域"),
    "registered": ("registered", "registered_on", "registered_since", "注册日期", "开户日期", "入网日期"),
    "note": ("note", "remark", "备注"),
    "identity": ("identity", "id_digits", "证件后四位", "身份证后四位", "核实码"),
}
"""Each column and the headings by which it is found; a heading may end in a number (`phone2`, 电话2)."""
MOST_LINES = 50_000
LONGEST = {"ref": 80, "name": 80, "class": 40, "region": 80, "note": 500, "identity": 20}
"""Characters of each text."""
_SEPARATORS = ";；、/|\n"
"""Between several numbers in one cell."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """One fault. `line` counts from 1 with the heading; `column` is the heading, empty for the whole line."""

    line: int
    column: str
    value: str
    why: str
    do: str

    def as_dict(self) -> dict[str, object]:
        """As JSON has it."""
        return {"line": self.line, "column": self.column, "value": self.value, "why": self.why, "do": self.do}


@dataclass(frozen=True, slots=True)
class Line:
    """One line that can be used. Texts by column; `given` are the columns that the table has at all."""

    line: int
    texts: Mapping[str, str]
    numbers: tuple[str, ...]
    given: frozenset[str]


@dataclass(slots=True)
class Read:
    """What a table came to."""

    encoding: str = ""
    lines: list[Line] = field(default_factory=list)
    wrong: list[Wrong] = field(default_factory=list)
    count: int = 0
    """Lines with anything in them, the heading left out."""


def decoded(data: bytes) -> tuple[str, str]:
    """(text, encoding). Raises ValueError with a sentence for what is neither UTF-8 nor gb18030."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise ValueError("this is UTF-16: save it as CSV in UTF-8, or in the Chinese code gb18030 (GBK)")
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding), encoding
        except UnicodeDecodeError as error:
            at = error.start
    line = data.count(b"\n", 0, at) + 1
    raise ValueError(f"line {line} is neither UTF-8 nor gb18030: save the table as CSV in one of the two")


def rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """(number of its first line, cells) of each line with anything in it, the heading first. Raises ValueError."""
    heading = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=heading.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    begins = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield begins, [cell.strip() for cell in cells]
            begins = reader.line_num + 1
    except csv.Error as error:
        raise ValueError(f"line {begins} cannot be taken apart ({error}): close its quotation marks") from None


def headings(found: Sequence[str], columns: Mapping[str, tuple[str, ...]]) -> list[str]:
    """The column that each heading means. Raises ValueError for a heading that is not known."""
    names = {alias: name for name, aliases in columns.items() for alias in aliases}
    meant = []
    for each in found:
        plain = each.strip().lower().replace(" ", "_")
        name = names.get(plain) or names.get(plain.rstrip("0123456789").rstrip("_"))
        if name is None:
            known = ", ".join(aliases[0] for aliases in columns.values())
            raise ValueError(f'line 1: there is no column "{each[:40]}": there are {known}')
        meant.append(name)
    return meant


def read(data: bytes, canonical: Callable[[str], str]) -> Read:
    """Read a table. `canonical` gives the canonical form of a telephone number, empty for what is none.

    Raises ValueError when the table as a whole cannot be used.
    """
    text, encoding = decoded(data)
    made, meant, given = Read(encoding), list[str](), frozenset[str]()
    titles: list[str] = []
    seen: dict[str, int] = {}
    for line, cells in rows(text):
        if not meant:
            titles, meant = cells, headings(cells, COLUMNS)
            given = frozenset(meant)
            if not given & {"numbers", "ref"}:
                raise ValueError("line 1: a table of customers needs a column number or ref, by which each is found")
            continue
        made.count += 1
        if made.count > MOST_LINES:
            raise ValueError(f"this table has more than {MOST_LINES} lines: import it in parts")
        faults = _line(line, cells, titles, meant, canonical, seen)
        if isinstance(faults, Line):
            made.lines.append(faults)
        else:
            made.wrong += faults
    if not meant:
        raise ValueError("this table is empty: its first line names the columns, such as name,number,class")
    return made


def _line(
    line: int,
    cells: list[str],
    titles: list[str],
    meant: list[str],
    canonical: Callable[[str], str],
    seen: dict[str, int],
) -> Line | list[Wrong]:
    wrong: list[Wrong] = []

    def fault(place: int, why: str, do: str) -> None:
        value = cells[place] if 0 <= place < len(cells) else ""
        wrong.append(Wrong(line, titles[place] if place >= 0 else "", value[:40], why, do))

    if len(cells) > len(meant):
        fault(-1, f"it has {len(cells)} cells under {len(meant)} headings", "put cells with a comma in quotation marks")
        return wrong
    texts: dict[str, str] = {}
    numbers: list[str] = []
    for place, (column, cell) in enumerate(zip(meant, cells, strict=False)):
        if column == "numbers":
            for number in _numbers(cell):
                _number(number, numbers, canonical, lambda why, do, place=place: fault(place, why, do))  # type: ignore[misc]
        elif not all(each.isprintable() or each in "\n\r\t" for each in cell):
            fault(place, "it has a control character", "write plain text")
        elif column == "registered" and cell:
            texts[column] = _day(cell, lambda why, do, place=place: fault(place, why, do))  # type: ignore[misc]
        elif len(cell) > LONGEST.get(column, 80):
            fault(place, f"it is longer than {LONGEST[column]} characters", "shorten it")
        else:
            texts[column] = " ".join(cell.split())
    ref = texts.get("ref", "")
    for key in (*numbers, *([f"ref {ref}"] if ref else [])):
        if key in seen and seen[key] != line:
            where = meant.index("ref" if key.startswith("ref ") else "numbers")
            fault(where, f"{key} stands in line {seen[key]} too", "leave one of the two lines out")
    if not numbers and not ref and not wrong:
        fault(-1, "it has neither a number nor a reference", "give one, by which the customer is found")
    if wrong:
        return wrong
    seen.update(dict.fromkeys((*numbers, *([f"ref {ref}"] if ref else [])), line))
    return Line(line, texts, tuple(numbers), frozenset(meant))


def _numbers(cell: str) -> list[str]:
    for separator in _SEPARATORS[1:]:
        cell = cell.replace(separator, _SEPARATORS[0])
    return [each.strip() for each in cell.split(_SEPARATORS[0]) if each.strip()]


def _number(
    written: str, numbers: list[str], canonical: Callable[[str], str], fault: Callable[[str, str], None]
) -> None:
    plain = written.lstrip("'")
    if plain[:1].isdigit() and "E+" in plain.upper():
        fault(f"{written} was rounded by a spreadsheet", "format the column as text and fill it in again")
        return
    if not plain or any(not (each.isdecimal() or each in "+-() .") for each in plain) or not canonical(plain):
        fault(f"{written[:40]} is no telephone number", "write digits, such as 13800138000")
        return
    number = canonical(plain)
    if number not in numbers:
        numbers.append(number)


def _day(cell: str, fault: Callable[[str, str], None]) -> str:
    plain = cell.replace("/", "-").replace(".", "-").replace("年", "-").replace("月", "-").rstrip("日")
    parts = plain.split(" ")[0].split("-")
    try:
        year, month, day = (int(each) for each in parts)
        found = date(year, month, day)
    except ValueError:
        fault(f"{cell[:40]} is no day", "write it as 2027-01-15")
        return ""
    if not 1900 <= found.year <= 2100:
        fault(f"{cell[:40]} lies outside the years 1900 to 2100", "write it as 2027-01-15")
        return ""
    return found.isoformat()
