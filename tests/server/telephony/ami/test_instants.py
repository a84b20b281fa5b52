"""An event happened when Asterisk says, however late it was heard, whatever clock the other machine has."""

from __future__ import annotations

from typing import Any

import pytest

from server.telephony.ami.instants import LATELY, LATEST, EventInstants


class Heard:
    """Events that reach a server whose clock is `apart` seconds ahead of Asterisk's."""

    def __init__(self, apart: float = 0.0) -> None:
        self.now, self.apart = 1_800_000_000.0, apart
        self.instants = EventInstants(lambda: self.now)

    def after(self, seconds: float, *, late: float) -> float:
        """Seconds between now and the instant of an event that comes so many seconds later, `late` after it was."""
        self.now += seconds
        event: Any = {"Timestamp": f"{self.now - late - self.apart:.6f}"}
        return self.now - self.instants.of(event)


@pytest.mark.parametrize("apart", [0.0, 3600.25, -7.5])
def test_delay_is_taken_off_whatever_the_other_machines_clock_says(apart: float) -> None:
    heard = Heard(apart)
    assert heard.after(0, late=0.25) == pytest.approx(0, abs=1e-3)  # nothing is known yet
    assert heard.after(1, late=0.001) == pytest.approx(0, abs=1e-3)
    for late in (0.5, 0.003, 2.75):
        assert heard.after(10, late=late) == pytest.approx(late - 0.001, abs=1e-3)


def test_clocks_that_drift_apart_are_followed() -> None:
    heard = Heard()
    heard.after(0, late=0.001)
    heard.apart = 0.4  # this clock was put forward
    heard.after(LATELY + 1, late=0.001)
    heard.after(LATELY + 1, late=0.001)
    assert heard.after(1, late=0.2) == pytest.approx(0.2, abs=0.01)


def test_a_clock_that_was_set_makes_no_event_of_long_ago() -> None:
    heard = Heard()
    heard.after(0, late=0.001)
    heard.apart = LATEST + 5
    assert heard.after(1, late=0.001) == 0
    assert heard.after(1, late=0.1) == pytest.approx(0.099, abs=1e-3)


@pytest.mark.parametrize("event", [{}, {"Timestamp": ""}, {"Timestamp": "nan"}, {"Timestamp": "soon"}])
def test_an_event_without_a_stamp_is_of_now(event: Any) -> None:
    assert EventInstants(lambda: 5.0).of(event) == 5.0
