"""The text of every configuration file but SIP's: each a function of the site alone, equal sites give equal bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from server.telephony.asterisk.site import HTTP_BIND, Site
from server.telephony.asterisk.values import text, written
from server.telephony.tokens import VARIABLE

AMI_USER = "sansheng"
READ_CLASSES = ("call", "dtmf", "security", "system", "user")
"""What the server follows: calls and bridges, digits of waiting callers, wrong passwords, contacts, marks from the
dialplan."""
WRITE_CLASSES = ("call", "originate", "reporting")
"""call: Redirect, Hangup, ControlPlayback, MixMonitorMute, StopMixMonitor, PlayDTMF, Getvar, Setvar. originate:
Originate, which without `system` is refused for applications that can run programs. reporting: CoreShowChannels,
CoreStatus.
Not `system`, which loads modules, runs programs and reloads; nor `config`, which rewrites files; nor `command`, which
is all of Asterisk's command line; nor `agi`, which runs any application. What the server needs of those goes over the
control socket (`control`)."""
CHANNEL_EVENTS = (
    "AttendedTransfer",
    "BlindTransfer",
    "BridgeEnter",
    "BridgeLeave",
    "DTMFBegin",
    "DTMFEnd",
    "DialBegin",
    "DialEnd",
    "DialState",
    "Hangup",
    "HangupRequest",
    "Hold",
    "Unhold",
    "UserEvent",
)
"""What the server follows of channels. Asterisk shows them only for channels that its dialplan has let in: before
that, the number in an event is what a stranger wrote, line ends and all."""
HOUSE = "default"
"""The class of music that every hotline has."""
LATER = "later"
"""The class of music that begins with silence: started before a server is waited for, so that a caller hears
music when the server says nothing, and none when the server serves the caller in time."""
WEB_SECRETS = "web"
"""What the families of browsers' secrets begin with in Asterisk's database."""
SECURITY_EVENTS = ("ChallengeResponseFailed", "InvalidPassword")
"""Wrong passwords. The account is Asterisk's own name for it; in other events, about accounts that do not exist, it
would be what a stranger wrote, line ends and all."""
OTHER_EVENTS = ("ContactStatus", "FullyBooted", "OriginateResponse", "Registry", "Shutdown", *SECURITY_EVENTS)


def asterisk_conf(site: Site, secret: str) -> str:
    """Every directory in one home, so that several run side by side and nothing outside is touched.

    The names of this Asterisk, with which the unique ids of its channels begin, are made of `secret`: nobody outside
    can know them or guess them from what is known of the installation.
    """
    layout = site.layout
    names = hashlib.sha256(secret.encode()).hexdigest()
    entity = ":".join(names[i : i + 2] for i in range(16, 28, 2))
    return _file(
        "[directories]",
        f"astetcdir = {layout.etc}",
        f"astmoddir = {layout.modules}",
        f"astvarlibdir = {layout.root / 'lib'}",
        f"astdbdir = {layout.root / 'lib'}",
        f"astkeydir = {layout.root}",
        f"astdatadir = {layout.data}",
        f"astagidir = {layout.agi}",
        f"astspooldir = {layout.root / 'spool'}",
        f"astrundir = {layout.run}",
        f"astlogdir = {layout.log}",
        f"astsbindir = {layout.run}",
        "",
        "[options]",
        f"systemname = {names[:16]}",
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


def manager_conf(site: Site, secret: str, mark: str) -> str:
    """AMI on loopback alone, whatever `bind` says, with one user. `mark` is what the dialplan's tokens begin with."""
    return _file(
        "[general]",
        "enabled = yes",
        f"channelvars = {VARIABLE}",
        "webenabled = no",
        f"port = {site.ami_port}",
        f"bindaddr = {HTTP_BIND}",
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
        *(f"eventfilter(action(include),name({name}),method(contains)) = {mark}/" for name in CHANNEL_EVENTS),
        *(f"eventfilter(action(include),name({name})) = " for name in OTHER_EVENTS),
        "",
    )


def rtp_conf(site: Site) -> str:
    """Audio ports. On loopback the browser is told the loopback address, the only one that leads here."""
    low, high = site.rtp_ports
    return _file("[general]", f"rtpstart = {low}", f"rtpend = {high}", "strictrtp = yes", "icesupport = yes", "")


def http_conf(site: Site) -> str:
    """Only browsers' phones (`/ws`) use it, through the server: loopback alone, no static pages, no management."""
    return _file(
        "[general]",
        f"servername = {site.server_name}",
        "enabled = yes",
        "bindaddr = 127.0.0.1",
        f"bindport = {site.http_port}",
        "enable_static = no",
        "sessionlimit = 1000",
        "",
    )


def musiconhold_conf(site: Site) -> str:
    """Class `default` and one per queue that has its own; files are played in order of name, from a random start.

    `LATER` begins with silence: it is heard only where a server should have gone on and does not.
    """
    lines: list[str] = ["[general]", "cachertclasses = no", ""]
    for name in sorted(site.music):
        lines += [f"[{name}]", "mode = files", f"directory = {site.music[name]}", "sort = randstart", ""]
    house = sorted(path.with_suffix("") for path in site.music.get(HOUSE, site.home / "no-music").glob("*.wav"))
    lines += [
        f"[{LATER}]",
        "mode = playlist",
        f"entry = {site.layout.silence}",
        *(f"entry = {each}" for each in house),
        "",
    ]
    return _file(*lines)


def logger_conf() -> str:
    """One file, with what a person must know. Nothing of it goes to the terminal, whose output the supervisor keeps."""
    return _file(
        "[general]",
        "dateformat = %F %T.%3q",
        "",
        "[logfiles]",
        "messages = notice,warning,error",
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


def globals_conf(site: Site, secret: str, mark: str) -> str:
    """What the dialplan is told about this installation; included into `[globals]`.

    `secret` is what the channels' tokens are made with, `mark` what they begin with.
    """
    return _file(
        f"SECRET={secret}",
        f"MARK={mark}",
        f"SERVERS={len(site.servers)}",
        f"MAX_CALLERS={site.audio.max_callers}",
        f"MAX_SILENT={max(site.max_silent, site.audio.max_callers // 3)}",
        f"MAX_CALLS={site.places}",
        f"CALLS_PER_SECOND={site.calls_per_second}",
        f"MAX_FALLBACKS={site.max_fallbacks}",
        f"AWAY_AFTER={site.away_after}",
    )


def servers_conf(site: Site) -> str:
    """Dialplan context `servers`: a server's place, from 0 on → the call is handed to it, until it gives it back."""
    lines = ["[servers]"]
    for place, server in enumerate(site.servers):
        url = f"agi://{written('server', server)}/${{ARG1}}"
        lines += [f"exten => {place},1,AGI({url})", " same => n,Return()"]
    return "\n".join(lines) + "\n"


def sorcery_conf() -> str:
    """Where Asterisk looks for secrets: in `pjsip.conf`, and, for browsers', in its own database (`web_secrets`).

    What is in the database holds at once: nothing is reloaded when a browser comes or goes.
    """
    return _file("[res_pjsip]", "auth = config,pjsip.conf,criteria=type=auth", f"auth = astdb,{WEB_SECRETS}", "")


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
    "stasis.conf": "",
    "udptl.conf": "",
    "websocket_client.conf": "",
}
"""Files that Asterisk asks for although nothing is to be said in them. The log keeps the calls, not CDR or CEL."""


def _file(*lines: str) -> str:
    return text(*lines).rstrip("\n") + "\n"
