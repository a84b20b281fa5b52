"""A spoken message: when it ends although nothing comes, and how much of it is sound."""

from __future__ import annotations

import asyncio
import wave
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from server.telephony.caller import message
from server.telephony.caller.message import heard, record


def written(path: Path, *parts: tuple[float, float]) -> Path:
    """A message of (seconds, amplitude as a share of full scale)."""
    sound = [amplitude * 32767 * np.sin(np.arange(int(8000 * seconds)) * 0.5) for seconds, amplitude in parts]
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(np.concatenate(sound).astype("<i2").tobytes() if sound else b"")
    return path


@pytest.mark.parametrize(
    ("parts", "seconds"),
    [
        ([], 0.0),
        ([(5.0, 0.0)], 0.0),
        ([(5.0, 0.002)], 0.0),
        ([(1.0, 0.0), (3.0, 0.2), (2.0, 0.0)], 3.0),
        ([(1.0, 0.2), (1.5, 0.0), (1.0, 0.2)], 3.5),
    ],
    ids=["nothing", "silence", "noise", "speech between silence", "a pause in speech"],
)
def test_a_message_is_as_long_as_its_sound(tmp_path: Path, parts: list[tuple[float, float]], seconds: float) -> None:
    assert heard(written(tmp_path / "m.wav", *parts)) == pytest.approx(seconds, abs=0.05)


def test_a_file_that_is_not_there_or_no_sound_has_no_message(tmp_path: Path) -> None:
    (tmp_path / "m.wav").write_bytes(b"RIFF")
    assert heard(tmp_path / "m.wav") == heard(tmp_path / "n.wav") == 0.0


class Line:
    """A channel that records until a key comes, and whose caller sends so many packets in each count."""

    def __init__(self, *packets: int) -> None:
        self.channel = "PJSIP/trunk-00000001"
        self.pressed = asyncio.Event()
        self.counts = 0
        self._packets = list(packets)
        self._sent = 0

    async def action(self, name: str, **headers: str) -> dict[str, str]:
        if name == "PlayDTMF":
            assert (headers["Channel"], headers["Digit"]) == (self.channel, "#")
            self.pressed.set()
        else:
            self.counts += 1
            self._sent += self._packets.pop(0) if self._packets else 0
        return {"Value": str(self._sent)}

    async def record_file(self, path: str, **options: Any) -> str:
        await self.pressed.wait()
        return path


@pytest.mark.parametrize(("packets", "least"), [((), 3), ((1, 1, 1), 3), ((25, 25, 25, 0, 25), 8)])
async def test_a_message_in_which_no_sound_comes_is_ended(
    monkeypatch: pytest.MonkeyPatch, packets: tuple[int, ...], least: int
) -> None:
    monkeypatch.setattr(message, "_EVERY", 0.05)
    line: Any = Line(*packets)
    ami: Any = SimpleNamespace(action=line.action)
    async with asyncio.timeout(5):
        assert await record(line, ami, Path("/m/1"), 180.0, 0.2) == "/m/1"
    assert line.counts >= least
