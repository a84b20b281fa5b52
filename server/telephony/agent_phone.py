"""An agent dials a code: *45 signs in or out, *46 goes on a break, *47 is available. The answer is heard in words."""

from __future__ import annotations

from pathlib import Path

import structlog

import acd.events as acd
from acd.events import Status
from server.dispatcher import Dispatcher, NotLeading
from server.telephony.fastagi import AgiCall, AgiGone, AgiHangup

_log = structlog.get_logger("agent_phone")

SIGN_IN_OR_OUT, BREAK, AVAILABLE = "*45", "*46", "*47"
BREAK_REASONS = {"": "break", "1": "rest", "2": "meal", "3": "training", "4": "meeting", "5": "paperwork"}
"""What *46 and *461 to *465 mean."""


class AgentPhone:
    """The handler of AGI connections that come from agents' phones: arguments are the agent and the code dialled."""

    def __init__(self, dispatcher: Dispatcher, prompts: Path) -> None:
        self._dispatcher, self._prompts = dispatcher, prompts

    async def __call__(self, agi: AgiCall) -> None:
        """Serve one connection to its end."""
        agent, code = (*agi.arguments, "", "")[:2]
        try:
            for prompt in await self.dialled(agent, code):
                await agi.stream_file(str(self._prompts / "zh" / prompt))
            await agi.hangup()
        except (AgiHangup, AgiGone, NotLeading) as error:
            _log.info("an agent's code was cut short", agent=agent, code=code, why=str(error))

    async def dialled(self, agent: str, code: str) -> tuple[str, ...]:
        """Do what the code says; the prompts that tell the agent so."""
        known = self._dispatcher.state.floor.agent(agent)
        if known is None:
            return ("agent-unknown",)
        wanted = self._wanted(known.status, code)
        if wanted is None:
            return ("no-match",)
        status, reason = wanted
        await self._dispatcher.record(acd.StatusSet(agent, status, reason, by=f"agent {agent} by phone"))
        now = self._dispatcher.state.floor.agent(agent)
        if now is None or now.status is not status:
            return ("agent-on-call-later",)
        return {
            Status.SIGNED_OUT: ("agent-signed-out",),
            Status.BREAK: ("agent-on-break",),
            Status.AVAILABLE: ("agent-signed-in",) if code == SIGN_IN_OR_OUT else ("agent-available",),
        }[status]

    def _wanted(self, status: Status, code: str) -> tuple[Status, str] | None:
        if code == SIGN_IN_OR_OUT:
            return (Status.AVAILABLE, "") if status is Status.SIGNED_OUT else (Status.SIGNED_OUT, "")
        if code == AVAILABLE:
            return Status.AVAILABLE, ""
        if code.startswith(BREAK) and code[len(BREAK) :] in BREAK_REASONS:
            return Status.BREAK, BREAK_REASONS[code[len(BREAK) :]]
        return None
