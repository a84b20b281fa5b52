"""Law: what Asterisk's management account has no right to goes over the control socket, which no other user can open.

The account can be used by anybody on the machine who learns its secret, and over a link that texts from callers and
operators go through; so it may not load, configure, or start anything (`files.WRITE_CLASSES`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from panoramisk.message import Message

from server.telephony.ami.link import Ami, AmiError, AmiFailed, AmiReply, AmiTimeout
from server.telephony.asterisk.site import Layout

WITHIN = 5.0
"""Seconds that one command may take."""
LONGEST = 500
"""Bytes of a command: Asterisk reads it in one piece of 512."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command printed, and the process that Asterisk is."""

    pid: int
    text: str


def control_socket(layout: Layout) -> Path:
    """Where Asterisk takes commands; the mode is 0600 (`asterisk.conf`)."""
    return layout.run / "asterisk.ctl"


async def ask(socket: Path, command: str, within: float = WITHIN) -> Answer:
    """Run one command of Asterisk's command line, as `asterisk -rx` does, in `within` seconds. Raises AmiError."""
    if not command.isprintable() or len(command.encode()) > LONGEST:
        raise ValueError(f"{command!r} is no command of one line and {LONGEST} bytes")
    try:
        async with asyncio.timeout(within):
            reader, writer = await asyncio.open_unix_connection(socket)
            try:
                writer.write(f"cli quit after {command}\0".encode())
                told = (await reader.read()).decode(errors="replace")
            finally:
                writer.close()
    except TimeoutError:
        raise AmiTimeout(f"{command}: Asterisk did not answer in {within:g} s") from None
    except OSError as error:
        raise AmiError(f"Asterisk's control socket {socket} cannot be used ({error.strerror})") from None
    # The first line is `host/pid/version`.
    who, _, text = told.partition("\n")
    fields = who.split("/")
    if len(fields) < 3 or not fields[1].isdecimal():
        raise AmiError(f"what answers at Asterisk's control socket {socket} is not Asterisk")
    return Answer(int(fields[1]), text)


class OwnAmi(Ami):
    """The management link of our own Asterisk. What its account has no right to is done over the control socket."""

    def __init__(self, socket: Path, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.socket = socket

    async def action(self, name: str, **headers: Any) -> AmiReply:
        """As `Ami.action`. What is done by a command has an answer with
        its `text`, and in `Pid` the process that Asterisk is."""
        if name not in _COMMANDS:
            return await super().action(name, **headers)
        words, expected = _COMMANDS[name]
        answer = await ask(self.socket, words(headers))
        told = answer.text.strip()
        if expected not in told or (told and not expected):
            raise AmiFailed(name, told)
        return AmiReply(Message({"Response": "Success", "Message": told, "Pid": str(answer.pid)}))


def quoted(text: str) -> str:
    """One word of a command, whatever is in it."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


_COMMANDS: Mapping[str, tuple[Callable[[Mapping[str, str]], str], str]] = {
    "Reload": (lambda given: f"module reload {given['Module']}", "reloaded successfully"),
    "MixMonitor": (
        lambda given: f"mixmonitor start {given['Channel']} {quoted(given['File'] + ',' + given['Options'])}",
        "",
    ),
    "DBPut": (
        lambda given: f"database put {given['Family']} {given['Key']} {quoted(given['Val'])}",
        "Updated database successfully",
    ),
    "Refresh": (lambda given: f"module refresh {given['Module']}", "Unloaded and loaded"),
    "ShowIdentifiers": (lambda _: "pjsip show identifiers", "Identifier Names"),
    "CountChannels": (lambda _: "core show channels count", "active channel"),
    # Is answered only when there is no channel left: then by the end of the connection.
    "StopWhenIdle": (lambda _: "core stop when convenient", ""),
    # Says "Database entries do not exist." of what is gone already.
    "DBDelTree": (lambda given: f"database deltree {given['Family']} {given['Key']}", "entries"),
}
"""Action → the command that does it, and what Asterisk says when it is done; "": nothing."""
