"""Law: a child comes back when it dies, outlives a server that dies, and is gone when the server stops in order.

Twisted's `procmon` starts the children and starts them again. Each runs in a session of its own and writes its own
identity before it becomes the program, so after `kill -9` of the server the next one finds it, adopts it, and watches
it by a file descriptor; only when an adopted child ends is a fresh one started. Ends of children are noticed by that
descriptor alone, so it does not matter who handles signals.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import signal
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import structlog
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.process import reapAllProcesses
from twisted.runner.procmon import ProcessMonitor

from server.processes.identity import (
    Watch,
    digest_of,
    group_lives,
    hold,
    is_launched,
    launch_argv,
    read_identity,
    send,
    write_identity,
)
from server.processes.liveness import Liveness, frozen

GROUP_GRACE = 2.0
"""Seconds for what a child itself has started to end after it."""
KILL_GRACE = 5.0
LAUNCHED_WITHIN = 1.0
"""Seconds within which a process that was forked has become its program: until then it holds what this one holds, and
a signal to it may be lost."""

log = structlog.get_logger()


class ChildError(Exception):
    """A child cannot be run; the message says why."""


class ChildState(StrEnum):
    """Where a child is in its life."""

    STOPPED = "stopped"
    STARTING = "starting"
    READY = "ready"
    DOWN = "down"
    STOPPING = "stopping"


TRANSITIONS: Mapping[ChildState, frozenset[ChildState]] = {
    ChildState.STOPPED: frozenset({ChildState.STARTING}),
    ChildState.STARTING: frozenset({ChildState.READY, ChildState.DOWN, ChildState.STOPPING}),
    ChildState.READY: frozenset({ChildState.DOWN, ChildState.STOPPING}),
    ChildState.DOWN: frozenset({ChildState.STARTING, ChildState.STOPPING}),
    ChildState.STOPPING: frozenset({ChildState.STOPPED}),
}


@dataclass(frozen=True, slots=True)
class Child:
    """A program to keep running. It must stay in the foreground: what it prints goes to `home/<name>.log`."""

    name: str
    argv: Sequence[str]
    home: Path
    """Its working folder; its identity is kept there in `<name>.pid`."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Added to the server's own environment."""
    stop_signal: int = signal.SIGTERM
    stop_timeout: float = 10.0
    """Seconds between the stop signal and SIGKILL."""

    @property
    def identity(self) -> Path:
        """Where the running child has written who it is."""
        return self.home / f"{self.name}.pid"

    @property
    def log(self) -> Path:
        """Where its output goes."""
        return self.home / f"{self.name}.log"


Ready = Callable[[], Awaitable[None]]
"""Returns when the child can be used; raises with a sentence while it cannot, and is then asked again."""
OnState = Callable[[str, ChildState], None]


@dataclass(slots=True)
class _Entry:
    """What is known of one child right now."""

    child: Child
    ready: Ready | None
    on_state: OnState | None
    state: ChildState = ChildState.STOPPED
    pid: int | None = None
    adopted: bool = False
    why: str = ""
    watch: Watch | None = None
    lock: int | None = None
    asking: asyncio.Task[None] | None = None
    liveness: Liveness | None = None
    replacing: asyncio.Task[None] | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: list[tuple[ChildState, asyncio.Future[None]]] = field(default_factory=list)


class _Monitor(ProcessMonitor):
    """procmon that says when it has started something, and leaves the stopping to `Children`."""

    threshold = 5
    minRestartDelay = 0.2  # type: ignore[assignment]
    maxRestartDelay = 5

    def __init__(self, reactor: Any, started: Callable[[str, int | None], None]) -> None:
        super().__init__(reactor)
        self._started = started

    def startProcess(self, name: str) -> None:
        """Start it, unless it runs."""
        if name in self.protocols:
            return
        super().startProcess(name)
        protocol = self.protocols.get(name)
        if protocol is not None and protocol.transport is not None:
            self._started(name, protocol.transport.pid)

    def stopProcess(self, name: str) -> None:
        """Nothing: adopted children and our own are stopped in one way, by `Children`."""


