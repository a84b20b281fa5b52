"""Telephones for end-to-end tests: softphones that a test steers, and sipp for load and as the reference peer.

Fixtures, to be imported where they are used: `from tests.e2e.phones import new_phone, sipp`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from provision import default_cache, provision
from softphone.phone import Phone
from tests.e2e.sipp_peer import Sipp

NewPhone = Callable[..., Awaitable[Phone]]


@pytest.fixture
async def new_phone() -> AsyncIterator[NewPhone]:
    """Opens a phone: `await new_phone(user, sip_port, secret=…, port=…)`; each is closed after the test."""
    phones: list[Phone] = []

    async def open_phone(user: str, sip_port: int, *, secret: str | None = None, port: int = 0) -> Phone:
        phone = await Phone(user, "127.0.0.1", sip_port, secret=secret, port=port).open()
        phones.append(phone)
        return phone

    yield open_phone
    for phone in reversed(phones):
        await phone.close()


@pytest.fixture(scope="session")
def sipp() -> Sipp:
    """The provisioned sipp."""
    return Sipp(provision("sip-tester", default_cache(), lambda line: None))
