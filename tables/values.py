"""Reads a table value by value. What cannot be used raises TableError, with its key and a sentence that says why.

A `Table` remembers which keys were read: `done` refuses the others, with the nearest name that means something.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar

from tables.errors import Key, TableError, nearest

T = TypeVar("T")
_ENDLESS = 1e9
"""An upper limit that no sentence names."""


@dataclass(frozen=True, slots=True)
class Noted:
    """What a reader takes under a key: text, flag, choice, number, integer, seconds, list, texts, table or value.

    A `default` of None: the key must be there. A number is from `least`, or more than `above`, to `most`.
    """

    key: Key
    kind: str
    default: Any = None
    least: float | None = None
    most: float | None = None
    above: float | None = None
    choices: tuple[str, ...] = ()


_notes: ContextVar[dict[Key, Noted] | None] = ContextVar("notes", default=None)


@contextmanager
def noting() -> Iterator[dict[Key, Noted]]:
    """Within the block, every key that a reader asks for is noted, in order, whether it is there or not."""
    found: dict[Key, Noted] = {}
    token = _notes.set(found)
    try:
        yield found
    finally:
        _notes.reset(token)


class Table:
    """A table whose keys are read one by one. `key` is the path to it. Raises TableError when `data` is no table.

    Without a default, a key that is missing is an error.
    """

    def __init__(self, data: object, key: Key = ()) -> None:
        if not isinstance(data, Mapping):
            raise TableError(key, "this must be a table")
        self.data: Mapping[str, Any] = data
        self.key = key
        self._asked: set[str] = set()

    def at(self, name: str | int) -> Key:
        """The path to a key of this table."""
        return (*self.key, name)

    def _note(self, name: str, kind: str, default: Any, **limits: Any) -> None:
        notes = _notes.get()
        if notes is not None:
            notes.setdefault(self.at(name), Noted(self.at(name), kind, default, **limits))

    def has(self, name: str) -> bool:
        """Whether the key is there; `done` accepts it from now on."""
        self._asked.add(name)
        return name in self.data

    def get(self, name: str, default: T | None, read: Callable[[object, Key], T]) -> T:
        """The value under the key, read by `read` from the value and its path."""
        self._note(name, "value", default)
        if self.has(name):
            return read(self.data[name], self.at(name))
        if default is None:
            raise TableError(self.key, f'"{name}" is missing here')
        return default

    def text(self, name: str, default: str | None = None) -> str:
        """A text."""
        self._note(name, "text", default)
        return self.get(name, default, text)

    def flag(self, name: str, default: bool | None = None) -> bool:
        """True or false."""
        self._note(name, "flag", default)
        return self.get(name, default, flag)

    def choice(self, name: str, choices: Collection[str], default: str | None = None) -> str:
        """One of `choices`."""
        self._note(name, "choice", default, choices=tuple(str(each) for each in choices))

        def read(value: object, key: Key) -> str:
            if value not in choices:
                raise TableError(key, f"{value!r} is none of {', '.join(choices)}")
            return str(value)

        return self.get(name, default, read)

    def number(
        self,
        name: str,
        default: float | None = None,
        *,
        least: float = 0.0,
        most: float = _ENDLESS,
        above: float | None = None,
        hint: str = "",
    ) -> float:
        """A number from `least`, or more than `above`, to `most`. `hint` goes on where the error's sentence ends."""
        self._note(name, "number", default, least=least, most=_upper(most), above=above)
        return self.get(name, default, lambda value, key: number(value, key, least, most, above, hint=hint))

    def integer(self, name: str, default: int | None = None, *, least: int = 0, most: int = 1_000_000) -> int:
        """A whole number from `least` to `most`."""
        self._note(name, "integer", default, least=least, most=_upper(most))
        return self.get(name, default, lambda value, key: integer(value, key, least, most))

    def seconds(self, name: str, default: float | None = None, *, most: float = 3600.0) -> float:
        """A duration in seconds, more than 0 and at most `most`."""
        self._note(name, "seconds", default, most=most, above=0.0)
        return self.get(name, default, lambda value, key: number(value, key, 0.0, most, 0.0, unit=" of seconds"))

    def items(self, name: str, read: Callable[[object, Key], T]) -> tuple[T, ...]:
        """A list, each item read by `read` from the value and its path; an empty one if the key is missing."""
        self._note(name, "list", ())
        return self.get(name, (), lambda value, key: items(value, key, read))

    def texts(self, name: str, default: tuple[str, ...] | None = None) -> tuple[str, ...]:
        """A list of texts."""
        self._note(name, "texts", default)
        return self.get(name, default, texts)

    def lists_of_texts(self, name: str) -> tuple[tuple[str, ...], ...]:
        """A list of lists of texts; an empty one if the key is missing."""
        return self.items(name, texts)

    def mapping(self, name: str) -> dict[str, str]:
        """A table of texts; numbers become text as they are written."""
        self._note(name, "table", {})

        def read(value: object, key: Key) -> dict[str, str]:
            table = Table(value, key)
            return {str(inner): text(table.data[inner], table.at(inner), numbers=True) for inner in table.data}

        return self.get(name, {}, read)

    def rows(self, name: str, default: Mapping[str, Any]) -> Table:
        """The table of that name, whose keys the operator chooses: noted as one value; empty if it is missing."""
        self._note(name, "table", default)
        return self.table(name)

    def table(self, name: str) -> Table:
        """The table of that name; an empty one if the key is missing."""
        return Table(self.data[name] if self.has(name) else {}, self.at(name))

    def tables(self, name: str) -> tuple[Table, ...]:
        """A list of tables; an empty one if the key is missing."""
        return self.items(name, Table)

    def done(self) -> None:
        """Refuse keys that were never read."""
        for name in self.data:
            if name not in self._asked:
                raise TableError(self.at(str(name)), f'"{name}" means nothing here{nearest(str(name), self._asked)}')


