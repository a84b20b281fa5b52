"""Why an act is refused: one family of errors, each with one sentence for the principal.

A refused act has changed nothing. `NotLeading` is no member: another server can do the act now.
"""

from __future__ import annotations


class ActRefused(Exception):
    """The act was not done; the text says why, and what to do."""


class NotFound(ActRefused, LookupError):
    """The subject of the act does not exist."""


class Invalid(ActRefused, ValueError):
    """The request is wrong in itself. `reason` is one word: agent, matter, time, phone, skill, or one of `Checked`."""

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason


class Conflict(ActRefused):
    """The act is not possible in the present state."""


class Changed(ActRefused):
    """The resource is not any more what the principal has seen."""


class Forbidden(ActRefused):
    """The principal's role does not allow the act."""


class WrongSignIn(ActRefused):
    """The name and the password do not belong together; the sentence does not say which is wrong."""


class TooManyAttempts(ActRefused):
    """There were so many wrong attempts that the next is not looked at before `wait` seconds are over."""

    def __init__(self, wait: int, sentence: str) -> None:
        super().__init__(sentence)
        self.wait = wait


class ChangedSince(Changed):
    """The subject is not what the principal has seen any more; `version` is the one that holds now."""

    def __init__(self, sentence: str, version: int) -> None:
        super().__init__(sentence)
        self.version = version
