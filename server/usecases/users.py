"""Users: people who sign in with a name and a password, or by an OpenID provider, each with one role."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from server.eventlog.access_events import ActAudited
from server.eventlog.user_events import UserAdded, UserChanged, UserDisabled, UserEnabled, UserPasswordSet
from server.hotline.dispatcher import NotLeading
from server.hotline.users import User
from server.usecases.errors import Conflict, Invalid, NotFound
from server.usecases.passwords import Passwords, fault, made_up
from server.usecases.permissions import Act
from server.usecases.principal import Principal, Role
from server.usecases.server import Acts, Server
from server.usecases.tokens import OWNER

NAME = r"^[a-z0-9][a-z0-9._@-]{0,63}$"
"""How a user is named: as typed at the sign-in, where capital letters are taken as small ones."""
LANGUAGES = ("zh-CN", "en")
FIRST = "admin"
"""The user whom the first start makes."""
_SERVER = Principal("server", Role.ADMINISTRATOR, "first start")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be known of a user; None leaves a field as it is."""

    display: str | None = None
    role: Role | None = None
    agent: str | None = None
    teams: tuple[str, ...] | None = None
    department: str | None = None
    language: str | None = None


class UserActs(Acts):
    """Acts raise Forbidden, NotFound, Invalid, Conflict, and NotLeading where they change something."""

    def __init__(
        self, server: Server, passwords: Passwords | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        super().__init__(server, clock)
        self.passwords = passwords or Passwords()
        self.first_password = ""
        """The first administrator's password, if this server has made that user since it started."""
        self.changing = asyncio.Lock()

    def list(self, who: Principal) -> list[User]:
        """All users by name, those who are disabled too."""
        self.permissions.require(who, Act.MANAGE_USERS)
        return sorted(self._view.users, key=lambda user: user.name)

    def get(self, who: Principal, name: str) -> User:
        """One user. Raises NotFound."""
        self.permissions.require(who, Act.MANAGE_USERS)
        return self._user(name)

    async def add(
        self, who: Principal, name: str, wanted: Wanted, password: str = "", *, must_change: bool | None = None
    ) -> tuple[User, str]:
        """(the user, the password that was made up, empty if one was given). One that was made up has to be changed at
        the first sign-in, unless `must_change` says otherwise."""
        self.permissions.require(who, Act.MANAGE_USERS)
        name = name.lower()
        if not re.fullmatch(NAME, name):
            raise Invalid("name", "a user's name is up to 64 letters a-z, digits, and . _ @ -, such as li.ming")
        if name == OWNER:
            raise Invalid("name", f"{OWNER} is the name of the machine's owner: choose another one")
        known = self._filled(wanted, User(name, name, ""))
        invented = "" if password else made_up()
        self._check_password(password or invented, name, known.display)
        digest = await self.passwords.digest(password or invented)
        async with self.changing:
            if self._view.users.get(name) is not None:
                raise Conflict(f"there is a user {name} already: choose another name")
            self.check(known)
            event = UserAdded(
                name,
                known.display,
                known.role,
                digest,
                known.agent,
                known.teams,
                known.department,
                known.language,
                must_change=bool(invented) if must_change is None else must_change,
                by=who.name,
            )
            await self._record(who, Act.MANAGE_USERS, event, subject=f"user {name}: {known.role} added")
        return self._user(name), invented

    async def change(self, who: Principal, name: str, wanted: Wanted) -> User:
        """Change what is known of the user, at once and on every server. Another role ends the user's sessions."""
        self.permissions.require(who, Act.MANAGE_USERS)
        async with self.changing:
            before = self._user(name)
            after = self._filled(wanted, before)
            if after == before:
                return before
            self.check(after)
            self.keep_one(before, after)
            told = [each for each in _COMPARED if getattr(before, each) != getattr(after, each)]
            subject = f"user {before.name}: {', '.join(f'{each} {_shown(getattr(after, each))}' for each in told)}"
            event = UserChanged(
                after.name,
                after.display,
                after.role,
                after.agent,
                after.teams,
                after.department,
                after.language,
                who.name,
            )
            await self._record(who, Act.MANAGE_USERS, event, subject=subject)
        if after.role != before.role:
            await self._server.sessions.end_of(after.name)
        return self._user(name)

    async def disable(self, who: Principal, name: str, reason: str = "") -> User:
        """The user cannot sign in any more, and the user's sessions end, at once and on every server."""
        self.permissions.require(who, Act.MANAGE_USERS)
        async with self.changing:
            user = self._user(name)
            if user.disabled:
                raise Conflict(f"the user {user.name} is disabled already")
            self.keep_one(user, replace(user, disabled=True))
            event = UserDisabled(user.name, who.name, reason)
            await self._record(who, Act.MANAGE_USERS, event, subject=f"user {user.name}: disabled", reason=reason)
        await self._server.sessions.end_of(user.name)
        return self._user(name)

    async def enable(self, who: Principal, name: str) -> User:
        """The user can sign in again."""
        self.permissions.require(who, Act.MANAGE_USERS)
        async with self.changing:
            user = self._user(name)
            if not user.disabled:
                raise Conflict(f"the user {user.name} is not disabled")
            self.check(user)
            event = UserEnabled(user.name, who.name)
            await self._record(who, Act.MANAGE_USERS, event, subject=f"user {user.name}: enabled")
        return self._user(name)

    async def set_password(
        self, who: Principal, name: str, password: str = "", *, must_change: bool | None = None
    ) -> tuple[User, str]:
        """(the user, the password that was made up, empty if one was given). The user's sessions end. One that was made
        up has to be changed at the next sign-in, unless `must_change` says otherwise."""
        self.permissions.require(who, Act.MANAGE_USERS)
        user = self._user(name)
        invented = "" if password else made_up()
        must = bool(invented) if must_change is None else must_change
        await self._new_password(who, user, password or invented, must_change=must)
        await self._server.sessions.end_of(user.name)
        return self._user(name), invented

    async def choose_password(self, who: Principal, old: str, new: str) -> User:
        """The user who has signed in chooses another password; the user's other sessions end."""
        user = self._view.users.get(who.name) if who.sign_in else None
        if user is None:
            raise Conflict("a token has no password: sign in as a user")
        if not await self.passwords.check(old, user.digest, known=True):
            raise Invalid("password", "the old password is another one: type it again")
        if old == new:
            raise Invalid("password", "the new password is the old one: choose another one")
        await self._new_password(who, user, new, must_change=False)
        return self._user(user.name)

    async def _new_password(self, who: Principal, user: User, password: str, *, must_change: bool) -> None:
        self._check_password(password, user.name, user.display)
        event = UserPasswordSet(user.name, await self.passwords.digest(password), must_change, who.name)
        subject = f"user {user.name}: password set"
        await self._server.dispatcher.record(event, _entry(who, subject))
        if user.name == FIRST:
            first_file(self._server.home).unlink(missing_ok=True)

    async def first_made(self) -> None:
        """Return when there is a first administrator: as soon as this server leads."""
        while True:
            try:
                return await self.make_first()
            except NotLeading:  # the lead is about to begin
                await asyncio.sleep(0.05)

    async def make_first(self) -> None:
        """Where there is no user yet, make the first administrator.

        The password stands in `secrets/first-administrator` until it is changed.
        """
        async with self.changing:
            await self._make_first()

    async def _make_first(self) -> None:
        path, users = first_file(self._server.home), self._view.users
        if len(users):
            first = users.get(FIRST)
            unchanged = first is not None and first.password_at == first.added_at and first.added_by == _SERVER.name
            if path.exists() and not unchanged:
                path.unlink(missing_ok=True)
            return
        password = path.read_text("utf-8").strip() if path.exists() else ""
        if fault(password, FIRST):
            password = made_up()
            path.unlink(missing_ok=True)
            path.touch(mode=0o600)
            path.write_text(password + "\n", "utf-8")
        digest = await self.passwords.digest(password)
        event = UserAdded(FIRST, "Administrator", Role.ADMINISTRATOR.value, digest, by=_SERVER.name)
        await self._server.dispatcher.record(event, _entry(_SERVER, f"user {FIRST}: {Role.ADMINISTRATOR} added"))
        self.first_password = password

    def _user(self, name: str) -> User:
        found = self._view.users.get(name.lower())
        if found is None:
            raise NotFound(f"there is no user {name[:64]}: see `sansheng user list`")
        return found

    def _filled(self, wanted: Wanted, user: User) -> User:
        """The user as wanted."""
        given = {each: value for each in _COMPARED if (value := getattr(wanted, each)) is not None}
        if "role" in given:
            given["role"] = Role(given["role"]).value
        if "teams" in given:
            given["teams"] = tuple(dict.fromkeys(given["teams"]))
        return replace(user, **given)

    def check(self, user: User) -> None:
        """Raises Invalid for what this user cannot have, Conflict where another one has it."""
        if not user.role or user.role == Role.SERVICE:
            raise Invalid("role", "a service has a token, not a name and a password: choose a role of people")
        role = Role(user.role)
        if role is Role.AGENT and not user.agent:
            raise Invalid("agent", "a user of role agent is one agent: give the work number with --agent")
        if role is Role.LEADER and not (user.agent or user.teams):
            raise Invalid("agent", "a leader leads teams: give them with --team, or the work number with --agent")
        if user.teams and role is not Role.LEADER:
            raise Invalid("team", f"teams are led by leaders: the role {role} has none")
        if role is Role.DEPARTMENT and not user.department:
            raise Invalid("department", "a user of role department is of one: name it with --department")
        if user.department and role is not Role.DEPARTMENT:
            raise Invalid("department", f"departments are those of role department: the role {role} has none")
        if user.agent and self._view.floor.agent(user.agent) is None:
            raise Invalid("agent", f"there is no agent {user.agent}: see `sansheng agent list`")
        others = (each for each in self._view.users if each.name != user.name and not each.disabled)
        if user.agent and (other := next((each for each in others if each.agent == user.agent), None)):
            raise Conflict(f"agent {user.agent} is the user {other.name} already: give this one another work number")
        teams = {*self._server.definitions.teams, *(team for each in self._view.floor.agents() for team in each.teams)}
        for team in user.teams:
            if team not in teams:
                raise Invalid("team", f"there is no team {team}: there are {', '.join(sorted(teams)) or 'none'}")
        if user.language and user.language not in LANGUAGES:
            raise Invalid("language", f"there is no language {user.language}: there are {', '.join(LANGUAGES)}")

    def _check_password(self, password: str, *names: str) -> None:
        if why := fault(password, *names):
            raise Invalid("password", why)

    def keep_one(self, user: User, after: User) -> None:
        """Raises Conflict when nobody could manage users in the desk any more."""

        def manages(each: User) -> bool:
            return each.role == Role.ADMINISTRATOR and not each.disabled

        others = any(manages(each) for each in self._view.users if each.name != user.name)
        if manages(user) and not manages(after) and not others:
            raise Conflict(f"{user.name} is the last administrator: add another one first")


_COMPARED = ("display", "role", "agent", "teams", "department", "language")


def first_file(home: Path) -> Path:
    """Where the first administrator's password stands until it is changed."""
    return home / "secrets" / "first-administrator"


def _entry(who: Principal, subject: str) -> ActAudited:
    return ActAudited(Act.MANAGE_USERS.value, who.name, who.role.value, who.origin, subject)


def _shown(value: str | Iterable[str]) -> str:
    return (value if isinstance(value, str) else ", ".join(value)) or "none"
