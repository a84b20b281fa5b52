"""Requests of an operation that Schemathesis makes from the description: the same in every run."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from hypothesis.strategies import SearchStrategy
from schemathesis import GenerationMode

EXAMPLES = 2
"""Of each operation in each mode."""


@schemathesis.serializer("audio/wav")
def sound(context: Any, value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


def requests_of(operation: Any, mode: GenerationMode) -> list[Any]:
    """Some that fit the operation, or some that do not; none when nothing of it can be wrong."""
    made: list[Any] = []
    with suppress(Unsatisfiable):
        _make(operation.as_strategy(generation_mode=mode), made)
    return made


def _make(strategy: SearchStrategy[Any], made: list[Any]) -> None:
    # The seed is given: hypothesis would draw one from the source of `take` anew for each operation.
    @seed(1)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=strategy)
    def take(case: Any) -> None:
        made.append(case)

    take()
