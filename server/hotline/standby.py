"""A server that does not lead plays the log as it grows: its state is the leader's a moment ago, ready to take over.

A server that stood by for days and one that has just started arrive at the same state; a reader that fell behind what
was trimmed begins again from the snapshot.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog
from redis.exceptions import RedisError

from server.eventlog.log import Lease, Log, LogGap
from server.hotline.state import HotlineState

_log = structlog.get_logger("standby")
_AT_ONCE = 2000


async def rebuild(log: Log) -> HotlineState:
    """The state as the log has it now. Raises LogGap and Redis's errors.

    Restart time is bounded by the snapshot's size and the entries since, not by the length of the day.
    """
    while True:
        snapshot = await log.load_snapshot()
        state = HotlineState.restore(snapshot.data) if snapshot else HotlineState()
        try:
            while await _play_on(log, state):
                pass
            return state
        except LogGap:
            # A leader that goes on may save and trim while this one reads; then there is a newer snapshot.
            newer = await log.load_snapshot()
            if newer is None or (snapshot is not None and newer.id == snapshot.id):
                raise


class Standby:
    """A server that waits for the lead. `node` is its name, a lease lasts `ttl` seconds. `address` is where people
    reach its pages, and the other servers are told."""

    def __init__(self, log: Log, node: str, ttl: float, address: str = "") -> None:
        self._log, self._node, self._ttl, self._address = log, node, ttl, address
        self.state = HotlineState()
        self.leader = ""
        """The server that leads at the moment, as far as is known; empty while none does."""
        self.leader_address = ""
        """Where people reach the pages of that server; empty: it has not told."""
        self.problem = ""
        """Why the log cannot be read at the moment; empty when it can."""

    async def lead(self, on_waiting: Callable[[str], None] = lambda leader: None) -> tuple[Lease, HotlineState]:
        """Play along until the lead is free, and take it; the state is then the log's last word.

        `on_waiting(leader)` is called at every change of leader that is waited for. Raises LogGap when the
        log has lost its snapshot.
        """
        built = False
        while True:
            try:
                if not built:
                    await self._log.announce(self._node, self._address)
                    self.state = await rebuild(self._log)
                    built = True
                lease = await self._log.acquire(self._node, self._ttl)
                if lease is not None:
                    # Nobody else appends from here on.
                    await self._catch_up()
                    self.problem = ""
                    return lease, self.state
                await self._wait(on_waiting)
                self.problem = ""
            except (RedisError, OSError) as error:
                self.problem = f"Redis does not answer: {error}"
                await asyncio.sleep(0.1)

    async def _wait(self, on_waiting: Callable[[str], None]) -> None:
        leader = await self._log.holder()
        if leader and leader != self.leader:
            self.leader = leader
            self.leader_address = await self._log.address_of(leader)
            on_waiting(leader)
        end = asyncio.get_running_loop().time() + self._ttl / 8
        while (left := end - asyncio.get_running_loop().time()) > 0:
            await self._catch_up(block_ms=max(1, int(left * 1000)))

    async def _catch_up(self, block_ms: int | None = None) -> None:
        try:
            while await _play_on(self._log, self.state, block_ms):
                if block_ms is not None:
                    return
        except LogGap:
            _log.info("what was missed is trimmed: beginning again from the snapshot", position=self.state.position)
            self.state = await rebuild(self._log)


async def _play_on(log: Log, state: HotlineState, block_ms: int | None = None) -> int:
    entries = await log.read(state.position, count=_AT_ONCE, block_ms=block_ms)
    for entry in entries:
        state.play(entry)
    return len(entries)
