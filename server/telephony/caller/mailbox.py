"""Commands on their way to one session: taken in order, and noticed without being taken."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

from acd.commands import Command


class Mailbox:
    """A queue that can be watched."""

    def __init__(self) -> None:
        self._commands: deque[Command] = deque()
        self._filled = asyncio.Event()

    def put(self, command: Command) -> None:
        """Add a command; never blocks."""
        self._commands.append(command)
        self._filled.set()

    def take(self) -> Command | None:
        """The oldest command, or None."""
        command = self._commands.popleft() if self._commands else None
        if not self._commands:
            self._filled.clear()
        return command

    def put_back(self, commands: Sequence[Command]) -> None:
        """Return what was taken too early: it comes before everything else, in this order."""
        self._commands.extendleft(reversed(commands))
        if self._commands:
            self._filled.set()

    async def filled(self) -> None:
        """Wait until there is a command; takes none."""
        await self._filled.wait()

    def __len__(self) -> int:
        return len(self._commands)
