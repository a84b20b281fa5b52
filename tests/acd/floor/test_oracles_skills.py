"""Two kinds of calls and agents with overlapping skills, beside Ciw: the same waits for every class."""

from __future__ import annotations

from math import hypot

import ciw
import pytest

from acd.policy.definitions import Policy, Queue, Requirement, Skill, Strategy, WrapUp, WrapUpMode
from simulation.distributions import Distribution
from simulation.engine import play
from simulation.measures import Mean, mean_of
from simulation.policies import find_policy
from simulation.runs import days
from simulation.scenario import CallStream, Group, Scenario

pytestmark = pytest.mark.thorough

HANDLING = 100.0
HOUR = 3600.0
END, WARM_UP, RUNS = 5 * HOUR, HOUR, 8

# Class → calls an hour; pool → (agents, class → level). The agent with the higher level is chosen first.
N_MODEL = ({"a": 150.0, "b": 90.0}, {"one": (4, {"a": 5}), "two": (4, {"a": 1, "b": 5})})
W_MODEL = (
    {"a": 100.0, "b": 90.0, "c": 60.0},
    {"one": (5, {"a": 5, "b": 3}), "two": (4, {"b": 1, "c": 5})},
)


def ours(calls, pools) -> dict[str, Mean]:
    queues = tuple(
        Queue(name, name, strategy=Strategy.BEST_FIT, wrap_up=WrapUp(WrapUpMode.NONE), max_wait=1e8, announce_every=0.0)
        for name in calls
    )
    scenario = Scenario(
        name="skills",
        policy=Policy(tuple(calls), queues),
        start=0.0,
        end=END,
        calls=tuple(
            CallStream(name, name, (rate,), Requirement((Skill(name),)), Distribution(HANDLING))
            for name, rate in calls.items()
        ),
        groups=tuple(
            Group(name, count, tuple(Skill(*each) for each in levels.items()), ((0.0, END),))
            for name, (count, levels) in pools.items()
        ),
        warm_up=WARM_UP,
    )
    played = [play(day, find_policy("ours").router(), scenario.policy) for day in days(scenario, RUNS, 3)]
    waits = [
        {name: [f.waited for f in day.fates if f.arrival.counted and f.arrival.queued.queue == name] for name in calls}
        for day in played
    ]
    return {name: mean_of(sum(each[name]) / len(each[name]) for each in waits) for name in calls}


def theirs(calls, pools) -> dict[str, Mean]:
    levels = [skills for count, skills in pools.values() for _ in range(count)]

    class Skilled(ciw.Node):
        """First come, first served, by servers that each serve some classes only."""

        freed = None

        def find_free_server(self, ind):
            able = [s for s in self.servers if not s.busy and ind.customer_class in levels[s.id_number - 1]]
            return max(able, key=lambda s: levels[s.id_number - 1][ind.customer_class], default=None)

        def begin_service_if_possible_release(self, next_individual, newly_free_server):
            self.freed = newly_free_server
            super().begin_service_if_possible_release(next_individual, newly_free_server)
            self.freed = None

        def choose_next_customer(self):
            waiting = [ind for ind in self.all_individuals if not ind.server]
            if self.freed is None:
                return max(waiting, key=lambda ind: ind.arrival_date, default=None)
            skills = levels[self.freed.id_number - 1]
            able = [ind for ind in waiting if ind.customer_class in skills]
            return min(able, key=lambda ind: (ind.arrival_date, ind.id_number), default=None)

    network = ciw.create_network(
        arrival_distributions={name: [ciw.dists.Exponential(rate / HOUR)] for name, rate in calls.items()},
        service_distributions={name: [ciw.dists.Exponential(1 / HANDLING)] for name in calls},
        number_of_servers=[len(levels)],
    )
    means: dict[str, list[float]] = {name: [] for name in calls}
    for run in range(RUNS):
        ciw.seed(100 + run)
        simulation = ciw.Simulation(network, node_class=Skilled)
        simulation.simulate_until_max_time(END)
        records = [each for each in simulation.get_all_records() if each.arrival_date >= WARM_UP]
        for name in calls:
            waits = [each.waiting_time for each in records if each.customer_class == name]
            means[name].append(sum(waits) / len(waits))
    return {name: mean_of(values) for name, values in means.items()}


@pytest.mark.parametrize("model", [N_MODEL, W_MODEL], ids=["N", "W"])
def test_calls_with_overlapping_skills_wait_as_long_as_in_ciw(model):
    mine, other = ours(*model), theirs(*model)
    for name in model[0]:
        assert abs(mine[name].mean - other[name].mean) <= hypot(mine[name].half, other[name].half), (name, mine, other)
        assert mine[name].mean > 1.0, "the model is too idle to tell anything"
