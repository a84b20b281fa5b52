"""The prompts on disk: the manifest, the record of what was rendered, and the sums of what lies there now."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from ivr.manifest import Manifest, check
from tables.toml import located, read

TREE = Path(__file__).parents[1]
PROMPTS = TREE / "ivr" / "prompts"

Record = dict[str, dict[str, Any]]


def load_manifest(folder: Path = PROMPTS) -> Manifest:
    """The manifest of a prompts folder. Raises DefinitionFault with file, line and key."""
    path = folder / "manifest.toml"
    data, text = read(path)
    with located(path, text):
        return Manifest.from_dict(data)


def load_record(folder: Path = PROMPTS) -> Record:
    """rendered.json: name → digest, sha256, seconds, level, peak, and error rate once it was listened to."""
    path = folder / "rendered.json"
    return dict(json.loads(path.read_text("utf-8"))) if path.exists() else {}


def save_record(record: Record, folder: Path = PROMPTS) -> None:
    path = folder / "rendered.json"
    half_done = path.with_suffix(".part")
    lines = (f"  {json.dumps(name)}: {json.dumps(entry, ensure_ascii=False)}" for name, entry in sorted(record.items()))
    half_done.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")
    os.replace(half_done, path)


def sums(folder: Path = PROMPTS) -> dict[str, str]:
    """What lies there: `zh/welcome.wav` → SHA-256 in hex."""
    paths = sorted(folder.glob("*/*.wav"))
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def findings(folder: Path = PROMPTS) -> list[str]:
    """What is wrong with the prompts of a folder, one sentence each; empty when all is well."""
    return check(load_manifest(folder), load_record(folder), sums(folder))
