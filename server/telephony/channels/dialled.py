"""Phones that are being dialled, as Asterisk tells of them: which rang, which sent the call elsewhere, which is silent.

A phone that has said nothing for `rings_within` seconds after it was called is hung up, so that the next agent has the
call. Any provisional answer beyond 100 counts as ringing, also one of which Asterisk raises no event (199). A phone
that dials one of the hotline's own codes while it is called, and is answered during that call, was answered by the
code.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import structlog

import acd.events as acd
from server.hotline.dispatcher import Dispatcher
from server.tasks import BackgroundTasks
from server.telephony.ami.link import Ami, AmiError, AmiFailed
from server.telephony.channels.ownership import AgentChannel

_log = structlog.get_logger("dialled")
_RINGS = frozenset({"RINGING", "PROGRESS"})
"""A phone that sends sound before it is answered (183) rings like one that says so (180)."""
_PROVISIONAL = "SIP 1"
_TRYING = "SIP 100"
EVENTS_WITHIN = 2.0
"""Seconds by which Asterisk's events may be later than the result of Dial."""


class DialledPhones:
    """`rings_within` gives the seconds of now, 0 for no limit; `hang_up` ends a channel."""

    def __init__(
        self, dispatcher: Dispatcher, ami: Ami, rings_within: Callable[[], float], hang_up: Callable[[str], None]
    ) -> None:
        self._dispatcher, self._ami = dispatcher, ami
        self._rings_within, self._hang_up = rings_within, hang_up
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._called: dict[str, AgentChannel] = {}
        self._codes: list[str] = []
        """Agents who dialled a code while their phone was called, and hear its answer."""
        self._redirected: set[int] = set()
        self._left: set[int] = set()
        """Offers whose phone said nothing, and was left."""
        self._answered: set[int] = set()
        self._gone: dict[int, tuple[AgentChannel, str]] = {}
        self._told = asyncio.Event()
        """Set, and replaced, when Asterisk has told the end of a phone's call."""
        self._asking = BackgroundTasks(_log, "a phone that says nothing could not be asked about", AmiError)

    def begin(self, unique_id: str, leg: AgentChannel) -> None:
        """This phone is called now."""
        self._called[unique_id] = leg
        # A trunk may take longer until it says that a telephone rings; one that says nothing is given up (`Outgoing`).
        if (within := self._rings_within()) > 0 and not leg.outside and not leg.outside_agent:
            loop = asyncio.get_running_loop()
            self._timers[unique_id] = loop.call_later(within, self._is_silent, unique_id, leg)

    def state(self, unique_id: str, leg: AgentChannel, status: str) -> None:
        """The phone said something."""
        if status in _RINGS:
            self._heard(unique_id)
            self._dispatcher.submit(acd.OfferRinging(leg.offer))

    def leave(self, leg: AgentChannel, *, alone: bool) -> None:
        """This phone is known to be gone. `alone`: no other one of the agent's rings for this offer."""
        _log.info("a phone that rings is gone", call=leg.call, agent=leg.agent)
        if alone:
            self._left.add(leg.offer)
        self._hang_up(leg.channel)

    def end(self, unique_id: str, leg: AgentChannel, status: str, forward: str) -> None:
        """The phone was answered, or will not be; `forward` is where it sent the call."""
        self._done(unique_id)
        if status == "ANSWER":
            self._answered.add(leg.offer)
            self._gone.pop(leg.offer, None)  # another device of the agent
        if forward:
            self._redirected.add(leg.offer)

    def gone(self, unique_id: str, leg: AgentChannel, by: str) -> None:
        """The channel is gone. One that was hung up during the whisper is not known to have been answered."""
        self._done(unique_id)
        if leg.answered:
            self._answered.discard(leg.offer)
        elif leg.offer not in self._answered:
            self._gone[leg.offer] = leg, by

    @contextmanager
    def code(self, agent: str) -> Iterator[None]:
        """While a code that the agent dialled is answered."""
        called = any(leg.agent == agent for leg in self._called.values())
        if called:
            self._codes.append(agent)
        try:
            yield
        finally:
            if called:
                self._codes.remove(agent)

    def hears_code(self, agent: str) -> bool:
        """Whether the agent's phone dialled a code while it was called, and is still answered."""
        return agent in self._codes

    async def told(self, offer: int, within: float = EVENTS_WITHIN) -> None:
        """Return when Asterisk's events have told what every phone of this offer did: Dial's result may come first."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                while any(leg.offer == offer for leg in self._called.values()):
                    await self._told.wait()

    def was_redirected(self, offer: int) -> bool:
        """Whether the phone of this offer sent the call elsewhere."""
        return offer in self._redirected

    def was_left(self, offer: int) -> bool:
        """Whether the phone of this offer said nothing, and was left for the next agent's."""
        return offer in self._left

    def is_answered(self, offer: int) -> bool:
        """Whether Asterisk's events have told that a phone of this offer was answered."""
        return offer in self._answered

    def answered_and_gone(self, offer: int) -> tuple[AgentChannel, str] | None:
        """The phone of an offer that was answered, Dial says, and who hung up; None if it is there."""
        return self._gone.pop(offer, None)

    def over(self, offer: int) -> None:
        """What came of the offer is known."""
        self._redirected.discard(offer)
        self._left.discard(offer)
        self._answered.discard(offer)
        self._gone.pop(offer, None)

    def _done(self, unique_id: str) -> None:
        self._heard(unique_id)
        if self._called.pop(unique_id, None) is not None:
            self._told.set()
            self._told = asyncio.Event()

    def _heard(self, unique_id: str) -> None:
        if timer := self._timers.pop(unique_id, None):
            timer.cancel()

    def _is_silent(self, unique_id: str, leg: AgentChannel) -> None:
        self._timers.pop(unique_id, None)
        self._asking.start(self._ask(leg))

    async def _ask(self, leg: AgentChannel) -> None:
        """Leave the phone, unless it gave an answer that Asterisk keeps to itself."""
        variable = f"HANGUPCAUSE({leg.channel},tech)"
        try:
            said = (await self._ami.action("Getvar", Channel=leg.channel, Variable=variable)).get("Value", "")
        except AmiFailed:
            return  # the channel is gone
        if leg.answered:
            return
        if said.startswith(_PROVISIONAL) and not said.startswith(_TRYING):
            self._dispatcher.submit(acd.OfferRinging(leg.offer))
        else:
            _log.info("a phone says nothing: the next agent is rung", call=leg.call, agent=leg.agent, said=said)
            self._left.add(leg.offer)
            self._hang_up(leg.channel)
