"""Days that did not happen: a scenario is read or refused, the same seed gives the same day, policies play alike."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from math import inf, isnan
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from typer.testing import CliRunner

from acd import events as ev
from acd.commands import Divert, Offer
from acd.policy.definitions import Policy, Queue, Requirement, Skill
from server.cli import app
from server.commands.shared import Refused
from simulation.competitors.app_queue import AppQueue
from simulation.competitors.mod_callcenter import ModCallcenter
from simulation.day import draw
from simulation.distributions import Distribution, observed
from simulation.engine import play
from simulation.measures import ALL, mean_of, measure, student
from simulation.patience import kaplan_meier, longer_than
from simulation.plot import svg
from simulation.policies import UnknownPolicy, find_policy, names
from simulation.reading import load_scenario
from simulation.runs import simulate
from simulation.scenario import ServiceLevel
from simulation.staffing import fewest_agents
from tables.toml import DefinitionFault

SHIPPED = sorted((Path(__file__).parents[2] / "server" / "defaults" / "scenarios").glob("*.toml"))

SCENARIO = """
start = "09:00"
end = "11:00"
skills = ["complaint", "inquiry", "attitude"]
phones = { answered_after = 3 }
[queues.complaint]
skill = "complaint"
wrap_up = { mode = "timed", seconds = 20 }
[queues.inquiry]
skill = "inquiry"
wrap_up = { mode = "none" }
[calls.complaint]
per_hour = [40, 80, 80, 40]
categories = { attitude = 0.3 }
talk = { mean = 180, cv = 0.7 }
patience = { mean = 150 }
[calls.inquiry]
per_hour = 60
talk = { mean = 120 }
patience = { mean = 150 }
[agents.some]
count = 3
skills = { complaint = 3, inquiry = 2, attitude = 2 }
shifts = ["09:00-10:00"]
[agents.others]
count = 5
skills = { complaint = 2, inquiry = 4 }
"""


@pytest.fixture
def file(tmp_path) -> Path:
    file = tmp_path / "day.toml"
    file.write_text(SCENARIO)
    return file


@pytest.fixture
def scenario(file):
    return load_scenario(file)


# The scenario


@pytest.mark.parametrize("shipped", SHIPPED, ids=lambda file: file.stem)
def test_every_scenario_that_comes_along_can_be_played(shipped):
    scenario = load_scenario(shipped)
    short = replace(scenario, end=scenario.start + 1800.0)
    measured = measure(short, play(draw(short, np.random.default_rng(1)), find_policy("ours").router(), short.policy))
    assert measured[ALL].offered > 20


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('end = "11:00"', 'end = "08:00"', "the day ends before it starts"),
        ('start = "09:00"', 'start = "9 am"', "'9 am' is no time of day"),
        ("attitude = 0.3 }", "attitude = 1.3 }", "from 0 to 1, not 1.3"),
        ("talk = { mean = 180, cv = 0.7 }", "talk = { cv = 0.7 }", "needs its mean"),
        ("talk = { mean = 180, cv = 0.7 }", "", "calls need `talk`"),
        ("talk = { mean = 120 }", 'talk = "long"', "'long' is no duration"),
        ("talk = { mean = 120 }", "talk = { values = [1, 2], weights = [1] }", "one weight for each"),
        ("patience = { mean = 150 }", "patience = { meen = 150 }", "is not known"),
        ("per_hour = 60", "per_hour = [1, 2, 3, 4, 5]", "5 rates, the day has 4 intervals"),
        ("per_hour = 60", "per_hour = -1", "calls an hour"),
        ("[calls.inquiry]", "[calls.inquiries]", 'there is no queue "inquiries"'),
        ("inquiry = 4", "inquiry = 14", "from 1 to 10, not 14"),
        ("inquiry = 4", "enquiry = 4", 'there is no skill "enquiry"'),
        ("count = 5", "count = 2.5", "a whole number"),
        ('"09:00-10:00"', '"10:00-09:00"', "ends before it begins"),
        ('"09:00-10:00"', '"09:00-10:00", "09:30-11:00"', "overlap"),
        ("phones = {", "phone = {", "means nothing here"),
        ("seconds = 20", "seconds = -20", "of 0 or more, not -20"),
    ],
)
def test_a_scenario_that_makes_no_sense_is_refused_with_its_line(file, old, new, sentence):
    text = SCENARIO.replace(old, new, 1)
    file.write_text(text)
    where = text.index(new or "[calls.complaint]")
    with pytest.raises(DefinitionFault) as refusal:
        load_scenario(file)
    assert sentence in str(refusal.value)
    assert (refusal.value.file, refusal.value.line) == (file, text.count("\n", 0, where) + 1)


def test_a_scenario_may_take_its_rules_from_a_hotline_file(file, tmp_path):
    lines = SCENARIO.splitlines()
    (tmp_path / "rules.toml").write_text("\n".join([lines[3], *lines[5:11]]))
    file.write_text("\n".join(['rules = "rules.toml"', *lines[1:3], lines[4], *lines[11:]]))
    assert load_scenario(file).policy.queues[0].wrap_up.seconds == 20
    file.write_text('rules = "rules.toml"\n' + SCENARIO)
    with pytest.raises(DefinitionFault, match="leave one of them out"):
        load_scenario(file)


# Chance


@pytest.mark.parametrize("cv", [0.0, 0.5, 1.0, 1.5])
def test_durations_have_the_mean_and_the_spread_that_was_asked_for(cv):
    drawn = Distribution(200.0, cv).draw(np.random.default_rng(1), 40_000)
    assert drawn.mean() == pytest.approx(200, rel=0.03)
    assert drawn.std() / drawn.mean() == pytest.approx(cv, abs=0.03)


def test_observed_durations_are_drawn_with_their_weights():
    drawn = observed((10.0, inf), (3.0, 1.0)).draw(np.random.default_rng(1), 10_000)
    assert (drawn == 10.0).mean() == pytest.approx(0.75, abs=0.02)


def test_patience_is_not_mistaken_for_the_waits_of_those_who_gave_up():
    rng = np.random.default_rng(2)
    patience, answered_after = rng.exponential(100, 5000), rng.exponential(20, 5000)
    gave_up = patience[patience <= answered_after].tolist()
    found = kaplan_meier(gave_up, answered_after[patience > answered_after].tolist())
    by_30 = sum(weight for value, weight in zip(found.values, found.weights, strict=True) if value <= 30)
    assert by_30 == pytest.approx(1 - np.exp(-0.3), abs=0.03)
    assert np.mean(gave_up) < 25, "what naive counting would say"
    assert longer_than(found, 30.0, rng) > 30


def test_the_same_seed_gives_the_same_day_and_the_same_fates(scenario):
    def fates():
        day = draw(scenario, np.random.default_rng([1, 2]))
        return [
            (each.outcome, each.agent, each.waited)
            for each in play(day, find_policy("ours").router(), scenario.policy).fates
        ]

    assert fates() == fates()


def test_calls_come_at_the_rates_of_their_intervals(scenario):
    days = [draw(scenario, np.random.default_rng(seed)) for seed in range(60)]
    slots = [0, 0, 0, 0]
    for day in days:
        for arrival in day.calls:
            if arrival.queued.queue == "complaint":
                slots[int((arrival.at - day.start) // 1800)] += 1
    assert [slot / len(days) for slot in slots] == [pytest.approx(rate / 2, rel=0.15) for rate in (40, 80, 80, 40)]


# Playing


@pytest.mark.parametrize("policy", [*names(), "app_queue:linear:flat", "mod_callcenter:top_down:usual"])
def test_every_call_ends_once_under_every_policy(scenario, policy):
    day = draw(scenario, np.random.default_rng(3))
    played = play(day, find_policy(policy).router(), scenario.policy)
    assert {fate.outcome for fate in played.fates} <= {"handled", "abandoned", "message"}
    for fate in played.fates:
        assert fate.outcome != "abandoned" or fate.waited == pytest.approx(fate.arrival.patience)
        assert fate.outcome != "handled" or fate.waited <= fate.arrival.patience + 1e-9
    spans: dict[str, list[tuple[float, float]]] = {}
    for fate in played.fates:
        if fate.outcome == "handled":
            began = fate.arrival.at + fate.waited
            spans.setdefault(fate.agent, []).append((began, began + fate.handling))
    for taken in spans.values():
        taken.sort()
        assert all(first[1] <= second[0] + 1e-6 for first, second in pairwise(taken))


def test_agents_go_home_at_the_end_of_their_shift(scenario):
    played = play(draw(scenario, np.random.default_rng(4)), find_policy("ours").router(), scenario.policy)
    assert [played.staffed[agent] for agent in ("1001", "1004")] == [3600.0, 7200.0]
    late = [fate for fate in played.fates if fate.arrival.at > 10 * 3600 and fate.outcome == "handled"]
    assert not {"1001", "1002", "1003"} & {fate.agent for fate in late}


def test_an_agent_without_the_preferred_skill_talks_longer(scenario):
    slower = replace(scenario, calls=tuple(replace(each, unfit=2.0) for each in scenario.calls))
    played = play(draw(slower, np.random.default_rng(4)), find_policy("ours").router(), scenario.policy)
    attitude = [fate for fate in played.fates if fate.arrival.queued.category == "attitude" and fate.agent]
    for fate in attitude:
        fit = fate.agent in ("1001", "1002", "1003")
        assert fate.handling == pytest.approx(fate.arrival.talk * (1 if fit else 2) + 20.0)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_caller_who_is_offered_a_callback_takes_it_or_waits_on(file, share):
    way = '[[queues.complaint.overflow]]\nafter = 10\nto = "callback"\n[queues.inquiry]'
    text = SCENARIO.replace("[queues.inquiry]", way, 1)
    file.write_text(text.replace("talk = { mean = 180, cv = 0.7 }", f"talk = 600\ntakes_callback = {share}"))
    scenario = load_scenario(file)
    played = play(draw(scenario, np.random.default_rng(5)), find_policy("ours").router(), scenario.policy)
    long = [fate for fate in played.fates if fate.arrival.queued.queue == "complaint" and fate.waited >= 10]
    assert any(fate.outcome == "callback" for fate in long) is (share == 1.0)
    assert share == 0.0 or all(fate.waited == pytest.approx(10.0) for fate in long if fate.outcome == "callback")


# The others


def queue_of(router, **more):
    queue = Queue("q", "s", **more)
    router.receive(ev.PolicySet(Policy(("s",), (queue,))), 0.0)
    return router


def add(router, agent: str, level: int = 5) -> None:
    router.receive(ev.AgentDefined(agent, agent, (Skill("s", level),)), 0.0)
    router.receive(ev.StatusSet(agent, ev.Status.AVAILABLE), 0.0)


def call(router, number: int, at: float) -> list:
    return router.receive(ev.CallQueued(number, "q", Requirement((Skill("s"),)), at), at)


def until(router, at: float) -> list:
    """Let time pass up to an instant, looking whenever the model wants to; the commands of the last look."""
    commands = []
    while not commands and (due := router.next_timer()) is not None and due <= at:
        commands = router.receive(ev.Tick(), due)
    return commands


def test_app_queue_notices_a_free_agent_only_when_a_caller_looks_again():
    router = queue_of(AppQueue("rrmemory"))
    add(router, "1")
    (offer,) = call(router, 1, 10.0)
    router.receive(ev.OfferAnswered(offer.offer), 12.0)
    assert call(router, 2, 20.3) == []
    assert until(router, 25.0) == []
    router.receive(ev.ConversationEnded(1, "1", "caller"), 25.0)
    assert router.receive(ev.WrapUpEnded("1"), 25.0) == []
    (offer,) = until(router, 30.0)
    assert isinstance(offer, Offer)
    assert router.now == pytest.approx(25.3)


def test_app_queue_rings_the_lowest_penalty_first_and_again_after_a_miss():
    router = queue_of(AppQueue("linear", "usual"))
    add(router, "1", level=2)
    add(router, "2", level=8)
    (offer,) = call(router, 1, 10.0)
    assert offer.agent == "2"
    assert router.receive(ev.OfferFailed(offer.offer, ev.Outcome.NO_ANSWER), 30.0) == []
    (again,) = router.receive(ev.Tick(), router.next_timer())
    assert (router.now, again.agent) == (31.0, "2")


def test_mod_callcenter_sees_a_free_agent_in_the_next_second():
    router = queue_of(ModCallcenter("longest_idle"))
    add(router, "1")
    assert call(router, 1, 10.0) == []
    (offer,) = until(router, 11.0)
    assert router.now == pytest.approx(10.1)
    router.receive(ev.OfferAnswered(offer.offer), 12.0)
    call(router, 2, 20.0)
    assert until(router, 25.4) == []
    router.receive(ev.ConversationEnded(1, "1", "caller"), 25.4)
    assert router.receive(ev.WrapUpEnded("1"), 25.4) == []
    (offer,) = until(router, 30.0)
    assert (router.now, offer.call) == (26.0, 2)


def test_a_caller_whom_nobody_ever_takes_leaves_the_others_too():
    for router in (AppQueue("rrmemory"), ModCallcenter("longest_idle")):
        queue_of(router, max_wait=60.0)
        assert call(router, 1, 0.0) == []
        (command,) = until(router, 70.0)
        assert isinstance(command, Divert)
        assert (command.to, router.now) == ("message", pytest.approx(60.0, abs=1.1))


def test_a_policy_that_does_not_exist_is_refused_with_those_that_do():
    with pytest.raises(UnknownPolicy, match="app_queue:rrmemory, app_queue:leastrecent"):
        find_policy("app_queue:random")


# What it came to


def test_the_interval_of_a_mean_is_students():
    mean = mean_of([1.0, 2.0, 3.0, 4.0])
    assert (mean.mean, mean.runs) == (2.5, 4)
    assert mean.half == pytest.approx(3.182 * np.std([1, 2, 3, 4], ddof=1) / 2)
    assert student(1000) == pytest.approx(1.962, abs=0.001)
    assert isnan(mean_of([5.0]).half)


def test_policies_are_compared_day_by_day(scenario):
    ours, other = simulate(scenario, [find_policy("ours"), find_policy("app_queue:rrmemory:flat")], runs=4)
    gained = other.minus(ours)["service_level"]
    assert gained.mean == pytest.approx(
        other.summary[ALL]["service_level"].mean - ours.summary[ALL]["service_level"].mean
    )
    assert ours.minus(ours)["wait"].half == 0.0
    assert len(ours.levels) == 4


def test_the_picture_is_svg_with_a_line_for_each_policy(scenario):
    results = simulate(scenario, [find_policy("ours"), find_policy("app_queue:linear")], runs=2)
    drawn = ElementTree.fromstring(svg(scenario, results))
    assert len(drawn.findall("{http://www.w3.org/2000/svg}polyline")) == 2


@pytest.mark.thorough
def test_the_fewest_agents_reach_the_level_in_every_interval(scenario):
    # All day there are others; some may help in the first hour.
    small = replace(scenario, service_level=ServiceLevel(0.8, 30.0))
    plan = fewest_agents(small, find_policy("ours"), runs=3)
    assert plan.reached
    assert all(level >= 0.8 for level in plan.levels)
    assert all(row[0] == 0 for row in plan.counts[2:]), "their shift is over"
    assert all(sum(row) < 3 * small.load(index) + 4 for index, row in enumerate(plan.counts))


@pytest.mark.thorough
def test_a_level_that_no_staffing_reaches_is_said_to_be_out_of_reach(scenario):
    plan = fewest_agents(replace(scenario, service_level=ServiceLevel(0.8, 1.0)), find_policy("ours"), runs=1)
    assert not plan.reached, "a phone is answered after 3 s at the earliest"


# The command


def run(*words: object):
    return CliRunner().invoke(app, list(map(str, words)))


def test_the_command_prints_queues_policies_and_their_difference(file, tmp_path):
    picture = tmp_path / "day.svg"
    done = run("simulate", file, "--runs", 3, "--compare", "app_queue:rrmemory", "--plot", picture)
    assert done.exit_code == 0, done.output
    for word in ("complaint", "inquiry", "all", "app_queue:rrmemory", "±", "ours against the others"):
        assert word in done.output
    assert picture.read_text().startswith("<svg")


def test_the_command_gives_numbers_to_programs(file):
    done = run("simulate", file, "--runs", 2, "--json")
    found = json.loads(done.output)
    assert found["policies"][0]["queues"]["all"]["service_level"]["mean"] > 0.5
    assert [each["from"] for each in found["policies"][0]["intervals"]] == ["09:00", "09:30", "10:00", "10:30"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["nowhere"], "there is no scenario nowhere: name a TOML file, or one of"),
        (["/nowhere.toml"], "cannot be read"),
        ([], "name a scenario, or a recorded day"),
        (["peak", "--compare", "app_queue:random"], "there is no policy app_queue:random"),
        (["peak", "--staff", "80%"], "write 80/20"),
        (["peak", "--plot", "day.png"], "name it day.svg"),
        (["peak", "--save", "x.toml"], "give --from-day too"),
    ],
)
def test_the_command_refuses_with_a_sentence(words, sentence):
    done = run("simulate", *words)
    assert isinstance(done.exception, Refused)
    assert sentence in str(done.exception)
