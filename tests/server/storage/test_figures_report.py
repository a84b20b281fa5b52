"""Each figure of a report is what the raw log says: recomputed here from the entries alone, in another way."""

from __future__ import annotations

import itertools
import json
import random
import sys
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from math import ceil
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from alembic import command
from sqlalchemy import delete, select

import acd.events as acd
import ivr.events as ivr
import recordings.events as rec
import tickets.events as tickets
from acd.callbacks.events import PromiseAsked
from server.eventlog.derived_events import AgentNoted, Decided, PromiseNoted
from server.eventlog.log import Entry
from server.storage.figures.catalogue import FIGURES, Terms
from server.storage.figures.counts import BLOCK, SLOT, add, merge, percentile, step_of, total
from server.storage.projector import COUNTER, ROUNDS, Projector
from server.storage.queries.figure_rows import ATTEMPTS, OFFERED, PROMISES, CellAsked, rows_of
from server.storage.queries.figures_report import between, complaints, days, hourly, month_of, range_of, report, week_of
from server.storage.queries.paging import QueryError
from server.storage.queries.records import Queries
from server.storage.schema.migrate import config
from server.storage.schema.report_tables import ReportBlock, ReportCell, ReportCount
from server.storage.schema.tables import Base, Cursor
from tests.conftest import BOTH, filled_database

sys.path.insert(0, str(Path(__file__).parents[3] / "bench"))
from made_up import BEGAN, Made, entries

ZONE = ZoneInfo("Asia/Shanghai")
FIRST = datetime.fromtimestamp(BEGAN, ZONE).date()
LATER = datetime.fromtimestamp(BEGAN, UTC) + timedelta(days=30)
SORTING = ("dispatches", "wrong_dispatches", "wrong_dispatch_rate")
MADE = Made(calls=400, per_day=200, agents=12, seed=7, numbers=0.5)


