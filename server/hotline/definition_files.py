"""The operator's files in a home, by part: read, written whole or not at all, and tried out in a folder beside.

Each server has its own files. `definitions/taken.json` says which version it wrote last and what stood in the files
then, so that a file that was edited by hand can be told from one that is only old.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from server.hotline import definitions, holidays, own_prompts

HOTLINE, HOLIDAYS, PROMPTS = "hotline", "holidays", "prompts"
FLOW = "flow."
PART = re.compile(r"hotline|holidays|prompts|flow\.[A-Za-z0-9][A-Za-z0-9_-]{0,47}")
MOST_BYTES = 500_000
"""Of one part's text."""
_FILES = {HOTLINE: "hotline.toml", HOLIDAYS: holidays.FILE, PROMPTS: own_prompts.TEXTS}
LEFT_AFTER = 3600.0
"""Seconds after which nobody tries anything in a folder any more."""
_LINKED = ("music", "prompts", "secrets")
_KEPT = "definitions"


@dataclass(frozen=True, slots=True)
class Taken:
    """The version that a home's files are of, and the SHA-256 of each part's text then."""

    version: int
    sums: Mapping[str, str]


def file_of(part: str) -> str:
    """The file of a part, relative to the home: `flows/complaint.toml`."""
    return _FILES.get(part) or f"flows/{part.removeprefix(FLOW)}.toml"


def part_of(file: Path) -> str:
    """The part that this file, of a home or of the product, is of; empty for a file of no part."""
    for part, name in _FILES.items():
        if file.name == name and file.parent.name != "flows":
            return part
    return f"{FLOW}{file.stem}" if file.parent.name == "flows" and file.suffix == ".toml" else ""


def product_text(part: str) -> str | None:
    """What holds where the operator has no text of this part; None for a part that is nothing without one."""
    if part == HOTLINE:
        return definitions.DEFAULTS.read_text(encoding="utf-8")
    file = definitions.FLOWS / f"{part.removeprefix(FLOW)}.toml"
    return file.read_text(encoding="utf-8") if part.startswith(FLOW) and file.is_file() else None


def product_parts() -> list[str]:
    """The parts that come with the product."""
    return [HOTLINE, *(f"{FLOW}{file.stem}" for file in sorted(definitions.FLOWS.glob("*.toml")))]


def sum_of(text: str) -> str:
    """The SHA-256 of a text, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


class DefinitionFiles:
    """The files of one home."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def texts(self) -> dict[str, str]:
        """Part → the text of the operator's file. A file that is no UTF-8 text is as if it were not there."""
        files = {part: self.home / name for part, name in _FILES.items()}
        files |= {f"{FLOW}{file.stem}": file for file in sorted((self.home / "flows").glob("*.toml"))}
        found = {}
        for part, file in files.items():
            with suppress(OSError, UnicodeDecodeError):
                if PART.fullmatch(part):
                    found[part] = file.read_text(encoding="utf-8-sig")
        return found

    def write(self, changed: Mapping[str, str | None]) -> None:
        """Write these parts, each whole or not at all; None removes the file. Raises OSError."""
        for part, text in changed.items():
            target = self.home / file_of(part)
            if text is None:
                target.unlink(missing_ok=True)
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            half_done = target.with_name(f".{target.name}.part")
            half_done.write_text(text, encoding="utf-8")
            os.replace(half_done, target)

    def set_aside(self, part: str) -> Path:
        """Copy a file that is going to be written over to `definitions/set-aside`; returns the copy."""
        source = self.home / file_of(part)
        folder = self.home / _KEPT / "set-aside"
        folder.mkdir(parents=True, exist_ok=True)
        copy = folder / f"{part}-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}.toml"
        shutil.copyfile(source, copy)
        return copy

    def taken(self) -> Taken | None:
        """The version that was written here last; None before the first."""
        try:
            known = json.loads((self.home / _KEPT / "taken.json").read_text(encoding="utf-8"))
            return Taken(int(known["version"]), {str(part): str(each) for part, each in known["sums"].items()})
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            return None

    def take(self, version: int) -> None:
        """The files are of this version from now on. Raises OSError."""
        folder = self.home / _KEPT
        folder.mkdir(parents=True, exist_ok=True)
        known = {"version": version, "sums": {part: sum_of(text) for part, text in self.texts().items()}}
        half_done = folder / ".taken.json.part"
        half_done.write_text(json.dumps(known, indent=1), encoding="utf-8")
        os.replace(half_done, folder / "taken.json")

    @contextmanager
    def trial(self, texts: Mapping[str, str]) -> Iterator[Path]:
        """A folder like this home with other texts, until the end of the block. Raises OSError."""
        trials = self.home / "cache" / "trials"
        trials.mkdir(parents=True, exist_ok=True)
        _sweep(trials)
        with TemporaryDirectory(dir=trials) as name:
            folder = Path(name)
            for each in _LINKED:
                if (self.home / each).exists():
                    (folder / each).symlink_to((self.home / each).absolute(), target_is_directory=True)
            (folder / "flows").mkdir()
            DefinitionFiles(folder).write(dict(texts))
            yield folder


def _sweep(trials: Path) -> None:
    """Remove what servers left that were killed in the middle of a trial."""
    for folder in trials.iterdir():
        with suppress(OSError):
            if time.time() - folder.stat().st_mtime > LEFT_AFTER:
                shutil.rmtree(folder)
