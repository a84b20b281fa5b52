"""Acts on bulletins to agents, with their receipts, and on incident notices to callers, with their prompts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

from knowledge.board import Bulletin, Notice
from knowledge.events import BulletinPosted, BulletinRead, BulletinWithdrawn, NoticeEnded, NoticePosted
from server.hotline import own_prompts
from server.usecases.audit import audited
from server.usecases.errors import Conflict, Forbidden, Invalid, NotFound
from server.usecases.permissions import Act
from server.usecases.principal import Principal
from server.usecases.server import Acts, Server

USUAL_PROMPT = "notice-incident"
"""What callers hear of a notice without a prompt of its own."""


class BulletinActs(Acts):
    """Every act raises Forbidden, NotFound, Invalid or Conflict, and NotLeading where it changes something."""

    def __init__(self, server: Server, clock: Callable[[], float] = time.time) -> None:
        super().__init__(server, clock)
        self._posting = asyncio.Lock()

    # Bulletins

    def bulletins(self, who: Principal, *, unread: bool = False, standing: bool = False) -> list[Bulletin]:
        """Bulletins, newest first. An agent's `unread` are those that the agent has still to read."""
        self.permissions.require(who, Act.READ_BULLETINS)
        board, now = self._view.board, self._clock()
        if unread:
            if not who.agent:
                raise Invalid("agent", "unread bulletins are an agent's: ask with the token of an agent")
            return board.unread(who.agent, self._teams(who.agent), now)
        return [each for each in board.bulletins() if not standing or each.stands(now)]

    def missing(self, bulletin: Bulletin) -> list[str]:
        """The agents who should read it and have not."""
        agents = (each for each in self._view.floor.agents() if bulletin.concerns(each.teams))
        return sorted(each.id for each in agents if each.id not in bulletin.read)

    def stands(self, bulletin: Bulletin) -> bool:
        """Whether the bulletin is to be read now."""
        return bulletin.stands(self._clock())

    async def post(
        self, who: Principal, title: str, text: str, teams: Sequence[str] = (), until: float | None = None
    ) -> Bulletin:
        """Give the agents of these teams, or all, something to read."""
        self.permissions.require(who, Act.POST_BULLETIN)
        self._in_time(until)
        known = {team for each in self._view.floor.agents() for team in each.teams} | {*self._server.definitions.teams}
        for team in teams:
            if team not in known:
                raise Invalid("team", f"there is no team {team}: there are {', '.join(sorted(known)) or 'none yet'}")
        async with self._posting:
            number = self._view.board.last_bulletin + 1
            posted = BulletinPosted(number, title, text, who.name, tuple(dict.fromkeys(teams)), until)
            await self._record(who, Act.POST_BULLETIN, posted, subject=f"bulletin {number}: {title}")
        return self._bulletin(number)

    async def read(self, who: Principal, number: int, agent: str = "") -> Bulletin:
        """Confirm that an agent has read it; an agent confirms for nobody else."""
        self.permissions.require(who, Act.READ_BULLETINS)
        reader = agent or who.agent
        if who.agent and reader != who.agent:
            raise Forbidden("a receipt is the agent's own: nobody confirms for another one")
        if not reader:
            raise Invalid("agent", "name the agent who has read it, or ask with the token of that agent")
        if self._view.floor.agent(reader) is None:
            raise NotFound(f"there is no agent {reader}: see `sansheng agent list`")
        if reader not in self._bulletin(number).read:
            await self._record(who, Act.READ_BULLETINS, BulletinRead(number, reader))
        return self._bulletin(number)

    async def withdraw(self, who: Principal, number: int, reason: str = "") -> Bulletin:
        """Let nobody have to read it any more; the receipts stay."""
        self.permissions.require(who, Act.POST_BULLETIN)
        if self._bulletin(number).over_at is not None:
            raise Conflict(f"bulletin {number} is withdrawn already")
        gone = BulletinWithdrawn(number, who.name, reason)
        await self._record(who, Act.POST_BULLETIN, gone, subject=f"bulletin {number}: withdrawn", reason=reason)
        return self._bulletin(number)

    # Notices

    def notices(self, who: Principal, *, in_force: bool = False) -> list[Notice]:
        """Incident notices, newest first."""
        self.permissions.require(who, Act.READ_BULLETINS)
        return [each for each in self._view.board.notices() if not in_force or self.in_force(each)]

    def in_force(self, notice: Notice) -> bool:
        """Whether callers hear it now."""
        return notice.in_force(self._clock())

    async def post_notice(
        self,
        who: Principal,
        text: str,
        prompt: str = "",
        queues: Sequence[str] = (),
        since: float | None = None,
        until: float | None = None,
    ) -> Notice:
        """Let callers hear a prompt from `since` (now) to `until`: of these queues, or all at the greeting."""
        self.permissions.require(who, Act.POST_NOTICE)
        now = self._clock()
        since = now if since is None else since
        self._in_time(until)
        if until is not None and until <= since:
            raise Invalid("time", "it ends before it begins: give a later end")
        prompt = prompt or USUAL_PROMPT
        own = own_prompts.listed(own_prompts.folder(self._server.home))
        if prompt not in own_prompts.shipped() and prompt not in own:
            raise Invalid("prompt", f'there is no prompt "{prompt}": give one of the manifest, or upload one as own-…')
        names = [each.name for each in self._server.definitions.policy.queues]
        for queue in queues:
            if queue not in names:
                raise Invalid("matter", f"there is no queue {queue}: there are {', '.join(names)}")
        async with self._posting:
            number = self._view.board.last_notice + 1
            posted = NoticePosted(number, text, prompt, since, until, tuple(dict.fromkeys(queues)), who.name)
            await self._record(who, Act.POST_NOTICE, posted, subject=f"notice {number}: {text}")
        return self._notice(number)

    async def end_notice(self, who: Principal, number: int, reason: str = "") -> Notice:
        """Let callers hear it no more."""
        self.permissions.require(who, Act.POST_NOTICE)
        found = self._notice(number)
        if found.over_at is not None:
            raise Conflict(f"notice {number} is ended already")
        ended = NoticeEnded(number, who.name, reason)
        await self._record(who, Act.POST_NOTICE, ended, subject=f"notice {number}: ended", reason=reason)
        return self._notice(number)

    # Own prompts

    def prompts(self, who: Principal) -> dict[str, list[str]]:
        """The operator's own prompts, each with its languages."""
        self.permissions.require(who, Act.READ_BULLETINS)
        return own_prompts.listed(own_prompts.folder(self._server.home))

    async def upload(self, who: Principal, prompt: str, language: str, data: bytes) -> float:
        """Keep a prompt that notices and flows may say; returns its seconds. It holds for the calls of this server."""
        self.permissions.require(who, Act.POST_NOTICE)
        leader = self._server.dispatcher  # a server that stands by keeps nothing
        folder = own_prompts.folder(self._server.home)
        try:
            seconds = await asyncio.to_thread(own_prompts.keep, folder, prompt, language, data)
        except ValueError as error:
            raise Invalid("prompt", str(error)) from None
        except OSError as error:
            raise Conflict(f"the prompt cannot be written: {error.strerror}") from None
        await leader.record(*audited(who, Act.POST_NOTICE, f"prompt {prompt}, {language}: {seconds:.1f} s"))
        return seconds

    # Helpers

    def _in_time(self, until: float | None) -> None:
        if until is not None and until <= self._clock():
            raise Invalid("time", "that is in the past: give an instant to come")

    def _teams(self, agent: str) -> tuple[str, ...]:
        found = self._view.floor.agent(agent)
        return tuple(found.teams) if found is not None else ()

    def _bulletin(self, number: int) -> Bulletin:
        found = self._view.board.bulletin(number)
        if found is None:
            raise NotFound(f"there is no bulletin {number}: see `sansheng bulletin list`")
        return found

    def _notice(self, number: int) -> Notice:
        found = self._view.board.notice(number)
        if found is None:
            raise NotFound(f"there is no notice {number}: see `sansheng notice list`")
        return found
