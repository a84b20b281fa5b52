"""python -m tests.fuzz --count 200000 --seed 1 [--kind sip --kind http] [--at INDEX]

Without a kind, all are run. Ends with a table; the exit code is 1 when something was found. A finding names the seed
and the input's number: `--at NUMBER` gives that one again, with the checks after it.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys

import structlog

from tests.fuzz.kinds import KINDS
from tests.fuzz.run import HEADING, Report, run


def main() -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--kind", action="append", choices=sorted(KINDS), help="may be given several times; all: none")
    parser.add_argument("--count", type=int, default=20_000, help="inputs of each kind")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--at", type=int, help="only the input of this number")
    asked = parser.parse_args()
    # A run that is ended, also in the background, ends its hotline.
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, signal.default_int_handler)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    first, count = (0, asked.count) if asked.at is None else (asked.at, 1)
    reports: list[Report] = []
    for kind in asked.kind or sorted(KINDS):
        say = lambda line: print(line, file=sys.stderr, flush=True)  # noqa: E731
        reports.append(asyncio.run(run(kind, KINDS[kind](), count, asked.seed, first=first, say=say)))
    print(f"seed {asked.seed}\n{HEADING}")
    for report in reports:
        print(report.row())
    for report in reports:
        for finding in report.findings:
            print(f"\n{report.kind}, seed {asked.seed}, {finding}")
    return int(any(report.findings for report in reports))


if __name__ == "__main__":
    sys.exit(main())
