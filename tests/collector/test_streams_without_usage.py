"""A stream whose server sent no usage is a call all the same."""

from pathlib import Path

from benchmarks.recordings import RECORDED_AT_NS, framed, insert, load_recordings
from driftline_collector.deriver import Deriver
from driftline_collector.mapping import load_table
from driftline_collector.signals import SIGNALS
from driftline_core.clock import utc_now
from driftline_core.store import Store

_ROOT = "logfire-stream_root"


def test_logfire_s_stream_without_usage_counts_as_one_call(store: Store) -> None:
    """It sends two spans, of the request and of the answer, and tokens only on the second."""
    (recording,) = [one for one in load_recordings(Path(__file__).parent / "recordings") if one.group == _ROOT]
    (body,) = recording.bodies["traces"]
    request = SIGNALS["traces"].request.FromString(body)
    for resource_spans in request.resource_spans:
        for scope_spans in resource_spans.scope_spans:
            for span in scope_spans.spans:
                kept = [one for one in span.attributes if "usage" not in one.key and one.key != "response_data"]
                del span.attributes[:]
                span.attributes.extend(kept)
    frame = framed(request.SerializeToString(), project="bikes", received_at_ns=RECORDED_AT_NS)
    since = utc_now()
    insert(store, frame, token="stream")
    assert Deriver(store, load_table()).spans(["stream"], since=since).n_spans == 2
    calls = store.rows(
        "SELECT name, input_tokens, completion FROM llm_calls(project = 'bikes', "
        "from_time = toDateTime64('2000-01-01 00:00:00', 3, 'UTC'), to_time = toDateTime64('2100-01-01 00:00:00', 3, 'UTC'))"
    )
    assert [(one["input_tokens"], one["completion"]) for one in calls] == [(None, "The Zephyr-9 has eleven gears.")]
