"""`sansheng run`: the server in the foreground, until Ctrl-C or SIGTERM."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
from typing import TYPE_CHECKING, Any, TextIO, cast

from server.commands.output import note
from server.commands.shared import Refused, log_of, settings
from server.config import Settings
from server.home import HomeError, prepare

if TYPE_CHECKING:
    from server.log_files import Floods, Limits

SWITCH = 0.0005
"""Seconds after which a computing thread (the records) yields to the thread that serves callers."""


def run() -> None:
    """Start everything and take calls; Ctrl-C stops it all."""
    import asyncio

    here = settings()
    try:
        prepare(here.root)
    except HomeError as error:
        raise Refused(str(error)) from None
    floods = _log_to(here)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    # The reactor is chosen before anything imports it.
    from twisted.internet import asyncioreactor

    asyncioreactor.install(loop)  # type: ignore[no-untyped-call]
    from twisted.internet import reactor as installed

    reactor: Any = installed
    from provision import Console
    from server.app import App, StartError
    from server.processes.heart import Heart
    from server.tasks import first_of

    app = App(here, reactor, Console())
    heart = Heart(here.frozen_seconds, log_of(here))
    failure: list[BaseException] = []
    tasks: list[asyncio.Task[None]] = []
    stopping = asyncio.Event()

    async def live() -> None:
        keeping = asyncio.ensure_future(_keep_logs(here, floods))
        starting = asyncio.ensure_future(app.start())
        asked = asyncio.ensure_future(stopping.wait())
        try:
            await first_of(starting, asked)
            if starting.done():
                starting.result()
                if here.frozen_seconds:
                    heart.begin()
                # Objects of now stay: the collector need not visit them again while callers wait.
                gc.collect()
                gc.freeze()
                for line in welcome(here, app.acts.users.first_password):
                    note(line)
                await asked
        except BaseException as error:
            failure.append(error)
        finally:
            starting.cancel()
            asked.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await starting
            if not failure:
                note("stopping")
            await app.stop()
            heart.stop()
            keeping.cancel()
            reactor.stop()

    def ask_to_stop() -> None:
        if stopping.is_set():
            note("stopping at once")
            app.hurry()
        stopping.set()

    def begin() -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(ask_to_stop))
        tasks.append(loop.create_task(live()))

    sys.setswitchinterval(SWITCH)
    reactor.callWhenRunning(begin)
    reactor.run()
    if failure:
        if isinstance(failure[0], (StartError, Refused)):
            raise Refused(str(failure[0]))
        raise failure[0]


def welcome(here: Settings, first_password: str = "") -> list[str]:
    """What to do next, in lines that fit a terminal of 80 columns. `first_password`: of `admin`, made at this start."""
    home = min(str(here.root), os.path.relpath(here.root), key=len)
    host = {"0.0.0.0": "this machine", "::": "this machine"}.get(here.bind, here.bind)
    return [
        "",
        "Sansheng takes calls.",
        f"  call in    sip:400@{host}:{here.sip_port} from a SIP phone (any number will do)",
        "  no phone?  sansheng demo call",
        "  agents     sansheng agent add 1001 --name Li --skill complaint:5",
        "             sansheng agent status 1001 available, or *45 on the phone",
        "  look       sansheng queue list, call list, ticket list, recording list",
        f"  health     {here.api}/healthz, sansheng doctor",
        f"  API        {here.api}/api/v1/openapi.json",
        f"  data       {home}",
        "Commands are in .venv/bin; Ctrl-C stops it all.",
        f"  desk       {here.api}/",
        *([f"  sign in    as admin with the password {first_password}"] if first_password else []),
        "",
        f"desk  {here.api}/",
    ]


def _log_to(here: Settings) -> Floods:
    import structlog

    from server.log_files import Floods, LogFile

    file = log_of(here)
    try:
        file.open("a").close()
    except OSError as error:
        raise Refused(f"{file} cannot be written ({error.strerror}): mend it, or set SANSHENG_HOME") from None
    floods = Floods()
    structlog.configure(
        processors=[
            floods,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        logger_factory=structlog.WriteLoggerFactory(cast(TextIO, LogFile(file, _limits(here)))),
        cache_logger_on_first_use=False,
    )
    return floods


def _limits(here: Settings) -> Limits:
    from server.log_files import Limits

    return Limits(here.log_megabytes * 1_000_000, here.log_hours * 3600.0, here.log_files)


async def _keep_logs(here: Settings, floods: Floods) -> None:
    from server.log_files import LogFile, keep
    from server.telephony.asterisk.control import ask, control_socket
    from server.telephony.asterisk.site import Layout

    layout = Layout(here.root)
    output = [
        LogFile(here.root / path, _limits(here), copied=True) for path in ("asterisk/asterisk.log", "redis/redis.log")
    ]
    messages = LogFile(layout.log / "messages", _limits(here))
    await keep(floods, output, [(messages, lambda: ask(control_socket(layout), "logger reload"))])
