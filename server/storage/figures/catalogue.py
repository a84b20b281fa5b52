"""Every figure of a report has a name in both languages, a formula, and what must be said with it.

A figure is made of counts (`counts`) and of terms that the reader chose. It is None where nothing can be said, such as
a share of no calls: a report never shows 0 for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from server.storage.figures.counts import NEVER, RESOLUTION, Sums, contacts, percentile, within

Value = int | float | None


@dataclass(frozen=True, slots=True)
class Terms:
    """What the reader of a report can choose. `within` is the T of the service level in seconds, `days` the N of
    repeats. `short` is the limit of a short abandon in seconds by which the records were written."""

    within: int = 20
    days: int = 7
    short: float = 5.0


class Of(StrEnum):
    """Of what a figure can be given; all of them of the whole."""

    CALLS = "calls"
    """The whole, queues, categories."""
    LEGS = "legs"
    """The whole, queues, categories, agents, teams."""
    AGENTS = "agents"
    """The whole, agents, teams."""
    TICKETS = "tickets"
    """The whole, queues, categories, departments."""
    SORTING = "sorting"
    """The whole, queues, categories, departments, dispatchers."""
    ANSWERS = "answers"
    """The whole, answers to follow-up calls."""
    HOUSE = "house"
    """The whole alone."""


class Unit(StrEnum):
    """In what a figure is given."""

    COUNT = "count"
    SHARE = "share"
    """From 0 to 1."""
    SECONDS = "seconds"
    POINTS = "points"


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure. `formula` and `named` may hold {within}, {days} and {short}."""

    id: str
    zh: str
    en: str
    unit: Unit
    of: Of
    formula: str
    named: str
    value: Callable[[Mapping[str, int], Terms], Value]

    def described(self, terms: Terms) -> dict[str, str]:
        """The figure as an answer names it."""
        words = {"within": f"{terms.within:g}", "days": f"{terms.days}", "short": f"{terms.short:g}"}
        named = {"formula": self.formula.format(**words), "named": self.named.format(**words)}
        return {"id": self.id, "zh": self.zh, "en": self.en, "unit": self.unit, "of": self.of} | named


def figures_of(counts: Mapping[str, int], terms: Terms, kinds: Iterable[Of] = tuple(Of)) -> dict[str, Value]:
    """Every figure of these kinds, by its id."""
    wanted, counts = frozenset(kinds), Sums(counts)
    return {figure.id: figure.value(counts, terms) for figure in FIGURES if figure.of in wanted}


def catalogue(terms: Terms) -> list[dict[str, str]]:
    """Every figure with its names and its formula."""
    return [figure.described(terms) for figure in FIGURES]


# How values are made

_Counted = Callable[[Mapping[str, int], Terms], int]


def _n(*names: str) -> _Counted:
    return lambda counts, terms: sum(counts.get(name, 0) for name in names)


def _share(part: _Counted, whole: _Counted, times: float = 1.0, digits: int = 4) -> Callable[..., Value]:
    def value(counts: Mapping[str, int], terms: Terms) -> Value:
        of = whole(counts, terms)
        return round(times * part(counts, terms) / of, digits) if of else None

    return value


def _mean(part: _Counted, whole: _Counted) -> Callable[..., Value]:
    return _share(part, whole, 0.001, 1)


def _less(whole: _Counted, part: _Counted) -> _Counted:
    return lambda counts, terms: whole(counts, terms) - part(counts, terms)


def _soon(seconds: int | None = None) -> _Counted:
    return lambda counts, terms: within(counts, "wait", terms.within if seconds is None else seconds)


def _gave_up_soon(counts: Mapping[str, int], terms: Terms) -> int:
    return within(counts, "gave_up", terms.within)


def _repeats(counts: Mapping[str, int], terms: Terms) -> int:
    return sum(count for before, _, count in contacts(counts) if before != NEVER and before <= terms.days)


def _known(counts: Mapping[str, int], terms: Terms) -> int:
    return sum(count for _, _, count in contacts(counts))


