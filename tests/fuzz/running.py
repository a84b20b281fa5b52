"""A running hotline under attack, and what must stay as it was: a caller is served, and the books are right.

A good call is answered and hears the welcome. Checked with each: the server, its health, the agent who sits there, the
server's log. Checked at the end: no channel is left, memory is bounded, every entry of the log can be read and holds
nothing but text and numbers, the records have exactly the calls that were placed, and the day can be replayed.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, closing
from datetime import UTC, datetime, timedelta
from math import inf
from typing import Any, BinaryIO, Self

import msgspec
from redis.asyncio import Redis

from acd.events import CallArrived
from server.bounds import is_line
from server.eventlog.entries import Entry, Unreadable
from server.eventlog.log import Log
from server.storage.archive import archived_entries
from server.storage.database import open_database
from server.telephony.ami.link import Ami, AmiEvent
from server.telephony.tokens import ChannelTokens
from softphone.call import CallEnded
from tests.e2e.conftest import COMMAND, TREE, Hotline, make_home
from tests.e2e.hearing import hears
from tests.fuzz.mutator import Grammar
from tests.fuzz.target import Flaw, resident

CANARY = "66600066"
"""The number of a caller there is not: it stands in inputs only where a line end before it would make it a header."""
CANARY_EVENT = "FuzzCanary"
AGENT = "7001"
"""An agent that no input names."""
CALLEE = "4008001234"
QUIET_AFTER = 150.0
"""Seconds after which the last channel is gone: Asterisk gives up an answer that is not confirmed after 32 s, and a
caller who says nothing hears the menu to its end."""
SERVER_GROWTH = 64 << 20
ASTERISK_GROWTH = 256 << 20
"""Bytes that may be resident more than before the first input, however many come."""


class Running:
    """Base of the kinds that go over the wire: a hotline of their own, with one agent and a listener on AMI."""

    at_once = 1
    grammar: Grammar
    never_logged: tuple[str, ...] = ()
    """Events of the server's log that are flaws besides errors."""

    def __init__(self, **settings: str) -> None:
        self.hotline = Hotline(make_home(), settings, preloaded=False)
        self.answered: set[bytes] = set()
        """The stand-in for each answered call that is not a good one."""
        self._good = 0
        self._arrived = 0
        self._log: BinaryIO | None = None
        self._log_text = b""
        self._injected: list[str] = []

    async def __aenter__(self) -> Self:
        self._stack = AsyncExitStack()
        try:
            await asyncio.to_thread(self.hotline.start)
            await self._stack.enter_async_context(self.hotline.agent(AGENT, complaint=5))
            secrets = self.hotline.home / "secrets"
            secret = (secrets / "ami").read_text().strip()
            tokens = ChannelTokens((secrets / "channels").read_text().strip())
            self.ami = Ami("127.0.0.1", self.hotline.ports["AMI"], "sansheng", secret, tokens=tokens)
            self._stack.push_async_callback(self.ami.close)
            self.ami.subscribe("*", self._listen)
            self.ami.start()
            await self.ami.up(10)
            self._memory, self._children = self._resident(), self._pids()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()
        await asyncio.to_thread(self.hotline.end)
        shutil.rmtree(self.hotline.home, ignore_errors=True)

    async def check(self) -> None:
        """A good call, and the hotline is as it was."""
        self._good += 1
        caller = f"1380000{self._good:04}"
        try:
            async with self.hotline.caller(caller) as phone:
                call = await phone.dial(CALLEE)
                await call.answered(within=10)
                await hears(call, "welcome", within=10)
                await call.hangup()
        except (AssertionError, CallEnded, TimeoutError) as problem:
            raise Flaw(f"a good call does not go as it should: {str(problem)[:600]}") from problem
        self._house_stands()
        if self._good == 1:
            self._memory = self._resident()

    def books(self) -> Sequence[Callable[[], Awaitable[None]]]:
        """See above."""
        return (
            self._no_channel,
            self._memory_is_bounded,
            self._log_is_sound,
            self._only_placed_calls,
            self._records_are_right,
            self._day_can_be_replayed,
        )

    def memory(self) -> int:
        """The server's process."""
        return self._resident()[0]

    # Checks

    def _house_stands(self) -> None:
        process = self.hotline.process
        if process is None or process.poll() is not None:
            raise Flaw(f"the server has ended: {self.hotline.output()}")
        if self._pids() != self._children:
            raise Flaw(f"Asterisk or Redis was started anew: {self._children} are now {self._pids()}")
        if not (health := self.hotline.health()).get("ok"):
            raise Flaw(f"the hotline is not healthy: {health}")
        row = self.hotline.agent_row(AGENT)
        if row is None or (row["status"], row["state"]) != ("available", "idle"):
            raise Flaw(f"the agent who did nothing is now {row}")
        if self._injected:
            raise Flaw(f"an input became an AMI event or header of its own: {self._injected[0]}")
        for entry in self._new_entries():
            if entry.get("level") in ("error", "critical") or entry["event"] in self.never_logged:
                what = {**entry, "exception": str(entry.get("exception", ""))[-600:]}
                raise Flaw(f"the server logs this: {json.dumps(what, ensure_ascii=False)[:1500]}")

    def _new_entries(self) -> list[dict[str, Any]]:
        """The lines that the server has logged since the last check, also in a file that was rotated meanwhile."""
        path = self.hotline.home / "log" / "server.log"
        text = self._log_text
        while True:
            if self._log is None:
                self._log = self._stack.enter_context(path.open("rb"))
            text += self._log.read()
            if os.fstat(self._log.fileno()).st_ino == path.stat().st_ino:
                break
            self._log = None
        *lines, self._log_text = text.split(b"\n")
        return [json.loads(line) for line in lines if line]

    def _listen(self, event: AmiEvent) -> None:
        if any(CANARY_EVENT in name for name in (event.name, *event)):
            self._injected.append(repr(event)[:400])

    async def _no_channel(self) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + QUIET_AFTER
        while left := await self.ami.collect("CoreShowChannels"):
            if loop.time() > end:
                raise Flaw(f"{len(left)} channels are left, such as {left[0]}")
            await asyncio.sleep(0.2)

    def _pids(self) -> tuple[int | None, ...]:
        return tuple(self.hotline.pid(name) for name in ("asterisk", "redis"))

    def _resident(self) -> tuple[int, int]:
        process, asterisk = self.hotline.process, self.hotline.pid("asterisk")
        return resident(process.pid) if process else 0, resident(asterisk) if asterisk else 0

    async def _memory_is_bounded(self) -> None:
        limits = (SERVER_GROWTH, ASTERISK_GROWTH)
        for name, before, now, limit in zip(
            ("server", "Asterisk"), self._memory, self._resident(), limits, strict=True
        ):
            if now - before > limit:
                raise Flaw(f"the {name} has grown from {before >> 20} to {now >> 20} MiB")

    async def _log_is_sound(self) -> None:
        """The archive has the log whole, also what the server has trimmed."""
        redis = Redis(unix_socket_path=str(self.hotline.home / "redis" / "redis.sock"), protocol=2)
        last = await Log(redis).last_id()
        await redis.aclose()
        archived = "select 1 from events where ms = {} and seq = {}".format(*last.split("-"))
        try:
            await self.hotline.until(lambda: self._asked(archived), f"entry {last} is archived", within=60)
        except (AssertionError, sqlite3.Error) as problem:
            raise Flaw(f"the archive ends before the log: {str(problem)[:300]}") from problem
        if (strange := self._asked("select count(*), min(problem) from events where problem != ''")) and strange[0]:
            raise Flaw(f"{strange[0]} entries could not be put into the records: {strange[1]}")
        flaws = await asyncio.to_thread(self._flaws_of_the_log)
        if flaws:
            raise Flaw(f"{len(flaws)} entries; {flaws[0]}")

    def _flaws_of_the_log(self) -> list[Flaw]:
        flaws = []
        database = open_database(f"sqlite:///{self.hotline.home / 'records.db'}")
        try:
            for entry in archived_entries(database.read, 0.0, inf):
                self._arrived += isinstance(entry.event, CallArrived)
                try:
                    _is_sound(entry)
                except Flaw as flaw:
                    flaws.append(flaw)
        finally:
            database.dispose()
        return flaws

    def _asked(self, question: str) -> tuple[int, ...] | None:
        with closing(sqlite3.connect(self.hotline.home / "records.db")) as database:
            row: tuple[int, ...] | None = database.execute(question).fetchone()
            return row

    async def _only_placed_calls(self) -> None:
        strange = self._arrived - self._good - len(self.answered)
        if strange > 0:
            raise Flaw(f"the log has {strange} calls that nobody placed, beside {self._good} good ones")

    async def _records_are_right(self) -> None:
        arrived = self._arrived

        def recorded() -> tuple[int, ...] | None:
            return self._asked("select count(*), count(ended_at) from calls")

        try:
            await self.hotline.until(lambda: recorded() == (arrived, arrived), "the records are caught up", within=60)
        except AssertionError as problem:
            raise Flaw(f"(calls, of those ended) in the records are {recorded()}, in the log {arrived}") from problem

    async def _day_can_be_replayed(self) -> None:
        day = (datetime.now(UTC) + timedelta(hours=8)).strftime("%Y-%m-%d")
        command = [str(COMMAND), "replay", "--day", day]
        environment = self.hotline.environment
        done = await asyncio.to_thread(
            subprocess.run, command, cwd=TREE, env=environment, capture_output=True, text=True, timeout=1800
        )
        if done.returncode:
            raise Flaw(f"sansheng replay {day}: {done.stdout}{done.stderr}"[:1000])


def _is_sound(entry: Entry) -> None:
    """Raises Flaw for what only an injection brings into an event."""
    if isinstance(entry.event, Unreadable):
        raise Flaw(f"an entry of the log cannot be read: {entry.event.why}")
    if isinstance(entry.event, CallArrived) and entry.event.caller == CANARY:
        raise Flaw(f"an input became a header of its own: {entry.event}")
    for text in _texts(msgspec.to_builtins(entry.event)):
        if not is_line(text):
            raise Flaw(f"a text of the log is more than a line: {str(entry.event)[:400]}")


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    parts = [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, list | tuple) else []
    return [text for part in parts for text in _texts(part)]
