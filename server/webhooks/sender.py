"""One message to one receiver: signed, to an address that may be reached, within a time. Nothing is kept here."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import httpx
from standardwebhooks import Webhook as Signer

from server.hotline.webhook_targets import refusal
from server.storage.notation import iso
from server.storage.webhook_outbox import Message

PATIENCE = httpx.Timeout(15.0, connect=5.0)
WHOLE = 20.0
"""Seconds for resolving, connecting, sending and the answer's head together."""
GONE = 410


@dataclass(frozen=True, slots=True)
class Answer:
    """`problem` is empty when the receiver has taken the message. `gone`: it never wants one again. `after` are the
    seconds that it wants to be left alone."""

    problem: str = ""
    gone: bool = False
    after: float = 0.0


def body_of(message: Message) -> str:
    """The body: type, timestamp (of the event) and data; the same at every attempt."""
    told: dict[str, Any] = {"type": message.type, "timestamp": iso(message.at), "data": message.data}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def headers_of(message: Message, body: str, secrets: Sequence[str], now: datetime) -> dict[str, str]:
    """The headers of Standard Webhooks: a signature by each secret. `now` is in UTC: the library takes it for that."""
    signatures = [Signer(secret).sign(message.id, now.astimezone(UTC), body) for secret in secrets]
    return {
        "content-type": "application/json",
        "user-agent": "Sansheng",
        "webhook-id": message.id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


class Sender:
    """Sends messages. `networks` are those whose addresses may be reached besides public ones."""

    def __init__(
        self, networks: Sequence[str] = (), *, timeout: httpx.Timeout = PATIENCE, whole: float = WHOLE
    ) -> None:
        self._networks, self._timeout, self._whole = networks, timeout, whole

    @cached_property
    def _client(self) -> httpx.AsyncClient:
        """Made for the first message: to read the certificates of the world takes longer than most of a start."""
        # No proxy and no password of the environment: the address that is checked is the one that is connected to.
        return httpx.AsyncClient(timeout=self._timeout, follow_redirects=False, trust_env=False, http1=True)

    async def close(self) -> None:
        """Let go of every connection."""
        if "_client" in vars(self):
            await self._client.aclose()

    async def send(self, message: Message, url: str, secrets: Sequence[str]) -> Answer:
        """Send one message, and say what became of it."""
        try:
            async with asyncio.timeout(self._whole):
                return await self._send(message, url, secrets)
        except TimeoutError:
            return Answer(f"no answer within {self._whole:g} s")
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError, UnicodeError) as error:
            return Answer(f"{type(error).__name__}: {error}"[:200])

    async def _send(self, message: Message, url: str, secrets: Sequence[str]) -> Answer:
        if not secrets:
            return Answer("its secret is not on this machine: `sansheng webhook rotate` makes a new one")
        body = body_of(message)
        headers = headers_of(message, body, secrets, datetime.now(UTC))
        wanted = httpx.URL(url)
        address = await self._address(wanted)
        request = self._client.build_request(
            "POST",
            wanted.copy_with(host=address),
            content=body.encode(),
            headers={**headers, "host": wanted.netloc.decode("ascii")},
            extensions={"sni_hostname": wanted.host},
        )
        answer = await self._client.send(request, stream=True)
        await answer.aclose()  # what the receiver says beside its status does not matter
        if answer.is_success:
            return Answer()
        sentence = f"the receiver answered {answer.status_code}"
        if answer.is_redirect:
            sentence += ": redirects are not followed, give the webhook the new URL"
        return Answer(sentence, answer.status_code == GONE, _after(answer.headers.get("retry-after", "")))

    async def _address(self, url: httpx.URL) -> str:
        """An IP address of the receiver that may be reached. Raises OSError."""
        port = url.port or {"https": 443, "http": 80}[url.scheme]
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(url.host, port, type=socket.SOCK_STREAM)
        reasons = []
        for *_, (address, *_) in found:
            reason = refusal(str(address), url.scheme, self._networks)
            if not reason:
                return str(address)
            reasons.append(reason)
        raise OSError(reasons[0] if reasons else f"{url.host} has no address")


def _after(text: str) -> float:
    return min(float(text), 86_400.0) if text.isascii() and text.isdecimal() else 0.0
