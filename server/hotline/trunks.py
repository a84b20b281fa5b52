"""A trunk is data: the carrier's address, what the two sides prove to each other, how numbers are written on it.

Read from `[trunks.NAME]` of hotline.toml. The secret stands in a file of its own (`secrets/trunks/NAME`) and is no part
of what is read here. Every value ends in Asterisk's configuration, so each is checked against what may stand there.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from server.hotline.parties import canonical, shown
from tables.errors import TableError
from tables.values import Table, known, text

LEGACY = "default"
"""The name of the one trunk that SANSHENG_TRUNK describes."""
OUT, IN = "trunk-out", "trunk-in"
"""What the SIP endpoints of trunks begin with: the one for calls to the carrier, the one for the carrier's calls."""
_BY = "-by-"
TRANSPORTS = ("udp", "tcp", "tls")
SRTP = ("off", "optional", "required")
CODECS = ("alaw", "ulaw", "g722", "g729")
DTMF = ("auto", "rfc4733", "info", "inband")
TIMERS = ("accept", "off", "required", "always")
CALLER_HEADERS = ("auto", "pai", "rpid", "from", "diversion")
FORMATS_IN = ("national", "e164")
FORMATS_OUT = ("national", "local", "e164", "plus", "idd", "given")
PORTS = {"udp": 5060, "tcp": 5060, "tls": 5061}
_NAME = re.compile(r"[a-z0-9][a-z0-9_]{0,23}")
_HOST = re.compile(r"(?P<host>[A-Za-z0-9]([A-Za-z0-9.-]{0,252}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(:(?P<port>\d{1,5}))?")
_USER = re.compile(r"[A-Za-z0-9_.!~*'%+@-]{1,64}")
_PATTERN = re.compile(r"\+?[0-9?]*\*?")
_DIGITS = re.compile(r"\+?[0-9]{1,16}")


@dataclass(frozen=True, slots=True)
class Trunk:
    """One trunk. Durations are seconds; `max_calls` 0 is no limit; `numbers` are patterns of outgoing calls."""

    name: str
    address: str
    """host or host:port; without a port the carrier's SRV records tell it."""
    transport: str = "udp"
    srtp: str = "off"
    verify: bool = True
    """Whether the carrier's certificate must be genuine."""
    register: bool = False
    user: str = ""
    secret: str = field(default="", repr=False)
    register_seconds: int = 600
    retry_seconds: int = 30
    proxy: str = ""
    from_user: str = ""
    from_domain: str = ""
    addresses: tuple[str, ...] = ()
    """IP addresses, networks or host names that calls come from, with a port if it counts."""
    trusted: bool = False
    caller_header: str = "auto"
    numbers_in: str = "national"
    strip_in: str = ""
    numbers_out: str = "national"
    prefix_out: str = ""
    area: str = ""
    cli: str = ""
    dtmf: str = "auto"
    codecs: tuple[str, ...] = ("alaw", "ulaw")
    session_timers: str = "accept"
    session_seconds: int = 1800
    send_pai: bool = True
    user_phone: bool = False
    connected_line: bool = False
    max_calls: int = 0
    order: int = 0
    numbers: tuple[str, ...] = ("*",)
    qualify_seconds: int = 30
    unavailable_seconds: int = 30
    """How long calls try the other trunks first after the carrier answered 503."""

    @property
    def endpoint(self) -> str:
        """The SIP endpoint of calls to the carrier."""
        return OUT if self.name == LEGACY else f"{OUT}-{self.name}"

    @property
    def host(self) -> str:
        """The host of the address, without a port and brackets."""
        found = _HOST.fullmatch(self.address)
        return found["host"].strip("[]") if found else ""

    @property
    def uri(self) -> str:
        """The SIP address of the carrier."""
        transport = "" if self.transport == "udp" else f";transport={self.transport}"
        return f"sip:{self.address}{transport}"

    @property
    def login(self) -> str:
        """The user without the domain that may stand behind it."""
        return self.user.partition("@")[0]

    @property
    def source(self) -> tuple[str, ...]:
        """Where calls of the carrier come from."""
        return self.addresses or (self.host,)

    @property
    def needs_secret(self) -> bool:
        """Whether the carrier asks for a secret that is not there."""
        return bool(self.user) and not self.secret

    def carries(self, number: str, region: str) -> bool:
        """Whether a call to this number, however it is written, may go by this trunk."""
        known_as = canonical(number, region)
        forms = (known_as, shown(known_as, region))
        return any(_regex(pattern).fullmatch(form) for pattern in self.numbers for form in forms)

    def dialled(self, number: str, region: str) -> str:
        """A number as this carrier wants it."""
        if self.numbers_out == "given":
            return f"{self.prefix_out}{number}"
        known_as = canonical(number, region)
        if not known_as.startswith("+"):
            return f"{self.prefix_out}{known_as}"
        digits, national = known_as[1:], shown(known_as, region)
        abroad = national.startswith("+")
        if self.numbers_out == "plus":
            return f"{self.prefix_out}{known_as}"
        if self.numbers_out == "e164":
            return f"{self.prefix_out}{digits}"
        if self.numbers_out == "idd" or abroad:
            return f"{self.prefix_out}00{digits}"
        if self.numbers_out == "local" and self.area:
            return f"{self.prefix_out}{national.removeprefix(self.area)}"
        return f"{self.prefix_out}{national}"

    def presented(self, usual: str, region: str) -> str:
        """The number that a call by this trunk shows; `usual` is the hotline's. Empty: none is set."""
        number = self.cli or usual
        if not number or self.numbers_out == "given":
            return number
        written = self.dialled(number, region).removeprefix(self.prefix_out)
        return shown(canonical(number, region), region) if self.numbers_out == "local" else written


