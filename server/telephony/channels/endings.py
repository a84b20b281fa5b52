"""The end of a caller's call, and of an agent's part: over, or broken off, after which the caller waits again.

An agent who hangs up before the join or within `misses_within` after it has missed the call; so has one whose phone was
answered by one of the hotline's own codes. A caller who is still there goes back to the line at the old place, with the
same request, in the same batch of the log as the end. A channel that Asterisk or the server ended is never taken for
the caller's act.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import replace

import acd.events as acd
from acd.callbacks.events import AttemptEnded, AttemptOutcome
from acd.callbacks.states import PromiseState
from acd.events import Outcome
from server.hotline import queueing
from server.hotline.live_call import LiveCall
from server.hotline.view import View
from server.telephony.channels.ownership import AgentChannel

UNCLEAR = "unclear"
_NO_ACT = frozenset({"18", "44", "102"})
"""Causes of Q.850 with which Asterisk ends a dialog or a stream of which it hears nothing."""
_GIVEN_UP = frozenset({"408", "481", "503"})
"""SIP answers for which Asterisk ends a dialog: nobody answers, the phone does not know it, the connection broke."""


class CallerEnds:
    """Whose act the end of a caller's channel is. Asterisk asks for it (HangupRequest) when the phone says goodbye, and
    when it gives a dialog up: Hangup tells the two apart, by the SIP answer (TechCause)."""

    def __init__(self) -> None:
        self._asked: dict[str, str] = {}
        self._doubted: set[str] = set()

    def request(self, unique_id: str, cause: str) -> str:
        """The end is asked for; by whom, as far as is known: caller, lost, or `UNCLEAR` until the channel is gone."""
        by = "lost" if cause in _NO_ACT else UNCLEAR if unique_id in self._doubted else "caller"
        return self._asked.setdefault(unique_id, by)

    def doubt(self, unique_id: str) -> None:
        """Nothing is heard of this caller, and the phone is asked whether it is there."""
        self._doubted.add(unique_id)

    def trust(self, unique_id: str) -> None:
        """The caller is heard again."""
        self._doubted.discard(unique_id)

    def of(self, unique_id: str, cause: str, answer: str = "") -> str:
        """The cause of `CallEnded` for a channel that is gone with this cause of Q.850 and this SIP answer."""
        by = self._asked.pop(unique_id, None)
        self._doubted.discard(unique_id)
        if by is None:
            return "lost" if cause in _NO_ACT else "hotline_hung_up"
        return "lost" if by == "lost" or cause in _NO_ACT or answer in _GIVEN_UP else "caller_hung_up"

    def keep(self, here: Container[str]) -> None:
        """Forget the channels that are not among these."""
        self._asked = {each: by for each, by in self._asked.items() if each in here}
        self._doubted = {each for each in self._doubted if each in here}


def of_call(
    view: View,
    channels: Sequence[AgentChannel],
    live: LiveCall,
    cause: str,
    outcome: AttemptOutcome,
    at: float | None,
) -> list[object]:
    """What is recorded when a call is over, whose agents have these channels. A callback in which nobody spoke ends
    its attempt by `outcome`; then the first of the two is `AttemptEnded`, and the channels are nobody's any more."""
    ended = acd.CallEnded(live.id, cause, at)
    if not live.promise or not live.attempt or any(leg.joined_at is not None for leg in channels):
        return [ended]
    promise = view.callbacks.promise(live.promise)
    if promise is not None and promise.state in (PromiseState.CONNECTED, PromiseState.KEPT):
        return [ended]
    return [AttemptEnded(live.id, live.promise, live.attempt, outcome), ended]


def of_part(view: View, leg: AgentChannel, by: str, talked: float, held: float) -> Sequence[object]:
    """What is recorded at the end of this part, which `by` ended (agent, caller or lost)."""
    live = view.calls.get(leg.call)
    broken = _broken(view, leg, by, talked + held)
    ended = acd.ConversationEnded(leg.call, leg.agent, by, talked, held, leg.left_at, broken)
    if broken is None or live is None:
        return [ended]
    return [ended, *_again(live, leg.agent, broken)]


def _broken(view: View, leg: AgentChannel, by: str, lasted: float) -> Outcome | None:
    live = view.calls.get(leg.call)
    if live is None or not live.reached or live.leg is None or live.leg.offer != leg.offer or live.leg.outside:
        return None
    if leg.lost:
        return Outcome.LOST
    if leg.own_code or (by == "agent" and not leg.let_go and lasted <= view.floor.policy.phones.misses_within):
        return Outcome.DROPPED
    return None


def _again(live: LiveCall, agent: str, broken: Outcome) -> Sequence[object]:
    """The same request: before all others if the phone was lost, and not for an agent who has just dropped it."""
    return [
        replace(asked, first=asked.first or broken is Outcome.LOST, owner="" if asked.owner == agent else asked.owner)
        for asked in queueing.again(live)
    ]
