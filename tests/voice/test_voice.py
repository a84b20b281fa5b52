"""Rendering: only what is stale, nothing half done, every failure a sentence. And the prompts as they are shipped."""

from __future__ import annotations

import hashlib
import os
import stat
import sys
from pathlib import Path

import pytest

from ivr.manifest import stale
from voice import environment, hearing, mastering, prompt_store, render

MANIFEST = """
[voices.zh]
engine = "k"
name = "a"

[prompts.welcome]
zh = "您好。"

[prompts.goodbye]
zh = "再见。"

[pieces]
pause = { silence = 0.25 }
"""

VOICE = """#!{python}
# A voice that hums: one second per line, and none for a line it cannot say.
import array, json, math, sys
from pathlib import Path

*_, jobs, out = sys.argv[1:]
for number, job in enumerate(json.loads(Path(jobs).read_text())):
    if "哑" in job["text"]:
        sys.exit("this cannot be said")
    hum = array.array("f", (0.1 * math.sin(n / 3) for n in range(8000)))
    (Path(out) / f"{{number}}.f32").write_bytes(hum.tobytes())
    print(number, flush=True)
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "prompts").mkdir()
    (tmp_path / "prompts" / "manifest.toml").write_text(MANIFEST, "utf-8")
    return tmp_path / "prompts"


@pytest.fixture
def humming(tmp_path):
    """A kit whose interpreter hums instead of speaking."""
    home = tmp_path / "kit"
    (home / "env" / "bin").mkdir(parents=True)
    (home / "env" / "lib" / "python3.11" / "site-packages").mkdir(parents=True)
    python = home / "env" / "bin" / "python"
    python.write_text(VOICE.format(python=sys.executable), "utf-8")
    python.chmod(python.stat().st_mode | stat.S_IXUSR)
    return environment.Kit(home)


def rendered(folder, tools):
    """Render what is stale; the names in order, as reported."""
    lines = stale(prompt_store.load_manifest(folder), prompt_store.load_record(folder), prompt_store.sums(folder))
    said = []
    render.render(lines, folder, lambda: tools, said.append)
    return [line.split()[1] for line in said]


def edit(folder, old, new):
    path = folder / "manifest.toml"
    path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")


def test_everything_is_rendered_once_and_then_nothing(folder, humming):
    assert rendered(folder, humming) == ["zh/welcome.wav", "zh/goodbye.wav"]
    assert prompt_store.findings(folder) == []
    assert len(mastering.unwav((folder / "zh/pause.wav").read_bytes())) == 0.25 * mastering.RATE
    assert rendered(folder, None) == []


def test_an_edited_text_is_rendered_again_and_no_other(folder, humming):
    rendered(folder, humming)
    edit(folder, "您好。", "您好！")
    assert [finding.split(",")[0] for finding in prompt_store.findings(folder)] == ["prompt zh/welcome.wav is stale"]
    assert rendered(folder, humming) == ["zh/welcome.wav"]


def test_a_file_that_was_damaged_is_rendered_again(folder, humming):
    rendered(folder, humming)
    (folder / "zh/goodbye.wav").write_bytes(b"RIFF")
    assert rendered(folder, humming) == ["zh/goodbye.wav"]
    assert prompt_store.findings(folder) == []


def test_what_was_rendered_before_the_voice_failed_is_kept(folder, humming):
    edit(folder, "再见。", "哑。")
    with pytest.raises(environment.KitError, match=r"speaker\.py failed: this cannot be said"):
        rendered(folder, humming)
    assert [finding.split(":")[0] for finding in prompt_store.findings(folder)] == ["prompt zh/goodbye.wav is missing"]
    edit(folder, "哑。", "再见。")
    assert rendered(folder, humming) == ["zh/goodbye.wav"]


def test_the_record_forgets_prompts_that_left_the_manifest(folder, humming):
    rendered(folder, humming)
    edit(folder, '[prompts.goodbye]\nzh = "再见。"\n', "")
    rendered(folder, humming)
    assert set(prompt_store.load_record(folder)) == {"zh/welcome.wav", "zh/pause.wav"}
    assert prompt_store.findings(folder) == [
        "prompt zh/goodbye.wav is in no manifest: name it in manifest.toml or delete the file"
    ]


def test_a_pinned_file_with_another_hash_is_thrown_away(tmp_path):
    part = tmp_path / "part"
    part.write_bytes(b"voice")
    whole = tmp_path / "whole"
    with pytest.raises(environment.KitError, match="not the file that was pinned"):
        environment.join([part, part], whole, "0" * 64)
    assert os.listdir(tmp_path) == ["part"]
    environment.join([part, part], whole, hashlib.sha256(b"voicevoice").hexdigest())
    assert whole.read_bytes() == b"voicevoice"


def test_without_npm_the_voices_cannot_be_had_and_the_sentence_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(environment.KitError, match="there is no npm: install it"):
        environment.unpack_voices(environment.Kit(tmp_path), lambda line: None)


def test_the_shipped_sounds_say_what_the_shipped_manifest_says():
    assert prompt_store.findings() == []


def test_every_shipped_prompt_plays_on_the_telephone_at_one_level():
    for line in prompt_store.load_manifest().files():
        data = (prompt_store.PROMPTS / line.name).read_bytes()
        assert int.from_bytes(data[20:22], "little") == 1, f"{line.name} is not plain PCM"
        sound = mastering.from_pcm(mastering.unwav(data))
        if line.silence:
            continue
        assert mastering.speech_level(sound) == pytest.approx(mastering.SPEECH_LEVEL, abs=1.5), line.name
        assert mastering.peak_level(sound) <= mastering.PEAK + 0.01, line.name


def test_every_shipped_prompt_was_listened_to_and_understood():
    record = prompt_store.load_record()
    for line in prompt_store.load_manifest().files():
        if not line.tight and not line.silence:
            entry = record[line.name]
            assert hearing.understood(line.text, line.language, entry["error_rate"]), f"{line.name}: {entry}"


def test_the_sounds_stay_small_enough_to_live_in_the_tree():
    tree = Path(prompt_store.PROMPTS).parent
    assert sum(path.stat().st_size for path in tree.glob("**/*.wav")) < 17_000_000
