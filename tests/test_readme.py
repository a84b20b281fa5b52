"""The README's commands run, one after another as a reader would type them, against a fresh hotline."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from urllib.parse import unquote

import pytest

from server.config import ELSEWHERE, variables
from server.hotline import definitions
from tests.e2e.conftest import TREE, Hotline, make_home

README = TREE / "README.md"
PAGES = [README, TREE / "CHANGELOG.md", *sorted((TREE / "docs").rglob("*.md"))]
_BLOCK = re.compile(r"^```sh run\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")


@pytest.mark.e2e
def test_the_commands_of_the_readme_run(tmp_path: Path) -> None:
    blocks = _BLOCK.findall(README.read_text(encoding="utf-8"))
    assert len(blocks) >= 3
    hotline = Hotline(make_home(), preloaded=False)
    try:
        hotline.start()
        # One shell for all blocks: what the first exports is there in the next. Files are written beside the tree.
        script = "\n".join(blocks).replace("call-1.wav", str(tmp_path / "call-1.wav"))
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=TREE,
            env=hotline.environment | {"PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
            timeout=180,
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{hotline.output()}"
        assert hotline.stop() == 0
    finally:
        hotline.end()
        shutil.rmtree(hotline.home, ignore_errors=True)
    assert "hotline  says goodbye and hangs up" in done.stdout
    assert "offer: " in done.stdout
    assert "  user      1001" in done.stdout
    assert "1001  Li Ming" in done.stdout
    assert "usable" in done.stdout
    assert (tmp_path / "call-1.wav").stat().st_size > 16_000


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(TREE)))
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in _LINK.findall(page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = unquote(target).partition("#")
        aimed = (page.parent / file).resolve() if file else page
        assert aimed.exists(), f"{page.name} links to {target}"
        if anchor:
            assert anchor in _anchors(aimed), f"{page.name} links to {target}"


def test_the_pictures_of_the_readme_are_five_and_small() -> None:
    text = README.read_text(encoding="utf-8")
    kept = sorted((TREE / "docs" / "pictures").iterdir())
    assert {file.name for file in kept} == set(re.findall(r"docs/pictures/(\w+\.webp)", text))
    assert len(kept) == 5
    for file in kept:
        data = file.read_bytes()
        assert data[:4] + data[8:12] == b"RIFFWEBP"
        assert len(data) < 120_000, f"{file.name} is {len(data)} bytes: take the pictures anew (make pictures)"
        assert all(name not in data for name in (b"EXIF", b"XMP "))
    # They are on the first screen, before anything is to be installed.
    assert text.index("docs/pictures/report.webp") < text.index("make run")


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ +(.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


OPERATIONS = (TREE / "docs" / "operations.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("variable", sorted(variables().keys() | ELSEWHERE))
def test_every_setting_is_in_the_table_of_settings(variable: str) -> None:
    # `SANSHENG_ASTERISK_USER`, `…_SECRET` share a row.
    assert f"| `{variable}`" in OPERATIONS or f"`…_{variable.rpartition('_')[2]}`" in OPERATIONS


def test_every_metric_is_in_the_table_of_metrics() -> None:
    text = (TREE / "server" / "metrics.py").read_text(encoding="utf-8")
    for name in re.findall(r'"(sansheng_\w+)"', text):
        assert f"| `{name}" in OPERATIONS, name


def test_every_table_of_the_hotline_is_explained_in_its_defaults() -> None:
    text = definitions.DEFAULTS.read_text(encoding="utf-8")
    for name in definitions.TABLES:
        heading = rf"(^#.*\n)+(# )?\[{name}[\].]|(^#.*\n)+{name} ="
        assert re.search(heading, text, re.MULTILINE), f"{name} has no comment in {definitions.DEFAULTS.name}"
