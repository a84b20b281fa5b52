"""How well a prompt is understood: the share of what was said that a listener did not write down.

Chinese is compared by syllables with their tones, English by letters; a digit counts as the word for it, however read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import product

from ivr.manifest import Manifest
from ivr.saying import say_digits, say_number

LIMIT = 0.10
"""Error rate above which a prompt should be worded or rendered again, unless it is a single slip in a short one."""
PIECES_LIMIT = 0.34
"""The same for numbers put together from pieces, in which a listener without a clue loses more."""

_SAME = str.maketrans({"幺": "一", "两": "二", "您": "你"})
"""Words that a listener writes the plain way."""


Measure = Callable[[Sequence[str], Sequence[str]], int]


def error_rate(
    manifest: Manifest, language: str, text: str, heard: str, sounds: Mapping[str, str], measure: Measure | None = None
) -> float:
    """Edits from heard to text over the length of text, for the kindest reading of heard digits. 0.0 is perfect.

    `measure` may be `lost` instead of `distance`. `sounds`: Chinese character → its pinyin.
    """
    said = units(text, language, sounds)
    readings = (units(each, language, sounds) for each in _readings(manifest, language, heard))
    return min((measure or distance)(said, reading) for reading in readings) / max(1, len(said))


def understood(text: str, language: str, rate: float) -> bool:
    """Whether an error rate is good enough for this text."""
    return rate <= LIMIT or round(rate * len(units(text, language, {}))) <= 1


def units(text: str, language: str, sounds: Mapping[str, str]) -> list[str]:
    """What is compared: syllables in Chinese, letters in English. Punctuation is not heard."""
    if language == "zh":
        plain = text.translate(_SAME)
        return [sounds.get(character, character) for character in re.findall(r"\w", plain)]
    return re.findall(r"[a-z]", text.lower())


def distance(one: Sequence[str], other: Sequence[str]) -> int:
    """Levenshtein: insertions, deletions and substitutions."""
    row = list(range(len(other) + 1))
    for i, left in enumerate(one, 1):
        diagonal, row[0] = row[0], i
        for j, right in enumerate(other, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (left != right))
    return row[-1]


def lost(said: Sequence[str], heard: Sequence[str]) -> int:
    """How much of what was said is not there, in order, in what was heard; what was made up costs nothing."""
    row = [0] * (len(heard) + 1)
    for left in said:
        diagonal = 0
        for j, right in enumerate(heard, 1):
            diagonal, row[j] = row[j], diagonal + 1 if left == right else max(row[j], row[j - 1])
    return len(said) - row[-1]


def _readings(manifest: Manifest, language: str, heard: str) -> list[str]:
    """`heard` with its digits in words: each number digit by digit, and as a number."""
    parts = re.split(r"(\d+)", re.sub(r"(?<=\d)[\s,，.-]+(?=\d)", "", heard))
    if sum(part.isdigit() for part in parts) > 8:
        return ["".join(_words(manifest, language, part)[0] for part in parts)]
    return ["".join(each) for each in product(*(_words(manifest, language, part) for part in parts))]


def _words(manifest: Manifest, language: str, part: str) -> list[str]:
    if not part.isdigit() or not part.isascii():
        return [part]
    readings = [say_digits(part, language)]
    if len(part) <= 12:
        readings.append(say_number(int(part), language))
    return [" ".join(manifest.text(piece, language) for piece in reading) for reading in readings]
