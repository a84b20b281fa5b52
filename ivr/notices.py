"""Incident notices: a caller hears each one that is in force once, and goes on."""

from __future__ import annotations

from ivr import inputs, nodes, verbs
from ivr.nodes import AGAIN
from ivr.turn import Turn

Target = str | None

HEARD = "notices_heard"
"""The field with the numbers of the notices that the caller has heard, separated by spaces."""


def ask(turn: Turn, node: nodes.Notice) -> Target:
    """Ask the server for the notices in force."""
    turn.do(verbs.AskNotices(turn.filled(node.queue)))
    return None


def take(turn: Turn, node: nodes.Notice, given: inputs.Input) -> Target:
    """Say those that the caller has not heard, to the end, and go on."""
    if not isinstance(given, inputs.NoticesStand):
        return AGAIN
    heard = turn.fields.get(HEARD, "").split()
    new = [(str(number), prompt) for number, prompt in given.notices if str(number) not in heard]
    if new:
        turn.do(verbs.Play(tuple(prompt for _, prompt in new), interruptible=False))
        turn.put({HEARD: " ".join((*heard, *(number for number, _ in new)))})
    return node.next
