"""What each event of the log does to the outbound lists."""

from __future__ import annotations

from customers.list_events import LineRefused, ListCreated, ListEnded, ListLoaded, ListPaused, ListResumed
from customers.lists import ListRegister, ListState

_TURNS = {ListPaused: ListState.PAUSED, ListResumed: ListState.RUNNING, ListEnded: ListState.ENDED}


def receive(register: ListRegister, event: object, at: float) -> None:
    """Take in an event of the log; events of other kinds change nothing."""
    match event:
        case ListCreated():
            register.created(event.list, event.rules, event.by, at)
        case ListLoaded():
            register.loaded(event.list, event.lines, at)
        case ListPaused() | ListResumed() | ListEnded():
            register.turned(event.list, _TURNS[type(event)], at)
        case LineRefused():
            register.refused(event.list, event.line, event.why, at)
