"""Law: what was written for Asterisk is taken over by it, sooner or later, and until then a sentence says so.

Which modules have not read their files is kept in a file of its own (`configure.owed`), so that neither an Asterisk
that hangs nor a server that dies in between forgets it. After each reload Asterisk is asked what it has. What it reads
only when it starts is read when no call stands: it is ended then, and its supervisor starts it again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress

import structlog

from server.tasks import BackgroundTasks
from server.telephony.ami.link import Ami, AmiError, AmiFailed
from server.telephony.asterisk.configure import RESTART, owe, owed, settled
from server.telephony.asterisk.site import Layout

_log = structlog.get_logger("reloading")
RETRY = 3.0
"""Seconds between two attempts while Asterisk has not taken everything over."""
BY_NAME = "res_pjsip_endpoint_identifier_user.so"
"""The module that finds the sender of a request by name."""
_ORDERED = ("ip", "username")
"""The identifiers whose order counts."""

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
        self.order: Callable[[], str] | None = None
        """Which identifiers of senders Asterisk is to ask, in order, as its configuration has them."""
        self.may_restart = False
        """Whether Asterisk may be ended when no call stands, because its supervisor starts it again."""
        self._old = ""
        """The process that has not read what is read at the start."""
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
        await self._settle("" if self._trying else agent)
        if self.problem and not self._trying:
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
                await self._put_in_order()
                different = await self._different(agent)
                if different:
                    await self._reload(self.modules)
                    different = await self._different(agent)
                self.problem = _sentence(different) or await self._restart()
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
            if module != RESTART:
                await self._ami.action("Reload", Module=module)
                await asyncio.to_thread(settled, self._layout, module)

    async def _put_in_order(self) -> None:
        """Asterisk puts an identifier in its place when it registers: so the one by name does that anew where the order
        is another. Meanwhile, for a moment, who is known by name alone is asked for a password as a stranger is."""
        if self.order is None or await self._is_in_order(self.order()):
            return
        with suppress(AmiFailed):
            await self._ami.action("Refresh", Module=BY_NAME)
        if not await self._is_in_order(self.order()):
            await self.owe((RESTART,))

    async def _is_in_order(self, order: str) -> bool:
        there = (await self._ami.action("ShowIdentifiers")).text.split()
        return [each for each in there if each in _ORDERED] == [each for each in order.split(",") if each in _ORDERED]

    async def _restart(self) -> str:
        """End an Asterisk that has to read everything anew, if no call stands; the sentence that says so otherwise."""
        if RESTART not in await asyncio.to_thread(owed, self._layout):
            return ""
        counted = await self._ami.action("CountChannels")
        if self._old not in ("", counted["Pid"]):
            await asyncio.to_thread(settled, self._layout, RESTART)
            self._old = ""
            return ""
        self._old = counted["Pid"]
        if self.may_restart and counted.text.startswith("0 "):
            _log.warning("Asterisk is ended, and started again: it has to read all of its files")
            with suppress(AmiError):
                await self._ami.action("StopWhenIdle")
        return "Asterisk has to be started again to read what was written for it: it is, as soon as no call stands"

    async def _different(self, agent: str) -> Sequence[str]:
        return await self.compare(agent) if self.compare is not None else ()


def _sentence(agents: Sequence[str]) -> str:
    if not agents:
        return ""
    shown = ", ".join(agents[:5]) + (f" and {len(agents) - 5} more" if len(agents) > 5 else "")
    return f"Asterisk does not have the telephone of agent {shown} as it was set: see asterisk/log/messages"
