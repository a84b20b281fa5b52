"""`[categories]` of the hotline's file: what matters are sorted by, with words in both languages, as forms offer them.

A category that is retired is not offered any more, and keeps its words where history shows it. Without the table the
categories are the skills that no queue asks for.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tables.errors import TableError
from tables.values import Table, known

UNREASONABLE = "unreasonable"
"""The category (无理取闹) that no menu offers: only an agent confirms it. A row of that name gives it other words."""
MOST_CATEGORIES = 200
_NAME = re.compile(r"[^\W_][\w-]{0,39}")
_WORDS = re.compile(r"[^\x00-\x1f\x7f]{1,40}")
_USUAL = {
    "process": ("业务流程", "Process"),
    "system": ("系统故障", "System failure"),
    "competence": ("业务水平", "Competence"),
    "attitude": ("服务态度", "Attitude"),
    "usage": ("使用不当", "Own use"),
    UNREASONABLE: ("无理诉求", "Unreasonable"),
}
"""The words of the product's own categories where the table has none."""


@dataclass(frozen=True, slots=True)
class Category:
    """One category; `under` names the one that it is a part of, empty: it stands by itself."""

    name: str
    zh: str
    en: str
    under: str = ""
    retired: bool = False


@dataclass(frozen=True, slots=True)
class Categories:
    """The categories in the order in which forms offer them."""

    rows: Sequence[Category] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Every category, retired ones too: what stands in records goes on to mean something."""
        return tuple(each.name for each in self.rows)

    @property
    def offered(self) -> tuple[str, ...]:
        """Those that something new may be given: neither they nor what they are under is retired."""
        retired = {each.name for each in self.rows if each.retired}
        return tuple(each.name for each in self.rows if each.name not in retired and each.under not in retired)

    @property
    def confirmed(self) -> tuple[str, ...]:
        """Those that an agent may confirm."""
        return self.offered if UNREASONABLE in self.names else (*self.offered, UNREASONABLE)

    def way(self, name: str) -> tuple[str, ...]:
        """The category, and the one that it is under."""
        under = next((each.under for each in self.rows if each.name == name), "")
        return (name, under) if under else (name,)

    def within(self, names: Collection[str]) -> tuple[str, ...]:
        """The categories that are under one of these."""
        return tuple(each.name for each in self.rows if each.under in names)

    def wholes(self) -> dict[str, tuple[str, ...]]:
        """In which category's sum each one counts that is a part of another or has parts: in that of the whole."""
        parts: dict[str, tuple[str, ...]] = {each.name: (each.under,) for each in self.rows if each.under}
        return parts | {under: (under,) for (under,) in parts.values()}

    def told(self) -> tuple[Category, ...]:
        """Every category that a record may name, for those who show it."""
        own = self.rows if UNREASONABLE in self.names else (*self.rows, usual(UNREASONABLE))
        return tuple(own)


def usual(name: str) -> Category:
    """A category with the product's words, or else its name."""
    return Category(name, *_USUAL.get(name, (name, name)))


def read_categories(top: Table, skills: Iterable[str], queues: Collection[str]) -> Categories:
    """The categories of a hotline's file; without the table these skills. Raises TableError."""
    unnamed = Categories(tuple(usual(skill) for skill in skills))
    rows = top.rows("categories", {each.name: _as_row(each) for each in unnamed.rows})
    if not rows.data:
        return unnamed
    if len(rows.data) > MOST_CATEGORIES:
        raise TableError(rows.key, f"{len(rows.data)} categories are too many: up to {MOST_CATEGORIES}")
    found = [_category(str(name), rows.table(str(name)), queues) for name in rows.data]
    whole = {each.name for each in found if not each.under}
    for each in found:
        if each.under:
            known(each.under, whole, (*rows.at(each.name), "under"), "category that stands by itself")
    return Categories(tuple(found))


def _category(name: str, table: Table, queues: Collection[str]) -> Category:
    if not _NAME.fullmatch(name):
        raise TableError(table.key, "a category's name is up to 40 letters, digits, - and _, such as attitude")
    if name in queues:
        raise TableError(table.key, f"{name} is a queue: choose another name for the category")
    read = Category(
        name,
        zh=table.text("zh"),
        en=table.text("en"),
        under=table.text("under", ""),
        retired=table.flag("retired", False),
    )
    table.done()
    for which, words in (("zh", read.zh), ("en", read.en)):
        if not _WORDS.fullmatch(words) or words != words.strip():
            raise TableError(table.at(which), f'"{words}" is no name for a category: up to 40 characters in one line')
    return read


def _as_row(category: Category) -> dict[str, Any]:
    return {"zh": category.zh, "en": category.en}
