"""The manifest names every sound, and tells which sounds on disk no longer say what it says."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

import ivr
from ivr.manifest import Manifest, check, stale
from tables.errors import TableError

PROMPTS = Path(ivr.__file__).parent / "prompts"


def small(**changes):
    data = {
        "voices": {"zh": {"engine": "k", "name": "a"}, "en": {"engine": "k", "name": "b"}},
        "prompts": {"welcome": {"zh": "您好。", "en": "Hello."}, "goodbye": {"zh": "再见。", "en": "Goodbye."}},
        "pieces": {"digit-yao": {"zh": "幺"}, "pause": {"silence": 0.25}},
    }
    for path, value in changes.items():
        *tables, last = path.split("__")
        here = data
        for table in tables:
            here = here[table]
        here[last] = value
    return Manifest.from_dict(data)


def rendered(manifest):
    """A record and files as if everything had just been rendered."""
    record = {line.name: {"digest": line.digest, "sha256": f"sum of {line.name}"} for line in manifest.files()}
    return record, {name: entry["sha256"] for name, entry in record.items()}


def test_every_language_gets_a_file_for_every_prompt_and_its_own_pieces():
    manifest = small()
    assert [line.name for line in manifest.files()] == [
        "zh/welcome.wav",
        "zh/goodbye.wav",
        "zh/digit-yao.wav",
        "zh/pause.wav",
        "en/welcome.wav",
        "en/goodbye.wav",
        "en/pause.wav",
    ]
    assert manifest.ids("zh") == {"welcome", "goodbye", "digit-yao", "pause"}
    assert manifest.ids() == {"welcome", "goodbye", "pause"}


def test_what_was_just_rendered_has_no_findings():
    manifest = small()
    assert check(manifest, *rendered(manifest)) == []
    assert stale(manifest, *rendered(manifest)) == []


def test_an_edited_text_makes_its_own_file_stale_and_no_other():
    record, files = rendered(small())
    edited = small(prompts__welcome={"zh": "您好！", "en": "Hello."})
    assert [line.name for line in stale(edited, record, files)] == ["zh/welcome.wav"]
    assert check(edited, record, files) == [
        "prompt zh/welcome.wav is stale, its text or voice changed since it was rendered: run `make prompts`"
    ]


def test_another_voice_makes_its_language_stale_but_not_the_silences():
    record, files = rendered(small())
    edited = small(voices__en={"engine": "k", "name": "c"})
    assert [line.name for line in stale(edited, record, files)] == ["en/welcome.wav", "en/goodbye.wav"]


def test_a_reading_makes_only_the_texts_stale_that_use_the_word():
    record, files = rendered(small())
    edited = small(voices__zh={"engine": "k", "name": "a", "readings": {"再": "zai4"}})
    assert [line.name for line in stale(edited, record, files)] == ["zh/goodbye.wav"]


def test_a_note_on_where_a_prompt_is_used_makes_nothing_stale():
    record, files = rendered(small())
    edited = small(prompts__welcome={"zh": "您好。", "en": "Hello.", "used": "hotline"})
    assert stale(edited, record, files) == []


def test_missing_changed_and_unknown_files_are_each_named():
    manifest = small()
    record, files = rendered(manifest)
    del files["zh/goodbye.wav"], record["en/goodbye.wav"]
    files |= {"en/welcome.wav": "another sum", "zh/old.wav": "sum"}
    findings = check(manifest, record, files)
    assert [finding.split(":")[0] for finding in findings] == [
        "prompt zh/goodbye.wav is missing",
        "prompt en/welcome.wav is not the file that was rendered",
        "prompt en/goodbye.wav was not rendered from the manifest",
        "prompt zh/old.wav is in no manifest",
    ]


def test_a_line_spoken_in_the_other_language_has_the_other_voice():
    manifest = small(
        prompts__language={
            "zh": "For English, press nine.",
            "en": "中文请按九。",
            "spoken_by": {"zh": "en", "en": "zh"},
        }
    )
    voices = {line.name: (line.language, line.voice.name) for line in manifest.files() if line.id == "language"}
    assert voices == {"zh/language.wav": ("en", "b"), "en/language.wav": ("zh", "a")}


@pytest.mark.parametrize(
    ("change", "key", "sentence"),
    [
        ({"extra": {}}, ("extra",), "no such table"),
        ({"voices": {}}, ("voices",), "at least one language needs a voice"),
        ({"voices__zh": {"engine": "k"}}, ("voices", "zh", "name"), "is needed"),
        ({"voices__zh": {"engine": "k", "name": "a", "pitch": 2}}, ("voices", "zh", "pitch"), "no such key"),
        ({"voices__zh": {"engine": "k", "name": "a", "speed": 9}}, ("voices", "zh", "speed"), "is a factor"),
        ({"voices__zh": {"engine": "k", "name": "a", "pause": -1}}, ("voices", "zh", "pause"), "from 0 to 2"),
        ({"prompts__Welcome": {"zh": "好", "en": "Hi"}}, ("prompts", "Welcome"), "an id is lower-case"),
        ({"prompts__pause": {"zh": "好", "en": "Hi"}}, ("pieces", "pause"), "also in [prompts]"),
        ({"prompts__welcome": "您好"}, ("prompts", "welcome"), "must be a table"),
        ({"prompts__welcome": {"zh": "您好"}}, ("prompts", "welcome", "en"), "a text in every language"),
        ({"prompts__welcome": {"zh": "您好", "en": " "}}, ("prompts", "welcome", "en"), "must say something"),
        ({"prompts__welcome": {"zh": "好", "en": "Hi", "fr": "Salut"}}, ("prompts", "welcome", "fr"), "no voice says"),
        ({"pieces__pause": {"silence": 99}}, ("pieces", "pause", "silence"), "from 0 to 10"),
        ({"pieces__pause": {}}, ("pieces", "pause"), "either texts or a silence"),
        ({"pieces__a": {"zh": "好", "spoken_by": {"zh": "fr"}}}, ("pieces", "a", "spoken_by"), "maps a language"),
    ],
)
def test_a_manifest_that_cannot_be_used_is_refused_with_its_key(change, key, sentence):
    with pytest.raises(TableError) as refused:
        small(**change)
    assert refused.value.key == key
    assert sentence in refused.value.sentence


@pytest.fixture(scope="module")
def shipped():
    return Manifest.from_dict(tomllib.loads((PROMPTS / "manifest.toml").read_text("utf-8")))


def test_every_text_of_the_shipped_manifest_stays_in_its_own_language(shipped):
    for line in shipped.files():
        chinese = any("\u4e00" <= character <= "\u9fff" for character in line.text)
        assert line.silence or chinese == (line.language == "zh"), line.name
        assert not any(character.isdigit() for character in line.text), f"{line.name}: write digits as words"
