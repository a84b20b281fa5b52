"""`sansheng user`: people who sign in, their passwords and sessions."""

from __future__ import annotations

from pathlib import Path

from tests.redis_server import redis_server
from tests.server.commands.test_callbacks_cli import served
from tests.server.commands.test_cli import home, sansheng
from tests.server.web.api_server import api, server
from tests.server.web.test_session import PASSWORD, browser_of, sign_in

__all__ = ["api", "home", "redis_server", "sansheng", "served", "server"]


async def test_a_user_is_added_listed_changed_disabled_and_enabled(served, server, tmp_path: Path) -> None:
    await served("agent", "add", "1001", "--name", "Li")
    file = tmp_path / "password"
    file.write_text(PASSWORD + "\n")
    done = await served("user", "add", "Li", "--role", "agent", "--agent", "1001", "--password-file", str(file))
    assert (done.code, done.out) == (0, "user li: agent\n"), done.err
    async with browser_of(server) as browser:
        assert not (await sign_in(browser, "li")).json()["must_change_password"]
        (session,) = (await served("user", "sessions", "li", "--json")).json
        assert (session["user"], session["by"]) == ("li", "password")
        assert (await served("user", "sessions", "wang", "--json")).json == []
        ended = await served("user", "sessions", "--end", session["id"])
        assert ended.out == f"session {session['id']} is ended\n"
        assert (await browser.get("/api/v1/session")).status_code == 401
        done = await served("user", "add", "wang", "--role", "leader", "--agent", "1001")
        assert "agent 1001 is the user li already" in done.err
        done = await served("user", "change", "li", "--role", "supervisor", "--agent", "", "--display", "李明")
        assert done.out == "user li: supervisor\n", done.err
        (row,) = (await served("user", "list", "--json")).json
        assert (row["name"], row["display"], row["agent"], row["disabled"]) == ("li", "李明", None, False)
        assert (await served("user", "disable", "li", "--reason", "left")).out == "user li is disabled\n"
        assert (await sign_in(browser, "li")).status_code == 401
        await served("user", "list")  # the server of the test writes its log to the same output
        assert (await served("user", "enable", "li", "--json")).json["disabled"] is False
        assert (await sign_in(browser, "li")).status_code == 200


async def test_a_password_that_is_made_up_is_printed_once_alone(served, server) -> None:
    done = await served("user", "add", "wang", "--role", "department", "--department", "logistics")
    assert "shown only here" in done.err
    async with browser_of(server) as browser:
        shown = (await sign_in(browser, "wang", done.out.strip())).json()
        assert (shown["department"], shown["must_change_password"]) == ("logistics", True)
    again = await served("user", "passwd", "wang", "--keeps")
    async with browser_of(server, "192.0.2.7") as browser:
        assert (await sign_in(browser, "wang", done.out.strip())).status_code == 401
        assert not (await sign_in(browser, "wang", again.out.strip())).json()["must_change_password"]


async def test_what_cannot_be_done_is_said_in_a_sentence(served, tmp_path: Path) -> None:
    for typed, sentence in (
        (("user", "add", "li", "--role", "agent"), "give the work number with --agent"),
        (("user", "add", "L i", "--role", "qa"), "name"),
        (("user", "passwd", "nobody"), "there is no user nobody"),
        (("user", "disable", ""), "there is no user -"),
        (("user", "add", "li", "--role", "qa", "--password-file", str(tmp_path / "none")), "cannot be read"),
        (("user", "add", "li", "--role", "qa", "--password-file", str(tmp_path)), "cannot be read"),
        (("user", "sessions", "--end", "0" * 16), "there is no session"),
    ):
        done = await served(*typed)
        assert done.code == 1
        assert sentence in done.err, typed
    (tmp_path / "short").write_text("short\n")
    done = await served("user", "add", "li", "--role", "qa", "--password-file", str(tmp_path / "short"))
    assert "shorter than 10 characters" in done.err
