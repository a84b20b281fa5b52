"""A queue's own music on hold lies in a folder of its name; a file that could not be played is refused at once."""

from __future__ import annotations

import wave
from pathlib import Path

import pytest

from server.definitions import load
from server.toml import DefinitionFault


def music(file: Path, rate: int = 8000) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(file), "wb") as target:
        target.setnchannels(1)
        target.setsampwidth(2)
        target.setframerate(rate)
        target.writeframes(bytes(320))


def test_a_queue_without_music_of_its_own_has_the_house_s(tmp_path: Path) -> None:
    music(tmp_path / "music" / "media" / "calm.wav")
    definitions = load(tmp_path)
    assert definitions.music("media") == "media"
    assert definitions.music("complaint") == "default"
    assert definitions.own_music == {"media": tmp_path / "music" / "media"}


def test_music_that_the_telephone_cannot_play_is_refused_with_its_file(tmp_path: Path) -> None:
    music(tmp_path / "music" / "media" / "loud.wav", rate=44100)
    with pytest.raises(DefinitionFault, match=r"loud\.wav:1: cannot be played: music is mono WAV of 16 bits"):
        load(tmp_path)


def test_a_team_names_its_leaders_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "hotline.toml").write_text('[teams.A]\nleaders = ["1009", "1010"]\n[teams.B]\nleaders = ["1009"]\n')
    assert load(tmp_path).leaders(("B", "A", "C")) == ("1009", "1010")
    (tmp_path / "hotline.toml").write_text('[teams.A]\nleader = "1009"\n')
    with pytest.raises(DefinitionFault, match=r":2: teams\.A\.leader"):
        load(tmp_path)
