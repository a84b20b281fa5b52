"""Users as the log has them. What a session may do follows from its user as of now, not as of the sign-in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from server.eventlog.user_events import UserAdded, UserChanged, UserDisabled, UserEnabled, UserPasswordSet


@dataclass(frozen=True, slots=True)
class User:
    """One user. Instants are UTC epoch seconds.

    `generation` grows with every change that ends the sessions from before it: another role or password, disabled.
    """

    name: str
    display: str
    role: str
    digest: str = ""
    agent: str = ""
    teams: tuple[str, ...] = ()
    department: str = ""
    language: str = ""
    subject: str = ""
    must_change: bool = False
    disabled: bool = False
    generation: int = 0
    added_at: float = 0.0
    added_by: str = ""
    password_at: float = 0.0


class Users:
    """All users, by name."""

    def __init__(self) -> None:
        self._by_name: dict[str, User] = {}
        self._by_subject: dict[str, str] = {}

    def __iter__(self) -> Iterator[User]:
        return iter(self._by_name.values())

    def __len__(self) -> int:
        return len(self._by_name)

    def get(self, name: str) -> User | None:
        """The user of this name."""
        return self._by_name.get(name)

    def of_subject(self, subject: str) -> User | None:
        """The user who is this person at an OpenID provider."""
        return self._by_name.get(self._by_subject.get(subject, "")) if subject else None

    def receive(self, event: object, at: float) -> None:
        """Take in an event of the log; events of other kinds, and those of a user who is not known, change nothing."""
        if isinstance(event, UserAdded):
            self._added(event, at)
        elif isinstance(event, UserChanged) and (user := self.get(event.user)):
            self._keep(
                replace(
                    user,
                    display=event.display,
                    role=event.role,
                    agent=event.agent,
                    teams=event.teams,
                    department=event.department,
                    language=event.language,
                    generation=user.generation + (event.role != user.role),
                )
            )
        elif isinstance(event, UserPasswordSet) and (user := self.get(event.user)):
            after = replace(user, digest=event.digest, must_change=event.must_change, password_at=at)
            self._keep(replace(after, generation=user.generation + 1))
        elif isinstance(event, UserDisabled) and (user := self.get(event.user)):
            self._keep(replace(user, disabled=True, generation=user.generation + 1))
        elif isinstance(event, UserEnabled) and (user := self.get(event.user)):
            self._keep(replace(user, disabled=False))

    def _added(self, event: UserAdded, at: float) -> None:
        """A name is given once: the first who has it keeps it."""
        if event.user in self._by_name:
            return
        self._keep(
            User(
                event.user,
                event.display,
                event.role,
                event.digest,
                event.agent,
                event.teams,
                event.department,
                event.language,
                event.subject,
                event.must_change,
                added_at=at,
                added_by=event.by,
                password_at=at,
            )
        )

    def _keep(self, user: User) -> None:
        self._by_name[user.name] = user
        if user.subject:
            self._by_subject[user.subject] = user.name

    def snapshot(self) -> list[User]:
        """All users, as `restore` takes them after JSON."""
        return list(self)

    @classmethod
    def restore(cls, users: list[Any]) -> Users:
        """The inverse of `snapshot`, from decoded JSON."""
        made = cls()
        for each in users:
            made._keep(msgspec.convert(each, User))
        return made
