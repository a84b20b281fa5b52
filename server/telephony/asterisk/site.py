"""What one private Asterisk is told: every value that its configuration files depend on, and nothing else.

Two sites that are equal give the same files byte for byte, so a rewrite with the same settings changes nothing.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from server.config import Settings
from server.hotline.trunks import Trunk, agent_endpoint, in_order, legacy, source_of
from server.setting_values import is_sip_address
from server.telephony.asterisk.ports import LEAST, AudioPorts
from server.telephony.asterisk.values import FORBIDDEN, SiteError, check

__all__ = ["AgentPhone", "Layout", "Site", "SiteError", "rtp_range", "site"]

AGENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.]{0,31}")
QUEUE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")
SECRET = re.compile(r"[!-~]{8,128}")
_NOT_IN_A_PATH = re.compile(r'[",\[\]{}*?]')
"""Beside what no value may have: Asterisk looks for its configuration files by patterns, and takes quotes out of what
an application is given, so that recordings would be written into another folder."""
LOCAL_ALONE = ("127.0.0.1",)
"""Where the public's calls come from as long as no trunk and no address is configured."""
HTTP_BIND = "127.0.0.1"
"""Where Asterisk takes browsers' phones, whatever else it binds to: they come through the server."""
SOCKET_PATH_LIMIT = 104
"""Longest path, in bytes, that a Unix socket takes on every system."""


def web_device(agent: str) -> str:
    """The PJSIP endpoint of the agent's browser."""
    return f"{agent}-web"


@dataclass(frozen=True, slots=True)
class AgentPhone:
    """An agent's telephone: one that registers with `secret`, or one always at `contact`; the browser is beside it."""

    agent: str
    secret: str = ""
    contact: str = ""
    outside: tuple[tuple[str, str], ...] = ()
    """An outside number such as a mobile's: each trunk by which it may be called, in order, and the number as that
    trunk writes it; empty for any other phone."""
    number: str = ""
    """The outside number as it is kept."""

    def __post_init__(self) -> None:
        if not AGENT.fullmatch(self.agent):
            raise SiteError(f"agent {self.agent!r}: a number is 1 to 32 letters and digits, such as 1001")
        if not self.secret and not self.contact and not self.outside:
            raise SiteError(f"agent {self.agent} has no phone: give a secret to register with, or a fixed contact")
        if self.secret and (not SECRET.fullmatch(self.secret) or FORBIDDEN & set(self.secret)):
            without = " ".join(sorted(FORBIDDEN))
            raise SiteError(
                f"agent {self.agent}: a secret is 8 to 128 printable ASCII characters without blanks and {without}"
            )
        if self.contact and not is_sip_address(self.contact):
            raise SiteError(
                f"agent {self.agent}: contact {self.contact!r} is no SIP address such as sip:1001@127.0.0.1:5062"
            )

    @property
    def devices(self) -> tuple[str, ...]:
        """PJSIP endpoints that ring for this agent: the phone and the browser; for an outside number, each trunk's."""
        if self.outside:
            return tuple(agent_endpoint(self.agent, trunk) for trunk, _ in self.outside)
        return (self.agent, web_device(self.agent))

    def dial(self, answers: Callable[[str], bool] = lambda device: True) -> str:
        """First argument of Dial: the devices that `answers`, or the agent's phone alone when none does.

        Those of an outside number are to be tried one after the other.
        """
        if self.outside:
            return "&".join(f"PJSIP/{number}@{agent_endpoint(self.agent, trunk)}" for trunk, number in self.outside)
        there = [device for device in self.devices if answers(device)] or [self.agent]
        return "&".join(self._dialled(device) for device in there)

    def _dialled(self, device: str) -> str:
        return f"PJSIP/{device}/{self.contact}" if self.contact and device == self.agent else f"PJSIP/{device}"


@dataclass(frozen=True, slots=True)
class Layout:
    """Directories of one Asterisk under the installation's home."""

    home: Path

    @property
    def root(self) -> Path:
        return self.home / "asterisk"

    @property
    def etc(self) -> Path:
        return self.root / "etc"

    @property
    def run(self) -> Path:
        return self.root / "run"

    @property
    def log(self) -> Path:
        return self.root / "log"

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def modules(self) -> Path:
        """Links to the modules that are loaded, so that Asterisk finds no other one."""
        return self.root / "modules"

    @property
    def agi(self) -> Path:
        return self.root / "agi"

    @property
    def secrets(self) -> Path:
        return self.home / "secrets"

    @property
    def callbacks(self) -> Path:
        """Spool of numbers taken while no server answered."""
        return self.home / "spool" / "callbacks"

    @property
    def recordings(self) -> Path:
        """Where MixMonitor writes one file per direction until they are joined."""
        return self.home / "spool" / "recordings"

    @property
    def silence(self) -> Path:
        """The sound file, without ending, that the music for a caller who is kept waiting begins with."""
        return self.data / "silence"

    @property
    def joined(self) -> Path:
        """Sound files made of several prompts."""
        return self.data / "sounds" / "joined"

    def directories(self) -> tuple[Path, ...]:
        """All of them, parents first."""
        inner = tuple(
            self.root / name for name in ("etc", "run", "log", "data", "modules", "agi", "lib", "spool", "keys")
        )
        return (self.root, *inner, self.data / "sounds", self.secrets, self.callbacks, self.recordings)


