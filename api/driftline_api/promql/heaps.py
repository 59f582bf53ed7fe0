"""Which samples topk and bottomk keep, ties included: the heap of Go's container/heap, step for step, where values tie."""

import math

import numpy as np
import numpy.typing as npt

from driftline_api.promql.values import Floats


def best(values: Floats, limit: int, *, is_bottom: bool) -> npt.NDArray[np.int64]:
    """Positions of the `limit` largest (or smallest) values, best first, NaN last. values: (n,)."""
    keys = -values if is_bottom else values
    if len(np.unique(keys)) == len(keys) and not np.isnan(keys).any():
        return np.argsort(-keys, kind="stable")[:limit]
    return np.array(_heap_best(keys.tolist(), limit), dtype=np.int64)


def _heap_best(keys: list[float], limit: int) -> list[int]:
    """Prometheus' way: a min-heap of the best so far; a strictly larger value pops the root and is pushed."""
    heap: list[int] = []

    def is_less(i: int, j: int) -> bool:
        a, b = keys[heap[i]], keys[heap[j]]
        return math.isnan(a) or a < b

    def swap(i: int, j: int) -> None:
        heap[i], heap[j] = heap[j], heap[i]

    def push(position: int) -> None:
        heap.append(position)
        i = len(heap) - 1
        while i > 0 and is_less(i, (i - 1) // 2):
            swap(i, (i - 1) // 2)
            i = (i - 1) // 2

    def pop() -> None:
        swap(0, len(heap) - 1)
        i, size = 0, len(heap) - 1
        while (child := 2 * i + 1) < size:
            if child + 1 < size and is_less(child + 1, child):
                child += 1
            if not is_less(child, i):
                break
            swap(i, child)
            i = child
        heap.pop()

    for position, key in enumerate(keys):
        if len(heap) < limit:
            push(position)
        elif keys[heap[0]] < key or (math.isnan(keys[heap[0]]) and not math.isnan(key)):
            pop()
            push(position)
    return sorted(heap, key=lambda position: (math.isnan(keys[position]), -keys[position]))
