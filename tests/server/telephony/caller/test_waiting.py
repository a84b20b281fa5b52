"""A caller who comes back from a server that is gone goes on where the log says, also when it changes meanwhile."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from ivr import inputs
from server.hotline.live_call import Leg, Stage
from server.telephony.caller.waiting import Waiting


async def test_a_conversation_that_ends_while_the_caller_comes_back_is_over() -> None:
    leg = Leg(1, "1001", 1.0, 20.0, answered_at=2.0, joined_at=2.0)
    live: Any = SimpleNamespace(id=7, queue="complaint", leg=leg, stage=Stage.TALKING, talked=0.0, promise=0)

    async def music(on: bool, music: str) -> None:
        live.leg, live.stage, live.talked = None, Stage.AFTER, 0.98  # the agent's hangup is played

    context: Any = SimpleNamespace(call=7, music=lambda queue: "default", audio=SimpleNamespace(music=music))
    services: Any = SimpleNamespace(dispatcher=None, view=None)
    promises: Any = None
    served = await asyncio.wait_for(Waiting(context, services, promises).resume(live), 5)
    assert served == inputs.Served(0.98)
