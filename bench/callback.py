"""A peak day with and without callback mode, at equal staff: how many give up, how long they wait, when we call them.

Plays days with a peak (`server/defaults/scenarios/outage.toml`; `rush.toml` is a longer, lower one) with the real floor
and the real registry of promises, on the same days:

- held: no callback mode;
- ours: promises keep the caller's own place; the mode turns by itself, or a supervisor forces it on during the peak;
- usual: promises wait behind all live callers, in order of the promises, with the same offers and the same mode;
- ours, live callers 15 min ahead: what a head start for live callers would do.

The peak is the time with more calls than the agents can serve. Waits are those of callers who stayed and were answered;
"lost" are people who never spoke with an agent. The callers' readiness to accept is an assumption: the second table
varies it.

    python bench/callback.py [--runs 6] [--seed 1] [--scenario FILE]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from math import nan
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import numpy as np

from simulation.engine import Played
from simulation.fates import CallFate
from simulation.measures import ALL, Mean, mean_of, measure
from simulation.policies import HELD, LAST, OURS, find_policy
from simulation.promises import promised
from simulation.reading import load_scenario
from simulation.runs import days, play_with
from simulation.scenario import Callback, Scenario

SCENARIO = Path(__file__).parent.parent / "server" / "defaults" / "scenarios" / "outage.toml"
HALVED, NO_WORSE = 0.5, 1.05
AHEAD = "ours:after=900"
READINESS = ((0.5, 0.4), (0.7, 0.2), (0.9, 0.1))
"""Shares of callers who would ever accept, in auto, and of those who insist on waiting when it is forced on."""


@dataclass(frozen=True, slots=True)
class Figures:
    """One day under one design. Shares are 0 to 1, times seconds."""

    abandoned: float
    abandoned_peak: float
    lost: float
    wait: float
    wait_p50: float
    wait_p95: float
    wait_p95_peak: float
    made: float
    kept: float
    back_p50: float
    back_p95: float
    back_longest: float
    attempts: float
    occupancy: float


@dataclass(frozen=True, slots=True)
class Design:
    """A design to play: the order of promises, and whether a supervisor forces the mode on during the peak."""

    name: str
    policy: str
    forced: bool = False


HELD_DAY = Design("held", HELD)
AUTO = Design("ours, auto", OURS)
FORCED = Design("ours, forced on", OURS, forced=True)
DESIGNS = (
    HELD_DAY,
    AUTO,
    FORCED,
    Design("usual, auto", LAST),
    Design("usual, forced on", LAST, forced=True),
    Design("ours, live 15 min ahead, forced on", AHEAD, forced=True),
)


def peak_of(scenario: Scenario) -> tuple[float, float]:
    """From the first to the last interval with more calls than all agents can serve; seconds from midnight."""
    over = [index for index in range(scenario.intervals) if scenario.load(index) > scenario.agents]
    if not over:
        raise SystemExit(f"{scenario.name}: the agents can do all that comes: there is no peak to look at")
    return scenario.bounds(over[0])[0], scenario.bounds(over[-1])[1]


def figures(scenario: Scenario, played: Played, peak: tuple[float, float]) -> Figures:
    """One day's figures."""
    at_peak = [fate for fate in played.fates if peak[0] <= fate.arrival.at < peak[1]]
    waits, promises = measure(scenario, played)[ALL], promised(scenario, played)[ALL]
    spoken_with = {_person(fate): False for fate in played.fates}
    spoken_with.update({_person(fate): True for fate in played.fates if fate.outcome == "handled"})
    spoken_with.update(
        {each.arrival.first or each.arrival.queued.call: True for each in played.promises if each.joined_at is not None}
    )
    peak_waits = [fate.waited for fate in at_peak if fate.outcome == "handled"]
    return Figures(
        abandoned=waits.abandoned,
        abandoned_peak=sum(fate.outcome == "abandoned" for fate in at_peak) / len(at_peak),
        lost=1.0 - sum(spoken_with.values()) / len(spoken_with),
        wait=waits.wait,
        wait_p50=waits.wait_p50,
        wait_p95=waits.wait_p95,
        wait_p95_peak=float(np.quantile(peak_waits, 0.95)) if peak_waits else nan,
        made=promises.made,
        kept=promises.kept,
        back_p50=promises.back_p50,
        back_p95=promises.back_p95,
        back_longest=promises.back_longest,
        attempts=promises.attempts,
        occupancy=waits.occupancy,
    )


def _person(fate: CallFate) -> int:
    return fate.arrival.first or fate.arrival.queued.call


class Bench:
    """Plays designs on the same days."""

    def __init__(self, scenario: Scenario, seed: int) -> None:
        self.scenario, self.seed = scenario, seed
        self.peak = peak_of(scenario)

    def play(self, design: Design, callback: Callback, runs: int) -> list[Figures]:
        """The first days with this design."""
        forced = (self.peak,) if design.forced else ()
        scenario = replace(self.scenario, callback=replace(callback, forced=forced))
        candidate, played = find_policy(design.policy), []
        for day in days(scenario, runs, self.seed):
            played.append(figures(scenario, play_with(candidate, scenario, day), self.peak))
            print(".", end="", file=sys.stderr, flush=True)
        return played


