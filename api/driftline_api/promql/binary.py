"""Binary operators between scalars and vectors: arithmetic, comparison, set operators, vector matching."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from driftline_api.promql.errors import ExecutionError
from driftline_api.promql.values import (
    METRIC_NAME,
    Floats,
    InstantVector,
    Labels,
    Mask,
    Scalars,
    drop_name,
    empty_vector,
    make_labels,
    merge_equal,
)

ARITHMETIC: Final[dict[str, Callable[[Floats, Floats], Floats]]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "%": np.fmod,
    "^": np.power,
    "atan2": np.arctan2,
}
COMPARISON: Final[dict[str, Callable[[Floats, Floats], Mask]]] = {
    "==": np.equal,
    "!=": np.not_equal,
    ">": np.greater,
    "<": np.less,
    ">=": np.greater_equal,
    "<=": np.less_equal,
}
SET_OPERATORS: Final = ("and", "or", "unless")

_MANY_TO_MANY: Final = "many-to-many matching not allowed: matching labels must be unique on one side"
_NOT_EXPLICIT: Final = "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)"
_NOT_UNIQUE: Final = "multiple matches for labels: grouping labels must ensure unique matches"


@dataclass(frozen=True, slots=True, kw_only=True)
class Matching:
    """How series of both sides find each other. is_on: by `labels` alone, else by all but those and the name.

    many: the side that may have several series a match (group_left: left); include: labels taken from the other side.
    """

    labels: tuple[str, ...] = ()
    is_on: bool = False
    many: Literal["left", "right"] | None = None
    include: tuple[str, ...] = ()

    def signature(self, labels: Labels) -> Labels:
        """What must be equal for two series to match."""
        if self.is_on:
            return tuple(pair for pair in labels if pair[0] in self.labels)
        return tuple(pair for pair in labels if pair[0] not in self.labels and pair[0] != METRIC_NAME)


def scalars_with_scalars(op: str, left: Scalars, right: Scalars) -> Scalars:
    """Between two numbers; comparisons give 0 or 1."""
    return Scalars(values=_compute(op, left.values, right.values)[0])


def vector_with_scalars(
    op: str, vector: InstantVector, scalars: Scalars, *, is_scalar_left: bool, is_bool: bool
) -> InstantVector:
    """Between each series and a number; a comparison without `bool` keeps the vector's own samples where it holds."""
    number = scalars.values[None, :]
    sides = (number, vector.values) if is_scalar_left else (vector.values, number)
    values, holds = _compute(op, *sides)
    if holds is not None and not is_bool:
        return InstantVector(labels=vector.labels, values=vector.values, present=vector.present & holds).compact()
    result = vector.with_values(np.broadcast_to(values, vector.values.shape).copy())
    return result.without_name() if _drops_name(op, is_bool=is_bool) else result


def vectors(op: str, left: InstantVector, right: InstantVector, matching: Matching, *, is_bool: bool) -> InstantVector:
    """Arithmetic or comparison between the series that match. Raises ExecutionError where a match is not unique."""
    n_steps = left.values.shape[1]
    many, one = (right, left) if matching.many == "right" else (left, right)
    meet: Mask = np.asarray(many.present.any(axis=0) & one.present.any(axis=0))
    rows_of: dict[Labels, list[int]] = defaultdict(list)
    for row, labels in enumerate(one.labels):
        rows_of[matching.signature(labels)].append(row)
    _check_one_side(one, rows_of, meet, side="left" if matching.many == "right" else "right")
    labels_out: list[Labels] = []
    values_out: list[Floats] = []
    present_out: list[Mask] = []
    taken: dict[Labels, Mask] = {}
    for row, labels in enumerate(many.labels):
        signature = matching.signature(labels)
        for partner in rows_of.get(signature, ()):
            present = many.present[row] & one.present[partner]
            sides = (many.values[row], one.values[partner])
            a, b = (sides[1], sides[0]) if matching.many == "right" else sides
            values, holds = _compute(op, a, b)
            if holds is not None and not is_bool:
                values, present = a, present & holds
            if not present.any():
                continue
            if matching.many is None:
                before = taken.setdefault(signature, np.zeros(n_steps, dtype=np.bool_))
                if (before & present).any():
                    raise ExecutionError(_NOT_EXPLICIT)
                before |= present
            drops_name = _drops_name(op, is_bool=is_bool)
            labels_out.append(_result_labels(labels, one.labels[partner], matching, drops_name=drops_name))
            values_out.append(values)
            present_out.append(present)
    if not labels_out:
        return empty_vector(n_steps)
    result = InstantVector(labels=labels_out, values=np.array(values_out), present=np.array(present_out))
    return merge_equal(result, message=_NOT_UNIQUE)


