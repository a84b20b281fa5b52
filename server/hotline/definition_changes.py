"""One change to the text of a definitions file: a key is set or removed and every comment stays; and what a change
means, key by key, in words.
"""

from __future__ import annotations

import difflib
import re
import textwrap
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import tomlkit
from tomlkit.container import OutOfOrderTableProxy
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT, Array, InlineTable, Item
from tomlkit.items import Table as TomlTable

from tables.errors import Key, TableError, shown

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_WIDE = 100
"""Characters of a list beyond which each item has a line of its own."""


@dataclass(frozen=True, slots=True)
class KeyChange:
    """What became of one key: `added`, `removed`, `changed` or `moved`, the values as TOML has them, and a sentence."""

    key: str
    kind: str
    before: str | None
    after: str | None
    sentence: str


def with_value(text: str, key: Key, value: object) -> str:
    """The text with the key set to a value of JSON's kinds; tables on the way are made. Raises TableError."""
    try:
        return _with_value(text, key, value)
    except (TOMLKitError, RecursionError, TypeError, ValueError) as error:
        if isinstance(error, TableError):
            raise
        raise TableError(key, f"this value cannot be written here: {error}") from None


def _with_value(text: str, key: Key, value: object) -> str:
    document, *way = _way(text, key)
    if len(way) < len(key) - 1 or (isinstance(value, Mapping) and _is_new_table(way, document, key)):
        made = value if isinstance(value, Mapping) and len(key) < 4 else None
        header = key if made is not None else key[:-1]
        if any(isinstance(part, int) for part in header):
            raise TableError(key, "there is no such item in this list")
        rows = made if made is not None else {key[-1]: value}
        return _checked(f"{text.rstrip()}\n\n{_block(header, rows)}", key)
    holder, last = (way[-1] if way else document), key[-1]
    if isinstance(last, int):
        _set_item(holder, last, value, key)
    elif not isinstance(holder, Mapping):
        raise TableError(key, "this stands in no table")
    else:
        before = holder.get(last)
        # A table whose keys stand on lines of their own stays one: only what differs is written.
        if isinstance(before, TomlTable) and isinstance(value, Mapping):
            _merge(before, value)
        elif isinstance(before, AoT) and isinstance(value, list):
            made_rows = tomlkit.aot()
            for row in value:
                made_rows.append(_table(row))
            holder[last] = made_rows  # type: ignore[index]
        else:
            holder[last] = _item(value, before)  # type: ignore[index]
    return _checked(tomlkit.dumps(document), key)


def without(text: str, key: Key) -> str:
    """The text without the key; a table goes with the comments above it. Raises TableError when it is not there."""
    document, *way = _way(text, key)
    holder, last = (way[-1] if way else document), key[-1]
    try:
        if len(way) < len(key) - 1:
            raise KeyError
        gone = holder[last]
        if isinstance(gone, TomlTable | OutOfOrderTableProxy):
            return _without_table(text, key)
        del holder[last]
    except (LookupError, TOMLKitError):
        raise TableError(key, "this key is not there: the product's own value holds") from None
    return _checked(tomlkit.dumps(document), key)


def unified(before: str, after: str, name: str) -> str:
    """The difference of two texts as a unified diff; empty if there is none."""
    lines = difflib.unified_diff(
        before.splitlines(), after.splitlines(), f"{name} (before)", f"{name} (after)", lineterm="", n=3
    )
    return "\n".join(lines)


def by_key(before: str, after: str) -> list[KeyChange]:
    """What differs between two texts, key by key, in the order of the texts. A text that is no TOML has no keys."""
    old, new = dict(_leaves(_values(before))), dict(_leaves(_values(after)))
    found = [
        each
        for key in dict.fromkeys((*old, *new))
        if (each := _change(key, old.get(key), new.get(key), key in old, key in new)) is not None
    ]
    return found + list(_moved(_values(before), _values(after)))


def _way(text: str, key: Key) -> list[Any]:
    """The document, and what stands at each part of the key but the last, as far as it is there."""
    if not key or not all(isinstance(part, str | int) and not isinstance(part, bool) for part in key):
        raise TableError((), "a key is a list of names, such as queues, complaint, ring_for")
    try:
        document = tomlkit.parse(text)
    except TOMLKitError as error:
        raise TableError((), f"the file is not valid TOML, so no key of it can be set: {error}") from None
    found: list[Any] = [document]
    for index, part in enumerate(key[:-1]):
        here = found[-1]
        try:
            below = here[part]
        except (LookupError, TypeError):
            return found
        if not isinstance(below, Mapping | list):
            raise TableError(key[: index + 1], "this is a value and holds no keys")
        found.append(below)
    return found


