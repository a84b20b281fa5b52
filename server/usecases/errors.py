"""Why an act is refused: one family of errors, each with the one sentence that the person who asks reads.

A refused act has changed nothing. `NotLeading` is no member: another server can do the act now.
"""

from __future__ import annotations


class ActRefused(Exception):
    """The act was not done; the text says why, and what can be done."""


class NotFound(ActRefused, LookupError):
    """What the act is about does not exist."""


class Invalid(ActRefused, ValueError):
    """The request is wrong in itself. `reason` is one word: agent, matter, time, phone, skill, or one of `Checked`."""

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason


class Conflict(ActRefused):
    """The act is not possible as things are now."""


class Forbidden(ActRefused):
    """The role of the person who asks does not allow the act."""
