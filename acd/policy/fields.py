"""Reads one value of a definition's table. What cannot stand is refused in a sentence, with the key that says where.

Every function raises DefinitionError; `at` is the path to the table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from acd.policy.definitions import DefinitionError

Key = tuple[str | int, ...]


def known(name: object, names: Sequence[str], at: Key, kind: str) -> None:
    """Refuse a name that is not among `names`, with the nearest one."""
    if name in names:
        return
    near = get_close_matches(str(name), names, 1)
    hint = f"did you mean {near[0]}?" if near else f"there is {', '.join(names) or 'none'}"
    raise DefinitionError(at, f"there is no {kind} {name}: {hint}")


def table_of(data: object, at: Key, keys: Sequence[str] | None = None) -> Mapping[str, Any]:
    """The table; with `keys`, refuse any other key in it."""
    if not isinstance(data, Mapping):
        raise DefinitionError(at, "a table is needed here")
    for key in data if keys is not None else ():
        known(key, keys or (), (*at, key), "key")
    return data


def list_of(table: Mapping[str, Any], key: str, at: Key) -> Sequence[object]:
    """The list under this key; an empty one if there is none."""
    value = table.get(key, [])
    if not isinstance(value, list):
        raise DefinitionError((*at, key), "a list of tables is needed here")
    return value


def number(
    table: Mapping[str, Any],
    key: str,
    at: Key,
    default: float,
    *,
    least: float = 0.0,
    most: float = 1e9,
    above: float | None = None,
    whole: bool = False,
    hint: str = "",
) -> float:
    """The number under this key, within `least` (or more than `above`) and `most`."""
    value = table.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
        raise DefinitionError((*at, key), f"{value!r} is not a {'whole ' if whole else ''}number")
    if above is not None and not above < value <= most:
        raise DefinitionError((*at, key), f"{value:g} is out of range: more than {above:g}{hint}")
    if not least <= value <= most:
        upper = f" to {most:g}" if most < 1e9 else " or more"
        raise DefinitionError((*at, key), f"{value:g} is out of range: {least:g}{upper}{hint}")
    return value if whole else float(value)


def flag(table: Mapping[str, Any], key: str, at: Key, *, default: bool) -> bool:
    """The true or false under this key."""
    value = table.get(key, default)
    if not isinstance(value, bool):
        raise DefinitionError((*at, key), f"{value!r} is neither true nor false")
    return value


def choice(table: Mapping[str, Any], key: str, at: Key, default: str, choices: Sequence[str]) -> str:
    """The one of `choices` under this key."""
    value = table.get(key, default)
    if value not in choices:
        raise DefinitionError((*at, key), f"{value!r} is none of {', '.join(choices)}")
    return str(value)
