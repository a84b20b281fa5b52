"""Tickets in the hotline state: what the clock and other hours bring about stands in the log as notes."""

from __future__ import annotations

import acd.events as acd
import ivr.events as ivr
from acd.callbacks.events import FOLLOW_UP, CallPlaced, PromiseAsked, PromiseSettled
from acd.policy.definitions import Requirement, Skill
from server.eventlog.log import Entry
from server.hotline.state import HotlineState
from tickets.events import (
    Escalated,
    FollowUpAnswered,
    GradeRaised,
    LimitPassed,
    LimitsRecomputed,
    LimitWarned,
    NoteAdded,
    OwnerSet,
    RoundStarted,
    StateChanged,
    TicketOpened,
    TicketRulesSet,
)
from tickets.rules import HOUR, Hours, Limit, Rules

NOW = 1_800_000_000.0
ALWAYS = Hours("Asia/Shanghai", (((0, 1440),),) * 7)
"""Open day and night."""
MORNINGS = Hours("Asia/Shanghai", (((480, 720),),) * 7)
"""Four hours of each day."""
RULES = Rules(general=Limit(10 * HOUR, 100 * HOUR))


class Played:
    """A state, and the notes on tickets that it has made."""

    def __init__(self, state: HotlineState | None = None) -> None:
        self.state, self.entries = state or HotlineState(), 0

    def tell(self, event: object, after: float = 0.0) -> list[object]:
        """One entry, `after` hours from the beginning; what follows from it for tickets."""
        self.entries += 1
        self.state.unwritten.clear()
        self.state.play(Entry(f"{self.entries}-0", NOW + after * HOUR, event))
        return [each.note for each in self.state.unwritten if type(each.note).__module__ == "tickets.events"]

    def call(self, number: int, caller: str = "13800138000", after: float = 0.0) -> list[object]:
        self.tell(acd.CallArrived(number, caller, "4001", f"PJSIP/{number}", f"u{number}", NOW, "one"), after)
        queued = acd.CallQueued(number, "complaint", Requirement((Skill("complaint"),)), NOW, caller=caller)
        return self.tell(queued, after)


def test_a_tick_brings_warnings_and_escalations_into_the_log_once() -> None:
    played = Played()
    played.tell(TicketRulesSet(RULES, ALWAYS))
    played.call(1)
    assert played.state.tickets.next_timer() == NOW + 8 * HOUR
    assert played.tell(acd.Tick(), 7.9) == []
    assert played.tell(acd.Tick(), 8) == [LimitWarned(1, "respond", NOW + 10 * HOUR)]
    again = Played(HotlineState.restore(played.state.snapshot()))
    for each in (played, again):
        assert each.tell(acd.Tick(), 9) == []
        assert [type(note) for note in each.tell(acd.Tick(), 10)] == [LimitPassed, Escalated]
        assert each.tell(acd.Tick(), 10) == []
        assert each.state.tickets.case(1).level == "leader"


def test_other_business_hours_reckon_the_limits_that_run_again() -> None:
    played = Played()
    played.tell(TicketRulesSet(RULES, ALWAYS))
    played.call(1)
    assert played.tell(TicketRulesSet(Rules(general=Limit(HOUR, 2 * HOUR)), ALWAYS), 1) == []
    played.tell(TicketRulesSet(RULES, ALWAYS), 1)
    (changed,) = played.tell(TicketRulesSet(RULES, MORNINGS), 1)
    assert isinstance(changed, LimitsRecomputed)
    # Sixteen o'clock on 15 January 2027: four hours in the morning of each of the next days.
    assert changed.respond_by is not None
    assert (changed.respond_by - NOW) / HOUR == 2 * 24 + 16 + 2
    assert changed.why == "the business hours have changed"
    assert played.state.tickets.case(1).respond_by == changed.respond_by
    assert played.tell(TicketRulesSet(RULES, MORNINGS), 2) == []


def test_of_two_tickets_with_one_number_the_first_in_the_log_is_the_ticket() -> None:
    played = Played()
    opened = played.call(1)
    assert isinstance(opened[0], TicketOpened)
    played.tell(TicketOpened(1, 0, "13900139000", "orders", "", by="wang"))
    assert played.state.tickets.case(1).caller == "13800138000"
    played.tell(TicketOpened(2, 0, "13900139000", "orders", "", by="wang"))
    assert (played.state.last_ticket, played.state.tickets.case(2).opened_by) == (2, "wang")
    assert played.call(2, "13700137000")[0].ticket == 3  # type: ignore[attr-defined]


