"""The outbox of webhooks, written from the log, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import acd.events as acd
from server.eventlog.log import Entry
from server.eventlog.webhook_events import WebhookAdded, WebhookRemoved
from server.storage.database import Database
from server.storage.projector import Projector
from server.storage.webhook_outbox import Outbox

AT = 1_790_000_000.0


def entries(*events: object) -> list[Entry]:
    return [Entry(f"{int(AT * 1000)}-{place}", AT, event) for place, event in enumerate(events, 1)]


def log() -> list[Entry]:
    arrived = [acd.CallArrived(call, "13800138000", "4001", f"PJSIP/{call}", f"u{call}", AT, "one") for call in (1, 2)]
    return entries(
        acd.CallEnded(9, "caller_hung_up"),
        WebhookAdded(1, "crm", "https://crm.example/", ("call.ended",)),
        WebhookAdded(2, "bi", "https://bi.example/", ("call.*",), whole_numbers=True),
        *arrived,
        acd.CallEnded(1, "caller_hung_up"),
        acd.CallEnded(2, "caller_hung_up"),
    )


def test_each_subscription_has_what_came_after_it_once_and_in_order(database: Database) -> None:
    projector, outbox = Projector(database.write), Outbox(database)
    for end in (3, 6, 7, 7):  # in any batches, and again
        projector.apply(log()[:end])
    for webhook, number in ((1, "138****8000"), (2, "13800138000")):
        found = outbox.next(webhook, 10)
        assert [(each.type, each.data["id"], each.data["caller"]) for each in found] == [
            ("call.ended", 1, number),
            ("call.ended", 2, number),
        ]
        assert [each.id for each in found] == [log()[5].id, log()[6].id]
    assert [each.data["id"] for each in outbox.heads({1, 2})] == [1, 1]
    assert [(each.webhook, each.waiting, each.dead) for each in outbox.backlog()] == [(1, 2, 0), (2, 2, 0)]


def test_a_message_is_sent_or_tried_again_or_given_up_and_sent_again(database: Database) -> None:
    outbox = Outbox(database)
    Projector(database.write).apply(log())
    first, second = outbox.next(1, 10)
    due = datetime.now(UTC) + timedelta(hours=1)
    outbox.failed(first, due, "the receiver answered 500")
    assert outbox.next(1, 1)[0].attempts == 1
    assert outbox.next(1, 1)[0].due_at == due
    assert outbox.backlog()[0].problem == "the receiver answered 500"
    outbox.hurry(1)
    assert outbox.next(1, 1)[0].due_at is None
    outbox.failed(outbox.next(1, 1)[0], None, "never")
    assert [each.id for each in outbox.next(1, 10)] == [second.id]
    assert [(each["id"], each["problem"]) for each in outbox.dead(1, 10).items] == [(first.id, "never")]
    assert outbox.resend(1, second.id) == 0
    assert outbox.resend(1, first.id) == 1
    assert [each.id for each in outbox.next(1, 10)] == [first.id, second.id]
    for message in outbox.next(1, 10):
        outbox.sent(message)
    assert [each.webhook for each in outbox.backlog()] == [2]
    Projector(database.write).apply([*log(), Entry(f"{int(AT * 1000)}-99", AT, WebhookRemoved(2))])
    outbox.purge()
    assert not outbox.backlog()
