"""TOML files whose errors name file, line and key.

`tomllib` gives values without places; `line_of` finds the place of a key again in the text.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Key = Sequence[str | int]

_HEADER = re.compile(r"^\s*\[(\[?)\s*(.+?)\s*\]?\]\s*(?:#.*)?$")
_PAIR = re.compile(r"""^\s*((?:"[^"]*"|'[^']*'|[\w-]+)(?:\s*\.\s*(?:"[^"]*"|'[^']*'|[\w-]+))*)\s*=""")
_PART = re.compile(r""""([^"]*)"|'([^']*)'|([\w-]+)""")


class DefinitionFault(Exception):
    """A definition that cannot be used: where it stands, and what would be right."""

    def __init__(self, file: Path, line: int, key: Key, sentence: str) -> None:
        super().__init__(f"{file}:{line}: {shown(key)}: {sentence}" if key else f"{file}:{line}: {sentence}")
        self.file, self.line, self.key, self.sentence = file, line, tuple(key), sentence


def shown(key: Key) -> str:
    """A key as people write it: `queues.complaint.relax[1].after`."""
    text = ""
    for part in key:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def read(file: Path) -> tuple[dict[str, Any], str]:
    """The file's values and its text. Raises DefinitionFault when it cannot be read or is no TOML."""
    try:
        text = file.read_text(encoding="utf-8")
        return tomllib.loads(text), text
    except OSError as error:
        raise DefinitionFault(file, 0, (), f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise DefinitionFault(file, 0, (), f"is not UTF-8 text at byte {error.start}: save it as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"line (\d+)", str(error))
        line = int(found[1]) if found else 1 + error.args[0].count("\n")
        raise DefinitionFault(file, line, (), f"is not valid TOML: {error}") from None


def line_of(text: str, key: Key) -> int:
    """The line, from 1, on which a key stands, or the nearest enclosing one that can be found; 1 if none."""
    wanted = tuple(key)
    best, best_length = 1, 0
    table: tuple[str | int, ...] = ()
    arrays: dict[tuple[str | int, ...], int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            parts: tuple[str | int, ...] = tuple(_parts(header[2]))
            if header[1]:
                arrays[parts] = arrays.get(parts, -1) + 1
                table = (*parts, arrays[parts])
            else:
                table = parts
            here = table
        elif pair := _PAIR.match(line):
            here = (*table, *_parts(pair[1]))
        else:
            continue
        if len(here) > best_length and wanted[: len(here)] == here:
            best, best_length = number, len(here)
    return best


def _parts(dotted: str) -> list[str]:
    return [match[1] or match[2] or match[3] for match in _PART.finditer(dotted)]
