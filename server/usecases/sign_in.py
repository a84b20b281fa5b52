"""Sessions: a user signs in, works until the session's end, and signs out. Every attempt is in the audit.

A session follows its user: it ends at once, on every server, when the user is disabled or gets another role or
password. It also ends when it was not used for a while (not in a call, and not while calls may come), and after a day's
work (not in the middle of a call).
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass

import structlog

import acd.events as acd
from server.eventlog.access_events import ActAudited
from server.hotline.categories import Category
from server.hotline.dispatcher import NotLeading
from server.hotline.users import User
from server.storage.sessions import Session, csrf_of, digest_of
from server.usecases.audit import REFUSED, SIGN_IN, SIGN_OUT
from server.usecases.errors import ActRefused, Conflict, NotFound, TooManyAttempts, WrongSignIn
from server.usecases.permissions import Act, Reach, reach_of
from server.usecases.principal import Principal, Role
from server.usecases.server import Acts, Server
from server.usecases.users import UserActs

MOST_REFUSED = 30
"""Refused attempts that the audit takes in a minute: it is no place for a flood."""
LONGEST_CALL = 3_600.0
"""Seconds for which a call keeps a session from ending."""
_NOBODY = "a name that no user has"
_log = structlog.get_logger("access")


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session that holds, with its user and principal as of now. `csrf` is the token of its pages."""

    session: Session
    user: User
    principal: Principal
    csrf: str
    digest: str
    ends_at: float


@dataclass(frozen=True, slots=True)
class Left:
    """How long a session lasts, in seconds: `idle` if its user does nothing, None while a call keeps it; `day` in any
    case. `after` is what `idle` is when its user does something."""

    idle: float | None
    day: float
    after: float


