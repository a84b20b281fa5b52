"""Carriers for tests: a second Asterisk that asks for a password, and one that refuses every call as the number says.

Each stands at an address of its own on the loopback, by which the hotline tells them apart.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from provision import default_cache, provision
from server.hotline.definitions import MUSIC, PROMPTS
from server.telephony.asterisk.configure import AMI_SECRET, arguments, configure, secret
from server.telephony.asterisk.ready import ready
from server.telephony.asterisk.site import HTTP_BIND, Site
from tests.orphans import with_parent
from tests.raw_sip import SDP

TREE = Path(__file__).resolve().parents[2]
SECURE, PLAIN = "4008005678", "4008005679"
USER, SECRET = "4008001234", "a;secret#with(all)&sorts$of[characters]"
DIALPLAN = """
[out]
exten => _X.,1,Set(CALLERID(num)=${CUT(EXTEN,-,2)})
 same => n,Dial(PJSIP/${CUT(EXTEN,-,1)}@${CUT(EXTEN,-,1)},20)
 same => n,Hangup()

[hotline]
; A number that ends with 183 has something to say before the answer, and one with 184 refuses after that. One that ends
; with 77 and a status is an agent's, who presses 1 twice.
exten => _X.,1,Set(LAST=${EXTEN:-3})
 same => n,Set(WHOSE=${EXTEN:-5:2})
 same => n,Goto(s,1)
exten => _+X.,1,Set(LAST=${EXTEN:-3})
 same => n,Set(WHOSE=${EXTEN:-5:2})
 same => n,Goto(s,1)
exten => s,1,Set(FROM=${PJSIP_HEADER(read,From)})
 same => n,Set(PAI=${PJSIP_HEADER(read,P-Asserted-Identity)})
 same => n,Log(NOTICE,CAME ${CHANNEL(pjsip,request_uri)} from ${FROM} pai ${PAI})
 same => n,GotoIf($["${LAST}" = "183" | "${LAST}" = "184"]?early)
 same => n,Ringing()
 same => n,Goto(wait)
 same => n(early),Progress()
 same => n,StartMusicOnHold(default)
 same => n(wait),Wait(0.3)
 same => n,ExecIf($["${LAST}" = "184"]?Hangup(34))
 same => n,Answer()
 same => n,StartMusicOnHold(default)
 same => n,ExecIf($["${WHOSE}" = "77"]?SendDTMF(w1w1))
 same => n,Wait(20)
 same => n,Hangup()
