"""The pages are served to everybody who reaches the port, packed, and with a policy that lets nothing else run."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from server.web import pages
from server.web.pages import accepts, page_routes

SCRIPT = b"import('./Page-1.js');" * 100


def build(folder: Path, *, mark: str = "1") -> None:
    """What the build leaves."""
    (folder / "assets").mkdir(parents=True, exist_ok=True)
    (folder / "index.html").write_text(f"<!doctype html><title>三声 {mark}</title>")
    for ending, content in (("", SCRIPT), (".gz", gzip.compress(SCRIPT)), (".br", b"brotli's bytes")):
        (folder / f"assets/index-{mark}.js{ending}").write_bytes(content)
    (folder / "manifest.json").write_text("{}")
    (folder / "built.json").write_text(json.dumps({"digest": mark}))


def client(folder: Path) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(Starlette(routes=page_routes(folder)))
    return httpx.AsyncClient(transport=transport, base_url="http://hotline", headers={"Accept-Encoding": ""})


@pytest.mark.parametrize("path", ["/", "/desk", "/floor", "/tickets/T-7", "/qa/plans/3", "/wallboard?lang=en", "/mine"])
async def test_every_page_is_the_same_document(tmp_path: Path, path: str) -> None:
    build(tmp_path)
    async with client(tmp_path) as browser:
        answer = await browser.get(path)
        head = await browser.head(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert answer.headers["cache-control"] == "no-cache"
    assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", answer.headers["etag"])


async def test_other_paths_are_no_pages(tmp_path: Path) -> None:
    build(tmp_path)
    async with client(tmp_path) as browser:
        for path in (
            "/nowhere",
            "/index.html",
            "/built.json",
            "/manifest.json",
            "/assets/none.js",
            "/assets/../built.json",
        ):
            assert (await browser.get(path)).status_code == 404
        assert (await browser.post("/desk")).status_code == 405


async def test_a_file_with_its_hash_is_kept_for_ever_and_packed_as_the_browser_takes_it(tmp_path: Path) -> None:
    build(tmp_path)
    async with client(tmp_path) as browser:
        plain = await browser.get("/assets/index-1.js")
        zipped = await browser.get("/assets/index-1.js", headers={"Accept-Encoding": "gzip, deflate"})
        async with browser.stream("GET", "/assets/index-1.js", headers={"Accept-Encoding": "gzip, br"}) as smallest:
            sent = b"".join([part async for part in smallest.aiter_raw()])
    assert plain.content == zipped.content == SCRIPT
    assert plain.headers["content-type"].startswith("text/javascript")
    assert (zipped.headers["content-encoding"], smallest.headers["content-encoding"]) == ("gzip", "br")
    assert sent == b"brotli's bytes"
    assert "immutable" in plain.headers["cache-control"]
    assert {plain.headers["vary"], zipped.headers["vary"]} == {"Accept-Encoding"}
    assert len({answer.headers["etag"] for answer in (plain, zipped, smallest)}) == 3


async def test_what_the_browser_has_is_not_sent_again(tmp_path: Path) -> None:
    build(tmp_path)
    async with client(tmp_path) as browser:
        tag = (await browser.get("/desk")).headers["etag"]
        again = await browser.get("/desk", headers={"If-None-Match": f'"other", W/{tag}'})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        build(tmp_path, mark="2")
        anew = await browser.get("/desk", headers={"If-None-Match": tag})
        assert (anew.status_code, "三声 2" in anew.text) == (200, True)


async def test_a_build_beside_the_server_is_seen_and_the_files_of_the_build_before_stay(tmp_path: Path) -> None:
    build(tmp_path)
    async with client(tmp_path) as browser:
        assert "三声 1" in (await browser.get("/")).text
        build(tmp_path, mark="2")
        assert "三声 2" in (await browser.get("/")).text
        assert (await browser.get("/assets/index-1.js")).status_code == 200


async def test_no_script_and_no_style_runs_but_the_pages_own(tmp_path: Path) -> None:
    build(tmp_path)
    async with client(tmp_path) as browser:
        for path in ("/", "/assets/index-1.js"):
            headers = (await browser.get(path)).headers
            policy = headers["content-security-policy"]
            assert "default-src 'self'" in policy
            assert "frame-ancestors 'none'" in policy
            assert "unsafe" not in policy
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["permissions-policy"].startswith("microphone=(self)")


async def test_without_a_build_the_page_says_what_to_do(tmp_path: Path) -> None:
    async with client(tmp_path / "none") as browser:
        answer = await browser.get("/")
        assert answer.status_code == 503
        assert "make run" in answer.text


def test_the_pages_are_those_of_the_router() -> None:
    router = (Path(pages.__file__).parents[2] / "desk/src/router.ts").read_text(encoding="utf-8")
    named = set(re.findall(r"import\('\./pages/(\w+)/Page\.vue'\)", router))
    assert named == set(pages.NAMES)


@pytest.mark.parametrize(
    ("header", "taken"),
    [
        ("br", True),
        ("gzip, br;q=0.5", True),
        ("*", True),
        ("br;q=0", False),
        ("br; q=0.0", False),
        ("gzip", False),
        ("", False),
    ],
)
def test_a_coding_is_taken_as_the_header_says(header: str, taken: bool) -> None:
    assert accepts(header, "br") is taken
