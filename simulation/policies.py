"""A policy by its name: `ours`, `app_queue:rrmemory`, `mod_callcenter:longest_idle`, or a file with other rules.

Where a scenario has callback mode: `ours:held` is without it, `ours:last` puts promises behind all live callers, and
`ours:after=900` behind those who came up to 900 seconds later.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from pathlib import Path

from acd.floor.engine import Floor
from acd.policy.definitions import Policy
from simulation.competitors import app_queue, mod_callcenter
from simulation.competitors.app_queue import AppQueue
from simulation.competitors.common import TRANSLATIONS
from simulation.competitors.mod_callcenter import ModCallcenter
from simulation.engine import Router
from simulation.reading import load_rules

OURS = "ours"
HELD = "ours:held"
LAST = "ours:last"
HEAD_START = "ours:after="


class UnknownPolicy(ValueError):
    """No such policy; the text says which there are."""


@dataclass(frozen=True)
class Candidate:
    """One policy to be played. `rules` stands for the scenario's own, where given."""

    name: str
    router: Callable[[], Router]
    rules: Policy | None = None
    calls_back: bool = True
    """Whether callback mode is played, where the scenario has it. Models of others have none."""
    head_start: float = 0.0
    """Seconds by which live callers go before promises, which stand at the caller's own place; inf: behind all."""


def names() -> list[str]:
    """The policies that have a name. A model's may go on with a translation, such as `app_queue:rrmemory:usual`."""
    return [
        OURS,
        HELD,
        LAST,
        *(f"app_queue:{name}" for name in app_queue.STRATEGIES),
        *(f"mod_callcenter:{name}" for name in mod_callcenter.STRATEGIES),
    ]


def find_policy(name: str) -> Candidate:
    """The policy of this name. Raises UnknownPolicy, and DefinitionFault for a file that cannot be used."""
    if name in (OURS, HELD, LAST):
        return Candidate(name, Floor, calls_back=name != HELD, head_start=inf if name == LAST else 0.0)
    if name.startswith(HEAD_START) and (seconds := name.removeprefix(HEAD_START)).isdecimal():
        return Candidate(name, Floor, head_start=float(seconds))
    if name.endswith(".toml"):
        return Candidate(name, Floor, load_rules(Path(name)))
    kind, _, rest = name.partition(":")
    strategy, _, translation = rest.partition(":")
    translation = translation or TRANSLATIONS[0]
    if translation in TRANSLATIONS:
        if kind == "app_queue" and strategy in app_queue.STRATEGIES:
            return Candidate(name, lambda: AppQueue(strategy, translation), calls_back=False)
        if kind == "mod_callcenter" and strategy in mod_callcenter.STRATEGIES:
            return Candidate(name, lambda: ModCallcenter(strategy, translation), calls_back=False)
    raise UnknownPolicy(
        f"there is no policy {name}: there are {', '.join(names())} (the models also with"
        f" {', '.join(f':{each}' for each in TRANSLATIONS)}), or a hotline file (….toml)"
    )
