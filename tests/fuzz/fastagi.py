"""FastAGI over the wire: a stranger cannot make a channel's token, is not served, and leaves no call in the log."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from tests.fuzz.agi import Agi
from tests.fuzz.running import Running

PATIENCE = 0.05
"""Seconds that a peer waits for a command after all is said; the server's own deadline for a header is longer."""


class FastAgi(Running):
    """Connections to the port on which the hotline takes calls from Asterisk."""

    at_once = 8
    grammar = Agi.grammar

    async def give(self, index: int, data: bytes) -> None:
        """One connection: a header, and replies to whatever is asked."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.hotline.ports["AGI"])
        try:
            writer.write(data)
            with suppress(OSError, TimeoutError):
                await asyncio.wait_for(reader.read(65_536), PATIENCE)
        finally:
            writer.close()
