"""Whose request it is: by its bearer token, and for the owner's token by the account that the kernel names."""

from __future__ import annotations

import os
import pwd
import socket
from typing import Any

import pytest
from starlette.datastructures import Headers

from server.usecases.principal import Role
from server.web.authentication import Authentication, account_of


class NoTokens:
    def principal(self, token: str, origin: str) -> None:
        return None


async def asked(header: str, method: str = "GET") -> Any:
    authentication = Authentication(lambda: "token", NoTokens())  # type: ignore[arg-type]
    scope = {"type": "http", "method": method, "client": ("192.0.2.7", 40000), "server": ("192.0.2.1", 8400)}
    return await authentication(scope, Headers({"authorization": header} if header else {}))


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Bearer tok", "Basic token", "Bearer t\u00f6ken", "token"])
async def test_only_a_whole_token_makes_a_principal(header: str) -> None:
    assert await asked(header) is None
    who = await asked("bearer token")
    assert (who.name, who.role, who.origin) == ("administrator", Role.ADMINISTRATOR, "192.0.2.7")


@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_the_kernel_names_the_account_at_the_other_end_of_a_connection_over_loopback(family, host) -> None:
    with socket.socket(family) as listening:
        try:
            listening.bind((host, 0))
        except OSError:
            pytest.skip(f"this machine has no {host}")
        listening.listen()
        server = listening.getsockname()[:2]
        with socket.create_connection(server) as client:
            assert account_of(client.getsockname()[:2], server) == pwd.getpwuid(os.getuid()).pw_name
            assert account_of((host, 1), server) == ""


def test_an_account_elsewhere_is_nobodys_to_name() -> None:
    assert account_of(("192.0.2.7", 40000), ("192.0.2.1", 8400)) == ""
    assert account_of(None, None) == ""
