"""Which process listens on which port, read from /proc: no process is asked, so none is disturbed."""

from __future__ import annotations

import ipaddress
import os
import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
_LISTENS = {"tcp": "0A", "udp": "07"}


@dataclass(frozen=True, slots=True)
class Held:
    """One port that something listens on. `pid` is None when the process belongs to another user."""

    protocol: str
    address: str
    port: int
    pid: int | None


def held(pid: int | None = None) -> list[Held]:
    """Every port on which something listens; `pid`: only this process is looked into for whose they are."""
    owners = {target: owner for owner, target in open_files(pid) if target.startswith("socket:")}
    found = []
    for protocol, state in _LISTENS.items():
        for table in (PROC / "net" / protocol, PROC / "net" / f"{protocol}6"):
            for line in _lines(table):
                fields = line.split()
                if fields[3] != state:
                    continue
                address, _, port = fields[1].partition(":")
                owner = owners.get(f"socket:[{fields[9]}]")
                found.append(Held(protocol, _address(address), int(port, 16), owner))
    return found


def meets(held_at: str, wanted: str) -> bool:
    """Whether one who listens at the first address stands in the way of one who wants the second."""
    everywhere = ("0.0.0.0", "::")
    return held_at == wanted or held_at in everywhere or wanted in everywhere


def open_files(pid: int | None = None) -> Iterator[tuple[int, str]]:
    """(pid, what it has open) of every process that this user may look into, or of one."""
    for process in PROC.glob(f"{pid or '[0-9]*'}"):
        try:
            descriptors = os.listdir(process / "fd")
        except OSError:
            continue
        for each in descriptors:
            with suppress(OSError):
                yield int(process.name), os.readlink(process / "fd" / each)


def _lines(table: Path) -> list[str]:
    try:
        return table.read_text().splitlines()[1:]
    except OSError:
        return []


def _address(text: str) -> str:
    """An address as the kernel writes it: 32-bit words in the machine's own byte order."""
    words = [int(text[place : place + 8], 16) for place in range(0, len(text), 8)]
    return str(ipaddress.ip_address(struct.pack(f"={len(words)}I", *words)))
