"""A text is cut into words that a search can find: two characters each of Chinese, whole words of everything else.

Chinese has no spaces, and a dictionary cuts it in ways that a question does not share. Two neighbouring characters are
a word of the index: every word of two and more characters is found wherever it stands. A single character is found by
the words that begin with it; the last one of a run is a word of its own for that. The same cut is made on every
database.
"""

from __future__ import annotations

import re
import unicodedata

MOST_QUERY = 100
"""Characters of a question."""
LONGEST_WORD = 40
"""Characters by which a long word is known."""
_CHINESE = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_RUNS = re.compile(rf"([{_CHINESE}]+)|((?:(?![{_CHINESE}])[^\W_])+)")


def words(text: str) -> list[str]:
    """The words of a text, in order, for the index."""
    found: list[str] = []
    for chinese, other in _runs(text):
        if chinese:
            found += [chinese[place : place + 2] for place in range(len(chinese))]
        else:
            found.append(other[:LONGEST_WORD])
    return found


def question(text: str) -> list[str]:
    """The words of which all must be there; one that ends in * is the beginning of a word. None: nothing to look for.

    A single Chinese character, and the last Latin word or number, are beginnings: who types is not through yet.
    """
    runs = _runs(text[:MOST_QUERY])
    found: list[str] = []
    for place, (chinese, other) in enumerate(runs):
        if len(chinese) == 1:
            found.append(f"{chinese}*")
        elif chinese:
            found += [chinese[each : each + 2] for each in range(len(chinese) - 1)]
        elif place == len(runs) - 1 or len(other) >= LONGEST_WORD:
            found.append(f"{other[:LONGEST_WORD]}*")
        else:
            found.append(other)
    return list(dict.fromkeys(found))


def coded(word: str) -> str:
    """A word in letters and digits of ASCII, which every database takes as one word: others become their code."""
    return "".join(each if each.isascii() and each.isalnum() else f"u{ord(each):05x}" for each in word)


def _runs(text: str) -> list[tuple[str, str]]:
    """(Chinese characters, "") or ("", letters and digits), in order. Width and case do not matter."""
    return _RUNS.findall(unicodedata.normalize("NFKC", text).casefold())
