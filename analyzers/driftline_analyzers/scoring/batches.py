"""Cuts calls into batches that are bounded by count and by characters, so that memory is."""

from collections.abc import Iterator, Mapping, Sequence

from driftline_analyzers.scoring.records import CallHead


def cut_batches(
    heads: Sequence[CallHead], context_chars: Mapping[str, int], *, max_calls: int, max_chars: int
) -> Iterator[Sequence[CallHead]]:
    """Batches in order; a call that is larger than max_chars alone is one. context_chars: of what a trace was given to read, once a batch.
    Calls without any text are left out: there is nothing to say of them."""
    batch: list[CallHead] = []
    traces: set[str] = set()
    n_chars = 0
    for head in heads:
        context = context_chars.get(head.trace_id, 0)
        if head.n_chars + context == 0:
            continue
        more = head.n_chars + (0 if head.trace_id in traces else context)
        if batch and (len(batch) == max_calls or n_chars + more > max_chars):
            yield batch
            batch, traces, n_chars = [], set(), 0
            more = head.n_chars + context
        batch.append(head)
        traces.add(head.trace_id)
        n_chars += more
    if batch:
        yield batch
