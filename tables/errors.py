"""What is wrong with a table: the key of the value that cannot be used, and a sentence that says why."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches

Key = tuple[str | int, ...]
"""The path to a value from the top of a file: names of keys, and indexes in lists."""


class TableError(ValueError):
    """A value that cannot be used. `key` is the path to it, `sentence` says what is wrong."""

    def __init__(self, key: Key, sentence: str) -> None:
        super().__init__(f"{shown(key)}: {sentence}" if key else sentence)
        self.key, self.sentence = key, sentence


def shown(key: Key) -> str:
    """A key as people write it: `queues.complaint.relax[1].after`."""
    text = ""
    for part in key:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def nearest(word: str, words: Collection[str]) -> str:
    """`: did you mean "menu"?`, or the names there are; empty if there are none."""
    close = get_close_matches(word, sorted(words), n=1)
    if close:
        return f': did you mean "{close[0]}"?'
    return f": it is one of {', '.join(sorted(words))}" if words else ""
