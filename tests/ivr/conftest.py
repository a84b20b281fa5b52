"""The default flows, and a line: a session with a clock, which gets the caller's acts and tells the prompts."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ivr import inputs, verbs
from ivr.calendar import Calendar
from ivr.flow import Flow
from ivr.session import Caller, Session

FLOWS = Path(__file__).parents[2] / "ivr" / "flows"


@dataclass
class Line:
    """One call. Each method does what the caller or the floor does; `heard` and `last` tell what came of it.

    What the flow asks the server is answered from `modes` (by queue, "" being all), `promise` and `refusals` (by
    number); `asked` are these questions.
    """

    session: Session
    now: float = 1_792_000_000.0
    said: list[verbs.Verb] = field(default_factory=list)
    asked: list[verbs.Inquiry] = field(default_factory=list)
    modes: dict[str, inputs.CallbackStands] = field(default_factory=dict)
    promise: inputs.PromiseStands = field(default_factory=inputs.PromiseStands)
    refusals: dict[str, str] = field(default_factory=dict)
    identity: str = ""
    notices: dict[str, tuple[tuple[int, str], ...]] = field(default_factory=dict)

    def told(self, given: inputs.Input) -> Line:
        self.now += 1
        self.said, self.asked = [], []
        while True:
            self.said += self.session.step(given, self.now)
            if not isinstance(self.said[-1], verbs.Inquiry):
                return self
            asked = self.said.pop()
            if not isinstance(asked, verbs.AskNotices):
                self.asked.append(asked)
            given = self.answer(asked)

    def answer(self, asked: verbs.Inquiry) -> inputs.Input:
        """The answers of the server."""
        match asked:
            case verbs.AskCallback(queue=queue):
                return self.modes.get(queue, inputs.CallbackStands())
            case verbs.AskPromise():
                return self.promise
            case verbs.AskNotices(queue=queue):
                return inputs.NoticesStand(self.notices.get(queue, ()))
            case verbs.CheckIdentity(digits=digits):
                return inputs.IdentityStands(bool(self.identity), digits == self.identity)
            case verbs.CheckNumber(number=number) if number in self.refusals:
                return inputs.NumberRefused(f"{number} cannot be called", self.refusals[number])
            case verbs.CheckNumber(number=number):
                return inputs.NumberFits(number)
        raise AssertionError(asked)

    def starts(self) -> Line:
        return self.told(inputs.Started())

    def keys(self, *digits: str) -> Line:
        for one in digits:
            self.told(inputs.Digits(one))
        return self

    def is_silent(self, times: int = 1) -> Line:
        for _ in range(times):
            self.told(inputs.NoInput())
        return self

    def crashes(self, flows: Mapping[str, Flow] | None = None) -> Line:
        """Another session goes on from the snapshot."""
        old = self.session
        self.session = Session.restore(flows or old.flows, old.snapshot(), old.caller, old.calendar)
        return self

    @property
    def last(self) -> verbs.Verb:
        return self.said[-1]

    @property
    def place(self) -> tuple[str, str]:
        return self.session.flow, self.session.node

    @property
    def heard(self) -> tuple[str, ...]:
        """The prompts of the last step, in order."""
        return tuple(prompt for verb in self.said for prompt in getattr(verb, "prompts", ()))

    def did(self, kind: type[verbs.Verb]) -> list[verbs.Verb]:
        return [verb for verb in self.said if isinstance(verb, kind)]


@pytest.fixture(scope="session")
def flows() -> dict[str, Flow]:
    """The flows that are shipped."""
    return {
        path.stem: Flow.from_dict(path.stem, tomllib.loads(path.read_text("utf-8"))) for path in FLOWS.glob("*.toml")
    }


@pytest.fixture
def dial(flows: dict[str, Flow]) -> Callable[..., Line]:
    """Dial the shipped hotline; keywords are the caller's, or what the server knows."""

    def dialled(
        calendar: Calendar | None = None,
        start: str = "hotline",
        modes: dict[str, inputs.CallbackStands] | None = None,
        promise: inputs.PromiseStands | None = None,
        refusals: dict[str, str] | None = None,
        notices: dict[str, tuple[tuple[int, str], ...]] | None = None,
        **caller: object,
    ) -> Line:
        who = Caller(**({"number": "13800138000"} | caller))
        session = Session(flows, start, who, calendar or Calendar.always_open(), 1_792_000_000.0)
        known = {"modes": modes or {}, "promise": promise or inputs.PromiseStands(), "refusals": refusals or {}}
        return Line(session, **known, notices=notices or {}).starts()

    return dialled


@pytest.fixture
def flow() -> Callable[..., Line]:
    """A call on flows written in the test as TOML, the first of them being where it starts."""

    def started(calendar: Calendar | None = None, caller: Caller | None = None, **texts: str) -> Line:
        written = {name: Flow.from_dict(name, tomllib.loads(text)) for name, text in texts.items()}
        calendar = calendar or Calendar.always_open()
        return Line(Session(written, next(iter(written)), caller or Caller(), calendar, 1_792_000_000.0)).starts()

    return started
