"""What a branch can ask about a caller. A condition holds when all that it names holds; it changes nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, as far as the hotline knows. `lists` are the names of the number lists that the number stands in."""

    number: str = ""
    called: str = ""
    vip: bool = False
    open_ticket: int | None = None
    lists: frozenset[str] = frozenset()
    fields: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Condition:
    """None means: not asked. `any_of` and `matches` are about the field `field`, an unset one being empty text."""

    vip: bool | None = None
    open_ticket: bool | None = None
    in_list: str | None = None
    open: bool | None = None
    field: str | None = None
    any_of: tuple[str, ...] | None = None
    matches: str | None = None

    def holds(self, caller: Caller, fields: Mapping[str, str], is_open: bool) -> bool:
        """Whether the condition holds for this caller, these fields, and a hotline that is open or not."""
        if self.vip is not None and self.vip != caller.vip:
            return False
        if self.open_ticket is not None and self.open_ticket != (caller.open_ticket is not None):
            return False
        if self.in_list is not None and self.in_list not in caller.lists:
            return False
        if self.open is not None and self.open != is_open:
            return False
        return self.field is None or self._field_holds(fields.get(self.field, ""))

    def _field_holds(self, value: str) -> bool:
        if self.any_of is not None and value not in self.any_of:
            return False
        if self.matches is not None and re.fullmatch(self.matches, value) is None:
            return False
        return value != "" or self.any_of is not None or self.matches is not None
