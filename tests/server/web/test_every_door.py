"""Every operation of the description asks for a role: whoever has none is refused at each door."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

import acd.events as acd
from acd.policy.definitions import Skill
from server.usecases.principal import Role
from tests.redis_server import redis_server
from tests.server.web.api_server import OWNER, ApiServer, server

__all__ = ["redis_server", "server"]

STREAMS = frozenset({"GET /api/v1/stream"})
"""Answers that go on: they are asked where they are refused alone; tests/server/web/live has what each role is told."""
OPEN = frozenset({"GET /healthz"})
"""What asks for no role."""
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
    for agent in ("1001", "1009"):
        await server.tell(acd.AgentDefined(agent, f"Agent {agent}", (Skill("complaint", 5),), ("A",)))
    bearers = {}
    for role in Role:
        agent = {Role.AGENT: "1001", Role.LEADER: "1009"}.get(role, "")
        scopes = ["agents.read"] if role is Role.SERVICE else []
        _, token = await server.acts.tokens.create(OWNER, name=f"a {role}", role=role, agent=agent, scopes=scopes)
        bearers[role] = {"Authorization": f"Bearer {token}"}
    transport = httpx.ASGITransport(server.application(), raise_app_exceptions=False)
    wrong, let_in, unread = [], set(), set()
    async with httpx.AsyncClient(transport=transport, base_url="http://hotline", timeout=60) as api:
        description = (await api.get("/api/v1/openapi.json")).json()
        bodies = Bodies(description)
        for path, operations in description["paths"].items():
            for method, operation in operations.items():
                name = f"{method.upper()} {path}"
                where, query, body = bodies.request(path, operation)
                # Who may the least comes first: an administrator may take away what is asked for.
                for role in sorted(Role, key=lambda each: (each is Role.ADMINISTRATOR, each is not Role.SERVICE)):
                    if name in STREAMS and role is not Role.SERVICE:
                        continue
                    answer = await api.request(method, where, params=query, json=body, headers=bearers[role])
                    if (answer.status_code >= 500 and answer.status_code != 503) or answer.status_code == 401:
                        wrong.append((name, role, answer.status_code, answer.text[:200]))
                    if role is Role.SERVICE and answer.status_code != 403:
                        (unread if answer.status_code in (400, 422) else let_in).add(name)
    assert wrong == []
    assert let_in == OPEN
    assert unread == set()
