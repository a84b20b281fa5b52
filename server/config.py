"""Settings of this installation, from the environment. The hotline's own definitions are in its TOML files.

One field is one variable: its metadata says which, how its text is read, and what would be right. A wrong value stops
every command with one sentence; no value is guessed.
"""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

from server import setting_values as values

ELSEWHERE = frozenset({"SANSHENG_CACHE"})
"""Variables that are read before there are settings."""


class SettingsError(ValueError):
    """A setting that cannot be used; the text names the variable and says what would be right."""


def _by(read: Callable[[str], object], variable: str = "") -> dict[str, Any]:
    """A field's metadata: how its variable is read, and the variable if it is not SANSHENG_ and the field's name."""
    return {"read": read, "variable": variable}


@dataclass(frozen=True)
class Settings:
    """One installation's settings. Everything binds to `bind` (127.0.0.1) unless configured."""

    home: Path = field(default=Path("var"), metadata=_by(values.path))
    bind: str = field(default="127.0.0.1", metadata=_by(values.address))
    sip_port: int = field(default=5060, metadata=_by(values.port))
    sip_tls_port: int = field(default=5061, metadata=_by(values.port))
    """Where SIP over TLS is taken, if a trunk uses it."""
    http_port: int = field(default=8400, metadata=_by(values.port))
    http_connections: int = field(default=2048, metadata=_by(values.count(1, 100_000)))
    """The most connections to the API at once; never more than half of the file descriptors."""
    http_connections_per_address: int = field(default=64, metadata=_by(values.count(1, 100_000)))
    """The most connections from one address; of IPv6, from one /64 network."""
    proxies: tuple[str, ...] = field(default=(), metadata=_by(values.networks))
    """IP addresses or networks of proxies with TLS in front of the API, whose X-Forwarded-For and -Proto count."""
    public_url: str = field(default="", metadata=_by(values.web_address))
    """Where people reach this server's pages: one that stands by links to the one that leads; empty: it has no link."""
    tls_cert: Path | None = field(default=None, metadata=_by(values.path))
    """Certificate of the API, with those between it and its root; empty: see `tls`."""
    tls_key: Path | None = field(default=None, metadata=_by(values.path))
    """The key of that certificate."""
    tls_names: tuple[str, ...] = field(default=(), metadata=_by(values.host_names))
    """Names of this machine in the certificate that the private authority makes, besides those that it has."""
    oidc_issuer: str = field(default="", metadata=_by(values.oidc_issuer))
    """The OpenID provider by which people sign in besides passwords; empty: none."""
    oidc_client_id: str = field(default="", metadata=_by(values.as_it_is))
    """The name under which the provider knows this hotline."""
    oidc_client_secret_file: Path | None = field(default=None, metadata=_by(values.path))
    """File of the secret that the provider knows this hotline by; empty: a public client."""
    oidc_roles: tuple[tuple[str, str], ...] = field(default=(), metadata=_by(values.claimed_roles))
    """Values of the claim of roles, and the role of each; the first that a person has counts."""
    oidc_role_claim: str = field(default="groups", metadata=_by(values.as_it_is))
    oidc_name_claim: str = field(default="preferred_username", metadata=_by(values.as_it_is))
    oidc_agent_claim: str = field(default="agent", metadata=_by(values.as_it_is))
    """The claims of the roles, of the user's name, and of the work number."""
    oidc_scopes: str = field(default="openid profile", metadata=_by(values.as_it_is))
    """What the provider is asked for."""
    agi_port: int = field(default=4573, metadata=_by(values.port))
    ami_port: int = field(default=5038, metadata=_by(values.port))
    asterisk_http_port: int = field(default=8088, metadata=_by(values.port))
    rtp_ports: str = field(default="10000-10999", metadata=_by(values.port_range))
    trunk: str = field(default="", metadata=_by(values.sip_address))
    """SIP URI that outgoing calls go to; empty: no outgoing calls."""
    trunk_addresses: tuple[str, ...] = field(default=(), metadata=_by(values.networks))
    """IP addresses or networks whose calls are the public's, besides those of the trunks in hotline.toml; every other
    caller must be an agent's phone. Empty: 127.0.0.1 as long as there is no such trunk."""
    wrong_passwords: int = field(default=10, metadata=_by(values.count(0, 10_000)))
    """An address with so many wrong passwords of agents in a minute is refused for a while; 0: never."""
    webhook_networks: tuple[str, ...] = field(default=(), metadata=_by(values.networks))
    """IP addresses or networks that webhooks may reach besides public addresses, by http too."""
    refused_seconds: float = field(default=60.0, metadata=_by(values.seconds(1.0)))
    """How long such an address is refused."""
    external_address: str = field(default="", metadata=_by(values.address))
    """Public IP address when Asterisk stands behind address translation; empty: none."""
    asterisk: str = field(default="", metadata=_by(values.as_it_is))
    """Host of an Asterisk that runs elsewhere; empty: the private one."""
    asterisk_user: str = field(default="sansheng", metadata=_by(values.as_it_is))
    asterisk_secret: str = field(default="", metadata=_by(values.as_it_is))
    """Management login of an Asterisk that runs elsewhere."""
    channel_secret: str = field(default="", metadata=_by(values.as_it_is))
    """The secret by which that Asterisk's channels prove that its dialplan let them in: its file `secrets/channels`."""
    identity_key: str = field(default="", metadata=_by(values.as_it_is))
    """The key with which customers' digits are kept, the same on all servers; empty: `secrets/identity` of the home."""
    asterisk_home: Path | None = field(default=None, metadata=_by(values.path))
    """Home of that Asterisk as this server reaches it, for its agents' phones, spool and recordings in progress."""
    servers: tuple[str, ...] = field(default=(), metadata=_by(values.servers))
    """host:port of every server's FastAGI, in the order in which Asterisk asks them; empty: this one alone."""
    session_idle_minutes: int = field(default=30, metadata=_by(values.count(1, 10_080)))
    """After so many minutes in which nothing was done a session ends, unless a call is there or may come."""
    session_hours: int = field(default=12, metadata=_by(values.count(1, 720)))
    """How long after the sign-in a session ends in any case."""
    recordings: Path | str | None = field(default=None, metadata=_by(values.recording_store))
    """Folder or bucket (`s3://bucket/prefix`) of the finished recordings, one for all servers; empty: `recordings` in
    the home."""
    recordings_key: str = field(default="", metadata=_by(values.as_it_is))
    """File of the key that recordings are encrypted with, or `command:…` that prints it; empty: not encrypted."""
    recordings_verified_at: str = field(default="03:30", metadata=_by(values.time_of_day))
    """Time of day in the hotline's zone at which all recordings are verified; `never`."""
    server_name: str = field(default="", metadata=_by(values.server_name))
    """The name of the server in SIP and HTTP answers; empty: none."""
    log_megabytes: int = field(default=50, metadata=_by(values.count(1, 10_000)))
    """Size at which a log file is rotated."""
    log_hours: int = field(default=24, metadata=_by(values.count(1, 10_000)))
    """Age at which a log file is rotated."""
    log_files: int = field(default=14, metadata=_by(values.count(1, 1_000)))
    """How many old files of each log are kept."""
    recording_overdue_seconds: float = field(default=60.0, metadata=_by(values.seconds(1.0)))
    """How long after its conversation a recording may be neither joined nor missing; from then on it is an alarm."""
    api_token: str = field(default="", metadata=_by(values.as_it_is))
    """The access token that commands ask the server with; empty: the owner's token file in the home."""
    node: str = field(default_factory=socket.gethostname, metadata=_by(values.as_it_is))
    """This server's name among several."""
    lease_seconds: float = field(default=2.0, metadata=_by(values.seconds(0.5)))
    """How long a server that stopped answering keeps the lead."""
    frozen_seconds: float = field(default=10.0, metadata=_by(values.seconds_or_never))
    """A server whose event loop does nothing for so long is ended (kill -9); 0: never."""
    asterisk_frozen_seconds: float = field(default=30.0, metadata=_by(values.seconds_or_never))
    """The private Asterisk is replaced when it has answered nothing for so long; 0: never."""
    snapshot_seconds: float = field(default=60.0, metadata=_by(values.seconds(1.0)))
    """How often the state is saved; the log is trimmed up to there."""
    drain_seconds: float = field(default=30.0, metadata=_by(values.seconds(0.0)))
    """How long an orderly stop waits for conversations to end."""
    archive_days: int = field(default=0, metadata=_by(values.count(0, 36_500)))
    """Days for which the archived log holds what calls left in it, and the decisions; 0: for ever."""
    archive_trimmed_at: str = field(default="04:30", metadata=_by(values.time_of_day))
    """Time of day in the hotline's zone at which the archived log is trimmed of what is older; `never`."""
    smtp_url: str = field(default="", metadata=_by(values.url("smtp", "smtps")))
    """The mail server that takes the report of each 24 hours, with its user and password; empty: none is sent."""
    report_to: tuple[str, ...] = field(default=(), metadata=_by(values.mailboxes))
    """The mail addresses that get the report."""
    report_from: str = field(default="sansheng@localhost", metadata=_by(values.mailbox))
    """The sender of the report."""
    report_at: str = field(default="08:00", metadata=_by(values.quarter_of_an_hour))
    """When the night shift ends and the 24 hours are closed, in the hotline's zone."""
    database_url: str = field(default="", metadata=_by(values.url("sqlite", "postgresql", "postgres"), "DATABASE_URL"))
    redis_url: str = field(default="", metadata=_by(values.url("redis", "rediss", "unix"), "REDIS_URL"))

    @cached_property
    def root(self) -> Path:
        """The home as an absolute path."""
        return self.home.expanduser().absolute()

    @property
    def node_name(self) -> str:
        """This server's name in the log and in the lease."""
        return f"{self.node}:{self.agi_port}"

    @property
    def records_url(self) -> str:
        """The database of the records."""
        return self.database_url or f"sqlite:///{self.root / 'records.db'}"

    @property
    def recordings_folder(self) -> Path:
        """The folder of the finished recordings; with a bucket it holds those of before."""
        folder = self.recordings if isinstance(self.recordings, Path) else self.root / "recordings"
        return folder.expanduser().absolute()

    @property
    def recordings_bucket(self) -> str:
        """The bucket of the finished recordings as a URL; empty: they are in a folder."""
        return self.recordings if isinstance(self.recordings, str) else ""

    @property
    def agi_host(self) -> str:
        """The address of FastAGI. It knows no password, so it leaves this machine only for an Asterisk elsewhere."""
        return self.bind if self.servers or self.asterisk else "127.0.0.1"

    @property
    def browser_phones(self) -> str:
        """The URL of Asterisk's WebSocket, to which the server passes browsers' phones on."""
        host = self.asterisk or "127.0.0.1"
        return f"ws://{f'[{host}]' if ':' in host else host}:{self.asterisk_http_port}/ws"

    @property
    def redis_socket(self) -> Path:
        """The socket of the private Redis."""
        return self.root / "redis" / "redis.sock"

    @property
    def log_url(self) -> str:
        """The Redis of the event log."""
        return self.redis_url or f"unix://{quote(str(self.redis_socket))}"

    @property
    def token_file(self) -> Path:
        """The bearer token of the machine's owner."""
        return self.root / "secrets" / "api-token"

    @property
    def api(self) -> str:
        """The URL of the server on this machine."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.bind, self.bind)
        return f"http{'s' if self.tls else ''}://{f'[{host}]' if ':' in host else host}:{self.http_port}"

    @property
    def tls(self) -> bool:
        """Whether the API speaks TLS: with a certificate, and without one where others than this machine and a proxy
        reach it."""
        return self.tls_cert is not None or not (self.proxies or ipaddress.ip_address(self.bind).is_loopback)

    @property
    def tls_files(self) -> tuple[Path, Path]:
        """The files of certificate and key: the operator's, or those of the private authority."""
        if self.tls_cert is not None and self.tls_key is not None:
            return self.tls_cert.expanduser().absolute(), self.tls_key.expanduser().absolute()
        return self.root / "secrets" / "server.pem", self.root / "secrets" / "server-key.pem"

    @property
    def tls_shown(self) -> Path:
        """The operator's certificate as the running server shows it, which the files may have outrun."""
        return self.root / "secrets" / "shown.pem"

    @property
    def tls_authority(self) -> Path:
        """The certificate of the private authority."""
        return self.root / "secrets" / "ca.pem"

    @property
    def rtp_range(self) -> tuple[int, int]:
        """The first and the last port of the callers' and agents' sound."""
        first, _, last = self.rtp_ports.partition("-")
        return int(first), int(last)


