"""Users: what can be one, the first administrator, and the last."""

from __future__ import annotations

import stat
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import acd.events as acd
from acd.policy.definitions import Skill
from server.eventlog.user_events import UserAdded, UserChanged, UserDisabled, UserEnabled, UserPasswordSet
from server.hotline.state import HotlineState
from server.hotline.users import User, Users
from server.storage.database import Database
from server.storage.schema.access_tables import User as Row
from server.usecases.errors import Conflict, Invalid, NotFound
from server.usecases.passwords import LEAST, fault, made_up
from server.usecases.principal import Role
from server.usecases.users import FIRST, UserActs, Wanted, first_file
from tests.redis_server import redis_server
from tests.server.web.api_server import OWNER, ApiServer, api, running, server

__all__ = ["api", "redis_server", "server"]

PASSWORD = "correct horse battery"


@pytest.mark.parametrize(
    ("name", "fields", "sentence"),
    [
        ("Li Ming", {"role": Role.QA}, "a user's name is"),
        ("a" * 65, {"role": Role.QA}, "a user's name is"),
        ("李明", {"role": Role.QA}, "a user's name is"),
        ("Administrator", {"role": Role.QA}, "is the name of the machine's owner"),
        ("li", {"role": Role.SERVICE}, "a service has a token"),
        ("li", {"role": Role.AGENT}, "give the work number"),
        ("li", {"role": Role.AGENT, "agent": "1009"}, "there is no agent 1009"),
        ("li", {"role": Role.LEADER}, "a leader leads teams"),
        ("li", {"role": Role.LEADER, "teams": ("Z",)}, "there is no team Z: there are A"),
        ("li", {"role": Role.QA, "teams": ("A",)}, "teams are led by leaders"),
        ("li", {"role": Role.DEPARTMENT}, "is of one"),
        ("li", {"role": Role.QA, "department": "logistics"}, "departments are those of role department"),
        ("li", {"role": Role.QA, "language": "de"}, "there is no language de"),
    ],
)
async def test_what_cannot_be_a_user_is_refused_in_a_sentence(server: ApiServer, name, fields, sentence) -> None:
    await agents(server)
    with pytest.raises(Invalid, match=sentence):
        await server.acts.users.add(OWNER, name, Wanted(**fields), PASSWORD)
    assert len(server.view.users) == 0


async def agents(server: ApiServer) -> None:
    for number in ("1001", "1002"):
        await server.tell(acd.AgentDefined(number, "Li", (Skill("complaint", 5),), ("A",), f"sip:{number}@127.0.0.1"))


async def test_a_name_and_a_work_number_are_one_users(server: ApiServer) -> None:
    await agents(server)
    users = server.acts.users
    await users.add(OWNER, "Li", Wanted(role=Role.AGENT, agent="1001"), PASSWORD)
    with pytest.raises(Conflict, match="there is a user li already"):
        await users.add(OWNER, "LI", Wanted(role=Role.QA), PASSWORD)
    with pytest.raises(Conflict, match="agent 1001 is the user li already"):
        await users.add(OWNER, "wang", Wanted(role=Role.AGENT, agent="1001"), PASSWORD)
    await users.disable(OWNER, "li", "left")
    await users.add(OWNER, "wang", Wanted(role=Role.AGENT, agent="1001"), PASSWORD)
    with pytest.raises(Conflict, match="agent 1001 is the user wang already"):
        await users.enable(OWNER, "li")
    for act in (users.disable(OWNER, "li"), users.enable(OWNER, "wang")):
        with pytest.raises(Conflict, match=r"already|not disabled"):
            await act
    with pytest.raises(NotFound, match="there is no user zhao"):
        await users.change(OWNER, "zhao", Wanted(role=Role.QA))


async def test_the_last_administrator_stays(server: ApiServer) -> None:
    users = server.acts.users
    await users.add(OWNER, "wang", Wanted(role=Role.ADMINISTRATOR), PASSWORD)
    for act in (users.disable(OWNER, "wang"), users.change(OWNER, "wang", Wanted(role=Role.QA))):
        with pytest.raises(Conflict, match="wang is the last administrator"):
            await act
    await users.add(OWNER, "li", Wanted(role=Role.ADMINISTRATOR), PASSWORD)
    await users.disable(OWNER, "wang")
    with pytest.raises(Conflict, match="li is the last administrator"):
        await users.disable(OWNER, "li")


async def test_changes_of_users_are_in_the_audit(server: ApiServer, api) -> None:
    users = server.acts.users
    await users.add(OWNER, "wang", Wanted(role=Role.SUPERVISOR), PASSWORD)
    await users.change(OWNER, "wang", Wanted(role=Role.QA, display="王芳"))
    assert (await users.change(OWNER, "wang", Wanted(display="王芳"))).display == "王芳"
    await users.set_password(OWNER, "wang", PASSWORD + "!")
    await users.disable(OWNER, "wang", "left")
    await users.enable(OWNER, "wang")
    await server.tell()
    rows = (await api.get("/api/v1/audit?act=users.manage")).json()["items"]
    assert [(row["subject"], row["reason"]) for row in reversed(rows)] == [
        ("user wang: supervisor added", None),
        ("user wang: display 王芳, role qa", None),
        ("user wang: password set", None),
        ("user wang: disabled", "left"),
        ("user wang: enabled", None),
    ]


# The first administrator


