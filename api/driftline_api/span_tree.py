"""A trace's spans in the order of their tree."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanKey:
    """What places a span: its own id and its parent's (None at a root)."""

    span_id: str
    parent_span_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a span stands: index in the input, depth (0 at a root), and whether its parent did not arrive."""

    index: int
    depth: int
    is_orphan: bool


def tree_order(keys: Sequence[SpanKey]) -> list[Place]:
    """Depth first, siblings in input order, each span once.

    A span whose parent is not there is a root marked orphan; spans that are each other's ancestors begin at the first of them.
    """
    by_id = {key.span_id: index for index, key in reversed(list(enumerate(keys)))}
    children: dict[int, list[int]] = {}
    roots = []
    for index, key in enumerate(keys):
        parent = by_id.get(key.parent_span_id) if key.parent_span_id is not None else None
        if parent is None or parent == index:
            roots.append(index)
        else:
            children.setdefault(parent, []).append(index)
    seen: set[int] = set()
    places = []
    for start in (*roots, *range(len(keys))):
        for index, depth in _walk(start, children, seen):
            parent_id = keys[index].parent_span_id
            places.append(Place(index=index, depth=depth, is_orphan=parent_id is not None and parent_id not in by_id))
    return places


def _walk(start: int, children: dict[int, list[int]], seen: set[int]) -> Iterator[tuple[int, int]]:
    stack = [(start, 0)]
    while stack:
        index, depth = stack.pop()
        if index in seen:
            continue
        seen.add(index)
        yield index, depth
        stack.extend((child, depth + 1) for child in reversed(children.get(index, [])))
