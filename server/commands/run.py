"""`sansheng run`: the server in the foreground, until Ctrl-C or SIGTERM."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from typing import Any

import structlog
from rich.console import Console

from server.commands.shared import Refused, settings


def run() -> None:
    """Start everything and take calls; Ctrl-C stops it all."""
    here = settings()
    _log_to(here.root / "log")
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    # The reactor is chosen before anything imports it.
    from twisted.internet import asyncioreactor

    asyncioreactor.install(loop)  # type: ignore[no-untyped-call]
    from twisted.internet import reactor as installed

    reactor: Any = installed
    from server.app import App, StartError

    console = Console(stderr=True, highlight=False)
    app = App(here, reactor, lambda line: console.print(line, markup=False))
    failure: list[BaseException] = []
    tasks: list[asyncio.Task[None]] = []
    stopping = asyncio.Event()

    async def live() -> None:
        starting = asyncio.ensure_future(app.start())
        asked = asyncio.ensure_future(stopping.wait())
        try:
            await asyncio.wait({starting, asked}, return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                starting.result()
                _welcome(console, app)
                fenced = asyncio.ensure_future(app.fenced.wait())
                await asyncio.wait({asked, fenced}, return_when=asyncio.FIRST_COMPLETED)
                if fenced.done():
                    failure.append(Refused("another server took the lead: this one let go of its calls"))
                fenced.cancel()
        except BaseException as error:
            failure.append(error)
        finally:
            starting.cancel()
            asked.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await starting
            console.print("stopping")
            await app.stop()
            reactor.stop()

    def ask_to_stop() -> None:
        if stopping.is_set():
            console.print("stopping at once")
            app.hurry()
        stopping.set()

    def begin() -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(ask_to_stop))
        tasks.append(loop.create_task(live()))

    reactor.callWhenRunning(begin)
    reactor.run()
    if failure:
        if isinstance(failure[0], (StartError, Refused)):
            raise Refused(str(failure[0]))
        raise failure[0]


def _welcome(console: Console, app: object) -> None:
    here = settings()
    home = os.path.relpath(here.root)
    console.print(
        f"""
Sansheng takes calls.
  call in     sip:400@{here.bind}:{here.sip_port} (any number) from a SIP phone on this machine
  an agent    sansheng agent add 1001 --name "Agent 1001" --skill complaint:5 --skill attitude:3
              sansheng agent status 1001 available        (or dial *45 from the agent's phone)
  no phone?   sansheng demo call
  look        sansheng call list · sansheng ticket list · sansheng recording list · sansheng doctor
  API         {here.api}/api/v1/openapi.json · {here.api}/healthz
  data        {home}        definitions: {home}/hotline.toml, {home}/flows/ (copy to change)
Ctrl-C stops it all.
""",
        markup=False,
    )


def _log_to(folder: os.PathLike[str]) -> None:
    os.makedirs(folder, exist_ok=True)
    file = open(os.path.join(folder, "server.log"), "a", encoding="utf-8", buffering=1)  # noqa: SIM115
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        logger_factory=structlog.PrintLoggerFactory(file),
        cache_logger_on_first_use=False,
    )
