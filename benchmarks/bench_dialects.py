"""Do the recordings of real SDKs land with their expected values? One JSON object a recording, then one for all.

    python -m benchmarks.bench_dialects [--recordings ../shared/otlp/dev] [--dialect otel-genai --dialect openinference]

Every recording goes in as a collector would put it in (an envelope around the request, FORMAT Protobuf, the views) and what comes
out of `generations`, `spans` and `llm_calls` is compared with the recording's `.meta.json`. Exits with 1 on a mismatch, and with 0
and a reason where the folder is not there.
"""

import argparse
import json
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.recordings import Recording, frames_of, insert, load_recordings
from benchmarks.report import emit
from driftline_collector.views import ensure_ingest
from driftline_core.settings import StoreSettings
from driftline_core.store import Store, migrate

DIALECTS: Final = ("otel-genai", "openinference")
EXCEPTIONS: Final[Mapping[tuple[str, str], str]] = {
    ("openinference-openai-agents-agent", "request_model"): (
        "the SDK records the response's parameters only: the model that was asked for is not in the payload"
    ),
}
"""(group, field) whose expected value the payload cannot carry, although a part of another value looks like it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One expected value. outcome: ok, mismatch or skipped; why: what was found, or why it was skipped."""

    field: str
    outcome: str
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Landed:
    """What the store holds of one recording. calls: rows of llm_calls by start time."""

    spans: list[dict[str, Any]]
    rows: list[dict[str, Any]]
    calls: list[dict[str, Any]]


def landed(store: Store, recording: Recording) -> Landed:
    """What became of a recording that was inserted."""
    parameters = {"project": recording.group.lower()}
    return Landed(
        spans=store.rows("SELECT * FROM spans FINAL WHERE project = {project:String}", parameters),
        rows=store.rows("SELECT *, model FROM generations FINAL WHERE project = {project:String}", parameters),
        calls=store.rows(
            "SELECT * FROM llm_calls(project = {project:String}, from_time = {from_time:DateTime64(3)}, "
            "to_time = {to_time:DateTime64(3)}) ORDER BY start_time",
            {**parameters, "from_time": "2000-01-01 00:00:00.000", "to_time": "2100-01-01 00:00:00.000"},
        ),
    )


def check(recording: Recording, found: Landed) -> list[Check]:
    """Every expected value of the recording against what landed."""
    return [
        Check(field=field, outcome="skipped", why=EXCEPTIONS[recording.group, field])
        if (recording.group, field) in EXCEPTIONS
        else Check(field=field, outcome=outcome, why=why)
        for field, outcome, why in _Comparison(recording, found).run()
    ]


Found = tuple[str, str, str]


