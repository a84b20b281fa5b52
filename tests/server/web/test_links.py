"""Signed links to recordings, and tickets that another system owns."""

from __future__ import annotations

from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest

import acd.events as acd
import ivr.events as ivr
import recordings.events as rec
from acd.callbacks.events import FOLLOW_UP, CallPlaced, PromiseAsked
from server.hotline.state import HotlineState
from server.usecases.links import principal_of_link, secret_of, sign
from server.usecases.principal import Role
from tests.redis_server import redis_server
from tests.server.web.api_server import OWNER, api, refused, server
from tickets.owned import owner_of

__all__ = ["api", "redis_server", "server"]

SECRET, PATH, NOW = b"secret", "/api/v1/recordings/7/audio", 1_790_000_000


def test_a_link_that_was_changed_or_is_over_is_void() -> None:
    url = urlsplit(sign(SECRET, PATH, "complaint 7 & more", "wang", NOW + 60))
    found = principal_of_link(SECRET, url.path, url.query, "192.0.2.1", NOW + 60)
    assert found is not None
    assert (found.name, found.origin) == ("link of wang: complaint 7 & more", "192.0.2.1")
    asked = {name: value for name, (value,) in parse_qs(url.query).items()}
    changed = [
        *({**asked, name: value + "1"} for name, value in asked.items()),
        {**asked, "purpose": "complaint 7 & morewa", "by": "ng"},
        {**asked, "signature": "\u00e9"},
        *({other: value for other, value in asked.items() if other != name} for name in asked),
    ]
    for each in changed:
        assert principal_of_link(SECRET, url.path, urlencode(each), "", NOW) is None, each
    assert principal_of_link(SECRET, url.path, url.query + "&expires=9999999999", "", NOW) is None
    for path in (PATH.replace("7", "8"), "/api/v1/recordings/7", "/api/v1/calls", PATH + "/", PATH.replace("7", "٧")):
        assert principal_of_link(SECRET, path, url.query, "", NOW) is None
    assert principal_of_link(SECRET, url.path, url.query, "", NOW + 61) is None
    assert principal_of_link(b"other", url.path, url.query, "", NOW) is None


def test_a_path_that_no_link_may_lead_to_is_not_fetched_even_if_it_is_signed() -> None:
    url = urlsplit(sign(SECRET, "/api/v1/calls", "x", "wang", NOW + 60))
    assert principal_of_link(SECRET, url.path, url.query, "", NOW) is None


def test_the_secret_is_made_once_and_only_its_owner_can_read_it(tmp_path) -> None:
    assert secret_of(tmp_path) == secret_of(tmp_path)
    assert len(secret_of(tmp_path)) == 64
    assert (tmp_path / "secrets" / "links").stat().st_mode & 0o777 == 0o600


async def test_a_link_lets_its_path_in_and_no_other_and_is_in_the_audit(server, api: httpx.AsyncClient) -> None:
    await server.call(1)
    await server.tell(rec.RecordingStarted(1, 1, "1001", "in.wav", "out.wav"))
    made = await api.post("/api/v1/recordings/1/link", json={"purpose": "complaint ABC-7"})
    assert made.status_code == 201, made.text
    url, bare = made.json()["url"], {"Authorization": ""}
    del api.headers["Authorization"]
    answer = await api.get(url)
    assert answer.status_code != 401
    for other in (
        url.replace("/1/", "/2/"),
        url + "0",
        url.replace("/audio", ""),
        "/api/v1/calls?" + url.split("?")[1],
    ):
        refused_ = await api.get(other)
        assert (refused_.status_code, refused_.json()["type"]) == (401, "/problems/link-not-valid"), other
    assert (await api.get(url, headers=bare)).status_code == 401  # a token that is given has to hold
    assert refused(await api.post(url), 401)
    await server.tell()
    page = await server.records.page("audit", {}, 10, None)
    assert [(row["act"], row["subject"], row["reason"]) for row in page["items"]] == [
        ("recordings.link", "recording 1: a link for 3600 s", "complaint ABC-7")
    ]


