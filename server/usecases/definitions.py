"""Acts on the hotline's definitions."""

from __future__ import annotations

from server.usecases.audit import audited
from server.usecases.errors import Invalid
from server.usecases.permissions import Act
from server.usecases.principal import Principal
from server.usecases.server import Acts


class DefinitionActs(Acts):
    """Acts raise Forbidden and NotLeading."""

    async def reload(self, who: Principal) -> str:
        """Take over edited definitions; returns the file in force. Raises Invalid for definitions with errors."""
        self.permissions.require(who, Act.RELOAD_DEFINITIONS)
        leader = self._server.dispatcher  # a server that stands by refuses before it takes anything over
        try:
            source = await self._server.reload()
        except ValueError as error:
            raise Invalid("definitions", str(error)) from None
        await leader.record(*audited(who, Act.RELOAD_DEFINITIONS, source))
        return source
