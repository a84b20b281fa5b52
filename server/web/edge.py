"""Law: where a request came from is what the connection says, or a proxy that the operator named.

The outermost layer. It takes address and scheme from X-Forwarded-For and X-Forwarded-Proto of those proxies, and from
nobody else's; and it gives every answer the headers that keep a browser from doing more with it than it should.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HSTS = "max-age=31536000"
_SECURE = {"http": "https", "ws": "wss"}
_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
}
_OF_THE_API = {"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'"}


class Networks:
    """IP addresses and networks. Raises ValueError for what is neither."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self._networks = [ipaddress.ip_network(each, strict=False) for each in texts]

    def __contains__(self, address: object) -> bool:
        if not self._networks or not isinstance(address, str):
            return False
        try:
            found = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return False
        plain = getattr(found, "ipv4_mapped", None) or found
        return any(plain in network for network in self._networks if network.version == plain.version)


class Edge:
    """ASGI middleware. `proxies` are addresses and networks whose word on a request's origin counts."""

    def __init__(self, app: ASGIApp, proxies: Sequence[str] = ()) -> None:
        self.app, self._proxies = app, Networks(proxies)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI's."""
        if scope["type"] not in ("http", "websocket"):
            return await self.app(scope, receive, send)
        client = scope.get("client")
        if client and client[0] in self._proxies:
            scope = {**scope, **self._forwarded(scope, Headers(scope=scope))}
        secure = scope["scheme"] in ("https", "wss")
        of_api = scope["path"].startswith("/api/")

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message.setdefault("headers", []))
                for name, value in {**_ALWAYS, **(_OF_THE_API if of_api else {})}.items():
                    headers.setdefault(name, value)
                if of_api and headers.get("content-type", "").startswith("application/"):
                    headers.setdefault("Cache-Control", "no-store")
                if secure:
                    headers.setdefault("Strict-Transport-Security", HSTS)
                message["headers"] = headers.raw
            await send(message)

        await self.app(scope, receive, sending)

    def _forwarded(self, scope: Scope, headers: Headers) -> Scope:
        """The last address that a named proxy saw and that is none itself; the scheme that the last proxy saw."""
        found: Scope = {}
        seen = [each.strip() for line in headers.getlist("x-forwarded-for") for each in line.split(",")]
        others = [each for each in seen if each and each not in self._proxies]
        if others:
            address = _address(others[-1])
            if address:
                found["client"] = (address, 0)
        schemes = [each.strip().lower() for line in headers.getlist("x-forwarded-proto") for each in line.split(",")]
        if schemes and schemes[-1] in ("https", "wss"):
            found["scheme"] = _SECURE.get(scope["scheme"], scope["scheme"])
        return found


def _address(text: str) -> str:
    """An address as X-Forwarded-For has it: bare, or with a port; empty when it is none."""
    bare = text
    if text.startswith("["):
        bare = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        bare = text.partition(":")[0]
    try:
        return str(ipaddress.ip_address(bare))
    except ValueError:
        return ""
