"""Users who sign in with a name: added, changed, disabled, and their passwords as argon2 digests."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class UserAdded:
    """This user can sign in from now on.

    `digest` is the password's argon2 digest, empty for a user without one (who signs in by `subject` alone: the
    person's issuer and number at an OpenID provider). `agent` is the work number, `teams` are led by the user besides
    those that the definitions name, `department` is that of a user of this role. `must_change`: the user has to choose
    another password first.
    """

    user: str
    display: str
    role: str
    digest: str = ""
    agent: str = ""
    teams: tuple[str, ...] = ()
    department: str = ""
    language: str = ""
    subject: str = ""
    must_change: bool = False
    by: str = ""


@dataclass(frozen=True, slots=True)
class UserChanged:
    """What is known of the user now; every field is the new value."""

    user: str
    display: str
    role: str
    agent: str = ""
    teams: tuple[str, ...] = ()
    department: str = ""
    language: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True)
class UserPasswordSet:
    """The user has another password; sessions from before hold no more."""

    user: str
    digest: str
    must_change: bool = False
    by: str = ""


@dataclass(frozen=True, slots=True)
class UserDisabled:
    """The user cannot sign in, and sessions hold no more."""

    user: str
    by: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class UserEnabled:
    """The user can sign in again."""

    user: str
    by: str = ""