class Raw:
    """What the log says of each call, agent and ticket."""

    def __init__(self, log):
        self.calls = defaultdict(lambda: defaultdict(lambda: None))
        self.legs, self.states, self.tickets, self.promises = {}, defaultdict(list), {}, {}
        self.recorded, self.missing, self.one_way, self.contacts = [], set(), [], {}
        self.rounds, self.dispatches = {}, []
        for entry in log:
            self.tell(entry.event, entry.at)

    def tell(self, event, at):
        match event:
            case acd.CallArrived():
                self.calls[event.call] |= {"at": event.invited_at, "caller": event.caller}
            case ivr.FieldSet(field=("business" | "category")):
                self.calls[event.call][event.field] = event.value
            case acd.CallQueued():
                self.calls[event.call] |= {"queued": event.queued_at, "queue": event.queue}
            case acd.CallLeftQueue():
                self.calls[event.call]["left"] = event.why
            case PromiseAsked():
                self.calls[event.call]["left"] = "callback"
            case acd.Joined():
                self.calls[event.call] |= {"joined": at, "agent": event.agent}
                self.recorded.append((at, event.agent))
                next(leg for leg in self.of(event.call) if leg["agent"] == event.agent)["joined"] = at
            case acd.ConversationEnded():
                leg = next(leg for leg in self.of(event.call) if leg["agent"] == event.agent)
                leg |= {"talk": event.talked, "hold": event.held}
            case acd.CallEnded():
                call = self.calls[event.call]
                call |= {"ended": at, "cause": event.cause}
                if call["joined"] and call["caller"]:
                    key = call["caller"], call["category"]
                    before = self.contacts.get(key)
                    self.contacts[key] = call
                    if before:
                        call["before"] = before["after"] = call["at"] - before["at"]
            case ivr.SatisfactionGiven():
                self.calls[event.call]["score"] = event.score
            case Decided():
                made = event.decision
                self.legs[made.offer] = {"call": made.call, "agent": made.agent, "wrap": 0.0}
            case acd.OfferFailed():
                self.legs[event.offer]["failed"] = event.outcome
            case AgentNoted():
                self.states[event.agent].append((at, event.status, event.state, event.call))
            case tickets.TicketOpened():
                self.calls[event.call] |= {"ticket": event.ticket, "opened": True}
                self.tickets[event.ticket] = {"opened": at}
                limits = {"respond": event.respond_by, "due": event.resolve_by}
                self.rounds[event.ticket] = [{"round": 1, "queue": queue_of(self.calls[event.call], event)} | limits]
            case tickets.ContactAdded():
                self.calls[event.call]["ticket"] = event.ticket
            case tickets.RoundStarted():
                limits = {"respond": event.respond_by, "due": event.resolve_by}
                rounds = self.rounds[event.ticket]
                rounds[-1]["satisfied"] = False
                rounds.append({"round": event.round, "queue": rounds[0]["queue"]} | limits)
            case tickets.StateChanged(state="dispatched"):
                self.tickets[event.ticket].setdefault("dispatched", at)
                self.dispatch(event, at)
            case tickets.Redispatched():
                self.rounds[event.ticket][-1]["sent"]["wrong"] = True
                self.dispatch(event, at)
            case tickets.StateChanged(state=("acknowledged" | "resolved") as state):
                self.rounds[event.ticket][-1].setdefault("responded", at)
                if state == "resolved":
                    self.rounds[event.ticket][-1] |= {"settled": at, "until": at + 86_400}
            case tickets.StateChanged(state="followed_up"):
                self.rounds[event.ticket][-1]["asked"] = at
            case tickets.StateChanged(state="closed"):
                self.rounds[event.ticket][-1]["satisfied"] = True
            case PromiseNoted():
                self.promises[event.promise.id] = event.promise
            case rec.RecordingMissing():
                self.missing.add(event.recording)
            case acd.SoundStopped():
                self.one_way.append(at)

    def dispatch(self, event, at):
        sent = {"at": at, "department": event.department, "by": event.by, "wrong": False}
        self.rounds[event.ticket][-1]["sent"] = sent
        self.dispatches.append(sent | {"queue": self.rounds[event.ticket][0]["queue"]})
        self.rounds[event.ticket][-1]["sent"] = self.dispatches[-1]

    def sorting(self, since, until, **where):
        """Dispatches, and the wrong ones."""
        mine = [each for each in self.dispatches if since <= each["at"] < until]
        mine = [each for each in mine if all(each[name] == value for name, value in where.items())]
        wrong = sum(each["wrong"] for each in mine)
        return len(mine), wrong, round(wrong / len(mine), 4) if mine else None

    def of(self, call):
        return [leg for leg in self.legs.values() if leg["call"] == call]

    def figures(self, since, until, queue=None, agent=None):
        def within(at):
            return at is not None and since <= at < until

        mine = {n: c for n, c in self.calls.items() if within(c["at"]) and queue in (None, c["queue"])}
        calls = list(mine.values())
        asked = [c for c in calls if c["queued"]]
        waits = sorted(c["joined"] - c["queued"] for c in asked if c["joined"])
        gave_up = [c["ended"] - c["queued"] for c in asked if not c["joined"] and not c["left"] and
                   c["cause"] == "caller_hung_up"]  # fmt: skip
        legs = [leg for leg in self.legs.values() if leg["call"] in mine and agent in (None, leg["agent"])]
        talked = [leg for leg in legs if leg.get("joined")]
        handled = [c for c in calls if c["joined"] and c["ended"] and agent in (None, c["agent"])]
        scores = [c["score"] for c in handled if c["score"]]
        known = [c for c in handled if c["caller"]]
        week = 7 * 86_400
        repeats = [c for c in known if c["before"] is not None and c["before"] <= week]
        matters = [c for c in known if c not in repeats]
        quiet = [c for c in matters if c["after"] is None or c["after"] > week]

        def share(part, whole, times=1.0, digits=4):
            return round(times * part / whole, digits) if whole else None

        def soon(seconds):
            return sum(wait <= seconds for wait in waits)

        found = {
            "calls": len(calls), "asked": len(asked), "answered": len(waits),
            "abandoned": sum(wait >= 5 for wait in gave_up), "short_abandoned": sum(wait < 5 for wait in gave_up),
            "callback": sum(c["left"] == "callback" for c in asked),
            "message": sum(c["left"] == "message" for c in asked),
            "overflowed": sum(c["left"] == "overflow" for c in asked),
            "failed": sum(c["cause"] == "lost" for c in asked), "in_ivr": len(calls) - len(asked),
            "withheld": sum(not c["caller"] for c in calls), "connect_rate": share(len(waits), len(asked)),
            "answered_15": share(soon(15), len(waits)), "answered_20": share(soon(20), len(waits)),
            "service_level": share(soon(20), len(asked)),
            "service_level_without_abandons": share(soon(20), len(asked) - len(gave_up)),
            "service_level_late_abandons": share(soon(20), len(asked) - sum(wait <= 20 for wait in gave_up)),
            "abandon_rate": share(sum(wait >= 5 for wait in gave_up), len(asked)),
            "short_abandon_rate": share(sum(wait < 5 for wait in gave_up), len(asked)),
            "wait_p90": step_of(waits[ceil(len(waits) * 0.9) - 1]) if waits else None,
            "ticket_rate": share(sum(c["ticket"] is not None for c in calls), len(calls)),
            "handled_calls": len(handled), "rated": len(scores), "legs": len(talked), "offers": len(legs),
            "missed": sum(leg.get("failed") == acd.Outcome.NO_ANSWER for leg in legs),
            "satisfaction": share(sum(scores), len(scores), 1, 2),
            "satisfied_rate": share(sum(score >= 4 for score in scores), len(scores)),
            "repeat_rate": share(len(repeats), len(known)), "fcr": share(len(quiet), len(matters)),
        }  # fmt: skip
        times = {
            "asa": share(sum(waits), len(waits), 1, 6),
            "talk": share(sum(leg["talk"] for leg in talked), len(talked), 1, 6),
            "hold": share(sum(leg["hold"] for leg in talked), len(talked), 1, 6),
            "acw": share(sum(self.wrapped(leg) for leg in talked), len(talked), 1, 6),
        }
        times["aht"] = sum(times[part] for part in ("talk", "hold", "acw")) if talked else None
        return found, times

    def wrapped(self, leg):
        states = self.states[leg["agent"]]
        return sum(
            next_at - at
            for (_, _, _, of), (at, _, state, _), (next_at, *_) in zip(states, states[1:], states[2:], strict=False)
            if state == "wrap_up" and of == leg["call"]
        )

    def spent(self, agent, since, until):
        """Seconds signed in and seconds on calls and in wrap-up."""
        signed = busy = idle = 0.0
        for (at, status, state, _), (end, *_) in itertools.pairwise(self.states[agent]):
            seconds = max(0.0, min(end, until) - max(at, since))
            signed += seconds * (status != "signed_out")
            busy += seconds * (state in ("on_call", "wrap_up"))
            idle += seconds * (status == "available" and state == "idle")
        return signed, busy, idle


