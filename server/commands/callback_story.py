"""A callback over real SIP, from the number that a caller leaves to the goodbye; each step is printed as it happens."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from server.commands.call_story import AGENT_HZ, CALLER_HZ, MENU, Script, StoryEnded, calls, hears, survey, talks
from softphone.audio import Tone
from softphone.phone import Call, CallEnded, Phone, Policy, Refuse, Ring

_PATIENCE = 30.0
"""Seconds in which the caller can accept the offered callback."""
_BETWEEN = 3.0
"""Seconds that the caller listens before pressing again."""
_RING = 30.0
"""Seconds within which a telephone rings: the agent may be resting from another call."""
_LOOK = 0.5


class Hotline(Protocol):
    """What the story needs of the hotline besides the calls."""

    async def promise(self) -> Mapping[str, Any] | None:
        """The newest promise to the caller's number."""

    async def ask(self) -> Mapping[str, Any]:
        """Promise a callback without the telephone."""

    async def agent_is_there(self) -> None:
        """The agent takes calls from now on."""


@dataclass(frozen=True, slots=True)
class Promise:
    """How the number is taken, and whose phone rings first. `outgoing` is the number that calls show; "" if none."""

    offered: bool
    """Whether the hotline is likely to offer a callback: else the story promises one without asking the caller."""
    customer_first: bool = False
    outgoing: str = ""


async def tell(
    script: Script, how: Promise, caller: Phone, agent: Phone, hotline: Hotline, say: Callable[[str], None]
) -> None:
    """Leave a number, and be called back. Both telephones are open; the agent is not there yet. Raises StoryEnded."""
    only = _only(script.caller)
    caller.on_invite = agent.on_invite = only
    try:
        await _leave_number(script, how, caller, hotline, say)
        say(f"agent    {agent.user} signs in")
        await hotline.agent_is_there()
        first = _customer_first if how.customer_first else _agent_first
        called, talking = await first(how, caller, agent, say)
        await asyncio.gather(hears(called, AGENT_HZ), hears(talking, CALLER_HZ))
        say("both     are joined and hear each other")
        await talks(script, talking, say)
        await survey(script, called, say)
    except (TimeoutError, CallEnded) as error:
        raise StoryEnded(str(error)) from None


async def _leave_number(
    script: Script, how: Promise, caller: Phone, hotline: Hotline, say: Callable[[str], None]
) -> None:
    call = await calls(script, caller, script.digits if how.offered else "", say)
    promise = await _accept(call, hotline, say) if how.offered else None
    if promise is not None:
        say(f"hotline  promises to call {promise['number']} back: callback {promise['id']}")
        await call.heard(within=MENU)
        say("caller   hears that it is promised, and hangs up")
        await call.hangup()
        return
    say("caller   is offered no callback, and hangs up")
    await call.hangup()
    promise = await hotline.ask()
    say(f"hotline  is asked by its API to call {promise['number']} back: callback {promise['id']}")


async def _accept(call: Call, hotline: Hotline, say: Callable[[str], None]) -> Mapping[str, Any] | None:
    """Key 1 accepts the offer, and confirms the number that was read back. None: the hotline offered no callback."""
    loop = asyncio.get_running_loop()
    end, again = loop.time() + _PATIENCE, loop.time() + _BETWEEN
    while loop.time() < end:
        await asyncio.sleep(_LOOK)
        if (promise := await hotline.promise()) is not None:
            return promise
        if loop.time() >= again:
            await call.press("1")
            say("caller   listens, and presses 1")
            again = loop.time() + _BETWEEN
    return None


async def _agent_first(how: Promise, caller: Phone, agent: Phone, say: Callable[[str], None]) -> tuple[Call, Call]:
    """(the customer's call, the agent's), each picked up."""
    talking = await _rings(agent, caller.user)
    say(f"agent    {agent.user}'s telephone rings and shows {talking.number}")
    await talking.answer(Tone(AGENT_HZ))
    await talking.heard(within=MENU)
    say("agent    picks up, and hears that it is a callback and what it is about")
    called = await _customer_rings(how, caller, say)
    await talking.heard(within=MENU)
    say("agent    hears it ring")
    await called.answer(Tone(CALLER_HZ))
    say("caller   picks up")
    return called, talking


async def _customer_first(how: Promise, caller: Phone, agent: Phone, say: Callable[[str], None]) -> tuple[Call, Call]:
    """The same where the customer must press a key before an agent is called."""
    called = await _customer_rings(how, caller, say)
    await called.answer(Tone(CALLER_HZ))
    await called.heard(within=MENU)
    await called.press("1")
    say("caller   picks up, is asked for a key, and presses 1")
    talking = await _rings(agent, caller.user)
    say(f"agent    {agent.user}'s telephone rings and shows {talking.number}")
    await talking.answer(Tone(AGENT_HZ))
    say("agent    picks up and hears what it is about")
    return called, talking


async def _customer_rings(how: Promise, caller: Phone, say: Callable[[str], None]) -> Call:
    called = await _rings(caller, caller.user)
    shown = f"shows {called.number}" if how.outgoing else "shows no number: `outgoing` in [callback] is not set"
    say(f"caller   {caller.user}'s telephone rings and {shown}")
    return called


async def _rings(phone: Phone, number: str) -> Call:
    """The next call of this telephone that concerns this customer."""
    while True:
        call = await phone.incoming(_RING)
        if _concerns(call, number):
            return call


def _only(number: str) -> Callable[[Call], Policy]:
    """These telephones serve one customer: for every other call they are busy."""
    return lambda call: Ring() if _concerns(call, number) else Refuse(486)


def _concerns(call: Call, number: str) -> bool:
    dialled = call.invite.uri.user if call.invite else ""
    return number in (call.number, dialled)
