"""Every value of `hotline.toml` with what may stand there: its key, default, kind and range as its reader has them, and
the comment above it as help.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import Enum
from pathlib import Path
from typing import Any

from server.hotline.definition_files import HOTLINE, product_text
from server.hotline.definitions import TABLES, load
from tables.errors import Key, shown
from tables.toml import line_of
from tables.values import Noted, noting

_KEY = re.compile(r'\s*((?:[A-Za-z0-9_-]+|"[^"]*")(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"))*)\s*=')
_LABEL = re.compile(r"([^\x00-\x7f·]{1,12}|[A-Za-z-]{1,12}) · (.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Setting:
    """One value. `is_set`: it stands in the file, on `line`; else the default holds. `label` is Chinese, `help`
    English."""

    path: Key
    key: str
    kind: str
    value: Any
    default: Any
    is_set: bool
    line: int | None
    least: float | None
    most: float | None
    above: float | None
    choices: tuple[str, ...]
    label: str
    help: str


@dataclass(frozen=True, slots=True)
class Section:
    """One table of the file with its values; `label` and `help` are those of the table itself."""

    name: str
    label: str
    help: str
    settings: list[Setting]


def sections(home: Path) -> list[Section]:
    """The values of this home's `hotline.toml`, by table, in the order of reading. Raises DefinitionFault."""
    with noting() as notes:
        loaded = load(home)
    text = Path(loaded.source).read_text(encoding="utf-8-sig")
    values: dict[str, Any] = tomllib.loads(text)
    own, product = _comments(text), _comments(product_text(HOTLINE) or "")

    def told(key: Key) -> tuple[str, str]:
        found = own.get(key) or product.get(key) or _alike(key, product) or ""
        labelled = _LABEL.match(found)
        return (labelled[1].strip(), labelled[2].strip()) if labelled else ("", found)

    found: dict[str, list[Setting]] = {name: [] for name in TABLES}
    for key, noted in _with_values({key: each for key, each in notes.items() if key[0] in TABLES}, values).items():
        is_set, value = _value(values, key)
        label, help_ = told(key)
        found.setdefault(str(key[0]), []).append(
            Setting(
                path=key,
                key=shown(key),
                kind=_kind(noted.default) if noted.kind == "value" else noted.kind,
                value=_json(value) if is_set else _json(noted.default),
                default=_json(noted.default),
                is_set=is_set,
                line=line_of(text, key) if is_set else None,
                least=noted.least,
                most=noted.most,
                above=noted.above,
                choices=noted.choices,
                label=label,
                help=help_,
            )
        )
    return [Section(name, *told((name,)), found[name]) for name in TABLES]


def _with_values(notes: Mapping[Key, Noted], values: Mapping[str, Any]) -> dict[Key, Noted]:
    """The values that are read, without those inside of other values; and those in the file that no reader noted."""
    kept: dict[Key, Noted] = {}
    for key, noted in notes.items():
        if not any(isinstance(part, int) for part in key) and not any(key[:n] in kept for n in range(1, len(key))):
            kept[key] = noted
    for key, value in _leaves(values):
        if not any(key[:n] in kept for n in range(1, len(key) + 1)):
            kept[key] = Noted(key, _kind(value))
    return kept


def _leaves(values: Mapping[str, Any], above: Key = ()) -> Iterator[tuple[Key, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, (*above, name))
        else:
            yield (*above, name), value


def _kind(value: object) -> str:
    kinds = ((bool, "flag"), (int, "integer"), (float, "number"), (str, "text"), (list, "list"), (Mapping, "table"))
    return next((kind for type_, kind in kinds if isinstance(value, type_)), "value")


def _value(values: Mapping[str, Any], key: Key) -> tuple[bool, Any]:
    found: Any = values
    for part in key:
        if not isinstance(found, Mapping) or part not in found:
            return False, None
        found = found[part]
    return True, found


def _json(value: Any) -> Any:
    """As JSON has it; what it cannot have is its text."""
    if isinstance(value, Enum):
        return value.value
    if value != value:
        return None  # "not a number" stands for no limit
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {str(name): _json(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_json(each) for each in value]
    return value.isoformat() if isinstance(value, date) else str(value)


def _alike(key: Key, product: Mapping[Key, str]) -> str:
    """The help of the same key in another table of the same kind: every queue's is explained at the first."""
    return next(
        (
            told
            for other, told in product.items()
            if len(other) == len(key) > 2 and (other[0], *other[2:]) == (key[0], *key[2:])
        ),
        "",
    )


def _comments(text: str) -> dict[Key, str]:
    """Key → the comment above it. Keys that follow one another share the comment above the first of them."""
    found: dict[Key, str] = {}
    table: Key = ()
    block: list[str] = []
    fresh = False
    """Whether the comment's lines are still being read."""
    for line in text.splitlines():
        stripped = line.strip()
        if stripped.startswith("#"):
            block, fresh = ([*block, stripped.lstrip("# ")] if fresh else [stripped.lstrip("# ")]), True
            continue
        if stripped.startswith("["):
            table = _header(stripped)
            if table and fresh:
                found.setdefault(table, " ".join(block))
            block = []
        elif not stripped:
            block = [] if not fresh else block
        elif (match := _KEY.match(line)) and block:
            key = (*table, *(part.strip().strip('"') for part in match[1].split(".")))
            found.setdefault(key, " ".join(block))
        fresh = False
    return found


def _header(line: str) -> Key:
    try:
        found: Any = tomllib.loads(line)
    except ValueError:
        return ()
    key: list[str] = []
    while isinstance(found, Mapping) and found:
        (name, found), *_ = found.items()
        key.append(name)
        found = found[0] if isinstance(found, list) else found
    return tuple(key)
