"""Law: a process is known by its pid, the instant it started and the boot it started in; a pid alone proves nothing.

A pid is used again after its process is gone. So what we start writes down its own identity before it becomes the
program, and a server that reads it later holds the process by a file descriptor before believing it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from twisted.internet.interfaces import IReadDescriptor
from zope.interface import implementer  # type: ignore[import-untyped]

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

LAUNCH = """
umask g-w,o-rwx
{ cat "/proc/$$/stat" && cat /proc/sys/kernel/random/boot_id && echo "$3"; } >"$1.new" && mv "$1.new" "$1" || exit 111
exec </dev/null >>"$2" 2>&1
shift 3
exec "$@"
"""
"""Writes the identity ($1) with the digest ($3), opens the log ($2), becomes the rest. The pid stays the same, and
there is no instant at which the program runs and its identity is not written."""


@dataclass(frozen=True, slots=True)
class Identity:
    """One process, for all time."""

    pid: int
    start: int
    """When it started, in the kernel's ticks since boot."""
    boot: str
    digest: str
    """Which command line it was started with."""


def digest_of(argv: Sequence[str]) -> str:
    """A short name for a command line."""
    return hashlib.sha256("\0".join(argv).encode()).hexdigest()[:16]


def launch_argv(argv: Sequence[str], identity: Path, log: Path) -> list[str]:
    """Starts `argv` in a session of its own, so that a Ctrl-C meant for us does not reach it."""
    return ["setsid", "sh", "-c", LAUNCH, "sh", str(identity), str(log), digest_of(argv), *argv]


def parse_stat(stat: str) -> tuple[int, str, int]:
    """(pid, state letter, start) of a line of /proc/PID/stat; the name in it may hold spaces and brackets."""
    pid, _, rest = stat.partition(" ")
    fields = rest[rest.rindex(")") + 1 :].split()
    return int(pid), fields[0], int(fields[19])


def read_identity(path: Path) -> Identity | None:
    """What a launched process wrote of itself; None when it is not there or not whole."""
    try:
        stat, boot, digest = path.read_text(errors="replace").splitlines()
        pid, _, start = parse_stat(stat)
    except (OSError, ValueError, IndexError):
        return None
    return Identity(pid, start, boot, digest)


def write_identity(path: Path, pid: int, argv: Sequence[str]) -> None:
    """Note the identity of a process just launched, in its own words. On a full disk its own note must do."""
    with contextlib.suppress(OSError):
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
        scratch = path.with_suffix(".parent")
        scratch.write_text(f"{stat.rstrip()}\n{BOOT_ID.read_text()}{digest_of(argv)}\n")
        scratch.replace(path)


def hold(identity: Identity) -> int | None:
    """A file descriptor for that very process if it still lives; the caller closes it."""
    if identity.boot != BOOT_ID.read_text().strip():
        return None
    try:
        descriptor = os.pidfd_open(identity.pid)
    except OSError:
        return None
    try:
        # Read after opening: from here on the descriptor cannot come to mean another process.
        pid, state, start = parse_stat(Path(f"/proc/{identity.pid}/stat").read_text(errors="replace"))
        if (pid, start) == (identity.pid, identity.start) and state not in "ZX":
            return descriptor
    except (OSError, ValueError, IndexError):
        pass
    os.close(descriptor)
    return None


def is_launched(pid: int) -> bool:
    """Whether the process, which this one has forked, is another program by now, or gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes() != Path("/proc/self/cmdline").read_bytes()
    except OSError:
        return True


def send(descriptor: int, number: int) -> None:
    """Signal the held process; one that is gone already is no error."""
    with contextlib.suppress(ProcessLookupError):
        signal.pidfd_send_signal(descriptor, number)


def group_lives(group: int) -> bool:
    """Something of the process group still runs; what only waits to be reaped does not count."""
    with contextlib.suppress(PermissionError):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return False  # nothing is left: there is no need to look through all processes
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            fields = path.read_text(errors="replace").rpartition(")")[2].split()
            if int(fields[2]) == group and fields[0] not in "ZX":
                return True
    return False


@implementer(IReadDescriptor)
class Watch:
    """Tells the reactor's loop when a held process ends, even if another process is its parent. Owns the descriptor."""

    def __init__(self, descriptor: int, on_end: Callable[[], None]) -> None:
        self.descriptor = descriptor
        self.on_end = on_end

    def fileno(self) -> int:
        """What the reactor waits on; -1 once it is closed."""
        return self.descriptor

    def doRead(self) -> None:
        """The process has ended."""
        self.on_end()

    def connectionLost(self, reason: object) -> None:
        """Let the process go."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def logPrefix(self) -> str:
        """How the reactor names this in its log."""
        return "child"
