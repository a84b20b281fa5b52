"""Prompts that the operator gives while calls go on: `own-…` in `prompts/<language>/` of the home.

They stand beside the product's; in a language that has none, the other one's is heard. A file with the name of one of
the product's prompts stands in its place (see `prompt_sounds`).
"""

from __future__ import annotations

import io
import os
import re
import wave
from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from ivr.manifest import Manifest
from ivr.saying import LANGUAGES
from tables.errors import TableError
from tables.toml import located, read
from tables.values import Table

PROMPTS = Path(str(resources.files("ivr") / "prompts"))
"""The prompts that come with the product."""
PREFIX = "own-"
TEXTS = "prompts.toml"
"""In the home: what own prompts say, `[own-strike]` with `zh = "…"` and `en = "…"`."""
ID = re.compile(r"own-[a-z0-9]+(-[a-z0-9]+)*")
LONGEST_ID = 60
RATES = (8000, 16000)
LONGEST = 120.0
"""Seconds of a prompt."""
LONGEST_TEXT = 1000


@cache
def shipped() -> frozenset[str]:
    """The ids of the prompts that come with the product. Raises DefinitionFault."""
    return frozenset(Manifest.from_dict(read(PROMPTS / "manifest.toml")[0]).ids())


def folder(home: Path) -> Path:
    """Where they are."""
    return home / "prompts"


def is_own(prompt: str) -> bool:
    """Whether this is the id of an own prompt."""
    return len(prompt) <= LONGEST_ID and ID.fullmatch(prompt) is not None


def texts(home: Path) -> dict[str, dict[str, str]]:
    """Prompt → language → what the operator's sound of it says. Raises DefinitionFault with file, line and key."""
    source = home / TEXTS
    if not source.exists():
        return {}
    data, written = read(source)
    with located(source, written):
        return read_texts(data)


def read_texts(data: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """The texts out of the parsed TOML of `prompts.toml`. Raises TableError."""
    found: dict[str, dict[str, str]] = {}
    for prompt in data:
        if not is_own(prompt) and prompt not in shipped():
            raise TableError((prompt,), f'there is no prompt "{prompt}": it is one of the product\'s, or own-…')
        table = Table(data[prompt], (prompt,))
        found[prompt] = {each: table.text(each) for each in LANGUAGES if table.has(each)}
        for language, text in found[prompt].items():
            if len(text) > LONGEST_TEXT:
                raise TableError((prompt, language), f"a prompt's text has at most {LONGEST_TEXT} characters")
        table.done()
    return found


def file(own: Path, prompt: str, language: str) -> Path:
    """The file that a caller of this language hears, whether it is there or not."""
    files = [own / each / f"{prompt}.wav" for each in (language, *LANGUAGES)]
    return next((each for each in files if each.exists()), files[0])


def listed(own: Path) -> dict[str, list[str]]:
    """Id → the languages in which it is there, by id."""
    found: dict[str, list[str]] = {}
    for language in LANGUAGES:
        for each in sorted((own / language).glob(f"{PREFIX}*.wav")):
            if is_own(each.stem):
                found.setdefault(each.stem, []).append(language)
    return dict(sorted(found.items()))


def keep(own: Path, prompt: str, language: str, data: bytes) -> float:
    """Write the prompt, whole or not at all; returns its seconds. Raises ValueError with a sentence, and OSError."""
    if not is_own(prompt):
        raise ValueError(f'"{prompt[:40]}" cannot be a prompt of your own: its id is own- and letters, digits and -')
    if language not in LANGUAGES:
        raise ValueError(f'there is no language "{language[:10]}": there are {", ".join(LANGUAGES)}')
    try:
        with wave.open(io.BytesIO(data), "rb") as sound:
            form = (sound.getnchannels(), sound.getsampwidth(), sound.getframerate())
            seconds = sound.getnframes() / sound.getframerate()
    except (wave.Error, EOFError, ZeroDivisionError) as error:
        raise ValueError(f"this is no WAV file that can be played: {error}") from None
    if form not in ((1, 2, rate) for rate in RATES):
        raise ValueError("a prompt is a mono WAV of 16 bits at 8 or 16 kHz: convert the file")
    if not 0 < seconds <= LONGEST:
        raise ValueError(f"this prompt lasts {seconds:.0f} s: it must last up to {LONGEST:g} s")
    target = own / language / f"{prompt}.wav"
    target.parent.mkdir(parents=True, exist_ok=True)
    half_done = target.with_name(f".{target.name}.part")
    half_done.write_bytes(data)
    os.replace(half_done, target)
    return seconds
