"""The desk in a browser, on a whole hotline."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page

from provision import desk
from provision.making import default_cache
from tests.e2e.conftest import Hotline
from tests.e2e.desk.browsing import Complaints, chromium, quiet


@pytest.fixture(scope="session")
def built() -> None:
    """The pages are as their sources say."""
    desk.prepare(default_cache(), quiet)


@pytest.fixture
def browser_home() -> Iterator[Path]:
    """A folder for what a browser writes, with a short path."""
    folder = Path(tempfile.mkdtemp(prefix="sb-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest_asyncio.fixture
async def browser(browser_home: Path) -> AsyncIterator[Browser]:
    """A browser for this test."""
    async with chromium(browser_home) as started:
        yield started


@pytest_asyncio.fixture
async def context(browser: Browser, hotline: Hotline, built: None) -> AsyncIterator[BrowserContext]:
    """A person's browser on the hotline, with a microphone; the test fails when a page complains."""
    made = await browser.new_context(
        base_url=hotline.api,
        viewport={"width": 1366, "height": 768},
        locale="zh-CN",
        permissions=["microphone"],
        reduced_motion="reduce",  # what is half faded in has no contrast yet
    )
    made.set_default_timeout(10_000)
    complaints = Complaints(made)
    yield made
    await made.close()
    assert complaints.said == []


@pytest_asyncio.fixture
async def page(context: BrowserContext) -> Page:
    """One tab of that browser."""
    return await context.new_page()
