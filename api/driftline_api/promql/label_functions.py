"""label_replace and label_join."""

import re
from collections.abc import Sequence
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from driftline_api.promql.errors import ExecutionError
from driftline_api.promql.matchers import anchored
from driftline_api.promql.values import InstantVector, make_labels, merge_equal

LABEL_NAME: Final = re.compile(r"^[a-zA-Z_][a-zA-Z0-9_]*$", re.ASCII)
_REFERENCE: Final = re.compile(r"\$(?:\$|\{(\w+)\}|(\w+))", re.ASCII)
_GROUP: Final = re.compile(
    r"\\.|\[\^?\]?(?:\\.|\[:\w+:\]|[^\]\\])*\]|\((?:\?P?<(?P<name>\w+)>|(?!\?))", re.ASCII | re.DOTALL
)
_MAX_GROUP: Final = 9


def label_replace(
    vector: InstantVector, *, destination: str, replacement: str, source: str, pattern: str
) -> InstantVector:
    """Sets `destination` where the whole of `source` matches; `$1`, `${name}` in the replacement are the pattern's groups."""
    if not LABEL_NAME.match(destination):
        raise ExecutionError(f"invalid destination label name in label_replace(): {destination}")
    sources = [dict(labels).get(source, "") for labels in vector.labels]
    replaced = _expanded(sources, pattern, replacement)
    labels_out = [
        labels if text is None else make_labels({**dict(labels), destination: text})
        for labels, text in zip(vector.labels, replaced, strict=True)
    ]
    return merge_equal(InstantVector(labels=labels_out, values=vector.values, present=vector.present))


def label_join(vector: InstantVector, *, destination: str, separator: str, sources: Sequence[str]) -> InstantVector:
    """Sets `destination` to the values of `sources` with the separator between them."""
    if not LABEL_NAME.match(destination):
        raise ExecutionError(f"invalid destination label name in label_join(): {destination}")
    for name in sources:
        if not LABEL_NAME.match(name):
            raise ExecutionError(f"invalid source label name in label_join(): {name}")
    labels_out = []
    for labels in vector.labels:
        values = dict(labels)
        joined = separator.join(values.get(name, "") for name in sources)
        labels_out.append(make_labels({**values, destination: joined}))
    return merge_equal(InstantVector(labels=labels_out, values=vector.values, present=vector.present))


def _expanded(texts: list[str], pattern: str, replacement: str) -> list[str | None]:
    """The replacement filled in for each text that the pattern matches as a whole, else None."""
    array = pa.array(texts, pa.string())
    whole = anchored(pattern)
    try:
        matches = pc.match_substring_regex(array, whole).to_pylist()
        pieces = [
            piece if isinstance(piece, str) else pc.replace_substring_regex(array, whole, f"\\{piece}").to_pylist()
            for piece in _pieces(pattern, replacement)
        ]
    except pa.ArrowInvalid as error:
        raise ExecutionError(f"invalid regular expression in label_replace(): {pattern}") from error
    return [
        "".join(piece if isinstance(piece, str) else piece[i] for piece in pieces) if is_match else None
        for i, is_match in enumerate(matches)
    ]


def _pieces(pattern: str, replacement: str) -> list[str | int]:
    """The replacement as literal text and group numbers, by the rules of Go's regexp.Expand."""
    names = [found.group("name") or "" for found in _GROUP.finditer(pattern) if found.group().startswith("(")]
    pieces: list[str | int] = []
    end = 0
    for found in _REFERENCE.finditer(replacement):
        pieces.append(replacement[end : found.start()])
        end = found.end()
        reference = found.group(1) or found.group(2)
        if reference is None:
            pieces.append("$")
            continue
        number = int(reference) if reference.isdigit() else names.index(reference) + 1 if reference in names else None
        if number is None or number > len(names):
            continue
        if number > _MAX_GROUP:
            raise ExecutionError(f"label_replace() refers to group {number}, expected at most {_MAX_GROUP}")
        pieces.append(number)
    return [*pieces, replacement[end:]]
