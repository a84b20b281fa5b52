"""From event to command: append, play, hand over.

The leader's one way into the log. An event is durable, then played; only then do the commands that follow from it
reach the session that owns the channel. Nothing is decided here.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import islice
from typing import NamedTuple

import structlog
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

import acd.events as acd
from acd.commands import Announce, Command, Divert, Moved, Offer, Withdraw
from server.log import Entry, Fenced, Lease, Log, Snapshot
from server.state import State, Unwritten

Owner = Callable[[Command], None]
Listener = Callable[[Entry, Sequence[Command]], None]

_log = structlog.get_logger("dispatcher")
_FOR_A_CALL = (Offer, Withdraw, Announce, Divert, Moved)


class NotLeading(Exception):
    """This server does not lead, or not any more: nothing was recorded."""


class _Pending(NamedTuple):
    """Events that wait to be appended together; notes with their cause, others with who waits for them."""

    events: tuple[object, ...]
    cause: Unwritten | None = None
    done: asyncio.Future[float] | None = None


class Dispatcher:
    """Records events for one leader and delivers what the floor answers.

    `lease_ttl` is how long a lease lasts, in seconds; it is renewed three times in that time. `on_fenced` is
    called once when another server has taken over.
    """

    def __init__(
        self,
        log: Log,
        lease: Lease,
        state: State,
        *,
        lease_ttl: float = 2.0,
        snapshot_every: int = 5000,
        on_fenced: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.state = state
        self.lease = lease
        self.problem = ""
        """Why nothing can be recorded at the moment, as a sentence; empty when all is well."""
        self.trim_behind: Callable[[], str] = lambda: "0-0"
        """Id up to which every reader has read; the log is trimmed no further."""
        self._log, self._ttl, self._snapshot_every = log, lease_ttl, snapshot_every
        self._on_fenced, self._clock = on_fenced, clock
        self._renewed = time.monotonic()
        self._batch = 0
        self._since_snapshot = 0
        self._pending: list[_Pending] = []
        self._wake = asyncio.Event()
        self._owners: dict[int, Owner] = {}
        self._listeners: list[Listener] = []
        self._waiters: dict[asyncio.Future[None], Callable[[State], bool]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._tick_pending = False
        self._fenced = False
        self._closing = False
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin to lead: write the notes that a crash kept from the log, and go on."""
        self._pending += (_Pending((each.note,), each) for each in self.state.unwritten)
        self._wake.set()
        self._tasks = [asyncio.create_task(self._write()), asyncio.create_task(self._keep_lease())]
        self._arm()

    async def stop(self) -> None:
        """Write what is pending, leave a snapshot, and let another server lead."""
        self._closing = True
        self._wake.set()
        if self._timer:
            self._timer.cancel()
        if self._tasks:
            writer, keeper = self._tasks
            with suppress(TimeoutError, asyncio.CancelledError):
                await asyncio.wait_for(writer, 5.0)
            keeper.cancel()
            await asyncio.gather(writer, keeper, return_exceptions=True)
        self._fail_pending("the server is stopping")
        if not self._fenced:
            with suppress(RedisError, Fenced, OSError):
                await self._save_snapshot()
                await self._log.release(self.lease)

    def submit(self, *events: object) -> asyncio.Future[float]:
        """Hand over events to be appended as one batch, in order of the calls; the result is their instant once played.

        While Redis is away they wait. The future fails with NotLeading when another server has taken over or this
        one stops; a caller that does not look is not bothered.
        """
        done: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        done.add_done_callback(lambda future: future.cancelled() or future.exception())
        if self._fenced or self._closing:
            done.set_exception(NotLeading("this server does not lead: ask the one that does"))
        else:
            self._pending.append(_Pending(events, None, done))
            self._wake.set()
        return done

    async def record(self, *events: object) -> float:
        """Append the events and play them; returns their instant. Raises NotLeading."""
        return await self.submit(*events)

    async def until(self, holds: Callable[[State], bool], deadline: float) -> bool:
        """Wait until the played state satisfies `holds`, `deadline` seconds at most; says whether it does."""
        if holds(self.state):
            return True
        met: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters[met] = holds
        try:
            await asyncio.wait_for(met, deadline)
        except TimeoutError:
            return False
        finally:
            self._waiters.pop(met, None)
        return True

    def own(self, call: int, owner: Owner) -> Callable[[], None]:
        """From now on commands for this call go to `owner`; returns the function that ends it."""
        self._owners[call] = owner

        def release() -> None:
            if self._owners.get(call) is owner:
                del self._owners[call]

        return release

    def owned(self, call: int) -> bool:
        """Whether a session holds this call here."""
        return call in self._owners

    def listen(self, listener: Listener) -> None:
        """Be told of every entry, after it was played, with the commands it led to. Must not block."""
        self._listeners.append(listener)

    async def _write(self) -> None:
        while True:
            if not self._pending:
                if self._closing:
                    return
                self._wake.clear()
                await self._wake.wait()
                continue
            taken, self._pending = self._pending, []
            try:
                entries = await self._append(taken)
            except Fenced:
                self._pending = taken + self._pending
                self._fence()
                return
            commands = self._play(entries)
            for each in taken:
                if each.done is not None and not each.done.done():
                    each.done.set_result(self.state.at)
            for command in commands:
                self._deliver(command)
            for met, holds in list(self._waiters.items()):
                if not met.done() and holds(self.state):
                    met.set_result(None)
            self._arm()
            self._since_snapshot += len(entries)
            if self._since_snapshot >= self._snapshot_every:
                await self._save_quietly()

    async def _append(self, pending: Sequence[_Pending]) -> list[Entry]:
        """Append one batch, again and again until Redis says that it has it."""
        self._batch += 1
        at = max(self._clock(), self.state.at)
        rows = [
            (event, each.cause.at if each.cause else at, each.cause.after if each.cause else "")
            for each in pending
            for event in each.events
        ]
        delay = 0.02
        while True:
            try:
                entries = await self._log.append(self.lease, self._batch, rows)
                if time.monotonic() - self._renewed > self._ttl:
                    await self._renew()
            except (RedisConnectionError, RedisTimeoutError, OSError) as error:
                if not self.problem:
                    _log.warning("nothing can be recorded: Redis does not answer", error=str(error))
                self.problem = f"Redis does not answer: {error}"
                await asyncio.sleep(delay)
                delay = min(delay * 2, 0.5)
                continue
            except RedisError as error:
                if "LOADING" not in str(error) and "MISCONF" not in str(error) and "OOM" not in str(error):
                    raise
                self.problem = f"Redis refuses to write: {error}"
                await asyncio.sleep(0.2)
                continue
            self.problem = ""
            return entries

    def _play(self, entries: Sequence[Entry]) -> list[Command]:
        commands: list[Command] = []
        for entry in entries:
            known = len(self.state.unwritten)
            answered = self.state.play(entry)
            commands += answered
            self._pending += (_Pending((each.note,), each) for each in islice(self.state.unwritten, known, None))
            if isinstance(entry.event, acd.Tick):
                self._tick_pending = False
            for listener in self._listeners:
                listener(entry, answered)
        return commands

    def _deliver(self, command: Command) -> None:
        if not isinstance(command, _FOR_A_CALL):
            return
        owner = self._owners.get(command.call)
        if owner is not None:
            owner(command)
        elif isinstance(command, Offer):
            lost = acd.OfferFailed(command.offer, acd.Outcome.LOST, "no session holds the caller")
            self._pending.append(_Pending((acd.CallDetached(command.call), lost)))
            self._wake.set()

    def _arm(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
        due = self.state.floor.next_timer()
        if due is not None and not self._tick_pending and not self._closing:
            delay = max(0.0, due - self._clock())
            self._timer = asyncio.get_running_loop().call_later(delay, self._tick)

    def _tick(self) -> None:
        self._tick_pending = True
        self._pending.append(_Pending((acd.Tick(),)))
        self._wake.set()

    async def _keep_lease(self) -> None:
        while not self._fenced:
            await asyncio.sleep(self._ttl / 3)
            try:
                await self._renew()
            except Fenced:
                self._fence()
            except (RedisError, OSError) as error:
                self.problem = self.problem or f"Redis does not answer: {error}"
            else:
                if not self._pending:
                    self.problem = ""

    async def _renew(self) -> None:
        sent = time.monotonic()
        await self._log.renew(self.lease, self._ttl)
        self._renewed = sent

    def _fence(self) -> None:
        if self._fenced:
            return
        self._fenced = True
        self.problem = "another server leads now"
        if self._timer:
            self._timer.cancel()
        self._fail_pending(self.problem)
        _log.error("another server took the lead: letting go of every call", token=self.lease.token)
        self._on_fenced()

    def _fail_pending(self, why: str) -> None:
        pending, self._pending = self._pending, []
        for each in pending:
            if each.done is not None and not each.done.done():
                each.done.set_exception(NotLeading(why))

    async def _save_quietly(self) -> None:
        try:
            await self._save_snapshot()
        except Fenced:
            self._fence()
        except (RedisError, OSError) as error:
            _log.warning("the snapshot was not saved: the log is kept in full", error=str(error))

    async def _save_snapshot(self) -> None:
        snapshot = Snapshot(self.state.position, self.state.snapshot())
        await self._log.save_snapshot(self.lease, snapshot)
        self._since_snapshot = 0
        behind = min(snapshot.id, self.trim_behind(), key=id_order)
        if id_order(behind) > (0, 0):
            await self._log.trim(behind)


def id_order(entry_id: str) -> tuple[int, int]:
    """Entry ids as they are ordered in the log."""
    milliseconds, _, sequence = entry_id.partition("-")
    return int(milliseconds), int(sequence or 0)


async def rebuild(log: Log) -> State:
    """The state as the log has it now.

    Restart time is bounded by the snapshot's size and the entries since, not by the length of the day.
    """
    snapshot = await log.load_snapshot()
    state = State.restore(snapshot.data) if snapshot else State()
    while entries := await log.read(state.position, count=2000):
        for entry in entries:
            state.play(entry)
    return state
