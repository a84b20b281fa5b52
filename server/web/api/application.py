"""The HTTP API: each route parses a request, calls one act, and shows its value.

Paths under /api/v1 need a bearer token or a session; /healthz, /metrics and the description itself are open to every
client that reaches the port. Errors are problems (see `problems`).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from fastapi import FastAPI, Response
from redis.asyncio import Redis
from starlette.routing import WebSocketRoute

from server.hotline.dispatcher import NotLeading
from server.usecases.conditions import Checked
from server.usecases.groups import UseCases
from server.web.api.agents import agent_routes
from server.web.api.bulletins import bulletin_routes
from server.web.api.callbacks import callback_routes
from server.web.api.calls import call_routes
from server.web.api.conversations import conversation_routes
from server.web.api.customers import customer_routes
from server.web.api.definition_versions import version_routes
from server.web.api.definitions import definition_routes
from server.web.api.exports import export_routes
from server.web.api.floor import floor_routes
from server.web.api.flows import flow_routes
from server.web.api.handovers import handover_routes
from server.web.api.knowledge import knowledge_routes
from server.web.api.links import link_routes
from server.web.api.lists import list_routes
from server.web.api.phone import phone_routes
from server.web.api.privacy import privacy_routes
from server.web.api.problem_pages import problem_routes
from server.web.api.prompt_sounds import prompt_routes
from server.web.api.quality import quality_routes
from server.web.api.quality_reviews import review_routes, training_routes
from server.web.api.recordings import recording_routes
from server.web.api.reports import report_routes
from server.web.api.session import session_routes
from server.web.api.session_openid import openid_routes
from server.web.api.stream import describe_rows, stream_routes
from server.web.api.ticket_drafts import ticket_draft_routes
from server.web.api.tickets import ticket_routes
from server.web.api.tokens import token_routes
from server.web.api.trunks import trunk_routes
from server.web.api.users import user_routes
from server.web.api.watch import Watched, watch_routes
from server.web.api.webhooks import webhook_routes
from server.web.api.why import why_routes
from server.web.authentication import Authentication
from server.web.edge import Edge
from server.web.gate import Gate
from server.web.idempotency import Idempotency
from server.web.lasting import Lasting
from server.web.live.streams import Streams
from server.web.openid import OpenId
from server.web.pages import page_routes
from server.web.phone_socket import PATH as PHONE_SOCKET
from server.web.phone_socket import PhoneSocket
from server.web.preconditions import Preconditions, describe_headers
from server.web.problems import ProblemOut, answer_with_problems


def make_api(
    acts: UseCases,
    watched: Watched,
    authentication: Authentication,
    *,
    redis: Redis | None = None,
    proxies: Sequence[str] = (),
    openid: OpenId | None = None,
    asterisk: str = "",
) -> FastAPI:
    """The application over these acts. `authentication` finds the principal of a request, `watched` is for health.

    `redis` keeps the answers to requests with an Idempotency-Key; without it the header has no effect. `proxies` are
    addresses whose word on a request's origin counts, `openid` is a provider by which people sign in too. `asterisk`
    is the URL of the WebSocket to which browsers' phones are passed on.
    """

    async def settled() -> None:
        with suppress(NotLeading):
            await acts.calls.shown()

    api = FastAPI(
        title="Sansheng 三声",
        version="1",
        summary="A complaint hotline: calls, agents, queues, tickets, recordings.",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    api.state.lasting = Lasting(acts.sign_in, acts.tokens)

    def condition(resource: str) -> Checked | None:
        number = resource.removeprefix("/api/v1/tickets/")
        return acts.tickets.condition(int(number) if number.isdecimal() else 0)

    api.add_middleware(Preconditions, routes=lambda: api.routes, settled=settled, condition=condition)
    api.add_middleware(Idempotency, redis=redis)
    api.add_middleware(Gate, authenticate=authentication)
    api.add_middleware(Edge, proxies=proxies)
    answer_with_problems(api)
    api.state.streams = streams = Streams(acts.live, watched.warnings)
    for routes in (
        watch_routes(watched),
        call_routes(acts.calls),
        why_routes(acts.explanations),
        conversation_routes(acts.conversations),
        ticket_routes(acts.tickets),
        ticket_draft_routes(acts.ticket_drafts),
        recording_routes(acts.recordings, acts.recording_care),
        privacy_routes(acts.recording_deletion),
        floor_routes(acts.calls),
        stream_routes(streams),
        agent_routes(acts.agents),
        phone_routes(acts.browser_phones),
        callback_routes(acts.callbacks),
        report_routes(acts.callbacks, acts.reports),
        handover_routes(acts.handovers),
        trunk_routes(acts.trunks),
        definition_routes(acts.definitions),
        version_routes(acts.versions),
        flow_routes(acts.flows, acts.versions),
        prompt_routes(acts.prompts),
        token_routes(acts.tokens),
        session_routes(acts.sign_in, ("password", *(["oidc"] if openid is not None else []))),
        openid_routes(acts.openid, openid),
        user_routes(acts.users, acts.sign_in),
        quality_routes(acts.quality),
        review_routes(acts.reviews),
        training_routes(acts.training),
        webhook_routes(acts.webhooks),
        export_routes(acts.exports),
        link_routes(acts.links, acts.ticket_links),
        problem_routes(),
        customer_routes(acts.customers, acts.customer_import),
        bulletin_routes(acts.bulletins),
        knowledge_routes(acts.knowledge),
        list_routes(acts.lists),
    ):
        api.router.routes.extend(routes.routes)  # not included: a 405 names the methods of the flat list
    phone_socket = PhoneSocket(acts.browser_phones, asterisk)
    api.router.routes.append(WebSocketRoute(PHONE_SOCKET, phone_socket.serve))
    api.router.routes.extend(page_routes())
    _describe(api)
    return api


def _describe(api: FastAPI) -> None:
    """The description names the shape of a problem; FastAPI's own shape of a refusal is never answered.

    It is written once: anybody may ask for it.
    """
    draw = api.openapi

    def openapi() -> dict[str, Any]:
        if api.openapi_schema is None:
            drawn = draw()
            schemas = drawn["components"]["schemas"]
            for name in ("HTTPValidationError", "ValidationError"):
                schemas.pop(name, None)
            problem = ProblemOut.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas.update(problem.pop("$defs", {}))
            schemas["ProblemOut"] = problem
            describe_rows(schemas)
            describe_headers(drawn, api.routes)
        assert api.openapi_schema is not None
        return api.openapi_schema

    api.openapi = openapi  # type: ignore[method-assign]
    written = b""
    drawing: asyncio.Future[bytes] | None = None

    @api.get("/api/v1/openapi.json", include_in_schema=False)
    async def description() -> Response:
        nonlocal written, drawing
        if not written:
            # It takes seconds to draw, in which calls go on; who asks meanwhile waits for the same drawing.
            if drawing is None or drawing.done() or drawing.get_loop() is not asyncio.get_running_loop():
                drawing = asyncio.ensure_future(
                    asyncio.to_thread(lambda: json.dumps(api.openapi(), ensure_ascii=False).encode())
                )
            written = await asyncio.shield(drawing)
        return Response(written, media_type="application/json")
