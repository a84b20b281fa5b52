"""People whom an OpenID provider names: each is a user, made at the first sign-in, with the role of the claims."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from server.eventlog.access_events import ActAudited
from server.eventlog.user_events import UserAdded, UserChanged
from server.hotline.users import User
from server.usecases.audit import REFUSED
from server.usecases.errors import ActRefused, Conflict, Forbidden, Invalid, WrongSignIn
from server.usecases.permissions import Act
from server.usecases.principal import Principal, Role
from server.usecases.server import Acts, Server
from server.usecases.sign_in import SignedIn, SignInActs
from server.usecases.users import NAME, UserActs

_PROVIDER = "OpenID provider"


@dataclass(frozen=True, slots=True)
class Claims:
    """Which claims say what: `name` the user's name, `role` what `roles` maps to a role (the first that fits), `agent`
    the work number, `department` the department, `display` the name that people are shown."""

    roles: tuple[tuple[str, Role], ...] = ()
    role: str = "groups"
    name: str = "preferred_username"
    agent: str = "agent"
    department: str = "department"
    display: str = "name"


class OpenIdActs(Acts):
    """Acts raise WrongSignIn, Forbidden, Invalid, Conflict, NotLeading, and RedisError.

    `read` gives the texts of a claim.
    """

    def __init__(
        self, server: Server, users: UserActs, sign_in: SignInActs, clock: Callable[[], float] = time.time
    ) -> None:
        super().__init__(server, clock)
        self._users, self._sign_in = users, sign_in
        self.wanted = Claims()
        self.read: Callable[[Mapping[str, Any], str], list[str]] = lambda claims, path: []

    def require_lead(self) -> None:
        """Raises NotLeading: a server that stands by signs nobody in."""
        _ = self._server.dispatcher

    async def sign_in(
        self, subject: str, claims: Mapping[str, Any], origin: str, *, client: str = "", before: str = ""
    ) -> tuple[SignedIn, str]:
        """(a new session, its text) of the person with this number at the provider."""
        who = Principal(_PROVIDER, Role.ADMINISTRATOR, origin)
        try:
            async with self._users.changing:
                user = await self._user(who, subject, claims)
        except ActRefused as error:
            entry = ActAudited(REFUSED, _PROVIDER, "-", origin, str(error)[:200])
            await self._server.dispatcher.record(entry)
            raise
        return await self._sign_in.begin(user, origin, by="oidc", client=client, before=before)

    async def _user(self, who: Principal, subject: str, claims: Mapping[str, Any]) -> User:
        known = self._view.users.of_subject(subject)
        if known is not None and known.disabled:
            raise WrongSignIn("this user is disabled: ask an administrator")
        named = (self._one(claims, self.wanted.name) or "").lower()
        name = known.name if known is not None else named
        if not re.fullmatch(NAME, name):
            raise Invalid("name", f"the provider's {self.wanted.name} is no user's name: up to 64 letters and digits")
        after = self._claimed(claims, known or User(name, name, "", subject=subject))
        if known is None and self._view.users.get(name) is not None:
            raise Conflict(f"the user {name} signs in with a password: the provider's person needs another name")
        if after == known:
            return known
        self._users.check(after)
        event: object
        if known is None:
            event = UserAdded(
                name,
                after.display,
                after.role,
                agent=after.agent,
                teams=after.teams,
                department=after.department,
                language=after.language,
                subject=subject,
                by=who.name,
            )
        else:
            self._users.keep_one(known, after)
            event = UserChanged(
                name,
                after.display,
                after.role,
                after.agent,
                after.teams,
                after.department,
                after.language,
                who.name,
            )
        told = f"user {name}: {after.role} {'added' if known is None else 'changed'}"
        await self._record(who, Act.MANAGE_USERS, event, subject=told)
        found = self._view.users.get(name)
        assert found is not None
        return found

    def _claimed(self, claims: Mapping[str, Any], user: User) -> User:
        """The user as the claims have it; teams and language are the administrators'."""
        held = set(self.read(claims, self.wanted.role))
        role = next((role for value, role in self.wanted.roles if value in held), None)
        if role is None:
            raise Forbidden(f"the provider's {self.wanted.role} names no role here: see SANSHENG_OIDC_ROLES")
        display = (self._one(claims, self.wanted.display) or user.display)[:80]
        department = (self._one(claims, self.wanted.department) or "") if role is Role.DEPARTMENT else ""
        agent = self._one(claims, self.wanted.agent)
        return replace(
            user,
            role=role.value,
            display=display if display.isprintable() and display.strip() == display and display else user.name,
            agent=user.agent if agent is None else agent,
            teams=user.teams if role is Role.LEADER else (),
            department=department,
        )

    def _one(self, claims: Mapping[str, Any], path: str) -> str | None:
        found = self.read(claims, path)
        return found[0] if found else None
