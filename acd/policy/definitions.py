"""What an operator defines: skills, requirements, queues. Frozen values; a wrong one cannot be made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

EXITS = ("callback", "message", "goodbye")
"""Where an overflow may lead besides another queue. A caller who is offered a callback may go on waiting."""


@dataclass(frozen=True, slots=True)
class Skill:
    """A skill at a level from 1 (beginner) to 10 (expert). Lacking a skill is not level 0: it is lacking it."""

    name: str
    level: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.level <= 10:
            raise ValueError(f"skill {self.name}: level {self.level} is out of range, a level is 1 to 10")


@dataclass(frozen=True, slots=True)
class Requirement:
    """What a call asks of an agent: all of `required` at least at these levels; more of `preferred` is better."""

    required: tuple[Skill, ...] = ()
    preferred: tuple[Skill, ...] = ()

    def met_by(self, skills: Mapping[str, int]) -> bool:
        """Whether an agent with these skills (name → level) may take the call."""
        return all(skills.get(skill.name, 0) >= skill.level for skill in self.required)

    def is_looser_than(self, other: Requirement) -> bool:
        """Whether every agent who meets `other` meets this too. An equal requirement counts as looser."""
        levels = {skill.name: skill.level for skill in other.required}
        return all(levels.get(skill.name, 0) >= skill.level for skill in self.required)

    def __str__(self) -> str:
        return " and ".join(f"{skill.name} {skill.level}" for skill in self.required) or "nothing"


class Strategy(StrEnum):
    """How the agent is chosen among those who are ready; see `acd.floor.strategies`."""

    BEST_FIT = "best_fit"
    LEAST_SKILLED = "least_skilled"
    LONGEST_IDLE = "longest_idle"
    FEWEST_CALLS = "fewest_calls"


class WrapUpMode(StrEnum):
    """What follows a conversation. See `docs/floor.md`."""

    NONE = "none"
    OPTIONAL = "optional"
    TIMED = "timed"
    FORCED = "forced"
    UNTIL_DONE = "until_done"


@dataclass(frozen=True, slots=True)
class WrapUp:
    """Time for the write-up, in seconds. An extension never makes it longer than `longest` in all."""

    mode: WrapUpMode = WrapUpMode.TIMED
    seconds: float = 30.0
    longest: float = 600.0


@dataclass(frozen=True, slots=True)
class Relaxation:
    """From `after` seconds in the queue on, this is asked instead. Empty `preferred` keeps what the call preferred."""

    after: float
    requirement: Requirement


@dataclass(frozen=True, slots=True)
class Overflow:
    """One way out of a queue. Exactly one of `after`, `above`, `hopeless` is set.

    `after`: seconds in this queue. `above`: the newcomer finds at least so many calls waiting before it.
    `hopeless`: no signed-in agent could serve it, for so many seconds (0: at once).
    `to` is one of `EXITS` or the name of a queue; `requirement` is asked there (default: the queue's own skill).
    """

    to: str
    after: float | None = None
    above: int | None = None
    hopeless: float | None = None
    requirement: Requirement | None = None

    def describe(self) -> str:
        """The condition, as the decision record says it."""
        if self.after is not None:
            return f"waited {self.after:g} s"
        if self.above is not None:
            return f"found {self.above} or more calls waiting"
        return "nobody signed in could serve it"


@dataclass(frozen=True, slots=True)
class Queue:
    """One queue's rules. Times are seconds; `ageing` is points a second; `vip_head_start` is how much longer a VIP
    counts as having waited."""

    name: str
    skill: str = ""
    priority: int = 0
    ageing: float = 0.1
    strategy: Strategy = Strategy.BEST_FIT
    ring_for: float = 20.0
    owner_first: float = 20.0
    wrap_up: WrapUp = WrapUp()
    relax: tuple[Relaxation, ...] = ()
    overflow: tuple[Overflow, ...] = ()
    max_wait: float = 1800.0
    """Seconds after which the call leaves for `last_resort`, whatever the recipes: no caller waits without end."""
    last_resort: str = "message"
    hopeless_grace: float = 30.0
    """Seconds until the last resort when no signed-in agent could serve the call and no recipe says otherwise."""
    announce_first: float = 0.0
    announce_every: float = 45.0
    vip_head_start: float = 120.0
    max_no_answers: int = 2
    auto_answer: bool = False
    """An agent's page answers the calls of this queue by itself."""
    handling: float = 180.0
    """Expected seconds of one call with its wrap-up, until enough have been seen."""

    def own_requirement(self) -> Requirement:
        """What a call sent here without a requirement of its own asks for."""
        return Requirement((Skill(self.skill),)) if self.skill else Requirement()

    def recipes(self) -> tuple[Overflow, ...]:
        """The overflow recipes and, after them, the two last resorts that every queue has."""
        ways = self.overflow
        if not any(way.hopeless is not None and way.to != "callback" for way in ways):
            latest = max((way.hopeless for way in ways if way.hopeless is not None), default=0.0)
            ways += (Overflow(self.last_resort, hopeless=max(self.hopeless_grace, latest)),)
        return (*ways, Overflow(self.last_resort, after=self.max_wait))


@dataclass(frozen=True, slots=True)
class RestAfter:
    """Seconds for which an agent is offered nothing at all after an offer ended so."""

    no_answer: float = 5.0
    declined: float = 5.0
    busy: float = 10.0
    unregistered: float = 30.0
    caller_gone: float = 0.0
    lost: float = 2.0
    redirected: float = 5.0
    dropped: float = 5.0


@dataclass(frozen=True, slots=True)
class BreakAfter:
    """After so many offers in a row that ended so, the agent goes on a break with that reason; 0: never."""

    declined: int = 5
    busy: int = 10
    unregistered: int = 5


@dataclass(frozen=True, slots=True)
class PhoneRules:
    """When a phone counts as silent or gone. Times are seconds."""

    misses_within: float = 2.0
    """An agent who hangs up so long after the join, or before it, has missed the call."""
    rings_within: float = 4.0
    """A phone that has said nothing for so long is left for the next agent; 0: it is rung to the end."""
    lost_after: float = 8.0
    """In a conversation: no sound from the agent's phone for so long, and no answer when asked."""
    back_within: float = 20.0
    """An agent whose lost phone is back so soon gets the caller back."""
    page_back_within: float = 15.0
    """A page with the agent's phone that is gone in mid-call is awaited for so long, while the caller hears music."""
    caller_lost_after: float = 30.0
    """No sound from a caller's phone for so long, and no answer when asked."""
    redial: float = 600.0
    """A caller who was lost in the queue and calls again so soon has the old place."""
    auto_answer: tuple[str, ...] = ()
    """Agents whose page answers offers by itself."""


@dataclass(frozen=True, slots=True)
class Policy:
    """All routing rules of the hotline."""

    skills: tuple[str, ...] = ()
    queues: tuple[Queue, ...] = field(default_factory=tuple)
    ageing_limit: float = 100.0
    """The points at which ageing ends, the same for every queue: calls that reached it are ordered by arrival alone."""
    round_pause: float = 10.0
    """Seconds before a call is offered again to an agent who did not take it, when no other agent can."""
    offer_grace: float = 5.0
    """Seconds beyond `ring_for` after which an offer without a reported outcome is withdrawn."""
    forget_detached: float = 600.0
    """Seconds after which a call that no server took over is removed from the floor."""
    no_answer_resets_idle: bool = False
    outbound_resets_idle: bool = True
    rest_after: RestAfter = RestAfter()
    break_after: BreakAfter = BreakAfter()
    phones: PhoneRules = PhoneRules()