def _is_new_table(way: list[Any], document: Any, key: Key) -> bool:
    """Whether the key would be a table with a header of its own: `[queues.vip]`."""
    holder = way[-1] if way else document
    return len(key) < 4 and not isinstance(holder, InlineTable | list) and key[-1] not in holder


def _block(header: Key, rows: Mapping[Any, Any]) -> str:
    """A table with its header, and a table with its own header for each that holds tables alone."""
    inner = {name: row for name, row in rows.items() if isinstance(row, Mapping) and _holds_tables(row)}
    lines = [f"[{'.'.join(_name(part) for part in header)}]"]
    lines += [f"{_name(name)} = {_text(value, name)}" for name, value in rows.items() if name not in inner]
    blocks = ["\n".join(lines) + "\n", *(_block((*header, name), row) for name, row in inner.items())]
    return "\n".join(blocks)


def _holds_tables(row: Mapping[Any, Any]) -> bool:
    return bool(row) and all(isinstance(each, Mapping) for each in row.values())


def _without_table(text: str, key: Key) -> str:
    """The lines from the comments above the table's header to those above the next header are left out."""
    lines = text.splitlines(keepends=True)
    headers = {index: found for index, line in enumerate(lines) if (found := _header(line)) is not None}
    kept, starts = lines[:], sorted(headers)
    for place in reversed(range(len(starts))):
        at = starts[place]
        if headers[at][: len(key)] == key:
            end = _above(lines, starts[place + 1]) if place + 1 < len(starts) else len(lines)
            del kept[_above(lines, at) : end]
    after = _checked("".join(kept), key)
    wanted = _values(text)
    holder: Any = wanted
    for part in key[:-1]:
        holder = holder[part]
    del holder[key[-1]]
    if not _same(_values(after), wanted):
        raise TableError(key, "this table cannot be taken out of the file: edit the text")
    return after


def _same(one: Any, other: Any) -> bool:
    """Equal, but for tables that hold nothing: a header without keys may have gone too."""
    first, second = ({key: value for key, value in _leaves(each) if value != {}} for each in (one, other))
    return first == second


def _above(lines: list[str], at: int) -> int:
    """Where the comments above this line begin."""
    while at > 0 and lines[at - 1].lstrip().startswith("#"):
        at -= 1
    return at


def _header(line: str) -> Key | None:
    if not line.lstrip().startswith("["):
        return None
    try:
        found: Any = tomllib.loads(line)
    except ValueError:
        return None
    key: list[str] = []
    while isinstance(found, Mapping) and found:
        (name, found), *_ = found.items()
        key.append(name)
        found = found[0] if isinstance(found, list) else found
    return tuple(key)


def _set_item(holder: Any, at: int, value: object, key: Key) -> None:
    if not isinstance(holder, list) or not 0 <= at <= len(holder):
        raise TableError(key, "there is no such place in this list")
    if isinstance(holder, AoT):
        rows: list[Any] = [*holder.unwrap()]
        rows[at : at + 1] = [value]
        holder.clear()
        for row in rows:
            holder.append(_table(row))
    elif at == len(holder):
        holder.append(_item(value, None))
    else:
        holder[at] = _item(value, holder[at])


def _merge(table: TomlTable, wanted: Mapping[str, Any]) -> None:
    for name in [each for each in table if each not in wanted]:
        del table[name]
    for name, value in wanted.items():
        before = table.get(name)
        if isinstance(before, TomlTable) and isinstance(value, Mapping):
            _merge(before, value)
        elif before is None or _plain(before) != value:
            apart = before is None and any(isinstance(each, TomlTable) for each in table.values())
            table[name] = _table(value) if apart and isinstance(value, Mapping) else _item(value, before)
    if list(table) != list(wanted):
        rows = [(name, table[name]) for name in wanted]
        for name, _ in rows:
            del table[name]
        for name, row in rows:
            table[name] = row


def _table(row: object) -> TomlTable:
    if not isinstance(row, Mapping):
        raise TableError((), "an item of this list is a table")
    made = tomlkit.table()
    for name, value in row.items():
        made[str(name)] = _item(value, None)
    return made


