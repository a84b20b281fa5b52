"""Acts on what comes of scores: calibration rounds, results that go up step by step, trainings, and gates on skills."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import acd.events as acd
from acd.policy.definitions import Skill
from knowledge.articles import Kind
from quality import calibration, rollup
from quality.calibration import Calibration
from quality.errors import QualityError
from quality.events import Event, TrainingNeeded
from quality.periods import period
from quality.rollup import Reviewed, RollUp, Step, Training, TrainingState, TrainingStep
from server.usecases.errors import Conflict, Forbidden, Invalid, NotFound
from server.usecases.knowledge import Draft, KnowledgeActs
from server.usecases.permissions import Act
from server.usecases.principal import Principal, Role
from server.usecases.quality import QualityBase, person, refusals
from server.usecases.quality_reviews import marks_of
from server.usecases.server import Server

_TAKEN_BY: Mapping[Step, frozenset[Role]] = {
    Step.LEADER_SUMS_UP: frozenset({Role.LEADER, Role.SUPERVISOR, Role.ADMINISTRATOR}),
    Step.TRAINING_PLANS: frozenset({Role.QA, Role.ADMINISTRATOR}),
    Step.MANAGER_SIGNS: frozenset({Role.SUPERVISOR, Role.ADMINISTRATOR}),
}
"""Whose step it is: the leader's, the training supervisor's, the manager's."""


