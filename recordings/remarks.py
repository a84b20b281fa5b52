"""What the log says of a recording in sentences, by code and values, so that it can be said in another language.

The log keeps sentences: those that earlier releases wrote are known here, too.
"""

from __future__ import annotations

import re

_SIDE, _NUMBER = r"(?P<side>caller|agent)", r"-?\d+(?:\.\d+)?"
_FORMS = {
    "unrecorded": rf"the {_SIDE}'s side was not recorded",
    "silent": rf"the {_SIDE}'s side is silent: (?P<level>{_NUMBER}) dBFS over (?P<seconds>{_NUMBER}) s",
    "shorter": rf"the {_SIDE}'s side is (?P<seconds>{_NUMBER}) s shorter than the other",
    "short": rf"the recording has (?P<covered>{_NUMBER}) s of a conversation of (?P<talked>{_NUMBER}) s",
    "nothing": r"nothing was written",
    "unstored": r"its file (?P<file>.+) is not in the store",
    "unread": r"its file (?P<file>\S+) cannot be read: (?P<error>.+)",
}
_KNOWN = [(code, re.compile(form)) for code, form in _FORMS.items()]


def remark(sentence: str) -> tuple[str, dict[str, str | int | float]]:
    """(the code, the values that the sentence names); an empty code for a sentence that is none of these."""
    for code, form in _KNOWN:
        if (found := form.fullmatch(sentence)) is not None:
            return code, {name: _value(text) for name, text in found.groupdict().items()}
    return "", {}


def _value(text: str) -> str | int | float:
    if not re.fullmatch(_NUMBER, text):
        return text
    return float(text) if "." in text else int(text)
