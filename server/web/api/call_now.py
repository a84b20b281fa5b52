"""The answer to every act on a call: the call as it is after the act."""

from __future__ import annotations

from pydantic import BaseModel

from server.hotline.live_call import LiveCall


class CallNow(BaseModel):
    """The call after the act. `hold` says why the caller is on hold, `asked` which colleague the agent consults."""

    id: int
    stage: str
    queue: str
    agent: str | None
    hold: str
    asked: str


def call_now(number: int, live: LiveCall | None) -> CallNow:
    """The call of this number; one that is over has the stage `over`."""
    if live is None:
        return CallNow(id=number, stage="over", queue="", agent=None, hold="", asked="")
    leg = live.leg
    return CallNow(
        id=number,
        stage=live.stage.value,
        queue=live.queue,
        agent=leg.agent if leg else None,
        hold=leg.hold if leg else "",
        asked=leg.asked if leg else "",
    )
