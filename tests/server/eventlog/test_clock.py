"""The log's clock goes forward whatever the wall clock is set to."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from server.eventlog.clock import RATE, Clock


class Times:
    """A wall clock that can be set, and a steady one."""

    def __init__(self) -> None:
        self.wall, self.steady = 1_000.0, 0.0

    def clock(self, after: float = 0.0) -> Clock:
        return Clock(lambda: self.wall, lambda: self.steady, after)

    def go_on(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds


def test_it_is_the_wall_clock_as_long_as_that_goes_forward() -> None:
    times = Times()
    clock = times.clock()
    assert clock() == 1_000.0
    times.go_on(5.0)
    assert clock() == 1_005.0
    times.wall += 3_600.0
    assert clock() == 4_605.0


def test_a_wall_clock_that_is_set_back_slows_time_down_and_never_stops_it() -> None:
    times = Times()
    clock = times.clock()
    clock()
    times.wall -= 3_600.0
    assert clock() == 1_000.0
    assert clock.seconds_to(1_000.0 + 20.0) == 20.0 / RATE
    times.go_on(20.0 / RATE)
    assert abs(clock() - 1_020.0) < 1e-9


def test_time_goes_on_from_what_another_server_wrote() -> None:
    times = Times()
    clock = times.clock(after=1_010.0)
    assert clock() == 1_010.0
    times.go_on(50.0)
    assert clock() == 1_055.0
    times.go_on(100.0)
    assert clock() == times.wall


@given(st.lists(st.tuples(st.floats(0.001, 100.0), st.floats(-10_000.0, 10_000.0)), max_size=50))
def test_it_never_goes_backward_and_always_forward(steps: list[tuple[float, float]]) -> None:
    times = Times()
    clock = times.clock()
    last = clock()
    for seconds, jump in steps:
        times.go_on(seconds)
        times.wall += jump
        now = clock()
        assert now > last or (now == last and times.wall <= last and seconds * RATE + last == last)
        last = now