"""


def free_port(address: str) -> int:
    """A port of this address that is free for TCP and UDP now."""
    while True:
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
            tcp.bind((address, 0))
            with contextlib.suppress(OSError):
                udp.bind((address, tcp.getsockname()[1]))
                return int(tcp.getsockname()[1])


class Carrier:
    """A second Asterisk at `address`. A hotline registers as USER with SECRET, and as SECURE or PLAIN at `tls_address`:
    the sound of SECURE is encrypted, that of PLAIN never.

    `tls` is the folder of certificate.pem and key.pem; without it there is no TLS.
    """

    def __init__(self, address: str, hotline_port: int, tls_address: str, tls: Path | None = None) -> None:
        tool = provision("asterisk", default_cache(), print)
        assert tool.modules
        assert tool.data
        self._tool, self._tls_address, self._tls = tool, tls_address, tls
        self.home = Path(tempfile.mkdtemp(prefix="ss-carrier-"))
        first = 26_000 + 100 * (hotline_port % 50)
        self.site = Site(
            home=self.home,
            modules=tool.modules,
            data=tool.data,
            prompts={"zh": PROMPTS / "zh"},
            python=Path(sys.executable),
            dialplan=TREE / "dialplan",
            music={"default": MUSIC},
            bind=address,
            sip_port=free_port(address),
            sip_tls_port=free_port(tls_address),
            ami_port=free_port("127.0.0.1"),
            http_port=free_port(HTTP_BIND),
            rtp_ports=(first, first + 99),
        )
        configure(self.site, [])
        etc = self.site.layout.etc
        (etc / "pjsip.conf").write_text(self._pjsip())
        (etc / "extensions.conf").write_text(DIALPLAN)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"{self.site.bind}:{self.site.sip_port}"

    @property
    def tls_address(self) -> str:
        return f"{self._tls_address}:{self.site.sip_tls_port}"

    def start(self) -> None:
        """Return when it takes calls. It begins anew with every start, and knows no registration."""
        shutil.rmtree(self.site.layout.root / "lib", ignore_errors=True)
        (self.site.layout.root / "lib").mkdir()
        with (self.home / "terminal").open("ab") as out:
            words = self._tool.argv("asterisk", *arguments(self.site))
            self._process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=out, stderr=out, preexec_fn=with_parent(signal.SIGKILL)
            )

    async def up(self) -> None:
        """Return when it takes calls."""
        await ready(self.site)

    def stop(self) -> None:
        """End it at once: it says goodbye to nobody."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(10)
            self._process = None

    def end(self) -> None:
        """Leave nothing behind."""
        self.stop()
        shutil.rmtree(self.home, ignore_errors=True)

    def command(self, text: str) -> str:
        """Its command line."""
        words = self._tool.argv("asterisk", "-C", self.site.layout.etc / "asterisk.conf", "-rx", text)
        return subprocess.run(words, capture_output=True, text=True, check=False, timeout=10).stdout

    def call(self, called: str, caller: str, subscriber: str = "") -> None:
        """Call the hotline, which is registered as `called`, as somebody of the public whose number is asserted.

        `subscriber` is the SIP address of a telephone that is joined with the call; without it the caller is silent.
        """
        what = f"Dial\r\nData: PJSIP/subscriber/{subscriber}" if subscriber else "Wait\r\nData: 20"
        words = [
            "Action: Login\r\nUsername: sansheng",
            f"Secret: {secret(self.site.layout, AMI_SECRET)}\r\n",
            "Action: Originate",
            f"Channel: Local/{called}-{caller}@out",
            f"Application: {what}\r\nAsync: true\r\n",
            "Action: Logoff\r\n\r\n",
        ]
        with socket.create_connection(("127.0.0.1", self.site.ami_port), timeout=5) as link:
            link.sendall("\r\n".join(words).encode())
            while link.recv(4096):
                pass

    def came(self) -> list[str]:
        """What it noted of each call that came in."""
        log = (self.site.layout.log / "messages").read_text(errors="replace")
        return [line.partition("CAME ")[2] for line in log.splitlines() if "CAME sip" in line]

    def _pjsip(self) -> str:
        lines = [
            "[global]",
            "type=global",
            "endpoint_identifier_order=username,auth_username,ip",
            *self._transport("udp", self.site.bind, self.site.sip_port),
            *self._transport("tcp", self.site.bind, self.site.sip_port),
            *self._account(USER),
            "[subscriber]",
            "type=endpoint",
            "transport=transport-udp",
            "context=hotline",
            "disallow=all",
            "allow=alaw",
            "direct_media=no",
        ]
        if self._tls is not None:
            lines += [
                *self._transport("tls", self._tls_address, self.site.sip_tls_port),
                "method=tlsv1_2",
                f"cert_file={self._tls / 'certificate.pem'}",
                f"priv_key_file={self._tls / 'key.pem'}",
                *self._account(SECURE, "media_encryption=sdes"),
                *self._account(PLAIN),
            ]
        return "\n".join(lines) + "\n"

    def _account(self, user: str, *more: str) -> tuple[str, ...]:
        escaped = SECRET.replace(";", "\\;")
        return (
            f"[{user}]",
            "type=endpoint",
            "context=hotline",
            "disallow=all",
            "allow=alaw",
            "direct_media=no",
            f"media_address={self.site.bind}",
            "bind_rtp_to_media_address=yes",
            f"aors={user}",
            f"auth={user}",
            "identify_by=username,auth_username",
            "rewrite_contact=yes",
            "send_pai=yes",
            "trust_id_outbound=yes",
            "rtp_symmetric=yes",
            *more,
            f"[{user}]",
            "type=auth",
            "auth_type=digest",
            f"username={user}",
            f"password={escaped}",
            f"[{user}]",
            "type=aor",
            "max_contacts=1",
            "remove_existing=yes",
            "minimum_expiration=5",
        )

    def _transport(self, protocol: str, address: str, port: int) -> tuple[str, ...]:
        return (f"[transport-{protocol}]", "type=transport", f"protocol={protocol}", f"bind={address}:{port}")


