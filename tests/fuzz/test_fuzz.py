"""A short run of every kind, always the same inputs; `make fuzz` makes a long one."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
import structlog

from tests.fuzz.kinds import KINDS
from tests.fuzz.mutator import Grammar, an_input
from tests.fuzz.run import run

SEED = 20_251_122
WITHOUT_A_HOTLINE = {"agi": 2_000, "ami": 2_000, "toml": 2_000}
ON_A_HOTLINE = {"fastagi": 500, "http": 500, "sip": 500}


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


def test_every_kind_is_in_the_short_run() -> None:
    assert WITHOUT_A_HOTLINE.keys() | ON_A_HOTLINE.keys() == KINDS.keys()
