from __future__ import annotations

from pathlib import Path

import pytest

from turnout.cli.demo.queries import ROUTES, Query, own_queries, read_queries
from turnout.errors import ConfigError


def test_the_demo_brings_a_few_dozen_queries_of_every_kind() -> None:
    queries = own_queries()
    assert 30 <= len(queries) <= 60
    assert {query.route for query in queries} == set(ROUTES)
    assert any(query.stream for query in queries)
    assert any(not query.text.isascii() for query in queries)
    assert max(len(query.text) for query in queries) > 600
    assert all(query.user and query.source for query in queries)


def test_a_csv_file_may_name_its_columns(tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    file.write_text('user,query,stream,route\nana,"Hello, you",yes,assistant\nben,Bye,,\n')
    assert read_queries(file) == [
        Query(text="Hello, you", user="ana", route="assistant", stream=True),
        Query(text="Bye", user="ben"),
    ]


def test_a_csv_file_without_a_query_column_is_read_by_its_first(tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    file.write_text("\ufeffquestion\nWhere is it?\n\nWho are you?\n", "utf-8")
    assert [query.text for query in read_queries(file)] == ["Where is it?", "Who are you?"]


def test_json_lines_may_be_objects_or_bare_texts(tmp_path: Path) -> None:
    file = tmp_path / "mine.jsonl"
    file.write_text('{"query": "One", "source": "web"}\n\n"Two"\n')
    assert read_queries(file) == [Query(text="One", source="web"), Query(text="Two")]


def test_some_are_streamed_where_the_file_does_not_say(tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    file.write_text("query\n" + "Hello\n" * 10)
    assert sum(query.stream for query in read_queries(file)) == 2


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("empty.csv", "query\n", "no query"),
        ("broken.jsonl", '{"query": "One"}\n{"query"\n', "broken.jsonl:2"),
        ("route.csv", "query,route\nHello,sales\n", "no route 'sales'"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(tmp_path: Path, name: str, text: str, said: str) -> None:
    file = tmp_path / name
    file.write_text(text)
    with pytest.raises(ConfigError, match=said):
        read_queries(file)


def test_a_file_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_queries(tmp_path / "none.csv")
