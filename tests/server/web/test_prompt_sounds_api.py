"""Prompts over HTTP: listed, heard, uploaded from any WAV, refused with a sentence, undone."""

from __future__ import annotations

import asyncio
import io
import wave
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from server.eventlog.definition_events import PromptSoundSet
from server.hotline import own_prompts
from server.hotline.dispatcher import NotLeading
from server.hotline.prompt_sounds import PromptSounds, taken_in
from server.hotline.shared_sounds import SharedSounds
from server.hotline.state import HotlineState
from server.telephony.caller.audio import CallerAudio
from server.usecases import prompts
from tests.redis_server import redis_server
from tests.server.web.api_server import OWNER, ApiServer, api, refused, server
from voice.environment import Kit, KitError, cache
from voice.prompt_store import TREE

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
    assert "python -m voice --fetch" in refused(answer, 409)


def _voice() -> bool:
    try:
        kit = Kit(cache(TREE))
        return all(each.exists() for each in (kit.python, kit.model, kit.vocabulary, kit.voices))
    except KitError:
        return False


@pytest.mark.thorough
@pytest.mark.skipif(not _voice(), reason="no voice is installed: python -m voice --fetch")
async def test_the_voice_says_an_operators_text(server: ApiServer, api) -> None:
    answer = await api.post(f"{WELCOME}/render", json={"text": "您好，欢迎致电。"})
    made = answer.json()
    assert (made["how"], made["converted"], made["rate"]) == ("rendered", False, 8000)
    assert 1.0 < made["seconds"] < 6.0
    assert -30 < made["level"] < -12


@dataclass
class Another:
    """Another server of the hotline, with a home of its own, that stands by or leads."""

    server: ApiServer
    home: Path
    leads: bool = False

    def __getattr__(self, name: str) -> Any:
        if name == "dispatcher" and not self.leads:
            raise NotLeading("this server does not lead")
        return getattr(self.server, name)


async def test_every_server_gives_its_callers_the_same_sound(server: ApiServer, api, tmp_path: Path) -> None:
    other = Another(server, tmp_path / "other")
    acts = prompts.PromptActs(other, server.acts.versions)  # type: ignore[arg-type]
    first, second = _wav(8000, 1, 1), _wav(8000, 2, 1)
    for data in (first, second):
        await api.post(f"{WELCOME}/import?reason=new", content=data)
    following = asyncio.create_task(acts.keep_following())
    file = other.home / "prompts" / "zh" / "welcome.wav"
    try:
        await _until(lambda: file.exists() and file.read_bytes() == second)
        kept = PromptSounds(other.home).versions("welcome", "zh")
        assert [(each.version, each.how, each.reason, each.seconds) for each in kept] == [
            (2, "uploaded", "new", 2.0),
            (1, "uploaded", "new", 1.0),
        ]
        # The other one leads now: numbers go on, an undo finds what was made on the first server.
        other.leads = True
        made = await acts.undo(OWNER, "welcome", "zh")
        assert (made.version, made.how) == (3, "undone")
        assert file.read_bytes() == first
        assert (await acts.undo(OWNER, "welcome", "zh", 0)).how == "removed"
        assert not file.exists()
    finally:
        following.cancel()
    again = HotlineState.restore(server.dispatcher.state.snapshot())
    assert [event.how for _, event in again.sounds.versions("welcome", "zh")] == [
        *("uploaded", "uploaded", "undone", "removed")
    ]


async def test_a_sound_that_a_hand_put_there_becomes_known_to_every_server(server: ApiServer, tmp_path: Path) -> None:
    file = server.home / "prompts" / "en" / "welcome.wav"
    file.parent.mkdir(parents=True)
    file.write_bytes(_wav(8000, 1, 1))
    following = asyncio.create_task(server.acts.prompts.keep_following())
    try:
        await _until(lambda: server.view.sounds.count == 1)
        await _until(lambda: server.view.sounds.versions("welcome", "en")[-1][1].how == "found")
    finally:
        following.cancel()
    (_, event) = server.view.sounds.versions("welcome", "en")[-1]
    assert await server.sound_bytes.get(event.sha256) == file.read_bytes()


def test_ten_versions_of_a_sound_stand_beside_the_log() -> None:
    sounds = SharedSounds()
    for version in range(1, 15):
        sounds.receive(PromptSoundSet("welcome", "zh", version, f"{version:064x}"), float(version))
    assert [event.version for _, event in sounds.versions("welcome", "zh")] == list(range(5, 15))


async def _until(holds: Callable[[], bool], within: float = 10.0) -> None:
    for _ in range(int(within / 0.02)):
        if holds():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it did not come about")
