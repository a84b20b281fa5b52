"""What all questions have in common: an answer that is none is a miss, and after the last miss the caller goes on.

A question that must be asked again answers `AGAIN`; the session puts it.
"""

from __future__ import annotations

from ivr import inputs
from ivr.nodes import AGAIN, Question
from ivr.turn import NO_INPUT, NO_MATCH, Turn


def missed(turn: Turn, node: Question, why: str) -> str:
    """Ask again, or go on after the last attempt."""
    if turn.miss(why) < node.asking.attempts:
        return AGAIN
    return node.on_no_input if why == NO_INPUT else node.on_no_match


def other(turn: Turn, node: Question, digits: str, ends: str = "") -> str:
    """Digits that are no answer to this question: a key that means the same everywhere, or a miss."""
    key = everywhere(turn, digits[:-1] if digits[-1] in ends else digits)
    return press(turn, key) if key else missed(turn, node, NO_MATCH)


def press(turn: Turn, key: str) -> str:
    """Where a key leads that means the same everywhere. To hear it again costs no attempt."""
    target = turn.press(key)
    if target == AGAIN:
        turn.frame.missed = ""
    return target


def everywhere(turn: Turn, digits: str) -> str:
    """The key among these digits that means the same everywhere: keyed alone, or a * or # after others; or none."""
    keys = turn.keys()
    if digits in keys:
        return digits
    return digits[-1:] if digits[-1:] in keys and not digits[-1:].isdigit() else ""


def unasked(turn: Turn, node: Question, given: inputs.Input) -> str:
    """An input that is not a caller's answer."""
    if isinstance(given, inputs.NoInput | inputs.Digits):
        return missed(turn, node, NO_INPUT)
    return AGAIN
