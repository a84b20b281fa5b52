"""At equal staff, which policy answers more calls in time? And with how few agents does each answer enough?

Plays a mixed-skill day with a peak (`server/defaults/scenarios/mixed.toml`): the floor itself, and models of
app_queue's and mod_callcenter's queues, on the very same days. Each model is played in several strategies and in each
of three translations of the rules (`simulation/competitors/common.py`): `kindest` gives it our own ranking of the
agents for every shape of call, which nobody configures by hand; `usual` is what people configure. Beside them stands
the pool that no policy beats: everybody can do everything, by Erlang C (where nobody gives up) and played with the
day's patience.

    python bench/policy.py [--runs 6] [--seed 1] [--scenario FILE] [--all]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from acd.policy.definitions import Skill
from simulation.competitors import app_queue, mod_callcenter
from simulation.competitors.common import TRANSLATIONS
from simulation.engine import play
from simulation.erlang import within
from simulation.measures import ALL, Mean, Measured, mean_of, measure
from simulation.policies import OURS, find_policy
from simulation.reading import load_scenario
from simulation.runs import days
from simulation.scenario import Group, Scenario

SCENARIO = Path(__file__).parent.parent / "server" / "defaults" / "scenarios" / "mixed.toml"
FEW = ("app_queue:rrmemory", "app_queue:leastrecent", "mod_callcenter:longest_idle", "mod_callcenter:round_robin")


def staffed(scenario: Scenario, agents: int) -> Scenario:
    """The scenario with so many agents, in the proportions of its groups (largest remainder)."""
    exact = [group.count * agents / scenario.agents for group in scenario.groups]
    counts = [int(each) for each in exact]
    for index in sorted(range(len(exact)), key=lambda i: counts[i] - exact[i])[: agents - sum(counts)]:
        counts[index] += 1
    groups = tuple(replace(group, count=count) for group, count in zip(scenario.groups, counts, strict=True))
    return replace(scenario, groups=groups)


class Bench:
    """Plays policies and remembers the results."""

    def __init__(self, scenario: Scenario, runs: int, seed: int) -> None:
        self.scenario, self.runs, self.seed = scenario, runs, seed
        self.known: dict[tuple[str, int], list[dict[str, Measured]]] = {}

    def measured(self, policy: str, agents: int) -> list[dict[str, Measured]]:
        """The days with this policy and so many agents."""
        key = (policy, agents)
        if key not in self.known:
            scenario = staffed(self.scenario, agents)
            candidate = find_policy(policy)
            self.known[key] = [
                measure(scenario, play(day, candidate.router(), scenario.policy))
                for day in days(scenario, self.runs, self.seed)
            ]
        return self.known[key]

    def worst(self, policy: str, agents: int) -> float:
        """The service level of the worst queue, over all days together."""
        measured = self.measured(policy, agents)
        return min(mean_of(day[queue].service_level for day in measured).mean for queue in measured[0] if queue != ALL)

    def fewest(self, policy: str, near: int) -> int:
        """The least number of agents with which every queue reaches the service level."""
        target = self.scenario.service_level.share
        agents = near
        while self.worst(policy, agents) < target:
            agents += 1
        while agents > 1 and self.worst(policy, agents - 1) >= target:
            agents -= 1
        return agents

    def exactly(self, policy: str, fewest: int) -> float:
        """Where between two whole numbers of agents the target lies, by a straight line."""
        target = self.scenario.service_level.share
        below, at = self.worst(policy, fewest - 1), self.worst(policy, fewest)
        return fewest - (at - target) / (at - below) if at > below else float(fewest)


def pooled(scenario: Scenario) -> int:
    """The fewest agents if every agent had every skill, by Erlang C in each interval, weighted by its calls."""
    seconds = scenario.service_level.within - scenario.phones.answered_after.mean
    rates = [sum(scenario.rate(each, index) for each in scenario.calls) for index in range(scenario.intervals)]
    agents = 1
    while True:
        answered = 0.0
        for index, rate in enumerate(rates):
            ringing = rate / 3600.0 * scenario.phones.answered_after.mean
            load = scenario.load(index) + ringing
            answered += rate * within(load, agents, load / rate * 3600.0, seconds) if rate else 0.0
        if answered / sum(rates) >= scenario.service_level.share:
            return agents
        agents += 1


def everybody(scenario: Scenario) -> Scenario:
    """The scenario with agents who have every skill at the highest level."""
    skills = tuple(Skill(name, 10) for name in scenario.policy.skills)
    return replace(scenario, groups=(Group("everybody", scenario.agents, skills, ((scenario.start, scenario.end),)),))


def shown(mean: Mean, factor: float = 1.0) -> str:
    return f"{factor * mean.mean:6.1f} ±{factor * mean.half:4.1f}"


def less(mine: float, theirs: float) -> str:
    """`0.9% fewer`, or more."""
    gain = 1 - mine / theirs
    return f"{abs(gain):.1%} {'fewer' if gain >= 0 else 'more'}"


def policies(everything: bool) -> list[str]:
    """Ours first."""
    models = [f"app_queue:{name}" for name in app_queue.STRATEGIES]
    models += [f"mod_callcenter:{name}" for name in mod_callcenter.STRATEGIES]
    chosen = models if everything else list(FEW)
    return [OURS, *(f"{name}:{translation}" for translation in TRANSLATIONS for name in chosen)]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=6, help="days to play")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scenario", type=Path, default=SCENARIO)
    parser.add_argument("--all", action="store_true", help="every strategy of the models, not only the common ones")
    given = parser.parse_args(arguments)
    scenario = load_scenario(given.scenario)
    bench = Bench(scenario, given.runs, given.seed)
    level = scenario.service_level
    bound = pooled(scenario)
    fewest: dict[str, int] = {}
    for policy in policies(given.all):
        fewest[policy] = bench.fewest(policy, fewest.get(OURS, bound))
        print(".", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    equal = fewest[OURS]
    print(
        f"{scenario.name}: {given.runs} days; fewest agents for {level} in every queue, and, with {equal} agents each,"
    )
    print("the service level of all calls and of the worst queue (%), p95 of the waits (s), calls given up (%)\n")
    print(
        f"{'policy':38} {'fewest':>6} {'exact':>6}   {'level':>12} {'worst':>6}   {'p95 wait':>12}   {'given up':>12}"
    )
    for policy, agents in fewest.items():
        measured = [day[ALL] for day in bench.measured(policy, equal)]
        print(
            f"{policy:38} {agents:6} {bench.exactly(policy, agents):6.1f}  "
            f" {shown(mean_of(each.service_level for each in measured), 100)}"
            f" {100 * bench.worst(policy, equal):6.1f}  "
            f" {shown(mean_of(each.wait_p95 for each in measured))}  "
            f" {shown(mean_of(each.abandoned for each in measured), 100)}"
        )
    print(f"{'pooled M/M/c':38} {bound:6}          (Erlang C, nobody gives up)")
    pool = Bench(everybody(scenario), given.runs, given.seed)
    ideal = pool.fewest(OURS, bound)
    print(f"{'pooled: all do everything':38} {ideal:6} {pool.exactly(OURS, ideal):6.1f}   (played, with abandonment)\n")
    theirs = [policy for policy in fewest if policy != OURS]
    best = min(theirs, key=lambda each: (bench.exactly(each, fewest[each]), each))
    mine, others = bench.exactly(OURS, equal), bench.exactly(best, fewest[best])
    usual = min(bench.exactly(each, fewest[each]) for each in theirs if each.endswith(":usual"))
    print(f"against what people configure ({usual:.1f} agents) ours needs {less(mine, usual)},")
    print(f"against the best of all ({best}) {less(mine, others)}; the aim is 8.0% fewer,")
    print(f"and a perfect pool, which no routing beats, would need {less(pool.exactly(OURS, ideal), others)}")
    print(f"policy: ours={mine:.1f} theirs={others:.1f} ratio={mine / others:.3f} (agents for {level} in every queue)")


if __name__ == "__main__":
    main()
