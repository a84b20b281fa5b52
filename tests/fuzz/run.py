"""One run: inputs by number, a check after every so many, the books closed at the end, and what was found."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from tests.fuzz.mutator import an_input
from tests.fuzz.target import Flaw, Hang, Target

EVERY = 2_000
"""Inputs between two checks."""
MOST = 20
"""A run with so many different findings has said enough."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The harm of an input. If a check found it, it is about the inputs from `first` to `index`."""

    sentence: str
    first: int
    index: int
    data: bytes = b""

    @property
    def sort(self) -> str:
        """The common part of findings with one cause."""
        return re.sub(r"\d+", "#", self.sentence)[:60]

    def __str__(self) -> str:
        where = f"input {self.index}" if self.first == self.index else f"inputs {self.first} to {self.index}"
        return f"{where}: {self.sentence}" + (f"\n    {self.data[:600]!r}" if self.data else "")


@dataclass(slots=True)
class Report:
    """The result of a run."""

    kind: str
    inputs: int = 0
    seconds: float = 0.0
    before: int = 0
    after: int = 0
    checks: int = 0
    findings: list[Finding] = field(default_factory=list)
    """The first of each sort."""
    again: int = 0
    """Findings of a sort that was there."""

    def row(self) -> str:
        """One line of the table that a long run prints."""
        mebi = 1 << 20
        rate = self.inputs / self.seconds if self.seconds else 0
        return (
            f"{self.kind:<8} {self.inputs:>9} {self.seconds:>8.0f} {rate:>8.0f} {self.checks:>7}"
            f" {len(self.findings):>9} {self.before / mebi:>10.0f} {self.after / mebi:>6.0f}"
        )


HEADING = "kind        inputs  seconds a second  checks  findings MiB before  after"


async def run(
    kind: str,
    target: Target,
    count: int,
    seed: int,
    *,
    first: int = 0,
    every: int = EVERY,
    say: Callable[[str], None] = lambda line: None,
) -> Report:
    """Give the inputs `first` to `first + count - 1`. A finding ends nothing until there are `MOST`."""
    report = Report(kind)

    def found(problem: BaseException, since: int, index: int, data: bytes = b"") -> None:
        finding = Finding(str(problem) if isinstance(problem, Flaw | Hang) else repr(problem), since, index, data)
        if any(each.sort == finding.sort for each in report.findings):
            report.again += 1
            return
        report.findings.append(finding)
        say(f"{kind}: {finding}")

    gate = asyncio.Semaphore(target.at_once)

    async def give(index: int) -> None:
        async with gate:
            data = an_input(target.grammar, seed, index)
            try:
                await target.give(index, data)
            except (Exception, Hang) as problem:
                found(problem, index, index, data)
            report.inputs += 1

    async def checked(of: Callable[[], Awaitable[None]], since: int, index: int) -> None:
        report.checks += of == target.check
        try:
            await of()
        except (Exception, Hang) as problem:
            found(problem, since, index)

    async with target:
        await checked(target.check, first, first)
        began, report.before = time.monotonic(), target.memory()
        index, end = first, first + count
        while index < end and len(report.findings) < MOST:
            since, index = index, min(index + every, end)
            await asyncio.gather(*(give(each) for each in range(since, index)))
            await checked(target.check, since, index - 1)
            rate, memory = (index - first) / (time.monotonic() - began), target.memory() >> 20
            say(f"{kind}: {index - first} inputs, {rate:.0f} a second, {memory} MiB")
        report.seconds = time.monotonic() - began
        for book in target.books():
            await checked(book, first, index - 1)
        report.after = target.memory()
    return report
