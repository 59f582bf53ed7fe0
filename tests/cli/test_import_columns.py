"""Columns are named, guessed or missing."""

import pytest

from driftline_cli.importing.columns import ColumnMap, lookup, map_columns, parse_assignments
from driftline_core.errors import InputError

ROW = {"question": "q", "answer": "a", "created_at": 1, "usage": {"prompt_tokens": 3}, "model": "m"}


def test_common_names_are_guessed_and_said_to_be() -> None:
    columns = map_columns([ROW], named={}, constants={})
    assert columns.columns == {
        "prompt": "question",
        "completion": "answer",
        "time": "created_at",
        "model": "model",
        "input_tokens": "usage.prompt_tokens",
    }
    assert columns.guessed == frozenset(columns.columns)


def test_a_named_column_wins_and_is_used_once() -> None:
    columns = map_columns([ROW], named={"completion": "question"}, constants={})
    assert columns.columns["completion"] == "question"
    assert "prompt" not in columns.columns
    assert "completion" not in columns.guessed


def test_a_named_column_that_no_row_has_is_refused() -> None:
    with pytest.raises(InputError, match="expected a column 'text' for prompt, got the columns answer, created_at"):
        map_columns([ROW], named={"prompt": "text"}, constants={})


def test_a_log_without_any_text_is_refused() -> None:
    with pytest.raises(InputError, match="a column of prompts or of completions"):
        map_columns([{"a": 1}], named={}, constants={})


def test_a_constant_fills_only_what_the_row_leaves_empty() -> None:
    columns = ColumnMap(columns={"model": "model"}, constants={"model": "gpt-4", "service": "chatbot"})
    assert columns.value({"model": "claude"}, "model") == "claude"
    assert columns.value({"model": ""}, "model") == "gpt-4"
    assert columns.value({}, "service") == "chatbot"
    assert columns.value({}, "user") is None


def test_dots_reach_into_objects_unless_a_column_is_named_so() -> None:
    assert lookup({"a": {"b": 1}}, "a.b") == 1
    assert lookup({"a.b": 2, "a": {"b": 1}}, "a.b") == 2
    assert lookup({"a": "text"}, "a.b") is None


def test_an_assignment_keeps_equal_signs_in_its_value() -> None:
    assert parse_assignments(["a=b=c"], flag="--filter") == {"a": "b=c"}
    with pytest.raises(InputError, match="expected --filter column=value, got 'a'"):
        parse_assignments(["a"], flag="--filter")
