"""Does the register of tickets grow with the years? 100,000 closed tickets beside 5,000 open ones, and 5,000 alone.

Plays both logs into the hotline state and compares what a snapshot takes, how long it is, and what an act costs. Ours
is the state with the closed tickets, theirs the same state without them: a register that forgets closed matters has a
ratio of 1. Times are of the processor, so that others on the machine do not count.

    python bench/ticket_register.py [--closed 100000] [--open 5000] [--turns 7]
"""

from __future__ import annotations

import argparse
import gc
import statistics
import sys
import time
import tracemalloc
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from server.eventlog.log import Entry
from server.hotline.state import HotlineState
from tickets.events import NoteAdded, OwnerSet, StateChanged, TicketOpened
from tickets.states import TicketState

NOW = 1_800_000_000.0
STEPS = (
    TicketState.DISPATCHED,
    TicketState.ACKNOWLEDGED,
    TicketState.RESOLVED,
    TicketState.FOLLOWED_UP,
    TicketState.CLOSED,
)


class Hotline:
    """A state and its log."""

    def __init__(self) -> None:
        self.state, self.entries = HotlineState(), 0

    def tell(self, event: object) -> None:
        """One entry. What follows from it is in the log at once."""
        self.entries += 1
        self.state.play(Entry(f"{int(NOW * 1000) + self.entries}-0", NOW + self.entries / 1000, event))
        self.state.unwritten.clear()

    def open(self, count: int) -> None:
        """So many tickets, each with an owner, a department and notes."""
        for _ in range(count):
            ticket = self.state.last_ticket + 1
            opened = TicketOpened(ticket, ticket, f"138{ticket:08d}", "complaint", "attitude", "general")
            self.tell(opened)
            self.tell(OwnerSet(ticket, f"{1000 + ticket % 200}"))
            self.tell(NoteAdded(ticket, "the customer waits for the courier's answer", "1001"))

    def close(self, count: int) -> None:
        """So many tickets that went through all states."""
        for _ in range(count):
            self.open(1)
            for state in STEPS:
                self.tell(StateChanged(self.state.last_ticket, state, "1001", department="logistics"))


def measured(closed: int, open_: int, turns: int) -> tuple[float, int, float, float]:
    """(ms of a snapshot, its bytes, kB in memory, µs of an act) after these tickets."""
    gc.collect()
    tracemalloc.start()
    hotline = Hotline()
    hotline.open(open_)
    hotline.close(closed)
    gc.collect()
    memory = tracemalloc.get_traced_memory()[0] / 1000
    tracemalloc.stop()
    times = []
    for _ in range(turns):
        began = time.process_time()
        snapshot = hotline.state.snapshot()
        times.append(time.process_time() - began)
    began = time.process_time()
    for ticket in range(1, 1001):
        hotline.tell(NoteAdded(ticket, "asked again"))
    each = (time.process_time() - began) / 1000
    assert len(hotline.state.tickets) == open_
    assert HotlineState.restore(snapshot).tickets.snapshot()["matters"][0]["ticket"] == 1
    return statistics.median(times) * 1000, len(snapshot), memory, each * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--closed", type=int, default=100_000)
    parser.add_argument("--open", type=int, default=5_000)
    parser.add_argument("--turns", type=int, default=7, help="snapshots of which the median counts")
    wanted = parser.parse_args()
    rows = {}
    for name, closed in (("without closed tickets", 0), (f"with {wanted.closed} closed tickets", wanted.closed)):
        rows[name] = took, size, memory, act = measured(closed, wanted.open, wanted.turns)
        print(
            f"{wanted.open} open {name}: snapshot {took:.1f} ms, {size / 1000:.0f} kB; "
            f"memory {memory:.0f} kB; an act {act:.0f} µs"
        )
    (theirs, small, less, _), (ours, big, more, _) = rows.values()
    print(f"memory: {more / less:.3f} times, snapshot: {big / small:.3f} times as long with the closed tickets")
    print(f"ticket_register: ours={ours:.1f} ms theirs={theirs:.1f} ms ratio={ours / theirs:.2f}")


if __name__ == "__main__":
    main()
