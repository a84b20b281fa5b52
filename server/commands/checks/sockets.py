"""Each port is free, or held by this home's own processes."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from server.commands.checks import Findings, fail, ok, warn
from server.config import Settings, ports
from server.processes.identity import BOOT_ID, parse_stat, read_identity
from server.processes.sockets import PROC, Held, held, meets, open_files

_WANTED = {
    "SANSHENG_SIP_PORT": ("SIP", ("udp", "tcp"), "asterisk"),
    "SANSHENG_AMI_PORT": ("Asterisk's management", ("tcp",), "asterisk"),
    "SANSHENG_ASTERISK_HTTP_PORT": ("browsers' phones", ("tcp",), "asterisk"),
    "SANSHENG_AGI_PORT": ("calls handed over", ("tcp",), "server"),
    "SANSHENG_HTTP_PORT": ("API", ("tcp",), "server"),
}


@dataclass(frozen=True, slots=True)
class HomeProcesses:
    """The processes of this home that run, by what they are: server, asterisk, redis."""

    pids: dict[str, int]

    @property
    def runs(self) -> bool:
        """Whether a server runs in this home."""
        return "server" in self.pids


def home_processes(settings: Settings) -> HomeProcesses:
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
    for pid, target in open_files():
        if target == lock:
            pids["server"] = pid
    return HomeProcesses(pids)


def check_ports(settings: Settings, running: HomeProcesses) -> Findings:
    """Each port is free, or held by this home's own processes."""
    everything = held()
    for variable, port in ports(settings).items():
        if variable not in _WANTED:
            continue
        what, protocols, owner = _WANTED[variable]
        if owner == "asterisk" and settings.asterisk:
            continue
        bind = "127.0.0.1" if variable == "SANSHENG_AMI_PORT" else settings.bind
        mine, strangers = False, []
        for each in everything:
            if each.port == port and each.protocol in protocols and meets(each.address, bind):
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


def _check_rtp(settings: Settings, running: HomeProcesses, everything: list[Held]) -> Findings:
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


def _called(pid: int | None) -> str:
    if pid is None:
        return "another user's program"
    with suppress(OSError):
        return f"{(PROC / str(pid) / 'comm').read_text().strip()} (process {pid})"
    return f"process {pid}"
