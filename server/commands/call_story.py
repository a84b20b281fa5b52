"""A caller and an agent over real SIP, from dial tone to ticket, each step printed as it happens."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from softphone.audio import Tone, tone_level
from softphone.phone import Call, CallEnded, Phone, Ring

CALLER_HZ, AGENT_HZ = 1000, 600
"""The "speech" of caller and agent: tones that a recording can distinguish."""
_TONE, _LONG = -20.0, 0.5
"""dBFS and seconds of a pitch that is no speech."""
MENU = 12.0
"""Seconds within which something is heard, and a goodbye is over."""
_RING = 45.0
"""Seconds within which the agent's telephone rings: in callback mode the hotline first offers the caller a callback."""


class StoryEnded(Exception):
    """The call failed; the text says at which step."""


@dataclass(frozen=True, slots=True)
class Script:
    """The caller's keys, and the seconds of the conversation."""

    caller: str = "13800138000"
    number: str = "4008001234"
    digits: str = "14"
    satisfaction: str = "5"
    talk: float = 3.0


async def tell(script: Script, agent: Phone, host: str, sip_port: int, say: Callable[[str], None]) -> None:
    """Place the call; `agent` is the telephone of an agent who is available. Raises StoryEnded."""
    agent.on_invite = Ring()
    async with Phone(script.caller, host, sip_port) as caller:
        try:
            await _call(script, caller, agent, say)
        except (TimeoutError, CallEnded) as error:
            raise StoryEnded(str(error)) from None


async def _call(script: Script, caller: Phone, agent: Phone, say: Callable[[str], None]) -> None:
    loop = asyncio.get_running_loop()
    call = await calls(script, caller, script.digits, say)
    ringing = await agent.incoming(_RING)
    say(f"agent    {agent.user}'s telephone rings; the caller hears music")
    await ringing.answer(Tone(AGENT_HZ))
    picked_up = loop.time()
    say("agent    picks up and hears what it is about, while the caller hears the work number")
    await hears(call, AGENT_HZ)
    say(f"both     are joined {_ms(loop.time(), picked_up)} ms after the pick-up and hear each other")
    await talks(script, ringing, say)
    await survey(script, call, say)


async def calls(script: Script, caller: Phone, digits: str, say: Callable[[str], None]) -> Call:
    """The caller dials the hotline, hears a voice and presses `digits`, which may be none."""
    call = await caller.dial(script.number, source=Tone(CALLER_HZ))
    say(f"caller   {script.caller} dials {script.number}")
    await call.answered()
    say(f"hotline  answers after {_ms(call.ok_at, call.invite_at)} ms (three rings are 15 s)")
    await call.heard(within=MENU)
    say(f"caller   hears a voice {_ms(call.first_audio_at, call.ok_at)} ms later")
    for digit in digits:
        await call.press(digit)
        say(f"caller   presses {digit}")
        await asyncio.sleep(0.3)
    return call


async def hears(call: Call, hz: float) -> None:
    """The telephone on this call hears the other's tone."""
    # Speech has every pitch now and then, but none so loud for so long.
    await call.rtp.heard(hz, above=_TONE, window=_LONG, within=MENU)


async def talks(script: Script, agent: Call, say: Callable[[str], None]) -> None:
    """The two speak for a while, and the agent hangs up."""
    await asyncio.sleep(script.talk)
    heard = tone_level(agent.rtp.samples(1.0), CALLER_HZ)
    say(f"agent    hears the caller at {heard:.0f} dBFS, and hangs up after {script.talk:g} s")
    await agent.hangup()


async def survey(script: Script, call: Call, say: Callable[[str], None]) -> None:
    """The caller gives a mark, and hears a goodbye."""
    await call.heard(within=MENU)
    await call.press(script.satisfaction)
    say(f"caller   is asked how satisfied, and presses {script.satisfaction}")
    await call.ended(MENU)
    say("hotline  says goodbye and hangs up")


def _ms(later: float | None, earlier: float | None) -> int:
    return round(1000 * ((later or 0.0) - (earlier or 0.0)))
