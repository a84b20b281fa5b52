"""Every operation of the description asks for a role: whoever has none is refused at each door."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from server.usecases.principal import Role
from tests.redis_server import redis_server
from tests.server.web.api_server import OWNER, ApiServer, server

__all__ = ["redis_server", "server"]

STREAM = "GET /api/v1/stream"
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
"""What the asker's one scope lets in."""
UNREAD = frozenset(
    {
        *("DELETE /api/v1/sessions/{number}", "PATCH /api/v1/agents/{agent}/skills", "PATCH /api/v1/tickets/{number}"),
        *("POST /api/v1/agents/import", "POST /api/v1/definitions/publish"),
    }
)
"""What is refused before it is read by whom: the description does not say all that fits. Their acts are in the table of
tests/server/usecases/test_permissions.py."""
NUMBERS = {"agent": "1001", "year": "2027", "language": "zh", "name": "complaint", "part": "hotline", "act": "x"}


class Bodies:
    """The least that fits a description: required fields alone, each with a value of its kind."""

    def __init__(self, description: dict[str, Any]) -> None:
        self._description = description

    def of(self, schema: dict[str, Any]) -> Any:
        """A value that fits the schema, as far as its kind goes."""
        while "$ref" in schema:
            schema = self._description["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        for given in ("const", "default"):
            if given in schema:
                return schema[given]
        if options := schema.get("enum") or schema.get("examples"):
            return options[0]
        if options := schema.get("anyOf") or schema.get("oneOf"):
            return self.of(next(each for each in options if each.get("type") != "null"))
        match schema.get("type"):
            case "integer" | "number":
                return schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1)
            case "boolean":
                return False
            case "array":
                return [self.of(schema.get("items", {})) for _ in range(schema.get("minItems", 0))]
            case "object":
                known = schema.get("properties", {})
                return {name: self.of(known[name]) for name in schema.get("required", ())}
        dated = {"date-time": "2027-01-15T08:00:00Z", "date": "2027-01-15"}.get(schema.get("format", ""))
        return dated or "1001" + "x" * max(0, schema.get("minLength", 0) - 4)

    def request(self, path: str, operation: dict[str, Any]) -> tuple[str, dict[str, Any], Any]:
        """(address, query, body) of a request."""
        query: dict[str, Any] = {}
        for each in operation.get("parameters", ()):
            value = self.of(each.get("schema", {}))
            if each["in"] == "path":
                path = path.replace(f"{{{each['name']}}}", str(NUMBERS.get(each["name"], value)))
            elif each["in"] == "query" and each.get("required"):
                query[each["name"]] = value
        content = operation.get("requestBody", {}).get("content", {})
        body = self.of(content["application/json"]["schema"]) if "application/json" in content else None
        return path, query, body


@pytest.mark.thorough
async def test_every_operation_and_stream_asks_for_a_role(server: ApiServer) -> None:
    await server.call(1)
    await server.queue(1, "13800138000")
    _, token = await server.acts.tokens.create(OWNER, name="door", role=Role.SERVICE, scopes=["agents.read"])
    bearer = {"Authorization": f"Bearer {token}"}
    transport = httpx.ASGITransport(server.application(), raise_app_exceptions=False)
    let_in, unread = set(), set()
    async with httpx.AsyncClient(transport=transport, base_url="http://hotline", timeout=60) as api:
        description = (await api.get("/api/v1/openapi.json")).json()
        bodies = Bodies(description)
        for path, operations in description["paths"].items():
            for method, operation in operations.items():
                where, query, body = bodies.request(path, operation)
                answer = await api.request(method, where, params=query, json=body, headers=bearer)
                if answer.status_code != 403:
                    (unread if answer.status_code in (400, 422) else let_in).add(f"{method.upper()} {path}")
    assert STREAM in [f"{method.upper()} {path}" for path, found in description["paths"].items() for method in found]
    assert (let_in, unread) == (OPEN | OWN | FOUND_FIRST | GIVEN, UNREAD)
