"""Access tokens that were issued and revoked, and the audit's entries of privileged acts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TokenIssued:
    """The access token of this number begins to hold.

    `digest` is the SHA-256 of the token in hexadecimal; the token itself is kept nowhere. `agent` is the work number of
    its holder, `scopes` are the acts that a service may do, `expires_at` is UTC epoch seconds, None for never.
    """

    token: int
    name: str
    role: str
    digest: str
    expires_at: float | None = None
    agent: str = ""
    scopes: tuple[str, ...] = ()
    by: str = ""


@dataclass(frozen=True, slots=True)
class TokenRevoked:
    """An access token holds no more."""

    token: int
    by: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ActAudited:
    """A privileged act was done: which one, by which person in which role, from where, on what, and why."""

    act: str
    by: str
    role: str
    origin: str
    subject: str = ""
    reason: str = ""
