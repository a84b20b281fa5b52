"""The routes without a token: health, metrics, and the certificate of the private authority."""

from __future__ import annotations

import time
from typing import Any, Protocol

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from pydantic import BaseModel

from server.web.late_route import LateRoute
from server.web.problems import Problem, answers

METRICS_KEPT = 1.0
"""Seconds for which an answer with metrics is reused."""


class Watched(Protocol):
    """The state to watch: problems keep the hotline from taking calls, warnings do not."""

    @property
    def registry(self) -> CollectorRegistry:
        """The metrics."""

    @property
    def authority(self) -> bytes:
        """The certificate of the private authority, in PEM; empty where there is none."""

    def problems(self) -> list[str]:
        """Why a call could not be taken now, as sentences."""

    def warnings(self) -> list[str]:
        """Sentences on what needs the operator's attention although calls are taken."""


class Health(BaseModel):
    """Whether a call could be taken now; if not, why not. Warnings need the operator's attention."""

    ok: bool
    problems: list[str]
    warnings: list[str]


def watch_routes(watched: Watched) -> APIRouter:
    """The routes that need no token."""
    routes = APIRouter(tags=["watch"], route_class=LateRoute)

    @routes.get("/healthz", response_model=Health, responses={503: {"model": Health}})
    async def healthz(response: Response) -> dict[str, Any]:
        """200 when a call could be taken now, 503 with the reasons otherwise."""
        problems = watched.problems()
        response.status_code = 503 if problems else 200
        return {"ok": not problems, "problems": problems, "warnings": watched.warnings()}

    counted, at = b"", -METRICS_KEPT

    @routes.get("/metrics", response_class=PlainTextResponse)
    async def metrics() -> PlainTextResponse:
        """For Prometheus; computed once a second at most, since any client may ask, and every promise is counted."""
        nonlocal counted, at
        if time.monotonic() >= at + METRICS_KEPT:
            counted, at = generate_latest(watched.registry), time.monotonic()
        return PlainTextResponse(counted, media_type=CONTENT_TYPE_LATEST)

    @routes.get("/ca.pem", responses=answers(404))
    async def authority() -> Response:
        """The certificate of the private authority: a browser that trusts it trusts this server."""
        if not watched.authority:
            sentence = "this server has no private authority: its certificate is another's, or it has none"
            raise Problem(404, "Not found", sentence)
        headers = {"Content-Disposition": 'attachment; filename="sansheng-ca.pem"'}
        return Response(watched.authority, media_type="application/x-x509-ca-cert", headers=headers)

    return routes