def agent_endpoint(agent: str, trunk: str) -> str:
    """The SIP endpoint by which an agent at an outside number is called by this trunk: its channels tell both."""
    return f"{agent}{_BY}{trunk}"


def agent_at(endpoint: str) -> str:
    """The agent of such an endpoint; any other endpoint is given back."""
    return endpoint.partition(_BY)[0]


def trunk_of(channel: str) -> str:
    """The trunk that a channel such as `PJSIP/trunk-out-telecom-0000002a` goes by; empty for no trunk's channel."""
    technology, _, rest = channel.partition("/")
    endpoint = rest.rpartition("-")[0]
    if technology != "PJSIP":
        return ""
    if _BY in endpoint:
        return endpoint.partition(_BY)[2]
    if endpoint in (OUT, "trunk"):
        return LEGACY
    for begins in (OUT, IN):
        if endpoint.startswith(f"{begins}-"):
            return endpoint.removeprefix(f"{begins}-")
    return ""


def legacy(uri: str) -> Trunk:
    """The trunk that SANSHENG_TRUNK describes: numbers go out as they are, and nothing is asked about its health."""
    address = uri.partition(":")[2].partition(";")[0].rpartition("@")[2]
    transport = "tcp" if ";transport=tcp" in uri.lower() else "udp"
    return Trunk(LEGACY, address, transport, numbers_out="given", order=1_000_000, qualify_seconds=0)


def in_order(trunks: Iterable[Trunk]) -> tuple[Trunk, ...]:
    """The trunks as outgoing calls try them: by `order`, and then as they stand in the file."""
    return tuple(sorted(trunks, key=lambda trunk: trunk.order))


def read_trunks(table: Table, region: str) -> tuple[Trunk, ...]:
    """Read `[trunks]`. Raises TableError with the key of the value that cannot be used."""
    trunks = [_trunk(name, table.table(name), region) for name in table.data]
    for name in table.data:
        if not _NAME.fullmatch(str(name)) or name == LEGACY:
            raise TableError(
                table.at(str(name)),
                f'"{name}" is no name of a trunk: up to 24 small letters, digits and _, and not "{LEGACY}"',
            )
    _apart(trunks, table)
    verified = {trunk.verify for trunk in trunks if trunk.transport == "tls"}
    if len(verified) > 1:
        where = next(trunk.name for trunk in trunks if not trunk.verify)
        raise TableError(
            (*table.at(where), "verify"), "trunks with TLS share one transport: set verify alike in all of them"
        )
    return in_order(trunks)


def _trunk(name: str, table: Table, region: str) -> Trunk:
    address = table.get("address", None, _address)
    transport = table.choice("transport", TRANSPORTS, "udp")
    user = table.get("user", "", _user)
    read = Trunk(
        name=name,
        address=address,
        transport=transport,
        srtp=table.choice("srtp", SRTP, "off"),
        verify=table.flag("verify", True),
        register=table.flag("register", False),
        user=user,
        register_seconds=table.integer("register_seconds", 600, least=30, most=86_400),
        retry_seconds=table.integer("retry_seconds", 30, least=1, most=3600),
        proxy=table.get("proxy", "", _address) if table.has("proxy") else "",
        from_user=table.get("from_user", "", _user),
        from_domain=table.get("from_domain", "", _domain),
        addresses=table.items("addresses", _source),
        trusted=table.flag("trusted", False),
        caller_header=table.choice("caller_header", CALLER_HEADERS, "auto"),
        numbers_in=table.choice("numbers_in", FORMATS_IN, "national"),
        strip_in=table.get("strip_in", "", _digits),
        numbers_out=table.choice("numbers_out", FORMATS_OUT, "national"),
        prefix_out=table.get("prefix_out", "", _digits),
        area=table.get("area", "", _digits),
        cli=table.get("cli", "", _digits),
        dtmf=table.choice("dtmf", DTMF, "auto"),
        codecs=table.get("codecs", ("alaw", "ulaw"), _codecs),
        session_timers=table.choice("session_timers", TIMERS, "accept"),
        session_seconds=table.integer("session_seconds", 1800, least=90, most=86_400),
        send_pai=table.flag("send_pai", True),
        user_phone=table.flag("user_phone", False),
        connected_line=table.flag("connected_line", False),
        max_calls=table.integer("max_calls", 0, most=10_000),
        order=table.integer("order", 0, most=1000),
        numbers=table.items("numbers", _pattern) if table.has("numbers") else ("*",),
        qualify_seconds=table.integer("qualify_seconds", 30, least=1, most=3600),
        unavailable_seconds=table.integer("unavailable_seconds", 30, most=3600),
    )
    table.done()
    if read.register and not user:
        raise TableError(table.at("register"), "a registration needs a user: write user = the carrier's account")
    if read.srtp != "off" and transport != "tls":
        raise TableError(
            table.at("srtp"), 'the keys of SRTP stand in the SIP messages: write transport = "tls" with it'
        )
    if read.numbers_out == "local" and not read.area:
        raise TableError(table.at("numbers_out"), 'local calls leave the area code out: write area, such as "010"')
    if read.caller_header in ("pai", "rpid") and not read.trusted:
        raise TableError(
            table.at("caller_header"),
            f"{read.caller_header} counts from a trusted trunk alone: write trusted = true if the carrier sets it",
        )
    if read.cli and canonical(read.cli, region).startswith("400"):
        raise TableError(table.at("cli"), f"{read.cli} cannot call out: a 400 number only receives calls")
    return read