def queue_of(call, event):
    return call["queue"] if event.call else event.business


@pytest.fixture(scope="module")
def log():
    return list(entries(MADE))


@pytest.fixture(scope="module")
def raw(log):
    return Raw(log)


@pytest.fixture(scope="module", params=BOTH)
def filled(request, log):
    """Opens a copy of the records of the log."""

    def fill(database):
        apply = Projector(database.write).apply
        chance, start = random.Random(3), 0
        while start < len(log):  # in any cuts
            size = chance.choice((1, 7, 400))
            apply(log[start : start + size])
            start += size

    with filled_database(request, fill) as copy:
        yield copy


@pytest.fixture(scope="module")
def engine(filled):
    with filled() as database:
        yield database.read


@pytest.fixture
def records(filled):
    """A copy to change."""
    with filled() as database:
        yield database


def same(found, expected):
    counts, times = expected
    assert {name: found[name] for name in counts if name in found} == {
        name: value for name, value in counts.items() if name in found
    }
    for name, value in times.items():
        if name in found:
            assert found[name] == (None if value is None else pytest.approx(value, abs=0.06)), name


def instants(row):
    return [datetime.fromisoformat(row[name]).timestamp() for name in ("from", "to")]


@pytest.mark.thorough
def test_every_figure_is_what_the_raw_log_says(engine, raw):
    found = report(engine, days(FIRST, ZONE, interval=SLOT), now=LATER)
    midnight = BEGAN
    day = (midnight, midnight + 86_400)
    assert found["total"]["calls"] == MADE.per_day
    same(found["total"], raw.figures(*day))
    assert len(found["intervals"]) == 96
    for row in found["intervals"]:
        same(row, raw.figures(*instants(row)))
    assert {row["queue"] for row in found["queues"]} > {"complaint", "orders"}
    for row in found["queues"]:
        same(row, raw.figures(*day, queue=row["queue"]))
        same(report(engine, days(FIRST, ZONE), now=LATER, queue=row["queue"])["total"],
             raw.figures(*day, queue=row["queue"]))  # fmt: skip
    assert len(found["agents"]) == MADE.agents
    for row in found["agents"]:
        counts, times = raw.figures(*day, agent=row["agent"])
        same(row, (counts, times))
        signed, busy, idle = raw.spent(row["agent"], *day)
        assert row["signed_in"] == pytest.approx(signed, abs=1)
        assert row["utilisation"] == pytest.approx(busy / signed, abs=1e-3)
        assert row["occupancy"] == pytest.approx(busy / (busy + idle), abs=1e-3)
    assert {row["team"]: row["legs"] for row in found["teams"]} == {
        f"team {team}": sum(row["legs"] for row in found["agents"] if (int(row["agent"]) - 1001) % 4 == team)
        for team in range(4)
    }


