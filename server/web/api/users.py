"""Users and their sessions over HTTP."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field, SecretStr

from server.hotline.users import User as Known
from server.usecases.principal import Role
from server.usecases.sign_in import SignInActs
from server.usecases.users import UserActs, Wanted
from server.web.api.shapes import AGENT_ID, Body, Name, Page, Paging, Reason, Who, Word, cut, instant, router
from server.web.problems import answers

UserName = Annotated[str, Path(max_length=80, description="A user's name: li.ming.")]
SessionNumber = Annotated[str, Path(pattern=r"^[0-9a-f]{16}$", description="A session's number, as the list shows it.")]
Agent = Annotated[str, Field(pattern=f"{AGENT_ID}|^$", description="The work number; empty for none.")]
Teams = Annotated[list[Annotated[Word, Field(min_length=1)]], Field(max_length=50)]
Password = Annotated[SecretStr, Field(max_length=1000)]


class UserIn(Body):
    """A user to be added. Without a password one is made up, which the answer alone shows."""

    name: str = Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]*$", examples=["li.ming"])
    display: Name | None = Field(None, description="The name that people are shown; the same as `name` if not given.")
    role: Role
    agent: Agent = ""
    teams: Teams = Field(default_factory=list)
    department: Word = ""
    language: Word = ""
    password: Password | None = None
    must_change_password: bool | None = Field(
        None, description="Whether another password has to be chosen first: yes for one that was made up, else no."
    )


class UserChange(Body):
    """What is to be changed; a field that is not given stays as it is."""

    display: Name | None = None
    role: Role | None = None
    agent: Agent | None = None
    teams: Teams | None = None
    department: Word | None = None
    language: Word | None = None


class DisableIn(Body):
    """Why the user cannot sign in any more."""

    reason: Reason = ""


class PasswordIn(Body):
    """Another password for a user. Without one it is made up, which the answer alone shows."""

    password: Password | None = None
    must_change_password: bool | None = None


class User(BaseModel):
    """A user. `sign_in`: password, oidc."""

    name: str
    display: str
    role: str
    agent: str | None
    teams: list[str]
    department: str | None
    language: str | None
    sign_in: list[str]
    disabled: bool
    must_change_password: bool
    added_at: str
    added_by: str | None
    password_at: str | None


class UserMade(User):
    """A user with the password that was made up; null where one was given."""

    password: str | None = Field(description="No other answer shows it.")


class SessionOf(BaseModel):
    """A session that holds. `client` is how the browser names itself, `own` whether this request came with it."""

    id: str
    user: str
    by: str
    origin: str
    client: str
    began_at: str
    seen_at: str
    expires_at: str
    own: bool


def user_routes(acts: UserActs, sign_in: SignInActs) -> APIRouter:
    """The routes of users and of all sessions."""
    routes = router("access")

    @routes.get("/users", response_model=Page[User], responses=answers(400, 422))
    async def list_users(who: Who, asked: Annotated[Paging, Query()]) -> dict[str, Any]:
        """All users by name, those who are disabled too."""
        return cut(map(_shown, acts.list(who)), asked, "user", "name", newest_first=False)

    @routes.post("/users", status_code=201, response_model=UserMade, responses=answers(409, 422, 503))
    async def add_user(who: Who, wanted: UserIn) -> dict[str, Any]:
        """Add a user, who can sign in at once."""
        fields = Wanted(
            wanted.display, wanted.role, wanted.agent, tuple(wanted.teams), wanted.department, wanted.language
        )
        given = wanted.password.get_secret_value() if wanted.password else ""
        user, password = await acts.add(who, wanted.name, fields, given, must_change=wanted.must_change_password)
        return {**_shown(user), "password": password or None}

    @routes.get("/users/{name}", response_model=User, responses=answers(404, 422))
    async def get_user(who: Who, name: UserName) -> dict[str, Any]:
        """One user."""
        return _shown(acts.get(who, name))

    @routes.patch("/users/{name}", response_model=User, responses=answers(404, 409, 422, 503))
    async def change_user(who: Who, name: UserName, wanted: UserChange) -> dict[str, Any]:
        """Change a user, at once and on every server. Another role ends the user's sessions."""
        teams = None if wanted.teams is None else tuple(wanted.teams)
        fields = Wanted(wanted.display, wanted.role, wanted.agent, teams, wanted.department, wanted.language)
        return _shown(await acts.change(who, name, fields))

    @routes.post("/users/{name}/disable", response_model=User, responses=answers(404, 409, 422, 503))
    async def disable_user(who: Who, name: UserName, wanted: DisableIn) -> dict[str, Any]:
        """The user cannot sign in any more; the user's sessions end at once, on every server."""
        return _shown(await acts.disable(who, name, wanted.reason))

    @routes.post("/users/{name}/enable", response_model=User, responses=answers(404, 409, 422, 503))
    async def enable_user(who: Who, name: UserName) -> dict[str, Any]:
        """The user can sign in again."""
        return _shown(await acts.enable(who, name))

    @routes.post("/users/{name}/password", response_model=UserMade, responses=answers(404, 409, 422, 503))
    async def set_password(who: Who, name: UserName, wanted: PasswordIn) -> dict[str, Any]:
        """Give a user another password; the user's sessions end."""
        given = wanted.password.get_secret_value() if wanted.password else ""
        user, password = await acts.set_password(who, name, given, must_change=wanted.must_change_password)
        return {**_shown(user), "password": password or None}

    @routes.get("/sessions", response_model=Page[SessionOf], responses=answers(503))
    async def list_sessions(who: Who) -> dict[str, Any]:
        """The sessions that hold, newest first: one's own, or with the right to it everybody's."""
        items = [
            {
                "id": each.id,
                "user": each.user,
                "by": each.by,
                "origin": each.origin,
                "client": each.client,
                "began_at": instant(each.began_at),
                "seen_at": instant(each.seen_at),
                "expires_at": instant(each.ends_at),
                "own": each.id == who.sign_in,
            }
            for each in await sign_in.list(who)
        ]
        return {"items": items}

    @routes.delete("/sessions/{number}", status_code=204, responses=answers(404, 422, 503))
    async def end_session(who: Who, number: SessionNumber, reason: Reason = "") -> None:
        """End a session at once, on every server."""
        await sign_in.revoke(who, number, reason)

    return routes


def _shown(user: Known) -> dict[str, Any]:
    return {
        "name": user.name,
        "display": user.display,
        "role": user.role,
        "agent": user.agent or None,
        "teams": list(user.teams),
        "department": user.department or None,
        "language": user.language or None,
        "sign_in": [way for way, there in (("password", user.digest), ("oidc", user.subject)) if there],
        "disabled": user.disabled,
        "must_change_password": user.must_change,
        "added_at": instant(user.added_at),
        "added_by": user.added_by or None,
        "password_at": instant(user.password_at) if user.digest else None,
    }
