"""The machine: versions, space and speed of the disk, the clock, permissions, limits."""

from __future__ import annotations

import ctypes
import os
import resource
import shutil
import sqlite3
import stat
import statistics
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from server.commands.checks import Findings, fail, ok, warn
from server.commands.checks.sockets import HomeProcesses
from server.config import Settings
from server.home import open_to_others, too_wide
from server.processes.sockets import PROC

PYTHON, SQLITE = (3, 11), (3, 35)
LITTLE_ROOM, NO_ROOM = 5e9, 5e8
"""Bytes: 5 GB hold about 80 hours of stereo recordings."""
SLOW_FLUSH = 0.010
"""Seconds: every event waits for one flush, so that a crash loses nothing."""
JUMP = 0.05
FILES_PER_CALL, FILES_ELSE = 8, 400
_UNSYNCHRONISED = 0x40


def check_versions(settings: Settings) -> Findings:
    """Python, SQLite, and the programs that the server starts."""
    from provision import PARTS, default_cache
    from provision.making import find_installed, find_provisioned

    python = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < PYTHON:
        yield fail("versions", f"Python {python} is too old: install 3.11 or newer, and run `make run` again")
    else:
        yield ok("versions", f"Python {python}")
    if not settings.database_url:
        if sqlite3.sqlite_version_info < SQLITE:
            yield fail("versions", f"SQLite {sqlite3.sqlite_version} is too old: 3.35 is needed, or set DATABASE_URL")
        else:
            yield ok("versions", f"SQLite {sqlite3.sqlite_version}")
    wanted = {"asterisk": settings.asterisk, "redis-server": settings.redis_url}
    for name, elsewhere in wanted.items():
        part = PARTS[name]
        least = ".".join(map(str, part.least))
        tool = find_installed(part) or find_provisioned(part, default_cache())
        if tool is not None:
            where = "installed" if tool.prefix is None else "private"
            yield ok("versions", f"{name} {tool.version}, {where} (at least {least} is needed)")
        elif not elsewhere:
            yield fail("versions", f"{name} is neither installed nor provisioned: `make run` provisions it")


def asterisk_modules() -> Path | None:
    """The modules of the Asterisk that a server would start; None while there is none."""
    from provision import PARTS, default_cache
    from provision.making import find_installed, find_provisioned

    part = PARTS["asterisk"]
    tool = find_installed(part) or find_provisioned(part, default_cache())
    return tool.modules if tool is not None else None


def check_disk(home: Path, *, flush: bool = True) -> Findings:
    """Space in a folder and, with `flush`, how long a write takes to be on the disk."""
    place = next(folder for folder in (home, *home.parents) if folder.exists())
    free = shutil.disk_usage(place).free
    if free < NO_ROOM:
        yield fail("disk", f"{free / 1e9:.1f} GB are free in {place}: make room, or recordings and the log will stop")
    elif free < LITTLE_ROOM:
        yield warn("disk", f"{free / 1e9:.1f} GB are free in {place}: make room soon")
    else:
        yield ok("disk", f"{free / 1e9:.0f} GB are free in {place}")
    if place != home or not flush:
        return
    try:
        seconds = _flush_time(home)
    except OSError as error:
        yield fail("disk", f"nothing can be written in {home}: {error.strerror}")
        return
    text = f"a flush takes {seconds * 1000:.1f} ms"
    if seconds > SLOW_FLUSH:
        yield warn("disk", f"{text}: every event waits for it, so move SANSHENG_HOME to a faster disk")
    else:
        yield ok("disk", f"{text}: {'fast' if seconds < 0.002 else 'good enough'}")


def _flush_time(folder: Path) -> float:
    """The median time in seconds until one small write is on the disk."""
    block, times = b"\0" * 512, []
    with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
        for _ in range(15):
            file.write(block)
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - began)
    return statistics.median(times)