async def test_a_ticket_shows_its_reference_in_another_system(server, api: httpx.AsyncClient) -> None:
    assert refused(await api.put("/api/v1/tickets/1/links/jira", json={"reference": "ABC-7"}), 404)
    await server.call(1)
    await server.queue(1, "13800138000")
    body = {"reference": "ABC-7", "url": "https://jira.example/ABC-7"}
    made = await api.put("/api/v1/tickets/1/links/jira", json=body)
    assert made.status_code == 200, made.text
    await api.put("/api/v1/tickets/1/links/jira", json={"reference": "ABC-8"})
    ticket = (await api.get("/api/v1/tickets/1")).json()
    assert [(each["system"], each["reference"], each["url"]) for each in ticket["links"]] == [("jira", "ABC-8", None)]
    told = [(each["kind"], each["from"], each["to"]) for each in ticket["history"] if each["kind"] == "link"]
    assert told == [("link", None, "ABC-7"), ("link", "ABC-7", "ABC-8")]


async def opened(server, api: httpx.AsyncClient, **link: object) -> None:
    """Ticket 1, kept in jira."""
    await server.call(1)
    await server.queue(1, "13800138000")
    made = await api.put("/api/v1/tickets/1/links/jira", json={"reference": "ABC-7", **link})
    assert made.status_code == 200, made.text


async def test_what_an_outside_system_owns_is_changed_there_alone(server, api: httpx.AsyncClient) -> None:
    await opened(server, api, owns=["state", "fields"])
    (link,) = (await api.get("/api/v1/tickets/1")).json()["links"]
    assert link["owns"] == ["state", "fields"]
    sentence = "ticket 1: state is owned by jira, as ABC-7: change it there"
    answer = await api.post("/api/v1/tickets/1/state", json={"state": "in_progress"})
    assert refused(answer, 409) == sentence
    assert (await api.post("/api/v1/tickets/1/notes", json={"text": "still ours"})).status_code == 200
    assert (await api.post("/api/v1/tickets/1/escalate", json={})).status_code == 200
    _, token = await server.acts.tokens.create(OWNER, name="jira", role=Role.SERVICE, scopes=["tickets.*"])
    bearer = {"Authorization": f"Bearer {token}"}
    done = await api.post("/api/v1/tickets/1/state", json={"state": "in_progress"}, headers=bearer)
    assert (done.status_code, done.json()["state"]) == (200, "in_progress")
    other = await api.put("/api/v1/tickets/1/links/crm", json={"reference": "7", "owns": ["owner", "state"]})
    assert refused(other, 409) == "ticket 1: state is owned by jira already"
    wrong = await api.put("/api/v1/tickets/1/links/crm", json={"reference": "7", "owns": ["weather"]})
    assert "has no part weather: there are state" in refused(wrong, 409)
    again = HotlineState.restore(server.dispatcher.state.snapshot())
    assert owner_of(again.tickets.case(1), "state") == "jira"
    # Another link of the same system gives up what it does not name.
    await api.put("/api/v1/tickets/1/links/jira", json={"reference": "ABC-7"})
    assert (await api.post("/api/v1/tickets/1/state", json={"state": "resolved"})).status_code == 200


async def test_a_survey_does_not_end_a_round_whose_state_is_owned_elsewhere(server, api: httpx.AsyncClient) -> None:
    await opened(server, api)
    await server.tell(acd.CallEnded(1, "caller_hung_up"))
    await api.post("/api/v1/tickets/1/state", json={"state": "resolved"})
    await api.put("/api/v1/tickets/1/links/jira", json={"reference": "ABC-7", "owns": ["state"]})
    asked = PromiseAsked("13800138000", "complaint", source=FOLLOW_UP, ticket=1, purpose=FOLLOW_UP)
    await server.tell(asked)
    (promise,) = server.view.callbacks.promises()
    await server.tell(CallPlaced(2, promise.id, "13800138000"))
    await server.tell(ivr.QuestionAnswered(2, "satisfied", "no", satisfied=False))
    assert server.view.tickets.case(1).state == "resolved"


@pytest.mark.parametrize("body", [{"purpose": ""}, {"purpose": "x", "seconds": 0.5}, {"purpose": "x", "seconds": 1e9}])
async def test_a_link_needs_a_purpose_and_an_end(api: httpx.AsyncClient, body: dict[str, object]) -> None:
    assert refused(await api.post("/api/v1/recordings/1/link", json=body), 422)
