"""A table of whom to call (CSV): each line a number and, where the list has none for all, the proof of its consent."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from customers.importing import Wrong, decoded, headings, rows
from customers.lists import MOST_LINES, Line

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "number": ("number", "phone", "telephone", "电话", "号码", "手机", "手机号", "联系电话"),
    "name": ("name", "姓名", "名称", "客户姓名"),
    "ref": ("ref", "reference", "order", "编号", "订单号", "客户编号"),
    "note": ("note", "remark", "备注", "事由"),
    "proof": ("proof", "consent", "同意凭证", "授权凭证", "凭证"),
}
LONGEST = {"name": 80, "ref": 80, "note": 200, "proof": 200}


def read(
    data: bytes, check: Callable[[str], tuple[str, str]], first: int, *, proved: bool
) -> tuple[str, list[Line], list[Wrong], int]:
    """(encoding, lines numbered from `first`, faults, count of lines) of a table.

    `check` gives (the number as it is dialled, "") or ("", why not). `proved`: the list has a proof for all lines.
    Raises ValueError when the table as a whole cannot be used.
    """
    text, encoding = decoded(data)
    meant: list[str] = []
    titles: list[str] = []
    lines: list[Line] = []
    wrong: list[Wrong] = []
    seen: dict[str, int] = {}
    count = 0
    for place, cells in rows(text):
        if not meant:
            titles, meant = cells, headings(cells, COLUMNS)
            if "number" not in meant:
                raise ValueError("line 1: a list needs a column number")
            continue
        count += 1
        if count > MOST_LINES:
            raise ValueError(f"this table has more than {MOST_LINES} lines: make several lists of it")
        found = dict(zip(meant, cells, strict=False))
        faults = list(_faults(place, found, meant, titles, len(cells), proved))
        number, why = check(found.get("number", "").lstrip("'"))
        if why and not faults:
            at = titles[meant.index("number")]
            faults.append(Wrong(place, at, found.get("number", "")[:40], why, "correct the number"))
        if number in seen:
            at = titles[meant.index("number")]
            faults.append(Wrong(place, at, number, f"it stands in line {seen[number]} too", "leave one of them out"))
        wrong += faults
        if not faults:
            seen[number] = place
            texts = {name: " ".join(found.get(name, "").split()) for name in LONGEST}
            lines.append(Line(first + len(lines), number, texts["name"], texts["ref"], texts["note"], texts["proof"]))
    if not meant:
        raise ValueError("this table is empty: its first line names the columns, such as number,name,proof")
    return encoding, lines, wrong, count


def _faults(
    place: int, found: Mapping[str, str], meant: list[str], titles: list[str], cells: int, proved: bool
) -> list[Wrong]:
    if cells > len(meant):
        return [Wrong(place, "", "", f"it has {cells} cells under {len(meant)} headings", "use quotation marks")]
    faults = []
    for name, longest in LONGEST.items():
        cell = found.get(name, "")
        if len(cell) > longest or not all(each.isprintable() or each in "\n\t\r" for each in cell):
            title = titles[meant.index(name)]
            faults.append(Wrong(place, title, cell[:40], f"it is no text of up to {longest} characters", "shorten it"))
    if not proved and not found.get("proof", "").strip():
        why = "nothing proves that the customer agreed to be called"
        faults.append(Wrong(place, "proof", "", why, "give it as: recording 45 at 12.5, or call 123 key 1"))
    return faults
