"""Children come back, outlive a killed server, and leave nothing behind when it stops in order."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from provision import default_cache, provision
from server.processes.children import Child, ChildError, Children, ChildState
from server.processes.identity import BOOT_ID, digest_of, group_lives, hold, parse_stat, read_identity
from server.processes.liveness import Liveness

SLEEPER = ("sleep", "1000")
IGNORES_TERM = ("sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.1; done")
DEADLINE = 10.0

SERVER = """
import asyncio, sys
from pathlib import Path
from twisted.internet.asyncioreactor import AsyncioSelectorReactor
from server.processes.children import Child, Children, ChildState

async def main():
    reactor = AsyncioSelectorReactor(asyncio.get_running_loop())
    reactor.startRunning(installSignalHandlers=False)
    children = Children(reactor)
    children.add(Child("sleeper", ("sleep", "1000"), Path(sys.argv[1])))
    children.startService()
    await children.wait("sleeper", ChildState.READY, 10)
    print(children.pid("sleeper"), flush=True)
    await asyncio.sleep(1000)

asyncio.run(main())
"""

MakeChildren = Callable[[], Children]


def alive(pid: int) -> bool:
    """The process is there and no zombie."""
    try:
        return parse_stat(Path(f"/proc/{pid}/stat").read_text())[1] not in "ZX"
    except FileNotFoundError:
        return False


async def until(condition: Callable[[], bool], what: str) -> None:
    """Until it holds; fails after the deadline."""
    async with asyncio.timeout(DEADLINE):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    assert condition(), what


@pytest.fixture
async def make_children(reactor: object) -> AsyncIterator[MakeChildren]:
    """Makes services that are stopped at the end of the test."""
    made: list[Children] = []

    def make() -> Children:
        made.append(Children(reactor))
        return made[-1]

    yield make
    for children in made:
        if children.running:
            await children.stopService().asFuture(asyncio.get_running_loop())


async def stop(children: Children) -> None:
    """Stop in order, within the deadline."""
    await asyncio.wait_for(children.stopService().asFuture(asyncio.get_running_loop()), DEADLINE)


@pytest.fixture
def other_server(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Another server process that keeps a sleeper in `tmp_path`, and the sleeper's pid."""
    argv = [sys.executable, "-c", SERVER, str(tmp_path)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        pid = next(int(line) for line in server.stdout if line.strip().isdigit())
        yield server, pid
        server.kill()
    if alive(pid):
        os.kill(pid, signal.SIGKILL)


@pytest.fixture
def orphan(other_server: tuple[subprocess.Popen[str], int]) -> int:
    """The sleeper of a server that was killed. It has begun: before that it still holds what its server had open."""
    server, pid = other_server
    begun, end = "\0".join((*SLEEPER, "")), time.monotonic() + DEADLINE
    while Path(f"/proc/{pid}/cmdline").read_text() != begun:
        assert time.monotonic() < end
        time.sleep(0.01)
    server.kill()
    server.wait()
    assert alive(pid)
    return pid


@pytest.fixture
def stranger() -> Iterator[int]:
    """A process that is nobody's child."""
    with subprocess.Popen(SLEEPER) as process:
        yield process.pid
        process.kill()


async def test_a_child_that_was_started_is_watched_though_nothing_more_can_be_noted_of_it(
    tmp_path: Path, make_children: MakeChildren
) -> None:
    (tmp_path / "sleeper.parent").mkdir()
    children = make_children()
    children.add(Child("sleeper", SLEEPER, tmp_path))
    children.startService()
    await children.wait("sleeper", ChildState.READY, DEADLINE)


async def test_a_child_runs_in_a_session_of_its_own_and_its_output_is_kept(
    make_children: MakeChildren, tmp_path: Path
) -> None:
    children = make_children()
    child = Child("talker", ("sh", "-c", "echo $COLOUR; exec sleep 1000"), tmp_path / "new", {"COLOUR": "blue"})
    children.add(child)
    children.startService()
    pid = children.pid("talker")
    assert pid
    await until(lambda: child.log.exists() and child.log.read_text() == "blue\n", "its output is in the log")
    assert os.getsid(pid) == pid
    assert children.state("talker") is ChildState.READY


async def test_the_children_are_gone_after_an_orderly_stop(make_children: MakeChildren, tmp_path: Path) -> None:
    children = make_children()
    states: list[tuple[str, ChildState]] = []
    for name in ("one", "two"):
        children.add(Child(name, SLEEPER, tmp_path), on_state=lambda *change: states.append(change))
    children.startService()
    pids = [children.pid("one"), children.pid("two")]
    await until(lambda: read_identity(tmp_path / "two.pid") is not None, "the child has written who it is")
    await stop(children)
    assert not any(alive(pid) for pid in pids if pid)
    assert not any(read_identity(tmp_path / f"{name}.pid") for name in ("one", "two"))
    assert [name for name, state in states if state is ChildState.STOPPED] == ["two", "one"]


async def test_a_child_that_has_just_been_forked_is_stopped_when_it_can_be(
    make_children: MakeChildren, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    become = os.execvpe

    def late(*given: object) -> None:
        """In the forked process: until it becomes its program this one's handlers take its signals, and do nothing."""
        signal.signal(signal.SIGTERM, lambda *_: None)
        (tmp_path / "forked").touch()
        end = time.monotonic() + 0.5
        while time.monotonic() < end:
            time.sleep(0.05)
        become(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "execvpe", late)
    children = make_children()
    children.add(Child("sleeper", SLEEPER, tmp_path))
    children.startService()
    pid = children.pid("sleeper")
    assert pid
    await until((tmp_path / "forked").exists, "it is between the fork and its program")
    began = time.monotonic()
    await stop(children)
    assert time.monotonic() - began < 5
    assert not alive(pid)
    assert read_identity(tmp_path / "sleeper.pid") is None


async def test_a_child_that_ignores_the_stop_signal_is_killed_with_all_it_started(
    make_children: MakeChildren, tmp_path: Path
) -> None:
    children = make_children()
    child = Child("stubborn", IGNORES_TERM, tmp_path, stop_timeout=0.3)
    children.add(child)
    children.startService()
    pid = children.pid("stubborn")
    assert pid
    await until(lambda: child.log.exists() and "ready" in child.log.read_text(), "it ignores SIGTERM by now")
    await stop(children)
    assert not alive(pid)
    assert not group_lives(pid)


async def test_a_child_that_dies_comes_back(make_children: MakeChildren, tmp_path: Path) -> None:
    children = make_children()
    states: list[ChildState] = []
    children.add(Child("sleeper", SLEEPER, tmp_path), on_state=lambda _name, state: states.append(state))
    children.startService()
    first = children.pid("sleeper")
    assert first
    os.kill(first, signal.SIGKILL)
    await children.wait("sleeper", ChildState.DOWN, DEADLINE)
    await children.wait("sleeper", ChildState.READY, DEADLINE)
    assert children.pid("sleeper") not in (None, first)
    assert states == [ChildState.STARTING, ChildState.READY, ChildState.DOWN, ChildState.STARTING, ChildState.READY]


async def test_a_child_that_answers_nothing_is_told_at_once_and_replaced(
    make_children: MakeChildren, tmp_path: Path
) -> None:
    answers = True

    async def ask(within: float) -> None:
        if not answers:
            raise TimeoutError

    async def ready() -> None: ...

    children = make_children()
    children.add(Child("sleeper", SLEEPER, tmp_path), ready, liveness=Liveness(ask, 0.5, every=0.02, within=0.02))
    children.startService()
    await children.wait("sleeper", ChildState.READY, DEADLINE)
    first = children.pid("sleeper")
    os.kill(first or 0, signal.SIGSTOP)
    answers = False
    await until(lambda: "sleeper has answered nothing for" in children.why("sleeper"), "it is said")
    assert children.pid("sleeper") == first
    answers = True
    await until(lambda: children.why("sleeper") == "", "an answer makes it good")
    answers = False
    await children.wait("sleeper", ChildState.DOWN, DEADLINE)
    answers = True
    await children.wait("sleeper", ChildState.READY, DEADLINE)
    assert children.pid("sleeper") not in (None, first)
    assert not alive(first or 0)


async def test_a_child_that_dies_at_once_is_started_less_and_less_often(
    make_children: MakeChildren, tmp_path: Path
) -> None:
    children = make_children()
    starts: list[float] = []
    waits: list[float] = []

    def note(_name: str, state: ChildState) -> None:
        if state is ChildState.STARTING:
            starts.append(asyncio.get_running_loop().time())
            waits.append(children._monitor.delay["broken"])  # the next start waits for so long

    children.add(Child("broken", ("sh", "-c", "exit 3"), tmp_path), on_state=note)
    children.startService()
    await until(lambda: len(starts) >= 4, "it was tried four times")
    assert waits[:4] == [0.2, 0.4, 0.8, 1.6]
    assert starts[3] - starts[0] > sum(waits[:3]) - 0.2
    await stop(children)
    assert children.state("broken") is ChildState.STOPPED


async def test_a_child_is_ready_when_it_says_so_and_until_then_tells_why_not(
    make_children: MakeChildren, tmp_path: Path
) -> None:
    children = make_children()
    answers = iter([ConnectionError("no answer on port 5038"), None])

    async def ready() -> None:
        answer = next(answers)
        if answer:
            raise answer

    children.add(Child("sleeper", SLEEPER, tmp_path), ready)
    children.startService()
    assert children.state("sleeper") is ChildState.STARTING
    await until(lambda: "5038" in children.why("sleeper"), "the reason is told")
    await children.wait("sleeper", ChildState.READY, DEADLINE)
    assert children.why("sleeper") == ""


async def test_a_killed_server_leaves_its_child_running_and_the_next_one_adopts_it(
    make_children: MakeChildren, tmp_path: Path, orphan: int
) -> None:
    children = make_children()
    children.add(Child("sleeper", SLEEPER, tmp_path))
    children.startService()
    assert (children.pid("sleeper"), children.adopted("sleeper")) == (orphan, True)
    await stop(children)
    assert not alive(orphan)


async def test_a_fresh_child_is_started_when_an_adopted_one_dies(
    make_children: MakeChildren, tmp_path: Path, orphan: int
) -> None:
    children = make_children()
    children.add(Child("sleeper", SLEEPER, tmp_path))
    children.startService()
    os.kill(orphan, signal.SIGKILL)
    await until(lambda: children.pid("sleeper") not in (None, orphan), "another one runs")
    assert not children.adopted("sleeper")
    second = children.pid("sleeper")
    assert second
    os.kill(second, signal.SIGKILL)
    await until(lambda: children.pid("sleeper") not in (None, second), "and another one after that")
    assert children.state("sleeper") is ChildState.READY


def pretend(path: Path, pid: int, *, boot: str = "", earlier: int = 0) -> None:
    """The identity of a process as if it had started some ticks earlier, or in another boot."""
    fields = Path(f"/proc/{pid}/stat").read_text().split()
    fields[21] = str(int(fields[21]) - earlier)
    boot = boot or BOOT_ID.read_text().strip()
    path.write_text(f"{' '.join(fields)}\n{boot}\n{digest_of(SLEEPER)}\n")


async def test_an_adopted_child_that_is_frozen_already_is_replaced(
    make_children: MakeChildren, tmp_path: Path, orphan: int
) -> None:
    os.kill(orphan, signal.SIGSTOP)
    children = make_children()

    async def answers(within: float = 1.0) -> None:
        if children.pid("sleeper") == orphan:
            raise TimeoutError

    children.add(Child("sleeper", SLEEPER, tmp_path), answers, liveness=Liveness(answers, 0.2))
    children.startService()
    assert children.adopted("sleeper")
    await children.wait("sleeper", ChildState.READY, DEADLINE)
    assert children.pid("sleeper") not in (None, orphan)
    assert not alive(orphan)


async def test_a_pid_that_belongs_to_somebody_else_by_now_is_neither_adopted_nor_killed(
    make_children: MakeChildren, tmp_path: Path, stranger: int
) -> None:
    pretend(tmp_path / "sleeper.pid", stranger, earlier=1)
    children = make_children()
    children.add(Child("sleeper", SLEEPER, tmp_path))
    children.startService()
    assert not children.adopted("sleeper")
    assert children.pid("sleeper") != stranger
    await stop(children)
    assert alive(stranger)


def test_the_very_same_process_is_known_again(tmp_path: Path, stranger: int) -> None:
    pretend(tmp_path / "x.pid", stranger)
    identity = read_identity(tmp_path / "x.pid")
    assert identity is not None
    descriptor = hold(identity)
    assert descriptor is not None
    os.close(descriptor)


def test_an_identity_of_another_boot_means_nobody(tmp_path: Path, stranger: int) -> None:
    pretend(tmp_path / "x.pid", stranger, boot="00000000-0000-0000-0000-000000000000")
    identity = read_identity(tmp_path / "x.pid")
    assert identity is not None
    assert identity.pid == stranger
    assert hold(identity) is None


@pytest.mark.parametrize("text", ["", "12", "12 (sleep) S 1\nboot\ndigest\n", "x (y) S\n\n\n", "\0\n\0\n\0\n"])
def test_a_damaged_identity_means_nobody(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.pid"
    path.write_text(text)
    assert read_identity(path) is None


async def test_a_child_left_from_other_settings_is_replaced(
    make_children: MakeChildren, tmp_path: Path, orphan: int
) -> None:
    children = make_children()
    children.add(Child("sleeper", ("sleep", "2000"), tmp_path))
    children.startService()
    await children.wait("sleeper", ChildState.READY, DEADLINE)
    assert children.pid("sleeper") != orphan
    assert not alive(orphan)


async def test_two_servers_cannot_keep_the_same_child(
    make_children: MakeChildren, tmp_path: Path, other_server: tuple[subprocess.Popen[str], int]
) -> None:
    children = make_children()
    children.add(Child("sleeper", SLEEPER, tmp_path))
    with pytest.raises(ChildError, match="another server keeps sleeper"):
        children.startService()
    await stop(children)
    assert alive(other_server[1])


async def test_redis_is_stopped_and_started_as_a_child(make_children: MakeChildren, tmp_path: Path) -> None:
    tool = provision("redis-server", default_cache(), print)
    socket = tmp_path / "redis.sock"
    argv = tool.argv("redis-server", "--port", 0, "--unixsocket", socket, "--dir", tmp_path, "--appendonly", "yes")

    async def ready() -> None:
        reader, writer = await asyncio.open_unix_connection(str(socket))
        with contextlib.closing(writer):
            writer.write(b"PING\r\n")
            answer = await reader.readline()
        if answer != b"+PONG\r\n":
            raise ConnectionError(answer.decode().strip())

    children = make_children()
    children.add(Child("redis", argv, tmp_path, tool.env), ready)
    children.startService()
    await children.wait("redis", ChildState.READY, DEADLINE)
    pid = children.pid("redis")
    assert pid
    os.kill(pid, signal.SIGKILL)
    await children.wait("redis", ChildState.DOWN, DEADLINE)
    await children.wait("redis", ChildState.READY, DEADLINE)
    await stop(children)
    assert "ready to exit" in (tmp_path / "redis.log").read_text()
