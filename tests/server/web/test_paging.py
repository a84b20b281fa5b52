"""Every list is given page by page: each row once, in one order, whatever the size of a page."""

from __future__ import annotations

import pytest

from server.storage.queries.paging import QueryError, cut, encode_place
from tests.redis_server import redis_server
from tests.server.web.api_server import ApiServer, api, refused, server

__all__ = ["api", "redis_server", "server"]
UNPAGED = {
    "/api/v1/callback-mode",  # a row for each queue
    "/api/v1/queues",
    "/api/v1/trunks",
    "/api/v1/trunks/route",
    "/problems",
    "/api/v1/qa/forms",  # files of the installation
    "/api/v1/qa/results",
    "/api/v1/webhooks/events",
    "/api/v1/flows",
    "/api/v1/prompt-sounds",
    "/api/v1/prompt-sounds/{prompt}/{language}/versions",
    "/api/v1/breaks",
    "/api/v1/reports/cell",  # what one figure is made of, up to a limit that is told
    "/api/v1/sessions",  # as many as people are signed in
}
"""Lists whose rows the operator's files hold: they are as long as these."""


async def test_every_list_has_a_cursor(api) -> None:
    described = (await api.get("/api/v1/openapi.json")).json()
    missing = set()
    for path, operations in described["paths"].items():
        get = operations.get("get")
        if get is None or path in UNPAGED:
            continue
        answer = get["responses"].get("200", {}).get("content", {}).get("application/json", {}).get("schema", {})
        shape = described["components"]["schemas"].get(answer.get("$ref", "").rpartition("/")[2], {})
        if "items" in shape.get("properties", {}):
            asked = {each["name"] for each in get.get("parameters", ())}
            if not {"limit", "cursor"} <= asked or "next" not in shape["properties"]:
                missing.add(path)
    assert missing == set()


async def pages(api, path: str, size: int) -> list:
    seen, cursor = [], ""
    while cursor is not None:
        found = (await api.get(path, params={"limit": size, **({"cursor": cursor} if cursor else {})})).json()
        assert len(found["items"]) <= size
        seen += found["items"]
        cursor = found["next"]
    return seen


async def test_marks_modes_and_tokens_come_once_each_in_pages_of_any_size(server: ApiServer, api) -> None:
    for number in range(5):
        mark = {"number": f"1380013800{number}", "mark": "do_not_call", "reason": "asked"}
        assert (await api.post("/api/v1/customers/marks", json=mark)).status_code == 201
        mode = {"mode": ("on", "off")[number % 2], "scope": "media", "reason": f"{number}"}
        assert (await api.put("/api/v1/callback-mode", json=mode)).status_code == 200
        token = {"name": f"t{number}", "role": "supervisor"}
        assert (await api.post("/api/v1/tokens", json=token)).status_code == 201
    for path in ("/api/v1/customers/marks", "/api/v1/callback-mode/history", "/api/v1/tokens"):
        whole = (await api.get(path)).json()["items"]
        assert len(whole) >= 5
        for size in (1, 2, 5):
            assert await pages(api, path, size) == whole, path
        assert "use `next` of the page before" in refused(await api.get(path, params={"cursor": "AAAA"}), 400)


def test_a_row_that_is_gone_or_new_shifts_nothing() -> None:
    rows = [{"id": each} for each in (5, 3, 1)]
    first = cut(rows, "x", "id", 1, None)
    assert cut([{"id": 9}, *rows[1:]], "x", "id", 1, first["next"])["items"] == [{"id": 3}]


@pytest.mark.parametrize(
    "parts", [[], [1, 2], ["x"], [True], [-1], [2**63], [None], [1.5]], ids=lambda each: str(each)[:20]
)
def test_a_cursor_of_another_shape_is_refused(parts) -> None:
    with pytest.raises(QueryError):
        cut([{"id": 1}], "x", "id", 1, encode_place("x", *parts))
