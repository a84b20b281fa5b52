"""The key with which customers' digits are kept. Without it neither the log nor the records tell them.

It stands in `secrets/identity` of the home. Several servers need the same one: SANSHENG_IDENTITY_KEY.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def identity_key(home: Path, given: str = "") -> bytes:
    """The key, made at first asking; only this user may read it. Raises OSError when it cannot be written."""
    if given:
        return given.encode()
    path = home / "secrets" / "identity"
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        made = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text(encoding="ascii").strip().encode()
    with os.fdopen(made, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(32) + "\n")
        file.flush()
        os.fsync(file.fileno())
    return path.read_text(encoding="ascii").strip().encode()
