"""Reading the records, as far as a role reaches: lists page by page, and one record with its parts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from server.usecases.errors import Forbidden, NotFound
from server.usecases.permissions import Act, Reach, reach_of
from server.usecases.principal import Principal
from server.usecases.server import Acts

_ORDER = list(Reach)


def masks(who: Principal, act: Act) -> bool:
    """Whether this act masks telephone numbers: it does where `numbers.read` reaches less far than the act."""
    return _ORDER.index(reach_of(who, Act.READ_NUMBERS)) < _ORDER.index(reach_of(who, act))


class RecordActs(Acts):
    """Reading one kind of records. Raises Forbidden, NotFound, and QueryError for a wrong filter or cursor."""

    kind: ClassVar[str]
    """The kind's name in the plural, as in the records."""
    act: ClassVar[Act]

    async def page(
        self, who: Principal, filters: Mapping[str, str], limit: int, cursor: str | None = None
    ) -> dict[str, Any]:
        """One page, newest first: {"items": rows, "next": cursor of the next page or None}."""
        agents = self.permissions.agents(who, self.act)
        if caller := filters.get("caller"):
            filters = {**filters, "caller": self._server.definitions.party(caller).shown or caller}
        found = await self._server.records.page(
            self.kind, filters, limit, cursor, mask=masks(who, self.act), agents=agents
        )
        self._check_names(filters, found, cursor)
        return found

    async def show(self, who: Principal, number: int) -> dict[str, Any]:
        """One record."""
        agents = self.permissions.agents(who, self.act)
        found = await self._server.records.one(self.kind, number, mask=masks(who, self.act))
        one = self.kind.removesuffix("s")
        if found is None:
            raise NotFound(f"there is no {one} {number}")
        if agents is not None and not await self._server.records.concerns(self.kind, number, agents):
            raise Forbidden(f"{one} {number} is not yours: {self.act} reaches {reach_of(who, self.act)} {self.kind}")
        return found
