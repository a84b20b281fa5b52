"""The secret of a trunk stands in a file that only this user may read, and else in Asterisk's configuration alone."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from server.hotline.trunks import Trunk

LONGEST = 128


def file_of(home: Path, name: str) -> Path:
    """Where the secret of this trunk stands."""
    return home / "secrets" / "trunks" / name


def with_secrets(home: Path, trunks: Iterable[Trunk]) -> tuple[Trunk, ...]:
    """The trunks with their secrets; a trunk whose secret is not there has none. Raises OSError for one unreadable."""
    return tuple(replace(trunk, secret=_read(home, trunk.name)) if trunk.user else trunk for trunk in trunks)


def store(home: Path, name: str, value: str) -> Path:
    """Keep a secret; the file. Raises ValueError for what cannot be one, and OSError."""
    if not value or not value.isascii() or not value.isprintable() or value != value.strip() or len(value) > LONGEST:
        raise ValueError(f"a trunk's secret is one line of 1 to {LONGEST} printable ASCII characters")
    path = file_of(home, name)
    for folder in (home / "secrets", path.parent):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{name}.{os.getpid()}")
    try:
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(value + "\n")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return path


def missing(home: Path, trunk: Trunk) -> str:
    """A sentence when the trunk has a user and no secret; empty otherwise."""
    if not trunk.user or trunk.secret or file_of(home, trunk.name).is_file():
        return ""
    return f"the carrier's secret is missing: sansheng trunk secret {trunk.name} --file FILE"


def _read(home: Path, name: str) -> str:
    try:
        return file_of(home, name).read_text(encoding="ascii", errors="replace").strip()
    except FileNotFoundError:
        return ""
