"""The floor in virtual time against Erlang's formulas: where the truth is known, it comes out."""

from __future__ import annotations

import pytest

from acd.policy.definitions import Policy, Queue, Requirement, Skill, WrapUp, WrapUpMode
from simulation.day import Day
from simulation.distributions import NEVER, Distribution
from simulation.engine import play
from simulation.erlang import erlang_b, erlang_c, mean_wait, within
from simulation.fates import CallFate
from simulation.measures import Mean, mean_of
from simulation.policies import find_policy
from simulation.runs import days
from simulation.scenario import CallStream, Group, Scenario
from tests.acd.floor.erlang_a import erlang_a

pytestmark = pytest.mark.thorough

HANDLING = 120.0
AGENTS = 8
RUNS = 10
HOUR = 3600.0


def scenario(load: float, patience: Distribution = NEVER, agents: int = AGENTS) -> Scenario:
    """One queue in a steady state: exponential everything, phones answered at once, no wrap-up, nobody turned away."""
    queue = Queue("q", "s", wrap_up=WrapUp(WrapUpMode.NONE), max_wait=1e8, announce_every=0.0)
    return Scenario(
        name="steady",
        policy=Policy(("s",), (queue,)),
        start=0.0,
        end=6 * HOUR,
        calls=(
            CallStream(
                "q",
                "q",
                (load / HANDLING * HOUR,),
                Requirement((Skill("s"),)),
                Distribution(HANDLING),
                patience=patience,
            ),
        ),
        groups=(Group("all", agents, (Skill("s"),), ((0.0, 6 * HOUR),)),),
        warm_up=HOUR,
    )


def play_days(of: Scenario, policy: str = "ours", seed: int = 7) -> list[list[CallFate]]:
    """The counted calls of each day."""

    def fates(day: Day) -> list[CallFate]:
        played = play(day, find_policy(policy).router(), of.policy)
        return [fate for fate in played.fates if fate.arrival.counted]

    return [fates(day) for day in days(of, RUNS, seed)]


def share(played: list[list[CallFate]], holds) -> Mean:
    return mean_of(sum(map(holds, fates)) / len(fates) for fates in played)


def waits(played: list[list[CallFate]]) -> Mean:
    return mean_of(sum(fate.waited for fate in fates) / len(fates) for fates in played)


@pytest.mark.parametrize("load", [4.8, 6.0, 6.8])
def test_waits_without_abandonment_are_those_of_erlang_c(load):
    played = play_days(scenario(load))
    assert share(played, lambda fate: fate.waited > 1e-6).holds(erlang_c(load, AGENTS))
    assert share(played, lambda fate: fate.waited <= 20).holds(within(load, AGENTS, HANDLING, 20))
    assert waits(played).holds(mean_wait(load, AGENTS, HANDLING))


@pytest.mark.parametrize("load", [5.6, 8.0, 10.4])
def test_waits_and_losses_with_abandonment_are_those_of_erlang_a(load):
    played = play_days(scenario(load, Distribution(90.0)))
    truth = erlang_a(load, AGENTS, HANDLING, 90.0)
    assert share(played, lambda fate: fate.outcome == "abandoned").holds(truth.abandoned)
    assert share(played, lambda fate: fate.waited > 1e-6).holds(truth.waits)
    assert waits(played).holds(truth.wait)


@pytest.mark.parametrize("policy", ["app_queue:rrmemory", "mod_callcenter:longest_idle"])
def test_the_models_of_others_queue_as_erlang_says_but_for_their_polling(policy):
    load = 6.0
    polling = 1.0
    wait = waits(play_days(scenario(load), policy))
    truth = mean_wait(load, AGENTS, HANDLING)
    assert truth - wait.half <= wait.mean <= truth + wait.half + polling + truth * 0.1


def test_the_formulas_agree_with_the_books():
    # Erlang B: 10 erlangs on 10 lines. Erlang C: the classic 8 erlangs, 10 agents.
    assert erlang_b(10, 10) == pytest.approx(0.2146, abs=1e-4)
    assert erlang_c(8, 10) == pytest.approx(0.4092, abs=1e-4)
    assert within(8, 10, 180, 0) == pytest.approx(1 - 0.4092, abs=1e-4)
    patient = erlang_a(8, 10, 180, 1e9)
    assert patient.wait == pytest.approx(mean_wait(8, 10, 180), rel=1e-4)
    assert patient.occupancy == pytest.approx(0.8, rel=1e-6)
    hasty = erlang_a(8, 10, 180, 1e-6)
    assert hasty.abandoned == pytest.approx(erlang_b(8, 10), rel=1e-3)
    overloaded = erlang_a(30, 10, 180, 60)
    assert overloaded.abandoned == pytest.approx(2 / 3, abs=0.01)
