"""Where sound stands in a recording, and what the hotline makes of sound that stops or comes from elsewhere."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import httpx
import numpy as np
import pytest
import soundfile

from server.hotline.definitions import FLOWS, PROMPTS
from softphone.audio import Samples, Tone, tone_level
from softphone.call import Call
from softphone.phone import Phone, Refuse
from tests.e2e import brisk
from tests.e2e.conftest import Hotline, hears_tone, make_home, running
from tests.e2e.hearing import hears, now

pytestmark = pytest.mark.e2e
CALLER, AGENT, PRIVATE = 1000, 600, 2900
WINDOW = 400
MESSAGE_LEAVE = soundfile.info(PROMPTS / "zh" / "message-leave.wav").duration


@pytest.fixture(scope="module")
def hotline() -> Iterator[Hotline]:
    """A hotline that counts packets often, whose messages end after a second of silence."""
    hotline = Hotline(make_home())
    brisk.install(hotline.home)
    with (hotline.home / "hotline.toml").open("a") as file:
        file.write("\n[sound]\ncounted_every = 0.5\none_way_after = 2\nlearn_after = 1\n")
    flows = hotline.home / "flows"
    main = (flows / "hotline.toml").read_text(encoding="utf-8")
    (flows / "hotline.toml").write_text(main.replace('to = "quiet" }', 'to = "leave" }'), encoding="utf-8")
    leave = (FLOWS / "leave.toml").read_text(encoding="utf-8").replace("silence = 5", "silence = 1")
    (flows / "leave.toml").write_text(leave, encoding="utf-8")
    with running(hotline):
        yield hotline


@asynccontextmanager
async def talking(hotline: Hotline, phone: Phone, number: str) -> AsyncIterator[tuple[Call, Call]]:
    """A caller who speaks with this agent, who hangs up in the end: the caller's call and the agent's."""
    async with hotline.caller(number) as caller:
        call = await caller.dial("4008001234", source=Tone(CALLER))
        leg = await phone.incoming()
        await leg.answer(Tone(AGENT))
        await hears_tone(call, AGENT)
        await hears_tone(leg, CALLER)
        yield call, leg
        await leg.hangup()
        await call.hangup()


async def recorded(hotline: Hotline, number: str) -> tuple[dict[str, Any], dict[str, Any], Samples]:
    """The call, its recording, and the sound of it: shape (n, 2), caller left, agent right."""
    shown = await hotline.ended_call(number)
    (recording,) = shown["recordings"]
    told = hotline.records.recording_show(recording)
    assert told is not None
    sound, _ = soundfile.read(hotline.home / "recordings" / told["path"], dtype="int16")
    return shown, told, sound


def spans(track: Samples, hz: float) -> list[tuple[float, float]]:
    """From when to when a tone sounds, in seconds; shorter than 0.1 s it is none."""
    starts = range(0, len(track) - WINDOW, 80)
    heard = np.array([tone_level(track[start : start + WINDOW], hz) > -25 for start in starts])
    edges = [0, *(np.flatnonzero(np.diff(heard)) + 1), len(heard)]
    found = [(begin, end) for begin, end in pairwise(edges) if end > begin and heard[begin]]
    return [((b * 80 + WINDOW / 2) / 8000, (e * 80 + WINDOW / 2) / 8000) for b, e in found if e - b > 10]


async def test_a_hold_keeps_its_length_and_holds_nothing_that_the_agent_said(hotline: Hotline) -> None:
    number = "13800131001"
    apart: list[tuple[float, float]] = []
    async with (
        hotline.agent("1001", complaint=5) as phone,
        hotline.agent("1002", inquiry=5) as colleague,
        talking(hotline, phone, number) as (call, leg),
    ):
        began = time.monotonic()
        colleague.on_invite = Refuse(486)
        live = hotline.newest(number)
        assert live is not None

        async def api(act: str) -> None:
            await hotline.request("POST", f"/api/v1/calls/{live['id']}/{act}")

        async def hold(begin: Awaitable[None], end: Callable[[], Awaitable[None]] | None) -> None:
            await begin
            left = time.monotonic() - began
            leg.play(Tone(PRIVATE))
            await asyncio.sleep(1.5 if end else 0.5)
            leg.play(Tone(AGENT))
            if end is not None:
                await end()
            await hears_tone(call, AGENT)
            # Of the tone half a second has been heard.
            apart.append((left, time.monotonic() - began - 0.5))
            await asyncio.sleep(0.3)

        await hold(leg.press("*1"), lambda: leg.press("*1"))
        await hold(leg.press("*21002#"), None)
        await hold(api("hold"), lambda: api("resume"))
        ended = time.monotonic() - began
    shown, told, sound = await recorded(hotline, number)
    assert told["problem"] is None
    assert told["seconds"] == pytest.approx(shown["talked"] + shown["held"], abs=0.1)
    assert not spans(sound[:, 1], PRIVATE), "what an agent says on hold is in no recording"
    offset = told["seconds"] - ended
    heard = [(end, begin) for (_, end), (begin, _) in pairwise(spans(sound[:, 1], AGENT)) if begin - end > 1]
    assert len(heard) == 3, f"three holds, not {heard}"
    for (since, until), (left, returned) in zip(heard, apart, strict=True):
        assert until == pytest.approx(offset + returned, abs=0.3)
        assert since < offset + left + 0.3


async def test_pauses_in_which_neither_side_sends_keep_their_length(hotline: Hotline) -> None:
    number = "13800131002"
    spoken: list[tuple[int, float, float]] = []
    async with hotline.agent("1001", complaint=5) as phone, talking(hotline, phone, number) as (call, leg):
        call.play(None)
        leg.play(None)
        began = time.monotonic()
        for side, pause, seconds in ((0, 1.5, 0.8), (1, 1.0, 0.5), (0, 1.5, 0.4), (1, 0.6, 0.8)):
            await asyncio.sleep(pause)
            since = time.monotonic() - began
            (call, leg)[side].play(Tone((CALLER, AGENT)[side]))
            await asyncio.sleep(seconds)
            (call, leg)[side].play(None)
            spoken.append((side, since, time.monotonic() - began))
        await asyncio.sleep(0.8)
        ended = time.monotonic() - began
    shown, told, sound = await recorded(hotline, number)
    assert told["problem"] is None
    assert len(sound) / 8000 == pytest.approx(shown["talked"], abs=0.1)
    offset = len(sound) / 8000 - ended
    for side, since, until in spoken:
        heard = [span for span in spans(sound[:, side], (CALLER, AGENT)[side]) if span[1] > offset + since]
        assert heard[0] == pytest.approx((offset + since, offset + until), abs=0.3), (side, since, heard)


async def test_sound_is_followed_to_another_port_and_not_to_another_address(hotline: Hotline) -> None:
    number = "13800131003"
    async with hotline.agent("1001", complaint=5) as phone, talking(hotline, phone, number) as (call, leg):
        locked = time.monotonic() + 5.5
        leg.rtp.renumber()
        await hears_tone(call, AGENT)
        # A muted phone and a hold are no one-way sound.
        leg.play(Tone(AGENT, -90))
        await asyncio.sleep(2.2)
        await leg.press("*1")
        leg.play(None)
        await asyncio.sleep(2.2)
        leg.play(Tone(AGENT))
        await leg.press("*1")
        await hears_tone(call, AGENT)
        # For five seconds Asterisk learns where the sound comes from.
        await hotline.until(lambda: time.monotonic() > locked, "it has learned")
        await leg.rtp.move("127.0.0.2")
        leg.play(Tone(PRIVATE))

        def warned() -> list[str]:
            return [
                each for each in hotline.health()["warnings"] if "no sound has come from the phone of agent" in each
            ]

        (warning,) = await hotline.until(warned, "the one-way sound is an alarm")
        live = hotline.newest(number)
        assert live is not None
        assert warning.startswith(f"call {live['id']}: no sound has come from the phone of agent 1001 for ")
        async with httpx.AsyncClient(trust_env=False, verify=False) as client:
            assert "sansheng_one_way_sound_now 1.0" in (await client.get(f"{hotline.api}/metrics")).text
        assert tone_level(call.rtp.samples(1.0), PRIVATE) < -45, "sound from another address is not followed"
        leg.play(Tone(AGENT))
        await leg.rtp.move()
        await hears_tone(call, AGENT)
        await hotline.until(lambda: not warned(), "the alarm is over")
    shown, told, _ = await recorded(hotline, number)
    assert told["problem"] is None
    (one_way,) = shown["one_way_sound"]
    assert (one_way["agent"], one_way["side"]) == ("1001", "agent")
    assert one_way["until"]
    assert "no sound came from agent 1001" in (await hotline.command("call", "show", str(shown["id"]))).stdout


async def test_a_message_ends_when_no_packets_come_and_nothing_is_no_message(hotline: Hotline) -> None:
    async def leave(number: str, seconds: float) -> tuple[dict[str, Any], float]:
        async with hotline.caller(number) as phone:
            call = await phone.dial("4008001234", source=Tone(CALLER, -90))
            await call.heard()
            await call.press("1")
            asked = await hears(call, "message-leave")
            await hotline.until(lambda: now(call) > asked.at + MESSAGE_LEAVE + 0.6, "the prompt and the tone are over")
            if seconds:
                call.play(Tone(CALLER))
                await asyncio.sleep(seconds)
            call.play(None)
            quiet = asyncio.get_running_loop().time()
            await hears(call, "message-saved" if seconds else "message-empty", within=8)
            waited = asyncio.get_running_loop().time() - quiet
            await call.hangup()
        return await hotline.ended_call(number), waited

    (spoken, ended), (silent, again) = await asyncio.gather(leave("13800132001", 3.0), leave("13800132002", 0))
    assert max(ended, again) < 5, "a second of silence, and what is said then"
    (message,) = spoken["messages"]
    assert 2.5 < message["seconds"] < 5
    assert silent["messages"] == []
