"""`feedback()`: what a user thought of an answer, as an OpenTelemetry log record of the GenAI conventions.

It goes where spans go, as one event `gen_ai.evaluation.result` of name `user_feedback` or the app's own. Written as OTLP/JSON here, because
OpenTelemetry's own log modules are private and change from release to release.
Sources: OTLP 1.x JSON encoding; semantic-conventions-genai v1.42.0-dev.
"""

import json
import logging
import math
import os
import queue
import re
import threading
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from opentelemetry import trace

from driftline.capture import is_content_captured

_log = logging.getLogger("driftline")

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,99}")
EVENT: Final = "gen_ai.evaluation.result"
NAME: Final = "user_feedback"
QUEUE_RECORDS: Final = 1_000
COMMENT_CHARACTERS: Final = 10_000
_ATTEMPTS: Final = 4
_FIRST_BACKOFF_S: Final = 0.5
_RETRYABLE: Final = frozenset({429, 502, 503, 504})
_BATCH_RECORDS: Final = 64
_TRACE_DIGITS: Final = 32
_SPAN_DIGITS: Final = 16

Record = dict[str, Any]


class FeedbackSender:
    """Sends records in a thread of its own: bounded, retrying, counting what it drops. Never raises.

    url: .../v1/logs in full. resource: attributes of the app. timeout_s: longest time for one request, in seconds.
    """

    def __init__(
        self,
        url: str,
        *,
        headers: Mapping[str, str],
        resource: Mapping[str, str],
        timeout_s: float,
        certificate: str | None = None,
    ) -> None:
        self.url = url
        self.dropped: Counter[str] = Counter()
        self._headers = {"content-type": "application/json", **headers}
        self._resource = [_attribute(key, value) for key, value in resource.items()]
        self._timeout_s = timeout_s
        self._certificate = certificate
        self._waiting: queue.Queue[Record] = queue.Queue(QUEUE_RECORDS)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._process = os.getpid()

    def send(self, record: Record) -> bool:
        """Queue a record; False when there is no room or it was shut down."""
        if self._stopping.is_set():
            self.dropped["shutdown"] += 1
            return False
        self._run_here()
        try:
            self._waiting.put_nowait(record)
        except queue.Full:
            self.dropped["queue full"] += 1
            _log.warning("driftline: feedback dropped, %d records are waiting already", QUEUE_RECORDS)
            return False
        return True

    def flush(self, *, timeout_s: float) -> bool:
        """Wait until everything was sent or given up; False when that did not end in time."""
        until = time.monotonic() + timeout_s
        while self._waiting.unfinished_tasks and time.monotonic() < until:
            time.sleep(0.01)
        return not self._waiting.unfinished_tasks

    def shutdown(self) -> None:
        """Send what waits, once and without retries, and end. Takes the time of one request at most."""
        self._stopping.set()
        self.flush(timeout_s=self._timeout_s)

    def _run_here(self) -> None:
        """Start the thread, in a forked process anew."""
        with self._lock:
            if self._process != os.getpid():
                self._process, self._thread = os.getpid(), None
                self._waiting = queue.Queue(QUEUE_RECORDS)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="driftline feedback", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            batch = [self._waiting.get()]
            while len(batch) < _BATCH_RECORDS and not self._waiting.empty():
                batch.append(self._waiting.get())
            try:
                self._deliver(batch)
            except Exception as error:  # noqa: BLE001 - the edge of the loop: the app must not notice
                self._give_up(batch, type(error).__name__)
            for _ in batch:
                self._waiting.task_done()

    def _deliver(self, batch: list[Record]) -> None:
        logs = {"scope": {"name": "driftline"}, "logRecords": batch}
        body = json.dumps(
            {"resourceLogs": [{"resource": {"attributes": self._resource}, "scopeLogs": [logs]}]}
        ).encode()
        reason = ""
        for attempt in range(_ATTEMPTS):
            if attempt and self._stopping.wait(_FIRST_BACKOFF_S * 2 ** (attempt - 1)):
                break
            reason, is_final = self._post(body)
            if not reason:
                return
            if is_final:
                break
        self._give_up(batch, reason)

    def _post(self, body: bytes) -> tuple[str, bool]:
        """What went wrong, '' for nothing, and whether another try is of no use."""
        import ssl  # here: 30 ms that only an app that sends feedback should pay
        import urllib.error
        import urllib.request

        request = urllib.request.Request(self.url, data=body, headers=self._headers, method="POST")
        context = ssl.create_default_context(cafile=self._certificate) if self._certificate else None
        try:
            with urllib.request.urlopen(request, timeout=self._timeout_s, context=context):
                return "", True
        except urllib.error.HTTPError as error:
            return f"HTTP {error.code}", error.code not in _RETRYABLE
        except OSError as error:
            return str(getattr(error, "reason", error)), False

    def _give_up(self, batch: list[Record], reason: str) -> None:
        self.dropped["not sent"] += len(batch)
        _log.warning("driftline: %d records of feedback were not sent: %s", len(batch), reason)


