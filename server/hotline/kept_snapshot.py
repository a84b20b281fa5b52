"""The snapshot of a large part that seldom changes is encoded once for each change, and copied from then on."""

from __future__ import annotations

from typing import Any, Protocol

import msgspec

_encoder = msgspec.json.Encoder()


class Part(Protocol):
    """A part of the state; `changes` counts what changed it."""

    changes: int

    def snapshot(self) -> Any:
        """Everything, as JSON has it."""


class KeptSnapshot:
    """The last snapshot of one part, as JSON."""

    def __init__(self) -> None:
        self._of: Part | None = None
        self._changes = -1
        self._data = msgspec.Raw()

    def __call__(self, part: Part) -> msgspec.Raw:
        """The snapshot of this part, to be put into another one."""
        if part is not self._of or part.changes != self._changes:
            self._of, self._changes, self._data = part, part.changes, msgspec.Raw(_encoder.encode(part.snapshot()))
        return self._data