class TrainingActs(QualityBase):
    """Acts raise Forbidden, Invalid, NotFound and Conflict, and NotLeading where they change something."""

    def __init__(self, server: Server, knowledge: KnowledgeActs) -> None:
        super().__init__(server)
        self._knowledge = knowledge

    # Calibration

    async def open_round(
        self, who: Principal, calls: Sequence[int], form: str, reviewers: Sequence[str]
    ) -> Calibration:
        """Let several reviewers score the same calls apart."""
        self.permissions.require(who, Act.CALIBRATE_QA)
        wanted, barred = self._form(form), {}
        for call in calls:
            barred[call] = (await self._people(call)).barred
        async with self._numbering:
            number = self._register.last_calibration + 1
            try:
                opened = calibration.open_calibration(
                    number, tuple(calls), wanted, tuple(reviewers), barred, person(who)
                )
            except QualityError as error:
                raise Invalid("calibration", str(error)) from None
            await self._record(who, Act.CALIBRATE_QA, *opened, subject=f"calibration {number}")
        return await self._round(number)

    async def score(self, who: Principal, number: int, call: int, marks: Mapping[str, Any]) -> Calibration:
        """Give one's marks of one call of a round."""
        self._require_scoring(who)
        round_ = await self._round(number)
        form = self._form(round_.form, round_.version)
        if person(who) in (await self._people(call)).barred:
            raise Conflict(f"{person(who)} is heard or accused in call {call} and cannot score it")
        given = marks_of(form, marks, whole=True)
        with refusals():
            events = calibration.submit(round_, call, person(who), form, given)
        await self._record(who, Act.SCORE_QA, *events)
        return calibration.seen_by(await self._round(number), person(who))

    async def close_round(self, who: Principal, number: int) -> Calibration:
        """End a round: from now on all marks are shown and compared."""
        self.permissions.require(who, Act.CALIBRATE_QA)
        round_ = await self._round(number)
        with refusals():
            events = calibration.close(round_, person(who))
        await self._record(who, Act.CALIBRATE_QA, *events, subject=f"calibration {number} closed")
        return replace(round_, closed=True)

    async def rounds(self, who: Principal, limit: int, cursor: str | None) -> tuple[list[Calibration], str | None]:
        """One page of rounds, newest first, each as this reader may see it."""
        self.permissions.require(who, Act.READ_SAMPLES)
        await self._caught_up()
        found, following = await self._ask(lambda records: records.calibrations(limit, cursor))
        return [calibration.seen_by(each, person(who)) for each in found], following

    async def round(self, who: Principal, number: int) -> Calibration:
        """One round as this reader may see it."""
        self.permissions.require(who, Act.READ_SAMPLES)
        return calibration.seen_by(await self._round(number), person(who))

    def compared(self, round_: Calibration) -> dict[str, Any] | None:
        """The agreement on each question and each reviewer's deviation in points; None before the round is closed."""
        if not round_.closed:
            return None
        form = self._form(round_.form, round_.version)
        return {
            "questions": calibration.by_question(round_, form),
            "deviations": calibration.deviations(round_),
        }

    async def _round(self, number: int) -> Calibration:
        found = self._register.calibration(number)
        if found is None:
            await self._caught_up()
            found = await self._ask(lambda records: records.calibration(number))
        if found is None:
            raise NotFound(f"there is no calibration {number}: see `sansheng qa calibration list`")
        return found

    # Results

    async def results(self, who: Principal, of: str | None) -> list[dict[str, Any]]:
        """Where the results of teams and periods are, with the steps that were taken."""
        self.permissions.require(who, Act.RESULTS_QA)
        await self._caught_up()
        found = await self._ask(lambda records: records.all_results(of))
        teams = self._teams(who)
        return found if teams is None else [each for each in found if each["team"] in teams]

    async def pass_on(
        self, who: Principal, team: str, of: str, step: Step, note: str
    ) -> tuple[RollUp, list[Training], list[int]]:
        """Pass a team's results one step up: (where they are, new trainings, new cases of the knowledge base).

        When the leader sums up, faults that recur become trainings and cases. A training that gates a skill takes the
        skill from the agent until it is passed.
        """
        self.permissions.require(who, Act.RESULTS_QA)
        teams = self._teams(who)
        if teams is not None and team not in teams:
            raise Forbidden(f"{who.name} leads no team {team}")
        if who.role not in _TAKEN_BY[step] and who.role is not Role.SERVICE:
            raise Forbidden(f"{step} is a step of: {', '.join(sorted(_TAKEN_BY[step]))}")
        members = frozenset(each.id for each in self._view.floor.agents() if team in each.teams)
        if not members and team not in self._server.definitions.teams:
            raise NotFound(f"there is no team {team}")
        try:
            wanted = period(of)
        except QualityError as error:
            raise Invalid("period", str(error)) from None
        async with self._numbering:
            await self._caught_up()
            known = self._register.results(team, wanted.name)
            if known is None:
                known = await self._ask(lambda records: records.results(team, wanted.name))
            with refusals():
                events: list[object] = [*rollup.pass_on(known, step, person(who), note)]
            needed = await self._needed(members, of) if step is Step.LEADER_SUMS_UP else []
            gates = self._gates(needed)
            subject = f"results of {team} in {wanted.name}: {step}"
            await self._record(who, Act.RESULTS_QA, *events, *needed, *gates, subject=subject)
        found = self._register.results(team, wanted.name)
        made = [each for event in needed if (each := self._register.training(event.training)) is not None]
        cases = await self._cases(who, needed, wanted.name)
        return found or RollUp(team, wanted.name, rollup.RollUpState.ARCHIVED), made, cases

    async def _cases(self, who: Principal, needed: Sequence[TrainingNeeded], of: str) -> list[int]:
        """A case 案例 of each question that was failed again and again; it names calls and no agent."""
        failed: dict[tuple[str, str], set[int]] = {}
        for event in needed:
            failed.setdefault((event.form, event.question), set()).update(event.calls)
        found = []
        for (name, question), calls in sorted(failed.items()):
            said = next((each for each in self._form(name).questions if each.id == question), None)
            if said is not None:
                examples = ", ".join(map(str, sorted(calls)))
                text = f"{said.zh}\n{said.en}\n{said.hint_zh}\n{said.hint_en}\n{of}: {examples}"
                lines = "\n".join(line for line in text.splitlines() if line)
                found.append(await self._knowledge.add(who, Draft(Kind.CASE, said.zh, lines)))
        return found

    async def _needed(self, members: frozenset[str], of: str) -> list[TrainingNeeded]:
        zone, rules = self._server.definitions.calendar.zone, self._register.training_rules
        reviews = await self._ask(lambda records: records.scored_in(period(of), zone, members))
        following, events = self._register.last_training + 1, []
        for name, version in sorted({(each.form, each.version) for each in reviews}):
            form = self._form(name, version)
            own = [
                Reviewed(each.call, each.agent, each.counts.marks)
                for each in reviews
                if (each.form, each.version) == (name, version) and each.counts is not None
            ]
            for event in rollup.recurring(form, own, rules, self._register.trainings(), following):
                assert isinstance(event, TrainingNeeded)
                events.append(replace(event, level=self._level(event)))
                following += 1
        return events

    def _level(self, event: TrainingNeeded) -> int:
        """The level in the gated skill that the agent has now, or that an earlier training keeps for the agent."""
        agent = self._view.floor.agent(event.agent)
        skills = {each.name: each.level for each in agent.skills} if agent else {}
        kept = [
            each.level for each in self._register.trainings() if (each.agent, each.gate) == (event.agent, event.gate)
        ]
        return max([skills.get(event.gate, 0), *kept]) if event.gate else 0

    def _gates(self, needed: Sequence[TrainingNeeded]) -> list[acd.AgentDefined]:
        """The agents without the skills that wait for these trainings."""
        closed: dict[str, set[str]] = {}
        for event in needed:
            if event.gate:
                closed.setdefault(event.agent, set()).add(event.gate)
        return [
            self._defined(agent, without=frozenset(skills))
            for agent, skills in sorted(closed.items())
            if self._view.floor.agent(agent) is not None
        ]

    def _defined(self, agent: str, *, without: frozenset[str] = frozenset(), also: tuple[Skill, ...] = ()) -> Any:
        found = self._view.floor.agent(agent)
        assert found is not None
        gone = without | {each.name for each in also}
        skills = (*(each for each in found.skills if each.name not in gone), *also)
        ordered = tuple(sorted(skills, key=lambda each: each.name))
        return acd.AgentDefined(agent, found.name, ordered, tuple(found.teams), found.contact, by="quality assurance")

    def _teams(self, who: Principal) -> frozenset[str] | None:
        """The teams that a leader leads; None for those who reach all."""
        if who.role is not Role.LEADER:
            return None
        return self.permissions.led(who)

    # Training

    async def trainings(
        self, who: Principal, agent: str | None, state: str | None, limit: int, cursor: str | None
    ) -> tuple[list[Training], str | None]:
        """One page of trainings, newest first."""
        agents = self.permissions.agents(who, Act.READ_QA)
        if state is not None and state not in set(TrainingState):
            raise Invalid("state", f"{state!r} is not a state; the states are {', '.join(TrainingState)}")
        await self._caught_up()
        return await self._ask(lambda records: records.trainings(agent, state, agents, limit, cursor))

    async def move(self, who: Principal, number: int, step: TrainingStep, note: str) -> Training:
        """Say how a training went. When the last one that gates a skill is passed, the agent has the skill again."""
        self.permissions.require(who, Act.TRAIN_QA)
        async with self._numbering:
            training = self._register.training(number)
            if training is None:
                await self._caught_up()
                passed = await self._ask(lambda records: records.training(number))
                if passed is None:
                    raise NotFound(f"there is no training {number}: see `sansheng qa training list`")
                training = passed
            with refusals():
                events: list[Event] = rollup.move(training, step, person(who), note)
            opened = self._opened(training) if step is TrainingStep.PASS else []
            await self._record(who, Act.TRAIN_QA, *events, *opened, subject=f"training {number}: {step}")
        return replace(training, state=rollup.TRAINING[training.state, step])

    def _opened(self, training: Training) -> list[Any]:
        """The agent with the skill that this training was the last to gate."""
        others = [
            each
            for each in self._register.trainings()
            if each.training != training.training and (each.agent, each.gate) == (training.agent, training.gate)
        ]
        if not training.gate or not training.level or others or self._view.floor.agent(training.agent) is None:
            return []
        return [self._defined(training.agent, also=(Skill(training.gate, training.level),))]
