"""Events as an earlier release wrote them, read as those of this one: one small function for each that was renamed or
reshaped since.

The log and the archive keep an event as it was written. A field that was added needs no function: it has a default.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from acd.callbacks.policy import completed

Fields = dict[str, Any]
Upcast = Callable[[Fields], tuple[str, Fields]]


def _callback_policy_set(fields: Fields) -> tuple[str, Fields]:
    """Before `kept_after` any conversation kept a promise: what such a log came to stays as it was."""
    return "CallbackPolicySet", fields | {"policy": completed(fields["policy"])}


UPCASTS: dict[str, Upcast] = {"CallbackPolicySet": _callback_policy_set}
"""By the name that the event was written under. A function gives the name and the fields that the event has now, or had
in a later release. One for a name that is still in use is given new events too, and gives those back as they are."""


def upcast(name: str, data: bytes) -> tuple[str, bytes]:
    """An event's (name, JSON) as this release has them. Raises what a function raises that finds no such fields."""
    if name not in UPCASTS:
        return name, data
    fields = msgspec.json.decode(data, type=Fields)
    while (newer := UPCASTS.get(name)) is not None:
        before = name
        name, fields = newer(fields)
        if name == before:
            break
    return name, msgspec.json.encode(fields)