def test_tickets_promises_and_alarms_are_what_the_raw_log_says(engine, raw):
    found = report(engine, days(FIRST, ZONE, count=2, interval=86_400), now=LATER)["intervals"]
    for place, row in enumerate(found):
        since, until = BEGAN + 86_400 * place, BEGAN + 86_400 * (place + 1)

        def of(name, since=since, until=until):
            return [each for each in raw.tickets.values() if since <= each.get(name, 0) < until]

        def rounds(name, since=since, until=until):
            every = itertools.chain.from_iterable(raw.rounds.values())
            return [each for each in every if since <= each.get(name, 0) < until]

        def met(limit, act):
            due = rounds(limit)
            return round(sum(each.get(act, 1e12) <= each[limit] for each in due) / len(due), 4) if due else None

        settled, handled = rounds("settled"), row["handled_calls"]
        assert (row["tickets_opened"], row["tickets_due"]) == (len(of("opened")), len(rounds("due")))
        assert (row["tickets_in_time"], row["tickets_settled"]) == (met("due", "settled"), len(settled))
        assert row["responses_in_time"] == met("respond", "responded")
        asked = [each.get("satisfied") for each in rounds("asked")]
        decided = [each for each in asked if each is not None]
        assert row["follow_ups"] == len(asked)
        assert row["follow_ups_in_time"] == met("until", "asked")
        assert row["follow_up_satisfied_rate"] == (round(sum(decided) / len(decided), 4) if decided else None)
        assert tuple(row[name] for name in SORTING) == raw.sorting(since, until)
        assert row["tickets_dispatched"] == len(of("dispatched"))
        assert row["dispatched_per_1000"] == round(1000 * len(of("dispatched")) / handled, 1)
        assert row["first_desk_rate"] == round(
            sum("sent" not in each and each["round"] == 1 for each in settled) / len(settled), 4
        )
        opened = sum(bool(call["opened"]) for call in raw.calls.values() if since <= call["at"] < until)
        assert row["complaint_rate"] == round(opened / handled, 4)
        made = [each for each in raw.promises.values() if since <= each.promised_at < until]
        kept = sum(each.state == "kept" for each in made)
        assert (row["promises"], row["promises_kept"]) == (len(made), kept)
        assert row["recordings"] == sum(since <= at < until for at, _ in raw.recorded)
        one_way = sum(since <= at < until for at in raw.one_way)
        assert row["alarms"] == row["recordings_missing"] + row["failed"] + one_way
    assert sum(row["recordings_missing"] for row in found) == len(raw.missing)


def test_wrong_dispatches_count_against_department_queue_and_dispatcher(engine, raw):
    found = report(engine, days(FIRST, ZONE, count=3, interval=86_400), now=LATER)
    until = BEGAN + 3 * 86_400
    assert found["total"]["wrong_dispatches"] > 3
    for name, column, key in (
        *(("departments", "department", "department"), ("dispatchers", "dispatcher", "by")),
        ("queues", "queue", "queue"),
    ):
        for row in found[name]:
            assert tuple(row[each] for each in SORTING) == raw.sorting(BEGAN, until, **{key: row[column]})
    assert {row["dispatcher"] for row in found["dispatchers"]} == {each["by"] for each in raw.dispatches}
    of_queue = report(engine, days(FIRST, ZONE, count=3, interval=86_400), now=LATER, queue="complaint")
    assert sum(row["dispatches"] for row in of_queue["dispatchers"]) == raw.sorting(BEGAN, until, queue="complaint")[0]


