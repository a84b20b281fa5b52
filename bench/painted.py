"""When a supervisor's browser has painted what happened: the floor's page in the Chromium that the tests use.

    python bench/painted.py ADDRESS TOKEN SECONDS

It opens the floor with the token, prints `ready` when the page shows the agents, and then looks for so many seconds at
which events are painted: the agents are sorted by who changed last, and the reason of each change is its instant. Then
it scrolls through all agents. The last line is JSON: `painted` (ms from each event to the end of the frame that showed
it), `first_paint` and `rows_painted` (ms from the navigation), `frames` (ms between two frames while it scrolls),
`thread` (shares of a core that the page's main thread takes of the processor while events come: all, script, layout),
and `scrolled` (seconds of the same for each frame while it scrolls).
"""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import tempfile
from pathlib import Path

from playwright.async_api import CDPSession

TREE = Path(__file__).resolve().parent.parent
ROWS = '[data-testid^="floor-agent-"]'
FIRST_ROWS = """async (rows) => {
  const there = () => document.querySelector(rows) !== null
  while (!there()) await new Promise((frame) => requestAnimationFrame(frame))
  await new Promise((frame) => requestAnimationFrame(frame))
  const [first] = performance.getEntriesByName('first-contentful-paint')
  return [first ? first.startTime : performance.now(), performance.now()]
}"""
# The store shows changes in an animation frame: the first task after the change is the first one after the frame.
PAINTED = """async ([rows, seconds]) => {
  const painted = [], seen = new Set()
  const fresh = () => {
    const found = []
    for (const row of document.querySelectorAll(rows)) {
      const told = /[0-9]{10}\\.[0-9]{6}/.exec(row.textContent)
      if (told && !seen.has(told[0])) { seen.add(told[0]); found.push(Number(told[0])) }
    }
    return found
  }
  fresh()
  const look = new MutationObserver(() => {
    const found = fresh()
    if (!found.length) return
    const after = new MessageChannel()
    after.port1.onmessage = () => {
      const now = performance.timeOrigin + performance.now()
      for (const instant of found) painted.push(now - 1000 * instant)
    }
    after.port2.postMessage(0)
  })
  look.observe(document.body, { subtree: true, childList: true, characterData: true })
  await new Promise((end) => setTimeout(end, seconds * 1000))
  look.disconnect()
  return painted
}"""
SCROLLED = """async ([rows, seconds]) => {
  const place = document.querySelector(rows).closest('.scroller'), frames = []
  const end = performance.now() + seconds * 1000
  let before = null, down = true
  while (performance.now() < end) {
    const now = await new Promise((frame) => requestAnimationFrame(frame))
    if (before !== null) frames.push(now - before)
    before = now
    if (place.scrollTop + place.clientHeight >= place.scrollHeight - 1) down = false
    if (place.scrollTop === 0) down = true
    place.scrollTop += down ? 60 : -60
  }
  return frames
}"""


async def taken(tools: CDPSession) -> list[float]:
    """Seconds of the processor that the page's main thread has taken: in all, for scripts, for layout and styles."""
    metrics = {each["name"]: each["value"] for each in (await tools.send("Performance.getMetrics"))["metrics"]}
    layout = metrics["LayoutDuration"] + metrics["RecalcStyleDuration"]
    return [metrics["TaskDuration"], metrics["ScriptDuration"], layout]


async def main(address: str, token: str, seconds: float) -> None:
    """Look, and print."""
    sys.path.insert(0, str(TREE))
    from provision import default_cache, desk
    from tests.e2e.desk.browsing import chromium, quiet

    desk.prepare(default_cache(), quiet)
    folder = Path(tempfile.mkdtemp(prefix="sb-"))
    try:
        async with chromium(folder) as browser:
            context = await browser.new_context(
                base_url=address,
                viewport={"width": 1920, "height": 1080},
                locale="zh-CN",
                extra_http_headers={"Authorization": f"Bearer {token}"},
            )
            page = await context.new_page()
            await page.goto("/floor", wait_until="commit")
            first_paint, rows_painted = await page.evaluate(FIRST_ROWS, ROWS)
            await page.get_by_role("table", name="坐席").get_by_role("button", name="时长").click()
            print("ready", flush=True)
            tools = await context.new_cdp_session(page)
            # Of the processor: what a page costs is the same on a busy machine.
            await tools.send("Performance.enable", {"timeDomain": "threadTicks"})
            before = await taken(tools)
            painted = await page.evaluate(PAINTED, [ROWS, seconds])
            thread = [(after - earlier) / seconds for earlier, after in zip(before, await taken(tools), strict=True)]
            before = await taken(tools)
            frames = await page.evaluate(SCROLLED, [ROWS, 4])
            scrolled = [
                (after - earlier) / len(frames) for earlier, after in zip(before, await taken(tools), strict=True)
            ]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    told = {"painted": painted, "first_paint": first_paint, "rows_painted": rows_painted, "frames": frames}
    told |= {"thread": thread, "scrolled": scrolled}
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    asyncio.run(main(sys.argv[1], sys.argv[2], float(sys.argv[3])))
