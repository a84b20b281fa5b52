"""The desk in a browser, on a whole hotline."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page

from provision import desk
from provision.making import default_cache
from tests.e2e.conftest import Hotline
from tests.e2e.desk.browsing import Complaints, chromium, quiet

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The browser belongs to one event loop, so the tests of pages share that one."""
    for item in items:
        if HERE in item.path.parents and pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest.fixture(scope="session")
def built() -> None:
    """The pages are as their sources say."""
    desk.prepare(default_cache(), quiet)


@contextmanager
def _short_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="sb-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def browser_home() -> Iterator[Path]:
    """A folder for what a browser writes, with a short path."""
    with _short_folder() as folder:
        yield folder


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One browser for all tests of this process: starting one takes longer than many tests."""
    with _short_folder() as folder:
        async with chromium(folder) as started:
            yield started


@pytest_asyncio.fixture(loop_scope="session")
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


@pytest_asyncio.fixture(loop_scope="session")
async def page(context: BrowserContext) -> Page:
    """One tab of that browser."""
    return await context.new_page()