def test_a_round_that_was_late_stays_late_when_the_next_one_is_settled_in_time(database, story):
    story.arrive()
    first, second = story.now + 1000, story.now + 200_000
    story.tell(tickets.TicketOpened(1, 1, "138", "complaint", "attitude", "general", first - 100, first))
    story.now += 2000
    story.tell(tickets.StateChanged(1, "resolved", "1001"), tickets.StateChanged(1, "followed_up", "1001"))
    story.tell(tickets.RoundStarted(1, 2, "serious", "1001", "", second - 100, second))
    story.tell(tickets.StateChanged(1, "resolved", "1001"))
    Projector(database.write).apply(story.entries)
    now = datetime.fromtimestamp(second + 86_400, UTC)
    day, later = (datetime.fromtimestamp(at, ZONE).date() for at in (first, second))
    early, late = (report(database.read, days(each, ZONE), now=now)["total"] for each in (day, later))
    assert (early["tickets_due"], early["tickets_in_time"], early["responses_in_time"]) == (1, 0.0, 0.0)
    assert (late["tickets_due"], late["tickets_in_time"]) == (1, 1.0)
    assert (early["tickets_settled"], early["first_desk_rate"]) == (2, 0.5)


def test_answers_of_a_follow_up_call_are_marks_and_counts_by_question(database, story):
    story.arrive()
    story.tell(tickets.TicketOpened(1, 1, "138", "complaint", "attitude", "general", None, story.now + 9000))
    story.tell(tickets.StateChanged(1, "resolved", "1001"))
    story.now += 90_000  # more than 24 hours after the solution
    for question, answer in (("satisfied", "no"), ("reached", "yes"), ("mark", "2")):
        story.tell(tickets.FollowUpAnswered(1, 2, 1, question, answer))
    story.tell(tickets.StateChanged(1, "followed_up"), tickets.RoundStarted(1, 2, "serious"))
    story.tell(tickets.StateChanged(1, "resolved", "1001"), tickets.StateChanged(1, "followed_up"))
    story.tell(tickets.FollowUpAnswered(1, 3, 2, "mark", "5"), tickets.StateChanged(1, "closed"))
    Projector(database.write).apply(story.entries)
    now = datetime.fromtimestamp(story.now + 3 * 86_400, UTC)
    first = datetime.fromtimestamp(story.now, ZONE).date() - timedelta(days=2)
    period = range_of(first, first + timedelta(days=4), ZONE)
    found = report(database.read, period, now=now)
    assert found["answers"] == [
        {"answer": answer, "answers": 1} for answer in ("mark: 2", "mark: 5", "reached: yes", "satisfied: no")
    ]
    since, until = (datetime.fromisoformat(found[each]) for each in ("from", "to"))
    cell = rows_of(database.read, CellAsked("answers", "answer", "mark: 5", since, until), now=now, terms=Terms())
    assert (cell["value"], [(each["kind"], each["id"]) for each in cell["items"]]) == (1, [("round", 1)])
    total_of_all = found["total"]
    assert (total_of_all["answers"], total_of_all["follow_up_mark"]) == (4, 3.5)
    assert (total_of_all["follow_ups"], total_of_all["follow_up_satisfied_rate"]) == (2, 0.5)
    assert total_of_all["follow_ups_in_time"] == 0.5
    early = report(database.read, range_of(first, first + timedelta(days=4), ZONE), now=now - timedelta(days=3))[
        "total"
    ]
    assert early["follow_ups_in_time"] == 0.0  # the second solution has some hours left


@pytest.mark.thorough
def test_tickets_that_were_counted_before_there_were_rounds_are_counted_anew(records, log):
    whole = counts_in(records)
    with records.write.begin() as connection:
        connection.execute(delete(Cursor).where(Cursor.reader == ROUNDS))
        due = select(ReportCell.id).where(ReportCell.kind == "due")
        connection.execute(delete(ReportCount).where(ReportCount.cell.in_(due)))
        cursor = connection.scalar(select(Cursor.entry).where(Cursor.reader == "projector"))
    assert cursor == log[-1].id
    again = Entry(f"{int(log[-1].at * 1000) + 1}-0", log[-1].at, acd.Tick())
    Projector(records.write).apply([again])
    assert counts_in(records) == whole


