"""An agent's day as a line: what the agent was and did, from one instant to the next, as the records have it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Engine, func, or_, select

from server.storage.queries.paging import iso
from server.storage.schema.tables import AgentInterval


def agent_day(engine: Engine, agent: str, since: datetime, until: datetime) -> list[dict[str, Any]]:
    """The agent's times in one state that lie within [since, until), in order, cut at its ends.

    The one that goes on has no `until`.
    """
    ended, began = AgentInterval.ended_at, AgentInterval.began_at
    # An agent's times follow one another: none that began before the last one of the day before reaches into the day.
    first = select(func.max(began)).where(AgentInterval.agent == agent, began <= since).scalar_subquery()
    in_reach = began >= func.coalesce(first, since)
    wanted = (
        select(AgentInterval)
        .where(AgentInterval.agent == agent, began < until, in_reach, or_(ended.is_(None), ended > since))
        .order_by(AgentInterval.ms, AgentInterval.seq)
    )
    with engine.connect() as connection:
        return [
            {
                "status": row.status,
                "state": row.state,
                "reason": row.reason or None,
                "call": row.call if row.call is not None else row.after_call,
                "since": iso(max(row.began_at, since)),
                "until": iso(min(row.ended_at, until)) if row.ended_at is not None else None,
            }
            for row in connection.execute(wanted)
        ]
