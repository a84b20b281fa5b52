"""The kinds of problems: each has a type of its own, a page in the docs, and an address that explains it."""

from __future__ import annotations

import re
from pathlib import Path

import httpx

from server.web.problem_types import TYPES
from tests.redis_server import redis_server
from tests.server.web.api_server import api, refused, server

__all__ = ["api", "redis_server", "server"]

ROOT = Path(__file__).parents[3]


def test_the_page_on_problems_shows_the_same_table() -> None:
    page = (ROOT / "docs" / "problems.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in page.splitlines() if line.startswith("| `/")]
    expected = [[f"`{each.uri}`", str(each.status), each.title, each.advice] for each in TYPES.values()]
    assert rows == expected


def test_every_title_of_a_refusal_has_a_kind() -> None:
    known = {(each.status, each.title) for each in TYPES.values()}
    for file in (ROOT / "server" / "web").rglob("*.py"):
        for status, title in re.findall(r'(?:problem|Problem)\((\d{3}), "([^"]+)"', file.read_text(encoding="utf-8")):
            assert (int(status), title) in known, (file.name, status, title)


async def test_a_problem_is_explained_where_its_type_leads_to(api: httpx.AsyncClient) -> None:
    answer = await api.get("/api/v1/calls/7")
    assert "there is no call 7" in refused(answer, 404)
    assert answer.json()["type"] == "/problems/not-found"
    page = await api.get(answer.json()["type"], headers={"Authorization": ""})
    assert (page.status_code, page.json()["title"]) == (200, "Not found")
    assert len((await api.get("/problems", headers={"Authorization": ""})).json()["items"]) == len(TYPES)
    assert refused(await api.get("/problems/nothing"), 404)


async def test_a_value_that_cannot_be_used_says_why_in_one_word(api: httpx.AsyncClient) -> None:
    answer = await api.post("/api/v1/callbacks", json={"number": "13800138000", "category": "nonsense"})
    assert refused(answer, 422)
    assert (answer.json()["type"], answer.json()["reason"]) == ("/problems/invalid-value", "matter")
