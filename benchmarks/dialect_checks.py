"""What must be true of a recording of a real SDK once it is stored: every expected value that its payload carries, and no other."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from benchmarks.recordings import Recording
from driftline_core.store import Store

Found = tuple[str, str, str]


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
    logs: list[dict[str, Any]]
    evaluations: list[dict[str, Any]]


EXCEPTIONS: Final[dict[tuple[str, str], str]] = {
    ("openinference-openai-agents-agent", "request_model"): "the SDK records the response's parameters only",
    ("litellm-tools", "tool_call_id"): "only in the Python representation of the provider's answer",
    ("traceloop-0.40-rag", "embedding_calls"): "this version traces one of the two",
    ("traceloop-0.40-rag", "embedding_input_tokens_billed"): "this version traces one of the two",
    ("traceloop-0.40-rag", "retrieval.query"): "this version traces no retriever",
    ("traceloop-0.40-rag", "retrieval.doc_texts"): "this version traces no retriever",
    ("traceloop-0.40-rag", "retrieval.doc_ids"): "this version traces no retriever",
    ("traceloop-rag", "retrieval.doc_ids"): "the retriever's span has the documents without their ids",
    (
        "google-adk-cached",
        "total_output_tokens_billed",
    ): "the SDK adds the reasoning tokens, which its total had already",
    ("haystack-rag_embed", "embedding_calls"): "documents were embedded outside the traced pipeline",
    ("haystack-rag_embed", "embedding_input_tokens_billed"): "documents were embedded outside the traced pipeline",
    ("haystack-rag_embed", "retrieval.query"): "the retriever got a vector; the question is on the embedder's span",
    ("openllmetry-llamaindex-rag", "embedding_input_tokens_billed"): "its embedding spans carry no tokens",
    ("openllmetry-langgraph-stream", "response_model"): "the call's span repeats the model that was asked for",
    ("pydantic-ai-error429", "input"): "the prompt is on the agent's span only",
    ("pydantic-ai-error429", "prompt"): "the prompt is on the agent's span only",
    ("pydantic-ai-1.0-error429", "input"): "the prompt is on the agent's span only",
    ("pydantic-ai-1.0-error429", "prompt"): "the prompt is on the agent's span only",
}
"""(group, field) whose expected value the payload cannot carry, although a part of another value looks like it."""

_PARAMETERS: Final = {
    "temperature": ("temperature", r"temperature"),
    "max_tokens": ("max_tokens", r"max_?(output_|completion_)?tokens|maxTokens|maxOutputTokens"),
    "stream": ("is_stream", r"(^|[._\"])(is_)?stream(ing)?($|\")"),
    "finish_reason": ("finish_reason", r"finish_?reason|stop_reason"),
}
"""Expected fields that `expected_values_occur_in` does not speak of: their column, and what their key looks like in a payload."""


def landed(store: Store, recording: Recording) -> Landed:
    """What became of a recording that was inserted and derived."""
    parameters = {"project": recording.project}
    return Landed(
        spans=store.rows("SELECT * FROM spans FINAL WHERE project = {project:String}", parameters),
        rows=store.rows(
            "SELECT *, model FROM generations FINAL WHERE project = {project:String} ORDER BY start_time", parameters
        ),
        calls=store.rows(
            "SELECT * FROM llm_calls(project = {project:String}, from_time = {from_time:DateTime64(3)}, "
            "to_time = {to_time:DateTime64(3)}) ORDER BY start_time",
            {**parameters, "from_time": "2000-01-01 00:00:00.000", "to_time": "2100-01-01 00:00:00.000"},
        ),
        logs=store.rows("SELECT * FROM logs FINAL WHERE project = {project:String}", parameters),
        evaluations=store.rows("SELECT * FROM evaluations FINAL WHERE project = {project:String}", parameters),
    )


def check(recording: Recording, found: Landed) -> list[Check]:
    """Every expected value of the recording against what landed."""
    return [
        Check(field=field, outcome="skipped", why=EXCEPTIONS[recording.group, field])
        if outcome != "ok" and (recording.group, field) in EXCEPTIONS
        else Check(field=field, outcome=outcome, why=why)
        for field, outcome, why in _Comparison(recording, found).run()
    ]


class _Comparison:
    def __init__(self, recording: Recording, found: Landed) -> None:
        self._expected = recording.expected
        self._occurs_in = recording.occurs_in
        self._landed = found
        self._llm = [row for row in found.calls if row["kind"] == "llm"]
        self._embeddings = [row for row in found.calls if row["kind"] == "embedding"]
        self._main = self._llm or self._embeddings
        self._attributes = [item for span in found.spans for item in span["attributes"].items()]
        self._attributes += [
            item for span in found.spans for event in span["events"] for item in event["attributes"].items()
        ]
        self._attributes += [
            item for record in found.logs for item in (("body", record["body"]), *record["attributes"].items())
        ]

    def run(self) -> Iterator[Found]:
        if not self._main:
            yield _found("calls", False, f"expected a call of a model, got none of {len(self._landed.rows)} rows")
            return
        yield from self._identity()
        yield from self._texts()
        yield from self._parameters()
        yield from self._tokens()
        yield from self._counts()
        yield from self._tools()
        yield from self._error()
        yield from self._retrieval()
        yield from self._labels()

    # -- helpers --------------------------------------------------------------------------------------------------

    def _is_carried(self, *names: str) -> bool:
        return any({"traces", "logs"} & set(self._occurs_in.get(name, ())) for name in names)

    def _all(self, field: str, column: str | None = None) -> Found:
        """Every call has the expected value in the column."""
        got = {row[column or field] for row in self._main}
        return _found(field, got == {self._expected[field]}, f"expected {self._expected[field]!r}, got {got!r}")

    # -- what is compared -----------------------------------------------------------------------------------------

    def _identity(self) -> Iterator[Found]:
        for field in ("request_model", "response_model", "session_id", "user_id", "prompt_name", "prompt_version"):
            if self._expected.get(field) is not None and self._is_carried(field):
                yield self._all(field)
        for field in ("provider", "operation"):
            yield self._all(field)
        if self._is_carried("agent_name"):
            names = {row["agent_name"] for row in self._landed.rows}
            yield _found("agent_name", self._expected["agent_name"] in names, f"got {names!r}")

    def _texts(self) -> Iterator[Found]:
        seen = "\n".join(text for row in self._main for text in (row["prompt"], *_contents(row["input_messages"])))
        if self._is_carried("input"):
            missing = [text for text in self._expected["input"] if text not in seen]
            yield _found("input", not missing, f"not found: {missing!r}")
            last = self._main[-1]
            is_llm = last["kind"] == "llm"
            yield _found(
                "prompt",
                not is_llm or any(text in last["prompt"] for text in self._expected["input"]),
                f"got {last['prompt']!r}",
            )
        elif "input" in self._expected:
            yield _found("input", not seen.strip(), f"expected none captured, got {seen!r}")
        outputs = [row["completion"] for row in self._llm]
        if self._is_carried("output"):
            yield _found("output", any(self._expected["output"] in text for text in outputs), f"got {outputs!r}")
        elif self._llm:
            yield _found("output", not any(outputs), f"expected none captured, got {outputs!r}")
        if self._is_carried("system"):
            systems = [row["system_prompt"] for row in self._llm]
            yield _found("system", all(self._expected["system"] in text for text in systems), f"got {systems!r}")

    def _parameters(self) -> Iterator[Found]:
        for field, (column, pattern) in _PARAMETERS.items():
            if self._expected.get(field) is None:
                continue
            got = {row[column] for row in self._main}
            if got <= {None, ""}:
                keys = [
                    key
                    for key, value in self._attributes
                    if re.search(pattern, key) or re.search(rf'"{pattern}"\s*:', value)
                ]
                outcome = "mismatch" if keys else "skipped"
                yield (
                    field,
                    outcome,
                    f"expected {self._expected[field]!r}, got none; {keys[:5] or 'the SDK does not send it'}",
                )
            else:
                yield self._all(field, column)

    def _tokens(self) -> Iterator[Found]:
        names = {
            "input_tokens": "input_tokens", "output_tokens": "output_tokens", "input_tokens_total": "input_tokens",
            "cache_read_tokens": "cache_read_tokens", "cache_write_tokens": "cache_write_tokens",
            "reasoning_tokens": "reasoning_tokens",
        }  # fmt: skip
        for field, column in names.items():
            if self._is_carried(field):
                got = [row[column] for row in self._main]
                yield _found(field, got == [self._expected[field]], f"expected {self._expected[field]}, got {got!r}")
            elif field in self._expected and column not in ("input_tokens", "output_tokens"):
                yield _found(field, all(not row[column] for row in self._main), "expected none")
        if self._is_carried("input_tokens_uncached"):
            row = self._main[0]
            got = [row["input_tokens"] - row["cache_read_tokens"] - row["cache_write_tokens"]]
            yield _found("input_tokens_uncached", got == [self._expected["input_tokens_uncached"]], f"got {got!r}")
        for index, call in enumerate(self._expected.get("llm_calls", ())):
            if self._is_carried(f"llm_calls[{index}].tokens") and index < len(self._llm):
                row = self._llm[index]
                got = [row["input_tokens"], row["output_tokens"]]
                wanted = [call["input_tokens"], call["output_tokens"]]
                yield _found(f"llm_calls[{index}].tokens", got == wanted, f"expected {wanted}, got {got}")
                if "finish_reason" in call:
                    why = f"expected {call['finish_reason']!r}, got {row['finish_reason']!r}"
                    yield _found(
                        f"llm_calls[{index}].finish_reason", row["finish_reason"] == call["finish_reason"], why
                    )
                if "output" in call and self._is_carried("output"):
                    is_there = call["output"] in row["completion"]
                    yield _found(f"llm_calls[{index}].output", is_there, f"got {row['completion']!r}")

    def _counts(self) -> Iterator[Found]:
        failed = sum(row["is_error"] for row in self._llm)
        for field, got in (("llm_calls_ok", len(self._llm) - failed), ("llm_calls_failed", failed)):
            yield _found(field, got == self._expected[field], f"expected {self._expected[field]}, got {got}")
        carries = self._is_carried("input_tokens", "input_tokens_total", "llm_calls[0].tokens", "error.type") or any(
            row["input_tokens"] is not None for row in self._landed.rows if row["kind"] == "llm"
        )
        for field, column in (
            ("total_input_tokens_billed", "input_tokens"),
            ("total_output_tokens_billed", "output_tokens"),
        ):
            counts = [row[column] for row in self._llm]
            if self._expected[field] is None:
                is_marked = all(row["is_usage_estimated"] or row[column] is None for row in self._llm)
                yield _found(field, is_marked, f"expected unknown or marked as an estimate, got {counts!r}")
            elif not carries:
                yield field, "skipped", "the SDK sends no token counts"
            else:
                total = sum(count or 0 for count in counts)
                yield _found(field, total == self._expected[field], f"expected {self._expected[field]}, got {total}")
        traced = any(row["kind"] == "embedding" for row in self._landed.rows)
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
            if self._is_carried("tool_name"):
                is_right = names == {wanted["name"]} and {row["tool_name"] for row in spans} <= {wanted["name"]}
                yield _found("tool_name", is_right, f"got {names!r} and {[row['tool_name'] for row in spans]!r}")
            if self._is_carried("tool_args"):
                got = [_parsed(call["arguments"]) for call in calls]
                yield _found("tool_args", got == [wanted["arguments"]], f"got {got!r}")
                for row in spans:
                    is_there = all(str(value) in row["tool_arguments"] for value in wanted["arguments"].values())
                    is_schema = '"properties"' in row["tool_arguments"]
                    yield _found("tool_args.span", is_there and not is_schema, f"got {row['tool_arguments']!r}")
            if self._is_carried("tool_call_id"):
                ids = [call["id"] for call in calls]
                yield _found("tool_call_id", ids == [wanted["id"]], f"got {ids!r}")
                answered = {message["tool_call_id"] for message in heard if message["tool_call_id"]}
                yield _found("tool_call_id.answer", answered == {wanted["id"]}, f"got {answered!r}")
            if self._is_carried("tool_result"):
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
        if self._is_carried("error.type"):
            yield _found("error.type", wanted["type_contains"] in row["error_type"], f"got {row['error_type']!r}")
        if self._is_carried("error.message"):
            message = row["error_message"]
            yield _found("error.message", wanted["message_contains"] in message, f"got {message!r}")
        if self._is_carried("error.message") and self._is_carried("error.http_status"):
            got = row["http_status_code"]
            yield _found("error.http_status", got == wanted["http_status"], f"got {got!r} and {message!r}")

    def _retrieval(self) -> Iterator[Found]:
        wanted = self._expected.get("retrieval")
        if not wanted:
            return
        found = [row for row in self._landed.rows if row["kind"] == "retrieval"]
        spans = {row["span_id"] for row in found if row["documents"]}
        rows = [row for row in found if row["parent_span_id"] not in spans]  # some trace a retriever inside itself
        documents = [document for row in rows for document in row["documents"]]
        if self._is_carried("retrieval.query"):
            queries = {row["prompt"] for row in rows}
            yield _found("retrieval.query", queries == {wanted["query"]}, f"got {queries!r}")
        known = wanted.get("documents") or [
            {"id": name, "content": text}
            for name, text in zip(wanted["doc_ids"], wanted["documents_available"], strict=True)
        ]
        first = wanted.get("top_document", known[0].get("content"))
        if self._is_carried("retrieval.doc_texts"):
            texts = [document["content"] for document in documents]
            is_right = texts[:1] == [first] and set(texts) <= {document["content"] for document in known}
            yield _found("retrieval.doc_texts", is_right, f"got {texts!r}")
        if self._is_carried("retrieval.doc_ids"):
            ids = [document["id"] for document in documents]
            wanted_ids = [document["id"] for document in known]
            is_right = ids[:1] == wanted_ids[:1] and set(ids) <= set(wanted_ids)
            yield _found("retrieval.doc_ids", is_right, f"got {ids!r}")
        if self._is_carried("retrieval.scores"):
            scores = [document["score"] for document in documents]
            yield _found("retrieval.scores", scores == [document["score"] for document in known], f"got {scores!r}")

    def _labels(self) -> Iterator[Found]:
        """What an app says of itself, wherever it stands in the trace."""
        rows = self._landed.rows
        if self._is_carried("metadata"):
            found = [pair for row in rows for pair in row["metadata"].items()]
            found += [(key.rpartition(".")[2], value) for key, value in self._attributes]
            texts = {(key, str(value)) for key, value in self._expected["metadata"].items()}
            missing = texts - {(key, _text(value)) for key, value in found}
            yield _found("metadata", not missing, f"not found: {missing!r}")
        if self._is_carried("tags"):
            tags = {tag for row in rows for tag in row["tags"]}
            yield _found("tags", set(self._expected["tags"]) <= tags, f"got {tags!r}")
        for field in ("prompt_template", "workflow_name"):
            if self._is_carried(field):
                got = {row[field] for row in rows}
                yield _found(field, self._expected[field] in got, f"got {got!r}")
        for score in self._expected.get("scores", ()):
            if self._is_carried(f"score.{score['name']}"):
                scores = [row["score"] for row in self._landed.evaluations if row["name"] == score["name"]]
                yield _found(f"score.{score['name']}", scores == [score["value"]], f"got {scores!r}")


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


def _text(value: str) -> str:
    parsed = _parsed(value)
    return parsed if isinstance(parsed, str) else value
