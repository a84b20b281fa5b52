"""A route is analysed when it is first asked for."""

from __future__ import annotations

import httpx
import pytest
from fastapi import APIRouter, FastAPI

from server.web.description import application
from server.web.late_route import LateRoute


def is_built(route: LateRoute) -> bool:
    return "dependant" in vars(route)


@pytest.fixture
def routes() -> APIRouter:
    made = APIRouter(prefix="/api/v1", route_class=LateRoute)

    @made.get("/calls/{number}")
    async def show(number: int) -> dict[str, int]:
        return {"number": number}

    @made.post("/calls/{number}")
    async def change(number: int, by: int = 1) -> dict[str, int]:
        return {"number": number + by}

    @made.get("/agents")
    async def agents() -> list[str]:
        return []

    return made


@pytest.fixture
def client(routes: APIRouter) -> httpx.AsyncClient:
    application = FastAPI()
    application.router.routes.extend(routes.routes)
    return httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://here")


async def test_a_request_builds_its_own_route_and_no_other(client: httpx.AsyncClient, routes: APIRouter) -> None:
    assert (await client.post("/api/v1/calls/7?by=2")).json() == {"number": 9}
    assert [is_built(each) for each in routes.routes] == [False, True, False]
    assert (await client.get("/api/v1/calls/x")).status_code == 422
    assert [is_built(each) for each in routes.routes] == [True, True, False]


async def test_what_no_route_takes_builds_none(client: httpx.AsyncClient, routes: APIRouter) -> None:
    answer = await client.put("/api/v1/calls/7")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")
    assert (await client.get("/api/v1/calls")).status_code == 404
    assert (await client.get("/api/v1/agents/1")).status_code == 404
    assert not any(is_built(each) for each in routes.routes)


def test_a_route_knows_everything_that_is_read_of_it(routes: APIRouter) -> None:
    late, _, _ = routes.routes
    plain = APIRouter(prefix="/api/v1")
    plain.add_api_route("/calls/{number}", late.endpoint, methods=["GET"])
    [expected] = plain.routes
    assert late.operation_id is None
    left = vars(late).keys() ^ vars(expected).keys()
    assert left == {"_given", "_beginning"}
    assert late.unique_id == expected.unique_id
    with pytest.raises(AttributeError, match="no attribute 'colour'"):
        _ = late.colour


def test_an_api_is_made_without_any_route_and_every_route_of_it_can_be_built() -> None:
    routes = [each for each in application().routes if isinstance(each, LateRoute)]
    assert len(routes) > 200
    assert not any(is_built(each) for each in routes)
    for each in routes:
        each.built()
