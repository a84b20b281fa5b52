"""The work and the output of `sansheng simulate`."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from importlib import resources
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from server.commands.output import note, print_json, say, table
from server.commands.replayed import recorded_day
from server.commands.shared import Refused, settings, zone
from simulation import plot
from simulation.fit import NothingRecorded, as_toml, fit
from simulation.measures import ALL, Mean
from simulation.policies import OURS, Candidate, UnknownPolicy, find_policy
from simulation.promises import means
from simulation.reading import load_scenario
from simulation.runs import Result, simulate
from simulation.scenario import Scenario
from simulation.staffing import StaffingPlan, fewest_agents
from tables.toml import DefinitionFault

SHIPPED = Path(str(resources.files("server") / "defaults" / "scenarios"))

COLUMNS = (
    "queue",
    "policy",
    "offered",
    "service_level",
    "mean_wait",
    "p50",
    "p95",
    "abandoned",
    "diverted",
    "occupancy",
)
_SHARES = ("service_level", "abandoned", "diverted", "occupancy")
PROMISES = (
    "queue",
    "policy",
    "promises",
    "kept",
    "broken",
    "expired",
    "back_mean",
    "p50",
    "p95",
    "longest",
    "attempts",
)


def choose(name: str, day: str, save: Path | None) -> Scenario:
    """The scenario by name or fitted to a recorded day, which is saved if wanted. Raises Refused."""
    if bool(name) is bool(day):
        raise Refused("name a scenario, or a recorded day with --from-day: one of them")
    if not day:
        if save is not None:
            raise Refused("--save keeps what --from-day fitted: give --from-day too")
        return find_scenario(name)
    try:
        fitted = fit(recorded_day(day), day)
    except NothingRecorded as error:
        raise Refused(f"{day}: {error}") from None
    if save is not None:
        own = settings().root / "hotline.toml"
        _write(save, as_toml(fitted, str(own) if own.exists() else ""))
        note(f"written to {save}")
    return fitted


def play(
    scenario: Scenario, policies: Sequence[Candidate], runs: int, seed: int, picture: Path | None, as_json: bool
) -> None:
    """Play the days with each policy, print the results, and draw them if wanted. Raises Refused."""
    if picture is not None and picture.suffix != ".svg":
        raise Refused(f"{picture}: a plot is an SVG file, which every browser shows: name it {picture.stem}.svg")
    with progress("days", runs * len(policies)) as tick:
        results = simulate(scenario, policies, runs=runs, seed=seed, tick=tick)
    if picture is not None:
        _write(picture, plot.svg(scenario, results))
    if as_json:
        print_json(_as_json(scenario, results, runs, seed))
    else:
        for line in report(scenario, results):
            say(line)
    if picture is not None:
        note(f"drawn into {picture}")


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Refused(f"{file}: {error.strerror}") from None


def find_scenario(name: str) -> Scenario:
    """The scenario of a file, or the shipped one of this name. Raises Refused."""
    file = Path(name)
    if not file.exists() and not file.suffix:
        file = SHIPPED / f"{name}.toml"
        if not file.exists():
            known = ", ".join(sorted(each.stem for each in SHIPPED.glob("*.toml")))
            raise Refused(f"there is no scenario {name}: name a TOML file, or one of {known}")
    try:
        return load_scenario(file)
    except DefinitionFault as error:
        raise Refused(str(error)) from None


def candidates(names: Sequence[str]) -> list[Candidate]:
    try:
        return [find_policy(name) for name in dict.fromkeys([OURS, *names])]
    except (UnknownPolicy, DefinitionFault) as error:
        raise Refused(str(error)) from None


def with_target(scenario: Scenario, text: str) -> Scenario:
    """The scenario with another service level, written as 80/20. Raises Refused."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)/(\d+(?:\.\d+)?)", text)
    if not match or not 0 < float(match[1]) < 100:
        raise Refused(f"--staff {text}: write 80/20 for 80 % of the calls answered within 20 s")
    level = replace(scenario.service_level, share=float(match[1]) / 100, within=float(match[2]))
    return replace(scenario, service_level=level)


