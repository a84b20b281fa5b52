"""The search for articles, on both databases: every word of one, two and more characters, Latin letters and digits."""

from __future__ import annotations

import random

import pytest
from sqlalchemy.orm import Session

from knowledge.events import ArticleRemoved, ArticleSaved
from server.eventlog.log import Entry
from server.storage.database import Database, open_database
from server.storage.projections.article_words import put_words
from server.storage.projector import Projector
from server.storage.queries.knowledge import ArticleFilter, KnowledgeQueries
from server.storage.queries.paging import QueryError
from server.storage.schema.knowledge_tables import Article
from server.storage.schema.migrate import migrate
from tests.conftest import BOTH, shared_database

ARTICLES = (
    ("退款流程", "客户要求退款时，先核对订单号，再按退款规则处理。七个工作日内到账。"),
    ("无法登录系统", "提示错误码 E5021 时，请客户升级到 App 3.2 版本，或使用 5G 网络重试。"),
    ("服务态度投诉", "先道歉，再记录工号 1001 和通话时间。不得与客户争辩。"),
    ("Delivery late 配送延迟", "Ask for the ORDER number. 承诺24小时内回复𠮷先生。"),
    ("退", "仅一个字的标题。"),
)


def fill(database: Database) -> None:
    entries = [
        Entry(f"{number}-0", 1_800_000_000.0 + number, ArticleSaved(number, 1, "article", title, text, by="wang"))
        for number, (title, text) in enumerate(ARTICLES, 1)
    ]
    Projector(database.write).apply(entries)


@pytest.fixture(scope="module", params=BOTH)
def queries(request):
    """For tests that only search."""
    with shared_database(request) as database:
        fill(database)
        yield KnowledgeQueries(database.read)


@pytest.fixture
def found(database_url):
    database = open_database(database_url)
    migrate(database.write)
    fill(database)
    yield KnowledgeQueries(database.read), Projector(database.write)
    database.dispose()


@pytest.mark.parametrize(
    ("asked", "ids"),
    [
        ("退款", [1]),
        ("退", [5, 1]),
        ("款", [1]),
        ("辩", [3]),
        ("登录", [2]),
        ("工作日", [1]),
        ("退款规则", [1]),
        ("投诉态度", []),
        ("态度 投诉", [3]),
        ("e5021", [2]),
        ("E50", [2]),
        ("app 3", [2]),
        ("ａｐｐ", [2]),
        ("5G网络", [2]),
        ("24小时", [4]),
        ("order", [4]),
        ("订单 退款", [1]),
        ("𠮷", [4]),
        ("吉", []),
        ("1001", [3]),
        ("没有这个", []),
        ("' OR 1=1 --", []),
        ('"退款" AND (NOT', [1][:0]),
        ("!?。，", []),
        ("", []),
    ],
)
def test_every_word_is_found_and_no_other(queries, asked: str, ids: list[int]) -> None:
    assert [row["id"] for row in queries.search(asked, ArticleFilter())] == ids


def test_titles_come_first_and_filters_hold(found) -> None:
    queries, projector = found
    saved = ArticleSaved(6, 1, "script", "开场白", "您好，关于退款……", queue="complaint", callback=True)
    other = ArticleSaved(7, 1, "script", "退款话术", "您好。", queue="orders")
    projector.apply([Entry("6-0", 1_800_000_010.0, saved), Entry("7-0", 1_800_000_011.0, other)])
    assert [row["id"] for row in queries.search("退款", ArticleFilter())] == [7, 1, 6]
    assert [row["id"] for row in queries.search("退款", ArticleFilter(kind="script", queue="complaint"))] == [6]
    assert [row["id"] for row in queries.search("退款", ArticleFilter(callback=False), limit=1)] == [7]
    assert [row["id"] for row in queries.page(ArticleFilter(queue="complaint"), limit=2).items] == [6, 5]
    with pytest.raises(QueryError, match="limit"):
        queries.search("退款", ArticleFilter(), limit=0)


def test_a_new_version_is_found_by_its_words_and_a_removed_article_by_none(found) -> None:
    queries, projector = found
    changed = ArticleSaved(1, 2, "article", "换货流程", "先核对订单。", by="li", reason="new rules")
    projector.apply([Entry("8-0", 1_800_000_020.0, changed)])
    assert queries.search("退款流程", ArticleFilter()) == []
    assert [row["version"] for row in queries.search("换货", ArticleFilter())] == [2]
    shown = queries.show(1)
    assert [each["version"] for each in shown["versions"]] == [2, 1]
    assert "退款规则" in queries.version(1, 1)
    projector.apply([Entry("9-0", 1_800_000_021.0, ArticleRemoved(1))])
    assert queries.search("换货", ArticleFilter()) == []
    assert queries.show(1) is None


@pytest.mark.thorough
def test_every_word_of_many_articles_is_found(found, database_url) -> None:
    """Recall is one: each run of two to four characters of a text finds it."""
    chance = random.Random(7)
    letters = [chr(0x4E00 + each) for each in range(300)]
    texts = {number: "".join(chance.choices(letters, k=40)) for number in range(100, 400)}
    database = open_database(database_url)
    with Session(database.write) as session, session.begin():
        for number, text in texts.items():
            session.add(Article(id=number, title="", text=text))
            session.flush()
            put_words(session, number, "", text)
    queries, _ = found
    for number, text in texts.items():
        length = chance.choice((1, 2, 3, 4))
        start = chance.randrange(40 - length)
        asked = text[start : start + length]
        answer = {row["id"] for row in queries.search(asked, ArticleFilter(), limit=1000)}
        assert number in answer, asked
        if length <= 2:
            assert answer == {each for each, other in texts.items() if asked in other}
    database.dispose()
