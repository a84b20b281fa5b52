"""What happened to customers' files and marks, as the log keeps it. Digits that a caller keyed are in no event."""

from __future__ import annotations

from dataclasses import dataclass

from customers.files import CustomerFile


@dataclass(frozen=True, slots=True)
class Event:
    """Base of the customers' events."""


@dataclass(frozen=True, slots=True)
class CustomerSaved(Event):
    """The file of `file.id` is as it stands here from now on."""

    file: CustomerFile
    by: str = ""


@dataclass(frozen=True, slots=True)
class CustomersImported(Event):
    """These files are as they stand here from now on; `source` is the name of the table that they came from."""

    files: tuple[CustomerFile, ...]
    by: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class CustomerRemoved(Event):
    """The file is gone. Marks on its numbers stay: they are wishes that outlive it."""

    customer: int
    by: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class MarkPut(Event):
    """A number (canonical) was marked. `until`: UTC epoch seconds, None for without an end."""

    number: str
    mark: str
    by: str = ""
    reason: str = ""
    until: float | None = None


@dataclass(frozen=True, slots=True)
class MarkConfirmed(Event):
    """A supervisor confirmed a proposed mark; `until` is its end from now on."""

    number: str
    mark: str
    by: str = ""
    reason: str = ""
    until: float | None = None


@dataclass(frozen=True, slots=True)
class MarkLifted(Event):
    """A mark holds no more."""

    number: str
    mark: str
    by: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class IdentityChecked(Event):
    """Somebody said who they are in this call, and the digits fitted the customer's file or not. `by`: the IVR or a
    person."""

    call: int
    customer: int
    verified: bool
    by: str = "ivr"