class Children(Service):
    """Long-lived child processes as one service; stopping takes them in the reverse order of `add`."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._monitor = _Monitor(reactor, self._started)
        self._entries: dict[str, _Entry] = {}

    def add(
        self,
        child: Child,
        ready: Ready | None = None,
        on_state: OnState | None = None,
        liveness: Liveness | None = None,
    ) -> None:
        """Take a child on; it starts with the service, or at once if that runs. Raises ChildError.

        With `liveness`, a child that is frozen is killed, and comes back as one that died.
        """
        if child.name in self._entries:
            raise ChildError(f"there is a child {child.name} already")
        self._entries[child.name] = _Entry(child, ready, on_state, liveness=liveness)
        if self.running:
            self._begin(self._entries[child.name])

    def state(self, name: str) -> ChildState:
        """Where the child is in its life."""
        return self._entries[name].state

    def why(self, name: str) -> str:
        """Why the child is not ready, or that it answers nothing, as far as it is known; empty when all is well."""
        return self._entries[name].why

    def pid(self, name: str) -> int | None:
        """The child's process, if it runs."""
        return self._entries[name].pid

    def adopted(self, name: str) -> bool:
        """The running process was started by an earlier server."""
        return self._entries[name].adopted

    async def wait(self, name: str, state: ChildState, timeout: float) -> None:
        """Until the child is in `state`. Raises TimeoutError."""
        entry = self._entries[name]
        if entry.state is not state:
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            entry.waiting.append((state, future))
            await asyncio.wait_for(future, timeout)

    def startService(self) -> None:
        """Adopt or start every child. Raises ChildError when another server keeps one of them."""
        super().startService()  # type: ignore[no-untyped-call]
        self._monitor.startService()
        for entry in self._entries.values():
            self._begin(entry)

    def stopService(self) -> Deferred[None]:
        """Stop every child in order: signal, deadline, kill; fires when no process is left."""
        super().stopService()  # type: ignore[no-untyped-call]
        self._monitor.stopService()
        return Deferred.fromFuture(asyncio.ensure_future(self._stop_all()))

    # --- starting

    def _begin(self, entry: _Entry) -> None:
        child = entry.child
        child.home.mkdir(parents=True, exist_ok=True)
        entry.lock = self._lock(child)
        identity = read_identity(child.identity)
        descriptor = hold(identity) if identity else None
        if identity and descriptor is not None:
            if identity.digest == digest_of(child.argv):
                log.info("child adopted", child=child.name, pid=identity.pid)
                entry.adopted = True
                self._watch(entry, identity.pid, descriptor)
                return
            # It was started for other settings: it would answer in the wrong place.
            log.info("child of other settings is replaced", child=child.name, pid=identity.pid)
            entry.replacing = asyncio.ensure_future(self._replace(entry, identity.pid, descriptor))
            return
        self._spawn(entry)

    def _lock(self, child: Child) -> int:
        descriptor = os.open(child.home / f"{child.name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        # A child that a killed server had just forked has the lock for a moment.
        end = time.monotonic() + LAUNCHED_WITHIN
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() < end:
                    time.sleep(0.02)
                    continue
                os.close(descriptor)
                raise ChildError(
                    f"another server keeps {child.name} in {child.home}: stop it, or use another home"
                ) from None
            return descriptor

    async def _replace(self, entry: _Entry, pid: int, descriptor: int) -> None:
        watch = self._hold(entry, pid, descriptor)
        await self._end(entry, watch, pid)
        self._let_go(entry)
        entry.replacing = None
        if self.running:
            self._spawn(entry)

    def _spawn(self, entry: _Entry) -> None:
        child = entry.child
        entry.adopted = False
        argv = launch_argv(child.argv, child.identity.absolute(), child.log.absolute())
        env = {**os.environ, **child.env}
        self._monitor.addProcess(child.name, argv, env=env, cwd=str(child.home))

    def _started(self, name: str, pid: int | None) -> None:
        entry = self._entries[name]
        try:
            descriptor = os.pidfd_open(pid or 0)
        except OSError:
            # It ended before we looked; procmon knows already and will try again.
            self._move(entry, ChildState.STARTING)
            entry.why = f"{name} ended at once; its output is in {entry.child.log}"
            self._move(entry, ChildState.DOWN)
            return
        log.info("child started", child=name, pid=pid)
        write_identity(entry.child.identity, pid or 0, entry.child.argv)
        self._watch(entry, pid or 0, descriptor)

    # --- watching

    def _hold(self, entry: _Entry, pid: int, descriptor: int) -> Watch:
        entry.pid, entry.ended = pid, asyncio.Event()
        entry.watch = Watch(descriptor, lambda: self._ended(entry))
        self._reactor.addReader(entry.watch)
        return entry.watch

    def _let_go(self, entry: _Entry) -> None:
        if entry.watch:
            self._reactor.removeReader(entry.watch)
            entry.watch.connectionLost(None)
        entry.watch, entry.pid = None, None

    def _watch(self, entry: _Entry, pid: int, descriptor: int) -> None:
        self._hold(entry, pid, descriptor)
        entry.why = f"{entry.child.name} is starting"
        self._move(entry, ChildState.STARTING)
        if entry.ready is None:
            entry.why = ""
            self._move(entry, ChildState.READY)
        else:
            entry.asking = asyncio.ensure_future(self._ask(entry, entry.ready))

    async def _ask(self, entry: _Entry, ready: Ready) -> None:
        """Ask the child until it is ready, and then whether it lives; its end cancels this."""
        clock = asyncio.get_running_loop().time
        began, liveness = clock(), entry.liveness
        while True:
            try:
                await ready()
            except Exception as error:
                entry.why = f"{entry.child.name} is not ready: {error}"
                if entry.adopted and liveness is not None and clock() - began > liveness.seconds:
                    # It was frozen before this server came.
                    self._kill(entry)
                    return
                await asyncio.sleep(0.2)
            else:
                entry.why = ""
                self._move(entry, ChildState.READY)
                break
        if liveness is not None:
            await frozen(liveness, lambda silent: self._silent(entry, silent))
            self._kill(entry)

    def _silent(self, entry: _Entry, seconds: float) -> None:
        entry.why = f"{entry.child.name} has answered nothing for {seconds:.0f} s" if seconds else ""

    def _kill(self, entry: _Entry) -> None:
        """A frozen child heeds no other signal; its end is then noticed like any other."""
        log.error("child is frozen and is killed", child=entry.child.name, pid=entry.pid, why=entry.why)
        if entry.watch is not None:
            send(entry.watch.fileno(), signal.SIGKILL)

    def _ended(self, entry: _Entry) -> None:
        """The child's process has ended, for any reason."""
        if entry.asking:
            entry.asking.cancel()
            entry.asking = None
        self._reactor.removeReader(entry.watch)
        entry.ended.set()
        if entry.state is ChildState.STOPPING or entry.state is ChildState.STOPPED:
            return
        name, pid, adopted = entry.child.name, entry.pid, entry.adopted
        log.warning("child died", child=name, pid=pid, adopted=adopted, log=str(entry.child.log))
        self._let_go(entry)
        entry.why = f"{name} died and is being started again; its output is in {entry.child.log}"
        self._move(entry, ChildState.DOWN)
        if adopted:
            self._spawn(entry)
        else:
            reapAllProcesses()

    def _move(self, entry: _Entry, state: ChildState) -> None:
        if state not in TRANSITIONS[entry.state]:
            raise ChildError(f"{entry.child.name} cannot go from {entry.state} to {state}")
        entry.state = state
        for wanted, future in entry.waiting:
            if wanted is state and not future.done():
                future.set_result(None)
        entry.waiting = [(wanted, future) for wanted, future in entry.waiting if not future.done()]
        if entry.on_state:
            try:
                entry.on_state(entry.child.name, state)
            except Exception:
                log.exception("a listener to child states failed", child=entry.child.name)

    # --- stopping

    async def _stop_all(self) -> None:
        for entry in reversed(self._entries.values()):
            await self._stop(entry)

    async def _stop(self, entry: _Entry) -> None:
        if entry.replacing:
            await entry.replacing
        if entry.asking:
            entry.asking.cancel()
            entry.asking = None
        if entry.state is not ChildState.STOPPED:
            self._move(entry, ChildState.STOPPING)
            if entry.watch and entry.pid:
                await self._end(entry, entry.watch, entry.pid)
            self._let_go(entry)
            reapAllProcesses()
            self._move(entry, ChildState.STOPPED)
        with contextlib.suppress(KeyError):
            self._monitor.removeProcess(entry.child.name)
        if entry.lock is not None:
            os.close(entry.lock)
            entry.lock = None
        entry.why = f"{entry.child.name} is stopped"

    async def _end(self, entry: _Entry, watch: Watch, pid: int) -> None:
        """Bring one process and what it started to an end. While it is a zombie of ours its pid is still its own."""
        child, clock = entry.child, asyncio.get_running_loop().time
        launched_by = clock() + LAUNCHED_WITHIN
        while not is_launched(pid) and clock() < launched_by:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        send(watch.fileno(), child.stop_signal)
        if await self._ended_within(entry, child.stop_timeout):
            await self._emptied_within(pid, GROUP_GRACE)
        else:
            log.warning("child does not stop and is killed", child=child.name, pid=pid, after=child.stop_timeout)
            send(watch.fileno(), signal.SIGKILL)
        if group_lives(pid):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)
            await self._emptied_within(pid, KILL_GRACE)
        await self._ended_within(entry, KILL_GRACE)
        reapAllProcesses()
        child.identity.unlink(missing_ok=True)

    @staticmethod
    async def _emptied_within(group: int, seconds: float) -> None:
        clock = asyncio.get_running_loop().time
        deadline = clock() + seconds
        while group_lives(group) and clock() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.05)  # the kernel tells nobody when a group becomes empty

    @staticmethod
    async def _ended_within(entry: _Entry, seconds: float) -> bool:
        try:
            await asyncio.wait_for(entry.ended.wait(), seconds)
        except TimeoutError:
            return False
        return True
