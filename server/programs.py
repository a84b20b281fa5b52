"""The programs that a server starts for itself, a private Redis and a private Asterisk, and how they are configured.

A part that the settings name elsewhere is not started. Children outlive the server that started them: an Asterisk
that still runs is adopted, with its calls.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import structlog

from provision import Tool, default_cache, provision
from server.config import Settings
from server.hotline import definitions as hotline
from server.hotline.definitions import Definitions
from server.hotline.trunk_secrets import with_secrets
from server.hotline.trunks import Trunk, in_order, legacy
from server.leadership import StartError
from server.processes.children import Child, Children, ChildState
from server.processes.identity import hold, read_identity
from server.processes.liveness import Liveness
from server.processes.private_redis import redis_child
from server.telephony.ami.link import AmiError
from server.telephony.asterisk import configure
from server.telephony.asterisk.control import ask, control_socket
from server.telephony.asterisk.ready import readiness
from server.telephony.asterisk.site import LOCAL_ALONE, Site, site
from server.telephony.asterisk.trunk_certificate import own_pair, shown_at
from server.telephony.asterisk.trunk_pjsip import left_out

_log = structlog.get_logger("programs")
_ASTERISK_DEADLINE = 20.0
_END_WITHIN = 5.0
"""Seconds within which Asterisk ends when no call stands."""


class Programs:
    """The children of one server. `say` tells the operator of progress."""

    def __init__(self, settings: Settings, reactor: Any, say: Callable[[str], None]) -> None:
        self.site: Site
        """Asterisk's configuration, as far as the definitions of now ask for it."""
        self._settings, self._say = settings, say
        self._children = Children(reactor)
        self._states: dict[str, str] = {}
        self._reloads: tuple[str, ...] = ()
        self._writing = asyncio.Lock()
        self._exchanged = False
        """Whether a pair was written that Asterisk was not yet seen to show."""
        self.certificate_problem = ""
        """What is wrong with the pair for trunks with TLS, as a sentence; empty when nothing is."""

    async def start(self, definitions: Definitions) -> None:
        """Return when the programs were started, ready or not. Raises StartError, SiteError and ProvisionError."""
        settings, cache = self._settings, default_cache()
        if not settings.redis_url:
            redis = await asyncio.to_thread(provision, "redis-server", cache, self._say)
            self._children.add(redis_child(redis, settings.redis_socket), on_state=self._child_state)
        asterisk = await asyncio.to_thread(provision, "asterisk", cache, self._say)
        self.site = _admitting(_site(settings, asterisk), definitions, settings)
        if settings.asterisk:
            if settings.asterisk_home:
                self.site = replace(self.site, home=settings.asterisk_home.absolute())
        else:
            await self._add_asterisk(asterisk)
        self._children.startService()

    async def _add_asterisk(self, asterisk: Tool) -> None:
        argv = asterisk.argv("asterisk", *configure.arguments(self.site))
        child = Child("asterisk", argv, self.site.layout.root, asterisk.env)
        lives = _lives(child)
        if not lives:
            _refuse_taken_ports(self._settings)
        await asyncio.to_thread(configure.configure, self.site)
        owed = await asyncio.to_thread(configure.owed, self.site.layout)
        if lives and await self._ended_for(child, owed):
            lives = False
        self._reloads = owed if lives else ()
        if not lives:
            await asyncio.to_thread(configure.settled, self.site.layout)
        patience = self._settings.asterisk_frozen_seconds
        liveness = Liveness(self._ask_asterisk, patience) if patience else None
        self._children.add(child, readiness(self.site), self._child_state, liveness)

    async def _ended_for(self, child: Child, owed: Sequence[str]) -> bool:
        """Whether an Asterisk that lived was ended, because no call stands and it has to read what it reads only when
        it starts. One that goes on is asked at its new ports whether it is ready, so it is told of those at once."""
        socket = control_socket(self.site.layout)
        try:
            if configure.RESTART in owed and (await ask(socket, "core show channels count")).text.startswith("0 "):
                _log.warning("Asterisk is ended, and started again: it has to read all of its files")
                with suppress(AmiError):
                    await ask(socket, "core stop when convenient")
                async with asyncio.timeout(_END_WITHIN):
                    while _lives(child):  # noqa: ASYNC110
                        await asyncio.sleep(0.05)
                return True
            for module in ("manager", "http"):
                if module in owed:
                    await ask(socket, f"module reload {module}")
        except (AmiError, TimeoutError) as error:
            _log.warning("Asterisk does not take over its files yet", why=str(error))
        return False

    async def _ask_asterisk(self, within: float) -> None:
        await ask(control_socket(self.site.layout), "core show channels count", within)

    async def asterisk_ready(self) -> None:
        """Return when the private Asterisk takes calls. Raises StartError."""
        if self._settings.asterisk:
            return
        try:
            longer = self._settings.asterisk_frozen_seconds if self._children.adopted("asterisk") else 0.0
            await self._children.wait("asterisk", ChildState.READY, _ASTERISK_DEADLINE + longer)
        except TimeoutError:
            raise StartError(self._children.why("asterisk")) from None
        if not self._children.adopted("asterisk"):
            await asyncio.to_thread(configure.settled, self.site.layout, configure.RESTART)
            self._reloads = tuple(each for each in self._reloads if each != configure.RESTART)

    async def follow(self, definitions: Definitions) -> None:
        """Write Asterisk's files anew if these definitions set other limits, music or trunks. Raises SiteError."""
        wanted = await asyncio.to_thread(_admitting, self.site, definitions, self._settings)
        if self._settings.asterisk:
            return
        if wanted != self.site:
            self.site = wanted
            await self._write()
        await self.look()

    async def look(self) -> None:
        """Take over a pair that the operator wrote anew for trunks with TLS; `take_reloads` has what it asks for."""
        if self._settings.asterisk:
            return
        pair = await asyncio.to_thread(own_pair, self.site)
        self.certificate_problem = pair.problem
        if pair.differs:
            self._exchanged = True
            await self._write()
        elif self._exchanged and (shown := await shown_at(self.site)):
            self._exchanged = False
            if shown != pair.shown:
                await asyncio.to_thread(configure.owe, self.site.layout, (configure.RESTART,))
                self._reloads += (configure.RESTART,)

    async def _write(self) -> None:
        async with self._writing:
            self._reloads += (await asyncio.to_thread(configure.configure, self.site)).reloads

    def trunks(self) -> tuple[Trunk, ...]:
        """The trunks that Asterisk has, in the order in which outgoing calls try them."""
        one = (legacy(self._settings.trunk),) if self._settings.trunk else ()
        return in_order((*self.site.trunks, *one))

    @property
    def reloads(self) -> tuple[str, ...]:
        """The modules whose files changed under a running Asterisk, until they are taken."""
        return self._reloads

    def take_reloads(self) -> tuple[str, ...]:
        """The same modules, once, for Asterisk to reload."""
        taken, self._reloads = self._reloads, ()
        return taken

    def problems(self) -> list[str]:
        """Which of the programs are not ready or answer nothing, as sentences."""
        found = [(self._children.why(name), name, state) for name, state in self._states.items()]
        return [why or f"{name} is {state}" for why, name, state in found if why or state != "ready"]

    async def stop(self) -> None:
        """Stop the programs."""
        await self._children.stopService().asFuture(asyncio.get_running_loop())

    def _child_state(self, name: str, state: str) -> None:
        self._states[name] = str(state)