_sender: FeedbackSender | None = None


def use_sender(sender: FeedbackSender | None) -> None:
    """Where feedback goes from now on; None: nowhere."""
    global _sender  # noqa: PLW0603 - one set-up a process, see instrument()
    _sender = sender


def feedback(
    *,
    trace_id: str | int | None = None,
    span_id: str | int | None = None,
    score: float | None = None,
    rating: float | None = None,
    comment: str | None = None,
    name: str = NAME,
) -> bool:
    """Say what a user thought of an answer. Never raises and never waits; True when it is on its way, else the log says why not.

    trace_id, span_id: of the call, as hex digits or numbers, e.g. `generation.trace_id`; without span_id the trace as a whole is meant,
        without either the span that runs now. The call may be sent before, after or never.
    score: -1 bad, 0 neutral, 1 good, or between. rating: instead, from 0 (worst) to 1 (best). comment: cut to 10,000 characters, and
        left out where content is not captured. name: which question was answered, where an app asks several.
    Saying it again replaces what was said of this call before under the same name.
    """
    try:
        record = _record(trace_id=trace_id, span_id=span_id, score=score, rating=rating, comment=comment, name=name)
    except ValueError as error:
        _log.warning("driftline: feedback not sent: %s", error)
        return False
    except Exception as error:  # noqa: BLE001 - what cannot be said must not break the app
        _log.warning("driftline: feedback not sent: %s", type(error).__name__)
        return False
    if _sender is None:
        _log.warning("driftline: feedback not sent: call driftline.instrument() first")
        return False
    return _sender.send(record)


def _record(
    *,
    trace_id: str | int | None,
    span_id: str | int | None,
    score: float | None,
    rating: float | None,
    comment: str | None,
    name: str,
) -> Record:
    if not _NAME.fullmatch(name):
        raise ValueError(f"expected a name like {_NAME.pattern}, got {name[:80]!r}")
    if trace_id is None and span_id is None:
        context = trace.get_current_span().get_span_context()
        trace_id, span_id = context.trace_id, context.span_id
    if score is not None and rating is not None:
        raise ValueError("expected score or rating, got both")
    value = _checked("score", score, least=-1.0) if rating is None else _checked("rating", rating, least=0.0)
    if value is not None and rating is not None:
        value = 2 * value - 1
    text = str(comment)[:COMMENT_CHARACTERS].strip() if comment is not None and is_content_captured() else ""
    if value is None and not text:
        raise ValueError("expected a score, a rating or a comment, got none")
    attributes = [_attribute("gen_ai.evaluation.name", name)]
    if name != NAME:  # a judge may send evaluations of any name: this one is a person's
        attributes.append(_attribute("driftline.annotator_kind", "HUMAN"))
    if value is not None:
        attributes.append({"key": "gen_ai.evaluation.score.value", "value": {"doubleValue": value}})
        label = "negative" if value < 0 else "positive" if value > 0 else "neutral"
        attributes.append(_attribute("gen_ai.evaluation.score.label", label))
    if text:
        attributes.append(_attribute("gen_ai.evaluation.explanation", text))
    now_ns = str(time.time_ns())
    ids = {"traceId": _hex("trace_id", trace_id, _TRACE_DIGITS)}
    if span_id is not None:
        ids["spanId"] = _hex("span_id", span_id, _SPAN_DIGITS)
    return {"timeUnixNano": now_ns, "observedTimeUnixNano": now_ns, "eventName": EVENT, "attributes": attributes, **ids}


def _checked(name: str, value: float | None, *, least: float) -> float | None:
    if value is None:
        return None
    number = float(value)
    if not math.isfinite(number) or not least <= number <= 1:
        raise ValueError(f"expected a {name} from {least:g} to 1, got {value!r}")
    return number


def _hex(name: str, value: str | int | None, n_digits: int) -> str:
    text = f"{value:0{n_digits}x}" if isinstance(value, int) else (value or "").strip().lower()
    if len(text) != n_digits or set(text) - set("0123456789abcdef") or not text.strip("0"):
        raise ValueError(f"expected a {name} of {n_digits} hex digits, not all of them 0, got {str(value)[:80]!r}")
    return text


def _attribute(key: str, value: str) -> dict[str, Any]:
    return {"key": key, "value": {"stringValue": value}}