class _Comparison:
    def __init__(self, recording: Recording, found: Landed) -> None:
        self._expected = recording.expected
        self._occurs_in = recording.occurs_in
        self._landed = found
        self._llm = [row for row in found.calls if row["kind"] == "llm"]
        self._embeddings = [row for row in found.calls if row["kind"] == "embedding"]
        self._main = self._llm or self._embeddings
        self._attributes = [item for span in found.spans for item in span["attributes"].items()]
        self._values = "\n".join(value for _, value in self._attributes)

    def run(self) -> Iterator[Found]:
        yield from self._identity()
        yield from self._texts()
        yield from self._parameters()
        yield from self._tokens()
        yield from self._counts()
        yield from self._tools()
        yield from self._error()
        yield from self._retrieval()
        yield from self._raw()

    # -- helpers --------------------------------------------------------------------------------------------------

    def _in_traces(self, *names: str) -> bool:
        return any("traces" in self._occurs_in.get(name, ()) for name in names)

    def _has_key(self, *keys: str) -> bool:
        return any(key in keys for key, _ in self._attributes)

    def _all(self, field: str, column: str | None = None) -> Found:
        """Every call has the expected value in the column."""
        got = {row[column or field] for row in self._main}
        return _found(field, got == {self._expected[field]}, f"expected {self._expected[field]!r}, got {got!r}")

    # -- what is compared -----------------------------------------------------------------------------------------

    def _identity(self) -> Iterator[Found]:
        for field in ("request_model", "response_model", "session_id", "user_id", "prompt_name", "prompt_version"):
            if self._expected.get(field) is not None and self._in_traces(field):
                yield self._all(field)
        for field in ("provider", "operation"):
            yield self._all(field)
        if self._in_traces("agent_name"):
            names = {row["agent_name"] for row in self._landed.rows}
            yield _found("agent_name", self._expected["agent_name"] in names, f"got {names!r}")

    def _texts(self) -> Iterator[Found]:
        seen = "\n".join(text for row in self._main for text in (row["prompt"], *_contents(row["input_messages"])))
        if self._in_traces("input"):
            missing = [text for text in self._expected["input"] if text not in seen]
            yield _found("input", not missing, f"not found: {missing!r}")
            last = self._main[-1]
            is_llm = last["kind"] == "llm"
            yield _found("prompt", not is_llm or last["prompt"] in self._expected["input"], f"got {last['prompt']!r}")
        elif "input" in self._expected:
            yield _found("input", not seen.strip(), f"expected none captured, got {seen!r}")
        outputs = [row["completion"] for row in self._llm]
        if self._in_traces("output"):
            yield _found("output", any(self._expected["output"] in text for text in outputs), f"got {outputs!r}")
        elif self._llm:
            yield _found("output", not any(outputs), f"expected none captured, got {outputs!r}")
        if self._in_traces("system"):
            systems = [row["system_prompt"] for row in self._llm]
            yield _found("system", all(self._expected["system"] in text for text in systems), f"got {systems!r}")

    def _parameters(self) -> Iterator[Found]:
        carried: dict[str, Callable[[], bool]] = {
            "temperature": lambda: self._has_key("gen_ai.request.temperature") or '"temperature"' in self._values,
            "max_tokens": lambda: (
                self._has_key("gen_ai.request.max_tokens")
                or '"max_tokens"' in self._values
                or '"max_completion_tokens"' in self._values
            ),
            "stream": lambda: (
                self._has_key("gen_ai.request.stream")
                or re.search(r'"stream": ?(true|false)', self._values) is not None
            ),
            "finish_reason": lambda: (
                self._has_key("gen_ai.response.finish_reasons", "llm.finish_reason")
                or '"finish_reason"' in self._values
            ),
        }
        columns = {"stream": "is_stream"}
        for field, is_carried in carried.items():
            if field not in self._expected:
                continue
            if is_carried():
                yield self._all(field, columns.get(field, field))
            else:
                got = {row[columns.get(field, field)] for row in self._main}
                yield _found(field, got <= {None, ""}, f"expected nothing, got {got!r}")

    def _tokens(self) -> Iterator[Found]:
        names = {
            "input_tokens": "input_tokens", "output_tokens": "output_tokens", "input_tokens_total": "input_tokens",
            "cache_read_tokens": "cache_read_tokens", "cache_write_tokens": "cache_write_tokens",
            "reasoning_tokens": "reasoning_tokens",
        }  # fmt: skip
        for field, column in names.items():
            if self._in_traces(field):
                got = [row[column] for row in self._main]
                yield _found(field, got == [self._expected[field]], f"expected {self._expected[field]}, got {got!r}")
            elif field in self._expected and column not in ("input_tokens", "output_tokens"):
                yield _found(field, all(not row[column] for row in self._main), "expected none")
        if self._in_traces("input_tokens_uncached"):
            row = self._main[0]
            got = [row["input_tokens"] - row["cache_read_tokens"] - row["cache_write_tokens"]]
            yield _found("input_tokens_uncached", got == [self._expected["input_tokens_uncached"]], f"got {got!r}")
        for index, call in enumerate(self._expected.get("llm_calls", ())):
            if self._in_traces(f"llm_calls[{index}].tokens") and index < len(self._llm):
                row = self._llm[index]
                got = [row["input_tokens"], row["output_tokens"]]
                wanted = [call["input_tokens"], call["output_tokens"]]
                yield _found(f"llm_calls[{index}].tokens", got == wanted, f"expected {wanted}, got {got}")
                if "finish_reason" in call:
                    why = f"expected {call['finish_reason']!r}, got {row['finish_reason']!r}"
                    yield _found(
                        f"llm_calls[{index}].finish_reason", row["finish_reason"] == call["finish_reason"], why
                    )
                if "output" in call and self._in_traces("output"):
                    is_there = call["output"] in row["completion"]
                    yield _found(f"llm_calls[{index}].output", is_there, f"got {row['completion']!r}")

    def _counts(self) -> Iterator[Found]:
        failed = sum(row["is_error"] for row in self._llm)
        for field, got in (("llm_calls_ok", len(self._llm) - failed), ("llm_calls_failed", failed)):
            yield _found(field, got == self._expected[field], f"expected {self._expected[field]}, got {got}")
        carries = self._in_traces("input_tokens", "input_tokens_total", "llm_calls[0].tokens", "error.type") or any(
            key.endswith(("usage.input_tokens", "token_count.prompt")) for key, _ in self._attributes
        )
        for field, column in (
            ("total_input_tokens_billed", "input_tokens"),
            ("total_output_tokens_billed", "output_tokens"),
        ):
            counts = [row[column] for row in self._llm]
            if self._expected[field] is None:
                yield _found(field, set(counts) <= {None}, f"expected unknown, got {counts!r}")
            elif not carries:
                yield field, "skipped", "the SDK sends no token counts"
            else:
                total = sum(count or 0 for count in counts)
                yield _found(field, total == self._expected[field], f"expected {self._expected[field]}, got {total}")
        traced = any(
            value in ("EMBEDDING", "embeddings")
            for key, value in self._attributes
            if key in ("openinference.span.kind", "gen_ai.operation.name")
        )
        tokens = sum(row["input_tokens"] or 0 for row in self._embeddings)
        for field, got in (("embedding_calls", len(self._embeddings)), ("embedding_input_tokens_billed", tokens)):
            if self._expected[field] and not traced:
                yield field, "skipped", "the SDK does not trace the embedding calls of its vector store"
            else:
                yield _found(field, got == self._expected[field], f"expected {self._expected[field]}, got {got}")

    def _tools(self) -> Iterator[Found]:
        said = [message for row in self._llm for message in _messages(row["output_messages"])]
        heard = [message for row in self._llm for message in _messages(row["input_messages"])]
        calls = [call for message in said for call in message["tool_calls"]]
        spans = [row for row in self._landed.rows if row["kind"] == "tool"]
        for wanted in self._expected.get("tool_calls", ()):
            names = {call["name"] for call in calls}
            if self._in_traces("tool_name"):
                is_right = names == {wanted["name"]} and {row["tool_name"] for row in spans} <= {wanted["name"]}
                yield _found("tool_name", is_right, f"got {names!r} and {[row['tool_name'] for row in spans]!r}")
            if self._in_traces("tool_args"):
                got = [_parsed(call["arguments"]) for call in calls]
                yield _found("tool_args", got == [wanted["arguments"]], f"got {got!r}")
                for row in spans:
                    is_there = all(str(value) in row["tool_arguments"] for value in wanted["arguments"].values())
                    is_schema = '"properties"' in row["tool_arguments"]
                    yield _found("tool_args.span", is_there and not is_schema, f"got {row['tool_arguments']!r}")
            if self._in_traces("tool_call_id"):
                ids = [call["id"] for call in calls]
                yield _found("tool_call_id", ids == [wanted["id"]], f"got {ids!r}")
                answered = {message["tool_call_id"] for message in heard if message["tool_call_id"]}
                yield _found("tool_call_id.answer", answered == {wanted["id"]}, f"got {answered!r}")
            if self._in_traces("tool_result"):
                results = [message["content"] for message in heard if message["role"] == "tool"]
                yield _found("tool_result", results == [wanted["result"]], f"got {results!r}")
                for row in spans:
                    got_result = row["tool_result"]
                    yield _found("tool_result.span", got_result == wanted["result"], f"got {got_result!r}")

    def _error(self) -> Iterator[Found]:
        wanted = self._expected.get("error")
        if not wanted:
            yield _found("error", not any(row["is_error"] for row in self._landed.calls), "expected no error")
            return
        [row] = self._main
        yield _found("error.is_error", bool(row["is_error"]) == wanted["is_error"], f"got {row['is_error']!r}")
        if self._in_traces("error.type"):
            yield _found("error.type", wanted["type_contains"] in row["error_type"], f"got {row['error_type']!r}")
        if self._in_traces("error.message"):
            message = row["error_message"]
            yield _found("error.message", wanted["message_contains"] in message, f"got {message!r}")
        if self._in_traces("error.message") and self._in_traces("error.http_status"):
            message = row["error_message"]
            yield _found("error.http_status", str(wanted["http_status"]) in message, f"got {message!r}")

    def _retrieval(self) -> Iterator[Found]:
        wanted = self._expected.get("retrieval")
        if not wanted:
            return
        rows = [row for row in self._landed.rows if row["kind"] == "retrieval"]
        documents = [document for row in rows for document in row["documents"]]
        if self._in_traces("retrieval.query"):
            queries = {row["prompt"] for row in rows}
            yield _found("retrieval.query", queries == {wanted["query"]}, f"got {queries!r}")
        known = wanted.get("documents") or [
            {"id": name, "content": text}
            for name, text in zip(wanted["doc_ids"], wanted["documents_available"], strict=True)
        ]
        first = wanted.get("top_document", known[0].get("content"))
        if self._in_traces("retrieval.doc_texts"):
            texts = [document["content"] for document in documents]
            is_right = texts[:1] == [first] and set(texts) <= {document["content"] for document in known}
            yield _found("retrieval.doc_texts", is_right, f"got {texts!r}")
        if self._in_traces("retrieval.doc_ids"):
            ids = [document["id"] for document in documents]
            is_right = bool(ids) and ids == [document["id"] for document in known][: len(ids)]
            yield _found("retrieval.doc_ids", is_right, f"got {ids!r}")
        if self._in_traces("retrieval.scores"):
            scores = [document["score"] for document in documents]
            yield _found("retrieval.scores", scores == [document["score"] for document in known], f"got {scores!r}")

    def _raw(self) -> Iterator[Found]:
        """What has no column of its own is in the raw attributes."""
        raw = {key: _parsed(value) for key, value in self._attributes}
        for field, key in (
            ("metadata", "metadata"),
            ("tags", "tag.tags"),
            ("prompt_template", "llm.prompt_template.template"),
            ("prompt_variables", "llm.prompt_template.variables"),
        ):
            if self._in_traces(field):
                yield _found(field, raw.get(key) == self._expected[field], f"got {raw.get(key)!r}")
        for score in self._expected.get("scores", ()):
            if self._in_traces(f"score.{score['name']}"):
                prefixes = [key.removesuffix("name") for key, value in raw.items() if value == score["name"]]
                got = [raw.get(f"{prefix}score") for prefix in prefixes]
                yield _found(f"score.{score['name']}", score["value"] in got, f"got {got!r}")


