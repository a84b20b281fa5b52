"""The AMI link: events out of Asterisk, actions into it.

The law: one link whose state is always visible. Nothing waits for ever, nothing is sent twice, and the link comes
back by itself, without hammering, until it is closed.
"""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from enum import StrEnum
from typing import Any

import structlog
from panoramisk.message import Message

from server.tasks import first_of
from server.telephony.ami.events import EventCallback, Events
from server.telephony.ami.wire import (
    AmiAction,
    AmiError,
    AmiEvent,
    AmiFailed,
    AmiLost,
    AmiManager,
    AmiProtocol,
    AmiReply,
    AmiTimeout,
)
from server.telephony.tokens import VARIABLE, ChannelTokens

__all__ = ["Ami", "AmiError", "AmiEvent", "AmiFailed", "AmiLost", "AmiReply", "AmiTimeout", "LinkState"]

StateCallback = Callable[["LinkState", str], None]

_log = structlog.get_logger("ami")
_EMPTY_LIST = re.compile(r"No [\w ]+ found\s*", re.IGNORECASE)


class LinkState(StrEnum):
    """Where the link is."""

    DOWN = "down"
    CONNECTING = "connecting"
    LOGGING_IN = "logging_in"
    UP = "up"
    REFUSED = "refused"
    CLOSED = "closed"


_NEXT = {
    LinkState.DOWN: {LinkState.CONNECTING, LinkState.CLOSED},
    LinkState.CONNECTING: {LinkState.LOGGING_IN, LinkState.DOWN, LinkState.CLOSED},
    LinkState.LOGGING_IN: {LinkState.UP, LinkState.REFUSED, LinkState.DOWN, LinkState.CLOSED},
    LinkState.UP: {LinkState.DOWN, LinkState.CLOSED},
    LinkState.REFUSED: {LinkState.CONNECTING, LinkState.CLOSED},
    LinkState.CLOSED: set[LinkState](),
}


