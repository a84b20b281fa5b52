"""Reads one table of an operator's file. Whatever is wrong is said once, in a sentence, with the key it is about."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from difflib import get_close_matches
from typing import TypeVar

Key = tuple[str | int, ...]
T = TypeVar("T")


class FlowError(ValueError):
    """What an operator wrote cannot be used. `key` is the path to it inside the file, `sentence` says what is wrong."""

    def __init__(self, key: Key, sentence: str) -> None:
        self.key = key
        self.sentence = sentence
        super().__init__(f"{dotted(key)}: {sentence}" if key else sentence)


def dotted(key: Key) -> str:
    """`("nodes", "menu", "no_input", 0)` as `nodes.menu.no_input[0]`."""
    text = ""
    for part in key:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def nearest(word: str, words: Collection[str]) -> str:
    """`: did you mean "menu"?`, or what there is to choose from."""
    close = get_close_matches(word, sorted(words), n=1)
    if close:
        return f': did you mean "{close[0]}"?'
    return f": it is one of {', '.join(sorted(words))}" if words else ""


class Table:
    """A table whose keys are read one by one; `done()` refuses those that nobody asked for."""

    def __init__(self, data: object, key: Key = ()) -> None:
        if not isinstance(data, Mapping):
            raise FlowError(key, "this must be a table")
        self.data = data
        self.key = key
        self._asked: set[str] = set()

    def at(self, name: str | int) -> Key:
        return (*self.key, name)

    def has(self, name: str) -> bool:
        self._asked.add(name)
        return name in self.data

    def _get(self, name: str, default: T | None, read: Callable[[object, Key], T]) -> T:
        if self.has(name):
            return read(self.data[name], self.at(name))
        if default is None:
            raise FlowError(self.key, f'"{name}" is missing here')
        return default

    def text(self, name: str, default: str | None = None) -> str:
        return self._get(name, default, text)

    def flag(self, name: str, default: bool | None = None) -> bool:
        return self._get(name, default, flag)

    def integer(self, name: str, default: int | None = None, *, least: int = 0, most: int = 1_000_000) -> int:
        def read(value: object, key: Key) -> int:
            if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
                raise FlowError(key, f"this must be a whole number from {least} to {most}, not {value!r}")
            return value

        return self._get(name, default, read)

    def seconds(self, name: str, default: float | None = None, *, most: float = 3600.0) -> float:
        def read(value: object, key: Key) -> float:
            if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value <= most:
                raise FlowError(key, f"this must be a number of seconds above 0, up to {most:g}, not {value!r}")
            return float(value)

        return self._get(name, default, read)

    def texts(self, name: str, default: tuple[str, ...] | None = None) -> tuple[str, ...]:
        return self._get(name, default, texts)

    def lists_of_texts(self, name: str) -> tuple[tuple[str, ...], ...]:
        return self._get(name, (), lambda value, key: items(value, key, texts))

    def mapping(self, name: str) -> dict[str, str]:
        """A table of texts; numbers become text as they are written."""

        def read(value: object, key: Key) -> dict[str, str]:
            table = Table(value, key)
            return {str(inner): text(table.data[inner], table.at(inner), numbers=True) for inner in table.data}

        return self._get(name, {}, read)

    def table(self, name: str) -> Table:
        """The table of that name; an empty one if there is none."""
        return Table(self.data[name] if self.has(name) else {}, self.at(name))

    def done(self) -> None:
        """Refuse keys that nobody asked for."""
        for name in self.data:
            if name not in self._asked:
                raise FlowError(self.at(str(name)), f'"{name}" means nothing here{nearest(str(name), self._asked)}')


def text(value: object, key: Key, *, numbers: bool = False) -> str:
    if numbers and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise FlowError(key, f"this must be text in quotes, not {value!r}")
    return value


def flag(value: object, key: Key) -> bool:
    if not isinstance(value, bool):
        raise FlowError(key, f"this must be true or false, not {value!r}")
    return value


def items(value: object, key: Key, read: Callable[[object, Key], T]) -> tuple[T, ...]:
    if not isinstance(value, list | tuple):
        raise FlowError(key, f"this must be a list in [ ], not {value!r}")
    return tuple(read(item, (*key, index)) for index, item in enumerate(value))


def texts(value: object, key: Key) -> tuple[str, ...]:
    return items(value, key, text)
