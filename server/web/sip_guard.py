"""Law: what a page sends to Asterisk is one SIP message of the page's own endpoint, or it is not sent.

Asterisk finds a request's endpoint by the user of From, and takes a request of nobody's for a call of the public where
that comes from this machine. So a message is let through only if this module reads it as Asterisk does: one message in
one frame (Content-Length says so), each header in one line, one From and one To.
"""

from __future__ import annotations

import re

OUTSIDE_DIALOGS = frozenset({"REGISTER", "INVITE", "ACK", "CANCEL"})
WITHIN_DIALOGS = frozenset({"INVITE", "ACK", "BYE", "CANCEL", "UPDATE", "INFO", "PRACK", "REFER", "NOTIFY", "OPTIONS"})
NOBODYS = ".invalid"
"""What the host of a page's contact ends with (RFC 7118): in a dialog that Asterisk began the page speaks as that.
Asterisk knows such a request by its dialog, and answers 481 where there is none."""
_SHORT = {"f": "from", "t": "to", "i": "call-id", "m": "contact", "l": "content-length", "v": "via"}
_ONCE = ("from", "to", "call-id", "content-length", "cseq")
_HEADER = re.compile(r"([!%*+\-.0-9A-Z_`a-z~]+)[ \t]*:(.*)", re.DOTALL)
_REQUEST = re.compile(r"([A-Z]{2,16}) \S+ SIP/2\.0")
_RESPONSE = re.compile(r"SIP/2\.0 [1-6][0-9]{2} [^\r\n]*")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_URI = re.compile(r"sips?:([A-Za-z0-9_.~\-]{1,64})@([A-Za-z0-9.\-]+|\[[0-9A-Fa-f:.]+\])(?=[:;?]|$)", re.IGNORECASE)
_TAG = re.compile(r";[ \t]*tag[ \t]*=", re.IGNORECASE)
_NO_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]|\r(?!\n)|(?<!\r)\n")


class Guard:
    """Judges the messages of one page, whose endpoint is `device` (`1001-web`)."""

    def __init__(self, device: str) -> None:
        self._device = device

    def refuses(self, message: str) -> str:
        """Why this message may not go to Asterisk, as a sentence; empty when it may."""
        if not message.strip("\r\n"):
            return "" if len(message) <= 4 else "a keep-alive is a line end or two"
        head, end, body = message.partition("\r\n\r\n")
        if not end:
            return "the message has no end of its headers"
        if _NO_TEXT.search(head):
            return "the headers have control characters in them"
        start, *lines = head.split("\r\n")
        headers: dict[str, list[str]] = {}
        for line in lines:
            if (found := _HEADER.fullmatch(line)) is None:
                return "a header is not one line of name and value"
            name = found[1].lower()
            headers.setdefault(_SHORT.get(name, name), []).append(found[2].strip())
        if wrong := [name for name in _ONCE if len(headers.get(name, ())) != 1]:
            return f"the message must have one {wrong[0]}"
        if headers["content-length"][0] != str(len(body.encode())):
            return "Content-Length is not the length of the body"
        if _RESPONSE.fullmatch(start):
            return ""
        if (request := _REQUEST.fullmatch(start)) is None:
            return "the first line is none of SIP"
        return self._refuses(request[1], headers)

    def _refuses(self, method: str, headers: dict[str, list[str]]) -> str:
        sender, host = _address(headers["from"][0])
        target, _ = _address(headers["to"][0])
        if not sender or not target:
            return "From and To must have one address with a user each"
        if method == "REGISTER":
            return "" if {sender, target} == {self._device} else f"a page registers {self._device} alone"
        if _TAG.search(_QUOTED.sub("", headers["to"][0])) is None:
            if method not in OUTSIDE_DIALOGS:
                return f"{method} is taken within a call only"
            return "" if sender == self._device else f"a page calls as {self._device} alone"
        if method not in WITHIN_DIALOGS:
            return f"{method} is not taken"
        own = sender == self._device or host.lower().endswith(NOBODYS)
        return "" if own else f"a page speaks as {self._device}, or as its contact"


def _address(address: str) -> tuple[str, str]:
    """User and host of the one address in this header; empty when it is not plainly one."""
    plain = _QUOTED.sub("", address)
    if '"' in plain or "," in plain or plain.count("<") > 1 or plain.count("<") != plain.count(">"):
        return "", ""
    before, bracket, rest = plain.partition("<")
    uri = rest.partition(">")[0] if bracket else before.partition(";")[0]
    found = _URI.match(uri.strip())
    return (found[1], found[2]) if found else ("", "")
