"""The files of a leg: what they are called, and what they tell of a conversation that nobody watched.

A leg has two files for the conversation up to the first hold, and two more for each time that it goes on; the names of
those tell when, in milliseconds since the join: `17-3-caller.wav`, then `17-3+25300-caller.wav`. A third kind has the
packets that were counted while sides sent none at times (`17-3-packets`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from recordings.layout import Packets

CALLER, AGENT, PACKETS = "-caller.wav", "-agent.wav", "-packets"
_WAV_HEADER = 44
_BYTES_A_SECOND = 16_000
"""8,000 samples of 16 bits: what MixMonitor writes."""


@dataclass(frozen=True, slots=True)
class PartFiles:
    """The two files of one part of a conversation; `begins` is in seconds since the join."""

    begins: float
    caller: Path
    agent: Path


def part(prefix: Path, begins: float = 0.0) -> PartFiles:
    """The files of the part that began so many seconds after the join; 0 is the first part."""
    name = prefix.name if begins <= 0 else f"{prefix.name}+{max(1, round(begins * 1000))}"
    return PartFiles(begins, prefix.with_name(name + CALLER), prefix.with_name(name + AGENT))


def prefix_of(caller_file: Path) -> Path:
    """The path of a leg's files without their endings, from the caller's first one."""
    return caller_file.with_name(caller_file.name.removesuffix(CALLER))


def parts(prefix: Path) -> list[PartFiles]:
    """The first part, whether there are files of it or not, and every later one that has files, in order."""
    begun = set()
    for file in prefix.parent.glob(f"{prefix.name}+*.wav"):
        milliseconds = file.name.removeprefix(f"{prefix.name}+").removesuffix(CALLER).removesuffix(AGENT)
        if milliseconds.isdecimal():
            begun.add(int(milliseconds) / 1000)
    return [part(prefix), *(part(prefix, begins) for begins in sorted(begun))]


def counted(prefix: Path) -> list[Packets]:
    """The packets that were counted, in order; a line that is cut off, and what follows it, is left out."""
    try:
        lines = prefix.with_name(prefix.name + PACKETS).read_text(encoding="ascii", errors="replace").splitlines()
    except FileNotFoundError:
        return []
    found: list[Packets] = []
    for line in lines:
        try:
            at, caller, agent, *written = (int(each) for each in line.split())
            found.append(Packets(at / 1000, caller, agent, written[0] / 1000 if written else None))
        except ValueError:
            break
    return sorted(found, key=lambda each: each.at)


def add_counted(prefix: Path, packets: Sequence[Packets]) -> None:
    """Add counts to the leg's file of them; a leg that is not recorded needs none. Raises OSError."""
    if not _there(part(prefix)):
        return
    with prefix.with_name(prefix.name + PACKETS).open("a", encoding="ascii") as file:
        file.writelines(f"{_line(each)}\n" for each in packets)


def _line(packets: Packets) -> str:
    written = [] if packets.written is None else [round(packets.written * 1000)]
    return " ".join(map(str, (round(packets.at * 1000), packets.caller, packets.agent, *written)))


def newest(prefix: Path) -> PartFiles:
    """The files of the part that began last."""
    return parts(prefix)[-1]


class LegFiles:
    """`prefix(call, offer)` is the path of that leg's files without their ending."""

    def __init__(self, prefix: Callable[[int, int], Path]) -> None:
        self.prefix = prefix

    def grew_until(self, call: int, offer: int) -> float | None:
        """UTC epoch seconds of the last write; None without files."""
        written = (file.stat().st_mtime for each in parts(self.prefix(call, offer)) for file in _there(each))
        return max(written, default=None)

    def seconds(self, call: int, offer: int) -> float:
        """Seconds of sound, without holds; 0 when nothing was recorded, so that nobody spoke."""
        return sum(written(each) for each in parts(self.prefix(call, offer)))


def _there(files: PartFiles) -> list[Path]:
    return [file for file in (files.caller, files.agent) if file.exists()]


def written(files: PartFiles) -> float:
    """Seconds of sound on the disk, of the side that has more. Raises OSError."""
    longest = max((file.stat().st_size for file in _there(files)), default=0)
    return max(0.0, (longest - _WAV_HEADER) / _BYTES_A_SECOND)