def test_counts_and_intervals_sum_to_the_day_and_days_to_the_week(engine):
    by_interval = report(engine, days(FIRST, ZONE), now=LATER)
    counts = [figure.id for figure in FIGURES if figure.unit == "count"]
    for name in counts:
        assert sum(row[name] for row in by_interval["intervals"]) == by_interval["total"][name], name
    total_of_day = by_interval["total"]
    ways = ("answered", "open", "abandoned", "short_abandoned", "callback", "message", "overflowed", "failed")
    assert sum(total_of_day[way] for way in ways) == total_of_day["asked"]
    apart = ("asked", "in_ivr", "unasked_callback", "unasked_other")
    assert sum(total_of_day[way] for way in apart) == total_of_day["calls"]
    for period in (week_of(FIRST, ZONE), month_of(FIRST, ZONE), range_of(FIRST, FIRST + timedelta(days=1), ZONE)):
        found = report(engine, period, now=LATER)
        for row in found["intervals"]:
            day = datetime.fromisoformat(row["from"]).astimezone(ZONE).date()
            again = report(engine, days(day, ZONE), now=LATER)["total"]
            assert {name: row[name] for name in again} == again


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "Asia/Kolkata", "Europe/Berlin", "America/St_Johns"])
def test_a_month_of_any_zone_is_read_from_blocks_and_is_what_its_days_are(engine, zone):
    zone = ZoneInfo(zone)
    first = datetime.fromtimestamp(BEGAN, zone).date()
    found = report(engine, month_of(first, zone), now=LATER)
    assert sum(row["calls"] for row in found["intervals"]) == MADE.calls
    by_day = {datetime.fromisoformat(row["from"]).astimezone(zone).date(): row for row in found["intervals"]}
    for day in (first, first + timedelta(days=1), first + timedelta(days=2)):
        again = report(engine, days(day, zone), now=LATER)["total"]
        assert {name: by_day[day][name] for name in again} == again
    now = datetime.fromtimestamp(BEGAN, UTC) + timedelta(hours=39, minutes=40)  # what is due later is in no figure
    hours = report(engine, days(first, zone, count=3), now=now)["total"]
    assert report(engine, range_of(first, first + timedelta(days=2), zone), now=now)["total"] == hours