@dataclass(frozen=True, slots=True)
class Site:
    """Settings of one Asterisk. Durations in seconds; `servers` are `host:port` of FastAGI, tried in turn."""

    home: Path
    modules: Path
    """Folder of Asterisk's *.so modules."""
    data: Path
    """Asterisk's own data folder: documentation, keys."""
    prompts: Mapping[str, Path]
    """Language → folder of `<id>.wav`; the first is the hotline's language."""
    python: Path
    """Interpreter that Asterisk starts `agi_scripts` with: of the environment that this project is installed in."""
    dialplan: Path
    music: Mapping[str, Path] = field(default_factory=dict)
    """Music class (`default`, or a queue's name) → folder of WAV files."""
    bind: str = "127.0.0.1"
    sip_port: int = 5060
    ami_port: int = 5038
    http_port: int = 8088
    rtp_ports: tuple[int, int] = (10000, 10999)
    servers: tuple[str, ...] = ("127.0.0.1:4573",)
    trunk: str = ""
    """SIP URI that outgoing calls go to; empty: none can be made."""
    trunk_addresses: tuple[str, ...] = ("127.0.0.1",)
    """IP addresses or networks whose calls are the public's, besides those of `trunks`."""
    trunks: tuple[Trunk, ...] = ()
    """The trunks of hotline.toml, with their secrets."""
    sip_tls_port: int = 5061
    """Where SIP over TLS is taken, if a trunk uses it."""
    external_address: str = ""
    """Public IP address when Asterisk stands behind address translation; empty: none."""
    max_calls: int = 200
    """Calls in the hotline at once; one more hears that the line is full. 0: as many as the ports carry (`places`)."""
    max_silent: int = 64
    """Callers without sound that are served though they may be forged; a third of all callers if that is more."""
    calls_per_second: int = 30
    """New calls taken in one second; one more hears that the line is full. 0: no limit."""
    max_fallbacks: int = 20
    """Scripts that take a number at the same time. One more caller waits on under music, or hears a goodbye when the
    line was full anyway."""
    away_after: int = 30
    """How long a caller hears music without any server before the fallback takes a number."""
    server_name: str = ""
    """How Asterisk names itself in SIP; empty: not at all."""
    rtp_timeout: int = 3600
    """Asterisk ends a leg that has sent no audio for so long, without asking it. The server asks long before, and a
    phone that answers lives (`liveness`): this is for legs that no server looks after."""
    rtp_timeout_hold: int = 3600
    """Likewise on hold, where many phones send none."""

    def __post_init__(self) -> None:
        for name, text in {"bind": self.bind, "external_address": self.external_address}.items():
            try:
                ipaddress.ip_address(text or "127.0.0.1")
            except ValueError:
                raise SiteError(f"{name} {text!r} is no IP address such as 127.0.0.1") from None
        for path in (self.home, self.modules, self.data, *self.prompts.values(), *self.music.values()):
            check(f"path {str(path)!r}", str(path))
            if odd := _NOT_IN_A_PATH.search(str(path)):
                raise SiteError(
                    f"path {str(path)!r} has {odd[0]!r} in it, which Asterisk would read as its own: leave it out"
                )
        if len(str(self.layout.run / "asterisk.ctl").encode()) > SOCKET_PATH_LIMIT:
            raise SiteError(f"SANSHENG_HOME {str(self.home)!r} is too long for a control socket: use a shorter path")
        if self.trunk and not is_sip_address(self.trunk):
            raise SiteError(f"SANSHENG_TRUNK {self.trunk!r} is no SIP address such as sip:127.0.0.1:5090")
        low, high = self.rtp_ports
        if not 1024 <= low <= high - LEAST + 1 <= 65536 - LEAST:
            raise SiteError(f"SANSHENG_RTP_PORTS {low}-{high} is no range within 1024-65535 of at least {LEAST} ports")
        if not self.servers:
            raise SiteError("no server to hand calls to: name at least one host:port of FastAGI")
        for server in self.servers:
            if not re.fullmatch(r"[A-Za-z0-9_.\-\[\]:]+:\d+", server):
                raise SiteError(f"server {server!r} is not host:port")
        for address in self.trunk_addresses:
            try:
                ipaddress.ip_network(address, strict=False)
            except ValueError:
                raise SiteError(
                    f"trunk address {address!r} is no IP address or network such as 203.0.113.0/29"
                ) from None
        self._check_trunks()
        if not self.prompts:
            raise SiteError("no language: give at least one folder of prompts")
        for name in self.music:
            if not QUEUE.fullmatch(name):
                raise SiteError(f"music class {name!r}: a name is letters, digits, '-' and '_'")

    def _check_trunks(self) -> None:
        """A trunk's address may not be the public's too: Asterisk would take its calls for either one's."""
        public = [(address, ipaddress.ip_network(address, strict=False)) for address in self.trunk_addresses]
        for trunk in self.trunks:
            for network in (source_of(each)[0] for each in trunk.source):
                for address, general in public:
                    if network is not None and network.version == general.version and network.overlaps(general):
                        raise SiteError(
                            f"trunk {trunk.name} calls in from {network}, which SANSHENG_TRUNK_ADDRESSES has too "
                            f"({address}): leave it out there, or give the trunk addresses with which they differ"
                        )

    @property
    def layout(self) -> Layout:
        return Layout(self.home)

    def at_outside(self, agent: str, number: str, region: str) -> AgentPhone:
        """The telephone of an agent at an outside number, by every trunk whose pattern fits.

        Raises SiteError when there is none.
        """
        trunks = in_order((*self.trunks, *((legacy(self.trunk),) if self.trunk else ())))
        ways = tuple((each.name, each.dialled(number, region)) for each in trunks if each.carries(number, region))
        if not ways:
            raise SiteError(f"agent {agent}: no trunk takes calls to {number}: set SANSHENG_TRUNK, or [trunks.NAME]")
        return AgentPhone(agent, outside=ways, number=number)

    @property
    def audio(self) -> AudioPorts:
        return AudioPorts(*self.rtp_ports)

    @property
    def places(self) -> int:
        """Calls admitted at once: `max_calls`, or fewer when the ports carry no more."""
        return min(self.max_calls or self.audio.max_calls, self.audio.max_calls)

    @property
    def language(self) -> str:
        """The hotline's language: the first that has prompts."""
        return next(iter(self.prompts))

    @property
    def trunk_is_local(self) -> bool:
        """Whether a trunk's calls come from this machine, where agents' phones may stand too."""
        sources = [*self.trunk_addresses, *(each for trunk in self.trunks for each in trunk.source)]
        networks = [source_of(each)[0] for each in sources]
        return any(network is not None and network.is_loopback for network in networks)

    @property
    def behind_translation(self) -> tuple[str, ...]:
        """What a transport is told when Asterisk stands behind address translation."""
        if not self.external_address:
            return ()
        return (
            f"external_media_address={self.external_address}",
            f"external_signaling_address={self.external_address}",
            *(f"local_net={net}" for net in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8")),
        )


def site(
    settings: Settings,
    *,
    modules: Path,
    data: Path,
    prompts: Mapping[str, Path],
    python: Path,
    music: Mapping[str, Path] | None = None,
) -> Site:
    """The site that the installation's settings describe.

    `modules` and `data` are those of the Asterisk at hand. Raises SiteError, naming the value.
    """
    return Site(
        home=settings.root,
        modules=modules,
        data=data,
        prompts=prompts,
        python=python,
        dialplan=Path(__file__).resolve().parents[3] / "dialplan",
        music=music or {},
        bind=settings.bind,
        sip_port=settings.sip_port,
        ami_port=settings.ami_port,
        http_port=settings.asterisk_http_port,
        rtp_ports=rtp_range(settings.rtp_ports),
        servers=settings.servers or (f"{settings.agi_host}:{settings.agi_port}",),
        trunk=settings.trunk,
        trunk_addresses=settings.trunk_addresses or LOCAL_ALONE,
        sip_tls_port=settings.sip_tls_port,
        external_address=settings.external_address,
        server_name=settings.server_name,
    )


def rtp_range(text: str) -> tuple[int, int]:
    """`"10000-10999"` → (10000, 10999). Raises SiteError."""
    match = re.fullmatch(r"\s*(\d+)\s*-\s*(\d+)\s*", text)
    if not match:
        raise SiteError(f"SANSHENG_RTP_PORTS {text!r} is no range such as 10000-10999")
    return int(match[1]), int(match[2])