def known(name: str, names: Collection[str], key: Key, kind: str) -> str:
    """The name, which must be one of `names`; `kind` is what it names, such as "skill"."""
    if name not in names:
        raise TableError(key, f'there is no {kind} "{name}"{nearest(str(name), names)}')
    return name


def text(value: object, key: Key, *, numbers: bool = False) -> str:
    """A text; with `numbers`, a whole number too, as it is written."""
    if numbers and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise TableError(key, f"this must be text in quotes, not {value!r}")
    return value


def flag(value: object, key: Key) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise TableError(key, f"this must be true or false, not {value!r}")
    return value


def is_number(value: object) -> bool:
    """Whether this is a number, whole or not; `nan` is none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and value == value


def number(
    value: Any,
    key: Key,
    least: float = 0.0,
    most: float = _ENDLESS,
    above: float | None = None,
    *,
    unit: str = "",
    hint: str = "",
) -> float:
    """A number from `least`, or more than `above`, to `most`."""
    if not is_number(value) or not least <= value <= most or (above is not None and value <= above):
        raise TableError(key, f"this must be a number{unit} {_within(least, most, above)}, not {value!r}{hint}")
    return float(value)


def integer(value: Any, key: Key, least: int = 0, most: int = 1_000_000) -> int:
    """A whole number from `least` to `most`."""
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise TableError(key, f"this must be a whole number {_within(least, most)}, not {value!r}")
    return value


def items(value: object, key: Key, read: Callable[[object, Key], T]) -> tuple[T, ...]:
    """A list, each item read by `read` from the value and its path."""
    if not isinstance(value, list | tuple):
        raise TableError(key, f"this must be a list in [ ], not {value!r}")
    return tuple(read(item, (*key, index)) for index, item in enumerate(value))


def texts(value: object, key: Key) -> tuple[str, ...]:
    """A list of texts."""
    return items(value, key, text)


def _upper(most: float) -> float | None:
    return None if most >= _ENDLESS else most


def _within(least: float, most: float, above: float | None = None) -> str:
    if above is not None:
        return f"above {_written(above)}" + (f", up to {_written(most)}" if most < _ENDLESS else "")
    return f"from {_written(least)} to {_written(most)}" if most < _ENDLESS else f"of {_written(least)} or more"


def _written(number: float) -> str:
    return str(number) if isinstance(number, int) else f"{number:g}"
