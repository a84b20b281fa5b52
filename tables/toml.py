"""TOML files whose errors name file, line and key.

`tomllib` gives values without places. A scanner of our own finds them: it need not tell right from wrong, since it
only sees text that `tomllib` has taken.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from tables.errors import Key, TableError, shown

_STRING = re.compile(r'"""(?:\\.|[^\\])*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:\\.|[^"\\])*"|\'[^\']*\'', re.DOTALL)
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_BARE_VALUE = re.compile(r"[^,\]}#\n]*")
_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_ENDLESS_KEY = re.compile(r"(?<![A-Za-z0-9_-])(?:[A-Za-z0-9_-]+[ \t]*\.[ \t]*){50}")
"""`a.a.a…`: tomllib takes minutes for thousands of parts."""


class DefinitionFault(ValueError):
    """A definition that cannot be used: its file and line (from 1), its key, and what would be right."""

    def __init__(self, file: Path, line: int, key: Key, sentence: str) -> None:
        super().__init__(f"{file}:{line}: {shown(key)}: {sentence}" if key else f"{file}:{line}: {sentence}")
        self.file, self.line, self.key, self.sentence = file, line, key, sentence


def read(file: Path) -> tuple[dict[str, Any], str]:
    """The file's values and its text. Raises DefinitionFault when it cannot be read or is no TOML."""
    try:
        # Some editors begin a file with a byte-order mark, which is no part of its text.
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DefinitionFault(file, 1, (), f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        line = 1 + error.object[: error.start].count(b"\n")
        raise DefinitionFault(file, line, (), "is not UTF-8 text here: save it as UTF-8") from None
    return parse(text, file), text


def parse(text: str, file: Path) -> dict[str, Any]:
    """The values of a text that was read elsewhere; `file` is what errors name. Raises DefinitionFault."""
    try:
        if _ENDLESS_KEY.search(text):
            raise RecursionError
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"line (\d+)", str(error))
        line = int(found[1]) if found else 1 + text.rstrip().count("\n")
        raise DefinitionFault(file, line, (), f"is not valid TOML: {error}") from None
    except ValueError as error:
        # Python's own limit for numbers of thousands of digits, which tomllib lets out.
        raise DefinitionFault(file, 1, (), f"holds a value that cannot be read: {error}") from None
    except RecursionError:
        raise DefinitionFault(file, 1, (), "nests lists or tables too deeply to be read") from None
    for key in _oversized(values):
        raise DefinitionFault(file, line_of(text, key), key, "a whole number of TOML has 64 bits: this is too large")
    return values


def line_of(text: str, key: Key) -> int:
    """The line, from 1, on which a key or a list's item stands, or the nearest enclosing one; 1 if none."""
    places = _places(text)
    return next((places[key[:n]] for n in range(len(key), 0, -1) if key[:n] in places), 1)


@contextmanager
def located(file: Path, text: str) -> Iterator[None]:
    """A TableError that is raised within becomes a DefinitionFault that names the file, and the line in its text."""
    try:
        yield
    except TableError as error:
        raise DefinitionFault(file, line_of(text, error.key), error.key, error.sentence) from None


def _oversized(values: dict[str, Any]) -> Iterator[Key]:
    """Where whole numbers stand that TOML has no room for, and that no arithmetic with seconds would survive."""
    left: list[tuple[Key, Any]] = [((), values)]
    while left:
        key, value = left.pop()
        if isinstance(value, dict):
            left += [((*key, name), inner) for name, inner in value.items()]
        elif isinstance(value, list):
            left += [((*key, index), inner) for index, inner in enumerate(value)]
        elif isinstance(value, int) and not -(2**63) <= value < 2**63:
            yield key


@lru_cache(maxsize=1)
def _places(text: str) -> dict[Key, int]:
    """Where everything stands in the text that is asked about now."""
    return _Scanner(text).places


class _Scanner:
    """`places`: every key of the text, and every item of its lists, with the line on which it begins."""

    def __init__(self, text: str) -> None:
        self.places: dict[Key, int] = {}
        self._text, self._at = text, 0
        self._arrays: dict[Key, int] = {}
        table: Key = ()
        while self._skip(_BLANK):
            if self._peek("["):
                table = self._header()
            else:
                self._pair(table)

    def _header(self) -> Key:
        line = self._line()
        repeated = self._take("[") and self._take("[")
        self._skip(_SPACE)
        parts = self._dotted()
        self._at = self._end(re.compile(r"[^\]]*\]{1,2}"))
        table: Key = ()
        for place, part in enumerate(parts, 1):
            table = (*table, part)
            self.places.setdefault(table, line)
            if repeated and place == len(parts):
                self._arrays[table] = self._arrays.get(table, -1) + 1
            if table in self._arrays:
                table = (*table, self._arrays[table])
                self.places.setdefault(table, line)
        return table

    def _pair(self, table: Key) -> None:
        line = self._line()
        for part in self._dotted():
            table = (*table, part)
            self.places.setdefault(table, line)
        self._take("=")
        self._skip(_SPACE)
        self._value(table)

    def _value(self, key: Key) -> None:
        if self._take("["):
            index = 0
            while self._skip(_BLANK) and not self._take("]"):
                self.places[*key, index] = self._line()
                self._value((*key, index))
                self._skip(_BLANK)
                self._take(",")
                index += 1
        elif self._take("{"):
            while self._skip(_BLANK) and not self._take("}"):
                self._pair(key)
                self._skip(_BLANK)
                self._take(",")
        else:
            self._at = self._end(_STRING) or self._end(_BARE_VALUE)

    def _dotted(self) -> list[str]:
        parts = []
        while True:
            end = self._end(_STRING)
            if end:
                parts.append(self._text[self._at + 1 : end - 1])
            else:
                end = max(self._end(_BARE_KEY), self._at + 1)
                parts.append(self._text[self._at : end])
            self._at = end
            self._skip(_SPACE)
            if not self._take("."):
                return parts
            self._skip(_SPACE)

    def _line(self) -> int:
        return 1 + self._text.count("\n", 0, self._at)

    def _skip(self, what: re.Pattern[str]) -> bool:
        """Pass over `what`; whether there is more text."""
        self._at = self._end(what)
        return self._at < len(self._text)

    def _end(self, what: re.Pattern[str]) -> int:
        """Where `what` ends that begins here; 0 if it does not."""
        found = what.match(self._text, self._at)
        return found.end() if found else 0

    def _peek(self, character: str) -> bool:
        return self._text.startswith(character, self._at)

    def _take(self, character: str) -> bool:
        found = self._peek(character)
        self._at += found
        return found