def set_operation(op: str, left: InstantVector, right: InstantVector, matching: Matching) -> InstantVector:
    """`and`, `or`, `unless`: which samples stay depends on which signatures the other side has at the step."""
    if op == "or":
        kept = right.present & ~_seen(right, left, matching)
        joined = InstantVector(
            labels=left.labels + right.labels,
            values=np.concatenate([left.values, right.values]),
            present=np.concatenate([left.present, kept]),
        )
        return merge_equal(joined.compact())
    seen = _seen(left, right, matching)
    kept = left.present & (seen if op == "and" else ~seen)
    return InstantVector(labels=left.labels, values=left.values, present=kept).compact()


def _seen(vector: InstantVector, other: InstantVector, matching: Matching) -> Mask:
    """For each sample of a vector: whether the other has its signature at that step. (n_series, n_steps)"""
    n_steps = vector.values.shape[1]
    masks: dict[Labels, Mask] = {}
    for labels, present in zip(other.labels, other.present, strict=True):
        signature = matching.signature(labels)
        masks[signature] = masks[signature] | present if signature in masks else present
    nowhere = np.zeros(n_steps, dtype=np.bool_)
    rows = [masks.get(matching.signature(labels), nowhere) for labels in vector.labels]
    return np.array(rows, dtype=np.bool_).reshape(len(rows), n_steps)


def _compute(op: str, left: Floats, right: Floats) -> tuple[Floats, Mask | None]:
    """The values, and for a comparison where it holds."""
    if op in COMPARISON:
        holds = COMPARISON[op](left, right)
        return holds.astype(np.float64), holds
    return ARITHMETIC[op](left, right), None


def _drops_name(op: str, *, is_bool: bool) -> bool:
    """Whether the result is another quantity than the operand. atan2 keeps the name, as it does in Prometheus 2.42."""
    return is_bool or (op in ARITHMETIC and op != "atan2")


def _check_one_side(one: InstantVector, rows_of: dict[Labels, list[int]], meet: Mask, *, side: str) -> None:
    for signature, rows in rows_of.items():
        if len(rows) > 1 and ((one.present[rows].sum(axis=0) > 1) & meet).any():
            first, second = (_show(one.labels[row]) for row in rows[:2])
            raise ExecutionError(
                f"found duplicate series for the match group {_show(signature)} on the {side} hand-side of the operation: "
                f"[{second}, {first}];{_MANY_TO_MANY}"
            )


def _result_labels(many: Labels, one: Labels, matching: Matching, *, drops_name: bool) -> Labels:
    labels = drop_name(many) if drops_name else many
    if matching.many is None:
        if matching.is_on:
            return tuple(pair for pair in labels if pair[0] in matching.labels)
        return tuple(pair for pair in labels if pair[0] not in matching.labels)
    if not matching.include:
        return labels
    source, result = dict(one), dict(labels)
    for name in matching.include:
        result[name] = source.get(name, "")
    return make_labels(result)


def _show(labels: Labels) -> str:
    return "{" + ", ".join(f'{name}="{value}"' for name, value in labels) + "}"
