"""What each kind of node does. A kind is two functions: `put` says what the caller gets, `take` what an answer means.

Both return the target to go to, `AGAIN` to put this node again, or None to wait here. `put` is called on arrival, again
after a miss, and when the caller comes back after a crash, so it may rely on nothing but the turn's frame. An answer
that a node cannot understand puts it again: whatever a line says, the caller is somewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ivr import identity, inputs, nodes, notices, numbers, promises, verbs
from ivr.nodes import AGAIN, Node
from ivr.questions import other, unasked
from ivr.turn import NO_INPUT, Turn

Target = str | None


@dataclass(frozen=True, slots=True)
class Kind:
    """The two functions of a kind of node."""

    put: Callable[[Turn, Any], Target]
    take: Callable[[Turn, Any, inputs.Input], Target]


# Nodes that do not wait


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
    return AGAIN


# Questions


def _ask_menu(turn: Turn, node: nodes.Menu) -> Target:
    longest = max(map(len, node.options))
    ends = "#" if longest > 1 and not any("#" in key for key in node.options) else ""
    turn.ask(node.asking, node.asking.prompts, 1, longest, ends)
    return None


def _take_menu(turn: Turn, node: nodes.Menu, given: inputs.Input) -> Target:
    if not isinstance(given, inputs.Digits) or not given.digits:
        return unasked(turn, node, given)
    choice = node.options.get(given.digits) or node.options.get(given.digits.removesuffix("#"))
    if choice is None:
        return other(turn, node, given.digits)
    turn.put(choice.fields)
    return choice.to


def _ask_survey(turn: Turn, node: nodes.Survey) -> Target:
    turn.ask(node.asking, node.asking.prompts, 1, 1)
    return None


def _take_survey(turn: Turn, node: nodes.Survey, given: inputs.Input) -> Target:
    if not isinstance(given, inputs.Digits) or not given.digits:
        return unasked(turn, node, given)
    if given.digits in tuple("12345"):
        turn.do(verbs.Satisfaction(int(given.digits)))
        return node.next
    return node.skipped if given.digits == node.skip else other(turn, node, given.digits)


def _ask_question(turn: Turn, node: nodes.Asked) -> Target:
    turn.ask(node.asking, node.asking.prompts, 1, 1)
    return None


def _take_answer(turn: Turn, node: nodes.Asked, given: inputs.Input) -> Target:
    if not isinstance(given, inputs.Digits) or not given.digits:
        return unasked(turn, node, given)
    answer = node.answers.get(given.digits)
    if answer is None:
        return other(turn, node, given.digits)
    turn.do(verbs.Answered(node.question, answer.says, answer.satisfied))
    return answer.to


# Messages and the queue


def _ask_message(turn: Turn, node: nodes.Message) -> Target:
    misses = turn.frame.misses
    prompts = node.empty[min(misses, len(node.empty)) - 1] if misses and node.empty else node.prompts
    turn.do(verbs.TakeMessage(node.max_seconds, node.silence, turn.words(prompts), node.min_seconds))
    return None


def _take_message(turn: Turn, node: nodes.Message, given: inputs.Input) -> Target:
    if isinstance(given, inputs.Recorded) and given.seconds >= node.min_seconds:
        return node.next
    if isinstance(given, inputs.Recorded | inputs.RecordFailed) and turn.miss(NO_INPUT) >= node.attempts:
        return node.on_fail
    return AGAIN


def _enqueue(turn: Turn, node: nodes.Enqueue) -> Target:
    queue, promise = turn.filled(node.queue), turn.filled(node.promise)
    if not queue:
        return node.otherwise
    turn.do(
        verbs.Enqueue(
            queue=queue,
            category=turn.filled(node.category),
            priority=node.priority,
            music=turn.filled(node.music),
            requirement=node.requirement,
            promise=int(promise) if promise.isdecimal() else 0,
        )
    )
    return None


def _left_queue(turn: Turn, node: nodes.Enqueue, given: inputs.Input) -> Target:
    if isinstance(given, inputs.Served):
        return node.served
    if isinstance(given, inputs.NotServed):
        return node.exits.get(given.why, node.otherwise)
    return AGAIN


KINDS: Mapping[type[Node], Kind] = {
    nodes.Play: Kind(_play, _arrive),
    nodes.Branch: Kind(_branch, _arrive),
    nodes.Hours: Kind(_hours, _arrive),
    nodes.Set: Kind(_set, _arrive),
    nodes.End: Kind(_end, _arrive),
    nodes.Menu: Kind(_ask_menu, _take_menu),
    nodes.Survey: Kind(_ask_survey, _take_survey),
    nodes.Asked: Kind(_ask_question, _take_answer),
    nodes.Collect: Kind(numbers.ask_digits, numbers.take_digits),
    nodes.Number: Kind(numbers.ask_number, numbers.take_number),
    nodes.Identity: Kind(identity.ask, identity.take),
    nodes.Notice: Kind(notices.ask, notices.take),
    nodes.Message: Kind(_ask_message, _take_message),
    nodes.Enqueue: Kind(_enqueue, _left_queue),
    nodes.CallbackMode: Kind(promises.ask_mode, promises.take_mode),
    nodes.Recall: Kind(promises.ask_recall, promises.take_recall),
    nodes.PromiseChange: Kind(promises.ask_change, promises.take_change),
}
"""Every kind but the sub-flow, which is the session's own business: it changes the frames."""
