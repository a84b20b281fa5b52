"""Law: the desk's pages are files that were built before; they hold no secret, and nothing in them runs but themselves.

A file whose name has its hash never changes; `index.html` is asked for each time and stands for every page of the desk.
Who may see what is decided where the pages ask for it: under /api.
"""

from __future__ import annotations

import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

FOLDER = Path(__file__).with_name("pages")
"""Where the build puts the pages."""
NAMES = tuple("desk floor wallboard callbacks tickets customers knowledge qa reports admin try mine".split())  # noqa: SIM905
"""The first parts of the paths that are pages, as in `desk/src/router.ts`."""
NOT_BUILT = (
    "The pages of the desk are not built yet 页面尚未构建.\n\n"
    "Start the server with `make run`, which builds them, or run `make desk` and load this page again.\n"
)
POLICY = (
    "default-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; connect-src 'self'; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
SECURITY = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}
_PACKINGS = (("br", ".br"), ("gzip", ".gz"))
"""Content codings and the endings of the packed files, the smaller first."""
_FOR_EVER, _EACH_TIME = "public, max-age=31536000, immutable", "no-cache"


@dataclass(frozen=True, slots=True)
class _File:
    kind: str
    bodies: dict[str, bytes]
    """Content coding → bytes; the empty one is the file itself."""
    tag: str
    cache: str

    def answer(self, request: Request) -> Response:
        accepted = request.headers.get("accept-encoding", "")
        coding = next((name for name, _ in _PACKINGS if name in self.bodies and accepts(accepted, name)), "")
        # Another coding is another representation: it has a tag of its own.
        tag = f'"{self.tag}{f"-{coding}" if coding else ""}"'
        headers = {**SECURITY, "Cache-Control": self.cache, "ETag": tag, "Vary": "Accept-Encoding"}
        if tag in [each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")]:
            return Response(status_code=304, headers=headers)
        if coding:
            headers["Content-Encoding"] = coding
        return Response(self.bodies[coding], media_type=self.kind, headers=headers)


def accepts(header: str, coding: str) -> bool:
    """Whether this Accept-Encoding takes the coding."""
    for each in header.split(","):
        name, _, rest = each.strip().lower().partition(";")
        if name.strip() in (coding, "*"):
            return rest.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


class Pages:
    """The built files in memory: a build beside a running server never leaves a page half new."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._folder = folder
        self._built = 0
        self._files: dict[str, _File] = {}

    def file(self, name: str) -> _File | None:
        """The file of this name, as it was built last; None when there is none."""
        try:
            # The build writes its stamp last.
            built = (self._folder / "built.json").stat().st_mtime_ns
        except OSError:
            built = 0
        if built != self._built:
            self._files, self._built = (self._read() if built else {}), built
        return self._files.get(name)

    def _read(self) -> dict[str, _File]:
        found: dict[str, _File] = {}
        for path in sorted(self._folder.rglob("*")):
            name = path.relative_to(self._folder).as_posix()
            hidden = path.name.startswith(".") or name.startswith(("built.json", "manifest.json"))
            if path.is_file() and not hidden and path.suffix not in (".br", ".gz"):
                found[name] = self._one(path, name)
        return found

    def _one(self, path: Path, name: str) -> _File:
        bodies = {"": path.read_bytes()}
        for coding, ending in _PACKINGS:
            packed = path.with_name(path.name + ending)
            if packed.exists():
                bodies[coding] = packed.read_bytes()
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        cache = _FOR_EVER if name.startswith("assets/") else _EACH_TIME
        return _File(kind, bodies, hashlib.sha256(bodies[""]).hexdigest()[:20], cache)


def page_routes(folder: Path = FOLDER) -> list[Route]:
    """The pages and their files, at the paths that no other route has. Nobody needs a token to load them."""
    pages = Pages(folder)

    def page(request: Request) -> Response:
        found = pages.file("index.html")
        if found is None:
            return PlainTextResponse(NOT_BUILT, status_code=503, headers={**SECURITY, "Retry-After": "10"})
        return found.answer(request)

    def asset(request: Request) -> Response:
        found = pages.file(request.url.path.removeprefix("/"))
        if found is None:
            raise HTTPException(404)
        return found.answer(request)

    named = [
        Route(path, page, include_in_schema=False) for name in NAMES for path in (f"/{name}", f"/{name}/{{rest:path}}")
    ]
    files = [Route(path, asset, include_in_schema=False) for path in ("/assets/{name}", "/favicon.svg")]
    return [Route("/", page, include_in_schema=False), *files, *named]