class Ami:
    """One manager's link to one Asterisk, all times in seconds.

    `ping_every` is the rest between two pings; `action_timeout` the deadline of a ping, a log-in and any action.
    After the n-th failure in a row the link waits up to `first_wait` x 2^n, at most `longest_wait`; after a refused
    log-in `refused_wait`, for that needs somebody to change a password. All waits are shortened at random by up to
    half, so that several servers do not come back at once. With `tokens`, an event of a channel that has no genuine
    token reaches no subscriber.
    """

    def __init__(
        self,
        host: str,
        port: int,
        username: str,
        secret: str,
        *,
        ping_every: float = 10.0,
        action_timeout: float = 5.0,
        first_wait: float = 0.25,
        longest_wait: float = 5.0,
        refused_wait: float = 60.0,
        backlog: int = 2_000,
        tokens: ChannelTokens | None = None,
    ) -> None:
        self.state = LinkState.DOWN
        self.since = time.time()
        """UTC epoch seconds of the last change of state."""
        self.why = "the link was not started"
        """A sentence that says why the link is in this state, and whether its events come late."""
        self.holds = 0
        """How often reading waited for subscribers that were behind."""
        self.refused = 0
        """How many messages were left out: events not framed as Asterisk's, or not believed."""
        self._tokens = tokens
        self._host, self._port = host, port
        self._username, self._secret = username, secret
        self._ping_every, self._action_timeout = ping_every, action_timeout
        self._first_wait, self._longest_wait, self._refused_wait = first_wait, longest_wait, refused_wait
        self._events = Events(self._hold, most=backlog)
        self._listeners: list[StateCallback] = []
        self._changed = asyncio.Event()
        self._protocol: AmiProtocol | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def is_up(self) -> bool:
        """Whether actions can be sent."""
        return self.state is LinkState.UP

    @property
    def backlog(self) -> int:
        """Events that came and are not yet delivered."""
        return len(self._events)

    def on_state(self, callback: StateCallback) -> Callable[[], None]:
        """Call `callback(state, why)` at every change; the function that ends it."""
        self._listeners.append(callback)
        return lambda: self._listeners.remove(callback) if callback in self._listeners else None

    def subscribe(self, event_name: str, callback: EventCallback) -> Callable[[], None]:
        """Call `callback(event)` for each such event, in order of arrival; the function that ends it.

        What happened while the link was down is not told: compare with `collect("CoreShowChannels")` when it is up.
        """
        return self._events.subscribe(event_name, callback)

    def start(self) -> None:
        """Bring the link up, and keep it up until `close()`."""
        if self.state is LinkState.CLOSED:
            raise AmiLost("the AMI link is closed: it cannot be started again")
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._keep_up())

    async def close(self) -> None:
        """Take the link down for good, also in the middle of connecting."""
        if self.state is LinkState.CLOSED:
            return
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        self._events.flush()
        self._become(LinkState.CLOSED, "the link was closed")

    async def up(self, timeout: float) -> None:
        """Return when the link is up; raises AmiTimeout, with the reason, or AmiLost if it is closed."""
        try:
            async with asyncio.timeout(timeout):
                while self.state not in (LinkState.UP, LinkState.CLOSED):
                    await self._changed.wait()
        except TimeoutError:
            raise AmiTimeout(f"the AMI link is {self.state} after {timeout:g} s: {self.why}") from None
        if self.state is LinkState.CLOSED:
            raise AmiLost(f"the AMI link is closed: {self.why}")

    async def action(self, name: str, **headers: Any) -> AmiReply:
        """Send one action and wait for its answer; a header with several values is a list.

        Raises AmiFailed, AmiTimeout, AmiLost (also when the link is down: nothing is kept for later), and ValueError
        for what AMI cannot carry. An Originate wants `Async=True`, or its deadline is the callee's patience.
        """
        action = AmiAction(name, headers, as_list=False)
        return _succeeded(name, (await self._done(action))[0])

    async def originate(self, channel_id: str, *, variables: Sequence[str] = (), **headers: Any) -> None:
        """Open the channel `channel_id` with a token of its own; raises as `action` does.

        `variables` are `NAME=value`; `headers` those of Originate. An `OriginateResponse` tells what came of it.
        """
        token = [f"__{VARIABLE}={self._tokens.value(channel_id)}"] if self._tokens is not None else []
        await self.action("Originate", ChannelId=channel_id, Async="true", Variable=[*token, *variables], **headers)

    async def has_channel(self, channel: str) -> bool:
        """Whether Asterisk has this channel and let it in; True while it cannot be asked."""
        try:
            value = (await self.action("Getvar", Channel=channel, Variable=VARIABLE)).get("Value", "")
        except AmiFailed:
            return False
        except (AmiError, ValueError):
            return True
        return self._tokens is None or self._tokens.is_genuine(value)

    async def collect(self, name: str, **headers: Any) -> list[AmiEvent]:
        """Send a list action (`CoreShowChannels`, `PJSIPShowContacts`) and give the list; raises as `action` does.

        A list without entries, which Asterisk calls an error in some actions, is an empty list here.
        """
        messages = await self._done(AmiAction(name, headers, as_list=True))
        reply = AmiReply(messages[0])
        if not reply.success and _EMPTY_LIST.fullmatch(reply.text):
            return []
        _succeeded(name, messages[0])
        if len(messages) == 1:
            raise AmiFailed(name, f"no list came, only {reply.text!r}")
        return [AmiEvent(message) for message in messages[1:-1]]

    async def _done(self, action: AmiAction) -> list[Message]:
        if self.state is not LinkState.UP or self._protocol is None:
            raise AmiLost(f"{action.name}: the AMI link is {self.state}: {self.why}")
        return await self._send(self._protocol, action)

    async def _send(self, protocol: AmiProtocol, action: AmiAction) -> list[Message]:
        try:
            async with asyncio.timeout(self._action_timeout):
                return await protocol.send(action)
        except TimeoutError:
            raise AmiTimeout(f"{action.name}: Asterisk did not answer in {self._action_timeout:g} s") from None
        finally:
            protocol.forget(action)

    # The life of the link

    async def _keep_up(self) -> None:
        failures = 0
        while True:
            began = time.monotonic()
            try:
                state, why = await self._live()
            except Exception as problem:
                _log.exception("the AMI link failed")
                state, why = LinkState.DOWN, f"the link failed: {problem!r}"
            self._become(state, why)
            answered_a_ping = time.monotonic() - began > self._ping_every + self._action_timeout
            failures = 0 if answered_a_ping else failures + 1
            wait = min(self._longest_wait, self._first_wait * 2 ** min(failures, 16))
            if state is LinkState.REFUSED:
                wait = self._refused_wait
            await asyncio.sleep(wait * random.uniform(0.5, 1.0))

    async def _live(self) -> tuple[LinkState, str]:
        """One connection from its beginning to its end; the state it leaves, and why."""
        self._become(LinkState.CONNECTING, f"connecting to {self._host}:{self._port}")
        manager = AmiManager(self._host, self._port, self._take, self._leave_out)
        try:
            try:
                async with asyncio.timeout(self._action_timeout):
                    _, protocol = await manager.connect()
                    await first_of(protocol.greeted, protocol.lost)
            except OSError as problem:
                # TimeoutError is one too.
                return LinkState.DOWN, f"no AMI at {self._host}:{self._port}: {str(problem) or 'it did not say hello'}"
            if protocol.lost.done():
                return LinkState.DOWN, f"no AMI at {self._host}:{self._port}: {protocol.lost.result()}"
            self._protocol = protocol
            self._become(LinkState.LOGGING_IN, f"logging in as {self._username}")
            if (refusal := await self._log_in(protocol)) is not None:
                return refusal
            self._become(LinkState.UP, f"connected to {self._host}:{self._port}, AMI {protocol.version}")
            return LinkState.DOWN, await self._watch(protocol)
        finally:
            self._protocol = None
            manager.close()
            self._events.flush()

    async def _log_in(self, protocol: AmiProtocol) -> tuple[LinkState, str] | None:
        headers = {"Username": self._username, "Secret": self._secret, "Events": "on"}
        try:
            reply = AmiReply((await self._send(protocol, AmiAction("Login", headers, as_list=False)))[0])
        except AmiError as problem:
            return LinkState.DOWN, str(problem)
        if not reply.success:
            return LinkState.REFUSED, f"{self._host}:{self._port} refuses the user {self._username}: {reply.text}"
        return None

    async def _watch(self, protocol: AmiProtocol) -> str:
        """Ping until the connection ends or a ping goes unanswered; why it ended."""
        while True:
            await asyncio.wait({protocol.lost}, timeout=self._ping_every)
            if protocol.lost.done():
                return protocol.lost.result()
            try:
                await self._send(protocol, AmiAction("Ping", {}, as_list=False))
            except AmiTimeout as problem:
                return str(problem)
            except AmiLost:
                return protocol.lost.result()

    def _take(self, event: AmiEvent) -> None:
        if self._tokens is None or self._tokens.believes(event):
            self._events.put(event)
        else:
            self._leave_out(event.name)

    def _leave_out(self, text: str) -> None:
        self.refused += 1
        _log.warning("an AMI message was left out", begins=text[:80])

    def _hold(self, hold: bool) -> None:
        # No change of state: a listener that compares calls after `UP` must not do so in a flood.
        protocol = self._protocol
        if protocol is None or protocol.closed:
            return
        if hold:
            self.holds += 1
            protocol.transport.pause_reading()
            self.why = f"{self.backlog} events wait for their subscribers: reading waits for them"
            _log.warning("AMI events come faster than they are taken", backlog=self.backlog, holds=self.holds)
        else:
            protocol.transport.resume_reading()
            self.why = f"subscribers have caught up, after {self.holds} times that reading waited for them"

    def _become(self, state: LinkState, why: str) -> None:
        if state not in _NEXT[self.state]:
            raise RuntimeError(f"the AMI link cannot go from {self.state} to {state}: {why}")
        self.state, self.since, self.why = state, time.time(), why
        _log.info("the AMI link changed", state=state.value, why=why)
        self._changed.set()
        self._changed.clear()
        for listener in list(self._listeners):
            try:
                listener(state, why)
            except Exception:
                _log.exception("a listener to the AMI link failed; the others go on")


def _succeeded(name: str, message: Message) -> AmiReply:
    reply = AmiReply(message)
    if not reply.success:
        raise AmiFailed(name, reply.text or reply.get("Response", "") or "no reason given")
    return reply


def began(status: AmiReply) -> float:
    """When Asterisk started, by its answer to CoreStatus, UTC epoch seconds; now, when it does not say so."""
    try:
        text = f"{status['CoreStartupDate']} {status['CoreStartupTime']}"
        return time.mktime(time.strptime(text, "%Y-%m-%d %H:%M:%S"))
    except (KeyError, ValueError):
        return time.time()