def test_blocks_are_the_sums_of_their_slots_also_when_they_are_made_of_counts_that_were_there(records):
    slots, blocks = (counts_in(records, table) for table in (ReportCount, ReportBlock))
    sums = defaultdict(dict)
    for slot, *key, data in slots:
        merge(sums[slot // BLOCK, *key], json.loads(data))
    as_kept = {tuple(key): json.loads(data) for *key, data in blocks}
    assert as_kept == sums
    with records.write.begin() as connection:
        command.downgrade(config(connection), "0018")
        command.upgrade(config(connection), "head")
    assert counts_in(records) == slots
    assert {tuple(key): json.loads(data) for *key, data in counts_in(records, ReportBlock)} == sums


def test_the_complaints_of_a_month_are_those_of_its_tickets(engine, raw):
    found = complaints(engine, FIRST, ZONE, now=LATER)
    opened = len(raw.tickets)
    assert (found["total"]["complaints_opened"], found["before"]) == (opened, 0)
    assert sum(row["complaints"] for row in found["categories"]) == opened
    assert sum(row["complaints"] for row in found["days"]) == opened
    assert sum(row["share"] for row in found["categories"]) == pytest.approx(1, abs=1e-3)
    after = complaints(engine, FIRST + timedelta(days=31), ZONE, now=LATER)
    assert (after["total"]["complaints_opened"], after["before"]) == (0, opened)
    assert {row["category"]: row["before"] for row in after["categories"]} == {
        row["category"]: row["complaints"] for row in found["categories"] if row["complaints"]
    }


def test_a_category_that_has_parts_is_the_sum_of_itself_and_of_them(engine):
    found = report(engine, days(FIRST, ZONE), now=LATER, wholes=WHOLES)
    by_name = {row["category"]: row for row in found["categories"]}
    (whole,) = found["wholes"]
    assert whole["whole"] == "process"
    counts = {figure.id for figure in FIGURES if figure.unit == "count" and figure.id in whole}
    for name in counts:
        assert whole[name] == sum(by_name[each][name] for each in WHOLES), name
    assert whole["calls"] > by_name["process"]["calls"] > 0
    answered = sum(by_name[each]["answered"] for each in WHOLES)
    assert whole["asa"] == pytest.approx(
        sum(by_name[each]["asa"] * by_name[each]["answered"] for each in WHOLES) / answered, abs=0.1
    )
    assert report(engine, days(FIRST, ZONE), now=LATER)["wholes"] == []
    month = complaints(engine, FIRST, ZONE, now=LATER, wholes=WHOLES)
    of_month = {row["category"]: row["complaints"] for row in month["categories"]}
    assert [row["complaints"] for row in month["wholes"]] == [sum(of_month[each] for each in WHOLES)]


def test_a_shift_and_the_hourly_sheet_are_parts_of_the_day(engine):
    at = [datetime.fromtimestamp(BEGAN + 3600 * hour, UTC) for hour in (0, 8, 16, 24)]
    shifts = [report(engine, between(*pair, ZONE), now=LATER)["total"]["calls"] for pair in itertools.pairwise(at)]
    assert sum(shifts) == MADE.per_day
    sheet = hourly(engine, days(FIRST, ZONE, interval=3600), now=LATER)
    day = report(engine, days(FIRST, ZONE), now=LATER)
    assert len(sheet["intervals"]) == 24
    for team in day["teams"]:
        hours = [row for row in sheet["teams"] if row["team"] == team["team"]]
        assert sum(row["legs"] for row in hours) == team["legs"]
        assert sum(row["signed_in"] for row in hours) == pytest.approx(team["signed_in"], abs=24)


@pytest.mark.thorough
def test_records_from_before_there_were_counts_are_counted_once(records, log):
    half = len(log) // 2
    whole = counts_in(records)
    with records.write.begin() as connection:
        for table in Base.metadata.sorted_tables:
            connection.execute(delete(table))
    Projector(records.write).apply(log[:half])
    with records.write.begin() as connection:
        others = select(ReportCell.id).where(ReportCell.kind != "alarm")
        connection.execute(delete(ReportCount).where(ReportCount.cell.in_(others)))
        connection.execute(delete(Cursor).where(Cursor.reader == COUNTER))
    Projector(records.write).apply(log[half:])
    assert counts_in(records) == whole


def counts_in(database, table=ReportCount):
    first = next(iter(table.__table__.primary_key.columns))
    cell = (ReportCell.kind, ReportCell.queue, ReportCell.category, ReportCell.agent)
    wanted = select(first, *cell, table.data).join(ReportCell, ReportCell.id == table.cell)
    with database.read.connect() as connection:
        return sorted(tuple(row) for row in connection.execute(wanted))


def test_what_agents_do_now_and_what_is_not_due_yet(database, story):
    story.tell(acd.AgentDefined("1001", "Li", ()), AgentNoted("1001", "available", "idle"))
    now = datetime.fromtimestamp(story.now + 600, UTC)
    limit = story.now + 700
    story.arrive()
    story.tell(tickets.TicketOpened(1, 1, "138", "complaint", "attitude", "general", None, limit))
    Projector(database.write).apply(story.entries)
    day = now.astimezone(ZONE).date()
    found = report(database.read, days(day, ZONE), now=now)["total"]
    assert (found["signed_in"], found["tickets_due"]) == (600, 0)
    overdue = report(database.read, days(day, ZONE), now=now + timedelta(hours=1))["total"]
    assert (overdue["tickets_due"], overdue["tickets_in_time"]) == (1, 0.0)


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (lambda: days(date(1999, 12, 31), ZONE), "days are from 2000-01-01"),
        (lambda: days(date(9999, 12, 31), ZONE), "to 2100-12-31"),
        (lambda: days(FIRST, ZONE, interval=420), "quarter hours"),
        (lambda: days(FIRST, ZONE, count=400), "from 1 to 366 days"),
        (lambda: week_of(date(1, 1, 1), ZONE), "days are from"),
        (lambda: month_of(date(9999, 12, 1), ZONE), "days are from"),
        (lambda: range_of(FIRST, FIRST - timedelta(days=1), ZONE), "is before the first"),
        (lambda: between(LATER, LATER, ZONE), "ends after it began"),
        (lambda: between(LATER + timedelta(seconds=7), LATER, ZONE), "a quarter of an hour"),
    ],
)
def test_a_period_that_no_report_can_be_of_is_refused(asked, sentence):
    with pytest.raises(QueryError, match=sentence):
        asked()


def test_a_day_of_a_zone_that_changes_its_clock_has_all_its_hours():
    berlin = ZoneInfo("Europe/Berlin")
    longest, shortest = days(date(2027, 10, 31), berlin), days(date(2027, 3, 28), berlin)
    assert [len(each.begins) for each in (longest, shortest)] == [50, 46]


def test_waits_are_counted_in_steps_and_a_percentile_is_never_too_good():
    waits = [0.0, 0.4, 1.0, 14.2, 119.9, 121, 599, 601, 3599, 3601, 200_000]
    assert [step_of(wait) for wait in waits] == [0, 1, 1, 15, 120, 125, 600, 630, 3600, 3900, 86_400]
    counts = total({f"wait:{step_of(wait)}": 1} for wait in waits)
    assert (percentile(counts, "wait", 0.5), percentile(counts, "wait", 1.0), percentile({}, "wait", 0.5)) == (
        125, 86_400, None
    )  # fmt: skip
    add(counts, {"wait:1": 2}, -1)
    assert "wait:1" not in counts