def variables() -> dict[str, str]:
    """The variable of each setting → the setting's name."""
    return {each.metadata["variable"] or f"SANSHENG_{each.name.upper()}": each.name for each in fields(Settings)}


def load_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """Settings from the environment; an empty variable counts as one that is not set. Raises SettingsError."""
    readers: dict[str, Callable[[str], Any]] = {each.name: each.metadata["read"] for each in fields(Settings)}
    given: dict[str, Any] = {}
    for variable, name in variables().items():
        text = environment.get(variable, "").strip()
        if not text:
            continue
        try:
            given[name] = readers[name](text)
        except ValueError as error:
            # Text before an @ may be a password.
            shown = "…@" + text.rpartition("@")[2] if "@" in text else text
            raise SettingsError(f"{variable}={shown}: {error}") from None
    settings = Settings(**given)
    if (settings.tls_cert is None) != (settings.tls_key is None):
        raise SettingsError("SANSHENG_TLS_CERT and SANSHENG_TLS_KEY belong together: set both, or neither")
    if bool(settings.oidc_issuer) != bool(settings.oidc_client_id and settings.oidc_roles):
        raise SettingsError(
            "SANSHENG_OIDC_ISSUER, SANSHENG_OIDC_CLIENT_ID and SANSHENG_OIDC_ROLES belong together: set all, or none"
        )
    _refuse_clashes(settings)
    return settings


def unknown_variables(environment: Mapping[str, str] = os.environ) -> list[str]:
    """Variables that look like settings and are none: a typing mistake that would pass unnoticed."""
    known = variables().keys() | ELSEWHERE
    return sorted(name for name in environment if name.startswith("SANSHENG_") and name not in known)


def ports(settings: Settings) -> dict[str, int]:
    """The variable of each single port → the port."""
    return {variable: getattr(settings, name) for variable, name in variables().items() if name.endswith("_port")}


def _refuse_clashes(settings: Settings) -> None:
    holder: dict[int, str] = {}
    for variable, port in ports(settings).items():
        if port in holder:
            raise SettingsError(f"{variable} and {holder[port]} are both {port}: give each a port of its own")
        holder[port] = variable
    first, last = settings.rtp_range
    if first <= settings.sip_port <= last:
        within = f"lies within SANSHENG_RTP_PORTS={settings.rtp_ports}: move one of them"
        raise SettingsError(f"SANSHENG_SIP_PORT={settings.sip_port} {within}")