class RefusingCarrier(asyncio.DatagramProtocol):
    """Answers OPTIONS, and every INVITE with the status that the last three digits of the called number are.

    `more` are header lines of the refusals, by status; 000 is no answer at all.
    """

    def __init__(self, address: str, more: dict[int, str] | None = None) -> None:
        self._at, self._more = (address, free_port(address)), more or {}
        self.came: list[tuple[str, str]] = []
        """(called, header lines) of each INVITE."""
        self.silent = False

    @property
    def address(self) -> str:
        return "{}:{}".format(*self._at)

    async def __aenter__(self) -> RefusingCarrier:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=self._at)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._transport.close()

    def invite(self, port: int, called: str, caller: str) -> None:
        """Call the hotline at this port from the carrier's own address, and heed no answer."""
        call = f"{time.time_ns():x}"
        lines = [
            f"INVITE sip:{called}@127.0.0.1:{port} SIP/2.0",
            f"Via: SIP/2.0/UDP {self.address};rport;branch=z9hG4bK{call}",
            f"From: <sip:{caller}@carrier.example>;tag={call}",
            f"To: <sip:{called}@127.0.0.1>",
            f"Call-ID: {call}",
            "CSeq: 1 INVITE",
            f"Contact: <sip:{self.address}>",
            "Max-Forwards: 70",
            "Content-Type: application/sdp",
            f"Content-Length: {len(SDP)}",
        ]
        self._transport.sendto(("\r\n".join(lines) + "\r\n\r\n" + SDP).encode(), ("127.0.0.1", port))

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        text = data.decode("utf-8", "replace")
        method = text.split(" ", 1)[0]
        found = re.match(r"INVITE sips?:([^@;>]+)@", text)
        if self.silent or method not in ("OPTIONS", "INVITE", "CANCEL", "BYE"):
            return
        status = 200
        if found:
            branch = re.search(r"branch=[^;\s]+", text)
            if branch is None or not any(branch[0] in earlier for _, earlier in self.came):
                self.came.append((found[1], text))
            status = int(found[1][-3:])
        if status == 0:
            return
        kept = [line for line in text.split("\r\n") if re.match(r"(?i)(via|from|call-id|cseq):", line)]
        to = re.search(r"(?im)^to:.*$", text)
        assert to is not None
        lines = [f"SIP/2.0 {status} Said So", *kept, f"{to[0].strip()};tag={int(time.time() * 1e6)}"]
        if status in self._more:
            lines.append(self._more[status])
        self._transport.sendto(("\r\n".join((*lines, "Content-Length: 0")) + "\r\n\r\n").encode(), addr)


@contextlib.contextmanager
def carrier(address: str, hotline_port: int, tls_address: str, tls: Path | None = None) -> Iterator[Carrier]:
    """A carrier that runs, and is gone afterwards."""
    made = Carrier(address, hotline_port, tls_address, tls)
    try:
        made.start()
        asyncio.run(made.up())
        yield made
    finally:
        made.end()


def self_signed(folder: Path, address: str) -> bool:
    """A certificate for this address, and its key; False where there is no `openssl` to make them."""
    if shutil.which("openssl") is None:
        return False
    folder.mkdir(parents=True, exist_ok=True)
    words = "openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=carrier.example -keyout key.pem"
    names = ["-out", "certificate.pem", "-addext", f"subjectAltName=IP:{address}"]
    subprocess.run([*words.split(), *names], cwd=folder, check=True, capture_output=True)
    return True