def check_clock() -> Findings:
    """The clock runs evenly, and a time service keeps it right."""
    wall, steady = time.time(), time.monotonic()
    time.sleep(0.2)
    drift = (time.time() - wall) - (time.monotonic() - steady)
    if abs(drift) > JUMP:
        yield warn("clock", f"the clock jumped by {drift:+.2f} s within a fifth of a second: let it slew, not step")
    synchronised = _synchronised()
    if synchronised is None:
        yield ok("clock", "runs evenly; this system does not say whether it is synchronised")
    elif synchronised:
        yield ok("clock", "runs evenly and is synchronised")
    else:
        yield warn("clock", "runs evenly but is not synchronised: install chrony, or systemd-timesyncd")


def _synchronised() -> bool | None:
    """The kernel's state of NTP; None when it has no such call."""
    timex = ctypes.create_string_buffer(512)
    try:
        if ctypes.CDLL(None).adjtimex(timex) < 0:
            return None
    except (OSError, AttributeError):
        return None
    # struct timex: modes, then four longs (offset, freq, maxerror, esterror), then the status bits.
    place = ctypes.sizeof(ctypes.c_long) * 5
    return not int.from_bytes(timex.raw[place : place + 4], sys.byteorder) & _UNSYNCHRONISED


def check_permissions(settings: Settings, running: HomeProcesses) -> Findings:
    """The home, its secrets and its processes belong to this user alone."""
    home = settings.root
    if not home.exists():
        yield ok("permissions", f"{home} is made at the first start")
        return
    if not os.access(home, os.W_OK | os.X_OK):
        yield fail("permissions", f"{home} cannot be written by this user: run as its owner, or set SANSHENG_HOME")
        return
    bad = False
    recordings = settings.recordings_folder
    apart = [recordings] if recordings.exists() and not recordings.is_relative_to(home) else []
    for path in (home, *apart, *open_to_others(home)):
        if too_wide(path):
            bad = True
            yield warn("permissions", f"{path} is open to others, and callers' numbers are there: chmod g-w,o= {path}")
    owner = home.stat().st_uid
    for name, pid in running.pids.items():
        with suppress(FileNotFoundError):
            if (PROC / str(pid)).stat().st_uid != owner:
                bad = True
                yield warn("permissions", f"{name} (process {pid}) runs as another user than the owner of {home}")
    secrets = home / "secrets"
    for path in [secrets, *sorted(secrets.rglob("*"))] if secrets.exists() else []:
        if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            bad = True
            yield fail("permissions", f"{path} may be read by others: chmod go-rwx {path}")
    if os.geteuid() == 0:
        yield warn("permissions", "this is root: run the hotline as a user of its own, it needs no privilege")
    if not bad:
        yield ok("permissions", f"{home} and its secrets are closed to others")


def check_limits(running: HomeProcesses, max_calls: int) -> Findings:
    """File descriptors: a call takes a few in Asterisk."""
    limit, whose = resource.getrlimit(resource.RLIMIT_NOFILE)[0], "this user's"
    if pid := running.pids.get("asterisk"):
        limit, whose = _open_files_limit(pid) or limit, "Asterisk's"
    needed = (max_calls or 1000) * FILES_PER_CALL + FILES_ELSE
    text = f"{whose} limit of open files is {limit}"
    if limit != resource.RLIM_INFINITY and limit < needed:
        yield warn("limits", f"{text}, {needed} are wanted for {max_calls} calls: raise it with `ulimit -n {needed}`")
    else:
        yield ok("limits", f"{text}, {needed} are wanted")


def check_audio_ports(settings: Settings, max_calls: int) -> Findings:
    """Ports for the sound of callers and agents: their number limits the calls."""
    from server.telephony.asterisk.ports import AudioPorts

    ports = AudioPorts(*settings.rtp_range)
    for sentence in ports.too_few(max_calls, 0):
        yield warn("limits", sentence)
    if ports.max_calls >= max_calls:
        carried = f"{ports.max_calls} calls, {ports.agents} of them with agents at any time"
        yield ok("limits", f"SANSHENG_RTP_PORTS={settings.rtp_ports} carries {carried}")


def _open_files_limit(pid: int) -> int | None:
    try:
        for line in (PROC / str(pid) / "limits").read_text().splitlines():
            if line.startswith("Max open files"):
                soft = line.split()[3]
                return None if soft == "unlimited" else int(soft)
    except (OSError, ValueError, IndexError):
        pass
    return None
