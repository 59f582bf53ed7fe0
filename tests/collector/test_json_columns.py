"""What is read inside JSON attributes, in few parses, whatever shapes the paths want one place to have."""

import json
from typing import Any

import pytest

from driftline_collector.json_columns import JsonColumns
from driftline_collector.mapping import DialectTable, load_table
from driftline_core.store import Store

NAMES = ("prompt_name", "prompt_version", "prompt_template", "prompt_variables", "session_id", "user_id", "agent_name")


def table_of(*paths: tuple[str | int, ...]) -> DialectTable:
    """The shipped table, its fields of text reading these paths inside one attribute instead, and nothing else."""
    table = load_table()
    empty: dict[str, Any] = {name: {"type": field.type, "from": []} for name, field in table.fields_.items()}
    for name, path in zip(NAMES, paths, strict=False):
        empty[name] = {"type": "string", "from": [{"key": "doc", "path": list(path)}]}
    text = {
        "recognise": [{"dialect": "any", "keys": ["doc"]}],
        "kinds": [{"present": ["doc"], "kind": "llm"}],
        "operations": {"llm": "chat"},
        "fields": empty,
        "messages": {"input_messages": [], "output_messages": [], "system_messages": []},
        "documents": [],
    }
    return load_table(json.dumps(text))


def read(store: Store, document: str, *paths: tuple[str | int, ...]) -> tuple[int, list[str]]:
    """How many parses, and the text at each path."""
    columns = JsonColumns(table_of(*paths))
    parses = list(columns.columns(lambda _: "doc"))
    values = ", ".join(columns.value("doc", "doc", path) for path in paths)
    sql = f"SELECT [{values}] AS found FROM (SELECT *, {', '.join(parses)} FROM (SELECT {{doc:String}} AS doc))"
    return len(parses), store.rows(sql, {"doc": document})[0]["found"]


@pytest.mark.parametrize(
    ("document", "paths", "n_parses", "found"),
    [
        ('{"a": {"b": "x", "c": 2}, "d": true}', [("a", "b"), ("a", "c"), ("d",)], 1, ["x", "2", "true"]),
        ('{"a": [{"b": "x"}, {"b": "y"}]}', [("a", 1, "b"), ("a", 2, "b")], 1, ["x", "y"]),
        ('{"a": {"b": "x"}}', [("a",), ("a", "b")], 2, ['{"b":"x"}', "x"]),
        # The engine reads an array into a tuple by place.
        ('{"a": [{"b": "x"}]}', [("a", "b"), ("a", 1, "b")], 2, ['{"b":"x"}', "x"]),
        ('{"a": {"b": "x"}}', [("a", "b"), ("a", 1, "b")], 2, ["x", ""]),
        ('{"a.b": "x", "it\'s": "y"}', [("a.b",), ("it's",)], 1, ["x", "y"]),
        ("[1]", [("a",)], 1, [""]),
        ("{", [("a",)], 1, [""]),
        ("", [("a",)], 1, [""]),
        ('{"a": null}', [("a",), ("b",)], 1, ["", ""]),
    ],
)
def test_paths_are_read(
    empty_store: Store, document: str, paths: list[tuple[str | int, ...]], n_parses: int, found: list[str]
) -> None:
    assert read(empty_store, document, *paths) == (n_parses, found)
