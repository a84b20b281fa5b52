"""AGI on the wire: bytes to values and back.

The law: nothing leaves that Asterisk would read as something else, and nothing comes in half understood. There is
no I/O here and no waiting; `server.telephony.agi.call` does that.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from urllib.parse import parse_qsl, unquote, urlsplit

MAX_COMMAND = 2046
"""Bytes of one command without its newline. Asterisk before 22.6 cuts a longer one in two and runs both halves."""
MAX_HEADER = 512
"""Characters of one header's value; Asterisk keeps numbers to 80, and a channel's name is about as long."""
MAX_REQUEST = 2_048
"""Characters of the request URL, which carries arguments."""
MAX_REPLY_LINES = 200
"""A usage text has some forty lines; more than this is not a reply."""

_NAME = re.compile(r"[A-Z]+(?: [A-Z]+)*")
_STATUS = re.compile(r"(\d{3})([ -])(.*)", re.DOTALL)
_VALUE = re.compile(r"result=(\S*) \((.*)\)(?: endpos=(-?\d+).*)?", re.DOTALL)
_PLAIN = re.compile(r"result=(\S*)(?: endpos=(-?\d+))?(?: [^(].*)?", re.DOTALL)
_OPEN_VALUE = re.compile(r"result=\S* \(")
_FORBIDDEN = re.compile(r"[\r\n\0]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class AgiError(Exception):
    """Something about one AGI session. The session's call is unharmed: its dialplan goes on."""


class AgiHangup(AgiError):
    """The channel is hung up, or was taken away by a redirect. Variables can still be read and set."""


class AgiGone(AgiError):
    """The connection to Asterisk is lost; whether the caller is still there is not known."""


class AgiProtocolError(AgiError):
    """The peer, Asterisk or a stranger, sent something that is not AGI."""


class AgiRefused(AgiError):
    """Asterisk understood the command and will not, or cannot, do it.

    `code` is 510 (unknown), 511 (not on a dead channel), 520 (wrong usage), or 200 for a command that failed by
    its result; `text` is what Asterisk said about it.
    """

    def __init__(self, command: str, code: int, text: str) -> None:
        super().__init__(f"Asterisk refused {command}: {code} {text}")
        self.command = command
        self.code = code
        self.text = text


class AgiDead(AgiRefused, AgiHangup):
    """511: this command is not for a channel that is hung up. It is a refusal and a hangup at once."""


@dataclass(frozen=True, slots=True)
class AgiRequest:
    """What the dialplan asked for: `agi://host/SCRIPT?key=value`."""

    url: str
    script: str
    query: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def parse(cls, url: str) -> AgiRequest:
        """Raises AgiProtocolError if `url` is none."""
        try:
            parts = urlsplit(url)
            query = dict(parse_qsl(parts.query, keep_blank_values=True))
        except ValueError as problem:
            raise AgiProtocolError(f"agi_request {url[:80]!r} is no URL: {problem}") from None
        return cls(url, unquote(parts.path).strip("/"), MappingProxyType(query))


@dataclass(frozen=True, slots=True)
class AgiReply:
    """One reply: `200 result=RESULT (DATA) endpos=ENDPOS`. `endpos` is in samples; `result` may be empty."""

    code: int
    result: str
    data: str = ""
    endpos: int | None = None


def decode(line: bytes) -> str:
    """Text of one line. Caller names come in any encoding; what is not UTF-8 shows as U+FFFD and harms nothing."""
    return line.decode("utf-8", "replace")


def parse_header(line: str) -> tuple[str, str]:
    """`agi_channel: PJSIP/trunk-1` as ("channel", "PJSIP/trunk-1"); raises AgiProtocolError."""
    key, colon, value = line.partition(":")
    if not colon or not key.startswith("agi_"):
        raise AgiProtocolError(f"expected an agi_ header, got {line[:80]!r}")
    key, value = key[4:], value.removeprefix(" ")
    if _CONTROL.search(line):
        raise AgiProtocolError(f"agi_{key[:40]} holds a control character: {value[:80]!r}")
    if len(value) > (MAX_REQUEST if key in ("request", "network_script") else MAX_HEADER):
        raise AgiProtocolError(f"agi_{key[:40]} has {len(value)} characters")
    return key, value


def encode_command(name: str, *args: object) -> bytes:
    """One command line, every argument quoted so that Asterisk gets exactly what was given.

    Raises ValueError for what AGI cannot carry: a line end or NUL in an argument, text that is not Unicode, or a
    command longer than Asterisk reads at once.
    """
    if _NAME.fullmatch(name) is None:
        raise ValueError(f"{name!r} is no AGI command: upper-case words, such as 'SET VARIABLE'")
    words = [name]
    for arg in args:
        text = str(arg)
        if _FORBIDDEN.search(text):
            raise ValueError(f"{name}: an argument cannot hold a line end or NUL: {text[:80]!r}")
        words.append('"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"')
    line = " ".join(words).encode()
    if len(line) > MAX_COMMAND:
        raise ValueError(f"{name}: {len(line)} bytes are more than the {MAX_COMMAND} that Asterisk reads at once")
    return line + b"\n"


class ReplyReader:
    """Puts the lines of a reply together. Three kinds of reply: one line, a usage text, a value with line ends."""

    __slots__ = ("_lines", "_usage")

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._usage = False

    @property
    def midway(self) -> bool:
        """Whether a reply has begun and not ended."""
        return bool(self._lines)

    def feed(self, line: str) -> AgiReply | None:
        """The reply that `line` completes, or None if more must come. Raises AgiProtocolError."""
        if self._lines:
            return self._more(line)
        match = _STATUS.fullmatch(line)
        if match is None:
            raise AgiProtocolError(f"expected a reply, got {line[:80]!r}")
        code, separator, rest = int(match[1]), match[2], match[3]
        if code == 100:
            return None
        if code == 200:
            reply = _parse_result(rest)
            if reply is None:
                if separator == "-" or _OPEN_VALUE.match(rest) is None:
                    raise AgiProtocolError(f"cannot read the reply {line[:80]!r}")
                self._begin(rest, usage=False)
            return reply
        if separator == "-":
            self._begin(rest, usage=True)
            return None
        return AgiReply(code, "", rest)

    def _begin(self, line: str, *, usage: bool) -> None:
        self._lines = [line]
        self._usage = usage

    def _more(self, line: str) -> AgiReply | None:
        lines = self._lines
        lines.append(line)
        if self._usage:
            if line.startswith("520 "):
                self._lines = []
                return AgiReply(520, "", "\n".join(lines[:-1]).strip())
        elif line.endswith(")"):
            reply = _parse_result("\n".join(lines))
            if reply is not None:
                self._lines = []
                return reply
        if len(lines) > MAX_REPLY_LINES:
            self._lines = []
            raise AgiProtocolError(f"a reply of more than {MAX_REPLY_LINES} lines: {lines[0][:80]!r} …")
        return None


def _parse_result(rest: str) -> AgiReply | None:
    match = _VALUE.fullmatch(rest)
    if match is not None:
        return AgiReply(200, match[1], match[2], _number(match[3]))
    match = _PLAIN.fullmatch(rest)
    if match is not None:
        return AgiReply(200, match[1], "", _number(match[2]))
    return None


def _number(text: str | None) -> int | None:
    return None if text is None or len(text) > 20 else int(text)
