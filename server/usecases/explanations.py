"""Acts that explain: why a call waits and what will change that, and why an agent was given it.

The floor says what stands now; the decision record says what was seen then. Nothing here decides again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from acd.decisions import Candidate
from acd.floor.calls import Call
from acd.floor.routing import next_step_at
from acd.floor.views import AgentView
from acd.policy.definitions import Requirement
from server.hotline.dispatcher import NotLeading
from server.hotline.live_call import Stage
from server.usecases.errors import NotFound
from server.usecases.permissions import Act
from server.usecases.principal import Principal
from server.usecases.server import Acts

CHOOSING = ("offer", "pulled", "handed_over")
"""Kinds of decisions that give a call to an agent."""


@dataclass(frozen=True, slots=True)
class Considered:
    """A signed-in agent as a waiting call sees the agent now. `excluded` is why not; empty: the call may be offered."""

    agent: AgentView
    excluded: str

    @property
    def skilled(self) -> bool:
        """Whether the agent has the skills that are asked for."""
        return not (self.excluded.startswith("lacks ") or " is below " in self.excluded)


@dataclass(frozen=True, slots=True)
class Change:
    """What will change for a waiting call by itself: at this instant (UTC epoch seconds) another requirement is in
    force, or the call overflows `to`."""

    at: float
    requirement: Requirement | None = None
    to: str = ""


@dataclass(frozen=True, slots=True)
class Wait:
    """Why a call waits. Instants are UTC epoch seconds, `p50` and `p90` seconds from now."""

    queue: str
    position: int
    p50: float | None
    p90: float | None
    queued_at: float
    priority: int
    requirement: Requirement
    step: int
    next_step: Change | None
    next_overflow: Change | None
    reserved_for: str
    reserved_until: float | None
    attached: bool
    offered_to: str
    considered: tuple[Considered, ...]


@dataclass(frozen=True, slots=True)
class Why:
    """Why a call is where it is. `wait` is None unless it waits; `chosen` is the record of the latest decision that
    gave it to an agent, if there is one."""

    call: int
    stage: str
    wait: Wait | None
    chosen: Mapping[str, Any] | None
    at: float


class ExplanationActs(Acts):
    """Acts raise Forbidden, and NotFound for a call that never was."""

    async def why(self, who: Principal, call: int) -> Why:
        """Why this call waits, and why it was given to the agent who has or had it lastly."""
        self.permissions.require(who, Act.READ_FLOOR)
        wait = self._wait(call)
        live = self._view.calls.get(call)
        try:
            await self.shown()
        except NotLeading:
            await self._server.records.caught_up()
        found = await self._server.records.one("calls", call, mask=True)
        if found is None and live is None:
            raise NotFound(f"there is no call {call}")
        decisions = found["decisions"] if found is not None else ()
        chosen = next((each for each in reversed(decisions) if each["kind"] in CHOOSING), None)
        stage = live.stage.value if live is not None else "over"
        if live is not None and live.stage is Stage.TALKING and live.leg is not None and live.leg.hold:
            stage = "held"
        return Why(call, stage, wait, chosen, self._clock())

    def _wait(self, number: int) -> Wait | None:
        floor = self._view.floor
        call = floor.state.calls.get(number)
        if call is None:
            return None
        position = floor.state.queues[call.queue].calls.index(call) + 1
        p50, p90 = floor.expected(call.queue, position) or (None, None)
        offer = floor.state.offers.get(call.offer) if call.offer else None
        return Wait(
            queue=call.queue,
            position=position,
            p50=p50,
            p90=p90,
            queued_at=call.asked.queued_at,
            priority=call.priority,
            requirement=floor.state.requirement(call),
            step=call.step,
            next_step=self._next_step(call),
            next_overflow=self._next_overflow(call),
            reserved_for=call.reserved_for,
            reserved_until=call.reserved_until if call.reserved_for else None,
            attached=call.attached,
            offered_to=offer.agent if offer is not None else "",
            considered=tuple(self._considered(floor.explain(number))),
        )

    def _considered(self, candidates: tuple[Candidate, ...]) -> list[Considered]:
        found = []
        for each in candidates:
            if (agent := self._view.floor.agent(each.agent)) is not None:
                found.append(Considered(agent, each.excluded))
        return found

    def _next_step(self, call: Call) -> Change | None:
        at = next_step_at(call)
        return Change(at, call.plan.steps[call.step + 1][1].requirement) if at is not None else None

    def _next_overflow(self, call: Call) -> Change | None:
        """The recipe that is due first if nothing else happens."""
        if call.direct or call.promised:
            return None
        ways = []
        for index, way in enumerate(self._view.floor.state.queues[call.queue].recipes):
            if index in call.fired:
                continue
            if way.after is not None:
                ways.append(Change(call.entered + way.after, to=way.to))
            elif way.hopeless is not None and call.hopeless_since is not None:
                ways.append(Change(call.hopeless_since + way.hopeless, to=way.to))
        return min(ways, key=lambda each: each.at, default=None)