def _apart(trunks: Iterable[Trunk], table: Table) -> None:
    """Refuse addresses from which two trunks would send: a call would be either one's."""
    seen: list[tuple[str, str, ipaddress.IPv4Network | ipaddress.IPv6Network, str]] = []
    for trunk in trunks:
        for each in trunk.source:
            network, port = source_of(each)
            if network is None:
                continue
            for other, text_, theirs, their_port in seen:
                same = network.version == theirs.version and network.overlaps(theirs)
                if same and other != trunk.name and (port == their_port or not port or not their_port):
                    raise TableError(
                        (*table.at(trunk.name), "addresses" if trunk.addresses else "address"),
                        f"{each} is where calls of trunk {other} come from too ({text_}): "
                        "write addresses that tell them apart",
                    )
            seen.append((trunk.name, each, network, port))


def source_of(text_: str) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network | None, str]:
    """`203.0.113.7:5060/32` as (network, port); the network is None for a host name, the port empty if none counts."""
    found = re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[0-9.]+)(?::(\d{1,5}))?(/\d{1,3})?", text_)
    plain, port, width = (found[1].strip("[]"), found[2] or "", found[3] or "") if found else (text_, "", "")
    try:
        return ipaddress.ip_network(f"{plain}{width}", strict=False), port
    except ValueError:
        return None, port


def _regex(pattern: str) -> re.Pattern[str]:
    return re.compile(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "[0-9]"))


def _address(value: object, key: tuple[str | int, ...]) -> str:
    written = text(value, key)
    found = _HOST.fullmatch(written)
    if found is None or not 1 <= int(found["port"] or 5060) <= 65535:
        raise TableError(key, f'"{written}" is no host or host:port, such as sip.carrier.example or 203.0.113.7:5060')
    if found["host"].startswith("[") and source_of(found["host"])[0] is None:
        raise TableError(key, f'"{written}" is no IPv6 address in brackets, such as [2001:db8::7]:5060')
    return written


def _source(value: object, key: tuple[str | int, ...]) -> str:
    written = text(value, key)
    if source_of(written)[0] is None and (not _HOST.fullmatch(written) or re.fullmatch(r"[0-9./:]+", written)):
        raise TableError(key, f'"{written}" is no address, network or host, such as 203.0.113.0/29')
    return written


def _domain(value: object, key: tuple[str | int, ...]) -> str:
    written = _address(value, key)
    if ":" in written.rpartition("]")[2]:
        raise TableError(key, f'"{written}" has a port: a domain has none')
    return written


def _user(value: object, key: tuple[str | int, ...]) -> str:
    written = text(value, key, numbers=True)
    if written and not _USER.fullmatch(written):
        raise TableError(key, f'"{written}" is no user name on SIP: letters, digits and _ . ! ~ * % + @ -, 64 at most')
    return written


def _digits(value: object, key: tuple[str | int, ...]) -> str:
    written = text(value, key)
    if written and not _DIGITS.fullmatch(written):
        raise TableError(key, f'"{written}" must be digits, which may begin with +')
    return written


def _pattern(value: object, key: tuple[str | int, ...]) -> str:
    written = text(value, key)
    if not written or not _PATTERN.fullmatch(written):
        raise TableError(key, f'"{written}" is no pattern: digits, ? for one digit, * at the end, such as "010*"')
    return written


def _codecs(value: object, key: tuple[str | int, ...]) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        raise TableError(key, f"this must be a list of {', '.join(CODECS)}")
    return tuple(
        dict.fromkeys(known(text(each, (*key, at)), CODECS, (*key, at), "codec") for at, each in enumerate(value))
    )