def _unsettled(counts: Mapping[str, int], terms: Terms) -> int:
    days = terms.days
    return sum(
        count
        for before, after, count in contacts(counts)
        if (before == NEVER or before > days) and after != NEVER and after <= days
    )


def _percentile(name: str, share: float) -> Callable[..., Value]:
    return lambda counts, terms: percentile(counts, name, share)


_asked, _answered = _n("asked"), _n("answered")
_over = _less(_asked, _n("open"))
_abandons = _n("abandoned", "short_abandoned")
_handled = _n("handled_calls")
_matters = _less(_known, _repeats)
_time = _n("signed_in_ms")
_work = _n("handling_ms")
_CALLS, _LEGS, _AGENTS, _TICKETS, _SORTING = Of.CALLS, Of.LEGS, Of.AGENTS, Of.TICKETS, Of.SORTING
_PERCENTILE = "in steps of " + RESOLUTION
_CONTACT = (
    "N = {days} days; the same number and the same category; only calls in which an agent spoke with the caller;"
    " numbers that are withheld are apart"
)


def _counted(id: str, zh: str, en: str, of: Of, formula: str, named: str = "", *counts: str) -> Figure:
    return Figure(id, zh, en, Unit.COUNT, of, formula, named, _n(*(counts or (id,))))


