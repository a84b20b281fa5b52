"""The whole path with the reference peer on both ends: sipp calls, sipp answers, and the recording holds both tones."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import soundfile

from softphone.audio import tone_level
from tests.e2e.phones import sipp  # noqa: F401

if TYPE_CHECKING:
    from tests.e2e.conftest import Hotline
    from tests.e2e.sipp_peer import Sipp

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize(
    ("via", "caller"),
    [
        ("info", "13800130061"),
        pytest.param(
            "rfc2833",
            "13800130062",
            marks=pytest.mark.skipif(os.geteuid() != 0, reason="sipp replays its capture of keys only as root"),
        ),
    ],
)
async def test_sipp_reaches_sipp_through_the_menus_and_is_recorded(
    hotline: Hotline,
    sipp: Sipp,  # noqa: F811
    tmp_path: Path,
    via: str,
    caller: str,
) -> None:
    async with sipp.run("agent-hangs-up", ring=0.3, talk=4) as agent:
        body = {"id": "2061", "name": "Reference", "skills": {"complaint": 9}, "contact": agent.contact}
        await hotline.request("PUT", "/api/v1/agents/2061", body)
        await hotline.request("POST", "/api/v1/agents/2061/status", {"status": "available"})
        async with sipp.run(
            "caller",
            server=("127.0.0.1", hotline.sip_port),
            caller=caller,
            digits="12",
            via=via,
            gap=0.4,
            again="5",  # The survey's answer: the caller stays until the hotline says goodbye.
            limit=60,
        ) as running:
            (await running.done()).check(calls=1)
        shown = await hotline.ended_call(caller)
        (await agent.done()).check()
        await hotline.request("DELETE", "/api/v1/agents/2061")
    assert (shown["outcome"], shown["category"], shown["agent"]) == ("handled", "system", "2061")
    assert shown["segments"][0]["ended_by"] == "agent"
    (recording,) = shown["recordings"]
    target = tmp_path / "call.wav"
    await hotline.command("recording", "pull", str(recording), "--to", str(target))
    samples, _ = soundfile.read(target, dtype="int16")
    middle = samples[len(samples) // 3 : 2 * len(samples) // 3]
    assert tone_level(middle[:, 0], 1000) > -20 > tone_level(middle[:, 0], 600) + 20
    assert tone_level(middle[:, 1], 600) > -20 > tone_level(middle[:, 1], 1000) + 20
