"""An agent dials a code, and hears the answer in words.

*45 signs in or out, *46 goes on a break (*461: for the reason with the key 1 in `[breaks]`), *47 is available, *48
extends the wrap-up by a minute (*483: by three).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import structlog

from acd.events import Outcome, Status
from acd.floor.agents import AgentState
from server.hotline.definitions import AGENTS_LANGUAGE, Definitions
from server.hotline.dispatcher import NotLeading
from server.telephony.agi.server import AgiCall, AgiGone, AgiHangup
from server.telephony.channels.dialled import DialledPhones
from server.usecases.agents import AgentActs
from server.usecases.errors import Conflict, NotFound
from server.usecases.principal import phone_of

_log = structlog.get_logger("agent_phone")

SIGN_IN_OR_OUT, BREAK, AVAILABLE, LONGER = "*45", "*46", "*47", "*48"
MINUTES = {"": 1} | {str(number): number for number in range(1, 10)}
"""What *48 and *481 to *489 mean."""
_SIGNED_IN = "agent-signed-in"
_WORDS = {
    Status.SIGNED_OUT: "agent-signed-out",
    Status.BREAK: "agent-on-break",
    Status.AVAILABLE: "agent-available",
}


class AgentPhone:
    """The handler of AGI connections that come from agents' phones: arguments are the agent and the code dialled."""

    def __init__(
        self, agents: AgentActs, prompts: Path, phones: DialledPhones, definitions: Callable[[], Definitions]
    ) -> None:
        self._agents, self._prompts, self._phones, self._definitions = agents, prompts, phones, definitions

    async def __call__(self, agi: AgiCall) -> None:
        """Serve one connection to its end."""
        agent, code = (*agi.arguments, "", "")[:2]
        try:
            with self._phones.code(agent):
                await self._serve(agi, agent, code)
        except (AgiHangup, AgiGone) as error:
            _log.info("an agent's code was cut short", agent=agent, code=code, why=str(error))

    async def _serve(self, agi: AgiCall, agent: str, code: str) -> None:
        try:
            known = self._agents.now(agent)
        except NotFound:
            await self._say(agi, "agent-unknown")
            return
        if code.startswith(LONGER) and (minutes := MINUTES.get(code[len(LONGER) :])) is not None:
            await self._extend(agi, agent, code, minutes)
            return
        wanted = self._wanted(known.status, code)
        if wanted is None:
            await self._say(agi, "no-match")
            return
        who, (status, reason) = phone_of(agent), wanted
        words = _WORDS[status] if code != SIGN_IN_OR_OUT or status is not Status.AVAILABLE else _SIGNED_IN
        try:
            if status is Status.AVAILABLE and known.state is AgentState.IDLE:
                # Calls come only when this one is over: till then the phone would be busy for them.
                sent = known.status is Status.BREAK and known.reason == Outcome.NO_ANSWER
                try:
                    await self._say(agi, *(("agent-sent-on-break",) if sent else ()), words)
                finally:
                    await self._agents.set_status(who, agent, status, reason)
                return
            now = await self._agents.set_status(who, agent, status, reason)
        except NotLeading as error:
            _log.info("an agent's code came at the wrong time", agent=agent, code=code, why=str(error))
            await self._say(agi, "agent-server-away")
            return
        taken = now.status is status and now.pending is None
        await self._say(agi, words if taken else "agent-on-call-later")

    async def _extend(self, agi: AgiCall, agent: str, code: str, minutes: int) -> None:
        try:
            await self._agents.extend_wrap_up(phone_of(agent), agent, 60.0 * minutes)
        except (NotLeading, Conflict) as error:
            _log.info("an agent's code came at the wrong time", agent=agent, code=code, why=str(error))
            await self._say(agi, "no-match" if isinstance(error, Conflict) else "agent-server-away")
            return
        await self._say(agi, "agent-wrap-up-longer")

    async def _say(self, agi: AgiCall, *prompts: str) -> None:
        for prompt in prompts:
            await agi.stream_file(str(self._prompts / AGENTS_LANGUAGE / prompt))
        await agi.hangup()

    def _wanted(self, status: Status, code: str) -> tuple[Status, str] | None:
        if code == SIGN_IN_OR_OUT:
            return (Status.AVAILABLE, "") if status is Status.SIGNED_OUT else (Status.SIGNED_OUT, "")
        if code == AVAILABLE:
            return Status.AVAILABLE, ""
        if code.startswith(BREAK) and (reason := self._definitions().breaks.keyed(code[len(BREAK) :])) is not None:
            return Status.BREAK, reason
        return None
