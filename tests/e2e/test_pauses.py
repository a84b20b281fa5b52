"""A recording is paused by key and by API, goes on by itself, and is heard over HTTP after the call."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import time
from collections.abc import Iterator

import httpx
import numpy as np
import pytest

from softphone.audio import Tone
from tests.e2e import brisk
from tests.e2e.conftest import Hotline, hears_tone, make_home
from tests.e2e.test_sound import AGENT, CALLER, PRIVATE, recorded, spans, talking

pytestmark = pytest.mark.e2e
PAUSE = 12.0


@pytest.fixture(scope="module")
def house() -> Iterator[Hotline]:
    """A hotline whose pauses end after a short while."""
    hotline = Hotline(make_home())
    brisk.install(hotline.home)
    with (hotline.home / "hotline.toml").open("a") as file:
        file.write(f"\n[recordings]\npause = {PAUSE:g}\nagents = {{ 1002 = false }}\n")
    try:
        hotline.start()
        yield hotline
        hotline.stop()
    finally:
        hotline.end()
        shutil.rmtree(hotline.home, ignore_errors=True)


async def test_what_is_said_in_a_pause_is_in_no_recording_and_the_rest_is_where_it_was(house: Hotline) -> None:
    number = "13800131097"
    said: list[tuple[float, float]] = []
    async with house.agent("1001", complaint=5) as phone, talking(house, phone, number) as (call, leg):
        live = house.newest(number)
        assert live is not None
        began = time.monotonic()

        async def paused() -> bool:
            shown = await house.request("GET", f"/api/v1/recordings/{live['id']}")
            return any(mark["until"] is None for mark in shown["pauses"])

        async def secret(seconds: float) -> None:
            call.play(Tone(PRIVATE))
            leg.play(Tone(PRIVATE))
            await asyncio.sleep(seconds)
            call.play(Tone(CALLER))
            leg.play(Tone(AGENT))
            await hears_tone(call, AGENT)
            await asyncio.sleep(0.3)

        async def until_paused(wanted: bool) -> None:
            deadline = time.monotonic() + PAUSE + 5
            while await paused() is not wanted:
                assert time.monotonic() < deadline
                await asyncio.sleep(0.1)

        # By API, with a hold in it.
        await house.request("POST", f"/api/v1/calls/{live['id']}/recording/pause", {"reason": "card number"})
        since = time.monotonic() - began
        await secret(1.0)
        await leg.press("*1")
        await asyncio.sleep(0.5)
        await leg.press("*1")
        await hears_tone(call, AGENT)
        await secret(0.5)
        await house.request("POST", f"/api/v1/calls/{live['id']}/recording/resume")
        said.append((since, time.monotonic() - began))
        await asyncio.sleep(1.0)
        # By key; it ends by itself.
        await leg.press("*6")
        await until_paused(True)
        since = time.monotonic() - began
        await secret(1.0)
        await until_paused(False)
        said.append((since, time.monotonic() - began))
        await asyncio.sleep(1.0)
        ended = time.monotonic() - began
    shown, told, sound = await recorded(house, number)
    assert told["problem"] is None
    assert told["seconds"] == pytest.approx(shown["talked"] + shown["held"], abs=0.1)
    for side, tone in ((0, CALLER), (1, AGENT)):
        assert not spans(sound[:, side], PRIVATE), "what is said in a pause is in no recording"
        offset = told["seconds"] - ended
        for since, until in said:
            for begin, end in spans(sound[:, side], tone):
                inside = min(end, offset + until - 0.5) - max(begin, offset + since + 0.5)
                assert inside <= 0, (side, since, until, begin, end)
    token = (house.home / "secrets" / "api-token").read_text().strip()
    bearer = {"Authorization": f"Bearer {token}"}
    path = f"/api/v1/recordings/{told['id']}"
    async with httpx.AsyncClient(trust_env=False, timeout=60, base_url=house.api, headers=bearer) as client:
        whole = await client.get(f"{path}/audio")
        assert hashlib.sha256(whole.content).hexdigest() == told["sha256"]
        part = await client.get(f"{path}/audio", headers={"Range": "bytes=44-1043"})
        assert (part.status_code, part.content) == (206, whole.content[44:1044])
        peaks = (await client.get(f"{path}/peaks")).json()
        assert [mark["kind"] for mark in peaks["marks"]].count("pause") == 2
        heard = np.array(peaks["peaks"]["caller"])
        for mark in (each for each in peaks["marks"] if each["kind"] == "pause"):
            assert not heard[round(mark["at"] * 20) + 8 : round(mark["until"] * 20) - 8].any()
        copy = await client.get(f"{path}/audio?format=opus")
        assert copy.headers["content-type"] == "audio/webm"
        assert copy.content[:4] == b"\x1a\x45\xdf\xa3"
    done = await house.command("recording", "verify", "--json")
    assert '"problems": []' in done.stdout


async def test_of_a_conversation_that_is_not_to_be_recorded_nothing_is_kept(house: Hotline) -> None:
    number = "13800131096"
    async with house.agent("1002", complaint=5) as phone, talking(house, phone, number) as (call, leg):
        live = house.newest(number)
        assert live is not None
        files = house.home / "asterisk"
        await leg.press("*1")
        await asyncio.sleep(0.3)
        await leg.press("*1")
        await hears_tone(call, AGENT)
        await asyncio.sleep(0.5)

    def told() -> dict[str, object] | None:
        found = house.newest(number)
        rows = [house.records.recording_show(each) for each in range(1, 20)]
        mine = [row for row in rows if row and found and row["call"] == found["id"]]
        return mine[0] if mine and mine[0]["state"] == "left_out" else None

    row = await house.until(told, "the recording is left out")
    assert (row["problem"], row["path"], row["sha256"]) == ("agent 1002 is not recorded", None, None)
    assert [step["kind"] for step in row["history"]] == ["left_out"]
    left = [file for file in files.rglob("*.wav") if file.name.startswith(f"{row['call']}-")]
    assert left == []
    shown = house.newest(number)
    assert shown is not None
    assert shown["recordings"] == []
    assert not any("recording" in each for each in house.health()["warnings"])