def ratio(mine: Sequence[Figures], theirs: Sequence[Figures], name: str) -> Mean:
    """Mine to theirs, day by day."""
    return mean_of(getattr(one, name) / getattr(two, name) for one, two in zip(mine, theirs, strict=False))


def shown(mean: Mean, factor: float = 1.0, digits: int = 0) -> str:
    if not mean.runs:
        return "-"
    half = "" if mean.half != mean.half else f" ±{factor * mean.half:.{digits}f}"
    return f"{factor * mean.mean:.{digits}f}{half}"


ROWS = {
    "abandoned": ("given up, whole day (%)", 100.0, 1),
    "abandoned_peak": ("given up at the peak (%)", 100.0, 1),
    "lost": ("people lost (%)", 100.0, 1),
    "wait": ("live wait, mean (s)", 1.0, 0),
    "wait_p50": ("live wait, p50 (s)", 1.0, 1),
    "wait_p95": ("live wait, p95 (s)", 1.0, 0),
    "wait_p95_peak": ("… of callers at the peak, p95 (s)", 1.0, 0),
    "made": ("promises made", 1.0, 0),
    "kept": ("promises kept (%)", 100.0, 1),
    "back_p50": ("called back after, p50 (min)", 1 / 60, 1),
    "back_p95": ("called back after, p95 (min)", 1 / 60, 1),
    "back_longest": ("called back after, longest (min)", 1 / 60, 1),
    "attempts": ("attempts for each promise", 1.0, 2),
    "occupancy": ("occupancy (%)", 100.0, 1),
}
assert set(ROWS) == {each.name for each in fields(Figures)}


def print_table(found: dict[Design, list[Figures]]) -> None:
    """A column for each design."""
    widths = [max(14, len(design.name)) for design in found]
    print(f"{'':36}" + "  ".join(f"{design.name:>{width}}" for design, width in zip(found, widths, strict=True)))
    for name, (words, factor, digits) in ROWS.items():
        cells = [shown(mean_of(getattr(each, name) for each in played), factor, digits) for played in found.values()]
        print(f"{words:36}" + "  ".join(f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True)))


def verdict(words: str, found: Mean, most: float) -> None:
    """One aim, met or missed."""
    print(f"  {words}: {shown(found, digits=2)} of what it was held; aim {most:g}: {_met(found.mean, most)}")


def _met(value: float, most: float) -> str:
    return "met" if value <= most else "missed"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=6, help="days to play")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scenario", type=Path, default=SCENARIO)
    given = parser.parse_args(arguments)
    scenario = load_scenario(given.scenario)
    usual = scenario.callback
    if usual is None:
        raise SystemExit(f"{given.scenario}: has no [callback]: callback mode cannot be played")
    bench = Bench(scenario, given.seed)
    found = {design: bench.play(design, usual, given.runs) for design in DESIGNS}
    few = max(2, given.runs // 2)
    varied = {
        (most, insists): (
            bench.play(AUTO, replace(usual, most=most), few),
            bench.play(FORCED, replace(usual, insists=insists), few),
        )
        for most, insists in READINESS
    }
    print(file=sys.stderr)
    since, until = bench.peak
    peak = f"the peak is {_clock(since)} to {_clock(until)}"
    print(f"{scenario.name}: {given.runs} days, {scenario.agents} agents; {peak}\n")
    print_table(found)
    held = found[HELD_DAY]
    print(f"\nHow readily callers accept ({few} days): ratios to the day without callback mode")
    print(f"{'':44}{'given up at the peak':>22}{'live p95':>14}{'live p95 at the peak':>22}")
    for (most, insists), pair in varied.items():
        for words, played in zip(
            (f"auto, {most:.0%} would ever accept", f"forced on, {insists:.0%} insist"), pair, strict=True
        ):
            cells = [
                shown(ratio(played, held, name), digits=2) for name in ("abandoned_peak", "wait_p95", "wait_p95_peak")
            ]
            print(f"{words:44}{cells[0]:>22}{cells[1]:>14}{cells[2]:>22}")
    print()
    for design in (AUTO, FORCED):
        print(f"{design.name}:")
        verdict("given up at the peak", ratio(found[design], held, "abandoned_peak"), HALVED)
        verdict("live callers' p95 wait, whole day", ratio(found[design], held, "wait_p95"), NO_WORSE)
        verdict("p95 wait of live callers at the peak", ratio(found[design], held, "wait_p95_peak"), NO_WORSE)
    mine, theirs = (mean_of(each.abandoned_peak for each in found[design]).mean for design in (AUTO, HELD_DAY))
    print(
        f"callback: ours={100 * mine:.1f} theirs={100 * theirs:.1f} ratio={mine / theirs:.3f}"
        " (% of calls given up at the peak, with callback mode in auto and without it)"
    )


def _clock(at: float) -> str:
    return f"{int(at // 3600):02}:{int(at % 3600 // 60):02}"


if __name__ == "__main__":
    main()
