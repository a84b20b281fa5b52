"""The rows of one person: the own status and call, and what must be known of the caller before the phone rings.

The first row goes out without waiting for the records; what they know of the customer comes in a second one.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from server.hotline.view import View
from server.web.instants import instant
from server.web.live.drawing import Drawing, moment, since_of
from server.web.live.personal_rows import BulletinRow, MeRow
from server.web.live.pop import Pops
from server.web.live.rows import AgentDay

_NOTHING_DONE = AgentDay(handled=0, missed=0, talk=0, hold=0, wrap_up=0)


class Personal:
    """Draws the rows of one person; `pops` keeps what is shown of callers."""

    def __init__(self, view: View, drawing: Drawing, pops: Pops, clock: Callable[[], float] = time.time) -> None:
        self._view, self._drawing, self._pops, self._clock = view, drawing, pops, clock

    def me(self, number: str, name: str = "") -> MeRow:
        """The own row of the agent with this number; of a person `name` without one if it is empty or unknown."""
        agent = self._view.floor.agent(number) if number else None
        if agent is None:
            return MeRow(
                key="me",
                agent="",
                name=name,
                teams=(),
                status="",
                reason="",
                pending=None,
                state="",
                since=None,
                call=None,
                held=False,
                phone=False,
                talks_with="",
                wrap_up_until=None,
                wrap_up="",
                today=_NOTHING_DONE,
                unread=0,
                pop=None,
            )
        unread = self._view.board.unread(number, agent.teams, self._clock())
        return MeRow(
            key="me",
            agent=agent.id,
            name=agent.name,
            teams=agent.teams,
            status=agent.status.value,
            reason=agent.reason,
            pending=agent.pending.value if agent.pending else None,
            state=agent.state.value,
            since=instant(since_of(agent)),
            call=agent.call or None,
            held=agent.held,
            phone=agent.phone,
            talks_with=agent.calling,
            wrap_up_until=moment(agent.wrap_until),
            wrap_up=agent.wrap_mode,
            today=self._drawing.figures.agent(agent.id),
            unread=len(unread),
            pop=self._pops.of(agent),
        )

    def bulletins(self, number: str) -> list[BulletinRow]:
        """What stands and concerns this agent."""
        return self._drawing.bulletins(number, self._clock())
