"""Segments: what the calls of a service are divided into before they are compared. Pure."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

SERVICE: Final = "service"
"""The slicing that divides nothing: the whole service is the segment."""
LANGUAGE: Final = "language"
"""The slicing by the language of the prompt, which the store does not know: rows are divided after they were read."""
COLUMNS: Final = (
    SERVICE,
    "model",
    "prompt_version",
    "prompt_name",
    "environment",
    "release",
    "provider",
    "user_id",
    "agent_name",
    LANGUAGE,
)
VERSION_LIKE: Final = frozenset({"model", "prompt_version", "release", "provider"})
"""A value of these replaces another: a new one is compared with what the service said before. Of the others (a tenant, a language) a new
one is somebody new, whom nothing earlier speaks for."""
LLM_ONLY: Final = frozenset({"model", "prompt_version", "prompt_name", "provider", LANGUAGE})
"""Columns that retrievals do not have; they are then tested for the service as a whole."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Segment:
    """by: the slicing; value: its value, the service's name when by is 'service'."""

    service: str
    by: str
    value: str

    @property
    def slicing(self) -> tuple[str, str]:
        """The service and the column it is divided by."""
        return (self.service, self.by)


def is_slicing(name: str) -> bool:
    """True for a column that calls can be divided by."""
    return name in COLUMNS or (name.startswith("metadata.") and len(name) > len("metadata."))


def slicing(name: str) -> str:
    """The name of a column that calls can be divided by. Raises ValueError for any other."""
    if not is_slicing(name):
        raise ValueError(f"expected one of {', '.join(COLUMNS)} or metadata.<key>, got {name!r}")
    return name


def stored_column(name: str) -> str:
    """The name of a column that the store itself knows, or ''. Raises ValueError for any other."""
    if name and (not is_slicing(name) or name in (SERVICE, LANGUAGE)):
        columns = ", ".join(one for one in COLUMNS if one not in (SERVICE, LANGUAGE))
        raise ValueError(f"expected one of {columns} or metadata.<key>, got {name!r}")
    return name


def biggest(
    sizes: Iterable[tuple[Segment, int]], *, max_segments: int
) -> tuple[set[Segment], dict[tuple[str, str], int]]:
    """The segments that are tested: of each slicing of a service the max_segments with the most texts, and how many it leaves out.

    sizes: texts of a segment; one may come several times. Without a value nothing is a segment, except of the model.
    """
    totals: Counter[Segment] = Counter()
    for segment, size in sizes:
        if segment.value or segment.by in ("model", LANGUAGE):
            totals[segment] += size
    chosen: set[Segment] = set()
    n_of: Counter[tuple[str, str]] = Counter()
    for segment in sorted(totals, key=lambda segment: (-totals[segment], segment)):
        n_of[segment.slicing] += 1
        if n_of[segment.slicing] <= max_segments:
            chosen.add(segment)
    return chosen, {slicing: n - max_segments for slicing, n in n_of.items() if n > max_segments}
