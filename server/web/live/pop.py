"""What is shown of a caller from the offer on, through the call and the wrap-up: one pop for each agent.

An agent's pop is made when the call is offered, before the phone rings. It goes on as it was when the call is over, for
the write-up, and ends with it.
"""

from __future__ import annotations

from acd.floor.agents import AgentState
from acd.floor.views import AgentView
from server.hotline.view import View
from server.web.live.drawing import Drawing
from server.web.live.rows import Pop


class Pops:
    """The pops of agents."""

    def __init__(self, view: View, drawing: Drawing) -> None:
        self._view, self._drawing = view, drawing
        self._pops: dict[str, Pop] = {}
        self.fresh: set[str] = set()
        """Agents of whose callers the records have told more."""

    def of(self, agent: AgentView) -> Pop | None:
        """The agent's pop now."""
        row = self._drawing.call(agent.call, None) if agent.call else None
        if row is not None:
            self._pops[agent.id] = Pop(
                call=row.id,
                direction=row.direction,
                number=row.number,
                withheld=row.withheld,
                name=row.name,
                customer_class=row.customer_class,
                customer=row.customer,
                marks=(),
                vip=row.vip,
                queue=row.queue,
                category=row.category,
                ticket=row.ticket,
                grade=row.grade,
                language=row.language,
                called_name=row.called_name,
                waited_since=row.waited_since,
                offered_at=row.offered_at,
                pressed=(),
                promise=row.promise,
                purpose="",
                asked_back="",
                history=None,
                open_tickets=None,
                ask=(),
                script=None,
            )
        elif agent.state is not AgentState.WRAP_UP:
            self._pops.pop(agent.id, None)
        return self._pops.get(agent.id)
