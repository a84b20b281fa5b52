"""`python -m server.storage.trim_worker`: trims the archived log, day by day, at the lowest priority.

The first line on stdin says until when, and where the records are. It pauses after each transaction, ends when its time
is over, and with its stdin: no worker outlives its server. What it leaves is trimmed by the next one.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from zoneinfo import ZoneInfo

import msgspec

from server.storage.database import open_database
from server.storage.retention import Trimmed, slices, trim

LOWEST = 19


class Job(msgspec.Struct):
    """Trim what is before `until` (UTC epoch seconds) for `seconds` at most, with `pause` seconds between steps."""

    url: str
    until: float
    zone: str
    seconds: float
    pause: float


class Answer(msgspec.Struct):
    """`whole`: nothing is left before `until`. `days` were trimmed."""

    days: int
    entries: int
    decisions: int
    whole: bool


def work(job: Job) -> Answer:
    """Trim day by day until nothing is left or the time is over; a day that was begun is finished."""
    database = open_database(job.url)
    end, days, done, whole = time.monotonic() + job.seconds, 0, Trimmed(0, 0), True
    try:
        for midnight in slices(database.write, job.until, ZoneInfo(job.zone)):
            if time.monotonic() >= end:
                whole = False
                break
            found = trim(database.write, midnight, lambda _: time.sleep(job.pause))
            done = Trimmed(done.entries + found.entries, done.decisions + found.decisions)
            days += 1
    finally:
        database.dispose()
    return Answer(days, done.entries, done.decisions, whole)


def main() -> None:
    """One job."""
    os.nice(LOWEST)
    job = msgspec.json.decode(sys.stdin.buffer.readline(), type=Job)

    def end_with_the_server() -> None:
        sys.stdin.buffer.read()
        os._exit(1)

    threading.Thread(target=end_with_the_server, daemon=True).start()
    sys.stdout.buffer.write(msgspec.json.encode(work(job)) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
