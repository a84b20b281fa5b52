"""From event to command: append, play, hand over.

The leader's one way into the log. An event is durable, then played; only then do the commands that follow from it reach
the session that owns the channel. Nothing is decided here. An error of a listener or of a session stays its own, and so
does an event that the log could not give back; when the writing itself fails, this server leads no more, and says so.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from itertools import islice
from typing import NamedTuple, TypeVar

import structlog
from redis.exceptions import RedisError, ResponseError

import acd.events as acd
from acd.callbacks.commands import OfferCallback
from acd.commands import Announce, Command, Divert, Moved, Offer, Withdraw
from server.eventlog.clock import Clock
from server.eventlog.log import Entry, Fenced, Lease, Log, Row, Snapshot, Unwritable, id_order, verified
from server.hotline.notes import Unwritten
from server.hotline.state import HotlineState
from server.tasks import end

Owner = Callable[[Command], None]
Listener = Callable[[Entry, Sequence[Command]], None]

T = TypeVar("T")
BATCH = 500
"""Events appended at once, at most: after an outage no caller waits for one huge batch."""

_log = structlog.get_logger("dispatcher")
_FOR_A_CALL = (Offer, Withdraw, Announce, Divert, Moved, OfferCallback)


class NotLeading(Exception):
    """This server does not lead, or not any more: nothing was recorded. `address` is where people reach the pages of
    the one that leads, as far as it has told; empty: it is not known."""

    def __init__(self, why: str, address: str = "") -> None:
        super().__init__(why)
        self.address = address


class _Pending(NamedTuple):
    """Rows that are appended together, and their waiter's future. `refused` are the faults of others among them."""

    rows: Sequence[Row]
    done: asyncio.Future[float] | None = None
    refused: Sequence[Unwritable] = ()


