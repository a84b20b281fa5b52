"""What stands in the log: an entry is a type's name, an event as JSON, an instant, and of a note its cause.

Two laws. Nothing is written that would not come back as it is. Reading never fails: what cannot be read is an entry
all the same, with the reason in place of its event.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from types import ModuleType
from typing import Any, NamedTuple, TypeVar

import msgspec

import acd.callbacks.events
import acd.events
import customers.events
import customers.list_events
import ivr.events
import knowledge.events
import quality.events
import recordings.events
import server.eventlog.access_events
import server.eventlog.definition_events
import server.eventlog.derived_events
import server.eventlog.export_events
import server.eventlog.quality_events
import server.eventlog.report_events
import server.eventlog.user_events
import server.eventlog.webhook_events
import tickets.events
from server import bounds
from server.eventlog.upcast import UPCASTS, upcast

Fields = Mapping[bytes, bytes]
T = TypeVar("T")
_ENTRY_ID = re.compile(rb"[0-9]{1,20}-[0-9]{1,20}")


class Unwritable(ValueError):
    """An event that the log would not give back as it is. Nothing of it is written; the text says what is wrong."""


class Row(NamedTuple):
    """An event ready to be appended. `at` is UTC epoch seconds; `after` is the id of a note's cause."""

    event: object
    name: str
    data: bytes
    at: float
    after: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry. `at` is UTC epoch seconds and never decreases from one event to the next.

    `after` names the entry that a note follows from; a note has its cause's instant.
    """

    id: str
    at: float
    event: Any
    after: str = ""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """In place of an event that this version cannot read: why not, and the entry whole. It changes no state."""

    why: str
    fields: tuple[tuple[bytes, bytes], ...]

    def field(self, name: bytes) -> str:
        """A field as text that every reader can show; empty if the entry has none of this name."""
        value = dict(self.fields).get(name, b"")
        return value.decode("utf-8", "backslashreplace").replace("\0", "\\0")


def _event_types(*modules: ModuleType) -> dict[str, type]:
    types: dict[str, type] = {}
    for module in modules:
        for name, kind in vars(module).items():
            if isinstance(kind, type) and kind.__module__ == module.__name__ and hasattr(kind, "__dataclass_fields__"):
                if name in types and name != "Event":
                    raise TypeError(f"two events are called {name}: {types[name].__module__} and {module.__name__}")
                types[name] = kind
    types.pop("Event", None)
    return types


EVENTS = _event_types(
    acd.events,
    acd.callbacks.events,
    ivr.events,
    tickets.events,
    recordings.events,
    customers.events,
    customers.list_events,
    knowledge.events,
    server.eventlog.access_events,
    server.eventlog.derived_events,
    quality.events,
    server.eventlog.quality_events,
    server.eventlog.webhook_events,
    server.eventlog.export_events,
    server.eventlog.report_events,
    server.eventlog.user_events,
    server.eventlog.definition_events,
)
"""Every type that may stand in the log, by its name there."""

_encoder = msgspec.json.Encoder()
_decoders: dict[str, msgspec.json.Decoder[Any]] = {name: msgspec.json.Decoder(kind) for name, kind in EVENTS.items()}


def encode(event: object) -> tuple[str, bytes]:
    """An event as (type name, JSON). Raises KeyError for a type that is not in `EVENTS`."""
    name = type(event).__name__
    if EVENTS[name] is not type(event):
        raise KeyError(f"{type(event).__module__}.{name} is not an event of the log")
    return name, _encoder.encode(event)


def decode(name: str, data: bytes) -> Any:
    """The event that `encode` wrote, in this release or an earlier one: fields that were added since take defaults.

    Raises KeyError for a type that none of them knows.
    """
    name, data = upcast(name, data)
    return _decoders[name].decode(data)


def verified(event: object) -> tuple[str, bytes]:
    """As `encode`, after the event was read back and is the same. Raises Unwritable, and KeyError as `encode` does."""
    kind = type(event).__name__
    try:
        name, data = encode(event)
        again = decode(name, data)
    except KeyError:
        raise
    except Exception as error:
        raise Unwritable(f"the log cannot hold this {kind}: {bounds.line(str(error))}") from None
    if again != event:
        unlike = [each.name for each in fields(again) if getattr(again, each.name) != getattr(event, each.name)]
        raise Unwritable(f"the log cannot hold this {kind}: {', '.join(unlike)} would not come back as it is")
    return name, data


def entry_of(entry_id: bytes | str, row: Fields | list[bytes]) -> Entry:
    """A stream row as an Entry; the event of one that cannot be read is `Unreadable`.

    Such an entry has its instant and its cause all the same, as far as they can be read.
    """
    place = entry_id.decode() if isinstance(entry_id, bytes) else entry_id
    values = dict(zip(row[::2], row[1::2], strict=True)) if isinstance(row, list) else row
    try:
        return Entry(place, _instant(values), _event(values), _cause(values))
    except Exception as error:
        why = str(error)
    kind = values.get(b"t", b"an entry").decode("utf-8", "replace")
    unread = Unreadable(f"{bounds.line(kind, 80)} cannot be read: {bounds.line(why)}", tuple(values.items()))
    return Entry(place, _guess(_instant, values, id_order(place)[0] / 1000), unread, _guess(_cause, values, ""))


def id_order(entry_id: str) -> tuple[int, int]:
    """Entry ids as they are ordered in the log."""
    milliseconds, _, sequence = entry_id.partition("-")
    return int(milliseconds), int(sequence or 0)


def _event(values: Fields) -> Any:
    name = _field(values, b"t").decode()
    if name not in EVENTS and name not in UPCASTS:
        raise ValueError("this version knows no such event")
    return decode(name, _field(values, b"e"))


def _instant(values: Fields) -> float:
    at = float(_field(values, b"at"))
    if not 0 <= at < bounds.LATEST:
        raise ValueError(f"at {at:.15g} is no instant")
    return at


def _cause(values: Fields) -> str:
    after = values.get(b"f")
    if after is None:
        return ""
    if not _ENTRY_ID.fullmatch(after):
        raise ValueError("what it follows from is no entry")
    return after.decode()


def _field(values: Fields, name: bytes) -> bytes:
    if name not in values:
        raise ValueError(f"it has no field {name.decode()}")
    return values[name]


def _guess(read: Callable[[Fields], T], values: Fields, otherwise: T) -> T:
    try:
        return read(values)
    except ValueError:
        return otherwise