FIGURES: tuple[Figure, ...] = (
    # Calls
    _counted("calls", "来电量", "calls", _CALLS, "calls of callers that came in", "calls that we placed are apart"),
    _counted("asked", "请求人工量", "asked for an agent", _CALLS, "calls that were put into a queue",
             "who left in the IVR is not in it"),
    _counted("answered", "人工接通量", "answered", _CALLS, "asked for an agent, and an agent spoke with the caller"),
    _counted("open", "未结束", "not over", _CALLS, "asked for an agent, still waiting",
             "in no rate but the connect rate"),
    _counted("abandoned", "放弃量", "abandoned", _CALLS, "hung up in the queue after {short} s or more"),
    _counted("short_abandoned", "短时放弃量", "short abandons", _CALLS, "hung up in the queue before {short} s"),
    _counted("callback", "转回呼量", "left for a callback", _CALLS, "asked for an agent, and left a number instead",
             "who left a number before any queue is in `unasked_callback`"),
    _counted("message", "留言量", "left a message", _CALLS, "asked for an agent, and left a message instead"),
    _counted("overflowed", "溢出量", "overflowed", _CALLS, "asked for an agent, and were sent out of the queue"),
    _counted("failed", "故障中断量", "failed", _CALLS, "asked for an agent, and were cut off by a fault of ours",
             "is an alarm"),
    _counted("in_ivr", "IVR 内结束量", "left in the IVR", _CALLS, "ended before they asked for an agent", "",
             "unasked_in_ivr"),
    _counted("unasked_callback", "未排队留号量", "left a number before any queue", _CALLS,
             "left a number, and never asked for an agent", "callback mode was forced, or the line was full"),
    _counted("unasked_other", "未排队其他", "other calls without a queue", _CALLS,
             "never asked for an agent: message, line full, cut off, an agent without a queue, or not over", "",
             "unasked_message", "unasked_overflowed", "unasked_failed", "unasked_handled", "unasked_open"),
    _counted("withheld", "隐藏号码量", "withheld numbers", _CALLS, "calls without a number"),
    Figure("connect_rate", "接通率", "connect rate", Unit.SHARE, _CALLS, "answered ÷ asked for an agent",
           "short abandons, callbacks, messages and overflow are in the divisor; who left in the IVR is not",
           _share(_answered, _asked)),
    Figure("answered_15", "15秒接通率", "answered within 15 s", Unit.SHARE, _CALLS, "answered ≤ 15 s ÷ answered",
           "is not the service level", _share(_soon(15), _answered)),
    Figure("answered_20", "20秒接通率", "answered within 20 s", Unit.SHARE, _CALLS, "answered ≤ 20 s ÷ answered",
           "is not the service level", _share(_soon(20), _answered)),
    Figure("service_level", "服务水平（含放弃）", "service level, abandons in", Unit.SHARE, _CALLS,
           "answered ≤ {within} s ÷ (asked for an agent − not over)",
             "every abandon is in the divisor; T = {within} s",
           _share(_soon(), _over)),
    Figure("service_level_without_abandons", "服务水平（不含放弃）", "service level, abandons out", Unit.SHARE, _CALLS,
           "answered ≤ {within} s ÷ (asked for an agent − not over − all abandons)",
           "flatters a queue that people flee from; T = {within} s", _share(_soon(), _less(_over, _abandons))),
    Figure("service_level_late_abandons", "服务水平（仅含超时放弃）", "service level, only abandons after T in",
           Unit.SHARE, _CALLS, "answered ≤ {within} s ÷ (asked for an agent − not over − abandons ≤ {within} s)",
           "T = {within} s", _share(_soon(), _less(_over, _gave_up_soon))),
    Figure("abandon_rate", "放弃率", "abandonment", Unit.SHARE, _CALLS,
           "abandoned after {short} s or more ÷ (asked for an agent − not over)", "short ones are apart",
           _share(_n("abandoned"), _over)),
    Figure("short_abandon_rate", "短时放弃率", "short abandonment", Unit.SHARE, _CALLS,
           "abandoned before {short} s ÷ (asked for an agent − not over)", "the limit is {short} s",
           _share(_n("short_abandoned"), _over)),
    Figure("asa", "平均应答速度", "average speed of answer", Unit.SECONDS, _CALLS,
           "sum of waits of those answered ÷ answered", "from queueing to the join", _mean(_n("wait_ms"), _answered)),
    *(Figure(f"wait_p{share}", f"等待 p{share}", f"wait p{share}", Unit.SECONDS, _CALLS,
             f"the wait that {share} % of those answered did not exceed", _PERCENTILE, _percentile("wait",
             share / 100))
      for share in (50, 90, 95)),
    # Legs
    _counted("legs", "接续量", "handled legs", _LEGS, "parts of calls in which one agent spoke with the caller",
             "a call that was transferred has several"),
    _counted("offers", "振铃量", "offers", _LEGS, "times that an agent's phone was to ring"),
    _counted("missed", "漏接量", "missed offers", _LEGS, "offers that the agent or the phone did not take",
             "callers who hung up and offers taken back are not in it"),
    Figure("aht", "平均处理时长", "average handling time", Unit.SECONDS, _LEGS,
           "(talk + hold + wrap-up) ÷ handled legs",
           "per leg, transfers and callbacks in", _mean(_n("talk_ms", "hold_ms", "wrap_ms"), _n("legs"))),
    Figure("talk", "平均通话时长", "average talk time", Unit.SECONDS, _LEGS, "talk ÷ handled legs",
           "hold is not in it",
           _mean(_n("talk_ms"), _n("legs"))),
    Figure("hold", "平均保持时长", "average hold time", Unit.SECONDS, _LEGS, "hold ÷ handled legs", "",
           _mean(_n("hold_ms"), _n("legs"))),
    Figure("acw", "平均话后处理时长", "average wrap-up", Unit.SECONDS, _LEGS, "wrap-up ÷ handled legs",
           "wrap-up that was asked for without a call is not in it", _mean(_n("wrap_ms"), _n("legs"))),
    _counted("handled_calls", "处理通话量", "handled calls", _LEGS,
           "calls of callers that an agent spoke in, and are over",
             "an agent's: of whom the caller spoke with last"),
    _counted("rated", "评价量", "rated calls", _LEGS, "calls that the caller rated"),
    Figure("satisfaction", "满意度", "satisfaction", Unit.POINTS, _LEGS, "sum of ratings ÷ rated calls",
           "1 to 5; who does not rate is not in it", _share(_n("score"), _n("rated"), 1.0, 2)),
    Figure("satisfied_rate", "满意率", "satisfied", Unit.SHARE, _LEGS, "rated 4 or 5 ÷ rated calls", "",
           _share(_n("satisfied"), _n("rated"))),
    Figure("rated_rate", "参评率", "rated", Unit.SHARE, _LEGS, "rated calls ÷ handled calls", "",
           _share(_n("rated"), _handled)),
    Figure("repeat_rate", "重复来电率", "repeat calls", Unit.SHARE, _LEGS,
           "calls whose number had a call before within {days} days ÷ calls with a number", _CONTACT,
           _share(_repeats, _known)),
    Figure("fcr", "首次解决率", "first-contact resolution", Unit.SHARE, _LEGS,
           "matters without another call within {days} days ÷ matters",
           _CONTACT + "; a matter is a call that is no repeat; days that are not over yet count as quiet",
           _share(_less(_matters, _unsettled), _matters)),
    Figure("complaint_rate", "投诉率", "complaints", Unit.SHARE, _LEGS,
             "complaint tickets opened in calls ÷ handled calls",
           "of callers who gave up too; a matter that has its ticket already is not counted again",
             _share(_n("complaints"), _handled)),
    Figure("ticket_rate", "进线成单率", "calls with a ticket", Unit.SHARE, _CALLS,
           "calls that opened a ticket or joined one ÷ calls", "", _share(_n("with_ticket"), _n("calls"))),
    # Time
    Figure("signed_in", "签入时长", "signed in", Unit.SECONDS, _AGENTS, "time signed in, breaks in",
           "when it was spent",
           lambda counts, terms: round(_time(counts, terms) / 1000)),
    Figure("on_break", "小休时长", "break", Unit.SECONDS, _AGENTS, "time on break", "",
           lambda counts, terms: round(counts.get("break_ms", 0) / 1000)),
    Figure("utilisation", "工时利用率", "utilisation", Unit.SHARE, _AGENTS, "(on calls + wrap-up) ÷ signed in",
           "breaks are in the divisor; not the occupancy", _share(_work, _time)),
    Figure("occupancy", "占用率", "occupancy", Unit.SHARE, _AGENTS,
           "(on calls + wrap-up) ÷ (on calls + wrap-up + idle)",
           "breaks, ringing and own calls are not in it", _share(_work, _n("handling_ms", "idle_ms"))),
    # Tickets
    _counted("tickets_opened", "新建工单量", "tickets opened", _TICKETS, "tickets opened in the period"),
    _counted("complaints_opened", "新建投诉量", "complaints opened", _TICKETS,
           "complaint tickets opened in the period"),
    _counted("tickets_due", "到期工单量", "tickets due", _TICKETS,
             "rounds whose limit to resolve lies in the period, up to now",
             "the latest limit of each round; a round that follows has a limit of its own"),
    Figure("tickets_in_time", "工单及时率", "tickets in time", Unit.SHARE, _TICKETS, "settled within the limit ÷ due",
           "due in the period, settled or not, whatever later rounds do",
           _share(_n("tickets_in_time"), _n("tickets_due"))),
    Figure("responses_in_time", "响应及时率", "responses in time", Unit.SHARE, _TICKETS,
           "responded to within the limit ÷ due", "the limit to respond, of each round; due in the period",
           _share(_n("responses_in_time"), _n("responses_due"))),
    _counted("tickets_dispatched", "派单量", "tickets dispatched", _TICKETS, "tickets first dispatched in the period"),
    Figure("dispatched_per_1000", "千通派单量", "dispatched per 1,000 calls", Unit.POINTS, _TICKETS,
           "1,000 × tickets dispatched ÷ handled calls", "lower means that the first desk settles more (前移)",
           _share(_n("tickets_dispatched"), _handled, 1000.0, 1)),
    _counted("dispatches", "派单次数", "dispatches", _SORTING, "dispatches made in the period",
             "of every round, wrong ones and those that put them right"),
    _counted("wrong_dispatches", "错派次数", "wrong dispatches", _SORTING,
             "dispatches of the period that were put right later", "count against the dispatcher and the sorting"),
    Figure("wrong_dispatch_rate", "错派率", "wrongly dispatched", Unit.SHARE, _SORTING, "wrong dispatches ÷ dispatches",
           "a wrong dispatch belongs to when it was made, not to when it was put right",
           _share(_n("wrong_dispatches"), _n("dispatches"))),
    _counted("tickets_settled", "办结工单量", "tickets settled", _TICKETS, "rounds resolved in the period",
             "a customer who was not satisfied starts another round"),
    Figure("first_desk_rate", "首触解决率", "settled at the first desk", Unit.SHARE, _TICKETS,
           "first rounds settled without a dispatch ÷ settled", "处理能力前移", _share(_n("tickets_settled_first"),
             _n("tickets_settled"))),
    # Follow-ups
    _counted("follow_ups", "回访量", "follow-ups", _TICKETS, "rounds whose customer was asked after the solution",
             "when the answer was given; calls that reached nobody are not in it"),
    Figure("follow_ups_in_time", "回访及时率", "follow-ups in time", Unit.SHARE, _TICKETS,
           "followed up within 24 h of the solution ÷ solutions whose 24 h end in the period",
           "by the clock; solutions that were not followed up, or could not be, are in the divisor",
           _share(_n("follow_ups_in_time"), _n("follow_ups_due"))),
    Figure("follow_up_satisfied_rate", "回访满意率", "satisfied in follow-ups", Unit.SHARE, _TICKETS,
           "rounds that ended satisfied ÷ rounds followed up and ended", "not satisfied begins another round",
           _share(_n("follow_ups_satisfied"), _n("follow_ups_decided"))),
    Figure("follow_up_mark", "回访满意度", "mark in follow-ups", Unit.POINTS, _TICKETS,
           "sum of marks in follow-up calls ÷ marks", "1 to 5; the mark after a usual call is apart",
           _share(_n("follow_up_score"), _n("follow_up_marks"), 1.0, 2)),
    _counted("answers", "回访答复量", "answers in follow-ups", Of.ANSWERS, "answers given in follow-up calls",
             "by question; a question that was asked again counts again"),
    # Quality
    _counted("scored", "质检量", "calls scored", _LEGS, "calls scored in the period", "weights as in the form"),
    Figure("pass_rate", "质检合格率", "quality passed", Unit.SHARE, _LEGS, "score ≥ pass ÷ scored",
           "of the sample, not an estimate of all calls; before an appeal", _share(_n("passed"), _n("scored"))),
    Figure("fatal_rate", "致命错误率", "fatal errors", Unit.SHARE, _LEGS, "calls with a fatal error ÷ scored",
           "of the sample; before an appeal", _share(_n("fatal"), _n("scored"))),
    # Promises
    _counted("promises", "回呼承诺量", "promises", _CALLS, "callbacks promised in the period",
             "unconfirmed ones are not in it"),
    _counted("promises_kept", "已兑现", "promises kept", _CALLS, "promises of the period that were kept, up to now"),
    _counted("promises_broken", "未兑现", "promises broken", _CALLS,
             "promises of the period that were broken or expired", "",
             "promises_broken", "promises_expired"),
    Figure("promise_rate", "回呼兑现率", "promises kept", Unit.SHARE, _CALLS, "kept ÷ (promised − cancelled)",
           "a promise belongs to when it was made", _share(_n("promises_kept"), _less(_n("promises"),
             _n("promises_cancelled")))),
    # The house
    _counted("outbound_calls", "外呼量", "calls that we placed", _CALLS, "calls that were to keep a promise"),
    _counted("recordings", "录音量", "recordings", _AGENTS, "recordings begun in the period"),
    _counted("recordings_missing", "缺失录音", "recordings missing", _AGENTS, "recordings of which there is no file",
             "is an alarm"),
    _counted("alarms", "告警量", "alarms", Of.HOUSE,
             "recordings missing or with a fault + calls cut off by a fault of ours + conversations with sound one way",
             "", "recordings_missing", "recordings_alarming", "failed", "unasked_failed", "one_way_sound"),
)  # fmt: skip
