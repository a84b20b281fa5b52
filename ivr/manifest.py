"""What there is to say: every prompt's text in every language, its voice, and whether the sound on disk still says it.

A prompt's digest covers all that shapes its sound (text, voice, speed, readings used), and nothing else: an edited text
makes exactly its own file stale. Reading files and hashing them is the caller's business.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tables.errors import TableError

MASTERING = 1
"""Version of the way from the voice to the file (trim, level, resampling). Raising it makes every file stale."""

_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_PROMPT_KEYS = {"used", "spoken_by", "tight", "silence"}


@dataclass(frozen=True, slots=True)
class Voice:
    """Who says a language's prompts. Speeds are factors: 1.0 is the voice's own. `readings`: word → how it is said."""

    engine: str
    name: str
    speed: float = 1.0
    piece_speed: float = 1.0
    pause: float = 0.4
    """Seconds between two sentences of one prompt."""
    readings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Prompt:
    """One prompt. `tight`: it stands between pieces, so it starts and ends without a breath."""

    id: str
    texts: Mapping[str, str]
    used: str = ""
    spoken_by: Mapping[str, str] = field(default_factory=dict)
    piece: bool = False
    tight: bool = False
    silence: float = 0.0
    """Seconds of silence instead of speech."""


@dataclass(frozen=True, slots=True)
class PromptFile:
    """One file to render: `name` is `zh/welcome.wav`, `language` the one it is *spoken* in."""

    name: str
    id: str
    text: str
    language: str
    voice: Voice
    speed: float
    tight: bool
    silence: float

    @property
    def readings(self) -> dict[str, str]:
        """The readings that this text needs."""
        return {word: said for word, said in self.voice.readings.items() if word in self.text}

    @property
    def cut(self) -> bool:
        """A lone Chinese syllable: it is said before another one and cut off there, or the voice lets it trail away."""
        return self.tight and self.language == "zh" and len(self.text) == 1

    @property
    def digest(self) -> str:
        """SHA-256 over everything that shapes the sound, in hex."""
        if self.silence:
            shape: list[Any] = [MASTERING, "silence", self.silence]
        else:
            readings = sorted(self.readings.items())
            voice = self.voice
            shape = [MASTERING, self.text, voice.engine, voice.name, self.speed, voice.pause, readings, self.tight]
            if self.cut:
                shape.append("cut")
        return hashlib.sha256(json.dumps(shape, ensure_ascii=False).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Manifest:
    """All voices and prompts. `prompts` keeps the order of the file."""

    voices: Mapping[str, Voice]
    prompts: Mapping[str, Prompt]

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Manifest:
        """The manifest out of its parsed TOML; `TableError` names the key and says what would be right."""
        for table in data:
            if table not in ("voices", "prompts", "pieces"):
                raise TableError((table,), "no such table: a manifest has [voices], [prompts] and [pieces]")
        voices = {language: _voice(language, value) for language, value in data.get("voices", {}).items()}
        if not voices:
            raise TableError(("voices",), "at least one language needs a voice: [voices.zh] with engine and name")
        prompts: dict[str, Prompt] = {}
        for table in ("prompts", "pieces"):
            for id_, value in data.get(table, {}).items():
                if id_ in prompts:
                    raise TableError((table, id_), "this id is also in [prompts]: an id names one sound")
                prompts[id_] = _prompt(table, id_, value, voices)
        return cls(voices, prompts)

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages that have a voice, in the order of the file."""
        return tuple(self.voices)

    def ids(self, language: str | None = None) -> frozenset[str]:
        """Ids that can be said in `language`; without one, those that can be said in every language."""
        wanted = self.languages if language is None else (language,)
        return frozenset(id_ for id_, prompt in self.prompts.items() if all(_sayable(prompt, each) for each in wanted))

    def text(self, id_: str, language: str) -> str:
        """What the prompt says; a silence says nothing. KeyError when it does not exist in this language."""
        prompt = self.prompts[id_]
        return "" if prompt.silence else prompt.texts[language]

    def files(self) -> Iterator[PromptFile]:
        """Every file that should exist, languages in the manifest's order."""
        for language in self.languages:
            for prompt in self.prompts.values():
                if not _sayable(prompt, language):
                    continue
                spoken = prompt.spoken_by.get(language, language)
                voice = self.voices[spoken]
                yield PromptFile(
                    name=f"{language}/{prompt.id}.wav",
                    id=prompt.id,
                    text=self.text(prompt.id, language),
                    language=spoken,
                    voice=voice,
                    speed=voice.piece_speed if prompt.piece else voice.speed,
                    tight=prompt.tight or prompt.piece,
                    silence=prompt.silence,
                )


