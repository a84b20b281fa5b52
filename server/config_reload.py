"""What is taken over while the server runs, without ending a call: edited definitions and renewed certificates."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import structlog
from watchfiles import awatch

from server.config import Settings
from server.definition_check import findings
from server.hotline import definitions as hotline
from server.hotline.definitions import Definitions
from server.hotline.dispatcher import NotLeading
from server.hotline.examination import Found, examine
from server.leadership import Leadership
from server.programs import Programs
from server.telephony.asterisk.site import SiteError
from server.web.certificates import EVERY, Certificates
from tables.toml import DefinitionFault

_log = structlog.get_logger("app")


class ConfigReload:
    """The definitions and certificates of now. `leadership` gives that of this server, None while it does not lead."""

    definitions: Definitions

    def __init__(self, settings: Settings, programs: Programs, leadership: Callable[[], Leadership | None]) -> None:
        self.certificates = Certificates(settings) if settings.tls else None
        self.problem = ""
        """Why the edited definitions cannot be used; empty when those of the files are in use."""
        self._settings, self._programs, self._leadership = settings, programs, leadership

    def load(self) -> Definitions:
        """Those of the files, at the start. Raises DefinitionFault (a ValueError)."""
        self.definitions = hotline.load(self._settings.root)
        return self.definitions

    def examine(self, home: Path) -> list[Found]:
        """Everything that `sansheng check` finds wrong with the definitions in this folder."""
        return findings(self._settings, home, time.time(), lambda: self._programs.site.modules)

    async def reload(self) -> str:
        """Take over edited definitions if `sansheng check` finds no error in them; calls in progress go on with theirs.

        Raises DefinitionFault (a ValueError).
        """
        for found in await asyncio.to_thread(examine, self._settings.root, time.time()):
            # A fault of the product's own prompts is no fault of the edit.
            if found.severity == "error" and not found.file.is_relative_to(hotline.PROMPTS):
                raise DefinitionFault(found.file, found.line, (found.key,) if found.key else (), found.sentence)
        self.definitions = await asyncio.to_thread(hotline.load, self._settings.root)
        self.problem = ""
        if (leadership := self._leadership()) is not None:
            await leadership.set_policy()
        await self._programs.follow(self.definitions)
        if leadership is not None:
            await leadership.reload(self._programs.take_reloads())
        if self.certificates is not None:
            await asyncio.to_thread(self.certificates.look)
        return self.definitions.source

    async def watch_definitions(self, edited: Callable[[], Awaitable[str]]) -> None:
        """After each edit of the files let `edited` take them over, as long as the server runs."""
        home = self._settings.root
        (home / "flows").mkdir(exist_ok=True)
        async for changes in awatch(home, home / "flows", recursive=False, watch_filter=_is_definition):
            try:
                _log.info("definitions taken over", files=[path for _, path in changes], source=await edited())
            except (DefinitionFault, SiteError) as error:
                self.problem = str(error)
                _log.error("the edited definitions cannot be used: the old ones stay", error=str(error))
            except NotLeading:
                _log.info("definitions were edited: the server that leads takes them over")

    async def watch_certificates(self) -> None:
        """Look every minute for renewed certificates, as long as the server runs."""
        while True:
            try:
                if self.certificates is not None:
                    await asyncio.to_thread(self.certificates.look)
                await self._programs.look()
                leadership = self._leadership()
                if leadership is not None and self._programs.reloads:
                    await leadership.reload(self._programs.take_reloads())
            except Exception:  # a lead that ends meanwhile, a link that breaks: the next look goes on
                _log.exception("a renewed certificate could not be taken over")
            await asyncio.sleep(EVERY)


def _is_definition(_: object, path: str) -> bool:
    own = Path(path).name in ("hotline.toml", "holidays.toml", "prompts.toml")
    return own or (path.endswith(".toml") and Path(path).parent.name == "flows")
