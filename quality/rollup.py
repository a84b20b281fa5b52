"""Results go up one step at a time, leader → training → manager, and a fault that recurs becomes training.

Both ways are tables. A gate on a skill, if the operator wants one, opens when the training is passed and not before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType

from quality.errors import QualityError
from quality.events import Event, ResultsPassedOn, TrainingMoved, TrainingNeeded
from quality.forms.definitions import Form
from quality.scores import Mark
from tables.errors import TableError
from tables.values import Table


class RollUpState(StrEnum):
    """Who has the results of a team and period."""

    WITH_LEADER = "with_leader"
    WITH_TRAINING = "with_training"
    WITH_MANAGER = "with_manager"
    ARCHIVED = "archived"


class Step(StrEnum):
    """What moves results on."""

    LEADER_SUMS_UP = "leader_sums_up"
    TRAINING_PLANS = "training_plans"
    MANAGER_SIGNS = "manager_signs"


ROLL_UP: Mapping[tuple[RollUpState, Step], RollUpState] = MappingProxyType(
    {
        (RollUpState.WITH_LEADER, Step.LEADER_SUMS_UP): RollUpState.WITH_TRAINING,
        (RollUpState.WITH_TRAINING, Step.TRAINING_PLANS): RollUpState.WITH_MANAGER,
        (RollUpState.WITH_MANAGER, Step.MANAGER_SIGNS): RollUpState.ARCHIVED,
    }
)
"""Every step that results take."""


class TrainingState(StrEnum):
    """How far a training is."""

    NEEDED = "needed"
    GIVEN = "given"
    PASSED = "passed"


class TrainingStep(StrEnum):
    """What moves a training on."""

    GIVE = "give"
    FAIL = "fail"
    PASS = "pass"


TRAINING: Mapping[tuple[TrainingState, TrainingStep], TrainingState] = MappingProxyType(
    {
        (TrainingState.NEEDED, TrainingStep.GIVE): TrainingState.GIVEN,
        (TrainingState.GIVEN, TrainingStep.FAIL): TrainingState.NEEDED,
        (TrainingState.GIVEN, TrainingStep.PASS): TrainingState.PASSED,
    }
)
"""Every step that a training takes."""


@dataclass(frozen=True, slots=True)
class RollUp:
    """Where the results of one team and period are."""

    team: str
    period: str
    state: RollUpState = RollUpState.WITH_LEADER


@dataclass(frozen=True, slots=True)
class Training:
    """A training item 培训项 of one agent: the question that was failed, and the calls in which."""

    training: int
    agent: str
    form: str
    question: str
    calls: tuple[int, ...]
    gate: str = ""
    state: TrainingState = TrainingState.NEEDED
    level: int = 0
    """The agent's level in the gated skill before; 0: did not have it."""
    version: int = 0
    """Of the form by which the calls were scored; 0: not known."""

    @property
    def closes(self) -> str:
        """The skill that the agent does not use until the training is passed; empty: none."""
        return "" if self.state is TrainingState.PASSED else self.gate


@dataclass(frozen=True, slots=True)
class TrainingRules:
    """When a fault recurs, and what it gates."""

    recurs: int = 3
    """So many calls of an agent in a period in which one question had no points at all."""
    gates: tuple[tuple[str, str], ...] = ()
    """(question, skill): this training gates that skill."""


@dataclass(frozen=True, slots=True)
class Reviewed:
    """One scored call as far as training must know it."""

    call: int
    agent: str
    marks: tuple[Mark, ...]


def read_training_rules(table: Table) -> TrainingRules:
    """The rules of a TOML table. Raises TableError with the key and what would be right."""
    gates = table.mapping("gates")
    for question, skill in gates.items():
        if not skill:
            raise TableError((*table.at("gates"), question), "a gate names a skill")
    rules = TrainingRules(
        table.integer("recurs", TrainingRules().recurs, least=2, most=1000), tuple(sorted(gates.items()))
    )
    table.done()
    return rules


def pass_on(results: RollUp, wanted: Step, by: str, note: str = "") -> list[Event]:
    """Pass results one step up. Raises QualityError when the table has no such step."""
    if (results.state, wanted) not in ROLL_UP:
        allowed = " or ".join(each for state, each in ROLL_UP if state is results.state) or "nothing: they are archived"
        raise QualityError(
            f"results of {results.team} in {results.period} are {results.state}: "
            f"{wanted} is not possible; next is {allowed}"
        )
    return [ResultsPassedOn(results.team, results.period, wanted, by, note)]


def play_results(results: RollUp, event: ResultsPassedOn) -> RollUp:
    """The results after one logged event about them. A step that is not theirs changes nothing."""
    after = ROLL_UP.get((results.state, Step(event.step)), results.state)
    return RollUp(results.team, results.period, after)


def recurring(
    form: Form, reviews: Iterable[Reviewed], rules: TrainingRules, open_: Iterable[Training], following: int
) -> list[Event]:
    """The trainings that a period's scores ask for, numbered from `following`; none that is needed or given already."""
    failed: dict[tuple[str, str], list[int]] = {}
    for review in reviews:
        for mark in review.marks:
            if mark.value == 0:
                failed.setdefault((review.agent, mark.question), []).append(review.call)
    running = {(each.agent, each.form, each.question) for each in open_ if each.state is not TrainingState.PASSED}
    order = {question.id: place for place, question in enumerate(form.questions)}
    wanted = sorted(
        (agent, order[question], question)
        for (agent, question), calls in failed.items()
        if question in order and len(set(calls)) >= rules.recurs and (agent, form.name, question) not in running
    )
    gates = dict(rules.gates)
    return [
        TrainingNeeded(
            number,
            agent,
            form.name,
            question,
            tuple(sorted(set(failed[agent, question]))),
            gates.get(question, ""),
            version=form.version,
        )
        for number, (agent, _, question) in enumerate(wanted, following)
    ]


def move(training: Training, wanted: TrainingStep, by: str, note: str = "") -> list[Event]:
    """Move a training on. Raises QualityError when the table has no such step, and for the agent's own word."""
    if (training.state, wanted) not in TRAINING:
        allowed = " or ".join(each for state, each in TRAINING if state is training.state) or "nothing: it is passed"
        raise QualityError(
            f"training {training.training} is {training.state}: {wanted} is not possible; next is {allowed}"
        )
    if by == training.agent:
        raise QualityError(f"training {training.training}: the trainer says how it went, not agent {by}")
    return [TrainingMoved(training.training, wanted, by, note)]


def needed(event: TrainingNeeded) -> Training:
    """The training that begins with this event."""
    return Training(
        event.training,
        event.agent,
        event.form,
        event.question,
        event.calls,
        event.gate,
        level=event.level,
        version=event.version,
    )


def play_training(training: Training, event: TrainingMoved) -> Training:
    """The training after one logged event about it. A step that is not its own changes nothing."""
    after = TRAINING.get((training.state, TrainingStep(event.step)), training.state)
    return replace(training, state=after)
