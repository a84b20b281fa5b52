"""The leader takes over callers that another server still holds: a process that is suspended cannot let go of them.

When a server has died, its sockets are closed and the dialplan brings its callers back. A suspended process keeps its
sockets: its callers would hear music for ever, and new callers would be handed to it. So the leader looks for channels
that are inside another server's AGI and redirects them to where the dialplan asks the servers again. What the suspended
server sends after that reaches no channel.
"""

from __future__ import annotations

import asyncio

import structlog

from server.telephony.ami.link import Ami, AmiError, AmiEvent

_log = structlog.get_logger("takeover")
EVERY = 1.0
"""Seconds between two looks, where there are several servers."""
_BACK = {
    "hotline": ("hotline", "lost"),
    "transferred": ("hotline", "lost"),
    "agent-side": ("agent-side", "ask"),
    "line": ("callback-line", "ask"),
    "callback-agent": ("callback-agent", "ask"),
    "called": ("called", "lost"),
}
"""AGI script → the dialplan's context and label where it asks the servers again."""


class Takeover:
    """`own` is this server's `host:port` of FastAGI; `servers` are those of all servers, in the dialplan's order."""

    def __init__(self, ami: Ami, own: str, servers: tuple[str, ...]) -> None:
        self._ami, self._own, self._servers = ami, own, servers

    @property
    def alone(self) -> bool:
        """There is no other server to fetch callers from."""
        return len(self._servers) < 2

    async def fetch(self) -> int:
        """Look once, and let new calls come here first; how many callers were fetched. Raises the link's errors."""
        if self.alone:
            return 0
        if self._own in self._servers:
            value = str(self._servers.index(self._own))
            await self._ami.action("Setvar", Variable="SERVER_LAST", Value=value)
        strays = [event for event in await self._ami.collect("CoreShowChannels") if self._is_stray(event)]
        for event in strays:
            try:
                await self._fetch(event)
            except AmiError as error:
                _log.info("a caller left before being fetched", channel=event["Channel"], error=str(error))
            else:
                _log.info("a caller was fetched from another server", channel=event["Channel"])
        return len(strays)

    async def keep_fetching(self) -> None:
        """Look again and again, until cancelled."""
        while not self.alone:
            await asyncio.sleep(EVERY)
            try:
                await self.fetch()
            except AmiError as error:
                _log.warning("other servers' callers cannot be looked for", error=str(error))

    async def _fetch(self, event: AmiEvent) -> None:
        _, script = _asked(event)
        if script in _BACK:
            context, label = _BACK[script]
            await self._ami.action("Redirect", Channel=event["Channel"], Context=context, Exten="s", Priority=label)
        else:
            # An agent at the phone's keys dials again.
            await self._ami.action("Hangup", Channel=event["Channel"])

    def _is_stray(self, event: AmiEvent) -> bool:
        """Inside another server's AGI, and not in a conversation or ringing, which go on without it."""
        if event.get("Application") != "AGI":
            return False
        server, _ = _asked(event)
        return server != self._own and server in self._servers


def _asked(event: AmiEvent) -> tuple[str, str]:
    """The server and the script that a channel in AGI() was handed to: `agi://host:port/script?arguments`."""
    server, _, rest = event.get("ApplicationData", "").removeprefix("agi://").partition("/")
    return server, rest.partition("?")[0]
