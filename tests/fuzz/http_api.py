"""HTTP: whatever is sent to the port gets an answer below 500 or an end, in time, and no body has to be taken whole.

Half of the inputs carry the hotline's own token: what a client does by mistake harms no more than what a stranger does
on purpose. No input names the agent who is watched.
"""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress

from tests.fuzz.mutator import Grammar
from tests.fuzz.running import Running
from tests.fuzz.target import LONGEST, Flaw

HEADERS = b"Host: 127.0.0.1\r\nConnection: close\r\nAuthorization: Bearer %(token)\r\n"
BODIES = (
    (b"PUT", b"agents/9001",
        b'{"name": "Agent 9001", "skills": {"complaint": 5}, "teams": ["A"], "contact": "sip:9001@127.0.0.1:9"}'),
    (b"POST", b"agents/9001/status", b'{"status": "break", "reason": "lunch"}'),
    (b"POST", b"callbacks",
        b'{"number": "13900139000", "category": "attitude", "after": "2027-01-01T10:00:00+08:00", "language": "zh"}'),
    (b"POST", b"callbacks", b'{"number": "13900139001", "queue": "inquiry", "after": 1800000000.5}'),
    (b"POST", b"callbacks/1/postpone", b'{"until": "2027-01-02T10:00:00Z", "reason": "asked for"}'),
    (b"POST", b"callbacks/1/priority", b'{"priority": 100}'),
    (b"POST", b"callbacks/1/cancel", b'{"reason": "no more"}'),
    (b"POST", b"callbacks/1/settle", b'{"reason": "done"}'),
    (b"PUT", b"callback-mode", b'{"mode": "on", "scope": "inquiry", "until": 1800000000, "reason": "try"}'),
    (b"POST", b"calls/1/move", b'{"queue": "inquiry", "reason": "x"}'),
    (b"POST", b"calls/1/transfer", b'{"kind": "agent", "to": "9001"}'),
    (b"POST", b"calls/1/monitor", b'{"phone": "9001", "mode": "listen", "reason": "training"}'),
    (b"POST", b"agents/9001/wrap-up/end", b""),
    (b"POST", b"definitions/reload", b""),
    (b"POST", b"qa/plans", b'{"name": "weekly", "per_agent": 10, "seed": "x", "lengths": [180, 480]}'),
    (b"POST", b"qa/jobs", b'{"plan": "weekly", "period": "2026-W02"}'),
    (b"POST", b"qa/scores", b'{"call": 1, "form": "complaint", "marks": {"greeting": {"value": 0, "at": [83.5]}}}'),
    (b"POST", b"qa/appeals", b'{"score": 1, "why": "no", "questions": ["greeting"]}'),
    (b"POST", b"tickets", b'{"type": "re-delivery", "caller": "13900139002", "category": "attitude"}'),
    (b"POST", b"tickets/1/state", b'{"state": "dispatched", "department": "logistics", "why": "x"}'),
    (b"POST", b"tickets/1/notes", b'{"text": "asked again"}'),
    (b"PATCH", b"tickets/1", b'{"type": "refusal", "fields": {"reason": "x"}, "promised_for": "2027-01-01T10:00:00Z"}'),
    (b"POST", b"tickets/1/follow-up", b'{"satisfied": false, "why": "no"}'),
    (b"DELETE", b"agents/9001", b""),
)  # fmt: skip
PATHS = (
    b"/api/v1/qa/report?period=2026-W02", b"/api/v1/qa/scores?state=draft&job=1",
    b"/healthz", b"/metrics", b"/api/v1/openapi.json", b"/api/v1/floor", b"/api/v1/queues", b"/api/v1/agents/9001",
    b"/api/v1/calls?limit=10&since=2026-01-01T00:00:00Z&outcome=in_ivr", b"/api/v1/calls/1",
    b"/api/v1/tickets?state=new", b"/api/v1/recordings?call=1",
    b"/api/v1/callbacks?number=13900139000&masked=true&until=2027-01-01", b"/api/v1/callback-mode",
    b"/api/v1/callback-mode/history?scope=all&limit=5", b"/api/v1/reports/callback?day=2026-01-01&interval=30",
)  # fmt: skip
CHUNKED = (
    b"POST /api/v1/callback-mode HTTP/1.1\r\n" + HEADERS + b"Transfer-Encoding: chunked\r\n\r\n"
    b"5\r\n{\"mod\r\nb\r\ne\": \"auto\"}\r\n0\r\nX-Trailer: 1\r\n\r\n"
)  # fmt: skip
WORDS = (
    b"NaN", b"Infinity", b"-Infinity", b"1e400", b"-1e12", b"253402300800", b"null", b"true", b"{}", b"[]",
    b'"\\u0000"', b'"\\ud800"', b'"\\r\\nX: y"', b"9999-12-31T23:59:59Z", b"0001-01-01T00:00:00+14:00",
    b"../../secrets/api-token", b"%2e%2e/", b"%00", b"%ff", b"Content-Length: 99999999999\r\n",
    b"Content-Length: -1\r\n", b"Content-Length: 0\r\n", b"Host: \r\n", b"Transfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: identity, chunked\r\n", b"Expect: 100-continue\r\n",
    b"Connection: Upgrade\r\nUpgrade: websocket\r\n", b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n",
    b"Range: bytes=0-1,0-2\r\n", b"TRACE", b"CONNECT", b"OPTIONS", b"HEAD", b"PATCH", b"HTTP/0.9", b"HTTP/2.0",
    b"ffffffffffffffff\r\n", b"X-Forwarded-For: 127.0.0.1\r\n", b"Cookie: a=b\r\n", b"cursor=eyJ9", b"limit=0",
    b"since=now", b"\xef\xbc\x91", b"Basic ",
)  # fmt: skip
EVERY = 401
"""Every so many inputs are a body of `LARGE` bytes, which the server should not take. An odd number: the token comes
with every second one."""
LARGE = 24 << 20
TAKEN = 16 << 20
"""More bytes than the kernel buffers for both sides: a server that takes so many does read them."""
PATIENCE = 0.2
"""Seconds without an answer after which the sending side is closed: the server may be waiting for more."""
REFUSALS = (b"501", b"503", b"505")
"""A way of sending that is not supported, too many connections, another version of HTTP."""
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3}) ")


