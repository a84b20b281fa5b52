"""How well a prompt is understood: the share of what was said that a listener did not write down.

Chinese is compared by syllables with their tones, English by letters; a digit counts as the word for it, however read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import product

from ivr.manifest import Manifest
from ivr.saying import say_digits, say_number

LIMIT = 0.10
"""Error rate above which a prompt should be worded or rendered again."""

_SAME = str.maketrans({"幺": "一", "两": "二", "您": "你"})
"""Words that a listener writes the plain way."""


def error_rate(manifest: Manifest, language: str, text: str, heard: str, sounds: Mapping[str, str]) -> float:
    """Edits from heard to text over the length of text, for the kindest reading of heard digits. 0.0 is perfect."""
    said = units(text, language, sounds)
    readings = (units(each, language, sounds) for each in _readings(manifest, language, heard))
    return min(distance(said, reading) for reading in readings) / max(1, len(said))


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
