"""A short run of every kind, always the same inputs; `make fuzz` makes a long one."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence

import pytest
import structlog

from tests.fuzz.kinds import KINDS
from tests.fuzz.mutator import Grammar, an_input
from tests.fuzz.run import run
from tests.fuzz.target import Flaw, Hang, time_limit

pytestmark = pytest.mark.thorough

SEED = 20_251_122
WITHOUT_A_HOTLINE = {"agi": 2_000, "ami": 2_000, "toml": 2_000}
ON_A_HOTLINE = {"fastagi": 500, "http": 500, "sip": 500}


class Weak:
    """Refuses each input whose number ends in 7, and the third check."""

    at_once = 4
    grammar = Grammar((b"example",))

    def __init__(self) -> None:
        self._checks = 0

    async def __aenter__(self) -> Weak:
        return self

    async def __aexit__(self, *_: object) -> None: ...

    async def give(self, index: int, data: bytes) -> None:
        if index % 10 == 7:
            raise Flaw(f"input {index} is not taken")

    async def check(self) -> None:
        self._checks += 1
        if self._checks == 3:
            raise Flaw("a good one is not taken")

    async def left_over(self) -> None:
        raise Flaw("3 are left")

    def books(self) -> Sequence[Callable[[], Awaitable[None]]]:
        return (self.left_over,)

    def memory(self) -> int:
        return 0


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    yield
    structlog.reset_defaults()


async def _finds_nothing(kind: str, count: int) -> None:
    report = await run(kind, KINDS[kind](), count, SEED)
    assert report.inputs == count
    assert not report.findings, f"seed {SEED}, " + "\n".join(map(str, report.findings))


@pytest.mark.parametrize("kind", WITHOUT_A_HOTLINE)
async def test_no_input_gets_past_a_reader(kind: str) -> None:
    await _finds_nothing(kind, WITHOUT_A_HOTLINE[kind])


@pytest.mark.e2e
@pytest.mark.parametrize("kind", ON_A_HOTLINE)
async def test_no_input_harms_a_running_hotline(kind: str) -> None:
    await _finds_nothing(kind, ON_A_HOTLINE[kind])


def test_an_input_is_named_by_its_seed_and_number_and_inputs_differ() -> None:
    grammar = Grammar((b"one: 1\r\ntwo: 2\r\n", b"three=3\n"), (b"word",))
    inputs = [an_input(grammar, 7, number) for number in range(200)]
    assert [an_input(grammar, 7, number) for number in reversed(range(200))] == inputs[::-1]
    assert [an_input(grammar, 8, number) for number in range(200)] != inputs
    assert len(set(inputs)) > 150
    assert set(grammar.examples) <= set(inputs)


async def test_a_finding_names_its_input_and_what_a_check_finds_names_those_since_the_last() -> None:
    report = await run("weak", Weak(), 50, 1, every=20)
    assert [(each.first, each.index, each.sentence) for each in report.findings] == [
        (7, 7, "input 7 is not taken"),
        (20, 39, "a good one is not taken"),
        (0, 49, "3 are left"),
    ]
    assert (report.inputs, report.again, report.checks) == (50, 4, 4)
    (again,) = (await run("weak", Weak(), 1, 1, first=7)).findings[:1]
    assert again == report.findings[0]


def test_python_that_does_not_come_to_an_end_is_a_finding() -> None:
    with pytest.raises(Hang, match=r"more than 0\.05 s"), time_limit(0.05):
        sum(1 for _ in itertools.repeat(None))


def test_every_kind_is_in_the_short_run() -> None:
    assert WITHOUT_A_HOTLINE.keys() | ON_A_HOTLINE.keys() == KINDS.keys()