def _with_body(method: bytes, path: bytes, body: bytes) -> bytes:
    head = b"%s /api/v1/%s HTTP/1.1\r\n" % (method, path)
    return head + HEADERS + b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body


class Http(Running):
    """Connections to the HTTP port."""

    at_once = 16
    grammar = Grammar(
        (
            *(_with_body(*each) for each in BODIES),
            *(b"GET " + path + b" HTTP/1.1\r\n" + HEADERS + b"\r\n" for path in PATHS),
            CHUNKED,
        ),
        WORDS,
    )

    async def give(self, index: int, data: bytes) -> None:
        """One connection; the answers are read to its end."""
        token = (self.hotline.home / "secrets" / "api-token").read_bytes().strip() if index % 2 else b"wrong"
        if index % EVERY == EVERY // 2:
            await self._large(token)
            return
        reader, writer = await asyncio.open_connection("127.0.0.1", self.hotline.ports["HTTP"])
        answer = b""
        try:
            async with asyncio.timeout(2 * LONGEST):
                with suppress(OSError):
                    writer.write(_measured(data).replace(b"%(token)", token))
                    with suppress(TimeoutError):
                        while more := await asyncio.wait_for(reader.read(65_536), PATIENCE):
                            answer += more
                    writer.write_eof()
                    answer += await reader.read()
        except TimeoutError:
            raise Flaw(f"no end comes of it in {2 * LONGEST} s, only {answer[:200]!r}") from None
        finally:
            writer.close()
        for status in _STATUS.findall(answer):
            if status >= b"500" and status not in REFUSALS:
                raise Flaw(f"the server answers {status.decode()}: {answer[:300]!r}")

    async def _large(self, token: bytes) -> None:
        """More than any request needs: the server may refuse it, and may not read it all."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.hotline.ports["HTTP"])
        head = b"POST /api/v1/callbacks HTTP/1.1\r\n" + HEADERS.replace(b"%(token)", token)
        taken = 0
        try:
            writer.write(head + b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % LARGE)
            with suppress(OSError):
                async with asyncio.timeout(2 * LONGEST):
                    while taken < LARGE and not reader.at_eof():
                        writer.write(b" " * (1 << 18))
                        await writer.drain()
                        taken += 1 << 18
                        await asyncio.sleep(0)
        except TimeoutError:
            pass
        finally:
            writer.close()
        if taken > TAKEN:
            raise Flaw(
                f"instead of the input, a body of {taken >> 20} MiB is taken"
                + (" without a token" if token == b"wrong" else "")
            )


def _measured(data: bytes) -> bytes:
    """With the right Content-Length in most inputs: a body is read only then."""
    head, _, body = data.partition(b"\r\n\r\n")
    if data.count(b"\r\n\r\n") != 1 or len(data) % 4 == 0:
        return data
    return re.sub(rb"Content-Length: \d+", b"Content-Length: %d" % len(body), head) + b"\r\n\r\n" + body
