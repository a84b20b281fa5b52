"""Every operation of the description, asked by each role with what fits it: refused exactly where the table of
permissions says so, and never a server error. Schemathesis makes a request of each operation, and all send the same."""

from __future__ import annotations

import re
from itertools import count
from typing import Any

import httpx
import pytest
import schemathesis
from schemathesis import GenerationMode

import acd.events as acd
from server.usecases.permissions import RULES, Act, Reach
from server.usecases.principal import Role
from tests.redis_server import redis_server
from tests.server.web.api_server import OWNER, ApiServer, server
from tests.server.web.made_requests import requests_of

__all__ = ["redis_server", "server"]

STREAM = "GET /api/v1/stream"
"""Its answer goes on: the roles ask for it in tests/server/web/live."""
OPEN = frozenset(
    {
        *("GET /healthz", "GET /metrics", "GET /ca.pem", "GET /problems", "GET /problems/{name}"),
        *("GET /api/v1/session/ways", "POST /api/v1/session", "GET /api/v1/session/oidc"),
        "GET /api/v1/session/oidc/callback",
    }
)
"""What asks for no role: it is there before anybody has signed in."""
OWN = frozenset(
    {
        *("GET /api/v1/session", "DELETE /api/v1/session", "POST /api/v1/session/password"),
        *("GET /api/v1/session/left", "POST /api/v1/session/seen"),
        *("DELETE /api/v1/phone", "POST /api/v1/phone/off", "POST /api/v1/calls/{number}/monitor/end"),
    }
)
"""What ends or changes only what the asker has begun."""
FOUND_FIRST = frozenset({"GET /api/v1/qa/scores/{number}"})
"""Whose it is decides who may: of what does not exist everybody is told that it does not."""
GIVEN = frozenset({"GET /api/v1/agents", "GET /api/v1/agents/{agent}", "GET /api/v1/breaks"})
"""What the service's one scope lets in."""
UNREAD = frozenset({"POST /api/v1/agents/import", "POST /api/v1/definitions/publish"})
"""What is refused before it is read by whom: the description does not say all that fits. Their acts are in the table of
tests/server/usecases/test_permissions.py."""
FORBIDDEN = re.compile(r" may (?:not do (?P<act>[a-z.-]+)|do (?P<some>[a-z.-]+) for )")


def arguments_of(case: Any) -> dict[str, Any]:
    """A request as arguments for a client."""
    told = case.as_transport_kwargs(base_url="http://hotline")
    content = told.get("data")
    return {name: told.get(name) for name in ("method", "url", "params", "json")} | {
        "headers": dict(told["headers"]),
        "content": content if isinstance(content, bytes | str) else None,
    }


@pytest.mark.thorough
async def test_each_role_is_refused_exactly_where_the_table_says_so(server: ApiServer) -> None:
    for number in ("1001", "1009"):
        await server.tell(acd.AgentDefined(number, f"Agent {number}", (), ("A",), "sip:127.0.0.1:5062"))
    await server.call(1)
    await server.queue(1, "13800138000")
    work_numbers = {Role.AGENT: "1001", Role.LEADER: "1009"}
    bearers: dict[Role, dict[str, str]] = {}
    numbers = count(1)

    async def come(role: Role) -> None:
        scopes = ["agents.read"] if role is Role.SERVICE else []
        name, agent = f"door/{role} {next(numbers)}", work_numbers.get(role, "")
        _, token = await server.acts.tokens.create(OWNER, name=name, role=role, agent=agent, scopes=scopes)
        bearers[role] = {"Authorization": f"Bearer {token}"}

    for role in Role:
        await come(role)
    transport = httpx.ASGITransport(server.application(), raise_app_exceptions=False)
    let_in, unread, wrong = set(), set(), list[str]()
    async with httpx.AsyncClient(transport=transport, base_url="http://hotline", timeout=60) as api:

        async def ask(role: Role, request: dict[str, Any]) -> httpx.Response:
            answer = await api.request(**request | {"headers": request["headers"] | bearers[role]})
            if answer.status_code == 401:  # the administrator has revoked the token, as asked
                await come(role)
                answer = await api.request(**request | {"headers": request["headers"] | bearers[role]})
            if answer.status_code >= 500 and answer.status_code != 503:
                wrong.append(f"{request} by {role}: {answer.status_code} {answer.text}")
            return answer

        description = (await api.get("/api/v1/openapi.json")).json()
        for each in schemathesis.openapi.from_dict(description).get_all_operations():
            operation = f"{each.ok().method.upper()} {each.ok().path}"
            for case in requests_of(each.ok(), GenerationMode.POSITIVE):  # the first that can be read counts
                request = arguments_of(case)
                answer = await ask(Role.SERVICE, request)
                if answer.status_code not in (400, 422):
                    break
            if answer.status_code != 403:
                (unread if answer.status_code in (400, 422) else let_in).add(operation)
            acts = acts_of(answer)
            for role in Role:
                if role is Role.SERVICE or operation == STREAM:
                    continue
                answer = await ask(role, request)
                if any(not reach(role, act) for act in acts) and answer.status_code != 403:
                    wrong.append(f"{operation} by {role}: {answer.status_code}, though it may not do {acts}")
                for act in acts_of(answer):
                    if RULES[act].reach[role] is Reach.ALL or ("alone" in answer.text) != reach(role, act):
                        wrong.append(f"{operation} by {role}: {answer.text}")
    assert wrong == []
    assert (let_in, unread) == (OPEN | OWN | FOUND_FIRST | GIVEN, UNREAD)


def acts_of(answer: httpx.Response) -> list[Act]:
    """The act that a refusal names."""
    named = FORBIDDEN.search(answer.json()["detail"]) if answer.status_code == 403 else None
    return [Act(named["act"] or named["some"])] if named else []


def reach(role: Role, act: Act) -> bool:
    return RULES[act].reach[role] is not Reach.NONE
