"""Law: what was written for Asterisk is taken over by it, sooner or later, and until then a sentence says so.

Which modules have not read their files is kept in a file of its own (`configure.owed`), so that neither an Asterisk
that hangs nor a server that dies in between forgets it. After each reload Asterisk is asked what it has.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence

import structlog

from server.tasks import BackgroundTasks
from server.telephony.ami.link import Ami, AmiError
from server.telephony.asterisk.configure import owe, owed, settled
from server.telephony.asterisk.site import Layout

_log = structlog.get_logger("reloading")
RETRY = 3.0
"""Seconds between two attempts while Asterisk has not taken everything over."""

Compare = Callable[[str], Awaitable[Sequence[str]]]


class Reloading:
    """Lets one Asterisk take over its files.

    `compare` gives the agents whose telephones Asterisk has not as they are written, of one agent or ("") of all; it
    raises AmiError. `modules` are those that know of telephones.
    """

    modules = ("res_pjsip.so", "pbx_config.so")

    def __init__(self, layout: Layout, ami: Ami, *, retry: float = RETRY) -> None:
        self.problem = ""
        """Why Asterisk has not taken everything over, as a sentence; empty when it has."""
        self.compare: Compare | None = None
        self._layout, self._ami, self._retry = layout, ami, retry
        self._lock = asyncio.Lock()
        self._tasks = BackgroundTasks(_log, "what was written for Asterisk could not be compared")
        self._trying = False

    async def owe(self, modules: Iterable[str]) -> None:
        """Note that these have to be reloaded."""
        await asyncio.to_thread(owe, self._layout, tuple(modules))

    async def settle(self, agent: str = "") -> None:
        """Return when Asterisk has read what was written and has the telephones (of one agent alone, if it is named).

        If it has not, `problem` says so, and it is tried again and again.
        """
        if self._trying:
            return
        await self._settle(agent)
        if self.problem:
            self._trying = True
            self._tasks.start(self._go_on())

    def linked(self) -> None:
        """The link to Asterisk is up again: compare everything, beside everything else."""
        self._tasks.start(self._settle(""))

    async def stop(self) -> None:
        """Try no more."""
        await self._tasks.stop()

    async def _settle(self, agent: str) -> None:
        async with self._lock:
            before = self.problem
            try:
                await self._reload(await asyncio.to_thread(owed, self._layout))
                different = await self._different(agent)
                if different:
                    await self._reload(self.modules)
                    different = await self._different(agent)
                self.problem = _sentence(different)
            except AmiError as error:
                self.problem = f"Asterisk has not taken over what was written for it ({error}): it is tried again"
        if self.problem and self.problem != before:
            _log.warning("Asterisk is not as it should be", why=self.problem)
        elif before and not self.problem:
            _log.info("Asterisk has taken everything over")

    async def _go_on(self) -> None:
        try:
            while self.problem:
                await asyncio.sleep(self._retry)
                await self._settle("")
        finally:
            self._trying = False

    async def _reload(self, modules: Iterable[str]) -> None:
        for module in modules:
            await self._ami.action("Reload", Module=module)
            await asyncio.to_thread(settled, self._layout, module)

    async def _different(self, agent: str) -> Sequence[str]:
        return await self.compare(agent) if self.compare is not None else ()


def _sentence(agents: Sequence[str]) -> str:
    if not agents:
        return ""
    shown = ", ".join(agents[:5]) + (f" and {len(agents) - 5} more" if len(agents) > 5 else "")
    return f"Asterisk does not have the telephone of agent {shown} as it was set: see asterisk/log/messages"
