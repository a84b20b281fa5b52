"""Acts on calls: the records, the floor as it is now, and another place for a call that waits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import acd.events as acd
from server.hotline.live_call import LiveCall, Stage
from server.hotline.view import View
from server.usecases.errors import Conflict
from server.usecases.permissions import Act
from server.usecases.principal import Principal
from server.usecases.records import RecordActs, masks


class CallActs(RecordActs):
    """Changes raise Conflict for a call that does not wait, Forbidden, and NotLeading."""

    kind, act = "calls", Act.READ_CALLS

    async def page(
        self, who: Principal, filters: Mapping[str, str], limit: int, cursor: str | None = None
    ) -> dict[str, Any]:
        """One page, newest first, each call with the name of the number that was called."""
        found = await super().page(who, filters, limit, cursor)
        return found | {"items": [self._server.definitions.numbers.named(row) for row in found["items"]]}

    async def show(self, who: Principal, number: int) -> dict[str, Any]:
        """One call."""
        return self._server.definitions.numbers.named(await super().show(who, number))

    def floor(self, who: Principal) -> tuple[View, bool]:
        """(what the log says now, whether callers' numbers are masked for this principal). Raises Forbidden."""
        self.permissions.require(who, Act.READ_FLOOR)
        return self._view, masks(who, Act.READ_FLOOR)

    async def move(self, who: Principal, call: int, queue: str, reason: str = "") -> None:
        """Let a waiting call wait in another queue; it keeps the time of its arrival."""
        self.permissions.require(who, Act.MOVE_CALL, "")
        live = self._waiting(call)
        definitions = self._server.definitions
        names = [each.name for each in definitions.policy.queues]
        if queue not in names:
            raise Conflict(f"there is no queue {queue}: there are {', '.join(names)}")
        if live.queue == queue:
            raise Conflict(f"call {call} waits in {queue} already")
        requirement = definitions.requirement(queue, live.fields.get("category", ""), {})
        moved = acd.CallMoved(call, queue, requirement, who.name, reason)
        await self._record(who, Act.MOVE_CALL, moved, subject=f"call {call}", reason=reason)

    async def pull(self, who: Principal, call: int, agent: str, reason: str = "") -> None:
        """Offer a waiting call to this agent out of turn, whatever the skills. The agent must be ready."""
        self.permissions.require(who, Act.PULL_CALL, agent)
        self._waiting(call)
        known = self._view.floor.agent(agent)
        if known is None:
            raise Conflict(f"there is no agent {agent}")
        pulled = acd.CallPulled(call, agent, who.name, reason)
        await self._record(who, Act.PULL_CALL, pulled, subject=f"call {call}", reason=reason)
        live = self._view.calls.get(call)
        if live is None or live.leg is None or live.leg.agent != agent:
            state = str(known.status) if known.status is not acd.Status.AVAILABLE else known.state.replace("_", " ")
            raise Conflict(f"agent {agent} is {state} and cannot take call {call} now")

    async def prioritise(self, who: Principal, call: int, priority: int, reason: str = "") -> None:
        """Change the priority points of a waiting call; the order follows at once."""
        self.permissions.require(who, Act.PRIORITISE_CALL, "")
        self._waiting(call)
        changed = acd.PrioritySet(call, priority, who.name, reason)
        await self._record(who, Act.PRIORITISE_CALL, changed, subject=f"call {call}", reason=reason)

    def now(self, call: int) -> LiveCall | None:
        """The call as it is now; None when it is over."""
        return self._view.calls.get(call)

    def _waiting(self, call: int) -> LiveCall:
        live = self._view.calls.get(call)
        if live is None:
            raise Conflict(f"call {call} is over, or never was")
        if live.stage is not Stage.WAITING:
            raise Conflict(f"call {call} does not wait: it is {live.stage.value}")
        return live
