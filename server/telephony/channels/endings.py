"""The end of an agent's part: a conversation that was over, or one that broke off, after which the caller waits again.

An agent who hangs up before the join or within `misses_within` after it has missed the call; so has one whose phone was
answered by one of the hotline's own codes. A caller who is still there goes back to the line at the old place, with the
same request, in the same batch of the log as the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import acd.events as acd
from acd.events import Outcome
from server.hotline import queueing
from server.hotline.live_calls import LiveCall
from server.hotline.view import View
from server.telephony.channels.ownership import AgentChannel


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
