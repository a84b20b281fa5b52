"""Results go up step by step, and a fault that recurs becomes training."""

from __future__ import annotations

import pytest

from quality import rollup
from quality.errors import QualityError
from quality.rollup import (
    ROLL_UP,
    TRAINING,
    Reviewed,
    RollUp,
    RollUpState,
    Step,
    Training,
    TrainingRules,
    TrainingState,
    TrainingStep,
)
from tables.errors import TableError
from tables.values import Table
from tests.quality.conftest import best


def test_results_go_from_the_leader_to_training_to_the_manager():
    results = RollUp("A", "2027-W02")
    for step in (Step.LEADER_SUMS_UP, Step.TRAINING_PLANS, Step.MANAGER_SIGNS):
        (event,) = rollup.pass_on(results, step, "somebody")
        results = rollup.play_results(results, event)
        # Played a second time, as after a crash, it changes nothing.
        assert rollup.play_results(results, event) == results
    assert results == RollUp("A", "2027-W02", RollUpState.ARCHIVED)


@pytest.mark.parametrize("state", RollUpState)
@pytest.mark.parametrize("step", Step)
def test_no_step_is_left_out_or_taken_back(state, step):
    results = RollUp("A", "2027-W02", state)
    if (state, step) not in ROLL_UP:
        with pytest.raises(QualityError, match=f"results of A in 2027-W02 are {state}: {step} is not possible"):
            rollup.pass_on(results, step, "somebody")


@pytest.mark.parametrize("state", TrainingState)
@pytest.mark.parametrize("step", TrainingStep)
def test_a_training_takes_the_steps_of_its_table(state, step):
    training = Training(1, "1001", "complaint", "asks", (1, 2, 3), "attitude", state)
    if (state, step) not in TRAINING:
        with pytest.raises(QualityError, match=f"training 1 is {state}: {step} is not possible"):
            rollup.move(training, step, "trainer")
        return
    (event,) = rollup.move(training, step, "trainer")
    after = rollup.play_training(training, event)
    assert after.state is TRAINING[state, step]
    assert after.closes == ("" if after.state is TrainingState.PASSED else "attitude")


def test_the_agent_does_not_say_how_the_training_went():
    with pytest.raises(QualityError, match="not agent 1001"):
        rollup.move(Training(1, "1001", "complaint", "asks", (1, 2, 3)), TrainingStep.GIVE, "1001")


def test_a_fault_that_recurs_becomes_training(form):
    rules = TrainingRules(recurs=3, gates=(("correct", "complaint"),))
    reviews = [Reviewed(n, "1001", best(form, correct=0, greeting=int(n > 2))) for n in range(1, 5)]
    reviews += [Reviewed(n, "1002", best(form, asks=0, hold=None)) for n in range(5, 8)]
    (first, second) = rollup.recurring(form, reviews, rules, [], 40)
    of = {"form": "complaint", "version": form.version}
    wanted = Training(40, "1001", question="correct", calls=(1, 2, 3, 4), gate="complaint", **of)
    assert rollup.needed(first) == wanted
    assert rollup.needed(second) == Training(41, "1002", question="asks", calls=(5, 6, 7), **of)
    # The same scores ask for it once; after it was passed, for another.
    running = [rollup.needed(first), rollup.needed(second)]
    assert rollup.recurring(form, reviews, rules, running, 42) == []
    (event,) = rollup.move(running[0], TrainingStep.GIVE, "trainer")
    given = rollup.play_training(running[0], event)
    (event,) = rollup.move(given, TrainingStep.PASS, "trainer")
    passed = rollup.play_training(given, event)
    (again,) = rollup.recurring(form, reviews, rules, [passed, running[1]], 42)
    assert again.agent == "1001"


def test_a_call_counts_once(form):
    reviews = [Reviewed(1, "1001", best(form, correct=0))] * 5
    assert rollup.recurring(form, reviews, TrainingRules(), [], 1) == []


def test_the_operator_says_what_recurs_and_what_it_gates():
    rules = rollup.read_training_rules(Table({"recurs": 2, "gates": {"correct": "complaint"}}))
    assert rules == TrainingRules(2, (("correct", "complaint"),))
    assert rollup.read_training_rules(Table({})) == TrainingRules()
    with pytest.raises(TableError, match="recurs: this must be a whole number from 2"):
        rollup.read_training_rules(Table({"recurs": 1}))
    with pytest.raises(TableError, match=r"gates\.correct: a gate names a skill"):
        rollup.read_training_rules(Table({"gates": {"correct": ""}}))
