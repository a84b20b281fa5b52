"""The text of every configuration file but SIP's: each a function of the site alone, equal sites give equal bytes."""

from __future__ import annotations

from collections.abc import Iterable

from server.telephony.asterisk.site import Site

AMI_USER = "sansheng"
READ_CLASSES = ("call", "dtmf", "system", "user")
"""What the server follows: calls and bridges, digits of waiting callers, contacts, marks from the dialplan."""
WRITE_CLASSES = ("call", "originate", "system")
"""call: Redirect, Hangup, ControlPlayback, MixMonitorMute, Getvar, Setvar. originate: Originate.
system: CoreShowChannels, Reload, PJSIPShowContacts. Not `command`, which is all of Asterisk's command line, nor
`config`, which rewrites files."""
NOISE = (
    "AGIExecEnd",
    "AGIExecStart",
    "BridgeCreate",
    "BridgeDestroy",
    "DTMFBegin",
    "DeviceStateChange",
    "ExtensionStatus",
    "LocalBridge",
    "MixMonitorStart",
    "MixMonitorStop",
    "MusicOnHoldStart",
    "MusicOnHoldStop",
    "NewCallerid",
    "NewConnectedLine",
    "NewExten",
    "Newchannel",
    "Newexten",
    "Newstate",
    "PeerStatus",
    "PresenceStateChange",
    "RTCPReceived",
    "RTCPSent",
    "SoftHangupRequest",
    "TestEvent",
    "VarSet",
)
"""Events that nobody follows. The classes keep most of them away; a Debian build sends TestEvent to every class."""


def asterisk_conf(site: Site) -> str:
    """Every directory in one home, so that several run side by side and nothing outside is touched."""
    layout = site.layout
    entity = ":".join(site.instance[i : i + 2] for i in range(0, 12, 2))
    return _file(
        "[directories]",
        f"astetcdir => {layout.etc}",
        f"astmoddir => {site.modules}",
        f"astvarlibdir => {layout.root / 'lib'}",
        f"astdbdir => {layout.root / 'lib'}",
        f"astkeydir => {layout.root}",
        f"astdatadir => {layout.data}",
        f"astagidir => {layout.agi}",
        f"astspooldir => {layout.root / 'spool'}",
        f"astrundir => {layout.run}",
        f"astlogdir => {layout.log}",
        f"astsbindir => {layout.run}",
        "",
        "[options]",
        f"systemname = {site.instance}",
        f"entityid = {entity}",
        f"defaultlanguage = {site.language}",
        "documentation_language = en_US",
        "languageprefix = yes",
        "nocolor = yes",
        "hideconnect = yes",
        "live_dangerously = no",
        "transmit_silence = yes",
        "verbose = 1",
        "debug = 0",
        "",
        "[files]",
        "astctlpermissions = 0600",
        "",
    )


def modules_conf(modules: Iterable[str]) -> str:
    """Exactly `modules`, in order."""
    return _file("[modules]", "autoload = no", *(f"load = {name}.so" for name in modules), "")


def manager_conf(site: Site, secret: str) -> str:
    """AMI on loopback alone, whatever `bind` says, with one user."""
    return _file(
        "[general]",
        "enabled = yes",
        "webenabled = no",
        f"port = {site.ami_port}",
        "bindaddr = 127.0.0.1",
        "displayconnects = no",
        "timestampevents = yes",
        "authtimeout = 10",
        "authlimit = 20",
        "",
        f"[{AMI_USER}]",
        f"secret = {secret}",
        "deny = 0.0.0.0/0.0.0.0",
        "permit = 127.0.0.1/255.255.255.255",
        "allowmultiplelogin = yes",
        "writetimeout = 5000",
        f"read = {','.join(READ_CLASSES)}",
        f"write = {','.join(WRITE_CLASSES)}",
        *(f"eventfilter(action(exclude),name({name})) = " for name in NOISE),
        "",
    )


def rtp_conf(site: Site) -> str:
    """Audio ports. On loopback the browser is told the loopback address, the only one that leads here."""
    low, high = site.rtp_ports
    return _file("[general]", f"rtpstart = {low}", f"rtpend = {high}", "strictrtp = yes", "icesupport = yes", "")


def http_conf(site: Site) -> str:
    """Only browsers' phones (`/ws`) use it: no static pages, no management."""
    return _file(
        "[general]",
        f"servername = {site.signature}",
        "enabled = yes",
        f"bindaddr = {site.bind}",
        f"bindport = {site.http_port}",
        "enable_static = no",
        "sessionlimit = 1000",
        "",
    )


def musiconhold_conf(site: Site) -> str:
    """Class `default` and one per queue that has its own; files are played in order of name, from a random start."""
    lines: list[str] = ["[general]", "cachertclasses = no", ""]
    for name in sorted(site.music):
        lines += [f"[{name}]", "mode = files", f"directory = {site.music[name]}", "sort = randstart", ""]
    return _file(*lines)


def logger_conf() -> str:
    """One file, what a person must know; the supervisor keeps what goes to the terminal."""
    return _file(
        "[general]",
        "dateformat = %F %T.%3q",
        "rotatestrategy = rotate",
        "",
        "[logfiles]",
        "messages = notice,warning,error,security",
        "console = notice,warning,error",
        "",
    )


def indications_conf() -> str:
    """China's tones: 450 Hz, ringing 1 s on and 4 s off."""
    return _file(
        "[general]",
        "country = cn",
        "",
        "[cn]",
        "description = China",
        "ringcadence = 1000,4000",
        "dial = 450",
        "busy = 450/350,0/350",
        "ring = 450/1000,0/4000",
        "congestion = 450/700,0/700",
        "callwaiting = 450/400,0/4000",
        "dialrecall = 450",
        "record = 950/400,0/10000",
        "info = 450/100,0/100,450/100,0/100,450/100,0/100,450/400,0/400",
        "",
    )


def globals_conf(site: Site) -> str:
    """What the dialplan is told about this installation; included into `[globals]`."""
    return _file(
        f"SERVERS={'&'.join(site.servers)}",
        f"MAX_CALLERS={site.audio.max_callers}",
        f"MAX_SILENT={max(site.max_silent, site.audio.max_callers // 3)}",
        f"MAX_CALLS={site.places}",
        f"CALLS_PER_SECOND={site.calls_per_second}",
        f"MAX_FALLBACKS={site.max_fallbacks}",
        f"AWAY_AFTER={site.away_after}",
        f"TAKE_NUMBER={site.layout.agi / 'take-number'}",
    )


SILENT = {
    "acl.conf": "",
    "amd.conf": "[general]\n",
    "ccss.conf": "",
    "cdr.conf": "[general]\nenable = no\n",
    "cel.conf": "[general]\nenable = no\n",
    "codecs.conf": "",
    "dnsmgr.conf": "",
    "features.conf": "",
    "pjproject.conf": "",
    "pjsip_notify.conf": "",
    "res_parking.conf": "",
    "say.conf": "",
    "sorcery.conf": "",
    "stasis.conf": "",
    "udptl.conf": "",
    "websocket_client.conf": "",
}
"""Files that Asterisk asks for although nothing is to be said in them. The log keeps the calls, not CDR or CEL."""


def _file(*lines: str) -> str:
    return "\n".join(lines) + ("" if lines and lines[-1] == "" else "\n")
