"""A scenario says what a day is like: how many calls of which kind come when, which agents are there, how long things
take.

It is TOML (`docs/simulation.md`). Its routing rules stand in it (`skills`, `[routing]`, `[queues]`) or are another
hotline file's (`rules`). Everything random is drawn from it by `simulation.day`.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from acd.callbacks.events import Mode
from acd.callbacks.policy import CallbackPolicy
from acd.policy.definitions import Policy, Requirement, Skill, WrapUp, WrapUpMode
from simulation.distributions import AT_ONCE, NEVER, Distribution

REDIAL_AFTER = Distribution(300.0)
CUSTOMER_ANSWERS = Distribution(8.0, 0.5)
NO_LIMITS = CallbackPolicy(per_number_per_day=0, per_day=0)


@dataclass(frozen=True, slots=True)
class ServiceLevel:
    """`share` of the calls answered within `within` seconds. A caller who hangs up before `short` seconds does not
    count; every other caller who was not answered counts against it."""

    share: float = 0.8
    within: float = 20.0
    short: float = 5.0

    def __str__(self) -> str:
        return f"{100 * self.share:g}/{self.within:g}"


@dataclass(frozen=True, slots=True)
class CallStream:
    """One stream of calls. `per_hour` is the rate in each interval of the day; the last goes on to the end.

    `categories` are shares: a category that is a skill is preferred. `required` is asked on top of the queue's skill.
    """

    name: str
    queue: str
    per_hour: tuple[float, ...]
    requirement: Requirement
    talk: Distribution
    wrap_up: Distribution = AT_ONCE
    patience: Distribution = NEVER
    categories: tuple[tuple[str, float], ...] = ()
    vip: float = 0.0
    takes_callback: float = 0.0
    """Share of those who are offered a callback and accept it."""
    unfit: float = 1.0
    """How many times as long an agent talks who lacks what the call prefers."""
    redials: float = 0.0
    """Share of those who give up and call again; of those who give up then, the same share calls once more."""
    redial_after: Distribution = REDIAL_AFTER


@dataclass(frozen=True, slots=True)
class Group:
    """Agents alike. Each works every `shifts` (seconds from midnight); `count` may be 0 to be filled by `--staff`."""

    name: str
    count: int
    skills: tuple[Skill, ...]
    shifts: tuple[tuple[float, float], ...]

    @property
    def levels(self) -> dict[str, int]:
        """Skill → level."""
        return {skill.name: skill.level for skill in self.skills}

    def present(self, since: float, until: float) -> bool:
        """Whether the group works through this whole time (seconds from midnight)."""
        return any(first <= since and until <= last for first, last in self.shifts)


@dataclass(frozen=True, slots=True)
class Phones:
    """What a ringing phone does: answered after so long, or (a share of `unanswered`) not at all."""

    answered_after: Distribution = AT_ONCE
    unanswered: float = 0.0


@dataclass(frozen=True, slots=True)
class Customers:
    """What the phone of somebody who is called back does: a share is busy, a share is not answered while it rings."""

    answered_after: Distribution = CUSTOMER_ANSWERS
    busy: float = 0.05
    unanswered: float = 0.10


LEISURE = 600.0
"""Who would wait longer than this weighs a callback like somebody who would wait so long (seconds)."""


@dataclass(frozen=True, slots=True)
class Callback:
    """Callback mode on this day: its rules, and how callers take to it.

    Somebody who is told a wait of `even` times what patience they have left accepts with half of `most`; with less to
    wait for fewer do, with more nearly `most`. The rest would never accept. While a supervisor has forced it on,
    numbers are taken instead of holding callers: then all accept but the share who `insists` on waiting.
    """

    policy: CallbackPolicy = NO_LIMITS
    mode: Mode = Mode.AUTO
    most: float = 0.7
    even: float = 1.0
    insists: float = 0.2
    forced: tuple[tuple[float, float], ...] = ()
    """When a supervisor forces it on (seconds from midnight); afterwards it is auto."""
    customers: Customers = Customers()

    def accepts(self, chance: float, wait: float | None, patience: float) -> bool:
        """Whether a caller accepts who drew `chance` (0: likes it least, to 1), is told to wait so long (None: nobody
        is there) and has so much patience left."""
        odds = inf if wait is None else wait / max(1.0, self.even * min(patience, LEISURE))
        return chance > 1.0 - (self.most if odds == inf else self.most * odds / (1.0 + odds))


@dataclass(frozen=True, slots=True)
class Scenario:
    """A kind of day. `start` and `end` are seconds from midnight, `interval` seconds.

    Calls that come in the first `warm_up` seconds are played and not counted.
    """

    name: str
    policy: Policy
    start: float
    end: float
    calls: tuple[CallStream, ...]
    groups: tuple[Group, ...]
    interval: float = 1800.0
    warm_up: float = 0.0
    service_level: ServiceLevel = ServiceLevel()
    phones: Phones = Phones()
    callback: Callback | None = None
    """None: callers are not offered a callback, but by overflow."""

    @property
    def intervals(self) -> int:
        """How many intervals the day has."""
        return max(1, -int(-(self.end - self.start) // self.interval))

    @property
    def agents(self) -> int:
        """How many agents there are in all groups."""
        return sum(group.count for group in self.groups)

    def bounds(self, interval: int) -> tuple[float, float]:
        """Begin and end of one interval, seconds from midnight."""
        since = self.start + interval * self.interval
        return since, min(self.end, since + self.interval)

    def rate(self, calls: CallStream, interval: int) -> float:
        """Calls an hour of this stream in this interval."""
        return calls.per_hour[min(interval, len(calls.per_hour) - 1)]

    def load(self, interval: int) -> float:
        """Erlangs that all streams together offer in this interval: how many agents are busy if nobody gives up."""
        modes = {queue.name: queue.wrap_up for queue in self.policy.queues}
        return sum(
            self.rate(each, interval) / 3600.0 * (each.talk.mean + wrapped(modes.get(each.queue), each.wrap_up.mean))
            for each in self.calls
        )


def wrapped(rule: WrapUp | None, wanted: float) -> float:
    """How long a wrap-up really is when the agent would need `wanted` seconds, by the queue's rule."""
    rule = rule or WrapUp()
    if rule.mode in (WrapUpMode.NONE, WrapUpMode.OPTIONAL):
        return 0.0
    if rule.mode is WrapUpMode.FORCED:
        return rule.seconds
    if rule.mode is WrapUpMode.UNTIL_DONE:
        return wanted
    return min(wanted, rule.seconds)
