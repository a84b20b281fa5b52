"""What each kind of node does. A kind is two functions: `put` says what the caller gets, `take` what an answer means.

Both return the target to go to, or None to wait here. `put` is called on arrival, again after a miss, and when the
caller comes back after a crash, so it may rely on nothing but the turn's place. An answer that a node cannot
understand puts it again: whatever a line says, the caller is somewhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ivr import inputs, nodes, verbs
from ivr.nodes import AGAIN, Collect, Node, Question
from ivr.turn import NO_INPUT, NO_MATCH, Turn

Target = str | None


@dataclass(frozen=True, slots=True)
class Kind:
    put: Callable[[Turn, Any], Target]
    take: Callable[[Turn, Any, inputs.Input], Target]


# Nodes that wait for nobody


def _play(turn: Turn, node: nodes.Play) -> Target:
    turn.play(node.prompts, node.interruptible)
    return node.next


def _branch(turn: Turn, node: nodes.Branch) -> Target:
    known, asked = turn.known(), any(case.condition.open is not None for case in node.cases)
    is_open = asked and turn.calendar.open_at(turn.now)
    for case in node.cases:
        if case.condition.holds(turn.caller, known, is_open):
            return case.to
    return node.otherwise


def _hours(turn: Turn, node: nodes.Hours) -> Target:
    return node.open if turn.calendar.open_at(turn.now) else node.closed


def _set(turn: Turn, node: nodes.Set) -> Target:
    turn.put({name: turn.filled(value) for name, value in node.fields.items()})
    return node.next


def _end(turn: Turn, node: nodes.End) -> Target:
    turn.play(node.prompts, True)
    turn.do(verbs.Hangup(node.why))
    return None


def _arrive(turn: Turn, node: Node, _: inputs.Input) -> Target:
    return KINDS[type(node)].put(turn, node)


# Questions


def _missed(turn: Turn, node: Question, why: str) -> Target:
    """Ask again, or go on after the last attempt."""
    if turn.miss(why) < node.asking.attempts:
        return KINDS[type(node)].put(turn, node)
    return node.on_no_input if why == NO_INPUT else node.on_no_match


def _other(turn: Turn, node: Question, digits: str, ends: str = "") -> Target:
    """Digits that are no answer to this question: a key that means the same everywhere, or a miss."""
    key = _everywhere(turn, digits[:-1] if digits[-1] in ends else digits)
    if not key:
        return _missed(turn, node, NO_MATCH)
    target = turn.press(key)
    if target == AGAIN:
        turn.place.missed = ""
        return KINDS[type(node)].put(turn, node)
    return target


def _everywhere(turn: Turn, digits: str) -> str:
    """The key among these digits that means the same everywhere: keyed alone, or a * or # after others; or none."""
    keys = turn.keys()
    if digits in keys:
        return digits
    return digits[-1:] if digits[-1:] in keys and not digits[-1:].isdigit() else ""


def _unasked(turn: Turn, node: Question, given: inputs.Input) -> Target:
    """An input that is not a caller's answer."""
    if isinstance(given, inputs.NoInput | inputs.Digits):
        return _missed(turn, node, NO_INPUT)
    return KINDS[type(node)].put(turn, node)


def _ask_menu(turn: Turn, node: nodes.Menu) -> Target:
    longest = max(map(len, node.options))
    ends = "#" if longest > 1 and not any("#" in key for key in node.options) else ""
    turn.ask(node.asking, node.asking.prompts, 1, longest, ends)
    return None


def _take_menu(turn: Turn, node: nodes.Menu, given: inputs.Input) -> Target:
    if not isinstance(given, inputs.Digits) or not given.digits:
        return _unasked(turn, node, given)
    choice = node.options.get(given.digits) or node.options.get(given.digits.removesuffix("#"))
    if choice is None:
        return _other(turn, node, given.digits)
    turn.put(choice.fields)
    return choice.to


def _ask_survey(turn: Turn, node: nodes.Survey) -> Target:
    turn.ask(node.asking, node.asking.prompts, 1, 1)
    return None


def _take_survey(turn: Turn, node: nodes.Survey, given: inputs.Input) -> Target:
    if not isinstance(given, inputs.Digits) or not given.digits:
        return _unasked(turn, node, given)
    if given.digits in tuple("12345"):
        turn.do(verbs.Satisfaction(int(given.digits)))
        return node.next
    return node.skipped if given.digits == node.skip else _other(turn, node, given.digits)


# Digits, and a number to call back: asked for, read back, taken

ASK, CONFIRM, OFFER, TAKE = "ask", "confirm", "offer", "take"


def _ask_digits(turn: Turn, node: Collect) -> Target:
    if turn.place.stage == CONFIRM:
        turn.ask(node.asking, node.confirm, 1, 1)
    else:
        turn.ask(node.asking, node.asking.prompts, node.min, node.max, node.terminators)
    return None


