"""Why a call waits, and why it was given to its agent, over HTTP: sentences in both languages beside what they say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from acd.policy.definitions import Requirement, Skill
from server.usecases.explanations import Change, Considered, ExplanationActs, Wait, Why
from server.web.api.reasons import asks, reason
from server.web.api.shapes import Number, Sentence, Who, instant, router
from server.web.live.rows import Words
from server.web.live.words import words_of
from server.web.problems import answers

MOST = 50
"""Agents that an answer lists of each kind."""
_STAGES = {
    "menu": ("来电人在语音菜单中", "the caller is in the menu"),
    "talking": ("坐席与来电人通话中", "the agent and the caller talk"),
    "held": ("来电人在保持中", "the caller is on hold"),
    "outside": ("已转到外部号码", "the call was sent to an outside number"),
    "after": ("通话已结束，来电人在满意度评价中", "the conversation is over; the caller is asked how it was"),
    "over": ("通话已结束", "the call is over"),
}

_EXITS = {
    "callback": ("提供回呼", "is offered a callback"),
    "message": ("转留言", "is asked for a message"),
    "goodbye": ("结束通话", "is said goodbye"),
}


class SkillOut(BaseModel):
    """A skill and its least level."""

    skill: str
    level: int


class RequirementOut(BaseModel):
    """What a call asks of an agent."""

    required: list[SkillOut]
    preferred: list[SkillOut]


class ChangeOut(BaseModel):
    """What changes by itself, and when: another requirement, or an overflow."""

    at: str
    requirement: RequirementOut | None
    to: str


class AgentSeen(BaseModel):
    """A signed-in agent as the call sees the agent now."""

    agent: str
    name: str
    status: str
    state: str
    since: str
    why: Sentence | None = Field(description="Why the call is not offered to this agent; null: it may be.")


class WaitOut(BaseModel):
    """Why the call waits. `eligible` are agents with the skills, `busy` those of them who are not free, `lacking` the
    others; `more` counts those that are not listed."""

    queue: str
    position: int
    p50: int | None
    p90: int | None
    waited_since: str
    priority: int
    requirement: RequirementOut
    step: int
    next_step: ChangeOut | None
    next_overflow: ChangeOut | None
    reserved_for: str
    reserved_until: str | None
    offered_to: str
    free: list[AgentSeen]
    busy: list[AgentSeen]
    lacking: list[AgentSeen]
    more: int


class CandidateOut(BaseModel):
    """An agent as the decision saw the agent. `score` is the strategy's key, least first, then the seconds of
    idleness."""

    agent: str
    excluded: Sentence | None
    score: list[float]


class ChosenOut(BaseModel):
    """Why this agent was given the call."""

    agent: str
    at: str
    kind: str
    waited: float
    position: int
    sentences: list[Sentence]
    candidates: list[CandidateOut]
    more: int


class WhyOut(BaseModel):
    """Why a call is where it is: `sentences` say it, the rest is what they are made of."""

    call: int
    stage: str
    sentences: list[Sentence]
    wait: WaitOut | None
    chosen: ChosenOut | None


def why_routes(acts: ExplanationActs) -> APIRouter:
    """The route that explains."""
    routes = router("calls")

    @routes.get("/calls/{number}/why", response_model=WhyOut, responses=answers(404, 422))
    async def explain_call(who: Who, number: Number) -> WhyOut:
        """为何等待、为何是他: why the call waits and what will change that, and why its agent was given it."""
        return _why(await acts.why(who, number))

    return routes


def _why(found: Why) -> WhyOut:
    wait, chosen = found.wait, found.chosen
    sentences = _of_wait(wait, found.at) if wait is not None else []
    if wait is None and found.stage in _STAGES:
        sentences = [_said(*_STAGES[found.stage])]
    given = _chosen(chosen) if chosen is not None else None
    if given is not None and (wait is None or wait.offered_to == given.agent):
        sentences += given.sentences
    return WhyOut(
        call=found.call,
        stage=found.stage,
        sentences=sentences,
        wait=_wait(wait) if wait is not None else None,
        chosen=given,
    )


def _said(zh: str, en: str) -> Sentence:
    return Sentence(zh=zh, en=en)


def _sentence(words: Words) -> Sentence:
    return Sentence(zh=words.zh, en=words.en)


# Waiting


def _wait(wait: Wait) -> WaitOut:
    free, busy, lacking = _parted(wait.considered)
    listed = [[_seen(each) for each in part[:MOST]] for part in (free, busy, lacking)]
    return WaitOut(
        queue=wait.queue,
        position=wait.position,
        p50=round(wait.p50) if wait.p50 is not None else None,
        p90=round(wait.p90) if wait.p90 is not None else None,
        waited_since=instant(wait.queued_at),
        priority=wait.priority,
        requirement=_requirement(wait.requirement),
        step=wait.step,
        next_step=_change(wait.next_step),
        next_overflow=_change(wait.next_overflow),
        reserved_for=wait.reserved_for,
        reserved_until=instant(wait.reserved_until) if wait.reserved_until is not None else None,
        offered_to=wait.offered_to,
        free=listed[0],
        busy=listed[1],
        lacking=listed[2],
        more=len(wait.considered) - sum(map(len, listed)),
    )


def _parted(considered: Iterable[Considered]) -> tuple[list[Considered], list[Considered], list[Considered]]:
    """Agents who may be offered the call, those with the skills who are not free for it, and those without."""
    free: list[Considered] = []
    busy: list[Considered] = []
    lacking: list[Considered] = []
    for each in considered:
        (free if not each.excluded else busy if each.skilled else lacking).append(each)
    return free, busy, lacking


def _of_wait(wait: Wait, now: float) -> list[Sentence]:
    free, busy, lacking = _parted(wait.considered)
    asked, queue = asks(wait.requirement), words_of(wait.queue)
    said = [
        _said(
            f"在{queue.zh}队列排第 {wait.position} 位，需要：{asked.zh}",
            f"number {wait.position} in the queue {wait.queue}; it asks for {asked.en}",
        )
    ]
    if not wait.attached:
        said.append(
            _said("暂无服务器接管该来电，暂不派话", "no server holds the caller at the moment: it is not offered")
        )
    if wait.offered_to:
        said.append(_said(f"正在派给 {wait.offered_to}", f"it is being offered to {wait.offered_to}"))
    elif wait.reserved_for:
        left = max(0, round((wait.reserved_until or now) - now))
        said.append(
            _said(f"已为 {wait.reserved_for} 预留，还有 {left} 秒", f"kept for {wait.reserved_for} for {left} s more")
        )
    if not free and not busy:
        said.append(_said("没有签入的坐席具备所需技能", "no agent who is signed in has the skills"))
    elif not free and not wait.offered_to:
        zh, en = _counted(busy)
        said.append(
            _said(
                f"具备技能的 {len(busy)} 名坐席都不空闲：{zh}",
                f"{len(busy)} agents have the skills, none is free: {en}",
            )
        )
    if lacking:
        said.append(_said(f"其余 {len(lacking)} 名坐席技能不足", f"{len(lacking)} other agents lack the skills"))
    if wait.p50 is not None and wait.p90 is not None:
        low, high = round(wait.p50), round(wait.p90)
        said.append(_said(f"预计还要等 {low} 至 {high} 秒", f"it will probably wait {low} to {high} s more"))
    if wait.next_step is not None and wait.next_step.requirement is not None:
        left, looser = max(0, round(wait.next_step.at - now)), asks(wait.next_step.requirement)
        said.append(_said(f"{left} 秒后放宽为：{looser.zh}", f"in {left} s it will ask for {looser.en} only"))
    if wait.next_overflow is not None:
        left, to = max(0, round(wait.next_overflow.at - now)), wait.next_overflow.to
        zh, en = _EXITS.get(to) or (f"转到{words_of(to).zh}队列", f"goes to the queue {to}")
        said.append(_said(f"再等 {left} 秒将{zh}", f"in {left} s the caller {en}"))
    return said


def _counted(considered: Iterable[Considered]) -> tuple[str, str]:
    """How many for which reason, the most frequent first."""
    counts = Counter(each.excluded for each in considered).most_common()
    zh = "、".join(f"{count} 人{reason(text).zh}" for text, count in counts[:5])
    en = ", ".join(f"{count} {text}" for text, count in counts[:5])
    return zh, en


def _seen(each: Considered) -> AgentSeen:
    agent = each.agent
    return AgentSeen(
        agent=agent.id,
        name=agent.name,
        status=agent.status.value,
        state=agent.state.value,
        since=instant(max(agent.since, agent.status_since)),
        why=_sentence(reason(each.excluded)) if each.excluded else None,
    )


def _requirement(requirement: Requirement) -> RequirementOut:
    def shown(skills: Iterable[Skill]) -> list[SkillOut]:
        return [SkillOut(skill=skill.name, level=skill.level) for skill in skills]

    return RequirementOut(required=shown(requirement.required), preferred=shown(requirement.preferred))


def _change(change: Change | None) -> ChangeOut | None:
    if change is None:
        return None
    asked = _requirement(change.requirement) if change.requirement is not None else None
    return ChangeOut(at=instant(change.at), requirement=asked, to=change.to)


# Chosen


def _chosen(decision: Mapping[str, Any]) -> ChosenOut:
    candidates = [
        CandidateOut(
            agent=each["agent"],
            excluded=_sentence(reason(each["excluded"])) if each["excluded"] else None,
            score=list(each["score"]),
        )
        for each in decision["candidates"]
    ]
    return ChosenOut(
        agent=decision["agent"],
        at=decision["at"],
        kind=decision["kind"],
        waited=round(decision["waited"], 1),
        position=decision["position"],
        sentences=_of_choice(decision),
        candidates=candidates,
        more=decision["candidates_left_out"],
    )


def _of_choice(decision: Mapping[str, Any]) -> list[Sentence]:
    said = [_sentence(reason(decision["rule"]))]
    waited = round(decision["waited"])
    if decision["position"]:
        said.append(
            _said(
                f"当时排第 {decision['position']} 位，已等 {waited} 秒",
                f"the call was number {decision['position']} then and had waited {waited} s",
            )
        )
    eligible = [each for each in decision["candidates"] if not each["excluded"]]
    if len(eligible) > 1:
        others = [each for each in eligible if each["agent"] != decision["agent"]]
        names = "、".join(_idle(each)[0] for each in others[:5])
        en = ", ".join(_idle(each)[1] for each in others[:5])
        said.append(_said(f"当时能接的还有 {len(others)} 人：{names}", f"{len(others)} others were eligible: {en}"))
    elif eligible:
        said.append(_said("当时只有这名坐席能接", "no other agent was eligible"))
    if excluded := Counter(each["excluded"] for each in decision["candidates"] if each["excluded"]).most_common():
        zh = "、".join(f"{count} 人{reason(text).zh}" for text, count in excluded[:5])
        said.append(_said(f"不能接的：{zh}", "not eligible: " + ", ".join(f"{n} {text}" for text, n in excluded[:5])))
    return said


def _idle(candidate: Mapping[str, Any]) -> tuple[str, str]:
    idle = round(candidate["score"][-1]) if candidate["score"] else 0
    return f"{candidate['agent']}（空闲 {idle} 秒）", f"{candidate['agent']} (idle {idle} s)"
