import numpy as np
import pytest

from driftline_analyzers.safety.context import N_OTHERS, others_of, strangeness


@pytest.mark.parametrize("n", [1, 2, 5, 6, 40])
def test_others_are_spread_over_the_document_and_leave_the_part_out(n: int) -> None:
    for place in range(n):
        others = others_of(n, place)
        assert place not in others
        assert others == sorted(set(others))
        assert len(others) == min(n - 1, N_OTHERS)
    if n > N_OTHERS + 1:
        assert {others_of(n, 2)[0], others_of(n, 2)[-1]} == {0, n - 1}


def test_a_part_about_something_else_is_strange_and_one_among_its_like_is_not() -> None:
    topic, other = np.eye(4, dtype=np.float32)[:2]
    rows = np.stack([other, topic, topic, topic])
    assert strangeness(rows) == pytest.approx((2 / 5**0.5) - 0, abs=1e-6)
    assert strangeness(np.stack([topic] * 4)) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("n", [1, 2])
def test_nothing_is_strange_where_there_is_too_little_to_compare_with(n: int) -> None:
    assert strangeness(np.eye(4, dtype=np.float32)[:n]) == 0
