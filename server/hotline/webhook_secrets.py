"""The secrets of a webhook stand in a file that only this user may read, the newest first; an old one has an end."""

from __future__ import annotations

import base64
import os
import secrets
from pathlib import Path

PREFIX = "whsec_"


def file_of(home: Path, number: int) -> Path:
    """Where the secrets of this webhook stand."""
    return home / "secrets" / "webhooks" / str(number)


def made() -> str:
    """A new secret, as Standard Webhooks writes it: 32 random bytes."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def holding(home: Path, number: int, now: float) -> list[str]:
    """The secrets that sign at `now` (UTC epoch seconds), the newest first; none if there is no file."""
    return [secret for secret, until in _read(home, number) if until is None or now < until]


def rotate(home: Path, number: int, now: float, overlap: float) -> str:
    """Make a secret, and return it; those before it sign for `overlap` seconds more. Raises OSError."""
    kept = [(secret, min(until or now + overlap, now + overlap)) for secret, until in _read(home, number)]
    new = made()
    lines = [new, *(f"{secret} {until:.0f}" for secret, until in kept if until > now)]
    path = file_of(home, number)
    for folder in (home / "secrets", path.parent):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{number}.{os.getpid()}")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
        file.write("\n".join(lines) + "\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    return new


def forget(home: Path, number: int) -> None:
    """The webhook is removed."""
    file_of(home, number).unlink(missing_ok=True)


def _read(home: Path, number: int) -> list[tuple[str, float | None]]:
    try:
        lines = file_of(home, number).read_text("ascii").splitlines()
    except FileNotFoundError:
        return []
    words = [line.split() for line in lines if line.startswith(PREFIX)]
    return [(each[0], float(each[1]) if len(each) > 1 else None) for each in words]