def test_an_act_that_came_second_changes_nothing() -> None:
    played = Played()
    played.call(1)
    for step in ("dispatched", "acknowledged", "resolved"):
        played.tell(StateChanged(1, step, "a"))
    version = played.state.tickets.case(1).version
    for late in (StateChanged(1, "dispatched", "b"), GradeRaised(1, "general", "", NOW + 1e9, NOW + 1e9)):
        played.tell(late)
    case = played.state.tickets.case(1)
    assert (case.state, case.grade) == ("resolved", "general")
    assert case.respond_by == NOW + 24 * HOUR
    assert case.version == version + 1
    played.tell(NoteAdded(9, "of no ticket"))
    played.tell(OwnerSet(1, "1001"))
    assert played.state.tickets.owner(1) == "1001"


def followed_up(played: Played) -> int:
    """A resolved ticket, and the follow-up call with an agent on the line; the call's number."""
    played.call(1)
    played.tell(acd.CallEnded(1, "caller_hung_up"))
    played.tell(StateChanged(1, "resolved"))
    played.tell(PromiseAsked("13800138000", "complaint", source=FOLLOW_UP, ticket=1, purpose=FOLLOW_UP))
    (promise,) = played.state.callbacks.promises()
    played.tell(CallPlaced(2, promise.id, "13800138000"))
    return 2


def test_answers_in_a_follow_up_call_are_kept_with_its_round_and_one_of_them_decides() -> None:
    played = Played()
    call = followed_up(played)
    told = played.tell(ivr.QuestionAnswered(call, "satisfied", "no", satisfied=False))
    assert told[0] == FollowUpAnswered(1, call, 1, "satisfied", "no")
    assert [type(each) for each in told[1:]] == [StateChanged, RoundStarted]
    assert told[1].why == "the customer answered satisfied: no in the follow-up call 2"  # type: ignore[attr-defined]
    again = Played(HotlineState.restore(played.state.snapshot()))
    for each in (played, again):
        # What is asked afterwards is still about the first round, and a mark decides nothing more.
        assert each.tell(ivr.QuestionAnswered(call, "mark", "2")) == [FollowUpAnswered(1, call, 1, "mark", "2")]
        assert each.tell(ivr.SatisfactionGiven(call, 1)) == []
        assert (each.state.tickets.case(1).round, each.state.tickets.case(1).state) == (2, "new")


def test_what_a_person_has_said_is_not_said_otherwise_by_the_survey_and_its_answers_stay() -> None:
    played = Played()
    call = followed_up(played)
    played.tell(StateChanged(1, "followed_up", "1001"))
    played.tell(StateChanged(1, "closed", "1001"))
    told = played.tell(ivr.QuestionAnswered(call, "satisfied", "no", satisfied=False))
    assert told == [FollowUpAnswered(1, call, 1, "satisfied", "no")]
    assert 1 not in played.state.tickets


def test_a_question_in_any_other_call_is_of_no_ticket() -> None:
    played = Played()
    played.call(1)
    assert played.tell(ivr.QuestionAnswered(1, "satisfied", "no", satisfied=False)) == []


def test_a_follow_up_call_that_reaches_nobody_is_written_down_in_its_ticket() -> None:
    played = Played()
    played.call(1)
    played.tell(acd.CallEnded(1, "caller_hung_up"))
    played.tell(StateChanged(1, "resolved"))
    asked = PromiseAsked("13800138000", "complaint", source=FOLLOW_UP, ticket=1, purpose=FOLLOW_UP)
    played.tell(asked)
    (promise,) = played.state.callbacks.promises()
    assert played.state.callbacks.live("13800138000") is None
    assert played.state.callbacks.live("13800138000", asked.matter) == promise
    (note,) = played.tell(acd.Tick(), 25)
    assert isinstance(note, NoteAdded)
    assert note.text.startswith("the follow-up call reached nobody: its time was over")
    assert played.tell(PromiseSettled(promise.id, "1001", "wrote a letter"), 26) == []
    assert played.state.tickets.case(1).state == "resolved"
