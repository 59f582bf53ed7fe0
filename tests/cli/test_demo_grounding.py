"""What the demo says of answers that their documents do not support."""

from dataclasses import replace
from typing import Any

import pytest

from driftline_cli.demo.grounding import grounded_slice, unsupported_parts
from driftline_cli.demo.traffic import SLICES


def summary(scored: int, flagged: int) -> dict[str, Any]:
    """A score summary of one series."""
    return {"series": [{"scored": scored, "flagged": flagged}] if scored else []}


@pytest.mark.parametrize(
    ("before", "after", "is_right", "is_right_elsewhere"),
    [
        ((900, 4), (700, 690), True, False),
        ((900, 200), (700, 690), False, False),
        ((900, 4), (700, 300), False, False),
        ((900, 4), (700, 9), False, True),
        ((0, 0), (0, 0), False, True),
    ],
)
def test_a_planted_loss_of_facts_must_show_and_not_before_nor_elsewhere(
    before: tuple[int, int], after: tuple[int, int], is_right: bool, is_right_elsewhere: bool
) -> None:
    planted = next(source for source in SLICES if source.is_drift_planted)
    assert grounded_slice(planted, summary(*before), summary(*after)).is_right is is_right
    elsewhere = replace(planted, is_drift_planted=False)
    assert grounded_slice(elsewhere, summary(*before), summary(*after)).is_right is is_right_elsewhere


def test_the_unsupported_words_of_the_shown_start_are_told_apart() -> None:
    spans = [{"start": 30, "end": 99}, {"start": 4, "end": 9}, {"start": 6, "end": 12}]
    score = {"text_preview": "The ride costs 90 euros in all of Europe", "evidence": {"spans": spans}}
    parts = unsupported_parts(score)
    assert parts == [
        ("The ", False),
        ("ride ", True),
        ("cos", True),
        ("ts 90 euros in all", False),
        (" of Europe", True),
    ]
    assert unsupported_parts({"text_preview": "", "evidence": {}}) == []