def _fits(node: Collect, digits: str) -> bool:
    return (
        node.min <= len(digits) <= node.max
        and (digits.isascii() and digits.isdigit())
        and (not node.pattern or re.fullmatch(node.pattern, digits) is not None)
    )


def _take_digits(turn: Turn, node: Collect, given: inputs.Input) -> Target:
    if not isinstance(given, inputs.Digits) or not given.digits:
        return _unasked(turn, node, given)
    if turn.place.stage == CONFIRM:
        return _confirmed(turn, node, given.digits)
    digits = given.digits[:-1] if given.digits[-1] in node.terminators else given.digits
    if not _fits(node, digits):
        return _other(turn, node, given.digits, node.terminators)
    if node.confirm:
        turn.stage(CONFIRM, digits)
        return KINDS[type(node)].put(turn, node)
    turn.place.answer = digits
    return _accepted(turn, node)


def _confirmed(turn: Turn, node: Collect, digits: str) -> Target:
    if digits == node.yes:
        return _accepted(turn, node)
    if digits != node.no:
        return _other(turn, node, digits)
    if turn.miss(NO_MATCH) >= node.asking.attempts:
        return node.on_no_match
    turn.stage(ASK)
    return KINDS[type(node)].put(turn, node)


def _accepted(turn: Turn, node: Collect) -> Target:
    if isinstance(node, nodes.Number):
        turn.stage(TAKE, turn.place.answer)
        return _ask_number(turn, node)
    turn.put({node.field: turn.place.answer})
    return node.next


def _ask_number(turn: Turn, node: nodes.Number) -> Target:
    place = turn.place
    if place.stage == "":
        own = turn.caller.number
        if node.offer and _fits(node, own.removeprefix("+")):
            turn.stage(OFFER, own)
        else:
            turn.stage(ASK)
    if place.stage == OFFER:
        turn.ask(node.asking, node.offer, 1, 1)
    elif place.stage == TAKE:
        turn.do(verbs.TakeNumber(place.answer))
    else:
        return _ask_digits(turn, node)
    return None


def _take_number(turn: Turn, node: nodes.Number, given: inputs.Input) -> Target:
    place = turn.place
    if place.stage == TAKE:
        if isinstance(given, inputs.Finished):
            turn.put({node.field: place.answer})
            return node.next
        if not isinstance(given, inputs.NumberRefused):
            return _ask_number(turn, node)
        place.stage = ASK
        return _missed(turn, node, NO_MATCH)
    if place.stage == OFFER and isinstance(given, inputs.Digits) and given.digits:
        if given.digits == node.no:
            # Another number is wanted: that is an answer, not a miss.
            turn.stage(ASK)
            return _ask_number(turn, node)
        return _confirmed(turn, node, given.digits)
    return _take_digits(turn, node, given)


# Messages and the queue


def _ask_message(turn: Turn, node: nodes.Message) -> Target:
    misses = turn.place.misses
    prompts = node.empty[min(misses, len(node.empty)) - 1] if misses and node.empty else node.prompts
    turn.do(verbs.TakeMessage(node.max_seconds, node.silence, turn.words(prompts)))
    return None


def _take_message(turn: Turn, node: nodes.Message, given: inputs.Input) -> Target:
    if isinstance(given, inputs.Recorded) and given.seconds >= node.min_seconds:
        return node.next
    if isinstance(given, inputs.Recorded | inputs.RecordFailed) and turn.miss(NO_INPUT) >= node.attempts:
        return node.on_fail
    return _ask_message(turn, node)


def _enqueue(turn: Turn, node: nodes.Enqueue) -> Target:
    queue = turn.filled(node.queue)
    if not queue:
        return node.otherwise
    turn.do(
        verbs.Enqueue(
            queue=queue,
            category=turn.filled(node.category),
            priority=node.priority,
            music=turn.filled(node.music),
            requirement=node.requirement,
        )
    )
    return None


def _left_queue(turn: Turn, node: nodes.Enqueue, given: inputs.Input) -> Target:
    if isinstance(given, inputs.Served):
        return node.served
    if isinstance(given, inputs.NotServed):
        return node.exits.get(given.why, node.otherwise)
    return _enqueue(turn, node)


KINDS: Mapping[type[Node], Kind] = {
    nodes.Play: Kind(_play, _arrive),
    nodes.Branch: Kind(_branch, _arrive),
    nodes.Hours: Kind(_hours, _arrive),
    nodes.Set: Kind(_set, _arrive),
    nodes.End: Kind(_end, _arrive),
    nodes.Menu: Kind(_ask_menu, _take_menu),
    nodes.Survey: Kind(_ask_survey, _take_survey),
    nodes.Collect: Kind(_ask_digits, _take_digits),
    nodes.Number: Kind(_ask_number, _take_number),
    nodes.Message: Kind(_ask_message, _take_message),
    nodes.Enqueue: Kind(_enqueue, _left_queue),
}
"""Every kind but the sub-flow, which is the session's own business: it changes the frames."""
