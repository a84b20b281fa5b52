"""How soon the floor's pages know what happened, and what that costs the server that carries the calls.

A server without Asterisk (Redis, dispatcher, projector, SQLite, HTTP) has 500 agents and 200 waiting calls. As many
browsers as agents, and 20 floors, hold a stream each; 20 events a second happen. Each event tells its own instant, so
that a floor's client sees how long it took to come. Beside ours stands the plain way: everything to everybody, over the
same streams. The server's share of a core, and how long one event takes in the dispatcher, are measured without any
stream, too. The three have their turns in rounds, so that a machine that becomes slower does so for all of them.

    python bench/desk.py [--agents 500] [--floors 20] [--seconds 12] [--rounds 3] [--painted-by COMMAND]

Ticks of the server keep to a twentieth of its loop: a way that costs more than that tells more seldom instead, and what
it saves so is missing at the receiver. The plain way is therefore measured without that limit. Then both tell as often
(50 ms after the last tick at the soonest), what each costs is counted by the event, and the ratio compares the cost of
the same news at the same pace. Ours is told as the product tells it.

What the dispatcher waits for is the loop that it shares with the ticks. Its instants say so only on a quiet machine;
how long one piece of work holds the loop is counted in time of the processor, too, and says so on any.

The clients are one thread of this process, which reads most of what they are told away. Then, with all streams held, a
browser on the floor's page tells when it has painted what happened, how soon it showed the floor, and whether scrolling
through all agents is fluid. `--painted-by` names another command than `bench/painted.py` for it, or (empty) none.

The last line is the 95th percentile from event to receiver in milliseconds, and the server's share of a core as ratio.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import json
import os
import random
import shlex
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack, suppress
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from statistics import quantiles

from stream_clients import Client, Clients

import acd.events as acd
from acd.policy.definitions import Requirement, Skill

TREE = Path(__file__).resolve().parent.parent
HERTZ = os.sysconf("SC_CLK_TCK")
MEDIA = Requirement((Skill("media"),))
WAITING = 200
RATE = 20
"""Events a second."""
PACE = 0.5
"""Seconds between two batches of the records, as the product has it."""
CLOCKS = 3
"""Floors of which it is kept what they are told, and when."""
PAINTED_BY = f"{sys.executable} {Path(__file__).with_name('painted.py')}"


@dataclass(slots=True)
class Turn:
    """One way to tell, in all rounds."""

    delays: list[float] = field(default_factory=list)
    """Milliseconds from an event to a floor's client."""
    dispatched: list[float] = field(default_factory=list)
    """Milliseconds that an event took in the dispatcher."""
    held: list[float] = field(default_factory=list)
    """Milliseconds of the processor of each piece of work that held the loop for half of one at least."""
    processor: float = 0.0
    """Seconds of it that the server took."""
    received: int = 0
    """Bytes."""

    @property
    def share(self) -> float:
        """Of a core, by the server, at `RATE` events a second: by the event, so that it holds where it was too busy for
        so many."""
        return self.processor / max(1, len(self.dispatched)) * RATE


def p95(values: list[float]) -> float:
    """The 95th percentile."""
    return quantiles(values, n=20)[-1] if len(values) > 1 else float("nan")


# The server, in a process of its own


