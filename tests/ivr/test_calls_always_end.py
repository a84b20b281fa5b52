"""Whatever is put in, a step never raises and ends in a wait or in the end of the call; a way out is always there."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from ivr.calendar import Calendar
from ivr.inputs import (
    CallbackStands,
    Digits,
    Finished,
    Input,
    NoInput,
    NoticesStand,
    NotServed,
    NumberFits,
    NumberRefused,
    Promised,
    PromiseStands,
    Recorded,
    RecordFailed,
    Refused,
    Served,
    Started,
)
from ivr.nodes import REASONS
from ivr.session import Caller, Session
from ivr.verbs import (
    AskCallback,
    AskNotices,
    AskPromise,
    ChangePromise,
    CheckNumber,
    Enqueue,
    Gather,
    Hangup,
    Inquiry,
    TakeMessage,
    TakeNumber,
    Verb,
    Waiting,
)

DIGITS = st.text(alphabet="0123456789*#", max_size=16)
WAITS = st.none() | st.floats(0, 1e5)
STANDS = st.builds(CallbackStands, st.booleans(), st.booleans(), st.booleans(), WAITS, WAITS)
PROMISES = st.builds(
    PromiseStands, st.integers(0, 2), st.just("complaint"), st.just(""), st.booleans(), WAITS, WAITS, WAITS
)
INPUTS: st.SearchStrategy[Input] = st.one_of(
    st.just(Started()),
    st.builds(Digits, DIGITS | st.sampled_from("0123459*#") | st.text(max_size=3)),
    st.just(NoInput()),
    st.just(Finished()),
    st.builds(Recorded, st.just("m.wav"), st.floats(0, 300)),
    st.just(RecordFailed("disk full")),
    st.just(NoticesStand(((1, "notice-incident"),))),
    st.builds(Served, st.floats(0, 3600)),
    st.builds(NotServed, st.sampled_from(["message", "callback", "goodbye", "", "x"])),
    st.builds(NumberRefused, st.just("not to be called"), st.sampled_from(REASONS)),
    st.builds(NumberFits, st.sampled_from(["13800138000", "01012345678"])),
    st.builds(
        Promised, st.just("13800138000"), WAITS, WAITS, WAITS, st.sampled_from(["", "01065529988"]), st.booleans()
    ),
    st.just(Refused("it is over")),
    STANDS,
    PROMISES,
)
CALLERS = st.builds(
    Caller,
    number=st.sampled_from(["13800138000", "+8613800138000", "anonymous", "", "400", "１３８"]),
    vip=st.booleans(),
    open_ticket=st.none() | st.integers(0, 9),
    lists=st.sampled_from([frozenset(), frozenset({"nuisance"})]),
    fields=st.dictionaries(
        st.sampled_from(["language", "business", "leave"]), st.sampled_from(["en", "xx", "", "message"])
    ),
)
CALENDARS = st.sampled_from([Calendar.always_open(), Calendar.from_dict({"hours": {"weekdays": ["09:00-18:00"]}})])


def well_formed(said: list[Verb]) -> bool:
    """Nothing waits but the last, and the last waits or is the end."""
    ends = [isinstance(verb, Waiting | Hangup) for verb in said]
    return ends[-1] and not any(ends[:-1])


STARTS = st.sampled_from(["hotline", "callback"])


@settings(max_examples=150, deadline=None)
@given(STARTS, CALLERS, CALENDARS, st.lists(st.tuples(INPUTS, st.booleans()), max_size=30))
def test_no_input_breaks_a_call_and_a_crash_anywhere_changes_nothing_of_where_it_is(
    flows, start, caller, calendar, given_inputs
):
    session, now = Session(flows, start, caller, calendar, 1.79e9), 1.79e9
    twin = Session(flows, start, caller, calendar, 1.79e9)
    assert well_formed(session.step(Started(), now))
    twin.step(Started(), now)
    for one, crash in given_inputs:
        now += 1800
        said = session.step(one, now)
        assert well_formed(said)
        if crash:
            twin = Session.restore(flows, twin.snapshot(), caller, calendar)
        assert twin.step(one, now)[-1] == said[-1]
        assert (twin.flow, twin.node, twin.fields) == (session.flow, session.node, session.fields)


@settings(max_examples=100, deadline=None)
@given(STARTS, CALLERS, CALENDARS, STANDS, PROMISES, st.lists(INPUTS, max_size=15))
def test_from_everywhere_silence_comes_to_an_end_or_to_a_person(
    flows, start, caller, calendar, stands, promise, given_inputs
):
    session, now = Session(flows, start, caller, calendar, 1.79e9), 1.79e9
    last = session.step(Started(), now)[-1]
    for one in given_inputs:
        last = session.step(one, now)[-1]
    for _ in range(30):
        if isinstance(last, Hangup | Enqueue):
            return
        last = session.step(nothing_for(last, stands, promise), now)[-1]
    raise AssertionError(f"silence does not end at {session.flow}.{session.node}")


@settings(max_examples=100, deadline=None)
@given(CALLERS, st.lists(INPUTS, max_size=15))
def test_from_every_question_zero_leads_to_a_person(flows, caller, given_inputs):
    session, now = Session(flows, "hotline", caller, Calendar.always_open(), 1.79e9), 1.79e9
    last = session.step(Started(), now)[-1]
    for one in given_inputs:
        last = session.step(one, now)[-1]
    # A caller who chooses what becomes of a callback reaches the menu by zero.
    if isinstance(last, Gather) and (session.flow, session.node) != ("recall", "choice"):
        last = session.step(Digits("0"), now)[-1]
        while isinstance(last, Inquiry):
            last = session.step(nothing_for(last), now)[-1]
        assert isinstance(last, Enqueue)


def nothing_for(verb: Verb, stands: CallbackStands | None = None, promise: PromiseStands | None = None) -> Input:
    """The course of a call whose caller presses no key, with this callback mode and this promise."""
    match verb:
        case TakeMessage():
            return RecordFailed("silence")
        case TakeNumber(number=number):
            return Promised(number)
        case CheckNumber(number=number):
            return NumberFits(number)
        case AskCallback():
            return stands or CallbackStands()
        case AskNotices():
            return NoticesStand()
        case AskPromise():
            return promise or PromiseStands()
        case ChangePromise():
            return Finished()
    return NoInput()
