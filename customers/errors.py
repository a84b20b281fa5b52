"""Why the register refuses a change: one sentence that says what to do."""

from __future__ import annotations


class CustomerError(ValueError):
    """The change is not possible; nothing has changed."""
