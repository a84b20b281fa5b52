"""What both demos use: an agent with a softphone, and the records of the call."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from server.commands.shared import Refused, queries, request, settings

if TYPE_CHECKING:
    from server.config import Settings
    from server.hotline.definitions import Definitions
    from softphone.phone import Phone

AGENT = "9001"
"""The work number of the demo's agent."""
_RECORDS = 15.0
"""Seconds within which the records show a call that is over."""


def host(here: Settings) -> str:
    """The SIP address of the hotline for a telephone on this machine."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(here.bind, here.bind)


@asynccontextmanager
async def agent_there(definitions: Definitions) -> AsyncIterator[Phone]:
    """An agent with every skill and a softphone, not signed in yet; removed afterwards."""
    import asyncio

    from softphone.phone import Phone

    here, skills = settings(), dict.fromkeys(definitions.policy.skills, 10)
    async with Phone(AGENT, host(here), here.sip_port) as agent:
        body = {"id": AGENT, "name": "Demo agent", "skills": skills, "contact": agent.contact}
        await asyncio.to_thread(request, "PUT", f"/api/v1/agents/{AGENT}", body)
        try:
            yield agent
        finally:
            await asyncio.to_thread(request, "DELETE", f"/api/v1/agents/{AGENT}")


async def signs_in(agent: Phone) -> None:
    """The agent takes calls from now on."""
    import asyncio

    await asyncio.to_thread(request, "POST", f"/api/v1/agents/{agent.user}/status", {"status": "available"})


def how_to_listen(found: dict[str, Any]) -> str:
    """The command that copies the recording of a call out."""
    return f"listen: sansheng recording pull {found['recordings'][-1]} --to call-{found['id']}.wav"


def recorded(caller: str, before: int) -> dict[str, Any]:
    """The records of the call, as soon as its recording is joined."""
    from server.storage.queries.lists.calls import CallFilter

    deadline = time.monotonic() + _RECORDS
    with queries() as records:
        while True:
            newest = records.call_list(CallFilter(caller=caller), limit=1).items
            if newest and newest[0]["id"] > before and newest[0]["recordings"] and newest[0]["ended_at"]:
                found = records.call_show(newest[0]["id"])
                assert found is not None
                return found
            if time.monotonic() > deadline:
                raise Refused("the call is over, but its recording is not in the records: see `sansheng doctor`")
            time.sleep(0.1)
