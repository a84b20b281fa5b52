"""A queue's own music on hold lies in a folder of its name; a file that could not be played is refused at once."""

from __future__ import annotations

import wave
from pathlib import Path

import pytest

from server.hotline.definitions import FLOWS, load
from server.hotline.examination import examine
from tables.toml import DefinitionFault

NOW = 1_790_000_000.0


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


def test_what_a_flow_wants_goes_before_the_queue_s_own_where_there_is_such_a_class(tmp_path: Path) -> None:
    for name in ("media", "brand-a"):
        music(tmp_path / "music" / name / "calm.wav")
    definitions = load(tmp_path)
    assert definitions.music("media", "brand-a") == "brand-a"
    assert definitions.music("complaint", "brand-a") == "brand-a"
    assert definitions.music("media", "brand-b") == "media"
    assert definitions.music("complaint", "brand-b") == "default"


def test_a_folder_that_asterisk_could_not_name_is_refused(tmp_path: Path) -> None:
    music(tmp_path / "music" / "brand a" / "calm.wav")
    with pytest.raises(DefinitionFault, match="brand a:1: is no music class: a name is up to 32 letters"):
        load(tmp_path)


def test_check_names_a_class_that_does_not_exist_and_music_that_cannot_be_played(tmp_path: Path) -> None:
    flow = (FLOWS / "hotline.toml").read_text(encoding="utf-8")
    assert "[nodes.wait]\n" in flow
    (tmp_path / "flows").mkdir()
    edited = flow.replace("[nodes.wait]\n", '[nodes.wait]\nmusic = "{brand|brand-c}"\n')
    edited = edited.replace(
        "[nodes.menu]\n", '[nodes.brand]\nkind = "set"\nfields = { brand = "brand-a" }\nnext = "menu"\n[nodes.menu]\n'
    )
    (tmp_path / "flows" / "hotline.toml").write_text(edited, encoding="utf-8")
    music(tmp_path / "music" / "brand-a" / "calm.wav")
    (only,) = [each for each in examine(tmp_path, NOW) if each.key == "nodes.wait.music"]
    line = 1 + edited[: edited.index("music = ")].count("\n")
    assert (only.severity, only.line) == ("warning", line)
    assert only.sentence == 'there is no music class "brand-c": did you mean "brand-a"?; the queue\'s own is played'
    music(tmp_path / "music" / "brand-a" / "loud.wav", rate=44100)
    assert [each.sentence for each in examine(tmp_path, NOW) if each.file.name == "loud.wav"] == [
        "cannot be played: music is mono WAV of 16 bits at 8 or 16 kHz"
    ]


def test_a_team_names_its_leaders_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "hotline.toml").write_text('[teams.A]\nleaders = ["1009", "1010"]\n[teams.B]\nleaders = ["1009"]\n')
    assert load(tmp_path).leaders(("B", "A", "C")) == ("1009", "1010")
    (tmp_path / "hotline.toml").write_text('[teams.A]\nleader = "1009"\n')
    with pytest.raises(DefinitionFault, match=r":2: teams\.A\.leader"):
        load(tmp_path)