async def test_the_first_start_makes_an_administrator_whose_password_stands_in_a_file_until_it_is_changed(
    server: ApiServer,
) -> None:
    users, path = server.acts.users, first_file(server.home)
    path.parent.mkdir(exist_ok=True)
    await users.first_made()
    password = path.read_text().strip()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert users.first_password == password
    user = server.view.users.get(FIRST)
    assert user is not None
    assert (user.role, user.must_change) == (Role.ADMINISTRATOR, False)
    assert await users.passwords.check(password, user.digest)
    again = UserActs(server)
    await again.make_first()
    assert (again.first_password, path.read_text().strip()) == ("", password), "made once, shown once"
    await users.set_password(OWNER, FIRST, PASSWORD)
    assert not path.exists()
    path.write_text("another server's\n")
    await again.make_first()
    assert not path.exists(), "the password of this file was changed meanwhile"


async def test_a_server_that_died_before_the_log_had_the_first_administrator_goes_on_with_the_same_password(
    server: ApiServer,
) -> None:
    path = first_file(server.home)
    path.parent.mkdir(exist_ok=True)
    path.write_text("made-before-it-died\n")
    await server.acts.users.make_first()
    user = server.view.users.get(FIRST)
    assert user is not None
    assert await server.acts.users.passwords.check("made-before-it-died", user.digest)


async def test_a_home_with_users_gets_no_first_administrator(server: ApiServer) -> None:
    await server.acts.users.add(OWNER, "wang", Wanted(role=Role.SUPERVISOR), PASSWORD)
    await server.acts.users.make_first()
    assert server.view.users.get(FIRST) is None
    assert not first_file(server.home).exists()


# Passwords


@pytest.mark.parametrize(
    ("password", "sentence"),
    [
        ("", "shorter than 10"),
        ("123456789", "shorter than 10"),
        ("x" * 201, "longer than 200"),
        ("correct\thorse battery", "a control character"),
        ("li.mingli.ming", "hardly more than the name"),
        ("Li.Ming1234", "hardly more than the name"),
        ("李明明明李明明明李明明明", "first that are tried"),
        ("1234567890", "first that are tried"),
        ("zyxwvutsrq", "first that are tried"),
        ("Password123", "first that are tried"),
        ("qwertyuiop", "first that are tried"),
        ("aaaaaaaaaaaa", "first that are tried"),
        ("a1b2a1b2a1b2", "first that are tried"),
        ("AdminAdmin1!", "first that are tried"),
        ("woaini1314520", "first that are tried"),
    ],
)
def test_a_password_that_would_be_guessed_is_refused(password: str, sentence: str) -> None:
    assert sentence in fault(password, "li.ming", "李明")


def test_a_password_that_is_made_up_can_be_used() -> None:
    assert {fault(made_up(), "li.ming", "李明") for _ in range(200)} == {""}


@given(st.text(st.characters(categories=["L", "N", "P"]), min_size=LEAST, max_size=60), st.text(max_size=20))
def test_a_password_is_refused_by_what_it_is_whatever_the_case_of_its_letters(password: str, name: str) -> None:
    both = fault(password, name), fault(password.casefold(), name)
    if len(password.casefold()) <= 200 and password.casefold().isprintable():
        assert (both[0] == "") == (both[1] == "")


@pytest.mark.parametrize("password", ["correct horse battery", "九月的风吹过黄河大桥边", "T9!kx2#mQw8z"])
def test_a_good_password_is_taken(password: str) -> None:
    assert fault(password, "li.ming", "李明") == ""


# The log and the records


NAMES = st.sampled_from(["li", "wang"])
EVENTS = st.one_of(
    st.builds(UserAdded, NAMES, st.just("x"), st.sampled_from(["qa", "agent"]), subject=st.sampled_from(["", "i|1"])),
    st.builds(UserChanged, NAMES, st.just("y"), st.sampled_from(["qa", "supervisor"])),
    st.builds(UserPasswordSet, NAMES, st.just("digest")),
    st.builds(UserDisabled, NAMES),
    st.builds(UserEnabled, NAMES),
)


@given(st.lists(EVENTS, max_size=30))
def test_whatever_happens_to_users_a_snapshot_has_all_of_it_and_generations_only_grow(events: list[Any]) -> None:
    import msgspec

    users, before = Users(), dict[str, User]()
    for at, event in enumerate(events):
        users.receive(event, float(at))
        for user in users:
            then = before.get(user.name, user)
            assert user.generation >= then.generation
            ends = user.role != then.role or user.digest != then.digest or user.disabled > then.disabled
            assert not ends or user.generation > then.generation
            before[user.name] = user
        restored = Users.restore(msgspec.json.decode(msgspec.json.encode(users.snapshot())))
        assert list(restored) == list(users)
        assert restored.of_subject("i|1") == users.of_subject("i|1")


async def test_a_snapshot_of_the_state_has_the_users(server: ApiServer) -> None:
    await server.acts.users.add(OWNER, "wang", Wanted(role=Role.SUPERVISOR), PASSWORD)
    restored = HotlineState.restore(server.dispatcher.state.snapshot())
    assert list(restored.users) == list(server.view.users)


async def test_the_records_have_the_users_without_their_digests(redis_server, database: Database, tmp_path) -> None:
    from sqlalchemy import select
    from sqlalchemy.orm import Session

    async with running(redis_server, database, tmp_path) as server:
        await agents(server)
        users = server.acts.users
        await users.add(OWNER, "wang", Wanted("王芳", Role.LEADER, "1001", ("A",), language="zh-CN"), PASSWORD)
        await users.change(OWNER, "wang", Wanted(teams=(), display="王"))
        await users.set_password(OWNER, "wang")
        await users.disable(OWNER, "wang", "left")
        await server.tell()
        with Session(database.read) as session:
            (row,) = session.scalars(select(Row)).all()
    assert (row.name, row.display, row.role, row.agent, row.teams) == ("wang", "王", "leader", "1001", "")
    assert (row.disabled, row.must_change, row.added_by, row.language) == (True, True, OWNER.name, "zh-CN")
    assert "$argon2" not in repr([getattr(row, column.key) for column in Row.__table__.columns])