class SignInActs(Acts):
    """Acts raise WrongSignIn, TooManyAttempts, Forbidden, NotFound, Conflict, NotLeading, and RedisError."""

    def __init__(self, server: Server, users: UserActs, clock: Callable[[], float] = time.time) -> None:
        super().__init__(server, clock)
        self._users = users
        self._refused_since, self._refused = 0.0, 0
        self.on_over: Callable[[str], Awaitable[None]] | None = None
        """Told the number of a session that a person ended, besides what looks at sessions by itself."""

    @property
    def zone(self) -> str:
        """The name of the hotline's time zone, in which people are shown instants."""
        return self._server.definitions.calendar.zone.key

    @property
    def categories(self) -> Sequence[Category]:
        """What matters are sorted by, as people are shown it; retired ones too."""
        return self._server.definitions.categories.told()

    @property
    def longest(self) -> float:
        """Seconds after which a session ends in any case."""
        return self._server.sessions.longest

    # Signing in and out

    async def sign_in(
        self, name: str, password: str, origin: str, address: str, *, client: str = "", before: str = ""
    ) -> tuple[SignedIn, str]:
        """(a new session, its text). `before` is the text of the session that the browser had: it ends.

        `address` is what attempts are counted by, `client` names the browser.
        """
        name = name.strip().lower()
        user = self._view.users.get(name)
        _ = self._server.dispatcher  # a server that stands by has no audit: NotLeading
        attempts = self._server.attempts
        charge = await attempts.charge(name, address)
        if charge.wait and not charge.known:
            raise _too_many(charge.wait)
        digest = user.digest if user is not None and not user.disabled else ""
        right = await self._users.passwords.check(password, digest, known=charge.known)
        user = self._view.users.get(name) if right else user
        if not right or user is None or user.disabled or user.digest != digest:
            await self._refuse(user, origin)
            if charge.wait:
                raise _too_many(charge.wait)
            raise WrongSignIn("the name or the password is wrong, or the user is disabled: try again")
        await attempts.succeeded(name, address, charge.known)
        return await self.begin(user, origin, by="password", client=client, before=before)

    async def begin(
        self, user: User, origin: str, *, by: str, client: str = "", before: str = ""
    ) -> tuple[SignedIn, str]:
        """(a new session of a user who has proved who it is, its text)."""
        sessions = self._server.sessions
        if before and (ended := await sessions.find(before)) is not None:
            await sessions.end(ended.id)
        session, text = await sessions.begin(user.name, user.generation, by=by, origin=origin, client=client)
        who = _principal(user, session, origin)
        subject = f"session {session.id} by {by}" + (f": {session.client}" if session.client else "")
        await self._server.dispatcher.record(ActAudited(SIGN_IN, user.name, user.role, origin, _line(subject)))
        return SignedIn(session, user, who, csrf_of(text), digest_of(text), session.ends_at), text

    async def sign_out(self, who: Principal) -> None:
        """End the session that the principal asks with."""
        if not who.sign_in:
            raise Conflict("a token has no session: revoke it, or let it expire")
        await self._server.sessions.end(who.sign_in)
        await self._over(who.sign_in)
        try:
            entry = ActAudited(SIGN_OUT, who.name, who.role.value, who.origin, f"session {who.sign_in}")
            await self._server.dispatcher.record(entry)
        except NotLeading:
            _log.info("a user signed out at a server that stands by", user=who.name, session=who.sign_in)

    async def choose_password(self, who: Principal, text: str, old: str, new: str) -> None:
        """Choose another password. This session goes on, the user's others end."""
        session = await self._server.sessions.find(text) if text else None
        address = who.origin
        charge = await self._server.attempts.charge(f"password of {who.name}", address)
        if charge.wait:
            raise _too_many(charge.wait)
        user = await self._users.choose_password(who, old, new)
        await self._server.attempts.succeeded(f"password of {who.name}", address, charge.known)
        if session is not None:
            await self._server.sessions.renew(text, session, user.generation)
        await self._server.sessions.end_of(user.name, but=who.sign_in)

    # The session of a request

    async def signed_in(self, text: str, origin: str, *, seen: bool = True) -> SignedIn | None:
        """The session with this text if it holds. `seen`: the request is the user's doing."""
        session = await self._server.sessions.find(text)
        user = self.holds(session)
        if session is None or user is None:
            return None
        if seen:
            session = await self._server.sessions.seen(text, session)
        who = _principal(user, session, origin)
        return SignedIn(session, user, who, csrf_of(text), digest_of(text), session.ends_at)

    def holds(self, session: Session | None) -> User | None:
        """The session's user; None when it holds no more."""
        user = self._view.users.get(session.user) if session is not None else None
        if session is None or user is None or user.disabled or session.generation < user.generation:
            return None
        if user.role not in set(Role):
            return None
        now, (in_call, may_ring) = self._clock(), self._phone(user.agent)
        if now >= session.ends_at and not (in_call and now < session.ends_at + LONGEST_CALL):
            return None
        if now >= session.seen_at + self._server.sessions.idle and not (in_call or may_ring):
            return None
        return user

    def left(self, session: Session) -> Left:
        """How long this session lasts, which holds now."""
        user = self._view.users.get(session.user)
        now, (in_call, may_ring) = self._clock(), self._phone(user.agent if user is not None else "")
        idle = None if in_call or may_ring else max(0.0, session.seen_at + self._server.sessions.idle - now)
        day = max(0.0, session.ends_at + (LONGEST_CALL if in_call else 0.0) - now)
        return Left(idle, day, self._server.sessions.idle)

    async def ended(self, digests: Collection[str]) -> set[str]:
        """Which of these sessions, by digest, hold no more."""
        asked = list(digests)
        found = await self._server.sessions.present(asked)
        return {digest for digest, session in zip(asked, found, strict=True) if self.holds(session) is None}

    def _phone(self, number: str) -> tuple[bool, bool]:
        """Whether the agent is in a call (or writes one up), and whether one may come at any moment."""
        agent = self._view.floor.agent(number) if number else None
        if agent is None:
            return False, False
        return agent.state != "idle", agent.status is acd.Status.AVAILABLE and agent.phone

    # Sessions, listed and revoked

    async def list(self, who: Principal) -> list[Session]:
        """The sessions that hold, newest first: the principal's own, or all."""
        self.permissions.require(who, Act.MANAGE_SESSIONS)
        return [each for each in await self._server.sessions.all() if self._reaches(who, each) and self.holds(each)]

    async def revoke(self, who: Principal, number: str, reason: str = "") -> None:
        """End a session, at once and on every server. Raises NotFound."""
        self.permissions.require(who, Act.MANAGE_SESSIONS)
        found = [each for each in await self._server.sessions.all() if each.id == number and self._reaches(who, each)]
        if not found:
            raise NotFound(f"there is no session {number}: see the list of sessions")
        subject = f"session {number} of {found[0].user}: ended"
        await self._record(who, Act.MANAGE_SESSIONS, subject=subject, reason=reason)
        await self._server.sessions.end(number)
        await self._over(number)

    async def _over(self, number: str) -> None:
        if self.on_over is not None:
            with suppress(ActRefused, NotLeading):  # the leader finds it out
                await self.on_over(number)

    def _reaches(self, who: Principal, session: Session) -> bool:
        """Whether the session is within the principal's reach."""
        mine = bool(who.sign_in) and session.user == who.name
        return mine or reach_of(who, Act.MANAGE_SESSIONS) is Reach.ALL

    async def _refuse(self, user: User | None, origin: str) -> None:
        """The audit has the attempt. What was typed as a name that no user has may be a password: it is left out."""
        now = self._clock()
        if now >= self._refused_since + 60:
            self._refused_since, self._refused = now, 0
        self._refused += 1
        name, role = (user.name, user.role) if user is not None else (_NOBODY, "-")
        _log.warning("a sign-in was refused", user=name, origin=origin)
        if self._refused <= MOST_REFUSED:
            why = "the user is disabled" if user is not None and user.disabled else "wrong name or password"
            await self._server.dispatcher.record(ActAudited(REFUSED, name, role, origin, why))


def _principal(user: User, session: Session, origin: str) -> Principal:
    return Principal(
        user.name,
        Role(user.role),
        origin,
        user.agent,
        teams=frozenset(user.teams),
        unit=user.department,
        sign_in=session.id,
    )


def _too_many(wait: float) -> TooManyAttempts:
    seconds = max(1, int(wait + 0.999))
    return TooManyAttempts(seconds, f"there were too many wrong attempts: try again in {seconds} s")


def _line(text: str) -> str:
    return "".join(each if each.isprintable() else "?" for each in text)