def _found(field: str, is_right: bool, why: str) -> Found:
    return (field, "ok", "") if is_right else (field, "mismatch", why)


def _messages(text: str) -> list[dict[str, Any]]:
    return json.loads(text) if text else []


def _contents(text: str) -> list[str]:
    return [message["content"] for message in _messages(text)]


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recordings", type=Path, default=Path("../shared/otlp/dev"))
    parser.add_argument("--dialect", action="append", help="repeatable; both by default")
    return parser.parse_args()


def main() -> int:
    arguments = _arguments()
    if not arguments.recordings.is_dir():
        emit(bench="dialects", metric="skipped", reason=f"no folder {arguments.recordings}")
        return 0
    recordings = load_recordings(arguments.recordings, arguments.dialect or DIALECTS)
    counts = {"ok": 0, "mismatch": 0, "skipped": 0}
    with tempfile.TemporaryDirectory() as folder:
        store = Store(StoreSettings(path=Path(folder) / "store", dsn=None))
        migrate(store)
        ensure_ingest(store)
        insert(store, b"".join(map(frames_of, recordings)), token="recordings")
        for recording in recordings:
            checks = check(recording, landed(store, recording))
            by_outcome = {outcome: [item for item in checks if item.outcome == outcome] for outcome in counts}
            for outcome, items in by_outcome.items():
                counts[outcome] += len(items)
            emit(
                bench="dialects",
                subject=recording.group,
                dialect=recording.dialect,
                metric="fields_right",
                value=len(by_outcome["ok"]),
                unit="fields",
                mismatches={item.field: item.why for item in by_outcome["mismatch"]},
                skipped={item.field: item.why for item in by_outcome["skipped"]},
            )
        store.close()
    for outcome, count in counts.items():
        emit(
            bench="dialects",
            subject="all",
            metric=f"fields_{outcome}",
            value=count,
            unit="fields",
            recordings=len(recordings),
        )
    return 1 if counts["mismatch"] or not recordings else 0


if __name__ == "__main__":
    sys.exit(main())
