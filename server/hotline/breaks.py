"""`[breaks]` of the hotline's file: why an agent may be on a break, as pages offer it and telephones key it.

A page offers the reasons in the order of the table. The product's own hold where the table is missing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tables.errors import TableError
from tables.values import Table

PLAIN = "break"
"""The reason of a break for which none was named, as `*46` alone begins it."""
LONGEST_BREAK = 86_400.0
MOST_REASONS = 30
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_WORDS = re.compile(r"[^\x00-\x1f\x7f]{1,40}")
_KEY = re.compile(r"[1-9]?")


@dataclass(frozen=True, slots=True)
class BreakReason:
    """One reason, with its words in both languages.

    `key` follows *46 on a telephone, empty: none does. After `limit` seconds the break counts as too long, 0: never.
    """

    name: str
    zh: str
    en: str
    key: str = ""
    limit: float = 0.0


USUAL = (
    BreakReason("busy", "示忙", "Busy"),
    BreakReason("rest", "休息", "Rest", "1"),
    BreakReason("meal", "用餐", "Meal", "2"),
    BreakReason("training", "培训", "Training", "3"),
    BreakReason("meeting", "会议", "Meeting", "4"),
    BreakReason("paperwork", "处理工单", "Paperwork", "5"),
)


@dataclass(frozen=True, slots=True)
class Breaks:
    """The reasons that agents may choose."""

    reasons: Sequence[BreakReason] = USUAL

    def knows(self, reason: str) -> bool:
        """Whether an agent may choose it; none, or a plain break, is always right."""
        return reason in ("", PLAIN) or any(each.name == reason for each in self.reasons)

    def keyed(self, key: str) -> str | None:
        """The reason that *46 with this key means; None if the key means nothing."""
        if not key:
            return PLAIN
        return next((each.name for each in self.reasons if each.key == key), None)

    def words(self) -> Mapping[str, tuple[str, str]]:
        """Reason → its words in Chinese and in English."""
        return {each.name: (each.zh, each.en) for each in self.reasons}


def read_breaks(top: Table) -> Breaks:
    """The reasons of a hotline's file. Raises TableError."""
    table = top.rows("breaks", {each.name: _as_row(each) for each in USUAL})
    if not table.data:
        return Breaks()
    if len(table.data) > MOST_REASONS:
        raise TableError(table.key, f"{len(table.data)} reasons are too many: up to {MOST_REASONS}")
    found: list[BreakReason] = []
    for name in table.data:
        each = _reason(str(name), table.table(str(name)))
        if each.key and (other := next((one for one in found if one.key == each.key), None)):
            raise TableError((*table.at(str(name)), "key"), f"*46{each.key} means {other.name} already")
        found.append(each)
    return Breaks(tuple(found))


def _as_row(reason: BreakReason) -> dict[str, Any]:
    more = {"key": reason.key, "limit": reason.limit}
    return {"zh": reason.zh, "en": reason.en} | {key: value for key, value in more.items() if value}


def _reason(name: str, table: Table) -> BreakReason:
    if not _NAME.fullmatch(name):
        raise TableError(table.key, "a reason's name is up to 40 small letters, digits, - and _, such as rest")
    read = BreakReason(
        name,
        zh=table.text("zh"),
        en=table.text("en"),
        key=table.text("key", ""),
        limit=table.number("limit", 0.0, most=LONGEST_BREAK),
    )
    table.done()
    for which, words in (("zh", read.zh), ("en", read.en)):
        if not _WORDS.fullmatch(words) or words != words.strip():
            raise TableError(table.at(which), f'"{words}" is no name for a break: up to 40 characters in one line')
    if not _KEY.fullmatch(read.key):
        raise TableError(table.at("key"), f'"{read.key}" cannot follow *46: give one digit from 1 to 9 in quotes')
    return read
