"""What an agent keys during a call: hold, help, consult, transfer.

    *1          hold, and back; while somebody is asked: back to the caller
    *0          help 求助: hold, and call the team leader
    *2 NUMBER # hold, and ask an agent or an outside number
    *3 NUMBER # transfer blind: a work number, a queue by its place (1 to 9), or an outside number
    *3 #        hand the call to the colleague who is asked
    *5          on a callback: a machine has answered, nobody is there
    *6          pause the recording, and back

The keys are followed as AMI events of the agent's channel, and no feature of Asterisk's bridge: a server that is away
takes none, and the conversation does not notice. From `*2` and `*3` on the caller hears music and no keys.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass

import structlog

from server.hotline.dispatcher import NotLeading
from server.telephony.ami.link import AmiEvent
from server.telephony.channels.legs import Legs
from server.telephony.channels.ownership import AgentChannel
from server.usecases.callbacks import CallbackActs
from server.usecases.conversations import ConversationActs
from server.usecases.errors import ActRefused
from server.usecases.principal import Principal, phone_of
from server.usecases.recording_care import RecordingCareActs

_log = structlog.get_logger("features")

HOLD, HELP, CONSULT, TRANSFER, NOBODY, PAUSE = "1", "0", "2", "3", "5", "6"
PATIENCE = 15.0
"""Seconds without a key after which a number that was begun is given up."""


@dataclass(frozen=True, slots=True)
class Keyed:
    """A code that is complete, or a number that was begun (`begun`)."""

    code: str
    number: str = ""
    begun: bool = False


class Keys:
    """One agent's keys, one after the other: pure."""

    def __init__(self) -> None:
        self._star = False
        self._code = ""
        self._number = ""

    @property
    def midway(self) -> bool:
        """Whether a number was begun."""
        return bool(self._code)

    def press(self, key: str) -> Keyed | None:
        """What this key completes or begins."""
        if self._code:
            return self._in_number(key)
        if key == "*":
            self._star = True
            return None
        star, self._star = self._star, False
        if not star or key not in (HOLD, HELP, CONSULT, TRANSFER, NOBODY, PAUSE):
            return None
        if key in (CONSULT, TRANSFER):
            self._code, self._number = key, ""
            return Keyed(key, begun=True)
        return Keyed(key)

    def give_up(self) -> None:
        """Nothing was begun."""
        self._star, self._code, self._number = False, "", ""

    def _in_number(self, key: str) -> Keyed | None:
        if key == "#":
            done = Keyed(self._code, self._number)
            self.give_up()
            return done
        if key == "*":
            self.give_up()
            self._star = True
            return Keyed("")
        self._number += key
        return None


class Features:
    """Follows the keys of every agent who has a call. `digit` wants AMI's DTMFEnd, `hung_up` Hangup."""

    def __init__(
        self, conversations: ConversationActs, callbacks: CallbackActs, recordings: RecordingCareActs, legs: Legs
    ) -> None:
        self._conversations, self._callbacks, self._recordings = conversations, callbacks, recordings
        self._legs = legs
        self._keys: dict[str, Keys] = {}
        self._patience: dict[str, asyncio.TimerHandle] = {}
        self._doing: dict[str, asyncio.Task[None]] = {}

    def digit(self, event: AmiEvent) -> None:
        """A key of any channel."""
        unique_id = event["Uniqueid"]
        channel = self._legs.channels.by_id(unique_id)
        if channel is None or channel.joined_at is None or event.get("Direction") != "Received":
            return
        keys = self._keys.setdefault(unique_id, Keys())
        keyed = keys.press(event["Digit"])
        if (timer := self._patience.pop(unique_id, None)) is not None:
            timer.cancel()
        if keys.midway:
            loop = asyncio.get_running_loop()
            self._patience[unique_id] = loop.call_later(PATIENCE, self._give_up, unique_id, channel)
        if keyed is not None:
            self._do(unique_id, channel, keyed)

    def hung_up(self, event: AmiEvent) -> None:
        """Any channel is gone."""
        unique_id = event["Uniqueid"]
        self._keys.pop(unique_id, None)
        if (timer := self._patience.pop(unique_id, None)) is not None:
            timer.cancel()

    def _give_up(self, unique_id: str, channel: AgentChannel) -> None:
        self._patience.pop(unique_id, None)
        if (keys := self._keys.get(unique_id)) is not None:
            keys.give_up()
            self._do(unique_id, channel, Keyed(""))

    def _do(self, unique_id: str, channel: AgentChannel, keyed: Keyed) -> None:
        """One act after the other, in the order of the keys."""
        before = self._doing.get(unique_id)
        who, call = phone_of(channel.agent), channel.call

        async def act() -> None:
            if before is not None:
                await asyncio.wait({before})
            try:
                await self._act(who, call, keyed)
            except ActRefused as error:
                _log.info("an agent's keys were refused", call=call, code=keyed.code, why=str(error))
                with suppress(ActRefused):
                    await self._conversations.refuse(who, call)

        task = asyncio.ensure_future(act())
        self._doing[unique_id] = task
        task.add_done_callback(lambda done: self._done(unique_id, done))

    def _done(self, unique_id: str, task: asyncio.Task[None]) -> None:
        if self._doing.get(unique_id) is task:
            del self._doing[unique_id]
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, NotLeading):
            _log.error("an agent's keys failed", error=repr(error))

    async def _act(self, who: Principal, call: int, keyed: Keyed) -> None:
        conversations = self._conversations
        hold, asked = conversations.holding(call)
        match keyed:
            case Keyed(code="1"):
                await (conversations.resume(who, call) if hold else conversations.hold(who, call))
            case Keyed(code="5"):
                live = conversations.now(call)
                await self._callbacks.nobody_there(who, live.promise if live is not None else 0)
            case Keyed(code="6"):
                paused = self._recordings.paused(call)
                await (self._recordings.resume(who, call) if paused else self._recordings.pause(who, call))
            case Keyed(code="0"):
                await conversations.help(who, call)
            case Keyed(begun=True):
                if not hold:
                    await conversations.hold(who, call, "consult" if keyed.code == CONSULT else "transfer")
            case Keyed(code="3", number="") if asked:
                await conversations.hand_over(who, call)
            case Keyed(code="2", number=number) if number:
                await conversations.consult(who, call, conversations.target(number))
            case Keyed(code="3", number=number) if number:
                await conversations.transfer(who, call, conversations.target(number))
            case _:
                await self._back(who, call)

    async def _back(self, who: Principal, call: int) -> None:
        """A number was given up: the agent is with the caller again, unless somebody is being asked."""
        hold, asked = self._conversations.holding(call)
        if hold and not asked:
            await self._conversations.resume(who, call)
