"""The bearer token of a request names its principal: an access token, or the token file of the home.

The token file belongs to the machine's owner. A change with it over loopback is recorded under the account of the
process that asks, which the kernel knows; the text of a request is never believed.
"""

from __future__ import annotations

import ipaddress
import pwd
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from fastapi import Request
from starlette.datastructures import Headers
from starlette.types import Scope

from server.usecases.links import SIGNATURE, LinkActs
from server.usecases.principal import Principal, Role
from server.usecases.tokens import OWNER, TokenActs

_TABLES = {4: Path("/proc/net/tcp"), 6: Path("/proc/net/tcp6")}
_SAFE = ("GET", "HEAD")


class Authentication:
    """`owner_token` gives the content of the home's token file, `links` knows signed links."""

    def __init__(self, owner_token: Callable[[], str], tokens: TokenActs, links: LinkActs | None = None) -> None:
        self._owner_token, self._tokens, self._links = owner_token, tokens, links

    def __call__(self, scope: Scope, headers: Headers) -> Principal | None:
        """The principal of this request; None without a valid token."""
        scheme, _, token = headers.get("authorization", "").partition(" ")
        token = token.strip()
        client = scope.get("client")
        origin = str(client[0]) if client else "http"
        if self._links is not None and is_link(scope) and "authorization" not in headers:
            return self._links.principal(scope["path"], scope["query_string"].decode("latin-1"), origin)
        if scheme.lower() != "bearer" or not token:
            return None
        if secrets.compare_digest(token.encode(), self._owner_token().encode()):
            account = "" if scope["method"] in _SAFE else account_of(client, scope.get("server"))
            return Principal(f"{account} on this machine" if account else OWNER, Role.ADMINISTRATOR, origin)
        return self._tokens.principal(token, origin)


def is_link(scope: Scope) -> bool:
    """Whether the request is by a signed link."""
    return scope["method"] in _SAFE and f"{SIGNATURE}=".encode() in scope["query_string"]


def principal_of(request: Request) -> Principal:
    """The principal that the gate found for this request."""
    who: Principal = request.state.principal
    return who


def account_of(client: tuple[str, int] | None, server: tuple[str, int | None] | None) -> str:
    """The account of the process at the client's end of a connection over loopback; empty when it is not known."""
    if client is None or server is None or server[1] is None:
        return ""
    with suppress(OSError, ValueError, KeyError):
        address = ipaddress.ip_address(client[0])
        if address.is_loopback:
            ends = (_kernel(client[0], client[1]), _kernel(server[0], server[1]))
            for line in _TABLES[address.version].read_text("ascii").splitlines()[1:]:
                fields = line.split()
                if (fields[1], fields[2]) == ends:
                    return pwd.getpwuid(int(fields[7])).pw_name
    return ""


def _kernel(address: str, port: int) -> str:
    """An end of a connection as /proc/net/tcp writes it: words of the address in the machine's order, and the port."""
    packed = ipaddress.ip_address(address).packed
    words = [packed[start : start + 4][::-1].hex() for start in range(0, len(packed), 4)]
    return f"{''.join(words)}:{port:04x}".upper()
