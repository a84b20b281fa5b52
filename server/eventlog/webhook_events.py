"""Subscriptions of other systems to what happens: added, removed, suspended, taken up again."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WebhookAdded:
    """The subscription of this number begins: every event of these types after this entry is sent to `url`.

    A type is a name such as call.ended, `call.*` or `*`. With `whole_numbers` telephone numbers are not masked.
    """

    webhook: int
    name: str
    url: str
    types: tuple[str, ...]
    whole_numbers: bool = False
    by: str = ""


@dataclass(frozen=True, slots=True)
class WebhookRemoved:
    """The subscription is over; what was not sent yet is not sent."""

    webhook: int
    by: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class WebhookSuspended:
    """Nothing is sent until `WebhookResumed`: the receiver said that it is gone for good."""

    webhook: int
    why: str


@dataclass(frozen=True, slots=True)
class WebhookPinged:
    """This subscription gets one message that says nothing but that it came."""

    webhook: int
    by: str = ""


@dataclass(frozen=True, slots=True)
class WebhookResumed:
    """Sending goes on with the first event that was not delivered."""

    webhook: int
    by: str = ""
