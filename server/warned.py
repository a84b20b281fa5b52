"""A warning is a sentence for people at a terminal; by its code and its values a page says it in words of its own."""

from __future__ import annotations

from collections.abc import Mapping

Values = Mapping[str, str | int | float]
"""What a warning names: numbers, names, and what another program said of its own failure."""


class Warned(str):
    """The sentence, wherever a text will do; `code` and `values` beside it."""

    code: str
    values: Values

    def __new__(cls, code: str, sentence: str, values: Values) -> Warned:
        """A text with these two; use `warned`."""
        made = super().__new__(cls, sentence)
        made.code, made.values = code, values
        return made


def warned(code: str, sentence: str, **values: str | int | float) -> str:
    """The sentence with its code and values; nothing of an empty one."""
    return Warned(code, sentence, values) if sentence else ""


def told(sentence: str) -> tuple[str, Values]:
    """The code and the values of a warning; none of a sentence that has none."""
    return (sentence.code, sentence.values) if isinstance(sentence, Warned) else ("", {})
