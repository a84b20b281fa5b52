"""Digits, and a number to call back: asked for, checked, read back, taken. Nothing is read back that cannot be taken.

The stages of a number: the caller's own is proposed, if it can be called; another is asked for, checked, confirmed.
"""

from __future__ import annotations

import re

from ivr import inputs, verbs
from ivr.nodes import AGAIN, LIMIT, LONG, SHORT, Collect, Number
from ivr.questions import everywhere, missed, other, press, unasked
from ivr.turn import NO_INPUT, NO_MATCH, Turn
from ivr.wording import expected

Target = str | None

ASK, CONFIRM = "ask", "confirm"
PROPOSE, OFFER, CHECK, TAKE = "propose", "offer", "check", "take"

KEYED_AT_MOST = 30
"""More digits than any number has: a caller who keys too many is told so, and the rest answers no later question."""
CORRECTS = "*"


# Digits into a field


def ask_digits(turn: Turn, node: Collect) -> Target:
    """Ask for digits, or for their confirmation."""
    if turn.frame.stage == CONFIRM:
        turn.ask(node.asking, node.confirm, 1, 1)
    else:
        turn.ask(node.asking, node.asking.prompts, node.min, node.max, node.terminators)
    return None


def take_digits(turn: Turn, node: Collect, given: inputs.Input) -> Target:
    """Check the digits, confirm them if the node says so, and put them into the field."""
    if not isinstance(given, inputs.Digits) or not given.digits:
        return unasked(turn, node, given)
    if turn.frame.stage == CONFIRM:
        return _confirmed(turn, node, given.digits)
    digits = _without_end(node, given.digits)
    if not _fits(node, digits):
        return other(turn, node, given.digits, node.terminators)
    if node.confirm:
        turn.stage(CONFIRM, digits)
        return AGAIN
    turn.frame.answer = digits
    return _accepted(turn, node)


def _without_end(node: Collect, digits: str) -> str:
    return digits[:-1] if digits[-1] in node.terminators else digits


def _plain(digits: str) -> bool:
    return digits.isascii() and digits.isdigit()


def _fits(node: Collect, digits: str) -> bool:
    return (
        node.min <= len(digits) <= node.max
        and _plain(digits)
        and (not node.pattern or re.fullmatch(node.pattern, digits) is not None)
    )


def _confirmed(turn: Turn, node: Collect, digits: str) -> Target:
    if digits == node.yes:
        return _accepted(turn, node)
    if digits != node.no:
        return other(turn, node, digits)
    if turn.miss(NO_MATCH) >= node.asking.attempts:
        return node.on_no_match
    turn.stage(ASK)
    return AGAIN


def _accepted(turn: Turn, node: Collect) -> Target:
    if isinstance(node, Number):
        turn.stage(TAKE, turn.frame.answer)
        return AGAIN
    turn.put({node.field: turn.frame.answer})
    return node.next


# A number to call back


def ask_number(turn: Turn, node: Number) -> Target:
    """Ask what the stage calls for, or let the server check or take the number."""
    frame = turn.frame
    if frame.stage == "":
        own = turn.caller.number
        turn.stage(*((PROPOSE, own) if node.offer and _plain(own.removeprefix("+")) else (ASK, "")))
    if frame.stage in (PROPOSE, CHECK):
        turn.do(verbs.CheckNumber(frame.answer))
    elif frame.stage == OFFER:
        turn.ask(node.asking, node.offer, 1, 1)
    elif frame.stage == CONFIRM:
        turn.ask(node.asking, node.confirm, 1, 1)
    elif frame.stage == TAKE:
        turn.do(verbs.TakeNumber(frame.answer))
    else:
        prompts = node.refused.get(frame.missed, node.asking.prompts)
        most = max(node.max, KEYED_AT_MOST)
        turn.ask(node.asking, prompts, node.min, most, node.terminators.replace(CORRECTS, "") + CORRECTS)
    return None


def take_number(turn: Turn, node: Number, given: inputs.Input) -> Target:
    """Go to the next stage by what the caller keyed or the server answered."""
    stage = turn.frame.stage
    if isinstance(given, inputs.NumberRefused) and stage in (PROPOSE, CHECK, TAKE):
        return _refused(turn, node, given.reason)
    if stage in (PROPOSE, CHECK):
        return _checked(turn, node, given)
    if stage == TAKE:
        return _taken(turn, node, given)
    if not isinstance(given, inputs.Digits) or not given.digits:
        return unasked(turn, node, given)
    if stage == OFFER and given.digits == node.no:
        # Another number is wanted: that is an answer, not a miss.
        turn.stage(ASK)
        return AGAIN
    if stage in (OFFER, CONFIRM):
        return _confirmed(turn, node, given.digits)
    return _keyed(turn, node, given.digits)


def _keyed(turn: Turn, node: Number, keyed: str) -> Target:
    """Digits that were keyed as a number, with the key that ended them."""
    if keyed[-1] == CORRECTS:
        turn.stage(ASK)
        return AGAIN
    digits = _without_end(node, keyed)
    if not digits:
        return missed(turn, node, NO_INPUT)
    if key := everywhere(turn, digits):
        return press(turn, key)
    if not _plain(digits) or (node.pattern and re.fullmatch(node.pattern, digits) is None):
        return missed(turn, node, NO_MATCH)
    if not node.min <= len(digits) <= node.max:
        return missed(turn, node, SHORT if len(digits) < node.min else LONG)
    turn.stage(CHECK, digits)
    return AGAIN


def _checked(turn: Turn, node: Number, given: inputs.Input) -> Target:
    if not isinstance(given, inputs.NumberFits):
        return AGAIN
    if turn.frame.stage == CHECK and not node.confirm:
        turn.frame.answer = given.number
        return _accepted(turn, node)
    turn.stage(OFFER if turn.frame.stage == PROPOSE else CONFIRM, given.number)
    return AGAIN


def _refused(turn: Turn, node: Number, reason: str) -> Target:
    proposed = turn.frame.stage == PROPOSE
    turn.stage(ASK)
    if reason == LIMIT and node.limit:
        return node.limit
    return AGAIN if proposed else missed(turn, node, reason)


def _taken(turn: Turn, node: Number, given: inputs.Input) -> Target:
    if isinstance(given, inputs.Finished):
        given = inputs.Promised(turn.frame.answer)
    if not isinstance(given, inputs.Promised):
        return AGAIN
    turn.put(
        {
            node.field: given.number,
            f"{node.field}_when": expected(given.low, given.high, given.due, turn.now),
            f"{node.field}_shown": given.shown,
            f"{node.field}_state": "dialling" if given.dialling else "duplicate" if given.duplicate else "new",
        }
    )
    return node.duplicate if given.duplicate and node.duplicate else node.next