def test_each_figure_has_both_names_and_a_formula():
    assert len({figure.id for figure in FIGURES}) == len(FIGURES)
    for figure in FIGURES:
        described = figure.described(Terms(30, 3))
        assert all(described[name] for name in ("id", "zh", "en", "unit", "of", "formula"))
        assert "{" not in described["formula"] + described["named"]
        assert figure.value({}, Terms()) in (0, None), figure.id


OF = {
    "intervals": "interval", "queues": "queue", "categories": "category", "agents": "agent", "teams": "team",
    "departments": "department", "dispatchers": "dispatcher", "wholes": "whole",
}  # fmt: skip
WHOLES = {"attitude": ("process",), "system": ("process",), "process": ("process",)}
"""As an operator has it who puts attitude and system under process."""


@pytest.mark.parametrize("name", ["total", *OF])
def test_the_rows_behind_a_cell_make_its_value(engine, name):
    found = report(engine, days(FIRST, ZONE, interval=4 * 3600), now=LATER, wholes=WHOLES)
    rows = [found["total"]] if name == "total" else found[name]
    row = rows[3 % len(rows)]  # midday, where something happens
    since, until = (row["from"], row["to"]) if name == "intervals" else (found["from"], found["to"])
    figures = [figure.id for figure in FIGURES if figure.id in row]
    for figure in random.Random(name).sample(figures, min(5, len(figures))):
        of, which = OF.get(name, "total"), str(row.get(OF.get(name, ""), ""))
        asked = CellAsked(figure, of, which, datetime.fromisoformat(since), datetime.fromisoformat(until))
        cell = rows_of(engine, asked, now=LATER, terms=Terms(), wholes=WHOLES)
        assert cell["value"] == row[figure], figure
        assert cell["whole"]
        assert cell["count"] == len(cell["items"])
        if row[figure] and figure != "signed_in":
            assert any(each["call"] for each in cell["items"]), figure


def test_the_rows_of_others_are_counted_and_not_shown(engine):
    day = report(engine, days(FIRST, ZONE), now=LATER)
    asked = CellAsked("legs", "total", "", *(datetime.fromisoformat(day[each]) for each in ("from", "to")))
    cell = rows_of(engine, asked, now=LATER, terms=Terms(), mask=True, agents=frozenset({"1003"}))
    assert cell["value"] == day["total"]["legs"]
    assert 0 < len(cell["items"]) == cell["count"] - cell["unseen"]
    assert {each["agent"] for each in cell["items"]} == {"1003"}
    assert all("*" in each["call"]["caller"] for each in cell["items"] if each["call"]["caller"])
    with pytest.raises(QueryError, match="there is no figure"):
        rows_of(engine, CellAsked("nonsense", "total", "", LATER, LATER), now=LATER, terms=Terms())


def test_the_promises_behind_the_report_of_callback_mode(engine):
    since = datetime.fromtimestamp(BEGAN, UTC)
    of_day = Queries(engine).callbacks.report(FIRST, ZONE)["total"]
    for column in (OFFERED, *PROMISES, *ATTEMPTS):
        asked = CellAsked(f"promise.{column}", "total", "", since, since + timedelta(days=1))
        cell = rows_of(engine, asked, now=LATER, terms=Terms())
        assert cell["value"] == cell["count"] == of_day[column], column
    assert of_day["promised"] > of_day["kept"] > 0


def test_the_rows_of_alarms_are_recordings_calls_and_sound_that_went_one_way(engine, raw):
    since = datetime.fromtimestamp(BEGAN, UTC)
    asked = CellAsked("alarms", "total", "", since, since + timedelta(days=3))
    cell = rows_of(engine, asked, now=LATER, terms=Terms())
    sounds = [each for each in cell["items"] if each["kind"] == "sound"]
    assert len(sounds) == len([at for at in raw.one_way if at < BEGAN + 3 * 86_400]) > 0
    assert all(each["state"] in ("agent", "caller") and each["call"]["id"] == each["id"] for each in sounds)
    assert cell["value"] == report(engine, days(FIRST, ZONE, count=3), now=LATER)["total"]["alarms"]