class Dispatcher:
    """Records events for one leader and delivers what the floor answers.

    `lease_ttl` is how long a lease lasts, in seconds; it is renewed three times in that time. A snapshot is saved
    after so many entries, or with the first entry after so many seconds. `on_lost(why)` is called once when this
    server leads no more: another one has taken over, or writing failed in a way that only beginning anew mends.
    """

    def __init__(
        self,
        log: Log,
        lease: Lease,
        state: HotlineState,
        *,
        lease_ttl: float = 2.0,
        snapshot_every: int = 5000,
        snapshot_seconds: float = 60.0,
        on_lost: Callable[[str], None] = lambda why: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.state = state
        self.lease = lease
        self.trim_behind: Callable[[], str] = lambda: "0-0"
        """Id up to which every reader has read; the log is trimmed no further."""
        self.refused = 0
        """Events that were not written because the log would not have given them back as they were."""
        self._log, self._ttl = log, lease_ttl
        self._snapshot_every, self._snapshot_seconds = snapshot_every, snapshot_seconds
        self._on_lost, self._clock = on_lost, Clock(clock, after=state.at)
        self._renewed = time.monotonic()
        self._saved = float("-inf")
        self._batch = 0
        self._since_snapshot = 0
        self._stamped = state.at
        self._pending: list[_Pending] = []
        self._wake, self._at_rest = asyncio.Event(), asyncio.Event()
        self._at_rest.set()
        self._owners: dict[int, Owner] = {}
        self._listeners: list[Listener] = []
        self._waiters: dict[asyncio.Future[None], Callable[[HotlineState], bool]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._tick_pending = False
        self._lost = ""
        self._redis_problem = ""
        self._closing = False
        self._still = False
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def problem(self) -> str:
        """Why nothing can be recorded at the moment, as a sentence; empty when all is well."""
        return self._lost or self._redis_problem

    async def start(self, *, still: bool = False) -> None:
        """Begin to lead: write the notes that a crash kept from the log, and go on.

        With `still`, time stands still at the log's last instant until `go_on`: what happened while nobody watched
        is told first, so that no phone that was answered meanwhile counts as one that rang too long.
        """
        self._still = still
        self._write_notes(list(self.state.unwritten))
        self._wake.set()
        self._tasks = [asyncio.create_task(self._write()), asyncio.create_task(self._keep_lease())]
        self._arm()

    def go_on(self) -> None:
        """Time goes on from where it really is."""
        self._still = False
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
            await end(writer)
            await end(keeper)
        self._fail_pending("the server is stopping")
        if not self._lost:
            with suppress(RedisError, Fenced, OSError):
                await self._save_snapshot()
        with suppress(RedisError, OSError):
            await self._log.release(self.lease)

    def submit(self, *events: object) -> asyncio.Future[float]:
        """Hand over events to be appended as one batch, in order of the calls; the result is the instant of the last.

        They have happened now: that stays their instant while they wait for a Redis that is away. The future fails
        with NotLeading when another server has taken over or this one stops, and with Unwritable when the log could
        not give one of the events back as it is: that one is left out, the others are in the log. A caller that does
        not look is not bothered. Raises KeyError for what is no event of the log.
        """
        done: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        done.add_done_callback(lambda future: future.cancelled() or future.exception())
        refused: list[Unwritable] = []
        rows = self._rows(events, refused)
        if self._lost or self._closing:
            done.set_exception(NotLeading("this server does not lead: ask the one that does"))
        else:
            self._hand_over(_Pending(rows, done, refused))
        return done

    async def record(self, *events: object) -> float:
        """Append the events and play them; returns their instant. Raises NotLeading, and Unwritable as `submit`."""
        return await self.submit(*events)

    async def until(self, holds: Callable[[HotlineState], bool], deadline: float) -> bool:
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

    async def at_rest(self) -> None:
        """Wait until no event is on its way into the log."""
        await self._at_rest.wait()

    def own(self, call: int, owner: Owner) -> Callable[[], None]:
        """From now on commands for this call go to `owner`; returns the function that ends it."""
        self._owners[call] = owner

        def release() -> None:
            if self._owners.get(call) is owner:
                del self._owners[call]

        return release

    def tell(self, command: Command) -> None:
        """Give the session that holds a call a command of the server's own, as if it were the floor's."""
        self._deliver(command)

    def owned(self, call: int) -> bool:
        """Whether a session holds this call here."""
        return call in self._owners

    def listen(self, listener: Listener) -> None:
        """Be told of every entry, after it was played, with the commands it led to. Must not block."""
        self._listeners.append(listener)

    def _rows(self, events: Sequence[object], refused: list[Unwritable] | None = None) -> list[Row]:
        self._stamped = at = self._stamped if self._still else max(self._clock(), self._stamped)
        rows: list[Row] = []
        for event in events:
            try:
                rows.append(Row(event, *verified(event), at))
            except Unwritable as error:
                self._refuse(error)
                if refused is not None:
                    refused.append(error)
        return rows

    def _write_notes(self, unwritten: Iterable[Unwritten]) -> None:
        for each in unwritten:
            try:
                self._pending.append(_Pending((Row(each.note, *verified(each.note), each.at, each.after),)))
            except Unwritable as error:
                self.state.unwritten.remove(each)
                self._refuse(error)

    def _refuse(self, error: Unwritable) -> None:
        self.refused += 1
        _log.error("an event is left out of the log", error=str(error))

    def _hand_over(self, pending: _Pending) -> None:
        self._pending.append(pending)
        self._at_rest.clear()
        self._wake.set()

    async def _write(self) -> None:
        try:
            while not (self._closing and not self._pending):
                if self._pending:
                    await self._write_batch()
                else:
                    self._at_rest.set()
                    self._wake.clear()
                    await self._wake.wait()
        except Fenced as error:
            self._lose(str(error))
        except Exception as error:
            _log.exception("writing to the log failed")
            self._lose(f"writing to the log failed ({type(error).__name__}: {error})")

    async def _write_batch(self) -> None:
        taken = self._take()
        try:
            entries = await self._append([row for each in taken for row in each.rows])
            commands = self._play(entries)
            for each in taken:
                if each.done is None or each.done.done():
                    continue
                if each.refused:
                    each.done.set_exception(each.refused[0])
                else:
                    each.done.set_result(each.rows[-1].at if each.rows else self.state.at)
            taken = []
            # A server that was suspended since the last renewal may have lost the lead: it acts only when it is sure.
            if time.monotonic() - self._renewed > self._ttl:
                await self._insist(self._renew)
        finally:
            self._pending[:0] = taken
        for command in commands:
            self._deliver(command)
        self._tell_waiters()
        self._arm()
        self._since_snapshot += len(entries)
        if self._since_snapshot >= self._snapshot_every or time.monotonic() - self._saved > self._snapshot_seconds:
            await self._save_quietly()

    def _take(self) -> list[_Pending]:
        count = rows = 0
        while count < len(self._pending) and (not count or rows + len(self._pending[count].rows) <= BATCH):
            rows += len(self._pending[count].rows)
            count += 1
        taken, self._pending = self._pending[:count], self._pending[count:]
        return taken

    async def _append(self, rows: list[Row]) -> list[Entry]:
        self._batch += 1
        return await self._insist(lambda: self._log.append(self.lease, self._batch, rows))

    async def _insist(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask Redis again and again until it has answered. Raises Fenced."""
        delay = 0.02
        while True:
            try:
                answer = await ask()
            except (RedisError, OSError) as error:
                refused = isinstance(error, ResponseError)
                if not self._redis_problem:
                    _log.warning("nothing can be recorded at the moment", error=str(error), refused=refused)
                self._redis_problem = f"Redis {'refuses to write' if refused else 'does not answer'}: {error}"
                await asyncio.sleep(delay)
                delay = min(delay * 2, 0.5)
            else:
                self._redis_problem = ""
                return answer

    def _play(self, entries: Sequence[Entry]) -> list[Command]:
        commands: list[Command] = []
        for entry in entries:
            known = len(self.state.unwritten)
            answered = self.state.play(entry)
            commands += answered
            self._write_notes(list(islice(self.state.unwritten, known, None)))
            if isinstance(entry.event, acd.Tick):
                self._tick_pending = False
            for listener in self._listeners:
                try:
                    listener(entry, answered)
                except Exception:
                    _log.exception("a listener failed on an entry", entry=entry.id, kind=type(entry.event).__name__)
        return commands

    def _deliver(self, command: Command) -> None:
        if not isinstance(command, _FOR_A_CALL):
            return
        owner = self._owners.get(command.call)
        if owner is not None:
            try:
                owner(command)
            except Exception:
                _log.exception("a session failed on a command", kind=type(command).__name__)
        elif isinstance(command, Offer):
            lost = acd.OfferFailed(command.offer, acd.Outcome.LOST, "no session holds the caller")
            self._hand_over(_Pending(self._rows((acd.CallDetached(command.call), lost))))

    def _tell_waiters(self) -> None:
        for met, holds in list(self._waiters.items()):
            if met.done():
                continue
            try:
                if holds(self.state):
                    met.set_result(None)
            except Exception as error:
                met.set_exception(error)

    def _arm(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
        due = None if self._still else self.state.next_timer()
        if due is not None and not self._tick_pending and not self._closing and not self._lost:
            delay = self._clock.seconds_to(due)
            self._timer = asyncio.get_running_loop().call_later(delay, self._tick)

    def _tick(self) -> None:
        self._tick_pending = True
        self._hand_over(_Pending(self._rows((acd.Tick(),))))

    async def _keep_lease(self) -> None:
        while not self._lost:
            await asyncio.sleep(self._ttl / 3)
            try:
                await self._renew()
            except Fenced as error:
                self._lose(str(error))
            except (RedisError, OSError) as error:
                self._redis_problem = self._redis_problem or f"Redis does not answer: {error}"
            else:
                if not self._pending:
                    self._redis_problem = ""

    async def _renew(self) -> None:
        sent = time.monotonic()
        await self._log.renew(self.lease, self._ttl)
        self._renewed = sent

    def _lose(self, why: str) -> None:
        if self._lost:
            return
        self._lost = why
        if self._timer:
            self._timer.cancel()
        self._fail_pending(why)
        _log.error("this server leads no more: letting go of every call", why=why, token=self.lease.token)
        self._on_lost(why)

    def _fail_pending(self, why: str) -> None:
        pending, self._pending = self._pending, []
        for each in pending:
            if each.done is not None and not each.done.done():
                each.done.set_exception(NotLeading(why))

    async def _save_quietly(self) -> None:
        self._saved = time.monotonic()
        try:
            await self._save_snapshot()
        except (RedisError, OSError, TypeError, ValueError) as error:
            _log.warning("the snapshot was not saved: the log is kept in full", error=str(error))

    async def _save_snapshot(self) -> None:
        snapshot = Snapshot(self.state.position, self.state.snapshot())
        await self._log.save_snapshot(self.lease, snapshot)
        self._since_snapshot = 0
        behind = min(snapshot.id, self.trim_behind(), key=id_order)
        if id_order(behind) > (0, 0):
            await self._log.trim(self.lease, behind)
