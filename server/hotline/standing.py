"""How the hotline treats a number: the operator's lists and the customer's file and marks, as one answer.

Whoever asks whether a caller is a VIP, may be queued, recorded or called asks here, so that a class in a file and a
number on a configured list mean the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from acd.callbacks.events import GIVEN
from customers.files import CustomerFile
from customers.register import CustomerRegister
from server.hotline.definitions import Definitions
from server.hotline.parties import canonical
from server.hotline.view import View

VIP, NUISANCE = "vip", "nuisance"
"""Lists of numbers that have a meaning of their own."""
ASKED_BY_CUSTOMER = GIVEN - {"shutdown"}
"""Sources of promises that the customer asked for: an older wish not to be called does not stop those."""
FIELDS = ("customer", "customer_class", "customer_region", "customer_since", "verified")
"""The fields that a caller's flow knows of the customer; `verified` is set by an identity check."""
RECORDED = "recorded"
"""The field that a flow asks before it says that the call is recorded: `no` for a number that never is."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One number's standing at one instant. `number` is canonical; `file` is None for nobody's number."""

    number: str
    lists: frozenset[str]
    nuisance: bool
    may_record: bool
    file: CustomerFile | None = None
    fields: dict[str, str] = field(default_factory=dict)

    @property
    def vip(self) -> bool:
        """Whether the caller is greeted and queued as a VIP."""
        return VIP in self.lists


def standing(register: CustomerRegister, definitions: Definitions, number: str, now: float) -> Standing:
    """The standing of this number, however it is written."""
    known = canonical(number, definitions.callback.region)
    lists = definitions.lists_of(number)
    nuisance = register.is_nuisance(known, now)
    if register.is_vip(known):
        lists |= {VIP}
    if nuisance:
        lists |= {NUISANCE}
    file, may_record = register.of_number(known), register.may_record(known, now)
    silent = not may_record or bool(definitions.recordings.left_out("", "", lists))
    fields = _fields(file) | ({RECORDED: "no"} if silent else {})
    return Standing(known, lists, nuisance, may_record, file, fields)


def is_vip(register: CustomerRegister, definitions: Definitions, number: str) -> bool:
    """Whether this number is on the list `vip`, or a customer's of that class."""
    return definitions.is_vip(number) or register.is_vip(canonical(number, definitions.callback.region))


def why_not_called(
    register: CustomerRegister,
    definitions: Definitions,
    number: str,
    now: float,
    *,
    source: str = "",
    asked_at: float | None = None,
) -> str:
    """Why the hotline may not call this number, as a sentence; empty when it may. `source` is a promise's."""
    known = canonical(number, definitions.callback.region)
    return register.why_not_called(known, now, asked_at if source in ASKED_BY_CUSTOMER else None)


def _fields(file: CustomerFile | None) -> dict[str, str]:
    if file is None:
        return {}
    values = (str(file.id), file.customer_class, file.region, file.registered_on)
    return {name: value for name, value in zip(FIELDS, values, strict=False) if value}


def not_recorded(view: View, definitions: Definitions, call: int, agent: str) -> str:
    """Why nothing of this call's conversation with the agent is to be kept: a rule, or the customer's mark."""
    live = view.calls.get(call)
    if live is None:
        return ""
    known = standing(view.customers, definitions, live.caller, view.at)
    if not known.may_record:
        return "the customer does not want to be recorded"
    return definitions.recordings.left_out(live.queue, agent, known.lists)
