"""On a population whose truth is known, a thousand draws show what the estimates are worth.

6,800 calls of 40 agents, ten drawn of each. Risky calls score lower and are drawn more often, so the plain mean of the
drawn calls is wrong and the stratified one is not. A fatal error makes a score 0, which ten calls of one agent rarely
show: those intervals are reported apart.
"""

from __future__ import annotations

import math
import random
import statistics
from dataclasses import dataclass, field

import pytest

from quality.draw import select, stratify
from quality.estimates import Estimate, Sampled, mean, rate
from quality.plans import Frame, FrameCall, Plan, Risk

pytestmark = pytest.mark.thorough

CALLS, AGENTS, DRAWS = 6800, 40, 1000
AGENTS_FROM_EACH = 8
"""An agent's own interval is tried in every eighth draw: 5,000 intervals are enough."""


@dataclass
class Seen:
    """What the draws gave of one figure."""

    truth: float
    errors: list[float] = field(default_factory=list)
    held: int = 0
    halves: list[float] = field(default_factory=list)

    def add(self, found: Estimate, truth: float | None = None) -> None:
        true = self.truth if truth is None else truth
        assert found.value is not None
        self.errors.append(found.value - true)
        if found.low is not None and found.high is not None:
            self.held += found.low <= true <= found.high
            self.halves.append((found.high - found.low) / 2)

    @property
    def bias(self) -> float:
        return statistics.fmean(self.errors)

    @property
    def standard_error(self) -> float:
        return statistics.stdev(self.errors) / math.sqrt(len(self.errors))

    @property
    def coverage(self) -> float:
        return self.held / len(self.halves)

    def line(self, name: str) -> str:
        return (
            f"{name}: truth {self.truth:.3f}, bias {self.bias:+.4f} (standard error {self.standard_error:.4f}), "
            f"coverage {100 * self.coverage:.1f} %, half-width {statistics.fmean(self.halves):.2f}"
        )


def population() -> tuple[Frame, dict[int, float], dict[int, bool]]:
    """The calls, the score of each without fatals, and which have a fatal error."""
    chance = random.Random(1)
    plan = Plan("weekly", "")
    calls, clean, fatal = [], {}, {}
    for number in range(1, CALLS + 1):
        agent = number % AGENTS
        category = chance.choices(["process", "system", "competence", "attitude", "usage"], [35, 25, 20, 12, 8])[0]
        seconds = chance.lognormvariate(5.5, 0.7)
        risky = chance.random() < 0.22
        score = 86.0 + (agent - AGENTS / 2) / 4 - 9.0 * risky + chance.gauss(0.0, 11.0 if risky else 6.0)
        score -= {"attitude": 4.0, "competence": 3.0}.get(category, 0.0) + 2.0 * (seconds > 480)
        calls.append(
            FrameCall(number, str(1001 + agent), category, plan.band(seconds), (Risk.REPEAT,) if risky else ())
        )
        clean[number] = float(round(min(100.0, max(20.0, score))))
        fatal[number] = chance.random() < (0.06 if risky else 0.012)
    return Frame(calls), clean, fatal


@pytest.fixture(scope="module")
def seen() -> dict[str, Seen]:
    frame, clean, fatal = population()
    final = {call: 0.0 if fatal[call] else score for call, score in clean.items()}
    failed = {call: float(is_fatal) for call, is_fatal in fatal.items()}
    parts = stratify(Plan("weekly", ""), frame)
    of_agent: dict[str, list[int]] = {}
    for place, (stratum, _) in enumerate(parts):
        of_agent.setdefault(stratum.agent, []).append(place)
    truths = {
        name: {
            agent: statistics.fmean(scores[call] for place in places for call in parts[place][1])
            for agent, places in of_agent.items()
        }
        for name, scores in (("clean", clean), ("final", final))
    }
    found = {name: Seen(statistics.fmean(scores.values())) for name, scores in (("clean", clean), ("final", final))}
    found |= {f"{name} pooled": Seen(found[name].truth) for name in ("clean", "final")}
    found |= {f"{name} agent": Seen(found[name].truth) for name in ("clean", "final")}
    found["fatal"] = Seen(statistics.fmean(failed.values()))
    for number in range(DRAWS):
        drawn = select(f"1/{number}", parts)
        for name, scores in (("clean", clean), ("final", final), ("fatal", failed)):
            values: list[list[float]] = [[] for _ in parts]
            for each in drawn:
                values[each.stratum].append(scores[each.call])
            strata = [Sampled(stratum.size, tuple(own)) for (stratum, _), own in zip(parts, values, strict=True)]
            if name == "fatal":
                found[name].add(rate(strata))
                continue
            found[name].add(mean(strata))
            # As if the drawn calls were a simple random sample of the frame.
            found[f"{name} pooled"].add(mean([Sampled(CALLS, tuple(scores[each.call] for each in drawn))]))
            if number % AGENTS_FROM_EACH == 0:
                for agent, places in of_agent.items():
                    found[f"{name} agent"].add(mean([strata[place] for place in places]), truths[name][agent])
    return found


def test_stratified_figures_have_no_bias(seen):
    """Within two Monte-Carlo standard errors over 1,000 draws, each of three figures.

    The seeds follow a rule that was fixed before this run: population 1, draws `1/0` to `1/999`. Of three figures
    without bias, one is beyond two standard errors in some 13 % of such runs: with other seeds (population 20270112,
    draws `seed 0` to `seed 999`) the fatal rate was off by 2.07, and over 12,000 further draws of those by 0.3.
    """
    for name in ("clean", "final", "fatal"):
        assert abs(seen[name].bias) < 2 * seen[name].standard_error, seen[name].line(name)


def test_the_pooled_mean_is_wrong(seen):
    pooled = seen["clean pooled"]
    assert pooled.bias < -10 * pooled.standard_error, pooled.line("pooled")
    assert pooled.bias < -0.5
    assert pooled.coverage < 0.8


def test_the_interval_of_scores_without_fatals_covers_as_it_says(seen):
    assert 0.93 <= seen["clean"].coverage <= 0.97, seen["clean"].line("hotline")
    assert 0.93 <= seen["clean agent"].coverage <= 0.97, seen["clean agent"].line("one agent")


def test_with_fatals_the_hotline_is_covered_and_one_agents_ten_calls_are_not(seen, record_property):
    """Reported apart: ten calls seldom hold the fatal error that makes the agent's mean lower."""
    for name, each in seen.items():
        record_property(name, each.line(name))
        print(each.line(name))  # noqa: T201
    assert seen["final"].coverage >= 0.92
    assert seen["final agent"].coverage < 0.93
    assert seen["fatal"].coverage >= 0.93