@contextmanager
def progress(what: str, total: int | None) -> Iterator[Callable[[], None]]:
    """A bar on the terminal's standard error, nothing elsewhere; gives the function that moves it on by one."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(what, total=total)
        yield lambda: bar.advance(task)


def report(scenario: Scenario, results: Sequence[Result]) -> list[str]:
    """The results as lines: a table of queues and policies, then each policy against the first, day by day."""
    several = len(results) > 1
    columns = [column for column in COLUMNS if column != "policy" or several]
    queues = [queue for queue in results[0].summary if queue != ALL] + [ALL]
    summaries = {result.policy: result.summary for result in results}
    rows = [_row(queue, policy, summary[queue]) for queue in queues for policy, summary in summaries.items()]
    runs = len(results[0].measured)
    within = scenario.service_level
    lines = [
        f"{scenario.name}: {runs} days, {scenario.agents} agents; service level: answered within {within.within:g} s,"
        f" of all but callers who hung up within {within.short:g} s",
        "",
        *table(rows, columns, zone()),
        *_promises(results, queues, several=several),
    ]
    if several and runs > 1:
        lines += ["", f"{results[0].policy} against the others, on the same days:"]
        for other in results[1:]:
            gained = results[0].minus(other)
            level = _number(gained["service_level"], percent=True, sign=True)
            wait = _number(gained["wait"], percent=False, sign=True)
            lines.append(f"  {other.policy}: service level {level} points, mean wait {wait} s")
    return lines


def _promises(results: Sequence[Result], queues: Sequence[str], *, several: bool) -> list[str]:
    """The outcomes of promises, where the day has callback mode."""
    played = {result.policy: means(result.promised) for result in results if result.promised}
    if not played:
        return []
    rows = [
        {
            "queue": queue or "all",
            "policy": policy.rpartition("/")[2],
            "promises": _number(of[queue]["made"], percent=False),
            **{name: _number(of[queue][name], percent=True) for name in ("kept", "broken", "expired")},
            "back_mean": _number(of[queue]["back"], percent=False),
            "p50": _number(of[queue]["back_p50"], percent=False),
            "p95": _number(of[queue]["back_p95"], percent=False),
            "longest": _number(of[queue]["back_longest"], percent=False),
            "attempts": _number(of[queue]["attempts"], percent=False),
        }
        for queue in queues
        for policy, of in played.items()
    ]
    columns = [column for column in PROMISES if column != "policy" or several]
    heading = "promises to call back, a day; seconds from the original call to the conversation; attempts for each:"
    return ["", heading, "", *table(rows, columns, zone())]


def _row(queue: str, policy: str, means: dict[str, Mean]) -> dict[str, Any]:
    shown = {name: _number(mean, percent=name in _SHARES) for name, mean in means.items()}
    return shown | {
        "queue": queue or "all",
        "policy": policy.rpartition("/")[2],
        "offered": f"{means['offered'].mean:.0f}",
        "mean_wait": shown["wait"],
        "p50": shown["wait_p50"],
        "p95": shown["wait_p95"],
    }


def _number(mean: Mean, *, percent: bool, sign: bool = False) -> str:
    """`81.3 ±1.2`: per cent or seconds."""
    if not mean.runs:
        return "-"
    factor = 100.0 if percent else 1.0
    text = f"{factor * mean.mean:{'+' if sign else ''}.1f}"
    return text if mean.half != mean.half else f"{text} ±{factor * mean.half:.1f}"


def _as_json(scenario: Scenario, results: Sequence[Result], runs: int, seed: int) -> dict[str, Any]:
    return {
        "scenario": scenario.name,
        "runs": runs,
        "seed": seed,
        "agents": scenario.agents,
        "service_level": asdict(scenario.service_level),
        "policies": [
            {
                "policy": result.policy,
                "queues": {
                    queue or "all": {name: _plain(mean) for name, mean in means.items()}
                    for queue, means in result.summary.items()
                },
                "promises": {
                    queue or "all": {name: _plain(mean) for name, mean in each.items()}
                    for queue, each in means(result.promised).items()
                },
                "intervals": [
                    {"from": _clock(scenario, index), "service_level": _plain(level)}
                    for index, level in enumerate(result.levels)
                ],
            }
            for result in results
        ],
    }


def _plain(mean: Mean) -> dict[str, float | None]:
    return {"mean": mean.mean if mean.runs else None, "half_width": mean.half if mean.runs > 1 else None}


def plan(scenario: Scenario, policies: Sequence[Candidate], runs: int, seed: int, as_json: bool) -> None:
    """Find and print the fewest agents of each interval for each policy. Raises Refused where none are enough."""
    plans: dict[str, StaffingPlan] = {}
    for candidate in policies:
        with progress(f"staffing, {candidate.name}", None) as tick:
            plans[candidate.name] = fewest_agents(scenario, candidate, runs=runs, seed=seed, tick=tick)
    names = [group.name for group in scenario.groups]
    if as_json:
        print_json(
            {
                policy: {
                    "reached": plan.reached,
                    "agent_hours": plan.total * scenario.interval / 3600.0,
                    "intervals": [
                        {
                            "from": _clock(scenario, index),
                            "agents": dict(zip(names, row, strict=True)),
                            "total": sum(row),
                            "service_level": plan.levels[index],
                        }
                        for index, row in enumerate(plan.counts)
                    ],
                }
                for policy, plan in plans.items()
            }
        )
    for policy, plan in () if as_json else plans.items():
        rows = [
            {
                "from": _clock(scenario, index),
                "erlangs": scenario.load(index),
                **dict(zip(names, row, strict=True)),
                "agents": sum(row),
                "worst_queue": f"{100 * plan.levels[index]:.1f} %",
            }
            for index, row in enumerate(plan.counts)
        ]
        say(f"{policy}: the fewest agents for {scenario.service_level} in every queue and interval ({runs} days)\n")
        for line in table(rows, ["from", "erlangs", *names, "agents", "worst_queue"], zone()):
            say(line)
        hours = plan.total * scenario.interval / 3600.0
        say(f"\nagent hours {hours:.1f}, at most {plan.peak} agents at once\n")
    missed = [policy for policy, plan in plans.items() if not plan.reached]
    if missed:
        raise Refused(
            f"{scenario.service_level} is out of reach for {', '.join(missed)}: some interval has no group that can"
            " serve the queue within its shifts"
        )


def _clock(scenario: Scenario, interval: int) -> str:
    since, _ = scenario.bounds(interval)
    return f"{int(since // 3600):02}:{int(since % 3600 // 60):02}"
