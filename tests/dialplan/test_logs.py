"""Asterisk's own log: each line once, and rotated while Asterisk writes it."""

from __future__ import annotations

import asyncio

from server.log_files import Limits, LogFile
from server.telephony.asterisk.control import ask, control_socket

from .conftest import Machine


async def test_a_line_is_written_once_and_to_the_new_file_after_the_old_one_was_put_aside(machine: Machine) -> None:
    file = machine.site.layout.log / "messages"
    machine.command("module load no_such_thing_before.so")
    await logged(machine, "no_such_thing_before")
    LogFile(file, Limits(1, 1.0, 3)).doRollover()
    await ask(control_socket(machine.site.layout), "logger reload")
    machine.command("module load no_such_thing_after.so")
    await logged(machine, "no_such_thing_after")
    assert "no_such_thing_before" in file.with_name("messages.1").read_text()
    assert "no_such_thing_before" not in machine.log
    assert "no_such_thing" not in machine.terminal


async def logged(machine: Machine, what: str) -> None:
    """Wait until it stands in the log: a thread of Asterisk's writes what the others hand to it."""
    async with asyncio.timeout(5):
        while what not in machine.log:
            await machine.settle()
