"""From the log to a real receiver: in order, at least once, signed; one that is away, slow, gone or wrong."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any

import jsonschema_rs
import pytest
from prometheus_client import CollectorRegistry, generate_latest
from standardwebhooks import Webhook as Signer

import acd.events as acd
import ivr.events as ivr
import recordings.events as rec
import tickets.events as tickets
from acd.callbacks.events import AttemptAnswered, AttemptStarted, CallPlaced
from server.hotline.webhook_secrets import holding
from server.webhooks.delivery import Deliveries
from server.webhooks.sender import Sender
from tests.redis_server import redis_server
from tests.server.web.api_server import api, refused, server
from tests.server.webhooks.receiver import Receiver

__all__ = ["api", "redis_server", "server"]

NETWORKS = ("127.0.0.0/8",)


@pytest.fixture
def receiver():
    made = Receiver()
    made.start()
    yield made
    made.stop()


class Running:
    """The delivery of one server; `crash` ends it as a killed server ends, in the middle of anything."""

    def __init__(self, server) -> None:
        self.server = server
        self.options: dict[str, Any] = {"schedule": (0.05, 0.05, 0.05), "pace": 0.02, "late": 0.0}
        self.whole = 5.0

    def start(self) -> None:
        server = self.server
        self.deliveries = Deliveries(
            server.outbox,
            server.view,
            lambda: server.dispatcher,
            server.home,
            Sender(NETWORKS, whole=self.whole),
            **self.options,
        )
        self._task = asyncio.create_task(self.deliveries.run())

    async def crash(self) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task


@pytest.fixture
async def running(server) -> AsyncIterator[Running]:
    made = Running(server)
    made.start()
    yield made
    await made.crash()


async def until(holds: Callable[[], Any], seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110 (what is waited for happens in a thread)
            await asyncio.sleep(0.02)


async def add(api, receiver: Receiver, *types: str, **more: Any) -> dict[str, Any]:
    body = {"name": "crm", "url": receiver.url, "types": list(types) or ["*"], **more}
    made = await api.post("/api/v1/webhooks", json=body)
    assert made.status_code == 201, made.text
    return made.json()


def said(receiver: Receiver) -> list[tuple[str, dict[str, Any]]]:
    return [(json.loads(body)["type"], json.loads(body)["data"]) for _, body in receiver.got]


async def test_a_call_is_told_with_its_final_agent_and_its_true_end(server, api, running, receiver) -> None:
    made = await add(api, receiver, "call.*", "conversation.ended", "ticket.*", "recording.*")
    for agent in ("1001", "1002"):
        await server.tell(acd.AgentDefined(agent, agent, (), (), f"sip:{agent}@127.0.0.1:5062"))
    await server.call(1)
    await server.queue(1, "13800138000")
    ended = server.dispatcher.state.at + 7.5
    await server.tell(acd.Joined(1, "1001"), acd.Transferred(1, "1001", "agent", "1002", True, talked=5.0))
    await server.tell(acd.Joined(1, "1002"), acd.ConversationEnded(1, "1002", "agent", 9.0, 1.0))
    await server.tell(acd.CallEnded(1, "caller_hung_up", ended_at=ended))
    await server.tell(rec.RecordingStarted(1, 1, "1002", "in.wav", "out.wav"))
    await server.tell(rec.RecordingClosed(1, "a.wav", 9.0, 2, "ab" * 32, -20.0, -20.0))
    await until(lambda: any(kind == "recording.joined" for kind, _ in said(receiver)))
    kinds = [kind for kind, _ in said(receiver) if kind != "ticket.changed"]
    assert kinds == ["call.queued", "ticket.opened", "conversation.ended", "call.ended", "recording.joined"]
    call = dict(said(receiver))["call.ended"]
    assert (call["agent"], call["outcome"], call["caller"]) == ("1002", "handled", "138****8000")
    shown = (await api.get("/api/v1/calls/1")).json()
    assert {name: call[name] for name in ("ended_at", "offered_at", "ticket", "talked")} == {
        name: shown[name] for name in ("ended_at", "offered_at", "ticket", "talked")
    }
    for headers, body in receiver.got:
        assert Signer(made["secret"]).verify(body, headers)["data"]
    ids = [headers["webhook-id"] for headers, _ in receiver.got]
    assert ids == sorted(set(ids), key=lambda each: tuple(map(int, each.split("-"))))
    await until(lambda: not server.outbox.backlog())


async def test_promises_and_tickets_tell_what_became_of_them(server, api, running, receiver) -> None:
    await add(api, receiver, "callback.*", "ticket.changed", whole_numbers=True)
    wanted = {"number": "13800138000", "category": "attitude"}
    made = (await api.post("/api/v1/callbacks", json=wanted)).json()
    await api.post("/api/v1/callbacks", json=wanted)  # joins the first
    await api.post(f"/api/v1/callbacks/{made['id']}/priority", json={"priority": 5})
    await api.post(f"/api/v1/callbacks/{made['id']}/cancel", json={"reason": "solved"})
    await server.call(1)
    await server.queue(1, "13800138000")
    await server.tell(tickets.TicketLinked(1, "jira", "ABC-7", "https://jira.example/ABC-7"))
    await until(lambda: len(receiver.got) == 3)
    told = said(receiver)
    assert [(kind, data.get("state"), data.get("number")) for kind, data in told[:2]] == [
        ("callback.promised", "pending", "13800138000"),
        ("callback.broken", "cancelled", "13800138000"),
    ]
    assert (told[2][0], told[2][1]["change"], told[2][1]["id"]) == ("ticket.changed", "TicketLinked", 1)


async def test_a_receiver_that_is_away_and_back_has_every_event_in_order(server, api, running, receiver) -> None:
    await running.crash()
    running.options["schedule"] = (0.05,) * 200
    running.start()
    await add(api, receiver, "call.ended")
    receiver.stop()
    for number in range(1, 6):
        await server.call(number)
        await server.tell(acd.CallEnded(number, "caller_hung_up"))
    await until(lambda: any(each.problem for each in server.outbox.backlog()))
    waiting = "webhook 1 crm has not received 5 events"
    await until(lambda: any(waiting in each for each in running.deliveries.warnings()))
    receiver.start()
    await until(lambda: len(receiver.got) == 5)
    assert [data["id"] for _, data in said(receiver)] == [1, 2, 3, 4, 5]
    await until(lambda: not running.deliveries.warnings())


async def test_a_server_that_is_killed_while_it_sends_sends_again_and_loses_nothing(
    server, api, running, receiver
) -> None:
    await add(api, receiver, "call.ended")
    receiver.delay = 0.3
    for number in range(1, 4):
        await server.call(number)
        await server.tell(acd.CallEnded(number, "caller_hung_up"))
    await asyncio.sleep(0.1)
    await running.crash()  # the receiver has the first one, or is about to; nobody knows
    receiver.delay = 0.0
    running.start()
    await until(lambda: not server.outbox.backlog())
    by_id: dict[str, int] = {}
    for headers, body in receiver.got:
        by_id.setdefault(headers["webhook-id"], json.loads(body)["data"]["id"])
    assert list(by_id.values()) == [1, 2, 3]


async def test_what_is_refused_too_often_is_a_dead_letter_that_can_be_sent_again(
    server, api, running, receiver
) -> None:
    await add(api, receiver, "call.ended")
    receiver.answers = [500] * 4
    for number in (1, 2):
        await server.call(number)
        await server.tell(acd.CallEnded(number, "caller_hung_up"))
    await until(lambda: len(receiver.got) == 5)
    assert [data["id"] for _, data in said(receiver)] == [1, 1, 1, 1, 2]
    bodies = {body for headers, body in receiver.got if headers["webhook-id"] == receiver.got[0][0]["webhook-id"]}
    assert len(bodies) == 1
    (dead,) = (await api.get("/api/v1/webhooks/1/dead")).json()["items"]
    assert (dead["attempts"], dead["problem"]) == (4, "the receiver answered 500")
    await until(lambda: "has 1 dead letters" in " ".join(running.deliveries.warnings()))
    assert refused(await api.post("/api/v1/webhooks/1/resend", json={"id": "x"}), 400)
    assert refused(await api.post("/api/v1/webhooks/1/resend", json={"id": "1-1"}), 404)
    assert (await api.post("/api/v1/webhooks/1/resend", json={"id": dead["id"]})).json() == {"count": 1}
    await until(lambda: len(receiver.got) == 6)
    assert receiver.got[-1][0]["webhook-id"] == dead["id"]


async def test_a_slow_receiver_holds_up_nobody_else(server, api, running, receiver) -> None:
    await running.crash()
    running.whole = 0.3
    running.start()
    slow = Receiver()
    slow.delay = 2.0
    slow.start()
    await add(api, slow, "call.ended")
    await add(api, receiver, "call.ended")
    await server.call(1)
    await server.tell(acd.CallEnded(1, "caller_hung_up"))
    await until(lambda: receiver.got, 2.0)
    await until(lambda: any("no answer within" in each.problem for each in server.outbox.backlog()))
    slow.stop()


async def test_a_receiver_that_is_gone_for_good_is_suspended_until_it_is_resumed(
    server, api, running, receiver
) -> None:
    await add(api, receiver, "call.ended")
    receiver.answers = [410]
    await server.call(1)
    await server.tell(acd.CallEnded(1, "caller_hung_up"))
    await until(lambda: server.view.webhooks.get(1).suspended)
    assert "410" in (await api.get("/api/v1/webhooks/1")).json()["suspended"]
    await until(lambda: "is suspended" in " ".join(running.deliveries.warnings()))
    assert (await api.post("/api/v1/webhooks/1/resume")).json()["suspended"] is None
    await until(lambda: len(receiver.got) == 2)


async def test_redirects_are_not_followed(server, api, running, receiver) -> None:
    other = Receiver()
    other.start()
    receiver.status, receiver.headers = 307, {"location": other.url}
    await add(api, receiver, "call.ended")
    await server.call(1)
    await server.tell(acd.CallEnded(1, "caller_hung_up"))
    await until(lambda: any("redirects are not followed" in each.problem for each in server.outbox.backlog()))
    assert not other.got
    other.stop()


async def test_a_new_secret_signs_beside_the_old_one_and_a_removed_webhook_receives_nothing(
    server, api, running, receiver
) -> None:
    first = (await add(api, receiver, "call.ended"))["secret"]
    second = (await api.post("/api/v1/webhooks/1/rotate", json={"overlap": 60})).json()["secret"]
    await server.call(1)
    await server.tell(acd.CallEnded(1, "caller_hung_up"))
    await until(lambda: receiver.got)
    headers, body = receiver.got[0]
    for secret in (first, second):
        assert Signer(secret).verify(body, headers)
    rows = (await api.get("/api/v1/webhooks")).json()["items"]
    assert first not in json.dumps(rows)
    assert (await api.delete("/api/v1/webhooks/1")).json() == {"id": 1}
    assert holding(server.home, 1, 0.0) == []
    await server.call(2)
    await server.tell(acd.CallEnded(2, "caller_hung_up"))
    assert not server.outbox.backlog()
    assert refused(await api.get("/api/v1/webhooks/1"), 404)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"types": ["call.began"]}, "there is no type call.began"),
        ({"types": []}, "body.types"),
        ({"url": "ftp://example.com"}, "give a URL"),
        ({"url": "https://me:secret@example.com"}, "do not belong into the URL"),
    ],
)
async def test_what_cannot_be_subscribed_is_refused(api, receiver, change, sentence) -> None:
    body = {"name": "crm", "url": receiver.url, "types": ["*"], **change}
    assert sentence in refused(await api.post("/api/v1/webhooks", json=body), 422)


async def test_a_ping_comes_to_its_webhook_alone_behind_what_waits(server, api, running, receiver) -> None:
    made = await add(api, receiver, "call.queued")
    await add(api, receiver, "agent.status")
    answer = await api.post(f"/api/v1/webhooks/{made['id']}/ping")
    assert (answer.status_code, answer.json()) == (202, {"id": made["id"]})
    await until(lambda: receiver.got)
    ((headers, body),) = receiver.got
    assert Signer(made["secret"]).verify(body, headers)["type"] == "webhook.ping"
    assert json.loads(body)["data"]["webhook"] == made["id"]
    assert "there is no webhook 9" in refused(await api.post("/api/v1/webhooks/9/ping"), 404)


async def test_every_message_fits_the_schema_of_its_type(server, api, running, receiver) -> None:
    made = await add(api, receiver, "*")
    await server.tell(acd.AgentDefined("1001", "Li", (), (), "sip:1001@127.0.0.1:5062"), acd.PhoneSeen("1001", True))
    await server.tell(acd.StatusSet("1001", acd.Status.AVAILABLE))
    await server.call(1)
    await server.queue(1, "13800138000")
    await server.tell(acd.Joined(1, "1001"), acd.ConversationEnded(1, "1001", "agent", 9.0, 1.0))
    await server.tell(ivr.SatisfactionGiven(1, 5), acd.CallEnded(1, "caller_hung_up"))
    await server.tell(rec.RecordingStarted(1, 1, "1001", "in.wav", "out.wav"))
    await server.tell(rec.RecordingClosed(1, "a.wav", 9.0, 2, "ab" * 32, -20.0, -20.0))
    await server.tell(rec.RecordingStarted(2, 1, "1001", "in.wav", "out.wav"), rec.RecordingMissing(2, "no file"))
    for number, action in (("13800138001", "cancel"), ("13800138002", "")):
        promise = (await api.post("/api/v1/callbacks", json={"number": number, "queue": "media"})).json()
        if action:
            await api.post(f"/api/v1/callbacks/{promise['id']}/cancel", json={"reason": "x"})
    await server.tell(CallPlaced(2, promise["id"], number), AttemptStarted(2, promise["id"], 1, 1, "1001", 30.0))
    await server.tell(AttemptAnswered(2, promise["id"], 1, "PJSIP/x", "u"), acd.Joined(2, "1001"))
    await server.tell(acd.ConversationEnded(2, "1001", "agent", 60.0, 0.0), acd.CallEnded(2, "caller_hung_up"))
    await api.post(f"/api/v1/webhooks/{made['id']}/ping")
    known = {each["type"]: each["schema"] for each in (await api.get("/api/v1/webhooks/events")).json()["items"]}
    await until(lambda: {kind for kind, _ in said(receiver)} == set(known))
    for _, body in receiver.got:
        message = json.loads(body)
        wanted = known[message["type"]]
        assert jsonschema_rs.validator_for(wanted).is_valid(message), message
        assert set(message["data"]) == set(wanted["properties"]["data"]["properties"]), message


async def test_the_outbox_is_in_the_metrics(server, api, running, receiver) -> None:
    made = await add(api, receiver, "call.queued")
    receiver.answers = [500] * 4
    await server.call(1)
    await server.queue(1)

    def measured() -> dict[str, float]:
        found = {each.name: each.samples[0].value for each in running.deliveries.collect() if each.samples}
        return {name.removeprefix("sansheng_webhook_"): value for name, value in found.items()}

    await until(lambda: measured() == {"waiting": 0.0, "dead": 1.0, "oldest_seconds": 0.0})
    receiver.answers, running.options["schedule"] = [500] * 9, (60.0,)
    await running.crash()
    running.start()
    await server.call(2)
    await server.queue(2)
    await until(lambda: measured()["waiting"] == 1.0 and measured()["oldest_seconds"] > 0)
    registry = CollectorRegistry()
    registry.register(running.deliveries)
    text = generate_latest(registry).decode()
    assert f'sansheng_webhook_dead{{webhook="{made["id"]}"}} 1.0' in text