def _item(value: Any, before: object) -> Item:
    """The value as TOML; its comment, where the one before had one, stays."""
    if isinstance(value, float) and value.is_integer() and (before is None or isinstance(before, int)):
        value = int(value)
    if isinstance(value, str) and isinstance(before, date) and _DAY.fullmatch(value):
        value = date.fromisoformat(value)
    made = tomlkit.value(_text(value, "", spread=isinstance(before, Array) and "\n" in before.as_string()))
    if isinstance(before, Item) and before.trivia.comment:
        made.trivia.comment_ws, made.trivia.comment = before.trivia.comment_ws, before.trivia.comment
    return made


def _text(value: Any, name: Any, *, spread: bool = False) -> str:
    """The value as TOML writes it; a long list, or one that was `spread` before, on several lines."""
    line = written(value)
    if not isinstance(value, list) or not value or (len(line) <= _WIDE and not spread):
        return line
    items = [written(each) for each in value]
    if any(isinstance(each, Mapping | list) for each in value):
        return "[\n" + "".join(f"    {each},\n" for each in items) + "]"
    rows = textwrap.wrap(" ".join(f"{each}," for each in items), _WIDE, break_long_words=False, break_on_hyphens=False)
    whole = "[\n" + "".join(f"    {row}\n" for row in rows) + "]"
    # A text with spaces may have been cut: then each item has its own line.
    cut = tomllib.loads(f"x = {whole}")["x"] != value if _is_toml(whole) else True
    return "[\n" + "".join(f"    {each},\n" for each in items) + "]" if cut else whole


def _is_toml(value: str) -> bool:
    try:
        tomllib.loads(f"x = {value}")
    except ValueError:
        return False
    return True


def _name(part: str | int) -> str:
    return str(part) if _BARE.fullmatch(str(part)) else written(str(part))


def _plain(item: Any) -> Any:
    return item.unwrap() if isinstance(item, Item) else item


def _checked(text: str, key: Key) -> str:
    try:
        tomllib.loads(text)
    except ValueError as error:
        raise TableError(key, f"this change would not leave valid TOML: edit the text ({error})") from None
    return text


def _values(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError):
        return {}


def _leaves(values: Mapping[str, Any], above: Key = ()) -> Iterator[tuple[Key, Any]]:
    """Each value with its key; lists, and tables in lists, are values."""
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, (*above, name))
        else:
            yield (*above, name), value


def _moved(old: Mapping[str, Any], new: Mapping[str, Any], above: Key = ()) -> Iterator[KeyChange]:
    """Tables of tables whose rows stand in another order: forms offer them so."""
    for name, after in new.items():
        before = old.get(name)
        if not isinstance(before, Mapping) or not isinstance(after, Mapping):
            continue
        kept, now = [each for each in before if each in after], [each for each in after if each in before]
        if kept != now and _holds_tables(after):
            key, (was, is_) = shown((*above, name)), (", ".join(each) for each in (kept, now))
            yield KeyChange(key, "moved", was, is_, f"{key} changes its order from {_short(was)} to {_short(is_)}")
        yield from _moved(before, after, (*above, name))


def _change(key: Key, old: Any, new: Any, was: bool, is_: bool) -> KeyChange | None:
    name = shown(key)
    if was and is_:
        if old == new and type(old) is type(new):
            return None
        before, after = written(old), written(new)
        return KeyChange(name, "changed", before, after, f"{name} changes from {_short(before)} to {_short(after)}")
    if is_:
        after = written(new)
        return KeyChange(name, "added", None, after, f"{name} is added: {_short(after)}")
    before = written(old)
    return KeyChange(name, "removed", before, None, f"{name} is removed; it was {_short(before)}")


def written(value: object) -> str:
    """A value as TOML writes it, in one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return str(tomlkit.string(value).as_string())
    if value is None:
        raise TableError((), "TOML has no null: remove the key instead")
    if isinstance(value, Mapping):
        pairs = (f"{_name(each)} = {written(it)}" for each, it in value.items())
        return "{ " + ", ".join(pairs) + " }" if value else "{}"
    if isinstance(value, Sequence):
        return "[" + ", ".join(written(each) for each in value) + "]"
    return str(value)


def _short(text: str) -> str:
    return text if len(text) <= 120 else text[:119] + "…"
