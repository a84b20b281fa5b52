"""What an operator defines: skills, requirements, queues. Frozen values; a wrong one cannot be made."""

from __future__ import annotations

from dataclasses import dataclass, field


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


@dataclass(frozen=True, slots=True)
class Queue:
    """One queue's rules."""

    name: str
    ring_for: float = 20.0


@dataclass(frozen=True, slots=True)
class Policy:
    """All routing rules of the hotline."""

    skills: tuple[str, ...] = ()
    queues: tuple[Queue, ...] = field(default_factory=tuple)