async def serve(agents: int, waiting: int) -> None:
    """Serve until standard input ends. Lines of it are orders: `SECONDS RATE LIMIT`."""
    sys.path.insert(0, str(TREE))
    from server.commands.run import SWITCH
    from server.storage.database import open_database
    from server.storage.schema.migrate import migrate
    from server.usecases.principal import Role
    from server.web.live import streams
    from server.web.serve import HttpServer
    from tests.redis_server import MEMORY, RedisServer
    from tests.server.web.api_server import OWNER, new_application, running

    sys.setswitchinterval(SWITCH)
    with ExitStack() as stack:
        home = stack.enter_context(tempfile.TemporaryDirectory(prefix="sansheng-bench-", dir=MEMORY))
        redis = RedisServer(Path(home))
        redis.start()
        stack.callback(redis.kill)
        database = open_database(f"sqlite:///{home}/records.db")
        migrate(database.write)
        async with running(redis, database, Path(home), pace=PACE) as server:
            server.application()
            for number in range(agents):
                await server.dispatcher.record(
                    acd.AgentDefined(str(1001 + number), f"坐席 {1001 + number}", (Skill("complaint", 5),), ("A",)),
                    acd.StatusSet(str(1001 + number), acd.Status.AVAILABLE),
                )
            for call in range(1, waiting + 1):
                await arrive(server, call, "waits")
            issue = server.acts.tokens.create
            desks = [
                (await issue(OWNER, name=f"desk {n}", role=Role.AGENT, agent=str(1001 + n)))[1] for n in range(agents)
            ]
            floor = (await issue(OWNER, name="floor", role=Role.SUPERVISOR))[1]
            tokens = [(await issue(OWNER, name=f"all {n}", role=Role.SUPERVISOR))[1] for n in range(-(-agents // 50))]
            everybody = [tokens[n // 50] for n in range(agents)]
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                port = free.getsockname()[1]
            api = new_application()
            http = HttpServer(api, "127.0.0.1", port, connections=4096, of_one_address=4096)
            await http.start()
            gc.collect()
            gc.freeze()  # as the product does
            print(json.dumps({"port": port, "desks": desks, "floor": floor, "everybody": everybody}), flush=True)
            orders = asyncio.StreamReader()
            await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
            usual, held = streams.AHEAD, held_by_pieces()
            happening = Happening(server, agents, waiting)
            while order := (await orders.readline()).split():
                streams.AHEAD = usual if order[2] == b"limited" else inf
                held.clear()
                took = await happening.go_on(float(order[0]), float(order[1]))
                print(json.dumps({"took": took, "held": held}), flush=True)
            await api.state.streams.stop()
            await http.stop()
        database.dispose()


def held_by_pieces() -> list[float]:
    """From now on: milliseconds of the processor of each piece of work of the loop, of half a millisecond at least."""
    held: list[float] = []
    done = asyncio.Handle._run

    def run(handle: asyncio.Handle) -> None:
        began = time.thread_time()
        done(handle)
        if (took := (time.thread_time() - began) * 1000) >= 0.5:
            held.append(took)

    asyncio.Handle._run = run  # type: ignore[method-assign]
    return held


async def arrive(server, call: int, name: str) -> None:  # type: ignore[no-untyped-def]
    """A call comes and waits in a queue that no agent serves."""
    number = f"138{call:08d}"
    await server.dispatcher.record(
        acd.CallArrived(call, number, "4001", f"PJSIP/{call}", f"u{call}", time.time(), "one", name=name),
        acd.CallQueued(call, "media", MEDIA, time.time(), caller=number),
    )


class Happening:
    """What happens on the floor: agents change their status, calls come, are raised and go."""

    def __init__(self, server, agents: int, waiting: int) -> None:  # type: ignore[no-untyped-def]
        self._server, self._agents, self._calls = server, agents, list(range(1, waiting + 1))
        self._random, self._last = random.Random(7), waiting
        self._count = 0

    async def go_on(self, seconds: float, rate: float) -> list[float]:
        """So many events a second; how many milliseconds each took in the dispatcher."""
        took, end = [], time.monotonic() + seconds
        while (began := time.monotonic()) < end:
            await self._one()
            took.append((time.monotonic() - began) * 1000)
            await asyncio.sleep(max(0.0, 1 / rate - (time.monotonic() - began)))
        return took

    async def _one(self) -> None:
        self._count += 1
        now = f"{time.time():.6f}"
        record = self._server.dispatcher.record
        match self._count % 4:
            case 0:
                self._last += 1
                self._calls.append(self._last)
                await arrive(self._server, self._last, now)
            case 1:
                await record(acd.CallEnded(self._calls.pop(self._random.randrange(len(self._calls))), "caller_hung_up"))
            case _:
                status = self._random.choice((acd.Status.BREAK, acd.Status.AVAILABLE))
                await record(acd.StatusSet(str(1001 + self._random.randrange(self._agents)), status, now))


# The browsers


@contextlib.asynccontextmanager
async def held(port: int, desks: list[str], floor: str, floors: int) -> AsyncIterator[list[Client]]:
    """These streams; the floors of which it is kept what they are told."""
    kept = [Client(floor, kept=True) for _ in range(min(CLOCKS, floors))]
    clients = Clients(port, [*(Client(each) for each in [*desks, *[floor] * (floors - len(kept))]), *kept])
    try:
        await asyncio.to_thread(clients.come)
        await asyncio.sleep(1)
        yield kept
    finally:
        await asyncio.to_thread(clients.go)


async def happen(server: asyncio.subprocess.Process, seconds: float, *, limited: bool = True) -> dict[str, list[float]]:
    """Let things happen for some seconds; the milliseconds that each event `took` in the dispatcher, and that the loop
    was `held` by pieces of work. `limited`: ticks keep to their part of the loop."""
    assert server.stdin is not None
    assert server.stdout is not None
    server.stdin.write(f"{seconds} {RATE} {'limited' if limited else 'free'}\n".encode())
    told: dict[str, list[float]] = json.loads(await server.stdout.readline())
    return told


async def measure(
    turn: Turn,
    server: asyncio.subprocess.Process,
    port: int,
    way: tuple[list[str], str, int],
    seconds: float,
    *,
    limited: bool = True,
) -> None:
    """Let things happen while streams are held: tokens of agents, the floors' token, and how many floors there are."""
    async with held(port, *way) as clocks:
        began, before = time.time(), processor_time(server.pid)
        told = await happen(server, seconds, limited=limited)
        turn.dispatched += told["took"]
        turn.held += told["held"]
        turn.processor += processor_time(server.pid) - before
        await asyncio.sleep(0.5)
    for clock in clocks:
        turn.received += sum(len(told) for at, told in clock.told if at >= began)
        turn.delays += delays(clock, began)


def delays(clock: Client, began: float) -> list[float]:
    """Milliseconds from each event after this instant to this client's socket."""
    found: dict[float, float] = {}
    for at, data in clock.events(began):
        rows = data["rows"]
        for each in [row["reason"] for row in rows.get("agents", ())] + [row["name"] for row in rows.get("calls", ())]:
            if each and each[0] == "1" and "." in each and float(each) >= began:
                found.setdefault(float(each), (at - float(each)) * 1000)
    return list(found.values())


def processor_time(pid: int) -> float:
    """Seconds of processor time that a process has taken."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / HERTZ


def say(name: str, turn: Turn) -> None:
    """Print a turn."""
    delays = f"event to receiver p95 {p95(turn.delays):.1f} ms ({len(turn.delays)} seen), " if turn.delays else ""
    print(
        f"{name}: {delays}dispatch p95 {p95(turn.dispatched):.2f} ms, server {100 * turn.share:.1f} % of a core, "
        f"{turn.received / 1e6 / CLOCKS:.1f} MB to a floor"
    )
    long = sum(each > 2 for each in turn.held) / max(1, len(turn.dispatched))
    print(
        f"  the loop is held for more than 2 ms {long:.2f} times an event, {max(turn.held, default=0):.1f} ms at most"
    )


async def compare(agents: int, floors: int, seconds: float, rounds: int, painted_by: str) -> None:
    """No streams, ours, and the plain way, in turns."""
    async with AsyncExitStack() as stack:
        command = (sys.executable, __file__, "--serve", "--agents", str(agents))
        server = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, cwd=TREE, limit=2**22
        )
        stack.push_async_callback(over, server)
        assert server.stdout is not None
        where = json.loads(await asyncio.wait_for(server.stdout.readline(), 180))
        port, floor = where["port"], where["floor"]
        without, ours, theirs = Turn(), Turn(), Turn()
        for _ in range(rounds):
            part = seconds / rounds
            await measure(without, server, port, ([], floor, 0), part)
            await measure(ours, server, port, (where["desks"], floor, floors), part)
            await measure(theirs, server, port, (where["everybody"], floor, floors), part, limited=False)
        for name, turn in (("no streams", without), ("ours", ours), ("everything to everybody", theirs)):
            say(name, turn)
        if painted_by:
            async with held(port, where["desks"], floor, floors - 1):
                await painted(painted_by, server, port, floor, seconds)
    for name, turn in (("ours", ours), ("everything to everybody", theirs)):
        print(
            f"{name}: streams cost {100 * (turn.share - without.share):.1f} % of a core, "
            f"dispatch with them ÷ without {p95(turn.dispatched) / p95(without.dispatched):.2f}"
        )
    ratio = (ours.share - without.share) / max(1e-6, theirs.share - without.share)
    print(f"desk: ours={p95(ours.delays):.1f}ms theirs={p95(theirs.delays):.1f}ms ratio={ratio:.3f}")


async def painted(command: str, server: asyncio.subprocess.Process, port: int, token: str, seconds: float) -> None:
    """What a browser says of the same events."""
    arguments = *shlex.split(command), f"http://127.0.0.1:{port}", token, str(seconds)
    browser = await asyncio.create_subprocess_exec(*arguments, stdout=asyncio.subprocess.PIPE, cwd=TREE, limit=2**22)
    assert browser.stdout is not None
    if (await asyncio.wait_for(browser.stdout.readline(), 120)).strip() != b"ready":
        print("event to painted: no browser, see above")
        return
    await happen(server, seconds + 4)
    told = json.loads(await asyncio.wait_for(browser.stdout.readline(), 60))
    await browser.wait()
    frames = told["frames"]
    everything, script, layout = (100 * each for each in told["thread"])
    print(
        f"the page's main thread takes {everything:.1f} % of a core: "
        f"scripts {script:.1f} %, layout and styles {layout:.1f} %"
    )
    print(
        f"event to painted p95 {p95(told['painted']):.1f} ms ({len(told['painted'])} seen), "
        f"first paint {told['first_paint']:.0f} ms, the agents after {told['rows_painted']:.0f} ms"
    )
    print(
        f"scrolling through all agents: {1000 * len(frames) / sum(frames):.0f} frames/s, p95 {p95(frames):.1f} ms, "
        f"longest {max(frames):.0f} ms"
    )
    everything, script, layout = (1000 * each for each in told["scrolled"])
    print(
        f"  each of these frames costs the page's main thread {everything:.1f} ms of the processor: "
        f"scripts {script:.1f} ms, layout and styles {layout:.1f} ms"
    )


async def over(server: asyncio.subprocess.Process) -> None:
    """End the server that was started."""
    with suppress(ProcessLookupError):
        if server.stdin is not None:
            server.stdin.close()
        try:
            await asyncio.wait_for(server.wait(), 15)
        except TimeoutError:
            server.kill()
            await server.wait()


def main() -> None:
    """Compare, or (`--serve`) be the server that is compared."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--agents", type=int, default=500)
    parser.add_argument("--floors", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=12.0, help="of each way, in all rounds")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--painted-by", default=PAINTED_BY)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        asyncio.run(serve(given.agents, WAITING))
    else:
        asyncio.run(compare(given.agents, given.floors, given.seconds, given.rounds, given.painted_by))


if __name__ == "__main__":
    main()
