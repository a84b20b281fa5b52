"""Nodes of callback mode: ask the server for the mode, ask for a promise, and cancel or postpone a promise.

None of these waits for the caller: what a node learns is put into fields, and the caller goes on at once.
"""

from __future__ import annotations

from ivr import inputs, nodes, verbs
from ivr.nodes import AGAIN, POSTPONE
from ivr.turn import Turn
from ivr.wording import expected, interval

Target = str | None

WAIT = "callback_wait"
"""The field with the expected wait of a new caller."""
PROMISE_FIELDS = ("promise", "promise_queue", "promise_category", "promise_when")
"""The fields that a promise is told by."""


def ask_mode(turn: Turn, node: nodes.CallbackMode) -> Target:
    """Ask the server for the mode of a queue."""
    turn.do(verbs.AskCallback(turn.filled(node.queue), turn.filled(node.category)))
    return None


def take_mode(turn: Turn, node: nodes.CallbackMode, given: inputs.Input) -> Target:
    """Go on by the mode."""
    if not isinstance(given, inputs.CallbackStands):
        return AGAIN
    if not given.active or given.full:
        return node.otherwise
    turn.put({WAIT: interval(given.low, given.high)})
    return node.forced if given.forced else node.active


def ask_recall(turn: Turn, node: nodes.Recall) -> Target:
    """Ask the server for the promise to a number."""
    number = turn.filled(node.number)
    if not number:
        return node.otherwise
    turn.do(verbs.AskPromise(number))
    return None


def take_recall(turn: Turn, node: nodes.Recall, given: inputs.Input) -> Target:
    """Put the promise into fields, and go on by its state."""
    if not isinstance(given, inputs.PromiseStands):
        return AGAIN
    if not given.promise:
        return node.otherwise
    values = (
        str(given.promise),
        given.queue,
        given.category,
        expected(given.low, given.high, given.due, turn.now),
    )
    turn.put(dict(zip(PROMISE_FIELDS, values, strict=True)))
    return node.dialling if given.dialling else node.promised


def ask_change(turn: Turn, node: nodes.PromiseChange) -> Target:
    """Ask the server to cancel or postpone the promise."""
    promise = turn.filled(node.promise)
    if not promise.isdecimal():
        return node.on_fail
    turn.do(verbs.ChangePromise(node.action, int(promise), node.seconds if node.action == POSTPONE else 0.0))
    return None


def take_change(turn: Turn, node: nodes.PromiseChange, given: inputs.Input) -> Target:
    """Go on by whether that was done."""
    if isinstance(given, inputs.Finished):
        return node.next
    return node.on_fail if isinstance(given, inputs.Refused) else AGAIN
