"""One customer's file: a person or firm with several numbers. A number belongs to one file at most (`register`)."""

from __future__ import annotations

from dataclasses import dataclass

VIP = "vip"
"""The class whose callers are greeted and queued as VIPs."""
MOST_NUMBERS = 10


@dataclass(frozen=True, slots=True)
class CustomerFile:
    """What is known of a customer. `numbers` are canonical, the first one is the usual one.

    `ref` is the customer's number in another system, `registered_on` a day (YYYY-MM-DD), `identity` what
    `identity.keep` made of the digits that only the customer knows. What is not known is empty.
    """

    id: int
    name: str = ""
    numbers: tuple[str, ...] = ()
    customer_class: str = ""
    region: str = ""
    registered_on: str = ""
    note: str = ""
    ref: str = ""
    identity: str = ""
