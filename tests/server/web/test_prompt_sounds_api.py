"""Prompts over HTTP: listed, heard, uploaded from any WAV, refused with a sentence, undone."""

from __future__ import annotations

import io
import wave
from pathlib import Path

import numpy as np
import pytest
import soundfile

from server.hotline import own_prompts
from server.hotline.prompt_sounds import taken_in
from server.telephony.caller.audio import CallerAudio
from server.usecases import prompts
from tests.redis_server import redis_server
from tests.server.web.api_server import ApiServer, api, refused, server

__all__ = ["api", "redis_server", "server"]

WELCOME = "/api/v1/prompt-sounds/welcome/zh"


def _wav(rate: int = 48_000, seconds: float = 1.0, channels: int = 2, level: float = 0.2, hz: float = 440.0) -> bytes:
    at = np.arange(int(rate * seconds)) / rate
    tone = np.tile((level * np.sin(2 * np.pi * hz * at))[:, None], (1, channels))
    made = io.BytesIO()
    soundfile.write(made, tone, rate, format="WAV", subtype="FLOAT" if channels == 2 else "PCM_16")
    return made.getvalue()


def _power(samples: np.ndarray, hz: float, rate: int) -> float:
    at = np.arange(len(samples)) / rate
    return float(abs(np.mean(samples * np.exp(-2j * np.pi * hz * at))))


def test_any_wav_becomes_one_that_callers_can_hear() -> None:
    made, known = taken_in(_wav())
    with wave.open(io.BytesIO(made)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 8000)
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768
    assert known["converted"]
    assert known["seconds"] == pytest.approx(1.0, abs=0.01)
    assert _power(samples, 440, 8000) == pytest.approx(0.1, rel=0.05)
    assert known["level"] == pytest.approx(-17.0, abs=0.5)
    # What a telephone cannot carry is not folded into what it can.
    above, _ = taken_in(_mixed(440.0, 7000.0))
    with wave.open(io.BytesIO(above)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768
    assert _power(samples, 1000, 8000) < 0.002


def _mixed(low: float, high: float) -> bytes:
    at = np.arange(48_000) / 48_000
    made = io.BytesIO()
    tones = 0.2 * np.sin(2 * np.pi * low * at) + 0.2 * np.sin(2 * np.pi * high * at)
    soundfile.write(made, tones, 48_000, format="WAV", subtype="PCM_24")
    return made.getvalue()


def test_a_wav_that_callers_can_hear_already_is_left_as_it_is() -> None:
    data = _wav(8000, channels=1)
    assert taken_in(data)[0] == data


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"\x1aE\xdf\xa3webm", "this is no WAV file that can be played"),
        (b"", "this is no WAV file that can be played"),
        (_wav(level=0.0), "nothing is heard"),
        (_wav(8000, 121, 1), "it may"),
    ],
)
async def test_what_is_no_recording_is_refused_with_a_sentence(
    server: ApiServer, api, data: bytes, sentence: str
) -> None:
    answer = await api.post(f"{WELCOME}/import", content=data, headers={"Content-Type": "audio/wav"})
    assert sentence in refused(answer, 422)
    assert not (server.home / "prompts").exists()


async def test_prompts_are_listed_with_text_length_and_use(server: ApiServer, api) -> None:
    rows = {each["id"]: each for each in (await api.get("/api/v1/prompt-sounds")).json()["items"]}
    welcome = rows["welcome"]
    assert (welcome["own"], welcome["languages"]["zh"]["source"]) == (False, "product")
    assert welcome["languages"]["zh"]["text"]
    assert welcome["languages"]["en"]["seconds"] > 1
    assert {"flow": "hotline", "node": "welcome"} in welcome["used"]
    assert rows["digit-1"]["piece"]
    heard = await api.get(WELCOME)
    assert heard.headers["content-type"] == "audio/wav"
    assert heard.content == (own_prompts.PROMPTS / "zh" / "welcome.wav").read_bytes()


async def test_a_recording_stands_in_the_place_of_the_products_and_is_undone(server: ApiServer, api) -> None:
    audio = CallerAudio(None, own_prompts.PROMPTS, own=own_prompts.folder(server.home))  # type: ignore[arg-type]
    assert audio.path("welcome") == str(own_prompts.PROMPTS / "zh" / "welcome")
    answer = await api.post(f"{WELCOME}/import?text=您好&how=recorded&reason=new", content=_wav())
    assert (answer.json()["version"], answer.json()["how"], answer.json()["converted"]) == (1, "recorded", True)
    assert audio.path("welcome") == str(server.home / "prompts" / "zh" / "welcome")
    rows = {each["id"]: each for each in (await api.get("/api/v1/prompt-sounds")).json()["items"]}
    assert rows["welcome"]["languages"]["zh"] == {
        "text": "您好",
        "source": "own",
        "seconds": 1.0,
        "level": rows["welcome"]["languages"]["zh"]["level"],
        "version": 1,
    }
    assert server.view.published.texts["prompts"].strip().startswith("[welcome]")
    second = _wav(8000, 2, 1)
    assert (await api.post(f"{WELCOME}/import", content=second)).json()["version"] == 2
    assert (await api.get(WELCOME)).content == second
    done = (await api.post(f"{WELCOME}/undo", json={})).json()
    assert (done["version"], done["how"], done["seconds"]) == (3, "undone", 1.0)
    assert (await api.get(f"{WELCOME}?version=2")).content == second
    done = (await api.post(f"{WELCOME}/undo", json={"to": 0})).json()
    assert (done["version"], done["how"]) == (4, "removed")
    assert audio.path("welcome") == str(own_prompts.PROMPTS / "zh" / "welcome")
    listed = (await api.get(f"{WELCOME}/versions")).json()["items"]
    assert [each["version"] for each in listed] == [4, 3, 2, 1]
    await server.tell()
    (*_, row) = (await api.get("/api/v1/audit?act=prompts.publish")).json()["items"]
    assert row["subject"] == "prompt welcome, zh, version 1: recorded, 1.0 s"


async def test_an_own_prompt_may_be_named_by_a_flow(server: ApiServer, api) -> None:
    flow = 'start = "bye"\n[nodes.bye]\nkind = "hangup"\nprompts = ["own-bye"]\n'
    body = {"changes": [{"part": "flow.mine", "text": flow}]}
    found = (await api.post("/api/v1/definitions/check", json=body)).json()
    assert not found["usable"]
    assert (await api.post("/api/v1/prompt-sounds/own-bye/zh/import", content=_wav())).status_code == 200
    found = (await api.post("/api/v1/definitions/check", json=body)).json()
    assert found["usable"]


async def test_without_a_voice_it_says_what_to_install(server: ApiServer, api, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setattr(prompts, "cache", lambda root: tmp_path)
    answer = await api.post(f"{WELCOME}/render", json={"text": "您好"})
    assert "make prompts" in refused(answer, 409)
