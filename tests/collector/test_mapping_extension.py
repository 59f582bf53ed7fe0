"""A dialect file of a user's own: rows in front of the shipped ones, no SQL; a wrong one is refused with the place of the fault."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from benchmarks.recordings import RECORDED_AT_NS, framed, insert
from driftline_collector.deriver import Deriver
from driftline_collector.mapping import load_table
from driftline_core.errors import ConfigError
from driftline_core.store import Store
from tests.collector.otlp_requests import build_request, spans_of

EXTENSION = Path(__file__).parents[2] / "docs" / "dialects_example.yaml"
ATTRIBUTES = {
    "acme.call.id": "c-1",
    "acme.model": "acme-large",
    "acme.usage": '{"tokens": {"in": 11, "out": 3}}',
    "acme.ask": '[{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?"}]',
    "acme.answer": "Because.",
}


def derive(store: Store, project: str, attributes: dict[str, str], *, extension: Path | None) -> list[dict[str, Any]]:
    request = build_request(1, name="call")
    for key, value in attributes.items():
        spans_of(request)[0].attributes.add(key=key).value.string_value = value
    insert(store, framed(request.SerializeToString(), project=project, received_at_ns=RECORDED_AT_NS), token=project)
    derived = Deriver(store, load_table(extension=extension)).spans(
        [project], since=datetime.now(UTC) - timedelta(hours=1)
    )
    assert derived.n_failed == 0
    return store.rows("SELECT *, model FROM generations WHERE project = {p:String}", {"p": project})


def test_an_sdk_that_nobody_knows_is_understood_by_rows_alone(ingest_store: Store, project: str) -> None:
    assert derive(ingest_store, project, ATTRIBUTES, extension=None) == []
    [row] = derive(ingest_store, f"{project}-own", ATTRIBUTES, extension=EXTENSION)
    expected = {
        "dialect": "acme", "kind": "llm", "operation": "chat", "model": "acme-large", "input_tokens": 11, "output_tokens": 3,
        "system_prompt": "Be brief.", "prompt": "Why?", "completion": "Because.",
    }  # fmt: skip
    assert {name: row[name] for name in expected} == expected


def test_a_source_of_ones_own_goes_before_the_shipped_ones(ingest_store: Store, project: str, tmp_path: Path) -> None:
    extension = tmp_path / "own.yaml"
    extension.write_text(
        "fields:\n  user_id: [{resource: tenant}, app.customer]\nproviders: {house-: our-own}\n", "utf-8"
    )
    attributes = {
        "gen_ai.operation.name": "chat",
        "user.id": "shipped",
        "app.customer": "own",
        "gen_ai.request.model": "house-1",
    }
    [row] = derive(ingest_store, project, attributes, extension=extension)
    assert (row["user_id"], row["provider"], row["dialect"]) == ("own", "our-own", "otel-genai")


def test_the_fingerprint_tells_tables_apart(ingest_store: Store) -> None:
    shipped = Deriver(ingest_store, load_table()).mapping
    assert shipped == Deriver(ingest_store, load_table()).mapping
    assert shipped != Deriver(ingest_store, load_table(extension=EXTENSION)).mapping


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fields: [", "expected YAML in "),
        ("", "expected sections of a dialect table in .*got NoneType"),
        ("surprise: 1", "expected sections absent, .*got 'surprise'"),
        ("fields: [a]", "expected fields in .* to be a map of names"),
        ("fields: {modl: [a]}", "got 'modl'"),
        ("fields: {user_id: a}", "expected a list of sources for fields.user_id"),
        ("fields: {user_id: {type: int, from: [a]}}", "expected sources of fields.user_id"),
        ("fields: {user_id: [{key: a, resource: b}]}", "fields.user_id.from.0: .*expected one of a key, a resource"),
        ("fields: {user_id: [{key: a, path: ['b`c']}]}", "fields.user_id.from.0.path.0"),
        ("fields: {user_id: ['$spans']}", "fields.user_id.from.0.key"),
        ("messages: {input_messages: {shape: json}}", "expected a list of sources for messages.input_messages"),
        ("messages: {input_messages: [{shape: json}]}", "messages.input_messages.0.json.key: Field required"),
        ("messages: {output_messages: [{shape: flat, role: a, content: b}]}", "messages.output_messages.0.flat.role"),
        ("messages: {in: []}", "messages.in"),
        ("recognise: {a: b}", "expected recognise in .* to be a list"),
        ("recognise: [{dialect: Acme!, keys: [a]}]", "recognise.0.dialect"),
        ("recognise: [{dialect: acme}]", "recognise.0: .*expected keys or scopes"),
        ("kinds: [{key: a}]", "kinds.0: .*expected one of: key and map"),
        ("kinds: [{present: [a], kind: thing}]", "kinds.0.kind"),
        ("metadata: {prefixes: 3}", "expected a list of sources for metadata.prefixes"),
    ],
)
def test_a_wrong_file_is_refused_with_the_place_of_the_fault(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=message):
        load_table(extension=path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot read the dialect file .*own\.yaml"):
        load_table(extension=tmp_path / "own.yaml")