def check(manifest: Manifest, rendered: Mapping[str, Mapping[str, Any]], files: Mapping[str, str]) -> list[str]:
    """What is wrong with the sounds on disk, one sentence each; empty when all is well.

    `rendered` is rendered.json: name → {"digest", "sha256", …} as of the last rendering.
    `files` is what lies there now: name → SHA-256 in hex.
    """
    findings = []
    expected = {line.name: line for line in manifest.files()}
    for name, line in expected.items():
        if name not in files:
            findings.append(f"prompt {name} is missing: run `make prompts`")
        elif (record := rendered.get(name)) is None:
            findings.append(f"prompt {name} was not rendered from the manifest: run `make prompts`")
        elif record["digest"] != line.digest:
            findings.append(
                f"prompt {name} is stale, its text or voice changed since it was rendered: run `make prompts`"
            )
        elif record["sha256"] != files[name]:
            findings.append(f"prompt {name} is not the file that was rendered: run `make prompts`")
    for name in sorted(files.keys() - expected.keys()):
        findings.append(f"prompt {name} is in no manifest: name it in manifest.toml or delete the file")
    return findings


def stale(manifest: Manifest, rendered: Mapping[str, Mapping[str, Any]], files: Mapping[str, str]) -> list[PromptFile]:
    """The files to render again: missing, changed in the manifest, or changed on disk."""
    return [
        line
        for line in manifest.files()
        if (record := rendered.get(line.name)) is None
        or record["digest"] != line.digest
        or record["sha256"] != files.get(line.name)
    ]


def _sayable(prompt: Prompt, language: str) -> bool:
    return language in prompt.texts or prompt.silence > 0


def _voice(language: str, value: Any) -> Voice:
    key = ("voices", language)
    if not isinstance(value, Mapping):
        raise TableError(key, "must be a table with engine and name")
    for name in value:
        if name not in Voice.__slots__:
            raise TableError((*key, name), f"no such key: a voice has {', '.join(Voice.__slots__)}")
    for name in ("engine", "name"):
        if not isinstance(value.get(name), str) or not value[name]:
            raise TableError((*key, name), 'is needed, such as name = "zf_xiaoxiao"')
    for name in ("speed", "piece_speed"):
        speed = value.get(name, 1.0)
        if not isinstance(speed, int | float) or isinstance(speed, bool) or not 0.5 <= speed <= 2.0:
            raise TableError((*key, name), f"is a factor from 0.5 to 2.0, not {speed!r}")
    pause = value.get("pause", 0.4)
    if not isinstance(pause, int | float) or isinstance(pause, bool) or not 0 <= pause <= 2:
        raise TableError((*key, "pause"), f"is a length in seconds from 0 to 2, not {pause!r}")
    readings = value.get("readings", {})
    if not isinstance(readings, Mapping) or not all(isinstance(said, str) and word for word, said in readings.items()):
        raise TableError((*key, "readings"), 'maps words to pronunciations: { "重听" = "chong2 ting1" }')
    return Voice(**value)


def _prompt(table: str, id_: str, value: Any, voices: Mapping[str, Voice]) -> Prompt:
    key = (table, id_)
    if not _ID.fullmatch(id_):
        raise TableError(key, "an id is lower-case words and digits joined by hyphens, such as queue-first")
    if not isinstance(value, Mapping):
        raise TableError(key, 'must be a table of texts, such as zh = "请稍候。"')
    texts = {name: text for name, text in value.items() if name not in _PROMPT_KEYS}
    for language, text in texts.items():
        if language not in voices:
            raise TableError((*key, language), f"no voice says this language: there are {', '.join(voices)}")
        if not isinstance(text, str) or not text.strip():
            raise TableError((*key, language), "the text must say something")
    silence = value.get("silence", 0.0)
    if not isinstance(silence, int | float) or isinstance(silence, bool) or not 0 <= silence <= 10:
        raise TableError((*key, "silence"), f"is a length in seconds from 0 to 10, not {silence!r}")
    if bool(texts) == bool(silence):
        raise TableError(key, "needs either texts or a silence")
    if table == "prompts" and not silence:
        for language in voices:
            if language not in texts:
                raise TableError((*key, language), "a prompt needs a text in every language")
    spoken_by = value.get("spoken_by", {})
    if (
        not isinstance(spoken_by, Mapping)
        or not spoken_by.keys() <= texts.keys()
        or not set(spoken_by.values()) <= voices.keys()
    ):
        raise TableError((*key, "spoken_by"), 'maps a language to the one whose voice says the text: { zh = "en" }')
    return Prompt(
        id=id_,
        texts=texts,
        used=str(value.get("used", "")),
        spoken_by=dict(spoken_by),
        piece=table == "pieces",
        tight=bool(value.get("tight", False)),
        silence=float(silence),
    )
