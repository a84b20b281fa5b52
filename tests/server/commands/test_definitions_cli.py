"""`sansheng definitions`: published by a file or a key, shown, and undone."""

from __future__ import annotations

from pathlib import Path

from tests.redis_server import redis_server
from tests.server.commands.test_callbacks_cli import served
from tests.server.commands.test_cli import home, sansheng
from tests.server.web.api_server import api, server

__all__ = ["api", "home", "redis_server", "sansheng", "served", "server"]


async def test_a_key_is_published_shown_and_undone(served, server, tmp_path: Path) -> None:
    done = await served("definitions", "diff", "--set", "queues.complaint.ring_for=25")
    assert (done.code, "+ring_for = 25" in done.out) == (0, True)
    assert "queues.complaint.ring_for changes from 20 to 25" in done.err
    done = await served("definitions", "publish", "--set", "queues.complaint.ring_for=25", "--reason", "longer")
    assert done.out == "version 1 is in force: hotline\n"
    await server.tell()
    (row,) = (await served("definitions", "list", "--json")).json
    assert (row["version"], row["how"], row["reason"]) == (1, "published", "longer")
    assert "ring_for = 25" in (await served("definitions", "show", "hotline")).out
    assert "+ring_for = 25" in (await served("definitions", "show", "1")).out
    done = await served("definitions", "undo")
    assert done.out == "version 2 is in force: the texts of version 0 hold again\n"
    flow = tmp_path / "flows" / "mine.toml"
    flow.parent.mkdir(exist_ok=True)
    flow.write_text('start = "x"\n', encoding="utf-8")
    done = await served("definitions", "publish", str(flow))
    assert done.code == 1
    assert done.err.startswith("sansheng: flows/mine.toml:1: ")
