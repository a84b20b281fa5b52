"""Signed links to recordings, and tickets that another system owns."""

from __future__ import annotations

from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest

import recordings.events as rec
from server.usecases.links import principal_of_link, secret_of, sign
from tests.redis_server import redis_server
from tests.server.web.api_server import api, refused, server

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


@pytest.mark.parametrize("body", [{"purpose": ""}, {"purpose": "x", "seconds": 0.5}, {"purpose": "x", "seconds": 1e9}])
async def test_a_link_needs_a_purpose_and_an_end(api: httpx.AsyncClient, body: dict[str, object]) -> None:
    assert refused(await api.post("/api/v1/recordings/1/link", json=body), 422)