def _site(settings: Settings, asterisk: Tool) -> Site:
    assert asterisk.modules is not None
    assert asterisk.data is not None
    prompts = hotline.PROMPTS
    return site(
        settings,
        modules=asterisk.modules,
        data=asterisk.data,
        prompts={"zh": prompts / "zh", "en": prompts / "en"},
        python=Path(sys.executable),
        music={hotline.HOUSE_MUSIC: hotline.MUSIC},
    )


def _refuse_taken_ports(settings: Settings) -> None:
    """Asterisk starts without the ports that it cannot have, so they are tried first."""
    for kind, port, variable in (
        (socket.SOCK_DGRAM, settings.sip_port, "SANSHENG_SIP_PORT"),
        (socket.SOCK_STREAM, settings.ami_port, "SANSHENG_AMI_PORT"),
        (socket.SOCK_STREAM, settings.asterisk_http_port, "SANSHENG_ASTERISK_HTTP_PORT"),
        (socket.SOCK_STREAM, settings.agi_port, "SANSHENG_AGI_PORT"),
    ):
        family = socket.AF_INET6 if ":" in settings.bind else socket.AF_INET
        with closing(socket.socket(family, kind)) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(kind is socket.SOCK_STREAM))
            try:
                trial.bind((settings.bind, port))
            except OSError as error:
                raise StartError(
                    f"port {port} of {settings.bind} cannot be used ({error.strerror}): "
                    f"stop the other program, or set {variable}"
                ) from None


def _lives(child: Child) -> bool:
    """Whether an earlier server's child still runs, to be adopted."""
    identity = read_identity(child.identity)
    descriptor = hold(identity) if identity is not None else None
    if descriptor is None:
        return False
    os.close(descriptor)
    return True


def _admitting(site: Site, definitions: Definitions, settings: Settings) -> Site:
    """The site with the limits, the music and the trunks that the definitions set."""
    limits = definitions.admission
    admitting = replace(
        site,
        max_calls=limits.max_calls,
        calls_per_second=limits.max_calls_per_second,
        away_after=limits.server_away_seconds,
        music={hotline.HOUSE_MUSIC: hotline.MUSIC, **definitions.own_music},
        trunks=with_secrets(settings.root, definitions.trunks),
        # With trunks, nobody calls in from this machine unless a setting says so.
        trunk_addresses=settings.trunk_addresses or (() if _replaced(definitions, settings) else LOCAL_ALONE),
    )
    for sentence in admitting.audio.too_few(limits.max_calls, 0):
        _log.warning("there are too few ports", why=sentence)
    for trunk in admitting.trunks:
        if sentence := left_out(admitting, trunk):
            _log.warning("a codec of a trunk is not offered", trunk=trunk.name, why=sentence)
    return admitting


def _replaced(definitions: Definitions, settings: Settings) -> bool:
    """Whether configured trunks are all that the public calls in by."""
    return bool(definitions.trunks) and not settings.trunk
