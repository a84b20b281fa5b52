"""The phones in agents' pages, as acts see them: what a page is given, and what the server that leads can do."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from server.usecases.errors import Conflict

TAKEN_OVER, SIGNED_OFF, STOPPING = 4409, 4401, 1012
"""Close codes: another page has the phone now; the page has no phone any more; the server goes, and another one, or the
same, takes the page on."""


GUESTS = tuple(f"try-{number}" for number in range(1, 5))
"""Pages' phones that are no agent's: their calls come in as the public's do, so that the hotline can be tried."""


def guest_number(guest: str) -> str:
    """The number that a call from this guest shows."""
    return f"1380000000{GUESTS.index(guest) + 1}"


class PhoneInUse(Conflict):
    """Another page has the phone."""


@dataclass(frozen=True, slots=True)
class OpenedPhone:
    """A page's phone: SIP user, realm and `ha1`, the page's `id`, and until when it holds (UTC epoch seconds)."""

    id: str
    user: str
    realm: str
    ha1: str
    expires_at: float


class Line(Protocol):
    """A connected page."""

    @property
    def device(self) -> str:
        """The endpoint that the page may speak as."""

    async def ended(self) -> int:
        """Return the close code when the page is to be disconnected."""

    def end(self, code: int) -> None:
        """Disconnect the page."""


class PagePhones(Protocol):
    """The phones in pages, of the server that leads."""

    async def open(self, agent: str, sign_in: str, expires_at: float, *, take_over: bool) -> OpenedPhone:
        """Give a page a secret. Raises PhoneInUse and Conflict."""

    async def close(self, agent: str, sign_in: str | None = None, id: str | None = None) -> None:
        """Take the secret away. Raises Conflict."""

    def holders(self) -> list[tuple[str, str]]:
        """(agent, sign-in) of every phone that is in a page."""

    def attach(self, agent: str, id: str, sign_in: str) -> AbstractContextManager[Line]:
        """Connect a page. Raises Conflict."""
