"""Whether the caller is who the customer's file says: digits are asked for and compared by the server.

They stand in no field, no frame and no snapshot: an answer is in the verb that asks the server, and nowhere else.
"""

from __future__ import annotations

from ivr import inputs, nodes, verbs
from ivr.nodes import AGAIN
from ivr.questions import other, unasked
from ivr.turn import NO_MATCH, Turn

Target = str | None

VERIFIED = "verified"
"""The field with the outcome: yes, or no after the last wrong answer; unset while nobody asked."""
YES, NO = "yes", "no"
CAN, ASK = "", "ask"
"""The stages: whether there is anything to compare with; the question."""


def ask(turn: Turn, node: nodes.Identity) -> Target:
    """Ask the server whether it can compare, then the caller. Who was verified in this call is not asked again."""
    if turn.fields.get(VERIFIED) == YES:
        return node.next
    if turn.frame.stage == CAN:
        turn.do(verbs.CheckIdentity())
    else:
        turn.ask(node.asking, node.asking.prompts, node.min, node.max, node.terminators)
    return None


def take(turn: Turn, node: nodes.Identity, given: inputs.Input) -> Target:
    """Let the server compare what was keyed, and go on by its answer."""
    if isinstance(given, inputs.IdentityStands):
        return _answered(turn, node, given)
    if not isinstance(given, inputs.Digits) or not given.digits:
        return unasked(turn, node, given)
    digits = given.digits[:-1] if given.digits[-1] in node.terminators else given.digits
    if not node.min <= len(digits) <= node.max:
        return other(turn, node, given.digits, node.terminators)
    turn.do(verbs.CheckIdentity(digits))
    return None


def _answered(turn: Turn, node: nodes.Identity, given: inputs.IdentityStands) -> Target:
    if not given.known:
        return node.unknown
    if turn.frame.stage == CAN:
        turn.stage(ASK)
        return AGAIN
    if given.fits:
        turn.put({VERIFIED: YES})
        return node.next
    if turn.miss(NO_MATCH) < node.asking.attempts:
        return AGAIN
    turn.put({VERIFIED: NO})
    return node.on_no_match
