"""Who holds which port, read from /proc: asking nobody, so that a check disturbs nothing."""

from __future__ import annotations

import ipaddress
import os
import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from server.commands.checks import Lines, fail, ok, warn
from server.config import Settings, ports
from server.processes import BOOT_ID, parse_stat, read_identity

PROC = Path("/proc")
_LISTENS = {"tcp": "0A", "udp": "07"}
_WANTED = {
    "SANSHENG_SIP_PORT": ("SIP", ("udp", "tcp"), "asterisk"),
    "SANSHENG_AMI_PORT": ("Asterisk's management", ("tcp",), "asterisk"),
    "SANSHENG_ASTERISK_HTTP_PORT": ("browsers' phones", ("tcp",), "asterisk"),
    "SANSHENG_AGI_PORT": ("calls handed over", ("tcp",), "server"),
    "SANSHENG_HTTP_PORT": ("API", ("tcp",), "server"),
}


@dataclass(frozen=True, slots=True)
class Held:
    """One port that something listens on. `pid` is None when the process belongs to another user."""

    protocol: str
    address: str
    port: int
    pid: int | None


@dataclass(frozen=True, slots=True)
class House:
    """The processes of this home that run, by what they are: server, asterisk, redis."""

    pids: dict[str, int]

    @property
    def runs(self) -> bool:
        """Whether a server runs in this home."""
        return "server" in self.pids


def house(settings: Settings) -> House:
    """Which of this home's processes run."""
    pids: dict[str, int] = {}
    for name in ("asterisk", "redis"):
        identity = read_identity(settings.root / name / f"{name}.pid")
        if identity is None or identity.boot != BOOT_ID.read_text().strip():
            continue
        with suppress(OSError, ValueError, IndexError):
            pid, state, start = parse_stat((PROC / str(identity.pid) / "stat").read_text(errors="replace"))
            if start == identity.start and state not in "ZX":
                pids[name] = pid
    lock = str(settings.root / "lock")
    for pid, target in _open_files():
        if target == lock:
            pids["server"] = pid
    return House(pids)


def held() -> list[Held]:
    """Every port on which something listens."""
    owners = {target: pid for pid, target in _open_files() if target.startswith("socket:")}
    found = []
    for protocol, state in _LISTENS.items():
        for table in (PROC / "net" / protocol, PROC / "net" / f"{protocol}6"):
            for line in _lines(table):
                fields = line.split()
                if fields[3] != state:
                    continue
                address, _, port = fields[1].partition(":")
                owner = owners.get(f"socket:[{fields[9]}]")
                found.append(Held(protocol, _address(address), int(port, 16), owner))
    return found


def check_ports(settings: Settings, running: House) -> Lines:
    """Each port is free, or held by this home's own processes."""
    everything = held()
    for variable, port in ports(settings).items():
        what, protocols, owner = _WANTED[variable]
        if owner == "asterisk" and settings.asterisk:
            continue
        bind = "127.0.0.1" if variable == "SANSHENG_AMI_PORT" else settings.bind
        mine, strangers = False, []
        for each in everything:
            if each.port == port and each.protocol in protocols and _meets(each.address, bind):
                if each.pid is not None and each.pid in running.pids.values():
                    mine = True
                else:
                    strangers.append(each)
        name = f"port {port} ({what})"
        if strangers:
            who = ", ".join(sorted({_called(each.pid) for each in strangers}))
            yield fail("ports", f"{name} is held by {who}: stop it, or set {variable} to a free port")
        elif mine:
            yield ok("ports", f"{name} is ours")
        elif owner in running.pids:
            yield fail("ports", f"{name} is not listened on although {owner} runs: stop the server and start it again")
        else:
            yield ok("ports", f"{name} is free")
    yield from _check_rtp(settings, running, everything)


def _check_rtp(settings: Settings, running: House, everything: list[Held]) -> Lines:
    first, last = settings.rtp_range
    ours = running.pids.get("asterisk")
    strangers = {each.port for each in everything if first <= each.port <= last and each.protocol == "udp"} - {
        each.port for each in everything if each.pid is not None and each.pid == ours
    }
    calls = (last - first + 1) // 4
    name = f"ports {settings.rtp_ports} (sound)"
    if strangers:
        what = f"{len(strangers)} of them are held by other programs"
        yield warn("ports", f"{name}: {what}, Asterisk passes over these; SANSHENG_RTP_PORTS moves the range")
    else:
        yield ok("ports", f"{name} suffice for {calls} conversations at a time")


def _open_files() -> Iterator[tuple[int, str]]:
    """(pid, what it has open) of every process that this user may look into."""
    for process in PROC.glob("[0-9]*"):
        try:
            descriptors = os.listdir(process / "fd")
        except OSError:
            continue
        for each in descriptors:
            with suppress(OSError):
                yield int(process.name), os.readlink(process / "fd" / each)


def _lines(table: Path) -> list[str]:
    try:
        return table.read_text().splitlines()[1:]
    except OSError:
        return []


def _address(text: str) -> str:
    """An address as the kernel writes it: 32-bit words in the machine's own byte order."""
    words = [int(text[place : place + 8], 16) for place in range(0, len(text), 8)]
    return str(ipaddress.ip_address(struct.pack(f"={len(words)}I", *words)))


def _meets(held_at: str, wanted: str) -> bool:
    """Whether one who listens at the first address stands in the way of one who wants the second."""
    everywhere = ("0.0.0.0", "::")
    return held_at == wanted or held_at in everywhere or wanted in everywhere


def _called(pid: int | None) -> str:
    if pid is None:
        return "another user's program"
    with suppress(OSError):
        return f"{(PROC / str(pid) / 'comm').read_text().strip()} (process {pid})"
    return f"process {pid}"
