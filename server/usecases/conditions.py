"""A change whose condition was checked (If-Match) is written only by the lead under which it was checked.

The log takes a batch only from the lead that holds its lease, and no other server can write while it does. So what was
true of a resource when the condition was checked is true when the change is written, or it is not written: of two
servers that check the same condition one at most succeeds, also when the lead goes away and comes back in between.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from server.hotline.dispatcher import Dispatcher, NotLeading
from server.usecases.errors import Changed


@dataclass(frozen=True, slots=True)
class Checked:
    """A condition that held: of the ticket of this number at this version, under this lead."""

    lead: Dispatcher
    ticket: int = 0
    version: int = 0


_checked: ContextVar[Checked | None] = ContextVar("checked", default=None)


@contextmanager
def checked(condition: Checked | None) -> Iterator[None]:
    """While it holds, what is written stands under this condition."""
    token = _checked.set(condition)
    try:
        yield
    finally:
        _checked.reset(token)


def hold(lead: Dispatcher) -> Dispatcher:
    """This lead, if what is to be written was checked under it. Raises NotLeading."""
    found = _checked.get()
    if found is not None and found.lead is not lead:
        raise NotLeading("another server has led since the condition was checked: get the resource again")
    return lead


def hold_version(ticket: int, version: int) -> None:
    """Raises Changed when the ticket is not at the version that was checked: an act came in between."""
    found = _checked.get()
    if found is not None and found.ticket == ticket and found.version != version:
        raise Changed(f"ticket {ticket} has changed since: get it again, and decide anew")
